"""Times as int64 nanoseconds, and back."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd

from skdsn.tracks import gap_seconds

_SECOND = 1_000_000_000
# What int64 nanoseconds hold, and room for a step before and after.
_MOST_SECONDS = 9_200_000_000
_LONGEST = 1_000_000_000  # s, some 30 years
# A grid of fewer cells is made whatever the samples are.
_MANY_CELLS = 100_000_000
_CELLS_PER_SAMPLE = 1000


def step_ticks(step, name="step"):
    """Read the time between rows, in nanoseconds."""
    if step is None:
        raise ValueError(f"{name} must be a time such as 30 or '30s'; got None.")
    seconds = gap_seconds(step, name)
    is_number = isinstance(step, Real) and not isinstance(step, np.timedelta64)
    # Which leaves out the nanoseconds of a timedelta.
    if not is_number and pd.Timedelta(step).nanoseconds:
        raise ValueError(f"{name} must be whole microseconds; got {step!r}.")
    if not 1e-6 <= seconds <= _LONGEST:
        raise ValueError(
            f"{name} must be between a microsecond and {_LONGEST:g} s; got {step!r}."
        )
    return round(seconds * _SECOND)


def check_size(first, last, step, n_channels, n_samples, span):
    """Refuse a grid that is far larger than its samples ask for.

    Only a wrong time among the samples makes one, and no memory would hold it.
    """
    n_cells = (last - first + 1) * n_channels
    if n_cells <= max(_MANY_CELLS, _CELLS_PER_SAMPLE * n_samples):
        return
    (first_name, start), (last_name, end) = span
    raise ValueError(
        f"{n_samples} samples from {start} ({first_name}) to {end} ({last_name}) would "
        f"make {n_cells} cells at a step of {step / _SECOND:g} s; correct a time that "
        "is far from the others, take a longer step, or give start and end."
    )


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
            seconds = times.to_numpy()
            self._check_range(seconds.min(initial=0), seconds.max(initial=0), name)
            return seconds.astype(np.int64) * _SECOND
        try:
            return times.as_unit("ns").asi8
        except (pd.errors.OutOfBoundsDatetime, pd.errors.OutOfBoundsTimedelta):
            raise ValueError(
                f"{name} must lie within 292 years of "
                f"{'1970' if self.kind == 'datetimes' else 'zero'}; got "
                f"{times.min()} to {times.max()}."
            ) from None

    @staticmethod
    def _check_range(low, high, name):
        """Refuse integers that cannot be seconds."""
        if low < -_MOST_SECONDS or high > _MOST_SECONDS:
            raise ValueError(
                f"{name} are integers up to {int(max(high, -int(low)))}, but integers "
                "count seconds: use pandas.to_datetime(..., unit='ms') for others."
            )

    def read(self, time, name):
        """Read one time."""
        if self.kind == "integers":
            if isinstance(time, bool) or not isinstance(time, int | np.integer):
                raise TypeError(
                    f"{name} must be an integer that counts seconds, as the times of "
                    f"the samples do; got {time!r}."
                )
            self._check_range(time, time, name)
            return int(time) * _SECOND
        example = "'2000-01-01'" if self.kind == "datetimes" else "'30s'"
        if isinstance(time, Real) and not isinstance(time, np.timedelta64):
            raise ValueError(
                f"{name} must be a time such as {example}, since the samples have "
                f"{self.kind}; got {time!r}."
            )
        try:
            if self.kind == "timedeltas":
                value = pd.Timedelta(time)
            else:
                value = pd.Timestamp(time)
                value = value if value.tz is None else value.tz_convert("UTC")
            if value is not pd.NaT:
                value = value.as_unit("ns")
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name} must be a time, as {self.kind} have; got {time!r}."
            ) from error
        if value is pd.NaT:
            raise ValueError(f"{name} must be a time; got {time!r}.")
        return value.value

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
