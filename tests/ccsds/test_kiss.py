"""Packets between KISS delimiters, in files and in the stream of a channel."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.ccsds import FrameSpec, extract_packets, read_frames
from skdsn.ccsds._kiss import FEND, KissSplitter, kiss_escape, kiss_unescape

HEADER = {
    "transfer_frame_version": 2,
    "spacecraft_id": 10,
    "virtual_channel_id": 3,
    "spare": 1,
    "master_channel_frame_count": 8,
    "virtual_channel_frame_count": 8,
    "first_header_pointer": 8,
}
SPEC = FrameSpec("custom", header=HEADER, packet_zone="kiss")
BYTES = st.lists(st.sampled_from(b"\xc0\xdb\xdc\xdd\x01"), max_size=12).map(bytes)


def packet(body):
    """Make a space packet of APID 172, without bytes that KISS escapes."""
    return bytes.fromhex("00ACC105") + (len(body) - 1).to_bytes(2, "big") + body


def extract(*zones):
    """Put zones into frames, None for a lost one; give packets and counts."""
    header = bytes.fromhex("193000")
    frames = [
        header + bytes([count, 0]) + zone
        for count, zone in enumerate(zones)
        if zone is not None
    ]
    packets = extract_packets(read_frames(frames, SPEC), SPEC)
    return packets, packets.attrs["statistics"]["403/0"]


def split(stream, size=None):
    """Cut a stream into records, block by block."""
    splitter = KissSplitter(limit=100)
    size = size or max(len(stream), 1)
    found, counts = [], {}
    blocks = [stream[i : i + size] for i in range(0, len(stream), size)]
    for records, more in [*map(splitter.update, blocks), splitter.finish()]:
        found += [each for each in records if each is not None]
        for reason, count in more.items():
            counts[reason] = counts.get(reason, 0) + count
    return found, counts


@pytest.mark.parametrize(
    ("stream", "records", "counts"),
    [
        ("C0 C0 C0 01 C0", ["01"], {}),
        ("C0 01 DB DC 02 DB DD C0", ["01 C0 02 DB"], {}),
        ("01 02 C0 03 C0", ["01 02", "03"], {}),
        ("C0 01 DB C0 DC 02 C0", ["DC 02"], {"bad_escape": 1}),
        ("C0 DB DB DC 01 C0", [], {"bad_escape": 1}),
        ("C0 DB 41 02 C0", [], {"bad_escape": 1}),
        ("C0 DB DD DC C0", ["DB DC"], {}),
        ("C0 DB DC DD C0", ["C0 DD"], {}),
        ("C0 01 02", [], {"unterminated": 1}),
        ("", [], {}),
    ],
)
def test_records_are_cut_and_unescaped(stream, records, counts):
    stream = bytes.fromhex(stream)
    for size in (None, 1, 2):
        found, reasons = split(stream, size)
        assert found == [bytes.fromhex(each) for each in records]
        assert reasons == counts


@pytest.mark.parametrize(
    ("zones", "counts"),
    [
        (["C0C0C001C0"], {"kiss_records": 1, "wrong_length": 1}),
        (["C001DBDC02DBDDC0"], {"kiss_records": 1, "wrong_length": 1}),
        (["C001DB", "DC02C0"], {"kiss_records": 1, "wrong_length": 1}),
        (["0102C003C0"], {"kiss_records": 2, "wrong_length": 2}),
        (
            ["C001DBC0DC02C0"],
            {"kiss_records": 2, "wrong_length": 1, "bad_escape": 1},
        ),
        (["C0DBDBDC01C0"], {"kiss_records": 1, "bad_escape": 1}),
        (["C0DB4102C0"], {"kiss_records": 1, "bad_escape": 1}),
        (
            ["C00102", None, "0304C0"],
            {"kiss_records": 1, "partial_dropped": 1, "wrong_length": 1},
        ),
        (["C00102"], {"unterminated": 1}),
    ],
)
def test_records_that_are_no_packets_are_counted_by_reason(zones, counts):
    zones = [each if each is None else bytes.fromhex(each) for each in zones]
    packets, statistics = extract(*zones)
    assert len(packets) == 0
    names = ("kiss_records", "wrong_length", "bad_escape")
    names += ("partial_dropped", "unterminated", "too_long")
    found = {name: statistics[name] for name in names if name in statistics}
    assert found == counts


def test_runs_of_delimiters_are_fill():
    packets, statistics = extract(5 * FEND + packet(b"\x01") + 9 * FEND)
    assert packets["data"].tolist() == [packet(b"\x01")]
    assert statistics["kiss_records"] == 1


def test_an_escape_may_be_cut_by_the_end_of_a_frame():
    whole = FEND + kiss_escape(packet(b"\x01\xc0\x02\xdb")) + FEND
    for cut in range(1, len(whole)):
        packets, _ = extract(whole[:cut], whole[cut:])
        assert packets["data"].tolist() == [packet(b"\x01\xc0\x02\xdb")]


def test_a_packet_may_run_over_many_frames_and_knows_how_many():
    whole = FEND + packet(bytes(20)) + FEND
    packets, _ = extract(*(whole[i : i + 4] for i in range(0, len(whole), 4)))
    assert packets["n_frames"].tolist() == [7]
    assert packets["data"].tolist() == [packet(bytes(20))]


def test_a_frame_without_delimiter_may_begin_a_packet():
    packets, _ = extract(packet(b"ab") + FEND + packet(b"cd") + FEND)
    assert packets["data"].tolist() == [packet(b"ab"), packet(b"cd")]


def test_a_bad_escape_costs_no_other_packet():
    good = FEND + packet(b"good") + FEND
    packets, statistics = extract(good + FEND + b"\x01\xdb" + good + b"\xdb\x41" + good)
    assert packets["data"].tolist() == [packet(b"good")] * 3
    assert packets["gap"].tolist() == [True, True, True]
    assert statistics["bad_escape"] == 2


def test_a_lost_frame_drops_the_packet_in_progress_and_its_escape():
    first, last = packet(b"first"), packet(b"last!")
    packets, statistics = extract(
        FEND + first + FEND + b"\x00\xac\xdb", None, b"\xdc" + FEND + last + FEND
    )
    assert packets["data"].tolist() == [first, last]
    assert packets["gap"].tolist() == [True, True]
    assert statistics["partial_dropped"] == 1
    assert statistics["wrong_length"] == 1


def test_a_packet_whose_delimiters_were_lost_is_told_by_its_length():
    packets, statistics = extract(
        FEND + packet(b"one"), None, packet(b"two") + FEND, None, packet(b"three")
    )
    assert packets["data"].tolist() == [
        packet(b"one"),
        packet(b"two"),
        packet(b"three"),
    ]
    assert packets["gap"].tolist() == [True, True, True]
    assert "partial_dropped" not in statistics


def test_a_stream_without_delimiters_is_dropped_piece_by_piece():
    packets, statistics = extract(*[b"\x55" * 2000] * 200)
    assert len(packets) == 0
    assert statistics["too_long"] == 3


def test_a_record_beyond_the_limit_is_dropped_whole():
    for over in (101, 1000):
        stream = FEND + over * b"\x01" + FEND + b"\x02" + FEND + over * b"\x03"
        for size in (None, 1, 7, 102):
            assert split(stream, size) == ([b"\x02"], {"too_long": 2})
    assert split(FEND + 100 * b"\x01" + FEND, 3)[0] == [100 * b"\x01"]


@given(BYTES)
@settings(deadline=None, max_examples=200)
def test_unescaping_undoes_escaping(record):
    escaped = kiss_escape(record)
    assert FEND not in escaped
    assert kiss_unescape(escaped) == record


def naive_records(stream):
    """Cut and unescape byte by byte."""
    records, record, bad, escaped = [], b"", False, False
    for byte in stream:
        if byte == 0xC0:
            records += [record] if record and not bad and not escaped else []
            record, bad, escaped = b"", False, False
        elif escaped:
            record += {0xDC: b"\xc0", 0xDD: b"\xdb"}.get(byte, b"?")
            bad |= byte not in (0xDC, 0xDD)
            escaped = False
        elif byte == 0xDB:
            escaped = True
        else:
            record += bytes([byte])
    return records


@given(st.lists(BYTES | st.just(FEND), max_size=12).map(b"".join), st.integers(1, 9))
@settings(deadline=None, max_examples=200)
def test_records_agree_with_a_byte_by_byte_reader_for_any_blocks(stream, size):
    assert split(stream, size)[0] == split(stream)[0] == naive_records(stream)
