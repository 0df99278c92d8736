import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning

from skdsn.metrics import (
    best_event_f1,
    event_curve,
    event_f1,
    event_wise_scores,
    threshold_for_budget,
)


@st.composite
def scored_tracks(draw):
    n_rows = draw(st.integers(1, 40))
    same = {"min_size": n_rows, "max_size": n_rows}
    y_true = np.array(draw(st.lists(st.booleans(), **same)))
    y_score = np.array(draw(st.lists(st.integers(0, 8), **same))) / 8
    tracks = np.sort(draw(st.lists(st.integers(0, 3), **same)))
    return y_true, y_score, tracks


def quietly(function, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        return function(*args, **kwargs)


def test_events_and_alarms_are_counted():
    #         hit      missed      hit by one alarm over both
    y_true = [1, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0]
    y_pred = [0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0]
    scores = event_wise_scores(y_true, y_pred, beta=0.5, corrected=False)
    assert scores.true_positives == 3
    assert scores.false_negatives == 1
    assert scores.false_positives == 2
    assert scores.precision == 3 / 5
    assert scores.recall == 3 / 4
    assert scores.f == pytest.approx(1.25 * 3 / (1.25 * 3 + 0.25 * 1 + 2))
    plain = event_f1(y_true, y_pred, corrected=False)
    assert plain == pytest.approx(6 / (6 + 1 + 2))


def test_the_correction_multiplies_the_precision_by_the_specificity():
    y_true = [0, 0, 1, 1, 0, 0, 0]
    y_pred = [0, 1, 1, 0, 0, 1, 0]
    scores = event_wise_scores(y_true, y_pred)
    assert scores.specificity == pytest.approx(3 / 5)
    assert scores.precision == pytest.approx(1 / 2 * 3 / 5)
    assert scores.f == pytest.approx(2 * 0.3 / 1.3)


def test_flagging_everything_is_worth_nothing():
    y_true = np.repeat([0, 1, 0, 1, 0], 10)
    assert event_f1(y_true, np.ones(50), corrected=False) == 1.0
    assert event_f1(y_true, np.ones(50)) == 0.0


def test_an_alarm_next_to_an_event_does_not_touch_it():
    scores = quietly(event_wise_scores, [0, 1, 0], [1, 0, 1])
    assert (scores.true_positives, scores.false_positives) == (0, 2)


def test_an_alarm_ends_with_its_track():
    tracks = ["A", "A", "B", "B"]
    scores = event_wise_scores([0, 0, 1, 0], [0, 1, 1, 0], tracks=tracks)
    assert (scores.true_positives, scores.false_positives) == (1, 1)
    assert event_wise_scores([0, 0, 1, 0], [0, 1, 1, 0]).false_positives == 0


def test_flagging_every_row_raises_an_alarm_per_track_without_an_event():
    scores = event_wise_scores([0, 1, 0, 0, 0, 0], np.ones(6), tracks=list("AABBCC"))
    assert (scores.true_positives, scores.false_positives) == (1, 2)


@given(scored_tracks())
@settings(deadline=None, max_examples=60)
def test_curve_has_the_counts_of_every_threshold(case):
    y_true, y_score, tracks = case
    curve = event_curve(y_true, y_score, tracks=tracks)
    np.testing.assert_array_equal(curve.thresholds, np.unique(y_score))
    for i, t in enumerate(curve.thresholds):
        scores = quietly(event_wise_scores, y_true, y_score >= t, tracks=tracks)
        for name in ("true_positives", "false_positives", "false_negatives"):
            assert curve[name][i] == scores[name]
        assert curve.false_rows[i] == ((y_score >= t) & (y_true == 0)).sum()


@given(scored_tracks(), st.sampled_from([0.5, 1.0, 2.0]))
@settings(deadline=None, max_examples=60)
def test_best_threshold_beats_every_other_and_is_the_highest_of_its_kind(case, beta):
    y_true, y_score, tracks = case
    y_true = y_true | (np.arange(len(y_true)) == 0)
    best = best_event_f1(y_true, y_score, tracks=tracks, beta=beta)
    tried = {
        t: event_wise_scores(y_true, y_score >= t, tracks=tracks, beta=beta)
        for t in np.unique(y_score)
        if (y_score >= t).any()
    }
    assert best.f == pytest.approx(max(scores.f for scores in tried.values()))
    equal = [t for t, scores in tried.items() if scores.f == pytest.approx(best.f)]
    assert best.threshold == max(equal)
    chosen = tried[best.threshold]
    assert best.precision == pytest.approx(chosen.precision)
    assert best.recall == pytest.approx(chosen.recall)
    flags = y_score >= best.threshold
    assert best.f1 == pytest.approx(event_f1(y_true, flags, tracks=tracks))


@given(scored_tracks(), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_budget_holds_at_and_above_its_threshold_and_at_none_lower(case, budget):
    y_true, y_score, tracks = case
    chosen = threshold_for_budget(
        y_true, y_score, max_false_alarms=budget, tracks=tracks
    )
    kept = [
        quietly(event_wise_scores, y_true, y_score >= t, tracks=tracks).false_positives
        <= budget
        for t in np.unique(y_score)[::-1]
    ]
    n_kept = kept.index(False) if False in kept else len(kept)
    expected = np.unique(y_score)[::-1][n_kept - 1] if n_kept else np.inf
    assert chosen == expected


def test_a_budget_cannot_be_met_by_merging_alarms():
    y_true, y_score = [0, 0, 0, 1], [3.0, 1.0, 4.0, 2.0]
    assert event_curve(y_true, y_score).false_positives.tolist() == [0, 1, 2, 1]
    assert threshold_for_budget(y_true, y_score, max_false_alarms=0) == np.inf
    assert threshold_for_budget(y_true, y_score, max_false_alarms=1) == 4.0
    assert threshold_for_budget(y_true, y_score, max_false_alarms=2) == 1.0


def test_a_budget_needs_no_event():
    assert threshold_for_budget([0, 0, 0], [1, 3, 2], max_false_alarms=1) == 1.0


@pytest.mark.parametrize("budget", [-1, "few", None])
def test_a_budget_is_a_number(budget):
    with pytest.raises(ValueError, match="max_false_alarms"):
        threshold_for_budget([0, 1], [0, 1], max_false_alarms=budget)


def test_constant_scores_have_one_threshold():
    curve = event_curve([0, 0, 1], [5, 5, 5], tracks=[1, 2, 2])
    assert curve.thresholds.tolist() == [5]
    assert (curve.true_positives, curve.false_positives) == ([1], [1])
    assert threshold_for_budget([0, 0], [5, 5], max_false_alarms=0) == np.inf


def test_what_is_undefined_is_zero_with_a_warning():
    with pytest.warns(UndefinedMetricWarning) as caught:
        scores = event_wise_scores([0, 0], [0, 0])
    assert (scores.precision, scores.recall, scores.f) == (0, 0, 0)
    assert len(caught) == 3
    with pytest.warns(UndefinedMetricWarning, match="no event"):
        best = best_event_f1([0, 0], [0.1, 0.2])
    assert (best.f1, best.threshold) == (0.0, np.inf)
    with pytest.warns(UndefinedMetricWarning, match="nothing is flagged"):
        assert event_wise_scores([0, 1], [0, 0]).f == 0


def test_all_rows_anomalous_leave_no_false_alarm():
    best = best_event_f1([1, 1, 1], [3.0, 1.0, 2.0], tracks=["A", "A", "B"])
    assert (best.f1, best.threshold) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("y_score", "message"),
    [
        ([0.1, np.nan, 0.2], "y_score is nan in row 1"),
        ([0.1, 0.2, -np.inf], "y_score is -inf in row 2"),
        (["a", "b", "c"], "one number per row"),
        ([[0.1, 0.9]] * 3, "column of class 1"),
        ([0.1, 0.2], "y_true has 3 rows but y_score has 2"),
    ],
)
def test_scores_are_checked(y_score, message):
    with pytest.raises(ValueError, match=message):
        event_curve([0, 1, 0], y_score)
