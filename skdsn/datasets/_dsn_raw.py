"""Simulated passes in the files of the missions."""

import gzip
import pickle
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skdsn._files import replacing
from skdsn._sklearn import Interval, validate_params
from skdsn.datasets._dsn_frames import as_time, incident_frame, telemetry_columns
from skdsn.datasets._dsn_passes import Season
from skdsn.datasets._dsn_vocabulary import MISSIONS, column_names
from skdsn.datasets._missions import get_mission_format
from skdsn.tracks import as_seconds

_N_ROWS, _LENGTH, _SLOWEST = 12_000, 27_000.0, 30.0  # rows, s per pass, s per row

_DESCR = """\
Simulated Deep Space Network monitor data in the files of {mission}: {n_tracks} tracks
of {n_passes} station passes, {n_rows} rows, {n_incidents} incidents. One row every
{cadence:g} s. See make_dsn_raw_files.
"""


@validate_params(
    {
        "folder": "no_validation",
        "mission": "no_validation",
        "n_tracks": [Interval(Integral, 1, None, closed="left")],
        "n_rows": [None, Interval(Integral, 30, None, closed="left")],
        "cadence": [None, Interval(Real, 0, None, closed="neither")],
        "chunk_tracks": [Interval(Integral, 1, None, closed="left")],
        "incident_fraction": [Interval(Real, 0, 1, closed="both")],
        "missing_fraction": [Interval(Real, 0, 1, closed="left")],
        "start": [str, object],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_dsn_raw_files(
    folder,
    *,
    mission,
    n_tracks=200,
    n_rows=None,
    cadence=None,
    chunk_tracks=10,
    incident_fraction=0.4,
    missing_fraction=0.002,
    start="2025-06-02",
    random_state=None,
):
    """Write simulated passes in the files that a mission records.

    The passes are those of :func:`make_dsn_passes`; by default more than two million
    rows of them.

    Parameters
    ----------
    folder : str or path-like
        Made if it is not there.
    mission : {"jwst", "mro"}
        In either case.
    n_tracks : int, default=200
        Number of tracks, counted as in :func:`make_dsn_passes`: a pass of JWST gives
        two, S band and K band, and its file holds both in one table. So 200 tracks are
        100 tables of JWST, or 200 of MRO.
    n_rows : int, default=None
        Average rows of a track, at least 30; None is 12000.
    cadence : float, default=None
        Seconds between rows; None makes an average pass last 7.5 hours, with a row
        every 30 s at most.
    chunk_tracks : int, default=10
        Passes per chunk file of JWST, of which one at a time is in memory.
    incident_fraction : float, default=0.4
        Share of the tracks with at least one incident.
    missing_fraction : float, default=0.002
        Share of missing cells in all columns but the time.
    start : str or datetime-like, default="2025-06-02"
        No pass is before this time (UTC).
    random_state : int, RandomState instance or None, default=None
        One seed gives the same files, byte by byte, with the same versions of the
        libraries.

    Returns
    -------
    Bunch
        folder : pathlib.Path
        files : list of str
        incidents : DataFrame
            The truth, as of :func:`make_dsn_passes`: each row names a track, for JWST
            with its band (``JWST-0001-S``).
        tracks : DataFrame
            As of :func:`make_dsn_passes`.
        n_rows : int
            Rows of all tracks.
        DESCR : str

    Raises
    ------
    FileExistsError
        If the folder holds such files already.
    ValueError
        If a parameter is out of range, or the passes would last longer than a station
        sees the spacecraft.

    See Also
    --------
    read_raw : Reads the files.

    Notes
    -----
    ========= ================================= ======================
    .         JWST                              MRO
    ========= ================================= ======================
    telemetry ``chunk_001_mon_JWST.pkl.gz`` ... ``mons.pkl``
    a table   a pass, rows of both bands in     a pass
              order of time
    incidents ``all_dr_data.csv``, one row      ``drs.pkl``, one table
              each, which names no pass         each, under its pass
    time      seconds since 1970                text; of incidents,
                                                datetimes
    ========= ================================= ======================

    Telemetry files are lists of (pass id, DataFrame) with rows numbered from 0; text is
    of type object.

    Examples
    --------
    >>> import tempfile
    >>> from skdsn.datasets import make_dsn_raw_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = make_dsn_raw_files(
    ...         folder, mission="jwst", n_tracks=4, n_rows=40, random_state=0
    ...     )
    >>> made.files
    ['chunk_001_mon_JWST.pkl.gz', 'all_dr_data.csv']
    >>> made.tracks["track"].tolist()
    ['JWST-0001-S', 'JWST-0001-K', 'JWST-0002-S', 'JWST-0002-K']
    """
    format_ = get_mission_format(mission)
    if format_.name.upper() not in MISSIONS:
        raise ValueError(f"mission must be 'jwst' or 'mro'; got {format_.name!r}.")
    mission = MISSIONS[format_.name.upper()]
    n_rows = _N_ROWS if n_rows is None else n_rows
    cadence = min(_SLOWEST, _LENGTH / n_rows) if cadence is None else cadence
    season = Season(
        mission,
        n_tracks,
        n_rows=n_rows,
        cadence=cadence,
        incident_fraction=incident_fraction,
        missing_fraction=missing_fraction,
        start=start,
        random_state=random_state,
    )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _check_empty(folder)
    writer = _JwstWriter if mission.name == "JWST" else _MroWriter
    writer = writer(folder, format_, len(season), chunk_tracks)
    tracks, reports = [], []
    for number in range(len(season)):
        recorded = season.record(number)
        tracks += [track for _, track, _ in recorded]
        reports += [report for *_, own in recorded for report in own]
        table = _pass_table([data for data, *_ in recorded], mission, format_)
        writer.add(tracks[-1]["pass_id"], table)
    incidents = incident_frame(reports, column_names(mission))
    files = writer.finish(_discrepancy_reports(incidents))
    tracks = pd.DataFrame(tracks)
    total = int(tracks["n_rows"].sum())
    return Bunch(
        folder=folder,
        files=files,
        incidents=incidents,
        tracks=tracks,
        n_rows=total,
        DESCR=_DESCR.format(
            mission=mission.name,
            n_tracks=n_tracks,
            n_passes=len(season),
            n_rows=total,
            n_incidents=len(incidents),
            cadence=cadence,
        ),
    )


def _check_empty(folder):
    names = ("chunk_*_mon_JWST.pkl.gz", "all_dr_data.csv", "mons.pkl", "drs.pkl")
    for name in (*names, "raw.json"):
        for path in folder.glob(name):
            raise FileExistsError(
                f"{path} is there already; name a folder without files of a mission."
            )


def _pass_table(telemetry, mission, format_):
    """All rows of a pass in order of time."""
    times = as_time(np.concatenate([data["received_at"] for data in telemetry]))
    columns = telemetry_columns(telemetry, times, mission)
    order = np.argsort(times.to_numpy(), kind="stable")
    # Text stays the few objects that it was: a pickle holds each of them once.
    return pd.DataFrame(
        {
            name: pd.Series(values[order], dtype=values.dtype)
            for name, values in columns.items()
        }
    )


def _discrepancy_reports(incidents):
    """One report per incident of a pass, as the stations see it."""
    reports = incidents.drop_duplicates(["pass_id", "kind", "INCIDENT_START_TIME_DT"])
    reports = reports.sort_values("INCIDENT_START_TIME_DT", kind="stable")
    return pd.DataFrame(
        {
            "REPORT_NUMBER": [f"DR-{k + 1:05d}" for k in range(len(reports))],
            "pass_id": reports["pass_id"].to_numpy(object),
            "STATION_ID": reports["station"].to_numpy(object),
            "INCIDENT_START_TIME_DT": reports["INCIDENT_START_TIME_DT"].to_numpy(),
            "INCIDENT_END_TIME_DT": reports["INCIDENT_END_TIME_DT"].to_numpy(),
            "DESCRIPTION": reports["kind"].to_numpy(object),
        }
    )


class _JwstWriter:
    """Chunks of passes, and one table of reports that names no pass."""

    def __init__(self, folder, format_, n_passes, chunk_tracks):
        self.folder, self.format = folder, format_
        self.size = chunk_tracks
        self.digits = max(3, len(str(-(-n_passes // chunk_tracks))))
        self.files, self.tables = [], []

    def add(self, name, table):
        self.tables.append((name, table))
        if len(self.tables) == self.size:
            self._flush()

    def _flush(self):
        number = f"{len(self.files) + 1:0{self.digits}d}"
        self.files.append(f"chunk_{number}_mon_JWST.pkl.gz")
        with (
            replacing(self.folder / self.files[-1]) as draft,
            draft.open("wb") as raw,
            # Neither name nor date, so that a file depends on nothing but the seed.
            gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as stream,
        ):
            pickle.dump(self.tables, stream, protocol=4)
        self.tables = []

    def finish(self, reports):
        if self.tables:
            self._flush()
        for column in (self.format.incident_start, self.format.incident_end):
            reports[column] = as_seconds(reports[column])
        with replacing(self.folder / "all_dr_data.csv") as draft:
            reports.drop(columns="pass_id").to_csv(draft, index=False)
        return [*self.files, "all_dr_data.csv"]


class _MroWriter:
    """One pickle of all passes, and one of the reports of each."""

    def __init__(self, folder, format_, n_passes, chunk_tracks):
        self.folder = folder
        self.tables = []

    def add(self, name, table):
        self.tables.append((name, table))

    def finish(self, reports):
        listed = [
            (name, reports.iloc[[k]].drop(columns="pass_id").reset_index(drop=True))
            for k, name in enumerate(reports["pass_id"])
        ]
        for file, content in (("mons.pkl", self.tables), ("drs.pkl", listed)):
            with replacing(self.folder / file) as draft, draft.open("wb") as stream:
                pickle.dump(content, stream, protocol=4)
        return ["mons.pkl", "drs.pkl"]
