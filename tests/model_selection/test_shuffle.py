import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from skdsn._core.runs import find_runs
from skdsn.metrics import event_scoring, get_event_scorer, make_event_scorer
from skdsn.model_selection import label_shuffle_test
from skdsn.model_selection._shuffle import shuffle_incidents
from skdsn.tracks import stack_tracks


class Channel(ClassifierMixin, BaseEstimator):
    """Scores by the first channel, and learns nothing."""

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        return self

    def decision_function(self, X):
        return np.asarray(X)[:, 0]

    def predict(self, X):
        return (self.decision_function(X) > 1).astype(int)


def telemetry(seed, *, n_tracks=6, walk=False):
    rng = np.random.default_rng(seed)
    tracks = {f"T{i}": rng.normal(size=(30, 2)) for i in range(n_tracks)}
    if walk:
        # Drifts, each pass elsewhere.
        tracks = {
            name: values.cumsum(axis=0) + 100 * i
            for i, (name, values) in enumerate(tracks.items())
        }
    # Unlike each other, or few orders of them would differ.
    first, length = rng.integers(3, 20, n_tracks), rng.integers(3, 8, n_tracks)
    since = np.arange(30) - first[:, None]
    X = stack_tracks(tracks)
    y = ((since >= 0) & (since < length[:, None])).ravel().astype(int)
    return X, pd.Series(y, X.index)


def folds(X, n_folds=3):
    """Folds of whole tracks, the same ones for all labels."""
    fold = np.arange(len(X)) // 30 % n_folds
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(3)]


# Incidents ------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(st.lists(st.booleans(), min_size=2, max_size=40).filter(any), st.integers(0, 99))
def test_incidents_keep_their_lengths_and_the_stretches_between_them(labels, seed):
    labels = np.array(labels)
    moved = shuffle_incidents(labels, np.random.RandomState(seed))

    def stretches(labels):
        starts, stops = find_runs(labels, np.array([0, len(labels)]))
        return sorted(stops - starts), sorted(starts[1:] - stops[:-1])

    assert moved.shape == labels.shape
    assert stretches(moved) == stretches(labels)


def test_incidents_are_moved_anywhere():
    labels = np.arange(10) < 2
    random = np.random.RandomState(0)
    starts = {int(np.argmax(shuffle_incidents(labels, random))) for _ in range(200)}
    assert starts == set(range(9))


# What it finds --------------------------------------------------------------------


def test_neighbours_on_both_sides_of_a_fold_are_found_out():
    X, y = telemetry(0, walk=True)
    rows = KFold(5, shuffle=True, random_state=0)
    for metric in ("average_precision", "event_f1"):
        options = {"metric": metric, "n_shuffles": 3, "n_random": 49}
        leak = label_shuffle_test(KNeighborsClassifier(1), X, y, cv=rows, **options)
        assert leak.p_value == 1 / 50
        assert leak.shuffled_scores.mean() > leak.chance + 0.1
        fair = label_shuffle_test(KNeighborsClassifier(1), X, y, cv=folds(X), **options)
        assert fair.p_value > 0.05


def test_a_detector_that_is_good_without_a_leak_passes():
    X, y = telemetry(0)
    X.iloc[:, 0] += 3 * y
    found = label_shuffle_test(GaussianNB(), X, y, cv=folds(X), n_random=49)
    assert found.score > 0.8
    assert found.p_value > 0.05
    assert found.shuffled_scores.max() < 0.5


def test_p_values_on_noise_are_neither_small_nor_large():
    p_values = []
    for seed in range(24):
        X, y = telemetry(seed)
        options = {"n_shuffles": 1, "n_random": 19, "random_state": seed}
        found = label_shuffle_test(GaussianNB(), X, y, cv=folds(X), **options)
        p_values.append(found.p_value)
    # Uniform from 1/20 to 1, the mean of 24 lies within .525 +- .18 (three sigma).
    assert 0.34 < np.mean(p_values) < 0.71
    assert np.mean(np.array(p_values) <= 0.1) < 0.4
    assert np.mean(np.array(p_values) > 0.9) < 0.4


def test_for_metrics_of_which_less_is_better_a_leak_is_less():
    X, y = telemetry(0, walk=True)
    rows = KFold(5, shuffle=True, random_state=0)
    options = {"metric": "false_alarms", "n_shuffles": 3, "n_random": 49}
    found = label_shuffle_test(KNeighborsClassifier(1), X, y, cv=rows, **options)
    assert found.shuffled_scores.mean() < found.chance
    assert found.p_value == 1 / 50


# Figures --------------------------------------------------------------------------


def test_the_seed_decides():
    X, y = telemetry(0)
    options = {"cv": folds(X), "n_shuffles": 2, "n_random": 9}
    first = label_shuffle_test(GaussianNB(), X, y, random_state=1, **options)
    again = label_shuffle_test(GaussianNB(), X, y, random_state=1, **options)
    other = label_shuffle_test(GaussianNB(), X, y, random_state=2, **options)
    assert first.shuffled_scores.tolist() == again.shuffled_scores.tolist()
    assert (first.chance, first.p_value) == (again.chance, again.p_value)
    assert first.shuffled_scores.tolist() != other.shuffled_scores.tolist()
    assert first.score == other.score


def test_chance_is_what_the_same_answers_score_on_average():
    X, y = telemetry(0, n_tracks=30)
    found = label_shuffle_test(
        Channel(), X, y, cv=folds(X), metric="row_precision", n_shuffles=2, n_random=99
    )
    assert found.shuffled_scores.shape == (2,)
    assert found.chance == pytest.approx(y.mean(), abs=0.01)
    assert found.metric == "row_precision"


def test_undefined_figures_are_left_out_of_the_means():
    X, y = telemetry(0)
    # Flags a single row, so that most places of the incidents leave delays undefined.
    X.iloc[:, 0] = 0.0
    X.iloc[5, 0] = 9.0
    options = {"metric": "mean_delay", "n_shuffles": 4, "n_random": 60}
    found = label_shuffle_test(Channel(), X, y, cv=folds(X), **options)
    assert np.isnan(found.score)
    defined = ~np.isnan(found.shuffled_scores)
    assert 0 < defined.sum() < 4
    assert 0 <= found.chance <= 5
    assert 0 < found.p_value <= 1
    # Fewer draws are defined than there are, so the least p-value is larger.
    assert found.p_value >= 2 / 61


@pytest.mark.parametrize("metric", ["event_precision", "row_precision", "mean_delay"])
def test_a_detector_that_never_flags_has_no_p_value(metric):
    X, y = telemetry(0)
    silent = DummyClassifier(strategy="constant", constant=0)
    found = label_shuffle_test(
        silent, X, y, cv=folds(X), metric=metric, n_shuffles=2, n_random=5
    )
    undefined = [found.score, found.chance, found.p_value, *found.shuffled_scores]
    assert np.isnan(undefined).all()


def test_a_constant_score_is_at_chance():
    X, y = telemetry(0)
    # Other priors and sizes of the folds must not rank their rows.
    cv = [(np.arange(65, 180), np.arange(65)), (np.arange(65), np.arange(65, 150))]
    prior = DummyClassifier(strategy="prior")
    found = label_shuffle_test(prior, X, y, cv=cv, metric="roc_auc", n_shuffles=2)
    assert found.score == 0.5
    assert found.shuffled_scores.tolist() == [0.5, 0.5]
    assert found.p_value == 1


# Metrics and telemetry ------------------------------------------------------------


def test_metrics_come_by_name_or_as_scorers():
    X, y = telemetry(0)
    options = {"cv": folds(X), "n_shuffles": 1, "n_random": 5}
    named = label_shuffle_test(GaussianNB(), X, y, metric="row_f1", **options)
    scorer = get_event_scorer("row_f1")
    assert label_shuffle_test(GaussianNB(), X, y, metric=scorer, **options) == named
    weighted = get_event_scorer("row_fbeta", beta=2)
    other = label_shuffle_test(Channel(), X, y, metric=weighted, **options)
    assert other.metric == "row_fbeta"
    own = make_event_scorer(matthews_corrcoef)
    found = label_shuffle_test(Channel(), X, y, metric=own, **options)
    flags = (X.iloc[:, 0] > 1).astype(int)
    assert found.score == pytest.approx(matthews_corrcoef(y, flags))


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (
            event_scoring("event_f1", "row_f1"),
            r"single one; got event_scoring\(.* of 2",
        ),
        ("event_f2", "no metric 'event_f2'"),
    ],
)
def test_several_metrics_and_unknown_ones_are_refused(metric, message):
    X, y = telemetry(0)
    with pytest.raises(ValueError, match=message):
        label_shuffle_test(GaussianNB(), X, y, cv=folds(X), metric=metric)


@pytest.mark.parametrize("value", [0, 1])
def test_labels_of_one_kind_cannot_be_shuffled(value):
    X, y = telemetry(0)
    with pytest.raises(ValueError, match=f"but y is {value} throughout"):
        label_shuffle_test(GaussianNB(), X, 0 * y + value, cv=folds(X))
    with pytest.raises(ValueError, match="needs the labels y"):
        label_shuffle_test(GaussianNB(), X, None, cv=folds(X))


def test_an_array_is_a_single_track():
    X, y = telemetry(0)
    options = {"cv": KFold(3), "n_shuffles": 1, "n_random": 9}
    found = label_shuffle_test(GaussianNB(), X.to_numpy(), y.to_numpy(), **options)
    flat = X.set_axis(pd.RangeIndex(len(X)))
    expected = label_shuffle_test(GaussianNB(), flat, y.to_numpy(), **options)
    assert found.p_value == expected.p_value
    assert found.shuffled_scores.tolist() == expected.shuffled_scores.tolist()


def test_splits_may_come_from_a_generator():
    X, y = telemetry(0)
    found = label_shuffle_test(
        GaussianNB(), X, y, cv=(split for split in folds(X)), n_shuffles=2, n_random=5
    )
    assert found.shuffled_scores.shape == (2,)
