"""Reports of blocks of rows."""

import csv
import gzip

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

HEADER = "range,status,indices\n"


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
        (f"{HEADER}9-0,OK,\n", "Line 2 .* range is none"),
        (f"{HEADER}0-9,ANOMALY,x\n", "Line 2 .* index is no row number"),
        (f"{HEADER}0-9,ANOMALY,10\n", "Line 2 .* outside of the range"),
        (f"{HEADER}5-9,ANOMALY,4\n", "Line 2 .* outside of the range"),
        (f"{HEADER}0-9,ANOMALY,{'9' * 5000}\n", "Line 2 .* no row number"),
        (f"{HEADER}0-9,OK,3\n", "Line 2 .* do not fit the status"),
        (f"{HEADER}0-9,ANOMALY,\n", "Line 2 .* do not fit the status"),
        (f'{HEADER}0-9,ANOMALY,"1\n', "Line 2 .* a quote"),
        (f"{HEADER}0-9,OK,\n\n10-19,no,\n", "Line 4"),
        ("range,status,indices,status\n", "two columns 'status' in line 1"),
        ("range,status,indices,n_flagged\n0-9,OK,,x\n", "Line 2 .*'n_flagged'.*'x'"),
        ('range,status,indices,n\n0-9,OK,,"a\nb"\n10-19,BAD,,c\n', "Line 4"),
    ],
)
def test_another_file_is_refused(tmp_path, text, said):
    path = tmp_path / "report.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=said) as caught:
        read_window_report(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEADER.encode("utf-16"), "no text in UTF-8"),
        (HEADER.encode("utf-16-le"), "no window report"),
        (HEADER.encode() + b"0-9,ANOMALY,\xe9\n", "no text in UTF-8"),
    ],
)
def test_another_encoding_is_refused(tmp_path, content, said):
    (tmp_path / "report.csv").write_bytes(content)
    with pytest.raises(ValueError, match=f"report.csv is {said}"):
        read_window_report(tmp_path / "report.csv")


def test_a_byte_order_mark_and_blank_lines_at_the_end_are_no_matter(tmp_path):
    path = tmp_path / "report.csv"
    path.write_bytes(b"\xef\xbb\xbf" + HEADER.encode() + b"0-9,ANOMALY,3\r\n\r\n \n")
    assert read_window_report(path)["indices"].tolist() == ["3"]


@pytest.mark.parametrize("name", ["report.csv", "report.csv.gz"])
def test_a_block_of_many_flagged_rows_is_read_back(tmp_path, name):
    limit = csv.field_size_limit()
    report = window_report(np.ones(60_000, dtype=int), 50_000)
    assert report["indices"].str.len().max() > limit
    write_report(tmp_path / name, report)
    back = read_window_report(tmp_path / name)
    pd.testing.assert_frame_equal(back, report, check_dtype=False)
    assert csv.field_size_limit() == limit


def test_half_a_gzip_file_is_refused(tmp_path):
    path = tmp_path / "report.csv.gz"
    for content in (gzip.compress(HEADER.encode())[:-5], b"no gzip"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"report\.csv\.gz is no whole gzip file"):
            read_window_report(path)


@pytest.mark.parametrize("window", [99999999999999999999, np.int8(100)])
def test_a_block_may_be_longer_than_the_input(window):
    report = window_report(flags(60, 3), window)
    assert report["range"].tolist() == ["0-59"]
    assert window_report([], window)["range"].tolist() == []


@pytest.mark.parametrize(
    "predictions",
    [[0, 1, 2], np.array([0.0, 1, 2]), pd.Series([0, True, 2], dtype=object)],
)
def test_rare_rows_are_not_flagged(predictions):
    assert window_report(predictions)["indices"].tolist() == ["1"]


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2026-03-01", periods=3),
        pd.Index(list("abb")),
        pd.MultiIndex.from_product([["a"], range(3)]),
    ],
)
def test_errors_of_predictions_without_an_index_go_by_position(index):
    errors = pd.DataFrame({"error_x": [0.1, 9, 0.2], "error_y": 0.1}, index=index)
    report = window_report([0, 1, 0], extended=True, errors=errors)
    assert report["channels"].tolist() == ["x"]


def test_errors_and_scores_that_are_ambiguous_or_text_are_refused():
    table, errors = scored()
    twice = errors.set_axis(["error_x", "error_x", "error_z"], axis=1)
    text = errors.astype(object)
    text.iloc[4, 2] = "high"
    for wrong, said in (
        (twice, "more than one column 'error_x'"),
        (text, "Column 'error_z' of errors holds 'high' in row 4"),
        (pd.concat([errors, errors]), "more than one row"),
    ):
        with pytest.raises(ValueError, match=said):
            window_report(table, extended=True, errors=wrong)
        if len(wrong) == len(table):
            with pytest.raises(ValueError, match=said):
                affected_channels(table, wrong)
    words = table.astype({"score": object})
    words.iloc[5, 0] = "low"
    for wrong, said in (
        (words, "Column 'score' of the table of scores holds 'low' in row 5"),
        (pd.concat([table, table["anomaly"]], axis=1), "than one column 'anomaly'"),
    ):
        with pytest.raises(ValueError, match=said):
            window_report(wrong)
        with pytest.raises(ValueError, match=said):
            affected_channels(wrong, errors)


@pytest.mark.parametrize("predictions", [[0, 3], [0.5], ["a"], [np.nan], [pd.NA, 1]])
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
