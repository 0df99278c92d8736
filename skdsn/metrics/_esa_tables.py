"""Labels and flags of channels as intervals of time."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from skdsn.metrics._inputs import read_flags

COLUMNS = ["ID", "Channel", "StartTime", "EndTime", "Category"]
# Nanoseconds, on either side of zero or 1970, that leave int64 room to add a little.
LIMIT = 9_200_000_000_000_000_000


class Clock:
    """Reads times into int64 nanoseconds, all of one kind.

    The kind, dates, timedeltas or numbers of seconds, is that of the first times read.
    """

    def __init__(self):
        self.kind = None

    def read(self, times, name):
        """Read times.

        Parameters
        ----------
        times : Index, Series or scalar
            Datetimes or ISO 8601 text (UTC where no zone is told), timedeltas, or
            numbers of seconds; also as objects.
        name : str
            What they are, for messages.

        Returns
        -------
        int64 ndarray of shape (n_times,)

        Raises
        ------
        ValueError
            If one is missing, is no time, or does not fit.
        TypeError
            If they are of another kind than those before.
        """
        index = _as_index(times, name)
        if len(index) == 0:
            return np.empty(0, dtype=np.int64)
        place = _Place(times, name)
        place.refuse(index.isna(), "is missing", "fill it, or leave it out")
        numbers = pd.api.types.is_numeric_dtype(index.dtype) and index.dtype != bool
        if numbers and index.dtype.kind != "c":
            kind, nanoseconds = "numbers", _read_seconds(index, place)
        elif index.dtype.kind == "m":
            kind, limit = "timedeltas", pd.Timedelta(LIMIT, unit="ns")
            index = pd.to_timedelta(index)
            place.refuse((index > limit) | (index < -limit), *_TOO_FAR)
            nanoseconds = index.as_unit("ns").asi8
        else:
            kind, nanoseconds = "dates", _read_dates(index, place)
        if self.kind is None:
            self.kind = kind
        if kind != self.kind:
            raise TypeError(
                f"{name} is told in {kind}, but the predictions in {self.kind}; give "
                "both the same clock."
            )
        return nanoseconds


_TOO_FAR = (
    "is too far away",
    "times must lie within 291 years of 1970 (1679 to 2260), timedeltas within 291 "
    "years, so leave it out or set it to the end of the predictions",
)


class _Place:
    """Tells which of some times is refused."""

    def __init__(self, times, name):
        self.scalar = not isinstance(times, pd.Index | pd.Series)
        self.index = pd.Index([times] if self.scalar else times)
        self.name = name

    def refuse(self, wrong, problem, remedy):
        if not np.any(wrong):
            return
        row = int(np.argmax(wrong))
        value = self.index[[row]].tolist()[0]
        value = repr(value) if isinstance(value, str) else value
        where = "" if self.scalar else f" in row {row}"
        raise ValueError(f"{self.name} {problem}{where} (got {value}); {remedy}.")


def _as_index(times, name):
    """Make an index of times, of a dtype that says what they are where possible."""
    if not isinstance(times, pd.Index | pd.Series):
        if not pd.api.types.is_scalar(times):
            raise TypeError(f"{name} must be one time; got {type(times).__name__}.")
        times = [times]
    index = pd.Index(times)
    if isinstance(index, pd.MultiIndex):
        raise ValueError(
            f"{name} must hold times alone, but has {index.nlevels} levels; take one "
            "track, for example with .loc[track]."
        )
    if isinstance(index, pd.CategoricalIndex):
        index = index.astype(index.categories.dtype)
    return index.infer_objects()


def _read_seconds(index, place):
    seconds = index.to_numpy(dtype=np.float64)
    place.refuse(
        ~(np.abs(seconds) <= LIMIT / 1e9),  # also if not a number
        "is no number of seconds up to 9.2e9",
        "numbers are seconds, so convert milliseconds since 1970 with "
        'pandas.to_datetime(..., unit="ms"), and leave out what is not finite',
    )
    if pd.api.types.is_integer_dtype(index.dtype):
        return index.to_numpy(dtype=np.int64) * 1_000_000_000
    return np.rint(seconds * 1e9).astype(np.int64)


def _read_dates(index, place):
    text = not isinstance(index, pd.DatetimeIndex)
    dates = pd.to_datetime(
        index, utc=True, format="ISO8601" if text else None, errors="coerce"
    )
    # pandas reads "" as missing and these two as the time of the call.
    moving = text & index.isin(["now", "today"])
    place.refuse(
        dates.isna() | moving,
        "cannot be read as a time",
        "write it as 2000-01-01T12:00:00Z, or convert it with pandas.to_datetime",
    )
    limit = pd.Timedelta(LIMIT, unit="ns")
    epoch = pd.Timestamp(0, tz="UTC")
    place.refuse((dates > epoch + limit) | (dates < epoch - limit), *_TOO_FAR)
    return dates.as_unit("ns").asi8


def read_predictions(predictions, clock, start=None, end=None, channels=None):
    """Read when each channel is flagged.

    Parameters
    ----------
    predictions : mapping of channel to Series, or DataFrame
    clock : Clock
    start, end : time or None
        None is the first, and the last, time of all predictions.
    channels : sequence or None
        None is the channels of `predictions`.

    Returns
    -------
    flagged : dict
        Channel to ``(starts, stops)``, sorted and disjoint, within `first` and `last`.
        Half-open; flags that last to the end close one nanosecond after `last`.
    first, last : int
    """
    series, index, times = {}, None, None
    for name, flags in _one_series_each(predictions).items():
        # The columns of a frame share their index, which is read only once.
        if index is None or not flags.index.is_(index):
            index, label = flags.index, f"The index of channel {name!r}"
            times = _increasing(clock.read(index, label), index, name)
        series[name] = times, read_flags(flags, f"The prediction of channel {name!r}")
    ends = [times[[0, -1]] for times, _ in series.values()]
    first, last = np.min(ends), np.max(ends)
    if start is not None:
        first = clock.read(start, "start")[0]
    if end is not None:
        last = clock.read(end, "end")[0]
    if first >= last:
        raise ValueError(
            "There is no time to score: start must come before end, and predictions "
            "span more than one instant where these are not given."
        )
    if int(last) - int(first) > LIMIT:
        raise ValueError(
            "The time to score must be shorter than 291 years; give start and end."
        )
    channels = list(series) if channels is None else _read_channels(channels)
    never = np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    steps = {name: series.get(name, never) for name in channels}
    return {n: _runs(*s, first, last) for n, s in steps.items()}, int(first), int(last)


def _one_series_each(predictions):
    """Make a mapping of channel to Series, none of them empty."""
    if isinstance(predictions, pd.DataFrame):
        repeated = predictions.columns[predictions.columns.duplicated()].tolist()
        if repeated:
            raise ValueError(
                f"predictions has more than one column {repeated[0]!r}; name each "
                "channel once."
            )
        predictions = {name: predictions[name] for name in predictions.columns}
    if not isinstance(predictions, Mapping):
        raise TypeError(
            "predictions must map each channel to a Series of 0 and 1 indexed by "
            f"time, as {{'channel': series}}; got {type(predictions).__name__}."
        )
    if len(predictions) == 0:
        raise ValueError("predictions holds no channel; give at least one.")
    for name, flags in predictions.items():
        if not isinstance(flags, pd.Series):
            raise TypeError(
                f"The predictions of channel {name!r} must be a Series of 0 and 1 "
                f"indexed by time, as pandas.Series(flags, index=times); got "
                f"{type(flags).__name__}."
            )
        if len(flags) == 0:
            raise ValueError(
                f"The predictions of channel {name!r} are empty; give at least one "
                "time, or leave it out and name it in channels."
            )
    return predictions


def _increasing(times, index, name):
    """Refuse times that do not increase; give them back otherwise."""
    wrong = times[1:] <= times[:-1]
    if wrong.any():
        row = int(np.argmax(wrong)) + 1
        raise ValueError(
            f"The times of channel {name!r} must increase, but {index[row]} (row "
            f"{row}) does not; sort_index() and drop duplicates first."
        )
    return times


def _read_channels(channels):
    if isinstance(channels, str) or not np.iterable(channels):
        raise TypeError(
            f"channels must be a sequence of names, as ['c1', 'c2']; got {channels!r}."
        )
    channels = list(channels)
    if not channels:
        raise ValueError(
            "channels is empty; name at least one, or leave it out for all channels "
            "with predictions."
        )
    return channels


def _runs(times, flags, first, last):
    """Intervals in which a step function is 1."""
    if not flags.any():
        return times[:0], times[:0]
    edges = np.diff(flags.astype(np.int8), prepend=0, append=0)
    starts, stops = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    begin = np.where(starts == 0, min(first, times[0]), times[starts])
    # Flags of the last sample are held, up to and with the last instant.
    end = np.where(
        stops == len(times), last + 1, times[np.minimum(stops, len(times) - 1)]
    )
    begin, end = np.maximum(begin, first), np.minimum(end, last + 1)
    inside = begin < end
    return begin[inside], end[inside]


def read_label_table(labels, clock, channels, first, last, cut_events):
    """Labels on the scored channels as half-open intervals, in nanoseconds."""
    missing = [column for column in COLUMNS if column not in labels.columns]
    if missing:
        raise ValueError(
            f"labels has no column {missing[0]!r}; it needs {', '.join(COLUMNS)}, one "
            "row for each interval on a channel."
        )
    repeated = labels.columns[labels.columns.duplicated()].intersection(COLUMNS)
    if len(repeated):
        raise ValueError(
            f"labels has more than one column {repeated[0]!r}; drop or rename the "
            "others."
        )
    begin = clock.read(labels["StartTime"], "StartTime of labels")
    stop = clock.read(labels["EndTime"], "EndTime of labels")
    wrong = np.flatnonzero(begin > stop)
    if len(wrong):
        row = int(wrong[0])
        raise ValueError(
            f"Label {row} (ID {labels['ID'].tolist()[row]!r}) ends before it starts; "
            "exchange its StartTime and EndTime, or drop it."
        )
    unnamed = labels[["ID", "Channel", "Category"]].isna()
    if unnamed.to_numpy().any():
        row, column = np.argwhere(unnamed.to_numpy())[0]
        raise ValueError(
            f"Label {row} has no {unnamed.columns[column]}; fill it, or drop the label."
        )
    scored = labels["Channel"].isin(channels).to_numpy(copy=True)
    if len(labels) and not scored.any():
        raise ValueError(
            "No label is on a channel that is scored: labels are on "
            f"{_listed(labels['Channel'].unique())}, but scored are "
            f"{_listed(channels)}; spell the names alike in both, or score channels "
            "that have labels."
        )
    if cut_events == "drop":
        beyond = (begin < first) | (stop > last)
        cut = labels["ID"].isin(labels["ID"].to_numpy()[beyond & scored])
        scored &= ~cut.to_numpy()
    scored &= (stop >= first) & (begin <= last)
    table = pd.DataFrame(
        {
            "event": labels["ID"].to_numpy(),
            "channel": labels["Channel"].to_numpy(),
            "category": labels["Category"].to_numpy(),
            # Closed ends become half-open ones, one nanosecond later.
            "start": np.maximum(begin, first),
            "stop": np.minimum(stop, last) + 1,
        }
    )
    return table[scored].reset_index(drop=True)


def _listed(names):
    """Show the first few names."""
    names = pd.Index(names, dtype=object).tolist()
    return ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")


def read_subsystems(subsystems, channels):
    """Give each channel the number of its subsystem."""
    if not isinstance(subsystems, Mapping | pd.Series):
        raise TypeError(
            "subsystems must map channels to subsystems, as {'c1': 'a'}, or subsystems "
            f"to lists of channels, as {{'a': ['c1']}}; got {subsystems!r}."
        )
    of = {}
    for key, value in subsystems.items():
        by_channel = isinstance(value, str) or not np.iterable(value)
        name = value if by_channel else key
        if pd.isna(name):
            continue
        for channel in [key] if by_channel else value:
            if of.setdefault(channel, name) != name:
                raise ValueError(
                    f"Channel {channel!r} is in two subsystems, {of[channel]!r} and "
                    f"{name!r}; leave it in one."
                )
    lost = [c for c in channels if c not in of]
    if lost:
        raise ValueError(
            f"subsystems has no subsystem for channel {lost[0]!r}; name one for every "
            "channel that is scored, as {'c1': 'a'} or {'a': ['c1']}."
        )
    return pd.factorize(pd.Series([of[c] for c in channels], dtype=object))[0]
