"""How rare a score is, told on one scale for all detectors."""

import numpy as np

LEAST_SCALE = 1e-9


def fit_tail(scores, share=0.05):
    """Learn how often scores are exceeded.

    Parameters
    ----------
    scores : float ndarray of shape (n_rows,)
        Of normal rows; higher is more anomalous.
    share : float
        Part of the rows, the highest, whose excess over the others is taken as
        exponential: so scores beyond all of them still have a rate.

    Returns
    -------
    tuple (ordered, start, rate, scale)
        The scores below the tail, ascending; where it starts; the share of the rows in
        it; the mean excess of these.

    References
    ----------
    J. Pickands, "Statistical inference using extreme order statistics", Annals of
    Statistics 3(1), 1975; here with the exponential as the limit.
    """
    ordered = np.sort(scores)
    n_tail = max(1, int(np.ceil(share * len(ordered))))
    below, above = ordered[:-n_tail], ordered[-n_tail:]
    start = below[-1] if len(below) else above[0]
    # Scores that hardly vary leave no scale; a fraction of their level serves then.
    floor = max(LEAST_SCALE, 1e-3 * abs(start), 0.05 * (start - np.median(ordered)))
    scale = max(float((above - start).mean()), floor)
    return below, float(start), n_tail / len(ordered), scale


def rarity(scores, tail):
    """Tell how rare scores are: 3 is exceeded by one row in a thousand.

    Parameters
    ----------
    scores : float ndarray of shape (n_rows,)
    tail : tuple
        Of :func:`fit_tail`.

    Returns
    -------
    float64 ndarray of shape (n_rows,)
        Minus the decimal logarithm of the rate; never falls as a score rises.

    Examples
    --------
    >>> import numpy as np
    >>> tail = fit_tail(np.arange(1000.0))
    >>> rarity(np.array([0.0, 500.0, 899.0, 2000.0]), tail).round(1)
    array([ 0. ,  0.3,  1. , 19.2])
    """
    below, start, rate, scale = tail
    n_rows = len(below) / (1 - rate) if rate < 1 else 1.0
    exceeded = np.searchsorted(below, scores, side="left")
    inside = np.abs(np.log10(np.maximum(1 - exceeded / n_rows, rate)))  # no -0.0
    beyond = -np.log10(rate) + (scores - start) / (scale * np.log(10))
    return np.where(scores > start, beyond, inside)
