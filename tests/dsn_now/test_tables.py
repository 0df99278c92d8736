"""Tables keep their types; feeds go together and apart."""

import itertools
from pathlib import Path

import pandas as pd
import pytest

from skdsn.dsn_now import concat_feeds, parse_feed, split_feeds
from skdsn.dsn_now._tables import TABLES, empty_tables, make_table

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = ("dsn_f1", "dsn_f2", "dsn_f3", "dsn_f4", "dsn_stations_only")


@pytest.fixture
def feeds():
    return [parse_feed(FIXTURES / f"{name}.xml") for name in NAMES]


def assert_same(left, right):
    for name in TABLES:
        pd.testing.assert_frame_equal(left[name], right[name])


def test_the_order_of_feeds_does_not_matter(feeds):
    expected = concat_feeds(feeds)
    for order in itertools.islice(itertools.permutations(feeds), 1, None, 17):
        got = concat_feeds(order)
        assert_same(got, expected)
        pd.testing.assert_series_equal(got.forms, expected.forms)
    assert expected.forms.to_list() == [1, 2, 3, 0, 4]
    assert expected.signals["time"].is_monotonic_increasing
    assert len(expected.signals) == sum(len(feed.signals) for feed in feeds)
    assert expected.signals.attrs["units"]["power_kw"] == "kW"


def test_a_time_seen_before_is_left_out_and_counted(feeds):
    once = concat_feeds(feeds)
    twice = concat_feeds([*feeds, *feeds])
    assert_same(once, twice)
    assert twice.counts == {**once.counts, "duplicates": len(feeds)}


def test_feeds_of_many_snapshots_go_together(feeds):
    got = concat_feeds([concat_feeds(feeds[2:]), concat_feeds(feeds[:3])])
    assert_same(got, concat_feeds(feeds))
    assert got.counts["duplicates"] == 1


def test_feeds_come_apart_as_they_were(feeds):
    apart = list(split_feeds(concat_feeds(feeds)))
    feeds = sorted(feeds, key=lambda feed: feed.time)
    assert [feed.time for feed in apart] == [feed.time for feed in feeds]
    assert [feed.form for feed in apart] == [feed.form for feed in feeds]
    for left, right in zip(apart, feeds, strict=True):
        assert_same(left, right)


def test_nothing_goes_together_to_empty_tables():
    nothing = concat_feeds([])
    assert_same(nothing, empty_tables())
    assert len(nothing.forms) == 0
    assert list(split_feeds(nothing)) == []


def test_a_table_takes_times_in_many_guises():
    row = {"complex": ["gdscc"], "location": ["Goldstone"], "time_zone_offset_s": [0]}
    moment = pd.Timestamp("2026-01-01")
    tables = [
        make_table("stations", {"time": [time], "time_utc": [other], **row})
        for time, other in [
            (1767225600000, None),
            (moment, pd.NaT),
            (moment.to_datetime64(), None),
        ]
    ]
    for table in tables:
        pd.testing.assert_frame_equal(table, tables[0])
    assert tables[0].loc[0, "time"] == moment
    assert tables[0].dtypes["time_utc"] == "datetime64[ms]"


def test_a_table_refuses_other_columns():
    with pytest.raises(ValueError, match="'stations' has the columns"):
        make_table("stations", {"time": []})
