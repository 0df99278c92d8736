"""Space packets as a table, segments joined and counts of sequences kept."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd

from skdsn.ccsds._bits import as_rows, read_bits

__all__ = ["PRIMARY_HEADER", "PacketOrigin", "PacketRows", "PacketSink"]

PRIMARY_HEADER = {  # field: (first bit, bits), of a space packet
    "packet_version": (0, 3),
    "packet_type": (3, 1),
    "secondary_header_flag": (4, 1),
    "apid": (5, 11),
    "sequence_flags": (16, 2),
    "sequence_count": (18, 14),
}
_HEADER_BYTES = 6
_IDLE = 2047
_MODULO = 1 << 14
_LAST, _FIRST, _WHOLE = 2, 1, 3  # sequence flags
_LARGEST = 1 << 24  # bytes of a joined packet
_NAT = np.iinfo(np.int64).min


class PacketOrigin(NamedTuple):
    """Where a packet lay in its channel.

    Attributes
    ----------
    time, first_time : int or None
        Reception of the frames with its last and first byte, microseconds since 1970.
    n_frames : int
    n_copies : int
    gap : bool
    """

    time: int | None
    first_time: int | None
    n_frames: int
    n_copies: int
    gap: bool


class PacketRows:
    """Packets collected until they are taken as a table."""

    def __init__(self):
        self._clear()

    def _clear(self):
        self._channels, self._data, self._origins = [], [], []

    def append(self, channel, data, origin):
        """Add one packet."""
        self._channels.append(channel)
        self._data.append(data)
        self._origins.append(origin)

    def take(self):
        """Give the packets added since the last call as a DataFrame."""
        data = self._data
        header = as_rows([packet[:_HEADER_BYTES] for packet in data], _HEADER_BYTES)
        channels = np.array(self._channels, dtype=np.uint16).reshape(-1, 2)
        times, first_times, n_frames, n_copies, gaps = (
            zip(*self._origins, strict=True) if data else [()] * 5
        )
        packets = pd.DataFrame(
            {
                "time": _as_times(times),
                "first_time": _as_times(first_times),
                "spacecraft_id": channels[:, 0],
                "virtual_channel_id": channels[:, 1],
                **{
                    name: read_bits(header, offset, bits)
                    for name, (offset, bits) in PRIMARY_HEADER.items()
                },
                "data": pd.Series(data, dtype=object),
                "n_frames": np.array(n_frames, dtype=np.uint32),
                "n_copies": np.array(n_copies, dtype=np.uint32),
                "gap": np.array(gaps, dtype=bool),
            }
        )
        self._clear()
        return packets


class PacketSink:
    """Pass on the packets of one channel: idle ones counted, segments joined.

    Parameters
    ----------
    channel : tuple of int
        Spacecraft and virtual channel.
    rows : PacketRows
        Where they go.
    join_segments : bool
    keep_idle : bool
    """

    def __init__(self, channel, rows, join_segments, keep_idle):
        self._channel = channel
        self._rows = rows
        self._join = join_segments
        self._keep_idle = keep_idle
        self.statistics = Counter()
        self._counts = {}  # last sequence count of each APID
        self._open = {}  # APID: the segments so far

    def push(self, data, origin):
        """Take a packet.

        Parameters
        ----------
        data : bytes
        origin : PacketOrigin
        """
        apid = (data[0] & 7) << 8 | data[1]
        if apid == _IDLE:
            self.statistics["idle_packets"] += 1
            if self._keep_idle:
                self._rows.append(self._channel, data, origin)
            return
        flags = data[2] >> 6
        count = (data[2] & 0x3F) << 8 | data[3]
        last = self._counts.get(apid)
        follows = last is None or (count - last) % _MODULO == 1
        if not follows:
            self.statistics["sequence_jumps"] += 1
        self._counts[apid] = count
        self.statistics["packets"] += 1
        if self._join and (flags != _WHOLE or apid in self._open):
            self._push_segment(apid, flags, follows, data, origin)
        else:
            self._rows.append(self._channel, data, origin)

    def _push_segment(self, apid, flags, follows, data, origin):
        segments = self._open.pop(apid, None)
        begins = flags in (_FIRST, _WHOLE)
        if segments is not None and (begins or not follows):
            self.statistics["incomplete_segments"] += len(segments.parts)
            segments = None
        if flags == _WHOLE:
            self._rows.append(self._channel, data, origin)
        elif begins:
            self._open[apid] = _Segments(data, origin)
        elif segments is None:
            self.statistics["incomplete_segments"] += 1
        elif segments.size + len(data) > _LARGEST:
            self.statistics["incomplete_segments"] += len(segments.parts) + 1
        else:
            segments.add(data[_HEADER_BYTES:], origin)
            if flags == _LAST:
                self.statistics["joined"] += 1
                joined = b"".join(segments.parts)
                self._rows.append(self._channel, joined, segments.origin)
            else:
                self._open[apid] = segments

    def finish(self):
        """Count the segments that wait for others."""
        for segments in self._open.values():
            self.statistics["incomplete_segments"] += len(segments.parts)
        self._open = {}

    def counts(self):
        """Give the statistics as a plain mapping."""
        return {"packets": 0} | dict(self.statistics)


class _Segments:
    """The segments of one packet so far."""

    def __init__(self, data, origin):
        self.parts, self.size, self.origin = [data], len(data), origin

    def add(self, data, origin):
        self.parts.append(data)
        self.size += len(data)
        self.origin = PacketOrigin(
            origin.time,
            self.origin.first_time,
            self.origin.n_frames + origin.n_frames,
            min(self.origin.n_copies, origin.n_copies),
            self.origin.gap or origin.gap,
        )


def _as_times(microseconds):
    """Turn integers, None where unknown, into datetimes."""
    values = [_NAT if value is None else value for value in microseconds]
    return np.array(values, dtype=np.int64).view("datetime64[us]")
