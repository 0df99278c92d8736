"""Detectors are compared on the same rows, with tracks as the unit of chance."""

import numpy as np
import pandas as pd
import pytest

from skdsn.metrics import average_precision, compare_scores, event_wise_scores
from skdsn.metrics._compare import _holm


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    tracks = np.repeat(np.arange(24), 40)
    y = np.tile(np.arange(40) // 8 == 2, 24).astype(int)
    good = rng.normal(size=len(y)) + 2.5 * y
    return y, tracks, good, rng.normal(size=len(y))


def test_scores_are_those_of_the_metrics(case):
    y, tracks, good, noise = case
    answers = {"good": (good > 2, good), "noise": (noise > 2, noise)}
    table = compare_scores(y, answers, tracks=tracks, n_resamples=20)
    table = table.set_index(["metric", "detector"])
    for name, (flags, scores) in answers.items():
        expected = event_wise_scores(y, flags, tracks=tracks).f
        assert table.loc[("event_f1", name), "score"] == pytest.approx(expected)
        expected = average_precision(y, scores)
        assert table.loc[("average_precision", name), "score"] == pytest.approx(
            expected
        )
    assert (table["low"] <= table["high"]).all()


def test_a_better_detector_is_told_from_noise(case):
    y, tracks, good, noise = case
    answers = {"good": (good > 2, good), "noise": (noise > 2, noise)}
    table = compare_scores(y, answers, tracks=tracks, n_resamples=99)
    row = table[table["detector"] == "noise"].iloc[0]
    assert row["difference_high"] < 0
    assert row["p_value"] == pytest.approx(0.01)


def test_equal_answers_do_not_differ(case):
    y, tracks, good, _ = case
    answers = {"one": (good > 2, good), "other": (good > 2, 10 * good)}
    table = compare_scores(y, answers, tracks=tracks, n_resamples=20)
    rows = table[table["detector"] == "other"]
    assert (rows["difference"] == 0).all()
    assert (rows["p_value"] == 1).all()


def test_under_the_null_p_values_are_spread_out():
    rng = np.random.default_rng(1)
    tracks = np.repeat(np.arange(10), 20)
    y = np.tile(np.arange(20) // 4 == 2, 10).astype(int)
    p_values = []
    for _ in range(40):
        answers = {name: (y, rng.normal(size=200) + y) for name in "ab"}
        table = compare_scores(
            y, answers, tracks=tracks, metrics="roc_auc", n_resamples=19
        )
        p_values.append(table["p_value"].iloc[1])
    assert 0.3 < np.mean(p_values) < 0.7
    assert np.mean(np.array(p_values) <= 0.1) < 0.3


def test_exchanges_that_are_undefined_do_not_speak_for_a_difference():
    y = np.tile([0, 1, 0, 0], 6)
    tracks = np.repeat(np.arange(6), 4)
    one, other = np.zeros_like(y), np.zeros_like(y)
    one[1], other[6] = 1, 1  # one right alarm, one false alarm
    answers = {"one": (one, None), "other": (other, None)}
    table = compare_scores(
        y, answers, tracks=tracks, metrics="event_precision", n_resamples=50
    )
    assert table["p_value"].iloc[1] == 1.0


def test_constant_scores_leave_their_cells_empty(case):
    y, tracks, good, _ = case
    answers = {"constant": (good > 2, np.zeros(len(y))), "good": (good > 2, good)}
    table = compare_scores(
        y, answers, tracks=tracks, metrics="average_precision", n_resamples=10
    )
    assert np.isnan(table["score"].iloc[0])
    assert np.isnan(table["p_value"].iloc[1])


def test_p_values_are_adjusted_by_the_method_of_holm():
    p_values = pd.Series([0.01, 0.04, np.nan, 0.03])
    # 3 * .01; then 2 * .03; then the last no smaller than that.
    np.testing.assert_allclose(_holm(p_values), [0.03, 0.06, np.nan, 0.06])


def test_seeds_make_tables_repeatable(case):
    y, tracks, good, noise = case
    answers = {"good": (good > 2, good), "noise": (noise > 2, noise)}
    options = {"tracks": tracks, "n_resamples": 10, "random_state": 3}
    pd.testing.assert_frame_equal(
        compare_scores(y, answers, **options), compare_scores(y, answers, **options)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": {"a": ([0, 1, 1],)}}, r"'a' must answer with \(y_pred, y_score\)"),
        ({"reference": "z"}, "reference must be one of the detectors"),
        ({"tracks": None}, "at least two of them"),
        (
            {"answers": {"a": (pd.Series([0, 1], index=[5, 4]), None)}},
            "different index",
        ),
    ],
)
def test_mistakes_are_told(change, message):
    y = pd.Series([0, 1], index=[4, 5])
    options = {"answers": {"a": ([0, 1], None)}, "tracks": ["A", "B"], **change}
    with pytest.raises(ValueError, match=message):
        compare_scores(y, options.pop("answers"), **options)
