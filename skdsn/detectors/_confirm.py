"""List events, and find the telemetry of those that an operator confirms."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from skdsn._core.runs import find_runs, reduce_runs
from skdsn.detectors._patterns import name_event

KEYS = ["track", "start", "end"]


class Filtered(NamedTuple):
    """What became of rows, and what the next ones have to know.

    Attributes
    ----------
    scores, severities : float64 ndarray of shape (n_rows,)
        Those of rows held back are quiet; how severe all of them were.
    flags, raised, opens, nominal : bool ndarray of shape (n_rows,)
        Flagged by the detector; raised by the filter; fit to open an alarm; severe, but
        explained by a pattern.
    values : float64 ndarray of shape (n_rows, n_channels)
        Scaled.
    bounds : int64 ndarray of shape (n_segments + 1,)
        Where runs end at the latest.
    memories, runs : list
        Of the segments, and of the tracks.
    """

    scores: np.ndarray
    flags: np.ndarray
    severities: np.ndarray
    raised: np.ndarray
    opens: np.ndarray
    nominal: np.ndarray
    values: np.ndarray
    bounds: np.ndarray
    memories: list
    runs: list


def read_events(events):
    """Read the keys of events: a list of (track, start, end)."""
    events = read_table(events)
    columns = [events["track"], *(_as_times(events, name) for name in KEYS[1:])]
    return list(zip(*columns, strict=True))


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
    if not events.columns.is_unique:
        name = events.columns[events.columns.duplicated()][0]
        raise ValueError(f"events has several columns {name!r}; drop all but one.")
    if len(events) == 0:
        raise ValueError("events is empty: there is no event to confirm.")
    return events


def check_nominal(nominal):
    """Refuse anything but a truth value: the text "no" would count as true."""
    if not isinstance(nominal, bool | np.bool_):
        raise TypeError(f"nominal must be True or False; got {nominal!r}.")


def _as_times(events, name):
    """Read times that a file has kept as text."""
    times = events[name]
    if not pd.api.types.is_string_dtype(times) or not all(
        isinstance(time, str) for time in times
    ):
        return times
    try:
        return pd.to_datetime(times, format="ISO8601")
    except ValueError as error:
        raise ValueError(
            f"Column {name!r} of events holds text that is no time, such as "
            f"{times.iloc[0]!r}; pass rows of the table that events(X) returns."
        ) from error


def kept_event(key, listed):
    """Find an event among those kept."""
    if key not in listed:
        raise ValueError(
            f"The event on {name_event(*key)}, is not one of the {len(listed)} that "
            "the last call of events(X) listed; pass the telemetry that holds it as X."
        )
    return listed[key]


def find_rows(key, tracks, bounds):
    """Find the first row of an event, in one segment, and the row after its last."""
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
    if np.ptp(np.searchsorted(bounds, rows, side="right")):
        raise ValueError(
            f"The event on {name_event(*key)}, holds a step in time longer than "
            "max_gap; confirm what is before and after it as events of their own."
        )
    return rows[0], rows[1] + 1


def list_runs(tracks, done):
    """List the runs of flagged rows.

    Parameters
    ----------
    tracks : Tracks
    done : Filtered

    Returns
    -------
    table : DataFrame of shape (n_runs, 6)
        ``track``, ``start``, ``end``, ``peak_time``, ``severity``, ``status``.
    runs : int64 ndarray of shape (n_runs, 2)
        First row of each, and the row after its last.
    """
    starts, stops = find_runs(done.flags, done.bounds)
    peaks = np.array(
        [a + done.severities[a:b].argmax() for a, b in zip(starts, stops, strict=True)],
        dtype=np.int64,
    )
    times = pd.RangeIndex(tracks.n_rows) if tracks.times is None else tracks.times
    # A run has the first status that any of its rows has.
    statuses = {
        "alarm": done.raised,
        "over budget": done.opens,
        "nominal": done.nominal,
    }
    rows = [reduce_runs(of, starts, stops, np.logical_or) for of in statuses.values()]
    table = pd.DataFrame(
        {
            "track": tracks.names.take(tracks.of_rows()[starts]),
            "start": times.take(starts),
            "end": times.take(stops - 1),
            "peak_time": times.take(peaks),
            "severity": done.severities[peaks],
            "status": np.select(rows, list(statuses), "minor"),
        }
    )
    return table, np.column_stack([starts, stops])
