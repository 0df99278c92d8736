import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    matthews_corrcoef,
    roc_auc_score,
    zero_one_loss,
)
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.metrics import (
    alarm_rates,
    average_precision_scorer,
    event_f1,
    event_f1_scorer,
    event_scoring,
    get_event_scorer,
    make_event_scorer,
    point_adjusted_f1,
    point_adjusted_f1_scorer,
    threshold_for_budget,
    vus_scores,
)
from skdsn.metrics._catalog import METRICS
from skdsn.metrics._inputs import find_tracks
from skdsn.model_selection import StratifiedTrackKFold

SCORERS = {
    "point_adjusted": point_adjusted_f1_scorer,
    "event": event_f1_scorer,
    "average_precision": average_precision_scorer,
}
NAMES = ["event_f1", "average_precision", "false_alarms_per_day"]


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


@pytest.fixture(scope="module", params=[LogisticRegression, forest])
def fitted(request, telemetry):
    X, y = telemetry
    return request.param().fit(X, y)


def scorer_of(name):
    options = {"beta": 0.5} if name.endswith("fbeta") else {}
    options |= {"buffer": 4} if name.startswith("vus") else {}
    return get_event_scorer(name, **options), options


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_scores_either_kind_of_detector(name, telemetry, fitted):
    X, y = telemetry
    flags, scores = anomaly_flags(fitted, X) == 1, anomaly_scores(fitted, X)
    scorer, options = scorer_of(name)
    metric = METRICS[name].with_options(options)
    response = scores if metric.response == "scores" else flags
    expected = metric(y.to_numpy() == 1, response, find_tracks(len(X), X.index))
    sign = 1 if metric.greater_is_better else -1
    value = scorer(fitted, X, y)
    assert isinstance(value, float)
    assert value == sign * expected
    assert scorer(fitted, X, y.to_numpy()) == value  # X tells the tracks
    copy = pickle.loads(pickle.dumps(scorer))
    assert copy(fitted, X, y) == value
    assert repr(copy) == repr(scorer)
    again = eval(repr(scorer), {"get_event_scorer": get_event_scorer})
    assert again.metrics == scorer.metrics


def test_scorers_have_the_figures_of_the_functions(telemetry, fitted):
    X, y = telemetry
    flags, scores = anomaly_flags(fitted, X), anomaly_scores(fitted, X)
    assert event_f1_scorer(fitted, X, y) == event_f1(y, flags)
    expected = point_adjusted_f1(y, flags, k=20)
    assert get_event_scorer("point_adjusted_f1", k=20)(fitted, X, y) == expected
    expected = average_precision_score(y, scores)
    assert average_precision_scorer(fitted, X, y) == pytest.approx(expected)
    assert expected > 0.5
    expected = vus_scores(y, scores, buffer=6, variant="tsb_ad").vus_roc
    scorer = get_event_scorer("vus_roc", buffer=6, variant="tsb_ad")
    assert scorer(fitted, X, y) == expected
    rate = alarm_rates(y, flags).false_alarms_per_day
    assert get_event_scorer("false_alarms_per_day")(fitted, X, y) == -rate < 0


@pytest.mark.parametrize(
    "detector",
    [LogisticRegression(), make_pipeline(StandardScaler(), forest())],
    ids=["classifier", "outlier detector"],
)
def test_several_metrics_at_once_are_those_one_by_one(telemetry, detector):
    X, y = telemetry
    cv = StratifiedTrackKFold(2)
    result = cross_validate(
        detector, X, y, cv=cv, scoring=event_scoring(*NAMES), error_score="raise"
    )
    one_by_one = cross_validate(
        detector,
        X,
        y,
        cv=cv,
        scoring={name: get_event_scorer(name) for name in NAMES},
        error_score="raise",
    )
    for name in NAMES:
        np.testing.assert_array_equal(
            result[f"test_{name}"], one_by_one[f"test_{name}"]
        )
    assert (result["test_event_f1"] > 0).all()
    assert (result["test_false_alarms_per_day"] <= 0).all()


def test_several_metrics_take_one_prediction(telemetry):
    X, y = telemetry
    calls = []

    class Counting(ClassifierMixin, BaseEstimator):
        classes_ = np.array([0, 1])

        def predict(self, X):
            calls.append("predict")
            return (X["a"] > 2).astype(int)

        def predict_proba(self, X):
            calls.append("predict_proba")
            a = X["a"].to_numpy()[:, None]
            return np.hstack([-a, a])

    event_scoring("event_f1", "row_f1", "roc_auc", "average_precision")(
        Counting(), X, y
    )
    assert calls == ["predict", "predict_proba"]
    event_scoring("event_f1", "row_f1")(Counting(), X, y)
    assert calls[2:] == ["predict"]


def test_scorers_work_with_metadata_routing(telemetry):
    X, y = telemetry
    for scoring in (SCORERS, event_scoring(*NAMES)):
        with sklearn.config_context(enable_metadata_routing=True):
            result = cross_validate(
                LogisticRegression(),
                X,
                y,
                cv=StratifiedTrackKFold(2),
                scoring=scoring,
                params={"groups": np.repeat(np.arange(4), 60)},
                error_score="raise",
            )
        assert len(result["fit_time"]) == 2


@pytest.mark.parametrize(
    ("scoring", "refit"),
    [(SCORERS, "event"), (event_scoring(*NAMES), "false_alarms_per_day")],
)
def test_scorers_drive_a_grid_search(telemetry, scoring, refit):
    X, y = telemetry
    search = GridSearchCV(
        RandomForestClassifier(n_estimators=5, random_state=0),
        {"max_depth": [1, 3]},
        scoring=scoring,
        refit=refit,
        cv=StratifiedTrackKFold(2),
        error_score="raise",
    )
    search = clone(search).fit(X, y)
    assert search.best_score_ == search.cv_results_[f"mean_test_{refit}"].max()
    assert 0 < event_f1_scorer(search, X, y) <= 1  # a search is a detector, too


def test_one_scorer_drives_a_grid_search_of_an_outlier_detector(telemetry):
    X, y = telemetry
    single = GridSearchCV(
        forest(),
        {"contamination": [0.05, 0.2]},
        scoring=point_adjusted_f1_scorer,
        cv=StratifiedTrackKFold(2),
        error_score="raise",
    ).fit(X, y)
    assert 0 < single.best_score_ <= 1


def test_less_may_be_better(telemetry, fitted):
    X, y = telemetry
    scorer = make_event_scorer(zero_one_loss, greater_is_better=False)
    assert scorer(fitted, X, y) == -zero_one_loss(y, anomaly_flags(fitted, X))


def test_any_metric_makes_a_scorer(telemetry, fitted):
    X, y = telemetry
    flags, scores = anomaly_flags(fitted, X), anomaly_scores(fitted, X)
    auc = make_event_scorer(roc_auc_score, response="scores")
    assert auc(fitted, X, y) == roc_auc_score(y, scores)
    assert make_event_scorer(matthews_corrcoef)(fitted, X, y) == matthews_corrcoef(
        y, flags
    )
    budget = make_event_scorer(
        threshold_for_budget, response="scores", max_false_alarms=3
    )
    assert budget(fitted, X, y) == threshold_for_budget(y, scores, max_false_alarms=3)
    both = event_scoring(auc, "event_f1")(fitted, X, y)
    assert both == {"roc_auc_score": auc(fitted, X, y), "event_f1": event_f1(y, flags)}
    assert pickle.loads(pickle.dumps(budget))(fitted, X, y) == budget(fitted, X, y)


def test_an_array_is_one_track():
    X, y = np.array([[0.0], [0.0], [5.0], [5.0]]), np.array([0, 0, 1, 1])
    assert point_adjusted_f1_scorer(LogisticRegression().fit(X, y), X, y) == 1.0


@pytest.mark.parametrize(
    ("scorer", "expected"),
    [
        (event_f1_scorer, "get_event_scorer('event_f1')"),
        (get_event_scorer("overlap_f1"), "get_event_scorer('overlap_f1')"),
        (
            get_event_scorer("point_adjusted_fbeta", k=20, beta=0.5),
            "get_event_scorer('point_adjusted_fbeta', k=20, beta=0.5)",
        ),
        (event_scoring(*NAMES[:2]), "event_scoring('event_f1', 'average_precision')"),
        (
            make_event_scorer(event_f1, corrected=False),
            "make_event_scorer(event_f1, response='flags', corrected=False)",
        ),
    ],
)
def test_the_repr_tells_how_to_make_it(scorer, expected):
    assert repr(scorer) == expected
