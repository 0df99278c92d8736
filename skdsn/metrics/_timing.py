"""When events are detected, and how often alarms disturb."""

import numpy as np
from sklearn.utils import Bunch

from skdsn._core.intervals import count_meeting
from skdsn._core.runs import find_runs
from skdsn.metrics._inputs import elapsed, read_pair
from skdsn.metrics._ratios import defined, quotient


def detection_delays(y_true, y_pred, *, tracks=None, timestamps=None):
    """Measure from the start of each event to its first flagged row.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_pred : Series or array-like of shape (n_rows,)
        1 = flagged, 0 = not.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    timestamps : array-like of shape (n_rows,), default=None
        Time of each row, where no index tells it.

    Returns
    -------
    float64 ndarray of shape (n_events,)
        In seconds of telemetry, gaps left out, where an index tells times; else in
        rows. NaN for an event that is missed; an alarm that begins before the event and
        reaches it has a delay of 0.

    See Also
    --------
    adtqc_scores : Judges alarms that come too early too.

    Examples
    --------
    >>> detection_delays([0, 1, 1, 1, 0, 1], [0, 0, 0, 1, 0, 0])
    array([ 2., nan])
    """
    truth, flags, found = read_pair(
        y_true, y_pred, tracks=tracks, timestamps=timestamps
    )
    return delays(truth, flags, found)


def delays(truth, flags, found):
    """Delay of each event; NaN where it is missed."""
    edges = elapsed(found)
    starts, stops = find_runs(truth, found.bounds)
    flagged = np.flatnonzero(flags)
    if len(flagged) == 0:
        return np.full(len(starts), np.nan)
    first = np.searchsorted(flagged, starts)
    row = flagged[np.minimum(first, len(flagged) - 1)]
    hit = (row >= starts) & (row < stops)
    return np.where(hit, edges[row] - edges[starts], np.nan)


def alarm_rates(y_true, y_pred, *, tracks=None, timestamps=None):
    """Tell how often alarms disturb, and how late events are found.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal; all 0 will do.
    y_pred : Series or array-like of shape (n_rows,)
        1 = flagged, 0 = not.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    timestamps : array-like of shape (n_rows,), default=None
        Time of each row, where no index tells it.

    Returns
    -------
    Bunch
        ``false_alarms``, alarms that meet no event; ``false_alarms_per_day`` of
        telemetry, gaps left out, NaN without times; ``false_alarms_per_track`` (pass);
        ``fraction_flagged`` of all rows; ``mean_delay`` and ``median_delay`` of the
        events detected (:func:`detection_delays`), NaN without any.

    Examples
    --------
    >>> rates = alarm_rates([0, 1, 1, 0, 0], [1, 0, 1, 0, 0])
    >>> rates.false_alarms, rates.fraction_flagged, rates.mean_delay
    (1, 0.4, 1.0)
    """
    truth, flags, found = read_pair(
        y_true, y_pred, tracks=tracks, timestamps=timestamps
    )
    return Bunch(**disturbance(truth, flags, found))


def disturbance(truth, flags, found):
    """Rates of false alarms and delays; undefined figures are NaN."""
    events, alarms = find_runs(truth, found.bounds), find_runs(flags, found.bounds)
    false = int((count_meeting(*events, *alarms) == 0).sum())
    days = found.days()
    late = delays(truth, flags, found)
    late = late[~np.isnan(late)]
    return {
        "false_alarms": false,
        "false_alarms_per_day": float(false / days) if days > 0 else np.nan,
        "false_alarms_per_track": false / len(found),
        "fraction_flagged": float(flags.mean()),
        "mean_delay": float(late.mean()) if len(late) else np.nan,
        "median_delay": float(np.median(late)) if len(late) else np.nan,
    }


def adtqc_scores(y_true, y_pred, *, tracks=None, timestamps=None):
    r"""Judge the timing of alarms: the anomaly detection timing quality curve.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_pred : Series or array-like of shape (n_rows,)
        1 = flagged, 0 = not.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    timestamps : array-like of shape (n_rows,), default=None
        Time of each row, where no index tells it.

    Returns
    -------
    Bunch
        ``adtqc``, the mean quality over the events detected, 1 = on time;
        ``after_rate``, the share of them whose first alarm begins no earlier than they
        do; ``n_before`` and ``n_after``. Without any, the first two are 0.0, with an
        ``UndefinedMetricWarning``.

    Notes
    -----
    Let *x* be the start of the first alarm that meets an event, counted from the start
    of the event; *L* the length of the event; :math:`\alpha` the smaller of *L* and the
    time since the start of the event before it in the track; *e* = 2.718... The
    quality is :math:`((x + \alpha) / \alpha)^e` for :math:`-\alpha < x \le 0`,
    :math:`1 / (1 + (x / (L - x))^e)` for :math:`0 < x < L`, else 0 [1]_.

    Events that are missed do not enter: never rank detectors by it alone.

    References
    ----------
    .. [1] K. Kotowski et al., "European Space Agency benchmark for anomaly
       detection in satellite telemetry", arXiv:2406.17826, 2024.

    Examples
    --------
    >>> scores = adtqc_scores([0, 0, 1, 1, 1, 1, 0], [0, 1, 1, 0, 0, 0, 0])
    >>> round(scores.adtqc, 4), scores.n_before
    (0.4575, 1)
    """
    pair = read_pair(y_true, y_pred, tracks=tracks, timestamps=timestamps)
    return defined(adtqc(*pair), "Timing quality")


def adtqc(truth, flags, found):
    """Judge the timing; undefined figures are NaN."""
    edges = elapsed(found)
    events, alarms = find_runs(truth, found.bounds), find_runs(flags, found.bounds)
    length = edges[events[1]] - edges[events[0]]
    track = np.searchsorted(found.bounds, events[0], side="right")
    room = length.copy()
    same = track[1:] == track[:-1]
    between = np.diff(edges[events[0]])
    room[1:] = np.where(same, np.minimum(between, length[1:]), length[1:])
    met = count_meeting(*alarms, *events) > 0
    first = np.searchsorted(alarms[1], events[0][met], side="right")
    delay = edges[alarms[0][first]] - edges[events[0][met]]
    quality = timing_quality(delay, length[met], room[met])
    n_before, n_after = int((delay < 0).sum()), int((delay >= 0).sum())
    return {
        "adtqc": float(quality.mean()) if len(quality) else np.nan,
        "after_rate": quotient(n_after, n_before + n_after),
        "n_before": n_before,
        "n_after": n_after,
    }


def timing_quality(delay, length, room):
    """Quality of the first alarm on each event.

    Parameters
    ----------
    delay : ndarray of shape (n_events,)
        Start of the alarm, counted from the start of the event.
    length : ndarray of shape (n_events,)
        Of the event: an alarm this late is worth nothing.
    room : ndarray of shape (n_events,)
        An alarm this early is worth nothing.

    Returns
    -------
    float64 ndarray of shape (n_events,)
    """
    delay, length, room = (
        np.asarray(values, dtype=np.float64) for values in (delay, length, room)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        early = np.clip((delay + room) / room, 0, 1) ** np.e
        late = 1 / (1 + (delay / (length - delay)) ** np.e)
    quality = np.where(delay <= 0, early, np.where(delay < length, late, 0.0))
    return np.where((room > 0) & (length > 0), quality, delay == 0)
