"""Files that are either complete or not there."""

import pytest

from skdsn._files import check_target, replacing


def test_a_file_takes_the_place_of_the_old_one_at_the_end(tmp_path):
    path = tmp_path / "report.csv.gz"
    path.write_text("old")
    with replacing(path) as draft:
        draft.write_text("new")
        assert draft.parent == tmp_path
        assert draft.name.endswith(".csv.gz")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "report.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half-way"), replacing(path) as draft:
        draft.write_text("half")
        raise RuntimeError("half-way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_target_is_a_file_in_a_folder_that_exists(tmp_path):
    assert check_target(str(tmp_path / "a.csv")) == tmp_path / "a.csv"
    with pytest.raises(IsADirectoryError, match="is a folder; name a file in it"):
        check_target(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere to write"):
        check_target(tmp_path / "nowhere" / "a.csv")
