"""Files that are no detector, or a broken one, are refused in one sentence."""

import os

import numpy as np
import pytest
from conftest import small_frame
from detector_files import edit, edit_arrays
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from skdsn.cli import main
from skdsn.cli._detectors import load_detector, save_detector
from skdsn.persistence import load, read_header, save

EYE, LABELS = np.eye(2), [0, 1]


@pytest.fixture
def path(tmp_path):
    save_detector(tmp_path / "d.skops", LogisticRegression().fit(EYE, LABELS))
    return tmp_path / "d.skops"


def refusal(read, path):
    with pytest.raises(ValueError, match=str(path)) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("point", [0x7FFFFFFF, 0x110000, 0xD800, 0xDFFF])
@pytest.mark.parametrize("order", "<>")
def test_characters_that_are_none_are_refused(path, point, order):
    text = np.full(2, point, f"{order}u4").view(f"{order}U1")
    assert edit_arrays(path, lambda array: text if array.dtype.kind == "i" else None)
    assert "holds what is no text" in refusal(load, path)


@pytest.mark.parametrize("text", ["a", "\U0010ffff", "\ud7ff", ""])
def test_any_other_character_is_read_back(tmp_path, text):
    model = LogisticRegression().fit(EYE, LABELS)
    model.note_ = np.array([text, "b"])
    save(model, tmp_path / "d.skops")
    np.testing.assert_array_equal(load(tmp_path / "d.skops").note_, model.note_)


@pytest.mark.parametrize(
    "changes",
    [
        {"feature_names": "ab"},
        {"feature_names": {"a": 0}},
        {"feature_names": [1, 2]},
        {"columns": []},
        {"columns": None},
        {"packages": [["numpy", "2"]]},
        {"packages": {"numpy": 2}},
        {"version": 0},
        {"version": True},
    ],
)
def test_a_header_of_other_types_is_refused(path, changes):
    edit(path, lambda header: header | changes, "skdsn.json")
    assert "is no whole detector file: it" in refusal(read_header, path)
    assert "is no whole detector file: it" in refusal(load, path)


@pytest.mark.parametrize("read", [load, read_header, load_detector])
def test_what_is_no_regular_file_is_not_read(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", tmp_path / "pipe"):
        assert "is no regular file" in refusal(read, path)


@pytest.mark.parametrize(
    "columns",
    [
        {"drop": 5},
        {"drop": [5]},
        {"time": ["x"]},
        {"track": 1},
        {"mission": 5},
        {"mission": {"format": 5}},
        {"kinds": ["a"]},
    ],
)
@pytest.mark.parametrize("name", ["d.skops", "d.pkl"])
def test_columns_of_other_types_are_told_in_one_line(tmp_path, capsys, columns, name):
    path = tmp_path / name
    save_detector(path, LogisticRegression().fit(EYE, LABELS), columns)
    small_frame().to_csv(tmp_path / "t.csv")
    assert main(["score", str(path), str(tmp_path / "t.csv")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"skdsn: error: {path} is broken: what it says of columns")
    assert said.count("\n") == 1


def test_what_save_says_of_a_search_or_a_long_double(tmp_path):
    rows, labels = np.repeat(EYE, 5, axis=0), np.repeat(LABELS, 5)
    search = GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=2)
    with pytest.raises(TypeError, match="save its best_estimator_"):
        save(search.fit(rows, labels), tmp_path / "d.skops")
    save(search.best_estimator_, tmp_path / "d.skops")
    model = LogisticRegression().fit(rows, labels)
    model.limit_ = np.longdouble(1)
    with pytest.raises(TypeError, match=r"detector.limit_ is a longdouble, .* a float"):
        save(model, tmp_path / "d.skops")
