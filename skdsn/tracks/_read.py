"""Find the tracks of a telemetry frame and check its index."""

import datetime
from functools import cached_property

import numpy as np
import pandas as pd

from skdsn._core.segments import as_bounds, boundaries
from skdsn.tracks._clock import as_seconds, as_time, gap_seconds


class Tracks:
    """Where the tracks of a telemetry frame begin and end.

    Parameters
    ----------
    names : pandas.Index of shape (n_tracks,)
        Track ids in the order of the rows.
    bounds : int64 ndarray of shape (n_tracks + 1,)
        Rows ``bounds[i]:bounds[i + 1]`` belong to track ``i``.
    times : pandas.Index of shape (n_rows,), default=None
        Time of each row; None stands for the row number.
    index : pandas.Index of shape (n_rows,), default=None
        The index that was read; None for an array.

    See Also
    --------
    read_tracks : Find the tracks of a frame.
    """

    def __init__(self, names, bounds, times=None, index=None):
        self.names = names
        self.bounds = bounds
        self.times = times
        self.index = index

    def __len__(self):
        return len(self.names)

    def __repr__(self):
        return f"Tracks(n_tracks={len(self)}, n_rows={self.n_rows})"

    @property
    def n_rows(self):
        """Number of rows over all tracks."""
        return int(self.bounds[-1])

    @cached_property
    def seconds(self):
        """Time of each row in seconds, float64 of shape (n_rows,).

        Since 1970-01-01 UTC for datetimes, as they are for timedeltas and
        integers, the row number where there is no time.
        """
        if self.times is None:
            return np.arange(self.n_rows, dtype=np.float64)
        return as_seconds(self.times)

    @cached_property
    def durations(self):
        """Seconds that each row lasts, float64 of shape (n_rows,).

        Until the next row of its track; the last row of a track, and one before a step
        more than ten times as long as usual in the track (a gap), as long as usual;
        what is usual for a track of one row is taken from the others. NaN if the rows
        have no time, or no track has two of them.
        """
        if self.times is None:
            return np.full(self.n_rows, np.nan)
        step = np.diff(self.seconds, append=np.nan)
        step[self.bounds[1:] - 1] = np.nan
        if np.isnan(step).all():
            return step
        known = step[~np.isnan(step)]
        if known.min() == known.max():  # spares the search for medians
            return np.full(self.n_rows, known[0])
        usual = pd.Series(step).groupby(self.of_rows()).median()
        usual = usual.fillna(np.median(known)).to_numpy()[self.of_rows()]
        return np.where(np.isnan(step) | (step > 10 * usual), usual, step)

    def segments(self, max_gap=None):
        """Offsets of the tracks, cut also at time gaps.

        Parameters
        ----------
        max_gap : float, str or pandas.Timedelta, optional
            A step in time longer than this, in seconds or as a timedelta such
            as ``"10min"``, starts a new segment.

        Returns
        -------
        int64 ndarray of shape (n_segments + 1,)
        """
        limit = gap_seconds(max_gap)
        if limit is None or self.n_rows == 0:
            return self.bounds
        cuts = np.flatnonzero(np.diff(self.seconds) > limit) + 1
        return as_bounds(np.union1d(cuts, self.bounds[1:-1]), self.n_rows)

    def check_after(self, ends):
        """Refuse tracks that begin before the end of rows already seen.

        Parameters
        ----------
        ends : mapping of track id to float
            Seconds of the last row seen.

        Raises
        ------
        ValueError
            If a track goes back in time.
        """
        times = pd.RangeIndex(self.n_rows) if self.times is None else self.times
        for name, first in zip(self.names, self.bounds[:-1], strict=True):
            if name in ends and self.seconds[first] <= ends[name]:
                raise ValueError(
                    f"Track {name!r} goes back in time: its new rows begin at "
                    f"{times[first]}, but rows up to {as_time(ends[name], times)} were "
                    "streamed already."
                )

    def days(self, rows=None):
        """Count the days that rows cover, gaps left out; see `durations`.

        Parameters
        ----------
        rows : bool ndarray of shape (n_rows,), default=None
            Rows to count; all when None.

        Returns
        -------
        float
            NaN if the rows have no time, or no track has two of them.
        """
        lasting = self.durations
        return float((lasting if rows is None else lasting[rows]).sum() / 86_400)

    def take(self, rows):
        """Take part of the rows; those left out end a track, as its border does.

        Parameters
        ----------
        rows : bool ndarray of shape (n_rows,)
            Rows to take.

        Returns
        -------
        Tracks
            A track whose rows are apart becomes several, under the same name.
        """
        unit = (self.of_rows() + np.cumsum(~rows))[rows]
        bounds = boundaries(unit)
        names = self.names.take(self.of_rows()[rows][bounds[:-1]])
        times, index = (
            None if values is None else values[rows]
            for values in (self.times, self.index)
        )
        return Tracks(names, bounds, times, index)

    def of_rows(self):
        """Track number of each row, int64 of shape (n_rows,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))


def read_tracks(X):
    """Find the tracks of a telemetry frame, and check its index.

    Parameters
    ----------
    X : DataFrame, Series, pandas.Index or ndarray
        Telemetry, labels or just their index; an array is one track.

    Returns
    -------
    Tracks

    Raises
    ------
    ValueError
        If the index has more than two levels, a time is missing, the rows of a
        track are not contiguous, or its times do not strictly increase.
    TypeError
        If the times are neither datetimes, timedeltas nor integers, or `X` is nothing
        that has rows.

    Examples
    --------
    >>> import pandas as pd
    >>> index = pd.MultiIndex.from_tuples([("A", 0), ("A", 1), ("B", 0)])
    >>> tracks = read_tracks(index)
    >>> list(tracks.names), tracks.bounds
    (['A', 'B'], array([0, 2, 3]))
    """
    if isinstance(X, pd.DataFrame | pd.Series):
        index = X.index
    elif isinstance(X, pd.Index):
        index = X
    else:
        if np.ndim(X) == 0:
            raise TypeError(
                "Telemetry is a frame, a series, an index or an array of rows; got "
                f"{type(X).__name__}."
            )
        n_rows = np.shape(X)[0]
        return Tracks(pd.RangeIndex(1 if n_rows else 0), as_bounds([], n_rows))
    if index.nlevels == 1:
        names = pd.RangeIndex(1 if len(index) else 0)
        tracks = Tracks(names, as_bounds([], len(index)), index, index)
    elif index.nlevels == 2:
        codes = index.codes[0]
        if len(codes) and codes.min() < 0:
            raise ValueError(
                f"Row {int(np.argmin(codes))} has no track id; fill the first index "
                "level before."
            )
        bounds = boundaries(codes)
        starts = codes[bounds[:-1]]
        _check_contiguous(index.levels[0], starts)
        names = index.levels[0].take(starts)
        tracks = Tracks(names, bounds, index.get_level_values(1), index)
    else:
        raise ValueError(
            "The index of telemetry has one level (time) or two (track, time); "
            f"got {index.nlevels} levels: {list(index.names)}."
        )
    _check_times(tracks)
    return tracks


def _check_contiguous(names, starts):
    order, counts = np.unique(starts, return_counts=True)
    if (counts > 1).any():
        name = names[order[counts > 1][0]]
        raise ValueError(
            f"The rows of track {name!r} are not contiguous (tracks are "
            "interleaved); call X.sort_index() first."
        )


def _check_times(tracks):
    times = tracks.times
    if isinstance(times, pd.RangeIndex) and times.step > 0:
        return
    datelike = isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex)
    if not datelike and not pd.api.types.is_integer_dtype(times.dtype):
        raise TypeError(
            "The time level of the index must hold datetimes, timedeltas or "
            f"integers; got {_what_instead(times)}."
        )
    if times.hasnans:
        row = int(np.argmax(times.isna()))
        raise ValueError(
            f"Track {_track_at(tracks, row)!r} has no time in row {row}; drop rows "
            "without a time first."
        )
    ticks = times.asi8 if datelike else times.to_numpy()
    step = ticks[1:] <= ticks[:-1]
    step[tracks.bounds[1:-1] - 1] = False
    if step.any():
        row = int(np.argmax(step)) + 1
        if ticks[row] == ticks[row - 1]:
            problem, cure = "occurs twice", "drop or average duplicate times"
        else:
            problem, cure = "comes after a later one", "call X.sort_index()"
        raise ValueError(
            f"Times must increase within a track, but in track "
            f"{_track_at(tracks, row)!r} the time {times[row]} (row {row}) {problem}; "
            f"{cure} first."
        )


def _what_instead(times):
    if times.dtype == object:
        known = times[times.notna()]
        if len(known) and all(isinstance(time, datetime.datetime) for time in known):
            return (
                "datetimes of different time zones, or some without. Convert them with "
                "pandas.to_datetime(..., utc=True)"
            )
        example = f", such as {known[0]!r}" if len(known) else ""
        return f"objects{example}. Convert them with pandas.to_datetime"
    return (
        f"{times.dtype}. Convert it with pandas.to_datetime or, for seconds, "
        "pandas.to_timedelta(..., unit='s')"
    )


def _track_at(tracks, row):
    return tracks.names[np.searchsorted(tracks.bounds, row, side="right") - 1]


def is_categorical(X):
    """Tell which columns hold categories (text, objects) rather than numbers.

    Parameters
    ----------
    X : pandas.DataFrame

    Returns
    -------
    bool ndarray of shape (n_columns,)
    """
    numeric = pd.api.types.is_numeric_dtype  # booleans count as numbers
    return np.array([not numeric(dtype) for dtype in X.dtypes], dtype=bool)
