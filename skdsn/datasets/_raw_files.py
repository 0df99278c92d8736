"""The files that missions record: telemetry of passes and incident tables."""

from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skdsn.datasets._missions import get_mission_format
from skdsn.datasets._pickles import load_frames
from skdsn.datasets._raw_parquet import no_incidents, read_converted

_PROBLEMS = {"track": object, "problem": object, "n_rows": "int64"}


class RawTracks:
    """Telemetry as recorded, one chunk of tracks in memory at a time.

    Iterate over it for the (track id, DataFrame) pairs of all chunks, in the order of
    the files. Nothing is sorted, renamed or matched; a track id may come twice.

    Parameters
    ----------
    mission : str or MissionFormat
        Which column is what.
    incidents : DataFrame
        One row per incident.
    chunks : sequence of str
        Names of the chunks, in order.
    read : callable
        Chunk name to list of (track id, DataFrame).
    folder : pathlib.Path, default=None
        Where the files are.

    Attributes
    ----------
    mission : MissionFormat
    incidents : DataFrame
    chunks : tuple of str
    folder : pathlib.Path or None

    See Also
    --------
    read_raw : Reads a folder.
    convert_raw : Writes it to Parquet.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.datasets import RawTracks
    >>> frame = pd.DataFrame({"AOJE": ["2025-06-02T00:00:00"], "MCFB": [8.4e9]})
    >>> raw = RawTracks("mro", pd.DataFrame(), ["one"], lambda name: [(7, frame)])
    >>> [(track, len(rows)) for track, rows in raw]
    [(7, 1)]
    """

    def __init__(self, mission, incidents, chunks, read, folder=None):
        self.mission = get_mission_format(mission)
        self.incidents = incidents
        self.chunks = tuple(chunks)
        self.folder = folder
        self._read = read

    def __repr__(self):
        return (
            f"<RawTracks of {self.mission.name}: {len(self.chunks)} chunks, "
            f"{len(self.incidents)} incidents>"
        )

    def __iter__(self):
        for name in self.chunks:
            # No name for the chunk: it would outlive the reading of the next one.
            yield from self.read_chunk(name).tracks

    def read_chunk(self, name):
        """Read one chunk.

        Parameters
        ----------
        name : str
            One of `chunks`.

        Returns
        -------
        Bunch
            name : str
            tracks : list of (str or int, DataFrame)
                As recorded; a track without rows is left out.
            problems : DataFrame
                What was tolerated: ``track`` (None = the chunk), ``problem``
                (``"not a DataFrame"``, ``"no rows"`` or ``"empty chunk"``) and
                ``n_rows`` lost.

        Raises
        ------
        ValueError
            If there is no such chunk, or it is not a list of (track id, DataFrame).
        """
        if name not in self.chunks:
            raise ValueError(
                f"There is no chunk {name!r}; there are {', '.join(self.chunks[:5])}"
                f"{' ...' if len(self.chunks) > 5 else ''}."
            )
        pairs = read_pairs(self._read(name), name)
        tracks, problems = [], []
        if not pairs:
            problems.append((None, "empty chunk", 0))
        for track, frame in pairs:
            if not isinstance(frame, pd.DataFrame):
                problems.append((track, "not a DataFrame", 0))
            elif len(frame) == 0:
                problems.append((track, "no rows", 0))
            else:
                tracks.append((track, frame))
        problems = pd.DataFrame(problems, columns=list(_PROBLEMS)).astype(_PROBLEMS)
        return Bunch(name=name, tracks=tracks, problems=problems)


def read_pairs(content, name):
    """Check that a file holds (track id, anything) pairs."""
    if not isinstance(content, list | tuple):
        raise ValueError(
            f"{name} must hold a list of (track id, DataFrame) pairs; it holds a "
            f"{type(content).__name__}."
        )
    pairs = []
    for position, pair in enumerate(content):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(
                f"{name} must hold (track id, DataFrame) pairs; item {position} is a "
                f"{type(pair).__name__}"
                f"{f' of {len(pair)}' if isinstance(pair, list | tuple) else ''}."
            )
        pairs.append((_read_id(pair[0], name, position), pair[1]))
    return pairs


def _read_id(track, name, position):
    if isinstance(track, str):
        return str(track)
    if isinstance(track, Integral) and not isinstance(track, bool | np.bool_):
        return int(track)
    raise ValueError(
        f"{name} must name its tracks by text or whole numbers; item {position} is "
        f"named {track!r}, a {type(track).__name__}."
    )


def read_jwst_chunks(folder, *, allow_pickle=False, incidents=True, mission="jwst"):
    """Read monitor data of JWST: pickled chunks of passes and a table of incidents.

    Parameters
    ----------
    folder : str or path-like
        Holds ``chunk_*_mon_JWST.pkl.gz``, each a list of (track id, DataFrame), and
        ``all_dr_data.csv``, one row per incident; or is a folder that
        :func:`convert_raw` wrote.
    allow_pickle : bool, default=False
        Reading a pickle can run code: give True only for files that you trust. A
        converted folder needs none.
    incidents : bool, default=True
        False reads none, and gives a table without rows; its file may be missing.
    mission : str or MissionFormat, default="jwst"
        Which column is what; a format of this name may differ from the one we know.

    Returns
    -------
    RawTracks
        Chunks in the order of their file names, read when asked for.

    Raises
    ------
    FileNotFoundError
        If there are no such files.
    ValueError
        If a file holds something else.

    See Also
    --------
    make_dsn_raw_files : Writes simulated files of this form.

    Examples
    --------
    >>> import tempfile
    >>> from skdsn.datasets import make_dsn_raw_files, read_jwst_chunks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = make_dsn_raw_files(
    ...         folder, mission="JWST", n_tracks=4, n_rows=40, random_state=0
    ...     )
    ...     raw = read_jwst_chunks(folder, allow_pickle=True)
    ...     [track for track, frame in raw]
    ['JWST-0001', 'JWST-0002']
    """
    folder, mission = _check_folder(folder), get_mission_format(mission)
    converted = read_converted(folder, mission, incidents=incidents)
    if converted is not None:
        return RawTracks(mission, *converted, folder=folder)
    pattern = "chunk_*_mon_JWST.pkl.gz"
    chunks = sorted(path.name for path in folder.glob(pattern))
    if not chunks:
        raise FileNotFoundError(f"There is no file {pattern} in {folder}.")
    table = no_incidents(mission)
    if incidents:
        table = _check_incidents(_read_csv(_find(folder, "all_dr_data.csv")), mission)
    return RawTracks(mission, table, chunks, _Pickles(folder, allow_pickle), folder)


def read_mro(folder, *, allow_pickle=False, incidents=True, mission="mro"):
    """Read monitor data of MRO: two pickles.

    Parameters
    ----------
    folder : str or path-like
        Holds ``mons.pkl``, the telemetry, and ``drs.pkl``, the incidents, both lists
        of (track id, DataFrame); or is a folder that :func:`convert_raw` wrote.
    allow_pickle : bool, default=False
        Reading a pickle can run code: give True only for files that you trust. A
        converted folder needs none.
    incidents : bool, default=True
        False reads none, and gives a table without rows; its file may be missing.
    mission : str or MissionFormat, default="mro"
        Which column is what; a format of this name may differ from the one we know.

    Returns
    -------
    RawTracks
        With one chunk. All rows of all incident tables count; ``incidents["track"]``
        is the track that they were listed under.

    Raises
    ------
    FileNotFoundError
        If there are no such files.
    ValueError
        If a file holds something else.

    See Also
    --------
    make_dsn_raw_files : Writes simulated files of this form.

    Examples
    --------
    >>> import tempfile
    >>> from skdsn.datasets import make_dsn_raw_files, read_mro
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = make_dsn_raw_files(
    ...         folder, mission="MRO", n_tracks=2, n_rows=40, random_state=0
    ...     )
    ...     raw = read_mro(folder, allow_pickle=True)
    ...     [track for track, frame in raw]
    ['MRO-0001', 'MRO-0002']
    """
    folder, mission = _check_folder(folder), get_mission_format(mission)
    converted = read_converted(folder, mission, incidents=incidents)
    if converted is not None:
        return RawTracks(mission, *converted, folder=folder)
    _find(folder, "mons.pkl")
    read, table = _Pickles(folder, allow_pickle), no_incidents(mission)
    if incidents:
        _find(folder, "drs.pkl")
        table = _stack_incidents(read_pairs(read("drs.pkl"), "drs.pkl"), mission)
    return RawTracks(mission, table, ["mons.pkl"], read, folder)


def read_raw(folder, mission, *, allow_pickle=False, incidents=True):
    """Read the monitor data of a mission.

    Parameters
    ----------
    folder : str or path-like
        The files that the mission recorded, or what :func:`convert_raw` made of them.
    mission : {"jwst", "mro"} or MissionFormat
        Read by :func:`read_jwst_chunks` or :func:`read_mro`, whichever its name says.
        Of any other mission, a converted folder is read.
    allow_pickle : bool, default=False
        Reading a pickle can run code: give True only for files that you trust. A
        converted folder needs none.
    incidents : bool, default=True
        False reads none, and gives a table without rows; its file may be missing.

    Returns
    -------
    RawTracks

    Raises
    ------
    FileNotFoundError
        If there are no such files.
    ValueError
        If a file holds something else, or the format has no reader.

    Examples
    --------
    >>> import tempfile
    >>> from skdsn.datasets import make_dsn_raw_files, read_raw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = make_dsn_raw_files(
    ...         folder, mission="MRO", n_tracks=2, n_rows=40, random_state=0
    ...     )
    ...     read_raw(folder, "mro", allow_pickle=True)
    <RawTracks of mro: 1 chunks, 1 incidents>
    """
    folder, mission = _check_folder(folder), get_mission_format(mission)
    converted = read_converted(folder, mission, incidents=incidents)
    if converted is not None:
        return RawTracks(mission, *converted, folder=folder)
    if mission.name not in _READERS:
        raise ValueError(
            f"The files of {', '.join(_READERS)} can be read; those of "
            f"{mission.name!r} only after convert_raw(RawTracks(...), folder) has "
            f"written them, and {folder} is no such folder."
        )
    return _READERS[mission.name](
        folder, allow_pickle=allow_pickle, incidents=incidents, mission=mission
    )


_READERS = {"jwst": read_jwst_chunks, "mro": read_mro}


class _Pickles:
    """Reads the pickles of a folder by name."""

    def __init__(self, folder, allow_pickle):
        self.folder = folder
        self.allow_pickle = allow_pickle

    def __call__(self, name):
        return load_frames(self.folder / name, allow_pickle=self.allow_pickle)


def _check_folder(folder):
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    return folder


def _find(folder, name):
    if not (folder / name).is_file():
        raise FileNotFoundError(f"There is no file {name} in {folder}.")
    return folder / name


def _read_csv(path):
    try:
        return pd.read_csv(path, float_precision="round_trip", low_memory=False)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a table: {error}") from error


def _check_incidents(incidents, mission, name="The incident table"):
    for column in (mission.incident_start, mission.incident_end):
        if column not in incidents.columns:
            raise ValueError(
                f"{name} has no column {column!r}; its columns are "
                f"{list(incidents.columns)[:10]}."
            )
    return incidents


def _stack_incidents(pairs, mission):
    """Stack the incident tables of all tracks."""
    track_column, tables = mission.incident_track, []
    for track, table in pairs:
        name = f"The incident table of track {track!r}"
        if not isinstance(table, pd.DataFrame):
            raise ValueError(
                f"{name} must be a DataFrame; it is a {type(table).__name__}."
            )
        if len(table) == 0:
            continue
        _check_incidents(table, mission, name)
        if track_column in table.columns:
            raise ValueError(f"{name} already has a column {track_column!r}.")
        table = table.reset_index(drop=True)
        table.insert(0, track_column, pd.Series([track] * len(table), dtype=object))
        tables.append(table)
    if not tables:
        table = no_incidents(mission)
        table.insert(0, track_column, pd.Series(dtype=object))
        return table
    incidents = pd.concat(tables, ignore_index=True)
    incidents[track_column] = incidents[track_column].infer_objects()
    return incidents
