"""Detectors that vote."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier

from skdsn.base import anomaly_flags
from skdsn.detectors import SubsequenceNeighborsDetector, VotingDetector
from skdsn.streaming import StreamingDetector

LENGTHS = (2, 5, 20)


def make(**options):
    parts = [
        (f"{length} rows", SubsequenceNeighborsDetector(length=length))
        for length in LENGTHS
    ]
    return VotingDetector(parts, **options)


def telemetry():
    X = np.sin(np.arange(600) / 5) + 0.02 * np.random.default_rng(0).normal(size=600)
    X = pd.DataFrame({"volt": X})
    X.loc[400, "volt"] += 1.5  # a spike
    X.loc[500:530, "volt"] = 0.0  # stuck
    return X


@pytest.mark.parametrize(("min_votes", "needed"), [(None, 2), (1, 1), (2, 2), (3, 3)])
def test_as_many_as_have_to_agree_decide(min_votes, needed):
    X = telemetry()
    detector = make(min_votes=min_votes).fit(X[:300])
    votes = np.sum([anomaly_flags(d, X) for d in detector.detectors_.values()], axis=0)
    assert len(set(votes)) > 2
    np.testing.assert_array_equal(anomaly_flags(detector, X), votes >= needed)
    np.testing.assert_array_equal((detector.severity(X) > 0).sum(axis=1), votes)


def test_events_name_the_detectors_that_flag_them():
    X = telemetry()
    events = make(min_votes=1).fit(X[:300]).events(X)
    assert events["start"].between(395, 530).all()
    named = {name for names in events["detectors"] for name in names}
    assert named == {"2 rows", "5 rows", "20 rows"}
    assert (events["severity"] > 0).all()


def test_one_detector_decides_alone():
    X = telemetry()
    forest = IsolationForest(contamination=0.05, random_state=0)
    detector = VotingDetector([("forest", forest)]).fit(X[:300])
    alone = clone(forest).fit(X[:300])
    np.testing.assert_array_equal(anomaly_flags(detector, X), anomaly_flags(alone, X))


@pytest.mark.parametrize("threshold", [0.05, 0.8])
def test_a_classifier_votes_by_the_threshold_that_it_was_given(threshold):
    X = telemetry()
    y = (X["volt"] > 0.8).astype(int)
    model = FixedThresholdClassifier(LogisticRegression(C=1e4), threshold=threshold)
    detector = VotingDetector([("model", model)]).fit(X, y)
    votes = anomaly_flags(clone(model).fit(X, y), X)
    assert 0 < votes.sum() < len(X)
    np.testing.assert_array_equal(anomaly_flags(detector, X), votes)


def test_arrays_stream_without_help():
    X = telemetry().to_numpy()
    detector = make().fit(X[:300])
    _, flags, state = detector.stream_scores(X[:350])
    _, more, _ = detector.stream_scores(X[350:], state)
    np.testing.assert_array_equal(np.append(flags, more), anomaly_flags(detector, X))


def test_the_state_of_another_detector_is_refused():
    X = telemetry()
    with pytest.raises(ValueError, match="this one is of another estimator"):
        make().fit(X).stream_scores(X, {"x": 1})


def test_a_stream_gives_the_scores_of_the_batch():
    X = telemetry()
    detector = make().fit(X[:300])
    stream = StreamingDetector(detector)
    streamed = pd.concat([stream.update(X[i : i + 37]) for i in range(0, 600, 37)])
    np.testing.assert_allclose(streamed["score"], -detector.score_samples(X))


def test_settings_of_a_detector_are_parameters():
    detector = make().set_params(**{"2 rows__length": 3})
    assert detector.get_params()["2 rows__length"] == 3


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        (make(min_votes=4), "min_votes=4 detectors must agree, but there are 3"),
        (VotingDetector([]), "has no detector to fit"),
        (VotingDetector([("a", None)]), "takes a list of .name, estimator."),
        (VotingDetector([IsolationForest()]), "takes a list of .name, estimator."),
        (VotingDetector([(1, IsolationForest())]), "takes a list of"),
        (VotingDetector(make().detectors[:1] * 2), "not unique"),
    ],
)
def test_mistakes_are_told(detector, message):
    with pytest.raises(ValueError, match=message):
        detector.fit(telemetry())
