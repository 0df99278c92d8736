"""Event-wise scores: events detected against false alarms raised."""

from numbers import Real

import numpy as np
from sklearn.utils import Bunch

from skdsn._core.runs import find_runs, reduce_runs
from skdsn._core.sweeps import event_counts, ratio
from skdsn._sklearn import Interval, validate_params
from skdsn.metrics._inputs import read_pair
from skdsn.metrics._ratios import BETA, best_threshold, f_score, precision, recall

KIND = "Event-wise"


@validate_params(BETA, prefer_skip_nested_validation=True)
def event_wise_scores(y_true, y_pred, *, tracks=None, beta=1.0, corrected=True):
    """Score alarms by the events they detect.

    An event is detected if one of its rows is flagged. An alarm is a maximal run of
    flagged rows within a track; it is false if none of its rows belongs to an event.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_pred : Series or array-like of shape (n_rows,)
        1 = flagged, 0 = not.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        Track id of each row, or something indexed by (track, time). If None, a
        two-level index of `y_true` or `y_pred` tells the tracks; without one all
        rows are one track.
    beta : float, default=1.0
        Weight of recall against precision; below 1 precision counts more.
    corrected : bool, default=True
        Multiply the precision by the specificity, the share of normal rows that are
        not flagged [2]_. Without it, flagging every row can score well: the alarms
        then merge with the events.

    Returns
    -------
    Bunch
        ``true_positives``, the events detected; ``false_positives``, the false
        alarms; ``false_negatives``, the events missed; ``specificity``; and from
        these ``precision``, ``recall`` and ``f``. What is undefined is 0.0, with an
        ``UndefinedMetricWarning``.

    Notes
    -----
    The counts are those of [1]_. A long alarm that reaches an event counts as no
    false alarm, however many normal rows it flags: flagging every row detects
    every event, and raises one false alarm for each track without an event. That is
    what the correction is for.

    References
    ----------
    .. [1] K. Hundman et al., "Detecting spacecraft anomalies using LSTMs and
       nonparametric dynamic thresholding", KDD 2018.
    .. [2] K. Kotowski et al., "European Space Agency benchmark for anomaly
       detection in satellite telemetry", arXiv:2406.17826, 2024.

    Examples
    --------
    >>> scores = event_wise_scores([0, 1, 1, 0, 0], [0, 0, 1, 0, 1])
    >>> scores.true_positives, scores.false_positives, round(scores.precision, 3)
    (1, 1, 0.333)
    """
    truth, flags, found = read_pair(y_true, y_pred, tracks=tracks)
    starts, stops = find_runs(truth, found.bounds)
    hits, false, misses = alarm_counts(truth, flags, starts, stops, found.bounds)
    kept = specificity(truth, flags) if corrected else 1.0
    return Bunch(
        precision=precision(hits, false, kind=KIND) * kept,
        recall=recall(hits, misses, kind=KIND),
        f=f_score(hits, false, misses, kind=KIND, beta=beta, specificity=kept),
        specificity=specificity(truth, flags),
        true_positives=hits,
        false_positives=false,
        false_negatives=misses,
    )


def event_f1(y_true, y_pred, *, tracks=None, corrected=True):
    """F1 of events detected, events missed and false alarms.

    Parameters
    ----------
    y_true, y_pred : Series or array-like of shape (n_rows,)
        Labels and flags, 0 or 1.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`, which also has the definition.
    corrected : bool, default=True
        Multiply the precision by the share of normal rows that are not flagged.

    Returns
    -------
    float
        0.0, with an ``UndefinedMetricWarning``, if there is neither an event nor
        a flag.

    Examples
    --------
    >>> event_f1([0, 1, 1, 0, 0], [0, 0, 1, 0, 1])
    0.5
    >>> round(event_f1([0, 1, 1, 0, 0], [0, 0, 1, 0, 1], corrected=False), 3)
    0.667
    """
    truth, flags, found = read_pair(y_true, y_pred, tracks=tracks)
    starts, stops = find_runs(truth, found.bounds)
    counts = alarm_counts(truth, flags, starts, stops, found.bounds)
    kept = specificity(truth, flags) if corrected else 1.0
    return f_score(*counts, kind=KIND, specificity=kept)


def event_curve(y_true, y_score, *, tracks=None):
    """Count detected events and false alarms at every threshold.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_score : Series or array-like of shape (n_rows,)
        Finite; higher = more anomalous.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.

    Returns
    -------
    Bunch of arrays of shape (n_thresholds,)
        ``thresholds``, the distinct scores, ascending; and, with the rows flagged
        where ``y_score >= threshold``, the counts of :func:`event_wise_scores`:
        ``true_positives``, ``false_positives``, ``false_negatives``; and
        ``false_rows``, the normal rows flagged.

    Notes
    -----
    The counts are exact and take one sort, O(n log n) for *n* rows. The number of
    false alarms may fall as the threshold does, since alarms then merge.

    Examples
    --------
    >>> curve = event_curve([0, 0, 0, 1], [0.3, 0.1, 0.3, 0.2])
    >>> curve.thresholds, curve.true_positives, curve.false_positives
    (array([0.1, 0.2, 0.3]), array([1, 1, 0]), array([0, 1, 2]))
    """
    truth, scores, found = read_pair(y_true, y_score, tracks=tracks, scores=True)
    thresholds, detected, false, rows = event_counts(truth, scores, found.bounds)
    return Bunch(
        thresholds=thresholds,
        true_positives=detected,
        false_positives=false,
        false_negatives=len(find_runs(truth, found.bounds)[0]) - detected,
        false_rows=rows,
    )


@validate_params(BETA, prefer_skip_nested_validation=True)
def best_event_f1(y_true, y_score, *, tracks=None, beta=1.0, corrected=True):
    """Find the threshold with the best event-wise F1: an oracle.

    The threshold is chosen on the very rows that the score is reported on. Call
    such a figure *oracle* wherever it appears; to find an honest threshold, call
    this on training or validation rows and store the threshold.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_score : Series or array-like of shape (n_rows,)
        Finite; higher = more anomalous.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    beta : float, default=1.0
        Maximise F-beta instead of F1.
    corrected : bool, default=True
        Multiply the precision by the share of normal rows that are not flagged.

    Returns
    -------
    Bunch
        ``threshold`` (flag rows with ``y_score >= threshold``), ``f``, the F-beta
        maximised, and ``f1``, ``precision``, ``recall`` and ``fraction_flagged``,
        of all rows, there. Of equally good thresholds the highest. Without any
        event the scores are 0.0, with an ``UndefinedMetricWarning``, and the
        threshold is infinite.

    See Also
    --------
    threshold_for_budget : Choose by the number of false alarms instead.

    Notes
    -----
    The optimum over all thresholds is exact. Without the correction it can be
    worthless: where most tracks hold an event, flagging nearly every row merges the
    alarms with the events. On NASA's SMAP and MSL labels, random scores get an F1 of
    1.0 so.

    Examples
    --------
    >>> best = best_event_f1([0, 0, 0, 1], [0.3, 0.1, 0.1, 0.4])
    >>> best.f1, best.threshold
    (1.0, 0.4)
    """
    truth, scores, found = read_pair(y_true, y_score, tracks=tracks, scores=True)
    *counts, rows = event_counts(truth, scores, found.bounds)
    n_events = int(counts[1][0])  # the lowest threshold detects every event
    kept = 1 - ratio(rows, (~truth).sum()) if corrected else 1.0
    best = best_threshold(*counts, n_events, kind=KIND, beta=beta, specificity=kept)
    return Bunch(**best, fraction_flagged=float((scores >= best.threshold).mean()))


@validate_params(
    {"max_false_alarms": [Interval(Real, 0, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def threshold_for_budget(y_true, y_score, *, max_false_alarms, tracks=None):
    """Find the lowest threshold that keeps a budget of false alarms.

    No threshold at or above it raises more than `max_false_alarms`. So a budget
    cannot be met by flagging so many rows that the alarms merge.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal; all 0 will do.
    y_score : Series or array-like of shape (n_rows,)
        Finite; higher = more anomalous.
    max_false_alarms : int or float
        False alarms allowed over all rows given, not negative. For a rate, give
        the rate times the number of tracks, or of days.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.

    Returns
    -------
    float
        One of the scores; flag rows with ``y_score >= threshold``. Infinite if even
        the highest score alone breaks the budget.

    Examples
    --------
    >>> threshold_for_budget([0, 0, 0, 1], [3.0, 1.0, 4.0, 2.0], max_false_alarms=1)
    4.0
    """
    curve = event_curve(y_true, y_score, tracks=tracks)
    broken = np.flatnonzero(curve.false_positives > max_false_alarms)
    lowest = broken[-1] + 1 if len(broken) else 0
    return float(np.append(curve.thresholds, np.inf)[lowest])


def alarm_counts(truth, flags, starts, stops, bounds):
    """Events detected, false alarms and events missed, given the events."""
    hits = int(reduce_runs(flags, starts, stops, np.logical_or).sum())
    begins, ends = find_runs(flags, bounds)
    right = int(reduce_runs(truth, begins, ends, np.logical_or).sum())
    return hits, len(begins) - right, len(starts) - hits


def specificity(truth, flags):
    """Share of the normal rows that are not flagged; 1 if there is none."""
    return 1.0 - float(ratio((flags & ~truth).sum(), (~truth).sum()))
