"""Which windows of errors are judged: batch by batch, or as in the published code."""

from typing import NamedTuple

import numpy as np

from skdsn._core.dynamic_flags import decide
from skdsn._core.dynamic_threshold import choose_z, measure
from skdsn._core.runs import find_runs, paint_runs

# Context of the network in the paper, and the tracks that are long enough for a
# warm-up of one and of two contexts.
CONTEXT, LONG, LONGEST = 250, 1800, 2500
# Windows measured at a time, which bounds the memory.
BLOCK = 256


class Past(NamedTuple):
    """What the next batch of a track has to know.

    Attributes
    ----------
    errors : float64 ndarray
        The last errors, at most a window and a batch of them: first those of the
        history, last those of an unfinished batch.
    flags : bool ndarray
        Of all errors but those of an unfinished batch.
    n_history : int
        Errors that do not belong to the track.
    n_seen : int
        Rows of the track so far.
    """

    errors: np.ndarray
    flags: np.ndarray
    n_history: int
    n_seen: int


def fresh_past(history):
    """Past of a track that begins."""
    return Past(history, np.zeros(len(history), dtype=bool), len(history), 0)


def judge_batches(errors, past, rule, *, window, batch, warm_up, floor):
    """Judge the next rows of a track, batch by batch.

    A batch is judged by the `window` errors up to its end. Rows of a batch that is not
    complete yet are judged without the rest of it, and the batch is judged anew, for
    what comes after it, once the rest is there.

    Parameters
    ----------
    errors : float64 ndarray of shape (n_rows,)
    past : Past
    rule : Rule
    window, batch, warm_up : int
        Rows of a window, of a batch and at the start of the track never flagged.
    floor : float
        Errors have to be higher to be exceedances.

    Returns
    -------
    scores, thresholds : float64 ndarray of shape (n_rows,)
        A row is flagged if its score is positive.
    past : Past
    """
    known = np.concatenate([past.errors, errors])
    begin_new = len(past.errors)
    final = len(past.flags)
    row = past.n_seen - (begin_new - final)  # of the track, at `final`
    flags = np.zeros(len(known), dtype=bool)
    flags[:final] = past.flags
    scores, thresholds = np.empty(len(known)), np.empty(len(known))
    begins = np.arange(final, len(known), batch)
    ends = np.minimum(begins + batch, len(known))
    firsts = np.maximum(ends - window, 0)
    for first, begin, end, measured, z in _windows(
        known, flags, firsts, begins, ends, rule
    ):
        found = decide(
            measured,
            z,
            end - begin,
            flags[first:begin],
            rule,
            n_history=max(past.n_history - first, 0),
            n_spared=min(max(warm_up - row, 0), end - begin),
            floor=floor,
        )
        flags[begin:end] = found.flags
        scores[begin:end] = found.scores
        thresholds[begin:end] = found.thresholds
        row += end - begin
    done = len(known) - row % batch
    keep = max(done + 1 - window, 0)
    following = Past(
        known[keep:].copy(),
        flags[keep:done].copy(),
        max(past.n_history - keep, 0),
        row,
    )
    new = slice(begin_new, None)
    return scores[new], thresholds[new], following


def published_warm_up(errors):
    """Tell the rows that the published code leaves alone, from the first error on."""
    n_rows = len(errors) - _n_before_first(errors)
    return CONTEXT * ((n_rows >= LONG) + (n_rows >= LONGEST))


def _n_before_first(errors):
    return int(np.isnan(np.append(errors, 0.0)).argmin())


def judge_published(
    errors, values, rule, *, window, batch, warm_up, min_error, value_guard
):
    """Judge a whole track by the windows of the published code.

    The first window flags any of its rows, each later one the last `batch` of its
    rows, the last window goes on to the end. Rows between that batch and the one
    before are never flagged. Rows before the first error are no part of all that.

    Parameters
    ----------
    errors : float64 ndarray of shape (n_rows,)
    values : float64 ndarray of shape (n_rows,) or None
        Telemetry that the guards compare errors with.
    rule : Rule
    window, batch, warm_up : int
    min_error : float
        The highest error of a window has to exceed it.
    value_guard : float
        Share of the range of the values that exceedances have to exceed.

    Returns
    -------
    scores, thresholds : float64 ndarray of shape (n_rows,)
        A row is flagged if its score is positive.
    judgements : list of (int, Judgement)
        First row judged, for each window.
    """
    n_before = _n_before_first(errors)
    if n_before:
        missing = np.full(n_before, -rule.fallback_z), np.full(n_before, np.nan)
        if n_before == len(errors):
            return *missing, []
        scores, thresholds, judgements = judge_published(
            errors[n_before:],
            None if values is None else values[n_before:],
            rule,
            window=window,
            batch=batch,
            warm_up=warm_up,
            min_error=min_error,
            value_guard=value_guard,
        )
        return (
            np.append(missing[0], scores),
            np.append(missing[1], thresholds),
            [(begin + n_before, found) for begin, found in judgements],
        )
    n_rows = len(errors)
    flags = np.zeros(n_rows, dtype=bool)
    scores, thresholds = np.empty(n_rows), np.empty(n_rows)
    firsts = np.arange(max((n_rows - window) // batch, 0) + 1) * batch
    ends = np.append(firsts[:-1] + window, n_rows)
    begins = np.append(0, ends[:-1])
    judgements = []
    for first, begin, end, measured, z in _windows(
        errors, flags, firsts, begins, ends, rule
    ):
        inside = slice(first, end)
        compared = None if values is None else values[inside]
        found = decide(
            measured,
            z,
            end - begin,
            flags[first:begin],
            rule,
            n_spared=warm_up if begin == 0 else end - begin - batch,
            floor=_floor(errors[inside], compared, min_error, value_guard),
        )
        flags[begin:end] = found.flags
        scores[begin:end] = found.scores
        thresholds[begin:end] = found.thresholds
        judgements.append((int(begin), found))
    starts, stops = find_runs(flags, np.array([0, n_rows]))
    long = stops - starts > 1
    flags = paint_runs(starts[long], stops[long], n_rows)
    scores[~flags] = np.minimum(scores[~flags], 0)
    return scores, thresholds, judgements


def _windows(errors, flags, firsts, begins, ends, rule):
    """Measure windows and choose their z, many at a time where flags play no part."""
    block = 1 if rule.exclude_flagged else BLOCK
    for number in range(0, len(firsts), block):
        some = slice(number, number + block)
        bounds = [rows[some].tolist() for rows in (firsts, begins, ends)]
        measured = [
            measure(errors[first:end], flags[first:begin], rule)
            for first, begin, end in zip(*bounds, strict=True)
        ]
        z = choose_z(measured, rule)
        z_low = np.full(len(z), np.nan)
        if rule.both_sides:
            z_low = choose_z(measured, rule, side=-1)
        chosen = zip(z.tolist(), z_low.tolist(), strict=True)
        yield from zip(*bounds, measured, chosen, strict=True)


def _floor(errors, values, min_error, value_guard):
    """Error that exceedances have to exceed; infinite where a guard stops all."""
    known = errors[~np.isnan(errors)]
    if len(known) == 0 or known.max() <= min_error:
        return np.inf
    if values is None or np.isnan(values).all():
        return -np.inf
    low, high = np.nanpercentile(values, [5, 95])
    floor = value_guard * (high - low)
    varied = known.std() > value_guard * np.nanstd(values) or known.max() > floor
    return floor if varied else np.inf
