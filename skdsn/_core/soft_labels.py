"""Labels that fade out around events: distances of rows, and widened events."""

import numpy as np

from skdsn._core.runs import find_runs, reduce_runs

NEVER = np.iinfo(np.int64).max


def slope_distances(truth, bounds, reach, late=0):
    """Distances of rows to the two nearest events.

    Parameters
    ----------
    truth : bool ndarray of shape (n_rows,)
    bounds : int64 ndarray of shape (n_tracks + 1,)
    reach : int
        Rows farther than this from any event are left out.
    late : int
        Added to the distance of rows after an event: their slope is that much shorter.

    Returns
    -------
    rows : int64 ndarray of shape (n_near,)
        Rows near an event, or in it, ascending.
    nearest, second : int64 ndarray of shape (n_near,)
        Distance in rows, from 1, to the borders of events nearest to the row; 0 for
        rows of events, `NEVER` where there is none.
    after : bool ndarray of shape (n_near,)
        The nearest border is the end of an event, so that the row comes after it.
    """
    starts, stops = find_runs(truth, bounds)
    track = np.searchsorted(bounds, starts, side="right") - 1
    low = np.maximum(starts - reach, bounds[track])
    high = np.minimum(stops + reach, bounds[track + 1])
    change = np.zeros(len(truth) + 1, dtype=np.int64)
    np.add.at(change, low, 1)
    np.add.at(change, high, -1)
    rows = np.flatnonzero(np.cumsum(change[:-1]))
    of_row = np.searchsorted(bounds, rows, side="right") - 1

    def distance(borders, number, sign):
        """Rows to the border of that number; NEVER where it is in another track."""
        if len(borders) == 0:
            return np.full(len(rows), NEVER)
        exists = (number >= 0) & (number < len(borders))
        safe = np.clip(number, 0, len(borders) - 1)
        exists &= track[safe] == of_row
        return np.where(exists, sign * (rows - borders[safe]), NEVER)

    ends = stops - 1
    last = np.searchsorted(ends, rows, side="left") - 1
    following = np.searchsorted(starts, rows, side="right")
    found = [distance(ends, last - i, 1) for i in (0, 1)]
    found = [d + late * (d < NEVER) for d in found]
    found += [distance(starts, following + i, -1) for i in (0, 1)]
    inside = truth[rows]
    after = (found[0] <= found[2]) & ~inside
    found = np.sort(found, axis=0)
    found[:, inside] = 0
    return rows, found[0], found[1], after


def first_hits(truth, bounds, entry, reach, *, late=0, touching=True):
    """Tell when widening events are first hit.

    Parameters
    ----------
    truth : bool ndarray of shape (n_rows,)
    bounds : int64 ndarray of shape (n_tracks + 1,)
    entry : int64 ndarray of shape (n_rows,)
        Number of the threshold at which a row is flagged first.
    reach : int
    late : int
        How many rows less events widen at their end than at their start.
    touching : bool
        Unite widened events of a track that touch, not only those that overlap.

    Yields
    ------
    int64 ndarray of shape (n_united,)
        The smallest entry in each, for the events alone, then wider by a row each time.
    """
    starts, stops = find_runs(truth, bounds)
    track = np.searchsorted(bounds, starts, side="right") - 1
    begin, end = bounds[track], bounds[track + 1]
    border = np.diff(track) > 0
    lows, highs = starts, stops
    first = reduce_runs(entry, starts, stops, np.minimum)
    for half in range(reach + 1):
        if half:
            lows = np.maximum(starts - half, begin)
            highs = np.minimum(stops + half - late, end)
            first = np.minimum(first, np.minimum(entry[lows], entry[highs - 1]))
        between = lows[1:] - highs[:-1]
        apart = border | (between > 0 if touching else between >= 0)
        yield np.minimum.reduceat(first, np.flatnonzero(np.append(True, apart)))
