"""Reading decisions out of detectors."""

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdsn.base import anomaly_flags, anomaly_scores


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 5 == 0
    return rng.normal(size=(60, 2)) + 3 * y[:, None], y.astype(int)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda detector: detector,
        lambda detector: make_pipeline(StandardScaler(), detector),
        lambda detector: make_imblearn_pipeline(StandardScaler(), detector),
    ],
    ids=["bare", "sklearn", "imblearn"],
)
@pytest.mark.parametrize(
    "detector",
    [LogisticRegression(), RidgeClassifier(), IsolationForest(random_state=0)],
    ids=lambda detector: type(detector).__name__,
)
def test_higher_is_more_anomalous_for_every_detector(data, wrap, detector):
    X, y = data
    detector = wrap(detector).fit(X, y)
    scores, flags = anomaly_scores(detector, X), anomaly_flags(detector, X)
    assert scores.dtype == np.float64
    assert flags.dtype == np.int8
    assert scores[y == 1].mean() > scores[y == 0].mean()
    assert scores[flags == 1].min() >= scores[flags == 0].max()


def test_a_classifier_scores_the_probability_of_class_one(data):
    X, y = data
    detector = LogisticRegression().fit(X, y)
    assert (anomaly_scores(detector, X) == detector.predict_proba(X)[:, 1]).all()


def test_the_column_of_class_one_is_found_among_others(data):
    X, y = data
    y[:5] = -1
    detector = LogisticRegression().fit(X, y)
    assert (anomaly_scores(detector, X) == detector.predict_proba(X)[:, 2]).all()


def test_an_outlier_detector_scores_the_negated_score_samples(data):
    X, _ = data
    detector = IsolationForest(random_state=0).fit(X)
    assert (anomaly_scores(detector, X) == -detector.score_samples(X)).all()
    assert (anomaly_flags(detector, X) == (detector.predict(X) == -1)).all()


def test_a_classifier_that_saw_normal_rows_only_finds_nothing(data):
    from sklearn.dummy import DummyClassifier

    X, y = data
    detector = DummyClassifier().fit(X, np.zeros_like(y))
    assert anomaly_scores(detector, X).tolist() == [0.0] * 60
    assert anomaly_flags(detector, X).sum() == 0


def test_what_gives_no_score_is_refused(data):
    with pytest.raises(TypeError, match="KMeans has neither predict_proba nor"):
        anomaly_scores(KMeans(2, n_init=1).fit(data[0]), data[0])
