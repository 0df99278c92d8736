"""Correlations of long tables, without a centred copy of them."""

import numpy as np


def correlation(values, rows=None, block=65_536):
    """Pearson correlation of the columns, summed over blocks of rows.

    Parameters
    ----------
    values : float ndarray of shape (n_rows, n_columns)
    rows : bool ndarray of shape (n_rows,), optional
        Rows to use; all when omitted.
    block : int
        Rows centred at a time.

    Returns
    -------
    float64 ndarray of shape (n_columns, n_columns)
        0 beside a constant column, also on the diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> correlation(np.array([[1.0, 2.0, 5.0], [2.0, 4.0, 5.0]]))
    array([[1., 1., 0.],
           [1., 1., 0.],
           [0., 0., 0.]])
    """
    n_columns = values.shape[1]
    parts = [slice(begin, begin + block) for begin in range(0, len(values), block)]

    def take(part):
        taken = values[part].astype(np.float64, copy=False)
        return taken if rows is None else taken[rows[part]]

    n_rows = len(values) if rows is None else int(rows.sum())
    mean = sum(take(part).sum(axis=0) for part in parts) / n_rows
    product = np.zeros((n_columns, n_columns))
    for part in parts:
        centred = take(part) - mean
        product += centred.T @ centred
    spread = np.sqrt(np.diag(product))
    # Rounding leaves a constant column with a spread of about eps times its level.
    constant = spread <= 1e-12 * np.sqrt(n_rows) * np.abs(mean)
    spread[constant | (spread == 0)] = np.inf
    # Rounding may lift equal columns above a correlation of 1.
    return np.clip(product / np.outer(spread, spread), -1, 1)


def most_explained(correlations, candidates, n_targets, ridge=1e-3):
    """Choose columns that the columns left over explain best.

    Greedy: each step adds the candidate for which the mean share of variance that a
    ridge regression on all columns left over explains, over the columns chosen so
    far, is highest.

    Parameters
    ----------
    correlations : float64 ndarray of shape (n_columns, n_columns)
    candidates : sequence of int
        Columns that may be chosen.
    n_targets : int
        How many to choose, at most as many as there are candidates.
    ridge : float
        Added to the diagonal; the correlations have ones there.

    Returns
    -------
    int64 ndarray of shape (n_targets,)
        Ascending.
    """
    n_columns = len(correlations)
    regular = correlations + ridge * np.eye(n_columns)
    chosen = []
    for _ in range(min(n_targets, len(candidates))):
        options = [column for column in candidates if column not in chosen]
        best = max(options, key=lambda column: _explained(regular, [*chosen, column]))
        chosen.append(best)
    return np.sort(np.array(chosen, dtype=np.int64))


def _explained(correlations, targets):
    inputs = np.setdiff1d(np.arange(len(correlations)), targets)
    if len(inputs) == 0:
        return 0.0
    between = correlations[np.ix_(inputs, targets)]
    within = correlations[np.ix_(inputs, inputs)]
    # A constant column has nothing on its diagonal but the ridge, and explains 0.
    return float(np.mean((between * np.linalg.solve(within, between)).sum(axis=0)))
