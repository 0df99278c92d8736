"""Sets of time against sets of the whole numbers in them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core.intervals import (
    count_meeting,
    integrate_linear,
    intersect,
    measure_before,
    meeting_pairs,
    unite,
)

few = settings(deadline=None, max_examples=60)
some = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 8)).map(lambda p: (p[0], p[0] + p[1])),
    max_size=8,
)


def arrays(pairs):
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def points(starts, stops):
    return {p for a, b in zip(starts, stops, strict=True) for p in range(a, b)}


def as_set(pairs):
    """Sorted and disjoint intervals of the same measure, none of them empty."""
    starts, stops = arrays([pair for pair in pairs if pair[0] < pair[1]])
    return unite(starts, stops)[:2]


@given(some, st.data())
@few
def test_united_intervals_are_the_same_set_apart_from_each_other(pairs, data):
    number = st.integers(0, 2)
    groups = data.draw(st.lists(number, min_size=len(pairs), max_size=len(pairs)))
    groups = np.array(groups, dtype=np.int64)
    united = unite(*arrays(pairs), groups)
    assert list(united[2]) == sorted(united[2])
    for group in range(3):
        before = [pair for pair, g in zip(pairs, groups, strict=True) if g == group]
        starts, stops = (values[united[2] == group] for values in united[:2])
        assert (starts[1:] > stops[:-1]).all()
        assert points(starts, stops) == points(*arrays(before))


def test_touching_intervals_are_united_but_not_those_of_two_groups():
    starts, stops = np.array([0, 2, 4]), np.array([2, 4, 4])
    assert unite(starts, stops)[0].tolist() == [0]
    starts, stops, groups = unite(starts, stops, np.array([5, 9, 9]))
    assert (starts.tolist(), stops.tolist()) == ([0, 2], [2, 4])
    assert groups.tolist() == [5, 9]


def test_an_interval_within_another_does_not_shorten_it():
    starts, stops, _ = unite(np.array([0, 1, 6]), np.array([9, 2, 7]))
    assert (starts.tolist(), stops.tolist()) == ([0], [9])


@given(some, st.lists(st.integers(-3, 45), min_size=1, max_size=6))
@few
def test_the_measure_before_a_point_counts_what_lies_there(pairs, at):
    starts, stops = as_set(pairs)
    inside = points(starts, stops)
    expected = [sum(p < point for p in inside) for point in at]
    assert measure_before(starts, stops, np.array(at)).tolist() == expected


@given(some, some)
@few
def test_intervals_meet_where_they_share_a_point(pairs, others):
    one, other = as_set(pairs), as_set(others)
    shared = [
        [bool(points([a], [b]) & points([c], [d])) for a, b in zip(*one, strict=True)]
        for c, d in zip(*other, strict=True)
    ]
    counts = count_meeting(*one, *other)
    assert counts.tolist() == [sum(row) for row in shared]
    number, member = meeting_pairs(*one, *other)
    expected = [
        (i, j) for i, row in enumerate(shared) for j, met in enumerate(row) if met
    ]
    assert list(zip(number.tolist(), member.tolist(), strict=True)) == expected


@given(some, some)
@few
def test_an_intersection_holds_what_both_sets_do(pairs, others):
    one, other = as_set(pairs), as_set(others)
    starts, stops = intersect(*one, *other)
    assert points(starts, stops) == points(*one) & points(*other)
    assert (starts < stops).all()
    assert (starts[1:] >= stops[:-1]).all()


def test_half_open_intervals_that_touch_do_not_meet():
    starts, stops = np.array([0, 5]), np.array([5, 9])
    assert count_meeting(starts, stops, [5, 9], [6, 12]).tolist() == [1, 0]


def test_nothing_meets_nothing():
    none = np.empty(0, dtype=np.int64)
    assert unite(none, none)[0].shape == (0,)
    assert measure_before(none, none, np.array([3])).tolist() == [0]
    assert count_meeting(none, none, [1], [2]).tolist() == [0]
    assert [len(part) for part in meeting_pairs(none, none, [1], [2])] == [0, 0]
    assert [len(part) for part in intersect(none, none, none, none)] == [0, 0]


def test_a_function_with_kinks_is_integrated_exactly():
    kinks = np.array([[0.0, 3.0, 1.0, 4.0], [2.0, 3.0, 1.0, 3.5]])
    areas = integrate_linear(lambda x: abs(x - 1) + abs(x - 3), kinks)
    # From 0 to 4: 3 + 4 + 3; from 2 to 3.5, kinks outside being cut off: 2 + 1.25.
    assert areas == pytest.approx([10.0, 3.25])
