"""Each routine on offsets against its definition, segment by segment."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core.segments import (
    as_bounds,
    boundaries,
    difference,
    last_valid_row,
    lengths,
    positions,
    prepend,
    reduce_segments,
    row_starts,
    segment_ids,
)

some = settings(deadline=None, max_examples=40)
sizes = st.lists(st.integers(1, 6), max_size=5)


def bounds_of(sizes):
    return np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))).astype(np.int64)


@some
@given(st.lists(st.integers(0, 2), max_size=15))
def test_boundaries_lie_where_the_label_changes(labels):
    bounds = boundaries(np.array(labels))
    expected = [i for i in range(1, len(labels)) if labels[i] != labels[i - 1]]
    assert bounds.dtype == np.int64
    assert bounds.tolist() == ([0, *expected, len(labels)] if labels else [0])


def test_no_rows_make_no_segment():
    assert as_bounds([], 0).tolist() == [0]
    assert len(segment_ids(np.array([0]))) == 0
    assert len(positions(np.array([0]))) == 0
    assert reduce_segments(np.empty((0, 2)), np.array([0]), np.add).shape == (0, 2)


@some
@given(sizes)
def test_rows_know_their_segment(sizes):
    bounds = bounds_of(sizes)
    rows = [(i, a, r - a) for i, (a, b) in enumerate(pairwise(bounds))
            for r in range(a, b)]  # fmt: skip
    assert lengths(bounds).tolist() == sizes
    assert segment_ids(bounds).tolist() == [i for i, _, _ in rows]
    assert row_starts(bounds).tolist() == [a for _, a, _ in rows]
    assert positions(bounds).tolist() == [p for _, _, p in rows]


@pytest.mark.parametrize("ufunc", [np.add, np.maximum, np.minimum])
@some
@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=5), seed=st.integers(0))
def test_segments_are_reduced_one_by_one(ufunc, sizes, seed):
    bounds = bounds_of(sizes)
    values = np.random.default_rng(seed).integers(-9, 9, size=(bounds[-1], 2))
    expected = [ufunc.reduce(values[a:b]) for a, b in pairwise(bounds)]
    np.testing.assert_array_equal(reduce_segments(values, bounds, ufunc), expected)


@some
@given(sizes=sizes, seed=st.integers(0))
def test_difference_never_crosses_a_border(sizes, seed):
    bounds = bounds_of(sizes)
    values = np.random.default_rng(seed).integers(-9, 9, size=bounds[-1])
    expected = [0 if r == a else values[r] - values[r - 1]
                for a, b in pairwise(bounds) for r in range(a, b)]  # fmt: skip
    assert difference(values, bounds).tolist() == expected


@some
@given(sizes=sizes, seed=st.integers(0), wide=st.booleans())
def test_last_valid_row_stays_in_its_segment(sizes, seed, wide):
    bounds = bounds_of(sizes)
    valid = np.random.default_rng(seed).random((bounds[-1], 2)) < 0.4
    expected = np.full(valid.shape, -1)
    for a, b in pairwise(bounds):
        for r in range(a, b):
            for c in range(2):
                known = np.flatnonzero(valid[a : r + 1, c])
                expected[r, c] = a + known[-1] if len(known) else -1
    if not wide:
        valid, expected = valid[:, 0], expected[:, 0]
    np.testing.assert_array_equal(last_valid_row(valid, bounds), expected)


@some
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    seed=st.integers(0),
    data=st.data(),
)
def test_prepend_puts_each_prefix_before_its_segment(sizes, seed, data):
    bounds = bounds_of(sizes)
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(bounds[-1], 2))
    wanted = data.draw(
        st.lists(
            st.none() | st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)
        )
    )
    prefixes = [None if n is None else rng.normal(size=(n, 2)) for n in wanted]
    out, out_bounds, rows = prepend(values, bounds, prefixes)
    parts = [
        np.concatenate([values[:0] if prefix is None else prefix, values[a:b]])
        for prefix, (a, b) in zip(prefixes, pairwise(bounds), strict=True)
    ]
    np.testing.assert_array_equal(out, np.concatenate(parts))
    assert out_bounds.tolist() == bounds_of([len(part) for part in parts]).tolist()
    np.testing.assert_array_equal(out[rows], values)
