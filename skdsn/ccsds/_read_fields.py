"""Columns of values out of the bytes of many packets of one length."""

from graphlib import CycleError, TopologicalSorter

import numpy as np
import pandas as pd

from skdsn.ccsds._bits import as_rows, read_bits

__all__ = [
    "Columns",
    "PacketGroup",
    "as_array",
    "calibrate",
    "calibration_order",
    "decode_columns",
    "read_field",
]

_BLOCK = 1024  # packets that are turned at once, so that they stay in the cache


class PacketGroup(list):
    """Packets of one length: a list of bytes that also has them as an array."""

    _rows = None

    @property
    def rows(self):
        """The packets as uint8 ndarray of shape (n, length), a column in one piece."""
        if self._rows is None:
            self._rows = _by_column(as_rows(self, len(self[0])))
        return self._rows


class Columns(dict):
    """Decoded columns by name.

    Attributes
    ----------
    invalid : dict of str to int
        Column to the values that are outside of the domain of its calibration or of
        its limits; only those that have some.
    statistics : dict of str to int
        Other counts of packets.
    """

    def __init__(self):
        super().__init__()
        self.invalid, self.statistics = {}, {}


def as_array(packets):
    """Make packets of one length an array whose columns are in one piece.

    Parameters
    ----------
    packets : PacketGroup, sequence of bytes or uint8 ndarray of shape (n, length)

    Returns
    -------
    uint8 ndarray of shape (n, length)

    Raises
    ------
    ValueError
        If the packets differ in length.
    """
    if isinstance(packets, PacketGroup):
        return packets.rows
    if isinstance(packets, np.ndarray):
        return packets
    lengths = set(map(len, packets))
    if len(lengths) > 1:
        raise ValueError(
            "Packets that are decoded together must have one length; got lengths "
            f"{sorted(lengths)[:5]}."
        )
    return PacketGroup(packets).rows


def _by_column(rows):
    """Copy rows so that the bytes of a column lie side by side."""
    turned = np.empty(rows.shape[::-1], dtype=np.uint8)
    for start in range(0, len(rows), _BLOCK):
        turned[:, start : start + _BLOCK] = rows[start : start + _BLOCK].T
    return turned.T


def decode_columns(rows, places, *, raw=False):
    """Read and calibrate the fields of packets.

    Parameters
    ----------
    rows : uint8 ndarray of shape (n, length)
    places : list of (PacketField, int, tuple)
        Offset of the first bit and shape of each field, see
        :meth:`PacketDefinition.layout`.
    raw : bool, default=False

    Returns
    -------
    Columns
    """
    places = [place for place in places if place[0].data_type != "fill"]
    values = {f.name: read_field(rows, f, at, shape) for f, at, shape in places}
    columns = Columns()
    invalid = {}
    if not raw:
        values, invalid = calibrate(values, [field for field, _, _ in places])
    for field, _, shape in places:
        value = values[field.name]
        if field.data_type in ("bytes", "str") and field.shape == "expand":
            columns[field.name] = value
            continue
        names = field.columns_of(shape)
        if shape == ():
            columns[field.name] = value
        elif isinstance(value, list):
            columns.update(zip(names, value, strict=True))
        else:
            if field.shape == "expand" and not raw:
                value = value.astype(np.float64)  # whether or not some are missing
            columns.update(zip(names, value.T, strict=True))
        counts = np.atleast_1d(invalid.get(field.name, 0))
        if counts.any():
            named = zip(names, counts.tolist(), strict=True)
            columns.invalid.update((name, n) for name, n in named if n)
    return columns


def read_field(rows, field, offset, shape):
    """Read the raw values of one field.

    Parameters
    ----------
    rows : uint8 ndarray of shape (n, length)
    field : PacketField
    offset : int
        Of its first bit.
    shape : tuple of int

    Returns
    -------
    ndarray of shape (n,) or (n, n_elements), or pandas array
        Of text and bytes, a list of such for the elements of an array.
    """
    bits = field.bit_length
    if field.data_type in ("bytes", "str"):
        if field.shape == "expand":
            return _read_text(rows, field, offset, bits * shape[0])
        each = [offset + bits * k for k in range(int(np.prod(shape)))]
        texts = [_read_text(rows, field, at, bits) for at in each]
        return texts[0] if shape == () else texts
    if shape == ():
        return _as_type(_read_words(rows, field, offset), field)
    n_elements = int(np.prod(shape))
    words = [_read_words(rows, field, offset + bits * k) for k in range(n_elements)]
    if not words:
        return np.empty((len(rows), 0))
    return _as_type(np.stack(words), field).T


def _read_words(rows, field, offset):
    """Read one element as an unsigned integer."""
    if field.byte_order == "big":
        return read_bits(rows, offset, field.bit_length)
    size = field.bit_length // 8
    if field.byte_order == "little":
        order = range(size)[::-1]
    else:
        order = [int(digit) - 1 for digit in field.byte_order]
    pieces = np.stack([read_bits(rows, offset + 8 * k, 8) for k in order])
    return read_bits(pieces.T, 0, field.bit_length)


def _as_type(words, field):
    """Read unsigned integers as what the field holds."""
    width = 8 * words.dtype.itemsize
    if field.data_type == "float":
        return words.view(f"f{words.dtype.itemsize}")
    if field.data_type == "int":
        spare = width - field.bit_length
        signed = words.view(f"i{words.dtype.itemsize}")
        if spare:  # a shift to the right repeats the sign
            signed = np.right_shift(np.left_shift(signed, spare), spare)
        return signed
    return words


def _read_text(rows, field, offset, bits):
    n_bytes = bits // 8
    if n_bytes == 0:
        texts = [b""] * len(rows)
    elif offset % 8 == 0:
        texts = _as_bytes(rows[:, offset // 8 : offset // 8 + n_bytes])
    else:
        pieces = [read_bits(rows, offset + 8 * k, 8) for k in range(n_bytes)]
        texts = _as_bytes(np.stack(pieces, axis=1))
    if field.data_type == "str":
        texts = [t.rstrip(b"\0").decode("utf-8", "backslashreplace") for t in texts]
        return pd.array(texts, dtype="str")
    values = np.empty(len(texts), dtype=object)
    values[:] = texts
    return values


def _as_bytes(pieces):
    # As void, since numpy takes zero bytes off the end of its strings.
    void = np.ascontiguousarray(pieces).view(f"V{pieces.shape[1]}")
    return void[:, 0].tolist()


def calibration_order(calibrations, owner="The packet"):
    """Sort fields so that each comes after those that its calibration needs.

    Parameters
    ----------
    calibrations : mapping of str to Calibration or None
        Of each field.
    owner : str, default="The packet"
        For the message.

    Returns
    -------
    list of str
        Also names that are needed but are no keys.

    Raises
    ------
    ValueError
        If calibrations need each other.
    """
    needs = {
        name: () if calibration is None else calibration.fields
        for name, calibration in calibrations.items()
    }
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ValueError(
            f"{owner} has calibrations that need each other in a circle: "
            f"{' -> '.join(error.args[1])}."
        ) from error


def calibrate(raw, fields):
    """Calibrate raw values, those first that others depend on.

    Parameters
    ----------
    raw : dict of str to ndarray
        Field to its raw values.
    fields : sequence of PacketField
        Or other objects with ``name``, ``calibration``, ``valid_min`` and
        ``valid_max``.

    Returns
    -------
    values : dict of str to ndarray, or pandas array
    invalid : dict of str to int or int ndarray
        Values that became NaN, of the fields that were changed.
    """
    by_name = {field.name: field for field in fields}
    values, invalid, tables = dict(raw), {}, {}
    for name in calibration_order({k: one.calibration for k, one in by_name.items()}):
        field = by_name[name]
        if field.calibration is not None:
            needed = {other: values[other] for other in field.calibration.fields}
            values[name] = _apply(field, raw[name], needed, tables)
        if field.valid_min is not None or field.valid_max is not None:
            values[name] = _limit(field, values[name])
        if values[name] is not raw[name]:
            invalid[name] = _count_invalid(raw[name], values[name])
    return values, invalid


def _apply(field, raw, needed, tables):
    calibration = field.calibration
    if calibration.labels is not None and raw.ndim > 1:
        return [_apply(field, column, needed, tables) for column in raw.T]
    small = raw.dtype.kind in "iu" and raw.dtype.itemsize <= 2
    if not (calibration.is_costly and small and raw.size > 256**raw.dtype.itemsize):
        return calibration.decode(raw, needed)
    # A look-up costs less than a logarithm; fields of one calibration share it.
    key = (id(calibration), raw.dtype)
    if key not in tables:
        unsigned = np.arange(256**raw.dtype.itemsize).astype(f"u{raw.dtype.itemsize}")
        tables[key] = calibration.decode(unsigned.view(raw.dtype), needed)
    place = raw.view(f"u{raw.dtype.itemsize}")
    return tables[key][place]


def _limit(field, values):
    values = values.astype(np.float64)
    below = -np.inf if field.valid_min is None else field.valid_min
    above = np.inf if field.valid_max is None else field.valid_max
    return np.where((values >= below) & (values <= above), values, np.nan)


def _count_invalid(raw, values):
    if isinstance(values, list):
        return np.array([_count_invalid(None, column) for column in values])
    if isinstance(values, pd.Categorical):
        return int((values.codes < 0).sum())
    missing = np.isnan(values)
    if raw.dtype.kind == "f":
        missing &= ~np.isnan(raw)
    return missing.sum(axis=0)
