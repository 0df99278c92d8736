"""Downlinks, uplinks and targets become tracks; nothing is lost in the join."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdsn.dsn_now import concat_feeds, parse_feed, read_notebook_csv, to_telemetry
from skdsn.tracks import read_tracks

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = ("dsn_f1", "dsn_f2", "dsn_f3", "dsn_f4", "dsn_stations_only")


def snapshot(seconds, dishes, created="2020-01-01T00:00:00Z"):
    inside = "".join(
        f'<dish name="{name}" created="{created}">{content}</dish>'
        for name, content in dishes.items()
    )
    document = f"<dsn>{inside}<timestamp>{1000 * seconds}</timestamp></dsn>"
    return parse_feed(document.encode())


def down(spacecraft, power=-100):
    return f'<downSignal spacecraft="{spacecraft}" power="{power}"/>'


def up(spacecraft, power=10):
    return f'<upSignal spacecraft="{spacecraft}" power="{power}"/>'


def names(X):
    return list(dict.fromkeys(X.index.get_level_values("track")))


@pytest.fixture
def feeds():
    return concat_feeds(parse_feed(FIXTURES / f"{name}.xml") for name in NAMES)


def test_each_downlink_uplink_and_target_is_in_a_row(feeds):
    X = to_telemetry(feeds)
    read_tracks(X)
    assert not X.index.duplicated().any()
    key = ["time", "dish", "spacecraft"]
    ways = feeds.signals["direction"]
    counts = {
        "spacecraft_downsignal": int((ways == "down").sum()),
        "spacecraftId_upsignal": int((ways == "up").sum()),
    }
    assert X["spacecraft_downsignal"].notna().sum() == counts["spacecraft_downsignal"]
    first = ~X.index.get_level_values(0).str.contains("#")
    assert X["name_target"][first].notna().sum() == len(feeds.targets)
    ups = feeds.signals[ways == "up"][key].drop_duplicates()
    assert X["spacecraft_upsignal"][first].notna().sum() == len(ups)


def test_a_receive_only_dish_keeps_its_downlink():
    X = to_telemetry(parse_feed(FIXTURES / "dsn_f1.xml")).loc["DSS14/VGR1/0001"]
    row = X.iloc[0]
    assert row["power_downsignal"] == -155.5
    assert row["name_target"] == "VGR1"
    assert row["spacecraftId_downsignal"] == row["id_target"] == 31
    assert np.isnan(row["power_upsignal"])
    assert row["timeZoneOffset"] == -28800
    assert row["location"] == "Goldstone"
    assert row["isArray"] == 0.0


def test_placeholders_make_no_rows():
    path = FIXTURES / "dsn_f1.xml"
    pd.testing.assert_frame_equal(
        to_telemetry(parse_feed(path, keep_placeholders=True)),
        to_telemetry(parse_feed(path)),
    )


def test_a_second_downlink_is_a_track_of_its_own_with_the_same_uplink():
    X = to_telemetry(parse_feed(FIXTURES / "dsn_f1.xml"))
    pair = X.loc[["DSS25/NHPC/0001", "DSS25/NHPC#1/0001"]]
    assert pair["power_downsignal"].to_list() == [-143.125, -150.75]
    assert pair["power_upsignal"].to_list() == [16.75, 16.75]
    assert pair["rtlt"].to_list() == [44695.187093, 44695.187093]


def test_a_second_uplink_goes_with_the_second_downlink():
    content = down("MRO", -1) + down("MRO", -2) + up("MRO", 1) + up("MRO", 2)
    X = to_telemetry(snapshot(0, {"DSS14": content}))
    powers = X[["power_downsignal", "power_upsignal"]].to_numpy().tolist()
    assert powers == [[-1, 1], [-2, 2]]


def test_an_uplink_without_downlink_is_a_track():
    X = to_telemetry(snapshot(0, {"DSS14": up("MRO")}))
    assert names(X) == ["DSS14/MRO/0001"]
    assert X["power_downsignal"].isna().all()


def test_a_contact_ends_at_a_gap():
    feeds = concat_feeds(
        snapshot(second, {"DSS14": down("MRO"), "DSS24": down("MRO")})
        for second in (0, 5, 605, 1206)
    )
    assert names(to_telemetry(feeds)) == [
        "DSS14/MRO/0001",
        "DSS14/MRO/0002",
        "DSS24/MRO/0001",
        "DSS24/MRO/0002",
    ]
    assert len(names(to_telemetry(feeds, max_gap="599s"))) == 6
    assert len(names(to_telemetry(feeds, max_gap=None))) == 2


def test_a_contact_ends_where_the_dish_is_set_up_anew():
    other = "2020-01-01T00:00:09Z"
    times = [(0, other), (5, ""), (10, other), (15, "2020-01-01T00:00:12Z")]
    feeds = concat_feeds(
        snapshot(second, {"DSS14": down("MRO")}, created) for second, created in times
    )
    tracks = to_telemetry(feeds).groupby(level="track", sort=False).size()
    assert tracks.to_dict() == {"DSS14/MRO/0001": 3, "DSS14/MRO/0002": 1}


def test_receivers_of_a_contact_share_its_number():
    feeds = concat_feeds(
        snapshot(second, {"DSS14": down("MRO") * count})
        for second, count in [(0, 1), (5, 2), (9000, 2)]
    )
    assert names(to_telemetry(feeds)) == [
        "DSS14/MRO/0001",
        "DSS14/MRO#1/0001",
        "DSS14/MRO/0002",
        "DSS14/MRO#1/0002",
    ]


def test_numeric_only_leaves_measurements_and_flags(feeds):
    X = to_telemetry(feeds, numeric_only=True)
    assert (X.dtypes == "float64").all()
    full = to_telemetry(feeds)
    pd.testing.assert_frame_equal(X, full[X.columns], check_like=False)
    assert X.attrs == full.attrs
    assert X.attrs["units"]["power_upsignal"] == "kW"


def test_empty_feeds_have_the_columns_of_others(feeds):
    X = to_telemetry(parse_feed(FIXTURES / "dsn_stations_only.xml"))
    assert len(X) == 0
    assert X.dtypes.equals(to_telemetry(feeds).dtypes)
    assert X.index.names == ["track", "time"]


RAW = {
    "_text": "STA",
    "azimuthAngle": "10.5",
    "created": "2019-01-13T22:00:00.123Z",
    "downSignal": "[]",
    "elevationAngle": "none",
    "friendlyName": "Goldstone",
    "isArray": "false",
    "isDDOR": "True",
    "isMSPA": "",
    "name_x": "DSS14",
    "station": "[]",
    "target": "[]",
    "timeUTC": "1547424005485",
    "timeZoneOffset": "-28800000",
    "upSignal": "[]",
    "updated": "2019-01-13T22:00:01.123Z",
    "windSpeed": "3.7",
    "dataRate_x": "160.002853",
    "frequency_x": "8420585323.254991",
    "power_x": "-120.5",
    "signalType_x": "none",
    "signalTypeDebug_x": "  -1 ",
    "spacecraft_x": "STA",
    "spacecraftId_x": "234.0",
    "dataRate_y": "",
    "frequency_y": "7186",
    "power_y": "18.75",
    "signalType_y": "data",
    "signalTypeDebug_y": "ON 1 TRK",
    "spacecraft_y": "STA",
    "spacecraftId_y": "234",
    "downlegRange": "-1.0",
    "id": "234",
    "name_y": "STA",
    "rtlt": "null",
    "uplegRange": "1000.0",
}
DROPPED = ("_text", "downSignal", "station", "target", "upSignal", "updated")


def table(*changes, columns=None):
    frame = pd.DataFrame([{**RAW, **change} for change in changes], columns=columns)
    return io.StringIO(frame.to_csv(index=False))


def test_the_raw_layout_of_the_notebook_is_read():
    X = read_notebook_csv(table({}))
    row = X.loc["DSS14/STA/0001"].iloc[0]
    assert X.index.get_level_values("time")[0] == pd.Timestamp(1547424005485, unit="ms")
    assert row["frequency_upsignal"] == 7.186e9
    assert row["frequency_downsignal"] == 8420585323.254991
    assert row["power_upsignal"] == 18.75
    assert row["timeZoneOffset"] == -28800
    assert row["name_target"] == "STA"
    assert row["id_target"] == 234
    assert row["signalType_downsignal"] == "none"
    assert row["signalTypeDebug_downsignal"] == "  -1 "
    assert row["created"] == pd.Timestamp("2019-01-13T22:00:00.123")
    assert [row["isArray"], row["isDDOR"]] == [0, 1]
    missing = ["elevationAngle", "isMSPA", "downlegRange", "rtlt", "dataRate_upsignal"]
    assert row[missing].isna().all()
    assert row["uplegRange"] == 1000
    parsed = to_telemetry(parse_feed(FIXTURES / "dsn_f1.xml"))
    assert X.dtypes.equals(parsed.dtypes)
    assert X.attrs == parsed.attrs


def test_the_renamed_layout_of_the_notebook_is_the_same():
    names = {name: name for name in RAW if name not in DROPPED}
    names |= {"friendlyName": "location", "name_x": "DSS", "name_y": "name_upsignal"}
    for name in RAW:
        if name.endswith(("_x", "_y")) and not name.startswith("name"):
            side = "downsignal" if name.endswith("_x") else "upsignal"
            names[name] = f"{name[:-2]}_{side}"
    renamed = pd.DataFrame([RAW])[list(names)].rename(columns=names)
    assert renamed.shape[1] == 30
    text = io.StringIO(renamed.to_csv(index=False))
    pd.testing.assert_frame_equal(read_notebook_csv(text), read_notebook_csv(table({})))


def test_placeholder_uplinks_lose_the_numbers_they_repeat():
    repeated = {"power_y": "-155.6", "frequency_y": "8420585323.2", "dataRate_y": "160"}
    blank = {"spacecraft_y": "", "spacecraftId_y": ""}
    X = read_notebook_csv(
        table({**repeated, "signalTypeDebug_y": "none"}, {**repeated, **blank})
    )
    uplink = [name for name in X if name.endswith("_upsignal")]
    assert X[uplink].isna().all(axis=None)
    assert X["power_downsignal"].to_list() == [-120.5, -120.5]


def test_the_floor_and_the_number_of_tests_are_missing_values():
    X = read_notebook_csv(table({"power_x": "-480.2", "spacecraftId_x": "99"}))
    assert X["power_downsignal"].isna().all()
    assert X["spacecraftId_downsignal"].isna().all()


def test_rows_without_a_spacecraft_stay():
    blank = dict.fromkeys(("spacecraft_x", "spacecraft_y", "name_y"), "")
    ids = dict.fromkeys(("spacecraftId_x", "spacecraftId_y", "id"), "")
    assert names(read_notebook_csv(table({**blank, **ids}))) == ["DSS14/none/0001"]
    assert names(read_notebook_csv(table(blank))) == ["DSS14/234/0001"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"timeUTC": ""}, "'timeUTC' must count milliseconds"),
        ({"power_x": "loud"}, "'power_downsignal' must hold numbers; got 'loud'"),
    ],
)
def test_what_is_no_number_is_refused(change, match):
    with pytest.raises(ValueError, match=match):
        read_notebook_csv(table(change))


def test_a_table_without_dish_is_refused():
    with pytest.raises(ValueError, match="columns timeUTC and DSS"):
        read_notebook_csv(table({}, columns=["timeUTC"]))
