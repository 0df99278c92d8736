"""What the dishes do now, as a table of text."""

import numpy as np
import pandas as pd

from skdsn.dsn_now._debug_strings import read_debug
from skdsn.dsn_now._telemetry import to_telemetry

__all__ = ["format_quantity", "link_table"]

_STEPS = ("", "k", "M", "G", "T")


def link_table(feed):
    """Make a table of what the dishes do in one snapshot.

    Parameters
    ----------
    feed : Bunch
        As :func:`parse_feed` gives it.

    Returns
    -------
    DataFrame of str
        A row per downlink, and per dish without any; empty where nothing is known.

    Examples
    --------
    >>> from skdsn.dsn_now import parse_feed
    >>> feed = parse_feed(
    ...     b'<dsn><dish name="DSS14" elevationAngle="21"><downSignal power="-155.5" '
    ...     b'signalType="data" dataRate="160" spacecraft="VGR1"/></dish>'
    ...     b'<timestamp>1550000000411</timestamp></dsn>'
    ... )
    >>> link_table(feed)[["dish", "el", "craft", "down", "rate", "power"]]
        dish   el craft  down     rate   power
    0  DSS14  21° VGR1  data  160 b/s  -156 dBm
    """
    X = to_telemetry(feed).reset_index()
    idle = feed.dishes[~feed.dishes["dish"].isin(X["DSS"])]
    craft = X["spacecraft_downsignal"].fillna(X["name_target"])
    links = pd.DataFrame(
        {
            "dish": X["DSS"],
            "site": X["location"],
            "az": _numbers(X["azimuthAngle"], "°"),
            "el": _numbers(X["elevationAngle"], "°"),
            "craft": craft.fillna(X["spacecraft_upsignal"]),
            "down": _states(X),
            "band": X["band_downsignal"],
            "rate": [format_quantity(rate, "b/s") for rate in X["dataRate_downsignal"]],
            "power": _numbers(X["power_downsignal"], " dBm"),
            "up": X["signalType_upsignal"].replace("none", ""),
            "sent": [
                format_quantity(kw * 1e3, "W") if kw else ""
                for kw in X["power_upsignal"]
            ],
            "range": [format_quantity(km, "km") for km in X["downlegRange"]],
            "rtlt": [format_quantity(rtlt, "s", steps=False) for rtlt in X["rtlt"]],
        }
    )
    idle = pd.DataFrame(
        {
            "dish": idle["dish"],
            "site": idle["complex"],
            "az": _numbers(idle["azimuth_deg"], "°"),
            "el": _numbers(idle["elevation_deg"], "°"),
            "craft": idle["activity"],
        }
    )
    table = pd.concat([links, idle], ignore_index=True).astype(object)
    return table.where(table.notna(), "").astype(str)


def format_quantity(value, unit, *, steps=True):
    """Write a quantity in at most three digits; "" for a missing one.

    Examples
    --------
    >>> format_quantity(2_969_000, "b/s"), format_quantity(float("nan"), "km")
    ('2.97 Mb/s', '')
    """
    if not np.isfinite(value):
        return ""
    step = 0
    while steps and abs(value) >= 999.5 and step < len(_STEPS) - 1:
        value, step = value / 1000, step + 1
    digits = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {_STEPS[step]}{unit}"


def _numbers(column, unit):
    return [f"{x:.0f}{unit}" if np.isfinite(x) else "" for x in column]


def _states(X):
    """Tell the state of a link, or else the type of its signal."""
    codes, table, known = read_debug(X["signalTypeDebug_downsignal"], "down")
    type_ = X["signalType_downsignal"].fillna("").to_numpy(dtype=object)
    if not len(table):
        return type_
    told = (codes >= 0) & known[codes] & table["link_state"].notna().to_numpy()[codes]
    return np.where(told, table["link_state"].to_numpy()[codes], type_)
