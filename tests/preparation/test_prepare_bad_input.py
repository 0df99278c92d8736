"""Each fault of the raw files is a clear error, or tolerated, counted and told."""

import numpy as np
import pandas as pd
import pytest
from raw_tracks import (
    END,
    START,
    incident_table,
    jwst_frame,
    toy_frame,
    toy_raw,
    write_jwst,
)

from skdsn.datasets import MissionFormat, RawTracks, read_jwst_chunks
from skdsn.preparation import prepare_tracks, read_quality

ALL = {"train": 1.0}


def prepare(tmp_path, *chunks, incidents="1.0,2.0\n", **options):
    folder = write_jwst(tmp_path / "raw", *chunks, incidents=incidents)
    raw = read_jwst_chunks(folder, allow_pickle=True)
    options = {"min_rows": 3, "fractions": ALL, **options}
    return prepare_tracks(raw, tmp_path / "out", **options)


def entries(store, step):
    quality, _ = read_quality(store)
    quality = quality[quality["step"] == step]
    columns = ["track", "reason", "n_rows", "kept"]
    return quality[columns].fillna({"track": ""}).to_numpy().tolist()


def test_a_truncated_file_is_named(tmp_path):
    folder = write_jwst(tmp_path / "raw", [("A", jwst_frame())])
    path = folder / "chunk_001_mon_JWST.pkl.gz"
    path.write_bytes(path.read_bytes()[:-30])
    raw = read_jwst_chunks(folder, allow_pickle=True)
    with pytest.raises(
        ValueError, match=r"chunk_001_mon_JWST.pkl.gz is no complete pi"
    ):
        prepare_tracks(raw, tmp_path / "out")


@pytest.mark.parametrize("column", ["RECEIVED_AT_TS", "CARRIER_FREQ_MEASURED"])
def test_a_track_without_a_column_it_needs_is_left_out(tmp_path, column):
    poor = jwst_frame().drop(columns=column)
    store = prepare(tmp_path, [("A", jwst_frame()), ("B", poor)])
    assert list(store) == ["A_low"]
    assert entries(store, "columns") == [["B", f"no column {column}", 6, False]]
    with pytest.raises(ValueError, match=rf"Track 'B' has no column '{column}'; its"):
        prepare(tmp_path / "strict", [("B", poor)], repair=False)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"bands": ["lo"]}, "no band 'lo'; its bands are low, high"),
        ({"fractions": {"train": 0.5}}, "which add up to 1"),
        ({"gap": "soon"}, "gap must be"),
        ({"gap": -1}, "gap must be positive"),
        ({"padding": -2.0}, "padding must be positive"),
        ({"max_train_rows": 0}, "max_rows must be positive"),
        ({"max_train_rows": 9, "anomalous_share": 2}, "between 0 and 1; got 2"),
        ({"anomalous_share": -1}, "between 0 and 1; got -1"),
        ({"split": "forwards"}, "split must be"),
    ],
)
def test_a_typo_is_refused_before_anything_is_written(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        prepare(tmp_path, [("A", jwst_frame())], **wrong)
    assert not (tmp_path / "out").exists()


def test_if_nothing_is_left_the_reasons_are_told(tmp_path):
    poor = jwst_frame().drop(columns="RECEIVED_AT_TS")
    chunk = [("A", poor), ("B", jwst_frame(2)), ("C", jwst_frame(9))]
    with pytest.raises(
        ValueError,
        match=r"no track to keep in .*: 11 rows: less than 20 rows, 6 rows: no column "
        r"RECEIVED_AT_TS; see quality.csv in it",
    ):
        prepare(tmp_path, chunk, min_rows=20)
    assert len(pd.read_csv(tmp_path / "out" / "quality.csv")) == 4
    # It is not in the way of other options.
    assert list(prepare(tmp_path, chunk, min_rows=4)) == ["C_low"]


def test_incidents_of_unknown_tracks_and_reversed_ones_are_counted(tmp_path):
    table = incident_table(("A", 1, 2), ("Z", 1, 2), ("A", 4, 3))
    raw = toy_raw([("A", toy_frame())], incidents=table)
    store = prepare_tracks(raw, tmp_path / "out", fractions=ALL)
    assert entries(store, "incidents") == [
        ["", "1 of 3: unknown track", 0, True],
        ["", "1 of 3: ends before it starts", 0, True],
    ]
    assert store.tracks["n_anomalous"].tolist() == [2]
    with pytest.raises(ValueError, match=r"Incident 2 ends \(.*:03\) before it starts"):
        prepare_tracks(raw, tmp_path / "strict", repair=False)


@pytest.mark.parametrize(
    ("policy", "rows"), [("track", [1, 1, 1, 0, 0, 0, 1, 1]), ("drop", [0] * 8)]
)
def test_open_ends_mean_what_was_asked_for(tmp_path, policy, rows):
    table = incident_table(("A", None, 2), ("A", 6, None))
    raw = toy_raw([("A", toy_frame()), ("B", toy_frame())], incidents=table)
    options = {"open_start": policy, "open_end": policy, "fractions": ALL}
    store = prepare_tracks(raw, tmp_path, **options)
    assert store["A_S"].y.tolist() == rows
    assert store["B_S"].y.sum() == 0
    _, incidents = read_quality(store)
    dropped = ["open start", "open end"]
    assert incidents["reason"].tolist() == (
        ["matched"] * 2 if policy == "track" else dropped
    )


def test_open_ends_can_be_refused_before_anything_is_read(tmp_path):
    table = incident_table(("A", 1, 2), ("A", 6, None))
    raw = RawTracks(toy_raw().mission, table, ["chunk"], None)
    with pytest.raises(ValueError, match=rf"Incident 1 has no '{END}'; set open_end"):
        prepare_tracks(raw, tmp_path, open_end="raise")
    with pytest.raises(ValueError, match="open_end must be 'raise', 'drop' or 't"):
        prepare_tracks(raw, tmp_path, open_end="ignore")


@pytest.mark.parametrize(
    ("incidents", "message"),
    [
        (pd.DataFrame({START: [1.0]}), f"have no column '{END}'; their columns are"),
        (incident_table(("A", "soon", "2025-06-02")), f"'{START}' .*row 0 has 'soon'"),
        (incident_table(("A", 1.7e12, 1.8e12)), "must hold seconds since 1970"),
    ],
)
def test_incident_tables_that_cannot_be_read_are_refused(tmp_path, incidents, message):
    with pytest.raises(ValueError, match=message):
        prepare_tracks(toy_raw([("A", toy_frame())], incidents=incidents), tmp_path)


def test_twins_are_kept_unless_they_are_the_same(tmp_path):
    one, other = jwst_frame(6), jwst_frame(5, 100.0)
    shuffled = one.iloc[::-1].reset_index(drop=True)
    renamed = one.rename(columns={"SNR": "AGC"})
    store = prepare(
        tmp_path,
        [("A", one), ("A", one.copy()), ("A", other)],
        [("A", shuffled), ("B", one), ("A", renamed)],
        incidents="101.0,102.0\n",
    )
    assert store.tracks["n_rows"].to_dict() == {
        "A_low": 6,
        "A~2_low": 5,
        "B_low": 6,
        "A~3_low": 6,
    }
    assert store.tracks["pass_id"].tolist() == ["A", "A", "B", "A"]
    assert store["A~2_low"].y.tolist() == [0, 1, 1, 0, 0]
    assert entries(store, "chunk") == [
        ["A", "same as an earlier track", 6, False],
        ["A", "id occurs before, kept as A~2", 5, True],
        ["A", "same as an earlier track", 6, False],
        ["A", "id occurs before, kept as A~3", 6, True],
    ]
    with pytest.raises(
        ValueError, match=r"chunk_001\S* has a second track of the id 'A'"
    ):
        prepare(tmp_path / "strict", [("A", one), ("A", other)], repair=False)


def test_a_twin_takes_no_name_that_is_taken(tmp_path):
    frames = [toy_frame(8, 100.0 * i) for i in range(5)]
    ids = ["A~2", "A", "A", 7, "7"]
    raw = toy_raw(list(zip(ids, frames, strict=True)))
    store = prepare_tracks(raw, tmp_path, fractions=ALL)
    assert list(store) == ["A~2_S", "A_S", "A~3_S", "7_S", "7~2_S"]
    raw = toy_raw(*[[pair] for pair in zip(["A", "A", "A~2"], frames, strict=False)])
    store = prepare_tracks(raw, tmp_path / "later", fractions=ALL)
    assert list(store) == ["A_S", "A~2_S", "A~2~2_S"]
    assert store.tracks["pass_id"].tolist() == ["A", "A", "A~2"]


def test_cells_that_hold_lists_are_text(tmp_path):
    odd = [[1], [2], None, [1], [1], [3]]
    one, other = jwst_frame(ODD=odd), jwst_frame(ODD=odd[::-1])
    store = prepare(tmp_path, [("A", one), ("A", one.copy()), ("A", other)])
    assert list(store) == ["A_low", "A~2_low"]
    assert store.columns["ODD"] == "categorical"
    assert store["A_low"].X["ODD"].isna().sum() == 1


def test_chunks_and_tracks_without_rows_are_told(tmp_path):
    chunk = [("A", jwst_frame()), ("B", None), ("C", jwst_frame(0))]
    store = prepare(tmp_path, [], chunk)
    assert entries(store, "chunk") == [
        ["", "empty chunk in chunk_001_mon_JWST.pkl.gz", 0, False],
        ["B", "not a DataFrame in chunk_002_mon_JWST.pkl.gz", 0, False],
        ["C", "no rows in chunk_002_mon_JWST.pkl.gz", 0, False],
    ]
    with pytest.raises(ValueError, match="Track 'B': not a DataFrame in chunk_001"):
        prepare(tmp_path / "strict", chunk, repair=False)


def test_frames_without_columns_are_left_out(tmp_path):
    bare = pd.DataFrame(index=range(4))
    store = prepare(tmp_path, [("A", jwst_frame()), ("B", bare), ("B", bare)])
    assert entries(store, "columns") == [["B", "no column RECEIVED_AT_TS", 4, False]]
    assert entries(store, "chunk") == [["B", "same as an earlier track", 4, False]]


def test_times_are_mended_and_counted(tmp_path):
    times = [5.0, 4.0, np.nan, 4.0, 6.0, 7.0]
    chunk = [
        ("A", jwst_frame(RECEIVED_AT_TS=times)),
        ("B", jwst_frame(RECEIVED_AT_TS=np.full(6, np.nan))),
        ("C", jwst_frame(RECEIVED_AT_TS=np.full(6, 1.7e15))),
        ("D", jwst_frame(RECEIVED_AT_TS=list("abcdef"))),
    ]
    store = prepare(tmp_path, chunk, incidents="4.0,5.0\n")
    assert list(store) == ["A_low"]
    assert store["A_low"].X["SNR"].tolist() == [1, 0, 4, 5]
    assert store["A_low"].y.tolist() == [1, 1, 0, 0]
    assert entries(store, "time") == [
        ["A_low", "no time", 1, False],
        ["A_low", "not in the order of time", 1, True],
        ["A_low", "time occurs before", 1, False],
        ["B_low", "no time", 6, False],
        ["C_low", "times cannot be read", 6, False],
        ["D_low", "times cannot be read", 6, False],
    ]
    with pytest.raises(
        ValueError, match=r"Track 'A_low' has 1 row\(s\) of 6 that cann"
    ):
        prepare(tmp_path / "strict", chunk, repair=False)


@pytest.mark.parametrize("written", ["%Y-%jT%H:%M:%S", "%Y-%m-%d %H:%M:%S", None])
def test_dates_may_be_text_or_have_a_zone(tmp_path, written):
    times = pd.date_range("2025-06-02T12:00", periods=6, freq="s", tz="UTC")
    texts = times.strftime(written) if written else times.tz_convert("Asia/Tokyo")
    frame = jwst_frame(RECEIVED_AT_TS=texts)
    incidents = "2025-153T12:00:01,2025-153T12:00:02\n"
    store = prepare(tmp_path, [("A", frame)], incidents=incidents)
    found = store["A_low"].X.index.get_level_values("time")
    assert found.tolist() == times.tz_localize(None).tolist()
    assert store["A_low"].y.tolist() == [0, 1, 1, 0, 0, 0]


def test_a_column_of_the_labels_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Track 'A_low' has a column 'anomaly'"):
        prepare(tmp_path, [("A", jwst_frame(anomaly=0))])


def test_too_few_passes_for_a_split_are_told(tmp_path):
    chunk = [("A", jwst_frame()), ("B", jwst_frame())]
    with pytest.raises(
        ValueError, match=r"2 pass\(es\) cannot be dealt into the 3 par"
    ):
        prepare(tmp_path / "two", chunk, incidents="", fractions=None)
    with pytest.raises(
        ValueError, match=r"1 pass\(es\) cannot .*; passes that share an incident cou"
    ):
        prepare(tmp_path / "one", chunk, fractions=None)


def bare(**columns):
    """A mission of three short tracks, one of which has other values."""
    times = pd.date_range("2026-03-01", periods=4, freq="min")

    def read(chunk):
        day = pd.Timedelta(days=int(chunk))
        own = columns if chunk == "1" else {}
        frame = pd.DataFrame({"UTC": times + day, "SNR": [1.0, 2.0, 3.0, 4.0]})
        return [(f"P-{chunk}", frame.assign(**own))]

    return read


NO_INCIDENTS = pd.DataFrame(
    {"INCIDENT_START_TIME_DT": pd.Series([], dtype="float64")}
).assign(INCIDENT_END_TIME_DT=0.0)


def test_infinite_values_are_missing_and_counted(tmp_path):
    lro = MissionFormat(name="lro", time="UTC")
    read = bare(SNR=[1.0, np.inf, -np.inf, 4.0])
    raw = RawTracks(lro, NO_INCIDENTS, ["0", "1", "2"], read)
    store = prepare_tracks(raw, tmp_path / "out")
    assert store["P-1"].X["SNR"].isna().tolist() == [False, True, True, False]
    quality, _ = read_quality(store)
    found = quality[quality["reason"] == "infinite SNR made missing"]
    assert found[["track", "n_rows", "kept"]].to_numpy().tolist() == [["P-1", 2, True]]
    with pytest.raises(ValueError, match="'P-1' holds infinity in column 'SNR'"):
        prepare_tracks(raw, tmp_path / "strict", repair=False)


def test_a_channel_that_is_numbers_and_text_is_told(tmp_path):
    lro = MissionFormat(name="lro", time="UTC")
    read = bare(SNR=["1", "ERR", "3", "4"])
    raw = RawTracks(lro, NO_INCIDENTS, ["0", "1", "2"], read)
    store = prepare_tracks(raw, tmp_path / "out")
    assert store.columns["SNR"] == "categorical"
    quality, _ = read_quality(store)
    told = "SNR is text throughout: numeric in 2, categorical in 1 tracks"
    assert told in quality["reason"].tolist()


def test_a_chosen_track_column_of_incidents_must_be_there(tmp_path):
    lro = MissionFormat(name="lro", time="UTC", incident_track="contakt")
    raw = RawTracks(lro, NO_INCIDENTS, ["0", "1", "2"], bare())
    with pytest.raises(ValueError, match="have no column 'contakt', which names"):
        prepare_tracks(raw, tmp_path / "out")
