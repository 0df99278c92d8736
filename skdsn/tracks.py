"""The telemetry frame: what goes in and out of every stage.

Telemetry is a :class:`pandas.DataFrame`: columns are channels, rows are time
steps. Its index has two levels, ``(track, time)`` by position, under any names;
with one level (time) it is a single track. A NumPy array is one track whose
time is the row number. Rows of a track are contiguous and its times strictly
increase; anything else is an error that names the track, never a silent sort.

Times are datetimes (without a time zone they are UTC), timedeltas, or integers
that count seconds. :func:`as_telemetry` makes such a frame from the usual
containers; :func:`read_tracks` finds where its tracks begin and end.
"""

from collections.abc import Mapping
from functools import cached_property
from numbers import Real

import numpy as np
import pandas as pd

from skdsn._core.segments import as_bounds, boundaries

__all__ = [
    "Tracks",
    "as_seconds",
    "as_telemetry",
    "is_categorical",
    "read_tracks",
    "stack_tracks",
]


class Tracks:
    """Where the tracks of a telemetry frame begin and end.

    Parameters
    ----------
    names : pandas.Index of shape (n_tracks,)
        Track ids in the order of the rows.
    bounds : int64 ndarray of shape (n_tracks + 1,)
        Rows ``bounds[i]:bounds[i + 1]`` belong to track ``i``.
    times : pandas.Index of shape (n_rows,) or None
        Time of each row; None stands for the row number.

    See Also
    --------
    read_tracks : Find the tracks of a frame.
    """

    def __init__(self, names, bounds, times=None):
        self.names = names
        self.bounds = bounds
        self.times = times

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

    def days(self, rows=None):
        """Count the days that rows cover.

        A row lasts until the next one of its track; the last row of a track, and one
        before a step more than ten times as long as usual (a gap), as long as usual.

        Parameters
        ----------
        rows : bool ndarray of shape (n_rows,), default=None
            Rows to count; all when None.

        Returns
        -------
        float
            NaN if the rows have no time, or no track has two of them.
        """
        if self.times is None:
            return np.nan
        step = np.diff(self.seconds, append=np.nan)
        step[self.bounds[1:] - 1] = np.nan
        if np.isnan(step).all():
            return np.nan
        usual = np.nanmedian(step)
        step[np.isnan(step) | (step > 10 * usual)] = usual
        return float((step if rows is None else step[rows]).sum() / 86_400)

    def of_rows(self):
        """Track number of each row, int64 of shape (n_rows,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))


def gap_seconds(max_gap, name="max_gap"):
    """Read a gap limit: None, seconds, or anything pandas reads as a timedelta."""
    if max_gap is None:
        return None
    # A timedelta64 counts as a number too.
    if isinstance(max_gap, Real) and not isinstance(max_gap, np.timedelta64):
        seconds = float(max_gap)
    else:
        try:
            seconds = pd.Timedelta(max_gap).total_seconds()
        except ValueError as error:
            raise ValueError(
                f"{name} must be None, seconds or a timedelta such as '10min'; "
                f"got {max_gap!r}."
            ) from error
    if not seconds > 0:
        raise ValueError(f"{name} must be positive; got {max_gap!r}.")
    return seconds


def as_seconds(times):
    """Turn times into float64 seconds.

    Parameters
    ----------
    times : pandas.Index, pandas.Series or array-like
        Datetimes (since 1970 UTC; naive ones are UTC), timedeltas, or numbers,
        which already are seconds.

    Returns
    -------
    float64 ndarray

    Examples
    --------
    >>> import pandas as pd
    >>> as_seconds(pd.to_datetime(["1970-01-01T00:01"]))
    array([60.])
    """
    times = pd.Index(times)
    if isinstance(times, pd.DatetimeIndex):
        if times.tz is not None:
            times = times.tz_convert("UTC").tz_localize(None)
        times = times - pd.Timestamp(0).as_unit(times.unit)
    if isinstance(times, pd.TimedeltaIndex):
        return times.total_seconds().to_numpy(dtype=np.float64)
    return times.to_numpy(dtype=np.float64)


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
        If the times are neither datetimes, timedeltas nor integers.

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
        n_rows = np.shape(X)[0]
        return Tracks(pd.RangeIndex(1 if n_rows else 0), as_bounds([], n_rows))
    if index.nlevels == 1:
        names = pd.RangeIndex(1 if len(index) else 0)
        tracks = Tracks(names, as_bounds([], len(index)), index)
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
        tracks = Tracks(index.levels[0].take(starts), bounds, index.get_level_values(1))
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
            f"integers; got {times.dtype}. Convert it with pandas.to_datetime or, "
            "for seconds, pandas.to_timedelta(..., unit='s')."
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


def _track_at(tracks, row):
    return tracks.names[np.searchsorted(tracks.bounds, row, side="right") - 1]


def stack_tracks(tracks, *, names=("track", "time")):
    """Put tracks of one kind one below the other.

    Parameters
    ----------
    tracks : mapping of track id to DataFrame, Series or array-like
        Each is one track with the same columns; one-dimensional arrays and
        Series give a Series. Where there is no time index, time is the row
        number.
    names : tuple of two str, default=("track", "time")
        Names of the index levels.

    Returns
    -------
    DataFrame or Series
        Indexed by (track, time), in the order of the mapping.

    Raises
    ------
    ValueError
        If there is no track, or the columns of two tracks differ.

    Examples
    --------
    >>> import numpy as np
    >>> stack_tracks({"A-1": np.zeros((2, 1)), "B-1": np.ones((1, 1))})
                  0
    track time
    A-1   0     0.0
          1     0.0
    B-1   0     1.0
    """
    if not tracks:
        raise ValueError("There is no track to stack; got an empty mapping.")
    frames = {}
    for name, track in tracks.items():
        if not isinstance(track, pd.DataFrame | pd.Series):
            array = np.asarray(track)
            track = pd.Series(array) if array.ndim == 1 else pd.DataFrame(array)
        frames[name] = track
    first_name, first = next(iter(frames.items()))
    for name, frame in frames.items():
        if frame.ndim != first.ndim or (
            frame.ndim == 2 and not frame.columns.equals(first.columns)
        ):
            raise ValueError(
                f"Tracks {first_name!r} and {name!r} have different columns; "
                "give every track the same ones, in the same order."
            )
    # `keys` are passed as a list so that the order of the mapping is kept.
    stacked = pd.concat(list(frames.values()), keys=list(frames), names=names)
    if stacked.index.nlevels == 2:
        stacked.index.names = names
    read_tracks(stacked)
    return stacked


def as_telemetry(data, *, track=None, time=None):
    """Make a telemetry frame from the containers in use.

    Parameters
    ----------
    data : DataFrame, mapping, list, ndarray or any panel sktime knows
        * a flat DataFrame, with `track` and `time` naming its columns;
        * a frame that is already indexed by (track, time), or by time;
        * a mapping of track id to DataFrame (or a list of ``(id, frame)`` pairs),
          with `time` naming a column where time is not yet the index;
        * any panel container that sktime checks: ``df-list``, ``numpy3D`` of shape
          (n_tracks, n_channels, n_rows), ``nested_univ``, ...
    track : str, optional
        Column that holds the track id.
    time : str, optional
        Column that holds the time. Floating-point numbers are seconds, and
        become timedeltas.

    Returns
    -------
    DataFrame
        Indexed by (track, time), or by time alone for a flat frame without
        `track`. Order is kept.

    Raises
    ------
    ValueError
        If the result breaks the row contract; see :func:`read_tracks`.
    TypeError
        If sktime does not know the container either.

    Notes
    -----
    Containers other than pandas frames go through
    :func:`sktime.datatypes.convert_to`. sktime's own check of ``pd-multiindex``
    admits interleaved tracks and duplicate times; :func:`read_tracks` does not.

    Examples
    --------
    >>> import pandas as pd
    >>> flat = pd.DataFrame({"pass": [7, 7], "t": [0, 5], "SNR": [9.1, 9.3]})
    >>> as_telemetry(flat, track="pass", time="t")
             SNR
    pass t
    7    0   9.1
         5   9.3
    """
    if isinstance(data, list) and data and isinstance(data[0], tuple):
        names = [name for name, _ in data]
        if len(set(names)) < len(names):
            repeated = next(n for n in names if names.count(n) > 1)
            raise ValueError(
                f"Track id {repeated!r} occurs twice; give every track its own id."
            )
        data = dict(data)
    if isinstance(data, Mapping):
        if track is not None:
            raise ValueError(
                f"The keys of a mapping are the track ids; leave out track={track!r}."
            )
        if time is not None:
            data = {name: _index_by(frame, [time]) for name, frame in data.items()}
        return stack_tracks(data)
    if isinstance(data, pd.DataFrame) and (track is not None or time is not None):
        if time is None:
            raise ValueError("Name the time column too: as_telemetry(..., time=...).")
        data = _index_by(data, [time] if track is None else [track, time])
    elif not isinstance(data, pd.DataFrame) or _is_nested(data):
        data = _from_sktime(data)
    read_tracks(data)
    return data


def _index_by(frame, columns):
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise ValueError(
            f"The frame has no column {missing[0]!r}; its columns are "
            f"{list(frame.columns)[:10]}."
        )
    time = columns[-1]
    if pd.api.types.is_float_dtype(frame[time].dtype):
        frame = frame.assign(**{time: pd.to_timedelta(frame[time], unit="s")})
    return frame.set_index(columns)


def _is_nested(frame):
    """Whether a frame's cells hold whole series (sktime's ``nested_univ``)."""
    return bool(
        len(frame)
        and frame.index.nlevels == 1
        and any(isinstance(cell, pd.Series | np.ndarray) for cell in frame.iloc[0])
    )


def _from_sktime(data):
    from sktime.datatypes import check_is_scitype, convert_to

    if isinstance(data, np.ndarray) and data.ndim == 2:
        return pd.DataFrame(data)
    valid, reasons, _ = check_is_scitype(data, "Panel", return_metadata=True)
    if not valid:
        raise TypeError(
            f"A {type(data).__name__} is no telemetry frame and no panel that sktime "
            f"knows; pass a DataFrame with track= and time=. sktime says: {reasons}"
        )
    return convert_to(data, to_type="pd-multiindex")
