"""Leave out columns that tell nothing, and levels that are too rare."""

from numbers import Integral, Real

import numpy as np

from skdsn._core.moments import correlation
from skdsn._sklearn import Interval, RealNotInt
from skdsn.base import RowTransformer
from skdsn.tracks import is_categorical


class _Pruner(RowTransformer):
    """Base of the pruners, which learn ``dropped_``: column to the reason."""

    _text = True
    _missing = True

    def _transform(self, data):
        if not self.dropped_:
            return data
        return data.loc[:, ~data.columns.isin(list(self.dropped_))]

    def _names_out(self, names):
        return [name for name in names if name not in self.dropped_]


def _refuse_empty(pruner, columns):
    if len(pruner.dropped_) == len(columns):
        raise ValueError(
            f"{type(pruner).__name__} would drop all {len(columns)} columns, such as "
            f"{columns[0]!r}; loosen its limit."
        )


class MissingnessPruner(_Pruner):
    """Drop columns of which too many training rows are missing.

    Parameters
    ----------
    max_missing : float, default=0.01
        Largest share of missing rows that a column may have, in [0, 1].

    Attributes
    ----------
    missing_ : Series of shape (n_features_in_,)
        Share of missing rows of each column.
    dropped_ : dict
        Dropped column to its share of missing rows.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_ : bool

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preprocessing import MissingnessPruner
    >>> X = pd.DataFrame({"SNR": [7.0, 8.0], "AGC": [None, -150.0]})
    >>> MissingnessPruner(max_missing=0.2).fit(X).dropped_
    {'AGC': 0.5}
    """

    _parameter_constraints: dict = {
        "max_missing": [Interval(Real, 0, 1, closed="both")]
    }

    def __init__(self, *, max_missing=0.01):
        self.max_missing = max_missing

    def _fit(self, rows, y):
        self.missing_ = rows.data.isna().mean()
        self.dropped_ = self.missing_[self.missing_ > self.max_missing].to_dict()
        _refuse_empty(self, rows.data.columns)


class CardinalityPruner(_Pruner):
    """Drop categorical columns with too many levels and pool the rare ones.

    The limit is absolute: it does not depend on the other columns. Levels that are
    rare in the training rows, or were never seen there, become one level of their
    own. Where no training row was pooled a one-hot encoder behind this stage does not
    know that level: use ``handle_unknown="ignore"``, as the recipes do.

    Parameters
    ----------
    max_levels : int, default=50
        Columns with more distinct levels are dropped (ids, timestamps, free text).
    min_frequency : float or int, default=1
        A level on fewer rows becomes `infrequent`: a share of the training rows if
        a float, a number of rows if an int.
    infrequent : str, default="infrequent"
        Name of the pooled level.

    Attributes
    ----------
    levels_ : dict of str to list of str
        Levels kept, by categorical column.
    dropped_ : dict
        Dropped column to its number of levels.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_ : bool

    Notes
    -----
    Levels are compared as text, and missing values stay missing. Numeric columns
    pass through.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preprocessing import CardinalityPruner
    >>> X = pd.DataFrame({"LOCK": ["IN", "IN", "OUT", "IN"], "ID": list("abcd")})
    >>> CardinalityPruner(max_levels=3, min_frequency=2).fit_transform(X)
             LOCK
    0          IN
    1          IN
    2  infrequent
    3          IN
    """

    _parameter_constraints: dict = {
        "max_levels": [Interval(Integral, 1, None, closed="left")],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
        ],
        "infrequent": [str],
    }

    def __init__(self, *, max_levels=50, min_frequency=1, infrequent="infrequent"):
        self.max_levels = max_levels
        self.min_frequency = min_frequency
        self.infrequent = infrequent

    def _fit(self, rows, y):
        frame = rows.data
        least = self.min_frequency
        if not isinstance(least, Integral):
            least = least * len(frame)
        self.dropped_, self.levels_ = {}, {}
        for name in frame.columns[is_categorical(frame)]:
            counts = as_text(frame[name]).value_counts()
            if len(counts) > self.max_levels:
                self.dropped_[name] = len(counts)
            else:
                self.levels_[name] = sorted(counts.index[counts >= least])
        _refuse_empty(self, frame.columns)

    def _transform(self, data):
        pooled = {}
        for name, levels in self.levels_.items():
            column = as_text(data[name])
            known = column.isin(levels) | column.isna()
            pooled[name] = column.where(known, self.infrequent)
        return super()._transform(data).assign(**pooled)


def as_text(column):
    """Levels as text; missing ones stay missing."""
    return column if column.dtype == "str" else column.astype(object).astype("str")


class CorrelationPruner(_Pruner):
    """Drop numeric columns that repeat an earlier one.

    Greedy, in the order of the columns: a column is dropped if its absolute Pearson
    correlation with a column *kept so far* exceeds the threshold, so of two equal
    columns the first stays and a dropped column drops no other.

    Parameters
    ----------
    threshold : float, default=0.95
        Largest absolute correlation that two kept columns may have, in (0, 1].

    Attributes
    ----------
    dropped_ : dict
        Dropped column to ``(kept column, correlation)``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_ : bool

    Notes
    -----
    Missing values are refused: impute first. The correlation with a constant column
    is undefined and counts as none. Categorical columns pass through.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preprocessing import CorrelationPruner
    >>> X = pd.DataFrame({"a": [1.0, 2, 4], "b": [2.0, 4, 8], "c": [1.0, 5, 2]})
    >>> CorrelationPruner().fit(X).get_feature_names_out()
    array(['a', 'c'], dtype=object)
    """

    _parameter_constraints: dict = {"threshold": [Interval(Real, 0, 1, closed="right")]}
    _missing = False

    def __init__(self, *, threshold=0.95):
        self.threshold = threshold

    def _fit(self, rows, y):
        frame = rows.data
        numeric = frame.loc[:, ~is_categorical(frame)]
        correlations = correlation(numeric.to_numpy(dtype=np.float64))
        kept, self.dropped_ = [], {}
        for column, name in enumerate(numeric.columns):
            with_kept = correlations[column, kept]
            excess = np.flatnonzero(np.abs(with_kept) > self.threshold)
            if len(excess):
                first = excess[0]
                partner = numeric.columns[kept[first]]
                self.dropped_[name] = (partner, float(with_kept[first]))
            else:
                kept.append(column)
