import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.metrics import (
    affiliation_scores,
    alarm_rates,
    average_precision,
    chance_level,
    event_report,
    event_wise_scores,
    point_adjusted_scores,
    roc_auc,
    row_wise_scores,
    skill,
)

FIGURES = [
    *(f"point_adjusted_{name}" for name in ("precision", "recall", "f1")),
    *(f"event_{name}" for name in ("precision", "recall", "f1")),
    "alarming_precision",
    *(f"affiliation_{name}" for name in ("precision", "recall", "f1")),
    *(f"row_{name}" for name in ("precision", "recall", "f1")),
    "average_precision",
    "roc_auc",
    "mean_delay",
    "false_alarms_per_track",
    "false_alarms_per_day",
    "fraction_flagged",
    "base_rate",
]


def make_telemetry(seed=0, n_tracks=6, n_rows=100):
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [
            [f"T{i}" for i in range(n_tracks)],
            pd.date_range("2024-01-01", periods=n_rows, freq="15min"),
        ],
        names=["track", "time"],
    )
    X = pd.DataFrame(rng.normal(size=(len(index), 2)), index=index, columns=list("ab"))
    y = pd.Series(0, index=index)
    for track in range(0, n_tracks, 2):
        y.iloc[track * n_rows + 40 : track * n_rows + 60] = 1
    X.loc[y == 1, "a"] += 3.0
    return X, y


@pytest.fixture(params=["classifier", "outlier detector"])
def case(request):
    X, y = make_telemetry()
    if request.param == "classifier":
        return LogisticRegression().fit(X, y), X, y
    forest = IsolationForest(n_estimators=20, contamination=0.1, random_state=0)
    return forest.fit(X), X, y


def test_the_detector_gets_the_figures_of_the_metrics(case):
    detector, X, y = case
    report = event_report(detector, X, y, X_train=X[y == 0])
    assert report.index.tolist() == FIGURES
    assert report.index.name == "metric"
    assert report.columns.tolist() == [
        "detector",
        "chance",
        "skill",
        "persistence",
        "training range",
    ]
    flags, scores = anomaly_flags(detector, X), anomaly_scores(detector, X)
    ours = report["detector"]
    families = {
        "point_adjusted": point_adjusted_scores(y, flags),
        "event": event_wise_scores(y, flags),
        "affiliation": affiliation_scores(y, flags),
        "row": row_wise_scores(y, flags),
    }
    for family, figures in families.items():
        for name in ("precision", "recall", "f1"):
            assert ours[f"{family}_{name}"] == figures[name.replace("f1", "f")]
    assert ours["alarming_precision"] == families["event"].alarming_precision
    assert ours["average_precision"] == average_precision(y, scores)
    assert ours["roc_auc"] == roc_auc(y, scores)
    rates = alarm_rates(y, flags)
    for name in ("mean_delay", "false_alarms_per_track", "false_alarms_per_day"):
        assert ours[name] == rates[name]
    assert rates.false_alarms_per_day == pytest.approx(
        families["event"].false_positives / (6 * 100 / 96)
    )
    assert ours["fraction_flagged"] == flags.mean()
    assert ours["base_rate"] == pytest.approx(0.1)


def test_skill_is_the_way_from_chance_to_the_best(case):
    report = event_report(*case, n_random=5)
    for name in FIGURES:
        ours, chance = report.loc[name, ["detector", "chance"]]
        best = 0 if name.startswith(("mean_delay", "false_alarms")) else 1
        expected = skill(ours, chance, best)
        # Delays of other events, and figures that chance nearly reaches, have none.
        if (
            name in ("fraction_flagged", "base_rate", "mean_delay")
            or abs(best - chance) < 0.05
        ):
            expected = np.nan
        assert report.loc[name, "skill"] == pytest.approx(expected, nan_ok=True)
    assert report.loc["average_precision", "skill"] > 0.3


def test_chance_is_exact_where_it_can_be(case):
    detector, X, y = case
    report = event_report(detector, X, y, n_random=1)
    flags = anomaly_flags(detector, X)
    for name in ("row_precision", "event_recall", "point_adjusted_recall", "roc_auc"):
        exact = chance_level(name, y, flagged=flags, n_random=1)
        assert exact.method == "analytic"
        assert report.loc[name, "chance"] == exact.value
    assert report.loc["row_f1", "chance"] != report.loc["row_precision", "chance"]


def test_chance_and_persistence_flag_as_many_rows(case):
    detector, X, y = case
    report = event_report(detector, X, y)
    fraction = report.loc["fraction_flagged"].drop("skill")
    assert fraction.to_list() == pytest.approx([fraction["detector"]] * 3)
    chance = report["chance"]
    assert chance["average_precision"] == pytest.approx(chance["base_rate"], abs=0.01)
    assert chance["roc_auc"] == 0.5
    assert chance["row_precision"] == pytest.approx(0.1)
    assert chance["event_f1"] < report.loc["event_f1", "detector"]


def test_training_range_flags_what_leaves_it_by_more_than_a_twentieth():
    X, y = make_telemetry()
    y = (np.arange(len(X)) == 70).astype(int)
    X_train = X.clip(-10, 10)
    X_train.iloc[0] = [-10, -10]
    X_train.iloc[1] = [10, 10]
    X.iloc[70, 0], X.iloc[71, 0] = 11.5, 10.5
    detector = DummyClassifier().fit(X, y)
    report = event_report(detector, X, y, X_train=X_train)["training range"]
    assert report["row_precision"] == report["row_recall"] == 1
    assert report["fraction_flagged"] == 1 / len(X)


def test_persistence_finds_jumps():
    X = pd.DataFrame({"a": np.sin(np.arange(200) / 50)})
    y = np.zeros(200, dtype=int)
    X.loc[100, "a"] += 5
    y[100:102] = 1  # up and down again
    detector = IsolationForest(contamination=0.01, random_state=0).fit(X)
    report = event_report(detector, X, y)
    assert report.loc["fraction_flagged", "detector"] == 0.01
    assert report.loc["row_f1", "persistence"] == 1.0
    assert report.loc["average_precision", "persistence"] == 1.0


def test_the_report_repeats_with_its_seed_and_carries_its_protocol():
    X, y = make_telemetry()
    detector = LogisticRegression().fit(X, y)
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.uniform()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    first = event_report(detector, X, y, random_state=3, n_random=4)
    pd.testing.assert_frame_equal(
        first, event_report(detector, X, y, random_state=3, n_random=4)
    )
    assert np.random.uniform() == expected  # noqa: NPY002
    other = event_report(detector, X, y, random_state=4, n_random=4)
    assert (first["chance"] != other["chance"]).any()
    assert (first["detector"] == other["detector"]).all()
    protocol = dict(first.attrs)
    assert set(protocol.pop("versions")) >= {"skdsn", "scikit-learn", "numpy"}
    assert protocol == {
        "seed": 3,
        "n_random": 4,
        "n_rows": 600,
        "n_tracks": 6,
        "n_events": 3,
    }
    assert "point_adjusted_f1" in str(first)


def test_what_is_undefined_is_nan_and_no_warning():
    X, y = make_telemetry()
    never = DummyClassifier(strategy="constant", constant=0).fit(X, y)
    report = event_report(never, X, y)
    # A score that is the same everywhere ranks nothing, whatever chance would reach.
    ranking = report.loc[["average_precision", "roc_auc"]]
    assert ranking[["detector", "skill"]].isna().all(axis=None)
    assert report[["detector", "chance", "persistence"]].loc["event_f1"].eq(0).all()
    assert report.loc["event_precision"].isna().all()
    assert report.loc["event_recall"].eq(0).all()
    assert np.isnan(report.loc["mean_delay", "detector"])

    detector = LogisticRegression().fit(X, y)
    report = event_report(detector, X, 0 * y)
    assert report.loc["event_recall"].isna().all()
    assert report.loc[["average_precision", "roc_auc"]].isna().all(axis=None)
    assert report.loc["base_rate"].drop("skill").eq(0).all()


def test_an_array_is_one_track_without_days():
    X, y = make_telemetry(n_tracks=1)
    detector = LogisticRegression().fit(X.to_numpy(), y.to_numpy())
    report = event_report(detector, X.to_numpy(), y.to_numpy())
    assert report.loc["false_alarms_per_day"].isna().all()
    assert report.attrs["n_tracks"] == 1


def test_equal_jumps_are_flagged_together_or_not_at_all():
    y = np.zeros(100, dtype=int)
    y[50:60] = 1
    X = np.zeros((100, 1))
    X[::2] = 1.0  # every jump is as large
    detector = LogisticRegression().fit(np.c_[y.astype(float)], y)
    report = event_report(detector, np.c_[y.astype(float)], y)
    assert report.loc["fraction_flagged", "persistence"] == 0.02
    assert report.loc["fraction_flagged", "detector"] == 0.1
    constant = IsolationForest(contamination=0.1, random_state=0).fit(X)
    constant.offset_ = constant.score_samples(X).mean() + 0.1
    report = event_report(constant, X, y)
    assert report.loc["fraction_flagged", "detector"] == 1
    assert report.loc["fraction_flagged", "persistence"] == 1


def test_labels_of_other_rows_are_refused():
    X, y = make_telemetry()
    detector = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="different indexes"):
        event_report(detector, X, y[::-1])
    with pytest.raises(ValueError, match="needs the labels"):
        event_report(detector, X, None)
    with pytest.raises(ValueError, match="n_random"):
        event_report(detector, X, y, n_random=0)


def test_unlabelled_rows_are_scored_and_not_counted():
    X, y = make_telemetry()
    detector = IsolationForest(random_state=0).fit(X)
    y.loc["T1"] = -1
    kept = (y >= 0).to_numpy()
    report = event_report(detector, X, y, n_random=2, random_state=0)
    known = event_report(detector, X[kept], y[kept], n_random=2, random_state=0)
    assert report.attrs["n_rows"] == kept.sum()
    pd.testing.assert_series_equal(report["detector"], known["detector"])
    with pytest.raises(ValueError, match="All 600 rows are unlabelled"):
        event_report(detector, X, y * 0 - 1)
