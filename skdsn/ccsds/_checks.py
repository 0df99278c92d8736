"""Refuse what users hand over, in one sentence, where it is not what is needed."""

import re
from collections.abc import Mapping
from datetime import date
from numbers import Integral, Real

import numpy as np
import pandas as pd

from skdsn.ccsds._spec import FrameSpec

__all__ = [
    "YEAR_FIRST",
    "as_instant",
    "check_bytes",
    "check_count",
    "check_ids",
    "check_points",
    "check_spec",
    "check_table",
    "utc_times",
]

# Text that pandas reads as a time with parts of today's, or with the month first, says
# no instant.
YEAR_FIRST = r"\s*\d{4}(?:-|/|$|\d{4}|T|\s)"


def check_spec(spec):
    """Refuse what is no frame spec."""
    if not isinstance(spec, FrameSpec):
        raise TypeError(
            "spec must be a FrameSpec, such as FrameSpec.from_yaml gives; got "
            f"{type(spec).__name__}."
        )


def check_count(name, value, least):
    """Refuse what is no whole number."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(
            f"{name} must be a whole number, {least} or more; got {value!r}."
        )


def check_points(points):
    """Refuse what does not map stations to numbers."""
    if not isinstance(points, Mapping):
        raise TypeError(
            "station_points must map stations to numbers; got a "
            f"{type(points).__name__}."
        )
    for station, number in points.items():
        if not isinstance(number, Real):
            raise TypeError(
                "station_points must map stations to numbers; got "
                f"{station!r}: {number!r}."
            )


def check_table(table, columns, what, source):
    """Refuse what is no table, or lacks columns."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"{what} must be a DataFrame, as {source} makes it; got "
            f"{type(table).__name__}."
        )
    if missing := [name for name in columns if name not in table]:
        raise ValueError(
            f"{what} lack the columns {missing}; take the table of {source}."
        )


def check_bytes(values, what, least=0):
    """Refuse values that are no bytes, or too few of them, with their row."""
    if not set(map(type, values)) <= {bytes}:
        row = next(i for i, each in enumerate(values) if type(each) is not bytes)
        raise TypeError(
            f"Row {row} of the {what} must hold bytes in the column 'data'; got "
            f"{type(values[row]).__name__}."
        )
    if least and min(map(len, values), default=least) < least:
        row = next(i for i, each in enumerate(values) if len(each) < least)
        raise ValueError(
            f"Row {row} of the {what} holds {len(values[row])} bytes in the column "
            f"'data', and {least} are the least."
        )


def check_ids(values, name, bits, what):
    """Refuse a column that does not hold whole numbers of so many bits, each known."""
    if not len(values):
        return
    unknown = values.isna().to_numpy()
    if unknown.any():
        raise ValueError(
            f"Row {unknown.argmax()} of the {what} has no {name}; fill or drop it."
        )
    if not pd.api.types.is_integer_dtype(values.dtype):
        raise ValueError(
            f"The column {name!r} of the {what} must be of whole numbers; got the "
            f"dtype {values.dtype}, convert it with astype('int64')."
        )
    if values.min() < 0 or values.max() >> bits:
        numbers = values.to_numpy()
        row = int(((numbers < 0) | (numbers >= 1 << bits)).argmax())
        raise ValueError(
            f"Row {row} of the {what} has the {name} {numbers[row]}, which does not "
            f"fit into {bits} bits."
        )


def utc_times(times, what):
    """Give a column of times as an array of datetime64[us], UTC.

    Parameters
    ----------
    times : Series
        Naive is UTC.
    what : str
        Whose they are, for the message.

    Returns
    -------
    ndarray of datetime64[us]
    """
    if len(times) and not pd.api.types.is_datetime64_any_dtype(times.dtype):
        raise TypeError(
            f"The column {times.name!r} of the {what} must hold times (datetime64); "
            f"got the dtype {times.dtype}, convert it with pandas.to_datetime."
        )
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return times.to_numpy().astype("datetime64[us]")


def as_instant(value, name):
    """Read one instant of time, as microseconds since 1970, UTC.

    Parameters
    ----------
    value : str, date, datetime, datetime64 or Timestamp
        Text begins with the year, as ISO 8601 has it.
    name : str
        Of the parameter, for the message.

    Returns
    -------
    int
    """
    time = pd.NaT
    try:
        if isinstance(value, str):
            if re.match(YEAR_FIRST, value):
                time = pd.to_datetime(value, format="ISO8601")
        elif isinstance(value, date | np.datetime64):
            time = pd.Timestamp(value)
    except ValueError:
        time = pd.NaT
    if time is pd.NaT:
        raise ValueError(
            f"{name} must be a time; got {value!r}, give a datetime, or text with the "
            "year first such as '2026-04-03T10:00:00'."
        )
    if time.tzinfo is not None:
        time = time.tz_convert("UTC").tz_localize(None)
    return int(time.as_unit("us").to_datetime64().astype(np.int64))
