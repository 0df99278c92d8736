"""What happens to a mission, and when."""

from dataclasses import dataclass, replace

import numpy as np

from skdsn.datasets._esa_vocabulary import CHOSEN
from skdsn.datasets._make_esa_adb_kinds import (
    ANOMALY,
    GAP,
    INVALID,
    RARE,
    Kind,
    list_kinds,
)

CATEGORIES = (ANOMALY, RARE, GAP, INVALID)
DAY = 86_400.0  # s

# Independent random streams: what one consumes does not move another.
PLAN, COMMANDS, TIMES, NOMINAL, GROUP, SIGNATURE, DETAIL = range(7)

# Shortest and longest event (s), before all are made to fit.
_DURATIONS = {
    ANOMALY: (480.0, DAY),
    RARE: (1_200.0, 3 * 3600.0),
    GAP: (1_800.0, 6 * 3600.0),
    INVALID: (1_800.0, 6 * 3600.0),
}
_BUSY = 0.15  # share of the time that events may take
_ROOM = 4 * 3600.0  # s of the mission per event, at least
_RESPONSES = 1.5  # executions per day of a command that channels respond to


@dataclass(frozen=True)
class Event:
    """Something that happens once, to some channels."""

    kind: Kind
    start: float  # s since the mission began
    duration: float  # s
    local: bool
    point: bool
    channels: tuple
    key: tuple  # events of one key look alike: those of a kind of rare event
    trigger: tuple = ()  # a telecommand, and how long before (s)

    @property
    def end(self):
        """Seconds since the mission began."""
        return self.start + self.duration


def plan_events(mission, channels, counts, span, seed):
    """Plan the events of a mission.

    Parameters
    ----------
    mission : Mission
    channels : list of int
        Only kinds of event that disturb one of these happen.
    counts : list of 4 (int or None)
        Anomalies, rare events, gaps and invalid segments; None for what is usual.
    span : float
        Length of the mission, s.
    seed : int

    Returns
    -------
    list of Event
        In order of time; they do not overlap.

    Raises
    ------
    ValueError
        If no kind of event disturbs these channels, or there are too many events.
    """
    rng = np.random.default_rng((seed, PLAN))
    kinds = _kinds_on(mission, channels)
    halves = ([], [])
    for category, count, usual in zip(
        CATEGORIES, counts, mission.per_month, strict=True
    ):
        candidates = [kind for kind in kinds if kind.category == category]
        if count is None:
            count = round(usual * span / (30 * DAY))
            if candidates and category in (ANOMALY, RARE):
                count = max(2, count)  # one to learn from, one to be tested on
            count = count if candidates else 0
        if count and not candidates:
            raise ValueError(
                f"No {category.lower()} of {mission.name} disturbs any of the "
                f"{len(channels)} channels asked for; ask for none of them, or for "
                "more channels."
            )
        draw = _draw_rare if category == RARE else _draw_each
        for half, event in draw(candidates, count, mission, rng):
            halves[half].append(event)
    n_events = len(halves[0]) + len(halves[1])
    if n_events * _ROOM > span:
        raise ValueError(
            f"{n_events} events need a mission of {np.ceil(n_events * _ROOM / DAY):g} "
            f"days at least; got days={span / DAY:g}."
        )
    busy = [sum(event.duration for event in half) for half in halves]
    shrink = min(1.0, _BUSY * span / 2 / max(*busy, 1.0))
    placed = []
    for half, events in enumerate(halves):
        placed += _place(events, half * span / 2, span / 2, shrink, mission.step, rng)
    return sorted(placed, key=lambda event: event.start)


def _kinds_on(mission, channels):
    """Kinds of event that disturb some of the channels, with those they disturb."""
    wanted = set(channels)
    cut = [
        replace(kind, channels=tuple(n for n in kind.channels if n in wanted))
        for kind in list_kinds(mission)
    ]
    return [kind for kind in cut if kind.channels]


def _draw_each(kinds, count, mission, rng):
    """Draw events one by one, as common as published, for either half in turn."""
    weights = np.array([max(kind.count, 1) for kind in kinds], dtype=float)
    first = int(rng.integers(2))
    for k in range(count):
        kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
        yield (first + k) % 2, _draw_event(kind, k, mission, rng)


def _draw_rare(kinds, count, mission, rng):
    """Draw a few kinds that recur, each in both halves."""
    weights = np.array([kind.count for kind in kinds], dtype=float)
    n_kinds = min(len(kinds), max(1, count // 3)) if count else 0
    if not n_kinds:
        return
    chosen = rng.choice(
        len(kinds), n_kinds, replace=False, p=weights / weights.sum()
    ).tolist()
    for number, which in enumerate(chosen):
        alike = _draw_event(kinds[which], which, mission, rng)
        command = mission.triggers[which % len(mission.triggers)]
        alike = replace(alike, trigger=(command, float(rng.uniform(60, 300))))
        for k in range(len(range(number, count, n_kinds))):
            stretch = 1 + 0.02 * rng.standard_normal() * (not alike.point)
            yield (number + k) % 2, replace(alike, duration=alike.duration * stretch)


def _draw_event(kind, number, mission, rng):
    """Draw length, locality and channels of an event that has no place yet."""
    total = max(kind.count, 1)
    local = rng.random() < kind.n_local / total
    point = rng.random() < kind.n_point / total
    low, high = _DURATIONS[kind.category]
    duration = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    if point:
        duration = mission.step * float(rng.integers(1, 4))
    channels = kind.channels
    if kind.univariate:
        channels = (int(rng.choice(channels)),)
    key = (CATEGORIES.index(kind.category), number)
    return Event(kind, 0.0, duration, bool(local), bool(point), channels, key)


def _place(events, begin, length, shrink, step, rng):
    """Put events in a random order, with random rests between them."""
    if not events:
        return []
    order = [events[k] for k in rng.permutation(len(events))]
    durations = np.array(
        [
            event.duration if event.point else max(event.duration * shrink, 5 * step)
            for event in order
        ]
    )
    rests = rng.dirichlet(np.ones(len(order) + 1))
    rests = 0.15 / len(rests) + 0.85 * rests
    rests *= length - durations.sum()
    starts = begin + np.cumsum(rests[:-1]) + np.cumsum(durations) - durations
    return [
        replace(event, start=float(start), duration=float(duration))
        for event, start, duration in zip(order, starts, durations, strict=True)
    ]


def plan_commands(mission, events, span, seed):
    """Plan when each telecommand is executed.

    Parameters
    ----------
    mission : Mission
    events : list of Event
    span : float
        Length of the mission, s.
    seed : int

    Returns
    -------
    dict of int to ndarray of float
        Seconds since the mission began, in order; for all telecommands.
    """
    triggered = {number: [] for number in mission.triggers}
    for event in events:
        if event.trigger:
            number, lead = event.trigger
            triggered[number].append(max(0.0, event.start - lead))
    executed = {}
    for number, priority in mission.priorities.items():
        if number in triggered:
            times = triggered[number]
        else:
            rng = np.random.default_rng((seed, COMMANDS, number))
            rate = _RESPONSES if priority == CHOSEN else mission.rate
            times = rng.uniform(0, span, rng.poisson(rate * span / DAY))
        executed[number] = np.sort(np.round(np.asarray(times, dtype=float), 3))
    return executed
