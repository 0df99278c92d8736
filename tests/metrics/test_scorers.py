import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.metrics import (
    average_precision_scorer,
    event_f1,
    event_f1_scorer,
    make_event_scorer,
    point_adjusted_f1,
    point_adjusted_f1_scorer,
    point_adjusted_fbeta,
    threshold_for_budget,
)
from skdsn.model_selection import StratifiedTrackKFold

SCORERS = {
    "point_adjusted": point_adjusted_f1_scorer,
    "event": event_f1_scorer,
    "average_precision": average_precision_scorer,
}


@pytest.fixture(scope="module")
def telemetry():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([[f"T{i}" for i in range(8)], range(30)])
    X = pd.DataFrame(rng.normal(size=(240, 2)), index=index, columns=["a", "b"])
    y = pd.Series((np.arange(240) % 30 >= 25).astype(int), index=index)
    X.loc[y == 1, "a"] += 3
    return X, y


def forest():
    return IsolationForest(n_estimators=10, contamination=0.1, random_state=0)


@pytest.mark.parametrize("make", [LogisticRegression, forest])
def test_scorers_read_the_tracks_from_the_index(telemetry, make):
    X, y = telemetry
    detector = make().fit(X, y)
    flags, scores = anomaly_flags(detector, X), anomaly_scores(detector, X)
    labels = y.to_numpy()
    expected = point_adjusted_f1(labels, flags, tracks=X.index)
    assert point_adjusted_f1_scorer(detector, X, labels) == expected
    assert event_f1_scorer(detector, X, y) == event_f1(y, flags)
    expected = average_precision_score(y, scores)
    assert average_precision_scorer(detector, X, y) == expected
    assert expected > 0.5


@pytest.mark.parametrize(
    "detector",
    [LogisticRegression(), make_pipeline(StandardScaler(), forest())],
    ids=["classifier", "outlier detector"],
)
def test_several_scorers_work_in_cross_validate(telemetry, detector):
    X, y = telemetry
    result = cross_validate(
        detector, X, y, cv=StratifiedTrackKFold(2), scoring=SCORERS, error_score="raise"
    )
    for name in SCORERS:
        assert ((result[f"test_{name}"] > 0) & (result[f"test_{name}"] <= 1)).all()


def test_scorers_work_with_metadata_routing(telemetry):
    X, y = telemetry
    with sklearn.config_context(enable_metadata_routing=True):
        result = cross_validate(
            LogisticRegression(),
            X,
            y,
            cv=StratifiedTrackKFold(2),
            scoring=SCORERS,
            params={"groups": np.repeat(np.arange(4), 60)},
            error_score="raise",
        )
    assert len(result["test_event"]) == 2


def test_scorers_drive_a_grid_search(telemetry):
    X, y = telemetry
    search = GridSearchCV(
        RandomForestClassifier(n_estimators=5, random_state=0),
        {"max_depth": [1, 3]},
        scoring=SCORERS,
        refit="event",
        cv=StratifiedTrackKFold(2),
        error_score="raise",
    )
    search = clone(search).fit(X, y)
    assert search.best_score_ == search.cv_results_["mean_test_event"].max()
    single = GridSearchCV(
        forest(),
        {"contamination": [0.05, 0.2]},
        scoring=point_adjusted_f1_scorer,
        cv=StratifiedTrackKFold(2),
    ).fit(X, y)
    assert 0 < single.best_score_ <= 1
    assert 0 < event_f1_scorer(search, X, y) <= 1  # a search is a detector, too


def test_scorers_survive_pickling(telemetry):
    X, y = telemetry
    detector = LogisticRegression().fit(X, y)
    for scorer in SCORERS.values():
        copy = pickle.loads(pickle.dumps(scorer))
        assert copy(detector, X, y) == scorer(detector, X, y)
        assert repr(copy) == repr(scorer)


def test_any_metric_makes_a_scorer(telemetry):
    X, y = telemetry
    detector = LogisticRegression().fit(X, y)
    scores = anomaly_scores(detector, X)
    assert make_event_scorer(roc_auc_score, response="scores")(
        detector, X, y
    ) == roc_auc_score(y, scores)
    budget = make_event_scorer(
        threshold_for_budget, response="scores", max_false_alarms=3
    )
    assert budget(detector, X, y) == threshold_for_budget(y, scores, max_false_alarms=3)


def test_an_array_is_one_track():
    X = np.array([[0.0], [0.0], [5.0], [5.0]])
    y = np.array([0, 0, 1, 1])
    detector = LogisticRegression().fit(X, y)
    assert point_adjusted_f1_scorer(detector, X, y) == 1.0


def test_the_repr_tells_how_to_make_it():
    scorer = make_event_scorer(point_adjusted_fbeta, beta=0.5)
    expected = "make_event_scorer(point_adjusted_fbeta, response='flags', beta=0.5)"
    assert repr(scorer) == expected


def test_a_wrong_metric_or_response_is_an_error_at_once():
    with pytest.raises(TypeError, match="function"):
        make_event_scorer("f1")
    with pytest.raises(ValueError, match="'flags' or 'scores'"):
        make_event_scorer(event_f1, response="proba")
