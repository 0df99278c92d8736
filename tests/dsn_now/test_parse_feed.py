"""Answers of the feed come out as the same tables in all its forms."""

import contextlib
import io
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.dsn_now import FeedUnavailable, check_feed, parse_feed

FIXTURES = Path(__file__).parent / "fixtures"


def fixture(name, **options):
    return parse_feed(FIXTURES / f"{name}.xml", **options)


def snapshot(inside):
    return b"<dsn>" + inside.encode() + b"<timestamp>1550000000411</timestamp></dsn>"


def signal(feed, dish, spacecraft, direction="down", seq=0):
    signals = feed.signals
    found = signals[
        (signals["dish"] == dish)
        & (signals["spacecraft"] == spacecraft)
        & (signals["direction"] == direction)
        & (signals["seq"] == seq)
    ]
    assert len(found) == 1
    return found.iloc[0]


def test_form_1_is_read():
    feed = fixture("dsn_f1")
    assert feed.form == 1
    assert feed.time == pd.Timestamp(1550000000411, unit="ms")
    sizes = [len(feed[name]) for name in ("stations", "dishes", "targets", "signals")]
    assert sizes == [3, 5, 6, 9]
    assert feed.counts["placeholders"] == 1
    assert len(feed.extra) == 0
    up = signal(feed, "DSS25", "NHPC", "up")
    assert up["frequency_hz"] == 7.181e9
    assert up["power_kw"] == 16.75
    assert up["band"] == "X"
    assert signal(feed, "DSS25", "NHPC", seq=1)["power_dbm"] == -150.75
    silent = signal(feed, "DSS26", "M01O")
    assert np.isnan(silent["power_dbm"])
    assert silent["power_floor"]
    assert signal(feed, "DSS26", "MVN")["debug"] == "OUT OF LOCK WAIT FOR LOCK 1 TURBO"
    assert signal(feed, "DSS63", "TGO")["debug"] == "  -1 "
    dishes = feed.dishes.set_index("dish")
    assert dishes.loc["DSS63", ["azimuth_deg", "wind_speed_kmh"]].isna().all()
    assert dishes.loc["DSS26", "created"] == pd.Timestamp("2019-02-12T15:20:10")
    assert dishes["n_targets"].to_list() == [1, 1, 2, 1, 1]
    assert dishes["complex"].to_list() == ["gdscc"] * 3 + ["mdscc"] * 2
    assert not feed.targets.set_index("dish").loc["DSS65", "is_spacecraft"]


def test_light_times_fit_ranges_within_the_rounding_of_form_1():
    targets = fixture("dsn_f1").targets.dropna(subset="rtlt_s")
    legs = targets["upleg_range_km"] + targets["downleg_range_km"]
    np.testing.assert_allclose(legs / 299_792.458, targets["rtlt_s"], rtol=1e-5)
    assert len(targets) == 3


def test_a_placeholder_is_kept_without_the_numbers_it_repeats():
    feed = fixture("dsn_f1", keep_placeholders=True)
    assert len(feed.signals) == 10
    placeholder = feed.signals[feed.signals["placeholder"]].iloc[0]
    assert placeholder["dish"] == "DSS14"
    assert placeholder["direction"] == "up"
    numbers = ["data_rate_bps", "frequency_hz", "power_dbm", "power_kw"]
    assert placeholder[numbers].isna().all()


def test_form_2_is_read():
    feed = fixture("dsn_f2")
    assert (feed.form, len(feed.dishes), len(feed.signals)) == (2, 2, 3)
    up = signal(feed, "DSS24", "JWST", "up")
    assert up[["frequency_hz", "data_rate_bps", "power_kw"]].to_list() == [
        2.09e9,
        16000,
        4.955,
    ]
    assert up["spacecraft_id"] == 170
    assert signal(feed, "DSS24", "JWST")["band"] == "K"
    assert feed.signals["debug"].isna().all()


def test_form_3_is_read():
    feed = fixture("dsn_f3")
    assert feed.form == 3
    down, up = (signal(feed, "DSS24", "KPLO", way) for way in ("down", "up"))
    assert down["active"]
    assert down["power_floor"]
    assert np.isnan(down["power_dbm"])
    assert feed.signals["frequency_hz"].isna().all()
    assert np.isnan(up["data_rate_bps"])
    assert up["power_kw"] == 0.2
    assert feed.targets.loc[0, ["upleg_range_km", "rtlt_s"]].isna().all()


def test_form_4_is_read():
    feed = fixture("dsn_f4")
    assert feed.form == 4
    assert [len(feed[name]) for name in ("dishes", "signals", "targets")] == [5, 7, 6]
    assert feed.stations.loc[0, "time_zone_offset_s"] == -28800
    dishes = feed.dishes.set_index("dish")
    assert dishes.loc["DSS53", "n_targets"] == 2
    assert not dishes.loc["DSS53", "is_mspa"]
    assert signal(feed, "DSS53", "MVN", "up")["power_kw"] == 0
    assert dishes.loc["DSS14", "activity"] == "Antenna Preventative Maintenance"
    assert dishes["stowed"].to_list() == [True, False, False, False, False]
    assert not feed.targets.loc[0, "is_spacecraft"]


def test_a_document_of_stations_alone_has_typed_empty_tables():
    feed, full = fixture("dsn_stations_only"), fixture("dsn_f1")
    assert feed.form == 0
    assert len(feed.stations) == 3
    for name in ("dishes", "signals", "targets", "extra"):
        assert len(feed[name]) == 0
        assert feed[name].dtypes.equals(full[name].dtypes)
        assert feed[name].attrs == full[name].attrs


def test_an_outage_has_an_error_of_its_own():
    with pytest.raises(FeedUnavailable, match="out of service"):
        fixture("dsn_outage")
    with pytest.raises(FeedUnavailable, match="empty"):
        parse_feed(b" \n")


@pytest.mark.parametrize("name", ["evil_dtd", "evil_entities", "evil_external"])
def test_document_types_are_refused(name):
    with pytest.raises(ValueError, match="document type"):
        fixture(name)


HOSTILE = {
    "deep": b"<dsn>" + b"<a>" * 300_000,
    "wide": b"<dsn>" + b"<dish/>" * 140_000 + b"</dsn>",
    "many attributes": b"<dsn "
    + b" ".join(b'a%d=""' % i for i in range(80_000))
    + b"/>",
    "some attributes": b"<dsn "
    + b" ".join(b'a%d=""' % i for i in range(19_000))
    + b"/>",
    "long text": b"<dsn><timestamp>" + b"9" * 1_000_000 + b"</timestamp></dsn>",
    "long JSON number": b'{"timestamp":' + b"9" * 200_000 + b"}",
    "JSON of something else": b'{"dishes": 3, "stations": {"a": [1]}}',
    "long": b"<dsn>" + b" " * 50_000_000,
    "deep JSON": b'{"dishes":' + b"[" * 200_000,
    "long JSON": b'{"dishes":' + b"[]," * 300_000,
    "no XML": b"<dsn><dish></dsn>",
    "no text": b"\xff\xfe\x00",
    "unknown encoding": b'<?xml version="1.0" encoding="none-such"?><dsn/>',
    "many bytes a letter": b'<?xml version="1.0" encoding="utf-7"?><dsn/>',
    "bomb": b'<!DOCTYPE dsn [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(
        b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(12)
    )
    + b"]><dsn>&l;</dsn>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused_at_little_cost(name):
    document = HOSTILE[name]
    start = time.process_time()
    with pytest.raises(ValueError, match="of the feed"):
        parse_feed(document)
    seconds = time.process_time() - start
    tracemalloc.start()
    with pytest.raises(ValueError, match="of the feed"):
        parse_feed(document)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 0.5  # a tenth of it on a quiet machine
    assert peak < 20e6


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(["dsn_f1", "dsn_f4"]),
    cuts=st.lists(st.tuples(st.integers(0, 3500), st.binary(max_size=3)), max_size=3),
)
def test_damaged_documents_are_read_or_refused(name, cuts):
    document = bytearray((FIXTURES / f"{name}.xml").read_bytes())
    for place, change in cuts:
        document[place : place + 1] = change
    with contextlib.suppress(ValueError):
        assert len(parse_feed(bytes(document)).stations) <= 3


@pytest.mark.parametrize(
    ("document", "error", "match"),
    [
        (b"<config/>", ValueError, "root element <dsn>"),
        (b"<dsn/>", ValueError, "neither a <timestamp>"),
        (b"<dsn><timestamp>soon</timestamp></dsn>", ValueError, "'soon'"),
        (b"<dsn><timestamp>1e30</timestamp></dsn>", ValueError, "milliseconds"),
        ("<dsn/>", TypeError, "given as text"),
        (3, TypeError, "bytes, a path or a binary file"),
        (io.StringIO("<dsn/>"), TypeError, "binary mode"),
        (b'{"stations": []}', ValueError, "neither a <timestamp>"),
    ],
)
def test_other_things_are_refused(document, error, match):
    with pytest.raises(error, match=match):
        parse_feed(document)


def test_a_document_may_be_bytes_a_path_or_a_file():
    path = FIXTURES / "dsn_f2.xml"
    with path.open("rb") as file:
        feeds = [parse_feed(path.read_bytes()), parse_feed(str(path)), parse_feed(file)]
    for feed in feeds:
        pd.testing.assert_frame_equal(feed.signals, fixture("dsn_f2").signals)


def test_what_is_unknown_or_unreadable_is_kept_as_sent():
    feed = parse_feed(
        snapshot(
            '<dish name="dss14" azimuthAngle="1_0" elevationAngle="inf" colour="red" '
            'created="2019-13-01T00:00:00Z"/><beam width="3"/><downSignal power="-1"/>'
        )
    )
    found = feed.extra[["element", "attribute", "value"]].to_numpy().tolist()
    assert sorted(found) == [
        ["beam", "width", "3"],
        ["dish", "azimuthAngle", "1_0"],
        ["dish", "colour", "red"],
        ["dish", "created", "2019-13-01T00:00:00Z"],
        ["dish", "elevationAngle", "inf"],
        ["downSignal", "power", "-1"],
    ]
    assert (
        feed.dishes[["azimuth_deg", "elevation_deg", "created"]].isna().all(axis=None)
    )
    assert feed.dishes.loc[0, "dish"] == "DSS14"
    assert len(feed.signals) == 0
    assert (feed.counts["unreadable"], feed.counts["unknown"]) == (3, 3)


def test_a_dish_belongs_to_its_station_or_the_one_before_or_that_of_its_number():
    feed = parse_feed(
        snapshot(
            '<dish name="DSS43"/><station name="mdscc"><dish name="DSS14"/></station>'
            '<dish name="DSS24"/><dish name="DSS60"/>'
        )
    )
    assert feed.dishes["complex"].to_list() == ["cdscc", "mdscc", "mdscc", "mdscc"]
    feed = parse_feed(snapshot('<dish name="DSS99"/><dish/>'))
    assert feed.dishes["complex"].isna().all()


def test_a_station_tells_the_time_where_no_timestamp_does():
    feed = parse_feed(b'<dsn><station name="gdscc" timeUTC="1700000000000"/></dsn>')
    assert feed.time == pd.Timestamp("2023-11-14T22:13:20")
    assert feed.stations.loc[0, "location"] == "Goldstone"


def test_negative_powers_and_time_zones_are_values():
    feed = parse_feed(
        snapshot(
            '<station name="gdscc" timeZoneOffset="-1"/><dish name="DSS14">'
            '<downSignal power="-1" spacecraft="VGR1"/>'
            '<target name="VGR1" rtlt="-1" uplegRange="0"/></dish>'
        )
    )
    assert feed.signals.loc[0, "power_dbm"] == -1
    assert feed.stations.loc[0, "time_zone_offset_s"] == -0.001
    assert np.isnan(feed.targets.loc[0, "rtlt_s"])
    assert feed.targets.loc[0, "upleg_range_km"] == 0


def test_the_number_of_tests_is_not_that_of_a_spacecraft():
    feed = parse_feed(
        snapshot(
            '<dish><target name="PSYC" id="99"/><target name="dsn" id="99"/></dish>'
        )
    )
    assert feed.targets["spacecraft_id"].isna().to_list() == [True, False]
    assert feed.targets["is_spacecraft"].to_list() == [True, False]
    assert feed.targets["spacecraft"].to_list() == ["PSYC", "DSN"]


@pytest.mark.parametrize(
    ("name", "form", "sizes"),
    [
        ("f1_20190209T102932Z_openmct-dsn.xml", 1, (7, 18, 11)),
        ("f1_20210208T051430Z_dsn-live.json", 1, (13, 17, 11)),
        ("f2_20220923T063320Z_jpl-minipulse.xml", 2, (12, 24, 14)),
        ("f3_20230906T125300Z_jpl-minipulse.xml", 3, (8, 20, 11)),
        ("f3_20231031T204838Z_jpl-minipulse_stations-only.xml", 0, (0, 0, 0)),
        ("f4_20250130T162054Z_go-dsn-now.xml", 4, (14, 24, 16)),
    ],
)
def test_stored_answers_are_read_whole(skdsn_data, name, form, sizes):
    feed = parse_feed(skdsn_data / "dsn_now" / "captures" / name)
    assert feed.form == form
    assert (
        tuple(len(feed[table]) for table in ("dishes", "signals", "targets")) == sizes
    )
    assert feed.time.strftime("%Y%m%dT%H%M") == name[3:16]
    assert feed.dishes["complex"].notna().all()
    assert len(feed.extra) == 0
    assert (check_feed(feed)["check"] != "light_time").all()


def test_the_json_rendering_gives_units_back(skdsn_data):
    name = "f1_20210208T051430Z_dsn-live.json"
    feed = parse_feed(skdsn_data / "dsn_now" / "captures" / name)
    voyager = signal(feed, "DSS63", "VGR1")
    assert voyager["frequency_hz"] == 8.42e9
    assert voyager["data_rate_bps"] == 160
    assert voyager["complex"] == "mdscc"
    assert signal(feed, "DSS24", "M01O", "up")["power_kw"] == 18.02
    assert feed.counts["placeholders"] == 3
