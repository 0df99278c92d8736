"""Space packets out of frames."""

from collections import Counter
from functools import partial
from itertools import repeat

import numpy as np
import pandas as pd

from skdsn.ccsds._checks import (
    check_bytes,
    check_ids,
    check_points,
    check_spec,
    check_table,
    utc_times,
)
from skdsn.ccsds._order import FrameCopy, FrameOrder, choose_policy
from skdsn.ccsds._packet_rows import PacketRows
from skdsn.ccsds._space_packet import NO_TIME
from skdsn.ccsds._zones import FixedZone, KissZone, MpduZone
from skdsn.tracks import gap_seconds

__all__ = ["PacketExtractor", "extract_packets"]

_ZONES = {"mpdu": MpduZone, "fixed": FixedZone, "kiss": KissZone}
_AOS_IDLE_CHANNEL = 63
_FRAME_COLUMNS = (
    *("time", "station", "spacecraft_id", "virtual_channel_id"),
    *("virtual_channel_frame_count", "data"),
)
_NUMBERS = (
    *("spacecraft_id", "virtual_channel_id", "virtual_channel_frame_count"),
    "replay_flag",
)


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
    they come, if times are unknown; one of unknown time stays behind the frame before
    it). By its count, a frame repeats the one before it,
    continues it, or comes after a jump. A jump drops the packet in progress, and the
    stream begins again where the next packet does. Frames whose header says that they
    are a replay are put in order apart.

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
        of its channel or APID may be missing before it, as before the first).
        ``attrs["statistics"]`` has one mapping of counts per channel, such as
        ``"403/0"``, and one for ``"frames"``; see :class:`PacketExtractor`.

    Raises
    ------
    ValueError
        If columns are missing, an id or count is unknown or does not fit into its
        header field, or the spec says that frames hold no packets.
    TypeError
        If times are no datetimes, or data no bytes.

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
    check_spec(spec)
    _check_frames(frames, spec)
    if station_points is None:
        station_points = frames["station"].value_counts().to_dict()
    extractor = PacketExtractor(
        spec, copies=copies, station_points=station_points, keep_idle=keep_idle
    )
    # An unknown time is the least number, so that those before all known stay there.
    times = pd.Series(utc_times(frames["time"], "frames")).ffill().to_numpy()
    times = times.view(np.int64)
    if (times[1:] < times[:-1]).any():
        statistics = frames.attrs.get("statistics", {})
        frames = frames.iloc[np.argsort(times, kind="stable")]
        frames.attrs["statistics"] = statistics
    pieces = [extractor.update(frames), extractor.finish()]
    packets = pd.concat(pieces, ignore_index=True)
    packets.attrs["statistics"] = extractor.statistics
    return packets


class PacketExtractor:
    """Put space packets together from frames that come piece by piece.

    Any cutting of the same frames into pieces gives the same packets. Frames are taken
    as they come: sort them by time before, if their source does not. Threads must not
    share one.

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
        What was found so far, for ``"frames"`` (what :func:`read_frames` counted) and
        per channel, such as ``"403/0"`` or ``"56/2 replay"``. Of a channel:

        * its frames: ``frames``, all of them; ``jumps`` and ``continuations`` of the
          count; ``repeated_same`` and ``repeated_distinct``, repeats whose bytes equal
          those received before, or not; ``late_copies``, of frames before that, not
          used; ``frames_lost``, by the count, where it jumps by less than half its
          range within ``max_gap``;
        * its packets: ``packets`` and ``idle_packets``; ``sequence_jumps`` of the count
          of an APID; ``joined``, packets put together from segments, and
          ``incomplete_segments``, given up;
        * packets in progress given up: ``partial_dropped`` at jumps, ``unterminated``
          at the end, and in an M_PDU stream ``pointer_mismatch``, where the first
          header pointer says otherwise, and ``bad_version``, where no packet begins;
        * the M_PDU stream beside: ``idle_frames``; ``frames_without_start``, in which
          no packet begins and none is in progress; ``encapsulation_packets``, skipped;
        * fixed zones: ``idle_frames``, ``fill_bytes``, and ``wrong_length``, frames in
          which bytes are left that are no packet;
        * KISS zones: ``kiss_records``, of which some are given up for ``bad_escape``
          or ``wrong_length``, and ``too_long``, bytes without a delimiter.

        Counts of 0 may be absent.

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
        check_spec(spec)
        if station_points is not None:
            check_points(station_points)
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
        self._finished = False

    @property
    def statistics(self):
        """Counts so far; see the class."""
        return {"frames": dict(self._frames)} | {
            f"{spacecraft}/{channel}{' replay' * replay}": each.statistics
            for (spacecraft, channel, replay), each in sorted(self._channels.items())
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

        Raises
        ------
        ValueError, TypeError
            As :func:`extract_packets`, and after :meth:`finish`.
        """
        self._check_open()
        _check_frames(frames, self.spec)
        self._frames.update(frames.attrs.get("statistics", {}))
        points = self._points
        replays = repeat(0)
        if "replay_flag" in frames:
            replays = frames["replay_flag"].tolist()
        ids = zip(
            frames["spacecraft_id"].tolist(),
            frames["virtual_channel_id"].tolist(),
            replays,
            strict=False,
        )
        for key, count, time, station, data in zip(
            ids,
            frames["virtual_channel_frame_count"].tolist(),
            _as_microseconds(frames["time"]),
            _as_names(frames["station"]),
            frames["data"].tolist(),
            strict=True,
        ):
            channel = self._channels.get(key)
            if channel is None:
                channel = self._channels[key] = self._new_channel(*key[:2])
            copy = FrameCopy(time, station, data, points.get(station, 0))
            channel.update(count, copy)
        return self._rows.take()

    def finish(self):
        """End the input.

        Returns
        -------
        DataFrame
            The packets that the frames still held complete.

        Raises
        ------
        ValueError
            If the input was ended before.
        """
        self._check_open()
        self._finished = True
        for _, channel in sorted(self._channels.items()):
            channel.finish()
        packets = self._rows.take()
        self._rows.finish()
        return packets

    def _check_open(self):
        if self._finished:
            raise ValueError("This PacketExtractor is finished; make a new one.")

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
        modulo = 1 << spec.fields["virtual_channel_frame_count"]
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


def _check_frames(frames, spec):
    """Refuse a table that is not of frames of this spec."""
    check_table(frames, _FRAME_COLUMNS, "frames", "read_frames or iter_frames")
    for name in _NUMBERS:
        if name in frames:
            check_ids(frames[name], name, spec.fields.get(name, 1), "frames")
    check_bytes(frames["data"].tolist(), "frames", spec.minimum_length)


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
    values = utc_times(times, "frames").view(np.int64)
    known = values.tolist()
    if (values == NO_TIME).any():
        return [None if value == NO_TIME else value for value in known]
    return known
