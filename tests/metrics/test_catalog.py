"""Laws that all metrics obey, by their names."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from metrics.naive import scored_tracks

from skdsn.metrics import get_event_scorer, metric_names
from skdsn.metrics._catalog import METRICS, evaluate, find_metric, read_metrics
from skdsn.metrics._inputs import find_tracks

few = settings(deadline=None, max_examples=15)
every_metric = pytest.mark.parametrize("name", METRICS)


def metric_of(name, **options):
    options |= {"beta": 0.5} if name.endswith("fbeta") else {}
    options |= {"buffer": 4} if name.startswith("vus") else {}
    return find_metric(name, options)


def value_of(metric, truth, scores, tracks):
    response = scores if metric.response == "scores" else scores > 0
    return metric(truth, response, tracks)


def with_times(ids, seconds):
    return find_tracks(len(ids), pd.MultiIndex.from_arrays([ids, seconds]))


def test_names_are_unique_and_told_in_order():
    assert metric_names() == [metric.name for metric in METRICS.values()]
    assert len(metric_names()) == 40
    assert "event_f1" in metric_names()


@every_metric
def test_a_perfect_detector_gets_the_best_value(name):
    if name == "fraction_flagged":
        return  # neither good nor bad in itself
    options = {"variant": "tsb_ad"} if name.startswith("vus") else {}
    metric = metric_of(name, **options)
    truth = np.tile(np.repeat([False, True, False], [5, 4, 7]), 3)
    index = pd.MultiIndex.from_product([["A", "B", "C"], np.arange(16) * 30])
    tracks = find_tracks(48, index)
    scores = np.where(truth, 1.0, 0.0) + np.linspace(-0.4, -0.1, 48)
    value = value_of(metric, truth, scores, tracks)
    assert value == pytest.approx(metric.best)
    poor = value_of(metric, truth, np.roll(scores, 7), tracks)
    if name == "mean_delay":
        assert np.isnan(poor)  # nothing is detected
    elif metric.greater_is_better:
        assert not poor >= metric.best - 0.01
    else:
        assert poor > metric.best


@every_metric
@given(case=scored_tracks(event=True), order=st.randoms(use_true_random=False))
@few
def test_the_order_of_tracks_and_their_names_do_not_matter(name, case, order):
    truth, scores, ids = case
    metric = metric_of(name)
    seconds = np.arange(len(ids)) * 20
    parts = [np.flatnonzero(ids == track) for track in np.unique(ids)]
    assume(max(map(len, parts)) > 1)
    order.shuffle(parts)
    rows = np.concatenate(parts)
    names = np.array([f"pass {(7 * track) % 5}" for track in ids])
    here = value_of(metric, truth, scores, with_times(ids, seconds))
    there = value_of(
        metric, truth[rows], scores[rows], with_times(names[rows], seconds[rows])
    )
    assert there == pytest.approx(here, nan_ok=True)


BETWEEN = [
    name
    for name in METRICS
    if name.startswith(("overlap", "telemanom", "range", "point_adjusted"))
    or name in ("event_recall", "alarming_precision", "false_alarms", "mean_delay")
]


@pytest.mark.parametrize("name", BETWEEN)
@given(case=scored_tracks(event=True))
@few
def test_a_border_parts_events_and_alarms_as_a_normal_row_does(name, case):
    truth, scores, ids = case
    metric = metric_of(name)
    borders = np.flatnonzero(np.diff(ids)) + 1
    here = value_of(metric, truth, scores, find_tracks(len(ids), ids))
    parted = np.insert(truth, borders, False), np.insert(scores, borders, -9.0)
    there = value_of(metric, *parted, find_tracks(len(parted[0])))
    assert there == pytest.approx(here, nan_ok=True)


@every_metric
@given(case=scored_tracks(event=True))
@few
def test_time_may_be_told_in_any_unit_and_from_any_origin(name, case):
    truth, scores, ids = case
    metric = metric_of(name)
    seconds = np.arange(len(ids)) * 20
    stamps = pd.Timestamp("2026-03-02", tz="Europe/Madrid") + pd.to_timedelta(
        seconds, unit="s"
    )
    values = [
        value_of(metric, truth, scores, with_times(ids, times))
        for times in (seconds, seconds + 10**9, stamps, stamps.as_unit("ms"))
    ]
    np.testing.assert_allclose(values, values[0])


@every_metric
@given(case=scored_tracks(event=True))
@few
def test_scores_that_rank_alike_are_worth_the_same(name, case):
    truth, scores, ids = case
    metric, tracks = metric_of(name), find_tracks(len(ids), ids)
    here = value_of(metric, truth, scores, tracks)
    there = value_of(metric, truth, scores**3 * 100, tracks)
    assert there == pytest.approx(here, nan_ok=True)


def test_a_family_is_computed_once():
    calls = []

    def counted(truth, flags, tracks, *, beta=1.0):
        calls.append(beta)
        return {"precision": 0.5, "recall": 0.25}

    first = replace(METRICS["row_precision"], compute=counted)
    second = replace(METRICS["row_recall"], compute=counted)
    third = replace(METRICS["row_fbeta"], compute=counted, figure="recall")
    third = third.with_options({"beta": 2.0})
    metrics = {"a": first, "b": second, "c": third}
    flags = np.array([True, False])
    values = evaluate(metrics, flags, flags, None, find_tracks(2))
    assert values == {"a": 0.5, "b": 0.25, "c": 0.25}
    assert calls == [1.0, 2.0]


def test_metrics_of_scores_are_left_out_without_any():
    metrics = read_metrics(["row_f1", "roc_auc"])
    flags = np.array([True, False])
    assert evaluate(metrics, flags, flags, None, find_tracks(2)) == {"row_f1": 1.0}


def test_a_name_stands_for_one_set_of_options():
    share = get_event_scorer("point_adjusted_f1", k=20)
    assert read_metrics([share])["point_adjusted_f1"].options == {"k": 20}
    assert list(read_metrics(["row_f1", share, "row_f1"])) == [
        "row_f1",
        "point_adjusted_f1",
    ]
    with pytest.raises(ValueError, match="point_adjusted_f1 is asked for twice"):
        read_metrics(["point_adjusted_f1", share])


@pytest.mark.parametrize(
    ("name", "options", "error", "match"),
    [
        ("event_f4", {}, ValueError, "There is no metric 'event_f4'; metric_names"),
        (None, {}, ValueError, "There is no metric None"),
        ("vus_pr", {}, TypeError, "vus_pr needs the option 'buffer'"),
        ("vus_pr", {"buffer": -1}, ValueError, "'buffer' parameter of vus_pr"),
        ("vus_pr", {"buffer": 1, "variant": "x"}, ValueError, "'variant' parameter"),
        ("range_fbeta", {"alpha": 1}, TypeError, "range_fbeta needs the option 'beta'"),
        ("range_f1", {"bias": "left"}, ValueError, "'bias' parameter of range_f1"),
        ("affiliation_f1", {"variant": "ESA"}, ValueError, "'variant' parameter"),
        ("event_f1", {"beta": 2.0}, TypeError, "no option 'beta'; it takes corrected"),
        ("telemanom_f1", {"matching": "many"}, TypeError, "has no option 'matching'"),
        (
            "point_adjusted_area",
            {"k": 1},
            TypeError,
            "has no option 'k'; it takes none",
        ),
        ("roc_auc", {"beta": 1}, TypeError, "roc_auc has no option 'beta'"),
    ],
)
def test_mistakes_in_options_are_told(name, options, error, match):
    with pytest.raises(error, match=match):
        find_metric(name, options)
