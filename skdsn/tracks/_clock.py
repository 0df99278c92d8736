"""Times and lengths of time as seconds."""

from numbers import Real

import numpy as np
import pandas as pd

# Dates with the month or, as ground stations write them, with the day of the year.
DATE_FORMATS = ("ISO8601", "%Y-%jT%H:%M:%S.%f", "%Y-%jT%H:%M:%S")
_LATEST = 253_402_300_799  # s since 1970, the end of the year 9999


def gap_seconds(max_gap, name="max_gap"):
    """Read a gap limit: None, seconds, or anything pandas reads as a timedelta."""
    if max_gap is None:
        return None
    # A timedelta64 counts as a number too.
    if isinstance(max_gap, Real) and not isinstance(max_gap, np.timedelta64):
        seconds = float(max_gap)
    elif isinstance(max_gap, str) and not any(map(str.isalpha, max_gap)):
        raise ValueError(
            f"{name} must be seconds or a time with its unit such as '10min'; got "
            f"{max_gap!r}."
        )
    else:
        try:
            seconds = pd.Timedelta(max_gap).total_seconds()
        except ValueError as error:
            raise ValueError(
                f"{name} must be None, seconds or a timedelta such as '10min'; "
                f"got {max_gap!r}."
            ) from error
    if not seconds > 0:
        raise ValueError(f"{name} must be positive; got {max_gap!r}.")
    return seconds


def as_time(seconds, like):
    """Turn seconds back into a time of the kind that an index holds, for messages."""
    if isinstance(like, pd.DatetimeIndex):
        time = pd.Timestamp(round(seconds * 1e6), unit="us", tz="UTC")
        return time.tz_convert(like.tz)
    if isinstance(like, pd.TimedeltaIndex):
        return pd.Timedelta(round(seconds * 1e6), unit="us")
    return int(seconds)


def as_seconds(times):
    """Turn times into float64 seconds.

    Parameters
    ----------
    times : pandas.Index, pandas.Series or array-like
        Datetimes (since 1970 UTC; naive ones are UTC), timedeltas, or numbers,
        which already are seconds.

    Returns
    -------
    float64 ndarray

    Examples
    --------
    >>> import pandas as pd
    >>> as_seconds(pd.to_datetime(["1970-01-01T00:01"]))
    array([60.])
    """
    times = pd.Index(times)
    if isinstance(times, pd.DatetimeIndex):
        if times.tz is not None:
            times = times.tz_convert("UTC").tz_localize(None)
        times = times - pd.Timestamp(0).as_unit(times.unit)
    if isinstance(times, pd.TimedeltaIndex):
        return times.total_seconds().to_numpy(dtype=np.float64)
    return times.to_numpy(dtype=np.float64)


def parse_times(column, *, unparsable="raise"):
    """Read a column of times as naive UTC datetimes.

    Parameters
    ----------
    column : Series
        Datetimes (naive ones are UTC), text that holds dates such as
        ``2025-06-02T12:00:00Z`` or ``2025-153T12:00:00Z``, or seconds since 1970 (UTC).
    unparsable : {"raise", "missing"}, default="raise"
        What to make of text that holds no date, and of seconds after the year 9999;
        a column of nothing else is an error all the same.

    Returns
    -------
    Series of datetime64[us]
        With the index of `column`.

    Raises
    ------
    ValueError
        If text holds no date under ``"raise"``, or seconds lie outside of the years
        that datetimes have.

    Examples
    --------
    >>> import pandas as pd
    >>> parse_times(pd.Series(["2025-153T12:00:00"])).tolist()
    [Timestamp('2025-06-02 12:00:00')]
    """
    if column.dtype == object:
        column = column.infer_objects()
    if column.isna().all():
        return pd.Series(pd.NaT, column.index, "datetime64[us]", name=column.name)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        dates = pd.to_datetime(column, utc=True)
    elif pd.api.types.is_numeric_dtype(column.dtype):
        seconds = column.to_numpy(np.float64, na_value=np.nan)
        known = np.isfinite(seconds)
        beyond = known & (np.abs(seconds) > _LATEST)
        if beyond.any() and (unparsable == "raise" or (beyond == known).all()):
            raise ValueError(
                f"Column {column.name!r} must hold seconds since 1970; got "
                f"{seconds[beyond][0]:g}, after the year 9999. Divide milliseconds or "
                "nanoseconds before."
            )
        known &= ~beyond
        ticks = np.full(len(seconds), np.iinfo(np.int64).min)  # not a time
        ticks[known] = np.rint(seconds[known] * 1e6).astype(np.int64)
        return pd.Series(ticks.view("datetime64[us]"), column.index, name=column.name)
    else:
        dates = _parse_text(column, unparsable)
    return dates.dt.tz_localize(None).astype("datetime64[us]")


def _parse_text(column, unparsable):
    best = pd.Series(pd.NaT, column.index, "datetime64[us, UTC]", name=column.name)
    for form in DATE_FORMATS:
        text = column.str.removesuffix("Z") if "%j" in form else column
        dates = pd.to_datetime(text, format=form, utc=True, errors="coerce")
        if "%j" in form:  # pandas takes day 366 of any year for the next 1 January
            year = pd.to_numeric(column.str.slice(0, 4), errors="coerce")
            dates = dates.where(dates.dt.year == year)
        best = best.fillna(dates)
        if best.notna().sum() == column.notna().sum():
            return best
    if unparsable == "raise" or best.isna().all():
        wrong = column[best.isna() & column.notna()]
        row, value = wrong.index.tolist()[0], wrong.iloc[0]
        raise ValueError(
            f"Column {column.name!r} does not hold times; row {row!r} has "
            f"{value!r}. Write dates as 2025-06-02T12:00:00 or "
            "2025-153T12:00:00, or give seconds."
        )
    return best
