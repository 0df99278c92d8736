"""Times and lengths of time as seconds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.tracks import as_seconds, gap_seconds, parse_times

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


# -- parse_times --

NOON = pd.Timestamp("2025-06-02T12:00")


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["2025-06-02T12:00:00"]),
        pd.Series(["2025-06-02 12:00:00.000"]),
        pd.Series(["2025-06-02T14:00:00+02:00"]),
        pd.Series(["2025-06-02T12:00:00Z"]),
        pd.Series(["2025-153T12:00:00"]),
        pd.Series(["2025-153T12:00:00.000"]),
        pd.Series(["2025-153T12:00:00"], dtype=object),
        pd.Series(["2025-153T12:00:00"]).astype("category"),
        pd.Series([NOON]),
        pd.Series([NOON.tz_localize("UTC").tz_convert("Asia/Tokyo")]),
        pd.Series([NOON.to_pydatetime()], dtype=object),
        pd.Series([NOON.as_unit("ns")]),
        pd.Series([NOON.as_unit("s")]),
        pd.Series([NOON.timestamp()]),
        pd.Series([int(NOON.timestamp())]),
        pd.Series([NOON.timestamp()], dtype=object),
        pd.Series([int(NOON.timestamp())], dtype="Int64"),
    ],
)
def test_times_are_read_as_utc_however_they_are_written(column):
    column = column.rename("T").set_axis(["row"])
    expected = pd.Series([NOON], ["row"], "datetime64[us]", name="T")
    pd.testing.assert_series_equal(parse_times(column), expected)


def test_different_zones_of_one_column_are_one_clock():
    zones = [NOON.tz_localize("UTC"), NOON.tz_localize("Europe/Berlin"), NOON]
    column = pd.Series(zones, dtype=object)
    assert parse_times(column).tolist() == [NOON, NOON - pd.Timedelta("2h"), NOON]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([None, "2025-153T12:00:00"]),
        pd.Series([np.nan, NOON.timestamp()]),
        pd.Series([-np.inf, NOON.timestamp()]),
        pd.Series([pd.NaT, NOON]),
        pd.Series([None, int(NOON.timestamp())], dtype="Int64"),
        pd.Series([None, NOON.timestamp()], dtype=object),
    ],
)
def test_a_missing_time_stays_missing(column):
    found = parse_times(column)
    assert found.isna().tolist() == [True, False]
    assert found[1] == NOON


@pytest.mark.parametrize("dtype", ["float64", "object", "str", "datetime64[ns]"])
@pytest.mark.parametrize("n_rows", [0, 2])
def test_a_column_without_any_time_is_all_missing(dtype, n_rows):
    found = parse_times(pd.Series([None] * n_rows, dtype=dtype, name="T"))
    assert found.isna().all()
    assert (found.dtype, found.name, len(found)) == ("datetime64[us]", "T", n_rows)


@settings(deadline=None, max_examples=50)
@given(st.integers(-2_208_988_800_000_000, 253_402_300_799_000_000))
def test_seconds_and_dates_meet_to_the_microsecond(ticks):
    date = pd.Timestamp(ticks, unit="us").as_unit("us")
    assert parse_times(pd.Series([date.isoformat()]))[0] == date
    assert parse_times(pd.Series([date.strftime("%Y-%jT%H:%M:%S.%f")]))[0] == date
    error = abs(parse_times(pd.Series([ticks / 1e6]))[0] - date)
    assert error <= pd.Timedelta(np.spacing(abs(ticks) / 1e6) + 1e-6, "s")


@pytest.mark.parametrize("seconds", [1.75e12, -1.75e12, 1.75e18])
def test_other_units_than_seconds_are_refused(seconds):
    with pytest.raises(
        ValueError, match=r"'T' must hold seconds since 1970; got .*Div"
    ):
        parse_times(pd.Series([1.0, seconds], name="T"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["2025-06-02", "soon"], "'T' does not hold times; row 1 has 'soon'. Write"),
        (["2025-153T12:00:00", "soon"], "row 1 has 'soon'"),
        (["2025-367T00:00:00"], "row 0 has '2025-367T00:00:00'"),
        (["02/06/2025"], "row 0 has '02/06/2025'"),
        (["1750000000.0"], "row 0 has '1750000000.0'"),
        ([1.0, "soon"], "row 0 has 1.0"),
    ],
)
def test_text_that_is_no_date_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        parse_times(pd.Series(values, name="T"))


def test_text_that_is_no_date_can_be_missing_but_not_all_of_it():
    column = pd.Series(["soon", "2025-153T12:00:00", None], index=list("abc"))
    found = parse_times(column, unparsable="missing")
    assert found.isna().tolist() == [True, False, True]
    assert found["b"] == NOON
    with pytest.raises(ValueError, match="row 'a' has 'soon'"):
        parse_times(column[["a", "c"]], unparsable="missing")


def test_days_of_the_year_with_and_without_fractions_stand_together():
    text = pd.Series(
        ["2025-153T12:00:00", "2025-153T12:00:00.5", "2025-06-02T12:00:01"]
    )
    seconds = as_seconds(parse_times(text))
    assert (seconds - seconds[0]).tolist() == [0.0, 0.5, 1.0]


def test_day_366_is_of_leap_years_only():
    assert parse_times(pd.Series(["2024-366T00:00:00"]))[0] == pd.Timestamp(
        "2024-12-31"
    )
    with pytest.raises(ValueError, match="2025-366"):
        parse_times(pd.Series(["2025-366T00:00:00"]))


def test_a_single_number_out_of_range_costs_its_row_only():
    numbers = pd.Series([10.0, 1e15])
    with pytest.raises(ValueError, match="Divide milliseconds"):
        parse_times(numbers)
    assert parse_times(numbers, unparsable="missing").isna().tolist() == [False, True]
    with pytest.raises(ValueError, match="Divide milliseconds"):
        parse_times(numbers[1:], unparsable="missing")


def test_days_of_the_year_may_name_their_zone():
    times = parse_times(pd.Series(["2025-153T12:00:00Z", "2025-153T12:00:00.25Z"]))
    assert as_seconds(times).tolist() == [1748865600.0, 1748865600.25]
