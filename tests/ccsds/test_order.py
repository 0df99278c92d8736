"""Repeats, continuations and jumps of the frames of a channel."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.ccsds import FrameSpec, PacketExtractor, extract_packets, read_frames
from skdsn.ccsds._order import FrameCopy, FrameOrder, choose_policy

HOUR = 3_600_000_000
RULES = ("jumps", "continuations", "repeated_same", "repeated_distinct")


def order_of(*received, policy="first", look_back=8, max_gap=7200, modulo=256):
    """Pass (count, hours, data) through an order; give what comes out, and counts."""
    order = FrameOrder(modulo, max_gap, look_back, choose_policy(policy))
    out = []
    for count, hours, data in received:
        time = None if hours is None else int(hours * HOUR)
        out.append(order.update(count, FrameCopy(time, "A", data, 0)))
    out.append(order.finish())
    return [each for each in out if each is not None], dict(order.statistics)


def texts(out):
    return [each.copy.data for each in out]


def counts(statistics):
    return [statistics[rule] for rule in RULES]


def test_the_first_frame_is_held_and_counted_as_nothing():
    out, statistics = order_of((7, 0, b"a"))
    assert out[0][1:] == (1, True)
    assert counts(statistics) == [0, 0, 0, 0]
    assert statistics["frames"] == 1


def test_no_frames_give_nothing():
    assert order_of()[0] == []


def test_repeats_continuations_and_jumps_are_told_apart():
    out, statistics = order_of(
        (5, 0, b"5"), (5, 0, b"5"), (5, 0, b"x"), (6, 0, b"6"), (9, 0, b"9")
    )
    assert texts(out) == [b"5", b"6", b"9"]
    assert [each.n_copies for each in out] == [3, 1, 1]
    assert [each.after_jump for each in out] == [True, False, True]
    assert counts(statistics) == [1, 1, 1, 1]


def test_bytes_are_compared_with_the_frame_received_before():
    _, statistics = order_of((5, 0, b"a"), (5, 0, b"b"), (5, 0, b"a"), (5, 0, b"a"))
    assert statistics["repeated_distinct"] == 2
    assert statistics["repeated_same"] == 1


@pytest.mark.parametrize("modulo", [256, 1 << 24])
def test_the_count_goes_round(modulo):
    out, statistics = order_of(
        (modulo - 1, 0, b"a"), (0, 0, b"b"), (1, 0, b"c"), modulo=modulo
    )
    assert [each.after_jump for each in out] == [True, False, False]
    assert statistics["continuations"] == 2


def test_frames_far_apart_are_a_jump_whatever_their_counts():
    for count in (5, 6):
        out, statistics = order_of((5, 0, b"a"), (count, 2, b"b"))
        assert [each.after_jump for each in out] == [True, True]
        assert statistics["jumps"] == 1
    assert order_of((5, 0, b"a"), (6, 1.999, b"b"))[1]["continuations"] == 1
    assert order_of((5, 0, b"a"), (6, 99, b"b"), max_gap=None)[1]["jumps"] == 0


def test_frames_without_times_are_never_far_apart():
    _, statistics = order_of((5, 0, b"a"), (6, None, b"b"), (7, 3, b"c"))
    assert counts(statistics) == [1, 1, 0, 0]  # from 5 to 7, known times
    assert counts(order_of((5, None, b"a"), (6, None, b"b"))[1]) == [0, 1, 0, 0]


def test_a_late_copy_is_counted_and_makes_no_jump():
    received = [(count, 0, b"%d" % count) for count in (3, 4, 5, 6)]
    late = (5, 0, b"another")
    out, statistics = order_of(*received, late, (7, 0, b"7"))
    assert texts(out) == [b"3", b"4", b"5", b"6", b"7"]
    assert statistics["late_copies"] == 1
    assert counts(statistics) == [0, 4, 0, 0]


def test_a_late_copy_beyond_the_look_back_is_a_jump_there_and_back():
    received = [(count, 0, b"%d" % count) for count in range(6)]
    for data, look_back, jumps in (
        (b"another", 5, 0),
        (b"another", 3, 2),
        (b"1", 3, 0),  # equal bytes
        (b"1", 0, 2),
    ):
        _, statistics = order_of(
            *received, (1, 0, data), (6, 0, b"6"), look_back=look_back
        )
        assert statistics["jumps"] == jumps
        assert statistics.get("late_copies", 0) == (jumps == 0)


@pytest.mark.parametrize("modulo", [256, 1 << 24])
def test_a_pass_that_is_received_again_later_gives_no_frame_twice(modulo):
    live = [(count, 0, b"%d" % count) for count in range(40)]
    again = [(count, 1, data) for count, _, data in live]
    out, statistics = order_of(*live, *again, (40, 1, b"40"), modulo=modulo)
    assert texts(out) == [b"%d" % count for count in range(41)]
    assert statistics["late_copies"] == 39
    assert statistics["repeated_same"] == 1  # the last, at once
    assert statistics["jumps"] == 0
    assert "frames_lost" not in statistics


def test_a_damaged_frame_of_a_pass_received_again_gives_no_frame_twice_but_itself():
    live = [(count, 0, b"%d" % count) for count in range(40)]
    again = [(count, 1, data) for count, _, data in live]
    again[7] = (7, 1, b"damaged")
    out, statistics = order_of(*live, *again)
    assert texts(out) == [b"%d" % count for count in range(40)] + [b"damaged"]
    assert statistics["late_copies"] == 39


def test_any_copy_of_a_frame_is_known_again():
    received = [(0, 0, b"x0"), (0, 0, b"0"), (1, 0, b"1"), (9, 0, b"9")]
    for data in (b"x0", b"0"):
        assert order_of(*received, (0, 0, data))[1]["late_copies"] == 1


def test_a_long_recording_remembers_few_frames():
    order = FrameOrder(1 << 24, None, 8, choose_policy("first"))
    for count in range(10_000):
        order.update(count, FrameCopy(0, "A", b"%d" % count, 0))
    assert len(order._passed) == 4096
    assert order.update(9000, FrameCopy(0, "A", b"9000", 0)) is None
    assert order.statistics["late_copies"] == 1
    assert order.update(100, FrameCopy(0, "A", b"100", 0)).copy.data == b"9999"


def test_frames_of_equal_bytes_a_turn_of_the_count_later_are_new_in_a_stream():
    received = [(k % 256, k / 1000, b"fill %d" % (k % 256)) for k in range(700)]
    out, statistics = order_of(*received)
    assert len(out) == statistics["continuations"] + 1 == 700


@pytest.mark.parametrize(
    ("counts", "hours", "lost"),
    [
        ((5, 9), 0, 3),
        ((254, 1), 0, 2),
        ((5, 9), 2, 0),  # too long apart to tell
        ((5, 4), 0, 0),  # back, as after a restart
    ],
)
def test_frames_lost_are_told_by_the_count(counts, hours, lost):
    first, second = counts
    _, statistics = order_of((first, 0, b"a"), (second, hours, b"b"))
    assert statistics["jumps"] == 1
    assert statistics.get("frames_lost", 0) == lost


def test_over_a_jump_a_late_copy_must_have_the_same_bytes():
    received = [(count, 0, b"%d" % count) for count in (3, 4, 9)]
    assert order_of(*received, (4, 0, b"4"))[1]["late_copies"] == 1
    # A spacecraft that starts its count again sends other bytes.
    assert order_of(*received, (4, 0, b"new"))[1]["jumps"] == 2


def test_a_late_copy_is_none_after_a_long_gap():
    received = [(count, 0, b"%d" % count) for count in (3, 4, 5)]
    _, statistics = order_of(*received, (4, 2, b"4"))
    assert statistics["jumps"] == 1


def test_a_count_that_is_stuck_keeps_few_copies():
    order = FrameOrder(256, 7200, 8, choose_policy("majority"))
    for number in range(5000):
        copy = FrameCopy(0, "A", b"same" if number % 3 else b"fame", 0)
        assert order.update(7, copy) is None
        assert len(order._copies) <= 64
    done = order.finish()
    assert done.copy.data == b"same"
    assert done.n_copies == 5000


def copies(*contents):
    return [FrameCopy(0, name, data, points) for name, data, points in contents]


def test_the_copy_of_the_station_with_most_points_is_used_and_the_first_of_equals():
    policy = choose_policy("station_count")
    group = copies(("A", b"1", 3), ("B", b"2", 9), ("C", b"3", 9))
    assert policy(group).station == "B"
    assert choose_policy("first")(group).station == "A"


def test_a_majority_votes_on_each_byte():
    group = copies(("A", b"xbcd", 5), ("B", b"aycd", 1), ("C", b"abzd", 1))
    chosen = choose_policy("majority")(group)
    assert chosen.data == b"abcd"
    assert chosen.station == "A"


def test_where_votes_are_equal_the_better_station_decides():
    policy = choose_policy("majority")
    group = copies(("A", b"1", 1), ("B", b"2", 2), ("C", b"3", 9), ("D", b"4", 3))
    assert policy(group).data == b"3"
    assert policy(group[:2]).data == b"2"
    many = copies(*((f"{k}", bytes([k]), 1) for k in range(40)))
    assert policy(many).data == b"\0"  # the first received


def test_copies_of_another_length_have_no_vote():
    group = copies(("A", b"ab", 9), ("B", b"xyz", 1), ("C", b"xb", 1), ("D", b"ay", 1))
    assert choose_policy("majority")(group).data == b"ab"


def test_an_unknown_policy_is_refused():
    for wrong in ("best", None, ["first"]):
        with pytest.raises(ValueError, match="copies must be one of"):
            choose_policy(wrong)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 255) | st.integers(0, 3),
            st.none() | st.integers(0, 6),
            st.sampled_from([b"a", b"b"]),
        ),
        min_size=1,
        max_size=60,
    )
)
@settings(deadline=None, max_examples=200)
def test_every_frame_but_the_first_is_one_of_the_four_rules(received):
    out, statistics = order_of(*received, look_back=0)
    assert sum(counts(statistics)) == len(received) - 1
    assert len(out) == 1 + statistics["jumps"] + statistics["continuations"]
    assert sum(each.n_copies for each in out) == len(received)
    assert sum(each.after_jump for each in out) == 1 + statistics["jumps"]
    looking, found = order_of(*received)
    late = found.get("late_copies", 0)
    assert sum(counts(found)) + late == len(received) - 1
    assert sum(each.n_copies for each in looking) + late == len(received)


# Through the public functions.


SPEC = FrameSpec(
    "tm",
    length=20,
    csv={"data": "raw", "time": "time", "station": "station"},
)


def frame(count, text, *, channel=0, spacecraft=42):
    """Make a TM frame with one space packet of 14 bytes."""
    head = (spacecraft << 4 | channel << 1).to_bytes(2, "big")
    packet = bytes([8, 11, 0xC0, count, 0, 7]) + text.ljust(8, b".")
    return head + bytes([count, count, 0x18, 0]) + packet


def table(*rows):
    """Read (seconds, station, frame) as a CSV file."""
    lines = ["time,station,raw"]
    for seconds, station, data in rows:
        time = pd.Timestamp("2020-01-01") + pd.Timedelta(seconds=seconds)
        lines.append(f"{time.isoformat()},{station},{data.hex()}")
    return read_frames("\n".join(lines).encode(), SPEC, format="csv")


def bodies(packets):
    return [data[6:].rstrip(b".") for data in packets["data"]]


COPIES = (
    (0, "A", frame(0, b"zero")),
    (15, "A", frame(1, b"xone")),
    (15.1, "B", frame(1, b"onex")),
    (15.2, "B", frame(1, b"one")),
    (30, "B", frame(2, b"two")),
    (45, "B", frame(3, b"three")),
)


def test_station_points_are_the_frames_of_each_station():
    packets = extract_packets(table(*COPIES), SPEC)
    assert bodies(packets) == [b"zero", b"onex", b"two", b"three"]
    assert packets["n_copies"].tolist() == [1, 3, 1, 1]
    assert packets["time"].iloc[1] == pd.Timestamp("2020-01-01 00:00:15.1")


def test_station_points_may_be_given():
    packets = extract_packets(table(*COPIES), SPEC, station_points={"A": 9})
    assert bodies(packets)[1] == b"xone"
    assert bodies(extract_packets(table(*COPIES), SPEC, copies="first"))[1] == b"xone"


def test_a_callable_chooses_among_copies_and_sees_what_was_received():
    seen = []

    def choose(group):
        seen.append(group)
        return group[-1]

    packets = extract_packets(table(*COPIES), SPEC, copies=choose)
    assert bodies(packets)[1] == b"one"
    assert [copy.station for copy in seen[0]] == ["A", "B", "B"]
    assert [copy.points for copy in seen[0]] == [2, 4, 4]
    assert seen[0][1].time - seen[0][0].time == 100_000


def test_an_unknown_station_and_time_are_none_to_a_callable():
    seen = []

    def choose(group):
        seen.extend(group)
        return group[0]

    same = frame(1, b"one")
    extract_packets(read_frames([same, same], SPEC), SPEC, copies=choose)
    assert [(copy.station, copy.time) for copy in seen] == [(None, None)] * 2


def test_frames_are_taken_in_the_order_of_their_times():
    shuffled = [COPIES[i] for i in (4, 0, 3, 5, 1, 2)]
    frames = table(*shuffled)
    before = frames.copy()
    assert bodies(extract_packets(frames, SPEC, copies="first"))[::2] == [
        b"zero",
        b"two",
    ]
    pd.testing.assert_frame_equal(frames, before)


def test_frames_of_equal_times_stay_in_the_order_of_the_source():
    rows = [(0, "A", frame(count, b"%d" % count)) for count in range(5)]
    packets = extract_packets(table((9, "A", frame(9, b"9")), *rows), SPEC)
    assert bodies(packets) == [b"0", b"1", b"2", b"3", b"4", b"9"]


def test_each_spacecraft_and_channel_has_an_order_of_its_own():
    frames = read_frames(
        [
            frame(count, b"%d%d%d" % (spacecraft, channel, count), **where)
            for count in range(3)
            for spacecraft, channel in ((42, 0), (42, 5), (7, 0))
            for where in ({"spacecraft": spacecraft, "channel": channel},)
        ],
        SPEC,
    )
    packets = extract_packets(frames, SPEC)
    assert list(packets.attrs["statistics"]) == ["frames", "7/0", "42/0", "42/5"]
    for (spacecraft, channel), group in packets.groupby(
        ["spacecraft_id", "virtual_channel_id"]
    ):
        name = f"{spacecraft}/{channel}"
        assert packets.attrs["statistics"][name]["continuations"] == 2
        assert bodies(group) == [b"%d%d%d" % (spacecraft, channel, k) for k in range(3)]
        assert group["gap"].tolist() == [True, False, False]


def test_the_extractor_trusts_all_stations_alike_unless_told():
    extractor = PacketExtractor(SPEC)
    pieces = [extractor.update(table(*COPIES)), extractor.finish()]
    assert bodies(pd.concat(pieces))[1] == b"xone"
    assert np.array_equal([len(piece) for piece in pieces], [3, 1])
