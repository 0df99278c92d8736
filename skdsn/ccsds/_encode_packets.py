"""Engineering values to space packets, for simulation and for tests."""

import numpy as np
import pandas as pd

from skdsn.ccsds._bits import pack_bits, read_bits
from skdsn.ccsds._definition import PacketDefinition
from skdsn.ccsds._read_fields import as_array, calibration_order, read_field
from skdsn.ccsds._space_packet import (
    COUNT_MODULO,
    HEADER_BYTES,
    LARGEST,
    PRIMARY_HEADER,
)

__all__ = ["encode_packets"]


def encode_packets(
    frame,
    definition,
    *,
    apid=None,
    spacecraft_id=0,
    virtual_channel_id=0,
    first_count=0,
    raw=False,
):
    """Encode engineering values as space packets, the inverse of decoding.

    Parameters
    ----------
    frame : DataFrame
        One row for each packet, as :func:`decode_packets` makes it; its index is the
        time of reception. Of the columns that begin with an underscore, ``_apid``,
        ``_sequence_count``, ``_spacecraft_id``, ``_virtual_channel_id``, ``_n_frames``,
        ``_n_copies`` and ``_gap`` are used where they are there. A field without a
        column that `where` fixes has that value; fill is 0.
    definition : PacketDefinition
    apid : int, default=None
        Of packets without ``_apid``; None takes the first of the definition.
    spacecraft_id, virtual_channel_id : int, default=0
        Of packets without such a column.
    first_count : int, default=0
        Sequence count of the first packet of each APID, if there are no counts; the
        others count on modulo 16384.
    raw : bool, default=False
        The values are raw ones; leave calibrations out.

    Returns
    -------
    DataFrame
        Packets with the columns of :func:`extract_packets`.

    Raises
    ------
    ValueError
        If a column is missing, a calibration has no inverse, a value does not fit into
        its field, or overlapping fields contradict each other; the message names field
        and row.

    Notes
    -----
    Values of integer fields are rounded half to even. The length of one packet is that
    of the definition, else the least that holds all fields and the arrays that expand.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.ccsds import (
    ...     PacketDefinition,
    ...     PacketField,
    ...     Polynomial,
    ...     decode_packets,
    ...     encode_packets,
    ... )
    >>> half = Polynomial((0, 0.5))
    >>> u_bus = PacketField(
    ...     name="u_bus", data_type="uint", bit_length=8, calibration=half
    ... )
    >>> beacon = PacketDefinition(name="beacon", apid=5, fields=[u_bus])
    >>> packets = encode_packets(pd.DataFrame({"u_bus": [6.0, 6.5]}), beacon)
    >>> [data.hex() for data in packets["data"]]
    ['0005c00000000c', '0005c00100000d']
    >>> decode_packets(packets, beacon)["beacon"]["u_bus"].tolist()
    [6.0, 6.5]
    """
    if not isinstance(definition, PacketDefinition):
        raise TypeError(
            "definition must be a PacketDefinition; got a "
            f"{type(definition).__name__}, whose fields have no fixed places."
        )
    frame = pd.DataFrame(frame)
    values = _raw_values(frame, definition, raw)
    places, length = _lay_out(frame, definition)
    if not 7 <= length <= LARGEST:
        raise ValueError(
            f"A packet of the kind {definition.name!r} would have {length} bytes; "
            f"space packets have 7 to {LARGEST}."
        )
    rows = np.zeros((len(frame), length), dtype=np.uint8)
    words = {}
    for field, offset, shape in places:
        words[field.name] = _as_words(field, values[field.name], shape, definition)
        _write(rows, field, offset, words[field.name])
    _check_overlaps(rows, places, words, definition)
    header = _header(frame, definition, apid, first_count, length)
    _write_header(rows, header, definition)
    time = _times(frame.index)
    data = pd.Series([row.tobytes() for row in rows], dtype=object)
    origin = {
        "spacecraft_id": _origin(frame, "spacecraft_id", spacecraft_id, np.uint16),
        "virtual_channel_id": _origin(
            frame, "virtual_channel_id", virtual_channel_id, np.uint16
        ),
    }
    return pd.DataFrame(
        {"time": time, "first_time": time}
        | origin
        | header
        | {
            "data": data,
            "n_frames": _origin(frame, "n_frames", 1, np.uint32),
            "n_copies": _origin(frame, "n_copies", 1, np.uint32),
            "gap": _origin(frame, "gap", False, bool),
        }
    )


def _raw_values(frame, definition, raw):
    """Give the raw values of each field, as array of shape (n,) or (n, k)."""
    fields = {f.name: f for f in definition.fields if _is_own(f, definition)}
    given = {
        name: _take_columns(frame, field, definition) for name, field in fields.items()
    }
    if raw:
        return given
    values = dict(given)
    for name in calibration_order({k: one.calibration for k, one in fields.items()}):
        calibration = fields[name].calibration if name in fields else None
        # A value that `where` gave is raw already.
        if calibration is None or not _has_columns(frame, fields[name]):
            continue
        columns = {
            other: given[other] for other in calibration.fields if other in given
        }
        try:
            values[name] = calibration.encode(given[name], columns)
        except ValueError as error:
            raise ValueError(
                f"Field {name!r} of packet {definition.name!r} cannot be encoded: "
                f"{error}"
            ) from error
    return values


def _is_own(field, definition):
    """Tell whether a field takes a column: no fill, and not of the primary header."""
    return field.data_type != "fill" and field.name not in definition.hidden


def _columns_in(frame, field):
    if field.shape != "expand" or field.data_type in ("bytes", "str"):
        return list(field.columns)
    count = 0
    while f"{field.name}_{count}" in frame.columns:
        count += 1
    return list(field.columns_of((count,)))


def _has_columns(frame, field):
    return all(column in frame.columns for column in _columns_in(frame, field))


def _take_columns(frame, field, definition):
    columns = _columns_in(frame, field)
    missing = [column for column in columns if column not in frame.columns]
    if missing and field.name in definition.where:
        return np.full(len(frame), definition.where[field.name])
    if missing:
        raise ValueError(
            f"There is no column {missing[0]!r} for the packets {definition.name!r}."
        )
    if columns == [field.name]:
        return frame[field.name].to_numpy()
    return frame[columns].to_numpy()


def _lay_out(frame, definition):
    """Give the places of the fields and the bytes of a packet."""
    for field, start in _starts(frame, definition):
        if _is_own(field, definition) and start < 8 * HEADER_BYTES:
            raise ValueError(
                f"Field {field.name!r} of packet {definition.name!r} lies in the "
                "primary header, which is written by itself; leave it out to encode."
            )
    length = definition.length
    if length is None:
        bits = max(
            start + field.bit_length * _count(frame, field)
            for field, start in _starts(frame, definition)
        )
        length = -(-bits // 8)
    places = definition.layout(length)
    if places is None:
        raise ValueError(
            f"The fields of the kind {definition.name!r} take no whole bytes, or more "
            f"than its {length} bytes."
        )
    return [place for place in places if _is_own(place[0], definition)], length


def _starts(frame, definition):
    end = 8 * (HEADER_BYTES + definition.secondary_header)
    for field in definition.fields:
        start = end if field.bit_offset is None else field.bit_offset
        yield field, start
        end = start + field.bit_length * _count(frame, field)


def _count(frame, field):
    if field.shape != "expand":
        return field.n_elements
    if field.data_type not in ("bytes", "str"):
        return len(_columns_in(frame, field))
    texts = frame[field.name]
    return max((len(_as_bytes(text)) for text in texts), default=0)


def _as_words(field, values, shape, definition):
    """Give the bits of each element as unsigned integers, or the bytes of a text."""
    place = (field, definition)
    if field.data_type in ("bytes", "str"):
        size = field.bit_length // 8 * (shape[0] if field.shape == "expand" else 1)
        return _text_words(values, size, place)
    if field.data_type == "float":
        kind = f"f{field.bit_length // 8}"
        values = np.asarray(values, dtype=np.float64)
        with np.errstate(over="ignore"):
            stored = values.astype(kind)
        _refuse(np.isinf(stored) & np.isfinite(values), values, place)
        return stored.view(f"u{field.bit_length // 8}")
    bits = field.bit_length
    low, high = (0, 2**bits - 1)
    if field.data_type == "int":
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    values = np.asarray(values)
    if values.dtype.kind not in "iu":
        values = np.rint(values.astype(np.float64))
        # As floats, the highest values of 64 bits round up to the next power of 2.
        _refuse(~((values >= low) & (values < float(high) + 1)), values, place)
    else:
        _refuse((values < low) | (values > high), values, place)
    signed = field.data_type == "int"
    words = values.astype(np.int64 if signed else np.uint64).view(np.uint64)
    return words & np.uint64(2**bits - 1)


def _text_words(values, size, place):
    values = np.asarray(values, dtype=object)
    texts = [_as_bytes(text) for text in values.ravel()]
    long = np.array([len(text) > size for text in texts], dtype=bool)
    if place[0].data_type == "bytes":
        long = np.array([len(text) != size for text in texts], dtype=bool)
    _refuse(long.reshape(values.shape), values, place)
    joined = b"".join(text.ljust(size, b"\0") for text in texts)
    return np.frombuffer(joined, dtype=np.uint8).reshape(*values.shape, size)


def _as_bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


def _refuse(wrong, values, place):
    if not wrong.any():
        return
    field, definition = place
    row = int(np.argwhere(wrong)[0][0])
    value = values[tuple(np.argwhere(wrong)[0])]
    raise ValueError(
        f"Field {field.name!r} of packet {definition.name!r} is {field.data_type} of "
        f"{field.bit_length} bits; row {row} does not fit: {value!r}."
    )


def _write(rows, field, offset, words):
    columns = words.reshape(len(rows), int(np.prod(words.shape[1:]))).T
    if field.data_type in ("bytes", "str"):
        for k, column in enumerate(columns):
            pack_bits(rows, offset + 8 * k, 8, column)
        return
    for k, column in enumerate(columns):
        _write_words(rows, field, offset + k * field.bit_length, column)


def _write_words(rows, field, offset, words):
    if field.byte_order == "big":
        pack_bits(rows, offset, field.bit_length, words)
        return
    size = field.bit_length // 8
    order = range(size)[::-1]
    if field.byte_order != "little":
        order = [int(digit) - 1 for digit in field.byte_order]
    for k, place in enumerate(order):
        part = words.astype(np.uint64) >> np.uint64(8 * (size - 1 - k))
        pack_bits(rows, offset + 8 * place, 8, part & np.uint64(0xFF))


def _check_overlaps(rows, places, words, definition):
    """Read back what was written, if bits were written twice."""
    spans = sorted(
        (start, start + field.bit_length * int(np.prod(shape)))
        for field, start, shape in places
    )
    ends = np.maximum.accumulate([end for _, end in spans])
    if all(start >= end for (start, _), end in zip(spans[1:], ends, strict=False)):
        return
    again = as_array(rows)
    for field, start, shape in places:
        if field.data_type in ("bytes", "str"):
            continue
        found = _as_words(
            field, read_field(again, field, start, shape), shape, definition
        )
        wrong = found != words[field.name]
        if wrong.any():
            row = int(np.argwhere(wrong)[0][0])
            raise ValueError(
                f"Field {field.name!r} of packet {definition.name!r} shares bits with "
                f"others, whose values contradict it in row {row}."
            )


def _header(frame, definition, apid, first_count, length):
    n = len(frame)
    if "_apid" in frame.columns:
        apids = frame["_apid"].to_numpy()
    else:
        if apid is None and not definition.apid:
            raise ValueError(f"Packet {definition.name!r} has no APID; give `apid`.")
        apids = np.full(n, definition.apid[0] if apid is None else apid)
    if n and not 0 <= apids.min() <= apids.max() < 2048:
        raise ValueError(f"APIDs are 0 to 2047; got {apids.min()} to {apids.max()}.")
    if "_sequence_count" in frame.columns:
        counts = frame["_sequence_count"].to_numpy()
    else:
        counts = first_count + pd.Series(apids).groupby(apids).cumcount().to_numpy()
    return {
        "packet_version": np.zeros(n, dtype=np.uint8),
        "packet_type": np.zeros(n, dtype=np.uint8),
        "secondary_header_flag": np.full(n, definition.secondary_header > 0, np.uint8),
        "apid": apids.astype(np.uint16),
        "sequence_flags": np.full(n, 3, dtype=np.uint8),
        "sequence_count": (counts % COUNT_MODULO).astype(np.uint16),
    }


def _write_header(rows, header, definition):
    """Write the primary header, and what `where` asks of it into rows and header."""
    for name, (offset, bits) in PRIMARY_HEADER.items():
        pack_bits(rows, offset, bits, header[name])
    size = rows.shape[1] - HEADER_BYTES - 1
    pack_bits(rows, 32, 16, np.full(len(rows), size))
    fixed = [
        field
        for field in definition.fields
        if field.name in definition.hidden and field.name in definition.where
    ]
    for field in fixed:
        mask = np.zeros((1, rows.shape[1]), dtype=np.uint8)
        pack_bits(mask, field.bit_offset, field.bit_length, [-1 % 2**field.bit_length])
        rows &= ~mask
        value = np.full(len(rows), definition.where[field.name])
        _write(rows, field, field.bit_offset, _as_words(field, value, (), definition))
        for name, (offset, bits) in PRIMARY_HEADER.items():
            header[name] = read_bits(rows, offset, bits).astype(header[name].dtype)
        if (read_bits(rows, 32, 16) != size).any():
            raise ValueError(
                f"`where` of packet {definition.name!r} asks for {field.name!r} "
                f"{definition.where[field.name]}, but its fields make packets of "
                f"{rows.shape[1]} bytes."
            )


def _times(index):
    if isinstance(index, pd.DatetimeIndex):
        if index.tz is not None:
            index = index.tz_convert("UTC").tz_localize(None)
        return index.as_unit("us").to_numpy()
    return np.full(len(index), np.datetime64("NaT"), dtype="datetime64[us]")


def _origin(frame, name, default, dtype):
    values = frame[f"_{name}"] if f"_{name}" in frame.columns else default
    return np.full(len(frame), values, dtype=dtype)
