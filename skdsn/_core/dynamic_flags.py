"""Flags of the rows of a window of errors, given its thresholds."""

from typing import NamedTuple

import numpy as np

from skdsn._core.dynamic_threshold import CONSTANT, choose_z, measure
from skdsn._core.runs import find_runs, paint_runs, reduce_runs


class Judgement(NamedTuple):
    """Flags, scores and thresholds of the new rows, and what they rest on.

    `z` and `z_low` are NaN where none was chosen and the fallback stands in.
    """

    flags: np.ndarray
    scores: np.ndarray
    thresholds: np.ndarray
    mean: float
    std: float
    z: float
    z_low: float


def judge(errors, n_new, flagged, rule, **where):
    """Measure a window of errors, choose its thresholds and judge its last rows.

    Parameters
    ----------
    errors : float64 ndarray of shape (n_rows,)
        NaN counts for nothing, but may be flagged beside an exceedance.
    n_new, flagged, rule, **where
        As for :func:`decide`.

    Returns
    -------
    Judgement
    """
    window = measure(errors, flagged, rule)
    z = [choose_z([window], rule, side=side)[0] for side in (1, -1)]
    return decide(window, z, n_new, flagged, rule, **where)


def decide(window, z, n_new, flagged, rule, *, n_history=0, n_spared=0, floor=-np.inf):
    """Judge the last rows of a window.

    Parameters
    ----------
    window : Window
    z : tuple of two floats
        As :func:`choose_z` has chosen them above and below the mean.
    n_new : int
        Rows at the end that are to be judged.
    flagged : bool ndarray of shape (n_rows - n_new,)
        Earlier rows that were flagged.
    rule : Rule
    n_history : int
        Rows at the begin that come from elsewhere: they count for the threshold and
        as nominal peaks, but no exceedance there flags rows beside it.
    n_spared : int
        New rows, the first ones, that are not to be flagged.
    floor : float
        Errors have to be higher to be exceedances.

    Returns
    -------
    Judgement
        Scores are ``(error - threshold) / (|mean| + std)``, of the flagged rows made
        positive and of the others not positive. Missing errors count as the mean.
    """
    mean, std = window.mean, window.std
    flags = np.zeros(n_new, dtype=bool)
    if std == 0:
        scores = np.full(n_new, -rule.fallback_z)
        return Judgement(flags, scores, np.full(n_new, mean), mean, std, *z)
    scale = abs(mean) + std
    new = window.deviation[-n_new:]
    if window.counted is not None:
        new = np.where(np.isnan(new), 0.0, new)
    limits = [(rule.fallback_z if np.isnan(one) else one) * std for one in z]
    scores = (new - limits[0]) / scale
    thresholds = np.full(n_new, mean + limits[0])
    # Rows left out may be farther away than those counted, and flag rows beside them.
    if rule.exclude_flagged or window.top >= limits[0]:
        rows = window.deviation, flagged, mean, limits[0]
        flags = _flag(rows, scale, n_new, rule, n_history, n_spared, floor)
    if rule.both_sides:
        scores = np.maximum(scores, (-new - limits[1]) / scale)
        if rule.exclude_flagged or -window.bottom >= limits[1]:
            rows = -window.deviation, flagged, mean, limits[1]
            low = _flag(rows, scale, n_new, rule, n_history, n_spared, floor)
            thresholds[low & ~flags] = mean - limits[1]
            flags |= low
    scores = np.where(flags, np.maximum(scores, CONSTANT), np.minimum(scores, 0))
    return Judgement(flags, scores, thresholds, mean, std, *z)


def _flag(rows, scale, n_new, rule, n_history, n_spared, floor):
    """Flag the new rows that are exceedances or close to one, and prune."""
    deviation, flagged, mean, limit = rows
    flags = np.zeros(n_new, dtype=bool)
    begin = max(len(flagged) - rule.buffer, n_history)
    recent = deviation[begin:]
    high = recent >= limit
    if not high.any():
        return flags
    hits = np.flatnonzero(high & (recent + mean > floor))
    if len(hits):
        starts = np.maximum(hits - rule.buffer, 0)
        stops = np.minimum(hits + rule.buffer + 1, len(recent))
        flags = paint_runs(starts, stops, len(recent))[len(recent) - n_new :]
        flags[:n_spared] = False
    return _prune(rows, scale, flags, rule) if flags.any() else flags


def _prune(rows, scale, flags, rule):
    """Drop runs whose peak is hardly higher than the next, or not severe enough."""
    deviation, flagged, mean, limit = rows
    new = deviation[len(flagged) :]
    starts, stops = find_runs(flags, np.array([0, len(flags)]))
    if not rule.lone_rows and (rule.p > 0 or rule.min_severity > 0):
        long = stops - starts > 1
        if not long.any():
            return flags
        starts, stops = starts[long], stops[long]
    peaks = mean + reduce_runs(new, starts, stops, np.fmax)
    keep = np.ones(len(peaks), dtype=bool)
    if rule.p > 0:
        nominal = max(
            np.fmax.reduce(deviation[: len(flagged)][~flagged], initial=-np.inf),
            np.fmax.reduce(new[~flags], initial=-np.inf),
        )
        nominal = mean + nominal if np.isfinite(nominal) else 0.0
        keep = surviving_peaks(peaks, nominal, rule.p)
    if rule.min_severity > 0:
        severe = (peaks - mean - limit) / scale >= rule.min_severity
        if len(flagged) and flagged[-1] and starts[0] == 0:
            severe[0] = True  # it goes on with what was severe enough
        keep &= severe
    return paint_runs(starts[keep], stops[keep], len(flags))


def surviving_peaks(peaks, nominal, p):
    """Tell which runs survive pruning.

    With the peaks sorted down and the highest nominal error behind them, all runs
    before the last drop by at least the fraction `p` survive.

    Parameters
    ----------
    peaks : float ndarray of shape (n_runs,)
        Highest error of each run; NaN, of a run without any, does not survive.
    nominal : float
        Highest error outside of runs.
    p : float

    Returns
    -------
    bool ndarray of shape (n_runs,)

    Examples
    --------
    >>> import numpy as np
    >>> surviving_peaks(np.array([6.0, 10.0, 3.1, 8.0]), 3.0, 0.13)
    array([ True,  True, False,  True])
    """
    order = np.argsort(-peaks, kind="stable")  # NaN last
    steps = np.append(peaks[order], nominal)
    steps = np.where(np.isnan(steps), nominal, steps)
    drops = np.flatnonzero(steps[:-1] - steps[1:] >= p * np.abs(steps[:-1]))
    keep = np.zeros(len(peaks), dtype=bool)
    keep[order[: drops[-1] + 1 if len(drops) else 0]] = True
    return keep
