"""Recipes for channels without labels."""

from skdsn.detectors._distances import SubsequenceDistances
from skdsn.detectors._dynamic_threshold import DynamicThresholdDetector
from skdsn.detectors._smooth import ErrorSmoother
from skdsn.detectors.recipes._pipeline import as_detector
from skdsn.encoders import LSTMForecaster, WindowedLSTMForecaster


def make_channel_detector(
    *,
    channels=None,
    length=20,
    span=105,
    window_size=2100,
    batch_size=70,
    max_gap=None,
    **overrides,
):
    """Make the detector we recommend for channels without labels.

    It measures how far the last rows are from anything seen in training, smooths that,
    and flags what stands out of the last rows by telemanom's threshold.

    Parameters
    ----------
    channels : list of str or None, default=None
        Columns whose subsequences are compared; all when None. Leave commands out.
    length : int, default=20
        Rows of a subsequence.
    span : int, default=105
        Of the smoothing, in rows.
    window_size : int, default=2100
        Rows that a batch is judged by.
    batch_size : int, default=70
        Rows judged together: a downlink, say.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time starts afresh, in every step.
    **overrides
        A step to replace (``smooth=``), a parameter of one
        (``threshold__p=0.3``) or of the Pipeline itself (``verbose=``).

    Returns
    -------
    imblearn.pipeline.Pipeline
        Steps ``distances``, ``smooth`` and ``threshold``; an outlier detector.

    See Also
    --------
    ChannelwiseDetector : A clone for each channel of a spacecraft.
    make_telemanom_detector : With a forecast in place of the distances.

    Notes
    -----
    The defaults suit a row a minute, downlinked every 70 minutes. They were chosen on
    48 channels of SMAP and MSL, see docs/benchmarks.md; the first quarter of a window
    is never flagged.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.detectors import make_channel_detector
    >>> noise = np.random.default_rng(0).normal(size=(5000, 1))
    >>> X = np.sin(np.arange(5000) / 20)[:, None] + 0.05 * noise
    >>> X[4600:4660] = 0.0  # stuck, at a level seen before
    >>> detector = make_channel_detector().fit(X[:1500])
    >>> found = 1500 + np.flatnonzero(detector.predict(X[1500:]) == -1)
    >>> bool(4450 < found.min() < 4660 < found.max() < 4850)
    True
    """
    steps = [
        (
            "distances",
            SubsequenceDistances(length=length, channels=channels, max_gap=max_gap),
        ),
        ("smooth", ErrorSmoother(span=span, max_gap=max_gap)),
        (
            "threshold",
            DynamicThresholdDetector(
                window_size=window_size,
                batch_size=batch_size,
                p=0.2,
                error_guard=0.5,
                max_gap=max_gap,
            ),
        ),
    ]
    return as_detector(steps, overrides)


def make_telemanom_detector(
    *,
    target,
    mode="corrected",
    max_epochs=35,
    span=105,
    window_size=2100,
    batch_size=70,
    max_gap=None,
    device="auto",
    random_state=None,
    verbose=0,
    **overrides,
):
    """Make a telemanom detector: forecast, smoothed errors, dynamic threshold.

    Parameters
    ----------
    target : str
        The channel to forecast; all columns are inputs, commands too.
    mode : {"corrected", "paper"}, default="corrected"
        "paper" is the published system throughout: an LSTM that starts afresh for every
        row, smoothing and threshold as in the published code. It takes the columns as
        they are, scaled beforehand, looks ahead, cannot be streamed, and costs more
        than a hundred times as much.
    max_epochs : int, default=35
    span : int, default=105
        Of the smoothing, in rows.
    window_size : int, default=2100
        Rows that a batch is judged by.
    batch_size : int, default=70
        Rows judged together.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time starts afresh, in every step.
    device : str, default="auto"
        A torch device.
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
    **overrides
        A step to replace (``forecast=RidgeForecaster(...)``), a parameter of one
        (``threshold__p=0.2``) or of the Pipeline itself.

    Returns
    -------
    imblearn.pipeline.Pipeline
        Steps ``forecast``, ``smooth`` and ``threshold``; an outlier detector.

    See Also
    --------
    make_channel_detector : What we recommend instead.

    Notes
    -----
    Two LSTM layers of 80 units with a dropout of 0.3, as published [1]_. In corrected
    mode they run once over a track, with a loss at every row, rather than afresh over
    the last 250 rows of each row, and forecast one row ahead.

    References
    ----------
    .. [1] K. Hundman et al., "Detecting spacecraft anomalies using LSTMs and
       nonparametric dynamic thresholding", KDD 2018.

    Examples
    --------
    >>> from skdsn.detectors import make_telemanom_detector
    >>> detector = make_telemanom_detector(target="value", threshold__p=0.2)
    >>> list(detector.named_steps)
    ['forecast', 'smooth', 'threshold']
    """
    error = f"error_{target}"
    paper = mode == "paper"
    shared = {
        "targets": [target],
        "passthrough": True,
        "max_epochs": max_epochs,
        "max_gap": max_gap,
        "device": device,
        "random_state": random_state,
        "verbose": verbose,
    }
    if paper:
        forecaster = WindowedLSTMForecaster(scaler="passthrough", **shared)
    else:
        forecaster = LSTMForecaster(hidden_size=80, n_layers=2, dropout=0.3, **shared)
    steps = [
        ("forecast", forecaster),
        (
            "smooth",
            ErrorSmoother(
                span=span,
                columns=[error],
                startup="mean" if paper else "none",
                max_gap=max_gap,
            ),
        ),
        (
            "threshold",
            DynamicThresholdDetector(
                error=error,
                value=target,
                mode=mode,
                window_size=window_size,
                batch_size=batch_size,
                max_gap=max_gap,
            ),
        ),
    ]
    return as_detector(steps, overrides)
