"""The rows of telemetry that packets of one spacecraft fill."""

from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["SpacecraftRows", "StreamPackets"]


class StreamPackets(NamedTuple):
    """Packets of one kind and APID.

    Attributes
    ----------
    ticks : int64 ndarray of shape (n,)
        Times in microseconds since 1970.
    order : int64 ndarray of shape (n,)
        Place in the order of arrival, among the packets of all kinds.
    values : DataFrame of n rows
    """

    ticks: np.ndarray
    order: np.ndarray
    values: pd.DataFrame

    def take(self, places):
        """Give some of the packets."""
        values = self.values.iloc[places]
        return StreamPackets(self.ticks[places], self.order[places], values)

    def join(self, others):
        """Give these packets and others after them."""
        return StreamPackets(
            np.concatenate([self.ticks, others.ticks]),
            np.concatenate([self.order, others.order]),
            pd.concat([self.values, others.values]),
        )


class SpacecraftRows:
    """Rows that may not be complete yet.

    Parameters
    ----------
    name : object
        Of the spacecraft.
    gap : int or None
        Longest time within a track, in microseconds.
    hold : int
        How long rows wait for late packets, in microseconds.
    statistics : dict
        Its counts ``moved`` and ``steps_back`` are added to.
    """

    def __init__(self, name, gap, hold, statistics):
        self.name = name
        self._gap, self._hold = gap, hold
        self._statistics = statistics
        self._held = {}  # stream: StreamPackets
        self._until = None  # packets before this time were given out
        self._track = 0
        self._last = None  # time of the last row given out, of this track

    def update(self, packets):
        """Take packets.

        Parameters
        ----------
        packets : dict of stream to StreamPackets
            Not empty, and none of them is.

        Returns
        -------
        list of (str, int64 ndarray, dict)
            For each track its name, the times of its rows, and for each stream the
            rows that have a packet of it, and the values of these.
        """
        tables = []
        first = min(each.ticks.min() for each in packets.values())
        if self._until is not None and first < self._until:
            self._statistics["steps_back"] += 1
            tables += self.finish()
        for stream, each in packets.items():
            held = self._held.get(stream)
            self._held[stream] = each if held is None else held.join(each)
        until = max(each.ticks.max() for each in self._held.values())
        return tables + self._give(until - self._hold)

    def finish(self):
        """Give all rows that are left, as :meth:`update`; what follows is a new track.

        Returns
        -------
        list of (str, int64 ndarray, dict)
        """
        tables = self._give(None)
        self._until = self._last = None
        return tables

    def _give(self, until):
        """Give the rows of packets before a time, None for all."""
        ready, held = {}, {}
        for stream, packets in self._held.items():
            done = packets.ticks < (np.inf if until is None else until)
            if done.all():
                ready[stream] = packets
                continue
            held[stream] = packets.take(np.flatnonzero(~done))
            if done.any():
                ready[stream] = packets.take(np.flatnonzero(done))
        self._held, self._until = held, until
        return self._as_tables(*self._in_rows(ready)) if ready else []

    def _in_rows(self, ready):
        """Give the times of rows, and of each stream its rows and their values."""
        sizes = [len(packets.ticks) for packets in ready.values()]
        ticks = np.concatenate([packets.ticks for packets in ready.values()])
        arrival = np.concatenate([packets.order for packets in ready.values()])
        streams = np.repeat(np.arange(len(sizes)), sizes)
        places = np.concatenate([np.arange(size) for size in sizes])
        order = np.lexsort((arrival, ticks))
        ticks, streams, places = ticks[order], streams[order], places[order]
        new = _begins_row(ticks, streams)
        rows = np.cumsum(new) - 1
        times = _increase(ticks[new], self._last)
        self._statistics["moved"] += int((times[rows] != ticks).sum())
        parts = {}
        for number, (stream, packets) in enumerate(ready.items()):
            mine = streams == number
            parts[stream] = rows[mine], packets.values.iloc[places[mine]]
        return times, parts

    def _as_tables(self, times, parts):
        """Cut rows at gaps."""
        new = np.zeros(len(times), dtype=bool)
        if self._gap is not None:
            new[1:] = np.diff(times) > self._gap
            new[0] = self._last is not None and times[0] - self._last > self._gap
        new[0] |= self._last is None
        self._last = times[-1]
        tracks = self._track + np.cumsum(new)
        self._track = int(tracks[-1])
        cuts = np.flatnonzero(np.diff(tracks)) + 1
        tables = []
        for start, stop in zip([0, *cuts], [*cuts, len(times)], strict=True):
            streams = {}
            for stream, (rows, values) in parts.items():
                low, high = np.searchsorted(rows, [start, stop])
                if high > low:
                    streams[stream] = rows[low:high] - start, values.iloc[low:high]
            name = f"{self.name}-{tracks[start]:04d}"
            tables.append((name, times[start:stop], streams))
        return tables


def _begins_row(ticks, streams):
    """Tell which packets begin a row: of a new time, or of a stream that it has."""
    new = np.append(True, ticks[1:] != ticks[:-1])
    key = np.cumsum(new) * (streams.max() + 1) + streams
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    again, before = order[same + 1], order[same]
    sequence = np.argsort(again)
    start = -1
    # Where a row begins depends on where the one before it did.
    pairs = zip(again[sequence].tolist(), before[sequence].tolist(), strict=True)
    for place, earlier in pairs:
        if earlier >= start:
            new[place], start = True, place
    return new


def _increase(ticks, last):
    """Move equal times on by one each, and beyond the last one given out."""
    steps = np.arange(len(ticks))
    least = ticks - steps
    if last is not None:
        least = np.maximum(least, last + 1)
    return np.maximum.accumulate(least) + steps
