"""Labels and flags of channels as intervals of time."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from skdsn.metrics._inputs import read_flags

COLUMNS = ["ID", "Channel", "StartTime", "EndTime", "Category"]


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
            numbers of seconds.
        name : str
            What they are, for messages.

        Returns
        -------
        int64 ndarray of shape (n_times,)
        """
        if not isinstance(times, pd.Index | pd.Series):
            times = [times]
        index = pd.Index(times)
        if len(index) == 0:
            return np.empty(0, dtype=np.int64)
        if index.hasnans:
            raise ValueError(
                f"{name} is missing in row {int(np.argmax(index.isna()))}; give every "
                "row a time."
            )
        if pd.api.types.is_numeric_dtype(index.dtype) and index.dtype != bool:
            kind = "numbers"
            nanoseconds = np.rint(index.to_numpy(dtype=np.float64) * 1e9)
            nanoseconds = nanoseconds.astype(np.int64)
            if pd.api.types.is_integer_dtype(index.dtype):
                nanoseconds = index.to_numpy(dtype=np.int64) * 1_000_000_000
        elif isinstance(index, pd.TimedeltaIndex):
            kind, nanoseconds = "timedeltas", index.as_unit("ns").asi8
        else:
            kind, nanoseconds = "dates", _read_dates(index, name)
        if self.kind is None:
            self.kind = kind
        if kind != self.kind:
            raise TypeError(
                f"{name} is told in {kind}, but the predictions in {self.kind}; give "
                "both the same clock."
            )
        return nanoseconds


def _read_dates(index, name):
    text = not isinstance(index, pd.DatetimeIndex)
    try:
        dates = pd.to_datetime(index, utc=True, format="ISO8601" if text else None)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{name} holds {index[0]!r}, ..., which are not all times: {error}; write "
            "them as 2000-01-01T12:00:00Z, or convert them with pandas.to_datetime."
        ) from error
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
    if isinstance(predictions, pd.DataFrame):
        predictions = {name: predictions[name] for name in predictions.columns}
    if not isinstance(predictions, Mapping) or not len(predictions):
        raise ValueError(
            "predictions must map each channel to a time-indexed Series of 0 and 1; "
            f"got {type(predictions).__name__} with nothing of that kind."
        )
    series = {}
    for name, flags in predictions.items():
        if not isinstance(flags, pd.Series) or len(flags) == 0:
            raise ValueError(
                f"The predictions of channel {name!r} must be a Series of 0 and 1 with "
                f"at least one time; got {type(flags).__name__}."
            )
        times = clock.read(flags.index, f"The index of channel {name!r}")
        if (np.diff(times) <= 0).any():
            row = int(np.argmax(np.diff(times) <= 0)) + 1
            raise ValueError(
                f"The times of channel {name!r} must increase, but {flags.index[row]} "
                f"(row {row}) does not; sort_index() and drop duplicates first."
            )
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
    channels = list(series) if channels is None else list(channels)
    never = np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    steps = {name: series.get(name, never) for name in channels}
    return {n: _runs(*s, first, last) for n, s in steps.items()}, int(first), int(last)


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
    begin = clock.read(labels["StartTime"], "StartTime of labels")
    stop = clock.read(labels["EndTime"], "EndTime of labels")
    wrong = np.flatnonzero(begin > stop)
    if len(wrong):
        row = int(wrong[0])
        raise ValueError(
            f"Label {row} (ID {labels['ID'].iloc[row]!r}) ends before it starts; "
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
            f"No label is on a channel that is scored: labels has "
            f"{labels['Channel'].iloc[0]!r}, ..., predictions {channels[0]!r}, ...; "
            "give both the same names."
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


def read_subsystems(subsystems, channels):
    """Give each channel the number of its subsystem."""
    of = {}
    for key, value in dict(subsystems).items():
        if isinstance(value, str) or not np.iterable(value):
            of[key] = value
        else:
            of.update(dict.fromkeys(value, key))
    lost = [channel for channel in channels if channel not in of]
    if lost:
        raise ValueError(
            f"subsystems has no subsystem for channel {lost[0]!r}; name one for every "
            "channel that is scored."
        )
    return pd.factorize(np.array([of[channel] for channel in channels], dtype=object))[
        0
    ]
