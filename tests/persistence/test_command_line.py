"""The command line saves without pickle where the suffix says so."""

import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame
from detector_files import edit
from sklearn.linear_model import LogisticRegression

from skdsn.cli import main
from skdsn.cli._detectors import load_detector, save_detector
from skdsn.persistence import read_header

TINY = ["--set", "length=3", "--set", "span=5", "--set", "window_size=20"]
TINY += ["--set", "batch_size=5", "--set", "error_buffer=2"]


@pytest.fixture
def telemetry(tmp_path):
    X = small_frame().rename_axis(["pass", "utc"])
    X.to_csv(tmp_path / "quiet.csv")
    return tmp_path / "quiet.csv"


def test_fit_and_score_without_pickle(telemetry, tmp_path, capsys):
    named = ["--track", "pass", "--time", "utc"]
    fit = ["fit", str(telemetry), *named, "--recipe", "housekeeping", *TINY]
    for name in ("d.skops", "d.pkl"):
        assert main([*fit, "--out", f"{tmp_path}/{name}"]) == 0
        # What the columns are the file remembers.
        score = ["score", f"{tmp_path}/{name}", str(telemetry)]
        assert main([*score, "--out", f"{tmp_path}/{name}.csv"]) == 0
    assert (tmp_path / "d.skops").read_bytes()[:2] == b"PK"
    one, other = (pd.read_csv(f"{tmp_path}/d.{kind}.csv") for kind in ("skops", "pkl"))
    pd.testing.assert_frame_equal(one, other)
    columns = {"track": "pass", "time": "utc", "drop": []}
    assert read_header(tmp_path / "d.skops")["columns"] == columns


def test_the_content_tells_the_format_and_not_the_suffix(tmp_path):
    model = LogisticRegression().fit(np.eye(2), [0, 1])
    save_detector(tmp_path / "a.skops", model, {"time": "t"})
    save_detector(tmp_path / "b.pkl", model, {"time": "t"})
    shutil.move(tmp_path / "a.skops", tmp_path / "a.pkl")
    shutil.move(tmp_path / "b.pkl", tmp_path / "b.skops")
    for name in ("a.pkl", "b.skops"):
        loaded, columns = load_detector(tmp_path / name)
        assert columns == {"time": "t"}
        np.testing.assert_array_equal(loaded.coef_, model.coef_)
    assert pickle.loads((tmp_path / "b.skops").read_bytes())["format"]


def test_a_broken_file_is_told_in_one_line(telemetry, tmp_path, capsys):
    path = tmp_path / "d.skops"
    save_detector(path, LogisticRegression().fit(np.eye(2), [0, 1]))
    edit(path, lambda schema: {**schema, "__class__": "SVC"})
    assert main(["score", str(path), str(telemetry)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"skdsn: error: {path} holds sklearn.linear_model.SVC")
    assert said.count("\n") == 1
