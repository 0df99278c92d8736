"""Distances to events, and when widened events are first hit, against loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics.naive import read, runs, scored_tracks

from skdsn._core.soft_labels import NEVER, first_hits, slope_distances

few = settings(deadline=None, max_examples=60)
reaches = st.integers(0, 6)


@given(scored_tracks(event=True), reaches, st.sampled_from([0, 1]))
@few
def test_distances_are_those_to_the_nearest_events_of_the_track(case, reach, late):
    truth, _, ids = case
    rows, nearest, second, after = slope_distances(truth, read(ids).bounds, reach, late)
    events = runs(truth, ids)
    expected = []
    for row in range(len(truth)):
        gaps = []
        for event in events:
            if ids[event[0]] == ids[row] and not truth[row]:
                gap = max(event[0] - row, row - event[-1])
                gaps.append((gap + late * (row > event[-1]), row < event[0]))
        gaps = [(0, True), (0, True)] if truth[row] else sorted(gaps)
        expected.append([*gaps, (NEVER, True), (NEVER, True)][:2])
    for row, near, far, is_after in zip(rows, nearest, second, after, strict=True):
        assert (near, far) == (expected[row][0][0], expected[row][1][0])
        tied = near == far < NEVER
        assert is_after == (not expected[row][0][1]) or (tied and not truth[row])
    # Rows out of reach are left out, and no other.
    inside = [row for row, gaps in enumerate(expected) if gaps[0][0] <= reach]
    assert set(inside) <= set(rows.tolist())
    assert all(expected[row][0][0] <= reach + late for row in rows)


@given(
    scored_tracks(event=True),
    reaches,
    st.sampled_from([(0, True), (0, False), (1, True)]),
)
@few
def test_widened_events_are_hit_with_the_first_of_their_rows(case, reach, how):
    truth, scores, ids = case
    late, touching = how
    entry = np.unique(-scores, return_inverse=True)[1]
    found = list(
        first_hits(truth, read(ids).bounds, entry, reach, late=late, touching=touching)
    )
    assert len(found) == reach + 1
    for half, firsts in enumerate(found):
        stretches = []
        for event in runs(truth, ids):
            stop = event[-1] + (max(half - late, 0) if half else 0)
            wide = [
                row
                for row in range(event[0] - half, stop + 1)
                if 0 <= row < len(ids) and ids[row] == ids[event[0]]
            ]
            gap = wide[0] - stretches[-1][-1] if stretches else None
            same = stretches and ids[wide[0]] == ids[stretches[-1][-1]]
            if same and gap <= touching:
                stretches[-1] = sorted({*stretches[-1], *wide})
            else:
                stretches.append(wide)
        assert firsts.tolist() == [entry[stretch].min() for stretch in stretches]


@pytest.mark.parametrize("truth", [[0, 0, 0], [1, 1, 1]])
def test_one_class_alone_has_no_slope(truth):
    truth = np.array(truth, dtype=bool)
    rows, nearest, second, after = slope_distances(truth, np.array([0, 3]), 2)
    assert rows.tolist() == ([0, 1, 2] if truth.any() else [])
    assert (nearest == 0).all()
    assert (second == 0).all()
    assert not after.any()
