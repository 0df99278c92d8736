import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.datasets import _dsn_physics as physics
from skdsn.datasets._dsn_vocabulary import COLUMNS, STATIONS

angles = st.floats(-60, 60)


def days_of(date):
    return (pd.Timestamp(date) - pd.Timestamp("2000-01-01T12:00")).total_seconds() / (
        86_400
    )


def test_mars_is_near_at_opposition_and_far_at_conjunction():
    # Opposition 2025-01-16 at 0.64 au, conjunction 2026-01-09 at 2.4 au.
    near = np.linalg.norm(physics.mars_position(days_of("2025-01-16")))
    far = np.linalg.norm(physics.mars_position(days_of("2026-01-09")))
    assert near / physics.ASTRONOMICAL_UNIT == pytest.approx(0.64, abs=0.03)
    assert far / physics.ASTRONOMICAL_UNIT == pytest.approx(2.40, abs=0.05)


def test_the_halo_orbit_stays_about_l2_opposite_to_the_sun():
    for day in range(9000, 9400, 20):
        position = physics.halo_position(day)
        assert 1.4e6 < np.linalg.norm(position) < 1.8e6
        _, declination = physics.right_ascension_declination(position)
        assert abs(declination) < 45


def test_the_sun_is_at_the_vernal_point_in_march():
    to_sun = -physics._heliocentric(physics._EARTH, days_of("2025-03-20T09:01"))
    ascension, declination = physics.right_ascension_declination(to_sun)
    assert ascension == pytest.approx(0, abs=0.5)
    assert declination == pytest.approx(0, abs=0.2)


def test_sidereal_time_follows_the_almanac():
    # 6 h 39 min 52.3 s at 0 h of 2000-01-01, and 236.5554 s more on each later day.
    seconds = pd.Timestamp("2025-01-01").timestamp()
    hours = physics.hour_angle(seconds, 0.0, 0.0) / 15
    assert hours == pytest.approx(6 + 43 / 60 + 36 / 3600, abs=2 / 3600)


@settings(deadline=None, max_examples=25)
@given(angles, angles)
def test_culmination_is_at_hour_angle_zero(latitude, declination):
    hour = np.linspace(-180, 180, 73)
    elevation, azimuth = physics.look_angles(latitude, declination, hour)
    assert elevation.max() == pytest.approx(90 - abs(latitude - declination), abs=1e-5)
    assert np.argmax(elevation) == 36
    assert ((azimuth >= 0) & (azimuth <= 360)).all()


@settings(deadline=None, max_examples=25)
@given(st.floats(-41, 41), st.floats(-30, 30))
def test_the_view_begins_and_ends_at_its_elevation(latitude, declination):
    half = physics.view_half_width(latitude, declination, 8.0)
    elevation, _ = physics.look_angles(latitude, declination, np.array([-half, half]))
    np.testing.assert_allclose(elevation, 8.0, atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(angles, angles)
def test_range_rate_is_the_derivative_of_range(latitude, declination):
    hour = np.linspace(-90, 90, 20_001)
    seconds = np.radians(hour) / physics.EARTH_RATE
    elevation, _ = physics.look_angles(latitude, declination, hour)
    slope = np.gradient(physics.station_range(elevation), seconds)[1:-1]
    rate = physics.station_range_rate(latitude, declination, hour)[1:-1]
    np.testing.assert_allclose(slope, rate, atol=1e-6)


def test_losses_have_their_textbook_values():
    # 1 au at 8.42 GHz loses 274.4 dB.
    loss = physics.free_space_loss(physics.ASTRONOMICAL_UNIT, 8.42e9)
    assert loss == pytest.approx(274.45, abs=0.1)
    double = physics.free_space_loss(2 * physics.ASTRONOMICAL_UNIT, 8.42e9)
    assert double - loss == pytest.approx(6.02, abs=0.01)
    assert physics.pointing_loss(33.0, 66.0) == pytest.approx(3.0)
    carrier, data = physics.modulation_split(72.0)
    assert 10 ** (carrier / 10) + 10 ** (data / 10) == pytest.approx(1.0)
    assert physics.noise_density(20.0) == pytest.approx(-185.6, abs=0.02)


def test_an_opaque_atmosphere_is_as_warm_as_the_air():
    temperature = physics.noise_temperature(18.0, np.array([0.0, 0.5, 3.0, 60.0]))
    assert temperature[0] == pytest.approx(18.0 + 2.7)
    assert (np.diff(temperature) > 0).all()
    assert temperature[-1] == pytest.approx(18.0 + 275.0, abs=0.01)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40))
def test_hysteresis_remembers(values):
    state, expected = False, []
    for value in values:
        state = value > 1 or (state and value >= -1)
        expected.append(state)
    assert physics.hysteresis(np.array(values), -1, 1).tolist() == expected


@settings(deadline=None, max_examples=25)
@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 4))
def test_lock_is_reported_once_it_has_lasted(locked, rows):
    expected = [i >= rows and all(locked[i - rows : i + 1]) for i in range(len(locked))]
    assert physics.settle(np.array(locked), rows).tolist() == expected


def test_drift_has_unit_variance_from_the_first_row_and_the_asked_memory():
    rng = np.random.default_rng(0)
    paths = np.array([physics.drift(rng, 60, 20.0) for _ in range(3000)])
    np.testing.assert_allclose(paths.var(axis=0), 1.0, atol=0.12)
    correlation = np.mean(paths[:, 10] * paths[:, 30])
    assert correlation == pytest.approx(np.exp(-1), abs=0.06)


def test_columns_and_stations_are_unambiguous():
    for names in ([c.quantity for c in COLUMNS], [c.jwst for c in COLUMNS]):
        assert len(set(names)) == len(names)
    codes = [c.mro for c in COLUMNS if c.mro is not None]
    assert len(set(codes)) == len(codes)
    assert all(len(code) == 4 and code.isupper() for code in codes)
    assert {s.complex for s in STATIONS.values()} == {"Goldstone", "Canberra", "Madrid"}
