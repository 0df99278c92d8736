"""Alarms held back, with the reason; and none that matters."""

import pickle
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.detectors import (
    AlarmFilter,
    ErrorSmoother,
    SubsequenceNeighborsDetector,
    TunedThresholdDetector,
    make_channel_detector,
)
from skdsn.detectors import DynamicThresholdDetector as DynamicThreshold

BUMP = 1.5 * np.hanning(40)
ZIGZAG = np.where((np.arange(40) // 5) % 2, 1.2, -1.2)
TRAIN, FIRST, SECOND, THIRD = 1500, 2000, 3000, 4000


def telemetry(*shapes, seed=0, n_rows=5000, period=None):
    """Noise, or a cycle and noise, with the bump twice, then other shapes."""
    x = 0.03 * np.random.default_rng(seed).normal(size=n_rows)
    if period is not None:
        x += np.sin(2 * np.pi * np.arange(n_rows) / period)
    for start, shape in [(FIRST, BUMP), (SECOND, BUMP), *shapes]:
        x[start : start + len(shape)] += shape
    return x[:, None]


def after(events, start, stop=None):
    """What became of the events between two rows of the track."""
    inside = (events["end"] >= start) & (events["start"] < (stop or start + 300))
    return events.loc[inside, "status"].tolist()


@cache
def fitted(kind, **options):
    if kind == "channel":
        detector, options = make_channel_detector(), {"length": 20} | options
    else:
        detector = SubsequenceNeighborsDetector(length=10)
        options = {"length": 10} | options
    return AlarmFilter(detector, **options).fit(telemetry()[:TRAIN])


def taught(kind, X, **options):
    """A filter that knows the first bump of X."""
    alarms = pickle.loads(pickle.dumps(fitted(kind, **options)))
    events = alarms.events(X)
    first = (events["end"] >= FIRST) & (events["start"] < FIRST + 300)
    return alarms.confirm(events[first])


every_kind = pytest.mark.parametrize("kind", ["neighbours", "channel"])


# What is raised, and what is not ------------------------------------------------


@every_kind
@pytest.mark.parametrize("period", [None, 125])
def test_a_confirmed_pattern_is_silent_when_it_comes_back(kind, period):
    X = telemetry((THIRD, BUMP), seed=1, period=period)
    alarms = AlarmFilter(fitted(kind).detector, length=fitted(kind).length)
    alarms.fit(telemetry(period=period)[:TRAIN])
    events = alarms.events(X)
    assert set(events["status"]) == {"alarm"}
    alarms.confirm(events[events["end"] < SECOND], nominal=True)
    for start in (FIRST, SECOND, THIRD):
        assert set(after(alarms.events(X), start)) == {"nominal"}
    assert (alarms.predict(X) == 1).all()
    assert (alarms.decision_function(X) > 0).all()


@every_kind
@pytest.mark.parametrize(
    "shape",
    [3 * BUMP, 1.5 * BUMP, -BUMP, ZIGZAG, np.full(40, 1.5)],
    ids=["larger", "rather larger", "upside down", "zigzag", "step"],
)
def test_anything_else_is_raised(kind, shape):
    X = telemetry((THIRD, shape), seed=1)
    alarms = taught(kind, X)
    assert "alarm" in after(alarms.events(X), THIRD - 100)
    assert set(after(alarms.events(X), SECOND)) == {"nominal"}


@every_kind
def test_what_follows_a_pattern_in_the_same_run_is_raised(kind):
    X = telemetry((THIRD, BUMP), (THIRD + 45, ZIGZAG / 2), seed=1)
    alarms = taught(kind, X)
    raised = np.flatnonzero(alarms.predict(X) == -1)
    assert THIRD + 40 < raised.min() < THIRD + 60


def test_what_follows_a_pattern_is_raised_though_it_is_less_severe():
    X = telemetry((THIRD, BUMP), (THIRD + 48, ZIGZAG / 4), seed=1)
    alarms = taught("neighbours", X)
    events = alarms.events(X)
    assert events["severity"].iloc[-1] < 1.5 * alarms.nominal_patterns_[0].severity
    raised = np.flatnonzero(alarms.predict(X) == -1)
    assert THIRD + 47 < raised.min() < THIRD + 60


def test_a_pattern_that_does_not_end_is_raised():
    plateau, long = np.full(40, 1.5), np.full(400, 1.5)
    X = telemetry((3400, plateau), (THIRD, plateau), (4400, long), seed=1)
    alarms = fitted("neighbours")
    events = alarms.events(X)
    known = (events["start"] > 3300) & (events["start"] < 3500)
    alarms = pickle.loads(pickle.dumps(alarms)).confirm(events[known])
    assert after(alarms.events(X), THIRD) == ["nominal"]
    raised = np.flatnonzero(alarms.predict(X[4200:]) == -1) + 4200
    assert 4440 < raised.min() < 4500
    assert raised.max() >= 4795


def test_what_looks_normal_is_silent_only_up_to_the_severity_confirmed():
    # Only the second channel is alarming, and patterns are those of the first.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 2))
    X[600:620, 1] += 30
    X[900:920, 1] += 60
    detector = SubsequenceNeighborsDetector(length=1)
    alarms = AlarmFilter(detector, channels=["x0"], length=5).fit(X[:400])
    events = alarms.events(X)
    alarms.confirm(events[events["start"] == 600])
    assert "alarm" in after(alarms.events(X), 890)


def test_what_comes_after_a_pattern_is_silent_only_up_to_its_severity():
    rng = np.random.default_rng(0)
    X = 0.1 * rng.normal(size=(1200, 2))
    for start in (600, 800, 1000):  # the first channel tells, the second one goes on
        X[start : start + 20, 0] += 3
        X[start + 2 : start + 32, 1] += 3
    X[1026, 1] += 60
    detector = SubsequenceNeighborsDetector(length=1)
    alarms = AlarmFilter(detector, channels=["x0"], length=5).fit(X[:400])
    events = alarms.events(X)
    alarms.confirm(events[(events["end"] > 590) & (events["start"] < 640)])
    assert set(after(alarms.events(X), 790, 990)) == {"nominal"}
    raised = np.flatnonzero(alarms.predict(X) == -1)
    assert raised.tolist() == [*range(1026, 1032)]


def test_subsequences_with_nan_or_at_the_start_are_not_recognised():
    X = telemetry((THIRD, BUMP), seed=1)
    detector = make_pipeline(_Fill(), SubsequenceNeighborsDetector(length=10))
    alarms = AlarmFilter(detector, length=10).fit(X[:TRAIN])
    events = alarms.events(X)
    alarms.confirm(events[events["end"] < SECOND])
    assert set(alarms.events(X)["status"]) == {"nominal"}
    holed = X.copy()
    holed[THIRD + 12] = np.nan
    assert "alarm" in after(alarms.events(holed), THIRD)
    assert "alarm" in alarms.events(X[THIRD + 15 :])["status"].tolist()
    with pytest.raises(ValueError, match="no subsequence of length=10 rows without"):
        alarms.confirm(alarms.events(X[THIRD + 15 : THIRD + 22]))


class _Fill(OneClassSVM):
    """Stateless: NaN becomes 0."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return np.nan_to_num(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def test_without_options_the_flags_are_those_of_the_detector(X, y):
    forest = IsolationForest(n_estimators=10, contamination=0.2, random_state=0)
    logistic = LogisticRegression(class_weight="balanced")
    sensitive = {"z_min": 1.0, "p": 0.0, "error_buffer": 2}
    late = DynamicThreshold(batch_size=5, window_size=40, **sensitive)
    late = make_pipeline(ErrorSmoother(), late)
    for detector in (
        forest,
        OneClassSVM(nu=0.2),
        logistic,
        LinearSVC(class_weight="balanced"),
        TunedThresholdDetector(logistic, cv=2),
        TunedThresholdDetector(forest, cv=2),
        late,
    ):
        alarms = AlarmFilter(detector).fit(X, y)
        flags = anomaly_flags(clone(detector).fit(X, y), X).astype(bool)
        assert 0 < flags.sum() < len(X)
        np.testing.assert_array_equal(alarms.predict(X) == -1, flags)
        np.testing.assert_array_equal(alarms.decision_function(X) < 0, flags)
        own = anomaly_scores(alarms.detector_, X)
        np.testing.assert_allclose(-alarms.score_samples(X), own, atol=1e-12)
        rows = np.zeros(len(X), dtype=int)
        for event in alarms.events(X).itertuples():
            track = X.index.get_level_values(0) == event.track
            times = X.index.get_level_values(1)
            rows[track & (times >= event.start) & (times <= event.end)] += 1
        np.testing.assert_array_equal(rows, flags)


def test_no_row_is_recognised_by_rows_before_a_step_in_time():
    X = pd.DataFrame(telemetry((THIRD, BUMP), seed=1), columns=["volt"])
    detector = SubsequenceNeighborsDetector(length=10)
    alarms = AlarmFilter(detector, length=10, max_gap=60).fit(X[:TRAIN])
    alarms.confirm(alarms.events(X[:SECOND])[:1])
    assert alarms.predict(X).min() == 1
    late = X.set_axis(X.index + np.where(X.index < THIRD + 15, 0, 900))
    raised = np.flatnonzero(alarms.predict(late) == -1)
    assert raised.min() == THIRD + 15
    assert alarms.set_params(max_gap=None).predict(late).min() == 1


# Confirming ----------------------------------------------------------------------


def test_telemetry_given_later_and_kept_before_are_the_same():
    X = telemetry(seed=1)
    alarms = fitted("neighbours")
    events = alarms.events(X)
    kept = pickle.loads(pickle.dumps(alarms)).confirm(events.iloc[0])
    given = clone(alarms).fit(telemetry()[:TRAIN]).confirm(events[:1], X)
    np.testing.assert_array_equal(kept.score_samples(X), given.score_samples(X))
    assert [str(pattern) for pattern in given.nominal_patterns_] == [
        f"track 0, {events['start'][0]} to {events['end'][0]}"
    ]
    assert len(given.confirm(events, X).confirm(events, X).nominal_patterns_) == 2
    del given.nominal_patterns_[:]
    assert given.events(X)["status"].tolist() == ["alarm", "alarm"]
    assert not hasattr(clone(given), "nominal_patterns_")


def test_events_on_the_same_rows_of_two_arrays_are_two_patterns():
    one, other = (telemetry(seed=1)[:SECOND] for _ in range(2))
    other[FIRST : FIRST + 40, 0] += ZIGZAG - BUMP
    alarms = clone(fitted("neighbours")).fit(telemetry()[:TRAIN])
    key = {"track": [0], "start": [FIRST], "end": [FIRST + 48]}
    for X in (one, other, one):
        alarms.confirm(pd.DataFrame(key), X)
    assert len(alarms.nominal_patterns_) == 2
    assert set(alarms.events(one)["status"]) == {"nominal"}
    assert set(alarms.events(other)["status"]) == {"nominal"}


def test_alarms_of_a_classifier_at_its_very_threshold_are_raised():
    X = np.zeros((400, 1))
    X[[100, 101, 200, 201, 300, 301], 0] = [2, 2, 2, 2, 1, 1]
    y = (X[:, 0] > 0).astype(int)
    detector = FixedThresholdClassifier(DecisionTreeClassifier(), threshold=1.0)
    alarms = AlarmFilter(detector, length=5).fit(X, y)
    events = alarms.events(X)
    assert 0 < events["severity"].max() < 1e-12
    alarms.confirm(events[:1])
    assert alarms.events(X)["status"].tolist() == ["nominal", "nominal", "alarm"]
    with pytest.raises(ValueError, match="cannot be anomalous: it looks like"):
        alarms.confirm(events[1:2], nominal=False)


def test_patterns_and_options_changed_later_take_effect_at_once():
    X = telemetry((THIRD, ZIGZAG), seed=1)
    alarms = clone(fitted("neighbours")).fit(telemetry()[:TRAIN])
    events = alarms.events(X)
    alarms.confirm(events[:1])
    size = len(pickle.dumps(alarms))
    assert alarms.predict(X[:THIRD]).min() == 1
    assert len(pickle.dumps(alarms)) == size
    kept = alarms.nominal_patterns_[0]
    alarms.confirm(events[2:], X)
    del alarms.nominal_patterns_[0]
    assert alarms.events(X)["status"].tolist() == ["alarm", "alarm", "nominal"]
    alarms.nominal_patterns_[0] = kept
    assert alarms.events(X)["status"].tolist() == ["nominal", "nominal", "alarm"]
    alarms.set_params(tolerance=0, length=3)
    assert alarms.events(X)["status"].tolist() == ["nominal", "alarm", "alarm"]
    parts = [alarms.stream_scores(X[:FIRST])]
    parts.append(alarms.stream_scores(X[FIRST:], parts[0][2]))
    streamed = np.concatenate([scores for scores, *_ in parts])
    np.testing.assert_array_equal(streamed, -alarms.score_samples(X))


def test_an_event_like_a_nominal_one_cannot_be_anomalous():
    X = telemetry((THIRD, ZIGZAG), seed=1)
    alarms = taught("neighbours", X)
    events = alarms.events(X)
    message = r"track 0, 3\d+ to 3\d+, cannot be anomalous: .* track 0, 20\d\d to 20"
    with pytest.raises(ValueError, match=message):
        alarms.confirm(events[1:2], nominal=False)
    alarms.confirm(events[events["start"] > 3900], nominal=False)
    del alarms.nominal_patterns_[0]
    alarms.confirm(events[1:2], nominal=False)


@pytest.mark.parametrize(
    ("events", "error", "message"),
    [
        ([3], TypeError, "events must be rows of the table .* got list"),
        (pd.DataFrame({"track": [0]}), ValueError, "events has no column 'start'"),
        ({"track": [], "start": [], "end": []}, ValueError, "there is no event"),
        ({"track": ["Z"], "start": [1], "end": [2]}, ValueError, "'Z' of an event is"),
        ({"track": [0], "start": [1], "end": [9999]}, ValueError, "no row at 9999, on"),
        ({"track": [0], "start": [9], "end": [8]}, ValueError, "ends before it starts"),
    ],
)
def test_mistakes_in_events_are_told(events, error, message):
    events = pd.DataFrame(events) if isinstance(events, dict) else events
    with pytest.raises(error, match=message):
        fitted("neighbours").confirm(events, telemetry())
    assert fitted("neighbours").nominal_patterns_ == []


def test_events_out_of_a_file_are_those_that_went_into_it(tmp_path):
    X = pd.DataFrame(telemetry(), columns=["volt"])
    X.index = pd.date_range("2026-03-01", periods=len(X), freq="min", name="time")
    alarms = AlarmFilter(SubsequenceNeighborsDetector(length=10), length=10)
    alarms.fit(X[:TRAIN])
    events = alarms.events(X)
    events.to_csv(tmp_path / "events.csv", index=False)
    kept = pd.read_csv(tmp_path / "events.csv")
    assert isinstance(kept["start"].iloc[0], str)
    alarms.confirm(events[:1]).confirm(kept[:1]).confirm(kept[:1], X)
    assert len(alarms.nominal_patterns_) == 1
    with pytest.raises(ValueError, match="'start' of events holds text that is no"):
        alarms.confirm(kept[:1].assign(start="soon"))


@pytest.mark.parametrize("nominal", ["no", None, 1, np.array([True])], ids=str)
def test_nominal_is_true_or_false(nominal):
    alarms = fitted("neighbours")
    events = alarms.events(telemetry())
    with pytest.raises(TypeError, match="nominal must be True or False"):
        alarms.confirm(events[:1], nominal=nominal)


@pytest.mark.parametrize("nominal", [True, False])
def test_what_nobody_flagged_is_not_confirmed(nominal):
    alarms = pickle.loads(pickle.dumps(fitted("neighbours", min_severity=10.0)))
    quiet = pd.DataFrame({"track": [0], "start": [100], "end": [150]})
    with pytest.raises(ValueError, match="flags no row of the event on track 0"):
        alarms.confirm(quiet, telemetry(), nominal=nominal)
    assert alarms.min_severity_ == 10.0
    assert alarms.nominal_patterns_ == []


def test_events_that_were_not_listed_need_their_telemetry():
    alarms = fitted("neighbours")
    events = alarms.events(telemetry(seed=1)).assign(end=7)
    with pytest.raises(ValueError, match="to 7, is not one of the 2 that the last"):
        alarms.confirm(events)
    with pytest.raises(NotFittedError):
        clone(alarms).confirm(events)
    with pytest.raises(NotFittedError):
        clone(alarms).events(telemetry())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ["mode"]}, "'mode' holds text"),
        ({"channels": ["speed"]}, "'speed' is no column of X"),
        ({"channels": []}, "there is none"),
        ({"per": "often"}, "per must be"),
    ],
)
def test_mistakes_in_parameters_are_told(X, options, message):
    detector = make_pipeline(_Drop(), IsolationForest(n_estimators=5, random_state=0))
    X = X.assign(mode="idle")
    assert AlarmFilter(detector).fit(X).channels_ == list(X.columns[:-1])
    with pytest.raises(ValueError, match=message):
        AlarmFilter(detector, **options).fit(X)


class _Drop(_Fill):
    """Stateless: drop text."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X.select_dtypes("number")
