"""Every sweep against its definition, threshold by threshold, row by row."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core.sweeps import (
    count_from,
    event_counts,
    fbeta,
    point_adjusted_counts,
    point_adjusted_counts_at_maxima,
    rank_scores,
    ratio,
)


@st.composite
def labelled_scores(draw, max_tracks=4, max_rows=12):
    """Tracks of any length, with few distinct scores, so with many ties."""
    sizes = draw(st.lists(st.integers(1, max_rows), min_size=1, max_size=max_tracks))
    n_rows = sum(sizes)
    truth = draw(st.lists(st.booleans(), min_size=n_rows, max_size=n_rows))
    levels = draw(st.integers(0, 6))
    score = st.integers(-levels, levels)
    scores = draw(st.lists(score, min_size=n_rows, max_size=n_rows))
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    return np.array(truth), np.array(scores, dtype=float) / 4, bounds


def runs_of(flags, bounds):
    """Runs of true rows as lists of rows, by walking over them."""
    runs = []
    for begin, stop in pairwise(bounds):
        inside = False
        for row in range(begin, stop):
            if flags[row] and not inside:
                runs.append([])
            if flags[row]:
                runs[-1].append(row)
            inside = bool(flags[row])
    return runs


def point_adjusted_at(threshold, truth, scores, bounds):
    flags = scores >= threshold
    for event in runs_of(truth, bounds):
        if flags[event].any():
            flags[event] = True
    return int((flags & truth).sum()), int((flags & ~truth).sum())


def events_at(threshold, truth, scores, bounds):
    flags = scores >= threshold
    detected = sum(flags[event].any() for event in runs_of(truth, bounds))
    false = sum(not truth[alarm].any() for alarm in runs_of(flags, bounds))
    return detected, false


@given(labelled_scores())
@settings(deadline=None, max_examples=150)
def test_point_adjusted_counts_are_those_of_the_definition(case):
    thresholds, hits, false_alarms = point_adjusted_counts(*case)
    np.testing.assert_array_equal(thresholds, np.unique(case[1]))
    for t, hit, false in zip(thresholds, hits, false_alarms, strict=True):
        assert (hit, false) == point_adjusted_at(t, *case)


@given(labelled_scores())
@settings(deadline=None, max_examples=150)
def test_event_counts_are_those_of_the_definition(case):
    thresholds, detected, false_alarms, false_rows = event_counts(*case)
    np.testing.assert_array_equal(thresholds, np.unique(case[1]))
    wrong = [(~case[0] & (case[1] >= t)).sum() for t in thresholds]
    np.testing.assert_array_equal(false_rows, wrong)
    for t, hit, false in zip(thresholds, detected, false_alarms, strict=True):
        assert (hit, false) == events_at(t, *case)


@given(labelled_scores(), st.sampled_from([0.0, 0.5, 1.0, 2.0]))
@settings(deadline=None, max_examples=150)
def test_the_best_point_adjusted_threshold_is_the_maximum_of_an_event(case, beta):
    truth, _, _ = case
    thresholds, hits, false_alarms = point_adjusted_counts_at_maxima(*case)
    for t, hit, false in zip(thresholds, hits, false_alarms, strict=True):
        assert (hit, false) == point_adjusted_at(t, *case)
    _, all_hits, all_false = point_adjusted_counts(*case)

    def f(hits, false):
        return fbeta(ratio(hits, hits + false), ratio(hits, truth.sum()), beta)

    best = f(all_hits, all_false).max()
    found = f(hits, false_alarms).max(initial=0)
    assert found == pytest.approx(best)


@pytest.mark.parametrize("truth", [[0, 0, 0], [1, 1, 1]])
def test_one_class_alone_is_counted(truth):
    truth = np.array(truth, dtype=bool)
    scores, bounds = np.array([2.0, 1.0, 2.0]), np.array([0, 2, 3])
    _, detected, false, _ = event_counts(truth, scores, bounds)
    _, hits, false_rows = point_adjusted_counts(truth, scores, bounds)
    if truth.any():
        assert (detected.tolist(), false.tolist()) == ([2, 2], [0, 0])
        assert (hits.tolist(), false_rows.tolist()) == ([3, 3], [0, 0])
    else:
        assert (detected.tolist(), false.tolist()) == ([0, 0], [2, 2])
        assert (hits.tolist(), false_rows.tolist()) == ([0, 0], [3, 2])


def test_alarms_do_not_merge_across_a_track_border():
    truth = np.array([False, False, False, True])
    scores = np.ones(4)
    assert event_counts(truth, scores, np.array([0, 2, 4]))[2].tolist() == [1]
    assert event_counts(truth, scores, np.array([0, 4]))[2].tolist() == [0]


def test_no_rows_give_no_thresholds():
    none = np.zeros(0)
    for sweep in (event_counts, point_adjusted_counts, point_adjusted_counts_at_maxima):
        counts = sweep(none.astype(bool), none, np.zeros(1, int))
        assert [len(count) for count in counts] == [0] * len(counts)


@given(st.lists(st.integers(-3, 3), min_size=1), st.data())
@settings(deadline=None, max_examples=50)
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


def test_fbeta_is_zero_where_there_is_nothing():
    assert fbeta(0.0, 0.0) == 0.0
    np.testing.assert_allclose(fbeta([0, 0.75], [0, 1], 0.0), [0, 0.75])
