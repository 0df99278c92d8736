"""What the ESA Anomaly Detection Benchmark lays down for each mission."""

import re
from dataclasses import dataclass, field
from numbers import Real

import pandas as pd

from skdsn.resampling import ResampleHold
from skdsn.tracks import gap_seconds

_START = pd.Timestamp("2000-01-01")


@dataclass(frozen=True)
class Mission:
    """Settings of the benchmark; numbers are those of channels."""

    name: str
    step: int | None = None  # s
    end: str | None = None
    # Months of training to start of the validation part, and end of both.
    folds: dict = field(default_factory=dict)
    counters: tuple = ()
    lightweight: tuple = ()
    targets: tuple = ()

    @property
    def test_start(self):
        """End of the longest training part."""
        return max(end for _, end in self.folds.values())


def _numbers(*ranges):
    return tuple(n for first, last in ranges for n in range(first, last + 1))


MISSIONS = {
    "Mission1": Mission(
        "Mission1",
        step=30,
        end="2014-01-01",
        folds={
            3: ("2000-03-11", "2000-04-01"),
            10: ("2000-09-01", "2000-11-01"),
            21: ("2001-07-01", "2001-10-01"),
            42: ("2003-04-01", "2003-07-01"),
            84: ("2006-10-01", "2007-01-01"),
        },
        counters=_numbers((4, 11)),
        lightweight=_numbers((41, 46)),
        targets=_numbers((12, 52), (57, 66), (70, 76)),
    ),
    "Mission2": Mission(
        "Mission2",
        step=18,
        end="2003-07-01",
        folds={
            1: ("2000-01-24", "2000-02-01"),
            5: ("2000-05-01", "2000-06-01"),
            10: ("2000-09-01", "2000-11-01"),
            21: ("2001-07-01", "2001-10-01"),
        },
        counters=_numbers((29, 46)),
        lightweight=_numbers((18, 28)),
        targets=_numbers((9, 28), (58, 59), (70, 91), (96, 98)),
    ),
    "Mission3": Mission("Mission3"),
}


def get_mission(name):
    """Look a mission up."""
    if not isinstance(name, str) or name not in MISSIONS:
        raise ValueError(
            f"mission must be one of {', '.join(map(repr, MISSIONS))}; got {name!r}."
        )
    return MISSIONS[name]


def read_step(step):
    """Read the time between rows as a Timedelta."""
    ResampleHold(step)  # refuses what is no step
    return pd.Timedelta(gap_seconds(step, "step"), unit="s")


def number_of(name):
    """Give the number that ends the name of a channel or telecommand."""
    return int(re.search(r"\d+$", name).group())


def esa_adb_folds(mission="Mission1", *, step=None, span=None):
    """Give the parts into which the ESA Anomaly Detection Benchmark divides a mission.

    Parameters
    ----------
    mission : {"Mission1", "Mission2"}, default="Mission1"
    step : float, str or timedelta, default=None
        Time between rows, in seconds; None is that of the benchmark, 30 s for
        Mission1 and 18 s for Mission2.
    span : tuple of two times, default=None
        First and last time of a mission that is shorter, such as a simulated one: the
        parts have the same shares of it as of the real one. Folds of which a part
        would have no row are left out.

    Returns
    -------
    dict of str to dict of str to (Timestamp, Timestamp)
        Fold, named after its months of training as ``"84_months"``, to part, to its
        first and last row. The parts are ``"train"`` and ``"validation"``, which
        follow each other, ``"train+validation"``, which is what the benchmark calls
        its training set, and ``"test"``, the same for all folds.

    Raises
    ------
    ValueError
        If there are no folds of the mission, or `span` is no span of time, or so
        short that no fold is left.

    References
    ----------
    .. [1] K. Kotowski et al., "European Space Agency benchmark for anomaly detection
       in satellite telemetry", arXiv:2406.17826, 2024.

    Examples
    --------
    >>> from skdsn.datasets import esa_adb_folds
    >>> folds = esa_adb_folds("Mission1")
    >>> list(folds)
    ['3_months', '10_months', '21_months', '42_months', '84_months']
    >>> [str(time) for time in folds["84_months"]["test"]]
    ['2007-01-01 00:00:30', '2014-01-01 00:00:00']
    """
    rules = get_mission(mission)
    if not rules.folds:
        raise ValueError(
            f"The benchmark has no folds of {mission}; give start and end instead."
        )
    step = read_step(rules.step if step is None else step)
    first, last = _START, pd.Timestamp(rules.end)
    length = last - first
    if span is not None:
        first, last = _read_span(span)

    def place(date):
        time = pd.Timestamp(date)
        if span is not None:
            time = first + (time - _START) / length * (last - first)
        return _floor(time, step)  # so that the next part begins with the next row

    test = place(rules.test_start) + step, _stamp(last)
    folds = {}
    for months, dates in rules.folds.items():
        middle, end = map(place, dates)
        fold = {
            "train": (_stamp(first), middle),
            "validation": (middle + step, end),
            "train+validation": (_stamp(first), end),
            "test": test,
        }
        if all(_floor(stop, step) >= start for start, stop in fold.values()):
            folds[f"{months}_months"] = fold
    if not folds:
        raise ValueError(
            f"From {first} to {last} no fold has a row in each part at a step of "
            f"{step.total_seconds():g} s; give a longer span or a shorter step."
        )
    return folds


def _stamp(date):
    return pd.Timestamp(date).as_unit("us")


def _floor(time, step):
    """Find the multiple of a step since 1970 at or before a time."""
    return _stamp(pd.Timestamp(0) + (time - pd.Timestamp(0)) // step * step)


def _read_span(span):
    first, last = _read_two(span, "span")
    if not first < last:
        raise ValueError(f"span must end after it starts; got {span!r}.")
    if first.year < 1678 or last.year > 2261:
        raise ValueError(f"span must lie between 1678 and 2261; got {span!r}.")
    return first, last


def _read_two(times, name):
    try:
        first, last = (read_time(time, name) for time in times)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be two times such as '2000-01-01'; got {times!r}."
        ) from error
    return first, last


def read_time(time, name):
    """Read a date as a Timestamp of UTC without a zone."""
    try:
        # pandas takes a number for nanoseconds since 1970.
        stamp = pd.NaT if isinstance(time, Real) else pd.Timestamp(time)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be a time, such as '2000-01-01'; got {time!r}."
        ) from error
    if stamp is pd.NaT:
        raise ValueError(f"{name} must be a time, such as '2000-01-01'; got {time!r}.")
    stamp = stamp if stamp.tz is None else stamp.tz_convert("UTC").tz_localize(None)
    return stamp.as_unit("us")


def read_period(mission, fold, part, start, end, step):
    """Read the first and last time asked for, each None where nothing is told."""
    period = None, None
    if fold is not None:
        period = _read_fold(mission, fold, part, step)
    for place, (name, time) in enumerate((("start", start), ("end", end))):
        if time is None:
            continue
        time = read_time(time, name)
        both = [t for t in (period[place], time) if t is not None]
        inner = max(both) if name == "start" else min(both)
        period = (inner, period[1]) if place == 0 else (period[0], inner)
    if None not in period and period[0] > period[1]:
        raise ValueError(
            f"There is no time between {period[0]} and {period[1]}; give a start "
            "before the end, both within the fold if there is one."
        )
    return period


def _read_fold(mission, fold, part, step):
    if not hasattr(fold, "keys"):
        folds = esa_adb_folds(mission, step=step)
        name = f"{fold}_months" if isinstance(fold, int) else fold
        if name not in folds:
            raise ValueError(
                f"fold must be one of {', '.join(map(repr, folds))} for {mission}, or "
                f"what esa_adb_folds gives for one; got {fold!r}."
            )
        fold = folds[name]
    part = "train" if part is None else part
    if part not in fold:
        raise ValueError(
            f"fold must have the part {part!r}, as each of those that esa_adb_folds "
            f"gives does; it has {', '.join(map(repr, fold)) or 'none'}."
        )
    first, last = _read_two(fold[part], f"fold[{part!r}]")
    if first > last:
        raise ValueError(f"fold[{part!r}] ends at {last}, before it starts at {first}.")
    return first, last
