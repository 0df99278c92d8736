import gzip
import json
import pickle
import sys
import weakref
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skdsn.datasets import (
    MissionFormat,
    RawTracks,
    convert_raw,
    get_mission_format,
    read_jwst_chunks,
    read_mro,
    read_raw,
)

START, END = "INCIDENT_START_TIME_DT", "INCIDENT_END_TIME_DT"
REPORT = pd.DataFrame({START: ["2025-06-02"], END: ["2025-06-03"], "NOTE": ["wind"]})


def frame(n_rows=3, begin=0.0):
    return pd.DataFrame(
        {
            "RECEIVED_AT_TS": begin + np.arange(n_rows, dtype=float),
            "CARRIER_LOCK_STATE": pd.Series(["IN", None, "OUT"][:n_rows], dtype=object),
            "FRAMES": np.arange(n_rows),
        }
    )


def write_jwst(folder, *chunks, incidents=f"{START},{END}\n1.0,2.0\n"):
    for number, content in enumerate(chunks, start=1):
        data = gzip.compress(pickle.dumps(content))
        (folder / f"chunk_{number:03d}_mon_JWST.pkl.gz").write_bytes(data)
    if incidents is not None:
        (folder / "all_dr_data.csv").write_text(incidents)
    return folder


def write_mro(folder, tracks, reports=(("A", REPORT),)):
    (folder / "mons.pkl").write_bytes(pickle.dumps(tracks))
    if reports is not None:
        (folder / "drs.pkl").write_bytes(pickle.dumps(list(reports)))
    return folder


def jwst(folder, *chunks, **options):
    return read_jwst_chunks(write_jwst(folder, *chunks, **options), allow_pickle=True)


def mro(folder, *args):
    return read_mro(write_mro(folder, *args), allow_pickle=True)


def test_tracks_come_in_the_order_of_the_files_as_they_are(tmp_path):
    first, second = frame(2), frame(3).iloc[::-1]
    raw = jwst(tmp_path, [(np.int64(7), first), ("x", second)], ((7, first),))
    assert raw.chunks == ("chunk_001_mon_JWST.pkl.gz", "chunk_002_mon_JWST.pkl.gz")
    tracks = list(raw)
    assert [track for track, _ in tracks] == [7, "x", 7]
    assert type(tracks[0][0]) is int
    pd.testing.assert_frame_equal(tracks[1][1], second)
    assert raw.mission is get_mission_format("jwst")
    assert raw.incidents[START].tolist() == [1.0]
    assert list(raw) is not tracks
    assert len(list(raw)) == 3


def test_what_is_tolerated_is_told(tmp_path):
    raw = jwst(tmp_path, [("a", None), ("b", frame(0)), ("c", frame())], [])
    chunk = raw.read_chunk(raw.chunks[0])
    assert [track for track, _ in chunk.tracks] == ["c"]
    assert chunk.problems.to_dict("list") == {
        "track": ["a", "b"],
        "problem": ["not a DataFrame", "no rows"],
        "n_rows": [0, 0],
    }
    empty = raw.read_chunk(raw.chunks[1]).problems
    assert empty.to_numpy().tolist() == [[None, "empty chunk", 0]]
    assert [track for track, _ in raw] == ["c"]
    with pytest.raises(ValueError, match="There is no chunk 'chunk_9'; there are chu"):
        raw.read_chunk("chunk_9")


def test_all_rows_of_all_reports_count(tmp_path):
    two = pd.concat([REPORT, REPORT]).set_axis([5, 5])
    reports = [("A", two), (np.int32(3), REPORT), ("A", REPORT), ("B", REPORT.iloc[:0])]
    incidents = mro(tmp_path, [("A", frame())], reports).incidents
    assert incidents.columns.tolist() == ["track", START, END, "NOTE"]
    assert incidents["track"].tolist() == ["A", "A", 3, "A"]
    assert incidents.index.tolist() == [0, 1, 2, 3]


def test_no_report_is_a_table_without_rows(tmp_path):
    raw = mro(tmp_path, [("A", frame())], [])
    assert raw.incidents.columns.tolist() == ["track", START, END]
    assert len(raw.incidents) == 0
    assert raw.chunks == ("mons.pkl",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (frame(), r"chunk_001_mon_JWST.pkl.gz must hold a list .*; it holds a DataFr"),
        ({"a": frame()}, "it holds a dict"),
        ([frame()], "item 0 is a DataFrame"),
        ([("a", frame(), 1)], "item 0 is a tuple of 3"),
        ([("a", frame()), (1.0, frame())], "item 1 is named 1.0, a float"),
        ([(True, frame())], "item 0 is named True, a bool"),
        ([(None, frame())], "item 0 is named None, a NoneType"),
    ],
)
def test_a_chunk_of_something_else_is_refused(tmp_path, content, message):
    raw = jwst(tmp_path, content)
    with pytest.raises(ValueError, match=message):
        list(raw)


@pytest.mark.parametrize(
    ("reports", "message"),
    [
        ([("A", None)], "table of track 'A' must be a DataFrame; it is a NoneType"),
        ([("A", REPORT[[START]])], f"track 'A' has no column '{END}'; its columns are"),
        ([("A", REPORT.assign(track=1))], "already has a column 'track'"),
        (REPORT, "drs.pkl must hold a list"),
    ],
)
def test_bad_reports_are_refused(tmp_path, reports, message):
    write_mro(tmp_path, [("A", frame())])
    (tmp_path / "drs.pkl").write_bytes(pickle.dumps(reports))
    with pytest.raises(ValueError, match=message):
        read_mro(tmp_path, allow_pickle=True)


def test_an_incident_table_must_have_its_columns(tmp_path):
    with pytest.raises(ValueError, match=f"no column '{END}'; its columns are"):
        jwst(tmp_path, [], incidents=f"{START},END\n1,2\n")
    with pytest.raises(ValueError, match=r"all_dr_data.csv cannot be read as a table"):
        jwst(tmp_path, [], incidents="")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        read_jwst_chunks(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no file chunk_\*_mon_JWST.pkl.gz in"):
        read_jwst_chunks(tmp_path)
    write_jwst(tmp_path, [], incidents=None)
    with pytest.raises(FileNotFoundError, match=r"no file all_dr_data.csv in"):
        read_jwst_chunks(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no file mons.pkl in"):
        read_mro(tmp_path)
    write_mro(tmp_path, [], reports=None)
    with pytest.raises(FileNotFoundError, match=r"no file drs.pkl in"):
        read_mro(tmp_path)


def test_pickles_are_read_only_with_permission(tmp_path):
    write_mro(write_jwst(tmp_path, [("a", frame())]), [("A", frame())])
    with pytest.raises(ValueError, match=r"drs.pkl is a pickle.*allow_pickle=True"):
        read_mro(tmp_path)
    raw = read_raw(tmp_path, "JWST")
    assert len(raw.incidents) == 1
    with pytest.raises(ValueError, match=r"JWST.pkl.gz is a pickle.*skdsn convert"):
        next(iter(raw))


def test_the_mission_chooses_the_reader(tmp_path):
    write_mro(write_jwst(tmp_path, [("a", frame())]), [("A", frame())])
    for name, track in (("jwst", "a"), (get_mission_format("mro"), "A")):
        raw = read_raw(tmp_path, name, allow_pickle=True)
        assert [found for found, _ in raw] == [track]
    with pytest.raises(ValueError, match=r"those of 'LRO' only after convert_raw"):
        read_raw(tmp_path, MissionFormat(name="LRO", time="UTC"))
    with pytest.raises(ValueError, match="must be one of jwst, mro"):
        read_raw(tmp_path, "cassini")


def test_a_format_of_ones_own_reaches_the_reader(tmp_path):
    write_mro(write_jwst(tmp_path, [("a", frame())]), [("A", frame())])
    for name in ("jwst", "mro"):
        own = replace(get_mission_format(name), time="FRAMES", min_rows=3)
        assert read_raw(tmp_path, own, allow_pickle=True).mission is own
    other = replace(get_mission_format("jwst"), incident_end="STOP")
    with pytest.raises(ValueError, match="no column 'STOP'"):
        read_raw(tmp_path, other, allow_pickle=True)
    (tmp_path / "all_dr_data.csv").write_text(f"{START},STOP\n1.0,2.0\n")
    assert read_raw(tmp_path, other).incidents["STOP"].tolist() == [2.0]


def test_incidents_need_not_be_there_if_they_are_not_asked_for(tmp_path):
    write_mro(
        write_jwst(tmp_path, [("a", frame())], incidents=None), [("A", frame())], None
    )
    for name, track in (("jwst", "a"), ("mro", "A")):
        raw = read_raw(tmp_path, name, allow_pickle=True, incidents=False)
        assert [found for found, _ in raw] == [track]
        assert raw.incidents.columns.tolist() == [START, END]
        assert len(raw.incidents) == 0
        convert_raw(raw, tmp_path / name)
        (tmp_path / name / "incidents.parquet").unlink()
        again = read_raw(tmp_path / name, name, incidents=False)
        assert [found for found, _ in again] == [track]


def test_one_chunk_is_alive_at_a_time():
    alive = []

    def read(name):
        assert all(made() is None for made in alive)
        frames = [frame(), frame()]
        alive.extend(weakref.ref(made) for made in frames)
        return list(enumerate(frames))

    raw = RawTracks("mro", REPORT, ["a", "b", "c"], read)
    seen = 0
    for _, track in raw:
        seen += len(track)
        # Ours is the last name of it, when the next is asked for.
        del track
    assert (seen, len(alive)) == (18, 6)


# -- Parquet --

RICH = pd.DataFrame(
    {
        "text": pd.Series(["IN", None, "OUT"], dtype=object),
        "str": ["IN", None, "OUT"],
        "float": np.float32([0.1, np.nan, -np.inf]),
        "int": np.array([2**62, 0, -1]),
        "flag": [True, False, True],
        "masked": pd.array([1, None, 2], dtype="Int64"),
        "level": pd.Categorical(["x", None, "y"], categories=["y", "x"], ordered=True),
        "time": pd.date_range("2025-06-02", periods=3, freq="s", tz="UTC"),
        "wait": pd.to_timedelta([1, 2, None], unit="s"),
        "mixed": pd.Series([1, "OFF", 2.5], dtype=object),
        "numbers": pd.Series([np.float64(0.1), None, np.int64(2**62)], dtype=object),
        "nothing": pd.Series([None, None, None], dtype=object),
    }
).set_axis([4, 2, 2])


def test_a_converted_folder_equals_the_pickles(tmp_path):
    dates = RICH.set_index(pd.date_range("2025", periods=3, name="UTC"))
    chunks = [
        [(7, RICH), ("7", frame()), ("b", dates), ("bad", None), ("none", frame(0))],
        [],
        [(7, frame(2, 5.0))],
    ]
    raw = jwst(tmp_path, *chunks, incidents=f"{START},{END},NOTE\n0.1,2.0,x\n1,2,\n")
    told = []
    convert_raw(raw, tmp_path / "deep" / "parquet", progress=told.append)
    assert tuple(told) == raw.chunks
    for read in (read_jwst_chunks, lambda folder: read_raw(folder, "jwst")):
        converted = read(tmp_path / "deep" / "parquet")
        assert converted.chunks == raw.chunks
        pd.testing.assert_frame_equal(converted.incidents, raw.incidents)
        for name in raw.chunks:
            was, is_ = raw.read_chunk(name), converted.read_chunk(name)
            assert [id_ for id_, _ in is_.tracks] == [id_ for id_, _ in was.tracks]
            for (_, old), (_, new) in zip(was.tracks, is_.tracks, strict=True):
                # Text is the one type that changes: object to str.
                old = old.astype({c: "str" for c in old if c in TEXTS})
                pd.testing.assert_frame_equal(new, old, check_freq=False)
            pd.testing.assert_frame_equal(is_.problems, was.problems)


TEXTS = {"text", "CARRIER_LOCK_STATE"}


def test_conversion_of_mro_keeps_the_tracks_of_reports(tmp_path):
    raw = mro(tmp_path, [("A", frame())], [("A", REPORT), (3, REPORT)])
    convert_raw(raw, tmp_path / "parquet")
    incidents = read_mro(tmp_path / "parquet").incidents
    assert incidents["track"].tolist() == ["A", 3]
    pd.testing.assert_frame_equal(incidents, raw.incidents)


def test_conversion_goes_on_where_it_stopped(tmp_path):
    chunks = [[("a", frame())], [("b", frame())], [("c", frame())]]
    raw = jwst(tmp_path, *chunks)
    target, asked = tmp_path / "parquet", []

    def stop(name):
        if name == raw.chunks[1]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_raw(raw, target, progress=stop)
    assert not (target / "raw.json").exists()

    def read(name):
        asked.append(name)
        return chunks[raw.chunks.index(name)]

    again = RawTracks("jwst", raw.incidents, raw.chunks, read, raw.folder)
    convert_raw(again, target)
    assert asked == [raw.chunks[2]]
    assert [track for track, _ in read_jwst_chunks(target)] == ["a", "b", "c"]
    assert not list(target.rglob(".draft*"))


def test_a_chunk_cut_short_is_converted_again(tmp_path):
    raw = mro(tmp_path, [("a", frame()), ("b", RICH[["mixed"]].map(lambda _: {1}))])
    with pytest.raises(ValueError, match="Track 'b' has a column 'mixed' of mixed"):
        convert_raw(raw, tmp_path / "parquet")
    assert not list((tmp_path / "parquet").rglob("*.json"))
    good = RawTracks("mro", raw.incidents, raw.chunks, lambda _: [("a", frame())])
    convert_raw(good, tmp_path / "parquet")
    assert [track for track, _ in read_mro(tmp_path / "parquet")] == ["a"]


def test_a_chunk_that_was_corrected_is_converted_again(tmp_path):
    chunks = [[("a", frame()), ("b", frame())], [("c", frame())]]
    raw, target = jwst(tmp_path, *chunks), tmp_path / "parquet"
    second = tmp_path / raw.chunks[1]
    whole = second.read_bytes()
    second.write_bytes(whole[:-20])
    with pytest.raises(ValueError, match="no complete"):
        convert_raw(raw, target)
    second.write_bytes(whole)
    raw = jwst(tmp_path, [("a", frame(3, 1.0))], chunks[1])
    convert_raw(raw, target)
    read = list(read_jwst_chunks(target))
    assert [track for track, _ in read] == ["a", "c"]
    assert read[0][1]["RECEIVED_AT_TS"].tolist() == [1.0, 2.0, 3.0]
    files = {path.name for path in (target / raw.chunks[0]).iterdir()}
    assert files == {"00001.parquet", "chunk.json"}


def test_a_finished_conversion_of_other_files_is_refused(tmp_path):
    raw, target = mro(tmp_path, [("A", frame())]), tmp_path / "parquet"
    convert_raw(raw, target)
    told = []
    convert_raw(raw, target, progress=told.append)  # of the same, it stands
    assert told == ["mons.pkl"]
    message = r"holds a finished conversion of other files, first {}; name another"
    other = mro(tmp_path, [("A", frame(3, 1.0))])
    assert (tmp_path / "mons.pkl").stat().st_size > 0
    with pytest.raises(FileExistsError, match=message.format("mons.pkl")):
        convert_raw(other, target)
    table = REPORT.assign(NOTE="rain")
    other = mro(tmp_path, [("A", frame())], [("A", table)])
    with pytest.raises(FileExistsError, match=message.format("the incident table")):
        convert_raw(other, target)
    fewer = RawTracks("mro", raw.incidents, [], None, tmp_path)
    with pytest.raises(FileExistsError, match=message.format("mons.pkl")):
        convert_raw(fewer, target)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (frame().set_axis([1, "b", "c"], axis=1), r"Track 'a' must have column .* \[1"),
        (frame().set_axis(["b", "b", "c"], axis=1), r"each of them once; it has \['b'"),
        (
            pd.DataFrame({"q": pd.Series([2**70, 1], dtype=object)}),
            "Track 'a' does not fit into Parquet with its column 'q': Pyt",
        ),
    ],
)
def test_what_parquet_cannot_hold_is_named(tmp_path, bad, message):
    raw = RawTracks("mro", REPORT, ["one"], lambda _: [("a", bad)])
    with pytest.raises(ValueError, match=message):
        convert_raw(raw, tmp_path)


def test_a_folder_of_another_mission_is_refused(tmp_path):
    raw = RawTracks("mro", REPORT, ["one"], lambda _: [("a", frame())])
    convert_raw(raw, tmp_path)
    with pytest.raises(
        ValueError, match=r"raw.json belongs to files of mro, not of jw"
    ):
        read_jwst_chunks(tmp_path)
    other = RawTracks("jwst", REPORT, ["one"], lambda _: [("a", frame())])
    with pytest.raises(ValueError, match="belongs to files of mro"):
        convert_raw(other, tmp_path)


def test_a_damaged_conversion_is_told(tmp_path):
    raw = RawTracks("mro", REPORT, ["one"], lambda _: [("a", frame())])
    convert_raw(raw, tmp_path)
    path = tmp_path / "one" / "00001.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"00001.parquet is missing or broken"):
        list(read_mro(tmp_path))
    path.unlink()
    with pytest.raises(ValueError, match=r"00001.parquet is missing or broken"):
        list(read_mro(tmp_path))
    manifest = json.loads((tmp_path / "raw.json").read_text())
    (tmp_path / "raw.json").write_text(json.dumps({**manifest, "version": 99}))
    with pytest.raises(ValueError, match="has version 99; this can read 1"):
        read_mro(tmp_path)
    (tmp_path / "raw.json").write_text("[")
    with pytest.raises(ValueError, match="was not written by convert_raw"):
        read_mro(tmp_path)


def test_a_chunk_name_leads_nowhere_else(tmp_path):
    raw = RawTracks("mro", REPORT, ["../one"], lambda _: [("a", frame())])
    with pytest.raises(ValueError, match=r"must be named like a file; got '../one'"):
        convert_raw(raw, tmp_path / "parquet")


def test_conversion_names_the_extra_that_it_needs(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    raw = RawTracks("mro", REPORT, ["one"], lambda _: [("a", frame())])
    with pytest.raises(ImportError, match=r"pip install skdsn\[parquet\]"):
        convert_raw(raw, tmp_path)


def test_a_converted_folder_of_any_mission_is_read(tmp_path):
    pytest.importorskip("pyarrow")
    lro = MissionFormat(name="lro", time="UTC")
    table = pd.DataFrame({"UTC": ["2026-03-01T00:00:00"], "SNR": [9.0]})
    incidents = pd.DataFrame({lro.incident_start: [1.0], lro.incident_end: [2.0]})
    raw = RawTracks(lro, incidents, ["orbit"], lambda name: [(7, table)])
    convert_raw(raw, tmp_path / "out")
    again = read_raw(tmp_path / "out", lro)
    assert [(track, len(rows)) for track, rows in again] == [(7, 1)]
    assert len(again.incidents) == 1
