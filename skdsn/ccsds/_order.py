"""The frames of one virtual channel, once each and in order of their counts."""

from collections import Counter, deque
from typing import NamedTuple

import numpy as np

from skdsn.ccsds._bits import as_rows

__all__ = ["FrameCopy", "FrameOrder", "OrderedFrame", "choose_policy"]

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
    `policy` chooses the copy. A count of one of the last `look_back` frames is a copy
    that came late if no jump lies between, or if the bytes are equal.

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
        self._recent = deque(
            maxlen=look_back
        )  # (count, time, data) of frames passed on

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
        if step < 2 and self._near(copy.time, self._time):
            if step == 0:
                same = copy.data == self._data
                self.statistics["repeated_same" if same else "repeated_distinct"] += 1
                self._copies.append(copy)
                self._n_copies += 1
                if len(self._copies) == _MOST_COPIES:
                    self._copies = [self.policy(self._copies)]
                self._note(count, copy)
                return None
            self.statistics["continuations"] += 1
        elif self._is_late(count, copy):
            self.statistics["late_copies"] += 1
            return None
        else:
            self.statistics["jumps"] += 1
            step = None
        done = self.finish()
        self._hold(count, copy, after_jump=step is None)
        return done

    def finish(self):
        """Give the frame held, if any."""
        if not self._copies:
            return None
        copies, self._copies = self._copies, []
        chosen = copies[0] if len(copies) == 1 else self.policy(copies)
        self._recent.append((self._count, self._time, self._data))
        return OrderedFrame(chosen, self._n_copies, self._after_jump)

    def _hold(self, count, copy, after_jump):
        self._run = 1 if after_jump else self._run + 1
        self._copies, self._n_copies, self._after_jump = [copy], 1, after_jump
        self._note(count, copy)

    def _note(self, count, copy):
        self._count, self._data = count, copy.data
        if copy.time is not None:
            self._time = copy.time

    def _near(self, time, before):
        unknown = time is None or before is None
        return unknown or time - before < self.max_gap

    def _is_late(self, count, copy):
        for back, (its_count, time, data) in enumerate(reversed(self._recent), start=1):
            # The frame held comes before those passed on.
            if its_count == count and self._near(copy.time, time):
                return back < self._run or data == copy.data
        return False


def choose_policy(copies):
    """Turn the parameter `copies` into a callable over the copies of one frame."""
    if callable(copies):
        return copies
    try:
        return _POLICIES[copies]
    except (KeyError, TypeError):
        raise ValueError(
            f"copies must be one of {list(_POLICIES)} or a callable; got {copies!r}."
        ) from None


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
