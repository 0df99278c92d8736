"""Recorded telemetry as Parquet: one file per track."""

import json
from functools import partial
from pathlib import Path

import pandas as pd

from skdsn._files import fingerprint, replacing
from skdsn.datasets._digest import digest_frame

_VERSION = 1
_MANIFEST, _CHUNK, _INCIDENTS = "raw.json", "chunk.json", "incidents.parquet"


def convert_raw(raw, folder, *, progress=None):
    """Write recorded telemetry to Parquet, so that no pickle needs to be read again.

    Parameters
    ----------
    raw : RawTracks
        See :func:`skdsn.datasets.read_raw`.
    folder : str or path-like
        Made if it is not there. What was interrupted goes on where it stopped: a chunk
        that the folder holds in full is not read again, unless its file has changed.
    progress : callable, default=None
        Called with the name of each chunk when it is there.

    Raises
    ------
    ImportError
        Without pyarrow.
    ValueError
        If a track does not fit into Parquet, or the folder holds another mission.
    FileExistsError
        If the folder holds a finished conversion of other files, or incidents.

    Notes
    -----
    The folder holds ``raw.json``, written last; ``incidents.parquet``; and a folder
    per chunk with ``chunk.json`` and one Parquet file per track, with its index and
    types, but text as ``str``. A column of mixed content (numbers and text) is written
    as JSON, cell by cell, and read back as it was.

    Examples
    --------
    >>> import tempfile
    >>> from skdsn.datasets import convert_raw, make_dsn_raw_files, read_raw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = make_dsn_raw_files(
    ...         folder, mission="MRO", n_tracks=2, n_rows=40, random_state=0
    ...     )
    ...     raw = read_raw(folder, "mro", allow_pickle=True)
    ...     convert_raw(raw, folder + "/parquet")
    ...     [track for track, frame in read_raw(folder + "/parquet", "mro")]
    ['MRO-0001', 'MRO-0002']
    """
    _check_pyarrow("converting to Parquet")
    folder, mission = Path(folder), raw.mission.name
    folder.mkdir(parents=True, exist_ok=True)
    digest = digest_frame(raw.incidents)
    if (folder / _MANIFEST).is_file():
        _check_finished(folder, raw, digest)
    chunks = []
    for name in raw.chunks:
        if Path(name).name != name:
            raise ValueError(f"A chunk must be named like a file; got {name!r}.")
        origin = chunk_fingerprint(raw, name)
        chunk = _read_done(folder / name / _CHUNK, mission, origin)
        chunks.append(chunk or _write_chunk(raw.read_chunk(name), folder, raw, origin))
        if progress is not None:
            progress(name)
    mixed = _write_frame(raw.incidents, folder / _INCIDENTS, "The incident table")
    incidents = {"digest": digest, "file": _INCIDENTS, "mixed": mixed}
    content = {"incidents": incidents, "chunks": chunks}
    _write_manifest(folder / _MANIFEST, mission, content)


def no_incidents(mission):
    """Make the incident table of files without any incident.

    Parameters
    ----------
    mission : MissionFormat

    Returns
    -------
    DataFrame
    """
    return pd.DataFrame(columns=[mission.incident_start, mission.incident_end])


def read_converted(folder, mission, *, incidents=True):
    """Incidents, chunk names and chunk reader of a converted folder, None of another.

    Parameters
    ----------
    folder : pathlib.Path
    mission : MissionFormat
    incidents : bool, default=True
        Whether to read them.
    """
    if not (folder / _MANIFEST).is_file():
        return None
    manifest = _read_manifest(folder / _MANIFEST, mission.name)
    _check_pyarrow(f"reading {folder}")
    table, found = no_incidents(mission), manifest["incidents"]
    if incidents:
        table = _read_frame(folder, found["file"], found["mixed"])
    chunks = {chunk["name"]: chunk for chunk in manifest["chunks"]}
    return table, list(chunks), partial(_read_chunk, folder, chunks)


def chunk_fingerprint(raw, name):
    """Tell what a chunk is read from; None if that is no file that we know of.

    Parameters
    ----------
    raw : RawTracks
    name : str
        Of the chunk: a file, or a folder that :func:`convert_raw` wrote.
    """
    if raw.folder is None:
        return None
    path = Path(raw.folder) / name
    path = path / _CHUNK if path.is_dir() else path
    return fingerprint(path) if path.is_file() else None


def _check_finished(folder, raw, digest):
    """Refuse a finished conversion of something else."""
    manifest = _read_manifest(folder / _MANIFEST, raw.mission.name)
    origins = {chunk["name"]: chunk.get("origin") for chunk in manifest["chunks"]}
    asked = {name: chunk_fingerprint(raw, name) for name in raw.chunks}
    other = sorted({name for name, _ in asked.items() ^ origins.items()})
    if manifest["incidents"].get("digest") != digest:
        other.append("the incident table")
    if other:
        raise FileExistsError(
            f"{folder} holds a finished conversion of other files, first {other[0]}; "
            "name another folder, or remove it."
        )


def _read_done(path, mission, origin):
    """Give what is listed of a chunk; None if it has to be written."""
    if not path.is_file():
        return None
    chunk = _read_manifest(path, mission)["chunk"]
    return chunk if chunk.get("origin") == origin else None


def _write_chunk(chunk, folder, raw, origin):
    home = folder / chunk.name
    home.mkdir(exist_ok=True)
    # It holds true no more, from here on.
    (home / _CHUNK).unlink(missing_ok=True)
    for path in home.glob("*.parquet"):
        path.unlink()
    tracks = []
    for number, (track, frame) in enumerate(chunk.tracks, start=1):
        file = f"{chunk.name}/{number:05d}.parquet"
        mixed = _write_frame(frame, folder / file, f"Track {track!r}")
        tracks.append({"id": track, "file": file, "mixed": mixed})
    content = {
        "name": chunk.name,
        "origin": origin,
        "tracks": tracks,
        "problems": chunk.problems.to_dict("records"),
    }
    _write_manifest(home / _CHUNK, raw.mission.name, {"chunk": content})
    return content


def _read_chunk(folder, chunks, name):
    """(track id, DataFrame) pairs as they were, of the bad ones only what was wrong."""
    chunk = chunks[name]
    pairs = [
        (entry["id"], _read_frame(folder, entry["file"], entry["mixed"]))
        for entry in chunk["tracks"]
    ]
    bad = {"not a DataFrame": None, "no rows": pd.DataFrame()}
    return pairs + [
        (problem["track"], bad[problem["problem"]])
        for problem in chunk["problems"]
        if problem["problem"] in bad
    ]


def _write_frame(frame, path, name):
    """Write a table; give the names of the columns that became JSON."""
    texts = [c for c in frame.columns if not isinstance(c, str)]
    if texts or not frame.columns.is_unique:
        raise ValueError(
            f"{name} must have column names that are text, each of them once; it has "
            f"{texts[:3] or list(frame.columns[frame.columns.duplicated()][:3])}."
        )
    objects = [c for c in frame.columns if frame[c].dtype == object]
    mixed = [
        column
        for column in objects
        if pd.api.types.infer_dtype(frame[column], skipna=True).startswith("mixed")
    ]
    if mixed:
        frame = frame.assign(**{c: _to_json(frame[c], name) for c in mixed})
    try:
        with replacing(path) as draft:
            frame.to_parquet(draft, engine="pyarrow", compression="zstd")
    except (ValueError, TypeError, ArithmeticError, NotImplementedError) as error:
        raise ValueError(
            f"{name} does not fit into Parquet{_misfit(frame)}: {error.args[0]}"
        ) from error
    return mixed


def _misfit(frame):
    """Name the column at fault, if it is one."""
    import pyarrow

    for name, column in frame.items():
        try:
            pyarrow.array(column, from_pandas=True)
        except (ValueError, TypeError, ArithmeticError, NotImplementedError):
            return f" with its column {name!r}"
    return ""


def _to_json(column, name):
    try:
        return [json.dumps(value, default=_plain) for value in column]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} has a column {column.name!r} of mixed content, which does not fit "
            f"into Parquet: {error}; give it one type."
        ) from error


def _plain(value):
    """Turn a NumPy number into one of Python."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"it holds a {type(value).__name__}")


def _read_frame(folder, file, mixed):
    try:
        frame = pd.read_parquet(folder / file, engine="pyarrow")
    except (ValueError, OSError) as error:
        raise ValueError(
            f"{folder / file} is missing or broken; convert the files again."
        ) from error
    loaded = {
        column: pd.Series(
            [json.loads(text) for text in frame[column]], frame.index, dtype=object
        )
        for column in mixed
    }
    return frame.assign(**loaded)


def _write_manifest(path, mission, content):
    content = {"version": _VERSION, "mission": mission, **content}
    with replacing(path) as draft:
        draft.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _read_manifest(path, mission):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, found = content["version"], content["mission"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} was not written by convert_raw.") from error
    if version != _VERSION:
        raise ValueError(f"{path} has version {version}; this can read {_VERSION}.")
    if found != mission:
        raise ValueError(f"{path} belongs to files of {found}, not of {mission}.")
    return content


def _check_pyarrow(doing):
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{doing} needs pyarrow: pip install skdsn[parquet]"
        ) from error
