"""The threshold comes from held-out tracks and is the best one there."""

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedKFold, ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier

from skdsn.base import anomaly_scores
from skdsn.detectors import TunedThresholdDetector
from skdsn.metrics import (
    best_threshold,
    event_f1,
    event_wise_scores,
    find_events,
    point_adjusted_f1,
    point_adjusted_scores,
)
from skdsn.model_selection import StratifiedTrackKFold, WithinTrackChronologicalSplit


class FirstColumn(ClassifierMixin, BaseEstimator):
    """Scores a row by its first column, and learns nothing."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return np.asarray(X)[:, 0]

    def predict(self, X):
        return (self.decision_function(X) > 0).astype(int)


class Forgetful(FirstColumn):
    """Refuses to score a row that it was fitted on."""

    def fit(self, X, y):
        self.seen_ = set(X.index)
        return super().fit(X, y)

    def decision_function(self, X):
        assert not self.seen_ & set(X.index)
        return super().decision_function(X)


class Splits:
    """Gives the splits that it is told."""

    def __init__(self, splits):
        self.splits = splits

    def get_n_splits(self, X=None, y=None, groups=None):
        return len(self.splits)

    def split(self, X, y=None, groups=None):
        yield from self.splits


@pytest.fixture
def passes():
    """Eight passes of noise with an event each, and a score that half sees it."""
    X = small_frame((30,) * 8, n_channels=3, gap=False)
    rng = np.random.default_rng(1)
    position = np.tile(np.arange(30), 8)
    y = pd.Series((position // 5 == 2).astype(int), index=X.index)
    X["channel_0"] = rng.normal(size=len(X)).round(2) + 1.5 * y
    return X, y


# Held-out tracks ------------------------------------------------------------------


@pytest.mark.parametrize("cv", [None, 2, 4, 0.5, 0.25, StratifiedTrackKFold(5)])
def test_no_row_is_scored_by_a_detector_that_saw_it(passes, cv):
    detector = TunedThresholdDetector(Forgetful(), cv=cv).fit(*passes)
    assert np.isfinite(detector.threshold_)
    # In the end the detector is fitted on all rows.
    assert detector.detector_.seen_ == set(passes[0].index)


def test_a_memory_of_the_training_rows_earns_nothing(passes):
    X, y = passes
    X = X.assign(channel_0=0.0)
    memory = KNeighborsClassifier(1)
    in_sample = anomaly_scores(clone(memory).fit(X, y), X)
    assert event_f1(y, in_sample > 0.5) == 1.0
    assert TunedThresholdDetector(memory, cv=4).fit(X, y).score_ < 0.9


def test_the_threshold_is_the_best_for_the_held_out_scores(passes):
    X, y = passes
    scores = np.empty(len(X))
    for train, test in StratifiedTrackKFold(4).split(X, y):
        part = LogisticRegression().fit(X.iloc[train], y.iloc[train])
        scores[test] = part.predict_proba(X.iloc[test])[:, 1]
    best = best_threshold("event_f1", y, scores)
    detector = TunedThresholdDetector(LogisticRegression(), cv=4).fit(X, y)
    for below in np.unique(scores[scores < best.threshold])[::-1]:
        if event_wise_scores(y, scores >= below)["f"] < best.value - 1e-9:
            break
    assert detector.threshold_ == pytest.approx((best.threshold + below) / 2)
    assert detector.score_ == pytest.approx(best.value)


def test_a_share_holds_out_a_single_part(passes):
    X, y = passes
    _, test = next(StratifiedTrackKFold(4).split(X, y))
    spoilt = X.copy()
    others = np.setdiff1d(np.arange(len(X)), test)
    spoilt.iloc[others, 0] += 100.0  # a score that only training rows have
    detector = TunedThresholdDetector(FirstColumn(), cv=0.25).fit(spoilt, y)
    best = best_threshold("event_f1", y.iloc[test], X.iloc[test, 0])
    assert detector.score_ == pytest.approx(best.value)
    assert detector.threshold_ < 10


@pytest.mark.parametrize("cv", [None, 2, 0.4])
def test_a_single_track_is_split_in_time(cv):
    X = np.random.default_rng(0).normal(size=(300, 2))
    y = np.arange(300) // 10 % 3 == 1
    X[:, 0] += 3 * y
    share = {None: 1 / 3, 2: 1 / 2, 0.4: 0.4}[cv]
    _, test = next(WithinTrackChronologicalSplit(test_size=share).split(X))
    detector = TunedThresholdDetector(FirstColumn(), cv=cv).fit(X, y.astype(int))
    best = best_threshold("event_f1", y[test], X[test, 0])
    assert detector.score_ == pytest.approx(best.value)


def test_a_fitted_detector_is_used_as_it_is(passes):
    X, y = passes
    fitted = FirstColumn().fit(X, y)
    detector = TunedThresholdDetector(fitted, cv="prefit").fit(X, y)
    assert detector.detector_ is fitted
    assert detector.score_ == pytest.approx(
        best_threshold("event_f1", y, X["channel_0"]).value
    )


def test_a_track_without_labels_trains_but_does_not_count(passes):
    X, y = passes
    unknown = y.mask(y.index.get_level_values(0) == "pass-3", -1)
    spoilt = X.copy()
    spoilt.loc[["pass-3"], "channel_0"] += 50.0
    fitted = FirstColumn().fit(X, y)
    one = TunedThresholdDetector(fitted, cv="prefit").fit(X, unknown)
    other = TunedThresholdDetector(fitted, cv="prefit").fit(spoilt, unknown)
    assert one.threshold_ == other.threshold_
    assert one.score_ == other.score_


def test_without_a_held_out_anomaly_no_threshold_is_best(passes):
    X, y = passes
    message = "No held-out row is anomalous.*objective='false_alarms'"
    with pytest.raises(ValueError, match=message):
        TunedThresholdDetector(FirstColumn().fit(X, y), cv="prefit").fit(X, 0 * y)
    quiet = TunedThresholdDetector(
        FirstColumn().fit(X, y),
        cv="prefit",
        objective="false_alarms",
        max_false_alarms=0,
    ).set_params(detector=FirstColumn().fit(X, y))
    assert quiet.fit(X, 0 * y).predict(X).sum() == 0


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (RepeatedKFold(n_splits=2, n_repeats=2, random_state=0), "in two folds"),
        (ShuffleSplit(5, test_size=0.5, random_state=0), "in two folds"),
        (Splits([(np.arange(200), np.arange(100, 240))]), "row 100 .*it learns from"),
        (Splits([(np.arange(200), np.arange(240) > 199)]), "boolean mask of bool"),
        (Splits([(np.arange(200), [])]), "Fold 0 of cv has no row to test"),
    ],
    ids=["repeated", "shuffled", "overlapping", "mask", "empty"],
)
def test_splits_that_would_mislead_are_refused(passes, cv, message):
    with pytest.raises(ValueError, match=message):
        TunedThresholdDetector(FirstColumn(), cv=cv).fit(*passes)


@pytest.mark.parametrize("objective", ["event", "false_alarms"])
@pytest.mark.parametrize("cv", [2, "prefit"])
def test_a_constant_score_has_no_threshold(passes, cv, objective):
    X, y = passes
    X["channel_0"] = 0.25
    detector = FirstColumn().fit(X, y)
    tuned = TunedThresholdDetector(detector, cv=cv, objective=objective)
    message = "gives all 240 held-out rows the score 0.25, so no threshold"
    with pytest.raises(ValueError, match=message):
        tuned.fit(X, y)


@pytest.mark.parametrize(
    ("cv", "name"), [(2, "The detector of fold 1"), ("prefit", "The fitted detector")]
)
def test_a_score_that_is_no_number_is_named(passes, cv, name):
    X, y = passes
    X.iloc[130, 0] = np.nan
    detector = FirstColumn().fit(X, y)
    message = rf"{name} gives a score that is nan in row 130 of X \(.*pass-4"
    with pytest.raises(ValueError, match=message):
        TunedThresholdDetector(detector, cv=cv).fit(X, y)


def test_labels_are_required(passes):
    with pytest.raises(ValueError, match="requires y to be passed"):
        TunedThresholdDetector(FirstColumn()).fit(passes[0], None)


def test_other_labels_are_refused(passes):
    X, y = passes
    with pytest.raises(ValueError, match=r"\(y == -1\).astype\(int\)"):
        TunedThresholdDetector(FirstColumn()).fit(X, 1 - 2 * y)


# Objectives -----------------------------------------------------------------------


def prefit(X, y, **options):
    fitted = FirstColumn().fit(X, y)
    return TunedThresholdDetector(fitted, cv="prefit", **options).fit(X, y)


@pytest.mark.parametrize(
    ("objective", "beta", "metric"),
    [
        ("event", 1.0, event_f1),
        ("event", 0.5, lambda y, flags: event_wise_scores(y, flags, beta=0.5).f),
        ("point_adjusted", 1.0, point_adjusted_f1),
        (
            "point_adjusted",
            2.0,
            lambda y, flags: point_adjusted_scores(y, flags, beta=2.0).f,
        ),
    ],
    ids=["event", "event-0.5", "point_adjusted", "point_adjusted-2"],
)
def test_no_other_threshold_serves_the_objective_better(
    passes, objective, beta, metric
):
    X, y = passes
    detector = prefit(X, y, objective=objective, beta=beta)
    scores = X["channel_0"]
    reached = metric(y, pd.Series(detector.predict(X), index=X.index))
    assert detector.score_ == pytest.approx(reached)
    # All but the highest score, which flags nothing.
    others = [metric(y, (scores > t).astype(int)) for t in np.unique(scores)[:-1]]
    assert detector.score_ == pytest.approx(max(others))


def false_alarms(y, flags):
    """Alarms without an anomalous row, by counting them one by one."""
    alarms = find_events(pd.Series(flags, index=y.index))
    rows = y.to_numpy()
    return sum(
        not rows[begin:stop].any()
        for begin, stop in zip(alarms["start"], alarms["stop"], strict=True)
    )


@pytest.mark.parametrize("per_day", [0, 0.4, 1, 3])
def test_the_budget_of_false_alarms_is_kept_and_used(passes, per_day):
    X, y = passes
    # A row an hour: eight passes of 30 rows are ten days.
    hours = pd.to_timedelta(np.tile(np.arange(30), 8), unit="h")
    X.index = y.index = pd.MultiIndex.from_arrays(
        [X.index.get_level_values(0), pd.Timestamp("2026-03-02") + hours]
    )
    detector = prefit(X, y, objective="false_alarms", max_false_alarms=per_day)
    scores = X["channel_0"].to_numpy()
    raised = false_alarms(y, detector.predict(X))
    assert raised <= 10 * per_day
    assert detector.score_ == pytest.approx(raised / 10)
    following = scores[scores < detector.threshold_].max()
    assert false_alarms(y, (scores >= following).astype(int)) > 10 * per_day


def test_the_threshold_lies_halfway_to_the_next_score():
    X = np.array([[0.0], [1.0], [4.0], [0.5]])
    y = [0, 0, 1, 0]
    detector = prefit(X, y)
    assert detector.threshold_ == 2.5


def test_where_all_rows_are_best_flagged_the_lowest_score_is_flagged_too():
    X = np.array([[2.0], [2.0], [1.0]])
    detector = prefit(X, [1, 0, 1], objective="point_adjusted")
    assert detector.predict(X).tolist() == [1, 1, 1]


# Decisions ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "detector",
    [LogisticRegression(), IsolationForest(n_estimators=20, random_state=0)],
    ids=lambda detector: type(detector).__name__,
)
def test_the_sign_of_the_decision_is_the_prediction(passes, detector):
    X, y = passes
    tuned = TunedThresholdDetector(detector, cv=2).fit(X, y)
    flags, decision = tuned.predict(X), tuned.decision_function(X)
    assert set(flags) == {0, 1}
    assert (flags == (decision > 0)).all()
    scores = anomaly_scores(tuned.detector_, X)
    np.testing.assert_allclose(decision, scores - tuned.threshold_)
    streamed, streamed_flags, _ = tuned.stream_scores(X)
    own = scores if hasattr(tuned, "predict_proba") else decision
    assert (streamed == own).all()
    assert (streamed_flags == flags).all()


def test_probabilities_are_those_of_the_detector(passes):
    X, y = passes
    tuned = TunedThresholdDetector(LogisticRegression(), cv=2).fit(X, y)
    plain = LogisticRegression().fit(X, y)
    np.testing.assert_allclose(tuned.predict_proba(X), plain.predict_proba(X))
    forest = TunedThresholdDetector(IsolationForest())
    assert not hasattr(forest, "predict_proba")


def test_arrays_are_one_track():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = (np.arange(60) // 5 % 3 == 1).astype(int)
    tuned = TunedThresholdDetector(FirstColumn(), cv=0.5).fit(X.tolist(), y.tolist())
    assert tuned.predict(X).shape == (60,)
    assert tuned.classes_.tolist() == [0, 1]


def test_of_equally_good_thresholds_the_middle_is_taken():
    y = np.tile([0, 0, 1, 0, 0], 4)
    X = np.where(y == 1, 0.9, 0.1)[:, None] + np.linspace(0, 0.05, 20)[:, None]
    detector = TunedThresholdDetector(FirstColumn().fit(X, y), cv="prefit").fit(X, y)
    # One row of each incident above it is enough, and no other.
    best = X[y == 0].max(), X[y == 1].min()
    assert detector.threshold_ == pytest.approx(np.mean(best))
    wider = X + 0.04 * y[:, None] * np.arange(20)[:, None]  # incidents further apart
    again = TunedThresholdDetector(FirstColumn().fit(wider, y), cv="prefit")
    assert again.fit(wider, y).threshold_ < wider[y == 1].min()
