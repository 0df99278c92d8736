"""Recognise stretches of telemetry that have been seen before."""

from typing import NamedTuple

import numpy as np

from skdsn._core.neighbors import Subsequences, is_complete, nearest, repeated
from skdsn._core.segments import last_valid_row, lengths, positions
from skdsn._core.windows import trailing_sum

# Subsequences at most that the usual distance is learnt from.
QUERIES = 1000
# A single earlier occurrence is farther away than the nearest of many.
SINGLE = 2.0
# Occurrences differ by so much of what tells them from training.
SHARE = 0.2
# An occurrence may be so many times as severe as the confirmed one, and as long.
SLACK = 1.5
# Exact repeats are recognised where training was constant, in spite of rounding.
LEAST_DISTANCE = 1e-3


def whole_rows(values, bounds, width, left_out=None):
    """Tell which rows end a whole subsequence without NaN or a row left out."""
    spoilt = np.isnan(values).any(axis=1)
    if left_out is not None:
        spoilt |= left_out
    return is_complete(bounds, width) & (trailing_sum(spoilt, bounds, width) == 0)


def make_pool(values, bounds, width, left_out):
    """Make a table of the subsequences to compare with, repeats left out."""
    whole = whole_rows(values, bounds, width, left_out)
    kept = whole & ~repeated(values, bounds, width, whole)
    return Subsequences(values, bounds, width, rows=np.flatnonzero(kept))


def usual_distance(pool):
    """Tell how far two occurrences of the same thing are apart.

    Twice the 99 % quantile of the distance of a subsequence to the nearest other one.
    """
    step = -(-len(pool) // QUERIES)
    apart = np.empty(0)
    if step:
        apart = nearest(pool.take(pool.rows[::step]), pool, apart=True)[0][:, 0]
    known = apart[np.isfinite(apart)]
    return SINGLE * float(np.quantile(known, 0.99)) if len(known) else 0.0


def distances_to(pool, table, rows):
    """Distances of the subsequences that end at some rows to the nearest of a pool."""
    if len(pool) == 0:
        return np.full(len(rows), np.inf)
    return nearest(table.take(rows), pool)[0][:, 0]


class Known(NamedTuple):
    """Subsequences of confirmed patterns, and what is known of each.

    Attributes
    ----------
    pool : Subsequences
    limits : float64 ndarray of shape (n_known,)
        Distance up to which another subsequence is like it.
    distinct : bool ndarray of shape (n_known,)
        Whether it is unlike training.
    caps, peaks : float64 ndarray of shape (n_known,)
        Severity allowed there, and anywhere in the pattern.
    rests : int64 ndarray of shape (n_known,)
        Rows for which the pattern may go on.
    spans : float64 ndarray of shape (n_known,)
        Rows that a run may have, at which it is looked for.
    owners : int64 ndarray of shape (n_known,)
        Number of the pattern.
    """

    pool: Subsequences
    limits: np.ndarray
    distinct: np.ndarray
    caps: np.ndarray
    peaks: np.ndarray
    rests: np.ndarray
    spans: np.ndarray
    owners: np.ndarray


def compile_patterns(patterns, width, usual, tolerance):
    """Put patterns into one table.

    Parameters
    ----------
    patterns : list of (values, severities, distances)
        `values` are the scaled rows of a pattern, with those before them that its first
        subsequences need; `severities` and `distances`, those to training, are known
        of its rows alone.
    width : int
        Rows of a subsequence.
    usual : float
        Of :func:`usual_distance`.
    tolerance : float

    Returns
    -------
    Known
    """
    values = np.concatenate([values for values, *_ in patterns])
    bounds = np.cumsum([0, *(len(values) for values, *_ in patterns)])
    whole = whole_rows(values, bounds, width)
    parts = []
    for owner, (_, severities, distances) in enumerate(patterns):
        known = _describe(severities, distances, width, usual, tolerance)
        end, n_rows = bounds[owner + 1], len(severities)
        known |= {
            "owners": np.full(n_rows, owner),
            "rows": np.arange(end - n_rows, end),
        }
        kept = whole[known["rows"]]
        parts.append({name: column[kept] for name, column in known.items()})
    known = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    pool = Subsequences(values, bounds, width, rows=known.pop("rows"))
    return Known(pool, **known)


def _describe(severities, distances, width, usual, tolerance):
    """Tell what is known of each row of a pattern, by the names of Known."""
    n_rows, near = len(severities), width // 4
    row = np.arange(n_rows)
    own = np.where(np.isfinite(distances), SHARE * distances, 0.0)
    limits = np.maximum(tolerance * np.maximum(usual, own), LEAST_DISTANCE)
    distinct = distances > limits
    padded = np.pad(severities, near, constant_values=-np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * near + 1)
    return {
        "limits": limits,
        "distinct": distinct,
        "caps": _allow(around.max(axis=1)),
        "peaks": np.full(n_rows, _allow(severities.max())),
        "rests": n_rows - row + width,
        "spans": np.full(n_rows, SLACK * n_rows + width),
    }


def _allow(severities):
    return np.where(severities > 0, SLACK * severities, severities)


class Following(NamedTuple):
    """What the next rows of a track have to know of a pattern that came before them.

    Attributes
    ----------
    run : int
        Rows flagged without a break.
    since : int
        Rows since its last subsequence unlike training.
    rest : int
        Rows for which it may go on.
    peak : float
        Severity allowed.
    """

    run: int = 0
    since: int = 0
    rest: int = -1
    peak: float = -np.inf


def explain(table, rows, flags, severities, bounds, known, training, usual, follow):
    """Tell which rows are explained by confirmed patterns.

    A row is if its subsequence is like a confirmed one that is unlike training, or like
    another and its severity too, unless its run has become longer than the pattern; or
    if it comes after the former, for no longer than the pattern went on, looks like
    training, and is no more severe than the pattern was.

    Parameters
    ----------
    table : Subsequences
        Rows, with those before them that their subsequences need.
    rows : int64 ndarray of shape (n_rows,)
        Where the rows are in `table`.
    flags : bool ndarray of shape (n_rows,)
    severities : float64 ndarray of shape (n_rows,)
    bounds : int64 ndarray of shape (n_segments + 1,)
    known : Known
    training : Subsequences
    usual : float
        Distance up to which a subsequence looks like training.
    follow : list of Following or None, one per segment
        What a segment continues; None if it starts afresh.

    Returns
    -------
    explained : bool ndarray of shape (n_rows,)
    owners : int64 ndarray of shape (n_rows,)
        Number of the nearest pattern, if it is near enough; otherwise -1.
    follow : list of Following
    """
    n_rows = len(flags)
    alike, distinct = np.zeros((2, n_rows), dtype=bool)
    owners = np.full(n_rows, -1)
    found = np.zeros(n_rows, dtype=np.int64)
    ends_whole = whole_rows(table.values, table.bounds, table.width)[rows]
    whole = np.flatnonzero(ends_whole)
    apart, places = nearest(table.take(rows[whole]), known.pool)
    apart, places = apart[:, 0], places[:, 0]
    close = apart <= known.limits[places]
    rows_close, places = whole[close], places[close]
    found[rows_close], owners[rows_close] = places, known.owners[places]
    alike[rows_close] = True
    distinct[rows_close] = known.distinct[places]
    after = _follow(distinct, found, flags, bounds, known, follow)
    explained = distinct | (alike & (severities <= known.caps[found]))
    explained &= after.run <= known.spans[found]
    # A row of the pattern itself that its span leaves out is not held either.
    held = (after.since <= after.rest) & (severities <= after.peak)
    held &= ends_whole & ~distinct
    asked = np.flatnonzero(held & ~alike)
    held[asked] = distances_to(training, table, rows[asked]) <= usual
    ends = (bounds[1:] - 1).tolist()
    following = [Following(*(of[end].item() for of in after)) for end in ends]
    return explained | held, owners, following


def _follow(distinct, found, flags, bounds, known, follow):
    """Tell of each row which pattern it comes after, as a Following."""
    before = zip(*(memory or Following() for memory in follow), strict=True)
    before = Following(*(np.repeat(of, lengths(bounds)) for of in before))
    rows, ordinal = np.arange(len(flags)), positions(bounds) + 1
    last = last_valid_row(distinct, bounds)
    unflagged = last_valid_row(~flags, bounds)
    new, place = last >= 0, found[last]
    return Following(
        run=np.where(unflagged >= 0, rows - unflagged, before.run + ordinal),
        since=np.where(new, rows - last, before.since + ordinal),
        rest=np.where(new, known.rests[place], before.rest),
        peak=np.where(new, known.peaks[place], before.peak),
    )
