"""What is written and read again is the same up to the rounding of its form."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils import Bunch

from skdsn.dsn_now import concat_feeds, encode_feed, parse_feed
from skdsn.dsn_now._forms import band_of
from skdsn.dsn_now._tables import SCHEMA, TABLES, make_table

FIXTURES = Path(__file__).parent / "fixtures"
FORMS = (1, 2, 3, 4)
# Largest error by form: absolute, or relative where so marked.
ANGLE = {1: (0.0051, 0), 2: (0, 5.1e-4), 3: (0.51, 0), 4: (0.51, 0)}
POWER_DBM = {1: (1e-6, 0), 2: (1e-4, 0), 3: (0, 0.051), 4: (0, 0.051)}
POWER_KW = {1: (1e-6, 0), 2: (1e-4, 0), 3: (0, 0.051), 4: (0, 0.051)}
RATE = {1: (1e-6, 0), 2: (0, 5.1e-4), 3: (0, 5.1e-4), 4: (0, 5.1e-4)}
RANGE = {1: (0, 0), 2: (0, 5.1e-4), 3: (0, 5.1e-3), 4: (0, 5.1e-3)}
LIGHT_TIME = {1: (1e-6, 0), 2: (0, 5.1e-4), 3: (0, 5.1e-4), 4: (0, 5.1e-3)}
DOWN_HZ = {1: (1e-5, 0), 2: (0, 5.1e-4)}
UP_HZ = {1: (0.51e6, 0), 2: (0, 5.1e-4)}

CODES = ("VGR1", "MRO", "M01O", "JWST", "DSN")
DEBUG = ("  -1 ", "IDLE OFF 0 MCD2", "IN LOCK IN LOCK 1 TURBO", "", "<&\"'>")


def maybe(numbers):
    return st.one_of(st.none(), numbers)


def floats(low, high):
    return st.floats(low, high, allow_subnormal=False)


@st.composite
def feeds(draw):
    """One snapshot, of two stations with a dish each and what they do."""
    time = draw(st.integers(10**12, 2 * 10**12))
    places = [("gdscc", "DSS14"), ("mdscc", "DSS63")]
    stations = [(time, code, f"At {code}", time, 3600.0) for code, _ in places]
    dishes, signals, targets = [], [], []
    for code, dish in places:
        where = (time, code, dish)
        crafts = draw(st.lists(st.sampled_from(CODES), max_size=3, unique=True))
        ids = {craft: 99 if craft == "DSN" else 31 + len(craft) for craft in crafts}
        distances = st.tuples(*[maybe(floats(0, 3e10))] * 2, maybe(floats(0, 2e5)))
        targets += [
            (*where, craft, ids[craft], craft != "DSN", *draw(distances))
            for craft in crafts
        ]
        entries = st.tuples(st.sampled_from(crafts or CODES), st.booleans())
        seen = {}
        for craft, down in draw(st.lists(entries, max_size=4)):
            key = (craft, down)
            seen[key] = seen.get(key, -1) + 1
            way = "down" if down else "up"
            kind = draw(st.sampled_from(["none", "carrier", "data"]))
            low, high = (8.4e9, 8.5e9) if down else (7.146e9, 7.234e9)
            hertz = draw(maybe(floats(low, high)))
            floor = down and draw(st.booleans())
            signals.append(
                (
                    *where,
                    *(way, seen[key], craft, ids.get(craft), craft != "DSN"),
                    *(kind, kind != "none", band_of(way, hertz or np.nan)),
                    *(draw(maybe(floats(0, 1e7))), hertz),
                    draw(maybe(floats(-189, -80))) if down and not floor else None,
                    None if down else draw(maybe(floats(0, 400))),
                    *(floor, draw(st.sampled_from(DEBUG)), False),
                )
            )
        angles = (draw(maybe(floats(1, 359))), draw(maybe(floats(1, 89))))
        flags = (draw(st.sampled_from([True, False, None])) for _ in range(3))
        dishes.append(
            (
                *where,
                *angles,
                draw(maybe(floats(0, 99))),
                *flags,
                *(time - 1000, None, "Telemetry, tracking & more", False, len(crafts)),
            )
        )
    rows = (stations, dishes, signals, targets, [])
    tables = {
        name: make_table(name, as_columns(name, table))
        for name, table in zip(TABLES, rows, strict=True)
    }
    return Bunch(time=pd.Timestamp(np.datetime64(time, "ms")), form=1, **tables)


def as_columns(name, rows):
    values = zip(*rows, strict=True) if rows else [()] * len(SCHEMA[name])
    return dict(zip(SCHEMA[name], values, strict=True))


def assert_close(left, right, tolerance):
    absolute, relative = tolerance
    np.testing.assert_allclose(
        left.to_numpy(), right.to_numpy(), rtol=relative, atol=absolute
    )


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=25)
@given(feed=feeds())
def test_a_feed_read_again_is_the_same_up_to_rounding(form, feed):
    again = parse_feed(encode_feed(feed, form))
    assert abs(again.time - feed.time) < pd.Timedelta("1s")
    assert again.time == feed.time or form > 1
    rounded = {
        "stations": {"time_utc": None},
        "dishes": {
            "azimuth_deg": ANGLE,
            "elevation_deg": ANGLE,
            "wind_speed_kmh": ANGLE,
            "stowed": None,
            **({} if form == 1 else {"created": None}),
            **({} if form == 4 else {"activity": None}),
        },
        "signals": {
            "data_rate_bps": None,
            "frequency_hz": None,
            "power_dbm": POWER_DBM,
            "power_kw": POWER_KW,
            **({"band": None} if form >= 3 else {}),
            **({} if form == 1 else {"debug": None}),
        },
        "targets": {
            "upleg_range_km": RANGE,
            "downleg_range_km": RANGE,
            "rtlt_s": LIGHT_TIME,
        },
    }
    for name, columns in rounded.items():
        left, right = again[name], feed[name]
        exact = [name for name in left if name not in (*columns, "time")]
        pd.testing.assert_frame_equal(left[exact], right[exact])
        for column, tolerance in columns.items():
            if tolerance is not None:
                assert_close(left[column], right[column], tolerance[form])
    check_signals(again.signals, feed.signals, form)


def check_signals(again, signals, form):
    down = signals["direction"] == "down"
    rate = "data_rate_bps"
    assert_close(again[rate][down], signals[rate][down], RATE[form])
    if form == 2:
        assert_close(again[rate][~down], signals[rate][~down], RATE[form])
    else:
        assert again[rate][~down].isna().all()
    if form <= 2:
        for side, tolerance in ((down, DOWN_HZ), (~down, UP_HZ)):
            hertz = signals["frequency_hz"][side]
            assert_close(again["frequency_hz"][side], hertz, tolerance[form])
    else:
        assert again["frequency_hz"].isna().all()
        pd.testing.assert_series_equal(again["band"], signals["band"])


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=15)
@given(feed=feeds())
def test_what_was_rounded_once_stays(form, feed):
    once = parse_feed(encode_feed(feed, form))
    twice = parse_feed(encode_feed(once, form))
    assert once.form == twice.form
    for name in TABLES:
        pd.testing.assert_frame_equal(once[name], twice[name])


@pytest.mark.parametrize("form", FORMS)
def test_a_document_is_read_and_written_in_its_own_form(form):
    feed = parse_feed(FIXTURES / f"dsn_f{form}.xml", keep_placeholders=True)
    again = parse_feed(encode_feed(feed), keep_placeholders=True)
    assert again.form == form
    for name in TABLES:
        pd.testing.assert_frame_equal(again[name], feed[name])


def test_a_dish_without_station_finds_its_complex_again():
    feed = parse_feed(
        b'<dsn><dish name="DSS43" activity=""/><station name="gdscc"/>'
        b"<timestamp>1000</timestamp></dsn>"
    )
    again = parse_feed(encode_feed(feed))
    assert again.dishes["complex"].to_list() == ["cdscc"]


def test_several_snapshots_and_other_forms_are_refused():
    feed = parse_feed(FIXTURES / "dsn_f1.xml")
    with pytest.raises(ValueError, match="split_feeds"):
        encode_feed(concat_feeds([feed]), form=1)
    with pytest.raises(ValueError, match="form must be 1, 2, 3 or 4; got 5"):
        encode_feed(feed, form=5)
    with pytest.raises(ValueError, match="got 0"):
        encode_feed(parse_feed(FIXTURES / "dsn_stations_only.xml"))


@pytest.mark.parametrize(
    "name",
    [
        "f1_20190209T102932Z_openmct-dsn.xml",
        "f2_20220923T063320Z_jpl-minipulse.xml",
        "f3_20230906T125300Z_jpl-minipulse.xml",
        "f4_20250130T162054Z_go-dsn-now.xml",
    ],
)
def test_stored_answers_lose_nothing_in_their_own_form(skdsn_data, name):
    feed = parse_feed(skdsn_data / "dsn_now" / "captures" / name)
    again = parse_feed(encode_feed(feed))
    for table in TABLES:
        pd.testing.assert_frame_equal(again[table], feed[table])
