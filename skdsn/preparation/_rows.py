"""Select rows of a recorded track: by time, band, elevation."""

from itertools import pairwise

import numpy as np
import pandas as pd

from skdsn._core.runs import find_runs
from skdsn._core.segments import as_bounds
from skdsn.preparation._report import drop_report, join_reports
from skdsn.tracks import parse_times


def index_by_time(frame, time, *, track=None, repair=False):
    """Index a recorded track by its time column.

    Parameters
    ----------
    frame : DataFrame
        Rows as they were recorded.
    time : str
        Column of the time: dates, text that holds dates, or seconds since 1970 (UTC).
        It is left out of the channels.
    track : track id, default=None
        For messages and the report.
    repair : bool, default=False
        Drop rows without a time, put the others in the order of time, and keep the
        first of rows with the same time, instead of raising; all counted. No row is
        left of a track whose times are all missing, or cannot be read.

    Returns
    -------
    X : DataFrame
        Indexed by ``time`` (naive UTC, to the microsecond), strictly increasing.
    report : DataFrame
        ``track``, ``step``, ``reason``, ``n_rows``, ``kept`` of what was repaired.

    Raises
    ------
    ValueError
        If there is no such column; without `repair` also if a time is missing, cannot
        be read, occurs twice or is before the one above it.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preparation import index_by_time
    >>> frame = pd.DataFrame({"TS": [10.0, 5.0, None], "SNR": [7.0, 8.0, 9.0]})
    >>> X, report = index_by_time(frame, "TS", repair=True)
    >>> X["SNR"].tolist(), report["reason"].tolist()
    ([8.0, 7.0], ['no time', 'not in the order of time'])
    """
    if time not in frame.columns:
        raise ValueError(
            f"Track {track!r} has no column {time!r}, which holds the time; its "
            f"columns are {list(frame.columns[:10])}."
        )
    try:
        times = parse_times(frame[time], unparsable="missing" if repair else "raise")
        lost = "no time"
    except ValueError as error:
        if not repair:
            raise ValueError(f"Track {track!r}: {error}") from error
        times = pd.Series(pd.NaT, frame.index)
        lost = "times cannot be read"
    known = times.notna().to_numpy()
    index = pd.DatetimeIndex(times[known], name="time")
    X = frame.loc[known].drop(columns=time).set_axis(index)
    late = np.diff(index.to_numpy()) < np.timedelta64(0)
    n_disordered = int(late.sum())
    if n_disordered:
        X = X.sort_index(kind="stable")
    repeated = X.index.duplicated()
    report = join_reports(
        drop_report("time", _found(track, {reason: count}), kept=kept)
        for reason, count, kept in (
            (lost, (~known).sum(), False),
            ("not in the order of time", n_disordered, True),
            ("time occurs before", repeated.sum(), False),
        )
    )
    if len(report) and not repair:
        first = report.iloc[0]
        raise ValueError(
            f"Track {track!r} has {first['n_rows']} row(s) of {len(frame)} that cannot "
            f"stand as they are ({first['reason']}); mend them, or give repair=True."
        )
    return X[~repeated], report


def split_bands(frame, column, bands, *, track=None):
    """Part the rows of a track by the band of their frequency.

    Parameters
    ----------
    frame : DataFrame
    column : str
        Frequency in Hz.
    bands : mapping of str to (float, float)
        Lowest and highest frequency of each band, both included.
    track : track id, default=None
        For the report.

    Returns
    -------
    parts : dict of str to DataFrame
        The bands that have rows; index and columns as they were.
    report : DataFrame
        ``track``, ``step``, ``reason``, ``n_rows``, ``kept`` of the rows in no band.
        A track without the column has no part.

    Raises
    ------
    ValueError
        If bands overlap.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preparation import split_bands
    >>> frame = pd.DataFrame({"FREQ": [2.27e9, 25.9e9, None, 8.4e9]})
    >>> bands = {"S": (2.1e9, 2.4e9), "Ka": (25.0e9, 27.5e9)}
    >>> parts, report = split_bands(frame, "FREQ", bands)
    >>> {band: len(part) for band, part in parts.items()}
    {'S': 1, 'Ka': 1}
    >>> report["reason"].tolist()
    ['no FREQ', 'FREQ outside all bands']
    """
    edges = sorted((low, high, name) for name, (low, high) in bands.items())
    for (_, high, one), (low, _, other) in pairwise(edges):
        if low <= high:
            raise ValueError(
                f"The bands {one!r} and {other!r} overlap between {low:g} and "
                f"{high:g} Hz; a row belongs to one band only."
            )
    if column not in frame.columns:
        missing = [(track, f"no column {column}", len(frame))]
        return {}, drop_report("bands", missing)
    frequency = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64)
    inside = {
        name: (frequency >= low) & (frequency <= high)
        for name, (low, high) in bands.items()
    }
    missing = np.isnan(frequency)
    outside = ~missing & ~np.any(list(inside.values()), axis=0)
    found = {
        f"no {column}": missing.sum(),
        f"{column} outside all bands": outside.sum(),
    }
    parts = {name: frame[rows] for name, rows in inside.items() if rows.any()}
    return parts, drop_report("bands", _found(track, found))


def trim_elevation(frame, column, *, parked=90.0, min_rows=2000, track=None):
    """Take out the rows of a parked antenna, and cut a track there.

    Parameters
    ----------
    frame : DataFrame
    column : str
        Elevation in degrees.
    parked : float, default=90.0
        The elevation of a parked antenna, exactly.
    min_rows : int, default=2000
        Shorter pieces are left out.
    track : track id, default=None
        For the report.

    Returns
    -------
    pieces : list of DataFrame
        What lies between the rows of a parked antenna, in order. A track that was
        never parked, or has no such column, is one piece, however short.
    report : DataFrame
        ``track``, ``step``, ``reason``, ``n_rows``, ``kept`` of what was left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preparation import trim_elevation
    >>> frame = pd.DataFrame({"EL": [90.0, 12.0, 13.0, 90.0, 20.0]})
    >>> pieces, report = trim_elevation(frame, "EL", min_rows=2)
    >>> [piece["EL"].tolist() for piece in pieces]
    [[12.0, 13.0]]
    >>> report["n_rows"].tolist()
    [2, 1]
    """
    if column not in frame.columns:
        return [frame], drop_report("elevation")
    elevation = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64)
    still = elevation == parked
    if not still.any():
        return [frame], drop_report("elevation")
    starts, stops = find_runs(~still, as_bounds([], len(frame)))
    long = stops - starts >= min_rows
    found = {
        "antenna parked": still.sum(),
        f"piece of less than {min_rows} rows": (stops - starts)[~long].sum(),
    }
    pieces = [
        frame.iloc[start:stop]
        for start, stop in zip(starts[long], stops[long], strict=True)
    ]
    return pieces, drop_report("elevation", _found(track, found))


def _found(track, counts):
    """Entries of a report for what there is at all."""
    return [(track, reason, count) for reason, count in counts.items() if count]
