import io

import pytest
from pandas.testing import assert_frame_equal

from skdsn.dsn_now import make_dsn_now, make_notebook_table, read_notebook_csv

# Missing values of the notebook's 249,959 rows, by column.
MISSING = {
    "timeUTC": 0,
    "isMSPA": 0,
    "azimuthAngle": 40_827,
    "windSpeed": 40_827,
    "dataRate_downsignal": 86_966,
    "power_downsignal": 86_966,
    "signalType_downsignal": 35_663,
    "dataRate_upsignal": 168_942,
    "frequency_upsignal": 48_215,
    "power_upsignal": 50_718,
    "signalType_upsignal": 0,
    "spacecraft_upsignal": 35_653,
    "downlegRange": 35_653,
    "name_upsignal": 35_653,
    "signalTypeDebug_downsignal": 35_663,
    "signalTypeDebug_upsignal": 0,
}


@pytest.fixture(scope="module")
def table():
    return make_notebook_table(250_000, random_state=0)


def test_missing_values_are_as_many_as_the_notebook_had(table):
    assert table.shape == (250_000, 30)
    missing = table.isna().sum()
    for name, count in MISSING.items():
        assert missing[name] == pytest.approx(count, rel=0.15), name
    assert missing.sum() == pytest.approx(1_043_479, rel=0.05)


def test_all_debug_strings_of_the_notebook_occur(table):
    assert table["signalTypeDebug_downsignal"].nunique() == 27
    assert table["signalTypeDebug_upsignal"].nunique() == 21


def test_contacts_without_an_uplink_have_lost_their_downlink(table):
    lost = table["spacecraft_upsignal"].isna()
    assert (table.loc[lost, "signalTypeDebug_upsignal"] == "none").all()
    assert table.loc[lost, ["power_downsignal", "id", "rtlt"]].isna().all(axis=None)
    # A placeholder repeats a downlink: an uplink of -155 "kW".
    assert (table.loc[lost, "power_upsignal"].dropna() < 0).all()
    assert table.loc[lost, "power_upsignal"].notna().any()


def test_rows_pair_an_uplink_with_the_downlinks_of_its_spacecraft(table):
    joined = table.dropna(subset="spacecraft_upsignal")
    for name in ("spacecraft_downsignal", "name_upsignal"):
        assert (joined[name] == joined["spacecraft_upsignal"]).all()
    known = joined[joined["rtlt"] > 0]
    total = (known["uplegRange"] + known["downlegRange"]) / 299_792.458
    assert abs(total / known["rtlt"] - 1).max() < 1e-5


def test_rows_are_those_of_the_feed_with_the_same_seed():
    table = make_notebook_table(2000, interval=600, random_state=4)
    feed = make_dsn_now(2000 / 8 * 600 / 86_400, interval=600, random_state=4)
    feed = feed.signals.query("direction == 'down'")
    feed = feed.assign(timeUTC=feed["time"].astype("int64"))
    feed = feed.set_index(["timeUTC", "dish", "spacecraft", "power_dbm"])
    rows = table[table["power_downsignal"] > -200]
    keys = ["timeUTC", "DSS", "spacecraft_downsignal", "power_downsignal"]
    matched = feed.loc[list(rows[keys].itertuples(index=False, name=None))]
    assert len(matched) == len(rows) > 100
    debug = rows["signalTypeDebug_downsignal"].reset_index(drop=True)
    assert (matched["debug"].reset_index(drop=True) == debug).all()


def test_the_table_is_read_again_and_mended():
    table = make_notebook_table(3000, interval=300, random_state=1)
    text = table.to_csv(index=False)
    X = read_notebook_csv(io.StringIO(text))
    assert X.index.names == ["track", "time"]
    assert X["frequency_upsignal"].min() > 2e9
    assert X["power_upsignal"].min() >= 0
    assert (table["power_upsignal"] < 0).any()
    assert X["power_downsignal"].min() > -200
    assert (table["rtlt"] == -1).sum() == 0 or (X["rtlt"].dropna() >= 0).all()


def test_a_seed_gives_one_table():
    one, same = (make_notebook_table(500, random_state=2) for _ in range(2))
    assert_frame_equal(one, same)
    assert not one.equals(make_notebook_table(500, random_state=3))
