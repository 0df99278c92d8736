"""Exponentially weighted moving averages over tracks, by rows or in time."""

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


def halflife_mean(values, seconds, bounds, halflife, carry=None):
    """Exponentially weighted mean whose weights halve with time.

    The definition of ``pandas.Series.ewm(halflife=halflife, times=times).mean()``,
    started afresh in each segment: a row that is `halflife` seconds old weighs half as
    much as the newest one.

    Parameters
    ----------
    values : float ndarray of shape (n_rows,)
    seconds : float64 ndarray of shape (n_rows,)
        Increasing within a segment.
    bounds : ndarray of shape (n_segments + 1,)
        No segment may be empty.
    halflife : float
        In seconds.
    carry : float ndarray of shape (n_segments, 3), optional
        Mean, weight and seconds of what each segment continues, as returned for the
        last row before it; a weight of 0 starts afresh.

    Returns
    -------
    mean, weight : float64 ndarray of shape (n_rows,)

    Notes
    -----
    As in :func:`decayed_sum`, pass *k* joins the last ``2**k`` rows. What is joined are
    means, not sums: equal values keep their mean to the last digit, and nothing grows
    with the length of a track.

    Examples
    --------
    >>> import numpy as np
    >>> values, seconds = np.array([8.0, 2.0, 2.0, 2.0]), np.array([0.0, 1.0, 3.0, 4.0])
    >>> halflife_mean(values, seconds, np.array([0, 4]), 1.0)[0].round(2)
    array([8.  , 4.  , 2.55, 2.22])
    """
    mean = np.array(values, dtype=np.float64)
    weight = np.ones(len(mean))
    if carry is not None:
        first = bounds[:-1]
        before, weights, ends = np.asarray(carry).T
        kept = weights * _halvings(seconds[first] - ends, halflife)
        weight[first] += kept
        mean[first] += kept / weight[first] * (before - mean[first])
    position = positions(bounds)
    step, longest = 1, position.max(initial=0)
    while step <= longest:
        kept = _halvings(seconds[step:] - seconds[:-step], halflife)
        kept[position[step:] < step] = 0
        if kept.max() < 2.0**-100:  # nothing even times the rows of a long track
            break
        kept *= weight[:-step]
        # The right-hand sides are read in full before anything is written.
        weight[step:] += kept
        mean[step:] += kept / weight[step:] * (mean[:-step] - mean[step:])
        step *= 2
    return mean, weight


def _halvings(seconds, halflife):
    # Across a border, where it does not count, time may go back far.
    with np.errstate(over="ignore"):
        return np.exp2(-seconds / halflife)
