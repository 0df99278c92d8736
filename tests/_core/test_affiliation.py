"""Affiliation of intervals, in any unit, to other intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core.affiliation import zone_scores, zones

few = settings(deadline=None, max_examples=40)
END = 60


@st.composite
def intervals(draw, least=0):
    """Whole-number intervals, apart from each other, from 0 to END."""
    cuts = draw(
        st.lists(st.integers(0, END), min_size=2 * least, max_size=10, unique=True)
    )
    cuts = np.sort(cuts[: len(cuts) // 2 * 2]).reshape(-1, 2)
    return cuts[:, 0].astype(float), cuts[:, 1].astype(float)


def score(events, alarms, *, low=0.0, high=END, **options):
    starts, stops = events
    whole = np.full(len(starts), low), np.full(len(starts), high)
    return zone_scores(starts, stops, *zones(starts, stops, *whole), *alarms, **options)


def by_summing(events, alarms, n_steps=16):
    """Sum up the middles of small steps; kinks lie at quarters, so that it is exact."""
    instants = (np.arange(END * n_steps) + 0.5) / n_steps
    precisions, recalls = [], []
    lows, highs = zones(*events, np.zeros(len(events[0])), np.full(len(events[0]), END))
    for a, b, low, high in zip(*events, lows, highs, strict=True):

        def nearer(d, left, right, low=low, high=high):
            """Share of the zone no farther than d from the stretch left to right."""
            return (min(high, right + d) - max(low, left - d)) / (high - low)

        pieces = [(max(c, low), min(d, high)) for c, d in zip(*alarms, strict=True)]
        pieces = [(c, d) for c, d in pieces if c < d]
        inside = [x for c, d in pieces for x in instants if c < x < d]
        gaps = [max(a - x, x - b, 0) for x in inside]
        gains = [1 - nearer(gap, a, b) if gap else 1.0 for gap in gaps]
        precisions.append(np.mean(gains) if gains else np.nan)
        reached = [
            1 - nearer(min(max(c - y, y - d, 0) for c, d in pieces), y, y)
            for y in instants
            if a < y < b and pieces
        ]
        recalls.append(np.mean(reached) if reached else 0.0)
    return precisions, recalls


@given(intervals(least=1), intervals())
@few
def test_the_integrals_are_exact(events, alarms):
    precision, recall = score(events, alarms)
    expected = by_summing(events, alarms)
    np.testing.assert_allclose(precision, expected[0], atol=1e-9)
    np.testing.assert_allclose(recall, expected[1], atol=1e-9)


@given(intervals(least=1), intervals(), st.integers(-99, 99), st.sampled_from([0.5, 3]))
@few
def test_the_unit_and_the_origin_of_time_do_not_matter(events, alarms, shift, scale):
    def moved(values):
        return tuple((part + shift) * scale for part in values)

    limits = {"low": shift * scale, "high": (END + shift) * scale}
    here, there = score(events, alarms), score(moved(events), moved(alarms), **limits)
    for one, other in zip(here, there, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


@given(intervals(least=1), intervals())
@few
def test_time_backwards_scores_the_same(events, alarms):
    def mirrored(values):
        return tuple(END - part[::-1] for part in values[::-1])

    for one, other in zip(
        score(events, alarms), score(mirrored(events), mirrored(alarms)), strict=True
    ):
        np.testing.assert_allclose(one, other[::-1], atol=1e-9)


@given(intervals(least=1), intervals())
@few
def test_scores_are_shares_and_exact_alarms_get_1(events, alarms):
    precision, recall = score(events, alarms)
    assert (
        (precision[~np.isnan(precision)] >= 0)
        & (recall[~np.isnan(precision)] <= 1 + 1e-12)
    ).all()
    assert (np.isnan(precision) <= (recall == 0)).all()
    for part in score(events, events):
        np.testing.assert_allclose(part, 1.0)


@given(intervals(least=1), intervals())
@few
def test_the_published_mistake_never_pairs_better(events, alarms):
    right, wrong = score(events, alarms)[1], score(events, alarms, by_position=True)[1]
    assert (wrong <= right + 1e-9).all()


def test_zones_end_halfway_between_events_of_a_track():
    starts, stops = np.array([2, 8, 21]), np.array([4, 9, 22])
    lows, highs = zones(starts, stops, np.array([0, 0, 20]), np.array([20, 20, 30]))
    assert (lows.tolist(), highs.tolist()) == ([0, 6, 20], [6, 20, 30])


def test_an_instant_of_an_alarm_can_be_left_out():
    events = np.array([20.0]), np.array([30.0])
    alarms = np.array([10.0, 25.0]), np.array([10.5, 26.0])
    both, one = score(events, alarms), score(events, alarms, tolerance=0.5)
    assert one[0] == pytest.approx([1.0])
    assert both[0] < 1
    assert np.isnan(score(events, alarms, tolerance=1.0)[0]).all()


def test_no_event_has_no_zone():
    none = np.empty(0)
    assert [len(part) for part in score((none, none), (none + 1, none + 2))] == [0, 0]
