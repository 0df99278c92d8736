"""The receiving chain of one track: from signal to monitor data."""

import numpy as np

from skdsn.datasets import _dsn_physics as physics
from skdsn.datasets._dsn_vocabulary import (
    CODINGS,
    DISHES,
    ONE_WAY,
    SEARCH_SPREAD,
    TWO_WAY,
)

_LOOP_BANDWIDTH = 13.0  # dB-Hz
_IMPLEMENTATION_LOSS = 0.4  # dB
_RANGING_LOSS = 0.7  # dB that the ranging tone takes from carrier and data
_TRANSMITTER_NOISE = 1.5  # K that the uplink adds
_FRAME_BITS = 8920  # information bits of a turbo block


def receive(visit, downlink, disturbance, rng):
    """Simulate the monitor data of one track.

    Parameters
    ----------
    visit : Visit
    downlink : Downlink
    disturbance : Disturbance
    rng : numpy.random.Generator
        Consumed alike whatever the disturbance, so that two calls with the same
        seed differ only by its consequences.

    Returns
    -------
    dict of str to ndarray of shape (n_rows,)
        Quantity to values; categories are positions in their list of levels.
    """
    dish = DISHES[visit.station.diameter, downlink.band]
    bias = rng.normal(size=5)  # calibration of this chain in this pass
    noise = rng.standard_normal((10, visit.n_rows))
    fading = physics.drift(rng, visit.n_rows, 300 / visit.cadence)

    attenuation = downlink.zenith * physics.air_mass(visit.elevation) * visit.weather
    attenuation = attenuation + disturbance.attenuation
    temperature = physics.noise_temperature(
        dish.temperature + bias[0] + _TRANSMITTER_NOISE * visit.uplink, attenuation
    )
    density = physics.noise_density(temperature)
    pointing = visit.pointing + disturbance.pointing
    lossless = (
        downlink.power
        + physics.antenna_gain(dish.gain, dish.sag, visit.sky_elevation)
        - physics.free_space_loss(visit.slant_range, downlink.frequency)
    )
    expected = lossless - downlink.zenith * physics.air_mass(visit.sky_elevation)
    power = (
        lossless
        - attenuation
        - physics.pointing_loss(np.hypot(*pointing), dish.beamwidth)
        + 0.4 * bias[1]
        + 0.15 * fading
        + 0.05 * noise[0]
    )

    mode = _telemetry_mode(visit, downlink, dish, expected, rng)
    tone = _RANGING_LOSS * visit.ranging
    carrier_share = np.where(visit.carrier_only, 0.0, mode["carrier_share"]) - tone
    carrier_snr = power + carrier_share - density
    symbol_snr = power + mode["data_share"] - tone - density
    symbol_snr -= 10 * np.log10(mode["rate"]) + _IMPLEMENTATION_LOSS
    margin = symbol_snr - mode["threshold"]
    locks = _locks(visit, disturbance, mode, carrier_snr, margin, noise[1])
    carrier, symbol = locks["carrier_lock"], locks["symbol_lock"]

    # Without lock a meter shows what its bandwidth holds, and that is noise.
    floor = density + _LOOP_BANDWIDTH + 0.8 * noise[2]
    conscan = pointing + 0.03 * visit.beamwidth * noise[3:5]
    level = np.where(carrier, power + carrier_share + 0.05 * noise[5], floor)
    telemetry = {
        **_visit_columns(visit),
        "conscan_elevation": np.where(visit.tracked, conscan[0], 0.0),
        "conscan_cross_elevation": np.where(visit.tracked, conscan[1], 0.0),
        **_carrier_frequency(visit, downlink, disturbance, carrier, rng),
        "carrier_power": level + 0.2 * bias[2],
        "predicted_power": expected + carrier_share + 0.3 * bias[3],
        "carrier_snr": np.where(
            carrier, carrier_snr + 0.12 * noise[6], 4 + 1.5 * noise[6]
        ),
        "symbol_snr": np.where(
            symbol, symbol_snr + 0.1 * noise[7], mode["threshold"] - 4 + noise[7]
        ),
        "system_noise_temperature": temperature + 0.15 * noise[8] + 0.8 * bias[4],
        **{name: lock.astype(int) for name, lock in locks.items()},
        **_telemetry_columns(visit, disturbance, mode, locks, margin, noise[9]),
    }
    for quantity, start, stop in disturbance.frozen:
        telemetry[quantity][start:stop] = telemetry[quantity][start - 1]
    return telemetry


def _visit_columns(visit):
    """Collect what antenna, weather mast and predicts say."""
    return {
        "antenna_mode": visit.antenna_mode,
        "azimuth": visit.azimuth,
        "elevation": visit.elevation,
        "azimuth_error": visit.servo[0],
        "elevation_error": visit.servo[1],
        "wind_speed": visit.wind,
        "slant_range": visit.slant_range,
        "range_rate": visit.range_rate,
        "light_time": 2 * visit.slant_range / physics.SPEED_OF_LIGHT,
        "uplink_state": visit.uplink.astype(int),
        "ranging_state": visit.ranging.astype(int),
        "doppler_mode": visit.doppler_mode,
    }


def _telemetry_mode(visit, downlink, dish, expected, rng):
    """Symbol rate, code and modulation, as many as the predicted link carries.

    Some passes run one rate slower, and step up while the spacecraft is high.
    """
    coding = int(rng.choice(downlink.codings))
    other = int(rng.choice([c for c in downlink.codings if c != coding]))
    wanted = rng.uniform(2.0, 5.0)  # dB of margin
    steps = int(rng.random() < 0.4)
    first, last = np.sort(rng.uniform(0.15, 0.85, size=2))

    threshold = CODINGS[coding].threshold
    clear = downlink.zenith * physics.air_mass(visit.sky_elevation)
    density = physics.noise_density(physics.noise_temperature(dish.temperature, clear))
    room = expected - density - threshold - wanted - 1.0  # dB, of the symbol rate
    rates = np.array(downlink.rates)
    share = np.arange(visit.n_rows) / visit.n_rows
    middle = (share >= first) & (share < last)
    base = _fastest(rates, room[visit.tracked].min())
    best = _fastest(rates, room[middle & visit.tracked].min(initial=np.inf))
    low, high = max(0, base - steps), max(base, min(best, base + 1))
    level = np.where(middle & (steps > 0), high, low)
    other_level = np.where(level + 1 < len(rates), level + 1, level - 1)
    index = np.interp(level / (len(rates) - 1), (0, 1), downlink.indices)
    carrier_share, data_share = physics.modulation_split(index)
    return {
        "rate": rates[level],
        "other_rate": rates[other_level],
        "changed": np.diff(level, prepend=level[0]) != 0,
        "coding": coding,
        "other_coding": other,
        "threshold": threshold,
        "carrier_share": carrier_share,
        "data_share": data_share,
    }


def _fastest(rates, room):
    """Position of the fastest rate that the link carries, at least the slowest."""
    return max(0, np.searchsorted(10 * np.log10(rates), room, side="right") - 1)


def _locks(visit, disturbance, mode, carrier_snr, margin, jitter):
    """Carrier, subcarrier, symbol and decoder lock: each needs the one before."""
    mode_change = np.diff(visit.doppler_mode, prepend=visit.doppler_mode[0]) != 0
    loop_snr = np.where(visit.tracked, carrier_snr - _LOOP_BANDWIDTH, -30.0)
    carrier = physics.hysteresis(loop_snr + 0.4 * jitter, 7.0, 10.0)
    carrier &= ~mode_change & ~disturbance.carrier_lost
    carrier = physics.settle(carrier, visit.reaction)
    subcarrier = carrier & ~visit.carrier_only
    symbol = physics.hysteresis(margin + 0.3 * jitter, -2.5, -1.5)
    symbol &= subcarrier & ~mode["changed"] & ~disturbance.wrong_rate
    symbol = physics.settle(symbol, visit.reaction)
    decoder = physics.hysteresis(margin + 0.3 * jitter, -0.2, 0.3)
    decoder &= symbol & ~disturbance.wrong_coding
    decoder = physics.settle(decoder, visit.reaction)
    return {
        "carrier_lock": carrier,
        "subcarrier_lock": subcarrier,
        "symbol_lock": symbol,
        "decoder_lock": decoder,
    }


def _carrier_frequency(visit, downlink, disturbance, carrier, rng):
    """Predicted carrier plus residual; a searching receiver wanders widely.

    The residual is the error of the trajectory, the plasma on the way and, one-way,
    the oscillator of the spacecraft.
    """
    n_rows, scale = visit.n_rows, downlink.frequency / 8.4e9
    trajectory = np.exp(rng.normal(np.log(0.2), 0.7))
    plasma = np.exp(rng.normal(np.log(0.06), 0.6))
    phase, offset = rng.uniform(0, 2 * np.pi), 0.9 * rng.normal()
    white, search = rng.standard_normal((2, n_rows))
    wander = 0.5 * physics.drift(rng, n_rows, 7200 / visit.cadence)

    one_way = visit.doppler_mode == ONE_WAY
    error = trajectory * np.sin(visit.orbit_phase + phase)
    error = error + np.where(one_way, offset + wander, 0.0)
    spread = np.where(visit.doppler_mode == TWO_WAY, plasma, 2 * plasma)
    locked = scale * (error + spread * white) + disturbance.frequency
    residual = np.where(carrier, locked, scale * SEARCH_SPREAD * search)
    predicted = physics.received_frequency(
        downlink.frequency, visit.range_rate, np.where(one_way, 1, 2)
    )
    return {
        "carrier_frequency": predicted + residual,
        "doppler_residual": residual,
    }


def _telemetry_columns(visit, disturbance, mode, locks, margin, jitter):
    """Collect the set-up of the receiver and the frames that come out of it."""
    rate = np.where(disturbance.wrong_rate, mode["other_rate"], mode["rate"])
    rate = np.where(visit.carrier_only, 0.0, rate)
    coding = np.where(disturbance.wrong_coding, mode["other_coding"], mode["coding"])
    bits = rate * np.array([code.rate for code in CODINGS])[coding]
    sent = np.where(
        locks["decoder_lock"], np.floor(bits * visit.cadence / _FRAME_BITS), 0.0
    )
    lost = sent / (1 + np.exp(np.clip(8 * (margin - 0.3), -50, 50)))
    errors = np.clip(np.rint(lost + np.sqrt(lost) * jitter), 0, sent)
    return {
        "coding": np.where(visit.carrier_only, len(CODINGS), coding),
        "symbol_rate": rate,
        "bit_rate": bits,
        "frames_received": sent - errors,
        "frames_in_error": errors,
        "frame_counter": np.cumsum(sent - errors),
    }
