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
    scores : float or bool ndarray of shape (n_rows,)

    Returns
    -------
    thresholds : float ndarray of shape (n_thresholds,)
        The distinct scores, ascending; of flags always False and True.
    ranks : int64 ndarray of shape (n_rows,)
        ``thresholds[ranks]`` are the scores.

    Examples
    --------
    >>> import numpy as np
    >>> rank_scores(np.array([0.5, 0.1, 0.5]))
    (array([0.1, 0.5]), array([1, 0, 1]))
    """
    if scores.dtype == bool:
        return np.array([False, True]), scores.astype(np.int64)
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


def adjusted_entries(truth, values, bounds, percent=0):
    """Tell from which threshold on each anomalous row counts as flagged.

    An event of which more than `percent` of the rows are flagged counts as flagged as
    a whole. So all of its rows enter where the row enters that makes up that share, or
    on their own before.

    Parameters
    ----------
    truth : bool ndarray of shape (n_rows,)
    values : ndarray of shape (n_rows,)
        Scores, or their ranks.
    bounds : int64 ndarray of shape (n_tracks + 1,)
    percent : float from 0 to 100
        At 100 rows count on their own.

    Returns
    -------
    ndarray of shape (n_anomalous_rows,)
    """
    starts, stops = find_runs(truth, bounds)
    length = stops - starts
    if percent == 100:
        return values[truth]
    if percent == 0:
        return np.repeat(reduce_runs(values, starts, stops, np.maximum), length)
    own = values[truth]
    first = np.cumsum(length) - length
    order = np.lexsort((own, np.repeat(np.arange(len(length)), length)))
    needed = np.floor(percent * length / 100).astype(np.int64) + 1
    # Ascending within the event: the row that makes up the share comes from its end.
    reached = needed <= length
    row = order[np.where(reached, first + length - needed, 0)]
    decisive = np.where(reached, own[row], own.min(initial=0))
    return np.maximum(own, np.repeat(decisive, length))


def point_adjusted_counts(truth, scores, bounds, percent=0):
    """Rows flagged right and wrong at every threshold, after point adjustment.

    Parameters
    ----------
    truth : bool ndarray of shape (n_rows,)
    scores : float or bool ndarray of shape (n_rows,)
    bounds : int64 ndarray of shape (n_tracks + 1,)
    percent : float from 0 to 100

    Returns
    -------
    thresholds : float ndarray of shape (n_thresholds,)
        The distinct scores, ascending.
    hits, false_rows : int64 ndarray of shape (n_thresholds,)
        Anomalous rows that count as flagged, and normal rows that are.
    """
    thresholds, ranks = rank_scores(scores)
    hits = count_from(adjusted_entries(truth, ranks, bounds, percent), len(thresholds))
    return thresholds, hits, count_from(ranks[~truth], len(thresholds))


def point_adjusted_counts_at_hits(truth, scores, bounds, percent=0):
    """Take the counts of `point_adjusted_counts` only where they can be best.

    Where no anomalous row enters, a lower threshold flags no fewer normal rows, so no
    score that counts hits and punishes false alarms has its best threshold there. Only
    normal rows above the lowest entry need sorting, and only by value.

    Returns
    -------
    thresholds : float ndarray of shape (n_entries,)
        The distinct scores at which anomalous rows enter, ascending.
    hits, false_rows : int64 ndarray of shape (n_entries,)
    """
    entries = adjusted_entries(truth, scores, bounds, percent)
    thresholds, ranks = rank_scores(entries)
    hits = count_from(ranks, len(thresholds))
    if len(thresholds) == 0:
        return thresholds, hits, hits
    normal = np.sort(scores[~truth & (scores >= thresholds[0])])
    return thresholds, hits, len(normal) - np.searchsorted(normal, thresholds)


def event_counts(truth, scores, bounds):
    """Events detected and alarms raised at every threshold.

    An alarm is a maximal run of flagged rows within a track; it is false if none of its
    rows belongs to an event. Within a stretch of rows there are as many runs as flagged
    rows less flagged pairs of neighbours. In a stretch of normal rows, the first run is
    no false alarm where it goes on into a flagged event on the left, nor the last on
    the right; where both are one run, it was taken off twice.

    Parameters
    ----------
    truth : bool ndarray of shape (n_rows,)
    scores : float or bool ndarray of shape (n_rows,)
    bounds : int64 ndarray of shape (n_tracks + 1,)

    Returns
    -------
    thresholds : float ndarray of shape (n_thresholds,)
        The distinct scores, ascending.
    counts : dict of int64 ndarray of shape (n_thresholds,)
        ``detected``: events with a flagged row; ``false_alarms``; ``false_rows``:
        normal rows that are flagged; ``meetings``: pairs of an event and an alarm that
        share rows.
    """
    thresholds, ranks = rank_scores(scores)
    n_thresholds = len(thresholds)
    border = np.zeros(len(truth) + 1, dtype=bool)
    border[bounds] = True
    # pair[i] joins rows i and i + 1.
    pair = np.minimum(ranks[1:], ranks[:-1])
    inner = ~border[1:-1]

    def entering(items):
        return np.bincount(items, minlength=n_thresholds)

    starts, stops = find_runs(truth, bounds)
    detected = entering(reduce_runs(ranks, starts, stops, np.maximum))
    meetings = entering(ranks[truth]) - entering(pair[truth[1:] & truth[:-1] & inner])

    normal = ~truth
    begins, ends = find_runs(normal, bounds)
    left, right = ~border[begins], ~border[ends]
    both = left & right
    whole = reduce_runs(ranks, begins, ends, np.minimum)[both]
    through = np.minimum(whole, np.minimum(ranks[begins[both] - 1], ranks[ends[both]]))
    false_rows = entering(ranks[normal])
    false_alarms = (
        false_rows
        - entering(pair[normal[1:] & normal[:-1] & inner])
        - entering(pair[begins[left] - 1])
        - entering(pair[ends[right] - 1])
        + entering(through)
    )
    counts = {
        "detected": detected,
        "false_alarms": false_alarms,
        "false_rows": false_rows,
        "meetings": meetings,
    }
    return thresholds, {name: _sum_from_top(count) for name, count in counts.items()}


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
