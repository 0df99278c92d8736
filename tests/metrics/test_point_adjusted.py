import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics import naive
from metrics.naive import flagged_tracks, quietly, scored_tracks
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import PrecisionRecallDisplay, fbeta_score, precision_recall_curve

from skdsn.metrics import (
    best_point_adjusted_f1,
    point_adjust,
    point_adjusted_area,
    point_adjusted_curve,
    point_adjusted_f1,
    point_adjusted_scores,
)

few = settings(deadline=None, max_examples=40)
percents = st.sampled_from([0, 0.5, 10, 25, 100 / 3, 50, 66.6, 75, 99, 100])


def test_one_flag_detects_the_whole_event_and_only_that():
    y_true = [0, 1, 1, 1, 0, 1, 1, 0]
    y_pred = [1, 0, 0, 1, 0, 0, 0, 0]
    assert point_adjust(y_true, y_pred).tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    scores = point_adjusted_scores(y_true, y_pred)
    assert (scores.precision, scores.recall) == (3 / 4, 3 / 5)
    assert scores.f == point_adjusted_f1(y_true, y_pred) == pytest.approx(2 / 3)
    counts = scores.true_positives, scores.false_positives, scores.false_negatives
    assert counts == (3, 1, 2)


@pytest.mark.parametrize(
    ("k", "adjusted"), [(0, 4), (24, 4), (25, 1), (26, 1), (100, 1)]
)
def test_the_share_of_rows_must_exceed_k(k, adjusted):
    y_true, y_pred = [1, 1, 1, 1, 0], [0, 1, 0, 0, 0]
    assert point_adjust(y_true, y_pred, k=k).sum() == adjusted
    assert point_adjusted_f1(y_true, y_pred, k=k) == 2 * adjusted / (adjusted + 4)


def test_an_event_ends_with_its_track():
    y_true, y_pred = [0, 1, 1, 0], [0, 0, 1, 0]
    assert point_adjust(y_true, y_pred).tolist() == [0, 1, 1, 0]
    tracks = ["A", "A", "B", "B"]
    assert point_adjust(y_true, y_pred, tracks=tracks).tolist() == [0, 0, 1, 0]
    assert point_adjusted_scores(y_true, y_pred, tracks=tracks).recall == 0.5


@given(flagged_tracks(), percents, st.sampled_from([0.5, 1.0, 2.0]))
@few
def test_scores_are_scikit_learns_on_flags_adjusted_by_a_loop(case, k, beta):
    truth, flags, ids = case
    adjusted = naive.point_adjust(truth, flags, ids, k)
    np.testing.assert_array_equal(point_adjust(truth, flags, tracks=ids, k=k), adjusted)
    scores = quietly(point_adjusted_scores, truth, flags, tracks=ids, k=k, beta=beta)
    assert scores.true_positives == (truth & adjusted).sum()
    assert scores.false_positives == (adjusted & ~truth).sum()
    assert scores.false_negatives == (truth & ~adjusted).sum()
    expected = fbeta_score(truth, adjusted, beta=beta, zero_division=0)
    assert scores.f == pytest.approx(expected)
    f1 = quietly(point_adjusted_f1, truth, flags, tracks=ids, k=k)
    assert f1 == pytest.approx(fbeta_score(truth, adjusted, beta=1, zero_division=0))


@given(flagged_tracks(max_rows=8))
@few
def test_the_area_is_the_mean_over_a_fine_grid_of_k(case):
    truth, flags, ids = case
    # Shares of events of at most 8 rows are multiples of 1 / 840.
    grid = (np.arange(840) + 0.5) / 8.4
    by_share = {}
    for k in grid:
        adjusted = naive.point_adjust(truth, flags, ids, k)
        f1 = naive.row_wise(truth, adjusted)[2] or 0
        by_share.setdefault(f1, []).append(k)
    expected = sum(float(f1) * len(ks) for f1, ks in by_share.items()) / len(grid)
    area = quietly(point_adjusted_area, truth, flags, tracks=ids)
    assert area == pytest.approx(expected, abs=1e-9)


@given(flagged_tracks())
@few
def test_the_area_lies_between_the_f1_of_rows_and_the_adjusted_one(case):
    truth, flags, ids = case
    area = quietly(point_adjusted_area, truth, flags, tracks=ids)
    lowest, highest = (
        quietly(point_adjusted_f1, truth, flags, tracks=ids, k=k) for k in (100, 0)
    )
    assert lowest - 1e-12 <= area <= highest + 1e-12
    assert (area == pytest.approx(1)) == (truth.any() and (truth == flags).all())


@given(scored_tracks(event=True), percents)
@few
def test_the_curve_has_the_scores_of_every_threshold(case, k):
    truth, scores, ids = case
    precision, recall, thresholds = point_adjusted_curve(truth, scores, tracks=ids, k=k)
    np.testing.assert_array_equal(thresholds, np.unique(scores))
    assert (precision[-1], recall[-1]) == (1, 0)
    for i, threshold in enumerate(thresholds):
        flags = scores >= threshold
        one = point_adjusted_scores(truth, flags, tracks=ids, k=k)
        assert (precision[i], recall[i]) == (one.precision, one.recall)


@given(scored_tracks(event=True), percents)
@few
def test_the_best_threshold_is_that_of_all_and_the_highest_of_its_kind(case, k):
    truth, scores, ids = case
    best = best_point_adjusted_f1(truth, scores, tracks=ids, k=k)
    exact = {}
    for threshold in np.unique(scores):
        adjusted = naive.point_adjust(truth, scores >= threshold, ids, k)
        exact[threshold] = naive.row_wise(truth, adjusted)
    highest = max(f1 for _, _, f1 in exact.values())
    assert best.f1 == best.value == best.f == pytest.approx(float(highest))
    assert best.threshold == max(t for t in exact if exact[t][2] == highest)
    precision, recall, _ = exact[best.threshold]
    assert best.precision == pytest.approx(float(precision))
    assert best.recall == pytest.approx(float(recall))
    assert best.fraction_flagged == (scores >= best.threshold).mean()


def test_equally_good_thresholds_do_not_lose_to_rounding():
    y_true = [0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1]
    y_score = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0]
    best = best_point_adjusted_f1(y_true, y_score)  # F1 is 12 / 15 or 16 / 20
    assert (best.threshold, best.fraction_flagged) == (1, 2 / 12)
    assert best.f1 == pytest.approx(0.8)


def test_the_curve_of_events_of_one_row_is_scikit_learns_and_can_be_drawn():
    rng = np.random.default_rng(0)
    y_true = np.arange(100) % 7 == 0
    y_score = rng.integers(0, 20, 100) / 20
    ours = point_adjusted_curve(y_true, y_score)
    theirs = precision_recall_curve(y_true, y_score)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b)
    assert PrecisionRecallDisplay(*ours[:2]).recall is ours[1]


def test_random_scores_flatter():
    # 10 events of 600 rows in 200,000: uniform scores reach an F1 above 0.9.
    y_true = np.zeros(200_000, dtype=int)
    for start in range(5_000, 200_000, 20_000):
        y_true[start : start + 600] = 1
    draws = np.random.default_rng(0).uniform(size=(5, len(y_true)))
    best = [best_point_adjusted_f1(y_true, y_score).f1 for y_score in draws]
    assert np.mean(best) == pytest.approx(0.93, abs=0.02)
    # What has to exceed a fifth of the event is no longer luck.
    assert best_point_adjusted_f1(y_true, draws[0], k=20).f1 < 0.25


def test_all_rows_anomalous_are_found_at_the_weakest_event():
    best = best_point_adjusted_f1([1, 1, 1], [3.0, 1.0, 2.0], tracks=["A", "A", "B"])
    assert (best.f1, best.precision, best.recall, best.threshold) == (1, 1, 1, 2)


def test_without_events_the_curve_has_a_recall_of_0():
    precision, recall, _ = point_adjusted_curve([0, 0], [0.1, 0.2])
    assert precision.tolist() == [0, 0, 1]
    assert recall.tolist() == [0, 0, 0]


def test_what_is_undefined_is_zero_with_a_warning():
    with pytest.warns(UndefinedMetricWarning, match="precision ill-defined"):
        assert point_adjusted_scores([0, 1], [0, 0]).precision == 0.0
    with pytest.warns(UndefinedMetricWarning, match="recall ill-defined"):
        assert point_adjusted_scores([0, 0], [0, 1]).recall == 0.0
    for metric in (point_adjusted_f1, point_adjusted_area):
        with pytest.warns(UndefinedMetricWarning, match="f ill-defined"):
            assert metric([0, 0], [0, 0]) == 0.0


def test_what_is_defined_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for metric in (point_adjusted_f1, point_adjusted_area):
            assert metric([0, 1], [0, 0]) == 0.0
            assert metric([0, 0], [0, 1]) == 0.0


@pytest.mark.parametrize(
    "options", [{"beta": -1}, {"beta": "much"}, {"k": -1}, {"k": 101}, {"k": None}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        point_adjusted_scores([0, 1], [0, 1], **options)
    for function in (point_adjust, point_adjusted_f1, point_adjusted_curve):
        if "k" in options:
            with pytest.raises(ValueError, match="'k' parameter"):
                function([0, 1], [0, 1], **options)


def test_input_is_left_alone():
    index = pd.MultiIndex.from_product([["A", "B"], [0, 1]])
    y_true = pd.Series([0, 1, 1, 0], index=index)
    y_score = np.array([0.1, 0.4, 0.3, 0.2])
    y_score.flags.writeable = False
    before = y_true.copy()
    best = best_point_adjusted_f1(y_true, y_score, k=30)
    point_adjust(y_true, y_score >= best.threshold)
    pd.testing.assert_series_equal(y_true, before)
