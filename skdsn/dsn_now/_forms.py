"""What is known of the feed: complexes, codes, bands, and its forms over the years.

The feed is not documented; all of this was learnt from answers stored between 2019 and
2026 and from programs that read it. Its forms: 1 (seen 2019 to 2021) with
``signalTypeDebug`` and full numbers, 2 (2022) with numbers of four digits, 3 (2023)
with ``active`` and ``band`` but no frequency, 4 (since 2025) with ``activity``.
"""

import re

import numpy as np

COMPLEXES = {"gdscc": "Goldstone", "mdscc": "Madrid", "cdscc": "Canberra"}
_RANGES = ((10, 29, "gdscc"), (30, 49, "cdscc"), (50, 69, "mdscc"))

# Codes of tests, radar, radio astronomy and maintenance.
NOT_SPACECRAFT = frozenset(
    {"DSN", "DSS", "TEST", "GBRA", "GRAY", "RSTS", "VLBI", "RFC", "RFC(VLBI)"}
    | {"GSSR", "DSSR", "EGS", "ATOT", "HCRA", "GVRT"}
)
NO_SPACECRAFT_ID = 99

POWER_FLOOR_DBM = -200.0  # at or below it, the estimator of the receiver saw no signal
LARGEST_MHZ = 1e5  # uplink frequencies below are in MHz

LIGHT_SPEED_KM_S = 299_792.458
# Largest relative difference of range and light time, by form; from its rounding.
LIGHT_TIME_TOLERANCE = {0: 1e-2, 1: 1e-4, 2: 1e-3, 3: 1e-2, 4: 1e-2}

# Allocations of the network in Hz.
BANDS = {
    "down": (
        ("S", 2.20e9, 2.30e9),
        ("X", 8.40e9, 8.50e9),
        ("K", 25.5e9, 27.0e9),
        ("Ka", 31.8e9, 32.3e9),
    ),
    "up": (
        ("S", 2.025e9, 2.12e9),
        ("X", 7.145e9, 7.235e9),
        ("Ka", 34.2e9, 34.7e9),
    ),
}

# Attributes that are read; any other is kept among the extras.
KNOWN = {
    "dsn": frozenset(),
    "station": frozenset({"name", "friendlyName", "timeUTC", "timeZoneOffset"}),
    "dish": frozenset(
        {"name", "azimuthAngle", "elevationAngle", "windSpeed", "activity"}
        | {"isMSPA", "isArray", "isDDOR", "created", "updated"}
    ),
    "downSignal": frozenset(
        {"active", "signalType", "signalTypeDebug", "dataRate", "frequency", "band"}
        | {"power", "spacecraft", "spacecraftId", "spacecraftID"}
    ),
    "target": frozenset({"name", "id", "uplegRange", "downlegRange", "rtlt"}),
    "timestamp": frozenset(),
}
KNOWN["upSignal"] = KNOWN["downSignal"]


def detect_form(elements):
    """Tell the form of a document by its attributes; 0 where nothing tells."""
    dishes, signals = set(), set()
    for element in elements:
        if element.tag == "dish":
            dishes.update(element.attributes)
        elif element.tag in ("downSignal", "upSignal"):
            signals.update(element.attributes)
    if "activity" in dishes:
        return 4
    if "active" in signals:
        return 3
    if "signalTypeDebug" in signals or "created" in dishes:
        return 1
    return 2 if "spacecraftID" in signals else 0


def complex_of_dish(name):
    """Tell the complex of a dish by its number; None for a number of none."""
    number = re.search(r"\d+$", name or "")
    if number:
        for first, last, complex_ in _RANGES:
            if first <= int(number.group()) <= last:
                return complex_
    return None


def band_of(direction, frequency_hz):
    """Tell the band of one carrier; None outside all bands."""
    for band, low, high in BANDS[direction]:
        if low <= frequency_hz <= high:
            return band
    return None


def in_any_band(direction, frequencies_hz):
    """Tell which carriers are in a band of the network, bool ndarray."""
    frequencies_hz = np.asarray(frequencies_hz)[:, None]
    edges = np.array([edge[1:] for edge in BANDS[direction]])
    inside = (edges[:, 0] <= frequencies_hz) & (frequencies_hz <= edges[:, 1])
    return inside.any(axis=1)
