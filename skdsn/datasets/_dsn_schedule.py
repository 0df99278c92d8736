"""One visit of a station to a spacecraft: when, where, and what is planned.

Everything here is shared by the tracks of a pass and knows of no incident.
"""

from dataclasses import dataclass

import numpy as np

from skdsn.datasets import _dsn_physics as physics
from skdsn.datasets._dsn_vocabulary import (
    CONSCAN,
    DISHES,
    ONE_WAY,
    SLEW,
    STATIONS,
    STOW,
    THREE_WAY,
    TRACK,
    TWO_WAY,
)

MIN_ELEVATION = 8.0  # deg
_SIDEREAL_RATE = np.degrees(physics.EARTH_RATE)  # deg/s


@dataclass
class Visit:
    """A pass as planned and flown; arrays have shape (n_rows,)."""

    station: object
    seconds: np.ndarray  # since 1970
    cadence: float
    sky_elevation: np.ndarray  # deg, of the spacecraft
    elevation: np.ndarray  # deg, of the antenna
    azimuth: np.ndarray  # deg, of the antenna
    antenna_mode: np.ndarray  # position in ANTENNA_MODES
    slant_range: np.ndarray  # km
    range_rate: np.ndarray  # km/s
    uplink: np.ndarray  # bool
    doppler_mode: np.ndarray  # position in DOPPLER_MODES
    ranging: np.ndarray  # bool
    carrier_only: np.ndarray  # bool, no telemetry on the carrier
    weather: np.ndarray  # zenith attenuation relative to the median
    wind: np.ndarray  # m/s
    beamwidth: float  # mdeg, of the narrowest band in use
    pointing: np.ndarray  # (2, n_rows) mdeg, elevation and cross-elevation
    servo: np.ndarray  # (2, n_rows) mdeg, azimuth and elevation
    orbit_phase: np.ndarray  # rad
    reaction: int  # rows (10 s) that a stage of the receiver takes to lock
    quiet: np.ndarray  # bool, rows without a planned interruption

    @property
    def n_rows(self):
        """Number of rows."""
        return len(self.seconds)

    @property
    def tracked(self):
        """Rows on which the antenna is on the spacecraft."""
        return self.antenna_mode >= TRACK


def plan_visit(mission, rng, after, n_rows, cadence):
    """Plan the pass after a given time.

    Parameters
    ----------
    mission : Mission
    rng : numpy.random.Generator
    after : float
        Transit of the previous pass, in seconds since 1970.
    n_rows : int
        Average rows per pass.
    cadence : float
        Seconds between rows.

    Returns
    -------
    visit : Visit
    transit : float
        Seconds since 1970.
    """
    station, transit = _next_station(mission, rng, after)
    days = (transit - physics.J2000) / 86_400
    position = mission.position(days)
    ascension, declination = physics.right_ascension_declination(position)
    geocentric = np.linalg.norm(position)
    hour = 1 / 24
    speed = np.linalg.norm(mission.position(days + hour)) - geocentric
    speed /= 3600

    seconds, gap = _clock(station, declination, transit, rng, n_rows, cadence)
    n_rows = len(seconds)
    hour_angle = physics.hour_angle(seconds, station.longitude, ascension)
    sky = physics.look_angles(station.latitude, declination, hour_angle)
    period, orbit_speed = mission.orbit
    phase = 2 * np.pi * (seconds / period + rng.random())
    slant_range = (
        geocentric
        + speed * (seconds - transit)
        + physics.station_range(sky[0])
        - orbit_speed * period / (2 * np.pi) * np.cos(phase)
    )
    range_rate = (
        speed
        + physics.station_range_rate(station.latitude, declination, hour_angle)
        + orbit_speed * np.sin(phase)
    )

    wind = np.exp(
        rng.normal(1.2, 0.5) + 0.3 * physics.drift(rng, n_rows, 900 / cadence)
    )
    mode, wind = _antenna_modes(rng, n_rows, cadence, wind)
    elevation, azimuth = _antenna_angles(mode, *sky)
    beamwidth = min(
        DISHES[station.diameter, link.band].beamwidth for link in mission.downlinks
    )
    tracked = mode >= TRACK
    arrival = _arrival(tracked, cadence)
    sway = 1 + np.minimum(wind / 12, 1.5) ** 2
    pointing = [
        rng.normal(0, 0.04)
        + 0.04 * sway * physics.drift(rng, n_rows, 300 / cadence)
        + 0.3 * rng.normal() * arrival
        for _ in range(2)
    ]
    servo = [0.03 * sway * physics.drift(rng, n_rows, 60 / cadence) for _ in range(2)]

    light_time = 2 * slant_range.mean() / physics.SPEED_OF_LIGHT
    uplink, doppler = _uplink(rng, seconds, tracked, light_time)
    two_way = doppler == TWO_WAY
    ranging = _stretch(rng, n_rows, 0.5, 0.1, 0.6) & two_way
    carrier_only = _stretch(rng, n_rows, 0.08, 0.03, 0.15) & tracked
    trend = physics.drift(rng, n_rows, 5400 / cadence)
    weather = np.exp(rng.normal(0, 0.65) + 0.35 * trend)

    reaction = min(round(10 / cadence), n_rows // 50)
    quiet = tracked & ~carrier_only
    if gap is not None:
        quiet[max(0, gap - 2) : gap + 2] = False
    settled = physics.settle(quiet, 2 * (reaction + 1))
    visit = Visit(
        station=station,
        seconds=seconds,
        cadence=cadence,
        sky_elevation=sky[0],
        elevation=elevation,
        azimuth=azimuth,
        antenna_mode=mode,
        slant_range=slant_range,
        range_rate=range_rate,
        uplink=uplink,
        doppler_mode=doppler,
        ranging=ranging,
        carrier_only=carrier_only,
        weather=weather,
        wind=wind,
        beamwidth=beamwidth,
        pointing=beamwidth * np.array(pointing) * tracked,
        servo=beamwidth * np.array(servo),
        orbit_phase=phase,
        reaction=reaction,
        quiet=settled,
    )
    return visit, transit


def _next_station(mission, rng, after):
    """Skip one or two complexes, then take an antenna of the next one."""
    after = after + 3600
    position = mission.position((after - physics.J2000) / 86_400)
    ascension, _ = physics.right_ascension_declination(position)
    stations = [s for s in STATIONS.values() if s.diameter in mission.diameters]
    wait = {}
    for station in stations:
        angle = physics.hour_angle(after, station.longitude, ascension)
        wait.setdefault(station.complex, (-angle % 360) / _SIDEREAL_RATE)
    chosen = sorted(wait, key=wait.get)[rng.integers(1, 3)]
    here = [station for station in stations if station.complex == chosen]
    return here[rng.integers(len(here))], after + wait[chosen]


def _clock(station, declination, transit, rng, n_rows, cadence):
    """Set the times of the rows within the view of the station, some with a gap."""
    width = physics.view_half_width(station.latitude, declination, MIN_ELEVATION)
    half_view = width / _SIDEREAL_RATE
    has_gap, gap_length = rng.random() < 0.2, rng.uniform(1200, 3600)
    gap_length = gap_length * has_gap
    n_rows = round(n_rows * rng.uniform(0.7, 1.3))
    n_rows = min(n_rows, int((2 * half_view - gap_length) / cadence))
    length = n_rows * cadence + gap_length
    slack = min(half_view - length / 2, 3 * 3600)
    start = np.floor(transit - length / 2 + slack * rng.uniform(-1, 1))
    seconds = start + cadence * np.arange(n_rows)
    gap = int(n_rows * rng.uniform(0.2, 0.8))
    if not has_gap:
        return seconds, None
    seconds[gap:] += cadence * np.ceil(gap_length / cadence)
    return seconds, gap


def _rows(seconds, cadence, n_rows):
    """Count a short time in rows: at least one, few of a short pass."""
    return max(1, min(round(seconds / cadence), n_rows // 20))


def _antenna_modes(rng, n_rows, cadence, wind):
    """Stow before and after the pass, sometimes also during a storm."""
    parked = np.zeros(n_rows, dtype=bool)
    before, after = (n_rows * rng.uniform(0, 0.06, size=2)).astype(int)
    parked[:before] = True
    parked[n_rows - after :] = True
    storm, centre = rng.random() < 0.1, rng.uniform(0.25, 0.75) * n_rows
    half = rng.uniform(0.01, 0.03) * n_rows
    rows = np.arange(n_rows)
    if storm:
        wind = wind + 12 * np.exp(-(((rows - centre) / (2 * half + 1)) ** 2))
        parked |= np.abs(rows - centre) <= half
    slew = _rows(60, cadence, n_rows)
    near = np.convolve(parked, np.ones(2 * slew + 1), mode="same") > 0
    conscan = rng.random() < 0.6
    mode = np.where(parked, STOW, np.where(near, SLEW, CONSCAN if conscan else TRACK))
    return mode, wind


def _antenna_angles(mode, elevation, azimuth):
    """Exactly 90 degrees of elevation in stow, on the sky in track."""
    rows, moving = np.arange(len(mode)), mode == SLEW
    angles = []
    for stow, sky in ((90.0, elevation), (0.0, azimuth)):
        angle = np.where(mode == STOW, stow, sky)
        angles.append(np.interp(rows, rows[~moving], angle[~moving]))
    return angles


def _arrival(tracked, cadence):
    """Let the antenna settle on the spacecraft: 1 on arrival, then fading away."""
    rows = np.arange(len(tracked))
    waiting = np.maximum.accumulate(np.where(tracked, -1, rows))
    return np.exp(-(rows - waiting - 1) * cadence / 90)


def _uplink(rng, seconds, tracked, light_time):
    """Transmitter state, and Doppler mode one light time later."""
    elapsed = seconds - seconds[0]
    has_uplink, delay = rng.random() < 0.75, rng.uniform(300, 1500)
    end = elapsed[-1] - rng.uniform(300, 1200)
    begin = elapsed[np.argmax(tracked)] + delay
    uplink = has_uplink & tracked & (elapsed >= begin) & (elapsed < end)
    before = ONE_WAY if rng.random() < 0.6 else THREE_WAY
    coherent = has_uplink & (elapsed >= begin + light_time)
    return uplink, np.where(coherent, TWO_WAY, before)


def _stretch(rng, n_rows, chance, shortest, longest):
    """One contiguous stretch of the pass, or none."""
    happens, length = rng.random() < chance, rng.uniform(shortest, longest)
    start = rng.uniform(0.1, 0.9 - length)
    share = np.arange(n_rows) / n_rows
    return happens & (share >= start) & (share < start + length)
