"""Trailing windows, gathered a batch at a time."""

import numpy as np

from skdsn._core.segments import positions, row_starts


def gather_windows(values, rows, starts, width):
    """Copy the trailing windows of a few rows out of a long table.

    The first rows of a segment have no full window: theirs repeats the first
    row of the segment. Nothing but the requested windows is ever in memory.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_channels)
    rows : int ndarray of shape (n_windows,)
        Last row of each window.
    starts : int ndarray of shape (n_windows,)
        First row of the segment of each window.
    width : int
        Rows per window.

    Returns
    -------
    ndarray of shape (n_windows, width, n_channels)

    Examples
    --------
    >>> import numpy as np
    >>> values = np.arange(4.0)[:, None]
    >>> gather_windows(values, np.array([0, 3]), np.array([0, 0]), 3)[..., 0]
    array([[0., 0., 0.],
           [1., 2., 3.]])
    """
    steps = np.arange(1 - width, 1)
    index = np.maximum(rows[:, None] + steps, starts[:, None])
    return values.take(index, axis=0)


def complete_windows(bounds, width, stride=1):
    """Last rows of the full windows, every ``stride`` rows of a segment."""
    position = positions(bounds)
    offset = position - (width - 1)
    return np.flatnonzero((offset >= 0) & (offset % stride == 0))


def trailing_sum(values, bounds, width):
    """Sum over the last ``width`` rows of the segment (fewer at its start).

    Parameters
    ----------
    values : int or bool ndarray of shape (n_rows,)
        Integers, so that the running sum is exact.
    bounds : ndarray of shape (n_segments + 1,)
    width : int

    Returns
    -------
    int64 ndarray of shape (n_rows,)

    Examples
    --------
    >>> import numpy as np
    >>> trailing_sum(np.array([1, 0, 1, 1]), np.array([0, 2, 4]), 2)
    array([1, 1, 1, 2])
    """
    total = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    rows = np.arange(len(values))
    begin = np.maximum(rows + 1 - width, row_starts(bounds))
    return total[rows + 1] - total[begin]
