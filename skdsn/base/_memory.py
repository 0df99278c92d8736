"""What is carried from chunk to chunk, and under which conditions."""

import numpy as np
import pandas as pd

from skdsn.tracks import Tracks, gap_seconds

_FOREIGN = (
    "state must be what the call for the previous chunk returned, or None to start "
    "afresh; this one is of another estimator."
)


def check_clock(estimator, tracks, *, reset, uses_time):
    """Hold an estimator that uses time to the clock it was fitted on.

    Parameters
    ----------
    estimator : estimator instance
        Learns ``fitted_on_dates_`` if `reset`.
    tracks : Tracks
    reset : bool
        True in ``fit``.
    uses_time : bool
        Whether the output depends on more than the order of the rows.
    """
    dated = isinstance(tracks.times, pd.DatetimeIndex)
    if reset:
        estimator.fitted_on_dates_ = dated
    elif uses_time and dated != estimator.fitted_on_dates_:
        kinds = "dates", "seconds or row numbers"
        known, new = kinds if estimator.fitted_on_dates_ else kinds[::-1]
        raise ValueError(
            f"{type(estimator).__name__} was fitted on rows timed by {known}, but now "
            f"got rows timed by {new}; give both the same clock in the index."
        )


def resume(tracks, state, max_gap=None):
    """Find what each segment of a chunk continues.

    Parameters
    ----------
    tracks : Tracks
    state : dict or None
        Track id to (seconds of its last row, memory).
    max_gap : float, str or pandas.Timedelta, optional
        After a longer step in time a track starts afresh.

    Returns
    -------
    tracks : Tracks
        Rows of an array are numbered on from where the last chunk ended.
    bounds : int64 ndarray of shape (n_segments + 1,)
    memories : list
        None for a segment that starts afresh.

    Raises
    ------
    ValueError
        If a track goes back in time.
    """
    state = {} if state is None else state
    _check_state(state)
    tracks = _continue_row_numbers(tracks, state)
    tracks.check_after({name: end for name, (end, _) in state.items()})
    bounds, limit = tracks.segments(max_gap), gap_seconds(max_gap)
    memories = [None] * (len(bounds) - 1)
    first = np.searchsorted(bounds, tracks.bounds[:-1])
    for name, segment in zip(tracks.names, first, strict=True):
        end, memory = state.get(name, (np.nan, None))
        if limit is None or tracks.seconds[bounds[segment]] - end <= limit:
            memories[segment] = memory
    return tracks, bounds, memories


def suspend(tracks, bounds, state, remember):
    """Keep what the next chunk will need.

    Parameters
    ----------
    tracks : Tracks
    bounds : int64 ndarray of shape (n_segments + 1,)
    state : dict or None
        That of the last chunk, which is not changed.
    remember : callable
        Gives the memory of a segment by its number.

    Returns
    -------
    dict
        Track id to (seconds of its last row, memory).
    """
    new = {} if state is None else dict(state)
    last = np.searchsorted(bounds, tracks.bounds[1:]) - 1
    for name, segment in zip(tracks.names, last, strict=True):
        end = tracks.seconds[bounds[segment + 1] - 1]
        new[name] = (float(end), remember(segment))
    return new


def check_keys(state, keys):
    """Refuse the state of another estimator, by its keys.

    Parameters
    ----------
    state : object
    keys : iterable of str

    Raises
    ------
    ValueError
    """
    if not isinstance(state, dict) or set(state) != set(keys):
        raise ValueError(_FOREIGN)


def _check_state(state):
    entries = state.values() if isinstance(state, dict) else [None]
    for entry in entries:
        if not (
            isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], float)
        ):
            raise ValueError(_FOREIGN)


def _continue_row_numbers(tracks, state):
    """Let a chunk without times (an array) count on from where the last one ended."""
    if tracks.times is not None or 0 not in state:
        return tracks
    first = int(state[0][0]) + 1
    times = pd.RangeIndex(first, first + tracks.n_rows)
    return Tracks(tracks.names, tracks.bounds, times)
