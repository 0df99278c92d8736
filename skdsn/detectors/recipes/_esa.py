"""The recipe for housekeeping telemetry with labels, as of the ESA missions."""

from sklearn.ensemble import ExtraTreesClassifier

from skdsn.detectors._error_gate import ErrorGate
from skdsn.detectors._gated_classifier import ErrorGatedClassifier
from skdsn.detectors.recipes._columns import one_hot
from skdsn.detectors.recipes._pipeline import as_detector
from skdsn.encoders import GRUAttentionEncoder, LSTMForecaster
from skdsn.labeling import WindowLabeler
from skdsn.preprocessing import CausalImputer, RobustClipScaler, TrackAligner


def make_esa_detector(
    *,
    encoder="windowed",
    window=10,
    quantile=0.99,
    commands=(),
    max_epochs=30,
    fit_stride=1,
    fit_share=0.5,
    max_gap=None,
    device="auto",
    n_jobs=None,
    random_state=None,
    verbose=0,
    **overrides,
):
    """Make the ESA detector: an autoencoder, a gate on its error, and a forest.

    A network learns nominal telemetry from the first half of the training rows. On
    the second half a gate learns which error is usual, and a forest of extremely
    randomised trees to tell anomalies from rare events and from false suspicions, among
    the rows that pass.

    Parameters
    ----------
    encoder : {"windowed", "one-pass"}, default="windowed"
        The GRU autoencoder of the published system, over short windows; or an LSTM
        forecaster, which reads every row once.
    window : int, default=10
        Rows per window of the autoencoder. The forecaster looks as many rows ahead: its
        error is that of the mean of so many forecasts of a row.
    quantile : float, default=0.99
        Share of the nominal rows that the gate holds back.
    commands : sequence of str, default=()
        Columns that the network reads and does not rebuild or forecast, such as
        telecommands and channels that are no targets. A column of two levels need not
        be named.
    max_epochs : int, default=30
    fit_stride : int, default=1
        Rows from one training window of the network to the next.
    fit_share : float, default=0.5
        Share of the tracks that the network learns from, or of the time of a single
        one; gate and forest learn from the rest, and from all labelled events.
    max_gap : float, str, pandas.Timedelta or None, default=None
        A longer step in time, such as a communication gap, is a track border to all
        stages with memory.
    device : str, default="auto"
    n_jobs : int, default=None
        Of the forest.
    random_state : int, RandomState instance or None, default=None
        Of the network and the forest.
    verbose : int, default=0
        Positive shows a progress bar while the network trains.
    **overrides : dict
        ``step__parameter=value``, or ``step=estimator`` to replace a step.

    Returns
    -------
    imblearn.pipeline.Pipeline
        Steps ``align, impute, onehot, encode, label, classify``. It predicts 0, 1 and,
        if rows were labelled 2, also 2: rare but nominal.

    See Also
    --------
    skdsn.datasets.load_esa_adb : Telemetry with such labels.
    skdsn.encoders.GRUAttentionEncoder, ErrorGate, ErrorGatedClassifier : The stages.

    Notes
    -----
    Without labels, or with rows labelled 0 only, the gate decides alone.

    Rows are judged one by one, so that a long event may raise several alarms, and the
    first rows of a rare event look like any other. Where minutes do not matter, put a
    :class:`ScoreSmoother` around the detector and a :class:`TunedThresholdDetector`
    around both.

    The system is that of "ESA-Anomaly-Analysis" (GitHub, 2025), whose defects are
    mended: its forest was fitted and scored on the same rows, its gate was a constant
    on an error that a few nearly constant columns dominated, and its latent vectors
    left attention out. It has a random forest, which did worse (docs/decisions.md).

    Examples
    --------
    >>> from skdsn.detectors import make_esa_detector
    >>> detector = make_esa_detector(quantile=0.98, classify__classifier__max_depth=8)
    >>> list(detector.named_steps)
    ['align', 'impute', 'onehot', 'encode', 'label', 'classify']
    >>> detector["classify"].gate.quantile
    0.98
    """
    if isinstance(commands, str):
        raise TypeError(
            f"commands must be a list of columns; got {commands!r}, so give "
            f"[{commands!r}]."
        )
    shared = {
        "inputs_only": commands,
        "scaler": RobustClipScaler(),
        "max_epochs": max_epochs,
        "fit_share": fit_share,
        "withhold": "normal",
        "learn_unlabelled": False,
        "max_gap": max_gap,
        "device": device,
        "random_state": random_state,
        "verbose": verbose,
    }
    if encoder == "windowed":
        network = GRUAttentionEncoder(window=window, fit_stride=fit_stride, **shared)
    elif encoder == "one-pass":
        network = LSTMForecaster(horizon=window, aggregate="mean", **shared)
    else:
        raise ValueError(
            f"encoder must be 'windowed' or 'one-pass'; got {encoder!r}; to use "
            "another one, replace the step: encode=..."
        )
    forest = ExtraTreesClassifier(
        n_estimators=200,
        min_samples_leaf=3,
        class_weight="balanced",
        n_jobs=n_jobs,
        random_state=random_state,
    )
    # The encoder withholds its share of the normal rows, and no event.
    weight = 1 / (1 - fit_share) if fit_share < 1 else 1.0
    classifier = ErrorGatedClassifier(
        ErrorGate(quantile), forest, nominal_weight=weight
    )
    steps = [
        ("align", TrackAligner(clocks=(), max_gap=max_gap)),
        ("impute", CausalImputer(max_gap=max_gap)),
        ("onehot", one_hot()),
        ("encode", network),
        ("label", WindowLabeler(window, rule="pure", max_gap=max_gap)),
        ("classify", classifier),
    ]
    return as_detector(steps, overrides)
