"""Space packets out of files that hold them back to back."""

import gzip
import io

import pytest
from pandas.testing import assert_frame_equal

import skdsn.ccsds._read_packets
from skdsn.ccsds import (
    FrameSpec,
    extract_packets,
    iter_packets,
    read_frames,
    read_packets,
)


def packet(body, *, apid=11, count=0, flags=3):
    """Make a space packet."""
    head = apid.to_bytes(2, "big") + (flags << 14 | count).to_bytes(2, "big")
    return head + (len(body) - 1).to_bytes(2, "big") + body


def data_of(packets):
    return packets["data"].tolist()


A, B = packet(b"14 bytes"), packet(b"ab", count=1)
STREAM = [packet(bytes([k]) * (1 + k % 9), apid=k % 3, count=k // 3) for k in range(60)]


def test_a_file_of_packets_is_read_from_a_path_bytes_and_a_stream(tmp_path):
    raw = b"".join(STREAM)
    (tmp_path / "file.tlm").write_bytes(raw)
    (tmp_path / "file.tlm.gz").write_bytes(gzip.compress(raw))
    packets = read_packets(raw)
    assert data_of(packets) == STREAM
    assert packets["apid"].tolist() == [k % 3 for k in range(60)]
    assert packets["time"].isna().all()
    assert packets["gap"].tolist() == [True] + 59 * [False]
    assert packets.attrs["statistics"] == {"packets": 60}
    for source in (tmp_path / "file.tlm", tmp_path / "file.tlm.gz", io.BytesIO(raw)):
        assert_frame_equal(read_packets(source), packets)


def test_an_empty_file_gives_a_table_with_the_same_columns_and_types():
    empty = read_packets(b"")
    assert len(empty) == 0
    assert (empty.dtypes == read_packets(A).dtypes).all()
    spec = FrameSpec("tm", length=26)
    none = extract_packets(read_frames(b"", spec), spec)
    assert (none.dtypes == empty.dtypes).all()


@pytest.mark.parametrize("block", [3, 8, 30, 1000])
@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_the_borders_of_blocks_cut_no_packet(monkeypatch, block, prefix):
    monkeypatch.setattr(skdsn.ccsds._read_packets, "_BLOCK", block)
    raw = b"".join(prefix * b"\xff" + each for each in STREAM)
    pieces = list(iter_packets(io.BytesIO(raw), prefix=prefix))
    assert [data for piece in pieces for data in data_of(piece)] == STREAM
    assert pieces[-1].attrs["statistics"] == {"packets": 60}
    whole = read_packets(raw + raw[: prefix + 6], prefix=prefix)
    assert whole.attrs["statistics"] == {"packets": 60, "truncated": 1}


@pytest.mark.parametrize("block", [3, 1000])
def test_what_cannot_be_a_packet_is_refused_or_left(monkeypatch, block):
    monkeypatch.setattr(skdsn.ccsds._read_packets, "_BLOCK", block)
    raw = A + B + b"\xff" * 30
    with pytest.raises(ValueError, match="No space packet begins at byte 22 of the"):
        read_packets(raw)
    packets = read_packets(raw, on_error="stop")
    assert data_of(packets) == [A, B]
    assert packets.attrs["statistics"] == {"packets": 2, "unread_bytes": 30}


def test_segments_in_a_file_are_joined_and_idle_packets_left_out():
    first, last = packet(b"01", flags=1), packet(b"12", flags=2, count=1)
    raw = b"".join([first, last, packet(b"idle", apid=2047), first])
    packets = read_packets(raw)
    assert data_of(packets) == [first + b"12"]
    assert packets.attrs["statistics"] == {
        "packets": 3,
        "sequence_jumps": 1,
        "idle_packets": 1,
        "joined": 1,
        "incomplete_segments": 1,
    }
    assert len(read_packets(raw, join_segments=False, keep_idle=True)) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_error": "ignore"}, "on_error must be"),
        ({"prefix": -1}, "prefix must be"),
        ({"prefix": True}, "prefix must be"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        read_packets(A, **options)


def test_a_packet_after_a_jump_of_its_sequence_count_comes_after_a_gap():
    counts = [(1, 0), (2, 7), (1, 5), (2, 8), (1, 6), (3, 0)]
    raw = b"".join(packet(b"ab", apid=apid, count=count) for apid, count in counts)
    packets = read_packets(raw)
    assert packets["gap"].tolist() == [True, False, True, False, False, False]
    assert packets.attrs["statistics"]["sequence_jumps"] == 1
