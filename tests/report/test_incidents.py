import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from skdsn.forecasters import RidgeForecaster
from skdsn.metrics import detection_delays
from skdsn.report import event_table, incident_table, score_table, stage_output


def table_of(index, flagged=(), peak=()):
    scores = pd.DataFrame({"score": 0.1, "anomaly": 0}, index=index)
    scores.iloc[list(flagged), 1] = 1
    scores.iloc[list(peak), 0] = 0.9
    return scores


def test_incidents_tell_when_and_whether_they_were_found(X, y):
    y.iloc[[22, 23]] = 1  # the border of two tracks
    table = incident_table(y, table_of(X.index, flagged=[6, 7, 23, 30], peak=[7, 41]))
    assert table["track"].tolist() == ["pass-0", "pass-0", "pass-1", "pass-2"]
    times = X.index.get_level_values(1)
    assert table["start"].tolist() == times[[5, 22, 23, 40]].tolist()
    assert table["end"].tolist() == times[[7, 22, 23, 41]].tolist()
    assert table["duration"].tolist() == [3, 1, 1, 2]
    assert table["n_rows"].tolist() == [3, 1, 1, 2]
    assert table["detected"].tolist() == [True, False, True, False]
    np.testing.assert_array_equal(table["delay"], [1, np.nan, 0, np.nan])
    assert table["peak_time"].tolist() == times[[7, 22, 23, 41]].tolist()
    assert table["peak_score"].tolist() == [0.9, 0.1, 0.1, 0.9]
    assert "channels" not in table


def test_a_gap_within_an_incident_does_not_count_as_time(X, y):
    y = 0 * y
    y.iloc[44:52] = 1  # the gap of an hour is before row 47
    table = incident_table(y, table_of(X.index, flagged=[49]))
    assert table.loc[0, ["duration", "delay"]].tolist() == [8, 5]


def test_without_times_rows_are_counted():
    index = pd.Index([3, 10, 12, 13])
    table = incident_table([0, 1, 1, 0], table_of(index, flagged=[2]))
    assert table.loc[0, ["start", "end", "duration", "delay"]].tolist() == [1, 2, 2, 1]


def test_without_incidents_the_table_is_empty_but_typed(X, y):
    errors = pd.DataFrame({"error_a": 0.0, "error_b": 1.0}, index=X.index)
    table = incident_table(0 * y, table_of(X.index), errors)
    assert len(table) == 0
    kinds = table.dtypes.map(lambda dtype: dtype.kind).to_dict()
    expected = {"duration": "f", "n_rows": "i", "detected": "b", "delay": "f"}
    assert {name: kinds[name] for name in expected} == expected
    assert list(table.columns)[-1] == "channels"


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40))
def test_delays_and_counts_are_those_of_metrics_and_alarms(rows):
    y, flags = np.array(rows, dtype=int).T
    index = pd.MultiIndex.from_product(
        [["a"], pd.date_range("2026-03-02", periods=len(y), freq="5s")]
    )
    table = incident_table(y, table_of(index, flagged=np.flatnonzero(flags)))
    truth, flagged = pd.Series(y, index), pd.Series(flags, index)
    np.testing.assert_array_equal(table["delay"], detection_delays(truth, flagged))
    assert table["detected"].equals(table["delay"].notna())
    assert table["n_rows"].sum() == y.sum()
    assert table["duration"].sum() == 5 * y.sum()
    alarms = event_table(table_of(index, flagged=np.flatnonzero(y)))
    for column in ("track", "start", "end", "n_rows", "peak_score"):
        assert table[column].tolist() == alarms[column].tolist()


def test_channels_are_those_furthest_from_what_is_usual_for_them(X, y):
    rng = np.random.default_rng(0)
    noise = rng.uniform(0, 1, size=(len(X), 3))
    errors = pd.DataFrame(noise, X.index, columns=["error_a", "error_b", "error_c"])
    errors["error_loud"] = 100 * rng.uniform(0, 1, len(X))
    errors["error"] = errors.sum(axis=1) + 1000 * y  # the total is no channel
    errors["a"] = 1000.0 * y
    errors.iloc[5:8, 1] += 5
    errors.iloc[5:8, 2] += 9
    errors.iloc[40:42, 0] += 3
    # A few bad rows elsewhere do not hide a channel.
    errors.iloc[[0, 1], 2] = 1e6
    scores = table_of(X.index)
    table = incident_table(y, scores, errors, n_channels=2)
    assert table["channels"][0] == "c, b"
    assert table["channels"][1].split(", ")[0] == "a"
    assert incident_table(y, scores, errors, n_channels=1)["channels"][0] == "c"


def test_a_channel_that_never_changes_outside_comes_first_and_a_quiet_one_never(X, y):
    rng = np.random.default_rng(0)
    errors = pd.DataFrame(
        {
            "error_noisy": rng.uniform(0, 1, len(X)) + 50 * y,
            "error_constant": 0.1 + 1e-3 * y,
            "error_resting": np.where(np.arange(len(X)) < 3, 1.0, 0.0) + 9 * y,
            "error_falling": rng.uniform(5, 6, len(X)) - 5 * y,
            "error_dead": 0.3,
        },
        index=X.index,
    )
    table = incident_table(y, table_of(X.index), errors, n_channels=5)
    assert set(table["channels"]) == {"constant, noisy, resting"}


def test_where_all_rows_are_anomalous_errors_are_compared_as_they_are(X, y):
    errors = pd.DataFrame({"error_a": 1.0, "error_b": 2.0}, index=X.index)
    table = incident_table(0 * y + 1, table_of(X.index), errors)
    assert table["channels"].tolist() == ["b, a"] * 3


def test_the_output_of_a_step_names_the_disturbed_channel(X, y):
    X = X.copy()
    X.iloc[5:8, 2] += [30, -30, 30]
    steps = [
        ("errors", RidgeForecaster(passthrough=False)),
        ("c", LogisticRegression()),
    ]
    detector = Pipeline(steps).set_output(transform="pandas").fit(X, y)
    errors = stage_output(detector, X, "errors")
    table = incident_table(y, score_table(detector, X), errors, n_channels=1)
    assert table["channels"][0] == "channel_2"


def test_other_tables_are_refused(X, y):
    scores = table_of(X.index)
    errors = pd.DataFrame({"error_a": 1.0}, index=X.index)
    with pytest.raises(TypeError, match=r"columns error_<channel>.*got ndarray"):
        incident_table(y, scores, errors.to_numpy())
    with pytest.raises(ValueError, match="no column error_<channel>"):
        incident_table(y, scores, errors.rename(columns={"error_a": "error"}))
    with pytest.raises(ValueError, match="errors and scores have different indexes"):
        incident_table(y, scores, errors.iloc[::-1])
    with pytest.raises(ValueError, match="'error_a' of errors holds nan in row 4"):
        incident_table(y, scores, errors.where(np.arange(len(X))[:, None] != 4))
    with pytest.raises(ValueError, match="y and X have different indexes"):
        incident_table(y.iloc[::-1], scores)
    with pytest.raises(TypeError, match="as score_table returns it; got Series"):
        incident_table(y, scores["score"])
    with pytest.raises(ValueError, match="n_channels must be at least 1; got 0"):
        incident_table(y, scores, n_channels=0)
