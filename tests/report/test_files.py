import json
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from skdsn.metrics import event_report
from skdsn.report import score_table, write_metrics, write_report


@pytest.fixture
def scores(X, y):
    return score_table(LogisticRegression().fit(X, y), X)


@pytest.mark.parametrize("name", ["report.csv", "report.csv.gz"])
def test_report_reads_back_to_the_last_digit(tmp_path, scores, name):
    write_report(tmp_path / name, scores)
    read = pd.read_csv(tmp_path / name, float_precision="round_trip", parse_dates=[1])
    pd.testing.assert_frame_equal(
        read.set_index(["track", "time"]), scores, check_index_type=False
    )
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path, scores):
    path = tmp_path / "report.csv"
    path.write_text("old")

    class Unwritable(pd.DataFrame):
        def to_csv(self, path, **options):
            path.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_report(path, Unwritable(scores))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_or_a_missing_folder_is_refused_before_anything_is_written(
    tmp_path, scores
):
    with pytest.raises(IsADirectoryError, match="name a file in it"):
        write_report(tmp_path, scores)
    with pytest.raises(FileNotFoundError, match="no folder"):
        write_report(tmp_path / "nowhere" / "report.csv", scores)


@pytest.mark.parametrize("name", ["report.parquet", "report", "report.csv.zip"])
def test_a_report_is_csv_by_its_name(tmp_path, scores, name):
    with pytest.raises(ValueError, match=r"must end in \.csv or \.csv\.gz"):
        write_report(tmp_path / name, scores)
    assert list(tmp_path.iterdir()) == []


def test_metrics_hold_figures_and_protocol_and_null_for_what_is_undefined(
    tmp_path, X, y
):
    detector = LogisticRegression().fit(X, y)
    report = event_report(detector, X, pd.Series(0, X.index), random_state=3)
    report.attrs["threshold"] = np.float32(0.5)
    write_metrics(tmp_path / "metrics.json", report)
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content["seed"] == 3
    assert content["threshold"] == 0.5
    assert content["versions"] == report.attrs["versions"]
    for column, figures in content["figures"].items():
        for name, value in figures.items():
            expected = report.loc[name, column]
            assert value is None if math.isnan(expected) else value == expected
    assert content["figures"]["detector"]["event_recall"] is None
