"""What the simulated feed is made of: complexes, dishes, spacecraft, test codes.

Numbers, carriers, decoders and levels follow public answers of the feed from 2019 and
later; positions are mean ones for January 2019, good for plausible rise and set.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Complex:
    """One of the three sites; longitude and latitude in degrees, east and north."""

    name: str
    location: str
    longitude: float
    latitude: float
    winter: int  # h, local time minus UTC in January
    summer: int  # h, in July


@dataclass(frozen=True)
class Downlink:
    """A downlink of a spacecraft, as a 34 m dish hears it."""

    band: str
    frequency: float  # MHz
    power: float  # dBm
    rates: tuple  # bit/s


@dataclass(frozen=True)
class Place:
    """Where a spacecraft stands, at EPOCH, and how it moves."""

    longitude: float  # deg, ecliptic
    longitude_rate: float  # deg/day
    latitude: float  # deg, ecliptic
    range: float  # km
    speed: float  # km/s, away from the Earth


@dataclass(frozen=True)
class Spacecraft:
    """A target with its mean place in the sky and its radio."""

    name: str
    number: int
    friendly: str
    code: str  # decoder
    uplink_kw: float
    demand: float  # share of the contacts, relative
    place: Place
    downlinks: tuple
    receive_only: float = 0.03  # share of its contacts without an uplink
    orbit: tuple = (0.0, 3600.0)  # km along the line of sight, s
    behind: float = 0.0  # share of the orbit behind the planet
    beam: str = ""  # spacecraft of one beam share a dish
    ranges: bool = True  # False: the feed gives no range


EPOCH = np.datetime64("2019-01-14", "ms")

COMPLEXES = (
    Complex("gdscc", "Goldstone", -116.8895382, 35.2443523, -8, -7),
    Complex("mdscc", "Madrid", -4.2480085, 40.2413554, 1, 2),
    Complex("cdscc", "Canberra", 148.9812673, -35.2209189, 11, 10),
)

# (dish, position in COMPLEXES, type), in the order in which they are taken.
DISHES = (
    ("DSS14", 0, "70M"),
    ("DSS63", 1, "70M"),
    ("DSS43", 2, "70M"),
    ("DSS25", 0, "34M"),
    ("DSS55", 1, "34M"),
    ("DSS35", 2, "34M"),
    ("DSS26", 0, "34M"),
    ("DSS54", 1, "34M"),
    ("DSS36", 2, "34M"),
    ("DSS24", 0, "34M"),
    ("DSS65", 1, "34MHEF"),
    ("DSS34", 2, "34M"),
    ("DSS56", 1, "34M"),
    ("DSS53", 1, "34M"),
)


def _x(frequency, power, *rates):
    return Downlink("X", frequency, power, rates)


def _s(frequency, power, *rates):
    return Downlink("S", frequency, power, rates)


def _ka(frequency, power, *rates):
    return Downlink("Ka", frequency, power, rates)


def _k(frequency, power, *rates):
    return Downlink("K", frequency, power, rates)


_MARS = Place(8.0, 0.62, 0.1, 2.05e8, 14.5)


def _near_sun(offset, latitude, distance, speed):
    return Place(293.5 + offset, 0.9856, latitude, distance, speed)


SPACECRAFT = (
    Spacecraft(
        *("VGR1", 31, "Voyager 1", "MCD2", 18.0, 1.6),
        Place(255.6, 0.0005, 34.9, 2.17e10, 8.0),
        (_x(8420.43, -161.6, 160, 1400),),
        receive_only=0.7,
    ),
    Spacecraft(
        *("VGR2", 32, "Voyager 2", "MCD2", 18.0, 1.6),
        Place(291.0, 0.0005, -36.5, 1.79e10, 9.0),
        (_x(8420.43, -160.9, 160, 1400),),
        receive_only=0.7,
    ),
    Spacecraft(
        *("NHPC", 98, "New Horizons", "TURBO", 16.7, 1.2),
        Place(284.5, 0.004, 2.0, 6.63e9, 28.0),
        (_x(8438.24, -148.9, 1000, 1584),),
    ),
    Spacecraft(
        *("JNO", 61, "Juno", "TURBO", 18.2, 1.0),
        Place(255.0, 0.083, 0.5, 8.9e8, -20.0),
        (_x(8404.14, -137.0, 40_000, 120_000, 200_000),),
        orbit=(3.0e6, 4.6e6),
    ),
    Spacecraft(
        *("MRO", 74, "Mars Reconnaissance Orbiter", "MCD2", 5.0, 2.0),
        _MARS,
        (
            _x(8439.44, -118.0, 500_000, 1_500_000, 2_969_000),
            _ka(32_223.0, -131.0, 34_400),
        ),
        orbit=(3650.0, 6720.0),
        behind=0.28,
        beam="Mars",
    ),
    Spacecraft(
        *("M01O", 53, "Mars Odyssey", "MCD3", 18.0, 1.6),
        _MARS,
        (_x(8406.84, -135.5, 14_220, 66_360, 110_600),),
        orbit=(3790.0, 7080.0),
        behind=0.3,
        beam="Mars",
    ),
    Spacecraft(
        *("MVN", 202, "MAVEN", "TURBO", 4.9, 1.6),
        _MARS,
        (_x(8446.23, -130.0, 32_768, 262_144, 550_000),),
        orbit=(4200.0, 16_200.0),
        behind=0.2,
        beam="Mars",
    ),
    Spacecraft(
        *("TGO", 143, "ExoMars Trace Gas Orbiter", "TURBO", 18.0, 1.0),
        _MARS,
        (_x(8410.71, -127.0, 130_000, 540_000),),
        orbit=(3800.0, 7200.0),
        behind=0.3,
        beam="Mars",
    ),
    Spacecraft(
        *("NSYT", 189, "InSight", "MCD2", 18.0, 0.7),
        _MARS,
        (_x(8404.13, -149.0, 10, 500),),
        orbit=(3390.0, 88_775.0),
        behind=0.4,
        beam="Mars",
    ),
    Spacecraft(
        *("MSL", 76, "Mars Science Laboratory (Curiosity)", "MCD3", 10.0, 0.7),
        _MARS,
        (_x(8401.42, -146.0, 160, 800),),
        orbit=(3390.0, 88_775.0),
        behind=0.4,
        beam="Mars",
    ),
    Spacecraft(
        *("MEX", 41, "Mars Express", "MCD3", 18.0, 0.6),
        _MARS,
        (_x(8420.43, -129.0, 28_500, 114_000),),
        orbit=(8500.0, 25_200.0),
        behind=0.12,
        beam="Mars",
    ),
    Spacecraft(
        *("ORX", 64, "OSIRIS-REx", "MCD2", 18.75, 1.2),
        _near_sun(-72.0, 1.5, 8.7e7, 3.0),
        (_x(8445.77, -142.5, 40, 40_000, 914_000),),
    ),
    Spacecraft(
        *("HYB2", 37, "Hayabusa-2", "MCD3", 18.0, 0.8),
        _near_sun(8.0, 0.8, 3.4e8, -9.0),
        (_x(8401.86, -141.0, 4096, 32_768),),
    ),
    Spacecraft(
        *("SPP", 96, "Parker Solar Probe", "TURBO", 18.0, 1.0),
        _near_sun(21.0, 2.5, 2.6e8, -12.0),
        (_x(8429.94, -142.0, 10, 2000), _ka(31_983.0, -130.0, 52_080, 416_000)),
    ),
    Spacecraft(
        *("STA", 234, "STEREO A", "TURBO", 15.0, 1.2),
        _near_sun(-52.0, 0.1, 1.75e8, -6.0),
        (_x(8443.52, -126.0, 30_000, 240_000, 480_000),),
    ),
    Spacecraft(
        *("STF", 79, "Spitzer Space Telescope", "MCD2", 18.0, 0.8),
        _near_sun(80.0, 1.0, 2.4e8, 5.0),
        (_x(8413.2, -127.0, 137_500, 2_200_000),),
    ),
    Spacecraft(
        *("PLC", 5, "Akatsuki", "MCD2", 18.0, 0.6),
        _near_sun(-47.0, 2.2, 1.1e8, 11.0),
        (_x(8410.93, -139.0, 8192, 32_768),),
        orbit=(1.8e5, 9.4e5),
    ),
    Spacecraft(
        *("SOHO", 21, "SOHO", "MCD2", 0.2, 1.4),
        _near_sun(3.0, 2.0, 1.52e6, 0.1),
        (_s(2245.0, -108.0, 54_600, 245_760),),
    ),
    Spacecraft(
        *("ACE", 92, "Advanced Composition Explorer", "MCD3", 0.2, 1.0),
        _near_sun(-4.0, -3.0, 1.49e6, 0.1),
        (_s(2278.35, -116.0, 6944, 76_384),),
    ),
    Spacecraft(
        *("WIND", 8, "WIND", "MCD2", 0.2, 0.8),
        _near_sun(5.0, -2.0, 1.55e6, -0.1),
        (_s(2270.4, -117.0, 5565, 64_000),),
    ),
    Spacecraft(
        *("DSCO", 78, "DSCOVR", "TURBO", 0.2, 0.5),
        _near_sun(-6.0, 3.0, 1.5e6, 0.1),
        (_s(2215.0, -113.0, 33_000, 138_000),),
    ),
    Spacecraft(
        *("LRO", 85, "Lunar Reconnaissance Orbiter", "UNC", 0.5, 1.0),
        Place(20.0, 13.176, 4.0, 3.84e5, 0.0),
        (_s(2271.2, -101.0, 146_400, 4_000_000),),
        orbit=(1790.0, 7080.0),
        behind=0.4,
    ),
    Spacecraft(
        *("CHDR", 151, "Chandra", "MCD3", 0.1, 1.0),
        Place(75.0, 0.0, 30.0, 1.05e5, 0.0),
        (_s(2250.0, -110.0, 32_000, 512_000),),
        orbit=(3.0e4, 2.29e5),
    ),
    Spacecraft(
        *("TESS", 95, "Transiting Exoplanet Survey Satellite", "UNC", 0.2, 0.5),
        Place(130.0, 0.0, 20.0, 2.4e5, 0.0),
        (_s(2287.5, -112.0, 62_500), _k(26_200.0, -95.0, 125_000_000)),
        orbit=(1.2e5, 1.18e6),
    ),
    Spacecraft(
        *("MMS1", 108, "MMS 1", "MCD2", 0.26, 0.8),
        Place(215.0, 0.0, -15.0, 1.1e5, 0.0),
        (_s(2281.9, -109.7, 1_250_000, 2_500_000),),
        orbit=(3.0e4, 2.44e5),
    ),
    Spacecraft(
        *("MMS4", 113, "MMS 4", "MCD2", 0.26, 0.8),
        Place(245.0, 0.0, -15.0, 1.1e5, 0.0),
        (_s(2281.9, -109.7, 1_250_000, 2_500_000),),
        orbit=(3.0e4, 2.44e5),
    ),
    Spacecraft(
        *("THB", 192, "THEMIS B", "MCD3", 0.2, 0.6),
        Place(22.0, 13.176, 5.0, 3.7e5, 0.0),
        (_s(2282.5, -112.5, 65_536, 524_288),),
        orbit=(1.5e4, 9.4e4),
        ranges=False,
    ),
)

# Codes of tests, maintenance and radio astronomy: (code, number, in words).
TESTS = (
    ("DSN", 99, "Testing"),
    ("DSS", 99, "Maintenance"),
    ("TEST", 99, "Testing"),
    ("GBRA", 99, "Ground Based Radio Astronomy"),
    ("RSTS", 99, "Resource System Time Sharing"),
    ("RFC", 99, "Reference Frame Calibration"),
    ("GSSR", 99, "Goldstone Solar System Radar"),
)

NAMES = tuple(craft.name for craft in SPACECRAFT) + tuple(test[0] for test in TESTS)
NUMBERS = tuple(craft.number for craft in SPACECRAFT) + tuple(t[1] for t in TESTS)
N_SPACECRAFT = len(SPACECRAFT)

# All downlinks in a row, that of the test code last.
DOWNLINKS = tuple(link for craft in SPACECRAFT for link in craft.downlinks)
DOWNLINKS += (_x(8415.0, -170.0, 1000),)
FIRST_DOWNLINK = np.cumsum([0] + [len(craft.downlinks) for craft in SPACECRAFT])

TRACKING = "Spacecraft Telemetry, Tracking, and Command"
ACTIVITIES = (
    TRACKING,
    "Antenna Preventative Maintenance",
    "Antenna Unplanned Maintenance",
    "Engineering Upgrades",
    "DSN Very Long Baseline Interferometry",
)
