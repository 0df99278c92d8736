"""``skdsn decode``: from files of frames or packets to a table of telemetry."""

import json
import os
import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest
from downlink_files import (
    FILES,
    TIMES,
    N,
    by_library,
    decode,
    error_of,
    make_downlink,
    merged,
    read_back,
    same,
)

from skdsn.ccsds import (
    dslwp,
    encode_frames,
    encode_packets,
    iter_frames,
    read_packets,
    to_telemetry,
)
from skdsn.cli import _decode, main


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A mission with two spacecraft, and what they sent."""
    folder = tmp_path_factory.mktemp("downlink")
    make_downlink(folder)
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """The mission in the working folder, where tests may write."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("out", ["out.parquet", "out.pq", "out.csv", "out.csv.gz"])
def test_the_table_is_what_the_library_makes(folder, out):
    table = decode("both.u8", *TIMES, out=out)
    expected = by_library("both.u8", start="2026-03-01", period="62.5s")
    same(table, expected)
    assert "power_u" in table
    assert table["power_dead"].isna().all()
    assert "power_mode" not in table  # labels
    assert not list(folder.glob(".draft*"))
    assert not list(folder.glob("tmp*"))


def test_the_rows_of_a_track_stand_together(folder):
    table = decode("both.u8", *TIMES, out="out.csv")
    tracks = table.index.get_level_values("track")
    starts = np.r_[True, tracks[1:] != tracks[:-1]]
    assert tracks[starts].tolist() == ["77-0001", "78-0001"]
    assert table.loc["77-0001"].index.is_monotonic_increasing


def test_any_cutting_gives_the_same_table(folder, monkeypatch):
    whole = decode("both.u8", *TIMES)
    monkeypatch.setattr(_decode, "_CELLS", 600)
    monkeypatch.setattr(_decode, "iter_frames", partial(iter_frames, chunk_frames=7))
    for out in ("pieces.parquet", "pieces.csv"):
        same(decode("both.u8", *TIMES, "--hold", "10min", out=out), whole)


def test_older_packets_begin_a_track_and_are_told(folder, monkeypatch, capsys):
    monkeypatch.setattr(_decode, "iter_frames", partial(iter_frames, chunk_frames=7))
    table = decode("both.u8", *TIMES, "--hold", "1s")
    said = capsys.readouterr().out
    assert "(packets older than rows before them begin a new track;" in said
    tracks = table.index.get_level_values("track")
    assert tracks.nunique() > 2
    assert (tracks[1:] != tracks[:-1]).sum() == tracks.nunique() - 1


def test_several_files_are_one_pass(folder):
    whole = decode("both.u8", "--kind", "clock", out="whole.csv")
    same(decode("first.u8", "second.u8.gz", "--kind", "clock"), whole)


def test_markers_are_found(folder):
    args = ["marked.cadu", *TIMES]
    same(decode(*args, spec="marked.yaml"), decode("both.u8", *TIMES))


def test_kiss_files_bring_their_times(folder):
    table = decode("both.kiss", spec="open.yaml")
    same(table, decode("both.u8", *TIMES))
    os.rename("both.kiss", "both.bin")
    same(decode("both.bin", "--format", "kiss", spec="open.yaml"), table)


def test_packets_need_no_spec(folder, monkeypatch):
    # Without frames nothing tells when power was received, and it is left out.
    table = decode("packets.tlm", spec=None)
    assert set(table.index.get_level_values("track")) == {"0-0001"}
    same(table, merged(read_packets("packets.tlm")))
    monkeypatch.setattr(_decode, "_CELLS", 600)
    same(decode("packets.tlm", spec=None, out="again.csv"), table)


def test_kinds_are_chosen_among_packets_of_all(folder, capsys):
    # Packets of both kinds have the APID and the length of "any".
    table = decode("both.u8", *TIMES, "--kind", "any", "--json", "counts.json")
    assert list(table) == ["any_protocol", "any_rest"]
    assert (table["any_protocol"] == 5).all()
    assert len(table) == 40
    decoded = json.loads((folder / "counts.json").read_text())["decoded"]
    assert list(decoded["kinds"]) == ["any"]
    assert decoded["other_kinds"] == 4 * N
    assert decoded["unknown"] == {}
    assert "Packets of other kinds: 1,200" in capsys.readouterr().out


def test_the_time_can_be_that_of_reception(folder):
    table = decode("both.u8", *TIMES, "--time", "received")
    expected = by_library(
        "both.u8", time="received", start="2026-03-01", period="62.5s"
    )
    same(table, expected)
    onboard = decode("both.u8", "--time", "onboard", "--kind", "clock")
    assert len(onboard) == 2 * N
    assert onboard.index[2][1] == pd.Timestamp("2026-03-01 00:01:40")


def test_a_gap_ends_a_track(folder):
    table = decode("one.u8", *TIMES, "--max-gap", "40s", "--kind", "clock")
    assert table.index.get_level_values("track").nunique() == N - 1  # one step is 40 s


def test_arrays_of_open_length_are_left_out(folder, capsys, monkeypatch):
    (folder / "defs/any.csv").write_text(
        "name,data_type,bit_length\nprotocol,uint,8\nrest,uint(expand),8\n"
    )
    monkeypatch.setattr(_decode, "iter_frames", partial(iter_frames, chunk_frames=23))
    table = decode("both.u8", *TIMES, "--hold", "10min")
    assert [name for name in table if name.startswith("any")] == ["any_protocol"]
    said = capsys.readouterr().out
    assert "left out, open arrays: any_rest_0, any_rest_1, any_rest_2, any_" in said


def test_counts_are_printed_and_written(folder, capsys):
    frames = bytearray((folder / "one.u8").read_bytes())
    frames[64 * 3 + 20] ^= 1  # fails the check
    del frames[64 * 8 : 64 * 9]  # lost
    (folder / "bad.u8").write_bytes(bytes(frames) + b"rest")
    decode("bad.u8", *TIMES, "--json", "counts.json")
    said = capsys.readouterr().out
    assert "truncated 1, bad crc 1" in said
    assert "wrote out.parquet and counts.json" in said.lower()
    counts = json.loads((folder / "counts.json").read_text())
    channel = counts["channels"]["77/0"]
    assert (channel["frames"], channel["jumps"]) == (len(frames) // 64 - 1, 2)
    kinds = counts["decoded"]["kinds"]
    assert 0 < kinds["power"]["decoded"] < N
    assert kinds["power"]["invalid"] == {"dead": kinds["power"]["decoded"]}
    assert sum(kind["decoded"] for kind in kinds.values()) == channel["packets"]
    assert counts["telemetry"]["left_out"] == {
        "bookkeeping": ["power_protocol", "clock_tick"],
        "labels_or_text": ["power_mode"],
    }


def test_a_mission_that_is_known_needs_no_files(folder):
    hkwod = dslwp.definitions()[3]
    table = pd.DataFrame(0.0, index=range(200), columns=hkwod.columns)
    table[[name for name in table if name.startswith("t_")]] = 20.0
    table[[name for name in table if "_rssi_" in name]] = -120.0
    table["v_battery"] = 12 + 0.1 * np.arange(200) % 1
    sent = encode_frames(encode_packets(table, hkwod), dslwp.spec(), spacecraft_id=403)
    times = pd.date_range("2018-10-17", periods=len(sent), freq="15s")
    rows = pd.DataFrame({"raw_data": [frame.hex() for frame in sent["data"]]})
    rows["server_receive_time"], rows["proxy_nickname"] = times, "DK3WN"
    rows.sample(frac=1, random_state=0).to_csv("frames.csv", index=False)
    out = ["--out", "out.parquet"]
    assert main(["decode", "frames.csv", "--mission", "dslwp_b", *out]) == 0
    expected = to_telemetry(dslwp.read("frames.csv"))
    same(read_back("out.parquet"), expected)
    assert len(expected) == 200
    half = len(rows) // 2
    rows[:half].to_csv("a.csv", index=False)
    rows[half:].to_csv("b.CSV", index=False)
    assert main(["decode", "b.CSV", "a.csv", "--mission", "dslwp_b", *out]) == 0
    same(read_back("out.parquet"), expected)


def test_the_table_can_be_learnt_from_and_scored(folder, capsys):
    decode("one.u8", *TIMES, "--kind", "power", "--drop-empty", out="t.csv")
    fit = ["fit", "t.csv", "--recipe", "housekeeping", "--out", "d.pkl"]
    assert main(fit) == 0
    decode("one.u8", *TIMES, "--kind", "power", "--drop-empty", out="t.parquet")
    assert main(["score", "d.pkl", "t.parquet", "--out", "r.csv"]) == 0
    assert len(pd.read_csv("r.csv")) == N
    assert "Scored 300 rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "said", "error"),
    [
        (["noise.u8", "--spec", "spec.yaml"], "bad crc 100", "No row of telemetry"),
        (["empty.u8", "--spec", "spec.yaml"], "Frames: accepted 0", "No row of"),
        (["empty.tlm"], "empty.tlm", "No row of telemetry came out"),
        (
            ["both.u8", "--spec", "spec.yaml", "--kind", "power"],
            "without time",
            "None of the 600 packets has a time; give --start and --period, or the "
            "definitions a rule for the time on board.",
        ),
        (
            ["packets.tlm", "--kind", "power"],
            "without time",
            "None of the 300 packets has a time; give the definitions a rule",
        ),
        (
            ["packets.tlm", "--time", "received"],
            "without time",
            "has a time; leave --time received out",
        ),
    ],
)
def test_where_nothing_comes_out_the_counts_tell_why(folder, capsys, args, said, error):
    (folder / "empty.u8").touch()
    (folder / "empty.tlm").touch()
    (folder / "out.csv").write_text("of before")
    args = ["decode", *args, "--packets", "defs", "--out", "out.csv"]
    before = sorted(folder.iterdir())
    assert main([*args, "--json", "counts.json"]) == 2
    captured = capsys.readouterr()
    assert said in captured.out.replace("\n", " ")
    assert error in captured.err
    assert captured.err.count("\n") == 1
    assert sorted(folder.iterdir()) == sorted([*before, folder / "counts.json"])
    assert "telemetry" in json.loads((folder / "counts.json").read_text())
    assert (folder / "out.csv").read_text() == "of before"


ONE = "one.u8 --spec spec.yaml --packets defs --out o.csv"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no.u8 --spec spec.yaml --packets defs --out o.csv", "No such file"),
        ("one.u8 no.gz --spec spec.yaml --packets defs --out o.csv", "No such file"),
        ("one.u8 --spec no.yaml --packets defs --out o.csv", "No such file"),
        ("one.u8 --spec spec.yaml --packets no --out o.csv", "There is no file no"),
        ("defs --spec spec.yaml --packets defs --out o.csv", "Is a directory"),
        ("one.u8 --spec defs --packets defs --out o.csv", "Is a directory"),
        ("one.u8 --spec spec.yaml --out o.csv", "--packets, or a --mission"),
        ("one.u8 --spec open.yaml --packets defs --out o.csv", "the frame spec a leng"),
        ("one.csv --spec spec.yaml --packets defs --out o.csv", "name the columns of"),
        ("x.csv --mission dslwp_b --out o.csv", "no column ['server_receive_time',"),
        ("one.u8 --mission kplo --out o.csv", "kplo comes without definitions of"),
        ("one.u8 --mission dslwp --out o.csv", "did you mean 'dslwp_b'?"),
        ("one.u8 --mission kplo --spec spec.yaml --out o.csv", "in place of --spec"),
        (f"{ONE} --kind powr", "no kind 'powr' of packets in ['power', 'any', 'clock'"),
        (f"{ONE} --time onboard", "'power' have no rule for the time on board"),
        (f"{ONE} --start yesterday", "start and period belong together"),
        (f"{ONE} --start noon --period 30s", "start must be a time; got 'noon'"),
        (f"{ONE} --start 2026-03-01 --period often", "period must be"),
        (f"{ONE} --max-gap long", "max_gap must be"),
        (f"{ONE} --max-gap nan", "max_gap must be"),
        (f"{ONE} --prefix 4", "are of files of packets; leave --spec"),
        (f"{ONE} --import no_such_laws", "there is no module no_such_laws"),
        ("packets.tlm --packets defs --out o.csv --copies first", "give their --spec"),
        ("packets.tlm --packets defs --out o.csv --prefix -1", "prefix must be"),
        (f"both.u8 {ONE} --start 2026-03-01 --period 1s", "time of one file"),
        ("packets.tlm --packets defs --out o.csv --period 3s", "give their --spec"),
        ("packets.tlm --packets defs --out o.csv --format raw", "give their --spec"),
        ("one.u8 --packets defs --out o.csv", "No space packet begins at byte 0"),
        ("one.u8 --spec bad.yaml --packets defs --out o.csv", "bad.yaml is not YAML"),
        ("one.u8 --spec near.yaml --packets defs --out o.csv", "did you mean"),
        ("one.u8 --spec spec.yaml --packets defs --out o.txt", ".parquet, .pq, .csv"),
        ("one.u8 --spec spec.yaml --packets defs --out defs", "defs is a folder"),
        ("one.u8 --spec spec.yaml --packets defs --out no/o.csv", "There is no folder"),
        ("x.csv --mission dslwp_b --out ./x.csv", "which is the input x.csv"),
        ("one.u8 --spec s.csv --packets defs --out s.csv", "which is the spec"),
        ("one.u8 --spec spec.yaml --packets defs --out defs/any.csv", "any.csv of the"),
        (f"{ONE} --json o.csv", "--out and --json name the same file"),
        (f"{ONE} --json spec.yaml", "which is the spec"),
        ("cut.u8.gz --spec spec.yaml --packets defs --out o.csv", "no whole gzip file"),
    ],
)
def test_bad_input_is_told_in_one_sentence(folder, capsys, command, said):
    (folder / "one.csv").write_text("a\n1\n")
    (folder / "x.csv").write_text("raw_data\n00\n")
    (folder / "s.csv").write_text(FILES["spec.yaml"])
    (folder / "bad.yaml").write_text("kind: [aos\n")
    (folder / "near.yaml").write_text("kind: aos\nlenght: 64\n")
    (folder / "cut.u8.gz").write_bytes((folder / "second.u8.gz").read_bytes()[:-20])
    before = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert said in error_of(capsys, "decode", *command.split())
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == before
