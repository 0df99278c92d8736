"""Files of a downlink for tests of ``skdsn decode``, and what should come of them."""

import gzip

import numpy as np
import pandas as pd

from skdsn.ccsds import (
    FrameSpec,
    decode_packets,
    encode_frames,
    encode_packets,
    extract_packets,
    read_definitions,
    read_frames,
    to_telemetry,
)
from skdsn.cli import main

FILES = {
    "spec.yaml": "kind: aos\nlength: 64\nfecf: true\nspacecraft_ids: [77, 78]\n",
    "marked.yaml": "kind: aos\nlength: 64\nfecf: true\nsync_marker: '1ACFFC1D'\n",
    "open.yaml": "kind: aos\nfecf: true\n",
    "defs/packets.yaml": "packets:\n"
    "  power: {fields: power.csv, apid: 100, where: {protocol: 0}}\n"
    "  any: {fields: any.csv, apid: 100}\n"
    "  clock:\n"
    "    fields: clock.csv\n"
    "    apid: 101\n"
    "    time: {epoch: 2026-03-01, seconds: tick}\n",
    "defs/power.csv": "name,data_type,bit_length,calibration,valid_max\n"
    "protocol,uint,8,,\n"
    'mode,uint,8,"{enum: {0: safe, 1: fine}}",\n'
    'u,uint,16,"{polynomial: [0, 0.01]}",\n'
    "dead,uint,8,,-1\n",
    "defs/any.csv": "name,data_type,bit_length\nprotocol,uint,8\nrest,uint,32\n",
    "defs/clock.csv": "name,data_type,bit_length\ntick,uint,32\nt,float,32\n",
}
N = 300
TIMES = ["--start", "2026-03-01", "--period", "62.5s"]


def error_of(capsys, *args):
    """What a command that must fail says, in one line."""
    capsys.readouterr()
    assert main([str(arg) for arg in args]) == 2
    captured = capsys.readouterr().err
    assert captured.startswith("skdsn: error: ")
    assert captured.count("\n") == 1
    return captured


def values(seed):
    rng = np.random.default_rng(seed)
    wave = 28 + np.sin(np.arange(N) / 15) + 0.01 * rng.normal(size=N)
    power = pd.DataFrame({"mode": "fine", "u": wave.round(2), "dead": 0})
    noise = rng.normal(size=N).astype("float32")
    # Clocks run a little apart: a packet may be older than one that came before.
    clock = pd.DataFrame({"tick": 60 * np.arange(N) - 20, "t": noise})
    clock["tick"] = clock["tick"].clip(lower=0)
    return power, clock


def interleave(*tables):
    """Rows of tables in turn."""
    order = np.argsort(np.concatenate([np.arange(len(t)) for t in tables]), kind="s")
    return pd.concat(tables, ignore_index=True).iloc[order].reset_index(drop=True)


def make_downlink(folder):
    """Write the files of a mission with two spacecraft, and what they sent."""
    (folder / "defs").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    spec = FrameSpec.from_yaml(folder / "spec.yaml")
    power, any_, clock = read_definitions(folder / "defs")
    sent = []
    for craft in (77, 78):
        one, two = values(craft)
        other = pd.DataFrame({"protocol": 5, "rest": np.arange(20)})
        packets = interleave(
            encode_packets(one, power),
            encode_packets(two, clock),
            encode_packets(other, any_, first_count=1000),
        )
        sent.append(encode_frames(packets, spec, spacecraft_id=craft))
        if craft == 77:
            (folder / "packets.tlm").write_bytes(b"".join(packets["data"]))
    data = interleave(*sent)["data"].tolist()
    (folder / "one.u8").write_bytes(b"".join(sent[0]["data"]))
    (folder / "both.u8").write_bytes(b"".join(data))
    (folder / "first.u8").write_bytes(b"".join(data[:61]))
    (folder / "second.u8.gz").write_bytes(gzip.compress(b"".join(data[61:])))
    marked = b"".join(bytes.fromhex("1ACFFC1D") + frame for frame in data)
    (folder / "marked.cadu").write_bytes(marked)
    (folder / "both.kiss").write_bytes(
        b"".join(map(kiss_record, range(len(data)), data))
    )
    (folder / "noise.u8").write_bytes(np.random.default_rng(0).bytes(6400))


def kiss_record(number, frame):
    """Write a frame as gr-satellites does, with its time before."""
    milliseconds = 1_772_323_200_000 + 62_500 * number  # 2026-03-01
    text = b""
    for record in (b"\x09" + milliseconds.to_bytes(8, "big"), b"\x00" + frame):
        escaped = record.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
        text += b"\xc0" + escaped + b"\xc0"
    return text


def decode(*args, spec="spec.yaml", out="out.parquet"):
    """Run the command; give the table that it writes."""
    options = ["--spec", spec] if spec else []
    assert main(["decode", *args, *options, "--packets", "defs", "--out", out]) == 0
    return read_back(out)


def read_back(path):
    if path.endswith((".parquet", ".pq")):
        table = pd.read_parquet(path)
    else:
        table = pd.read_csv(path, float_precision="round_trip")
        table["time"] = pd.to_datetime(table["time"], format="ISO8601").dt.as_unit("us")
    return table.set_index(["track", "time"])


def by_library(path, *, time=None, kinds=None, **options):
    """The telemetry by the functions of the library."""
    spec = FrameSpec.from_yaml("spec.yaml")
    packets = extract_packets(read_frames(path, spec, **options), spec)
    return merged(packets, time, kinds)


def merged(packets, time=None, wanted=None):
    kinds = decode_packets(packets, read_definitions("defs"), time=time)
    X = to_telemetry({kind: kinds[kind] for kind in wanted or kinds})
    return X.sort_index(kind="stable")


def same(table, X):
    pd.testing.assert_frame_equal(
        table, X, check_exact=True, check_column_type=False, check_index_type=False
    )
