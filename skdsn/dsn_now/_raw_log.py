"""Answers as they were sent, appended to one file per day and safe from a kill.

A file is a row of gzip members, one per answer, so that any gzip tool gives the
documents back. The header of each member says how long the member is, when the answer
came and of what time it is: what a kill left half written is recognised, and so is
where the next whole answer begins.
"""

import errno
import os
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["SUFFIX", "Record", "append_record", "day_of", "raw_files", "read_records"]

SUFFIX = ".xml.gz"
MAX_BYTES = 1 << 20  # of a document
_FOLDER = "raw"
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}" + re.escape(SUFFIX))
_NO_TIME = np.iinfo(np.int64).min
# gzip with an extra field: magic, deflate, FEXTRA, no time, no hints, unknown system.
_MAGIC = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\xff"
_FACTS = struct.Struct("<Iqq")  # length of the member, received, time
_FIELD = struct.Struct("<H2sH20sI")  # the extra field: the facts and their CRC
_HEAD = _MAGIC + struct.pack("<H2sH", _FIELD.size - 2, b"dn", _FIELD.size - 6)
_HEADER_BYTES = len(_MAGIC) + _FIELD.size
_LONGEST = MAX_BYTES + (1 << 16)  # of a member


@dataclass(frozen=True)
class Record:
    """One answer.

    Parameters
    ----------
    received : int
        When it came, ms since 1970 by the clock of the computer.
    time : int or None
        Of the snapshot, ms since 1970; None for an answer that could not be read.
    content : bytes
    """

    received: int
    time: int | None
    content: bytes


def day_of(record):
    """Tell the UTC date of a record: of the snapshot, or else of its coming.

    Returns
    -------
    str

    Examples
    --------
    >>> day_of(Record(received=0, time=1_550_000_000_411, content=b""))
    '2019-02-12'
    """
    for time in (record.time, record.received):
        day = None if time is None else str(np.datetime64(time, "ms"))[:10]
        if day and _NAME.fullmatch(day + SUFFIX):
            return day
    return "1970-01-01"


def pack_record(record):
    """Pack a record into a gzip member."""
    content = record.content
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    length = _HEADER_BYTES + len(body) + 8
    time = _NO_TIME if record.time is None else record.time
    facts = _FACTS.pack(length, record.received, time)
    facts += struct.pack("<I", zlib.crc32(facts))
    check = struct.pack("<II", zlib.crc32(content), len(content))
    return _HEAD + facts + body + check


def append_record(folder, record):
    """Append a record to the file of its day, and see it on the disk.

    Parameters
    ----------
    folder : pathlib.Path
        Of the recording.
    record : Record

    Returns
    -------
    path : pathlib.Path
    end : int
        Length of the file with the record.

    Raises
    ------
    OSError
        If it cannot be written as a whole; the file then stays as it was.
    """
    path = folder / _FOLDER / (day_of(record) + SUFFIX)
    new = not path.exists()
    path.parent.mkdir(exist_ok=True)
    packed = pack_record(record)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        begin = os.fstat(handle).st_size
        try:
            # A single call, which no signal interrupts in Python.
            written = os.write(handle, packed)
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, begin)
            raise
        if written < len(packed):
            os.ftruncate(handle, begin)
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
    finally:
        os.close(handle)
    if new:
        _sync_folder(path.parent)
    return path, begin + len(packed)


def _sync_folder(folder):
    """Have the name of a new file on the disk too, where folders can be synced."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def raw_files(folder):
    """List the files of a recording.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    list of pathlib.Path
        By date.
    """
    files = (Path(folder) / _FOLDER).glob("*" + SUFFIX)
    return sorted(path for path in files if _NAME.fullmatch(path.name))


def read_records(path, counts=None, *, begin=0):
    """Read the records of a file, over whatever is damaged.

    Parameters
    ----------
    path : pathlib.Path
    counts : collections.Counter, default=None
        Counts up ``"damaged"`` for each stretch that is no record, and ``"torn"`` for
        a record at the end that is not there as a whole.
    begin : int, default=0
        Where to begin, at a record.

    Yields
    ------
    record : Record
    end : int
        Where the record ends in the file.
    """
    counts = {} if counts is None else counts
    with Path(path).open("rb") as file:
        file.seek(begin)
        data = file.read()
    at = 0
    while at < len(data):
        record, length = _unpack(data, at)
        if record is not None:
            at += length
            yield record, begin + at
            continue
        kind = "torn" if _is_torn(data, at) else "damaged"
        counts[kind] = counts.get(kind, 0) + 1
        at = _next_record(data, at + 1)


def cut_torn_end(path):
    """Cut off what a kill left of a record at the end of a file."""
    end = max((end for _, end in read_records(path)), default=0)
    with path.open("r+b") as file:
        file.seek(end)
        rest = file.read(_LONGEST + 1)
        if rest and _is_torn(rest, 0):
            file.truncate(end)
            os.fsync(file.fileno())


def _unpack(data, at):
    """Unpack the record at a position; None if there is none."""
    body = at + _HEADER_BYTES
    if data[at : at + len(_HEAD)] != _HEAD or len(data) < body:
        return None, 0
    facts = data[at + len(_HEAD) : body]
    if facts[-4:] != struct.pack("<I", zlib.crc32(facts[:-4])):
        return None, 0
    length, received, time = _FACTS.unpack(facts[:-4])
    if not _HEADER_BYTES + 8 < length <= min(_LONGEST, len(data) - at):
        return None, 0
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflate.decompress(data[body : at + length - 8], MAX_BYTES + 1)
    except zlib.error:
        return None, 0
    check = struct.pack("<II", zlib.crc32(content), len(content))
    if not inflate.eof or data[at + length - 8 : at + length] != check:
        return None, 0
    return Record(received, None if time == _NO_TIME else time, content), length


def _is_torn(data, at):
    """Tell whether the data end within a record that begins at a position."""
    left = data[at : at + _HEADER_BYTES]
    if len(left) < _HEADER_BYTES:
        return left[: len(_HEAD)] == _HEAD[: len(left)]
    if not left.startswith(_HEAD):
        return False
    length = struct.unpack_from("<I", left, len(_HEAD))[0]
    torn = len(data) - at < length <= _LONGEST
    return torn and _next_record(data, at + 1) == len(data)


def _next_record(data, at):
    """Find where the next whole record begins."""
    while (at := data.find(_HEAD, at)) >= 0:
        if _unpack(data, at)[0] is not None:
            return at
        at += 1
    return len(data)


def read_times(path):
    """Read the times of the snapshots of a file, as a set of ms since 1970."""
    if not path.exists():
        return set()
    return {record.time for record, _ in read_records(path)} - {None}


def milliseconds_of(stamp):
    """Turn a Timestamp, naive UTC, into ms since 1970."""
    return int(stamp.as_unit("ms").asm8.astype(np.int64))


def as_timestamp(milliseconds):
    """Turn ms since 1970 into a Timestamp, naive UTC."""
    return pd.Timestamp(np.datetime64(milliseconds, "ms"))
