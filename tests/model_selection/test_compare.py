import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression

from skdsn.metrics import (
    compare_scores,
    get_event_scorer,
    persistence_scores,
    training_range_scores,
)
from skdsn.model_selection import StratifiedTrackKFold, compare, cross_val_report
from skdsn.tracks import stack_tracks

METRICS = ("event_f1", "average_precision")


class Channel(ClassifierMixin, BaseEstimator):
    """Scores by a channel, on a scale that depends on the fold."""

    def __init__(self, channel=0, scales=False):
        self.channel = channel
        self.scales = scales

    def fit(self, X, y):
        if "T0" in X.index.get_level_values(0) or not self.scales:
            self.scale_ = 1.0
        else:
            self.scale_ = 1000.0
        self.classes_ = np.array([0, 1])
        return self

    def decision_function(self, X):
        return self.scale_ * X.iloc[:, self.channel].to_numpy()

    def predict(self, X):
        return (self.decision_function(X) > 2 * self.scale_).astype(int)


class Unfit(Channel):
    """Cannot be fitted, so that only what is checked before is reached."""

    def fit(self, X, y):
        raise AssertionError("fitted")


@pytest.fixture
def telemetry():
    """Twelve passes with an event each; channel 0 tells of it, channel 1 does not."""
    rng = np.random.default_rng(0)
    X = stack_tracks({f"T{i}": rng.normal(size=(40, 2)) for i in range(12)})
    y = pd.Series(np.tile(np.arange(40) // 8 == 3, 12).astype(int), X.index)
    X.iloc[:, 0] += 3.5 * y
    return X, y


def one(table, metric, detector):
    rows = table[(table["metric"] == metric) & (table["detector"] == detector)]
    assert len(rows) == 1
    return rows.iloc[0]


# Laws -----------------------------------------------------------------------------


def test_a_detector_is_as_good_as_itself(telemetry):
    X, y = telemetry
    twins = {"one": Channel(), "other": Channel()}
    table = compare(twins, X, y, cv=3, baselines=False, n_resamples=30)
    for metric in METRICS:
        this, other = (one(table, metric, name) for name in twins)
        same = ["score", "low", "high", "chance", "skill"]
        assert this[same].tolist() == other[same].tolist()
        gaps = ["difference", "difference_low", "difference_high"]
        assert other[gaps].tolist() == [0, 0, 0]
        assert other["p_value"] == other["p_adjusted"] == 1


def test_a_better_detector_is_found_to_be_better(telemetry):
    X, y = telemetry
    detectors = {"blind": Channel(1), "seeing": Channel(0)}
    table = compare(detectors, X, y, cv=3, baselines=False, n_resamples=99)
    for metric in METRICS:
        seeing = one(table, metric, "seeing")
        assert seeing["difference"] > 0.3
        assert seeing["difference_low"] > 0
        assert seeing["p_value"] <= 0.02
        assert seeing["low"] <= seeing["score"] <= seeing["high"]
        blind = one(table, metric, "blind")
        assert abs(blind["skill"]) < 0.2 < seeing["skill"]


def test_the_difference_turns_round_with_the_reference(telemetry):
    X, y = telemetry
    detectors = {"blind": Channel(1), "seeing": Channel(0)}
    options = {"cv": 3, "baselines": False, "n_resamples": 20}
    forth = compare(detectors, X, y, **options)
    back = compare(detectors, X, y, reference="seeing", **options)
    for metric in METRICS:
        a, b = one(forth, metric, "seeing"), one(back, metric, "blind")
        assert a["difference"] == -b["difference"]
        assert a["difference_low"] == pytest.approx(-b["difference_high"])
        assert a["p_value"] == b["p_value"]


def test_the_seed_decides(telemetry):
    X, y = telemetry
    options = {"cv": 3, "n_resamples": 10, "metrics": ["event_f1"]}
    detectors = {"seeing": Channel(), "blind": Channel(1)}
    first = compare(detectors, X, y, random_state=1, **options)
    again = compare(detectors, X, y, random_state=1, **options)
    other = compare(detectors, X, y, random_state=2, **options)
    pd.testing.assert_frame_equal(first, again)
    assert (first["score"] == other["score"]).all()
    assert (first["low"] != other["low"]).any()


def test_the_scale_of_a_fold_does_not_matter(telemetry):
    X, y = telemetry
    detectors = {"plain": Channel(), "scaled": Channel(scales=True)}
    table = compare(detectors, X, y, cv=3, baselines=False, n_resamples=5)
    plain, scaled = (one(table, METRICS[1], name) for name in detectors)
    assert scaled["score"] == plain["score"]
    # In one report the raw scores are pooled.
    report = cross_val_report(Channel(scales=True), X, y, cv=3)
    assert report.loc["average_precision", "detector"] < plain["score"]


def test_figures_are_those_of_the_held_out_flags(telemetry):
    X, y = telemetry
    detectors = {
        "line": LogisticRegression(),
        "forest": IsolationForest(random_state=0),
    }
    metrics = ["event_f1", "row_recall", "fraction_flagged"]
    table = compare(detectors, X, y, cv=3, metrics=metrics, n_resamples=5)
    for name, detector in detectors.items():
        report = cross_val_report(detector, X, y, cv=3)
        for metric in metrics:
            score = one(table, metric, name)["score"]
            assert score == report.loc[metric, "detector"]


# Undefined figures ----------------------------------------------------------------


def test_a_detector_that_never_flags_has_no_precision_but_a_rank(telemetry):
    X, y = telemetry
    silent = DummyClassifier(strategy="constant", constant=0)
    detectors = {"seeing": Channel(), "silent": silent}
    metrics = ["event_precision", "event_recall", "average_precision"]
    table = compare(detectors, X, y, cv=3, metrics=metrics, n_resamples=30)
    undefined = one(table, "event_precision", "silent")
    assert undefined[["score", "low", "difference", "p_value"]].isna().all()
    recall = one(table, "event_recall", "silent")
    assert recall["score"] == recall["high"] == 0
    assert recall["difference"] < 0
    assert recall["p_value"] < 0.05
    # Its constant score ranks nothing.
    assert np.isnan(one(table, "average_precision", "silent")["score"])
    # As many rows as the reference flags: the baselines still flag some.
    assert one(table, "event_recall", "persistence")["score"] > 0
    silenced = compare(detectors, X, y, cv=3, reference="silent", n_resamples=5)
    assert one(silenced, "event_f1", "persistence")["score"] == 0


# Baselines, reference and what is told of the protocol ----------------------------


def test_baselines_are_rows_of_their_own(telemetry):
    X, y = telemetry
    metrics = ["fraction_flagged", "average_precision"]
    detectors = {"blind": Channel(1), "seeing": Channel()}
    table = compare(
        detectors, X, y, cv=2, metrics=metrics, reference="seeing", n_resamples=5
    )
    names = ["blind", "seeing", "persistence", "training range"]
    assert table["detector"].tolist() == 2 * names
    assert table["metric"].tolist() == [name for name in metrics for _ in range(4)]
    seeing, jumps, limits = (one(table, metrics[0], name) for name in names[1:])
    assert 0.9 * seeing["score"] < jumps["score"] <= seeing["score"]
    excess = np.zeros(len(X))
    for train, test in StratifiedTrackKFold(2).split(X, y):
        normal = X.iloc[train[y.iloc[train] == 0]]
        excess[test] = training_range_scores(X.iloc[test], normal)
    assert limits["score"] == (excess > 0.05).mean()
    answers = {"jumps": (y, persistence_scores(X)), "range": (y, excess)}
    alone = compare_scores(y, answers, metrics=[metrics[1]], n_resamples=5)
    for name, twin in [("jumps", "persistence"), ("range", "training range")]:
        score = one(alone, metrics[1], name)["score"]
        assert one(table, metrics[1], twin)["score"] == pytest.approx(score)


def test_a_baseline_may_be_the_reference(telemetry):
    X, y = telemetry
    options = {"cv": 2, "metrics": ["event_f1"], "n_resamples": 5}
    table = compare({"seeing": Channel()}, X, y, reference="persistence", **options)
    assert table.attrs["reference"] == "persistence"
    gap = table.set_index("detector")["difference"]
    assert np.isnan(gap["persistence"])
    assert gap["seeing"] > 0
    with pytest.raises(ValueError, match="reference must be one of the detectors"):
        compare({"a": Unfit()}, X, y, reference="persistence", baselines=False, cv=2)


def test_the_frame_knows_how_it_came_about(telemetry):
    X, y = telemetry
    # Two passes are only learnt from.
    splits = [
        (train, test[test < 400]) for train, test in StratifiedTrackKFold(3).split(X, y)
    ]
    table = compare({"a": Channel()}, X, y, cv=splits, n_resamples=7, level=0.5)
    expected = {
        "reference": "a",
        "level": 0.5,
        "n_resamples": 7,
        "seed": 0,
        "n_rows": 400,
        "n_tracks": 10,
        "n_events": 10,
        "n_folds": 3,
    }
    assert {name: table.attrs[name] for name in expected} == expected


def test_metrics_may_have_options(telemetry):
    X, y = telemetry
    metrics = [get_event_scorer("event_fbeta", beta=0.5), "event_f1"]
    table = compare({"a": Channel()}, X, y, cv=2, metrics=metrics, n_resamples=5)
    assert table["metric"].unique().tolist() == ["event_fbeta", "event_f1"]
    scores = table[table["detector"] == "a"]["score"]
    assert scores.iloc[0] != scores.iloc[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["event_f2"]}, "no metric 'event_f2'"),
        ({"reference": "c"}, r"reference must be one of .*'b', 'persistence'.*'c'"),
        ({"detectors": {"persistence": Unfit()}}, "named 'persistence'.*rename it"),
        ({"detectors": {}}, "dict of name to detector"),
        ({"detectors": [Unfit()]}, "dict of name to detector"),
    ],
)
def test_mistakes_are_told_before_anything_is_fitted(telemetry, options, message):
    X, y = telemetry
    options = {"detectors": {"a": Unfit(), "b": Unfit()}, "cv": 2} | options
    with pytest.raises(ValueError, match=message):
        compare(options.pop("detectors"), X, y, **options)


def test_detectors_are_left_unfitted(telemetry):
    X, y = telemetry
    detector = Channel()
    compare({"a": detector}, X, y, cv=2, n_resamples=2)
    assert not hasattr(detector, "classes_")
