"""The frames of one virtual channel, once each and in order of their counts."""

import reprlib
from collections import Counter
from functools import partial
from typing import NamedTuple

import numpy as np

from skdsn.ccsds._bits import as_rows

__all__ = ["FrameCopy", "FrameOrder", "OrderedFrame", "choose_policy"]

_MOST_REMEMBERED = 4096  # frames passed on, of a count that goes round later
_MOST_COPIES = 64  # kept of one frame, so that a stuck count does not fill the memory


class FrameCopy(NamedTuple):
    """One reception of a frame.

    Attributes
    ----------
    time : int
        Microseconds since 1970, or None if unknown.
    station : str or None
    data : bytes
        The whole frame.
    points : int
        Of the station, see ``station_points`` of :func:`skdsn.ccsds.extract_packets`.
    """

    time: int | None
    station: str | None
    data: bytes
    points: int


class OrderedFrame(NamedTuple):
    """A frame of the ordered stream.

    Attributes
    ----------
    copy : FrameCopy
        The one chosen.
    n_copies : int
    after_jump : bool
        Whether frames may be missing before it.
    """

    copy: FrameCopy
    n_copies: int
    after_jump: bool


class FrameOrder:
    """Tell repeats, continuations and jumps apart by the virtual channel frame count.

    A frame within `max_gap` of the one received before it, with the same count, repeats
    it, and with the next count continues it; any other is a jump. Of a repeated frame,
    `policy` chooses the copy. A count that jumps back is a copy that came late if it is
    one of the last `look_back` frames and no jump lies between, or if the bytes are
    equal to those of the frame that had this count last.

    Parameters
    ----------
    modulo : int
        Of the count.
    max_gap : float or None
        Seconds.
    look_back : int
    policy : callable
        Takes a list of FrameCopy, the first received first, and returns one.
    """

    def __init__(self, modulo, max_gap, look_back, policy):
        self.modulo = modulo
        self.max_gap = np.inf if max_gap is None else max_gap * 1e6
        self.look_back = look_back
        self.policy = policy
        self.statistics = Counter(
            dict.fromkeys(("frames", "jumps", "continuations"), 0)
            | dict.fromkeys(("repeated_same", "repeated_distinct"), 0)
        )
        self._copies = []  # of the held frame
        self._n_copies = 0
        self._after_jump = True
        self._count = self._time = self._data = None  # of the frame received last
        self._run = 0  # frames since the last jump
        self._n_passed = 0
        # Of each count the frame passed on last: its number, time, hashes of its bytes.
        self._passed = {}
        self._most_passed = min(modulo, _MOST_REMEMBERED)

    def update(self, count, copy):
        """Take the next frame received.

        Parameters
        ----------
        count : int
        copy : FrameCopy

        Returns
        -------
        OrderedFrame or None
            The frame held so far, if this one is another.
        """
        self.statistics["frames"] += 1
        if self._count is None:
            self._hold(count, copy, after_jump=True)
            return None
        step = (count - self._count) % self.modulo
        time, before = copy.time, self._time
        near = time is None or before is None or time - before < self.max_gap
        if step == 0 and near:
            self._repeat(count, copy)
            return None
        jumps = step != 1 or not near
        # The frame after a jump may be a damaged one of a pass that is received again,
        # and then what follows it are copies too.
        if (jumps or self._run == 1) and self._is_late(count, copy, jumps):
            self.statistics["late_copies"] += 1
            return None
        self.statistics["jumps" if jumps else "continuations"] += 1
        if jumps and near and step <= self.modulo // 2:
            self.statistics["frames_lost"] += step - 1
        done = self.finish()
        self._hold(count, copy, jumps)
        return done

    def finish(self):
        """Give the frame held, if any."""
        if not self._copies:
            return None
        copies, self._copies = self._copies, []
        chosen = copies[0] if len(copies) == 1 else self.policy(copies)
        if self.look_back:
            self._remember(copies)
        return OrderedFrame(chosen, self._n_copies, self._after_jump)

    def _hold(self, count, copy, after_jump):
        self._run = 1 if after_jump else self._run + 1
        self._copies, self._n_copies, self._after_jump = [copy], 1, after_jump
        self._note(count, copy)

    def _note(self, count, copy):
        self._count, self._data = count, copy.data
        if copy.time is not None:
            self._time = copy.time

    def _repeat(self, count, copy):
        same = copy.data == self._data
        self.statistics["repeated_same" if same else "repeated_distinct"] += 1
        self._copies.append(copy)
        self._n_copies += 1
        if len(self._copies) == _MOST_COPIES:
            self._copies = [self.policy(self._copies)]
        self._note(count, copy)

    def _remember(self, copies):
        # A dict keeps the order of insertion: the oldest comes first.
        self._passed.pop(self._count, None)
        if len(copies) == 1:
            hashes = (hash(copies[0].data),)
        else:
            hashes = tuple(hash(copy.data) for copy in copies)
        self._n_passed += 1
        self._passed[self._count] = (self._n_passed, self._time, hashes)
        if len(self._passed) > self._most_passed:
            del self._passed[next(iter(self._passed))]

    def _is_late(self, count, copy, jumps):
        if count not in self._passed:
            return False
        number, before, hashes = self._passed[count]
        time = copy.time
        if time is not None and before is not None and time - before >= self.max_gap:
            return False
        back = self._n_passed - number + 1  # the frame held comes before all of these
        recent = back <= self.look_back and back < self._run
        return (jumps and recent) or hash(copy.data) in hashes


def choose_policy(copies):
    """Turn the parameter `copies` into a callable over the copies of one frame."""
    if callable(copies):
        return partial(_choose_by, copies)
    try:
        return _POLICIES[copies]
    except (KeyError, TypeError):
        raise ValueError(
            f"copies must be one of {list(_POLICIES)} or a callable; got {copies!r}."
        ) from None


def _choose_by(policy, copies):
    """Choose a copy by a callable of the user's."""
    chosen = policy(list(copies))
    if not isinstance(chosen, FrameCopy) or not any(
        type(chosen.data) is bytes
        and len(chosen.data) == len(copy.data)
        and chosen.time == copy.time
        for copy in copies
    ):
        raise ValueError(
            "copies must return one of the FrameCopy it takes, or one of its time and "
            f"length with other bytes; got {reprlib.repr(chosen)}."
        )
    return chosen


def _first(copies):
    return copies[0]


def _station_count(copies):
    """Choose the copy of the station with the most points, the earlier of equals."""
    return max(copies, key=lambda copy: copy.points)


def _majority(copies):
    """Vote byte by byte among three copies or more; fewer go by their stations."""
    best = _station_count(copies)
    alike = [copy for copy in copies if len(copy.data) == len(best.data)]
    if len(alike) < 3:
        return best
    # Where votes are equal, the station with the most points decides.
    alike.sort(key=lambda copy: -copy.points)
    rows = as_rows([copy.data for copy in alike], len(best.data))
    votes = (rows[:, None] == rows[None]).sum(axis=1)  # for each byte of each copy
    chosen = votes.argmax(axis=0)
    return best._replace(data=rows[chosen, np.arange(rows.shape[1])].tobytes())


_POLICIES = {"station_count": _station_count, "majority": _majority, "first": _first}
