from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics import naive
from metrics.naive import scored_tracks

from skdsn.metrics import (
    alarm_rates,
    best_point_adjusted_f1,
    best_threshold,
    threshold_curve,
    threshold_for_budget,
)
from skdsn.metrics._catalog import METRICS, find_metric

few = settings(deadline=None, max_examples=30)
CURVES = [name for name, metric in METRICS.items() if metric.curve is not None]
OPTIONS = {
    "row": [{}],
    "point_adjusted": [{}, {"k": 30}, {"k": 100}],
    "event": [{}, {"corrected": False}],
    "overlap": [{}],
    "alarming": [{}],
}


def named(name):
    """The metric with each of its options; beta where it has no default."""
    family = name.rsplit("_", 1)[0]
    beta = {"beta": 0.5} if name.endswith("fbeta") else {}
    return [options | beta for options in OPTIONS[family]]


def test_counts_make_a_curve_and_averages_do_not():
    families = ("row", "point_adjusted", "event", "overlap")
    endings = ("precision", "recall", "f1", "fbeta")
    names = [f"{family}_{ending}" for family in families for ending in endings]
    assert set(CURVES) == {*names, "alarming_precision"}


@pytest.mark.parametrize("name", CURVES)
@given(case=scored_tracks())
@few
def test_a_curve_is_the_metric_at_every_threshold(name, case):
    truth, scores, ids = case
    tracks = naive.read(ids)
    for options in named(name):
        curve = threshold_curve(name, truth, scores, tracks=ids, **options)
        metric = find_metric(name, options)
        np.testing.assert_array_equal(curve.thresholds, np.unique(scores))
        at_each = [
            metric.compute(truth, scores >= t, tracks, **metric.options)
            for t in curve.thresholds
        ]
        value = [figures[metric.figure] for figures in at_each]
        np.testing.assert_allclose(curve.value, value, atol=1e-12)
        for figure in set(curve) - {"thresholds", "value"}:
            expected = [figures[figure] for figures in at_each]
            np.testing.assert_allclose(
                np.broadcast_to(curve[figure], len(expected)), expected, atol=1e-12
            )


@pytest.mark.parametrize("name", CURVES)
@given(case=scored_tracks(event=True))
@few
def test_the_best_threshold_is_that_of_all(name, case):
    truth, scores, ids = case
    for options in named(name):
        best = best_threshold(name, truth, scores, tracks=ids, **options)
        curve = threshold_curve(name, truth, scores, tracks=ids, **options)
        highest = np.nanmax(curve.value)
        assert best.value == pytest.approx(highest)
        row = np.flatnonzero(curve.thresholds == best.threshold)[0]
        assert best.value == curve.value[row] == best[METRICS[name].figure]
        assert not (curve.value[row + 1 :] >= best.value + 1e-12).any()
        assert best.fraction_flagged == (scores >= best.threshold).mean()
        for figure in set(curve) - {"thresholds"}:
            at_row = np.broadcast_to(curve[figure], len(curve.thresholds))[row]
            np.testing.assert_equal(best[figure], at_row)


@given(scored_tracks(event=True), st.sampled_from(["0", "1/2", "1", "2"]))
@few
def test_of_equally_good_thresholds_it_is_the_highest(case, beta):
    truth, scores, ids = case
    beta = Fraction(beta)
    exact = {
        t: naive.event_wise(truth, scores >= t, ids, beta=beta)["f"]
        for t in np.unique(scores)
    }
    best = best_threshold("event_fbeta", truth, scores, tracks=ids, beta=float(beta))
    assert best.value == pytest.approx(float(max(exact.values())))
    assert best.threshold == max(t for t in exact if exact[t] == max(exact.values()))


def test_a_grid_of_thresholds_can_miss_the_best_by_far():
    rng = np.random.default_rng(0)
    y_true = np.repeat([0, 1, 0], [500, 5, 500])
    y_score = rng.uniform(size=1005) + 1e6 * (np.arange(1005) == 0)
    y_score[500:505] += 2
    exact = best_threshold("event_f1", y_true, y_score)
    grid = np.linspace(y_score.min(), y_score.max(), 100)
    curve = threshold_curve("event_f1", y_true, y_score)
    at = np.searchsorted(curve.thresholds, grid)
    assert np.nanmax(curve.value[np.minimum(at, 1004)]) < 0.1 < exact.value


def test_without_an_event_no_threshold_is_best():
    for function in (best_threshold, threshold_curve):
        with pytest.raises(ValueError, match=r"has no exact curve.*row_f1, row_fbeta"):
            function("range_f1", [0, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="no event, so no threshold is best"):
        best_threshold("event_f1", [0, 0], [0.1, 0.2])
    with pytest.raises(ValueError, match="no event"):
        best_point_adjusted_f1([0, 0], [0.1, 0.2])
    # The curve tells what is undefined.
    curve = threshold_curve("event_recall", [0, 0], [0.1, 0.2])
    assert np.isnan(curve.value).all()
    assert curve.false_positives.tolist() == [1, 1]


@given(scored_tracks(), st.integers(0, 5), st.sampled_from([None, "track"]))
@settings(deadline=None, max_examples=60)
def test_a_budget_holds_at_and_above_its_threshold_and_at_none_lower(case, budget, per):
    truth, scores, ids = case
    chosen = threshold_for_budget(
        truth, scores, max_false_alarms=budget, per=per, tracks=ids
    )
    allowed = budget * (len(np.unique(ids)) if per else 1)
    best = np.inf
    for threshold in np.unique(scores)[::-1]:
        figures = naive.event_wise(truth, scores >= threshold, ids)
        if figures["false_positives"] > allowed:
            break
        best = threshold
    assert chosen == best


@pytest.mark.parametrize("budget", [0, 1, 2.5, 12])
def test_a_budget_per_day_counts_days_of_telemetry(budget):
    rng = np.random.default_rng(0)
    times = pd.date_range("2026-03-02", periods=600, freq="5min")
    times = times.where(np.arange(600) < 300, times + pd.Timedelta("9D"))
    index = pd.MultiIndex.from_product([["A", "B"], times])
    y_score = pd.Series(rng.uniform(size=1200), index=index)
    threshold = threshold_for_budget(
        np.zeros(1200), y_score, max_false_alarms=budget, per="day"
    )
    days = 1200 * 300 / 86_400
    rates = alarm_rates(np.zeros(1200), y_score >= threshold)
    assert rates.false_alarms <= budget * days
    lower = y_score[y_score < threshold].max()
    assert alarm_rates(np.zeros(1200), y_score >= lower).false_alarms > budget * days


def test_a_budget_cannot_be_met_by_merging_alarms():
    y_true, y_score = [0, 0, 0, 1], [3.0, 1.0, 4.0, 2.0]
    curve = threshold_curve("event_f1", y_true, y_score)
    assert curve.false_positives.tolist() == [0, 1, 2, 1]
    assert threshold_for_budget(y_true, y_score, max_false_alarms=0) == np.inf
    assert threshold_for_budget(y_true, y_score, max_false_alarms=1) == 4.0
    assert threshold_for_budget(y_true, y_score, max_false_alarms=2) == 1.0


def test_a_budget_needs_no_event_but_per_day_it_needs_times():
    assert threshold_for_budget([0, 0, 0], [1, 3, 2], max_false_alarms=1) == 1.0
    with pytest.raises(ValueError, match="per day need times"):
        threshold_for_budget([0, 0, 0], [1, 3, 2], max_false_alarms=1, per="day")


@pytest.mark.parametrize(
    "options",
    [{"max_false_alarms": b} for b in (-1, "few", None, np.nan, np.inf)]
    + [{"max_false_alarms": 1, "per": "hour"}],
)
def test_a_budget_is_a_number_per_something(options):
    with pytest.raises(ValueError, match=[*options][-1]):
        threshold_for_budget([0, 1], [0, 1], **options)


@pytest.mark.parametrize(
    ("name", "options", "error", "match"),
    [
        ("event_f1", {"k": 5}, TypeError, "no option 'k'; it takes corrected"),
        ("event_fbeta", {}, TypeError, "event_fbeta needs the option 'beta'"),
        ("event_fbeta", {"beta": -1}, ValueError, "'beta' parameter of event_fbeta"),
        ("point_adjusted_f1", {"k": -5}, ValueError, "'k' parameter"),
        ("row_f1", {"corrected": True}, TypeError, "row_f1 has no option"),
        ("event_f3", {}, ValueError, "no metric 'event_f3'; metric_names"),
    ],
)
def test_options_of_the_metric_are_checked(name, options, error, match):
    for function in (threshold_curve, best_threshold):
        with pytest.raises(error, match=match):
            function(name, [0, 1], [0.1, 0.2], **options)


def test_constant_scores_are_refused():
    scored = [0, 0, 1], [5, 5, 5]
    for call in (
        lambda: threshold_curve("event_f1", *scored),
        lambda: best_threshold("event_f1", *scored),
        lambda: threshold_for_budget(*scored, max_false_alarms=1),
    ):
        with pytest.raises(ValueError, match=r"5.0 in all 3 rows.*ranks nothing"):
            call()
