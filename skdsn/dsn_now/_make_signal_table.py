"""The signals of the simulated network as the table of a feed."""

import numpy as np

from skdsn.dsn_now._forms import BANDS, POWER_FLOOR_DBM
from skdsn.dsn_now._make_rows import TX
from skdsn.dsn_now._make_states import DOWN_DEBUG, UNASSIGNED, UP_DEBUG
from skdsn.dsn_now._make_texts import significant, texts
from skdsn.dsn_now._vocabulary import DOWNLINKS

TYPES = ("none", "carrier", "data")
_BAND_NAMES = ("S", "X", "K", "Ka")
_BAND_OF_LINK = np.array([_BAND_NAMES.index(link.band) for link in DOWNLINKS])
_DEBUG = (*DOWN_DEBUG.ravel(), *UP_DEBUG)


def signal_rows(down, up, down_rows, up_rows):
    """Put downlinks and uplinks under each other, all numbers in full.

    Parameters
    ----------
    down, up : Links
    down_rows, up_rows : dict of ndarray
        As downlink_rows and uplink_rows return them.

    Returns
    -------
    dict of ndarray of shape (n_down + n_up,)
    """
    link, up_link = down_rows["link"], up_rows["link"]
    nothing, no_uplink = np.full(len(link), np.nan), np.full(len(up_link), np.nan)
    parts = {
        "is_up": (np.zeros(len(link), bool), np.ones(len(up_link), bool)),
        "contact": (down_rows["contact"], up_rows["contact"]),
        "snapshot": (down_rows["snapshot"], up_rows["snapshot"]),
        # Downlinks come first in a dish.
        "place": (
            place_in_contact(down.contact)[link],
            500 + place_in_contact(up.contact)[up_link],
        ),
        "in_use": (down.state != UNASSIGNED, TX[up.state] != ""),
        "placeholder": (np.zeros(len(link), bool), up.beam[up_link] < 0),
        "beam": (down.beam[link], up.beam[up_link]),
        "seq": (down.seq[link], up.seq[up_link]),
        "link": (down.downlink[link], up.downlink[up_link]),
        "signal_type": (down_rows["signal_type"], up_rows["signal_type"]),
        "debug": (
            down.code[link] * DOWN_DEBUG.shape[1] + down.state,
            DOWN_DEBUG.size + up.state,
        ),
        "rate": (down_rows["rate"], up_rows["rate"]),
        "frequency": (down_rows["frequency"], up_rows["frequency"]),
        "power_dbm": (down_rows["power"], no_uplink),
        "power_kw": (nothing, up_rows["power"]),
    }
    return {name: np.concatenate(values) for name, values in parts.items()}


def place_in_contact(contact):
    """Count items within their contact; contacts are in order."""
    return np.arange(len(contact)) - np.searchsorted(contact, contact)


def shown(rows, form, keep_placeholders):
    """Flag the signals that a form shows; newer ones leave out what is not in use."""
    if form > 1:
        return rows["in_use"] & ~rows["placeholder"]
    return ~rows["placeholder"] | keep_placeholders


def signal_columns(rows, form):
    """Make the columns of what is said about a signal, as a form tells it."""
    is_up, frequency = rows["is_up"], rows["frequency"]
    floor = rows["power_dbm"] <= POWER_FLOOR_DBM
    power_dbm = np.where(floor, np.nan, rows["power_dbm"])
    rate, power_kw = rows["rate"], rows["power_kw"]
    if form != 2:  # the only one to tell at which rate commands are sent
        rate = np.where(is_up, np.nan, rate)
    if form == 1:
        rate, frequency = np.round(rate, 6), np.round(frequency, 6)
    else:
        rate, frequency = significant(rate, 4), significant(frequency, 4)
    band = _band(is_up, frequency)
    if form > 2:
        band = _BAND_OF_LINK[rows["link"]]
        frequency = np.full(len(is_up), np.nan)
        power_dbm, power_kw = significant(power_dbm, 2), significant(power_kw, 2)
    else:
        digits = 6 if form == 1 else 4
        power_dbm, power_kw = np.round(power_dbm, digits), np.round(power_kw, digits)
    debug = rows["debug"] if form == 1 else np.full(len(is_up), -1)
    return {
        "signal_type": texts(rows["signal_type"], TYPES),
        "active": rows["signal_type"] > 0,
        "band": texts(band, _BAND_NAMES),
        "data_rate_bps": rate,
        "frequency_hz": frequency,
        "power_dbm": power_dbm,
        "power_kw": power_kw,
        "power_floor": floor,
        "debug": texts(debug, _DEBUG),
        "placeholder": rows["placeholder"],
    }


def _band(is_up, frequency):
    """Position of the band of a frequency; -1 outside all."""
    band = np.full(len(frequency), -1)
    for direction, ranges in BANDS.items():
        for name, low, high in ranges:
            inside = (low <= frequency) & (frequency <= high)
            inside &= is_up == (direction == "up")
            band[inside] = _BAND_NAMES.index(name)
    return band
