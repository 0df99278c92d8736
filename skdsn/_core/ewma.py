"""Exponentially weighted moving average over tracks."""

import numpy as np

from skdsn._core.segments import positions


def decayed_sum(values, bounds, decay, carry=None):
    """Sum with geometric forgetting, segment by segment.

    Computes ``s[t] = values[t] + decay * s[t - 1]``, with ``s = carry`` before the
    first row of a segment, by doubling: after pass *k* every row holds the sum
    over its last ``2**k`` rows. About ``log2(40 / (1 - decay))`` passes reach
    double precision, whatever the length of the tracks.

    Parameters
    ----------
    values : float ndarray of shape (n_rows,) or (n_rows, n_columns)
    bounds : ndarray of shape (n_segments + 1,)
        No segment may be empty.
    decay : float in [0, 1)
    carry : float ndarray of shape (n_segments, ...), optional
        Sum before the first row of each segment; zero when omitted.

    Returns
    -------
    float64 ndarray, shape of ``values``
    """
    out = np.array(values, dtype=np.float64)
    if carry is not None:
        out[bounds[:-1]] += decay * np.asarray(carry)
    position = positions(bounds)
    step, weight = 1, float(decay)
    while weight > 1e-18 and step <= position.max(initial=0):
        rows = np.flatnonzero(position >= step)
        # The right-hand side is read in full before anything is written.
        out[rows] += weight * out[rows - step]
        step, weight = 2 * step, weight * weight
    return out


def ewma(values, bounds, alpha, carry=None):
    """Exponentially weighted mean with normalised weights.

    The definition of ``pandas.DataFrame.ewm(alpha=alpha, adjust=True).mean()``,
    started afresh in each segment.

    Parameters
    ----------
    values : float ndarray of shape (n_rows,) or (n_rows, n_columns)
    bounds : ndarray of shape (n_segments + 1,)
    alpha : float in (0, 1]
        Weight of the newest row; ``2 / (span + 1)`` for a span in rows.
    carry : tuple of ndarray, optional
        What an earlier call returned, to go on where it stopped.

    Returns
    -------
    mean : float64 ndarray, shape of ``values``
    carry : tuple (sums, weights)
        Of shapes (n_segments, ...) and (n_segments,): the state after the last
        row of each segment.

    Examples
    --------
    >>> import numpy as np
    >>> ewma(np.array([1.0, 3.0, 5.0]), np.array([0, 2, 3]), 0.5)[0].round(3)
    array([1.   , 2.333, 5.   ])
    """
    values = np.asarray(values, dtype=np.float64)
    sums, weights = (None, None) if carry is None else carry
    total = decayed_sum(values, bounds, 1 - alpha, sums)
    weight = decayed_sum(np.ones(len(values)), bounds, 1 - alpha, weights)
    mean = total / weight.reshape(-1, *(1,) * (values.ndim - 1))
    last = bounds[1:] - 1
    return mean, (total[last], weight[last])
