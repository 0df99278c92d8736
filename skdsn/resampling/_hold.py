"""Hold irregular samples on a regular grid."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from skdsn._core.hold import bin_numbers, hold_positions, rescue_positions
from skdsn.resampling._clock import check_size, step_ticks
from skdsn.resampling._samples import NO_SAMPLE, NOTHING, Samples, Table, read_pair

_STATE = {"step", "clock", "next", "kept"}


class ResampleHold:
    """Hold the last sample of each channel on a regular grid of times.

    A row at time *t* shows, of each channel, the last sample at or before *t*, and the
    label of that sample. Before its first sample a channel is NaN. No row depends on
    anything later, so that rows made live are those made afterwards.

    Parameters
    ----------
    step : float, str or timedelta
        Time between rows, in seconds or as ``"30s"``. Rows are at multiples of it
        since 1970 (since zero for timedeltas and integers), whatever the samples are.
    channels : list of str, default=None
        Columns of the result, in this order; None takes those of the samples, in a
        stream those of its first chunk.
    rescue : bool or collection of int, default=True
        A sample with a label is lost if a later one follows before the next row. Such
        a label is worth keeping where the later sample has none (0): the row then
        shows the last labelled sample since the row before. True does so for all
        labels, a collection for these.
    max_hold : float, str or timedelta, default=None
        A sample older than this is no longer shown: NaN until the next one.

    See Also
    --------
    command_pulses : The same for commands.
    skdsn.datasets.load_esa_adb : Uses both.

    Notes
    -----
    This is the resampling of the ESA Anomaly Detection Benchmark [1]_ with three
    differences. Nothing is filled backwards: there, the first row of a channel is at
    the grid point before its first sample and shows it, as do all rows before. A sample
    exactly on a grid point belongs to the time before it, whose last sample the row
    shows anyway; there it belongs to the time after it, so that it can be rescued into
    the next row although it was shown. And nothing is lost between two parts of a
    mission: rows of the second begin with what was known in the first.

    Labels choose what a row shows where they rescue it. Live telemetry has no labels:
    with ``rescue=False`` the rows are those that a detector would see.

    References
    ----------
    .. [1] K. Kotowski et al., "European Space Agency benchmark for anomaly detection
       in satellite telemetry", arXiv:2406.17826, 2024.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.resampling import ResampleHold
    >>> times = pd.to_datetime(["2000-01-01T00:00:07", "2000-01-01T00:00:12",
    ...                         "2000-01-01T00:00:31"])
    >>> hold = ResampleHold("10s", max_hold="15s")
    >>> hold.resample({"temperature": pd.Series([0.1, 0.2, 0.3], times)})
                         temperature
    time
    2000-01-01 00:00:00          NaN
    2000-01-01 00:00:10          0.1
    2000-01-01 00:00:20          0.2
    2000-01-01 00:00:30          NaN
    2000-01-01 00:00:40          0.3
    """

    def __init__(self, step, *, channels=None, rescue=True, max_hold=None):
        self.step = step
        if isinstance(channels, str) or not (channels is None or np.iterable(channels)):
            raise TypeError(
                f"channels must be a list of names or None; got {channels!r}."
            )
        self.channels = None if channels is None else list(channels)
        self.rescue = rescue
        if not isinstance(rescue, bool | list | tuple | set | frozenset):
            raise TypeError(
                f"rescue must be True, False or a list of labels; got {rescue!r}."
            )
        self.max_hold = max_hold
        self._step = step_ticks(step)
        self._limit = None if max_hold is None else step_ticks(max_hold, "max_hold")

    def __repr__(self):
        return (
            f"ResampleHold({self.step!r}, rescue={self.rescue!r}, "
            f"max_hold={self.max_hold!r})"
        )

    def resample(self, samples, *, start=None, end=None, return_labels=False):
        """Hold all samples at once.

        Parameters
        ----------
        samples : mapping of channel to Series, or iterable of such pairs
            Values indexed by increasing times: datetimes, timedeltas or integers that
            count seconds, the same for all channels. A pair ``(Series, labels)`` in
            place of a Series adds an integer label for each sample; 0 = nominal.
        start, end : time, default=None
            First and last time; rows are at the grid points between, both included. By
            default from the grid point at or before the first sample to the one at or
            after the last. Samples before `start` are held.
        return_labels : bool, default=False

        Returns
        -------
        X : DataFrame of float32, shape (n_rows, n_channels)
            Indexed by ``time``.
        labels : DataFrame of int8, shape (n_rows, n_channels)
            With `return_labels`: the label of the sample shown, 0 for samples without;
            -1 where no sample is.

        Raises
        ------
        ValueError
            If there is no channel or no sample to begin with, a channel comes twice or
            is not among `channels`, its times do not increase, or labels do not fit; or
            if one sample is so far from the others that the rows would not fit.
        TypeError
            If values are no numbers, or times of another kind.

        Notes
        -----
        An iterable whose range and channels are told (`start`, `end` and `channels`)
        is read one channel after another, so that memory is that of the result and of
        one channel; otherwise it is collected before.
        """
        told = start is not None and end is not None and self.channels is not None
        parts = (read_pair(*pair) for pair in _pairs(samples))
        if told:
            names, filled = self.channels, []
        else:
            parts = list(parts)
            names = self.channels or [part.name for part in parts]
            filled = [part for part in parts if len(part.ticks)]
        table = clock = None
        for part in parts:
            if len(part.ticks) == 0:
                continue
            if table is None:
                clock = part.clock
                first, n_rows = self._grid(filled, clock, start, end)
                if not told and (start is None or end is None):
                    self._check_size(filled, first, first + n_rows - 1, len(names))
                table = Table(names, n_rows, return_labels)
            clock.check(part)
            row = table.place(part.name)
            self._hold(part, first, table.values[row], table.labels_of(row))
        if table is None:
            raise ValueError("There is nothing to resample; no channel has a sample.")
        return table.frames(clock.index(first, n_rows, self._step))

    def stream(self, samples, state=None, *, until=None, return_labels=False):
        """Hold the samples of a chunk, which continues earlier ones.

        Parameters
        ----------
        samples : mapping of channel to Series, or iterable of such pairs
            The next samples, as in :meth:`resample`; channels without any may be left
            out.
        state : dict, default=None
            What the call for the previous chunk returned; None to start afresh. It is
            not changed.
        until : time, default=None
            Up to which all samples are there; rows are given up to this time. The last
            time in the chunk when None. Later samples are kept for the next call.
        return_labels : bool, default=False

        Returns
        -------
        X : DataFrame of float32, shape (n_rows, n_channels)
            The next rows, none or more. All chunks together give the rows that
            :meth:`resample` gives for all samples; the last of them once `until` is at
            or after it.
        labels : DataFrame of int8, shape (n_rows, n_channels)
            With `return_labels`.
        state : dict
            The last sample of each channel, and those after the last row.

        Raises
        ------
        ValueError, TypeError
            As :meth:`resample` does; also if a sample is not later than the last row,
            or `state` is of another step or none that this method returned.

        Examples
        --------
        >>> import pandas as pd
        >>> from skdsn.resampling import ResampleHold
        >>> hold, state = ResampleHold(10), None
        >>> for times, values in [([7, 12], [1, 2]), ([18, 21], [3, 4])]:
        ...     X, state = hold.stream({"a": pd.Series(values, times)}, state)
        ...     print(X["a"].to_dict())
        {0: nan, 10: 1.0}
        {20: 3.0}
        """
        chunk = [read_pair(*pair) for pair in _pairs(samples)]
        state = self._begin(chunk) if state is None else self._check_state(state)
        if state is None:
            names = self.channels or [part.name for part in chunk]
            empty = pd.DatetimeIndex([], name="time")
            return _with(Table(names, 0, return_labels).frames(empty), None)
        clock, first, kept = state["clock"], state["next"], state["kept"]
        parts = self._check_chunk(chunk, clock, first, kept)
        if until is None:
            ends = [part.ticks[-1] for part in parts.values() if len(part.ticks)]
            known = max(ends, default=(first - 1) * self._step)
        else:
            known = clock.read(until, "until")
        n_rows = max(int(known // self._step) - first + 1, 0)
        if until is None:
            self._check_size(parts.values(), first, first + n_rows - 1, len(kept))
        table = Table(list(kept), n_rows, return_labels)
        new = {}
        for row, (name, held) in enumerate(kept.items()):
            part = Samples(name, clock, *held).followed_by(parts.get(name))
            self._hold(part, first, table.values[row], table.labels_of(row))
            new[name] = part.after((first + n_rows - 1) * self._step)
        frames = table.frames(clock.index(first, n_rows, self._step))
        return _with(frames, {**state, "next": first + n_rows, "kept": new})

    def _begin(self, chunk):
        """State before the first sample; None while there is none."""
        filled = [part for part in chunk if len(part.ticks)]
        if not filled:
            return None
        names = self.channels or [part.name for part in chunk]
        earliest = min(int(part.ticks[0]) for part in filled)
        return {
            "step": self._step,
            "clock": filled[0].clock,
            "next": earliest // self._step,
            "kept": dict.fromkeys(names, NOTHING),
        }

    def _check_state(self, state):
        """Refuse what no call of this method returned."""
        if not isinstance(state, dict) or state.keys() != _STATE:
            raise ValueError(
                "state must be what the call for the previous chunk returned; got "
                f"{type(state).__name__}."
            )
        if state["step"] != self._step:
            raise ValueError(
                f"state is of step {state['step'] / 1e9:g} s, but this one has "
                f"{self._step / 1e9:g} s; go on with the step that it began with."
            )
        return state

    def _check_size(self, parts, first, last, n_channels):
        """Refuse rows that only a wrong time among the samples asks for."""
        filled = [part for part in parts if len(part.ticks)]
        if not filled:
            return
        early = min(filled, key=lambda part: part.ticks[0])
        late = max(filled, key=lambda part: part.ticks[-1])
        span = [
            (repr(part.name), part.clock.time(part.ticks[at]))
            for part, at in ((early, 0), (late, -1))
        ]
        n_samples = sum(len(part.ticks) for part in filled)
        check_size(first, last, self._step, n_channels, n_samples, span)

    def _check_chunk(self, chunk, clock, first, kept):
        """Channels of a chunk by name, none of them too late."""
        parts, table = {}, Table(list(kept), 0, False)
        given = (first - 1) * self._step
        for part in chunk:
            table.place(part.name)
            clock.check(part)
            if len(part.ticks) and part.ticks[0] <= given:
                raise ValueError(
                    f"Channel {part.name!r} has a sample at "
                    f"{clock.time(part.ticks[0])}, but rows up to {clock.time(given)} "
                    "were given already; wait for late samples with until=..., or "
                    "leave them out."
                )
            parts[part.name] = part
        return parts

    def _grid(self, filled, clock, start, end):
        """Find the number of the first grid point, and how many there are."""
        if start is None:
            first = min(int(part.ticks[0]) for part in filled) // self._step
        else:
            first = bin_numbers(clock.read(start, "start"), self._step)
        if end is None:
            last = bin_numbers(max(int(p.ticks[-1]) for p in filled), self._step)
        else:
            last = clock.read(end, "end") // self._step
        return first, max(last - first + 1, 0)

    def _hold(self, part, first, values, labels):
        """Write the held values, and labels unless None, of a channel."""
        if len(part.ticks) == 0:
            return
        shown = hold_positions(part.ticks, self._step, first, len(values))
        marked = part.labels != 0
        if not isinstance(self.rescue, bool):
            marked &= np.isin(part.labels, list(self.rescue))
        elif not self.rescue:
            marked[:] = False
        if marked.any():
            shown = rescue_positions(
                shown, part.ticks, marked, part.labels == 0, self._step, first
            )
        absent = shown < 0
        if self._limit is not None:
            grid = np.arange(first, first + len(values), dtype=np.int64) * self._step
            absent |= grid - part.ticks[shown] > self._limit
        values[:] = part.values[shown]
        values[absent] = np.nan
        if labels is not None:
            labels[:] = part.labels[shown]
            labels[absent] = NO_SAMPLE


def _pairs(samples):
    """Channels and what they hold."""
    if isinstance(samples, pd.DataFrame | pd.Series):
        raise TypeError(
            f"samples must be a mapping of channel to Series; got a "
            f"{type(samples).__name__}: give dict(frame.items()), or "
            "{name: column.dropna() for name, column in frame.items()} where NaN "
            "stands for no sample."
        )
    if isinstance(samples, Mapping):
        return samples.items()
    if isinstance(samples, str) or not np.iterable(samples):
        raise TypeError(
            f"samples must be a mapping of channel to Series; got {samples!r}."
        )
    return map(_pair, samples)


def _pair(item):
    """Refuse what is not a channel and what it holds."""
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise TypeError(
            "samples must be a mapping of channel to Series, or pairs of both; got "
            f"{type(item).__name__}."
        )
    return item


def _with(frames, state):
    return (*frames, state) if isinstance(frames, tuple) else (frames, state)
