"""Nonparametric dynamic thresholds of prediction errors, for many windows at once.

After Hundman et al. (KDD 2018). The threshold of a window is the mean of its errors and
*z* times their standard deviation; that *z* is chosen at which cutting off what is
higher lowers both most.
"""

from typing import NamedTuple

import numpy as np

# Errors that differ by less than this, relative to the highest, are constant.
CONSTANT = 1e-9


class Rule(NamedTuple):
    """How windows are judged; lengths count rows.

    `search_buffer` is how far exceedances are widened while *z* is chosen, and `buffer`
    how far when rows are flagged. `lone_rows` tells whether one row makes a run.
    """

    z_grid: np.ndarray
    fallback_z: float = 12.0
    buffer: int = 100
    search_buffer: int = 100
    max_runs: int = 5
    max_fraction: float = 0.5
    p: float = 0.13
    both_sides: bool = True
    min_severity: float = 0.0
    exclude_flagged: bool = False
    raw_penalty: bool = False
    lone_rows: bool = True


class Window(NamedTuple):
    """A window of errors and what its threshold rests on.

    Attributes
    ----------
    deviation : float64 ndarray of shape (n_rows,)
        Errors less `mean`; NaN where they are missing.
    counted : int64 ndarray or None
        Rows that mean and deviation are taken of; None if they are all.
    mean, std : float
        A `std` of 0 says that errors do not vary, a NaN `mean` that none is known.
    top, bottom : float
        Highest and lowest deviation counted.
    """

    deviation: np.ndarray
    counted: np.ndarray | None
    mean: float
    std: float
    top: float
    bottom: float


def measure(errors, flagged, rule):
    """Measure a window of errors.

    Parameters
    ----------
    errors : float64 ndarray of shape (n_rows,)
        NaN counts for nothing.
    flagged : bool ndarray of shape (n_earlier,)
        Whether the first rows were flagged.
    rule : Rule

    Returns
    -------
    Window
    """
    counted = _counted(errors, flagged, rule)
    known = errors if counted is None else errors[counted]
    if len(known) == 0:
        return Window(errors, counted, np.nan, 0.0, 0.0, 0.0)
    top, bottom = known.max(), known.min()
    if top - bottom <= CONSTANT * max(abs(top), abs(bottom)):
        return Window(errors - top, counted, top, 0.0, 0.0, 0.0)
    mean = known.sum() / len(known)
    deviation = errors - mean
    spread = deviation if counted is None else deviation[counted]
    std = (spread @ spread / len(known)) ** 0.5  # of tiny numbers the squares are 0
    return Window(deviation, counted, mean, std, top - mean, bottom - mean)


def _counted(errors, flagged, rule):
    counted = None
    if np.isnan(errors.sum()):
        counted = ~np.isnan(errors)
    if rule.exclude_flagged and flagged.any():
        others = np.ones(len(errors), dtype=bool) if counted is None else counted.copy()
        others[: len(flagged)] &= ~flagged
        if others.any():
            counted = others
    return None if counted is None else counted.nonzero()[0]


def choose_z(windows, rule, *, side=1):
    """Choose for each window the number of deviations to its threshold.

    All windows and all of the grid are tried at once. The exceedances of a higher *z*
    are among those of a lower one, so what is kept is summed up by bins, and all sets
    of exceedances together are hardly more rows than the windows have.

    Parameters
    ----------
    windows : list of Window
    rule : Rule
    side : {1, -1}
        -1 for thresholds below the mean.

    Returns
    -------
    float64 ndarray of shape (n_windows,)
        NaN if no *z* of the grid is accepted.

    Examples
    --------
    >>> import numpy as np
    >>> rule = Rule(np.arange(2.5, 12, 0.5), search_buffer=3)
    >>> errors = np.r_[np.tile([1.0, 2.0], 50), 30.0]
    >>> window = measure(errors, np.zeros(0, bool), rule)
    >>> choose_z([window], rule), choose_z([window], rule, side=-1)
    (array([9.5]), array([nan]))
    """
    grid = rule.z_grid
    chosen = np.full(len(windows), np.nan)
    tried, places, values, base = [], [], [], []
    for number, window in enumerate(windows):
        farthest = window.top if side > 0 else -window.bottom
        if window.std > 0 and farthest >= grid[0] * window.std:
            place, value, *sums = _exceedances(window, grid[0], side)
            tried.append(number)
            places.append(place)
            values.append(value)
            base.append(sums)
    if not tried:
        return chosen
    n_rows = np.array([len(windows[number].deviation) for number in tried])
    mean = np.array([windows[number].mean / windows[number].std for number in tried])
    score = _score(places, values, np.array(base).T, n_rows, mean, rule)
    best = len(score) - 1 - score[::-1].argmax(axis=0)  # of equals the higher z
    found = score.max(axis=0) > -np.inf
    chosen[tried] = np.where(found, grid[best], np.nan)
    return chosen


def _exceedances(window, z, side):
    """Rows and deviations from `z` on; of the rest number, sum and sum of squares."""
    deviation = window.deviation
    if window.counted is not None:
        deviation = deviation[window.counted]
    deviation = deviation * (side / window.std)
    high = (deviation >= z).nonzero()[0]
    value = deviation[high]
    deviation[high] = 0
    place = high if window.counted is None else window.counted[high]
    rest = len(deviation) - len(high), deviation.sum(), deviation @ deviation
    return place, value, *rest


def _score(places, values, base, n_rows, mean, rule):
    """Score of each z (row) for each window (column), -inf where it is not accepted.

    Deviations and `mean` are in units of the standard deviation.
    """
    n_z, n_windows = len(rule.z_grid), len(places)
    shape = n_z, n_windows
    owner = np.repeat(np.arange(n_windows), [len(place) for place in places])
    place, value = np.concatenate(places), np.concatenate(values)
    reached = rule.z_grid.searchsorted(value, side="right")  # how many z it exceeds

    # What is kept at a z: all that exceeds no more than the ones below it. The sums
    # only grow, so that no digits are lost beside enormous errors.
    key, size = reached * n_windows + owner, (n_z + 1) * n_windows
    count, total, square = (
        rest + np.bincount(key, weight, size).reshape(-1, n_windows)[:-1].cumsum(axis=0)
        for rest, weight in zip(base, (None, value, value * value), strict=True)
    )
    kept = total / count
    gain = 1 - np.sqrt(np.maximum(square / count - kept**2, 0))
    gain -= np.divide(kept, np.abs(mean), where=mean != 0, out=np.zeros(shape))

    level, item = (reached > np.arange(n_z)[:, None]).nonzero()
    group = level * n_windows + owner[item]
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], len(group)) - 1
    group = group[first]
    place, reach, length = place[item], rule.search_buffer, n_rows[group % n_windows]
    step = np.diff(place, prepend=0)
    step[first] = 2 * reach + 2  # a new run, after a hole that is not counted
    new = step > 2 * reach + 1
    hole = np.where(new, step - 1 - 2 * reach, 0)
    hole[first] = 0
    begin = np.maximum(place[first] - reach, 0)
    end = np.minimum(place[last] + reach, length - 1)
    widened = end - begin + 1 - np.add.reduceat(hole, first)
    if reach == 0 and not rule.lone_rows:
        new &= ~np.append(new[1:], True)
    runs = np.add.reduceat(new, first, dtype=np.int64)

    allowed = (runs <= rule.max_runs) & (widened < rule.max_fraction * length)
    penalty = runs**2 + (last - first + 1 if rule.raw_penalty else widened)
    score = np.full(n_z * n_windows, -np.inf)
    score[group] = np.where(allowed, gain.ravel()[group] / penalty, -np.inf)
    return score.reshape(shape)
