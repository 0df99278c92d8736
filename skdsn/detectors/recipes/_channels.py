"""Recipes for channels without labels."""

from sklearn.base import BaseEstimator, clone

from skdsn.detectors._alarm_filter import AlarmFilter
from skdsn.detectors._channelwise import ChannelwiseDetector
from skdsn.detectors._distances import SubsequenceDistances
from skdsn.detectors._dynamic_threshold import DynamicThresholdDetector
from skdsn.detectors._smooth import ErrorSmoother
from skdsn.detectors._voting import VotingDetector
from skdsn.detectors.recipes._pipeline import as_detector
from skdsn.encoders import LSTMForecaster, WindowedLSTMForecaster
from skdsn.preprocessing import CausalImputer, TrackAligner


def make_channel_detector(
    *,
    channels=None,
    length=20,
    span=105,
    window_size=2100,
    batch_size=70,
    error_buffer=100,
    p=(0.1, 0.2, 0.3),
    error_guard=(0.0, 0.5, 1.0),
    max_gap=None,
    **overrides,
):
    """Make the detector we recommend for channels without labels.

    It measures how far the last rows are from anything seen in training, smooths that,
    and flags what stands out of the last rows by telemanom's threshold: by most of nine
    such thresholds, from a lenient one to a strict one.

    Parameters
    ----------
    channels : list of str or None, default=None
        Columns whose subsequences are compared; all when None. Leave commands out.
        Rows without a value in one of them are not judged.
    length : int, default=20
        Rows of a subsequence.
    span : int, default=105
        Of the smoothing, in rows.
    window_size : int, default=2100
        Rows that a batch is judged by.
    batch_size : int, default=70
        Rows judged together: a downlink, say.
    error_buffer : int, default=100
        Rows on either side that an exceedance is widened by.
    p, error_guard : tuple of float, default=(0.1, 0.2, 0.3) and (0.0, 0.5, 1.0)
        Pruning shares and guards of the thresholds that vote, in all combinations; see
        :class:`DynamicThresholdDetector`.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time starts afresh, in every step.
    **overrides
        A step to replace (``smooth=``, ``threshold=DynamicThresholdDetector(...)``), a
        parameter of one (``distances__normalize=True``) or of the Pipeline itself
        (``verbose=``).

    Returns
    -------
    imblearn.pipeline.Pipeline
        Steps ``distances``, ``smooth`` and ``threshold``; an outlier detector.

    See Also
    --------
    ChannelwiseDetector : A clone for each channel of a spacecraft.
    AlarmFilter : Keeps quiet about what operators know, and lists events.
    make_telemanom_detector : With a forecast in place of the distances.
    ErrorUnion : Takes both.

    Notes
    -----
    The defaults suit a row a minute, downlinked every 70 minutes. They were chosen on
    channels of SMAP and MSL, see docs/benchmarks.md. The thresholds vote so that none
    has to be chosen. In the first quarter of a window, a row is flagged only if its
    error is more than ten times the largest one of training.

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
    thresholds = [
        (
            f"p{i}_guard{j}",
            DynamicThresholdDetector(
                window_size=window_size,
                batch_size=batch_size,
                error_buffer=error_buffer,
                p=share,
                error_guard=guard,
                warm_up_limit=10.0,
                max_gap=max_gap,
            ),
        )
        for i, share in enumerate(p)
        for j, guard in enumerate(error_guard)
    ]
    steps = [
        (
            "distances",
            SubsequenceDistances(length=length, channels=channels, max_gap=max_gap),
        ),
        ("smooth", ErrorSmoother(span=span, max_gap=max_gap)),
        ("threshold", VotingDetector(thresholds)),
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
    error_buffer=100,
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
    error_buffer : int, default=100
        Rows on either side that an exceedance is widened by.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time starts afresh, in every step.
    device : str, default="auto"
        A torch device.
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
    **overrides
        A step to replace (``forecast=RidgeForecaster(...)``, which is given the
        target), a parameter of one
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
    Two LSTM layers of 80 units with a dropout of 0.3 forecast ten rows, as published
    [1]_. In corrected mode they run once over a track, with a loss at every row, rather
    than afresh over the last 250 rows of each row; and what is expected of a row is the
    mean of the ten forecasts of it, not the last one, which follows what it should
    find too soon [2]_.

    References
    ----------
    .. [1] K. Hundman et al., "Detecting spacecraft anomalies using LSTMs and
       nonparametric dynamic thresholding", KDD 2018.
    .. [2] A. Geiger et al., "TadGAN: time series anomaly detection using generative
       adversarial networks", IEEE Big Data 2020, aggregate overlapping forecasts.

    Examples
    --------
    >>> from skdsn.detectors import make_telemanom_detector
    >>> detector = make_telemanom_detector(target="value", threshold__p=0.2)
    >>> list(detector.named_steps)
    ['forecast', 'smooth', 'threshold']
    """
    if mode not in ("corrected", "paper"):
        raise ValueError(f"mode must be 'corrected' or 'paper'; got {mode!r}.")
    if isinstance(overrides.get("forecast"), BaseEstimator):
        # Its errors are those of the target, which the threshold has to see too.
        own = clone(overrides["forecast"])
        own.set_params(targets=[target], passthrough=True)
        overrides["forecast"] = own
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
        forecaster = LSTMForecaster(
            hidden_size=80,
            n_layers=2,
            dropout=0.3,
            horizon=10,
            aggregate="mean",
            **shared,
        )
    steps = [
        ("forecast", forecaster),
        (
            "smooth",
            ErrorSmoother(
                span=span,
                columns=[error],
                keep=[target],
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
                error_buffer=error_buffer,
                warm_up_limit=10.0,
                max_gap=max_gap,
            ),
        ),
    ]
    return as_detector(steps, overrides)


def make_housekeeping_detector(
    *,
    channels=None,
    drop=(),
    max_alarms=None,
    per="1D",
    length=20,
    span=105,
    window_size=2100,
    batch_size=70,
    error_buffer=100,
    hold=False,
    max_gap=None,
    n_jobs=None,
    **overrides,
):
    """Make a detector for a table of housekeeping channels, without labels.

    Every channel is watched by a clone of :func:`make_channel_detector`, behind an
    :class:`AlarmFilter`. Rows in and just after a gap are not judged.

    Parameters
    ----------
    channels : list of str or None, default=None
        Columns to watch; None takes all numeric ones, so `drop` commands.
    drop : list of str, default=()
        Columns to leave out; a name that is no column is ignored.
    max_alarms : int or None, default=None
        Of a channel, that may begin on a track in any time of `per`.
    per : float, str or pandas.Timedelta, default="1D"
    length, span, window_size, batch_size, error_buffer : int
        As in :func:`make_channel_detector`.
    hold : bool, default=False
        Hold the last value of a channel in rows that lack it. For tables in which each
        row has some of the channels only, as packets of several kinds make; a gap then
        looks like a frozen sensor.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time starts afresh, in every step.
    n_jobs : int or None, default=None
        Channels fitted in parallel.
    **overrides
        A step to replace, a parameter of one or of the Pipeline itself.

    Returns
    -------
    imblearn.pipeline.Pipeline
        Steps ``align``, which holds the columns to those of ``fit``, ``hold`` if asked
        for, and ``watch``, a :class:`ChannelwiseDetector`, which lists events:
        ``detector["watch"].events(detector[:-1].transform(X))``.

    Notes
    -----
    What is said of the thresholds of :func:`make_channel_detector` holds here: rows of
    a batch are judged together, and in the first quarter of a window only what is far
    beyond training is flagged. A file that goes on with another is better scored with
    the last `window_size` rows before it, which must not be rows of ``fit``.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skdsn.detectors import make_housekeeping_detector
    >>> noise = 0.05 * np.random.default_rng(0).normal(size=(5000, 2))
    >>> waves = np.sin(np.arange(5000) / 20)[:, None] + noise
    >>> X = pd.DataFrame(waves, columns=["volt", "amp"])
    >>> X.loc[100:120, "amp"] = np.nan  # a gap
    >>> X.loc[4600:4660, "volt"] = 0.0  # stuck
    >>> detector = make_housekeeping_detector().fit(X[:1500])
    >>> watch, new = detector["watch"], detector[:-1].transform(X[1500:])
    >>> watch.events(new)["channels"].to_list()
    [['volt']]
    """
    one = AlarmFilter(
        make_channel_detector(
            length=length,
            span=span,
            window_size=window_size,
            batch_size=batch_size,
            error_buffer=error_buffer,
            max_gap=max_gap,
        ),
        length=length,
        max_alarms=max_alarms,
        per=per,
        max_gap=max_gap,
    )
    steps = [
        ("align", TrackAligner(clocks=(), drop=drop, max_gap=max_gap)),
        *([("hold", CausalImputer(max_gap=max_gap))] if hold else []),
        ("watch", ChannelwiseDetector(one, channels=channels, n_jobs=n_jobs)),
    ]
    return as_detector(steps, overrides)
