"""Unsigned integers of any width out of the bits of many byte strings, and back."""

import numpy as np

__all__ = ["as_rows", "pack_bits", "read_bits"]


def as_rows(strings, length):
    """Stack byte strings of one length as the rows of an array.

    Parameters
    ----------
    strings : sequence of bytes
        Each of `length` bytes.
    length : int

    Returns
    -------
    ndarray of shape (n, length) and dtype uint8
        Read-only.
    """
    return np.frombuffer(b"".join(strings), dtype=np.uint8).reshape(-1, length)


def read_bits(rows, offset, length):
    """Read one unsigned big-endian field from every row.

    Parameters
    ----------
    rows : ndarray of shape (n, n_bytes) and dtype uint8
    offset : int
        Of its first bit; bit 0 is the highest of byte 0, as in CCSDS.
    length : int
        Bits of the field, 1 to 64.

    Returns
    -------
    ndarray of shape (n,)
        Of the narrowest unsigned type that holds `length` bits.
    """
    first, last = offset // 8, (offset + length - 1) // 8
    narrow = np.dtype(f"u{_width(length)}")
    n_bytes = last - first + 1
    if offset % 8 == 0 and length == 8 * narrow.itemsize:
        field = np.ascontiguousarray(rows[:, first : last + 1])
        return field.view(narrow.newbyteorder(">"))[:, 0].astype(narrow)
    below = 8 * (last + 1) - (offset + length)  # bits after the field in its last byte
    # Eight bytes at most: the bits of a ninth are added after the shift.
    value = np.zeros(len(rows), dtype=np.uint64)
    for column in range(first, first + min(n_bytes, 8)):
        value = (value << np.uint64(8)) | rows[:, column]
    if n_bytes <= 8:
        value >>= np.uint64(below)
    else:
        value <<= np.uint64(8 - below)
        value |= (rows[:, last] >> below).astype(np.uint64)
    if length < 64:
        value &= np.uint64((1 << length) - 1)
    return value.astype(narrow)


def pack_bits(rows, offset, length, values):
    """Write one unsigned big-endian field into every row, whose bits there are 0.

    Parameters
    ----------
    rows : ndarray of shape (n, n_bytes) and dtype uint8
        Changed in place.
    offset : int
        Of the first bit of the field.
    length : int
        Bits of the field, 1 to 64.
    values : array-like of shape (n,)
        Less than ``2 ** length``.
    """
    values = np.asarray(values).astype(np.uint64)
    first, last = offset // 8, (offset + length - 1) // 8
    below = 8 * (last + 1) - (offset + length)
    for column in range(last, first - 1, -1):
        shift = 8 * (last - column) - below  # of the value, to the right
        right, left = np.uint64(max(shift, 0)), np.uint64(max(-shift, 0))
        rows[:, column] |= (values >> right << left).astype(np.uint8)


def _width(length):
    """Bytes of the narrowest integer type that holds so many bits."""
    return next(size for size in (1, 2, 4, 8) if length <= 8 * size)
