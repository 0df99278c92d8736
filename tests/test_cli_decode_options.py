"""Options of ``skdsn decode``: columns, copies, prefixes, modules, XTCE files."""

import json
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from downlink_files import (
    TIMES,
    N,
    decode,
    error_of,
    interleave,
    make_downlink,
    same,
    values,
)
from xtce_files import container, document, equal, integer, packet

from skdsn.ccsds import (
    FrameSpec,
    encode_frames,
    encode_packets,
    iter_frames,
    read_definitions,
    read_packets,
)
from skdsn.cli import _decode


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


def test_columns_do_not_depend_on_the_data(folder, capsys):
    power = read_definitions("defs")[0]
    one, _ = values(77)
    spec = FrameSpec.from_yaml("spec.yaml")
    packets = interleave(encode_packets(one, power))
    sent = encode_frames(packets, spec, spacecraft_id=77)["data"]
    (folder / "day.u8").write_bytes(b"".join(sent))
    whole = decode("one.u8", *TIMES, out="whole.csv")
    day = decode("day.u8", *TIMES, out="day.csv")
    assert list(day) == list(whole)
    assert "(4 without any value among them)" in capsys.readouterr().out
    less = decode("day.u8", *TIMES, "--drop-empty")
    assert list(less) == ["power_u"]
    assert "1 column (4 without any value left out)" in capsys.readouterr().out


def test_packets_without_time_are_told_by_kind(folder, capsys):
    decode("both.u8")
    said = capsys.readouterr().out
    assert (
        "power, any: 640 packets without time are left out; give --start and --period"
        in said
    )


def test_plain_numbers_are_seconds(folder):
    table = decode("one.u8", "--start", "2026-03-01", "--period", "62.5")
    same(table, decode("one.u8", *TIMES, out="again.csv"))
    limits = ["--max-gap", "40", "--hold", "60", "--kind", "clock"]
    cut = decode("one.u8", *TIMES, *limits)
    assert cut.index.get_level_values("track").nunique() == N - 1


@pytest.mark.parametrize("out", ["out.csv", "out.parquet"])
def test_labels_text_and_bytes_are_kept_on_request(folder, out, monkeypatch):
    (folder / "defs/any.csv").write_text(
        "name,data_type,bit_length\nprotocol,uint,8\ntext,str,16\ndata,bytes,16\n"
    )
    monkeypatch.setattr(_decode, "iter_frames", partial(iter_frames, chunk_frames=7))
    table = decode("both.u8", *TIMES, "--hold", "10min", "--labels", out=out)
    assert table["power_mode"].dropna().unique().tolist() == ["fine"]
    assert table["any_data"].notna().sum() == 40
    first = table["any_data"].dropna().iloc[0]
    assert first == ("0000" if out == "out.csv" else b"\0\0")


def test_files_of_packets_may_have_prefixes_and_bad_ends(folder, capsys):
    whole = decode("packets.tlm", spec=None)
    packets = read_packets("packets.tlm")["data"]
    data = b"".join(b"head" + packet for packet in packets)
    (folder / "prefixed.tlm").write_bytes(data + b"head" + b"\xff" * 100)
    args = ["prefixed.tlm", "--prefix", "4"]
    same(decode(*args, "--on-error", "stop", spec=None, out="b.csv"), whole)
    assert "unread bytes 104" in capsys.readouterr().out
    said = error_of(capsys, "decode", *args, "--packets", "defs", "--out", "c.csv")
    assert "No space packet begins at byte" in said


def test_the_copy_of_a_frame_is_chosen(folder):
    frames = (folder / "one.u8").read_bytes()
    frames = [frames[k : k + 64] for k in range(0, len(frames), 64)]
    other = bytearray(frames[3][:-2])
    other[20] ^= 1
    (folder / "open.yaml").write_text("kind: aos\nlength: 62\n")
    sent = [frame[:-2] for frame in frames]
    sent[3:3] = [bytes(other)]  # a damaged copy comes first
    times = pd.date_range("2026-03-01", periods=len(sent), freq="62500ms")
    sent_3, rows = sent[4], []
    for time, frame in zip(times, sent, strict=True):
        rows.append((time, "a", frame.hex()))
        if frame == sent_3:
            rows.append((time + pd.Timedelta("1s"), "b", frame.hex()))
    table = pd.DataFrame(rows, columns=["time", "station", "data"])
    table.to_csv("copies.csv", index=False)
    (folder / "open.yaml").write_text(
        "kind: aos\nlength: 62\ncsv: {time: time, station: station, data: data}\n"
    )
    first = decode("copies.csv", "--copies", "first", spec="open.yaml")
    voted = decode("copies.csv", "--copies", "majority", spec="open.yaml", out="v.csv")
    right = decode("one.u8", *TIMES)
    assert voted["clock_t"].dropna().tolist() == right["clock_t"].dropna().tolist()
    assert not first.reset_index(drop=True).equals(voted.reset_index(drop=True))


def test_a_module_may_register_calibrations_first(folder, monkeypatch):
    monkeypatch.syspath_prepend(folder)
    (folder / "my_laws.py").write_text(
        "from skdsn.ccsds import register_calibration\n"
        "register_calibration('decode_twice', lambda raw, columns: 2.0 * raw)\n"
    )
    (folder / "defs/any.csv").write_text(
        "name,data_type,bit_length,calibration\nprotocol,uint,8,\n"
        'rest,uint,32,"{function: decode_twice}"\n'
    )
    table = decode("both.u8", *TIMES, "--import", "my_laws", "--kind", "any")
    assert (table["any_rest"] == 2 * np.tile(np.arange(20), 2)).all()


XTCE_TIMES = "xtce: m.xml\npackets: {hk: {time: {epoch: 2020-01-01, seconds: tick}}}\n"


def test_an_xtce_file_is_given_its_times(folder):
    pytest.importorskip("space_packet_parser")
    types = {"tick": integer("tick", 32), "t": integer("t", 8)}
    hk = container("hk", types, criteria=equal("APID", 1))
    (folder / "defs/m.xml").write_text(document(types, [hk]))
    (folder / "defs/packets.yaml").write_text(XTCE_TIMES)
    data = [packet(1, [0, 0, 0, k, 7 + k]) for k in range(3)]
    (folder / "x.tlm").write_bytes(b"".join(data))
    table = decode("x.tlm", spec=None)
    assert table["hk_t"].tolist() == [7, 8, 9]
    assert table.index.get_level_values("time")[2] == pd.Timestamp(
        "2020-01-01 00:00:02"
    )


@pytest.mark.parametrize(
    ("file", "xtce", "kinds", "rule", "n_rows"),
    [
        (
            "jpss1/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1",
            "jpss1/jpss1_geolocation_xtce_v1.xml",
            ["JPSS_ATT_EPHEM"],
            "{epoch: 1958-01-01, days: DOY, milliseconds: MSEC, microseconds: USEC}",
            7200,
        ),
        (
            "ctim/ccsds_2021_155_14_39_51",
            "ctim/ctim_xtce_v1.xml",
            ["APID_1_Packet", "APID_32_Packet"],
            "{epoch: 2000-01-01, seconds: SHCOARSE, milliseconds: SHFINE}",
            206,  # of 208 packets; twice, both kinds have the same time
        ),
    ],
)
def test_recorded_packets_get_their_times(folder, file, xtce, kinds, rule, n_rows):
    pytest.importorskip("space_packet_parser")
    if "SKDSN_DATA" not in os.environ:
        pytest.skip("SKDSN_DATA is not set.")
    home = Path(os.environ["SKDSN_DATA"]) / "ccsds"
    packets = "".join(f"  {kind}: {{time: {rule}}}\n" for kind in kinds)
    (folder / "defs/packets.yaml").write_text(
        f"xtce: {json.dumps(str(home / xtce))}\npackets:\n{packets}"
    )
    chosen = [word for kind in kinds for word in ("--kind", kind)]
    table = decode(str(home / file), *chosen, spec=None)
    assert len(table) == n_rows
    assert set(table.index.get_level_values("track")) == {"0-0001"}
