"""What the channels of a mission show while all is well."""

from functools import cache

import numpy as np
from scipy.stats import norm

from skdsn.datasets._dsn_physics import drift
from skdsn.datasets._esa_vocabulary import power_variance
from skdsn.datasets._make_esa_adb_plan import DAY, GROUP, NOMINAL, TIMES

STATES = ("state_1", "state_2", "state_3", "state_4", "state_5")  # last: never nominal

# Shares of the variance: orbit, day, slow drift (all three common to a group), wander
# and white noise of a channel.
_SHARES = np.array([0.3, 0.15, 0.3, 0.15, 0.1])
_DRIFT_STEP, _DRIFT_MEMORY = 600.0, 5 * DAY  # s
_SWITCH_STEP, _SWITCH_MEMORY, _TEXT_MEMORY = 60.0, 3_600.0, 20_000.0  # s
_WANDER = 10.0  # samples
_RESPONSE = 1_200.0  # s

_DISPLACED, _MISSING = 0.01, 0.003  # shares of the samples
_HOLES, _LONGEST_HOLE = 0.3, 20  # per day, samples
_SLIP = 0.003 / DAY  # s of clock per s


class Telemetry:
    """Times and values of each channel, without any event.

    Parameters
    ----------
    mission : Mission
    span : float
        Length of the mission, s.
    commands : dict of int to ndarray of float
        Seconds at which telecommands are executed.
    seed : int
    """

    def __init__(self, mission, span, commands, seed):
        self.mission, self.span, self.seed = mission, span, seed
        self.commands = commands
        self._group = cache(self._make_group)

    def sample(self, channel):
        """Choose the times of the samples of a channel.

        Parameters
        ----------
        channel : Channel

        Returns
        -------
        ndarray of int64, shape (n_samples,)
            Milliseconds since the mission began, increasing.
        """
        rng = np.random.default_rng((self.seed, TIMES, channel.number))
        phase = self._group(channel.group)["clock"] * channel.period
        seconds = np.arange(phase, self.span - channel.period, channel.period)
        n_samples, days = len(seconds), self.span / DAY
        displaced = rng.integers(0, n_samples, rng.poisson(_DISPLACED * n_samples))
        delay = rng.uniform(0, 0.3, len(displaced)) * channel.period
        seconds = seconds - _SLIP * np.arange(n_samples) * channel.period
        seconds[displaced] += delay
        edges = np.zeros(n_samples + 1, dtype=int)
        for n_holes, longest in (
            (rng.poisson(_MISSING * n_samples), 1),
            (rng.poisson(_HOLES * days), _LONGEST_HOLE),
        ):
            begin = rng.integers(0, n_samples, n_holes)
            end = begin + rng.integers(1, longest + 1, n_holes)
            np.add.at(edges, begin, 1)
            np.add.at(edges, np.minimum(end, n_samples), -1)
        kept = np.cumsum(edges[:-1]) == 0
        milliseconds = np.round(seconds[kept] * 1000).astype(np.int64)
        return milliseconds[milliseconds >= 0]

    def measure(self, channel, seconds):
        """Give what a channel shows: numbers, codes of text, or counts.

        Parameters
        ----------
        channel : Channel
        seconds : ndarray of float, shape (n_samples,)

        Returns
        -------
        ndarray of shape (n_samples,)
            To be given to :func:`finish`.
        """
        rng = np.random.default_rng((self.seed, NOMINAL, channel.number))
        if channel.kind == "smooth":
            return self._smooth(channel, seconds, rng)
        if channel.kind == "switch":
            away = self._slow(rng, _SWITCH_MEMORY) > norm.isf(channel.share)
            away = away[(seconds / _SWITCH_STEP).astype(int)]
            return channel.level + channel.spread * away
        if channel.kind == "text":
            limits = norm.ppf(np.array([0.5, 0.75, 0.92]))
            states = np.searchsorted(limits, self._slow(rng, _TEXT_MEMORY))
            return states[(seconds / _SWITCH_STEP).astype(int)]
        if channel.kind == "counter":
            first = rng.integers(channel.modulus) if channel.interval < np.inf else 0
            n_counts = rng.poisson(self.span / channel.interval)
            counts = np.sort(rng.uniform(0, self.span, n_counts))
            return first + np.searchsorted(counts, seconds, side="right")
        return np.full(len(seconds), channel.level)

    def _slow(self, rng, memory):
        """Slow noise of unit variance on a grid."""
        n_steps = int(self.span / _SWITCH_STEP) + 2
        return drift(rng, n_steps, memory / _SWITCH_STEP)

    def _make_group(self, number):
        """Draw what the channels of a group have in common."""
        rng = np.random.default_rng((self.seed, GROUP, number))
        return {
            "clock": rng.random(),
            "orbit": rng.uniform(0, 2 * np.pi, 2),
            "day": rng.uniform(0, 2 * np.pi),
            "drift": drift(
                rng, int(self.span / _DRIFT_STEP) + 2, _DRIFT_MEMORY / _DRIFT_STEP
            ),
        }

    def _smooth(self, channel, seconds, rng):
        """Periodic with orbit and day, drifting, noisy; responding to commands."""
        late, gain = 0.15 * rng.standard_normal(2), rng.uniform(0.8, 1.6)
        weights = _SHARES * np.exp(0.3 * rng.standard_normal(len(_SHARES)))
        weights = np.sqrt(weights / weights.sum())
        parts = self._parts(self._group(channel.group), seconds, late, rng)
        shape = sum(weight * part for weight, part in zip(weights, parts, strict=True))
        shape = np.sign(shape) * np.abs(shape) ** channel.bend
        shape /= np.sqrt(power_variance(channel.bend))
        for command, responding in self.mission.responses.items():
            if responding == channel.group:
                since = _since(self.commands[command], seconds)
                shape += gain * np.exp(-since / _RESPONSE)
        return channel.level + channel.spread * shape

    def _parts(self, group, seconds, late, rng):
        """Give parts of unit variance one by one, since a long one fills memory."""
        orbit = 2 * np.pi * seconds / self.mission.orbit + group["orbit"][0] + late[0]
        wave = np.sin(orbit) + 0.35 * np.sin(2 * orbit + group["orbit"][1])
        yield wave * np.sqrt(2 / (1 + 0.35**2))
        day = 2 * np.pi * seconds / DAY + group["day"] + late[1]
        yield np.sin(day) * np.sqrt(2)
        grid = np.arange(len(group["drift"])) * _DRIFT_STEP
        yield np.interp(seconds, grid, group["drift"])
        yield drift(rng, len(seconds), _WANDER)
        yield rng.standard_normal(len(seconds))


def _since(executed, seconds):
    """Seconds since the last of some times, infinite before the first."""
    latest = np.concatenate(([-np.inf], executed))
    return seconds - latest[np.searchsorted(executed, seconds, side="right")]


def finish(channel, raw):
    """Show values as the channel does.

    Parameters
    ----------
    channel : Channel
    raw : ndarray of shape (n_samples,)
        Numbers, codes of text or counts.

    Returns
    -------
    ndarray of float32 or object, shape (n_samples,)
        Numbers are within 0 and 1.
    """
    if channel.kind == "text":
        return np.array(STATES, dtype=object)[raw]
    if channel.kind == "counter":
        return (raw % channel.modulus / (channel.modulus - 1)).astype(np.float32)
    if channel.quantum:
        raw = np.round(raw / channel.quantum) * channel.quantum
    return np.clip(raw, 0, 1).astype(np.float32)
