"""Scores are averaged over time: causally, within tracks, the same at any cadence."""

import pickle

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame
from hypothesis import given, settings
from hypothesis import strategies as st
from passes import small_passes, tiny_detector
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    OutlierMixin,
    clone,
    is_classifier,
    is_outlier_detector,
)
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.detectors import (
    AlarmFilter,
    ScoreSmoother,
    SubsequenceNeighborsDetector,
    TunedThresholdDetector,
)
from skdsn.preprocessing import CausalImputer
from skdsn.report import feature_importances, stage_output
from skdsn.streaming import StreamingDetector

some = settings(deadline=None, max_examples=25)
FOREST = RandomForestClassifier(5, random_state=0)


class FirstColumn(ClassifierMixin, BaseEstimator):
    """Scores a row by its first column, and learns nothing."""

    def fit(self, X, y=None):
        self.classes_ = np.array([0, 1])
        return self

    def decision_function(self, X):
        return np.asarray(X)[:, 0]

    def predict(self, X):
        return (self.decision_function(X) > 0).astype(int)


class NoOffset(OutlierMixin, BaseEstimator):
    """An outlier detector that tells no threshold."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def score_samples(self, X):
        return np.zeros(len(X))

    def predict(self, X):
        return np.ones(len(X), dtype=int)


def smooth(values, seconds=None, **options):
    """Smooth the scores of a single track."""
    X = np.asarray(values, dtype=float)[:, None]
    if seconds is not None:
        index = pd.Timestamp("2026-03-02") + pd.to_timedelta(seconds, unit="s")
        X = pd.DataFrame(X, index=index, columns=["score"])
    return ScoreSmoother(FirstColumn(), **options).fit(X).decision_function(X)


# The mean ------------------------------------------------------------------------


@some
@given(
    steps=st.lists(st.integers(10, 500_000), min_size=1, max_size=60),
    halflife=st.integers(500, 10_000_000),
)
def test_the_mean_is_that_of_pandas(steps, halflife):
    times = pd.to_datetime(np.cumsum(steps), unit="ms")
    values = np.random.default_rng(0).normal(size=len(steps))
    ewm = pd.Series(values).ewm(halflife=f"{halflife}ms", times=times)
    out = smooth(values, times - pd.Timestamp(0), halflife=halflife / 1000)
    # A mean near zero is the difference of two scores near one.
    np.testing.assert_allclose(out, ewm.mean(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("cadence", [0.5, 2.25, 10.0])
def test_a_half_life_is_seconds_at_any_cadence(cadence):
    seconds = np.arange(0, 3600, cadence)
    out = smooth(seconds >= 1800, seconds, halflife=60.0)
    late = np.flatnonzero(out > 0.5)[0] * cadence - 1800
    assert abs(late - 60) <= cadence


def test_rows_of_an_array_are_a_second_apart(X):
    values = X["channel_0"].to_numpy()
    expected = smooth(values, np.arange(len(values)), halflife=5)
    np.testing.assert_array_equal(smooth(values, halflife=5), expected)
    np.testing.assert_array_equal(smooth(values, halflife="5s"), expected)


@some
@given(value=st.floats(-1e6, 1e6), halflife=st.floats(1e-3, 1e6))
def test_a_constant_score_stays_what_it_is_to_the_last_digit(value, halflife):
    steps = np.random.default_rng(0).choice([0.7, 2.25, 300.0], size=200)
    assert (
        smooth(np.full(200, value), np.cumsum(steps), halflife=halflife) == value
    ).all()


@pytest.mark.parametrize("halflife", [1e-300, 1e-3, 60.0, 1e300])
def test_long_tracks_stay_finite_and_within_their_scores(halflife):
    values = np.random.default_rng(0).random(100_000)
    out = smooth(values, halflife=halflife)
    assert np.isfinite(out).all()
    assert values.min() <= out.min()
    assert out.max() <= values.max()
    assert out[0] == values[0]
    if halflife < 0.01:
        np.testing.assert_array_equal(out, values)
    if halflife > 1e9:
        assert out[-1] == pytest.approx(values.mean(), rel=1e-12)


def test_a_false_peak_at_the_start_is_forgotten_sooner_than_by_plain_recursion():
    values = np.full(200, 0.1)
    values[0] = 1.0
    seconds = 2.25 * np.arange(200)
    out = smooth(values, seconds, halflife=60.0)
    weight = 0.5 ** (2.25 / 60)
    plain = pd.Series(values).ewm(alpha=1 - weight, adjust=False).mean()
    assert (out > 0.5).sum() <= 2
    assert (plain > 0.5).sum() > 25


# Tracks, gaps and time -----------------------------------------------------------


def test_tracks_and_gaps_are_borders(X, y):
    smoother = ScoreSmoother(FirstColumn(), halflife=5, max_gap=60).fit(X, y)
    out = smoother.decision_function(X)
    for rows in (slice(0, 23), slice(23, 32), slice(32, 47), slice(47, 63)):
        alone = smoother.decision_function(X.iloc[rows])
        np.testing.assert_allclose(out[rows], alone, rtol=1e-12)
        assert out[rows][0] == X["channel_0"].iloc[rows.start]


def test_without_max_gap_scores_fade_over_a_gap(X, y):
    smoother = ScoreSmoother(FirstColumn(), halflife=3600).fit(X, y)
    out, values = smoother.decision_function(X), X["channel_0"].to_numpy()
    before = out[46]
    assert min(before, values[47]) < out[47] < max(before, values[47])
    # Fifteen rows of about half a row each, against one.
    expected = (15 / 2 * before + values[47]) / (15 / 2 + 1)
    assert out[47] == pytest.approx(expected, rel=0.01)


def test_later_rows_change_nothing(X, y):
    smoother = ScoreSmoother(FirstColumn(), halflife=20).fit(X, y)
    changed = X.copy()
    changed.iloc[50:] += 100.0
    before, after = smoother.decision_function(X), smoother.decision_function(changed)
    np.testing.assert_array_equal(before[:50], after[:50])
    assert (before[50:] < after[50:]).all()


def test_what_was_fitted_on_dates_wants_dates(X, y):
    smoother = ScoreSmoother(FirstColumn()).fit(X.loc["pass-0"], y.loc["pass-0"])
    with pytest.raises(ValueError, match="fitted on rows timed by dates"):
        smoother.predict(X.loc["pass-0"].reset_index(drop=True))


# Decisions -----------------------------------------------------------------------


def test_around_a_classifier_it_is_a_classifier(X, y):
    smoother = ScoreSmoother(FOREST, halflife=3).fit(X, y)
    assert is_classifier(smoother)
    assert smoother.classes_.tolist() == [0, 1]
    probability = smoother.predict_proba(X)
    raw = clone(FOREST).fit(X, y).predict_proba(X)[:, 1]
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert np.abs(np.diff(probability[:, 1])).sum() < np.abs(np.diff(raw)).sum()
    np.testing.assert_array_equal(anomaly_scores(smoother, X), probability[:, 1])
    expected = (probability[:, 1] > 0.5).astype(int)
    np.testing.assert_array_equal(smoother.predict(X), expected)
    np.testing.assert_array_equal(smoother.decision_function(X) > 0, expected)
    assert smoother.score(X, y) == (expected == y).mean()
    assert not hasattr(smoother, "score_samples")
    assert not hasattr(smoother, "fit_predict")
    assert not hasattr(ScoreSmoother(LinearSVC()), "predict_proba")


def test_around_an_outlier_detector_it_is_an_outlier_detector(X):
    forest = IsolationForest(n_estimators=9, contamination=0.2, random_state=0)
    smoother = ScoreSmoother(forest, halflife=3).fit(X)
    assert is_outlier_detector(smoother)
    raw = clone(forest).fit(X)
    assert smoother.offset_ == raw.offset_
    scores = smoother.score_samples(X)
    np.testing.assert_allclose(smoother.decision_function(X), scores - raw.offset_)
    flags = smoother.predict(X)
    assert set(flags) == {-1, 1}
    np.testing.assert_array_equal(flags == -1, scores < raw.offset_)
    np.testing.assert_array_equal(clone(smoother).fit_predict(X), flags)
    for name in ("predict_proba", "score", "classes_"):
        assert not hasattr(smoother, name)


def test_the_threshold_is_that_of_the_detector(X, y):
    tuned = TunedThresholdDetector(LogisticRegression(), cv="prefit")
    tuned.set_params(detector=LogisticRegression().fit(X, y)).fit(X, y)
    smoother = ScoreSmoother(FrozenEstimator(tuned)).fit(X)
    assert smoother.threshold_ == tuned.threshold_
    assert ScoreSmoother(LinearSVC()).fit(X, y).threshold_ == 0.0
    assert AlarmFilter(smoother).fit(X, y).offset_ == -tuned.threshold_


# Composition ---------------------------------------------------------------------


PASSES, LABELS = small_passes()
TRAIN = PASSES.index.get_level_values(0).isin(["pass-0", "pass-1", "pass-2"])
NUMBERS = ["c0", "c1", "c2", "often"]
COMPOSED = {
    "tuned": TunedThresholdDetector(
        ScoreSmoother(tiny_detector("dsn"), halflife=5, max_gap=600), cv=2
    ),
    "outlier": ScoreSmoother(
        make_pipeline(
            CausalImputer(),
            SubsequenceNeighborsDetector(length=3, factor=0.5),
        ).set_output(transform="pandas"),
        halflife=4,
    ),
    "twice": ScoreSmoother(
        TunedThresholdDetector(
            ScoreSmoother(make_pipeline(CausalImputer(), LogisticRegression())), cv=2
        )
    ),
}


@pytest.fixture(scope="module")
def composed():
    found = {}
    for name, detector in COMPOSED.items():
        rows = PASSES if name == "tuned" else PASSES[NUMBERS]
        found[name] = clone(detector).fit(rows, LABELS), rows
    return found


def batch(detector, rows):
    scores, flags = anomaly_scores(detector, rows), anomaly_flags(detector, rows)
    return pd.DataFrame({"score": scores, "anomaly": flags.astype(int)}, rows.index)


@pytest.mark.parametrize("name", COMPOSED)
@settings(deadline=None, max_examples=6)
@given(cuts=st.lists(st.integers(1, len(PASSES) - 1), max_size=6, unique=True))
def test_any_chunking_equals_one_batch(composed, name, cuts):
    detector, rows = composed[name]
    stream, parts = StreamingDetector(detector), []
    for part in np.split(np.arange(len(rows)), sorted(cuts)):
        parts.append(stream.update(rows.iloc[part]))
        stream = pickle.loads(pickle.dumps(stream))
    expected = batch(detector, rows)
    pd.testing.assert_frame_equal(pd.concat(parts), expected, rtol=0, atol=1e-6)


@some
@given(cuts=st.lists(st.integers(1, 62), max_size=8, unique=True))
def test_chunks_equal_one_batch_to_rounding_across_tracks_and_gaps(cuts):
    X = small_frame()
    for max_gap in (None, 60):
        smoother = ScoreSmoother(FirstColumn(), halflife=7, max_gap=max_gap).fit(X)
        state, parts = None, []
        for part in np.split(np.arange(len(X)), sorted(cuts)):
            frozen = pickle.dumps(state)
            scores, flags, new = smoother.stream_scores(X.iloc[part], state)
            assert pickle.dumps(state) == frozen
            np.testing.assert_array_equal(flags, scores > 0)
            parts.append(scores)
            state = new
        expected = smoother.decision_function(X)
        np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-12)


def test_chunks_of_arrays_go_on(X, y):
    values, labels = X.loc["pass-0"].to_numpy(), y.loc["pass-0"].to_numpy()
    smoother = ScoreSmoother(LogisticRegression(), halflife=4).fit(values, labels)
    stream = StreamingDetector(smoother)
    parts = [stream.update(part)["score"] for part in np.split(values, [3, 4, 15])]
    np.testing.assert_allclose(
        np.concatenate(parts), smoother.predict_proba(values)[:, 1]
    )


def test_a_stream_refuses_the_past_and_foreign_states(X, y):
    smoother = ScoreSmoother(FirstColumn()).fit(X, y)
    _, _, state = smoother.stream_scores(X.iloc[:10])
    with pytest.raises(ValueError, match="'pass-0' goes back in time"):
        smoother.stream_scores(X.iloc[5:8], state)
    for other in ({"pass-0": (1.0, None)}, 3):
        with pytest.raises(ValueError, match="state must be what the call"):
            smoother.stream_scores(X.iloc[10:], other)


def test_a_finished_track_is_forgotten(X, y):
    stream = StreamingDetector(ScoreSmoother(FirstColumn()).fit(X, y))
    stream.update(X)
    stream.forget("pass-0", "pass-1")
    assert list(stream._state["means"]) == ["pass-2"]
    assert len(pickle.dumps(stream._state)) < 500


def test_its_memory_is_not_lost_in_a_union(X, y):
    class Member(ScoreSmoother):
        def transform(self, X):
            return self.predict_proba(X)

    union = FeatureUnion([("smooth", Member(LogisticRegression()))])
    detector = make_pipeline(union, LogisticRegression()).fit(X, y)
    with pytest.raises(TypeError, match="Member has memory, which a FeatureUnion"):
        StreamingDetector(detector)


def test_a_fitted_pipeline_is_used_as_it_is_and_streams():
    pipeline = tiny_detector("dsn").fit(PASSES[TRAIN], LABELS[TRAIN])
    held_out = PASSES[~TRAIN], LABELS[~TRAIN]
    smoother = ScoreSmoother(FrozenEstimator(pipeline), halflife=5).fit(held_out[0])
    assert smoother.detector_ is pipeline
    tuned = TunedThresholdDetector(smoother, cv="prefit").fit(*held_out)
    moved = pickle.loads(pickle.dumps(tuned))
    stream = StreamingDetector(moved)
    parts = [
        stream.update(PASSES.iloc[at : at + 40]) for at in range(0, len(PASSES), 40)
    ]
    expected = batch(tuned, PASSES)
    pd.testing.assert_frame_equal(pd.concat(parts), expected, rtol=0, atol=1e-6)
    # The same in one go: what is frozen is no more fitted in the folds.
    folds = TunedThresholdDetector(
        ScoreSmoother(FrozenEstimator(pipeline), halflife=5), cv=2
    ).fit(*held_out)
    assert folds.threshold_ == tuned.threshold_


def test_reports_find_the_pipeline_within(X, y):
    pipeline = make_pipeline(StandardScaler(), FOREST).fit(X, y)
    for smoother in (
        ScoreSmoother(pipeline),
        ScoreSmoother(FrozenEstimator(pipeline)),
        ScoreSmoother(
            GridSearchCV(pipeline, {}, cv=PredefinedSplit(np.arange(63) % 2))
        ),
    ):
        tuned = TunedThresholdDetector(smoother.fit(X, y), cv="prefit").fit(X, y)
        found = feature_importances(tuned)
        pd.testing.assert_series_equal(found, feature_importances(pipeline))
        scaled = stage_output(tuned, X, "standardscaler")
        np.testing.assert_allclose(scaled, pipeline[:-1].transform(X))


def test_parameters_reach_the_detector_and_take_effect_after_fit(X, y):
    smoother = ScoreSmoother(make_pipeline(StandardScaler(), LogisticRegression()))
    smoother.set_params(detector__logisticregression__C=0.5, halflife=2)
    assert clone(smoother).fit(X, y).detector_[-1].C == 0.5
    fitted = smoother.fit(X, y)
    before = fitted.predict_proba(X)
    after = fitted.set_params(halflife="20s").predict_proba(X)
    expected = clone(smoother).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(after, expected)
    assert (before != after).any()
    moved = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(moved.predict_proba(X), after)


# Errors --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"halflife": 0}, "'halflife' parameter"),
        ({"halflife": "0s"}, "halflife must be positive; got '0s'"),
        ({"halflife": "fast"}, "halflife must be .* got 'fast'"),
        ({"halflife": "60"}, "halflife must be seconds or a time with its unit"),
        ({"max_gap": "-1s"}, "max_gap must be positive"),
    ],
    ids=str,
)
def test_what_is_no_time_is_refused(X, y, options, message):
    with pytest.raises(ValueError, match=message):
        ScoreSmoother(FirstColumn(), **options).fit(X, y)


def test_what_gives_no_score_is_refused(X, y):
    with pytest.raises(TypeError, match="LinearRegression gives no scores to smooth"):
        ScoreSmoother(LinearRegression()).fit(X, y)
    with pytest.raises(TypeError, match="NoOffset has no offset_"):
        ScoreSmoother(NoOffset()).fit(X)


def test_a_score_that_is_no_number_is_named_and_spoils_no_mean(X, y):
    smoother = ScoreSmoother(FirstColumn()).fit(X, y)
    X.iloc[40, 0] = np.nan
    message = r"The detector gives a score that is nan in row 40 of X \(.*pass-2"
    with pytest.raises(ValueError, match=message):
        smoother.predict(X)


def test_labels_of_other_rows_are_refused(X, y):
    with pytest.raises(ValueError, match="different indexes"):
        ScoreSmoother(FirstColumn()).fit(X, y[::-1])


class WithoutLabels(ScoreSmoother):
    """The checks bring labels that are not 0 and 1."""

    def fit(self, X, y=None):
        return super().fit(X)


@parametrize_with_checks(
    [WithoutLabels(IsolationForest(n_estimators=5, random_state=0), halflife=2.0)],
    expected_failed_checks=lambda _: dict.fromkeys(
        ["check_methods_sample_order_invariance", "check_methods_subset_invariance"],
        "a row depends on the rows before it",
    ),
    xfail_strict=True,
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks_around_an_outlier_detector(estimator, check):
    check(estimator)
