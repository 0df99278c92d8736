"""Simulated station passes with known incidents."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from skdsn._sklearn import Interval, StrOptions, validate_params
from skdsn.datasets._dsn_frames import (
    as_time,
    column_frame,
    incident_frame,
    telemetry_frame,
)
from skdsn.datasets._dsn_incidents import (
    assign_incidents,
    disturb,
    place_incident,
)
from skdsn.datasets._dsn_receiver import receive
from skdsn.datasets._dsn_schedule import plan_visit
from skdsn.datasets._dsn_vocabulary import COLUMNS, MISSIONS, column_names
from skdsn.tracks import as_seconds

_LONGEST_PASS = 8 * 3600  # s

# Independent random streams: what one consumes does not move another.
_VISIT, _RECEIVER, _INCIDENT, _MISSING, _ASSIGNMENT = range(5)

_DESCR = """\
Simulated Deep Space Network monitor data of {mission}: {n_tracks} tracks of
{n_passes} station passes, {n_rows} rows, {n_incidents} incidents
({share:.1%} of the rows). One row every {cadence:g} s. See make_dsn_passes.
"""


@validate_params(
    {
        "n_tracks": [Interval(Integral, 1, None, closed="left")],
        "mission": [StrOptions(set(MISSIONS))],
        "n_rows": [Interval(Integral, 30, None, closed="left")],
        "cadence": [Interval(Real, 0, None, closed="neither")],
        "incident_fraction": [Interval(Real, 0, 1, closed="both")],
        "missing_fraction": [Interval(Real, 0, 1, closed="left")],
        "start": [str, object],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_dsn_passes(
    n_tracks=40,
    *,
    mission="MRO",
    n_rows=600,
    cadence=30.0,
    incident_fraction=0.4,
    missing_fraction=0.002,
    start="2025-06-02",
    random_state=None,
):
    """Simulate monitor data of Deep Space Network passes, with known incidents.

    A pass follows from geometry and a link budget: the spacecraft rises, culminates
    and sets over the station; range and elevation give received power, noise
    temperature and signal-to-noise ratios, range rate gives Doppler, and the locks
    follow the signal. Six kinds of incident disturb a *cause* (attenuation, antenna
    offset, oscillator, receiver set-up) or freeze a sensor.

    Parameters
    ----------
    n_tracks : int, default=40
        Number of tracks. A pass of JWST gives two, S band and K band.
    mission : {"MRO", "JWST"}, default="MRO"
        MRO has opaque four-letter columns and the time as text in ``AOJE``; JWST has
        plain columns and the time in seconds since 1970 in ``RECEIVED_AT_TS``.
    n_rows : int, default=600
        Average rows of a track, at least 30. A track has 0.7 to 1.3 times as many,
        fewer where the spacecraft sets earlier.
    cadence : float, default=30.0
        Seconds between rows. An average pass lasts 8 hours at most.
    incident_fraction : float, default=0.4
        Share of the tracks with at least one incident.
    missing_fraction : float, default=0.002
        Share of missing cells in all columns but the time.
    start : str or datetime-like, default="2025-06-02"
        No pass is before this time (UTC).
    random_state : int, RandomState instance or None, default=None
        With one seed, other values of `incident_fraction` and `missing_fraction`
        leave all telemetry alone that they do not concern.

    Returns
    -------
    Bunch
        X : DataFrame of shape (n_rows_total, 36 for MRO or 38 for JWST)
            Indexed by (track, time); time is naive UTC. Tracks are in order of time.
        y : Series of int64, shape (n_rows_total,)
            1 = the row lies within an incident of its track. Named ``anomaly``.
        incidents : DataFrame, one row per incident and track
            ``track``, ``kind``, ``INCIDENT_START_TIME_DT``,
            ``INCIDENT_END_TIME_DT`` (both included, naive UTC), ``station``,
            ``pass_id``, ``severity`` (0 = hardly visible, 1 = severe) and
            ``channels`` (columns that it may change, separated by spaces).
        tracks : DataFrame, one row per track
            ``track``, ``pass_id``, ``station``, ``band``, ``start``, ``end``,
            ``n_rows``.
        columns : DataFrame, one row per column of X
            ``quantity``, ``unit`` and ``kind`` (time, numeric or categorical).
        DESCR : str

    Raises
    ------
    ValueError
        If a parameter is out of range, or the passes would last longer than a
        station sees the spacecraft.

    Notes
    -----
    ============================= ===============================================
    kind                          signature
    ============================= ===============================================
    ``frequency_offset``          residual and carrier shift, power as before
    ``loss_of_lock``              carrier out in bursts, although the antenna
                                  tracks and the predicted power is fine
    ``pointing_error``            conscan offsets grow, power and SNR fall, noise
                                  temperature and servo errors as before
    ``receiver_misconfiguration`` code (severe: symbol rate) other than sent, so
                                  decoder out, carrier fine
    ``stuck_sensor``              one measurement repeats its last value, whatever
                                  the severity
    ``weather_attenuation``       noise temperature up, power and SNR down (not in
                                  S band)
    ============================= ===============================================

    An incident lasts between 1/75 and 2/15 of an average pass (8 to 80 of 600 rows),
    less where there is no room, and four rows at least. A pointing error strikes both
    bands of a pass of JWST.

    Nominal, though limits may not think so: the antenna is parked at exactly 90
    degrees of elevation, without lock, at both ends of a pass and during a storm; on
    arrival the beam is off for a moment; the carrier drops when it becomes coherent;
    the ranging tone takes power; symbol rate and modulation step up in mid-pass; the
    spacecraft sends no telemetry for a while; weather and wind differ between passes;
    rows are missing for 20 to 60 minutes. The orbit of MRO is seen almost face on: it
    is never behind Mars.

    References
    ----------
    .. [1] DSN Telecommunications Link Design Handbook, DSN No. 810-005, Jet
       Propulsion Laboratory.

    Examples
    --------
    >>> from skdsn.datasets import make_dsn_passes
    >>> passes = make_dsn_passes(n_tracks=3, n_rows=100, random_state=0)
    >>> passes.X.shape == (passes.tracks["n_rows"].sum(), 36)
    True
    >>> passes.tracks["track"].tolist()
    ['MRO-0001', 'MRO-0002', 'MRO-0003']
    """
    season = Season(
        MISSIONS[mission],
        n_tracks,
        n_rows=n_rows,
        cadence=cadence,
        incident_fraction=incident_fraction,
        missing_fraction=missing_fraction,
        start=start,
        random_state=random_state,
    )
    mission, telemetry, tracks, reports = season.mission, [], [], []
    for number in range(len(season)):
        for data, track, incidents in season.record(number):
            telemetry.append(data)
            tracks.append(track)
            reports += incidents
    X, y = telemetry_frame(telemetry, tracks, mission)
    incidents = incident_frame(reports, column_names(mission))
    return Bunch(
        X=X,
        y=y,
        incidents=incidents,
        tracks=pd.DataFrame(tracks),
        columns=column_frame(mission),
        DESCR=_DESCR.format(
            mission=mission.name,
            n_tracks=n_tracks,
            n_passes=len(season),
            n_rows=len(X),
            n_incidents=len(incidents),
            share=y.mean(),
            cadence=cadence,
        ),
    )


class Season:
    """Passes as planned, with their incidents; recorded one at a time.

    Parameters
    ----------
    mission : Mission
    n_tracks : int
    n_rows, cadence, incident_fraction, missing_fraction, start, random_state
        As in make_dsn_passes.
    """

    def __init__(
        self,
        mission,
        n_tracks,
        *,
        n_rows,
        cadence,
        incident_fraction,
        missing_fraction,
        start,
        random_state,
    ):
        if n_rows * cadence > _LONGEST_PASS:
            raise ValueError(
                f"Passes of {n_rows} rows every {cadence:g} s last "
                f"{n_rows * cadence / 3600:.1f} h, longer than a station sees the "
                f"spacecraft; use a cadence of at most {_LONGEST_PASS / n_rows:g} s."
            )
        self.mission = mission
        self.n_rows = n_rows
        self.cadence = cadence
        self.missing_fraction = missing_fraction
        self._seed = check_random_state(random_state).randint(2**31 - 1)
        self._passes = []  # (time after which to look for it, downlinks)
        after = as_seconds([_read_start(start)])[0]
        quiet = []
        while n_tracks > 0:
            self._passes.append((after, mission.downlinks[:n_tracks]))
            visit, after = self._plan_visit(len(self) - 1)
            # A visit itself is planned anew when needed: all of them are too large.
            quiet.append(visit.quiet.copy())
            n_tracks -= len(mission.downlinks)
        self._incidents = self._plan_incidents(quiet, incident_fraction)

    def __len__(self):
        return len(self._passes)

    def record(self, number):
        """Record the tracks of one pass.

        Parameters
        ----------
        number : int
            Of the pass, from 0.

        Returns
        -------
        list of (data, track, reports)
            ``data`` maps quantities to values; also ``anomaly`` and ``missing``.
        """
        visit, _ = self._plan_visit(number)
        return [
            self._record_track(number, own, visit, downlink)
            for own, downlink in enumerate(self._passes[number][1])
        ]

    def _record_track(self, number, own, visit, downlink):
        incidents = self._incidents.get((number, own), [])
        rng = self._stream(_RECEIVER, number, own)
        data = receive(visit, downlink, disturb(incidents, visit, downlink), rng)
        data.update(_equipment(rng, visit, downlink, self.mission))
        data["received_at"] = visit.seconds
        data["anomaly"] = np.zeros(visit.n_rows, dtype=np.int64)
        for incident in incidents:
            data["anomaly"][incident.rows] = 1
        rng = self._stream(_MISSING, number, own)
        data["missing"] = _missing(rng, visit.n_rows, self.missing_fraction)
        track = _describe_track(self.mission, number, visit, downlink)
        return data, track, [_report(incident, track, visit) for incident in incidents]

    def _stream(self, *key):
        """Independent generators from one seed, by purpose and place."""
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=key))

    def _plan_visit(self, number):
        after, _ = self._passes[number]
        rng = self._stream(_VISIT, number)
        return plan_visit(self.mission, rng, after, self.n_rows, self.cadence)

    def _plan_incidents(self, quiet, fraction):
        """Map (pass number, track number) to incidents, in order of time."""
        plans, bands = {}, [downlinks for _, downlinks in self._passes]
        assigned = assign_incidents(bands, fraction, self._stream(_ASSIGNMENT))
        for k, (number, kind, tracks) in enumerate(assigned):
            rng = self._stream(_INCIDENT, k)
            incident = place_incident(kind, quiet[number], self.n_rows, rng)
            if incident is None:
                continue
            for own in tracks:
                plans.setdefault((number, own), []).append(incident)
        return {
            place: sorted(incidents, key=lambda incident: incident.start)
            for place, incidents in plans.items()
        }


def _read_start(start):
    """One point in time."""
    try:
        time = pd.Timestamp(start)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"start must be a date such as '2025-06-02'; got {start!r}."
        ) from error
    if pd.isna(time):
        raise ValueError(f"start must be a date such as '2025-06-02'; got {start!r}.")
    return time


def _describe_track(mission, number, visit, downlink):
    pass_id = f"{mission.name}-{number + 1:04d}"
    several = len(mission.downlinks) > 1
    return {
        "track": f"{pass_id}-{downlink.band}" if several else pass_id,
        "pass_id": pass_id,
        "station": visit.station.name,
        "band": downlink.band,
        "start": as_time(visit.seconds[0]),
        "end": as_time(visit.seconds[-1]),
        "n_rows": visit.n_rows,
    }


def _report(incident, track, visit):
    return {
        "track": track["track"],
        "kind": incident.kind,
        "INCIDENT_START_TIME_DT": as_time(visit.seconds[incident.start]),
        "INCIDENT_END_TIME_DT": as_time(visit.seconds[incident.stop - 1]),
        "station": track["station"],
        "pass_id": track["pass_id"],
        "severity": round(incident.severity, 3),
        "channels": incident.channels,
    }


def _equipment(rng, visit, downlink, mission):
    """Names that are constant over a pass."""
    complex_number = int(visit.station.name[4]) * 10
    constant = {
        "station": visit.station.name,
        "uplink_band": mission.uplink_band,
        "downlink_band": downlink.band,
        "receiver": f"RCV-{complex_number + rng.integers(1, 3)}",
        "lna": f"{downlink.band}-LNA-{rng.integers(1, 3)}",
    }
    power = mission.uplink_power * (1 + 0.002 * rng.standard_normal(visit.n_rows))
    return {**constant, "uplink_power": visit.uplink * power}


def _missing(rng, n_rows, fraction):
    """Cells lost in dropouts of four rows of one column, bool (n_columns, n_rows)."""
    begin = rng.random((len(COLUMNS), n_rows + 3)) < 1 - (1 - fraction) ** 0.25
    return begin[:, 3:] | begin[:, 2:-1] | begin[:, 1:-2] | begin[:, :-3]
