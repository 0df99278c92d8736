"""Tables read piece by piece are those read whole."""

import gzip

import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.cli._tables import read_pieces, read_table

CELLS = st.sampled_from(["", "1", "07", "2.5", "1e-3", "on", "True", "False"])
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=12)


def pieces_of(path, size):
    return pd.concat(read_pieces(path, size, "track"), ignore_index=True)


@settings(deadline=None, max_examples=60)
@given(TABLES, st.integers(1, 6))
def test_columns_have_the_types_of_the_whole_file(tmp_path_factory, rows, size):
    path = tmp_path_factory.mktemp("tables") / "a.csv.gz"
    lines = [",".join([str(i), *row]) for i, row in enumerate(rows)]
    with gzip.open(path, "wt") as file:
        file.write("\n".join(["time,track,a,b", *lines, ""]))
    whole = read_table(path, "track")
    pd.testing.assert_frame_equal(pieces_of(path, size), whole)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_parquet_file_too(tmp_path, size):
    table = pd.DataFrame(
        {
            "track": ["7", "7", "7", "8", "8"],
            "count": [1, 2, None, 4, 5],
            "flag": [True, False, None, True, True],
            "mode": ["on", None, None, None, "off"],
            "empty": [None] * 5,
            "whole": pd.array([1, None, 3, 4, 5], dtype="Int64"),
            "when": pd.date_range("2026-03-01", periods=5),
        }
    )
    for name, index in (("flat", None), ("indexed", ["track", "when"])):
        path = tmp_path / f"{name}.parquet"
        (table.set_index(index) if index else table).to_parquet(path)
        parts = list(read_pieces(path, size, "track"))
        found = pd.concat(parts) if index else pieces_of(path, size)
        pd.testing.assert_frame_equal(found, read_table(path), check_freq=False)


@pytest.mark.parametrize("rows", [["1,2,3,9"], ["1,2,3", "1,2,3,9", "1,2,3"]])
def test_rows_longer_than_the_header_are_refused_whole_and_in_pieces(tmp_path, rows):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time,a,b", *rows]))
    said = f"row {rows.index('1,2,3,9')} has more cells than the first line has names"
    with pytest.raises(ValueError, match=said):
        read_table(path)
    for size in (1, 2):
        with pytest.raises(ValueError, match=r"has more cells than .* names, 3; name"):
            pieces_of(path, size)


def test_a_comma_at_the_end_of_all_lines_is_no_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n\ntime,a\n0,5,\n1,6,\n")
    assert read_table(path).to_dict("list") == {"time": [0, 1], "a": [5, 6]}
    assert pieces_of(path, 1).to_dict("list") == {"time": [0, 1], "a": [5, 6]}


def test_what_has_been_read_of_a_parquet_file_is_let_go(tmp_path):
    path = tmp_path / "long.parquet"
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(100_000, 20)))
    table = table.rename(columns=str)
    table.to_parquet(path, row_group_size=5_000)
    before, most = pyarrow.total_allocated_bytes(), 0
    for _ in read_pieces(path, 5_000):
        most = max(most, pyarrow.total_allocated_bytes() - before)
    assert most < 0.5 * path.stat().st_size
