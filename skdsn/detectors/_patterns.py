"""Telemetry of events confirmed as nominal, and what looks like it."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from skdsn._core.neighbors import Subsequences
from skdsn._core.patterns import (
    LEAST_DISTANCE,
    compile_patterns,
    distances_to,
    explain,
    make_pool,
    usual_distance,
    whole_rows,
)
from skdsn._core.ranges import fit_range, scale_to_range
from skdsn._core.segments import prepend
from skdsn.tracks import is_categorical


@dataclass(frozen=True, eq=False)
class NominalPattern:
    """Telemetry of an event, by which its like is recognised.

    Attributes
    ----------
    track, start, end : object
        Of the event.
    severity : float
        The highest in it.
    values : float64 ndarray of shape (n_values, n_channels)
        Its rows in scaled units, those beside them, and those before that.
    severities : float64 ndarray of shape (n_rows,)
        Of its rows and those beside them.
    distances : float64 ndarray of shape (n_rows,)
        Of the subsequences that end there, to the nearest in training.
    """

    track: object
    start: object
    end: object
    severity: float
    values: np.ndarray = field(repr=False)
    severities: np.ndarray = field(repr=False)
    distances: np.ndarray = field(repr=False)

    def __str__(self):
        return name_event(*self.key)

    @property
    def key(self):
        """Track, start and end."""
        return self.track, self.start, self.end


def name_event(track, start, end):
    """Name an event in a message."""
    return f"track {track!r}, {start} to {end}"


def choose_channels(frame, channels):
    """Names of the columns by which patterns are recognised, in their order."""
    names = list(frame.columns)
    numeric = frame.columns[~is_categorical(frame)].tolist()
    chosen = numeric if channels is None else list(channels)
    unfit = [name for name in chosen if name not in numeric]
    if unfit or not chosen:
        what = "there is none"
        if unfit:
            kind = "holds text" if unfit[0] in names else "is no column of X"
            what = f"{unfit[0]!r} {kind}"
        raise ValueError(
            f"channels must name numeric columns of X, but {what}; the numeric ones "
            f"are {numeric[:10]}."
        )
    return [name for name in names if name in chosen]


class Recogniser:
    """Compare rows with patterns, given what was usual in training.

    Parameters
    ----------
    values : float64 ndarray of shape (n_rows, n_channels)
        Training rows.
    bounds : int64 ndarray of shape (n_segments + 1,)
    left_out : bool ndarray of shape (n_rows,)
        Anomalous rows.
    length : int
    """

    _compiled = None

    def __init__(self, values, bounds, left_out, *, length):
        self.length = length
        self.range = fit_range(values[~left_out])
        self.training = make_pool(self.scale(values), bounds, length, left_out)
        self.usual = usual_distance(self.training)

    def __getstate__(self):
        return {**vars(self), "_compiled": None}

    def scale(self, values):
        """Bring values of the channels to a common unit."""
        return scale_to_range(values, *self.range)

    def last_rows(self, values, bounds, before):
        """Copy the rows of each segment that the next subsequences need."""
        values, bounds, _ = prepend(values, bounds, before)
        n_rows = self.length - 1
        return [
            values[max(begin, end - n_rows) : end].copy()
            for begin, end in pairwise(bounds)
        ]

    def cut(self, key, start, stop, values, severities, bounds):
        """Copy the rows of an event, those beside it, and those before that.

        Rows next to it that are flagged, but less severe than all of its own, belong to
        it: of a fleet that looks for rarer scores, an event is shorter than the run.
        """
        segment = np.searchsorted(bounds, start, side="right") - 1
        begin, end = bounds[segment : segment + 2]
        severity = float(severities[start:stop].max())
        flank = (severities > 0) & (severities < severities[start:stop].min())
        start = start - int(np.argmin(np.append(flank[begin:start][::-1], False)))
        stop = stop + int(np.argmin(np.append(flank[stop:end], False)))
        beside = self.length // 4
        first, last = max(start - beside, begin), min(stop + beside, end)
        lead = max(first - (self.length - 1), begin)
        return NominalPattern(
            *key,
            severity=severity,
            values=values[lead:last].copy(),
            severities=severities[first:last].copy(),
            distances=np.full(last - first, np.nan),
        )

    def measure(self, pattern):
        """Find out how far a pattern is from training."""
        table, rows = self._table(pattern)
        whole = whole_rows(table.values, table.bounds, self.length)[rows]
        if not whole.any():
            raise ValueError(
                f"The event on {pattern}, holds no subsequence of length={self.length} "
                "rows without NaN, so its like could not be recognised; lower length, "
                "or name other channels."
            )
        distances = pattern.distances.copy()
        distances[whole] = distances_to(self.training, table, rows[whole])
        return replace(pattern, distances=distances)

    def explain(self, known, data, flags, severities, bounds, before, follow):
        """Tell which rows of a chunk patterns explain.

        Parameters
        ----------
        known : (list of NominalPattern, float)
            The patterns, and the tolerance.
        data : float64 ndarray of shape (n_rows, n_channels)
            Scaled.
        flags : bool ndarray of shape (n_rows,)
        severities : float64 ndarray of shape (n_rows,)
        bounds : int64 ndarray of shape (n_segments + 1,)
        before, follow : list, one item per segment
            Scaled rows and the Following that a segment continues, or None.

        Returns
        -------
        explained : bool ndarray of shape (n_rows,)
        owners : int64 ndarray of shape (n_rows,)
            Number of the pattern that a row looks like; -1 for none.
        follow : list of Following
        """
        values, borders, rows = prepend(data, bounds, before)
        table = Subsequences(values, borders, self.length)
        return self._explain(known, table, rows, flags, severities, bounds, follow)

    def refuse_like(self, known, event, negligible):
        """Refuse an anomalous event that patterns hold back."""
        patterns, _ = known
        if not patterns:
            return
        table, rows = self._table(event)
        severities = event.severities
        rest = severities > 0, severities, np.array([0, len(rows)]), [None]
        explained, owners, _ = self._explain(known, table, rows, *rest)
        counted = severities > 0
        counted &= severities >= min(negligible, severities.max())
        owners = owners[counted & (owners >= 0)]
        if explained[counted].all() and len(owners):
            raise ValueError(
                f"The event on {event}, cannot be anomalous: it looks like that on "
                f"{patterns[np.bincount(owners).argmax()]}, confirmed as nominal; "
                "delete the latter from nominal_patterns_ first, if it was not."
            )

    def _explain(self, known, table, *rest):
        limit = max(known[1] * self.usual, LEAST_DISTANCE)
        *rest, follow = rest
        return explain(
            table, *rest, self._compile(*known), self.training, limit, follow
        )

    def _compile(self, patterns, tolerance):
        # Patterns are equal only if they are the same object, which the key keeps
        # alive; a stream of small chunks would spend its time here otherwise.
        key = tolerance, *patterns
        compiled = self._compiled
        if compiled is None or compiled[0] != key:
            parts = [(of.values, of.severities, of.distances) for of in patterns]
            table = compile_patterns(parts, self.length, self.usual, tolerance)
            self._compiled = compiled = key, table
        return compiled[1]

    def _table(self, pattern):
        n_values = len(pattern.values)
        table = Subsequences(pattern.values, np.array([0, n_values]), self.length)
        return table, np.arange(n_values - len(pattern.severities), n_values)
