"""The on-board time of a packet."""

import datetime
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from skdsn.ccsds._short import short

__all__ = ["TimeRule"]

UNITS = {  # µs
    "days": 86_400_000_000,
    "seconds": 1_000_000,
    "milliseconds": 1_000,
    "microseconds": 1,
}
_ISO = re.compile(
    r"\d{4}(-\d\d(-\d\d([T ]\d\d(:\d\d(:\d\d(\.\d{1,9})?)?)?"
    r"( ?(Z|[-+]\d\d(:?\d\d)?))?)?)?)?",
    re.ASCII,
)


@dataclass(frozen=True, kw_only=True)
class TimeRule:
    """The on-board time of a packet: an epoch, and the fields that count from it.

    Parameters
    ----------
    epoch : str, datetime.date or pandas.Timestamp
        Text has the order of ISO 8601, such as ``"2000-01-01T12:00:00"``. Read as UTC.
        Of a clock that counts without leap seconds, such as TAI, give
        the epoch less the leap seconds of the mission's years.
    days, seconds, milliseconds, microseconds, nanoseconds : str, default=None
        Fields whose raw values count such units; they add up.
    fraction : str, default=None
        Field whose raw value is a binary fraction of a second: of 16 bits, it counts
        1/65536 s.

    Raises
    ------
    ValueError
        If the epoch is no time, or no field is named.

    Examples
    --------
    >>> from skdsn.ccsds import TimeRule
    >>> TimeRule(epoch="1958-01-01", days="DOY", milliseconds="MSEC").fields
    {'days': 'DOY', 'milliseconds': 'MSEC'}
    """

    epoch: object
    days: str | None = None
    seconds: str | None = None
    milliseconds: str | None = None
    microseconds: str | None = None
    nanoseconds: str | None = None
    fraction: str | None = None

    def __post_init__(self):
        epoch = _as_epoch(self.epoch)
        if epoch.tz is not None:
            epoch = epoch.tz_convert("UTC").tz_localize(None)
        object.__setattr__(self, "epoch", epoch.as_unit("us"))
        for unit, name in self.fields.items():
            if not isinstance(name, str) or not name:
                raise ValueError(
                    f"{unit} of a time rule must be the name of a field; got "
                    f"{short(name)}."
                )
        if not self.fields:
            raise ValueError(
                "A time rule names at least one field, such as seconds='coarse_time'."
            )

    @property
    def fields(self):
        """Unit to the name of the field that counts it."""
        units = [*UNITS, "nanoseconds", "fraction"]
        named = {unit: getattr(self, unit) for unit in units}
        return {unit: name for unit, name in named.items() if name is not None}

    def decode(self, raw, bit_lengths):
        """Turn raw values into times.

        Parameters
        ----------
        raw : mapping of field name to ndarray of shape (n,)
        bit_lengths : mapping of field name to int

        Returns
        -------
        ndarray of shape (n,) and dtype datetime64[us]
            NaT where the time is outside of the years 1 to 9999.
        """
        total, about = self.epoch.asm8.view("i8"), float(self.epoch.asm8.view("i8"))
        for unit, name in self.fields.items():
            values = np.asarray(raw[name])
            bits = bit_lengths[name]
            part, size = _microseconds(values, unit, bits)
            total, about = total + part, about + size
        ticks = np.where(_in_years(about), total, np.iinfo(np.int64).min)
        return ticks.astype(np.int64).view("datetime64[us]")


def _as_epoch(value):
    """Read a date, without what pandas makes of numbers and of parts of a date."""
    if value is None or value is pd.NaT:
        raise ValueError("The epoch of a time rule is missing.")
    if isinstance(value, str):
        value = value.strip()
        is_date = _ISO.fullmatch(value) is not None
    else:
        is_date = isinstance(value, datetime.date | np.datetime64)
    try:
        epoch = pd.Timestamp(value) if is_date else pd.NaT
    except ValueError:
        epoch = pd.NaT
    if pd.isna(epoch):
        raise ValueError(
            "The epoch of a time rule must be a date such as 2000-01-01T12:00:00, year "
            f"first and, of a year alone, in quotes; got {short(value)}."
        )
    return epoch


def _microseconds(values, unit, bits):
    """Microseconds of raw values, exactly, and about as many as floats."""
    if unit == "fraction":
        shift = max(bits - 32, 0)  # a 2**-32 of a second is beyond a µs
        kept = np.uint64(bits - shift)
        part = (values.astype(np.uint64) >> np.uint64(shift)) * np.uint64(1_000_000)
        half = np.uint64(1 << int(kept) >> 1)
        part = ((part + half) >> kept).astype(np.int64)
        return part, part.astype(np.float64)
    factor = UNITS.get(unit, 1e-3)
    about = values.astype(np.float64) * factor
    with np.errstate(invalid="ignore"):
        if values.dtype.kind == "f":
            return np.rint(about).astype(np.int64), about
        if unit == "nanoseconds":
            more = values % 1000 >= 500
            return (values // 1000).astype(np.int64) + more, about
        return values.astype(np.int64) * np.int64(factor), about


def _in_years(microseconds):
    first, last = pd.Timestamp("0001-01-01"), pd.Timestamp("9999-12-31")
    first, last = (time.as_unit("us").asm8.view("i8") for time in (first, last))
    return (microseconds >= first) & (microseconds <= last)
