import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit, cross_val_predict

from skdsn.metrics import event_report, training_range_scores
from skdsn.model_selection import (
    GroupedTrackSplit,
    StratifiedTrackKFold,
    cross_val_report,
)
from skdsn.tracks import stack_tracks


@pytest.fixture
def telemetry():
    rng = np.random.default_rng(0)
    X = stack_tracks({f"T{i}": rng.normal(size=(40, 2)) for i in range(6)})
    y = pd.Series(np.tile(np.arange(40) // 8 == 3, 6).astype(int), X.index)
    X[y == 1] += 3
    return X, y


def test_scores_are_those_of_cross_validation_and_figures_those_of_the_report(
    telemetry,
):
    X, y = telemetry
    cv, model = StratifiedTrackKFold(3), LogisticRegression()
    report, scores = cross_val_report(model, X, y, cv=cv, return_scores=True)
    expected = cross_val_predict(model, X, y, cv=cv, method="predict_proba")[:, 1]
    np.testing.assert_array_equal(scores["score"], expected)
    np.testing.assert_array_equal(scores["anomaly"], expected > 0.5)
    assert scores.groupby("track")["fold"].nunique().eq(1).all()
    assert report.attrs["n_folds"] == 3
    assert report.attrs["n_events"] == 6
    flags = expected > 0.5
    assert report.loc["row_recall", "detector"] == flags[y == 1].mean()
    assert report.loc["fraction_flagged", "detector"] == flags.mean()
    assert report.loc["average_precision", "chance"] == pytest.approx(0.217, abs=1e-3)


def test_the_range_of_a_fold_is_that_of_its_normal_training_rows(telemetry):
    X, y = telemetry
    cv = StratifiedTrackKFold(2)
    report = cross_val_report(LogisticRegression(), X, y, cv=cv)
    excess = np.zeros(len(X))
    for train, test in cv.split(X, y):
        normal = train[y.iloc[train] == 0]
        excess[test] = training_range_scores(X.iloc[test], X.iloc[normal])
    flagged = (excess > 0.05)[y == 1].mean()
    assert report.loc["row_recall", "training range"] == flagged
    assert 0 < flagged < 1


def test_each_tested_track_may_be_held_to_the_range_of_another(telemetry):
    X, y = telemetry
    X = X.copy()
    X.loc[["T0", "T1"]] *= 100  # as a channel in another unit would be
    y.loc[["T0"]] = 0
    cv = GroupedTrackSplit(StratifiedTrackKFold(2), train_only=["T0"])
    ranges = {"T1": "T0", **{f"T{i}": "T5" for i in range(2, 6)}}
    model = IsolationForest(random_state=0)
    report = cross_val_report(model, X, y, cv=cv, range_from=ranges)
    excess = np.concatenate(
        [training_range_scores(X.loc[t], X.loc[ranges[t]]) for t in ranges]
    )
    flagged = excess > 0.05
    assert report.loc["fraction_flagged", "training range"] == flagged.mean()
    assert report.attrs["n_tracks"] == 5
    # All else is as in the report on one set.
    truth = y.drop("T0")
    once = event_report(model.fit(X), X.drop("T0"), truth)
    assert list(report.index) == list(once.index)


def test_rows_tested_twice_and_missing_ranges_are_refused(telemetry):
    X, y = telemetry
    with pytest.raises(ValueError, match="in two folds"):
        cross_val_report(LogisticRegression(), X, y, cv=ShuffleSplit(5, random_state=0))
    with pytest.raises(ValueError, match="for the tested track 'T1'; got None"):
        cross_val_report(
            LogisticRegression(),
            X,
            y,
            cv=StratifiedTrackKFold(2),
            range_from={"T0": "T1"},
        )


def test_a_whole_number_of_folds_is_one_of_tracks(telemetry):
    X, y = telemetry
    options = {"return_scores": True, "n_random": 1}
    report, scores = cross_val_report(LogisticRegression(), X, y, cv=2, **options)
    cv = StratifiedTrackKFold(2)
    _, expected = cross_val_report(LogisticRegression(), X, y, cv=cv, **options)
    pd.testing.assert_frame_equal(scores, expected)
    assert report.attrs["n_folds"] == 2


def test_rare_events_reach_the_detector_and_are_normal_to_the_figures(telemetry):
    X, y = telemetry
    y = y.copy()
    rare = np.tile(np.arange(40) // 8 == 1, 6)
    y[rare] = 2
    X = X.copy()
    X[rare] -= 6
    report, scores = cross_val_report(
        LogisticRegression(), X, y, cv=StratifiedTrackKFold(3), return_scores=True
    )
    assert report.attrs["n_events"] == 6
    expected = cross_val_predict(
        LogisticRegression(), X, y, cv=StratifiedTrackKFold(3), method="predict_proba"
    )
    np.testing.assert_array_equal(scores["score"], expected[:, 1])
