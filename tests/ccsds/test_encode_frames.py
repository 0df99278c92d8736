"""Encoding and decoding undo each other, and a loss costs what it touches alone."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from skdsn.ccsds import (
    FrameSpec,
    PacketExtractor,
    encode_frames,
    extract_packets,
    read_frames,
    read_packets,
)
from skdsn.ccsds._kiss import kiss_escape

HEADER = {
    "transfer_frame_version": 2,
    "spacecraft_id": 10,
    "virtual_channel_id": 3,
    "spare": 1,
    "master_channel_frame_count": 8,
    "virtual_channel_frame_count": 8,
    "first_header_pointer": 8,
}
SPECS = {
    "tm": FrameSpec("tm", length=30, secondary_header=3, ocf=True, fecf=True),
    "tm, short": FrameSpec("tm", length=9),
    "aos": FrameSpec("aos", length=40, insert_zone=4, header_error_control=True),
    "pointer of 8 bits": FrameSpec("custom", header=HEADER, length=50),
    "kiss": FrameSpec("custom", header=HEADER, length=30, packet_zone="kiss"),
    "kiss in tm": FrameSpec("tm", length=25, packet_zone="kiss", fecf=True),
    "fixed": FrameSpec("aos", length=60, packet_zone="fixed"),
}


def packet(body, *, apid=11, count=0, flags=3, version=0):
    """Make a space packet."""
    head = (version << 13 | apid).to_bytes(2, "big")
    head += (flags << 14 | count % 16384).to_bytes(2, "big")
    return head + (len(body) - 1).to_bytes(2, "big") + body


def as_table(packets):
    return pd.DataFrame({"data": pd.Series(packets, dtype=object)})


# Bodies from 0x80 on: after a loss, no end of one looks like a whole short packet. The
# bytes that KISS escapes are frequent.
BODIES = st.lists(
    st.sampled_from(b"\xc0\xdb\xdc\xdd\x80\xff"), min_size=1, max_size=45
).map(bytes)


@st.composite
def streams(draw):
    """A spec and different packets, which are told apart by their counts."""
    spec = SPECS[draw(st.sampled_from(sorted(SPECS)))]
    sent = draw(st.lists(st.tuples(BODIES, st.integers(0, 2046)), max_size=25))
    packets = [packet(body, apid=apid, count=k) for k, (body, apid) in enumerate(sent)]
    first_count = draw(st.integers(0, 300))
    return (
        spec,
        packets,
        encode_frames(
            as_table(packets), spec, spacecraft_id=42, first_count=first_count
        ),
    )


def frames_touched(packets, spec):
    """Give the first and the last frame of each packet, by the rules of its zone."""
    size = spec.zone.stop - spec.zone.start
    position, spans = 0, []
    for data in packets:
        length = len(data)
        if spec.packet_zone == "kiss":
            position += 1
            length = len(kiss_escape(data))
        elif spec.packet_zone == "fixed" and position % size + length > size:
            position += size - position % size
        spans.append((position // size, (position + length - 1) // size))
        position += length + (spec.packet_zone == "kiss")
    return spans


@given(streams())
@settings(deadline=None, max_examples=150)
def test_what_was_encoded_comes_out(case):
    spec, packets, frames = case
    found = extract_packets(frames, spec)
    assert found["data"].tolist() == packets
    assert (found["spacecraft_id"] == 42).all()
    # The counts are those of all packets together: an APID seems to miss some.
    last = found.groupby("apid")["sequence_count"].shift()
    jumps = last.notna() & (found["sequence_count"] != last + 1)
    assert (found["gap"] == jumps | (found.index == 0)).all()
    spans = frames_touched(packets, spec)
    expected = [last - first + 1 for first, last in spans]
    if spec.packet_zone == "kiss":  # the closing delimiter may lie in the next frame
        assert (found["n_frames"] >= expected).all()
        assert (found["n_frames"] <= np.array(expected, dtype=int) + 1).all()
    else:
        assert found["n_frames"].tolist() == expected
    statistics = found.attrs["statistics"].get("42/0", {})
    trouble = {"jumps", "pointer_mismatch", "bad_version", "wrong_length", "bad_escape"}
    assert not any(statistics.get(reason) for reason in trouble)


@given(streams())
@settings(deadline=None, max_examples=50)
def test_frames_are_as_long_as_the_spec_says_and_pass_its_checks(case):
    spec, _, frames = case
    again = read_frames(b"".join(frames["data"]), spec)
    assert again.attrs["statistics"] == {"accepted": len(frames)}
    assert_frame_equal(again, frames)


@given(streams(), st.data())
@settings(deadline=None, max_examples=200)
def test_a_loss_costs_the_packets_it_touches_alone(case, data):
    spec, packets, frames = case
    kept = np.array(
        data.draw(st.lists(st.booleans(), min_size=(n := len(frames)), max_size=n)),
        dtype=bool,
    )
    found = extract_packets(frames[kept], spec)
    sent = {each: k for k, each in enumerate(packets)}
    numbers = [sent[each] for each in found["data"]]  # each was sent
    assert numbers == sorted(set(numbers))  # in order and once
    untouched = {
        k
        for k, (first, last) in enumerate(frames_touched(packets, spec))
        if kept[first : last + 1].all()
    }
    assert untouched <= set(numbers)
    if spec.packet_zone != "kiss":  # the last delimiter may be lost, and no more
        assert untouched == set(numbers)
    for before, number, gap in zip([-1, *numbers], numbers, found["gap"], strict=False):
        assert gap or number == before + 1


@given(streams(), st.data())
@settings(deadline=None, max_examples=100)
def test_the_pieces_in_which_frames_come_change_nothing(case, data):
    spec, _, frames = case
    number = st.integers(0, max(len(frames) - 1, 0))
    order = data.draw(st.lists(number, max_size=40)) if len(frames) else []
    # Repeats, late copies, jumps: whatever comes.
    frames = frames.iloc[order].reset_index(drop=True)
    frames.attrs = {}
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=6)))
    extractor = PacketExtractor(spec, keep_idle=True)
    pieces = [
        extractor.update(frames.iloc[start:stop])
        for start, stop in zip([0, *cuts], [*cuts, len(order)], strict=True)
    ]
    pieces.append(extractor.finish())
    whole = extract_packets(frames, spec, keep_idle=True)
    assert extractor.statistics == whole.attrs.pop("statistics")
    assert_frame_equal(pd.concat(pieces, ignore_index=True), whole)


class Sent(NamedTuple):
    apid: int
    count: int
    flags: int
    body: bytes


SENT = st.builds(
    Sent,
    st.integers(1, 2) | st.just(2047),
    st.integers(0, 3),
    st.integers(0, 3),
    BODIES,
)


def naive_join(packets, *, keep_idle):
    """Join segments packet by packet; give packets and counts."""
    rows, counts, last, open_ = [], {"packets": 0}, {}, {}

    def add(reason, n=1):
        counts[reason] = counts.get(reason, 0) + n

    for each in packets:
        data = packet(each.body, apid=each.apid, count=each.count, flags=each.flags)
        if each.apid == 2047:
            add("idle_packets")
            rows += [data] * keep_idle
            continue
        add("packets")
        follows = each.apid not in last or each.count == last[each.apid] + 1
        last[each.apid] = each.count
        if not follows:
            add("sequence_jumps")
        parts = open_.pop(each.apid, None)
        if parts and (each.flags in (1, 3) or not follows):
            add("incomplete_segments", len(parts))
            parts = None
        if each.flags == 3:
            rows.append(data)
        elif each.flags == 1:
            open_[each.apid] = [data]
        elif parts is None:
            add("incomplete_segments")
        elif each.flags == 0:
            open_[each.apid] = [*parts, each.body]
        else:
            add("joined")
            rows.append(b"".join([*parts, each.body]))
    if left := sum(map(len, open_.values())):
        add("incomplete_segments", left)
    return rows, counts


@given(st.lists(SENT, max_size=30), st.booleans(), st.integers(1, 5))
@settings(deadline=None, max_examples=200)
def test_segments_are_joined_as_a_packet_by_packet_reader_does(sent, keep_idle, step):
    packets = [
        packet(each.body, apid=each.apid, count=each.count, flags=each.flags)
        for each in sent
    ]
    spec = FrameSpec("tm", length=100, packet_zone="fixed")
    frames = encode_frames(as_table(packets), spec)
    extractor = PacketExtractor(spec, keep_idle=keep_idle)
    pieces = [
        extractor.update(frames[k : k + step]) for k in range(0, len(frames), step)
    ]
    pieces.append(extractor.finish())
    rows, counts = naive_join(sent, keep_idle=keep_idle)
    assert [data for piece in pieces for data in piece["data"]] == rows
    read = read_packets(b"".join(packets), keep_idle=keep_idle)
    assert read["data"].tolist() == rows
    assert read.attrs["statistics"] == counts


def parts(*flags, first=0, apid=11):
    return [
        packet(b"%d%d" % (k, flag), flags=flag, count=first + k, apid=apid)
        for k, flag in enumerate(flags)
    ]


def extract_one_by_one(*packets, lost=None, **options):
    """Put each packet of 8 bytes into a frame of its own, of which one may be lost."""
    spec = FrameSpec("tm", length=14, packet_zone="fixed", **options)
    frames = encode_frames(as_table(packets), spec).drop(index=lost or [])
    found = extract_packets(frames, spec)
    return found, found.attrs["statistics"]["0/0"]


def test_segments_are_joined_to_one_packet():
    packets, statistics = extract_one_by_one(*parts(3, 1, 0, 0, 2, 3))
    first = parts(3, 1)[1]
    assert packets["data"].tolist()[1] == first + b"20" + b"30" + b"42"
    assert packets["sequence_flags"].tolist() == [3, 1, 3]
    assert packets["sequence_count"].tolist() == [0, 1, 5]
    assert packets["n_frames"].tolist() == [1, 4, 1]
    assert (statistics["joined"], statistics["packets"]) == (1, 6)


def test_segments_stay_apart_if_asked():
    packets, statistics = extract_one_by_one(*parts(1, 0, 2), join_segments=False)
    assert packets["data"].tolist() == parts(1, 0, 2)
    assert "joined" not in statistics


@pytest.mark.parametrize(
    ("sent", "lost", "joined"),
    [
        (parts(1, 0, 2, 1, 2), [1], 1),
        (parts(1, 0, 2, 1, 2), [0], 1),
        (parts(1, 0, 2, 1, 2), [2], 1),
        (parts(0, 2, 1, 2), [], 1),
        (parts(1, 1, 2), [], 1),
        (parts(1, 0, 3), [], 0),
        (parts(1, 0), [], 0),
    ],
)
def test_segments_without_their_others_are_counted_and_not_used(sent, lost, joined):
    packets, statistics = extract_one_by_one(*sent, lost=lost)
    whole = packets["sequence_flags"] == 3
    assert statistics.get("joined", 0) == joined == (~whole).sum()
    used = 2 * joined + whole.sum()
    assert statistics["incomplete_segments"] == len(sent) - len(lost) - used


def test_a_packet_after_segments_that_were_given_up_comes_after_a_gap():
    packets, _ = extract_one_by_one(*parts(3, 1, 0, 3, 3))
    assert packets["gap"].tolist() == [True, True, False]


def test_segments_of_several_apids_and_channels_may_mix():
    one, two = parts(1, 0, 2, apid=1), parts(1, 2, apid=2)
    mixed = as_table([one[0], two[0], packet(b"ab", apid=3), one[1], two[1], one[2]])
    spec = FrameSpec("tm", length=14, packet_zone="fixed")
    frames = [encode_frames(mixed, spec, virtual_channel_id=k) for k in (0, 1)]
    frames = pd.concat(frames).sort_values("virtual_channel_frame_count")
    packets = extract_packets(frames, spec)
    for channel in (0, 1):
        rows = packets[packets["virtual_channel_id"] == channel]
        assert rows["apid"].tolist() == [3, 2, 1]
        assert [len(each) for each in rows["data"]] == [8, 10, 12]


def test_a_joined_packet_has_a_limit(monkeypatch):
    monkeypatch.setattr("skdsn.ccsds._packet_rows._LARGEST", 17)
    packets, statistics = extract_one_by_one(*parts(1, 0, 0, 0, 2, 1, 2))
    assert [len(each) for each in packets["data"]] == [10]
    assert statistics["incomplete_segments"] == 5


def test_channels_are_sent_one_after_the_other():
    packets = as_table([packet(b"ab"), packet(b"cd"), packet(b"ef")])
    packets["spacecraft_id"] = [7, 42, 7]
    packets["virtual_channel_id"] = [1, 0, 0]
    frames = encode_frames(packets, FrameSpec("tm", length=30), first_count=255)
    assert frames["spacecraft_id"].tolist() == [7, 7, 42]
    assert frames["virtual_channel_id"].tolist() == [0, 1, 0]
    assert frames["virtual_channel_frame_count"].tolist() == [255, 255, 255]
    assert frames["master_channel_frame_count"].tolist() == [0, 1, 0]
    found = extract_packets(frames, FrameSpec("tm", length=30))
    assert found["data"].tolist() == [packet(b"ef"), packet(b"ab"), packet(b"cd")]


def test_frames_may_have_times():
    spec = FrameSpec("tm", length=30)
    frames = encode_frames(
        as_table([packet(bytes(30))]), spec, start="2024-01-01", period=2
    )
    assert frames["time"].iloc[-1] == pd.Timestamp("2024-01-01 00:00:02")


def test_the_end_is_filled_with_idle_packets_however_long_it_is():
    header = HEADER | {"spare": 1, "more": 8, "first_header_pointer": 32}
    header = {name: bits for name, bits in header.items() if name != "more"}
    for fill in (7, 13, 65_542, 65_543, 65_548, 65_549, 140_000):
        spec = FrameSpec("custom", header=header, length=8 + 7 + fill)
        frames = encode_frames(as_table([packet(b"x")]), spec)
        found = extract_packets(frames, spec, keep_idle=True)
        assert len(frames) == 1
        assert found["data"].map(len).sum() == 7 + fill
        assert (found["apid"].iloc[1:] == 2047).all()


@pytest.mark.parametrize(
    ("spec", "data", "options", "message"),
    [
        (FrameSpec("tm"), packet(b"x"), {}, "with a length"),
        (
            FrameSpec("tm", length=20, packet_zone="none"),
            packet(b"x"),
            {},
            "a packet zone",
        ),
        (FrameSpec("tm", length=20), packet(b"x") + b"y", {}, "no whole space packet"),
        (FrameSpec("tm", length=20), b"", {}, "no whole space packet"),
        (FrameSpec("tm", length=20), packet(b"x", version=5), {}, "packet version 5"),
        (SPECS["fixed"], packet(bytes(60)), {}, "does not fit into a packet zone"),
        (
            SPECS["aos"],
            packet(b"x"),
            {"spacecraft_id": 256},
            "does not fit into 8 bits",
        ),
        (SPECS["tm"], packet(b"x"), {"virtual_channel_id": -1}, "does not fit into 3"),
        (
            FrameSpec("custom", header=HEADER, length=300),
            packet(b"x"),
            {},
            "too long for a first header pointer of 8 bits",
        ),
    ],
)
def test_what_cannot_be_encoded_is_refused(spec, data, options, message):
    with pytest.raises(ValueError, match=message):
        encode_frames(as_table([data]), spec, **options)


def test_a_packet_of_another_version_goes_through_kiss():
    packets = [packet(b"odd", version=5)]
    frames = encode_frames(as_table(packets), SPECS["kiss"])
    assert extract_packets(frames, SPECS["kiss"])["data"].tolist() == packets
