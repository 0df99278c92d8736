"""Sets of time as sorted intervals: measured, cut and compared by binary search.

A set is two arrays, ``starts`` and ``stops``: half-open intervals, sorted and
disjoint unless a function says otherwise. The unit is up to the caller: rows,
seconds or nanoseconds.
"""

import numpy as np


def unite(starts, stops, groups=None):
    """Unite intervals that overlap or touch, within each group.

    Parameters
    ----------
    starts, stops : ndarray of shape (n_intervals,)
        In any order.
    groups : int ndarray of shape (n_intervals,), optional
        Only intervals of one group are united; one group when omitted.

    Returns
    -------
    starts, stops : ndarray of shape (n_united,)
        Sorted by group, then in time.
    groups : int ndarray of shape (n_united,)

    Examples
    --------
    >>> import numpy as np
    >>> unite(np.array([5, 1, 2]), np.array([6, 2, 4]))
    (array([1, 5]), array([4, 6]), array([0, 0]))
    """
    starts, stops = np.asarray(starts), np.asarray(stops)
    if groups is None:
        groups = np.zeros(len(starts), dtype=np.int64)
    groups = np.asarray(groups)
    if len(starts) == 0:
        return starts, stops, groups
    order = np.lexsort((starts, groups))
    starts, stops, groups = starts[order], stops[order], groups[order]
    # The latest stop so far within the group: ranks leave room to add the group.
    distinct, ranks = np.unique(stops, return_inverse=True)
    _, number = np.unique(groups, return_inverse=True)
    latest = np.maximum.accumulate(ranks + number * len(distinct))
    latest = distinct[latest - number * len(distinct)]
    first = np.ones(len(starts), dtype=bool)
    first[1:] = (starts[1:] > latest[:-1]) | (groups[1:] != groups[:-1])
    last = np.append(first[1:], True)
    return starts[first], latest[last], groups[first]


def measure_before(starts, stops, points):
    """Measure the part of a set that lies before each point.

    The measure of the set within ``[a, b)`` is the difference of two such values.

    Examples
    --------
    >>> import numpy as np
    >>> measure_before(np.array([0, 10]), np.array([4, 12]), np.array([2, 5, 11]))
    array([2, 4, 5])
    """
    points = np.asarray(points)
    if len(starts) == 0:
        return np.zeros_like(points)
    total = np.concatenate(([0], np.cumsum(stops - starts)))
    number = np.searchsorted(starts, points, side="right")
    last = np.maximum(number - 1, 0)
    beyond = np.maximum(stops[last] - np.maximum(points, starts[last]), 0)
    return np.where(number > 0, total[number] - beyond, 0).astype(total.dtype)


def count_meeting(starts, stops, lows, highs):
    """Count the intervals of a set that meet each interval ``[low, high)``.

    Examples
    --------
    >>> import numpy as np
    >>> count_meeting(np.array([0, 5]), np.array([2, 9]), [1, 2], [6, 5])
    array([2, 0])
    """
    return np.searchsorted(starts, highs, side="left") - np.searchsorted(
        stops, lows, side="right"
    )


def meeting_pairs(starts, stops, lows, highs):
    """List which intervals of a set meet which intervals ``[low, high)``.

    Returns
    -------
    number : int64 ndarray of shape (n_pairs,)
        Of ``[low, high)``, ascending.
    member : int64 ndarray of shape (n_pairs,)
        Of the set, ascending for each `number`.

    Examples
    --------
    >>> import numpy as np
    >>> meeting_pairs(np.array([0, 5]), np.array([2, 9]), [1, 2], [6, 5])
    (array([0, 0]), array([0, 1]))
    """
    first = np.searchsorted(stops, lows, side="right")
    count = np.maximum(np.searchsorted(starts, highs, side="left") - first, 0)
    number = np.repeat(np.arange(len(first)), count)
    before = np.cumsum(count) - count
    return number, first[number] + np.arange(len(number)) - before[number]


def intersect(starts, stops, lows, highs):
    """Intersect two sets.

    Examples
    --------
    >>> import numpy as np
    >>> intersect(np.array([0, 5]), np.array([4, 9]), np.array([2]), np.array([6]))
    (array([2, 5]), array([4, 6]))
    """
    number, member = meeting_pairs(starts, stops, lows, highs)
    begin = np.maximum(starts[member], np.asarray(lows)[number])
    end = np.minimum(stops[member], np.asarray(highs)[number])
    return begin, end


def integrate_linear(function, points):
    """Integrate a function that is linear between neighbouring points.

    Parameters
    ----------
    function : callable
        Maps an array like `points` to values of the same shape.
    points : float ndarray of shape (n_integrals, n_points)
        The limits of each integral in the first and the last column; kinks between
        them in any order, and clipped to them.

    Returns
    -------
    float64 ndarray of shape (n_integrals,)
    """
    points = np.sort(np.clip(points, points[:, :1], points[:, -1:]), axis=1)
    values = function(points)
    return (np.diff(points, axis=1) * (values[:, 1:] + values[:, :-1]) / 2).sum(axis=1)
