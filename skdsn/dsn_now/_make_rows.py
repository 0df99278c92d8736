"""The numbers of the simulated feed: angles, ranges, carriers, levels, rates."""

from dataclasses import dataclass

import numpy as np

from skdsn.dsn_now._make_states import (
    CODES,
    DECODED,
    HEARD,
    LOCKED,
    PLACEHOLDER,
    UNASSIGNED,
    UP_DEBUG,
)
from skdsn.dsn_now._sky import LIGHT, look
from skdsn.dsn_now._vocabulary import (
    COMPLEXES,
    DISHES,
    DOWNLINKS,
    FIRST_DOWNLINK,
    N_SPACECRAFT,
    SPACECRAFT,
)

_THIRD_OF_KNOT = 1.852 / 3  # km/h, the step of the wind
_LARGE_DISH = 6.3  # dB more than a 34 m dish
_ARRAY = 2.5  # dB
_FLOOR = -480.0  # dBm, what the estimator gives without a carrier
_COMMAND_RATES = (500.0, 1000.0, 2000.0, 16_000.0)  # bit/s
_TURNAROUND = {"S": 221 / 240, "X": 749 / 880, "K": 221 / 240, "Ka": 749 / 880}

SITE = np.array([dish[1] for dish in DISHES])
_IS_LARGE = np.array([dish[2] == "70M" for dish in DISHES])
_POWER = np.array([link.power for link in DOWNLINKS])
_FREQUENCY = 1e6 * np.array([link.frequency for link in DOWNLINKS])
_RANGE = np.array([craft.place.range for craft in SPACECRAFT])
_UPLINK_KW = np.array([craft.uplink_kw for craft in SPACECRAFT] + [0.0])
_UPLINK_MHZ = np.round(
    [link.frequency * _TURNAROUND[link.band] for link in DOWNLINKS] + [0.0]
)
UNC = CODES.index("UNC")
TX, MOD = np.array([[*text.split(" "), ""][:2] for text in UP_DEBUG]).T


@dataclass
class Targets:
    """Rows of targets, target after target; a row is a snapshot of the contact."""

    beam: np.ndarray
    snapshot: np.ndarray
    begin: np.ndarray  # first row of each target
    elevation: np.ndarray
    downleg: np.ndarray  # km
    upleg: np.ndarray  # km
    rtlt: np.ndarray  # s
    speed: np.ndarray  # km/s


def unroll(first, last):
    """Rows of each item from its first to its last snapshot: item, snapshot, begin."""
    lengths = last - first
    item = np.repeat(np.arange(len(first)), lengths)
    begin = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return item, np.arange(len(item)) - (begin - first)[item], begin


def target_rows(plan, start, interval):
    """Compute ranges and light times of all targets; NaN for codes of tests."""
    contact = plan.beam_contact
    beam, snapshot, begin = unroll(plan.first[contact], plan.last[contact])
    craft = plan.beam_craft[beam]
    real = craft < N_SPACECRAFT
    site = SITE[plan.dish[contact[beam]]]
    seconds = start + interval * snapshot
    _, elevation, downleg, speed = look(np.where(real, craft, 0), site, seconds)
    downleg = np.where(real, downleg, np.nan)
    # The uplink arrives, and left, at other distances than the downlink.
    upleg = downleg * (1 + speed / LIGHT)
    rtlt = (upleg + downleg) / LIGHT
    return Targets(beam, snapshot, begin, elevation, downleg, upleg, rtlt, speed)


def range_given(plan):
    """Flag the targets of which the feed gives a range."""
    known = np.array([craft.ranges for craft in SPACECRAFT] + [False])
    return known[np.minimum(plan.beam_craft, N_SPACECRAFT)]


def dish_rows(plan, start, interval, n_snapshots, rng):
    """Compute pointing and wind of all dishes, dish after dish."""
    contact, snapshot, _ = unroll(plan.first, plan.last)
    _, at = np.unique(plan.beam_contact, return_index=True)
    craft = plan.beam_craft[at][contact]
    dish = plan.dish[contact]
    track = plan.is_track[contact]
    # Before the signal the dish waits where the spacecraft will rise.
    aim = np.maximum(snapshot, np.minimum(plan.signal, plan.last)[contact])
    azimuth, elevation, _, _ = look(
        np.where(track, craft, 0), SITE[dish], start + interval * aim
    )
    azimuth = np.where(track, azimuth, 0.0)
    elevation = np.where(track, np.maximum(elevation, 6.0), 90.0)
    shown = snapshot >= plan.antenna[contact]
    # DSS14 has a sensor of its own.
    sensor = np.where(dish == 0, len(COMPLEXES), SITE[dish])
    wind = _wind(n_snapshots, interval, rng)[sensor, snapshot]
    return {
        "contact": contact,
        "snapshot": snapshot,
        "azimuth_deg": np.where(shown, azimuth, np.nan),
        "elevation_deg": np.where(shown, elevation, np.nan),
        "wind_speed_kmh": np.where(shown, wind, np.nan),
    }


def _wind(n_snapshots, interval, rng):
    """Wind by sensor and snapshot, km/h; it changes every five minutes."""
    every = max(1, round(300 / interval))
    n_steps = -(-n_snapshots // every)
    steps = rng.normal(size=(len(COMPLEXES) + 1, n_steps))
    steps[:, 0] *= 5
    gust = np.cumsum(steps, axis=1)
    gust -= np.linspace(0, 1, n_steps) * (gust[:, -1:] - gust[:, :1])
    third = np.round(np.abs(4 + gust))
    return np.repeat(third * _THIRD_OF_KNOT, every, axis=1)[:, :n_snapshots]


def downlink_rows(plan, down, targets, events, interval, rng):
    """Compute rate, frequency and power of all downlinks."""
    link, snapshot, begin = unroll(plan.first[down.contact], plan.last[down.contact])
    contact, state = down.contact[link], down.state
    offset = np.arange(len(link)) - begin[link]
    row = targets.begin[down.beam[link]] + offset
    carrier, source = down.downlink[link], row.copy()
    wrong = np.flatnonzero(down.event >= 0)
    heard = np.array([event["heard"] for event in events], dtype=int)
    wrong = wrong[heard[down.event[wrong]] >= 0]
    wrong_beam = heard[down.event[wrong]]
    carrier[wrong] = FIRST_DOWNLINK[plan.beam_craft[wrong_beam]]
    source[wrong] = targets.begin[wrong_beam] + offset[wrong]
    is_heard = HEARD[state]

    speed = np.nan_to_num(targets.speed[source])
    predicted = np.round(_FREQUENCY[down.downlink] / 100) * 100.0
    frequency = np.where(
        is_heard,
        _FREQUENCY[carrier] * (1 - speed / LIGHT) + rng.normal(0, 0.3, len(link)),
        predicted[link] + rng.normal(0, 1e-4, len(link)),
    )
    power = _power(plan, carrier, source, contact, targets)
    phase = rng.uniform(0, 2 * np.pi, len(down.contact))[link]
    power += rng.normal(0, 0.7, len(down.contact))[link]
    power += 0.3 * np.sin(phase + 2 * np.pi * snapshot * interval / 1800)
    power -= _loss(down, events)
    power += np.where(is_heard, rng.normal(0, 0.3, len(link)), 0)
    # Without a carrier the estimator is at its floor or, on some receivers, in noise.
    noisy = rng.random(len(down.contact)) < 0.25
    floor = np.where(noisy, -172.0, _FLOOR)[link] + rng.normal(0, 2.0, len(link))
    power = np.where(is_heard, power, floor)

    nominal = _rates(down, rng)
    rate = nominal[link] * (1 + rng.normal(0, 1e-5, len(link)))
    rate = np.where(DECODED[state], rate, 0.0)
    missing = state == UNASSIGNED
    for values in (rate, frequency, power):
        values[missing] = np.nan
    data = (state == LOCKED) & (down.code[link] != UNC)
    return {
        "link": link,
        "contact": contact,
        "snapshot": snapshot,
        "rate": rate,
        "frequency": frequency,
        "power": power,
        "signal_type": np.where(data, 2, np.where(is_heard, 1, 0)),
    }


def _power(plan, carrier, source, contact, targets):
    """Power in dBm as range, elevation and antenna have it."""
    craft = np.minimum(plan.beam_craft[targets.beam[source]], N_SPACECRAFT - 1)
    distance = np.where(np.isnan(targets.downleg[source]), 1, targets.downleg[source])
    air = 1 / np.sin(np.radians(np.maximum(targets.elevation[source], 5)))
    return (
        _POWER[carrier]
        - 20 * np.log10(distance / _RANGE[craft])
        - 0.15 * (air - 1)
        + _LARGE_DISH * _IS_LARGE[plan.dish[contact]]
        + _ARRAY * plan.is_array[contact]
    )


def _loss(down, events):
    """Loss in dB by a fading signal, deepest in the middle of its event."""
    loss = np.zeros(len(down.event))
    for number, event in enumerate(events):
        if event["kind"] == "weak_signal":
            rows = np.flatnonzero(down.event == number)
            turn = np.linspace(0, np.pi, len(rows) + 2)[1:-1]
            loss[rows] = event["loss"] * np.sin(turn)
    return loss


def _rates(down, rng):
    """Nominal rate of each downlink in bit/s."""
    pick = rng.random(len(down.contact))
    rates = [DOWNLINKS[link].rates for link in down.downlink]
    return np.array(
        [rate[int(share * len(rate))] for rate, share in zip(rates, pick, strict=True)]
    )


def uplink_rows(plan, up, rng):
    """Compute rate, frequency and power of all uplinks; placeholders have neither."""
    link, snapshot, _ = unroll(plan.first[up.contact], plan.last[up.contact])
    contact, state = up.contact[link], up.state
    craft = np.where(up.beam >= 0, plan.beam_craft[up.beam], N_SPACECRAFT)
    transmitter, modulated = TX[state], MOD[state] == "1"
    on, off = transmitter == "ON", transmitter == "OFF"
    power = np.where(
        on,
        _UPLINK_KW[craft][link] * (1 + rng.normal(0, 5e-4, len(link))),
        np.where(rng.random(len(up.contact)) < 0.5, 0.0, 1.3e-5)[link],
    )
    level = rng.choice([1.0, 1.0, 0.5, 0.25], len(up.contact))[link]
    power = np.where(on, level, 1.0) * power
    known = (on | off) & (state != PLACEHOLDER)
    # Some transmitters are tuned before their power is reported.
    early = (rng.random(len(up.contact)) < 0.2)[link]
    tuned = known | early & (MOD[state] == "0")
    rate = rng.choice(_COMMAND_RATES, len(up.contact))[link]
    return {
        "link": link,
        "contact": contact,
        "snapshot": snapshot,
        "rate": np.where(known, rate, np.nan),
        "frequency": np.where(tuned, 1e6 * _UPLINK_MHZ[up.downlink][link], np.nan),
        "power": np.where(known, power, np.nan),
        "signal_type": np.where(on & modulated, 2, np.where(on, 1, 0)),
    }
