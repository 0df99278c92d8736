"""Runs of flagged rows."""

import numpy as np


def find_runs(flags, bounds):
    """Find maximal runs of true rows; a run ends at the border of its segment.

    Parameters
    ----------
    flags : bool ndarray of shape (n_rows,)
    bounds : ndarray of shape (n_segments + 1,)

    Returns
    -------
    starts, stops : int64 ndarray of shape (n_runs,)
        Half-open: a run covers rows ``start`` to ``stop - 1``.

    Examples
    --------
    >>> import numpy as np
    >>> find_runs(np.array([1, 1, 1, 0, 1], bool), np.array([0, 2, 5]))
    (array([0, 2, 4]), array([2, 3, 5]))
    """
    flags = np.asarray(flags, dtype=bool)
    first = flags.copy()
    first[1:] &= ~flags[:-1]
    last = flags.copy()
    last[:-1] &= ~flags[1:]
    begins, ends = bounds[:-1], bounds[1:] - 1
    first[begins] = flags[begins]
    last[ends] = flags[ends]
    return np.flatnonzero(first), np.flatnonzero(last) + 1


def paint_runs(starts, stops, n_rows):
    """Flag the rows of half-open runs, which may overlap."""
    change = np.zeros(n_rows + 1, dtype=np.int64)
    np.add.at(change, starts, 1)
    np.add.at(change, stops, -1)
    return np.cumsum(change[:-1]) > 0


def join_runs(starts, stops, bounds, most):
    """Join runs of a segment with no more than so many rows between them.

    Parameters
    ----------
    starts, stops : int64 ndarray of shape (n_runs,)
        Half-open, as :func:`find_runs` returns them.
    bounds : ndarray of shape (n_segments + 1,)
    most : int

    Returns
    -------
    starts, stops : int64 ndarray

    Examples
    --------
    >>> import numpy as np
    >>> starts, stops = np.array([0, 4, 9, 12]), np.array([2, 6, 10, 13])
    >>> join_runs(starts, stops, np.array([0, 10, 20]), 2)
    (array([ 0,  9, 12]), array([ 6, 10, 13]))
    """
    if len(starts) == 0:
        return starts, stops
    segment = np.searchsorted(bounds, starts, side="right")
    apart = (starts[1:] - stops[:-1] > most) | (segment[1:] != segment[:-1])
    return starts[np.append(True, apart)], stops[np.append(apart, True)]


def reduce_runs(values, starts, stops, ufunc):
    """Reduce ``values`` over sorted, disjoint, non-empty half-open runs.

    Examples
    --------
    >>> import numpy as np
    >>> reduce_runs(np.array([3, 9, 4, 1]), [0, 3], [2, 4], np.maximum)
    array([9, 1])
    """
    if len(starts) == 0:
        return np.empty(0, dtype=np.asarray(values).dtype)
    # reduceat also reduces the stretches between runs; every second one is ours.
    edges = np.column_stack([starts, stops]).ravel()
    if edges[-1] == len(values):
        edges = edges[:-1]
    return ufunc.reduceat(values, edges)[::2]
