"""Where spacecraft stand over a complex, how far away and how fast."""

import numpy as np

from skdsn.dsn_now._vocabulary import COMPLEXES, EPOCH, SPACECRAFT

LIGHT = 299_792.458  # km/s
_EARTH_RADIUS = 6371.0  # km
_EARTH_RATE = np.radians(360.98564737) / 86_400  # rad/s
_OBLIQUITY = np.radians(23.4393)
_J2000 = np.datetime64("2000-01-01T12:00", "ms")
_EPOCH_DAYS = (EPOCH - _J2000) / np.timedelta64(1, "D")
_SEASON = 60 * 86_400.0  # s; ranges swing rather than grow for ever
_LATITUDE = np.radians([site.latitude for site in COMPLEXES])
_LONGITUDE = np.radians([site.longitude for site in COMPLEXES])
_CRAFT = {
    name: np.array([getattr(craft.place, name) for craft in SPACECRAFT])
    for name in ("longitude", "longitude_rate", "latitude", "range", "speed")
}
_BEHIND = np.array([craft.behind for craft in SPACECRAFT])
_ORBIT, _PERIOD = np.array([craft.orbit for craft in SPACECRAFT]).T


def seconds_since_epoch(time):
    """Seconds from EPOCH to times."""
    return (np.asarray(time, dtype="datetime64[ms]") - EPOCH) / np.timedelta64(1, "s")


def orbit_phase(craft, seconds):
    """Phase of the orbit in turns from 0 to 1; near 0 it is behind the planet."""
    return (seconds / _PERIOD[craft] + 0.37 * np.asarray(craft)) % 1.0


def in_view(craft, seconds):
    """Say whether the spacecraft is not behind its planet."""
    turn = orbit_phase(craft, seconds)
    return np.minimum(turn, 1 - turn) >= _BEHIND[craft] / 2


def _equatorial(craft, seconds):
    """Right ascension and declination in radians."""
    days = seconds / 86_400
    longitude = np.radians(
        _CRAFT["longitude"][craft] + _CRAFT["longitude_rate"][craft] * days
    )
    latitude = np.radians(_CRAFT["latitude"][craft])
    x = np.cos(latitude) * np.cos(longitude)
    y = np.cos(latitude) * np.sin(longitude)
    z = np.sin(latitude)
    y, z = (
        np.cos(_OBLIQUITY) * y - np.sin(_OBLIQUITY) * z,
        np.sin(_OBLIQUITY) * y + np.cos(_OBLIQUITY) * z,
    )
    return np.arctan2(y, x), np.arcsin(z)


def look(craft, site, seconds):
    """Azimuth and elevation in degrees, range in km, range rate in km/s.

    All arguments broadcast: positions in SPACECRAFT and COMPLEXES, and seconds since
    EPOCH.
    """
    ascension, declination = _equatorial(craft, seconds)
    sidereal = np.radians(280.46062) + _EARTH_RATE * (seconds + 86_400 * _EPOCH_DAYS)
    hour = sidereal + _LONGITUDE[site] - ascension
    latitude = _LATITUDE[site]
    up = np.sin(latitude) * np.sin(declination)
    up = up + np.cos(latitude) * np.cos(declination) * np.cos(hour)
    north = np.cos(latitude) * np.sin(declination)
    north = north - np.sin(latitude) * np.cos(declination) * np.cos(hour)
    east = -np.cos(declination) * np.sin(hour)

    phase = 2 * np.pi * orbit_phase(craft, seconds)
    season = seconds / _SEASON
    distance = _CRAFT["range"][craft] + _ORBIT[craft] * np.cos(phase)
    distance = distance + _CRAFT["speed"][craft] * _SEASON * np.sin(season)
    speed = _CRAFT["speed"][craft] * np.cos(season)
    speed = speed - _ORBIT[craft] * 2 * np.pi / _PERIOD[craft] * np.sin(phase)
    rate = _EARTH_RATE - np.radians(_CRAFT["longitude_rate"][craft]) / 86_400
    turn = _EARTH_RADIUS * rate * np.cos(latitude) * np.cos(declination)
    return (
        np.degrees(np.arctan2(east, north)) % 360,
        np.degrees(np.arcsin(up)),
        distance - _EARTH_RADIUS * up,
        speed + turn * np.sin(hour),
    )
