import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import f1_score, fbeta_score, precision_recall_curve

from skdsn.metrics import (
    best_point_adjusted_f1,
    point_adjust,
    point_adjusted_curve,
    point_adjusted_f1,
    point_adjusted_fbeta,
    point_adjusted_precision,
    point_adjusted_recall,
)

bits = st.lists(st.booleans(), min_size=1, max_size=40)


def test_one_flag_detects_the_whole_event_and_only_that():
    y_true = [0, 1, 1, 1, 0, 1, 1, 0]
    y_pred = [1, 0, 0, 1, 0, 0, 0, 0]
    assert point_adjust(y_true, y_pred).tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert point_adjusted_precision(y_true, y_pred) == 3 / 4
    assert point_adjusted_recall(y_true, y_pred) == 3 / 5
    assert point_adjusted_f1(y_true, y_pred) == pytest.approx(2 / 3)


def test_an_event_ends_with_its_track():
    y_true, y_pred = [0, 1, 1, 0], [0, 0, 1, 0]
    assert point_adjust(y_true, y_pred).tolist() == [0, 1, 1, 0]
    tracks = ["A", "A", "B", "B"]
    assert point_adjust(y_true, y_pred, tracks=tracks).tolist() == [0, 0, 1, 0]
    assert point_adjusted_recall(y_true, y_pred, tracks=tracks) == 0.5


@given(bits, st.data(), st.sampled_from([0.5, 1.0, 2.0]))
@settings(deadline=None, max_examples=50)
def test_scores_are_scikit_learns_on_adjusted_flags(y_true, data, beta):
    same = {"min_size": len(y_true), "max_size": len(y_true)}
    y_pred = data.draw(st.lists(st.booleans(), **same))
    tracks = np.sort(data.draw(st.lists(st.integers(0, 3), **same)))
    adjusted = point_adjust(y_true, y_pred, tracks=tracks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        f1 = point_adjusted_f1(y_true, y_pred, tracks=tracks)
        f = point_adjusted_fbeta(y_true, y_pred, beta=beta, tracks=tracks)
        assert f1 == pytest.approx(f1_score(y_true, adjusted, zero_division=0))
        expected = fbeta_score(y_true, adjusted, beta=beta, zero_division=0)
        assert f == pytest.approx(expected)


@given(bits, st.data())
@settings(deadline=None, max_examples=50)
def test_curve_has_the_scores_of_every_threshold(y_true, data):
    y_true = np.array(y_true) | (np.arange(len(y_true)) == 0)
    same = {"min_size": len(y_true), "max_size": len(y_true)}
    y_score = np.array(data.draw(st.lists(st.integers(0, 8), **same)))
    tracks = np.sort(data.draw(st.lists(st.integers(0, 3), **same)))
    curve = point_adjusted_curve(y_true, y_score, tracks=tracks)
    precision, recall, thresholds = curve
    np.testing.assert_array_equal(thresholds, np.unique(y_score))
    assert (precision[-1], recall[-1]) == (1, 0)
    for i, threshold in enumerate(thresholds):
        pair = y_true, y_score >= threshold
        assert precision[i] == point_adjusted_precision(*pair, tracks=tracks)
        assert recall[i] == point_adjusted_recall(*pair, tracks=tracks)


@given(bits, st.data(), st.sampled_from([0.5, 1.0, 2.0]))
@settings(deadline=None, max_examples=50)
def test_best_threshold_beats_every_other_and_is_the_highest_of_its_kind(
    y_true, data, beta
):
    y_true = np.array(y_true) | (np.arange(len(y_true)) == 0)
    same = {"min_size": len(y_true), "max_size": len(y_true)}
    y_score = np.array(data.draw(st.lists(st.integers(0, 8), **same)))
    tracks = np.sort(data.draw(st.lists(st.integers(0, 3), **same)))
    best = best_point_adjusted_f1(y_true, y_score, tracks=tracks, beta=beta)
    tried = {
        t: point_adjusted_fbeta(y_true, y_score >= t, beta=beta, tracks=tracks)
        for t in np.unique(y_score)
    }
    assert best.f == pytest.approx(max(tried.values()))
    equal = [t for t, f in tried.items() if f == pytest.approx(best.f)]
    assert best.threshold == max(equal)
    flags = y_score >= best.threshold
    assert best.f1 == pytest.approx(point_adjusted_f1(y_true, flags, tracks=tracks))
    assert best.precision == point_adjusted_precision(y_true, flags, tracks=tracks)
    assert best.recall == point_adjusted_recall(y_true, flags, tracks=tracks)


def test_curve_without_events_longer_than_a_row_is_scikit_learns():
    rng = np.random.default_rng(0)
    y_true = np.arange(100) % 7 == 0
    y_score = rng.integers(0, 20, 100) / 20
    ours = point_adjusted_curve(y_true, y_score)
    theirs = precision_recall_curve(y_true, y_score)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b)


def test_random_scores_flatter():
    # 10 events of 600 rows in 200,000: uniform scores reach an F1 above 0.9.
    y_true = np.zeros(200_000, dtype=int)
    for start in range(5_000, 200_000, 20_000):
        y_true[start : start + 600] = 1
    draws = np.random.default_rng(0).uniform(size=(5, len(y_true)))
    best = [best_point_adjusted_f1(y_true, y_score).f1 for y_score in draws]
    assert np.mean(best) == pytest.approx(0.93, abs=0.02)


def test_constant_scores_have_one_threshold():
    best = best_point_adjusted_f1([0, 0, 1], [5.0, 5.0, 5.0])
    assert (best.threshold, best.precision, best.recall) == (5.0, 1 / 3, 1.0)
    precision, recall, thresholds = point_adjusted_curve([0, 0, 1], [5, 5, 5])
    assert thresholds.tolist() == [5.0]
    assert (precision[0], recall[0]) == (1 / 3, 1.0)


def test_all_rows_anomalous_are_found_at_the_weakest_event():
    best = best_point_adjusted_f1([1, 1, 1], [3.0, 1.0, 2.0], tracks=["A", "A", "B"])
    assert (best.f1, best.precision, best.recall, best.threshold) == (1, 1, 1, 2)


def test_without_events_the_best_threshold_flags_nothing():
    with pytest.warns(UndefinedMetricWarning, match="no event"):
        best = best_point_adjusted_f1([0, 0], [0.1, 0.2])
    assert best == {
        "f1": 0.0,
        "f": 0.0,
        "precision": 0.0,
        "recall": 0.0,
        "threshold": np.inf,
        "fraction_flagged": 0.0,
    }
    with pytest.warns(UndefinedMetricWarning, match="recall"):
        precision, recall, _ = point_adjusted_curve([0, 0], [0.1, 0.2])
    assert precision.tolist() == [0, 0, 1]
    assert recall.tolist() == [0, 0, 0]


def test_what_is_undefined_is_zero_with_a_warning():
    with pytest.warns(UndefinedMetricWarning, match="nothing is flagged"):
        assert point_adjusted_precision([0, 1], [0, 0]) == 0.0
    with pytest.warns(UndefinedMetricWarning, match="no event"):
        assert point_adjusted_recall([0, 0], [0, 1]) == 0.0
    with pytest.warns(UndefinedMetricWarning, match="F-score"):
        assert point_adjusted_f1([0, 0], [0, 0]) == 0.0


def test_what_is_defined_does_not_warn():
    assert point_adjusted_f1([0, 1], [0, 0]) == 0.0
    assert point_adjusted_f1([0, 0], [0, 1]) == 0.0
    assert point_adjusted_precision([0, 0], [0, 1]) == 0.0
    assert point_adjusted_recall([0, 1], [0, 0]) == 0.0


def test_beta_must_not_be_negative():
    with pytest.raises(ValueError, match="beta"):
        point_adjusted_fbeta([0, 1], [0, 1], beta=-1)
    with pytest.raises(ValueError, match="beta"):
        best_point_adjusted_f1([0, 1], [0, 1], beta="much")


def test_input_is_left_alone():
    index = pd.MultiIndex.from_product([["A", "B"], [0, 1]])
    y_true = pd.Series([0, 1, 1, 0], index=index)
    y_score = np.array([0.1, 0.4, 0.3, 0.2])
    y_score.flags.writeable = False
    before = y_true.copy()
    best = best_point_adjusted_f1(y_true, y_score)
    point_adjust(y_true, y_score >= best.threshold)
    pd.testing.assert_series_equal(y_true, before)
