"""Damaged input: no crash, no hang, and no wrong packet that a check could have told.

Each example damages many frames, rows or packets at once: more than 100,000 together.
"""

import io
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.ccsds import (
    FrameSpec,
    PacketDefinition,
    PacketExtractor,
    PacketField,
    decode_packets,
    encode_frames,
    extract_packets,
    iter_packets,
    read_frames,
    read_packets,
)
from skdsn.ccsds._kiss import kiss_escape

SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
PER_EXAMPLE = 1000  # frames
SHORT = {"transfer_frame_version": 2, "spacecraft_id": 10, "virtual_channel_id": 3}
SHORT |= {"spare": 1, "virtual_channel_frame_count": 8, "first_header_pointer": 8}
ZONES = {
    "tm": FrameSpec("tm", length=40),
    "tm, any length": FrameSpec("tm", ocf=True),
    "aos": FrameSpec("aos", length=50, insert_zone=2),
    "short pointer": FrameSpec("custom", header=SHORT, length=30),
    "kiss": FrameSpec("custom", header=SHORT, packet_zone="kiss"),
    "fixed": FrameSpec("tm", packet_zone="fixed"),
}
CHECKED = {
    "tm": FrameSpec("tm", length=40, fecf=True),
    "aos": FrameSpec("aos", length=50, insert_zone=2, fecf=True),
    "short pointer": FrameSpec("custom", header=SHORT, length=30, fecf=True),
    "fixed": FrameSpec("aos", length=60, packet_zone="fixed", fecf=True),
    "kiss": FrameSpec("tm", length=40, packet_zone="kiss", fecf=True),
}


def make_packets(rng, number, largest=60):
    """Make whole packets of random bytes, told apart by their counts."""
    packets = []
    for count, size in enumerate(rng.integers(1, largest, number).tolist()):
        head = int(rng.integers(0, 2047)) << 32 | 3 << 30 | (count % 16384) << 16
        packets.append((head | size - 1).to_bytes(6, "big") + rng.bytes(size))
    return packets


def make_frames(rng, spec, number, packets=None):
    """Encode packets into so many frames at most."""
    size = spec.zone.stop - spec.zone.start
    if packets is None:
        packets = make_packets(rng, number * size // 40, min(60, size - 6))
    table = pd.DataFrame({"data": pd.Series(packets, dtype=object)})
    return encode_frames(table, spec, spacecraft_id=42)["data"].tolist()[:number]


def damage(rng, data):
    """Flip bits of it, cut it, lengthen it, or replace it."""
    kind = rng.integers(0, 5)
    if kind == 0 or not data:
        return rng.bytes(int(rng.integers(0, 60)))
    if kind == 1:
        return data[: rng.integers(0, len(data))]
    if kind == 2:
        return data + rng.bytes(int(rng.integers(1, 9)))
    array = np.frombuffer(data, dtype=np.uint8).copy()
    if kind == 3:  # the header, with its counts and pointer
        array[: rng.integers(1, 12)] = rng.integers(0, 256)
    else:
        where = rng.integers(0, 8 * len(array), rng.integers(1, 9))
        np.bitwise_xor.at(array, where // 8, (1 << where % 8).astype(np.uint8))
    return array.tobytes()


def check_packets(packets, version=True):
    """Every row is whole by its length field, whatever was received."""
    whole = packets[packets["sequence_flags"] == 3]
    assert (whole["data"].map(len) == 7 + whole["data"].map(length_field)).all()
    assert (packets["data"].map(len) > 6).all()
    if version:
        assert (packets["packet_version"] == 0).all()


def length_field(data):
    return int.from_bytes(data[4:6], "big")


@pytest.mark.parametrize("zone", CHECKED)
@given(rng=SEEDS)
@settings(deadline=None, max_examples=15)
def test_with_error_control_only_packets_that_were_sent_come_out(zone, rng):
    spec = CHECKED[zone]
    size = spec.zone.stop - spec.zone.start
    sent = make_packets(rng, PER_EXAMPLE, min(60, size - 6))
    if zone == "kiss":
        # No end of a packet, left over by a loss, says its own length by chance.
        sent = [each[:6] + bytes(128 | byte for byte in each[6:]) for each in sent]
    frames = make_frames(rng, spec, None, sent)
    wrong = rng.random(len(frames)) < rng.choice([0.02, 0.9])
    for k in np.flatnonzero(wrong):
        array = np.frombuffer(frames[k], dtype=np.uint8).copy()
        flips = rng.choice(8 * len(array), rng.integers(1, 4), replace=False)
        for flip in flips:  # the CRC catches any three
            array[flip // 8] ^= 128 >> flip % 8
        frames[k] = array.tobytes()
    read = read_frames(frames, spec)
    bad = int(wrong.sum())
    assert read.attrs["statistics"].get("bad_crc", 0) == bad
    packets = extract_packets(read, spec)
    numbers = {data: k for k, data in enumerate(sent)}
    found = [numbers[data] for data in packets["data"]]
    assert found == sorted(set(found))
    # A wrong frame costs the packets it touches, of at least 7 bytes each.
    assert len(sent) - len(found) <= bad * (size // 7 + 2)


@pytest.mark.parametrize("zone", ZONES)
@given(rng=SEEDS)
@settings(deadline=None, max_examples=25)
def test_damaged_frames_give_whole_packets_or_none(zone, rng):
    spec = ZONES[zone]
    base = spec
    if spec.length is None:
        options = {name: getattr(spec, name) for name in ("ocf", "packet_zone")}
        header = {"header": SHORT} if spec.kind == "custom" else {}
        base = FrameSpec(spec.kind, length=40, **options, **header)
    frames = make_frames(rng, base, PER_EXAMPLE)
    share = rng.choice([0.02, 0.3, 1])
    frames = [damage(rng, each) if rng.random() < share else each for each in frames]
    read = read_frames(frames, spec)
    counts = read.attrs["statistics"]
    assert sum(counts.values()) == len(frames)
    packets = extract_packets(read, spec, keep_idle=True)
    check_packets(packets, version=spec.packet_zone != "kiss")
    statistics = dict(packets.attrs["statistics"])
    assert statistics.pop("frames") == counts
    assert sum(each["frames"] for each in statistics.values()) == len(read)
    columns = ["spacecraft_id", "virtual_channel_id"]
    for key, rows in packets.groupby(columns):
        name = "{}/{}".format(*key)
        its = Counter(statistics.get(name, {}))
        its.update(statistics.get(f"{name} replay", {}))
        once = len(rows) + its["incomplete_segments"]
        all_packets = its["packets"] + its["idle_packets"]
        # A joined packet is one row of two segments or more.
        assert all_packets >= once + its["joined"]
        assert all_packets == once or its["joined"]
    single = packets[(packets["n_frames"] == 1) & (packets["sequence_flags"] == 3)]
    is_kiss = spec.packet_zone == "kiss"
    received = b"".join(read["data"])
    for each in single["data"]:
        assert (kiss_escape(each) if is_kiss else each) in received
    extractor = PacketExtractor(spec, keep_idle=True)
    cut = int(rng.integers(0, len(read) + 1))
    read.attrs = {}
    pieces = [extractor.update(read[:cut]), extractor.update(read[cut:])]
    pieces = pd.concat([*pieces, extractor.finish()])
    assert pieces["data"].tolist() == packets["data"].tolist()


@given(SEEDS)
@settings(deadline=None, max_examples=30)
def test_a_stream_that_lost_and_won_bytes_gives_frames_that_were_sent(rng):
    spec = FrameSpec("tm", length=40, fecf=True, sync_marker="1ACFFC1D", trailer=3)
    frames = make_frames(rng, spec, PER_EXAMPLE)
    blocks = [b"\x1a\xcf\xfc\x1d" + each + b"end" for each in frames]
    wrong = rng.random(len(blocks)) < 0.2
    for k in np.flatnonzero(wrong):
        blocks[k] = damage(rng, blocks[k])
    read = read_frames(b"".join(blocks), spec)
    kept = [frame for frame, bad in zip(frames, wrong, strict=True) if not bad]
    found = read["data"].tolist()
    assert set(found) <= set(frames)
    # Behind damage, a wrong length may cost the frame after it.
    assert len(kept) - len(found) <= wrong.sum()


@given(SEEDS, st.sampled_from(["raw", "kiss", "marker"]))
@settings(deadline=None, max_examples=60)
def test_any_bytes_are_frames_or_counted(rng, kind):
    alphabet = (
        bytes(rng.integers(0, 256, 6, dtype=np.uint8)) + b"\xc0\xdb\xdc\0\x09\x1a\xcf"
    )
    raw = bytes(rng.choice(list(alphabet), 3000).astype(np.uint8))
    marker = "1ACF" if kind == "marker" else ""
    spec = FrameSpec("tm", length=int(rng.integers(7, 40)), sync_marker=marker)
    if kind == "kiss":
        spec = FrameSpec("aos")
    read = read_frames(raw, spec, format="kiss" if kind == "kiss" else "raw")
    counts = Counter(read.attrs["statistics"])
    skipped = counts.pop("skipped_bytes", 0)
    if kind == "raw":
        assert counts.total() == -(-len(raw) // spec.length)
    assert skipped <= len(raw)
    check_packets(extract_packets(read, spec))


CELLS = ["", "00", "zz", "0", "2A", "\x00", '"', '""', "2020-01-01", "9999-12-31"]
CELLS += ["0001-01-01", "1e400", "NaN", "replay", "é", "\ufeff", "-", "nan,nan", "\r"]


@given(SEEDS)
@settings(deadline=None, max_examples=50)
def test_any_text_is_rows_of_frames_or_counted_or_refused(rng):
    columns = {"data": "a", "time": "b", "station": "c", "drop": {"d": "replay"}}
    spec = FrameSpec("tm", length=8, csv=columns)
    good = "02A00A0B18000102,2020-01-01T00:00:00,X,"
    rows = ["a,b,c,d"]
    for _ in range(300):
        cells = rng.choice(CELLS, rng.integers(0, 6))
        rows.append(good if rng.random() < 0.3 else ",".join(cells))
    raw = "\n".join(rows).encode()
    if rng.random() < 0.3:
        raw = damage(rng, raw)
    try:
        read = read_frames(raw, spec, format="csv")
    except ValueError as refusal:
        assert "CSV" in str(refusal) or "column" in str(refusal)
    else:
        assert set(read["data"].map(len)) <= {8}
        assert read["time"].notna().all()


@given(SEEDS, st.integers(0, 3), st.booleans())
@settings(deadline=None, max_examples=60)
def test_a_damaged_file_of_packets_is_refused_or_read_to_the_damage(rng, prefix, join):
    packets = [rng.bytes(prefix) + each for each in make_packets(rng, 300)]
    for k in np.flatnonzero(rng.random(len(packets)) < rng.choice([0, 0.01, 0.5])):
        packets[k] = damage(rng, packets[k])
    raw = b"".join(packets)
    options = {"prefix": prefix, "join_segments": join, "keep_idle": True}
    found = read_packets(raw, on_error="stop", **options)
    check_packets(found)
    counts = found.attrs["statistics"]
    if not join:
        size = found["data"].map(len).sum() + prefix * len(found)
        left = len(raw) - size
        assert (left > 0) == bool({"unread_bytes", "truncated"} & set(counts))
        rest = raw[size + prefix :]
        if "unread_bytes" in counts:
            assert left == counts["unread_bytes"]
            assert rest[0] >> 5
        elif left:
            assert len(rest) < 6 or len(rest) < 7 + length_field(rest)
    if "unread_bytes" in counts:
        with pytest.raises(ValueError, match="No space packet begins at byte"):
            read_packets(raw, **options)
    else:
        whole = read_packets(raw, **options)
        assert whole["data"].tolist() == found["data"].tolist()
    pieces = iter_packets(io.BytesIO(raw), on_error="stop", **options)
    assert sum(map(len, pieces)) == len(found)


DEFINITION = PacketDefinition(
    name="HK",
    apid=(1, 2, 3),
    fields=(
        PacketField(name="kind", data_type="uint", bit_length=3),
        PacketField(name="level", data_type="int", bit_length=13),
        PacketField(name="ratio", data_type="float", bit_length=32),
        PacketField(name="text", data_type="str", bit_length=24),
        PacketField(name="rest", data_type="uint", bit_length=16, shape="expand"),
    ),
)


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_damaged_packets_are_decoded_or_counted(rng):
    sent = []
    for count in range(400):
        body = rng.bytes(int(rng.integers(1, 8)) + 9 * int(rng.integers(0, 2)))
        head = int(rng.integers(1, 5)) << 32 | int(rng.integers(0, 4)) << 30
        head |= count << 16 | len(body) - 1
        sent.append(head.to_bytes(6, "big") + body)
    raw = b"".join(sent)
    if rng.random() < 0.5:
        raw = damage(rng, raw)
    packets = read_packets(raw, on_error="stop")
    kinds = decode_packets(packets, [DEFINITION])
    assert list(kinds) == ["HK"]
    lengths = packets["data"].map(len)
    mine = packets["apid"].isin([1, 2, 3])
    assert len(kinds["HK"]) == (mine & (lengths >= 15) & (lengths % 2 == 1)).sum()


SCALARS = st.none() | st.booleans() | st.integers(-2, 70) | st.floats() | st.text()
VALUES = SCALARS | st.lists(SCALARS, max_size=2)
VALUES |= st.dictionaries(st.sampled_from([*SHORT, "data", "drop", 3]), SCALARS)
NAMES = [name for name in FrameSpec.__dataclass_fields__ if name != "kind"]


@given(
    st.sampled_from(["tm", "aos", "custom"]),
    st.dictionaries(st.sampled_from(NAMES), VALUES),
)
@settings(deadline=None, max_examples=300)
def test_any_parameters_are_a_spec_or_refused(kind, parameters):
    try:
        spec = FrameSpec(kind, **parameters)
    except ValueError:
        return
    assert spec.minimum_length > spec.zone.start >= spec.header_bytes
