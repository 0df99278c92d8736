"""Frames as they come: files, streams and bytes, raw, in KISS or as hex in CSV."""

import gzip
import io
import os
import re
import zlib
from collections.abc import Iterable
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

import numpy as np
import pandas as pd

from skdsn.ccsds._checks import YEAR_FIRST
from skdsn.ccsds._kiss import KissSplitter

__all__ = [
    "RawFrames",
    "find_format",
    "is_path",
    "iter_raw",
    "opened",
    "read_exactly",
]

_FORMATS = ("raw", "kiss", "csv", "frames")
_SUFFIXES = {".kiss": "kiss", ".kss": "kiss", ".csv": "csv"}
_BLOCK = 1 << 20  # bytes read at a time where frames have no fixed length
_MOST_AT_ONCE = 1 << 24  # bytes of a chunk of frames
_DATA, _TIMESTAMP = 0, 9  # KISS commands
_NAT = np.iinfo(np.int64).min
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")


class RawFrames(NamedTuple):
    """Frames of a source before any check.

    Attributes
    ----------
    data : list of bytes
    times : ndarray of datetime64[us] or None
    stations : list of str or None
    counts : dict of str to int
        What of the source is no frame, by reason.
    """

    data: list
    times: np.ndarray | None
    stations: list | None
    counts: dict


def find_format(source, spec, format=None):
    """Tell in which format a source holds its frames.

    Parameters
    ----------
    source : object
        As for :func:`skdsn.ccsds.read_frames`.
    spec : FrameSpec
    format : str, default=None

    Returns
    -------
    {"raw", "kiss", "csv", "frames"}
    """
    readable = is_path(source) or hasattr(source, "read") or _is_bytes(source)
    if not readable and not isinstance(source, Iterable):
        raise TypeError(
            "Frames are read from a path, a binary stream, bytes or an iterable of "
            f"frames; got {type(source).__name__}."
        )
    if format is None:
        suffixes = _suffixes(source) if is_path(source) else []
        known = [_SUFFIXES[each] for each in suffixes if each in _SUFFIXES]
        format = known[-1] if known else "raw" if readable else "frames"
    if format not in _FORMATS or (format == "frames") == readable:
        raise ValueError(
            "format must be 'raw', 'kiss' or 'csv' for a path, a stream or bytes, and "
            f"'frames' for an iterable of frames; got {format!r} for "
            f"{type(source).__name__}."
        )
    if format == "raw" and spec.length is None:
        raise ValueError(
            "A raw file tells frames apart by their length alone: give the frame spec "
            "a length, or name the format ('kiss' or 'csv')."
        )
    if format == "csv" and "data" not in spec.csv:
        raise ValueError(
            "The frame spec must name the columns of a CSV file, at least "
            "csv: {data: COLUMN} for the hex digits of a frame."
        )
    return format


def iter_raw(source, spec, format, chunk_frames):
    """Read a source chunk by chunk.

    Parameters
    ----------
    source : object
    spec : FrameSpec
    format : {"raw", "kiss", "csv", "frames"}
    chunk_frames : int
        Frames of a chunk, about; fewer where they are long.

    Yields
    ------
    RawFrames
    """
    size = spec.trailer + (spec.length or 1024)
    chunk_frames = min(chunk_frames, max(_MOST_AT_ONCE // size, 1))
    if format == "frames":
        yield from _iter_given(source, chunk_frames)
        return
    with opened(source) as stream:
        if format == "kiss":
            yield from _iter_kiss(stream)
        elif format == "csv":
            yield from _iter_csv(stream, spec.csv, source, chunk_frames)
        elif spec.sync_marker:
            yield from _iter_marked(stream, spec, chunk_frames)
        else:
            yield from _iter_fixed(stream, spec, chunk_frames)


def _iter_given(source, chunk_frames):
    """Take frames from an iterable."""
    frames = iter(source)
    while chunk := list(islice(frames, chunk_frames)):
        for frame in chunk:
            if not _is_bytes(frame):
                raise TypeError(
                    "An iterable source must give the bytes of one frame at a time; "
                    f"it gave {type(frame).__name__}."
                )
        yield RawFrames([bytes(frame) for frame in chunk], None, None, {})


def _iter_fixed(stream, spec, chunk_frames):
    """Cut frames of one length out of a stream."""
    size = spec.length + spec.trailer
    while block := read_exactly(stream, size * chunk_frames):
        whole = len(block) - len(block) % size
        starts = range(0, whole, size)
        data = [block[start : start + spec.length] for start in starts]
        rest = len(block) - whole
        if rest >= spec.length:  # of the last frame, only the trailer is cut
            data.append(block[whole : whole + spec.length])
            rest = 0
        yield RawFrames(data, None, None, {"truncated": 1} if rest else {})


def _iter_marked(stream, spec, chunk_frames):
    """Find frames behind their markers; bytes between them are skipped and counted."""
    marker = bytes.fromhex(spec.sync_marker)
    size = len(marker) + spec.length
    step = size + spec.trailer
    rest = b""
    last = False
    while not last:
        block = read_exactly(stream, step * chunk_frames)
        last = len(block) < step * chunk_frames
        buffer = rest + block
        data, position, skipped = [], 0, 0
        while (found := buffer.find(marker, position)) >= 0:
            skipped += found - position
            position = found
            following = found + step
            if found + size > len(buffer) or (
                following + len(marker) > len(buffer) and not last
            ):
                break
            # Where bytes were lost, the next marker comes early and the frame is short.
            if following != len(buffer) and not buffer.startswith(marker, following):
                end = following + len(marker) - 1
                early = buffer.find(marker, found + len(marker), end)
                following = early if early >= 0 else following
            data.append(buffer[found + len(marker) : min(found + size, following)])
            position = min(following, len(buffer))
        else:
            # A marker may be cut by the end of the block.
            keep = 0 if last else len(marker) - 1
            end = max(position, len(buffer) - keep)
            skipped += end - position
            position = end
        rest = buffer[position:]
        counts = {"skipped_bytes": skipped} if skipped else {}
        if last and rest:
            counts["truncated"] = 1
        if data or counts:
            yield RawFrames(data, None, None, counts)


def _iter_kiss(stream):
    """Take the frames of a KISS file, with times where it holds any.

    A record of the command 9 is the time of the next frame, in milliseconds since 1970,
    as gr-satellites writes it.
    """
    splitter = KissSplitter(limit=1 << 20)
    time = _NAT
    last = False
    while not last:
        block = read_exactly(stream, _BLOCK)
        last = not block
        records, counts = splitter.finish() if last else splitter.update(block)
        data, times = [], []
        for record in records:
            if record is None:
                time = _NAT  # that of a frame which is lost, or lost itself
                continue
            command = record[0] & 0x0F
            if command == _DATA and len(record) > 1:
                data.append(record[1:])
                times.append(time)
                time = _NAT
            elif command == _TIMESTAMP and len(record) == 9:
                milliseconds = int.from_bytes(record[1:], "big")
                time = milliseconds * 1000 if milliseconds < 1 << 43 else _NAT
            else:
                counts["other_kiss_records"] = counts.get("other_kiss_records", 0) + 1
                if command == _DATA:
                    time = _NAT  # of an empty frame
        if data or counts:
            times = np.array(times, dtype=np.int64).view("datetime64[us]")
            yield RawFrames(data, times, None, counts)


def _iter_csv(stream, columns, source, chunk_frames):
    """Read frames as hex digits in a column of a CSV file."""
    name = source if is_path(source) else "The CSV source"
    time, station = columns.get("time"), columns.get("station")
    wanted = [each for each in (columns["data"], time, station) if each is not None]
    first = True
    try:
        chunks = pd.read_csv(
            stream if isinstance(stream, io.TextIOBase) else _Binary(stream),
            dtype="str",
            keep_default_na=False,
            index_col=False,  # a comma at the end of each row moves no column
            chunksize=chunk_frames,
            usecols=lambda column: (
                column in wanted or column in columns.get("drop", {})
            ),
        )
        for chunk in chunks:
            if missing := [each for each in wanted if each not in chunk]:
                raise ValueError(
                    f"{name} has no column {missing}; name the columns of this file in "
                    "the frame spec (csv)."
                )
            raw = _read_rows(chunk, columns)
            if first:
                lacking = sum(each not in chunk for each in columns.get("drop", {}))
                raw.counts.update({"drop_column_missing": lacking} if lacking else {})
                first = False
            yield raw
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as why:
        problem = " ".join(str(why).split())
        raise ValueError(f"{name} is not a CSV file of frames: {problem}.") from why


def _read_rows(chunk, columns):
    """Turn rows of text into frames; those that are none are counted."""
    counts = {}
    for column, value in columns.get("drop", {}).items():
        if column in chunk:
            drop = chunk[column].str.strip().str.casefold() == str(value).casefold()
            counts["dropped_rows"] = counts.get("dropped_rows", 0) + int(drop.sum())
            chunk = chunk[~drop]
    text = chunk[columns["data"]].str.strip()
    good = text.map(lambda digits: _HEX.fullmatch(digits) is not None).astype(bool)
    counts["bad_hex"] = int((~good).sum())
    times = None
    if columns.get("time") is not None:
        text_times = chunk[columns["time"]]
        text_times = text_times.where(text_times.str.match(YEAR_FIRST))
        times = pd.to_datetime(text_times, format="ISO8601", utc=True, errors="coerce")
        times = times.dt.tz_localize(None).astype("datetime64[us]")
        counts["bad_time"] = int((good & times.isna()).sum())
        good &= times.notna()
        times = times[good].to_numpy()
    stations = None
    if columns.get("station") is not None:
        stations = chunk.loc[good, columns["station"]].str.strip().tolist()
    data = [bytes.fromhex(digits) for digits in text[good]]
    counts = {reason: count for reason, count in counts.items() if count}
    return RawFrames(data, times, stations, counts)


@contextmanager
def opened(source):
    """Give a binary stream of a path, of bytes, or the stream itself."""
    if _is_bytes(source):
        yield io.BytesIO(source)
    elif hasattr(source, "read"):
        yield source
    elif _suffixes(source)[-1:] == [".gz"]:
        try:
            with gzip.open(source, "rb") as stream:
                yield stream
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{source} is no whole gzip file: {error}.") from error
    else:
        with open(source, "rb") as stream:
            yield stream


def is_path(source):
    """Tell whether a source is the name of a file."""
    return isinstance(source, str | os.PathLike)


def _suffixes(path):
    name = os.path.basename(os.fspath(path)).lower()
    return [f".{part}" for part in name.split(".")[1:]]


def read_exactly(stream, size):
    """Read so many bytes, or fewer at the end; a pipe gives them piece by piece."""
    pieces, left = [], size
    while left and (piece := _read_some(stream, left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _read_some(stream, size):
    """Read so many bytes or fewer; none at the end alone."""
    piece = stream.read(size)
    if piece is None:
        raise ValueError(
            "The stream has no data now (non-blocking); open it in blocking mode."
        )
    if not _is_bytes(piece):
        raise TypeError("The stream gives text; open it in binary mode ('rb').")
    return piece


class _Binary(io.RawIOBase):
    """A stream for pandas, which takes None for the end of the file."""

    def __init__(self, stream):
        self._stream = stream

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = _read_some(self._stream, len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _is_bytes(source):
    return isinstance(source, bytes | bytearray | memoryview)
