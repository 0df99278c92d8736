"""When links come and go."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.dsn_now import (
    LinkTransitions,
    TelemetryStream,
    concat_feeds,
    link_transitions,
    make_dsn_now,
    parse_feed,
    split_feeds,
    to_telemetry,
)

DEBUG = {
    "idle": "IDLE OFF 0 MCD2",
    "carrier": "IDLE OFF 1 MCD2",
    "acquiring": "OUT OF LOCK OFF 1 MCD2",
    "data": "IN LOCK OFF 1 MCD2",
    "turbo": "OUT OF LOCK WAIT FOR LOCK 1 TURBO",
    "nothing": "  -1 ",
}


def snapshot(time, *kinds, craft="MVN", elevation=30.0, created=None, debug=True):
    """A dish with a downlink for each kind; None is one that is not in the feed."""
    signals = ""
    for kind in kinds:
        if kind is None:
            continue
        told = f'signalTypeDebug="{DEBUG[kind]}"' if debug else ""
        type_ = kind if kind in ("carrier", "data") else "none"
        signals += f'<downSignal {told} signalType="{type_}" spacecraft="{craft}"/>'
    made = f'created="{created}"' if created else ""
    return parse_feed(
        f'<dsn><dish name="DSS26" azimuthAngle="180" elevationAngle="{elevation}" '
        f"{made}>{signals}</dish><timestamp>{round(time * 1000)}</timestamp></dsn>"
        "".encode()
    )


def feed_of(kinds, step=30, **options):
    return concat_feeds(
        snapshot(step * (i + 1), kind, **options) for i, kind in enumerate(kinds)
    )


def told(feed, **options):
    """Events with the second at which they happened."""
    table = link_transitions(feed, **options)
    return [
        (round(time.timestamp()), event)
        for time, event in zip(table["time"], table["event"], strict=True)
    ]


@pytest.mark.parametrize("debug", [True, False])
def test_carrier_and_lock_are_gained_and_lost(debug):
    kinds = ["idle"] + ["carrier"] * 3 + ["data"] * 3 + ["idle"] * 3
    found = told(feed_of(kinds, debug=debug))
    assert [each for each in found if each[1] != "decoder_changed"] == [
        (60, "carrier_gained"),
        (150, "lock_gained"),
        (240, "lock_lost"),
        (240, "carrier_lost"),
    ]


def test_the_decoder_is_told_with_its_second_stage():
    kinds = ["carrier"] * 3 + ["turbo"] * 3 + ["data"] * 3
    table = link_transitions(feed_of(kinds))
    changes = table[table["event"] == "decoder_changed"]
    waiting = "OUT OF LOCK/WAIT FOR LOCK"
    assert changes["before"].to_list() == ["IDLE", waiting]
    assert changes["after"].to_list() == [waiting, "IN LOCK"]
    assert changes["since"].isna().to_list() == [True, False]


def test_what_does_not_hold_is_not_told():
    kinds = ["data"] * 3 + ["carrier"] * 2 + ["data"] * 3 + ["idle"] * 2 + ["data"] * 3
    assert told(feed_of(kinds)) == []
    assert (120, "lock_lost") in told(feed_of(kinds), debounce=0)
    assert (120, "lock_lost") in told(feed_of(kinds), debounce="30s")


def test_a_change_is_sure_once_it_has_held():
    table = link_transitions(feed_of(["idle"] * 2 + ["carrier"] * 5, step=25))
    assert table.loc[0, "time"] == pd.Timestamp(75, unit="s")
    assert table.loc[0, "confirmed"] == pd.Timestamp(150, unit="s")


def test_lock_dropped_and_found_again_at_the_same_place():
    kinds = ["data"] * 3 + ["idle"] * 4 + ["carrier"] * 3
    table = link_transitions(feed_of(kinds))
    drop = table[table["event"] == "drop_lock"].iloc[0]
    assert (drop["time"] - drop["since"]).total_seconds() == 120
    assert (
        "drop_lock"
        not in link_transitions(feed_of(kinds), drop_lock=90)["event"].to_list()
    )
    moved = concat_feeds(
        snapshot(30 * i, kind, elevation=30 if i < 6 else 36)
        for i, kind in enumerate(kinds)
    )
    events = link_transitions(moved)["event"].to_list()
    assert "carrier_gained" in events and "drop_lock" not in events


def test_a_contact_that_begins_in_lock_is_gained():
    kinds = ["nothing", None] + ["data"] * 4 + [None] * 3
    found = told(feed_of(kinds, craft="VGR1"), max_gap=45)
    assert found == [
        (30, "contact_ended"),
        (90, "contact_begun"),
        (90, "carrier_gained"),
        (90, "lock_gained"),
        (180, "contact_ended"),
    ]


def test_a_dish_that_is_set_up_anew_begins_a_contact():
    morning, noon = "2019-02-12T06:00:00.000Z", "2019-02-12T12:00:00.000Z"
    feed = concat_feeds(
        snapshot(30 * i, "data", created=morning if i < 4 else noon) for i in range(8)
    )
    found = told(feed)
    assert found[:2] == [(90, "contact_ended"), (120, "contact_begun")]


def test_test_codes_are_left_out_unless_wanted():
    feed = feed_of(["idle"] + ["data"] * 4, craft="DSN")
    assert told(feed) == []
    assert len(told(feed, spacecraft_only=False)) >= 2


def test_unknown_debug_strings_fall_back_on_the_signal_type():
    documents = [
        f'<dsn><dish name="DSS26"><downSignal signalTypeDebug="NEW WORDS" signalType='
        f'"{kind}" spacecraft="MVN"/></dish><timestamp>{i}00000</timestamp></dsn>'
        for i, kind in enumerate(["none", "data", "data"])
    ]
    feed = concat_feeds(parse_feed(each.encode()) for each in documents)
    assert told(feed) == [(100, "carrier_gained"), (100, "lock_gained")]


def test_feeds_without_links_have_no_transitions():
    table = link_transitions(parse_feed(b"<dsn><timestamp>1</timestamp></dsn>"))
    assert len(table) == 0
    assert table.dtypes["time"] == "datetime64[ms]"
    assert len(link_transitions(concat_feeds([]))) == 0


def test_a_stream_refuses_to_go_back_and_stays_as_it_was():
    stream = LinkTransitions(debounce=0)
    stream.update(snapshot(30, "idle"))
    with pytest.raises(ValueError, match="back in time"):
        stream.update(snapshot(30, "data"))
    assert len(stream.update(snapshot(60, "carrier"))) == 1


@settings(deadline=None, max_examples=4)
@given(
    seed=st.integers(0, 2**31),
    debounce=st.sampled_from([0, 30, 60, 200]),
    max_gap=st.sampled_from([45, 100, 600]),
)
def test_any_chunks_give_the_same_transitions_and_telemetry(seed, debounce, max_gap):
    rng = np.random.default_rng(seed)
    kinds = np.array([*DEBUG, None], dtype=object)
    times = np.cumsum(rng.choice([20, 30, 30, 90], size=24))
    states = [None, None]
    feeds = []
    for time in times:
        states = [
            rng.choice(kinds) if rng.random() < 0.3 else state for state in states
        ]
        day = 1 + (time > 500)
        created = f"2019-02-0{day}T00:00:00.000Z" if seed % 2 else None
        elevation = 30 + rng.random()
        feeds.append(snapshot(time, *states, elevation=elevation, created=created))
    whole = concat_feeds(feeds)
    expected = link_transitions(whole, debounce=debounce, max_gap=max_gap)
    cuts = np.sort(rng.choice(24, 7, replace=False))
    stream = LinkTransitions(debounce=debounce, max_gap=max_gap)
    telemetry = TelemetryStream(max_gap=max_gap)
    found, rows = [], []
    for part in np.split(np.arange(24), cuts):
        chunk = concat_feeds(feeds[i] for i in part)
        found.append(stream.update(chunk))
        rows.append(telemetry.update(chunk))
    found = pd.concat([table for table in found if len(table)] or found[:1])
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected)
    X = to_telemetry(whole, max_gap=max_gap).sort_index()
    pd.testing.assert_frame_equal(
        pd.concat([part for part in rows if len(part)] or rows[:1]).sort_index(),
        X,
        check_index_type=False,
    )


def test_generated_contacts_come_and_go_in_pairs():
    feeds = make_dsn_now(0.3, interval=30, random_state=0)
    table = link_transitions(feeds)
    for state in ("carrier", "lock"):
        some = table[table["event"].isin([f"{state}_gained", f"{state}_lost"])]
        assert len(some) > 20
        assert (some["before"] != some["after"]).all()
    assert (table["confirmed"] >= table["time"]).all()
    assert table["confirmed"].is_monotonic_increasing


def test_the_memory_of_a_stream_does_not_grow_with_time():
    feeds = make_dsn_now(0.03, interval=30, random_state=0)
    stream = LinkTransitions()
    sizes = []
    for feed in split_feeds(feeds):
        stream.update(feed)
        sizes.append(len(stream._rows))
    assert max(sizes) < len(feeds.signals) / 10
