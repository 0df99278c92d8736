"""SMOTE that shrinks its neighbourhood instead of failing."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression

from skdsn.detectors import AdaptiveSMOTE


def data(n_normal, n_anomalous):
    y = np.array([0] * n_normal + [1] * n_anomalous)
    X = np.random.default_rng(0).normal(size=(len(y), 2)) + 5 * y[:, None]
    return X, y


def test_with_enough_rows_it_is_smote():
    X, y = data(40, 12)
    found, labels = AdaptiveSMOTE(random_state=3).fit_resample(X, y)
    expected, expected_labels = SMOTE(random_state=3).fit_resample(X, y)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(labels, expected_labels)


@pytest.mark.parametrize(
    ("n_anomalous", "neighbours"), [(2, 1), (4, 3), (6, 5), (9, 5)]
)
def test_the_neighbourhood_shrinks_to_what_there_is(n_anomalous, neighbours):
    X, y = data(20, n_anomalous)
    sampler = AdaptiveSMOTE(random_state=0)
    found, labels = sampler.fit_resample(X, y)
    assert sampler.sampler_.k_neighbors == neighbours
    assert np.bincount(labels).tolist() == [20, 20]
    np.testing.assert_array_equal(found[: len(X)], X)


@pytest.mark.parametrize("minority", [0, 1])
def test_new_rows_lie_between_rows_of_the_minority(minority):
    X, y = data(20, 4)
    y = y if minority else 1 - y
    found, labels = AdaptiveSMOTE(random_state=0).fit_resample(X, y)
    new = found[len(X) :]
    assert (labels[len(X) :] == minority).all()
    few = X[y == minority]
    assert (new >= few.min(axis=0)).all() and (new <= few.max(axis=0)).all()
    assert len(np.unique(new, axis=0)) == len(new)


def test_a_single_row_is_repeated():
    X, y = data(10, 1)
    sampler = AdaptiveSMOTE()
    found, labels = sampler.fit_resample(X, y)
    assert isinstance(sampler.sampler_, RandomOverSampler)
    assert labels.sum() == 10
    assert (found[labels == 1] == X[-1]).all()


def test_one_class_alone_is_refused():
    X, y = data(10, 1)
    message = "All 10 training windows have the label 0; the second stage needs"
    with pytest.raises(ValueError, match=message):
        AdaptiveSMOTE().fit_resample(X[:10], y[:10])


def test_the_share_of_the_minority_may_be_given():
    for n_anomalous in (1, 5):
        X, y = data(40, n_anomalous)
        _, labels = AdaptiveSMOTE(sampling_strategy=0.5).fit_resample(X, y)
        assert labels.sum() == 20


def test_the_seed_alone_decides():
    X, y = data(30, 5)
    one, same, other = (
        AdaptiveSMOTE(random_state=seed).fit_resample(X, y)[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_frames_stay_frames():
    X, y = data(10, 3)
    frame = pd.DataFrame(X, columns=["a", "b"])
    found, labels = AdaptiveSMOTE().fit_resample(frame, pd.Series(y, name="anomaly"))
    assert list(found.columns) == ["a", "b"]
    assert (labels.name, len(labels)) == ("anomaly", 20)


def test_in_a_pipeline_it_acts_in_fit_only():
    X, y = data(30, 3)
    pipeline = make_pipeline(AdaptiveSMOTE(random_state=0), LogisticRegression())
    pipeline.fit(X, y)
    assert pipeline.predict(X).shape == (33,)
    balanced = AdaptiveSMOTE(random_state=0).fit_resample(X, y)
    alone = LogisticRegression().fit(*balanced)
    np.testing.assert_array_equal(pipeline[-1].coef_, alone.coef_)


@pytest.mark.parametrize("fewest", [1, 4])
def test_a_share_holds_for_rare_events_too(fewest):
    y = np.array([0] * 100 + [1] * 10 + [2] * fewest)
    X = np.random.default_rng(0).normal(size=(len(y), 2))
    sampler = AdaptiveSMOTE(sampling_strategy=0.2, random_state=0)
    assert np.bincount(sampler.fit_resample(X, y)[1]).tolist() == [100, 20, 20]
    enough = AdaptiveSMOTE(sampling_strategy=0.05, random_state=0)
    assert np.bincount(enough.fit_resample(X, y)[1]).tolist()[:2] == [100, 10]
