"""What goes wrong during a pass: where, how badly, and what it disturbs.

An incident acts on a cause (attenuation, antenna offset, receiver set-up, ...)
through a :class:`Disturbance`; the receiver model then shows the consequences.
Only a stuck sensor acts on a measurement.
"""

from dataclasses import dataclass, field

import numpy as np

from skdsn.datasets._dsn_physics import drift

_LOCKS = ("subcarrier_lock", "symbol_lock", "decoder_lock")
_FRAMES = ("frames_received", "frames_in_error", "frame_counter")
_SIGNAL = ("carrier_power", "carrier_snr", "symbol_snr")

# Quantities that may change during an incident; any one of them for a stuck sensor.
CHANNELS = {
    "frequency_offset": ("carrier_frequency", "doppler_residual"),
    "loss_of_lock": (
        "carrier_frequency",
        "doppler_residual",
        *_SIGNAL,
        "carrier_lock",
        *_LOCKS,
        *_FRAMES,
    ),
    "pointing_error": (
        "conscan_elevation",
        "conscan_cross_elevation",
        *_SIGNAL,
        *_LOCKS,
        *_FRAMES,
    ),
    "receiver_misconfiguration": (
        "symbol_snr",
        "coding",
        "symbol_rate",
        "bit_rate",
        "symbol_lock",
        "decoder_lock",
        *_FRAMES,
    ),
    "stuck_sensor": (*_SIGNAL, "system_noise_temperature", "doppler_residual"),
    "weather_attenuation": (
        "system_noise_temperature",
        *_SIGNAL,
        *_LOCKS,
        *_FRAMES,
    ),
}
KINDS = tuple(CHANNELS)

# Of an incident's duration, as a share of the rows of an average pass.
_SHORTEST, _LONGEST = 1 / 75, 2 / 15
_FEWEST_ROWS = 4


@dataclass(frozen=True)
class Incident:
    """Rows ``start`` to ``stop - 1`` of a pass, and what happens there."""

    kind: str
    start: int
    stop: int
    severity: float  # 0 (hardly visible) to 1
    channels: tuple[str, ...]
    seed: int

    @property
    def rows(self):
        """Rows of the incident."""
        return slice(self.start, self.stop)

    def __len__(self):
        return self.stop - self.start


@dataclass
class Disturbance:
    """Departures from nominal, row by row; zero where all is well."""

    n_rows: int
    frozen: list = field(default_factory=list)

    def __post_init__(self):
        self.attenuation = np.zeros(self.n_rows)  # dB, on the slant path
        self.pointing = np.zeros((2, self.n_rows))  # mdeg, elevation and cross
        self.frequency = np.zeros(self.n_rows)  # Hz
        self.carrier_lost = np.zeros(self.n_rows, dtype=bool)
        self.wrong_rate = np.zeros(self.n_rows, dtype=bool)
        self.wrong_coding = np.zeros(self.n_rows, dtype=bool)


def assign_incidents(bands, fraction, rng):
    """Choose the tracks with incidents, and their kinds.

    Parameters
    ----------
    bands : list of list of Downlink
        What each pass records: one track per entry.
    fraction : float
        Share of the tracks that get at least one incident.
    rng : numpy.random.Generator

    Returns
    -------
    list of (pass number, kind, track numbers within the pass)
        A pointing error strikes all tracks of its pass.
    """
    places = [(i, j) for i, links in enumerate(bands) for j in range(len(links))]
    wanted = round(fraction * len(places))
    deck, assigned, struck = [], [], set()
    for k in rng.permutation(len(places)):
        if len(struck) >= wanted:
            break
        number, own = places[k]
        if (number, own) in struck:
            continue
        for _ in range(1 + (rng.random() < 0.35)):
            kind = _deal(deck, bands[number][own], rng)
            tracks = (own,)
            if kind == "pointing_error":
                tracks = tuple(range(len(bands[number])))
            assigned.append((number, kind, tracks))
            struck.update((number, track) for track in tracks)
    return assigned


def _deal(deck, downlink, rng):
    """Take the next kind that the band can show, from a deck reshuffled when used."""
    while True:
        for kind in deck:
            if kind != "weather_attenuation" or downlink.weather[1] > 0:
                deck.remove(kind)
                return kind
        deck.extend(rng.permutation(KINDS).tolist())


def place_incident(kind, free, n_rows, rng):
    """Choose rows, severity and channels of an incident.

    Parameters
    ----------
    kind : str
    free : bool ndarray of shape (n_pass_rows,)
        Rows that may take part; those chosen and their neighbours are cleared.
    n_rows : int
        Rows of an average pass, the scale of durations.
    rng : numpy.random.Generator

    Returns
    -------
    Incident or None
        None where no stretch of the pass is free for long enough.
    """
    low, high = np.maximum(
        (_FEWEST_ROWS, 2 * _FEWEST_ROWS), (_SHORTEST * n_rows, _LONGEST * n_rows)
    )
    duration = round(np.exp(rng.uniform(np.log(low), np.log(high))))
    severity, choice, where = rng.random(), rng.random(), rng.random()
    seed = int(rng.integers(2**32))
    channels = CHANNELS[kind]
    if kind == "stuck_sensor":
        channels = (channels[int(choice * len(channels))],)
    total = np.concatenate(([0], np.cumsum(free)))
    while True:
        fits = np.flatnonzero(total[duration:] - total[:-duration] == duration)
        if len(fits):
            start = int(fits[int(where * len(fits))])
            stop = start + duration
            free[max(0, start - duration) : stop + duration] = False
            return Incident(kind, start, stop, severity, channels, seed)
        if duration == _FEWEST_ROWS:
            return None
        duration = max(_FEWEST_ROWS, duration // 2)


def disturb(incidents, visit, downlink):
    """Collect what the incidents of one track disturb.

    Parameters
    ----------
    incidents : list of Incident
    visit : Visit
    downlink : Downlink

    Returns
    -------
    Disturbance
    """
    disturbance = Disturbance(visit.n_rows)
    for incident in incidents:
        rng = np.random.default_rng(incident.seed)
        _INJECTORS[incident.kind](disturbance, incident, visit, downlink, rng)
    return disturbance


def _frequency_offset(disturbance, incident, visit, downlink, rng):
    """Step the carrier, as a wrong predict or a jump of the oscillator does."""
    size = (1.0 + 4.0 * incident.severity) * downlink.frequency / 8.4e9
    shape = 1 - 0.9 * np.exp(-np.arange(len(incident)) / 2)
    disturbance.frequency[incident.rows] += rng.choice([-1, 1]) * size * shape


def _loss_of_lock(disturbance, incident, visit, downlink, rng):
    """Drop the carrier in bursts, although the signal is there."""
    stop = max(incident.start + 1, incident.stop - 3 * visit.reaction)
    length = stop - incident.start
    lost = drift(rng, length, 3.0) < 0.2 + 2.5 * incident.severity
    lost[[0, -1]] = True
    disturbance.carrier_lost[incident.start : stop] |= lost


def _pointing_error(disturbance, incident, visit, downlink, rng):
    """Let the beam walk off while the servo believes that it is on target."""
    loss = 0.6 + 2.4 * incident.severity
    offset = visit.beamwidth * np.sqrt(loss / 12)
    ramp = np.minimum(1, np.arange(1, len(incident) + 1) / (0.3 * len(incident)))
    direction = rng.uniform(0, 2 * np.pi)
    part = np.array([[np.sin(direction)], [np.cos(direction)]])
    disturbance.pointing[:, incident.rows] += part * offset * ramp


def _receiver_misconfiguration(disturbance, incident, visit, downlink, rng):
    """Expect another symbol rate, or another code, than is sent."""
    rows = slice(
        incident.start, max(incident.start + 1, incident.stop - 2 * visit.reaction)
    )
    severe = incident.severity > 0.5
    what = disturbance.wrong_rate if severe else disturbance.wrong_coding
    what[rows] = True


def _stuck_sensor(disturbance, incident, visit, downlink, rng):
    """Repeat the last value of one measurement."""
    disturbance.frozen.append((incident.channels[0], incident.start, incident.stop))


def _weather_attenuation(disturbance, incident, visit, downlink, rng):
    """Let a rain cell cross the beam."""
    low, high = downlink.weather
    peak = low + (high - low) * incident.severity
    n_rows = len(incident)
    phase = np.minimum(np.arange(1, n_rows + 1), np.arange(n_rows, 0, -1))
    rise = np.minimum(1, phase / (0.25 * n_rows))
    texture = np.exp(0.15 * drift(rng, n_rows, 4.0))
    cell = peak * np.sin(np.pi / 2 * rise) ** 2 * texture
    disturbance.attenuation[incident.rows] += cell


_INJECTORS = {
    "frequency_offset": _frequency_offset,
    "loss_of_lock": _loss_of_lock,
    "pointing_error": _pointing_error,
    "receiver_misconfiguration": _receiver_misconfiguration,
    "stuck_sensor": _stuck_sensor,
    "weather_attenuation": _weather_attenuation,
}
