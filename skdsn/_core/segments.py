"""Rows grouped into tracks by an offsets array."""

import numpy as np


def boundaries(labels):
    """Find where a label changes from one row to the next.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
        One label per row; equal neighbours belong together.

    Returns
    -------
    bounds : int64 ndarray of shape (n_segments + 1,)

    Examples
    --------
    >>> import numpy as np
    >>> boundaries(np.array([7, 7, 3, 3, 3]))
    array([0, 2, 5])
    """
    labels = np.asarray(labels)
    cuts = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    return as_bounds(cuts, len(labels))


def as_bounds(cuts, n_rows):
    """Offsets from the sorted rows at which a new segment starts."""
    if n_rows == 0:
        return np.zeros(1, dtype=np.int64)
    return np.concatenate(([0], cuts, [n_rows])).astype(np.int64)


def lengths(bounds):
    """Rows per segment."""
    return np.diff(bounds)


def segment_ids(bounds):
    """Segment number of each row."""
    return np.repeat(np.arange(len(bounds) - 1), lengths(bounds))


def row_starts(bounds):
    """First row of the segment that each row belongs to."""
    return np.repeat(bounds[:-1], lengths(bounds))


def positions(bounds):
    """Rows since the start of the segment, 0 for its first row.

    Examples
    --------
    >>> import numpy as np
    >>> positions(np.array([0, 2, 5]))
    array([0, 1, 0, 1, 2])
    """
    return np.arange(bounds[-1]) - row_starts(bounds)


def pieces(bounds, length):
    """Cut segments into pieces of no more than so many rows.

    Parameters
    ----------
    bounds : ndarray of shape (n_segments + 1,)
    length : int

    Returns
    -------
    starts, stops : int64 ndarray of shape (n_pieces,)
        Half-open rows of each piece; the last one of a segment may be shorter.
    segments : int64 ndarray of shape (n_pieces,)
        Number of the segment of each piece.

    Examples
    --------
    >>> import numpy as np
    >>> starts, stops, segments = pieces(np.array([0, 5, 7]), 3)
    >>> starts, stops, segments
    (array([0, 3, 5]), array([3, 5, 7]), array([0, 0, 1]))
    """
    counts = -(-lengths(bounds) // length)
    segments = np.repeat(np.arange(len(counts)), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    starts = bounds[segments] + (np.arange(len(segments)) - first) * length
    return starts, np.minimum(starts + length, bounds[segments + 1]), segments


def reduce_segments(values, bounds, ufunc):
    """Reduce each segment with a ufunc, e.g. ``np.add`` or ``np.maximum``.

    Parameters
    ----------
    values : ndarray of shape (n_rows, ...)
    bounds : ndarray of shape (n_segments + 1,)
        No segment may be empty.
    ufunc : numpy.ufunc

    Returns
    -------
    ndarray of shape (n_segments, ...)
    """
    if len(bounds) == 1:
        return np.empty((0, *np.shape(values)[1:]), dtype=np.asarray(values).dtype)
    return ufunc.reduceat(values, bounds[:-1], axis=0)


def difference(values, bounds):
    """Change since the previous row of the segment; 0 for its first row."""
    out = np.zeros_like(values)
    np.subtract(values[1:], values[:-1], out=out[1:])
    out[bounds[:-1]] = 0
    return out


def last_valid_row(valid, bounds):
    """Index of the latest row, up to each row, at which ``valid`` holds.

    Parameters
    ----------
    valid : bool ndarray of shape (n_rows,) or (n_rows, n_columns)
    bounds : ndarray of shape (n_segments + 1,)

    Returns
    -------
    rows : int64 ndarray, shape of ``valid``
        -1 where the segment holds no valid row yet.

    Examples
    --------
    >>> import numpy as np
    >>> last_valid_row(np.array([False, True, False, False]), np.array([0, 3, 4]))
    array([-1,  1,  1, -1])
    """
    shape = (-1, *(1,) * (valid.ndim - 1))
    rows = np.where(valid, np.arange(len(valid)).reshape(shape), -1)
    rows = np.maximum.accumulate(rows, axis=0)
    return np.where(rows >= row_starts(bounds).reshape(shape), rows, -1)


def prepend(values, bounds, prefixes):
    """Put remembered rows in front of segments.

    Parameters
    ----------
    values : ndarray of shape (n_rows, ...)
    bounds : ndarray of shape (n_segments + 1,)
    prefixes : list of ndarray or None, one per segment
        Rows to put in front of a segment; None for none.

    Returns
    -------
    values : ndarray of shape (n_rows + n_prefix_rows, ...)
    bounds : ndarray of shape (n_segments + 1,)
    rows : int64 ndarray of shape (n_rows,)
        Where the original rows are now.
    """
    added = np.array([0 if p is None else len(p) for p in prefixes], dtype=np.int64)
    shift = np.cumsum(added)
    rows = np.arange(bounds[-1]) + np.repeat(shift, lengths(bounds))
    if not added.any():
        return values, bounds, rows
    out = np.empty((bounds[-1] + shift[-1], *values.shape[1:]), dtype=values.dtype)
    out[rows] = values
    new_bounds = bounds + np.concatenate(([0], shift))
    remembered = np.ones(len(out), dtype=bool)
    remembered[rows] = False
    out[remembered] = np.concatenate([p for p in prefixes if p is not None])
    return out, new_bounds, rows
