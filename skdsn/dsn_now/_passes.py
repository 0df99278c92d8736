"""Which dish is on which spacecraft, and when: the plan of the simulated network."""

from dataclasses import dataclass

import numpy as np

from skdsn.dsn_now._sky import look
from skdsn.dsn_now._vocabulary import (
    COMPLEXES,
    DISHES,
    N_SPACECRAFT,
    SPACECRAFT,
    TESTS,
)

HOUR = 3600.0
_STEP = 300.0  # s, of the plan
_HORIZON = 10.0  # deg
_LEAD = 8 * HOUR  # the plan begins before the feed, so that passes are under way
_SAME_TIME = 0.75 * HOUR  # dishes free within this time can work together
_FAINT = -140.0  # dBm; fainter ones are arrayed
_MAINTENANCE = 0.09  # share of the contacts
_BLIND = 0.115  # share of the contacts without monitor data of antenna and receivers
_DEAF = 0.065  # share of those without that of the receivers only


@dataclass
class Plan:
    """Contacts, one row each, ordered by dish and time, and what is in their beams.

    A dish is always in a contact: one ends where the next begins.
    """

    dish: np.ndarray  # position in DISHES
    created: np.ndarray  # s since the first snapshot
    first: np.ndarray  # snapshot
    last: np.ndarray  # snapshot after the contact
    antenna: np.ndarray  # snapshot from which angles are reported
    receiver: np.ndarray  # snapshot from which receivers are assigned
    signal: np.ndarray  # snapshot from which the signal is there
    is_track: np.ndarray
    is_array: np.ndarray
    is_ddor: np.ndarray
    activity: np.ndarray  # position in ACTIVITIES
    uplink: np.ndarray  # position in NAMES, -1 without
    beam_contact: np.ndarray  # contact of a target
    beam_craft: np.ndarray  # position in NAMES of a target

    def __len__(self):
        return len(self.dish)


def plan_passes(start, n_snapshots, interval, n_dishes, rng):
    """Plan all contacts.

    Parameters
    ----------
    start : float
        First snapshot, in seconds since EPOCH.
    n_snapshots, n_dishes : int
    interval : float
        Seconds.
    rng : numpy.random.Generator

    Returns
    -------
    Plan
    """
    duration = n_snapshots * interval
    left = _time_left(start - _LEAD, duration + _LEAD)
    contacts = _contacts(left, duration, n_dishes, rng)
    contacts.sort(key=lambda contact: (contact["dish"], contact["start"]))
    return _as_plan(contacts, n_snapshots, interval)


def _time_left(start, duration):
    """Seconds until each spacecraft sets, of shape (complexes, spacecraft, steps)."""
    n_steps = int(duration / _STEP) + int(12 * HOUR / _STEP)
    seconds = start + _STEP * np.arange(n_steps)
    site, craft, seconds = np.ix_(range(len(COMPLEXES)), range(N_SPACECRAFT), seconds)
    _, elevation, _, _ = look(craft, site, seconds)
    steps = np.arange(n_steps)
    sets = np.where(elevation > _HORIZON, n_steps, steps)
    sets = np.minimum.accumulate(sets[..., ::-1], axis=-1)[..., ::-1]
    return (sets - steps) * _STEP


def _contacts(left, duration, n_dishes, rng):
    """List contacts as dicts; dishes are served in the order in which they are free."""
    free = rng.uniform(-_LEAD, -1.0, size=n_dishes)
    on = np.full(n_dishes, -1)
    sites = np.array([dish[1] for dish in DISHES[:n_dishes]])
    contacts = []
    while free.min() < duration:
        dish = int(free.argmin())
        lead = HOUR * rng.uniform(0.3, 0.9)
        craft = _choose(left, on, dish, free[dish] + lead, rng)
        if craft is None:
            contact = _maintenance(dish, free[dish], rng)
        else:
            contact = _track(left, craft, dish, free[dish], lead, rng)
        contacts.append(contact)
        partner = _partner(contact, left, free, sites, rng)
        if partner is not None:
            twin = {**contact, "dish": partner, "start": free[partner]}
            twin["uplink"] = -1
            twin["signal"] = max(contact["signal"], free[partner] + 300)
            contacts.append(twin)
            on[partner] = craft
            free[partner] = twin["end"]
        on[dish] = -1 if craft is None else craft
        free[dish] = contact["end"]
    return contacts


def _choose(left, on, dish, time, rng):
    """Choose a spacecraft that stays up for an hour, None for maintenance."""
    if rng.random() < _MAINTENANCE:
        return None
    _, site, kind = DISHES[dish]
    weight = np.array([craft.demand for craft in SPACECRAFT])
    faint = np.array([c.downlinks[0].power < _FAINT for c in SPACECRAFT])
    if kind == "70M":
        weight = np.where(faint, 3 * weight, 0.3 * weight)
    weight[on[on >= 0]] *= 0.1
    weight[left[site, :, _step(time)] < HOUR] = 0
    if not weight.any():
        return None
    return int(rng.choice(N_SPACECRAFT, p=weight / weight.sum()))


def _step(time):
    """Step of the plan at a time."""
    return int((time + _LEAD) / _STEP)


def _track(left, craft, dish, start, lead, rng):
    """Plan a track of a spacecraft and of its neighbours in the beam."""
    site = DISHES[dish][1]
    is_ddor = rng.random() < 0.05
    length = HOUR * (1.0 if is_ddor else rng.uniform(2.0, 8.0))
    signal = start + lead
    end = signal + min(length, left[site, craft, _step(signal)])
    chosen = SPACECRAFT[craft]
    beam = [craft]
    neighbours = [
        other
        for other in range(N_SPACECRAFT)
        if other != craft and chosen.beam and SPACECRAFT[other].beam == chosen.beam
    ]
    if neighbours and not is_ddor:
        extra = rng.choice(4, p=[0.35, 0.3, 0.25, 0.1])
        beam += [int(other) for other in rng.permutation(neighbours)[:extra]]
    luck = rng.random()
    blind, deaf = luck < _BLIND, luck < _BLIND + _DEAF
    antenna, receiver = np.sort(rng.uniform(0.2, 1.0, size=2))
    without = is_ddor or rng.random() < chosen.receive_only
    return {
        "dish": dish,
        "start": start,
        "end": end,
        "antenna": end if blind else start + antenna * lead,
        "receiver": end if deaf else start + receiver * lead,
        "signal": signal,
        "is_track": True,
        "is_array": False,
        "is_ddor": is_ddor,
        "activity": 0,
        "uplink": -1 if without else craft,
        "beam": beam,
    }


def _maintenance(dish, start, rng):
    """Plan a time without a spacecraft."""
    test = int(rng.choice(len(TESTS), p=[0.3, 0.3, 0.15, 0.08, 0.08, 0.05, 0.04]))
    end = start + HOUR * rng.uniform(1.0, 4.0)
    known = rng.random() < 0.5
    return {
        "dish": dish,
        "start": start,
        "end": end,
        "antenna": start if known else end,
        "receiver": start if known else end,
        "signal": end,
        "is_track": False,
        "is_array": False,
        "is_ddor": False,
        "activity": int(rng.integers(1, 4)) if test < 3 else 4,
        "uplink": -1,
        "beam": [N_SPACECRAFT + test],
    }


def _partner(contact, left, free, sites, rng):
    """Find a dish to array with, or for delta-DOR; None without."""
    if not contact["is_track"]:
        return None
    craft, dish = contact["beam"][0], contact["dish"]
    up = left[:, craft, _step(contact["signal"])] >= contact["end"] - contact["signal"]
    near = np.abs(free - contact["start"]) < _SAME_TIME
    near[dish] = False
    if contact["is_ddor"]:
        near &= (sites != sites[dish]) & up[sites]
    else:
        faint = SPACECRAFT[craft].downlinks[0].power < _FAINT
        near &= (sites == sites[dish]) & faint & (rng.random() < 0.5)
    if not near.any():
        contact["is_ddor"] = False
        return None
    contact["is_array"] = not contact["is_ddor"]
    return int(np.flatnonzero(near)[0])


def _as_plan(contacts, n_snapshots, interval):
    """Turn contacts into arrays, cut to the snapshots."""
    columns = {
        name: np.array([contact[name] for contact in contacts])
        for name in contacts[0]
        if name != "beam"
    }
    marks = {
        name: np.clip(np.ceil(columns[name] / interval), 0, n_snapshots).astype(int)
        for name in ("start", "end", "antenna", "receiver", "signal")
    }
    kept = np.flatnonzero(marks["end"] > marks["start"])
    beams = [contacts[contact]["beam"] for contact in kept]
    first, last = marks["start"][kept], marks["end"][kept]
    return Plan(
        created=columns["start"][kept],
        first=first,
        last=last,
        **{
            name: np.clip(marks[name][kept], first, last)
            for name in ("antenna", "receiver", "signal")
        },
        **{
            name: columns[name][kept]
            for name in ("dish", "is_track", "is_array", "is_ddor", "activity")
        },
        uplink=columns["uplink"][kept],
        beam_contact=np.repeat(np.arange(len(kept)), [len(beam) for beam in beams]),
        beam_craft=np.concatenate(beams).astype(int),
    )
