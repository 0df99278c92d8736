"""Space packets out of packet zones and out of files."""

import gzip
import io

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import skdsn.ccsds._packets
from skdsn.ccsds import (
    FrameSpec,
    PacketExtractor,
    extract_packets,
    iter_packets,
    read_frames,
    read_packets,
)

SPEC = FrameSpec("tm", length=26)  # 20 bytes for packets
NONE, IDLE = 0x7FF, 0x7FE


def packet(body, *, apid=11, count=0, flags=3, version=0):
    """Make a space packet."""
    head = (version << 13 | apid).to_bytes(2, "big")
    head += (flags << 14 | count % 16384).to_bytes(2, "big")
    return head + (len(body) - 1).to_bytes(2, "big") + body


def frame(count, zone, pointer=0, *, channel=0):
    """Make a TM frame of the spacecraft 42."""
    head = (42 << 4 | channel << 1).to_bytes(2, "big") + bytes([count % 256] * 2)
    return head + (3 << 11 | pointer).to_bytes(2, "big") + zone


def extract(*frames, spec=SPEC, **options):
    """Give the packets of channel 42/0 and its counts."""
    packets = extract_packets(read_frames(list(frames), spec), spec, **options)
    return packets, packets.attrs["statistics"]["42/0"]


def data_of(packets):
    return packets["data"].tolist()


LONG = packet(bytes(range(128, 178)))  # 56 bytes: 20 + 20 + 16
A, B, C = (packet(each, count=k) for k, each in enumerate((b"14 bytes", b"ab", b"c!")))


def test_packets_of_one_frame_come_out_in_order_with_their_headers():
    odd = packet(b"12345678", apid=0x555, count=0x1234, flags=3)
    odd = bytes([odd[0] | 0x18]) + odd[1:]
    spec = FrameSpec("tm", length=20 + 8)
    packets, statistics = extract(frame(0, B + odd), spec=spec)
    assert data_of(packets) == [B, odd]
    assert packets.iloc[1].drop(["time", "first_time", "data"]).to_dict() == {
        "spacecraft_id": 42,
        "virtual_channel_id": 0,
        "packet_version": 0,
        "packet_type": 1,
        "secondary_header_flag": 1,
        "apid": 0x555,
        "sequence_flags": 3,
        "sequence_count": 0x1234,
        "n_frames": 1,
        "n_copies": 1,
        "gap": False,
    }
    assert statistics["packets"] == 2


def test_a_packet_may_run_over_many_frames():
    spec = FrameSpec("tm", length=26, csv={"data": "raw", "time": "time"})
    zones = [LONG[:20], LONG[20:40], LONG[40:] + A[:4], A[4:] + packet(bytes(4))]
    rows = [
        f"2020-01-01T00:00:0{k},{frame(k, zone, pointer).hex()}"
        for k, (zone, pointer) in enumerate(zip(zones, (0, NONE, 16, 10), strict=True))
    ]
    frames = read_frames("\n".join(["time,raw", *rows]).encode(), spec, format="csv")
    packets = extract_packets(frames, spec)
    assert data_of(packets) == [LONG, A, packet(bytes(4))]
    assert packets["n_frames"].tolist() == [3, 2, 1]
    assert packets["first_time"].dt.second.tolist() == [0, 2, 3]
    assert packets["time"].dt.second.tolist() == [2, 3, 3]


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_packet_may_be_cut_anywhere_in_its_header_too(cut):
    lead = packet(bytes(20 - cut - 6))
    tail = packet(bytes(20 - (14 - cut) - 6))
    packets, statistics = extract(
        frame(0, lead + A[:cut]), frame(1, A[cut:] + tail, 14 - cut)
    )
    assert data_of(packets) == [lead, A, tail]
    assert packets["n_frames"].tolist() == [1, 2, 1]
    assert packets["gap"].tolist() == [True, False, False]
    assert "pointer_mismatch" not in statistics


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_zones_may_be_shorter_than_a_packet_header(size):
    stream = A + B + C + packet(bytes(size + -36 % size))
    starts = {0, 14, 22, 30}
    spec = FrameSpec("tm", length=6 + size)
    frames = []
    for k in range(0, len(stream), size):
        found = [start - k for start in starts if k <= start < k + size]
        zone = stream[k : k + size]
        frames.append(frame(k // size, zone, min(found, default=NONE)))
    packets, _ = extract(*frames, spec=spec)
    assert data_of(packets)[:3] == [A, B, C]
    assert len(packets) == 4


def test_a_packet_that_ends_with_its_frame_leaves_nothing_over():
    packets, statistics = extract(
        frame(0, LONG[:20]),
        frame(1, LONG[20:40], NONE),
        frame(2, LONG[40:] + packet(b"x")[:4], 16),
        frame(3, packet(b"x")[4:] + packet(bytes(11)), 3),
        frame(4, packet(bytes(14))),
    )
    assert len(packets) == 4
    assert packets["gap"].tolist() == [True, False, False, False]
    assert "pointer_mismatch" not in statistics


def test_after_a_lost_frame_the_stream_begins_again_at_the_pointer():
    packets, statistics = extract(
        frame(0, A + LONG[:6]),
        # The next frame is lost.
        frame(2, LONG[26 + 12 :][:12] + B, 12),
        frame(3, packet(bytes(14))),
    )
    assert data_of(packets) == [A, B, packet(bytes(14))]
    assert packets["gap"].tolist() == [True, True, False]
    assert statistics["partial_dropped"] == 1
    assert statistics["jumps"] == 1


def test_frames_in_which_no_packet_starts_are_counted_until_one_does():
    packets, statistics = extract(
        frame(0, LONG[:20], NONE), frame(1, LONG[20:40], NONE), frame(2, A + A[:6])
    )
    assert data_of(packets) == [A]
    assert statistics["frames_without_start"] == 2
    assert statistics["unterminated"] == 1


@pytest.mark.parametrize("pointer", [5, 0, NONE, 20, 100])
def test_a_pointer_that_contradicts_the_packet_in_progress_drops_it(pointer):
    # The packet A begun in frame 0 ends after 8 bytes of frame 1.
    zone = A[6:] + packet(bytes(6))
    packets, statistics = extract(
        frame(0, packet(bytes(8)) + A[:6]),
        frame(1, zone, pointer),
        frame(2, packet(bytes(14))),
    )
    assert A not in data_of(packets)
    assert data_of(packets)[0] == packet(bytes(8))
    assert data_of(packets)[-1] == packet(bytes(14))
    assert statistics["pointer_mismatch"] == 1
    assert packets["gap"].tolist()[-1]


def test_a_pointer_is_believed_where_it_contradicts_nothing():
    packets, statistics = extract(frame(0, b"\xff\xff\xff" + packet(bytes(11)), 3))
    assert data_of(packets) == [packet(bytes(11))]
    assert "pointer_mismatch" not in statistics


def test_frames_of_idle_data_only_end_no_stream():
    packets, statistics = extract(
        frame(0, packet(bytes(14))), frame(1, b"\x55" * 20, IDLE), frame(2, A + B[:6])
    )
    assert data_of(packets) == [packet(bytes(14)), A]
    assert packets["gap"].tolist() == [True, False]
    assert statistics["idle_frames"] == 1


def test_idle_data_in_the_midst_of_a_packet_drops_it():
    packets, statistics = extract(
        frame(0, A + LONG[:6]), frame(1, bytes(20), IDLE), frame(2, A + B[:6])
    )
    assert data_of(packets) == [A, A]
    assert packets["gap"].tolist() == [True, True]
    assert statistics["pointer_mismatch"] == 1


def test_a_packet_of_another_version_ends_the_frame():
    strange = packet(b"xy", version=7)
    packets, statistics = extract(
        frame(0, B + strange + bytes(4)), frame(1, packet(bytes(14)))
    )
    assert data_of(packets) == [B, packet(bytes(14))]
    assert packets["gap"].tolist() == [True, True]
    assert statistics["bad_version"] == 1


def test_idle_packets_are_counted_and_kept_if_asked():
    idle = packet(bytes(6), apid=2047)
    packets, statistics = extract(frame(0, B + idle))
    assert data_of(packets) == [B]
    assert (statistics["packets"], statistics["idle_packets"]) == (1, 1)
    packets, statistics = extract(frame(0, B + idle), keep_idle=True)
    assert data_of(packets) == [B, idle]
    assert (statistics["packets"], statistics["idle_packets"]) == (1, 1)


def test_the_gap_before_an_idle_packet_is_that_of_the_next():
    idle = packet(bytes(6), apid=2047)
    packets, _ = extract(
        frame(0, B + idle), frame(1, B + idle), frame(3, idle + B), frame(4, idle + B)
    )
    assert packets["gap"].tolist() == [True, False, True, False]


def test_the_gap_of_one_channel_is_not_that_of_another():
    idle = packet(bytes(6), apid=2047)
    spec = SPEC
    frames = [frame(0, B + idle), frame(0, B + idle, channel=1), frame(1, B + idle)]
    frames += [frame(5, idle + idle[:8], channel=1)[:26], frame(2, B + idle)]
    frames += [frame(6, idle[6:12] + B + b"\xff" * 6, 6, channel=1)]
    packets = extract_packets(read_frames(frames, spec), spec)
    assert packets[packets["virtual_channel_id"] == 0]["gap"].tolist() == [
        True,
        False,
        False,
    ]
    assert packets[packets["virtual_channel_id"] == 1]["gap"].tolist() == [True, True]


def test_the_gap_before_an_idle_packet_is_kept_until_a_later_piece():
    idle = packet(bytes(6), apid=2047)
    extractor = PacketExtractor(SPEC)
    pieces = [
        extractor.update(read_frames([each], SPEC))
        for each in (
            frame(0, B + idle),
            frame(2, idle + idle[:8]),
            frame(3, idle[8:] + B + C, 4),
        )
    ]
    assert [len(each) for each in pieces] == [0, 1, 0]
    assert extractor.finish()["gap"].tolist() == [True, False]


def test_sequence_jumps_are_counted_for_each_apid():
    spec = FrameSpec("tm", length=6 + 8 * 6)
    zone = b"".join(
        packet(b"ab", apid=apid, count=count)
        for apid, count in ((1, 16383), (2, 5), (1, 0), (2, 7), (1, 0), (2, 8))
    )
    _, statistics = extract(frame(0, zone), spec=spec)
    assert statistics["sequence_jumps"] == 2


def test_each_channel_is_extracted_and_listed_apart():
    spec = FrameSpec("tm", length=26, virtual_channels=(0, 1))
    frames = [frame(0, A + B[:6], channel=k) for k in (0, 1, 2)]
    packets = extract_packets(read_frames(frames, spec), spec)
    assert packets["virtual_channel_id"].tolist() == [0, 1]
    assert packets.attrs["statistics"]["42/2"] == {"frames": 1}


def test_the_idle_channel_of_aos_is_not_extracted():
    spec = FrameSpec("aos", length=28)
    frames = [
        bytes([0x4A, 0x80 | channel]) + bytes(6) + A + B[:6] for channel in (1, 63)
    ]
    packets = extract_packets(read_frames(frames, spec), spec)
    assert packets["virtual_channel_id"].tolist() == [1]
    assert packets.attrs["statistics"]["42/63"] == {"frames": 1}


# Packets at fixed places.


FIXED = FrameSpec("tm", length=26, packet_zone="fixed")


@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"\x55"])
def test_a_fixed_zone_holds_whole_packets_and_fill(fill):
    packets, statistics = extract(
        frame(0, B + B + 4 * fill),
        frame(1, packet(bytes(14))),
        frame(2, 20 * fill),
        frame(3, A + 6 * fill),
        spec=FIXED,
    )
    assert data_of(packets) == [B, B, packet(bytes(14)), A]
    assert packets["n_frames"].tolist() == [1] * 4
    assert statistics["idle_frames"] == 1
    assert "wrong_length" not in statistics


def test_a_packet_that_ends_like_the_fill_is_whole():
    ending = packet(b"\x01" + bytes(5))
    packets, _ = extract(frame(0, ending + bytes(8)), spec=FIXED)
    assert data_of(packets) == [ending]


@pytest.mark.parametrize(
    "zone", [LONG[:20], B + LONG[:12], B + b"\xe1 no packet!", B + b"\0\1\2" * 4]
)
def test_what_is_no_packet_in_a_fixed_zone_is_counted(zone):
    packets, statistics = extract(
        frame(0, zone), frame(1, packet(bytes(14))), spec=FIXED
    )
    assert data_of(packets) == [B] * zone.startswith(B) + [packet(bytes(14))]
    assert statistics["wrong_length"] == 1
    assert packets["gap"].tolist()[-1]


def test_the_first_packet_after_a_lost_frame_comes_after_a_gap_in_fixed_zones_too():
    packets, _ = extract(*(frame(k, A + bytes(6)) for k in (0, 1, 3, 4)), spec=FIXED)
    assert packets["gap"].tolist() == [True, False, True, False]


# Files of packets.


STREAM = [packet(bytes([k]) * (1 + k % 9), apid=k % 3, count=k // 3) for k in range(60)]


def test_a_file_of_packets_is_read_from_a_path_bytes_and_a_stream(tmp_path):
    raw = b"".join(STREAM)
    (tmp_path / "file.tlm").write_bytes(raw)
    (tmp_path / "file.tlm.gz").write_bytes(gzip.compress(raw))
    packets = read_packets(raw)
    assert data_of(packets) == STREAM
    assert packets["apid"].tolist() == [k % 3 for k in range(60)]
    assert packets["time"].isna().all()
    assert not packets["gap"].any()
    assert packets.attrs["statistics"] == {"packets": 60}
    for source in (tmp_path / "file.tlm", tmp_path / "file.tlm.gz", io.BytesIO(raw)):
        assert_frame_equal(read_packets(source), packets)


def test_an_empty_file_gives_a_table_with_the_same_columns_and_types():
    empty = read_packets(b"")
    assert len(empty) == 0
    assert (empty.dtypes == read_packets(A).dtypes).all()
    none, _ = extract(frame(0, bytes(20), IDLE))
    assert (none.dtypes == empty.dtypes).all()


@pytest.mark.parametrize("block", [3, 8, 30, 1000])
@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_the_borders_of_blocks_cut_no_packet(monkeypatch, block, prefix):
    monkeypatch.setattr(skdsn.ccsds._packets, "_BLOCK", block)
    raw = b"".join(prefix * b"\xff" + each for each in STREAM)
    pieces = list(iter_packets(io.BytesIO(raw), prefix=prefix))
    assert [data for piece in pieces for data in data_of(piece)] == STREAM
    assert pieces[-1].attrs["statistics"] == {"packets": 60}
    whole = read_packets(raw + raw[: prefix + 6], prefix=prefix)
    assert whole.attrs["statistics"] == {"packets": 60, "truncated": 1}


@pytest.mark.parametrize("block", [3, 1000])
def test_what_cannot_be_a_packet_is_refused_or_left(monkeypatch, block):
    monkeypatch.setattr(skdsn.ccsds._packets, "_BLOCK", block)
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


def test_a_table_that_is_not_of_frames_is_refused():
    with pytest.raises(ValueError, match=r"lacks the columns \['time', 'station'"):
        extract_packets(pd.DataFrame({"data": [b""]}), SPEC)
    with pytest.raises(ValueError, match="hold no packets"):
        PacketExtractor(FrameSpec("tm", length=20, packet_zone="none"))


def test_no_frames_give_no_packets():
    packets = extract_packets(read_frames(b"", SPEC), SPEC)
    assert len(packets) == 0
    assert packets.attrs["statistics"] == {"frames": {"accepted": 0}}


def test_statistics_are_plain_numbers():
    frames = [frame(k, A + B[:6]) for k in (0, 0, 5)]
    packets, statistics = extract(*frames)
    assert {type(count) for count in statistics.values()} == {int}
    assert packets.attrs["statistics"]["frames"] == {"accepted": 3}
    assert np.array_equal(packets["n_copies"], [2, 1])
