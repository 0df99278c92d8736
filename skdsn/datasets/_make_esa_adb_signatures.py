"""What an event does to the values of a channel."""

from dataclasses import dataclass

import numpy as np

from skdsn.datasets._make_esa_adb_kinds import GAP, INVALID, RARE
from skdsn.datasets._make_esa_adb_plan import DETAIL, SIGNATURE
from skdsn.datasets._make_esa_adb_signal import STATES, finish

_SOME_WIDTH = 0.02  # of the nominal range of a channel that never changes
_ECHO = 600.0  # s after an event, at most, that a channel is disturbed once more


@dataclass(frozen=True)
class Segment:
    """Samples ``first`` to ``last``, both included, that an event has changed."""

    event: int
    first: int
    last: int
    leaves: bool = False  # the range of the nominal values


def disturb(channel, seconds, raw, events, seed):
    """Let events change the values of a channel.

    Parameters
    ----------
    channel : Channel
    seconds : ndarray of float, shape (n_samples,)
        Since the mission began.
    raw : ndarray of shape (n_samples,)
        As :meth:`Telemetry.measure` gives them.
    events : list of Event
    seed : int

    Returns
    -------
    values : ndarray of float32 or object, shape (n_samples,)
    segments : list of Segment
        From the first to the last sample that differs from what it would be without
        the event.
    """
    planned = [
        (number, first, stop)
        for number, event in enumerate(events)
        if channel.number in event.channels and event.kind.category != GAP
        for first, stop in _intervals(event, channel, seconds, seed)
    ]
    if channel.kind == "counter":
        return _count(channel, raw, planned, seed)
    nominal = finish(channel, raw)
    changed, segments = raw.copy(), []
    calm = np.ones(len(raw), dtype=bool)
    for _, first, stop in planned:
        calm[first:stop] = False
    limits = None
    if channel.kind != "text":
        limits = float(nominal[calm].min()), float(nominal[calm].max())
    for number, first, stop in planned:
        rows = slice(first, stop)
        changed[rows] = _change(
            channel, seconds[rows], raw[rows], limits, number, events[number], seed
        )
    values = finish(channel, changed)
    for number, first, stop in planned:
        differs = first + np.flatnonzero(values[first:stop] != nominal[first:stop])
        if len(differs):
            segments.append(Segment(number, int(differs[0]), int(differs[-1])))
    return values, segments if limits is None else _measure(values, segments)


def _measure(values, segments):
    """Tell which segments leave the range of all values outside any segment."""
    calm = np.ones(len(values), dtype=bool)
    for segment in segments:
        calm[segment.first : segment.last + 1] = False
    low, high = values[calm].min(), values[calm].max()
    measured = []
    for segment in segments:
        own = values[segment.first : segment.last + 1]
        leaves = bool(own.min() < low or own.max() > high)
        measured.append(Segment(segment.event, segment.first, segment.last, leaves))
    return measured


def _intervals(event, channel, seconds, seed):
    """First sample, and the one after the last, of each part of an event."""
    rng = np.random.default_rng((seed, SIGNATURE, *event.key, channel.number, 0))
    leading = channel.number == event.channels[0]
    late, early, far = rng.uniform(0, (0.12, 0.15, 0.1)) * (not leading)
    again = rng.random() < 0.12
    if event.point:
        # A sample of each channel per step, wherever the clock of the channel is.
        parts = [(event.start, event.end)]
    else:
        start = event.start + late * event.duration
        parts = [(start, event.end - early * event.duration)]
        if again and far > 0 and event.kind.category != INVALID:
            moment = event.end + min(far * event.duration, _ECHO)
            parts.append((moment, moment + 0.99 * channel.period))
    found = []
    for begin, end in parts:
        first, stop = np.searchsorted(seconds, (begin, end)).tolist()
        if first == stop and leading:
            first = min(first, len(seconds) - 1)
            stop = first + 1
        if first < stop:
            found.append((first, stop))
    return found


def _change(channel, seconds, raw, limits, number, event, seed):
    """Values during an event."""
    detail = np.random.default_rng((seed, DETAIL, number, channel.number))
    rng = np.random.default_rng((seed, SIGNATURE, *event.key, channel.number, 1))
    if channel.kind == "text":
        return np.full(len(raw), len(STATES) - 1)
    if event.kind.category == INVALID:
        return _meaningless(raw, rng, detail)
    low, high = limits
    strength, upward, leaves = rng.uniform(1.2, 2.2), rng.random() < 0.5, rng.random()
    if event.kind.category == RARE:
        strength *= 1 + 0.02 * np.clip(detail.standard_normal(), -2, 2)
    profile = np.ones(len(raw))
    if not event.point and len(raw) > 1:
        profile = _profile(event.kind.shape, (seconds - seconds[0]) / np.ptp(seconds))
    width = max(high - low, 4 * channel.quantum)
    leading = channel.number == event.channels[0]
    if high > low and (event.local or (not leading and leaves > 0.6)):
        goal = low + width * (0.9 if upward else 0.1)
        calmed = goal + 0.2 * (raw - raw.mean())
        share = np.abs(profile)
        return np.clip((1 - share) * raw + share * calmed, low, high)
    width = width or _SOME_WIDTH
    rise = strength * width
    if high + rise > 1 if upward else low - rise < 0:
        upward = 1 - high > low
    return raw + (1 if upward else -1) * rise * profile


def _profile(shape, phase):
    """Course of an event, within -1 and 1, over a phase from 0 to 1."""
    if shape == "step":
        return np.clip(np.minimum(phase, 1 - phase) / 0.02, 0.25, 1)
    if shape == "ramp":
        return np.minimum(phase / 0.7, (1 - phase) / 0.3)
    if shape == "pulses":
        return (np.sin(8 * np.pi * phase + 0.3) > 0).astype(float)
    if shape == "wave":
        return np.sin(12 * np.pi * phase + 0.3)
    return np.exp(-3 * phase)


def _meaningless(raw, rng, detail):
    """Values of a sensor that is off, or of a broken line."""
    if rng.random() < 0.5:
        return np.full(len(raw), 0.0 if raw.mean() > 0.3 else 1.0)
    return detail.random(len(raw))


def _count(channel, raw, planned, seed):
    """Let a counter count where it would not; each count is a segment of its own."""
    raw, segments = raw.copy(), []
    for number, first, stop in planned:
        rng = np.random.default_rng((seed, DETAIL, number, channel.number))
        extra = 1 if channel.interval > 86_400 else channel.modulus // 3
        for row in np.unique(rng.integers(max(first, 1), max(stop, 2), 3)).tolist():
            raw[row:] += extra
            segments.append(Segment(number, row, row))
    return finish(channel, raw), segments
