"""Find the telemetry of events that an operator confirms."""

import numpy as np
import pandas as pd

from skdsn._core.runs import find_runs, reduce_runs
from skdsn.detectors._patterns import name_event

KEYS = ["track", "start", "end"]


def read_events(events):
    """Read the keys of events: a list of (track, start, end)."""
    events = read_table(events)
    return list(zip(*(events[name] for name in KEYS), strict=True))


def read_table(events, columns=KEYS):
    """Check a table of events."""
    if isinstance(events, pd.Series):  # one row of a table
        events = events.to_frame().T
    if not isinstance(events, pd.DataFrame):
        raise TypeError(
            "events must be rows of the table that events(X) returns; got "
            f"{type(events).__name__}."
        )
    missing = [name for name in columns if name not in events.columns]
    if missing:
        raise ValueError(
            f"events has no column {missing[0]!r}, only {list(events.columns)[:10]}; "
            "pass rows of the table that events(X) returns."
        )
    if len(events) == 0:
        raise ValueError("events is empty: there is no event to confirm.")
    return events


def find_rows(key, tracks):
    """Find the first row of an event and the row after its last."""
    track, start, end = key
    number = np.flatnonzero(tracks.names == track)
    if len(number) == 0:
        raise ValueError(
            f"Track {track!r} of an event is not in X, which holds "
            f"{list(tracks.names)[:5]}{' and more' if len(tracks) > 5 else ''}."
        )
    begin, stop = tracks.bounds[number[0] : number[0] + 2]
    times = pd.RangeIndex(tracks.n_rows) if tracks.times is None else tracks.times
    own, rows = times[begin:stop], []
    for time in (start, end):
        there = np.flatnonzero(own == time)
        if len(there) == 0:
            raise ValueError(
                f"The event on {name_event(*key)}, is not in X: the track has no row "
                f"at {time!s}, only from {own[0]} to {own[-1]}."
            )
        rows.append(int(begin + there[0]))
    if rows[0] > rows[1]:
        raise ValueError(f"The event on {name_event(*key)}, ends before it starts.")
    return rows[0], rows[1] + 1


def list_runs(tracks, flags, severities, statuses, otherwise):
    """List the runs of flagged rows.

    Parameters
    ----------
    tracks : Tracks
    flags : bool ndarray of shape (n_rows,)
    severities : float64 ndarray of shape (n_rows,)
    statuses : dict of str to bool ndarray of shape (n_rows,)
        A run has the first status that any of its rows has.
    otherwise : str
        Status of a run without such a row.

    Returns
    -------
    DataFrame of shape (n_runs, 6)
        ``track``, ``start``, ``end``, ``peak``, ``severity``, ``status``.
    """
    starts, stops = find_runs(flags, tracks.bounds)
    peaks = np.array(
        [a + severities[a:b].argmax() for a, b in zip(starts, stops, strict=True)],
        dtype=np.int64,
    )
    times = pd.RangeIndex(tracks.n_rows) if tracks.times is None else tracks.times
    rows = [reduce_runs(of, starts, stops, np.logical_or) for of in statuses.values()]
    return pd.DataFrame(
        {
            "track": tracks.names.take(tracks.of_rows()[starts]),
            "start": times.take(starts),
            "end": times.take(stops - 1),
            "peak": times.take(peaks),
            "severity": severities[peaks],
            "status": np.select(rows, list(statuses), otherwise),
        }
    )
