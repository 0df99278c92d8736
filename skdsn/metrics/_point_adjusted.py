"""Row-wise scores after point adjustment: a few flagged rows detect an event."""

from numbers import Real

import numpy as np

from skdsn._core.runs import find_runs, paint_runs, reduce_runs
from skdsn._core.sweeps import (
    adjusted_entries,
    fbeta,
    point_adjusted_counts,
    point_adjusted_counts_at_hits,
    ratio,
)
from skdsn._sklearn import Interval, validate_params
from skdsn.metrics._inputs import read_pair
from skdsn.metrics._ratios import BETA, defined, quotient, rates

K = {"k": [Interval(Real, 0, 100, closed="both")]}


@validate_params(K, prefer_skip_nested_validation=True)
def point_adjust(y_true, y_pred, *, tracks=None, k=0):
    """Flag all rows of every event of which enough rows are flagged.

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
    k : float, default=0
        The percentage of the rows of an event that have to be exceeded: PA%K [2]_. With
        0 one row is enough [1]_, with 100 nothing is adjusted.

    Returns
    -------
    int8 ndarray of shape (n_rows,)
        The adjusted flags, 0 or 1.

    References
    ----------
    .. [1] H. Xu et al., "Unsupervised anomaly detection via variational
       auto-encoder for seasonal KPIs in web applications", WWW 2018.
    .. [2] S. Kim et al., "Towards a rigorous evaluation of time-series anomaly
       detection", AAAI 2022.

    Examples
    --------
    >>> point_adjust([0, 1, 1, 0], [1, 0, 1, 0])
    array([1, 1, 1, 0], dtype=int8)
    >>> point_adjust([0, 1, 1, 0], [1, 0, 1, 0], k=50)
    array([1, 0, 1, 0], dtype=int8)
    """
    truth, flags, found = read_pair(y_true, y_pred, tracks=tracks)
    starts, stops = find_runs(truth, found.bounds)
    flagged = reduce_runs(flags.astype(np.int64), starts, stops, np.add)
    hit = 100 * flagged > k * (stops - starts)
    painted = paint_runs(starts[hit], stops[hit], len(truth))
    return (flags | painted).astype(np.int8)


@validate_params(BETA | K, prefer_skip_nested_validation=True)
def point_adjusted_scores(y_true, y_pred, *, tracks=None, k=0, beta=1.0):
    """Score flags row by row after point adjustment.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_pred : Series or array-like of shape (n_rows,)
        1 = flagged, 0 = not.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`point_adjust`.
    k : float, default=0
        The percentage of the rows of an event that have to be exceeded, 0 to 100.
    beta : float, default=1.0
        Weight of recall against precision; below 1 precision counts more.

    Returns
    -------
    Bunch
        ``precision``, ``recall`` and ``f``; ``true_positives``, ``false_positives``
        and ``false_negatives``, in rows. What is undefined is 0.0, with an
        ``UndefinedMetricWarning``.

    Notes
    -----
    Without `k` it flatters: one lucky row counts as the whole event, so random flags
    reach 0.9 where events are long. Report it beside its chance level and an event-wise
    score; :func:`event_report` does.

    Examples
    --------
    >>> scores = point_adjusted_scores([0, 1, 1, 0], [1, 0, 1, 0])
    >>> round(scores.precision, 3), scores.recall, scores.f
    (0.667, 1.0, 0.8)
    """
    pair = read_pair(y_true, y_pred, tracks=tracks)
    return defined(point_adjusted(*pair, k=k, beta=beta), "Point-adjusted")


@validate_params(K, prefer_skip_nested_validation=True)
def point_adjusted_f1(y_true, y_pred, *, tracks=None, k=0):
    """F1 of the rows after point adjustment.

    Parameters
    ----------
    y_true, y_pred : Series or array-like of shape (n_rows,)
        Labels and flags, 0 or 1.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`point_adjust`.
    k : float, default=0
        The percentage of the rows of an event that have to be exceeded, 0 to 100.

    Returns
    -------
    float
        0.0, with an ``UndefinedMetricWarning``, if there is neither an event nor
        a flag.

    See Also
    --------
    point_adjusted_scores : Precision, recall and F-beta, and a word of warning.

    Examples
    --------
    >>> point_adjusted_f1([0, 1, 1, 0], [1, 0, 1, 0])
    0.8
    """
    pair = read_pair(y_true, y_pred, tracks=tracks)
    return defined({"f": point_adjusted(*pair, k=k)["f"]}, "Point-adjusted").f


def point_adjusted_area(y_true, y_pred, *, tracks=None):
    r"""Area under the point-adjusted F1 over all percentages *k*.

    It lies between the F1 of the rows and the point-adjusted F1, and is 1 only if every
    row is right.

    Parameters
    ----------
    y_true, y_pred : Series or array-like of shape (n_rows,)
        Labels and flags, 0 or 1.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`point_adjust`.

    Returns
    -------
    float
        From 0 to 1. 0.0, with an ``UndefinedMetricWarning``, if there is neither an
        event nor a flag.

    Notes
    -----
    :math:`\int_0^1 F_1(\mathrm{PA\%}100\kappa)\,d\kappa`, exactly: F1 changes only at
    the shares of the events that are flagged. [1]_ averages it over a grid.

    References
    ----------
    .. [1] S. Kim et al., "Towards a rigorous evaluation of time-series anomaly
       detection", AAAI 2022.

    Examples
    --------
    >>> point_adjusted_area([0, 1, 1, 0], [0, 0, 1, 0])  # F1 of 1 and of 2/3
    0.8333333333333333
    """
    area = point_adjusted_f_area(*read_pair(y_true, y_pred, tracks=tracks))
    return defined({"f": area}, "Point-adjusted").f


@validate_params(K, prefer_skip_nested_validation=True)
def point_adjusted_curve(y_true, y_score, *, tracks=None, k=0):
    """Point-adjusted precision and recall at every threshold.

    The form is that of :func:`sklearn.metrics.precision_recall_curve`, so the
    result can be drawn with ``PrecisionRecallDisplay``.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_score : Series or array-like of shape (n_rows,)
        Finite, not constant; higher = more anomalous.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`point_adjust`.
    k : float, default=0
        The percentage of the rows of an event that have to be exceeded, 0 to 100.

    Returns
    -------
    precision, recall : float64 ndarray of shape (n_thresholds + 1,)
        With the rows flagged where ``y_score >= thresholds[i]``; the last values
        are 1 and 0 and have no threshold. Without any event the recall is 0.
    thresholds : float64 ndarray of shape (n_thresholds,)
        The distinct scores, ascending.

    See Also
    --------
    threshold_curve : The curve of any metric that has one.

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
    pair = read_pair(y_true, y_score, tracks=tracks, scores=True)
    curve = point_adjusted_curves(*pair, k=k)
    recall = np.nan_to_num(curve["recall"])
    return (
        np.append(curve["precision"], 1.0),
        np.append(recall, 0.0),
        curve["thresholds"],
    )


def point_adjusted(truth, flags, found, *, k=0, beta=1.0):
    """Score adjusted flags row by row; undefined figures are NaN."""
    hits = int(adjusted_entries(truth, flags, found.bounds, k).sum())
    false, misses = int((flags & ~truth).sum()), int(truth.sum()) - hits
    return rates(hits, false, misses, beta=beta) | {
        "true_positives": hits,
        "false_positives": false,
        "false_negatives": misses,
    }


def point_adjusted_curves(truth, scores, found, *, k=0, beta=1.0, best=False):
    """Give the figures at every threshold, or where one can be `best`."""
    count = point_adjusted_counts_at_hits if best else point_adjusted_counts
    thresholds, hits, false = count(truth, scores, found.bounds, k)
    misses = truth.sum() - hits
    return {
        "thresholds": thresholds,
        **rates(hits, false, misses, beta=beta),
        "true_positives": hits,
        "false_positives": false,
        "false_negatives": misses,
    }


def point_adjusted_f_area(truth, flags, found):
    """Integrate the point-adjusted F1 over the share that has to be exceeded."""
    starts, stops = find_runs(truth, found.bounds)
    length = stops - starts
    flagged = reduce_runs(flags.astype(np.int64), starts, stops, np.add)
    share = ratio(flagged, length)
    order = np.argsort(share)
    # Where a share is reached, the event it belongs to goes back to its own rows.
    lost = np.cumsum((length - flagged)[order])
    hits = np.append(length.sum(), length.sum() - lost)
    false, wanted = int((flags & ~truth).sum()), int(length.sum())
    if wanted + false == 0:
        return np.nan
    f = fbeta(np.nan_to_num(quotient(hits, hits + false)), ratio(hits, wanted))
    return float((f * np.diff(share[order], prepend=0.0, append=1.0)).sum())
