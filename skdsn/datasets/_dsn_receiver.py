"""The receiving chain of one track: from signal to monitor data."""

import numpy as np

from skdsn.datasets import _dsn_physics as physics
from skdsn.datasets._dsn_vocabulary import CODINGS, DISHES, TWO_WAY

_LOOP_BANDWIDTH = 13.0  # dB-Hz
_FRAME_BITS = 8920  # information bits, turbo block


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

    clear = downlink.zenith * physics.air_mass(visit.elevation)
    attenuation = clear * visit.weather + disturbance.attenuation
    temperature = physics.noise_temperature(
        dish.temperature + 1.0 * bias[0] + 1.5 * visit.uplink, attenuation
    )
    density = physics.noise_density(temperature)

    lossless = (
        downlink.power
        + physics.antenna_gain(dish.gain, dish.sag, visit.sky_elevation)
        - physics.free_space_loss(visit.slant_range, downlink.frequency)
    )
    expected = lossless - downlink.zenith * physics.air_mass(visit.sky_elevation)
    pointing = visit.pointing + disturbance.pointing
    offset = np.hypot(*pointing)
    power = (
        lossless
        - attenuation
        - physics.pointing_loss(offset, dish.beamwidth)
        + 0.4 * bias[1]
        + 0.15 * fading
        + 0.05 * noise[0]
    )

    mode = _telemetry_mode(visit, downlink, dish, expected, rng)
    tone = 0.7 * visit.ranging  # dB that the ranging tone takes
    carrier_share = np.where(visit.carrier_only, 0.0, mode["carrier_share"]) - tone
    carrier_snr = power + carrier_share - density
    symbol_snr = (
        power + mode["data_share"] - tone - density - 10 * np.log10(mode["rate"]) - 0.4
    )
    margin = symbol_snr - mode["threshold"]
    locks = _locks(visit, disturbance, mode, carrier_snr, margin, noise[1])
    carrier, _, symbol, decoder = locks

    residual = _doppler_residual(visit, downlink, disturbance, rng)
    sweep = 100 * downlink.frequency / 8.4e9 * noise[2]
    residual = np.where(carrier, residual, sweep)
    legs = np.where(visit.doppler_mode == 0, 1, 2)
    predicted_frequency = physics.received_frequency(
        downlink.frequency, visit.range_rate, legs
    )

    floor = physics.noise_density(temperature) + _LOOP_BANDWIDTH
    wrong = disturbance.wrong_rate
    configured = np.where(wrong, mode["other_rate"], mode["rate"])
    configured = np.where(visit.carrier_only, 0.0, configured)
    coding = np.where(
        disturbance.wrong_coding, mode["other_coding"], mode["coding"]
    ).astype(int)
    bits = configured * np.array([c.rate for c in CODINGS])[coding]
    received, errors = _frames(visit, bits, decoder, margin, noise[3])
    conscan = pointing + 0.03 * visit.beamwidth * noise[4:6]
    conscan = np.where(visit.tracked, conscan, 0.0)
    telemetry = {
        "antenna_mode": visit.antenna_mode,
        "azimuth": visit.azimuth,
        "elevation": visit.elevation,
        "azimuth_error": visit.servo[0],
        "elevation_error": visit.servo[1],
        "conscan_elevation": conscan[0],
        "conscan_cross_elevation": conscan[1],
        "wind_speed": visit.wind,
        "slant_range": visit.slant_range,
        "range_rate": visit.range_rate,
        "light_time": 2 * visit.slant_range / physics.SPEED_OF_LIGHT,
        "uplink_state": visit.uplink.astype(int),
        "ranging_state": visit.ranging.astype(int),
        "doppler_mode": visit.doppler_mode,
        "carrier_frequency": predicted_frequency + residual,
        "doppler_residual": residual,
        "carrier_power": np.where(
            carrier, power + carrier_share + 0.05 * noise[6], floor + 0.8 * noise[6]
        )
        + 0.2 * bias[2],
        "predicted_power": expected + carrier_share + 0.3 * bias[3],
        "carrier_snr": np.where(
            carrier, carrier_snr + 0.12 * noise[7], 4 + 1.5 * noise[7]
        ),
        "symbol_snr": np.where(
            symbol & ~wrong,
            symbol_snr + 0.1 * noise[8],
            mode["threshold"] - 4 + noise[8],
        ),
        "system_noise_temperature": temperature + 0.15 * noise[9] + 0.8 * bias[4],
        "carrier_lock": carrier.astype(int),
        "subcarrier_lock": locks[1].astype(int),
        "symbol_lock": symbol.astype(int),
        "decoder_lock": decoder.astype(int),
        "coding": np.where(visit.carrier_only, len(CODINGS), coding),
        "symbol_rate": configured,
        "bit_rate": bits,
        "frames_received": received,
        "frames_in_error": errors,
        "frame_counter": np.cumsum(received),
    }
    for quantity, start, stop in disturbance.frozen:
        telemetry[quantity][start:stop] = telemetry[quantity][start - 1]
    return telemetry


def _telemetry_mode(visit, downlink, dish, expected, rng):
    """Symbol rate, code and modulation; some passes step up while the link is best."""
    coding = int(rng.choice(downlink.codings))
    other = int(rng.choice([c for c in downlink.codings if c != coding]))
    wanted = rng.uniform(2.0, 5.0)  # dB of margin
    steps, first, last = int(rng.random() < 0.4), *np.sort(rng.uniform(0.15, 0.85, 2))
    threshold = CODINGS[coding].threshold
    density = physics.noise_density(
        physics.noise_temperature(
            dish.temperature,
            downlink.zenith * physics.air_mass(visit.sky_elevation),
        )
    )
    room = expected - density - threshold - wanted - 1.0
    rates = np.array(downlink.rates)
    share = np.arange(visit.n_rows) / visit.n_rows
    middle = (share >= first) & (share < last)
    base = _fastest(rates, room[visit.tracked].min())
    best = _fastest(rates, room[middle & visit.tracked].min(initial=np.inf))
    low, high = max(0, base - steps), max(base, min(best, base + 1))
    level = np.where(middle & steps, high, low)
    index = np.interp(level / (len(rates) - 1), (0, 1), downlink.indices)
    carrier_share, data_share = physics.modulation_split(index)
    changed = np.zeros(visit.n_rows, dtype=bool)
    changed[1:] = level[1:] != level[:-1]
    return {
        "rate": rates[level],
        "other_rate": rates[np.where(level + 1 < len(rates), level + 1, level - 1)],
        "coding": coding,
        "other_coding": other,
        "threshold": threshold,
        "carrier_share": carrier_share,
        "data_share": data_share,
        "changed": changed,
    }


def _fastest(rates, room):
    """Position of the fastest rate that the link carries, at least the slowest."""
    return max(0, np.searchsorted(10 * np.log10(rates), room, side="right") - 1)


def _locks(visit, disturbance, mode, carrier_snr, margin, jitter):
    """Carrier, subcarrier, symbol and decoder lock: each needs the one before."""
    transition = np.zeros(visit.n_rows, dtype=bool)
    transition[1:] = visit.doppler_mode[1:] != visit.doppler_mode[:-1]
    loop_snr = np.where(visit.tracked, carrier_snr - _LOOP_BANDWIDTH, -30.0)
    carrier = physics.hysteresis(loop_snr + 0.4 * jitter, 7.0, 10.0)
    carrier &= ~transition & ~disturbance.carrier_lost
    carrier = physics.settle(carrier, visit.reaction)
    data = ~visit.carrier_only
    subcarrier = carrier & data
    strong = physics.hysteresis(margin + 0.3 * jitter, -2.5, -1.5)
    symbol = subcarrier & strong & ~mode["changed"] & ~disturbance.wrong_rate
    symbol = physics.settle(symbol, visit.reaction)
    decodable = physics.hysteresis(margin + 0.3 * jitter, -0.2, 0.3)
    decoder = physics.settle(
        symbol & decodable & ~disturbance.wrong_coding, visit.reaction
    )
    return carrier, subcarrier, symbol, decoder


def _doppler_residual(visit, downlink, disturbance, rng):
    """Observed minus predicted carrier: trajectory error, oscillator, plasma noise."""
    scale = downlink.frequency / 8.4e9
    trajectory = np.exp(rng.normal(np.log(0.2), 0.7))
    plasma = np.exp(rng.normal(np.log(0.06), 0.6))
    white = rng.standard_normal(visit.n_rows)
    oscillator = 0.9 * rng.normal() + 0.5 * physics.drift(
        rng, visit.n_rows, 7200 / visit.cadence
    )
    coherent = visit.doppler_mode == TWO_WAY
    phase = rng.uniform(0, 2 * np.pi)
    error = trajectory * np.sin(visit.orbit_phase + phase)
    error = error + np.where(visit.doppler_mode == 0, oscillator, 0.0)
    spread = np.where(coherent, plasma, 2 * plasma)
    return scale * (error + spread * white) + disturbance.frequency


def _frames(visit, bits, decoder, margin, jitter):
    """Frames decoded in the time of a row, and how many of them were bad."""
    whole = np.floor(bits * visit.cadence / _FRAME_BITS)
    bad = 1 / (1 + np.exp(np.clip(8 * (margin - 0.3), -50, 50)))
    expected = whole * bad
    errors = np.clip(np.rint(expected + np.sqrt(expected) * jitter), 0, whole)
    errors = np.where(decoder, errors, 0.0)
    return np.where(decoder, whole - errors, 0.0), errors
