"""Exact nearest subsequences of a table, a block of both sides at a time."""

import numpy as np

from skdsn._core.segments import positions, segment_ids
from skdsn._core.windows import gather_windows, trailing_sum

# Values per block, of the windows and of the products: 8 MiB of float64 each.
_BLOCK = 2**20
# A window is flat if its standard deviation is below this.
_FLAT = 1e-6


class Subsequences:
    """Trailing subsequences of a table, kept as the rows at which they end.

    Parameters
    ----------
    values : float64 ndarray of shape (n_rows, n_channels)
    bounds : int64 ndarray of shape (n_segments + 1,)
        The first subsequences of a segment repeat its first row.
    width : int
        Rows per subsequence.
    normalize : bool, default=False
        Z-normalise each channel of a subsequence; a flat one becomes 0.
    rows : int ndarray, default=None
        Last rows of the subsequences to keep; every row when None.
    """

    def __init__(self, values, bounds, width, *, normalize=False, rows=None):
        self.values = values
        self.bounds = bounds
        self.width = width
        self.normalize = normalize
        self.rows = np.arange(len(values)) if rows is None else rows

    def __len__(self):
        return len(self.rows)

    @property
    def size(self):
        """Values per subsequence."""
        return self.width * self.values.shape[1]

    @property
    def keys(self):
        """Last rows, with segments moved a width apart: near keys overlap."""
        return (np.arange(len(self.values)) + self.width * segment_ids(self.bounds))[
            self.rows
        ]

    def take(self, rows):
        """Keep the subsequences that end at some of the rows."""
        return Subsequences(
            self.values, self.bounds, self.width, normalize=self.normalize, rows=rows
        )

    def gather(self, chosen):
        """Copy a few subsequences: float64 of shape (n_chosen, size)."""
        rows = self.rows[chosen]
        starts = self.bounds[np.searchsorted(self.bounds, rows, side="right") - 1]
        windows = gather_windows(self.values, rows, starts, self.width)
        if self.normalize:
            windows -= windows.mean(axis=1, keepdims=True)
            spread = np.sqrt(np.mean(windows**2, axis=1, keepdims=True))
            flat = spread < _FLAT
            windows /= np.where(flat, 1.0, spread)
            windows *= ~flat
        return windows.reshape(len(rows), self.size)


def repeated(values, bounds, width, chosen, stride=1):
    """Find chosen rows whose subsequence is that of an earlier one, in flat stretches.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_channels)
    bounds : int64 ndarray of shape (n_segments + 1,)
    width : int
        Rows per subsequence.
    chosen : bool ndarray of shape (n_rows,)
    stride : int, default=1
        How many rows earlier.

    Returns
    -------
    bool ndarray of shape (n_rows,)
        Whether that row is chosen too, and nothing has changed, bit by bit, over the
        rows of both subsequences.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([1.0, 1.0, 2.0, 2.0, 2.0])[:, None]
    >>> repeated(values, np.array([0, 5]), 2, np.ones(5, dtype=bool))
    array([False,  True, False, False,  True])
    """
    changed = np.zeros(len(values), dtype=bool)
    changed[1:] = (values[1:] != values[:-1]).any(axis=1)
    changed[bounds[:-1]] = False
    still = trailing_sum(changed, bounds, width + stride - 1) == 0
    earlier = np.zeros_like(chosen)
    earlier[stride:] = chosen[:-stride]
    return chosen & earlier & still & (positions(bounds) >= stride)


def is_complete(bounds, width):
    """Tell which rows have a whole subsequence behind them in their segment."""
    return positions(bounds) >= width - 1


def nearest(queries, pool, n_neighbors=1, *, apart=False):
    """Find the nearest subsequences of a pool, by exact search.

    The squares ``|a - b|^2 = |a|^2 - 2 a.b + |b|^2`` are compared by one matrix product
    per pair of blocks; the distances of those found are then computed from the
    differences, so that equal subsequences have distance 0.

    Parameters
    ----------
    queries, pool : Subsequences
        Best centred about the values of the pool: values that agree to 1e-8 of their
        distance from 0 are told apart no further.
    n_neighbors : int, default=1
    apart : bool, default=False
        Do not match subsequences that share a row. Both sides must be subsequences of
        the same table.

    Returns
    -------
    distances : float64 ndarray of shape (n_queries, n_neighbors)
        Root mean squared difference per value, ascending; infinite where there are
        fewer neighbours.
    found : int64 ndarray of shape (n_queries, n_neighbors)
        Places in the pool; -1 where there are fewer.

    Notes
    -----
    Takes ``2 n_queries n_pool size`` operations, and about 40 MiB beside the tables,
    or three times 64 subsequences where these are larger.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.array([0.0, 1.0, 0.0, 5.0])[:, None]
    >>> pool = Subsequences(table, np.array([0, 4]), 2, rows=np.array([1, 2, 3]))
    >>> other = Subsequences(np.array([[1.0], [0.0]]), np.array([0, 2]), 2)
    >>> nearest(other, pool)[1].ravel()
    array([0, 1])
    """
    step = int(np.clip(_BLOCK // queries.size, 64, 1024))
    squares = np.full((len(queries), n_neighbors), np.inf)
    found = np.full((len(queries), n_neighbors), -1, dtype=np.int64)
    keys = (queries.keys, pool.keys) if apart else None
    for begin in range(0, len(pool), step):
        theirs = slice(begin, min(begin + step, len(pool)))
        right = pool.gather(theirs)
        right = np.vstack([-2 * right.T, np.einsum("ij,ij->i", right, right)])
        for start in range(0, len(queries), step):
            ours = slice(start, min(start + step, len(queries)))
            left = queries.gather(ours)
            products = np.hstack([left, np.ones((len(left), 1))]) @ right
            if apart:
                mine, other = keys[0][ours], keys[1][theirs]
                if _may_overlap(mine, other, queries.width):
                    near = np.abs(mine[:, None] - other) < queries.width
                    products[near] = np.inf
            _keep_least(products, begin, squares[ours], found[ours])
    found[np.isinf(squares)] = -1
    return _distances(queries, pool, found, step)


def _may_overlap(mine, other, width):
    return mine.min() - other.max() < width and other.min() - mine.max() < width


def _keep_least(products, begin, squares, found):
    """Merge the least of a block into those found so far, in place."""
    n_neighbors = min(squares.shape[1], products.shape[1])
    if n_neighbors == 1:
        places = products.argmin(axis=1)[:, None]
    else:
        places = np.argpartition(products, n_neighbors - 1, axis=1)[:, :n_neighbors]
    squares_too = np.hstack([squares, np.take_along_axis(products, places, axis=1)])
    found_too = np.hstack([found, places + begin])
    order = np.argsort(squares_too, axis=1, kind="stable")[:, : squares.shape[1]]
    squares[:] = np.take_along_axis(squares_too, order, axis=1)
    found[:] = np.take_along_axis(found_too, order, axis=1)


def _distances(queries, pool, found, step):
    distances = np.full(found.shape, np.inf)
    for start in range(0, len(queries), step):
        ours = slice(start, min(start + step, len(queries)))
        left = queries.gather(ours)
        for rank in range(found.shape[1]):
            there = found[ours, rank]
            apart = left - pool.gather(np.maximum(there, 0))
            mean = np.einsum("ij,ij->i", apart, apart) / queries.size
            distances[ours, rank] = np.where(there < 0, np.inf, np.sqrt(mean))
    order = np.argsort(distances, axis=1, kind="stable")
    return (
        np.take_along_axis(distances, order, axis=1),
        np.take_along_axis(found, order, axis=1),
    )
