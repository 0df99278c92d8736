"""What scorers do with folds, labels and scores that leave something undefined."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate

from skdsn.metrics import (
    average_precision_scorer,
    event_f1,
    event_f1_scorer,
    event_scoring,
    get_event_scorer,
    make_event_scorer,
)

SCORERS = {"event": event_f1_scorer, "average_precision": average_precision_scorer}


@pytest.fixture(scope="module")
def telemetry():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([[f"T{i}" for i in range(8)], range(30)])
    X = pd.DataFrame(rng.normal(size=(240, 2)), index=index, columns=["a", "b"])
    y = pd.Series((np.arange(240) % 30 >= 25).astype(int), index=index)
    X.loc[y == 1, "a"] += 3
    return X, y


@pytest.fixture(scope="module")
def fitted(telemetry):
    return LogisticRegression().fit(*telemetry)


def test_what_a_fold_leaves_undefined_is_0_with_a_warning(telemetry):
    X, y = telemetry
    detector = LogisticRegression().fit(X, y)
    with pytest.warns(UndefinedMetricWarning, match="event_recall undefined"):
        assert get_event_scorer("event_recall")(detector, X, 0 * y) == 0.0
    with pytest.warns(UndefinedMetricWarning, match="roc_auc undefined"):
        assert np.isnan(get_event_scorer("roc_auc")(detector, X, 0 * y))
    never = DummyClassifier(strategy="constant", constant=0).fit(X, y)
    with pytest.warns(UndefinedMetricWarning, match="event_precision undefined"):
        assert get_event_scorer("event_precision")(never, X, y) == 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert event_f1_scorer(never, X, y) == 0.0
    # A delay of 0 would be the best there is.
    with pytest.warns(UndefinedMetricWarning, match="mean_delay undefined"):
        assert np.isnan(get_event_scorer("mean_delay")(never, X, y))
    with pytest.warns(UndefinedMetricWarning):
        result = cross_validate(
            detector, X, y, cv=[(np.arange(240), np.arange(20))], scoring=SCORERS
        )
    assert result["test_event"].tolist() == [0]
    assert np.isnan(result["test_average_precision"]).all()


def test_a_constant_score_ranks_nothing(telemetry):
    X, y = telemetry
    never = DummyClassifier(strategy="prior").fit(X, y)
    both = event_scoring("average_precision", "event_f1")
    with pytest.warns(UndefinedMetricWarning, match="all scores are equal"):
        assert np.isnan(average_precision_scorer(never, X, y))
    with pytest.warns(UndefinedMetricWarning, match="average_precision undefined"):
        assert both(never, X, y)["event_f1"] == 0


def test_rows_without_a_label_do_not_count(telemetry, fitted):
    X, y = telemetry
    known = np.arange(240) % 30 >= 10
    scoring = event_scoring("event_f1", "average_precision", "false_alarms")
    partly = scoring(fitted, X, y.where(known, -1))
    assert partly == scoring(fitted, X[known], y[known])
    assert partly != scoring(fitted, X, y)


def test_labels_of_other_rows_are_refused(telemetry):
    X, y = telemetry
    detector = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="different indexes, first at row 0"):
        event_f1_scorer(detector, X, y[::-1])
    with pytest.raises(ValueError, match="labels y"):
        event_f1_scorer(detector, X, None)


def test_mistakes_are_told_at_once():
    with pytest.raises(TypeError, match="function of labels and flags; got 'f1'"):
        make_event_scorer("f1")
    with pytest.raises(ValueError, match="'flags' or 'scores'"):
        make_event_scorer(event_f1, response="proba")
    with pytest.raises(ValueError, match="At least one metric is needed"):
        event_scoring()
    with pytest.raises(ValueError, match="asked for twice, with different options"):
        event_scoring("range_f1", get_event_scorer("range_f1", alpha=0.5))
    with pytest.raises(ValueError, match="no metric 'f1'"):
        get_event_scorer("f1")
    with pytest.raises(ValueError, match="'k' parameter of point_adjusted_f1"):
        get_event_scorer("point_adjusted_f1", k=200)
    with pytest.raises(TypeError, match="vus_roc needs the option 'buffer'"):
        get_event_scorer("vus_roc")
    with pytest.raises(TypeError, match="event_f1 has no option 'k'"):
        get_event_scorer("event_f1", k=3)
