"""Transfer frames as a table: one row a frame, one column a header field."""

from binascii import crc_hqx
from collections import Counter

import numpy as np
import pandas as pd

from skdsn.ccsds._bits import as_rows, read_bits
from skdsn.ccsds._checks import as_instant, check_count, check_spec
from skdsn.ccsds._sources import find_format, iter_raw
from skdsn.tracks import gap_seconds

__all__ = ["iter_frames", "read_frames"]

_LATEST = np.datetime64("9999-12-31T23:59:59", "us").astype(np.int64)


def read_frames(source, spec, *, format=None, station=None, start=None, period=None):
    """Read transfer frames and check them.

    Parameters
    ----------
    source : str, path-like, binary stream, bytes or iterable of bytes
        A file (``.csv`` holds hex digits, ``.kiss`` and ``.kss`` KISS records, any
        other raw frames, ``.gz`` at the end of each is unpacked), an open stream, the
        content of either, or the bytes of one frame after another.
    spec : FrameSpec
    format : {"raw", "kiss", "csv", "frames"}, default=None
        Of the source; None goes by the suffix, takes streams and bytes as raw, and any
        other iterable as ``"frames"``, the bytes of one frame after another.
    station : str, default=None
        Who received the frames, where the source does not say.
    start : datetime-like, default=None
        Reception of the first frame, UTC, where the source holds no times; text begins
        with the year. Times that a KISS file holds stay, and its other frames go by
        their position in the file.
    period : str or float, default=None
        Time from one frame to the next, a timedelta or seconds; needed with `start`.

    Returns
    -------
    DataFrame
        One row a frame that passed all checks, in the order of the source: ``time``
        (datetime64[us], UTC, NaT if unknown), ``station``, the fields of the primary
        header as unsigned integers, and ``data``, the bytes of the whole frame.
        ``attrs["statistics"]`` counts what was ``accepted`` and, by reason, what was
        not: ``wrong_length``, ``bad_crc``, ``wrong_version``, ``flag_mismatch`` (a TM
        frame whose secondary header or flags contradict the spec, or whose pointer
        its synchronization flag leaves without meaning), ``foreign_spacecraft``,
        ``replayed`` (see `replay` of the spec), ``truncated``, ``skipped_bytes``
        (between synchronization markers), ``bad_hex``, ``bad_time``,
        ``dropped_rows``, ``bad_escape``, ``unterminated``, ``too_long``,
        ``other_kiss_records``; and ``drop_column_missing``, columns of a CSV file that
        `csv` of the spec names to drop rows by and that it lacks.

    Raises
    ------
    ValueError
        If the source cannot hold frames of this spec, such as a CSV file without the
        columns named, a ``.gz`` file is not whole, a stream does not wait for data, or
        `start` and `period` lead beyond the year 9999.
    TypeError
        If the source or `spec` is of another type.

    See Also
    --------
    iter_frames : The same in pieces, for files larger than memory.

    Examples
    --------
    >>> from skdsn.ccsds import FrameSpec, read_frames
    >>> spec = FrameSpec("tm", length=12, spacecraft_ids=42)
    >>> frame = bytes.fromhex("02A0 0A0B 1800 010203040506")
    >>> frames = read_frames(frame + bytes.fromhex("0330") + frame[2:], spec)
    >>> frames[["spacecraft_id", "virtual_channel_frame_count"]]
       spacecraft_id  virtual_channel_frame_count
    0             42                           11
    >>> frames.attrs["statistics"]
    {'accepted': 1, 'foreign_spacecraft': 1}
    """
    pieces = list(
        iter_frames(
            source, spec, format=format, station=station, start=start, period=period
        )
    )
    statistics = Counter()
    for piece in pieces:
        statistics.update(piece.attrs.pop("statistics"))
    frames = pd.concat(pieces, ignore_index=True) if len(pieces) > 1 else pieces[0]
    frames.attrs["statistics"] = dict(statistics)
    return frames


def iter_frames(
    source,
    spec,
    *,
    format=None,
    station=None,
    start=None,
    period=None,
    chunk_frames=10_000,
):
    """Read transfer frames piece by piece, in constant memory.

    Parameters
    ----------
    source, spec, format, station, start, period
        As for :func:`read_frames`.
    chunk_frames : int, default=10_000
        Frames of a piece, about; fewer where they are longer than 16 MiB together.

    Yields
    ------
    DataFrame
        As :func:`read_frames` returns; the statistics are of the piece. At least one,
        empty if the source is.

    Raises
    ------
    ValueError
        As :func:`read_frames`.

    Examples
    --------
    >>> from skdsn.ccsds import FrameSpec, iter_frames
    >>> spec = FrameSpec("aos", length=20)
    >>> pieces = iter_frames(bytes([64]) * 100, spec, chunk_frames=2)
    >>> [len(piece) for piece in pieces]
    [2, 2, 1]
    """
    check_spec(spec)
    check_count("chunk_frames", chunk_frames, 1)
    format = find_format(source, spec, format)
    clock = _Clock(start, period)
    empty = True
    for raw in iter_raw(source, spec, format, chunk_frames):
        times = clock.stamp(len(raw.data))
        if raw.times is not None:
            times = np.where(np.isnat(raw.times), times, raw.times)
        yield _check(raw, times, spec, station)
        empty = False
    if empty:
        none = np.zeros(0, dtype="datetime64[us]")
        no_stations = pd.array([], dtype="str")
        yield _table([], none, no_stations, spec, {"accepted": 0})


class _Clock:
    """Reception times of frames that come at an even pace."""

    def __init__(self, start, period):
        if (start is None) != (period is None):
            raise ValueError(
                "start and period belong together: the time of the first frame and the "
                f"time from one to the next; got {start!r} and {period!r}."
            )
        self._count = 0
        self._start = None
        if start is not None:
            self._start = as_instant(start, "start")
            self._period = gap_seconds(period, "period")
            if self._period == np.inf:
                raise ValueError("period must be finite; got inf.")

    def stamp(self, n_frames):
        """Give the times of the next frames."""
        if self._start is None:
            return np.full(n_frames, np.datetime64("NaT", "us"))
        number = np.arange(self._count, self._count + n_frames)
        self._count += n_frames
        offsets = np.rint(number * self._period * 1e6)
        times = self._start + offsets
        if n_frames and times[-1] > _LATEST:
            raise ValueError(
                f"start and period lead beyond the year 9999 at frame {number[-1]}; "
                "give a shorter period."
            )
        return times.astype(np.int64).view("datetime64[us]")


def _check(raw, times, spec, station):
    """Keep the frames that pass, and count the others by reason."""
    counts = Counter(raw.counts)
    lengths = np.fromiter(map(len, raw.data), dtype=np.int64, count=len(raw.data))
    if spec.length is None:
        keep = lengths >= spec.minimum_length
    else:
        keep = lengths == spec.length
    counts["wrong_length"] += int((~keep).sum())
    if spec.fecf:
        # Over a frame and its own checksum, the remainder is 0.
        remainders = (crc_hqx(frame, 0xFFFF) for frame in raw.data)
        crc = np.fromiter(remainders, dtype=np.int64, count=len(raw.data)) == 0
        counts["bad_crc"] += int((keep & ~crc).sum())
        keep &= crc
    data = raw.data if keep.all() else [raw.data[i] for i in np.flatnonzero(keep)]
    times = times[keep]
    stations = raw.stations
    if stations is None:
        stations = pd.array([station], dtype="str").repeat(len(data))
    else:
        stations = pd.array(stations, dtype="str")[keep]
    frames = _table(data, times, stations, spec, {})
    keep = np.ones(len(frames), dtype=bool)
    for reason, good in _header_checks(frames, spec):
        counts[reason] += int((keep & ~good).sum())
        keep &= good
    frames = frames if keep.all() else frames[keep].reset_index(drop=True)
    reasons = {reason: int(count) for reason, count in counts.items() if count}
    frames.attrs["statistics"] = {"accepted": len(frames)} | reasons
    return frames


def _header_checks(frames, spec):
    """Give each reason to refuse a frame by its header, and the frames without it."""
    if spec.version is not None:
        yield (
            "wrong_version",
            frames["transfer_frame_version"].to_numpy() == spec.version,
        )
    if spec.kind == "tm":
        flags = frames["secondary_header_flag"] == bool(spec.secondary_header)
        flags &= frames["ocf_flag"] == spec.ocf
        if spec.packet_zone == "mpdu":
            flags &= frames["synchronization_flag"] == 0
        if spec.secondary_header:
            first = spec.header_bytes  # its byte with the length, less 1
            sizes = [(frame[first] & 0x3F) + 1 for frame in frames["data"]]
            flags &= np.array(sizes, dtype=np.int64) == spec.secondary_header
        yield "flag_mismatch", flags.to_numpy()
    if spec.spacecraft_ids:
        good = np.isin(frames["spacecraft_id"].to_numpy(), spec.spacecraft_ids)
        yield "foreign_spacecraft", good
    if spec.replay == "drop" and "replay_flag" in frames:
        yield "replayed", frames["replay_flag"].to_numpy() == 0


def _table(data, times, stations, spec, statistics):
    """Make the table of frames, their headers decoded at once."""
    start = spec.zone.start
    rows = as_rows([frame[:start] for frame in data], start)
    header = {
        name: read_bits(rows, spec.bit_offset(name), bits)
        for name, bits in spec.fields.items()
    }
    if spec.pointer_in_zone:
        header["first_header_pointer"] = read_bits(rows, *spec.pointer)
    frames = pd.DataFrame(
        {"time": times, "station": stations, **header},
        copy=False,
    )
    frames["data"] = pd.Series(data, dtype=object)
    frames.attrs["statistics"] = statistics
    return frames
