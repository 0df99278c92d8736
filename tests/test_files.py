"""Files that are either complete or not there."""

import gzip

import numpy as np
import pytest

from skdsn._files import check_target, fingerprint, replacing


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


def test_a_fingerprint_tells_files_of_one_size_apart(tmp_path):
    noise = np.random.default_rng(0).bytes(300_000)
    path = tmp_path / "a"
    path.write_bytes(noise)
    same = tmp_path / "b"
    same.write_bytes(noise)
    assert fingerprint(path) == fingerprint(str(same))
    for place in (0, 65_535, len(noise) - 65_536, len(noise) - 1):
        changed = bytearray(noise)
        changed[place] ^= 1
        same.write_bytes(changed)
        assert fingerprint(same) != fingerprint(path)
    same.write_bytes(noise + b"0")
    assert fingerprint(same) != fingerprint(path)
    same.write_bytes(b"")
    assert fingerprint(same).startswith("0-")


def test_any_change_shows_in_the_fingerprint_of_a_gzip_file(tmp_path):
    noise = bytearray(np.random.default_rng(0).bytes(300_000))
    found = set()
    for _ in range(2):
        path = tmp_path / "a.gz"
        path.write_bytes(gzip.compress(noise, mtime=0))
        found.add((path.stat().st_size, fingerprint(path)))
        noise[150_000] ^= 1
    sizes, marks = zip(*found, strict=True)
    assert len(set(sizes)) == 1
    assert len(set(marks)) == 2
