"""Every sweep against its definition, threshold by threshold, row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics.naive import point_adjust, read, runs, scored_tracks

from skdsn._core.sweeps import (
    adjusted_entries,
    count_from,
    event_counts,
    fbeta,
    point_adjusted_counts,
    point_adjusted_counts_at_hits,
    rank_scores,
    ratio,
)

percents = st.integers(0, 100) | st.sampled_from([12.5, 33.25, 99.5])
few = settings(deadline=None, max_examples=60)


def bounds_of(ids):
    return read(ids).bounds


@given(scored_tracks(), percents)
@few
def test_point_adjusted_counts_are_those_of_the_definition(case, k):
    truth, scores, ids = case
    found = point_adjusted_counts(truth, scores, bounds_of(ids), k)
    np.testing.assert_array_equal(found[0], np.unique(scores))
    for threshold, hits, false in zip(*found, strict=True):
        adjusted = point_adjust(truth, scores >= threshold, ids, k)
        assert hits == (adjusted & truth).sum()
        assert false == (adjusted & ~truth).sum()


@given(scored_tracks(), percents)
@few
def test_flags_are_two_thresholds(case, k):
    truth, scores, ids = case
    flags = scores > 0
    thresholds, hits, false = point_adjusted_counts(truth, flags, bounds_of(ids), k)
    assert thresholds.tolist() == [False, True]
    adjusted = point_adjust(truth, flags, ids, k)
    assert hits.tolist() == [truth.sum(), (adjusted & truth).sum()]
    assert false.tolist() == [(~truth).sum(), (adjusted & ~truth).sum()]


@given(scored_tracks(), percents)
@few
def test_counts_at_hits_are_those_where_an_anomalous_row_enters(case, k):
    truth, scores, ids = case
    bounds = bounds_of(ids)
    every = point_adjusted_counts(truth, scores, bounds, k)
    some = point_adjusted_counts_at_hits(truth, scores, bounds, k)
    entering = -np.diff(every[1], append=0) > 0
    for values, at_hits in zip(every, some, strict=True):
        np.testing.assert_array_equal(values[entering], at_hits)


@given(scored_tracks(), percents)
@few
def test_rows_enter_at_a_score_whatever_its_sign(case, k):
    truth, scores, ids = case
    bounds = bounds_of(ids)
    entries = adjusted_entries(truth, scores, bounds, k)
    shifted = adjusted_entries(truth, scores + 5, bounds, k)
    np.testing.assert_allclose(entries + 5, shifted)
    assert (entries >= scores[truth]).all()
    if k == 100:
        np.testing.assert_array_equal(entries, scores[truth])


@given(scored_tracks())
@few
def test_event_counts_are_those_of_the_definition(case):
    truth, scores, ids = case
    thresholds, counts = event_counts(truth, scores, bounds_of(ids))
    np.testing.assert_array_equal(thresholds, np.unique(scores))
    events = runs(truth, ids)
    for i, threshold in enumerate(thresholds):
        flags = scores >= threshold
        alarms = runs(flags, ids)
        meetings = sum(bool(set(e) & set(a)) for e in events for a in alarms)
        expected = {
            "detected": sum(flags[event].any() for event in events),
            "false_alarms": sum(not truth[alarm].any() for alarm in alarms),
            "false_rows": (flags & ~truth).sum(),
            "meetings": meetings,
        }
        assert {name: count[i] for name, count in counts.items()} == expected


@pytest.mark.parametrize("truth", [[0, 0, 0], [1, 1, 1]])
def test_one_class_alone_is_counted(truth):
    truth = np.array(truth, dtype=bool)
    scores, bounds = np.array([2.0, 1.0, 2.0]), np.array([0, 2, 3])
    _, counts = event_counts(truth, scores, bounds)
    _, hits, false_rows = point_adjusted_counts(truth, scores, bounds)
    runs_, none = [2, 2], [0, 0]
    # At the higher threshold one of two rows adjusts the first event.
    expected = (
        (runs_, none, [3, 3], none) if truth.any() else (none, runs_, none, [3, 2])
    )
    found = counts["detected"], counts["false_alarms"], hits, false_rows
    assert tuple(count.tolist() for count in found) == expected


def test_alarms_do_not_merge_across_a_track_border():
    truth, scores = np.array([False, False, False, True]), np.ones(4)
    for bounds, false in (([0, 2, 4], [1]), ([0, 4], [0])):
        _, counts = event_counts(truth, scores, np.array(bounds))
        assert counts["false_alarms"].tolist() == false


def test_no_rows_give_no_thresholds():
    none = np.zeros(0)
    for sweep in (point_adjusted_counts, point_adjusted_counts_at_hits):
        counts = sweep(none.astype(bool), none, np.zeros(1, int))
        assert [len(count) for count in counts] == [0, 0, 0]
    thresholds, counts = event_counts(none.astype(bool), none, np.zeros(1, int))
    assert [len(thresholds), *map(len, counts.values())] == [0] * 5


@given(st.lists(st.integers(-3, 3), min_size=1), st.data())
@few
def test_ranks_count_what_lies_at_or_above(scores, data):
    scores = np.array(scores, dtype=float)
    whole = st.integers(0, 9)
    weights = data.draw(st.lists(whole, min_size=len(scores), max_size=len(scores)))
    weights = np.array(weights)
    thresholds, ranks = rank_scores(scores)
    np.testing.assert_array_equal(thresholds[ranks], scores)
    counts = count_from(ranks, len(thresholds))
    sums = count_from(ranks, len(thresholds), weights)
    assert counts.dtype == sums.dtype == np.int64
    for t, count, total in zip(thresholds, counts, sums, strict=True):
        assert count == (scores >= t).sum()
        assert total == weights[scores >= t].sum()


def test_fbeta_and_ratio_are_zero_where_there_is_nothing():
    assert fbeta(0.0, 0.0) == 0.0
    np.testing.assert_allclose(fbeta([0, 0.75], [0, 1], 0.0), [0, 0.75])
    np.testing.assert_array_equal(ratio([1, 2], [0, 4]), [0, 0.5])
    assert ratio(1, 0) == 0.0
