"""Times and lengths of time as seconds."""

import numpy as np
import pandas as pd
import pytest

from skdsn.tracks import as_seconds, gap_seconds

DAY = pd.Timestamp("2026-03-02")


@pytest.mark.parametrize("max_gap", [0, -1, np.nan, "-3s", np.timedelta64("NaT")])
def test_a_gap_must_be_positive(max_gap):
    with pytest.raises(ValueError, match="max_gap must be positive"):
        gap_seconds(max_gap)


def test_an_unreadable_gap_is_refused():
    with pytest.raises(ValueError, match="seconds or a timedelta such as '10min'"):
        gap_seconds("soon")


@pytest.mark.parametrize("max_gap", ["10", "", "-3", "0.5"])
def test_text_without_a_unit_is_no_gap(max_gap):
    with pytest.raises(ValueError, match="a time with its unit such as '10min'"):
        gap_seconds(max_gap)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_seconds_do_not_depend_on_the_unit_of_the_clock(unit):
    times = pd.DatetimeIndex(["1970-01-01T00:00:01", "2026-03-02"]).as_unit(unit)
    assert as_seconds(times).tolist() == [1.0, DAY.timestamp()]
    assert as_seconds(times - times[0]).tolist() == [0.0, DAY.timestamp() - 1]


def test_naive_times_are_utc_and_zones_are_respected():
    utc = pd.DatetimeIndex(["2026-07-01T12:00"])
    madrid = utc.tz_localize("UTC").tz_convert("Europe/Madrid")
    assert as_seconds(madrid).tolist() == as_seconds(utc).tolist()


def test_fractions_and_missing_times_survive():
    times = pd.Series([DAY + pd.Timedelta("250ms"), pd.NaT])
    np.testing.assert_array_equal(as_seconds(times) - DAY.timestamp(), [0.25, np.nan])


def test_numbers_already_are_seconds():
    assert as_seconds([0, 5]).tolist() == [0.0, 5.0]
    assert as_seconds(pd.Series([0.5])).tolist() == [0.5]


def test_the_far_future_is_a_time_too():
    never = pd.to_datetime(pd.Series(["9999-12-31"]), utc=True)
    assert as_seconds(never)[0] == pytest.approx(253402214400.0)
