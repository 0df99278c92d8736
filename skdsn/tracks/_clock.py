"""Times and lengths of time as seconds."""

from numbers import Real

import numpy as np
import pandas as pd


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
