"""Counts at every threshold at once, by one sort of the scores.

Rows are flagged where ``score >= threshold``. Whatever is counted enters at one
score: a row at its own, an event at its highest, a pair of neighbours flagged
together at the lower of the two. So the counts at all thresholds are one
histogram of the scores at which things enter, summed from the top.
"""

import numpy as np

from skdsn._core.runs import find_runs, reduce_runs


def rank_scores(scores):
    """Rank rows by score; equal scores share a rank, 0 is the lowest.

    Parameters
    ----------
    scores : float ndarray of shape (n_rows,)

    Returns
    -------
    thresholds : float ndarray of shape (n_thresholds,)
        The distinct scores, ascending.
    ranks : int64 ndarray of shape (n_rows,)
        ``thresholds[ranks]`` are the scores.

    Examples
    --------
    >>> import numpy as np
    >>> rank_scores(np.array([0.5, 0.1, 0.5]))
    (array([0.1, 0.5]), array([1, 0, 1]))
    """
    return np.unique(scores, return_inverse=True)


def count_from(ranks, n_thresholds, weights=None):
    """Count (or weigh) what enters at or above each threshold.

    Parameters
    ----------
    ranks : int ndarray of shape (n_items,)
        Rank of the threshold at which each item enters.
    n_thresholds : int
    weights : int ndarray of shape (n_items,), optional

    Returns
    -------
    int64 ndarray of shape (n_thresholds,)

    Examples
    --------
    >>> import numpy as np
    >>> count_from(np.array([0, 2, 2]), 3)
    array([3, 2, 2])
    """
    entering = np.bincount(ranks, weights, minlength=n_thresholds)
    return _sum_from_top(entering.astype(np.int64, copy=False))


def _sum_from_top(entering):
    return np.cumsum(entering[::-1])[::-1]


def point_adjusted_counts(truth, scores, bounds):
    """Rows flagged right and wrong at every threshold, after point adjustment.

    A flag anywhere in an event counts as a flag on all of its rows, so the rows
    of an event enter together, at its highest score.

    Parameters
    ----------
    truth : bool ndarray of shape (n_rows,)
    scores : float ndarray of shape (n_rows,)
    bounds : int64 ndarray of shape (n_tracks + 1,)

    Returns
    -------
    thresholds : float ndarray of shape (n_thresholds,)
        The distinct scores, ascending.
    hits, false_alarms : int64 ndarray of shape (n_thresholds,)
        Rows of detected events, and normal rows that are flagged.
    """
    thresholds, ranks = rank_scores(scores)
    starts, stops = find_runs(truth, bounds)
    highest = reduce_runs(ranks, starts, stops, np.maximum)
    hits = count_from(highest, len(thresholds), stops - starts)
    return thresholds, hits, count_from(ranks[~truth], len(thresholds))


def point_adjusted_counts_at_maxima(truth, scores, bounds):
    """Take the counts of `point_adjusted_counts` only where they can be best.

    Between the maxima of two events a lower threshold detects no further event
    and flags no fewer normal rows, so no score that counts hits and punishes
    false alarms has its best threshold elsewhere. Only normal rows above the
    lowest maximum need sorting, and only by value.

    Parameters
    ----------
    truth : bool ndarray of shape (n_rows,)
    scores : float ndarray of shape (n_rows,)
    bounds : int64 ndarray of shape (n_tracks + 1,)

    Returns
    -------
    thresholds : float ndarray of shape (n_maxima,)
        The distinct maxima of events, ascending.
    hits, false_alarms : int64 ndarray of shape (n_maxima,)
    """
    starts, stops = find_runs(truth, bounds)
    highest = reduce_runs(scores, starts, stops, np.maximum)
    thresholds, ranks = rank_scores(highest)
    hits = count_from(ranks, len(thresholds), stops - starts)
    if len(thresholds) == 0:
        return thresholds, hits, hits
    normal = np.sort(scores[~truth & (scores >= thresholds[0])])
    return thresholds, hits, len(normal) - np.searchsorted(normal, thresholds)


def event_counts(truth, scores, bounds):
    """Events detected and false alarms raised at every threshold.

    An alarm is a maximal run of flagged rows within a track; it is false if none
    of its rows belongs to an event. Within a stretch of normal rows there are as
    many runs as flagged rows less flagged pairs of neighbours. The first of them
    is no false alarm where it goes on into a flagged event on the left, nor the
    last on the right; where both are one run, it was taken off twice.

    Parameters
    ----------
    truth : bool ndarray of shape (n_rows,)
    scores : float ndarray of shape (n_rows,)
    bounds : int64 ndarray of shape (n_tracks + 1,)

    Returns
    -------
    thresholds : float ndarray of shape (n_thresholds,)
        The distinct scores, ascending.
    detected, false_alarms : int64 ndarray of shape (n_thresholds,)
        Events with a flagged row, and false alarms.
    false_rows : int64 ndarray of shape (n_thresholds,)
        Normal rows that are flagged.
    """
    thresholds, ranks = rank_scores(scores)
    n_thresholds = len(thresholds)
    border = np.zeros(len(truth) + 1, dtype=bool)
    border[bounds] = True

    starts, stops = find_runs(truth, bounds)
    detected = count_from(reduce_runs(ranks, starts, stops, np.maximum), n_thresholds)

    normal = ~truth
    begins, ends = find_runs(normal, bounds)
    pair = np.minimum(ranks[1:], ranks[:-1])
    neighbours = normal[1:] & normal[:-1] & ~border[1:-1]
    left, right = ~border[begins], ~border[ends]
    both = left & right
    whole = reduce_runs(ranks, begins, ends, np.minimum)[both]
    # pair[i] joins rows i and i + 1, so an event and the stretch after it.
    join_left, join_right = pair[begins[left] - 1], pair[ends[right] - 1]
    through = np.minimum(whole, np.minimum(ranks[begins[both] - 1], ranks[ends[both]]))
    rows = np.bincount(ranks[normal], minlength=n_thresholds)
    false_alarms = _sum_from_top(
        rows
        - np.bincount(pair[neighbours], minlength=n_thresholds)
        - np.bincount(join_left, minlength=n_thresholds)
        - np.bincount(join_right, minlength=n_thresholds)
        + np.bincount(through, minlength=n_thresholds)
    )
    return thresholds, detected, false_alarms, _sum_from_top(rows)


def ratio(numerator, denominator):
    """Divide; 0 where there is nothing to divide by."""
    denominator = np.asarray(denominator, dtype=np.float64)
    zeros = np.zeros(np.broadcast_shapes(np.shape(numerator), denominator.shape))
    return np.divide(numerator, denominator, out=zeros, where=denominator > 0)[()]


def fbeta(precision, recall, beta=1.0):
    """Weighted harmonic mean of precision and recall; 0 where both are.

    Examples
    --------
    >>> fbeta(1.0, 0.5).round(3)
    np.float64(0.667)
    """
    weight = beta**2
    product = np.multiply(precision, recall)
    return ratio((1 + weight) * product, np.multiply(weight, precision) + recall)
