"""Stations, missions and the names that each mission gives to its columns.

Antenna figures are rounded from 810-005 (see ``_dsn_physics``); station
coordinates from its module 301. Spacecraft powers and rates are of the right
order, chosen so that each link closes with a few dB to spare.
"""

from collections.abc import Callable
from dataclasses import dataclass

from skdsn.datasets._dsn_physics import halo_position, mars_position

LOCK = ("OUT", "IN")
SWITCH = ("OFF", "ON")
ANTENNA_MODES = ("STOW", "SLEW", "TRACK", "CONSCAN")
STOW, SLEW, TRACK, CONSCAN = range(4)
DOPPLER_MODES = ("1-WAY", "2-WAY", "3-WAY")
ONE_WAY, TWO_WAY, THREE_WAY = range(3)
SEARCH_SPREAD = 100.0  # Hz at X band, of a receiver that looks for its carrier


@dataclass(frozen=True)
class Station:
    """An antenna: where it is and how large."""

    name: str
    complex: str
    latitude: float
    longitude: float
    diameter: int  # m


STATIONS = {
    station.name: station
    for station in (
        Station("DSS-14", "Goldstone", 35.4259, 243.1105, 70),
        Station("DSS-24", "Goldstone", 35.3399, 243.1252, 34),
        Station("DSS-25", "Goldstone", 35.3376, 243.1246, 34),
        Station("DSS-26", "Goldstone", 35.3357, 243.1270, 34),
        Station("DSS-34", "Canberra", -35.3985, 148.9820, 34),
        Station("DSS-35", "Canberra", -35.3958, 148.9815, 34),
        Station("DSS-36", "Canberra", -35.3951, 148.9785, 34),
        Station("DSS-43", "Canberra", -35.4024, 148.9813, 70),
        Station("DSS-54", "Madrid", 40.4256, 355.7459, 34),
        Station("DSS-55", "Madrid", 40.4243, 355.7474, 34),
        Station("DSS-63", "Madrid", 40.4312, 355.7520, 70),
        Station("DSS-65", "Madrid", 40.4272, 355.7493, 34),
    )
}


@dataclass(frozen=True)
class Dish:
    """A receiving antenna in one band."""

    gain: float  # dBi
    sag: float  # dB per squared degree of elevation
    temperature: float  # K, antenna and microwave parts without atmosphere
    beamwidth: float  # mdeg, half power


# (diameter, band)
DISHES = {
    (34, "S"): Dish(56.8, 5e-6, 30.0, 242.0),
    (34, "X"): Dish(68.2, 2.7e-5, 18.0, 66.0),
    (34, "K"): Dish(76.6, 1.2e-4, 30.0, 21.0),
    (70, "X"): Dish(74.5, 9e-5, 12.5, 32.0),
}


@dataclass(frozen=True)
class Coding:
    """Telemetry coding: bits per symbol and the symbol SNR that it needs."""

    name: str
    rate: float
    threshold: float  # dB


CODINGS = (
    Coding("RS", 0.874, 4.0),
    Coding("RS+CC", 0.437, 0.0),
    Coding("TURBO-1/2", 1 / 2, -1.7),
    Coding("TURBO-1/6", 1 / 6, -7.2),
)


@dataclass(frozen=True)
class Downlink:
    """A spacecraft transmitter."""

    band: str
    frequency: float  # Hz
    power: float  # dBm, isotropic
    zenith: float  # dB, median attenuation of the atmosphere
    weather: tuple[float, float]  # dB, attenuation added by a weather incident
    rates: tuple[float, ...]  # symbols per second
    indices: tuple[float, float]  # degrees, modulation at low and high rates
    codings: tuple[int, ...]  # positions in CODINGS


@dataclass(frozen=True)
class Mission:
    """A spacecraft and who listens to it."""

    name: str
    position: Callable  # days since J2000 -> geocentric ecliptic km
    orbit: tuple[float, float]  # period in s, line-of-sight speed in km/s
    uplink_band: str
    uplink_power: float  # kW
    downlinks: tuple[Downlink, ...]
    diameters: tuple[int, ...]


MISSIONS = {
    "JWST": Mission(
        "JWST",
        halo_position,
        (86_400.0, 0.0),
        "S",
        5.0,
        (
            Downlink(
                "S",
                2.2705e9,
                43.0,
                0.035,
                (0.0, 0.0),
                (4.6e3, 9.2e3, 18.3e3, 36.6e3, 91.5e3, 183e3, 366e3),
                (55.0, 66.0),
                (0, 1),
            ),
            Downlink(
                "K",
                25.90e9,
                74.0,
                0.30,
                (0.4, 2.2),
                (4.0e6, 8.0e6, 16.0e6, 32.0e6, 64.1e6),
                (62.0, 74.0),
                (0, 1),
            ),
        ),
        (34,),
    ),
    "MRO": Mission(
        "MRO",
        mars_position,
        (6_730.0, 1.3),
        "X",
        20.0,
        (
            Downlink(
                "X",
                8.439444e9,
                95.0,
                0.045,
                (0.25, 1.2),
                (2.5e5, 5e5, 7.5e5, 1e6, 1.5e6, 2e6, 3e6, 4e6, 6e6, 8e6),
                (58.0, 72.0),
                (2, 3),
            ),
        ),
        (34, 70),
    ),
}


@dataclass(frozen=True)
class Column:
    """A measured quantity and what the missions call it; None = not recorded."""

    quantity: str
    unit: str
    jwst: str | None
    mro: str | None
    kind: str = "numeric"


_TEXT = "categorical"
COLUMNS = (
    Column("received_at", "UTC", "RECEIVED_AT_TS", "AOJE", "time"),
    Column("station", "", "STATION_ID", "BQVT", _TEXT),
    Column("antenna_mode", "", "ANTENNA_MODE", "CJUN", _TEXT),
    Column("azimuth", "deg", "AZIMUTH_ANGLE", "DAZK"),
    Column("elevation", "deg", "ELEVATION_ANGLE", "DELQ"),
    Column("azimuth_error", "mdeg", "AZIMUTH_ERROR", "DRXA"),
    Column("elevation_error", "mdeg", "ELEVATION_ERROR", "DRXE"),
    Column("conscan_elevation", "mdeg", "CONSCAN_EL_OFFSET", "EVOH"),
    Column("conscan_cross_elevation", "mdeg", "CONSCAN_XEL_OFFSET", "EVOX"),
    Column("wind_speed", "m/s", "WIND_SPEED", "FWIP"),
    Column("slant_range", "km", "SLANT_RANGE", "GOMR"),
    Column("range_rate", "km/s", "RANGE_RATE", "GOMV"),
    Column("light_time", "s", "ROUND_TRIP_LIGHT_TIME", "GOMT"),
    Column("uplink_band", "", "UPLINK_CARRIER_BAND", None, _TEXT),
    Column("downlink_band", "", "DOWNLINK_CARRIER_BAND", None, _TEXT),
    Column("uplink_state", "", "UPLINK_CARRIER_STATE", "HUKS", _TEXT),
    Column("uplink_power", "kW", "UPLINK_CARRIER_POWER", "HUKP"),
    Column("ranging_state", "", "RANGING_STATE", "JRAS", _TEXT),
    Column("doppler_mode", "", "DOPPLER_MODE", "KDYM", _TEXT),
    Column("receiver", "", "RECEIVER_ID", "LRCW", _TEXT),
    Column("lna", "", "LNA_AMPLIFIER", "LNAF", _TEXT),
    Column("carrier_frequency", "Hz", "CARRIER_FREQ_MEASURED", "MCFB"),
    Column("doppler_residual", "Hz", "CARRIER_FREQ_RESIDUAL", "MCFD"),
    Column("carrier_power", "dBm", "CARRIER_POWER", "NPCG"),
    Column("predicted_power", "dBm", "CARRIER_POWER_PREDICTED", "NPCH"),
    Column("carrier_snr", "dB-Hz", "CARRIER_TO_NOISE", "NSNC"),
    Column("symbol_snr", "dB", "SYMBOL_SNR", "NSNS"),
    Column("system_noise_temperature", "K", "SYSTEM_NOISE_TEMP", "PTSY"),
    Column("carrier_lock", "", "CARRIER_LOCK_STATE", "RLKA", _TEXT),
    Column("subcarrier_lock", "", "SUBCARRIER_LOCK_STATE", "RLKB", _TEXT),
    Column("symbol_lock", "", "SYMBOL_LOCK_STATE", "RLKC", _TEXT),
    Column("decoder_lock", "", "DECODER_LOCK_STATE", "RLKD", _TEXT),
    Column("coding", "", "TELEMETRY_CODING", "SXCO", _TEXT),
    Column("symbol_rate", "1/s", "SYMBOL_RATE", "SXRA"),
    Column("bit_rate", "bit/s", "BIT_RATE", "SXRB"),
    Column("frames_received", "1", "FRAMES_RECEIVED", "VFRN"),
    Column("frames_in_error", "1", "FRAMES_IN_ERROR", "VFRX"),
    Column("frame_counter", "1", "FRAME_COUNTER", "VFRC"),
)


def column_names(mission):
    """Map the quantities that a mission records to its column names, in order."""
    names = {c.quantity: getattr(c, mission.name.lower()) for c in COLUMNS}
    return {quantity: name for quantity, name in names.items() if name is not None}
