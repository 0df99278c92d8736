"""Row-wise scores after point adjustment: one flagged row detects an event."""

import numpy as np
from sklearn.utils import Bunch

from skdsn._core.runs import find_runs, paint_runs, reduce_runs
from skdsn._core.sweeps import point_adjusted_counts, point_adjusted_counts_at_maxima
from skdsn._sklearn import validate_params
from skdsn.metrics._inputs import read_pair
from skdsn.metrics._ratios import BETA, best_threshold, f_score, precision, recall

KIND = "Point-adjusted"


def point_adjust(y_true, y_pred, *, tracks=None):
    """Flag all rows of every event of which a row is flagged.

    Flags outside events stay as they are.

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

    Returns
    -------
    int8 ndarray of shape (n_rows,)
        The adjusted flags, 0 or 1.

    References
    ----------
    .. [1] H. Xu et al., "Unsupervised anomaly detection via variational
       auto-encoder for seasonal KPIs in web applications", WWW 2018.

    Examples
    --------
    >>> point_adjust([0, 1, 1, 0], [1, 0, 1, 0])
    array([1, 1, 1, 0], dtype=int8)
    """
    truth, flags, found = read_pair(y_true, y_pred, tracks=tracks)
    starts, stops = find_runs(truth, found.bounds)
    hit = reduce_runs(flags, starts, stops, np.logical_or)
    painted = paint_runs(starts[hit], stops[hit], len(truth))
    return (flags | painted).astype(np.int8)


def point_adjusted_precision(y_true, y_pred, *, tracks=None):
    """Share of anomalous rows among those flagged after point adjustment.

    Parameters
    ----------
    y_true, y_pred : Series or array-like of shape (n_rows,)
        Labels and flags, 0 or 1.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`point_adjust`.

    Returns
    -------
    float
        0.0, with an ``UndefinedMetricWarning``, if nothing is flagged.

    Examples
    --------
    >>> point_adjusted_precision([0, 1, 1, 0], [1, 0, 1, 0])
    0.6666666666666666
    """
    hits, false_alarms, _ = _counts(y_true, y_pred, tracks)
    return precision(hits, false_alarms, kind=KIND)


def point_adjusted_recall(y_true, y_pred, *, tracks=None):
    """Share of the anomalous rows that are flagged after point adjustment.

    Parameters
    ----------
    y_true, y_pred : Series or array-like of shape (n_rows,)
        Labels and flags, 0 or 1.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`point_adjust`.

    Returns
    -------
    float
        0.0, with an ``UndefinedMetricWarning``, if there is no event.

    Examples
    --------
    >>> point_adjusted_recall([0, 1, 1, 0], [1, 0, 1, 0])
    1.0
    """
    hits, _, misses = _counts(y_true, y_pred, tracks)
    return recall(hits, misses, kind=KIND)


def point_adjusted_f1(y_true, y_pred, *, tracks=None):
    """F1 of the rows after point adjustment.

    Parameters
    ----------
    y_true, y_pred : Series or array-like of shape (n_rows,)
        Labels and flags, 0 or 1.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`point_adjust`.

    Returns
    -------
    float
        0.0, with an ``UndefinedMetricWarning``, if there is neither an event nor
        a flag.

    Notes
    -----
    It flatters: one lucky row counts as the whole event, so random flags reach 0.9
    where events are long [1]_. Report it beside its chance level and an event-wise
    score; :func:`event_report` does.

    References
    ----------
    .. [1] S. Kim et al., "Towards a rigorous evaluation of time-series anomaly
       detection", AAAI 2022.

    Examples
    --------
    >>> point_adjusted_f1([0, 1, 1, 0], [1, 0, 1, 0])
    0.8
    """
    return f_score(*_counts(y_true, y_pred, tracks), kind=KIND)


@validate_params(BETA, prefer_skip_nested_validation=True)
def point_adjusted_fbeta(y_true, y_pred, *, beta, tracks=None):
    """F-beta of the rows after point adjustment.

    Parameters
    ----------
    y_true, y_pred : Series or array-like of shape (n_rows,)
        Labels and flags, 0 or 1.
    beta : float
        Weight of recall against precision, not negative; below 1 precision counts
        more.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`point_adjust`.

    Returns
    -------
    float
        See :func:`point_adjusted_f1`, which is ``beta=1``.

    Examples
    --------
    >>> round(point_adjusted_fbeta([0, 1, 1, 0], [1, 0, 1, 0], beta=0.5), 3)
    0.714
    """
    return f_score(*_counts(y_true, y_pred, tracks), kind=KIND, beta=beta)


def point_adjusted_curve(y_true, y_score, *, tracks=None):
    """Point-adjusted precision and recall at every threshold.

    The form is that of :func:`sklearn.metrics.precision_recall_curve`, so the
    result can be drawn with ``PrecisionRecallDisplay``.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_score : Series or array-like of shape (n_rows,)
        Finite; higher = more anomalous.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`point_adjust`.

    Returns
    -------
    precision, recall : float64 ndarray of shape (n_thresholds + 1,)
        With the rows flagged where ``y_score >= thresholds[i]``; the last values
        are 1 and 0 and have no threshold. Without any event the recall is 0, with
        an ``UndefinedMetricWarning``.
    thresholds : float64 ndarray of shape (n_thresholds,)
        The distinct scores, ascending.

    Notes
    -----
    One sort: O(n log n) for *n* rows, whatever the number of thresholds.

    Examples
    --------
    >>> point_adjusted_curve([0, 1, 1, 0], [0.3, 0.1, 0.4, 0.2])
    (array([0.5       , 0.5       , 0.66666667, 1.        , 1.        ]),
     array([1., 1., 1., 1., 0.]),
     array([0.1, 0.2, 0.3, 0.4]))
    """
    truth, scores, found = read_pair(y_true, y_score, tracks=tracks, scores=True)
    thresholds, hits, false = point_adjusted_counts(truth, scores, found.bounds)
    n_true = int(truth.sum())
    if n_true == 0:
        recall(0, 0, kind=KIND)  # for its warning
    # No threshold flags nothing, so the precision is defined everywhere.
    precisions = np.append(hits / (hits + false), 1.0)
    recalls = np.append(hits / max(n_true, 1), 0.0)
    return precisions, recalls, thresholds


@validate_params(BETA, prefer_skip_nested_validation=True)
def best_point_adjusted_f1(y_true, y_score, *, tracks=None, beta=1.0):
    r"""Find the threshold with the best point-adjusted F1: an oracle.

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
        As in :func:`point_adjust`.
    beta : float, default=1.0
        Maximise F-beta instead of F1.

    Returns
    -------
    Bunch
        ``threshold`` (flag rows with ``y_score >= threshold``), ``f``, the F-beta
        maximised, and ``f1``, ``precision``, ``recall`` and ``fraction_flagged``,
        of all rows, there. Of equally good thresholds the highest. Without any
        event the scores are 0.0, with an ``UndefinedMetricWarning``, and the
        threshold is infinite.

    Notes
    -----
    The optimum is exact. Let event *j* have length :math:`L_j` and highest score
    :math:`m_j`. At threshold *t* the rows of events detected are :math:`TP(t) =
    \sum_j L_j [m_j \ge t]`, and :math:`F_1 = 2 TP / (TP + FP + \sum_j L_j)`. TP
    changes at the :math:`m_j` only, while FP never falls as *t* does, so one of
    them is optimal. A grid of thresholds, as in common use, can miss it by far.

    Examples
    --------
    >>> best = best_point_adjusted_f1([0, 1, 1, 0], [0.3, 0.1, 0.4, 0.2])
    >>> best.f1, best.threshold
    (1.0, 0.4)
    """
    truth, scores, found = read_pair(y_true, y_score, tracks=tracks, scores=True)
    counts = point_adjusted_counts_at_maxima(truth, scores, found.bounds)
    best = best_threshold(*counts, int(truth.sum()), kind=KIND, beta=beta)
    return Bunch(**best, fraction_flagged=float((scores >= best.threshold).mean()))


def _counts(y_true, y_pred, tracks):
    """Rows hit, flagged falsely and missed, after point adjustment."""
    truth, flags, found = read_pair(y_true, y_pred, tracks=tracks)
    return adjusted_counts(truth, flags, *find_runs(truth, found.bounds))


def adjusted_counts(truth, flags, starts, stops):
    """Rows hit, flagged falsely and missed, given the events."""
    hit = reduce_runs(flags, starts, stops, np.logical_or)
    length = stops - starts
    hits = int(length[hit].sum())
    return hits, int((flags & ~truth).sum()), int(length.sum()) - hits
