"""The signals of each contact, row by row: their states and the planted events."""

from dataclasses import dataclass

import numpy as np

from skdsn._core.runs import find_runs
from skdsn.dsn_now._make_states import (
    CARRIER,
    CODES,
    DOWN_KINDS,
    IDLE,
    KINDS,
    LOCKED,
    OUT,
    PLACEHOLDER,
    SEARCH,
    UNASSIGNED,
    UP_DEBUG,
    Steps,
    downlink_steps,
    uplink_steps,
)
from skdsn.dsn_now._sky import in_view
from skdsn.dsn_now._vocabulary import (
    DOWNLINKS,
    FIRST_DOWNLINK,
    N_SPACECRAFT,
    NAMES,
    SPACECRAFT,
)

_SECOND_BAND = 0.6  # share of the contacts that use it, where there is one
_SECOND_RECEIVER = 0.12
_NO_TELEMETRY = 0.05
_FAULTS_PER_HOUR = 0.12  # of lock
_TRIPS = 0.05  # per uplink
_KIND_WEIGHTS = np.array([0.3, 0.0, 0.3, 0.2, 0.2])
_KIND_WEIGHTS_SHARED = np.array([0.2, 0.4, 0.15, 0.15, 0.1])  # several in the beam


@dataclass
class Links:
    """Signals of one direction and their rows, signal after signal.

    Rows of a signal are the snapshots of its contact.
    """

    contact: np.ndarray
    beam: np.ndarray  # target, as in the plan; -1 for a placeholder
    seq: np.ndarray
    downlink: np.ndarray  # position in DOWNLINKS, of the first where it is an uplink
    code: np.ndarray  # position in CODES
    state: np.ndarray  # of each row
    event: np.ndarray  # of each row, -1 without


def make_links(plan, start, interval, faults, rngs):
    """Draw all signals and their states.

    Parameters
    ----------
    plan : Plan
    start : float
        First snapshot, in seconds since EPOCH.
    interval : float
    faults : bool
    rngs : list of Generator
        For the signals and for the events.

    Returns
    -------
    down, up : Links
    events : list of dict
        ``kind``, ``link``, ``first`` and ``last`` row of the link, ``heard`` (beam).
    """
    rng, fault_rng = rngs
    beams = [[] for _ in range(len(plan))]
    for beam, contact in enumerate(plan.beam_contact):
        beams[contact].append(beam)
    down, up, events = [], [], []
    for contact, its_beams in enumerate(beams):
        # Spawned, so that faults do not move what other contacts draw.
        draw = Steps(rng.spawn(1)[0], interval)
        fault_draw = Steps(fault_rng.spawn(1)[0], interval)
        signals = _downlinks(plan, contact, its_beams, start, draw)
        for signal in signals:
            if faults and plan.is_track[contact]:
                shared = [beam for beam in its_beams if beam != signal["beam"]]
                _plant(signal, shared, len(down), plan, events, fault_draw)
            down.append(signal)
        if plan.is_track[contact]:
            signal = _uplink(plan, contact, its_beams, draw)
            if faults:
                _trip(signal, len(up), events, fault_draw)
            up.append(signal)
    return _as_links(down), _as_links(up), events


def _downlinks(plan, contact, beams, start, draw):
    """Draw the downlinks of a contact with their states."""
    rng = draw.rng
    first, n_rows = plan.first[contact], plan.last[contact] - plan.first[contact]
    receiver = plan.receiver[contact] - first
    signals = []
    for beam in beams:
        craft = plan.beam_craft[beam]
        if craft >= N_SPACECRAFT:
            if NAMES[craft] == "TEST":
                steps = [(UNASSIGNED, receiver), (IDLE, n_rows - receiver)]
                signals.append(_signal(contact, beam, 0, len(DOWNLINKS) - 1, 3, steps))
            continue
        links = range(FIRST_DOWNLINK[craft], FIRST_DOWNLINK[craft + 1])
        if len(links) > 1:
            links = links if rng.random() < _SECOND_BAND else links[:1]
        elif rng.random() < _SECOND_RECEIVER:
            links = [links[0], links[0]]
        seconds = start + draw.interval * np.arange(first, plan.last[contact])
        windows = _windows(plan, contact, craft, seconds, draw)
        code = CODES.index(SPACECRAFT[craft].code)
        for seq, link in enumerate(links):
            bare = plan.is_ddor[contact] or rng.random() < (
                0.5 if seq and link == links[0] else _NO_TELEMETRY
            )
            steps = downlink_steps(draw, CODES[code], windows, receiver, n_rows, bare)
            signals.append(_signal(contact, beam, seq, link, code, steps))
    return signals


def _windows(plan, contact, craft, seconds, draw):
    """Find the rows of a contact between which the signal is there."""
    rows = np.arange(len(seconds))
    there = rows >= plan.signal[contact] - plan.first[contact]
    there &= rows < len(rows) - draw.draw(60, 400)
    there &= in_view(craft, seconds)
    return list(zip(*find_runs(there, np.array([0, len(rows)])), strict=True))


def _signal(contact, beam, seq, downlink, code, steps):
    """Make a signal of the states of its rows."""
    state = np.repeat([step[0] for step in steps], [step[1] for step in steps])
    return {
        "contact": contact,
        "beam": beam,
        "seq": seq,
        "downlink": downlink,
        "code": code,
        "state": state.astype(np.int8),
        "event": np.full(len(state), -1),
    }


def _plant(signal, shared, link, plan, events, draw):
    """Plant events into a downlink, where it is in lock long enough."""
    state = signal["state"]
    hours = (state == LOCKED).sum() * draw.interval / 3600
    weights = _KIND_WEIGHTS_SHARED if shared else _KIND_WEIGHTS
    for _ in range(draw.rng.poisson(_FAULTS_PER_HOUR * hours * (1 + 2 * bool(shared)))):
        kind = str(draw.rng.choice(DOWN_KINDS, p=weights))
        heard = -1
        same_code = False
        if kind == "wrong_spacecraft":
            heard = int(draw.rng.choice(shared))
            other = SPACECRAFT[plan.beam_craft[heard]]
            same_code = other.code == CODES[signal["code"]]
        steps, part = draw.fault(kind, CODES[signal["code"]], same_code)
        places = _places(signal, sum(length for _, length in steps))
        if kind == "wrong_spacecraft" and draw.rng.random() < 0.5:
            # While it is acquired rather than out of a lock.
            earlier = _acquisitions(signal, sum(length for _, length in steps[1:]))
            if len(earlier):
                places, steps, part = earlier, steps[1:], slice(0, part.stop - 1)
        if not len(places):
            continue
        at = int(draw.rng.choice(places))
        lengths = [length for _, length in steps]
        edges = at + np.concatenate([[0], np.cumsum(lengths)])
        state[at : edges[-1]] = np.repeat([step[0] for step in steps], lengths)
        first, last = edges[part.start], edges[part.stop]
        signal["event"][first:last] = len(events)
        events.append(
            {
                "kind": kind,
                "link": link,
                "contact": signal["contact"],
                "first": int(first),
                "last": int(last) - 1,
                "heard": heard,
                "beam": signal["beam"],
                "loss": draw.rng.uniform(4.0, 10.0) if kind == "weak_signal" else 0.0,
            }
        )


def _free(signal, length):
    """Flag rows that begin `length` rows without an event."""
    clear = np.concatenate([[0], np.cumsum(signal["event"] < 0)])
    free = np.zeros(len(signal["state"]), dtype=bool)
    if length < len(free):
        free[: len(free) - length] = clear[length:-1] - clear[: -length - 1] == length
    return free


def _places(signal, length):
    """Find rows at which a fault fits, with lock before and after it."""
    starts, stops = find_runs(
        signal["state"] == LOCKED, np.array([0, len(signal["state"])])
    )
    places = [
        np.arange(start + 1, stop - length)
        for start, stop in zip(starts, stops, strict=True)
        if stop - length > start + 1
    ]
    places = np.concatenate(places) if places else np.empty(0, dtype=int)
    return places[_free(signal, length)[places]]


def _acquisitions(signal, length):
    """Find rows at which a hunt begins that can be longer, as a lock follows."""
    state = signal["state"]
    begins = np.flatnonzero(
        (state[1:] == OUT) & np.isin(state[:-1], [CARRIER, SEARCH, IDLE])
    )
    begins = begins[begins + 1 + length < len(state)] + 1
    begins = begins[_free(signal, length)[begins]]
    calm = np.cumsum(np.isin(state, [UNASSIGNED, IDLE, SEARCH, CARRIER]))
    ends = begins + length
    return begins[(state[ends] == LOCKED) & (calm[ends] == calm[begins])]


def _uplink(plan, contact, beams, draw):
    """Draw the uplink of a contact, or the placeholder of one."""
    n_rows = plan.last[contact] - plan.first[contact]
    craft = plan.uplink[contact]
    if craft < 0:
        return _signal(contact, -1, 0, -1, 0, [(PLACEHOLDER, n_rows)])
    beam = next(beam for beam in beams if plan.beam_craft[beam] == craft)
    blind = plan.receiver[contact] == plan.last[contact]
    first = plan.signal[contact] - plan.first[contact] + draw.draw(-600, 600)
    last = n_rows - draw.draw(120, 600)
    never = draw.rng.random() < (0.5 if blind else 0.06)
    steps = uplink_steps(draw, max(int(first), 1), last, n_rows, never)
    return _signal(contact, beam, 0, FIRST_DOWNLINK[craft], 0, steps)


def _trip(signal, link, events, draw):
    """Plant a trip of the transmitter."""
    if draw.rng.random() >= _TRIPS:
        return
    state = signal["state"]
    off, sweep = draw.draw(300, 900), draw.draw(10, 60)
    starts, stops = find_runs(
        np.char.startswith(np.array(UP_DEBUG), "ON")[state], np.array([0, len(state)])
    )
    for start, stop in zip(starts, stops, strict=True):
        calm = np.flatnonzero(np.diff(state[start:stop])) + 1
        edges = np.concatenate([[0], calm, [stop - start]]) + start
        longest = np.diff(edges).argmax()
        low, high = edges[longest] + 1, edges[longest + 1] - off - sweep - 1
        if high <= low:
            continue
        at = int(draw.rng.integers(low, high))
        ranging = UP_DEBUG[state[at]].split(" ")[2]
        state[at : at + off] = UP_DEBUG.index(f"OFF 0 {ranging}")
        state[at + off : at + off + sweep] = UP_DEBUG.index(f"ON 0 {ranging}")
        signal["event"][at : at + off] = len(events)
        events.append(
            {
                "kind": KINDS[-1],
                "link": link,
                "contact": signal["contact"],
                "first": at,
                "last": at + off - 1,
                "heard": -1,
                "beam": signal["beam"],
                "loss": 0.0,
            }
        )
        return


def _as_links(signals):
    """Put signals into arrays."""
    return Links(
        **{
            name: np.array([signal[name] for signal in signals], dtype=int)
            for name in ("contact", "beam", "seq", "downlink", "code")
        },
        **{
            name: np.concatenate([signal[name] for signal in signals] or [[]]).astype(
                int
            )
            for name in ("state", "event")
        },
    )
