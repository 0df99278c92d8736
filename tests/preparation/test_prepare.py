"""From raw tracks to a store: what is kept, how it is labelled, what is told."""

import tempfile
import tracemalloc
import weakref
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from raw_tracks import (
    END,
    START,
    TOY,
    content_of,
    incident_table,
    toy_chunks,
    toy_frame,
    toy_raw,
)

from skdsn.datasets import RawTracks, make_dsn_raw_files, read_raw
from skdsn.labeling import label_incidents
from skdsn.preparation import prepare_tracks, read_quality

ALL = {"train": 1.0}


def told(store, step=None):
    """Reasons of the report, with their rows."""
    quality, _ = read_quality(store)
    if step is not None:
        quality = quality[quality["step"] == step]
    entries = zip(quality["track"], quality["reason"], quality["n_rows"], strict=True)
    return [(None if pd.isna(track) else track, *rest) for track, *rest in entries]


# -- Laws --

ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, *np.arange(12.0)]),
        st.sampled_from([2.2, 2.2, 26.0, 9.0, None]),
        st.sampled_from([30.0, 30.0, 90.0]),
    ),
    max_size=20,
)
TRACKS = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "A~2", 7, "7"]),
        ROWS,
        st.sampled_from([None, None, None, "T", "F", "EL"]),
    ),
    max_size=4,
)


def frame_of(rows, lost):
    frame = pd.DataFrame(rows, columns=["T", "F", "EL"], dtype="float64")
    return frame.drop(columns=[lost] if lost else [])


@settings(deadline=None, max_examples=25)
@given(
    chunks=st.lists(TRACKS, min_size=1, max_size=3),
    trim=st.booleans(),
    min_rows=st.integers(1, 4),
)
def test_each_row_is_stored_or_reported_as_left_out(chunks, trim, min_rows):
    chunks = [
        [(track, frame_of(rows, lost)) for track, rows, lost in chunk]
        for chunk in chunks
    ]
    total = sum(len(frame) for chunk in chunks for _, frame in chunk)
    options = {"trim": trim, "min_rows": min_rows, "fractions": ALL}
    with tempfile.TemporaryDirectory() as folder:
        try:
            store = prepare_tracks(toy_raw(*chunks), folder, **options)
        except ValueError as error:
            assert "There is no track to keep" in str(error)
            kept = 0
            quality = pd.read_csv(f"{folder}/quality.csv")
        else:
            kept = sum(len(store[track].X) for track in store)
            quality, _ = read_quality(store)
            assert store.tracks["n_rows"].sum() == kept
        assert kept + quality.loc[~quality["kept"], "n_rows"].sum() == total


TIME = st.one_of(st.none(), st.integers(-20, 300).map(lambda quarter: quarter / 4))
INCIDENTS = st.lists(
    st.tuples(st.sampled_from([None, "P0", "P1", "P9"]), TIME, TIME), max_size=6
)


# Open, and only with the padding within reach of a track.
@example(incidents=[(None, 10.0, None)], padding=2.5, policy="track")
@example(incidents=[(None, None, 59.0)], padding=2.5, policy="track")
@settings(deadline=None, max_examples=25)
@given(
    incidents=INCIDENTS,
    padding=st.sampled_from([0.0, 2.5]),
    policy=st.sampled_from(["track", "drop"]),
)
def test_labels_are_those_of_label_incidents(incidents, padding, policy):
    options = {"open_start": policy, "open_end": policy, "padding": padding}
    raw = toy_raw(*toy_chunks(2, 1, 10), incidents=incidents)
    with tempfile.TemporaryDirectory() as folder:
        store = prepare_tracks(raw, folder, fractions=ALL, min_rows=1, **options)
        rows = store.frame()
        _, told_incidents = read_quality(store)
    table = raw.incidents.copy()
    table["track"] = table["track"] + "_S"
    start, end = table[START].astype(float), table[END].astype(float)
    lost = table["track"].isna() & start.isna() & end.isna()
    usable = table[~(start > end) & ~lost]
    y, report = label_incidents(rows.X, usable, return_report=True, **options)
    pd.testing.assert_series_equal(y, rows.y, check_names=False)
    n_rows = told_incidents["n_rows"]
    assert n_rows[usable.index].tolist() == report["n_rows"].tolist()
    assert told_incidents["n_tracks"][usable.index].tolist() == list(report["n_tracks"])
    assert n_rows.drop(usable.index).eq(0).all()
    assert store.tracks["n_anomalous"].sum() == rows.y.sum()


@pytest.mark.parametrize("split", ["random", "forward"])
def test_the_order_of_the_tracks_does_not_matter(tmp_path, split):
    chunks = toy_chunks(5, 3)
    incidents = [(f"P{number}", 60.0 * number, None) for number in (0, 3, 8, 13, 14)]
    options = {"split": split, "max_train_rows": 40, "random_state": 3}
    one = prepare_tracks(
        toy_raw(*chunks, incidents=incidents), tmp_path / "one", **options
    )
    turned = [chunk[::-1] for chunk in chunks[::-1]]
    other = prepare_tracks(
        toy_raw(*turned, incidents=incidents[::-1]), tmp_path / "other", **options
    )
    columns = [column for column in one.tracks if column != "incidents"]
    pd.testing.assert_frame_equal(
        one.tracks[columns], other.tracks.loc[one.tracks.index, columns]
    )
    assert sorted(told(one), key=str) == sorted(told(other), key=str)


# -- Splits and budget --


def test_both_bands_of_a_pass_are_in_one_part(tmp_path):
    make_dsn_raw_files(
        tmp_path / "raw", mission="jwst", n_tracks=24, n_rows=30, random_state=0
    )
    raw = read_raw(tmp_path / "raw", "jwst", allow_pickle=True)
    store = prepare_tracks(raw, tmp_path / "store", min_rows=5)
    tracks = store.tracks
    assert tracks["pass_id"].value_counts().eq(2).all()
    assert set(tracks["band"]) == {"low", "high"}
    assert tracks.groupby("pass_id")["split"].nunique().eq(1).all()
    with_incidents = tracks.loc[tracks["n_anomalous"] > 0, "split"]
    assert set(with_incidents) == {"train", "val", "test"}
    rows = store.frame("val")
    passes = tracks.loc[rows.X.index.get_level_values("track"), "pass_id"]
    assert rows.groups.tolist() == passes.tolist()


@pytest.mark.parametrize("split", ["random", "forward"])
def test_no_incident_is_in_two_parts(tmp_path, split):
    # Each pass begins while the one before goes on: three times three, two, and one.
    begins = [100.0 * (number // 3) + 5.0 * (number % 3) for number in range(11)]
    begins.append(400.0)
    tracks = [(f"P{i}", toy_frame(8, begin)) for i, begin in enumerate(begins)]
    shared = [(None, begin + 6.0, begin + 6.5) for begin in begins[::3]]
    shared += [(None, begin + 11.0, begin + 11.5) for begin in begins[:9:3]]
    raw = toy_raw(tracks[:5], tracks[5:], incidents=[*shared, ("P11", 400.0, 401.0)])
    store = prepare_tracks(raw, tmp_path, split=split)
    table = store.tracks
    assert set(table["split"]) == {"train", "val", "test"}
    _, incidents = read_quality(store)
    assert incidents["n_tracks"].tolist() == [2] * 7 + [1]
    for _, start, end in shared:
        hit = [
            track
            for track in store
            if store[track]
            .y.droplevel("track")[
                pd.Timestamp(start, unit="s") : pd.Timestamp(end, unit="s")
            ]
            .any()
        ]
        assert len(hit) == 2
        assert len(set(table.loc[hit, "split"])) == 1
    expected = ["P0"] * 3 + ["P3"] * 3 + ["P6"] * 3 + ["P10"] * 2 + ["P11"]
    assert table["group"].tolist() == expected
    reasons = [reason for _, reason, _ in told(store, "split")]
    assert reasons[0] == "11 passes share incidents, so they are dealt as 4"
    assert read_quality(store)[0]["kept"].all()
    assert store.frame().groups.nunique() == 5


def test_a_budget_thins_the_tracks_of_training_only(tmp_path):
    raw = toy_raw(*toy_chunks(5, 4))
    full = prepare_tracks(raw, tmp_path / "full").tracks
    store = prepare_tracks(raw, tmp_path / "small", max_train_rows=50)
    small = store.tracks
    for part in ("val", "test"):
        assert small.index[small["split"] == part].equals(
            full.index[full["split"] == part]
        )
    n_train = small.loc[small["split"] == "train", "n_rows"].sum()
    assert 50 <= n_train < 58
    unused = small[small["split"] == "unused"]
    assert set(small.index[small["split"] != full["split"]]) == set(unused.index)
    assert told(store, "sample") == [
        (track, "beyond the row budget", 8) for track in unused.index
    ]
    assert len(store[unused.index[0]].X) == 8


def test_forward_splits_go_by_time(tmp_path):
    raw = toy_raw(*toy_chunks(4, 5), incidents=[(None, 0.0, 0.0)])
    store = prepare_tracks(raw, tmp_path, split="forward", gap="100s")
    tracks = store.tracks
    changes = tracks["split"] != tracks["split"].shift()
    order = ["train", "unused", "val", "unused", "test"]
    assert tracks.loc[changes, "split"].tolist() == order
    ends = tracks.groupby("split")["end"].max()
    starts = tracks.groupby("split")["start"].min()
    assert starts["val"] - ends["train"] >= pd.Timedelta("100s")
    assert starts["test"] - ends["val"] >= pd.Timedelta("100s")
    unused = tracks.index[tracks["split"] == "unused"]
    assert told(store, "split") == [
        *((track, "too late for its part", 8) for track in unused),
        *((None, f"no pass with incidents for {part}", 0) for part in ("val", "test")),
    ]


# -- What is told --


def test_every_incident_is_accounted_for(tmp_path):
    table = incident_table(
        ("P0", 1.0, 3.0),
        ("P0_S", 5.0, None),
        (None, 60.0, 61.0),
        ("P7", 1.0, 2.0),
        ("P1", 7.0, 5.0),
        (None, 40.0, 50.0),
        (None, None, None),
        ("P1", None, None),
    ).assign(WHAT=list("abcdefgh"))
    store = prepare_tracks(
        toy_raw(*toy_chunks(1, 2), incidents=table), tmp_path, fractions=ALL
    )
    _, incidents = read_quality(store)
    assert incidents["WHAT"].tolist() == list("abcdefgh")
    assert incidents["n_rows"].tolist() == [3, 3, 2, 0, 0, 0, 0, 8]
    assert incidents["reason"].tolist() == [
        *("matched", "matched", "matched", "unknown track", "ends before it starts"),
        *("no rows in the interval", "neither times nor a track", "matched"),
    ]
    assert [reason for _, reason, _ in told(store, "incidents")] == [
        "1 of 8: unknown track",
        "1 of 8: ends before it starts",
        "1 of 8: no rows in the interval",
        "1 of 8: neither times nor a track",
    ]


def test_the_band_of_a_track_that_was_left_out_is_no_unknown_track(tmp_path):
    table = incident_table(("P1_S", 0.0, 1.0), ("P1", 0.0, 1.0), ("P1_X", 0.0, 1.0))
    raw = toy_raw([("P0", toy_frame()), ("P1", toy_frame(2))], incidents=table)
    store = prepare_tracks(raw, tmp_path, fractions=ALL)
    _, incidents = read_quality(store)
    missed = "no rows in the interval"
    assert incidents["reason"].tolist() == [missed, missed, "unknown track"]


def test_columns_of_the_incidents_are_kept_whatever_their_names(tmp_path):
    table = incident_table(("P0", 1.0, 3.0)).assign(reason="wind", n_rows=7)
    raw = toy_raw([("P0", toy_frame())], incidents=table)
    store = prepare_tracks(raw, tmp_path, fractions=ALL)
    _, incidents = read_quality(store)
    row = incidents.iloc[0]
    assert (row["reason_given"], row["n_rows_given"]) == ("wind", 7)
    assert (row["reason"], row["n_rows"]) == ("matched", 3)
    assert told(store, "incidents") == [
        (None, f"column {name} is now {name}_given", 0) for name in ("n_rows", "reason")
    ]


def test_numbers_that_became_floats_still_name_their_track(tmp_path):
    table = incident_table((3.0, 1.0, 3.0), (np.nan, 900.0, 901.0))
    raw = toy_raw([(3, toy_frame()), (4, toy_frame())], incidents=table)
    store = prepare_tracks(raw, tmp_path, fractions=ALL)
    assert store.tracks["n_anomalous"].to_dict() == {"3_S": 3, "4_S": 0}


def test_channels_that_a_track_lacks_are_told(tmp_path):
    poor = toy_frame(5).drop(columns=["SNR", "LOCK"])
    empty = {"BLANK": np.full(6, np.nan), **dict.fromkeys("abcdef", 1.0)}
    raw = toy_raw([("A", poor), ("B", toy_frame(6, **empty))])
    store = prepare_tracks(raw, tmp_path, fractions=ALL)
    assert told(store) == [
        ("A_S", "lacks SNR, LOCK, BLANK, a, b and 4 more", 5),
        (None, "no track has a value of BLANK", 0),
        (None, "no pass with incidents for train", 0),
    ]
    assert read_quality(store)[0]["kept"].all()
    assert store["A_S"].X[["SNR", "LOCK"]].isna().all(axis=None)


def test_a_track_may_be_called_like_a_missing_value(tmp_path):
    raw = toy_raw([("NA", toy_frame(8)), ("nan", toy_frame(2))])
    store = prepare_tracks(raw, tmp_path, fractions=ALL)
    assert told(store, "length") == [("nan_S", "less than 3 rows", 2)]
    plain = toy_raw([("None", toy_frame().drop(columns="T")), ("A", toy_frame())])
    store = prepare_tracks(plain, tmp_path / "other", fractions=ALL)
    assert told(store, "columns") == [("None", "no column T", 8)]


def test_the_store_knows_what_it_was_made_from(tmp_path):
    options = {"bands": ("S",), "fractions": ALL, "gap": timedelta(hours=1)}
    for _ in range(2):  # the second time as it is
        store = prepare_tracks(toy_raw(*toy_chunks()), tmp_path, **options)
    assert store.info["mission"] == "toy"
    assert store.info["format"]["bands"] == {"S": [2.0, 3.0], "K": [25.0, 28.0]}
    assert store.info["bands"] == ["S"]
    assert store.info["random_state"] == 0
    assert store.tracks["pass_id"].tolist() == [f"P{number}" for number in range(6)]


# -- Memory --


def test_one_chunk_is_in_memory_at_a_time(tmp_path):
    alive = []

    def read(name):
        assert [made for made in alive if made() is not None] == []
        number = 2 * int(name)
        frames = [(f"P{number + i}", toy_frame(20, 50.0 * i)) for i in range(2)]
        alive.extend(weakref.ref(frame) for _, frame in frames)
        return frames

    raw = RawTracks(TOY, incident_table(), list("0123"), read)
    prepare_tracks(raw, tmp_path, fractions=ALL)
    assert len(alive) == 8


def test_memory_does_not_grow_with_the_chunks(tmp_path):
    def read(name):
        wide = {f"C{i}": np.random.default_rng(i).normal(size=4000) for i in range(20)}
        return [(name, toy_frame(4000, **wide))]

    def peak(n_chunks):
        raw = RawTracks(TOY, incident_table(), [f"P{i}" for i in range(n_chunks)], read)
        tracemalloc.start()
        prepare_tracks(raw, tmp_path / str(n_chunks), fractions=ALL)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)  # imports
    assert peak(9) < 1.1 * peak(3)


# -- Again --


def test_a_finished_store_is_given_back_at_once(tmp_path):
    chunks = toy_chunks()
    prepare_tracks(toy_raw(*chunks), tmp_path, fractions=ALL)
    before = content_of(tmp_path)

    def read(name):
        raise AssertionError(name)

    raw = toy_raw(*chunks)
    again = RawTracks(TOY, raw.incidents, raw.chunks, read)
    store = prepare_tracks(again, tmp_path, fractions=ALL)
    assert len(store) == 6
    assert content_of(tmp_path) == before
    for options in ({"fractions": ALL, "min_rows": 2}, {"random_state": 1}):
        with pytest.raises(FileExistsError, match="already holds a finished store"):
            prepare_tracks(again, tmp_path, **options)
