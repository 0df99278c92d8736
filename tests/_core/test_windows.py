"""Trailing windows against their definitions."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core.segments import row_starts
from skdsn._core.windows import complete_windows, gather_windows, trailing_sum

some = settings(deadline=None, max_examples=40)
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def bounds_of(sizes):
    return np.concatenate(([0], np.cumsum(sizes)))


@some
@given(sizes=sizes, width=st.integers(1, 12), seed=st.integers(0))
def test_a_window_holds_the_last_rows_padded_with_the_first(sizes, width, seed):
    bounds = bounds_of(sizes)
    values = np.random.default_rng(seed).normal(size=(bounds[-1], 2))
    rows = np.random.default_rng(seed).permutation(bounds[-1])
    starts = row_starts(bounds)[rows]
    windows = gather_windows(values, rows, starts, width)
    assert windows.shape == (len(rows), width, 2)
    for window, row, start in zip(windows, rows, starts, strict=True):
        expected = [values[max(row + 1 - width + i, start)] for i in range(width)]
        np.testing.assert_array_equal(window, expected)


def test_gathering_no_window_keeps_the_shape():
    none = np.empty(0, dtype=int)
    assert gather_windows(np.zeros((5, 3)), none, none, 4).shape == (0, 4, 3)


@some
@given(sizes=sizes, width=st.integers(1, 12), stride=st.integers(1, 5))
def test_complete_windows_fit_into_their_segment(sizes, width, stride):
    bounds = bounds_of(sizes)
    expected = [
        row for a, b in pairwise(bounds) for row in range(a + width - 1, b, stride)
    ]
    assert complete_windows(bounds, width, stride).tolist() == expected


@some
@given(sizes=sizes, width=st.integers(1, 12), seed=st.integers(0))
def test_trailing_sum_counts_the_last_rows_of_the_segment(sizes, width, seed):
    bounds = bounds_of(sizes)
    values = np.random.default_rng(seed).integers(-5, 5, size=bounds[-1])
    expected = [
        values[max(a, row + 1 - width) : row + 1].sum()
        for a, b in pairwise(bounds)
        for row in range(a, b)
    ]
    assert trailing_sum(values, bounds, width).tolist() == expected


def test_trailing_sum_counts_flags():
    flags = np.array([True, True, False, True])
    assert trailing_sum(flags, np.array([0, 4]), 2).tolist() == [1, 2, 1, 1]
