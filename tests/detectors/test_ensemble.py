"""Detectors that agree on a scale."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression

from skdsn.base import anomaly_flags
from skdsn.detectors import DetectorEnsemble, SubsequenceNeighborsDetector
from skdsn.streaming import StreamingDetector


class Level(OutlierMixin, BaseEstimator):
    """Scores a row by a column, in any unit."""

    def __init__(self, column=0, unit=1.0):
        self.column = column
        self.unit = unit

    def fit(self, X, y=None):
        self.fitted_ = True
        self.n_rows_ = len(X)
        return self

    def score_samples(self, X):
        return -self.unit * np.asarray(X)[:, self.column]

    def predict(self, X):
        return np.where(self.score_samples(X) < 0, -1, 1)


def noise(n_tracks=3, n_rows=400, seed=0):
    index = pd.MultiIndex.from_product([range(n_tracks), range(n_rows)])
    values = np.random.default_rng(seed).normal(size=(len(index), 2))
    return pd.DataFrame(values, index=index, columns=["a", "b"])


def make(**options):
    parts = [("a", Level(0)), ("b", Level(1, unit=1000.0))]
    return DetectorEnsemble(parts, **options)


def test_the_unit_of_a_score_does_not_matter():
    X = noise()
    one = make().fit(X)
    other = DetectorEnsemble([("a", Level(0, 50.0)), ("b", Level(1))]).fit(X)
    np.testing.assert_allclose(one.score_samples(X), other.score_samples(X))


@pytest.mark.parametrize("combine", ["max", "mean"])
@pytest.mark.parametrize("rate", [0.01, 0.001])
def test_normal_rows_are_flagged_at_most_about_as_often_as_allowed(combine, rate):
    X, new = noise(n_rows=4000), noise(n_rows=10_000, seed=1)
    ensemble = make(combine=combine, false_alarm_rate=rate).fit(X)
    flagged = anomaly_flags(ensemble, new).mean()
    assert flagged <= 1.6 * rate


def test_either_detector_raises_the_alarm():
    X = noise()
    ensemble = make().fit(X)
    new = noise(1, 50, seed=2).clip(-2, 2)
    new.iloc[10, 0] = new.iloc[20, 1] = 30.0
    assert np.flatnonzero(anomaly_flags(ensemble, new)).tolist() == [10, 20]
    assert ensemble.rarity(new)["a"].argmax() == 10
    assert ensemble.rarity(new)["b"].argmax() == 20


def test_rare_is_learnt_from_rows_that_were_held_out_and_normal():
    X = noise(1, 1000)
    y = pd.Series(0, index=X.index)
    y.iloc[-20:] = 1
    X.iloc[-20:] = 100.0
    ensemble = make().fit(X, y)
    assert ensemble.detectors_["a"].n_rows_ == 1000  # fitted on all rows in the end
    assert ensemble.tails_["a"][1] < 5
    assert anomaly_flags(ensemble, X)[-20:].all()


def test_classifiers_take_part():
    X = noise()
    y = (X["a"] > 1.5).astype(int)
    parts = [("line", LogisticRegression()), ("trees", IsolationForest(random_state=0))]
    ensemble = DetectorEnsemble(parts, false_alarm_rate=0.01).fit(X, y)
    assert anomaly_flags(ensemble, X)[y == 1].mean() > 0.5


def test_a_stream_gives_the_scores_of_the_batch():
    X = noise()
    parts = [("shape", SubsequenceNeighborsDetector(length=5)), ("a", Level(0))]
    ensemble = DetectorEnsemble(parts).fit(X)
    stream = StreamingDetector(pickle.loads(pickle.dumps(ensemble)))
    parts = [stream.update(X.iloc[i : i + 77]) for i in range(0, len(X), 77)]
    streamed = pd.concat(parts)["score"]
    np.testing.assert_allclose(streamed, -ensemble.score_samples(X), atol=1e-9)


def test_the_rows_of_an_array_are_numbered_on_in_a_stream():
    X = noise(1).to_numpy()
    ensemble = DetectorEnsemble([("shape", SubsequenceNeighborsDetector(length=5))])
    stream = StreamingDetector(ensemble.fit(X))
    scores = [stream.update(X[i : i + 90])["score"] for i in range(0, len(X), 90)]
    np.testing.assert_allclose(
        np.concatenate(scores), -ensemble.score_samples(X), atol=1e-9
    )


def test_parallel_fits_are_the_same():
    X = noise()
    np.testing.assert_array_equal(
        make(n_jobs=2).fit(X).score_samples(X), clone(make()).fit(X).score_samples(X)
    )


@pytest.mark.parametrize(
    ("ensemble", "message"),
    [
        (DetectorEnsemble([]), "has no detector to fit"),
        (DetectorEnsemble([("a", Level()), ("a", Level())]), "not unique"),
        (make(holdout=1.0), "'holdout' parameter"),
        (make(combine="sum"), "'combine' parameter"),
    ],
)
def test_mistakes_are_told(ensemble, message):
    with pytest.raises(ValueError, match=message):
        ensemble.fit(noise())
