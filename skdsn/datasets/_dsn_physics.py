"""Link and sky geometry of a deep-space pass: pure functions of arrays.

Powers are in dBm, gains and losses in dB, angles in degrees, distances in km,
times in seconds and temperatures in K unless a name says otherwise.

References
----------
.. [1] DSN Telecommunications Link Design Handbook, DSN No. 810-005, Jet Propulsion
   Laboratory: modules 101 and 104 (70-m and 34-m antennas), 105 (atmosphere),
   202 (Doppler), 207 (telemetry), 301 (coverage and geometry), 302 (pointing).
.. [2] E. M. Standish and J. G. Williams, "Approximate positions of the planets",
   Jet Propulsion Laboratory: mean elements at J2000.
"""

import numpy as np
from scipy.signal import lfilter

SPEED_OF_LIGHT = 299_792.458  # km/s
EARTH_RADIUS = 6_371.0  # km
EARTH_RATE = 7.292_115e-5  # rad/s, sidereal
ASTRONOMICAL_UNIT = 149_597_870.7  # km
BOLTZMANN = -198.6  # dBm per K and Hz
COSMIC_BACKGROUND = 2.7  # K
OBLIQUITY = np.radians(23.4393)
J2000 = 946_728_000.0  # seconds since 1970 at 2000-01-01T12:00

# a (au), e, mean longitude (deg), its rate (deg/day), longitude of perihelion (deg)
_EARTH = (1.00000261, 0.01671123, 100.46457, 35999.37245 / 36525, 102.93768)
_MARS = (1.52371034, 0.09339410, -4.55343, 19140.30268 / 36525, -23.94363)


def _heliocentric(elements, days):
    """Position in the ecliptic plane to first order in eccentricity, km."""
    axis, eccentricity, longitude, rate, perihelion = elements
    longitude = np.radians(longitude + rate * days)
    anomaly = longitude - np.radians(perihelion)
    longitude = longitude + 2 * eccentricity * np.sin(anomaly)
    radius = axis * (1 - eccentricity * np.cos(anomaly)) * ASTRONOMICAL_UNIT
    return radius * np.array([np.cos(longitude), np.sin(longitude), 0.0])


def mars_position(days):
    """Geocentric ecliptic position of Mars (coplanar orbits), shape (3,)."""
    return _heliocentric(_MARS, days) - _heliocentric(_EARTH, days)


def halo_position(days):
    """Geocentric ecliptic position on a half-year halo orbit about Sun-Earth L2."""
    outward = _heliocentric(_EARTH, days)
    outward = outward / np.linalg.norm(outward)
    across = np.array([-outward[1], outward[0], 0.0])
    phase = 2 * np.pi * days / 178.0
    return (
        1.5e6 * outward
        + 0.7e6 * np.sin(phase) * across
        + 0.4e6 * np.cos(phase) * np.array([0.0, 0.0, 1.0])
    )


def right_ascension_declination(position):
    """Equatorial direction of an ecliptic position."""
    x, y, z = position
    cosine, sine = np.cos(OBLIQUITY), np.sin(OBLIQUITY)
    y, z = cosine * y - sine * z, sine * y + cosine * z
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def hour_angle(seconds, longitude, right_ascension):
    """Local hour angle in (-180, 180], from Greenwich mean sidereal time."""
    days = (seconds - J2000) / 86_400
    angle = 280.46062 + 360.985_647_4 * days + longitude - right_ascension
    return 180 - (180 - angle) % 360


def look_angles(latitude, declination, hour_angle):
    """Return elevation and azimuth (from north through east) seen from a station."""
    lat, dec, hour = map(np.radians, (latitude, declination, hour_angle))
    sine = np.sin(lat) * np.sin(dec) + np.cos(lat) * np.cos(dec) * np.cos(hour)
    sine = np.clip(sine, -1, 1)  # rounding, at the zenith
    east = -np.cos(dec) * np.sin(hour)
    north = np.sin(dec) * np.cos(lat) - np.cos(dec) * np.cos(hour) * np.sin(lat)
    return np.degrees(np.arcsin(sine)), np.degrees(np.arctan2(east, north)) % 360


def view_half_width(latitude, declination, elevation):
    """Hour angle at which the spacecraft passes a given elevation."""
    lat, dec = np.radians(latitude), np.radians(declination)
    cosine = np.sin(np.radians(elevation)) - np.sin(lat) * np.sin(dec)
    cosine = cosine / (np.cos(lat) * np.cos(dec))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def station_range(elevation):
    """Return what standing on the turning Earth adds to the geocentric range."""
    return -EARTH_RADIUS * np.sin(np.radians(elevation))


def station_range_rate(latitude, declination, hour_angle):
    """Time derivative of :func:`station_range`, km/s; positive when setting."""
    across = np.cos(np.radians(latitude)) * np.cos(np.radians(declination))
    return EARTH_RADIUS * EARTH_RATE * across * np.sin(np.radians(hour_angle))


def received_frequency(rest, range_rate, legs):
    """Carrier after one (one-way) or two (coherent) Doppler shifts, Hz."""
    return rest * (1 - legs * range_rate / SPEED_OF_LIGHT)


def free_space_loss(distance, frequency):
    """Spreading loss over a distance at a frequency in Hz."""
    return 20 * np.log10(4 * np.pi * distance * frequency / SPEED_OF_LIGHT)


def antenna_gain(peak, sag, elevation):
    """Gain with the sag of the dish under gravity; best near 42 degrees [1]_."""
    return peak - sag * (elevation - 42.0) ** 2


def pointing_loss(offset, beamwidth):
    """Loss of a Gaussian beam: 3 dB at half the half-power beamwidth."""
    return 12 * (offset / beamwidth) ** 2


def air_mass(elevation):
    """Flat-Earth air mass; good above six degrees [1]_."""
    return 1 / np.sin(np.radians(np.maximum(elevation, 6.0)))


def noise_temperature(antenna, attenuation, *, atmosphere=275.0):
    """System noise temperature above an attenuating atmosphere [1]_."""
    transmission = 10 ** (-attenuation / 10)
    return antenna + atmosphere * (1 - transmission) + COSMIC_BACKGROUND * transmission


def noise_density(temperature):
    """One-sided noise density, dBm/Hz."""
    return BOLTZMANN + 10 * np.log10(temperature)


def modulation_split(index):
    """Shares of the power in carrier and data at a modulation index, both in dB."""
    index = np.radians(index)
    return 20 * np.log10(np.cos(index)), 20 * np.log10(np.sin(index))


def hysteresis(values, low, high):
    """Switch on above ``high``, off below ``low``, keep the state in between."""
    decided = (values > high) | (values < low)
    latest = np.maximum.accumulate(np.where(decided, np.arange(len(values)), -1))
    return (latest >= 0) & (values > high)[latest]


def settle(locked, rows):
    """Report lock only once it has lasted for some rows before this one."""
    total = np.concatenate(([0], np.cumsum(~locked)))
    now = np.arange(len(locked))
    begin = now - rows
    return locked & (begin >= 0) & (total[now + 1] == total[np.maximum(begin, 0)])


def drift(rng, n_rows, memory):
    """Stationary first-order noise of unit variance with a memory in rows."""
    keep = np.exp(-1 / max(memory, 1e-9))
    white = rng.standard_normal(n_rows) * np.sqrt(1 - keep**2)
    white[0] /= np.sqrt(1 - keep**2)
    return lfilter([1.0], [1.0, -keep], white)
