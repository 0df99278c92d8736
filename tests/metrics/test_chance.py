import numpy as np
import pandas as pd
import pytest
from metrics.naive import quietly, read
from sklearn.metrics import f1_score

from skdsn.metrics import (
    average_precision,
    best_threshold,
    chance_level,
    event_f1,
    event_scoring,
    get_event_scorer,
    skill,
)
from skdsn.metrics._catalog import METRICS

TRACKS = np.repeat([0, 1, 2], [30, 20, 50])
Y = np.zeros(100, dtype=int)
Y[25:33], Y[45], Y[60:80] = 1, 1, 1  # an event on either side of a border

EXACT = {
    "row_precision",
    "row_recall",
    "average_precision",
    "roc_auc",
    "event_recall",
    "overlap_recall",
    "point_adjusted_recall",
    "fraction_flagged",
}


@pytest.mark.parametrize("name", sorted(EXACT))
@pytest.mark.parametrize("flagged", [0.01, 0.1, 0.8])
def test_exact_values_are_those_of_long_simulations(name, flagged):
    chance = chance_level(name, Y, flagged=flagged, tracks=TRACKS, n_random=2)
    assert chance.method == "analytic"
    rng = np.random.default_rng(1)
    metric, draws = METRICS[name], []
    for _ in range(600):
        scores = rng.uniform(size=100)
        flags = scores >= np.sort(scores)[-round(flagged * 100)]
        response = scores if metric.response == "scores" else flags
        draws.append(metric(Y == 1, response, read(TRACKS)))
    error = np.std(draws) / np.sqrt(len(draws))
    assert chance.value == pytest.approx(np.mean(draws), abs=4 * error + 1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_chance_level(name):
    options = {"beta": 0.5} if name.endswith("fbeta") else {}
    options |= {"buffer": 4} if name.startswith("vus") else {}
    index = pd.MultiIndex.from_arrays([TRACKS, np.arange(100)])
    y_true = pd.Series(Y, index=index)
    chance = chance_level(name, y_true, flagged=0.1, n_random=20, **options)
    assert chance.method == ("analytic" if name in EXACT else "simulated")
    assert chance.low <= chance.high
    if chance.method == "simulated":
        assert chance.low <= chance.value <= chance.high
    assert chance.n_random == 20


def test_average_precision_is_a_bit_more_than_the_share_of_anomalous_rows():
    # The mean over all orders of 2 anomalous rows among 3: of 1, 5/6 and 7/12.
    chance = chance_level("average_precision", [0, 1, 1], n_random=1)
    assert chance.value == pytest.approx((1 + 5 / 6 + 7 / 12) / 3)
    assert chance_level("average_precision", Y, n_random=1).value > Y.mean()


def test_so_many_rows_are_flagged_as_told():
    share = chance_level("fraction_flagged", Y, flagged=0.07, n_random=3)
    assert (share.low, share.high, share.value) == (0.07, 0.07, 0.07)
    y_pred = np.arange(100) < 13
    for flagged in (y_pred, pd.Series(y_pred), pd.DataFrame({"flag": y_pred})):
        alike = chance_level("event_f1", Y, flagged=flagged, n_random=5)
        assert alike == chance_level("event_f1", Y, flagged=0.13, n_random=5)


def test_the_best_threshold_flatters_random_scores_more_than_a_fixed_one():
    best = chance_level("row_f1", Y, flagged="best", n_random=30)
    fixed = chance_level("row_f1", Y, flagged=0.1, n_random=30)
    assert best.value > fixed.value
    rng = np.random.RandomState(0)
    draws = [best_threshold("row_f1", Y, rng.uniform(size=100)) for _ in range(30)]
    assert best.value == pytest.approx(np.mean([draw.value for draw in draws]))


def test_seeds_repeat_and_the_global_one_is_left_alone():
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.uniform()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    how = {"flagged": 0.1, "n_random": 10}
    first = chance_level("event_f1", Y, random_state=3, **how)
    assert first == chance_level("event_f1", Y, random_state=3, **how)
    assert first.value != chance_level("event_f1", Y, random_state=4, **how).value
    assert np.random.uniform() == expected  # noqa: NPY002
    generator = np.random.RandomState(3)
    assert first == chance_level("event_f1", Y, random_state=generator, **how)


def test_the_interval_narrows_with_its_level():
    wide, narrow = (
        chance_level("event_f1", Y, flagged=0.1, level=level) for level in (0.95, 0.5)
    )
    assert wide.low <= narrow.low <= narrow.high <= wide.high
    assert wide.value == narrow.value


def test_a_metric_of_your_own_is_simulated_whatever_its_name():
    def row_recall(y_true, y_pred):
        return 7.0

    chance = chance_level(row_recall, Y, flagged=0.1, n_random=3)
    assert (chance.value, chance.method) == (7.0, "simulated")
    theirs = chance_level(f1_score, Y, flagged=0.1, n_random=40)
    assert theirs.value == pytest.approx(
        chance_level("row_f1", Y, flagged=0.1, n_random=40).value
    )
    # One of the package is told the tracks, and its options.
    by_name = chance_level("overlap_f1", Y, flagged=0.1, tracks=TRACKS)
    options = {"flagged": 0.1, "tracks": TRACKS, "corrected": False}
    assert chance_level(event_f1, Y, **options) == by_name


def test_a_scorer_is_a_metric_with_options():
    scorer = get_event_scorer("point_adjusted_f1", k=20)
    chance = chance_level(scorer, Y, flagged=0.1, n_random=5)
    named = chance_level("point_adjusted_f1", Y, flagged=0.1, n_random=5, k=20)
    assert chance == named
    with pytest.raises(ValueError, match="One metric is asked for"):
        chance_level(event_scoring("row_f1", "roc_auc"), Y, flagged=0.1)


@pytest.mark.parametrize("y_true", [[0] * 20, [1] * 20])
def test_labels_of_one_class_have_a_chance_level_where_it_is_defined(y_true):
    value = 1.0 if y_true[0] else 0.0
    assert chance_level("row_precision", y_true, flagged=0.1).value == value
    chance = quietly(chance_level, "roc_auc", y_true)
    assert np.isnan([chance.value, chance.low, chance.high]).all()
    chance = quietly(chance_level, "event_recall", [0] * 20, flagged=0.1)
    assert np.isnan([chance.value, chance.low, chance.high]).all()


def test_nothing_flagged_finds_nothing():
    chance = chance_level("event_recall", Y, flagged=0.0, n_random=3)
    assert (chance.value, chance.low, chance.high) == (0, 0, 0)


@pytest.mark.parametrize(
    ("metric", "options", "error", "match"),
    [
        ("event_f1", {}, ValueError, "event_f1 is computed from flags"),
        ("event_f1", {"flagged": 1.5}, ValueError, "share from 0 to 1.*got 1.5"),
        ("event_f1", {"flagged": "bets"}, ValueError, "share from 0 to 1.*'bets'"),
        ("event_f1", {"flagged": [0, 1]}, ValueError, "flagged has 2; inconsistent"),
        ("event_f1", {"flagged": [0.3] * 100}, ValueError, "flagged must hold 0"),
        ("range_f1", {"flagged": "best"}, ValueError, "no exact best threshold"),
        ("event_f1", {"flagged": 0.1, "k": 1}, TypeError, "no option 'k'"),
        ("vus_pr", {}, TypeError, "vus_pr needs the option 'buffer'"),
        ("event_f1", {"flagged": 0.1, "level": 1}, ValueError, "level"),
        ("event_f1", {"flagged": 0.1, "n_random": 0}, ValueError, "n_random"),
    ],
)
def test_mistakes_are_told(metric, options, error, match):
    with pytest.raises(error, match=match):
        chance_level(metric, Y, **options)


def test_labels_without_rows_are_refused():
    with pytest.raises(ValueError, match="no rows"):
        chance_level("event_f1", [], flagged=0.1)


def test_skill_is_the_way_from_chance_to_the_best():
    assert skill(0.97, 0.96) == pytest.approx(0.25)
    assert skill(0.5, 0.5) == 0
    assert skill(1.0, 0.3) == 1
    assert skill(2.0, 4.0, best=0) == 0.5  # half of the delay of chance
    assert skill(6.0, 4.0, best=0) == -0.5
    assert np.isnan(skill(1.0, 1.0))
    np.testing.assert_array_equal(skill([0.5, 1, 1], [0, 0.5, 1]), [0.5, 1, np.nan])


def test_random_scores_have_no_skill():
    rng = np.random.default_rng(0)
    chance = chance_level("average_precision", Y).value
    draws = [average_precision(Y, rng.uniform(size=100)) for _ in range(300)]
    assert skill(draws, chance).mean() == pytest.approx(0, abs=0.02)
