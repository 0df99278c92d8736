"""Read the elements of an answer of the feed to rows of its tables."""

import math
import re
from collections import Counter

import numpy as np

from skdsn.dsn_now._forms import (
    COMPLEXES,
    KNOWN,
    LARGEST_MHZ,
    NO_SPACECRAFT_ID,
    NOT_SPACECRAFT,
    POWER_FLOOR_DBM,
    band_of,
    complex_of_dish,
)
from skdsn.dsn_now._tables import SCHEMA, TABLES, make_table

__all__ = ["BLANK", "FeedRows", "read_milliseconds"]

BLANK = frozenset({"", "none", "null", "nan", "n/a"})
_FLAGS = {"true": True, "false": False}
_ISO = re.compile(r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z?", re.ASCII)
_LATEST_MS = 253_402_300_799_999  # end of the year 9999


def read_milliseconds(text):
    """Read a time in ms since 1970; None if it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if 0 <= value <= _LATEST_MS else None


def _iso_milliseconds(text):
    """Read an ISO 8601 time in UTC as ms since 1970; None if it is none."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return int(np.datetime64(text.removesuffix("Z"), "ms").astype(np.int64))
    except ValueError:  # such as a 13th month
        return None


class FeedRows:
    """The rows of one document as they are read."""

    def __init__(self, time, form, keep_placeholders):
        self.time = time
        self.form = form
        self.keep_placeholders = keep_placeholders
        self.rows = {name: [] for name in TABLES}
        self.counts = Counter(placeholders=0, power_floor=0, unreadable=0, unknown=0)
        self.where = (time, None, None)  # of the element being read
        self.seen = Counter()  # signals of a dish, direction and spacecraft

    def read(self, elements):
        """Read all elements."""
        last = None
        complexes = {}  # of the dishes and stations, by element
        dishes = {}
        for element in elements:
            tag, parent = element.tag, element.parent
            if tag == "station":
                last = complexes[element] = self.name(element, "name", str.lower)
                self.where = (self.time, last, None)
                self.station(element)
            elif tag == "dish":
                dish = self.name(element, "name", str.upper)
                complex_ = complexes.get(parent, last) or complex_of_dish(dish)
                self.where = (self.time, complex_, dish)
                dishes[element] = [self.where, 0, 0]
            elif parent in dishes and tag in ("downSignal", "upSignal", "target"):
                self.where = dishes[parent][0]
                if tag == "target":
                    self.target(element)
                    dishes[parent][1] += 1
                else:
                    dishes[parent][2] += self.signal(element)
            elif tag not in ("dsn", "timestamp"):
                self.where = (self.time, None, None)
                self.odd(element)
                continue
            if not element.attributes.keys() <= KNOWN[tag]:
                for name in element.attributes.keys() - KNOWN[tag]:
                    self.keep(element, name)
                    self.counts["unknown"] += 1
        for element, (where, n_targets, n_signals) in dishes.items():
            self.where = where
            self.dish(element, n_targets, n_signals)

    def station(self, element):
        """Read a station."""
        offset = self.number(element, "timeZoneOffset")
        self.rows["stations"].append(
            (
                self.time,
                self.where[1],
                self.name(element, "friendlyName") or COMPLEXES.get(self.where[1]),
                self.moment(element, "timeUTC"),
                offset / 1000,
            )
        )

    def dish(self, element, n_targets, n_signals):
        """Read a dish, whose signals and targets have been read."""
        azimuth = self.number(element, "azimuthAngle")
        elevation = self.number(element, "elevationAngle")
        get = element.attributes.get
        self.rows["dishes"].append(
            (
                *self.where,
                azimuth,
                elevation,
                self.number(element, "windSpeed"),
                _FLAGS.get(get("isMSPA", "").lower()),
                _FLAGS.get(get("isArray", "").lower()),
                _FLAGS.get(get("isDDOR", "").lower()),
                self.moment(element, "created"),
                self.moment(element, "updated"),
                self.name(element, "activity"),
                azimuth == 0 and elevation == 90 and n_signals == 0,
                n_targets,
            )
        )

    def signal(self, element):
        """Read a signal; 1 if it is one, 0 for a placeholder."""
        get = element.attributes.get
        direction = "down" if element.tag == "downSignal" else "up"
        spacecraft = self.spacecraft(
            element, "spacecraft", "spacecraftId", "spacecraftID"
        )
        debug = get("signalTypeDebug")
        placeholder = direction == "up" and (spacecraft[0] is None or debug == "none")
        if placeholder:
            self.counts["placeholders"] += 1
            if not self.keep_placeholders:
                return 0
            numbers = (None, math.nan, math.nan, math.nan, math.nan, False)
        elif direction == "down":
            numbers = self.downlink(element)
        else:
            numbers = self.uplink(element)
        signal_type = get("signalType", "").strip().lower() or None  # "none" is one
        active = _FLAGS.get(get("active", "").lower())
        if active is None:
            active = signal_type not in (None, "none")
        key = (self.where, direction, spacecraft[0])
        self.rows["signals"].append(
            (
                *self.where,
                direction,
                self.seen[key],
                *spacecraft,
                signal_type,
                active,
                *numbers,
                debug,
                placeholder,
            )
        )
        self.seen[key] += 1
        return 0 if placeholder else 1

    def downlink(self, element):
        """Read band, rate, frequency, both powers and the flag of the floor."""
        frequency = self.number(element, "frequency")
        frequency = frequency if frequency > 0 else math.nan
        power = self.number(element, "power")
        floor = power <= POWER_FLOOR_DBM
        self.counts["power_floor"] += floor
        return (
            self.name(element, "band") or band_of("down", frequency),
            self.number(element, "dataRate"),
            frequency,
            math.nan if floor else power,
            math.nan,
            floor,
        )

    def uplink(self, element):
        """Read band, rate, frequency, both powers and the flag of the floor."""
        frequency = self.number(element, "frequency")
        if not frequency > 0:
            frequency = math.nan
        elif frequency < LARGEST_MHZ:
            frequency *= 1e6
        rate = self.number(element, "dataRate")
        return (
            self.name(element, "band") or band_of("up", frequency),
            math.nan if rate == 0 and self.form >= 3 else rate,
            frequency,
            math.nan,
            self.number(element, "power"),
            False,
        )

    def target(self, element):
        """Read a target."""
        numbers = (
            self.number(element, name)
            for name in ("uplegRange", "downlegRange", "rtlt")
        )
        self.rows["targets"].append(
            (
                *self.where,
                *self.spacecraft(element, "name", "id"),
                *(value if value >= 0 else math.nan for value in numbers),
            )
        )

    def spacecraft(self, element, name, *ids):
        """Read the code of a spacecraft, its number, and whether it is one."""
        code = self.name(element, name, str.upper)
        number = math.nan
        for name_of_id in ids:
            if name_of_id in element.attributes:
                number = abs(self.number(element, name_of_id))
        real = code is not None and code not in NOT_SPACECRAFT
        # A spacecraft that is scheduled but not tracked has the number of the tests.
        if not 0 < number < 2**31 or (real and number == NO_SPACECRAFT_ID):
            return code, None, real
        return code, int(number), real

    def name(self, element, name, case=str):
        """Read a text; None where it is blank."""
        text = element.attributes.get(name, "").strip()
        return None if text.lower() in BLANK else case(text)

    def number(self, element, name):
        """Read a finite number; NaN where there is none."""
        text = element.attributes.get(name)
        if not text:
            return math.nan
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and "_" not in text:  # Python reads 1_0 as 10
            return value
        if text.strip().lower() not in BLANK:
            self.unreadable(element, name)
        return math.nan

    def moment(self, element, name):
        """Read a time, ISO 8601 or ms since 1970, as ms; None where there is none."""
        text = element.attributes.get(name, "").strip()
        if text.lower() in BLANK:
            return None
        time = read_milliseconds(text)
        if time is None:
            time = _iso_milliseconds(text)
        if time is None:
            self.unreadable(element, name)
        return time

    def unreadable(self, element, name):
        """Keep a value that could not be read."""
        self.counts["unreadable"] += 1
        self.keep(element, name)

    def odd(self, element):
        """Keep an element that is unknown or out of place."""
        self.counts["unknown"] += 1
        for name in element.attributes:
            self.keep(element, name)
        if not element.attributes:
            self.rows["extra"].append(
                (*self.where, element.tag, None, element.text.strip() or None)
            )

    def keep(self, element, name):
        """Keep an attribute as it was sent."""
        value = element.attributes[name]
        self.rows["extra"].append((*self.where, element.tag, name, value))

    def table(self, name):
        """Make one table of the rows."""
        columns = SCHEMA[name]
        values = zip(*self.rows[name], strict=True) if self.rows[name] else ()
        return make_table(
            name, dict(zip(columns, values or [()] * len(columns), strict=True))
        )
