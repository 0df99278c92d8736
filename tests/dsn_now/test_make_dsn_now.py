import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from skdsn.dsn_now import (
    LinkStateParser,
    check_feed,
    concat_feeds,
    make_dsn_now,
    parse_feed,
)
from skdsn.dsn_now._make_states import DOWN_DEBUG, FOLLOWERS, UP_DEBUG
from skdsn.dsn_now._vocabulary import SPACECRAFT

TABLES = ("stations", "dishes", "signals", "targets", "extra")
CARRIERS = {craft.name: 1e6 * craft.downlinks[0].frequency for craft in SPACECRAFT}
SIGNAL = ["dish", "spacecraft", "direction", "seq"]


@pytest.fixture(scope="module")
def long():
    return make_dsn_now(25, interval=60, random_state=0, keep_placeholders=True)


@pytest.fixture(scope="module")
def day():
    return make_dsn_now(3, interval=20, random_state=3)


@pytest.fixture(scope="module")
def by_signal(day):
    return dict(list(day.signals.groupby(SIGNAL)))


def contacts_of(feed):
    """Signals with the record of their dish, which a contact shares."""
    created = feed.dishes[["time", "dish", "created", "elevation_deg"]]
    return feed.signals.merge(created, on=["time", "dish"], validate="many_to_one")


def rows_of(by_signal, event, margin="60s"):
    """Rows of the signal of an event and around it, and which are inside."""
    rows, margin = by_signal[tuple(event[SIGNAL])], pd.Timedelta(margin)
    times = rows["time"]
    rows = rows[times.between(event["start"] - margin, event["end"] + margin)]
    return rows, rows["time"].between(event["start"], event["end"])


def test_all_debug_strings_of_the_feed_occur(long):
    debug = long.signals.groupby("direction")["debug"].unique()
    assert set(debug["down"]) == set(DOWN_DEBUG.ravel()) - {"", "OUT OF LOCK OFF 0 UNC"}
    assert len(debug["down"]) == 27
    assert set(debug["up"]) == set(UP_DEBUG)
    assert len(debug["up"]) == 21


def test_the_usual_states_are_frequent_and_the_odd_ones_rare(long):
    down = long.signals.query("direction == 'down'")["debug"].value_counts(
        normalize=True
    )
    assert down["IN LOCK OFF 1 MCD2"] > 0.1
    assert down["  -1 "] > 0.1
    assert down["IN LOCK OFF 0 UNC"] < 0.01


@pytest.mark.parametrize("direction", ["down", "up"])
def test_signal_types_are_those_that_the_debug_strings_imply(long, direction):
    signals = long.signals[long.signals["direction"] == direction]
    parser = LinkStateParser(direction=direction, output="state", errors="raise")
    states = parser.fit_transform(signals[["debug"]])
    assert (states["debug_implied_type"] == signals["signal_type"]).all()


def test_states_follow_each_other_as_a_receiver_passes_through_them(long):
    rows = contacts_of(long).query("direction == 'down'")
    state = pd.Series(
        np.tile(np.arange(10), len(DOWN_DEBUG)), index=DOWN_DEBUG.ravel()
    ).drop("")
    state = rows["debug"].map(state[~state.index.duplicated()]).to_numpy()
    group = rows.groupby(["dish", "created", "spacecraft", "seq"]).ngroup().to_numpy()
    order = np.argsort(group, kind="stable")
    group, state = group[order], state[order]
    same = group[1:] == group[:-1]
    pairs = set(zip(state[:-1][same], state[1:][same], strict=True))
    legal = {(a, b) for a, after in FOLLOWERS.items() for b in after}
    assert {(a, b) for a, b in pairs if a != b} <= legal
    assert len(pairs) > 25


def test_only_turbo_decoders_have_a_second_stage_and_each_craft_has_one_code(long):
    parser = LinkStateParser()
    down = long.signals.query("direction == 'down' and is_spacecraft")
    fields = parser.fit_transform(down[["debug"]])
    used = fields["debug_stage"].notna() & (fields["debug_stage"] != "OFF")
    assert (fields.loc[used, "debug_code"] == "TURBO").all()
    codes = fields["debug_code"].groupby(down["spacecraft"], observed=True).nunique()
    assert (codes == 1).all()


def test_numbers_go_with_the_state(long):
    down = long.signals.query("direction == 'down'")
    heard = down["debug"].str.contains(" 1 ")
    unassigned = down["debug"] == "  -1 "
    numbers = ["data_rate_bps", "frequency_hz", "power_dbm"]
    assert down.loc[unassigned, numbers].isna().all(axis=None)
    assert down.loc[~unassigned, numbers[:2]].notna().all(axis=None)
    assert down.loc[heard, "power_dbm"].between(-190, -80).all()
    assert not down.loc[heard, "power_floor"].any()
    assert down.loc[~heard & ~unassigned, "power_floor"].mean() > 0.5
    locked = down["debug"].str.startswith("IN LOCK")
    assert (down.loc[locked, "data_rate_bps"] > 0).all()
    assert (down.loc[~locked & ~unassigned, "data_rate_bps"] == 0).all()
    assert down["power_kw"].isna().all()


def test_carriers_shift_with_the_range_rate(day):
    rows = contacts_of(day).query("direction == 'down' and seq == 0")
    rows = rows[rows["debug"].str.contains(" 1 ")]
    rows = rows.merge(day.targets.dropna(subset="rtlt_s"))
    keys = ["dish", "created", "spacecraft"]
    rows = rows.sort_values([*keys, "time"])
    step = rows[["time", "downleg_range_km"]].diff()
    same = ~rows[keys].ne(rows[keys].shift()).any(axis=1)
    same &= step["time"] == pd.Timedelta("20s")
    carrier = rows["spacecraft"].map(CARRIERS)
    shift = -carrier * step["downleg_range_km"] / 20 / 299_792.458
    middle = rows["frequency_hz"].rolling(2).mean()
    off = (middle - carrier - shift).abs()[same]
    assert shift[same].abs().max() > 1e5
    assert (off < 50).mean() > 0.97  # others are on a wrong spacecraft


def test_light_times_are_those_of_the_ranges(long):
    known = long.targets.dropna(subset="rtlt_s")
    total = known["upleg_range_km"] + known["downleg_range_km"]
    np.testing.assert_allclose(total / 299_792.458, known["rtlt_s"], atol=2e-6)
    missing = long.targets["rtlt_s"].isna()
    assert set(long.targets.loc[missing, "spacecraft"]) >= {"THB", "DSN"}
    assert long.targets.loc[long.targets["spacecraft"] == "VGR1", "rtlt_s"].min() > 1e5


@pytest.mark.parametrize("form", [1, 2, 3, 4])
def test_no_value_contradicts_another(form):
    feed = make_dsn_now(2, interval=120, form=form, random_state=form)
    assert len(check_feed(feed)) == 0


def test_signals_are_heard_only_above_the_horizon(long):
    rows = contacts_of(long)
    heard = rows["debug"].str.contains("IN LOCK") & rows["debug"].str.contains(" 1 ")
    assert (rows.loc[heard, "elevation_deg"].dropna() > 8).all()
    assert long.dishes["azimuth_deg"].dropna().between(0, 360).all()
    assert long.dishes["stowed"].mean() > 0.005


def test_a_contact_is_one_record_of_its_dish(long):
    record = long.dishes.groupby(["dish", "created"])
    assert (record["n_targets"].min() == record["n_targets"].max()).all()
    assert (long.dishes["created"] <= long.dishes["updated"]).all()
    assert (long.dishes["updated"] <= long.dishes["time"] + pd.Timedelta("3s")).all()
    assert len(long.dishes) == 12 * len(long.forms)


def test_arrays_and_delta_dor_use_several_dishes_of_one_or_more_complexes(long):
    rows = long.targets.merge(long.dishes[["time", "dish", "is_array", "is_ddor"]])
    together = rows.groupby(["time", "spacecraft"])
    arrays = rows[rows["is_array"]].drop_duplicates(["time", "spacecraft", "complex"])
    assert len(arrays) > 100
    assert rows["is_ddor"].any()
    size = together["dish"].transform("nunique")
    assert (size[rows["is_array"]] > 1).mean() > 0.7  # one may join late
    sites = together["complex"].transform("nunique")
    assert (sites[rows["is_ddor"]] > 1).mean() > 0.6


def test_wind_comes_in_thirds_of_a_knot(day):
    wind = day.dishes["wind_speed_kmh"].dropna()
    thirds = wind / (1.852 / 3)
    assert (wind > 0).any()
    np.testing.assert_allclose(thirds, thirds.round(), atol=0.01)


def test_receive_only_contacts_have_placeholders(long):
    up = long.signals.query("direction == 'up'")
    placeholder = up["placeholder"]
    assert 0.05 < placeholder.mean() < 0.3
    assert (up.loc[placeholder, "debug"] == "none").all()
    assert up.loc[placeholder, "spacecraft"].isna().all()
    numbers = up.loc[placeholder, ["frequency_hz", "power_kw", "data_rate_bps"]]
    assert numbers.isna().all(axis=None)


def test_events_show_where_they_say(day, by_signal):
    looks = {
        "drop_lock": lambda debug: debug.str.contains(" 0 ").any(),
        "weak_signal": lambda debug: debug.str.contains(" 1 ").all(),
        "decoder_trouble": lambda debug: debug.str.match("OUT OF LOCK.* 1 ").all(),
        "stale_lock": lambda debug: debug.str.match("IN LOCK .* 0 ").all(),
        "transmitter_trip": lambda debug: debug.str.startswith("OFF 0").all(),
        "wrong_spacecraft": lambda debug: debug.str.contains(" 1 ").all(),
    }
    assert set(day.events["kind"]) == set(looks)
    for _, event in day.events.iterrows():
        rows, inside = rows_of(by_signal, event)
        assert inside.any()
        assert looks[event["kind"]](rows.loc[inside, "debug"]), event


def test_a_wrong_spacecraft_has_the_carrier_of_its_neighbour(day, by_signal):
    wrong = day.events.query("kind == 'wrong_spacecraft'")
    assert len(wrong) > 3
    assert wrong["heard"].notna().all()
    assert (
        day.events.loc[day.events["kind"] != "wrong_spacecraft", "heard"].isna().all()
    )
    for _, event in wrong.iterrows():
        rows, inside = rows_of(by_signal, event)
        frequency = rows.loc[inside, "frequency_hz"]
        assert (abs(frequency - CARRIERS[event["heard"]]) < 1.2e6).all()
        own = rows.loc[~inside & rows["debug"].str.contains(" 1 "), "frequency_hz"]
        assert (abs(own - CARRIERS[event["heard"]]) > 1.2e6).all()
        targets = day.targets.query("dish == @event.dish and time == @event.start")
        assert {event["heard"], event["spacecraft"]} <= set(targets["spacecraft"])


def test_a_weak_signal_fades(day, by_signal):
    weak = day.events.query("kind == 'weak_signal'")
    for _, event in weak.iterrows():
        rows, inside = rows_of(by_signal, event)
        power = rows.loc[inside, "power_dbm"]
        middle = power.iloc[len(power) // 3 : -(len(power) // 3)].mean()
        assert middle < rows.loc[~inside, "power_dbm"].max() - 2


def test_without_faults_all_but_the_events_is_the_same(day, by_signal):
    calm = make_dsn_now(3, interval=20, random_state=3, faults=False)
    assert len(calm.events) == 0
    assert list(calm.events.columns) == list(day.events.columns)
    assert_frame_equal(calm.dishes, day.dishes)
    assert_frame_equal(calm.targets, day.targets)
    differs = calm.signals["debug"].ne(day.signals["debug"]).to_numpy()
    near = np.zeros(len(differs), dtype=bool)
    for _, event in day.events.iterrows():
        rows, _ = rows_of(by_signal, event, margin="5min")
        near[rows.index] = True
    assert differs.any()
    assert not (differs & ~near).any()
    power = ["power_dbm", "frequency_hz", "data_rate_bps"]
    assert_frame_equal(calm.signals.loc[~near, power], day.signals.loc[~near, power])


def test_a_seed_gives_one_feed():
    one, same = (make_dsn_now(0.5, interval=60, random_state=5) for _ in range(2))
    other = make_dsn_now(0.5, interval=60, random_state=6)
    for name in (*TABLES, "events"):
        assert_frame_equal(one[name], same[name])
    assert len(one.signals) != len(other.signals)


@pytest.mark.parametrize("form", [1, 2, 3, 4])
def test_documents_read_again_give_the_tables(form):
    feed = make_dsn_now(
        1, interval=900, form=form, random_state=form, keep_placeholders=True
    )
    parsed = concat_feeds(
        parse_feed(document, keep_placeholders=True) for document in feed.documents()
    )
    for name in TABLES:
        assert_frame_equal(parsed[name], feed[name], rtol=1e-12)
    assert parsed.forms.equals(feed.forms)
    assert parsed.counts["unreadable"] == parsed.counts["unknown"] == 0
    assert parsed.counts["power_floor"] == feed.counts["power_floor"]


def test_documents_come_in_other_forms_and_for_a_span():
    feed = make_dsn_now(0.5, interval=600, random_state=0)
    span = {"start": "2019-01-14T01:00", "stop": "2019-01-14T02:00"}
    parsed = [parse_feed(document) for document in feed.documents(form=4, **span)]
    assert [one.form for one in parsed] == [4] * 6
    assert parsed[0].time == pd.Timestamp("2019-01-14T01:00")
    assert parsed[-1].time == pd.Timestamp("2019-01-14T01:50")
    assert concat_feeds(parsed).dishes["activity"].notna().all()
    assert len(list(itertools.islice(feed.documents(), 3))) == 3
    assert list(feed.documents(start="2030-01-01")) == []


def test_later_forms_tell_less():
    by_form = [
        make_dsn_now(0.5, interval=300, form=form, random_state=0)
        for form in (1, 2, 3, 4)
    ]
    debug = [feed.signals["debug"].notna().any() for feed in by_form]
    assert debug == [True, False, False, False]
    assert [feed.signals["frequency_hz"].notna().any() for feed in by_form] == [
        True,
        True,
        False,
        False,
    ]
    assert [feed.dishes["activity"].notna().all() for feed in by_form] == [
        False,
        False,
        False,
        True,
    ]
    power = by_form[3].signals["power_dbm"].dropna()
    assert (power % 10 == 0)[power < -100].all()


def test_the_configuration_spells_out_all_codes(day):
    codes = set(day.config.spacecraft["spacecraft"])
    assert set(day.targets["spacecraft"]) <= codes
    assert set(day.dishes["dish"]) == set(day.config.dishes["dish"])
    assert set(day.config.dishes["complex"]) == set(day.config.sites["complex"])


@pytest.mark.parametrize("n_dishes", [1, 14])
def test_the_number_of_dishes_may_vary(n_dishes):
    feed = make_dsn_now(0.2, interval=60, n_dishes=n_dishes, random_state=0)
    assert feed.dishes["dish"].nunique() == n_dishes
    assert len(feed.stations) == 3 * len(feed.forms)


def test_a_single_snapshot_is_a_feed():
    feed = make_dsn_now(1e-6, random_state=0)
    assert len(feed.forms) == 1
    assert len(feed.events) == 0
    assert parse_feed(next(feed.documents())).time == feed.forms.index[0]


def test_a_simulated_feed_survives_pickling():
    feed = make_dsn_now(0.1, interval=600, random_state=0)
    copy = pickle.loads(pickle.dumps(feed))
    assert list(copy.documents()) == list(feed.documents())


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"form": 5}, {"n_dishes": 15}, {"interval": 0.5}]
)
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make_dsn_now(**{"days": 0.1, **wrong})


def test_a_start_that_is_no_time_is_refused():
    with pytest.raises(ValueError, match="got 'soon'"):
        make_dsn_now(0.1, start="soon")


def test_a_start_in_another_time_zone_becomes_utc():
    start = pd.Timestamp("2019-06-01T02:00", tz="Europe/Madrid")
    feed = make_dsn_now(0.1, interval=600, start=start, random_state=0)
    assert feed.forms.index[0] == pd.Timestamp("2019-06-01")
    offsets = feed.stations.set_index("complex")["time_zone_offset_s"] / 3600
    assert offsets["mdscc"].iloc[0] == 2
