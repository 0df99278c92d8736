"""Which runs of flagged rows become alarms, and from which row on."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from skdsn._core.runs import find_runs


class RunState(NamedTuple):
    """What the next rows of a track have to know of its alarms.

    Attributes
    ----------
    flagged : bool
        Whether the last row was flagged, so that its run may go on.
    severity : float
        Highest severity in that run of a row that may open an alarm; -inf without one.
    raised : bool
        Whether that run is an alarm.
    begun, severities : tuple of float
        Seconds at which the latest alarms began, and how severe they became.
    """

    flagged: bool = False
    severity: float = -np.inf
    raised: bool = False
    begun: tuple = ()
    severities: tuple = ()

    def after_gap(self):
        """Forget the run; what has begun still counts."""
        return RunState(begun=self.begun, severities=self.severities)


def raise_alarms(
    flags, opens, severities, seconds, bounds, segments, states, *, most, per
):
    """Tell from which row on runs of flagged rows are alarms.

    Parameters
    ----------
    flags : bool ndarray of shape (n_rows,)
    opens : bool ndarray of shape (n_rows,)
        Flagged rows that may open an alarm; it lasts to the end of their run.
    severities, seconds : float64 ndarray of shape (n_rows,)
    bounds : int64 ndarray of shape (n_tracks + 1,)
    segments : int64 ndarray of shape (n_segments + 1,)
        The tracks, cut also at time gaps: where runs end at the latest.
    states : list of RunState or None, one per track
        What a track continues; None if it starts afresh.
    most : int or None
        Alarms of a track that may begin within `per` seconds, gaps or not; one more
        does only if it is more severe than all of them. None is no limit.
    per : float

    Returns
    -------
    raised : bool ndarray of shape (n_rows,)
        A row depends on no later one.
    states : list of RunState

    Examples
    --------
    >>> import numpy as np
    >>> flags = np.array([1, 1, 0, 1, 0, 1], dtype=bool)
    >>> severities = np.array([1.0, 3.0, 0.0, 2.0, 0.0, 4.0])
    >>> seconds, bounds = np.arange(6.0), np.array([0, 6])
    >>> raised, _ = raise_alarms(
    ...     flags, flags, severities, seconds, bounds, bounds, [None], most=1, per=60
    ... )
    >>> raised.astype(int)
    array([1, 1, 0, 0, 0, 1])
    """
    raised, after = np.zeros(len(flags), dtype=bool), []
    runs = np.column_stack(find_runs(flags, segments))
    cuts = np.searchsorted(runs[:, 0], bounds)
    worth = np.where(opens, severities, -np.inf)
    for number, (begin, end) in enumerate(pairwise(bounds.tolist())):
        state = states[number] or RunState()
        begun, reached = list(state.begun), list(state.severities)
        worst, alarm = -np.inf, False
        for start, stop in runs[cuts[number] : cuts[number + 1]].tolist():
            worst, alarm = -np.inf, False
            if start == begin and state.flagged:
                worst, alarm = state.severity, state.raised
            so_far = np.fmax(np.maximum.accumulate(worth[start:stop]), worst)
            worst, row = float(so_far[-1]), start
            if alarm:
                reached[-1] = worst
            else:
                may = so_far > -np.inf
                if most is not None:
                    when = seconds[start:stop] - per
                    may &= _within_budget(so_far, when, begun, reached, most)
                alarm, row = bool(may.any()), start + int(may.argmax())
                if alarm:
                    begun.append(float(seconds[row]))
                    reached.append(worst)
            raised[row:stop] = alarm
        old = len(begun) - 1  # the last one may go on
        if most is not None:
            old = min(old, np.searchsorted(begun, seconds[end - 1] - per, side="right"))
        latest = tuple(begun[max(old, 0) :]), tuple(reached[max(old, 0) :])
        if flags[end - 1]:
            after.append(RunState(True, worst, alarm, *latest))
        else:
            after.append(RunState(False, -np.inf, False, *latest))
    return raised, after


def _within_budget(so_far, since, begun, reached, most):
    """Tell which rows may begin an alarm, given those that began after a time."""
    first = np.searchsorted(begun, since, side="right")
    highest = np.maximum.accumulate([-np.inf, *reached[::-1]])[::-1]
    return (len(begun) - first < most) | (so_far > highest[first])


def least_severity(severities, seconds, owners, *, most, per):
    """Find the least severity to ask for, so that few enough alarms are left.

    Parameters
    ----------
    severities, seconds : float64 ndarray of shape (n_alarms,)
        How severe the alarms were, and when they began.
    owners : int ndarray of shape (n_alarms,)
        Track of each; alarms are sorted by track and time.
    most : int or None
        Alarms of a track that may begin within `per` seconds; None is none at all.
    per : float

    Returns
    -------
    float
        0 if no alarm has to go.

    Examples
    --------
    >>> import numpy as np
    >>> severities, seconds = np.array([2.0, 5.0, 3.0]), np.array([0.0, 30.0, 90.0])
    >>> owners = np.zeros(3, dtype=int)
    >>> found = least_severity(severities, seconds, owners, most=1, per=60)
    >>> bool(2 < found < 2.001)
    True
    """

    def suffices(severity):
        left = severities >= severity
        if most is None:
            return not left.any()
        begun, owner = seconds[left], owners[left]
        same = owner[most:] == owner[: len(owner) - most]
        return not (same & (begun[most:] - begun[: len(begun) - most] < per)).any()

    candidates = np.append(0.0, np.nextafter(np.unique(severities), np.inf))
    low, high = 0, len(candidates) - 1  # the highest one leaves no alarm
    while low < high:
        middle = (low + high) // 2
        if suffices(candidates[middle]):
            high = middle
        else:
            low = middle + 1
    return float(candidates[low])
