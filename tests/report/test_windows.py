"""Reports of blocks of rows."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.report import (
    affected_channels,
    read_window_report,
    window_report,
    write_report,
)


def flags(n_rows, *rows):
    out = np.zeros(n_rows, dtype=int)
    out[list(rows)] = 1
    return out


@pytest.mark.parametrize(
    ("predictions", "line"),
    [
        (flags(1000), "0-999,OK,"),
        (flags(2000, 1099), "1000-1999,ANOMALY,1099"),
        (flags(2000, 1099, 1123), '1000-1999,ANOMALY,"1099,1123"'),
        (flags(2345), "2000-2344,OK,"),
        (flags(2001, 2000), "2000-2000,ANOMALY,2000"),
        (flags(1000, 0, 999), '0-999,ANOMALY,"0,999"'),
        (flags(0), "range,status,indices"),
    ],
    ids=["clean", "one", "several", "partial", "single row", "edges", "no rows"],
)
def test_the_last_line_of_the_file_is_this_byte_for_byte(predictions, line, tmp_path):
    path = tmp_path / "report.csv"
    write_report(path, window_report(predictions))
    content = path.read_bytes().decode()
    assert content.startswith("range,status,indices\n")
    assert content.endswith(f"{line}\n")
    assert content.count("\n") == 1 + -(-len(predictions) // 1000)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 1), max_size=60), st.integers(1, 20))
def test_the_report_tells_every_anomalous_row_once(predictions, window):
    report = window_report(predictions, window)
    told = [int(i) for text in report["indices"] for i in text.split(",") if i]
    assert told == np.flatnonzero(predictions).tolist()
    for line in report.itertuples():
        first, last = map(int, line.range.split("-"))
        inside = predictions[first : last + 1]
        assert len(inside) == last - first + 1
        assert line.status == ("ANOMALY" if any(inside) else "OK")


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 1), max_size=60), st.integers(1, 20))
def test_what_is_written_is_read_back(tmp_path_factory, predictions, window):
    path = tmp_path_factory.mktemp("report") / "report.csv"
    report = window_report(predictions, window)
    write_report(path, report)
    pd.testing.assert_frame_equal(read_window_report(path), report, check_dtype=False)
    with path.open(newline="") as file:
        assert {len(line) for line in csv.reader(file)} <= {3}


def test_indices_without_quotes_are_understood(tmp_path):
    path = tmp_path / "report.csv"
    path.write_text("range,status,indices\n0-999,ANOMALY,1,2,3\n1000-1000,OK,\n")
    assert read_window_report(path)["indices"].tolist() == ["1,2,3", ""]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line must begin with range,status,indices"),
        ("time,score,anomaly\n", "got 'time,score,anomaly'"),
        ("range,status,indices\n0-9,GOOD,\n", "Line 2 of .* got '0-9,GOOD,'"),
        ("range,status,indices\n0-9,OK,\nnine,OK,\n", "Line 3"),
        ("range,status,indices\n0-9\n", "Line 2"),
    ],
)
def test_another_file_is_refused(tmp_path, text, said):
    path = tmp_path / "report.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_window_report(path)


@pytest.mark.parametrize("predictions", [[0, 2], [0.5], ["a"], [np.nan]])
def test_what_is_no_flag_is_refused(predictions):
    with pytest.raises(ValueError, match="predictions must hold 0 and 1"):
        window_report(predictions)


def scored():
    """Two tracks of six rows; rows 2, 3 and 7 are flagged."""
    index = pd.MultiIndex.from_product([["a", "b"], range(6)], names=["track", "time"])
    table = pd.DataFrame({"score": 0.1, "anomaly": 0}, index=index)
    table.iloc[[2, 3, 7], 1] = 1
    table.iloc[[2, 3, 7], 0] = 0.7, 0.9, 0.8
    rng = np.random.default_rng(0)
    errors = pd.DataFrame(
        {f"error_{name}": rng.uniform(0, 1, 12) for name in "xyz"}, index=index
    )
    errors.iloc[[2, 3], 1] = 5.0
    errors.iloc[7, [0, 2]] = 9.0, 20.0
    return table, errors


def test_the_extended_form_tells_when_how_much_and_where():
    table, errors = scored()
    table["probability"] = table["score"] / 2
    report = window_report(table, 5, extended=True, errors=errors, n_channels=1)
    assert report["first_track"].tolist() == ["a", "a", "b"]
    assert report["last_track"].tolist() == ["a", "b", "b"]
    assert report["start"].tolist() == [0, 5, 4]
    assert report["end"].tolist() == [4, 3, 5]
    assert report["n_flagged"].tolist() == [2, 1, 0]
    assert report["peak_time"].tolist() == [3, 1, 4]
    assert report["peak_score"].tolist() == [0.9, 0.8, 0.1]
    assert report["probability"].tolist() == [0.45, 0.4, 0.05]
    assert report["channels"].tolist() == ["y", "z", ""]


def test_errors_of_flagged_rows_are_enough():
    table, errors = scored()
    some = errors.iloc[[0, 2, 3, 5, 6, 7, 10, 11]]
    report = window_report(table, 5, extended=True, errors=some, n_channels=1)
    assert report["channels"].tolist() == ["y", "z", ""]
    with pytest.raises(ValueError, match="no row for the flagged row 3"):
        window_report(table, 5, extended=True, errors=errors.drop(errors.index[3]))


def test_an_extended_report_is_read_back(tmp_path):
    table, errors = scored()
    report = window_report(table, 5, extended=True, errors=errors)
    write_report(tmp_path / "report.csv", report)
    back = read_window_report(tmp_path / "report.csv")
    assert back["channels"].tolist() == report["channels"].tolist()
    assert back["peak_score"].tolist() == report["peak_score"].tolist()


def test_a_report_of_no_rows_has_its_columns():
    report = window_report(pd.DataFrame({"score": [], "anomaly": []}), extended=True)
    assert len(report) == 0
    assert {"start", "n_flagged", "peak_score"} <= set(report.columns)


def test_affected_channels_are_those_that_are_far_out():
    table, errors = scored()
    affected = affected_channels(table, errors)
    assert list(affected.columns) == ["x", "y", "z"]
    assert affected.index.equals(table.index)
    assert affected.to_numpy()[table["anomaly"] == 0].sum() == 0
    assert affected.iloc[[2, 3]].to_numpy().tolist() == [[0, 1, 0]] * 2
    assert affected.iloc[7].tolist() == [0, 0, 1]
    wide = affected_channels(table, errors, share=0.1)
    assert wide.iloc[7].tolist() == [1, 0, 1]


def test_usual_errors_may_come_from_training():
    table, errors = scored()
    quiet = errors.iloc[[0, 1, 4, 5]]
    table = table.iloc[2:4]  # nothing here is usual
    online = affected_channels(table, errors.iloc[2:4], reference=quiet)
    assert online.to_numpy().tolist() == [[0, 1, 0]] * 2
    with pytest.raises(ValueError, match="reference has the channels"):
        affected_channels(table, errors.iloc[2:4], reference=quiet[["error_x"]])
