"""The states that simulated signals pass through, as steps in time.

A step is (state, number of snapshots). Every state lasts one snapshot at least, so the
order of states is the same at any interval.
"""

import numpy as np

# State of a downlink: debug string of a turbo code, of another code, carrier.
UNASSIGNED, IDLE, CARRIER, SEARCH, OUT, WAIT_LOST, WAIT, SYNC, LOCKED, STALE = range(10)
_TURBO = (
    "  -1 ",
    "IDLE OFF 0 TURBO",
    "IDLE OFF 1 TURBO",
    "OUT OF LOCK OUT OF LOCK 0 TURBO",
    "OUT OF LOCK OUT OF LOCK 1 TURBO",
    "OUT OF LOCK WAIT FOR LOCK 0 TURBO",
    "OUT OF LOCK WAIT FOR LOCK 1 TURBO",
    "OUT OF LOCK IN LOCK 1 TURBO",
    "IN LOCK IN LOCK 1 TURBO",
    "IN LOCK IN LOCK 0 TURBO",
)
_PLAIN = (
    "  -1 ",
    "IDLE OFF 0 {}",
    "IDLE OFF 1 {}",
    "OUT OF LOCK OFF 0 {}",
    "OUT OF LOCK OFF 1 {}",
    "",
    "",
    "",
    "IN LOCK OFF 1 {}",
    "IN LOCK OFF 0 {}",
)
CODES = ("MCD2", "MCD3", "TURBO", "UNC")
DOWN_DEBUG = np.array(
    [
        _TURBO if code == "TURBO" else [text.format(code) for text in _PLAIN]
        for code in CODES
    ]
)
HEARD = np.isin(np.arange(10), [CARRIER, OUT, WAIT, SYNC, LOCKED])  # carrier is 1
DECODED = np.isin(np.arange(10), [LOCKED, STALE])

# Which state may follow which, besides itself.
FOLLOWERS = {
    UNASSIGNED: {IDLE, CARRIER, SEARCH},
    IDLE: {CARRIER, SEARCH, OUT},
    CARRIER: {OUT, SEARCH, IDLE},
    SEARCH: {OUT, IDLE, CARRIER, WAIT_LOST},
    OUT: {WAIT, LOCKED, SEARCH, IDLE},
    WAIT_LOST: {WAIT},
    WAIT: {SYNC, OUT, SEARCH},
    SYNC: {LOCKED, SEARCH},
    LOCKED: {STALE, OUT, SEARCH, IDLE},
    STALE: {SEARCH, IDLE, CARRIER, LOCKED},
}

# State of an uplink: its debug string.
UP_DEBUG = (
    "  ",
    "  IDLE",
    "  TRK",
    " 0 ",
    " 0 IDLE",
    " 0 TRK",
    "OFF 0 ",
    "OFF 0 IDLE",
    "OFF 0 TRK",
    "OFF 1 ",
    "OFF 1 IDLE",
    "OFF 1 TRK",
    "ON 0 ",
    "ON 0 IDLE",
    "ON 0 CAL",
    "ON 0 TRK",
    "ON 1 ",
    "ON 1 IDLE",
    "ON 1 CAL",
    "ON 1 TRK",
    "none",
)
PLACEHOLDER = UP_DEBUG.index("none")

DOWN_KINDS = (
    "drop_lock",
    "wrong_spacecraft",
    "weak_signal",
    "decoder_trouble",
    "stale_lock",
)
KINDS = (*DOWN_KINDS, "transmitter_trip")


class Steps:
    """Draws steps; durations in seconds become snapshots."""

    def __init__(self, rng, interval):
        self.rng = rng
        self.interval = interval

    def draw(self, low, high):
        """Draw a duration in snapshots, one at least."""
        return max(1, round(self.rng.uniform(low, high) / self.interval))

    def acquire(self, code):
        """Give the steps from the carrier to just before lock."""
        steps = []
        if code != "UNC" and self.rng.random() < 0.25:
            steps.append((SEARCH, self.draw(10, 90)))
            if code == "TURBO" and self.rng.random() < 0.4:
                steps.append((WAIT_LOST, 1))
                return [*steps, *self.synchronise()]
        else:
            steps.append((CARRIER, self.draw(10, 120)))
        return [*steps, *self.decode(code)]

    def decode(self, code):
        """Give the steps of a decoder that hunts for its code."""
        steps = [(OUT, self.draw(10, 60))]
        return steps + self.synchronise() if code == "TURBO" else steps

    def synchronise(self):
        """Give the steps of the second stage of a turbo decoder."""
        return [(WAIT, self.draw(10, 60)), (SYNC, self.draw(5, 15))]

    def search(self, code, low, high):
        """Give steps without a carrier; uncoded channels are idle then."""
        return [(IDLE if code == "UNC" else SEARCH, self.draw(low, high))]

    def lose(self, code):
        """Give the steps after the end of a signal."""
        steps = []
        if self.rng.random() < 0.6:
            steps.append((STALE, self.draw(5, 20)))
        if self.rng.random() < 0.6:
            steps += self.search(code, 10, 120)
        return steps

    def fault(self, kind, code, same_code):
        """Give the steps of a fault within a lock, and which of them are the event."""
        if kind == "drop_lock":
            steps = [(STALE, self.draw(5, 15)), *self.search(code, 20, 150)]
            steps += self.decode(code)
            return steps, slice(0, len(steps))
        if kind == "wrong_spacecraft":
            wrong = [(OUT, self.draw(120, 900))]
            if same_code:
                wrong += self.synchronise() if code == "TURBO" else []
                wrong.append((LOCKED, self.draw(60, 600)))
            before = self.search(code, 10, 40)
            after = self.search(code, 20, 90) + self.decode(code)
            return [*before, *wrong, *after], slice(1, 1 + len(wrong))
        if kind == "weak_signal":
            steps = []
            for _ in range(self.rng.integers(3, 8)):
                steps += [*self.decode(code), (LOCKED, self.draw(60, 300))]
            return steps, slice(0, len(steps))
        if kind == "decoder_trouble":
            steps = []
            for _ in range(self.rng.integers(1, 5)):
                steps.append((OUT, self.draw(120, 300)))
                if code == "TURBO":
                    steps.append((WAIT, self.draw(10, 60)))
            if code == "TURBO":
                steps.append((SYNC, self.draw(5, 15)))
            return steps, slice(0, len(steps))
        return [(STALE, self.draw(60, 300))], slice(0, 1)


def downlink_steps(draw, code, windows, receiver, n_rows, carrier_only):
    """Draw the steps of a downlink over its contact.

    Parameters
    ----------
    draw : Steps
    code : str
    windows : list of (int, int)
        Snapshots, from the first of the contact, in which the signal is there.
    receiver : int
        Snapshot from which a receiver is assigned.
    n_rows : int
        Snapshots of the contact.
    carrier_only : bool
        No telemetry is decoded.
    """
    steps, now = [(UNASSIGNED, receiver)], receiver
    for first, last in windows:
        if last <= max(first, now):
            continue
        if first > now:
            steps.append((IDLE, first - now))
            now = first
        got = [(CARRIER, last - now)] if carrier_only else draw.acquire(code)
        spent = sum(length for _, length in got)
        if spent >= last - now:  # it sets before lock
            got, spent = [(CARRIER, last - now)], last - now
        steps += got
        now += spent
        if now < last and not carrier_only:
            steps.append((LOCKED, last - now))
            now = last
            got = draw.lose(code)
            steps += got
            now += sum(length for _, length in got)
    steps.append((IDLE, n_rows - now))
    return _cut(steps, n_rows)


def _cut(steps, n_rows):
    """Cut steps to the rows of the contact."""
    kept, now = [], 0
    for state, length in steps:
        length = min(length, n_rows - now)
        if length > 0:
            kept.append((state, length))
            now += length
    return kept


def uplink_steps(draw, first, last, n_rows, never):
    """Draw the steps of an uplink that radiates between two snapshots."""
    rng = draw.rng
    ranging = rng.random() < 0.55
    before = rng.choice(["  IDLE", "  TRK", " 0 IDLE", " 0 TRK"]) if ranging else " 0 "
    before = before if rng.random() < 0.6 else "  "
    if never or last <= first:
        return _cut([(UP_DEBUG.index(before), n_rows)], n_rows)
    rest = "IDLE" if ranging else ""
    off = f"OFF {int(rng.random() < 0.1)} {rest}"
    waiting = min(first, draw.draw(300, 2700))
    steps = [(before, waiting), (off, first - waiting)]
    sweep = [(f"ON 0 {rest}", draw.draw(20, 90))]
    if ranging:
        sweep.append((rng.choice(["ON 0 CAL", "ON 1 CAL"]), draw.draw(30, 120)))
    track = "TRK" if ranging else ""
    command = rng.random() < 0.85
    if command and rng.random() < 0.5:
        sweep.append((f"ON 0 {track}", draw.draw(20, 200)))
    left = last - first - sum(length for _, length in sweep)
    steps += sweep
    if ranging and rng.random() < 0.4:
        pause = max(left // 4, 0)
        steps += [
            (f"ON {int(command)} TRK", left - pause),
            (f"ON {int(command)} IDLE", pause),
        ]
    else:
        steps.append((f"ON {int(command)} {track}", left))
    if rng.random() < 0.4:
        steps.append((f"OFF 1 {track}", draw.draw(5, 60)))
    if rng.random() < 0.6:
        steps.append((f"OFF 0 {track}", draw.draw(30, 300)))
    steps.append((f"OFF 0 {rest}", n_rows))
    return _cut([(UP_DEBUG.index(text), length) for text, length in steps], n_rows)
