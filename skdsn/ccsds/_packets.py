"""Space packets out of frames, or out of a file of packets."""

from collections import Counter
from functools import partial

import numpy as np
import pandas as pd

from skdsn.ccsds._order import FrameCopy, FrameOrder, choose_policy
from skdsn.ccsds._packet_rows import NO_TIME, PacketOrigin, PacketRows
from skdsn.ccsds._sources import is_path, opened, read_exactly
from skdsn.ccsds._zones import (
    PRIMARY_HEADER,
    FixedZone,
    KissZone,
    MpduZone,
    cut_packets,
)
from skdsn.tracks import gap_seconds

__all__ = ["PacketExtractor", "extract_packets", "iter_packets", "read_packets"]

_ZONES = {"mpdu": MpduZone, "fixed": FixedZone, "kiss": KissZone}
_AOS_IDLE_CHANNEL = 63
_FRAME_COLUMNS = (
    *("time", "station", "spacecraft_id", "virtual_channel_id"),
    *("virtual_channel_frame_count", "data"),
)
_BLOCK = 1 << 22  # bytes read at a time


def extract_packets(
    frames,
    spec,
    *,
    copies="station_count",
    station_points=None,
    keep_idle=False,
):
    """Put the space packets together that lie in transfer frames.

    Frames of each spacecraft and virtual channel are taken in the order of time (as
    they come, if times are unknown). By its count, a frame repeats the one before it,
    continues it, or comes after a jump. A jump drops the packet in progress, and the
    stream begins again where the next packet does.

    Parameters
    ----------
    frames : DataFrame
        As from :func:`read_frames`.
    spec : FrameSpec
    copies : {"station_count", "majority", "first"} or callable, default="station_count"
        Which copy of a repeated frame is used: that of the station with the most
        points; what most of three or more copies say, byte by byte; the one received
        first; or what the callable returns for a list of :class:`FrameCopy`.
    station_points : mapping of str to int, default=None
        Trust in each station. None counts its frames in `frames`.
    keep_idle : bool, default=False
        Whether idle packets (APID 2047) are in the table; they are counted either way.

    Returns
    -------
    DataFrame
        One row a packet: ``time`` and ``first_time`` (reception of the frames of its
        last and first byte), ``spacecraft_id``, ``virtual_channel_id``, the fields of
        the primary header [1]_, ``data`` (bytes of the whole packet; of one sent in
        segments, the first segment and the data fields of the others), ``n_frames`` and
        ``n_copies`` (the fewest copies of any of its frames), ``gap`` (whether packets
        of the channel may be missing before it).
        ``attrs["statistics"]`` has one mapping of counts per channel, such as
        ``"403/0"``, and one for ``"frames"``.

    Raises
    ------
    ValueError
        If columns are missing, or the spec says that frames hold no packets.

    See Also
    --------
    PacketExtractor : The same for frames that come piece by piece.
    read_packets : For files that hold packets without frames.

    References
    ----------
    .. [1] CCSDS 133.0-B-2, Space Packet Protocol.

    Examples
    --------
    >>> from skdsn.ccsds import FrameSpec, extract_packets, read_frames
    >>> spec = FrameSpec("tm", length=20)
    >>> packet = bytes.fromhex("080B C001 0007") + b"8 bytes!"
    >>> frame = bytes.fromhex("02A0 0A0B 1800")
    >>> packets = extract_packets(read_frames(frame + packet, spec), spec)
    >>> packets[["spacecraft_id", "apid", "sequence_count", "gap"]]
       spacecraft_id  apid  sequence_count   gap
    0             42    11               1  True
    """
    _check_frames(frames)
    if station_points is None:
        station_points = frames["station"].value_counts().to_dict()
    extractor = PacketExtractor(
        spec, copies=copies, station_points=station_points, keep_idle=keep_idle
    )
    if frames["time"].notna().all() and not frames["time"].is_monotonic_increasing:
        statistics = frames.attrs.get("statistics", {})
        frames = frames.sort_values("time", kind="stable")
        frames.attrs["statistics"] = statistics
    pieces = [extractor.update(frames), extractor.finish()]
    packets = pd.concat(pieces, ignore_index=True)
    packets.attrs["statistics"] = extractor.statistics
    return packets


class PacketExtractor:
    """Put space packets together from frames that come piece by piece.

    Any cutting of the same frames into pieces gives the same packets. Frames are taken
    as they come: sort them by time before, if their source does not.

    Parameters
    ----------
    spec : FrameSpec
    copies, keep_idle
        As for :func:`extract_packets`.
    station_points : mapping of str to int, default=None
        Trust in each station; None trusts all alike.

    Attributes
    ----------
    statistics : dict of str to dict of str to int
        What was found so far, per channel and for ``"frames"``. Of a channel:
        ``frames``, ``jumps``, ``continuations``, ``repeated_same`` and
        ``repeated_distinct`` (bytes equal to those received before, or not),
        ``late_copies``; ``packets`` and ``idle_packets``, ``sequence_jumps`` (of the
        count of an APID), ``joined`` and ``incomplete_segments``; packets given up:
        ``partial_dropped`` at jumps, ``pointer_mismatch``, ``bad_version``,
        ``bad_escape``, ``wrong_length``, ``unterminated``, ``too_long``.

    Examples
    --------
    >>> from skdsn.ccsds import FrameSpec, PacketExtractor, iter_frames
    >>> spec = FrameSpec("tm", length=20)
    >>> packet = bytes.fromhex("080B C001 0007") + b"8 bytes!"
    >>> frame = bytes.fromhex("02A0 0A0B 1800")
    >>> extractor = PacketExtractor(spec)
    >>> for frames in iter_frames(frame + packet, spec):
    ...     print(len(extractor.update(frames)))
    0
    >>> len(extractor.finish())  # a frame is held until the next is no copy of it
    1
    """

    def __init__(
        self, spec, *, copies="station_count", station_points=None, keep_idle=False
    ):
        if spec.packet_zone == "none":
            raise ValueError(
                "The frame spec says that frames hold no packets (packet_zone 'none')."
            )
        self.spec = spec
        self._policy = choose_policy(copies)
        self._points = station_points or {}
        self._rows = PacketRows(spec.join_segments, keep_idle)
        self._frames = Counter()
        self._channels = {}

    @property
    def statistics(self):
        """Counts so far; see the class."""
        channels = sorted(self._channels.items())
        return {"frames": dict(self._frames)} | {
            f"{spacecraft}/{channel}": each.statistics
            for (spacecraft, channel), each in channels
        }

    def update(self, frames):
        """Take more frames.

        Parameters
        ----------
        frames : DataFrame
            As from :func:`iter_frames`.

        Returns
        -------
        DataFrame
            The packets that these frames complete, as :func:`extract_packets` returns.
        """
        _check_frames(frames)
        self._frames.update(frames.attrs.get("statistics", {}))
        points = self._points
        for scid, vcid, count, time, station, data in zip(
            frames["spacecraft_id"].tolist(),
            frames["virtual_channel_id"].tolist(),
            frames["virtual_channel_frame_count"].tolist(),
            _as_microseconds(frames["time"]),
            _as_names(frames["station"]),
            frames["data"].tolist(),
            strict=True,
        ):
            channel = self._channels.get((scid, vcid))
            if channel is None:
                channel = self._channels[scid, vcid] = self._new_channel(scid, vcid)
            copy = FrameCopy(time, station, data, points.get(station, 0))
            channel.update(count, copy)
        return self._rows.take()

    def finish(self):
        """End the input.

        Returns
        -------
        DataFrame
            The packets that the frames still held complete.
        """
        for _, channel in sorted(self._channels.items()):
            channel.finish()
        packets = self._rows.take()
        self._rows.finish()
        return packets

    def _new_channel(self, scid, vcid):
        wanted = self.spec.virtual_channels
        if wanted:
            carries = vcid in wanted
        else:
            carries = self.spec.kind != "aos" or vcid != _AOS_IDLE_CHANNEL
        if not carries:
            return _OtherChannel()
        return _Channel(self.spec, self._policy, self._rows, (scid, vcid))


class _Channel:
    """One virtual channel of one spacecraft, from frames to packets."""

    def __init__(self, spec, policy, rows, ids):
        modulo = 1 << spec.header["virtual_channel_frame_count"]
        max_gap = gap_seconds(spec.max_gap)
        self._order = FrameOrder(modulo, max_gap, spec.look_back, policy)
        number = rows.open_channel(*ids)
        self._zone = _ZONES[spec.packet_zone](spec, partial(rows.extend, number))
        self._parts = (
            rows.statistics[number],
            self._order.statistics,
            self._zone.statistics,
        )

    @property
    def statistics(self):
        counts = Counter()
        for part in self._parts:
            counts.update(part)
        return dict(counts)

    def update(self, count, copy):
        done = self._order.update(count, copy)
        if done is not None:
            self._zone.update(done)

    def finish(self):
        done = self._order.finish()
        if done is not None:
            self._zone.update(done)
        self._zone.finish()


class _OtherChannel:
    """A channel without packets; its frames are counted."""

    def __init__(self):
        self.statistics = {"frames": 0}

    def update(self, count, copy):
        self.statistics["frames"] += 1

    def finish(self):
        pass


def read_packets(
    source, *, prefix=0, on_error="raise", join_segments=True, keep_idle=False
):
    """Read a file that holds space packets one after another, without frames.

    Parameters
    ----------
    source : str, path-like, binary stream or bytes
        ``.gz`` at the end of a name is unpacked.
    prefix : int, default=0
        Bytes before each packet, such as a header of the recorder; skipped.
    on_error : {"raise", "stop"}, default="raise"
        What to do where no packet can begin: refuse the file, or use what came before
        and count the rest.
    join_segments : bool, default=True
        Whether packets that were sent in segments are put together.
    keep_idle : bool, default=False
        Whether idle packets (APID 2047) are in the table.

    Returns
    -------
    DataFrame
        As :func:`extract_packets`; times are unknown, the ids of spacecraft and channel
        0, and ``attrs["statistics"]`` is a mapping of counts: those of
        :class:`PacketExtractor`, and ``truncated`` and ``unread_bytes`` at the end.

    Raises
    ------
    ValueError
        If no packet begins where the one before it ends.

    See Also
    --------
    iter_packets : The same in pieces, for files larger than memory.

    Examples
    --------
    >>> from skdsn.ccsds import read_packets
    >>> packet = bytes.fromhex("080B C001 0001") + b"ab"
    >>> read_packets(2 * packet)[["apid", "sequence_count"]]
       apid  sequence_count
    0    11               1
    1    11               1
    """
    pieces = list(
        iter_packets(
            source,
            prefix=prefix,
            on_error=on_error,
            join_segments=join_segments,
            keep_idle=keep_idle,
        )
    )
    statistics = pieces[-1].attrs["statistics"]
    packets = pd.concat(pieces, ignore_index=True)
    packets.attrs["statistics"] = statistics
    return packets


def iter_packets(
    source, *, prefix=0, on_error="raise", join_segments=True, keep_idle=False
):
    """Read a file of space packets piece by piece, in constant memory.

    Parameters
    ----------
    source, prefix, on_error, join_segments, keep_idle
        As for :func:`read_packets`.

    Yields
    ------
    DataFrame
        As :func:`read_packets` returns; the statistics count from the beginning.

    Raises
    ------
    ValueError
        As :func:`read_packets`.

    Examples
    --------
    >>> from skdsn.ccsds import iter_packets
    >>> packet = bytes.fromhex("080B C001 0001") + b"ab"
    >>> sum(len(piece) for piece in iter_packets(3 * packet))
    3
    """
    if on_error not in ("raise", "stop"):
        raise ValueError(f"on_error must be 'raise' or 'stop'; got {on_error!r}.")
    if isinstance(prefix, bool) or not isinstance(prefix, int) or prefix < 0:
        raise ValueError(f"prefix must be a whole number of bytes; got {prefix!r}.")
    rows = PacketRows(join_segments, keep_idle)
    statistics = rows.statistics[rows.open_channel(0, 0)]
    head = prefix + PRIMARY_HEADER
    where = PacketOrigin(NO_TIME, NO_TIME, 0, 0, False)
    offset, rest, trouble = 0, b"", None
    with opened(source) as stream:
        while block := read_exactly(stream, _BLOCK):
            buffer = rest + block
            packets, position = cut_packets(buffer, 0, prefix=prefix)
            rows.extend(0, packets, where)
            if position + head <= len(buffer) and buffer[position + prefix] >> 5:
                trouble = offset + position + prefix
            if trouble is not None and on_error == "raise":
                raise ValueError(
                    f"No space packet begins at byte {trouble} of "
                    f"{source if is_path(source) else 'the source'}: its version is "
                    f"not 0. Give the bytes before each packet (prefix), read frames "
                    "with a frame spec, or take what came before (on_error='stop')."
                )
            offset, rest = offset + position, buffer[position:]
            if trouble is not None:
                break
            piece = rows.take()
            piece.attrs["statistics"] = dict(statistics)
            yield piece
        if trouble is not None:
            left = len(rest)
            while block := stream.read(_BLOCK):
                left += len(block)
            statistics["unread_bytes"] = left
        elif rest:
            statistics["truncated"] = 1
    piece = rows.take()
    rows.finish()
    piece.attrs["statistics"] = dict(statistics)
    yield piece


def _check_frames(frames):
    """Refuse a table that is not of frames."""
    missing = [name for name in _FRAME_COLUMNS if name not in frames]
    if missing:
        raise ValueError(
            f"The table of frames lacks the columns {missing}; read frames with "
            "read_frames or iter_frames."
        )


def _as_names(stations):
    """Give stations as a list of texts, None where unknown."""
    names, unknown = stations.tolist(), stations.isna().to_numpy()
    if unknown.all():
        return [None] * len(names)
    for i in np.flatnonzero(unknown).tolist():
        names[i] = None
    return names


def _as_microseconds(times):
    """Give times as a list of integers, None where unknown."""
    values = times.to_numpy().astype("datetime64[us]").view(np.int64)
    known = values.tolist()
    if (values == NO_TIME).any():
        return [None if value == NO_TIME else value for value in known]
    return known
