"""Cycles of time as points on a circle."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.preprocessing import CyclicalTimeEncoder


def encoded(times, **options):
    X = pd.DataFrame({"snr": np.zeros(len(times))}, index=times)
    return CyclicalTimeEncoder(**options).fit_transform(X).drop(columns="snr")


def test_every_cycle_is_a_circle():
    out = encoded(pd.date_range("2026-03-02", periods=500, freq="37min"))
    for name in ("hour", "dayofweek"):
        radius = np.hypot(out[f"{name}_sin"], out[f"{name}_cos"])
        np.testing.assert_allclose(radius, 1.0)


def test_time_of_day_is_continuous_over_midnight():
    times = pd.date_range("2026-03-01T23:50", periods=1200, freq="1s")
    steps = encoded(times).diff().iloc[1:].abs()
    assert steps["hour_sin"].max() < 1e-4
    assert steps.max().max() < 1e-4


def test_known_hours_and_weekdays():
    times = pd.DatetimeIndex(
        ["2026-03-02T00:00", "2026-03-02T18:00", "2026-03-05T12:00"]
    )
    out = encoded(times)
    np.testing.assert_allclose(out["hour_sin"], [0, -1, 0], atol=1e-9)
    np.testing.assert_allclose(out["hour_cos"], [1, 0, -1], atol=1e-9)
    # Monday 0:00 is the top of the week, Thursday noon its middle.
    np.testing.assert_allclose(out["dayofweek_cos"].iloc[[0, 2]], [1, -1], atol=1e-9)


@settings(deadline=None, max_examples=30)
@given(
    when=st.datetimes(pd.Timestamp("1971").to_pydatetime()),
    zone=st.sampled_from(["UTC", "Europe/Madrid", "Asia/Kolkata", "US/Pacific"]),
)
def test_time_zones_tell_the_same_time_as_utc(when, zone):
    utc = pd.DatetimeIndex([when])
    away = utc.tz_localize("UTC").tz_convert(zone)
    np.testing.assert_array_equal(encoded(utc), encoded(away))


def test_hour_agrees_with_the_calendar():
    times = pd.date_range("2026-03-02", periods=200, freq="53min")
    hours = times.hour + times.minute / 60
    angle = 2 * np.pi * hours / 24
    days = 2 * np.pi * (times.dayofweek + hours / 24) / 7
    out = encoded(times)
    np.testing.assert_allclose(out["hour_sin"], np.sin(angle), atol=1e-9)
    np.testing.assert_allclose(out["hour_cos"], np.cos(angle), atol=1e-9)
    np.testing.assert_allclose(out["dayofweek_sin"], np.sin(days), atol=1e-9)


@pytest.mark.parametrize("orbit", [6720, "112min", pd.Timedelta("112min")])
def test_named_periods_repeat_after_their_length(orbit):
    times = pd.date_range("2026-03-02", periods=4, freq="56min")
    out = encoded(times, periods={"orbit": orbit})
    assert list(out.columns) == ["orbit_sin", "orbit_cos"]
    np.testing.assert_allclose(out.iloc[0], out.iloc[2], atol=1e-9)
    np.testing.assert_allclose(out.iloc[0], -out.iloc[1], atol=1e-9)


def test_integer_times_are_seconds():
    out = encoded(pd.RangeIndex(0, 86_400 * 2, 43_200), periods=["hour"])
    np.testing.assert_allclose(out["hour_cos"], [1, -1, 1, -1], atol=1e-9)


@pytest.mark.parametrize(
    ("periods", "message"),
    [
        (["hour", "month"], "periods must be among .*got 'month'"),
        ("hour", "'periods' .* instance of 'list'"),
        ({"orbit": -1}, "period 'orbit' must be positive"),
        ({"orbit": "long"}, "period 'orbit' must be"),
    ],
)
def test_unknown_periods_are_refused(X, periods, message):
    with pytest.raises(ValueError, match=message):
        CyclicalTimeEncoder(periods=periods).fit(X)


def test_rows_on_another_clock_are_refused(X):
    numbered = X.loc["pass-0"].reset_index(drop=True)
    encoder = CyclicalTimeEncoder().fit(X.loc["pass-0"])
    with pytest.raises(ValueError, match="was fitted on rows timed by dates, but now"):
        encoder.transform(numbered)


def test_a_column_of_the_same_name_is_refused(X):
    X = X.rename(columns={"channel_1": "hour_cos"})
    with pytest.raises(ValueError, match="already has a column 'hour_cos'"):
        CyclicalTimeEncoder().fit(X)
