"""Times as int64 nanoseconds, and back."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skdsn.tracks import gap_seconds

_SECOND = 1_000_000_000


def step_ticks(step):
    """Read the time between rows, in nanoseconds."""
    if step is None:
        raise ValueError("step must be a time such as 30 or '30s'; got None.")
    ticks = round(gap_seconds(step, "step") * _SECOND)
    if ticks < 1:
        raise ValueError(f"step must be a nanosecond or more; got {step!r}.")
    return ticks


@dataclass(frozen=True)
class Clock:
    """What kind of times are told: datetimes, timedeltas or integer seconds."""

    kind: str
    utc: bool = False

    @classmethod
    def of(cls, times, name):
        """Find the clock of an index of times."""
        if isinstance(times, pd.DatetimeIndex):
            return cls("datetimes", times.tz is not None)
        if isinstance(times, pd.TimedeltaIndex):
            return cls("timedeltas")
        if pd.api.types.is_integer_dtype(times.dtype):
            return cls("integers")
        raise TypeError(
            f"{name} must hold datetimes, timedeltas or integers that count seconds; "
            f"got {times.dtype}. Convert them with pandas.to_datetime."
        )

    @property
    def name(self):
        """How a message tells it."""
        return f"{self.kind} of UTC" if self.utc else self.kind

    def check(self, samples):
        """Refuse samples on another clock."""
        if len(samples.ticks) and samples.clock != self:
            raise TypeError(
                f"The times of channel {samples.name!r} are {samples.clock.name}, but "
                f"those of others {self.name}; give all channels the same clock."
            )

    def ticks(self, times, name):
        """Read an index of times of this clock."""
        if times.hasnans:
            row = int(np.argmax(times.isna()))
            raise ValueError(f"{name} are missing in row {row}; drop it first.")
        if self.kind == "integers":
            return times.to_numpy(dtype=np.int64) * _SECOND
        return times.as_unit("ns").asi8

    def read(self, time, name):
        """Read one time."""
        if self.kind == "integers":
            if isinstance(time, bool) or not isinstance(time, int | np.integer):
                raise TypeError(
                    f"{name} must be an integer that counts seconds, as the times of "
                    f"the samples do; got {time!r}."
                )
            return int(time) * _SECOND
        try:
            if self.kind == "timedeltas":
                value = pd.Timedelta(time)
            else:
                value = pd.Timestamp(time)
                value = value if value.tz is None else value.tz_convert("UTC")
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name} must be a time, as {self.kind} have; got {time!r}."
            ) from error
        if value is pd.NaT:
            raise ValueError(f"{name} must be a time; got {time!r}.")
        return value.as_unit("ns").value

    def time(self, ticks):
        """Turn nanoseconds into a time."""
        if self.kind == "integers":
            return int(ticks) // _SECOND
        if self.kind == "timedeltas":
            return pd.Timedelta(int(ticks), unit="ns")
        return pd.Timestamp(int(ticks), unit="ns", tz="UTC" if self.utc else None)

    def index(self, first, n_rows, step):
        """Make the index of rows at multiples of a step of nanoseconds."""
        numbers = np.arange(first, first + n_rows, dtype=np.int64)
        if self.kind == "integers":
            if step % _SECOND:
                raise ValueError(
                    "step must be whole seconds for integer times; got "
                    f"{step / _SECOND:g} s. Give timedeltas instead."
                )
            return pd.Index(numbers * (step // _SECOND), name="time")
        # Microseconds are what pandas makes of dates, so that rows can be joined.
        unit, step = ("ns", step) if step % 1000 else ("us", step // 1000)
        if self.kind == "timedeltas":
            times = (numbers * step).view(f"timedelta64[{unit}]")
            return pd.TimedeltaIndex(times, name="time")
        times = pd.DatetimeIndex((numbers * step).view(f"datetime64[{unit}]"))
        return (times.tz_localize("UTC") if self.utc else times).rename("time")
