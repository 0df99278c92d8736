"""Irregular samples held on a regular grid, whose point number k is at k * step.

Times and the step are int64 ticks of the same length. A bin is the time after a grid
point, up to and with the next one, which stands for it.
"""

import numpy as np


def hold_positions(ticks, step, first, n_rows):
    """Find the last sample at or before each grid point.

    Parameters
    ----------
    ticks : int64 ndarray of shape (n_samples,)
        Times of the samples, which do not decrease.
    step : int
    first, n_rows : int
        Number of the first grid point, and how many follow from it.

    Returns
    -------
    int64 ndarray of shape (n_rows,)
        Position of the sample; -1 before the first one.

    Examples
    --------
    >>> import numpy as np
    >>> hold_positions(np.array([7, 12, 20, 29]), 10, 0, 4)
    array([-1,  0,  2,  3])
    """
    grid = np.arange(first, first + n_rows, dtype=np.int64) * step
    return np.searchsorted(ticks, grid, side="right") - 1


def bin_numbers(ticks, step):
    """Find the number of the grid point that stands for each time, at or after it.

    Examples
    --------
    >>> import numpy as np
    >>> bin_numbers(np.array([-1, 0, 1, 10, 11]), 10)
    array([0, 0, 1, 1, 2])
    """
    return -(-ticks // step)


def rescue_positions(positions, ticks, marked, plain, step, first):
    """Show marked samples that the hold loses: a later sample of their bin is plain.

    Parameters
    ----------
    positions : int64 ndarray of shape (n_rows,)
        As :func:`hold_positions` returns them.
    ticks : int64 ndarray of shape (n_samples,)
    marked, plain : bool ndarray of shape (n_samples,)
        Samples to show, and samples that give way to them.
    step, first : int

    Returns
    -------
    int64 ndarray of shape (n_rows,)
        With the last marked sample of the bin where its last sample is plain.

    Examples
    --------
    >>> import numpy as np
    >>> ticks, marked = np.array([7, 12, 14, 29]), np.array([0, 1, 0, 0], bool)
    >>> shown = hold_positions(ticks, 10, 0, 4)
    >>> shown, rescue_positions(shown, ticks, marked, ~marked, 10, 0)
    (array([-1,  0,  2,  3]), array([-1,  0,  1,  3]))
    """
    at = np.flatnonzero(marked)
    rows = bin_numbers(ticks[at], step) - first
    inside = (rows >= 0) & (rows < len(positions))
    at, rows = at[inside], rows[inside]
    last = np.append(rows[1:] != rows[:-1], True)[: len(rows)]
    at, rows = at[last], rows[last]
    lost = plain[positions[rows]]
    rescued = positions.copy()
    rescued[rows[lost]] = at[lost]
    return rescued
