"""From rows of the feed to the state of the link."""

from numbers import Integral

from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from skdsn._sklearn import MAX_GAP, HasMethods, Interval, StrOptions, validate_params
from skdsn.dsn_now._features import LinkStateFeatures
from skdsn.dsn_now._labels import LabelledRows
from skdsn.preprocessing import CyclicalTimeEncoder

ESTIMATORS = ("forest", "logistic", "naive_bayes", "linear_svc")


@validate_params(
    {
        "estimator": [StrOptions(set(ESTIMATORS)), HasMethods(["fit", "predict"])],
        "horizon": MAX_GAP,
        "allow_same_time": ["boolean"],
        "previous": ["boolean"],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [None, StrOptions({"balanced"}), dict],
        "max_gap": MAX_GAP,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_link_state_classifier(
    estimator="forest",
    *,
    horizon=None,
    allow_same_time=False,
    previous=False,
    stride=1,
    class_weight="balanced",
    max_gap="10min",
    random_state=None,
):
    """Make a Pipeline from the rows of the feed to the state of the downlink.

    Parameters
    ----------
    estimator : {"forest", "logistic", "naive_bayes", "linear_svc"} or classifier, \
default="forest"
        A classifier of one's own is given numbers scaled to mean 0 and variance 1.
    horizon : float, str or pandas.Timedelta, default=None
        How far ahead the labels are, as in :func:`link_state_labels`. None tells the
        state of the row itself, and nothing of the same signal in the same row is
        used. With a horizon the row is past, and all of it is.
    allow_same_time : bool, default=False
        Use the signal type, rate, power and debug string of the row even if the state
        of that row is asked for. They give it away: for demonstration only.
    previous : bool, default=False
        Without a horizon, use the state of the row before and how long it has lasted.
    stride : int, default=1
        Learn from every `stride`-th labelled row; rows seconds apart are nearly copies.
    class_weight : "balanced", dict or None, default="balanced"
        Weights of the states in training, where `estimator` is a name; naive Bayes has
        none, and takes all states as equally likely under "balanced".
    max_gap : float, str or pandas.Timedelta, default="10min"
        After a longer step in time the past is forgotten.
    random_state : int, RandomState instance or None, default=None
        Seeds a classifier given by name.

    Returns
    -------
    imblearn.pipeline.Pipeline
        ``features`` (:class:`LinkStateFeatures`), ``clock`` (time of day),
        ``labelled`` (leaves unlabelled rows out in ``fit``), ``encode`` (imputes with
        an indicator, scales, one-hot encodes; learns from the labelled training rows
        only), ``classifier``.

    See Also
    --------
    link_state_labels : Makes the labels.
    compare_link_state_models : These models beside persistence.

    Notes
    -----
    The forest has 200 trees and at least five rows in a leaf. Texts unseen in training
    are encoded as zeros. A model of the binary labels ``target="lost"`` can be run on
    chunks by :class:`skdsn.streaming.StreamingDetector`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.dsn_now import link_state_labels, make_link_state_classifier
    >>> times = pd.date_range("2019-02-09", periods=40, freq="1min")
    >>> index = pd.MultiIndex.from_product([["DSS14/VGR1/0001"], times])
    >>> debug = ["IDLE OFF 0 MCD2"] * 20 + ["IN LOCK OFF 1 MCD2"] * 20
    >>> X = pd.DataFrame(
    ...     {"elevationAngle": range(40), "signalTypeDebug_downsignal": debug}, index
    ... )
    >>> model = make_link_state_classifier("logistic")
    >>> model = model.fit(X, link_state_labels(X))
    >>> model.predict(X.iloc[[0, 39]]).tolist()
    ['idle', 'locked']
    """
    from imblearn.pipeline import Pipeline

    own = "same" if horizon is not None or allow_same_time else "drop"
    if own == "drop" and previous:
        own = "previous"
    positive = estimator == "naive_bayes"
    scaler = StandardScaler()
    if estimator == "forest":
        scaler = FunctionTransformer(feature_names_out="one-to-one")
    elif positive:
        scaler = MinMaxScaler(clip=True)
    return Pipeline(
        [
            ("features", LinkStateFeatures(own_signal=own, max_gap=max_gap)),
            ("clock", CyclicalTimeEncoder(periods=["hour"])),
            ("labelled", LabelledRows(stride=stride)),
            ("encode", _encoder(scaler)),
            ("classifier", _classifier(estimator, class_weight, random_state)),
        ]
    )


def _encoder(scaler):
    """Numbers imputed and scaled, texts one-hot."""
    imputer = SimpleImputer(
        strategy="median", add_indicator=True, keep_empty_features=True
    )
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(imputer, scaler),
                make_column_selector(dtype_include="number"),
            ),
            ("texts", texts, make_column_selector(dtype_exclude="number")),
        ],
        verbose_feature_names_out=False,
    )


def _classifier(estimator, class_weight, random_state):
    if not isinstance(estimator, str):
        return clone(estimator)
    if estimator == "naive_bayes":
        return MultinomialNB(fit_prior=class_weight is None)
    weights = {"class_weight": class_weight, "random_state": random_state}
    if estimator == "forest":
        return RandomForestClassifier(200, min_samples_leaf=5, **weights)
    if estimator == "linear_svc":
        return LinearSVC(**weights)
    return LogisticRegression(max_iter=1000, **weights)
