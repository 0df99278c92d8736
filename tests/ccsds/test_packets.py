"""Space packets out of packet zones and out of files."""

import numpy as np
import pandas as pd
import pytest

from skdsn.ccsds import (
    FrameSpec,
    PacketExtractor,
    extract_packets,
    read_frames,
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
    lead = packet(bytes(20 - cut - 6), apid=1)
    tail = packet(bytes(20 - (14 - cut) - 6), apid=2)
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
        frame(2, LONG[40:] + packet(b"x", count=1)[:4], 16),
        frame(3, packet(b"x", count=1)[4:] + packet(bytes(11), count=2), 3),
        frame(4, packet(bytes(14), count=3)),
    )
    assert len(packets) == 4
    assert packets["gap"].tolist() == [True, False, False, False]
    assert "pointer_mismatch" not in statistics


def test_after_a_lost_frame_the_stream_begins_again_at_the_pointer():
    packets, statistics = extract(
        frame(0, A + LONG[:6]),
        # The next frame is lost.
        frame(2, LONG[26 + 12 :][:12] + B, 12),
        frame(3, packet(bytes(14), count=2)),
    )
    assert data_of(packets) == [A, B, packet(bytes(14), count=2)]
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
        frame(0, packet(bytes(14), count=-1)),
        frame(1, b"\x55" * 20, IDLE),
        frame(2, A + B[:6]),
    )
    assert data_of(packets) == [packet(bytes(14), count=-1), A]
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
    strange = packet(b"xy", version=5)
    after = packet(bytes(14), count=2)
    packets, statistics = extract(frame(0, B + strange + bytes(4)), frame(1, after))
    assert data_of(packets) == [B, after]
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
    zero, one, two, three = (packet(b"ab", count=k) for k in range(4))
    packets, _ = extract(
        frame(0, zero + idle),
        frame(1, one + idle),
        frame(3, idle + two),
        frame(4, idle + three),
    )
    assert packets["gap"].tolist() == [True, False, True, False]


def test_the_gap_of_one_channel_is_not_that_of_another():
    idle = packet(bytes(6), apid=2047)
    spec = SPEC
    D = packet(b"d!", count=3)
    frames = [frame(0, B + idle), frame(0, B + idle, channel=1), frame(1, C + idle)]
    frames += [frame(5, idle + idle[:8], channel=1)[:26], frame(2, D + idle)]
    frames += [frame(6, idle[6:12] + C + b"\xff" * 6, 6, channel=1)]
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
    zones = [packet(b"14 bytes", count=k) + bytes(6) for k in range(4)]
    frames = map(frame, (0, 1, 3, 4), zones)
    packets, _ = extract(*frames, spec=FIXED)
    assert packets["gap"].tolist() == [True, False, True, False]


def test_a_table_that_is_not_of_frames_is_refused():
    with pytest.raises(ValueError, match=r"lack the columns \['time', 'station'"):
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


# What may be missing, and what is skipped.


def encapsulation(size, length_bytes, protocol=0):
    """Make an encapsulation packet, whose length field has 0, 1, 2 or 4 bytes."""
    code = {0: 0, 1: 1, 2: 2, 4: 3}[length_bytes]
    head = bytes([7 << 5 | protocol << 2 | code])
    head += bytes({0: 0, 1: 0, 2: 1, 4: 3}[length_bytes])
    head += size.to_bytes(length_bytes, "big") if length_bytes else b""
    return head + bytes(size - len(head))


FILL = [encapsulation(1, 0), encapsulation(9, 1), encapsulation(30, 2, 2)]
FILL += [encapsulation(47, 4, 7), encapsulation(2, 1), encapsulation(8, 4)]


@pytest.mark.parametrize("size", [1, 3, 7, 20, 64])
def test_encapsulation_packets_are_skipped_and_counted(size):
    parts = [A, FILL[0], FILL[0], B, *FILL, C]
    parts += (-len(b"".join(parts)) % size) * [FILL[0]]
    stream, starts = b"".join(parts), np.cumsum([0, *map(len, parts)]).tolist()
    frames = []
    for k in range(0, len(stream), size):
        begins = [start - k for start in starts[:-1] if k <= start < k + size]
        frames.append(frame(k // size, stream[k : k + size], min([*begins, NONE])))
    packets, statistics = extract(*frames, spec=FrameSpec("tm", length=6 + size))
    assert data_of(packets) == [A, B, C]
    assert packets["gap"].tolist() == [True, False, False]
    assert statistics["encapsulation_packets"] == len(parts) - 3
    assert not {"bad_version", "pointer_mismatch", "unterminated"} & set(statistics)


@pytest.mark.parametrize(
    "strange", [b"\xe1\x01", b"\xe2\0\0\3", b"\xe3\0\0\0\xff\xff\xff\xff"]
)
def test_an_encapsulation_packet_of_an_impossible_length_ends_the_frame(strange):
    after = packet(bytes(14), count=2)
    zone = B + strange + bytes(12 - len(strange))
    packets, statistics = extract(frame(0, zone), frame(1, after))
    assert data_of(packets) == [B, after]
    assert statistics["bad_version"] == 1
    assert packets["gap"].tolist() == [True, True]


def test_an_impossible_length_cut_by_the_frame_contradicts_the_next_pointer():
    after = packet(bytes(14), count=2)
    zone = B + packet(b"12345", apid=9) + b"\xe1"
    packets, statistics = extract(frame(0, zone), frame(1, after))
    assert data_of(packets)[-1] == after
    assert statistics["pointer_mismatch"] == 1


def test_bytes_of_a_fixed_zone_are_packets_or_fill():
    zones = [B + B + 4 * b"\xff", packet(bytes(14)), 20 * b"\0", A + 6 * b"\xff"]
    _, statistics = extract(
        *(frame(k, zone) for k, zone in enumerate(zones)), spec=FIXED
    )
    assert statistics["fill_bytes"] == 4 + 20 + 6


# Frames that are sent again from a recording.


def aos_frame(count, zone, *, replay=False):
    head = bytes([0x4A, 0x81]) + count.to_bytes(3, "big") + bytes([128 * replay])
    return head + bytes(2) + zone


def test_replayed_frames_are_put_in_order_apart():
    replayed = packet(b"recorded today", apid=1, count=99)
    frames = [aos_frame(1000, packet(bytes(14), apid=1, count=0))]
    frames += [aos_frame(5, replayed, replay=True)]
    frames += [aos_frame(1001, packet(bytes(14), apid=1, count=1))]
    frames += [aos_frame(6, packet(bytes(14), apid=1, count=100), replay=True)]
    spec = FrameSpec("aos", length=28)
    packets = extract_packets(read_frames(frames, spec), spec)
    statistics = packets.attrs["statistics"]
    assert list(statistics) == ["frames", "42/1", "42/1 replay"]
    for name in ("42/1", "42/1 replay"):
        assert statistics[name]["continuations"] == 1
        assert statistics[name]["jumps"] == 0
        assert "sequence_jumps" not in statistics[name]
    assert sorted(packets["sequence_count"]) == [0, 1, 99, 100]
    assert (packets["virtual_channel_id"] == 1).all()
    assert packets["gap"].sum() == 2


def test_replayed_frames_may_be_dropped():
    frames = [aos_frame(k, A + B[:6], replay=k > 0) for k in range(3)]
    spec = FrameSpec("aos", length=28, replay="drop")
    read = read_frames(frames, spec)
    assert read.attrs["statistics"] == {"accepted": 1, "replayed": 2}
    assert read["replay_flag"].tolist() == [0]
