"""What recipes do with columns that are no numbers."""

from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder

from skdsn.tracks import is_categorical


def categorical_columns(X):
    """Names of the categorical columns of a frame, for a ColumnTransformer.

    Parameters
    ----------
    X : pandas.DataFrame

    Returns
    -------
    list of str
    """
    return list(X.columns[is_categorical(X)])


def one_hot():
    """Make a stage that turns text into 0/1 columns and keeps the others."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [("onehot", encoder, categorical_columns)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
