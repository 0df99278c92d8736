"""Runs of flagged rows against their definitions."""

from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core.runs import find_runs, paint_runs, reduce_runs

some = settings(deadline=None, max_examples=50)
tracks = st.lists(st.lists(st.booleans(), min_size=1, max_size=8), max_size=4)


def flags_and_bounds(tracks):
    bounds = np.concatenate(([0], np.cumsum([len(t) for t in tracks]))).astype(int)
    return np.array([flag for track in tracks for flag in track], dtype=bool), bounds


def runs_of(flags, bounds):
    """Runs as (start, stop), by walking over every segment."""
    return [
        (rows[0], rows[-1] + 1)
        for a, b in pairwise(bounds.tolist())
        for flag, group in groupby(range(a, b), key=lambda row: bool(flags[row]))
        for rows in [list(group)]
        if flag
    ]


@some
@given(tracks)
def test_runs_are_maximal_and_end_at_borders(tracks):
    flags, bounds = flags_and_bounds(tracks)
    starts, stops = find_runs(flags, bounds)
    found = list(zip(starts.tolist(), stops.tolist(), strict=True))
    assert found == runs_of(flags, bounds)


@some
@given(tracks)
def test_painting_the_runs_gives_the_flags_back(tracks):
    flags, bounds = flags_and_bounds(tracks)
    painted = paint_runs(*find_runs(flags, bounds), len(flags))
    np.testing.assert_array_equal(painted, flags)


@some
@given(
    st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)).map(sorted), max_size=6)
)
def test_overlapping_runs_unite(runs):
    expected = [any(a <= row < b for a, b in runs) for row in range(10)]
    starts = [a for a, _ in runs]
    stops = [b for _, b in runs]
    assert paint_runs(starts, stops, 10).tolist() == expected


@pytest.mark.parametrize("ufunc", [np.add, np.maximum, np.minimum])
@some
@given(tracks=tracks, seed=st.integers(0))
def test_runs_are_reduced_one_by_one(ufunc, tracks, seed):
    flags, bounds = flags_and_bounds(tracks)
    values = np.random.default_rng(seed).normal(size=len(flags))
    starts, stops = find_runs(flags, bounds)
    expected = [ufunc.reduce(values[a:b]) for a, b in runs_of(flags, bounds)]
    np.testing.assert_allclose(reduce_runs(values, starts, stops, ufunc), expected)


def test_no_runs_reduce_to_nothing_of_the_same_kind():
    out = reduce_runs(np.arange(4), [], [], np.add)
    assert out.shape == (0,)
    assert out.dtype == np.arange(4).dtype
