"""Recipes for station passes with labels: from raw telemetry to scored rows."""

from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skdsn.detectors._balance import AdaptiveSMOTE
from skdsn.detectors.recipes._columns import one_hot
from skdsn.detectors.recipes._pipeline import as_detector
from skdsn.encoders import CNNBiLSTMEncoder, LSTMForecaster, TransformerEncoder
from skdsn.labeling import WindowLabeler
from skdsn.preprocessing import (
    CardinalityPruner,
    CausalImputer,
    CorrelationPruner,
    CyclicalTimeEncoder,
    MissingnessPruner,
    TrackAligner,
)

# Time tells when, not how: an input of the networks, never a target. Absolute time
# is no input at all: later passes lie outside its training range, see
# docs/decisions.md.
_CLOCKS = ("seconds_since_track_start", "hour_sin", "hour_cos")

# Columns of the missions' files that repeat the time, or tell the band.
_JWST_DROP = (
    "RECEIVED_AT_TS",
    "LNA_AMPLIFIER",
    "UPLINK_CARRIER_BAND",
    "DOWNLINK_CARRIER_BAND",
)
_MRO_DROP = ("AOJE",)


def _keep(pattern):
    return ColumnTransformer(
        [("keep", "passthrough", make_column_selector(pattern))],
        verbose_feature_names_out=False,
    )


def make_mro_detector(
    *,
    window=100,
    max_epochs=50,
    fit_stride=1,
    predict_stride=1,
    fit_share=0.5,
    max_gap="10min",
    device="auto",
    n_jobs=None,
    random_state=None,
    verbose=0,
    **overrides,
):
    """Make the two-stage detector of the Mars Reconnaissance Orbiter.

    Clocks and calendar, pruning, causal imputation, a Transformer over windows that
    emits latents and errors, SMOTE, and a random forest on the latents and the mean
    error.

    Parameters
    ----------
    window : int, default=100
        Rows per window of the network, which the forest's training rows must fill.
    max_epochs : int, default=50
    fit_stride : int, default=1
        Rows from one training window to the next, in the network and the forest.
    predict_stride : int, default=1
        Rows from one scored row to the next; the rows between hold its score.
    fit_share : float, default=0.5
        Share of the tracks that the network learns from; the forest learns from the
        others. With 1 both learn from all tracks, and the forest from errors that are
        too small, for the network has seen the normal rows.
    max_gap : float, str, pandas.Timedelta or None, default="10min"
        A longer step in time is a track border to all stages with memory.
    device : str, default="auto"
    n_jobs : int, default=None
        Of the forest.
    random_state : int, RandomState instance or None, default=None
        Of the network, SMOTE and the forest.
    verbose : int, default=0
        Positive shows a progress bar while the network trains.
    **overrides : dict
        ``step__parameter=value``, or ``step=estimator`` to replace a step.

    Returns
    -------
    imblearn.pipeline.Pipeline
        Steps ``align, time, missing, cardinality, impute, onehot, variance,
        correlation, encode, features, label, smote, classify``.

    See Also
    --------
    make_dsn_detector : The detector we recommend.

    Examples
    --------
    >>> from skdsn.detectors import make_mro_detector
    >>> detector = make_mro_detector(window=50, classify__max_depth=10)
    >>> detector.get_params()["encode__window"], detector["classify"].max_depth
    (50, 10)
    """
    steps = [
        ("align", TrackAligner(drop=_MRO_DROP, max_gap=max_gap)),
        ("time", CyclicalTimeEncoder(periods=("hour",))),
        ("missing", MissingnessPruner(max_missing=0.01)),
        ("cardinality", CardinalityPruner(max_levels=50)),
        ("impute", CausalImputer(max_gap=max_gap)),
        ("onehot", one_hot()),
        ("variance", "passthrough"),
        ("correlation", CorrelationPruner(threshold=0.95)),
        (
            "encode",
            TransformerEncoder(
                window=window,
                n_targets=10,
                inputs_only=_CLOCKS,
                scaler=StandardScaler(),
                max_epochs=max_epochs,
                fit_share=fit_share,
                fit_stride=fit_stride,
                predict_stride=predict_stride,
                max_gap=max_gap,
                device=device,
                random_state=random_state,
                verbose=verbose,
            ),
        ),
        ("features", _keep("^latent_|^error$")),
        ("label", WindowLabeler(window, stride=fit_stride, max_gap=max_gap)),
        ("smote", AdaptiveSMOTE(random_state=random_state)),
        (
            "classify",
            RandomForestClassifier(
                n_estimators=200, max_depth=20, n_jobs=n_jobs, random_state=random_state
            ),
        ),
    ]
    return as_detector(steps, overrides)


def make_jwst_detector(
    *,
    window=200,
    max_epochs=50,
    fit_stride=1,
    predict_stride=1,
    fit_share=0.5,
    max_gap="10min",
    device="auto",
    n_jobs=None,
    random_state=None,
    verbose=0,
    **overrides,
):
    """Make the two-stage detector of the James Webb Space Telescope.

    As :func:`make_mro_detector`, with a CNN-BiLSTM with attention that also learns to
    classify windows, min-max scaling, missing-value flags, and a random forest on the
    latents alone. Rows labelled -1 (unlabelled) train the network and not the forest.

    Parameters
    ----------
    window : int, default=200
        Rows per window of the network, which the forest's training rows must fill.
    max_epochs : int, default=50
    fit_stride : int, default=1
        Rows from one training window to the next, in the network and the forest.
    predict_stride : int, default=1
        Rows from one scored row to the next; the rows between hold its score.
    fit_share : float, default=0.5
        Share of the tracks that the network learns from; the forest learns from the
        others. With 1 both learn from all tracks, and the forest from errors that are
        too small, for the network has seen the normal rows.
    max_gap : float, str, pandas.Timedelta or None, default="10min"
        A longer step in time is a track border to all stages with memory.
    device : str, default="auto"
    n_jobs : int, default=None
        Of the forest.
    random_state : int, RandomState instance or None, default=None
        Of the network, SMOTE and the forest.
    verbose : int, default=0
        Positive shows a progress bar while the network trains.
    **overrides : dict
        ``step__parameter=value``, or ``step=estimator`` to replace a step.

    Returns
    -------
    imblearn.pipeline.Pipeline
        Steps ``align, time, missing, cardinality, impute, onehot, variance,
        correlation, encode, features, label, smote, classify``.

    See Also
    --------
    make_dsn_detector : The detector we recommend.

    Examples
    --------
    >>> from skdsn.detectors import make_jwst_detector
    >>> list(make_jwst_detector().named_steps)[-5:]
    ['encode', 'features', 'label', 'smote', 'classify']
    """
    steps = [
        ("align", TrackAligner(drop=_JWST_DROP, max_gap=max_gap)),
        ("time", CyclicalTimeEncoder(periods=("hour",))),
        ("missing", MissingnessPruner(max_missing=0.01)),
        ("cardinality", CardinalityPruner(max_levels=50)),
        ("impute", CausalImputer(add_indicator=True, max_gap=max_gap)),
        ("onehot", one_hot()),
        ("variance", VarianceThreshold()),
        ("correlation", CorrelationPruner(threshold=0.95)),
        (
            "encode",
            CNNBiLSTMEncoder(
                window=window,
                n_targets=10,
                inputs_only=_CLOCKS,
                scaler=MinMaxScaler(),
                max_epochs=max_epochs,
                fit_share=fit_share,
                fit_stride=fit_stride,
                predict_stride=predict_stride,
                max_gap=max_gap,
                device=device,
                random_state=random_state,
                verbose=verbose,
            ),
        ),
        ("features", _keep("^latent_")),
        ("label", WindowLabeler(window, stride=fit_stride, max_gap=max_gap)),
        ("smote", AdaptiveSMOTE(random_state=random_state)),
        (
            "classify",
            RandomForestClassifier(
                n_estimators=200,
                max_depth=30,
                min_samples_split=5,
                n_jobs=n_jobs,
                random_state=random_state,
            ),
        ),
    ]
    return as_detector(steps, overrides)


def make_dsn_detector(
    *,
    max_epochs=30,
    fit_stride=1,
    fit_share=1.0,
    max_gap="10min",
    device="auto",
    n_jobs=None,
    random_state=None,
    verbose=0,
    **overrides,
):
    """Make the two-stage detector that we recommend, for any mission.

    A one-pass LSTM forecaster in place of windows: it emits latents and one forecast
    error per channel at the cost of one step per row, streams with a small state, and
    hands the scaled channels on beside them.

    Parameters
    ----------
    max_epochs : int, default=30
    fit_stride : int, default=1
        Rows from one training row of the forest to the next.
    fit_share : float, default=1.0
        Share of the tracks that the network learns from; with less than 1 the forest
        learns from the others only. This network stops before it knows its tracks by
        heart, so both may learn from all; one that does not stop needs 0.5.
    max_gap : float, str, pandas.Timedelta or None, default="10min"
        A longer step in time is a track border to all stages with memory.
    device : str, default="auto"
    n_jobs : int, default=None
        Of the forest.
    random_state : int, RandomState instance or None, default=None
        Of the network, SMOTE and the forest.
    verbose : int, default=0
        Positive shows a progress bar while the network trains.
    **overrides : dict
        ``step__parameter=value``, or ``step=estimator`` to replace a step.

    Returns
    -------
    imblearn.pipeline.Pipeline
        Steps ``align, time, missing, cardinality, impute, onehot, variance,
        correlation, encode, label, smote, classify``.

    See Also
    --------
    TunedThresholdDetector : Choose the alarm threshold on held-out tracks.

    Examples
    --------
    >>> from skdsn.detectors import make_dsn_detector
    >>> detector = make_dsn_detector(encode__hidden_size=32, smote="passthrough")
    >>> detector["encode"].hidden_size
    32
    """
    steps = [
        (
            "align",
            TrackAligner(
                drop=tuple(dict.fromkeys(_JWST_DROP + _MRO_DROP)),
                max_gap=max_gap,
            ),
        ),
        ("time", CyclicalTimeEncoder(periods=("hour",))),
        ("missing", MissingnessPruner(max_missing=0.5)),
        ("cardinality", CardinalityPruner(max_levels=50, min_frequency=0.001)),
        ("impute", CausalImputer(max_gap=max_gap)),
        ("onehot", one_hot()),
        ("variance", VarianceThreshold()),
        ("correlation", CorrelationPruner(threshold=0.99)),
        (
            "encode",
            LSTMForecaster(
                inputs_only=_CLOCKS,
                passthrough=True,
                max_epochs=max_epochs,
                fit_share=fit_share,
                max_gap=max_gap,
                device=device,
                random_state=random_state,
                verbose=verbose,
            ),
        ),
        ("label", WindowLabeler(1, stride=fit_stride, max_gap=max_gap)),
        (
            "smote",
            AdaptiveSMOTE(sampling_strategy=0.2, random_state=random_state),
        ),
        (
            "classify",
            RandomForestClassifier(
                n_estimators=200,
                min_samples_leaf=3,
                max_samples=0.3,
                n_jobs=n_jobs,
                random_state=random_state,
            ),
        ),
    ]
    return as_detector(steps, overrides)
