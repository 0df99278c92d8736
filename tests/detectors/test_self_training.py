"""A detector labels rows it is sure of, and learns from them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame
from imblearn.pipeline import make_pipeline
from passes import small_passes, tiny_detector
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.naive_bayes import GaussianNB
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import LinearSVC

from skdsn.base import anomaly_scores
from skdsn.detectors import SelfTrainingDetector, TunedThresholdDetector
from skdsn.labeling import WindowLabeler
from skdsn.streaming import StreamingDetector


class FirstColumn(ClassifierMixin, BaseEstimator):
    """Takes its first column for the probability, and remembers what it was given."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.labels_ = np.asarray(y)
        return self

    def predict_proba(self, X):
        ones = np.asarray(X)[:, 0]
        return np.column_stack([1 - ones, ones])

    def predict(self, X):
        return (np.asarray(X)[:, 0] > 0.5).astype(int)


def with_scores(scores, known):
    """Rows whose probability is told, as two tracks of equal length."""
    X = small_frame((len(scores) // 2,) * 2, n_channels=2, gap=False)
    return X.assign(channel_0=scores), pd.Series(known, index=X.index, name="incident")


@pytest.fixture
def shifted():
    """Ten passes with an event each, which moves all channels; two are labelled."""
    X = small_frame((60,) * 10, n_channels=6, gap=False)
    rng = np.random.default_rng(0)
    position, number = np.tile(np.arange(60), 10), np.repeat(np.arange(10), 60)
    truth = pd.Series((position // 10 == 3).astype(int), index=X.index)
    X[:] = rng.normal(size=X.shape) + 1.2 * truth.to_numpy()[:, None]
    return X, truth, truth.where(number < 1, -1)


def test_rows_are_adopted_by_their_probability():
    scores = [0.0, 0.95, 0.5, 0.9, 0.02, 0.4, 0.95, 0.01, 0.021, 0.89]
    X, y = with_scores(scores, [1, 0] + [-1] * 8)
    detector = SelfTrainingDetector(FirstColumn()).fit(X, y)
    assert detector.labels_.tolist() == [1, 0, -1, 1, 0, -1, 1, 0, -1, -1]
    assert detector.labeled_iter_.tolist() == [0, 0, -1, 1, 1, -1, 1, 1, -1, -1]
    assert detector.history_ == [
        {"iteration": 1, "n_normal": 2, "n_anomalous": 2, "n_unlabelled": 4},
        {"iteration": 2, "n_normal": 0, "n_anomalous": 0, "n_unlabelled": 4},
    ]
    assert detector.termination_condition_ == "no_change"
    assert detector.n_iter_ == 2
    # The detector of now has learnt from the labels of now, and from no other row.
    assert detector.detector_.labels_.tolist() == [1, 0, 1, 0, 1, 0]


def test_runs_that_are_too_short_are_not_adopted():
    scores = [0.95, 0.5, 0.95, 0.95, 0.95, 0.95, 0.95, 0.5, 0.95, 0.5]
    X, y = with_scores(scores, [-1, 0, -1, -1, -1, -1, -1, -1, -1, 1])
    detector = SelfTrainingDetector(FirstColumn(), min_rows=2).fit(X, y)
    # The first track ends after five rows; a row labelled 1 makes a run longer.
    assert detector.labels_.tolist() == [-1, 0, 1, 1, 1, 1, 1, -1, 1, 1]
    longer = SelfTrainingDetector(FirstColumn(), min_rows=3).fit(X, y)
    assert longer.labels_.tolist() == [-1, 0, 1, 1, 1, -1, -1, -1, -1, 1]


def test_labels_given_are_never_changed(shifted):
    X, truth, y = shifted
    wrong = y.where(y == -1, 1 - truth)
    detector = SelfTrainingDetector(GaussianNB()).fit(X, wrong)
    given = (wrong >= 0).to_numpy()
    assert (detector.labels_[given] == wrong[given]).all()
    assert (detector.labeled_iter_[given] == 0).all()
    new = (detector.labels_ >= 0) & ~given
    assert new.any()
    assert (new == (detector.labeled_iter_ > 0)).all()


@pytest.mark.parametrize("max_iter", [1, 2, 10])
def test_rounds_are_as_those_of_scikit_learn(shifted, max_iter):
    X, _, y = shifted
    ours = SelfTrainingDetector(
        LogisticRegression(), anomalous=0.9, normal=0.1, max_iter=max_iter
    ).fit(X, y)
    theirs = SelfTrainingClassifier(
        LogisticRegression(), threshold=0.9 - 1e-12, max_iter=max_iter
    ).fit(X, y)
    assert (ours.labels_ == theirs.transduction_).all()
    assert (ours.labeled_iter_ == theirs.labeled_iter_).all()
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X))
    assert ours.termination_condition_ == theirs.termination_condition_


def test_where_all_rows_are_labelled_nothing_is_left_to_do(shifted):
    X, truth, _ = shifted
    detector = SelfTrainingDetector(LogisticRegression()).fit(X, truth)
    plain = LogisticRegression().fit(X, truth)
    assert (detector.termination_condition_, detector.n_iter_) == ("all_labeled", 0)
    np.testing.assert_array_equal(detector.predict_proba(X), plain.predict_proba(X))
    np.testing.assert_array_equal(
        detector.decision_function(X), plain.decision_function(X)
    )
    assert not hasattr(SelfTrainingDetector(GaussianNB()), "decision_function")


def test_few_labels_go_further_where_the_classes_form_clusters(shifted):
    X, truth, y = shifted
    rng = np.random.default_rng(1)
    fresh_y = (np.arange(3000) % 6 == 0).astype(int)
    fresh = pd.DataFrame(
        rng.normal(size=(3000, 6)) + 1.2 * fresh_y[:, None], columns=X.columns
    ).set_index(pd.MultiIndex.from_product([["fresh"], range(3000)]))
    reached = {}
    for name, detector, labels in [
        ("few", GaussianNB(), y[y >= 0]),
        ("self", SelfTrainingDetector(GaussianNB()), y),
        ("all", GaussianNB(), truth),
    ]:
        fitted = detector.fit(X.loc[labels.index], labels)
        scores = anomaly_scores(fitted, fresh)
        reached[name] = average_precision_score(fresh_y, scores)
    assert reached["few"] + 0.02 < reached["self"] <= reached["all"] + 0.02


# Detectors ------------------------------------------------------------------------


class Seen(TransformerMixin, BaseEstimator):
    """Counts the unlabelled rows that it is fitted on."""

    def fit(self, X, y):
        self.n_unlabelled_ = int((y == -1).sum())
        return self

    def transform(self, X):
        return X


@pytest.mark.parametrize(
    ("steps", "unlabelled", "n_seen"),
    [
        ([], "auto", 0),
        ([WindowLabeler(1)], "auto", 7),
        ([WindowLabeler(1)], "drop", 0),
        ([WindowLabeler(1)], "pass", 7),
    ],
)
def test_unlabelled_rows_are_dropped_or_passed(steps, unlabelled, n_seen):
    X, y = with_scores([0.5] * 9 + [0.95], [0, 1] + [-1] * 8)
    detector = make_pipeline(Seen(), *steps, FirstColumn())
    fitted = SelfTrainingDetector(detector, unlabelled=unlabelled).fit(X, y).detector_
    assert fitted["seen"].n_unlabelled_ == n_seen
    assert fitted[-1].labels_.tolist() == [0, 1, 1]


def test_a_classifier_that_learns_unlabelled_as_a_class_is_refused():
    X, y = with_scores([0.5] * 10, [0, 1] + [-1] * 8)
    detector = SelfTrainingDetector(DummyClassifier(), unlabelled="pass")
    with pytest.raises(ValueError, match=r"takes -1 for a class .* put WindowLabeler"):
        detector.fit(X, y)


def test_a_forest_never_meets_an_unlabelled_row(shifted):
    X, _, y = shifted
    forest = RandomForestClassifier(n_estimators=10, random_state=0)
    detector = SelfTrainingDetector(forest).fit(X, y)
    assert detector.detector_.classes_.tolist() == [0, 1]
    assert set(detector.predict(X)) == {0, 1}


@pytest.fixture(scope="module")
def trained():
    """A recipe trained with half of the tracks unlabelled."""
    X, y = small_passes()
    y = y.where(X.index.get_level_values(0) < "pass-3", -1)
    detector = SelfTrainingDetector(tiny_detector("dsn"), normal=0.05, max_iter=2)
    return detector.fit(X, y), X, y


def test_a_recipe_adopts_rows_beside_those_given(trained):
    detector, _, y = trained
    assert detector.history_[0]["n_normal"] > 0
    assert (detector.labels_[y >= 0] == y[y >= 0]).all()
    # Its forest never meets a row without a label.
    assert detector.detector_.classes_.tolist() == [0, 1]


def test_any_chunking_equals_one_batch(trained):
    detector, X, _ = trained
    stream = StreamingDetector(detector)
    cuts = [7, 50, 51, 130]
    parts = [stream.update(X.iloc[rows]) for rows in np.split(np.arange(len(X)), cuts)]
    streamed = pd.concat(parts)
    batch = anomaly_scores(detector, X)
    np.testing.assert_allclose(streamed["score"], batch, rtol=1e-6, atol=1e-9)
    assert (streamed["anomaly"] == detector.predict(X)).all()


def test_clone_and_pickle_give_the_same(trained):
    detector, X, y = trained
    scores = detector.predict_proba(X)
    moved = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(moved.predict_proba(X), scores)
    again = clone(detector).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), scores)
    assert again.history_ == detector.history_


def test_a_threshold_can_be_tuned_on_what_was_labelled(shifted):
    X, truth, y = shifted
    number = X.index.get_level_values(0)
    y = truth.where(number.isin(["pass-0", "pass-1", "pass-2", "pass-3"]), -1)
    tuned = TunedThresholdDetector(SelfTrainingDetector(GaussianNB()), cv=2).fit(X, y)
    assert 0 < tuned.threshold_ < 1
    scores, flags, _ = tuned.stream_scores(X)
    assert (flags == tuned.predict(X)).all()
    np.testing.assert_array_equal(scores, anomaly_scores(tuned.detector_, X))


# Bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "requires y to be passed, .* without any, use PseudoLabeler"),
        (-1, r"All 600 rows are unlabelled \(-1\), but .* label some tracks"),
        (1, r"All 600 labelled rows are anomalous \(1\), 1 class alone"),
        (0, r"All 600 labelled rows are normal \(0\), 1 class alone"),
        (3, "y must hold 0 .normal. and 1 .anomalous."),
    ],
)
def test_labels_that_tell_nothing_are_refused(shifted, labels, message):
    X, truth, _ = shifted
    y = None if labels is None else truth * 0 + labels
    with pytest.raises(ValueError, match=message):
        SelfTrainingDetector(GaussianNB()).fit(X, y)


def test_detectors_that_are_never_sure_are_refused(shifted):
    X, _, y = shifted
    for detector in (LinearSVC(), IsolationForest()):
        message = f"{type(detector).__name__} has no predict_proba"
        with pytest.raises(TypeError, match=message):
            SelfTrainingDetector(detector).fit(X, y)


def test_thresholds_must_not_cross(shifted):
    X, _, y = shifted
    with pytest.raises(ValueError, match=r"normal=0.9 must be below anomalous=0.5"):
        SelfTrainingDetector(GaussianNB(), anomalous=0.5, normal=0.9).fit(X, y)


def test_a_detector_that_is_not_sure_of_any_row_changes_nothing(shifted):
    X, _, y = shifted
    detector = SelfTrainingDetector(DummyClassifier()).fit(X, y)
    assert (detector.labels_ == y).all()
    assert detector.termination_condition_ == "no_change"
