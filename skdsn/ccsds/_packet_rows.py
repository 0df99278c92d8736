"""Space packets as a table: counts of sequences checked, segments joined."""

from collections import Counter
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from skdsn.ccsds._bits import as_rows, read_bits
from skdsn.ccsds._space_packet import (
    COUNT_MODULO,
    HEADER_BYTES,
    IDLE_APID,
    PRIMARY_HEADER,
)

__all__ = ["PacketOrigin", "PacketRows"]

_LAST, _FIRST, _WHOLE = 2, 1, 3  # sequence flags
_LARGEST = 1 << 24  # bytes of a joined packet


class PacketOrigin(NamedTuple):
    """Where packets lay in their channel.

    Attributes
    ----------
    time, first_time : int
        Reception of the frames with the last and first byte, microseconds since 1970,
        or NO_TIME.
    n_frames : int
    n_copies : int
    gap : bool
        Whether packets of the channel may be missing before the first of them.
    """

    time: int
    first_time: int
    n_frames: int
    n_copies: int
    gap: bool


class PacketRows:
    """Packets of all channels, collected until they are taken as a table.

    Parameters
    ----------
    join_segments : bool
    keep_idle : bool

    Attributes
    ----------
    statistics : list of Counter
        Of each channel, in the order in which they were opened.
    """

    def __init__(self, join_segments, keep_idle):
        self._join = join_segments
        self._keep_idle = keep_idle
        self._channels = []  # (spacecraft, virtual channel)
        self.statistics = []
        self._gaps = []  # of each channel: whether its next packet comes after a gap
        self._counts = {}  # last sequence count of each channel and APID, as one number
        self._open = {}  # the same: the segments so far
        self._clear()

    def _clear(self):
        self._data, self._batches, self._origins = [], [], []

    def open_channel(self, spacecraft_id, virtual_channel_id):
        """Give the number of a new channel."""
        self._channels.append((spacecraft_id, virtual_channel_id))
        self.statistics.append(Counter(packets=0))
        self._gaps.append(True)  # nobody knows what came before the input
        return len(self._channels) - 1

    def extend(self, channel, packets, origin):
        """Add packets of one channel that lay in the same frames."""
        if packets:
            self._data += packets
            self._batches.append((channel, len(packets)))
            self._origins.append(origin)

    def take(self):
        """Give the packets added since the last call as a DataFrame."""
        data = self._data
        header = as_rows([packet[:HEADER_BYTES] for packet in data], HEADER_BYTES)
        fields = {
            name: read_bits(header, offset, bits)
            for name, (offset, bits) in PRIMARY_HEADER.items()
        }
        batches = _as_integers(self._batches, 2)
        origins = _as_integers(self._origins, 5)
        repeats = batches[:, 1]
        channel = np.repeat(batches[:, 0], repeats)
        gap = np.zeros(len(data), dtype=bool)
        gap[np.cumsum(repeats) - repeats] = origins[:, 4]
        origins = np.repeat(origins, repeats, axis=0)
        keep = self._check(data, channel, fields, origins, gap)
        gap = self._carry_gaps(channel, gap, keep)
        columns = np.array(self._channels, dtype=np.uint16).reshape(-1, 2)[channel]
        packets = pd.DataFrame(
            {
                "time": origins[:, 0].view("datetime64[us]"),
                "first_time": origins[:, 1].view("datetime64[us]"),
                "spacecraft_id": columns[:, 0],
                "virtual_channel_id": columns[:, 1],
                **fields,
                "data": pd.Series(data, dtype=object),
                "n_frames": origins[:, 2].astype(np.uint32),
                "n_copies": origins[:, 3].astype(np.uint32),
                "gap": gap,
            }
        )
        self._clear()
        return packets if keep.all() else packets[keep].reset_index(drop=True)

    def _check(self, data, channel, fields, origins, gap):
        """Count packets, join segments, and tell which packets are rows."""
        idle = fields["apid"] == IDLE_APID
        self._count("idle_packets", channel[idle])
        self._count("packets", channel[~idle])
        source = channel * (IDLE_APID + 1) + fields["apid"]
        follows = self._follow(source, fields["sequence_count"].astype(np.int64), idle)
        self._count("sequence_jumps", channel[~follows])
        gap |= ~follows
        keep = ~idle | self._keep_idle
        if self._join:
            segmented = ~idle & (fields["sequence_flags"] != _WHOLE)
            sources = np.append(source[segmented], np.array([*self._open], dtype=int))
            for i in np.flatnonzero(~idle & np.isin(source, sources)).tolist():
                keep[i] = self._join_segment(
                    i, int(source[i]), fields, follows, data, origins, gap
                )
        return keep

    def _count(self, reason, channel):
        for number in np.flatnonzero(counts := np.bincount(channel)).tolist():
            self.statistics[number][reason] += int(counts[number])

    def _follow(self, source, count, idle):
        """Tell which packets have the count after that of their source before."""
        follows = np.ones(len(source), dtype=bool)
        order = np.argsort(source, kind="stable")
        order = order[~idle[order]]
        if not len(order):
            return follows
        source, count = source[order], count[order]
        first = np.append(True, source[1:] != source[:-1])
        before = np.roll(count, 1)
        before[first] = [
            self._counts.get(each, (now - 1) % COUNT_MODULO)
            for each, now in zip(
                source[first].tolist(), count[first].tolist(), strict=True
            )
        ]
        follows[order] = (count - before) % COUNT_MODULO == 1
        last = np.roll(first, -1)
        self._counts.update(
            zip(source[last].tolist(), count[last].tolist(), strict=True)
        )
        return follows

    def _join_segment(self, i, source, fields, follows, data, origins, gap):
        """Take a packet of a source that sends segments; tell whether it is a row."""
        flags = fields["sequence_flags"][i]
        statistics = self.statistics[source // (IDLE_APID + 1)]
        segments = self._open.pop(source, None)
        begins = flags in (_FIRST, _WHOLE)
        if segments is not None and (begins or not follows[i]):
            statistics["incomplete_segments"] += len(segments.parts)
            segments, gap[i] = None, True
        if flags == _WHOLE:
            return True
        if begins:
            header = {name: values[i] for name, values in fields.items()}
            self._open[source] = _Segments(data[i], origins[i].copy(), header)
        elif segments is None:
            statistics["incomplete_segments"] += 1
            gap[i] = True
        elif segments.size + len(data[i]) > _LARGEST:
            statistics["incomplete_segments"] += len(segments.parts) + 1
            gap[i] = True
        else:
            segments.add(data[i][HEADER_BYTES:], origins[i])
            if flags != _LAST:
                self._open[source] = segments
                return False
            statistics["joined"] += 1
            data[i], origins[i] = b"".join(segments.parts), segments.origin
            for name, value in segments.header.items():
                fields[name][i] = value
            return True
        return False

    def _carry_gaps(self, channel, gap, keep):
        """Move a gap before a packet that is no row to the next row of its channel."""
        order = np.argsort(channel, kind="stable")
        sizes = np.bincount(channel, minlength=len(self._channels))
        ends = np.cumsum(sizes)
        so_far = np.append(0, np.cumsum(gap[order]))  # gaps before each
        start = so_far[ends - sizes] - np.array(self._gaps, dtype=np.int64)
        kept = np.flatnonzero(keep[order])
        its_channel = channel[order[kept]]
        first = np.append(True, its_channel[1:] != its_channel[:-1])[: len(kept)]
        before = np.where(first, start[its_channel], so_far[np.roll(kept, 1) + 1])
        gap = np.zeros(len(gap), dtype=bool)
        gap[order[kept]] = so_far[kept + 1] > before
        done = start.copy()
        done[its_channel] = so_far[kept + 1]  # of the last in each channel
        self._gaps = (so_far[ends] > done).tolist()
        return gap

    def finish(self):
        """Count the segments that wait for others."""
        for source, segments in self._open.items():
            statistics = self.statistics[source // (IDLE_APID + 1)]
            statistics["incomplete_segments"] += len(segments.parts)
        self._open = {}


class _Segments:
    """The segments of one packet so far."""

    def __init__(self, data, origin, header):
        self.parts, self.size = [data], len(data)
        self.origin, self.header = origin, header

    def add(self, data, origin):
        self.parts.append(data)
        self.size += len(data)
        time, _, n_frames, n_copies, _ = origin
        self.origin[0] = time
        self.origin[2] += n_frames
        self.origin[3] = min(self.origin[3], n_copies)


def _as_integers(tuples, width):
    """Turn tuples of integers into the rows of an array."""
    flat = chain.from_iterable(tuples)
    return np.fromiter(flat, np.int64, width * len(tuples)).reshape(-1, width)
