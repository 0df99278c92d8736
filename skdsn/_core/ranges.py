"""Values in units of the range that they had in training."""

import numpy as np

# Largest scaled value: the square of a subsequence of them is still a float64.
LARGEST = 1e100


def fit_range(values):
    """Find centre and range of each column, NaN left out.

    Parameters
    ----------
    values : float64 ndarray of shape (n_rows, n_columns)

    Returns
    -------
    centre, unit : float64 ndarray of shape (n_columns,)
        The unit of a constant column is 1.

    Examples
    --------
    >>> import numpy as np
    >>> fit_range(np.array([[0.0, 7.0], [4.0, 7.0]]))
    (array([2., 7.]), array([4., 1.]))
    """
    low, high = (of.reduce(values, axis=0) for of in (np.fmin, np.fmax))
    with np.errstate(over="ignore"):
        spread = np.minimum(high - low, np.finfo(np.float64).max)
    varied = spread > 1e-12 * np.fmax(np.abs(low), np.abs(high))  # not if all are NaN
    return np.nan_to_num(low / 2 + high / 2), np.where(varied, spread, 1.0)


def scale_to_range(values, centre, unit):
    """Scale values by what :func:`fit_range` has found, to no more than 1e100."""
    with np.errstate(over="ignore"):
        return np.clip((values - centre) / unit, -LARGEST, LARGEST)
