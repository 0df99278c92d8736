"""Bit fields of any width and place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.ccsds._bits import as_rows, pack_bits, read_bits


@st.composite
def fields(draw):
    """Rows of bytes and a field that lies in them."""
    length = draw(st.integers(1, 64))
    offset = draw(st.integers(0, 40))
    n_bytes = -(-(offset + length) // 8) + draw(st.integers(0, 2))
    rows = draw(st.lists(st.binary(min_size=n_bytes, max_size=n_bytes), max_size=5))
    return as_rows(rows, n_bytes), offset, length


@given(fields())
@settings(deadline=None, max_examples=200)
def test_reading_agrees_with_the_bits_of_one_large_integer(case):
    rows, offset, length = case
    below = 8 * rows.shape[1] - offset - length
    whole = [int.from_bytes(row.tobytes(), "big") for row in rows]
    expected = [value >> below & ((1 << length) - 1) for value in whole]
    assert read_bits(rows, offset, length).tolist() == expected


@given(fields())
@settings(deadline=None, max_examples=200)
def test_packing_undoes_reading_and_touches_no_other_bit(case):
    rows, offset, length = case
    values = read_bits(rows, offset, length)
    packed = np.zeros(rows.shape, dtype=np.uint8)
    pack_bits(packed, offset, length, values)
    assert read_bits(packed, offset, length).tolist() == values.tolist()
    bits = np.unpackbits(packed, axis=1)
    bits[:, offset : offset + length] = 0
    assert not bits.any()


@pytest.mark.parametrize(
    ("length", "dtype"),
    [(1, "u1"), (8, "u1"), (9, "u2"), (16, "u2"), (24, "u4"), (33, "u8"), (64, "u8")],
)
def test_a_field_has_the_narrowest_type_in_the_byte_order_of_the_machine(length, dtype):
    for offset in (0, 3):
        values = read_bits(np.full((2, 10), 255, dtype=np.uint8), offset, length)
        assert values.dtype == np.dtype(dtype)
        assert values.tolist() == [(1 << length) - 1] * 2


def test_no_rows_give_no_values():
    assert read_bits(as_rows([], 8), 3, 11).shape == (0,)
    assert as_rows([], 8).shape == (0, 8)


def test_a_field_may_be_read_from_rows_that_are_a_view():
    rows = np.arange(60, dtype=np.uint8).reshape(5, 12)[::2, 1:]
    assert read_bits(rows, 8, 16).tolist() == [0x0203, 0x1A1B, 0x3233]
