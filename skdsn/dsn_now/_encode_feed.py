"""Write one snapshot of the feed as it would have been sent."""

from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd

__all__ = ["encode_feed"]

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_FLOOR_DBM = -480.0


def _fixed(digits):
    """Format with so many digits after the point."""
    return lambda value: f"{value:.{digits}f}"


def _digits(count):
    """Format with so many digits in all, without an exponent."""
    return lambda value: f"{float(f'{value:.{count - 1}e}'):.15g}"


def _padded(count):
    """Format with so many digits in all, trailing zeros kept."""
    return lambda value: f"{value:#.{count}g}"


def _exponent(digits):
    """Format with an exponent."""
    return lambda value: f"{value:.{digits}e}"


# How each form writes numbers; a text is written whatever the number.
_DISH = {
    1: {"angle": _fixed(2), "wind": _fixed(2)},
    2: {"angle": _padded(4), "wind": _padded(4)},
    3: {"angle": _fixed(0), "wind": _fixed(0)},
    4: {"angle": _fixed(0), "wind": _fixed(0)},
}
_DOWN = {
    1: {"rate": _fixed(6), "frequency": _fixed(6), "power": _fixed(6)},
    2: {"rate": _digits(4), "frequency": _digits(4), "power": _fixed(4)},
    3: {"rate": _exponent(3), "frequency": "0", "power": _exponent(1)},
    4: {"rate": _digits(4), "frequency": "0", "power": _digits(2)},
}
_UP = {
    1: {"rate": "", "frequency": _fixed(0), "power": _fixed(6)},
    2: {"rate": _digits(4), "frequency": _digits(4), "power": _fixed(4)},
    3: {"rate": "0", "frequency": "0", "power": _exponent(1)},
    4: {"rate": "0", "frequency": "0", "power": _digits(2)},
}
# Range, light time, and how both say that there is none.
_TARGET = {
    1: (repr, _fixed(6), "-1.0", "-1.0"),
    2: (_exponent(3), _digits(4), "-1.000e+00", "-1.0000"),
    3: (_exponent(2), _digits(4), "-1.00e+00", "-1.000"),
    4: (_digits(3), _digits(3), "-1", "-1"),
}


def encode_feed(feed, form=None):
    r"""Write one snapshot as a document in one of the forms of the feed.

    Parameters
    ----------
    feed : Bunch
        One snapshot, as :func:`parse_feed` or :func:`split_feeds` gives it.
    form : {1, 2, 3, 4}, default=None
        Form of the document; that of the snapshot when None.

    Returns
    -------
    bytes
        UTF-8. Read again, it gives the same tables up to the rounding of the form, and
        without what the form does not tell; of ``extra`` nothing is written.

    Raises
    ------
    ValueError
        If the form is not one of the four, or the feed holds several snapshots.

    See Also
    --------
    parse_feed : Read a document.

    Notes
    -----
    Form 1 has ``created``, ``updated`` and debug strings, uplink frequencies in MHz
    without decimals and no uplink rate; form 2 numbers of four digits; form 3 whole
    degrees, powers of two digits and no frequency; form 4 the activity besides. Times
    are whole seconds since form 2.

    Examples
    --------
    >>> from skdsn.dsn_now import parse_feed
    >>> feed = parse_feed(b"<dsn><timestamp>1770000000000</timestamp></dsn>")
    >>> encode_feed(feed, form=4)
    b'<dsn>\n<timestamp>1770000000000</timestamp>\n</dsn>\n'
    """
    if "forms" in feed:
        raise ValueError(
            "encode_feed writes one snapshot; got several: encode each that "
            "split_feeds(feed) gives."
        )
    form = feed.form if form is None else form
    if form not in _DISH:
        raise ValueError(f"form must be 1, 2, 3 or 4; got {form!r}.")
    lines = [_DECLARATION] if form <= 2 else []
    lines.append("<dsn>")
    below = _children(feed, form)
    stations = list(feed.stations.itertuples(index=False))
    complexes = {station.complex for station in stations}
    dishes = list(feed.dishes.itertuples(index=False))
    # A dish whose station is missing comes before all, where its number tells.
    for dish in dishes:
        if dish.complex not in complexes:
            lines += _dish(dish, below.get(dish.dish, ()), form)
    for station in stations:
        lines.append(_station(station, form))
        for dish in dishes:
            if dish.complex == station.complex:
                lines += _dish(dish, below.get(dish.dish, ()), form)
    lines += [f"<timestamp>{_stamp(feed.time, form)}</timestamp>", "</dsn>", ""]
    return "\n".join(lines).encode()


def _station(station, form):
    """Write a station."""
    offset = station.time_zone_offset_s
    return _element(
        "station",
        {
            "name": _text(station.complex),
            "friendlyName": _text(station.location),
            "timeUTC": _stamp(station.time_utc, form),
            "timeZoneOffset": "" if pd.isna(offset) else f"{offset * 1000:.0f}",
        },
    )


def _dish(dish, children, form):
    """Write a dish around its signals and targets."""
    formats = _DISH[form]
    attributes = {
        "name": _text(dish.dish),
        "azimuthAngle": _number(dish.azimuth_deg, formats["angle"]),
        "elevationAngle": _number(dish.elevation_deg, formats["angle"]),
        "windSpeed": _number(dish.wind_speed_kmh, formats["wind"]),
        "isMSPA": _text(dish.is_mspa).lower(),
        "isArray": _text(dish.is_array).lower(),
        "isDDOR": _text(dish.is_ddor).lower(),
    }
    if form == 1:
        attributes |= {"created": _iso(dish.created), "updated": _iso(dish.updated)}
    if form == 4:
        attributes["activity"] = _text(dish.activity)
    return [_element("dish", attributes, closed=False), *children, "</dish>"]


def _children(feed, form):
    """Write all signals and targets, by dish."""
    below = {}
    for signal in feed.signals.itertuples(index=False):
        below.setdefault(signal.dish, []).append(_signal(signal, form))
    for target in feed.targets.itertuples(index=False):
        below.setdefault(target.dish, []).append(_target(target, form))
    return below


def _signal(signal, form):
    """Write a signal."""
    down = signal.direction == "down"
    formats = (_DOWN if down else _UP)[form]
    if down:
        power = _FLOOR_DBM if signal.power_floor else signal.power_dbm
        frequency = signal.frequency_hz
    else:
        power, frequency = signal.power_kw, signal.frequency_hz / 1e6
    attributes = {"signalType": _text(signal.signal_type)}
    if form == 1 and not pd.isna(signal.debug):
        attributes["signalTypeDebug"] = signal.debug
    if form >= 3:
        attributes |= {
            "active": _text(bool(signal.active)).lower(),
            "band": _text(signal.band),
        }
    attributes |= {
        "dataRate": _number(signal.data_rate_bps, formats["rate"]),
        "frequency": _number(frequency, formats["frequency"]),
        "power": _number(power, formats["power"]),
        "spacecraft": _text(signal.spacecraft),
    }
    number = signal.spacecraft_id
    if form == 1:
        attributes["spacecraftId"] = _text(number)
    else:
        attributes["spacecraftID"] = "" if pd.isna(number) else str(-number)
    return _element("downSignal" if down else "upSignal", attributes)


def _target(target, form):
    """Write a target."""
    distance, light_time, no_distance, no_light_time = _TARGET[form]
    return _element(
        "target",
        {
            "name": _text(target.spacecraft),
            "id": _text(target.spacecraft_id),
            "uplegRange": _number(target.upleg_range_km, distance, no_distance),
            "downlegRange": _number(target.downleg_range_km, distance, no_distance),
            "rtlt": _number(target.rtlt_s, light_time, no_light_time),
        },
    )


def _element(tag, attributes, closed=True):
    """Write an element or its beginning."""
    inside = "".join(
        f" {name}={quoteattr(value)}" for name, value in attributes.items()
    )
    return f"<{tag}{inside}{'/' if closed else ''}>"


def _text(value):
    """Write a value as text; nothing if it is missing."""
    return "" if pd.isna(value) else str(value)


def _number(value, write, missing=""):
    """Write a number, or what stands for a missing one."""
    if isinstance(write, str):  # the form always says so
        return write
    return missing if pd.isna(value) else write(float(value))


def _stamp(time, form):
    """Write a time in ms since 1970, in whole seconds since form 2."""
    if pd.isna(time):
        return ""
    milliseconds = int(np.datetime64(time, "ms").astype(np.int64))
    return str(milliseconds if form == 1 else milliseconds // 1000 * 1000)


def _iso(time):
    """Write a time as ISO 8601 with milliseconds."""
    if pd.isna(time):
        return ""
    return f"{np.datetime_as_string(np.datetime64(time, 'ms'), unit='ms')}Z"
