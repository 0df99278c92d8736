"""The files of a track store: the manifest, and tracks as Parquet."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from skdsn._files import replacing
from skdsn.tracks import read_tracks, stack_tracks

SCHEMA = 1
LABEL = "anomaly"
MANIFEST = "manifest.json"
FILES = "data_files"
PARTS = "unfinished"
# Whole numbers below are all floats of their own.
_EXACT = 2**53
_TOLD = {"track", "file", "split", "n_rows", "n_anomalous", "start", "end"}
_KEYS = {"schema", "dates", "columns", "info", "source", "tracks"}


def is_store(folder):
    """Whether a folder holds a finished store."""
    return (Path(folder) / MANIFEST).is_file()


def read_manifest(folder):
    path = folder / MANIFEST
    if not path.is_file():
        begun = (folder / PARTS).is_dir()
        reason = (
            "its store was not finished; run what made it again, it goes on where it "
            "stopped"
            if begun
            else "there is no track store; make one with skdsn prepare or "
            "TrackStore.write"
        )
        raise FileNotFoundError(f"{folder} has no {MANIFEST}: {reason}.")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        schema = manifest["schema"]
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(f"{path} is no manifest of a track store: {error}") from error
    if schema != SCHEMA:
        raise ValueError(
            f"{path} is of schema {schema}, this is skdsn with schema {SCHEMA}; make "
            "the store anew, or take the skdsn that made it."
        )
    lost = sorted(_KEYS - set(manifest))
    if lost:
        raise ValueError(f"{path} is no manifest of a track store: no {lost[0]!r}.")
    _check_records(path, manifest["tracks"])
    return manifest


def _check_records(path, records):
    """Refuse a manifest whose list of tracks was tampered with."""
    wrong = None
    if not isinstance(records, list) or not records:
        wrong = "it lists no tracks"
    elif not all(isinstance(r, dict) and set(r) >= _TOLD for r in records):
        wrong = f"a track lacks one of {', '.join(sorted(_TOLD))}"
    elif len({str(record["track"]) for record in records}) < len(records):
        wrong = "a track is listed twice"
    elif any(Path(str(record["file"])).name != record["file"] for record in records):
        wrong = "a file is outside of the store"
    if wrong is not None:
        raise ValueError(f"{path} is no manifest of a track store: {wrong}.")


def write_json(path, content):
    with replacing(path) as draft:
        draft.write_text(json.dumps(content, indent=1, default=_plain), "utf-8")


def _plain(value):
    """Give what NumPy and pandas made as JSON knows it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, pd.Timestamp | pd.Timedelta):
        return value.isoformat()
    raise TypeError(f"{value!r} cannot be written to a manifest.")


def as_json(content):
    """Give a dict as it comes back from a JSON file, with text for what has no JSON."""
    return json.loads(json.dumps(content, default=_plain_or_text))


def _plain_or_text(value):
    return value.item() if isinstance(value, np.number | np.bool_) else str(value)


def told_time(times, place):
    time = times[place]
    return time.isoformat() if isinstance(time, pd.Timestamp | pd.Timedelta) else time


def told_clock(times):
    """Name what the times of a track are."""
    if isinstance(times, pd.DatetimeIndex):
        return "dates" if times.tz is None else "dates of a time zone"
    return "timedeltas" if isinstance(times, pd.TimedeltaIndex) else "numbers"


def plain_frame(track, X):
    """Bring a track to columns of numbers or text, indexed by time; name the kinds."""
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"Track {track!r} must be a DataFrame; got {type(X).__name__}.")
    if len(X) == 0:
        raise ValueError(f"Track {track!r} has no rows; leave it out.")
    if X.index.nlevels == 2:
        if len(read_tracks(X)) > 1:
            raise ValueError(
                f"Track {track!r} is given with the rows of {len(read_tracks(X))} "
                "tracks; give one at a time."
            )
        X = X.droplevel(0)
    if not X.columns.is_unique:
        name = X.columns[X.columns.duplicated()][0]
        raise ValueError(
            f"Track {track!r} has the column {name!r} twice; rename or drop one."
        )
    X = stack_tracks({track: X}).droplevel(0).rename_axis("time")
    if isinstance(X.index, pd.DatetimeIndex) and X.index.tz is not None:
        X = X.tz_convert("UTC")  # one zone for all tracks
    columns, kinds = {}, {}
    for name in X.columns:
        if not isinstance(name, str):
            raise TypeError(
                f"Track {track!r} has a column {name!r}; names must be text to be "
                "written to a Parquet file."
            )
        if name == LABEL:
            raise ValueError(
                f"Track {track!r} has a column {LABEL!r}, which is where labels are "
                "kept; rename it, or take it out and give it as y."
            )
        columns[name], kinds[name] = _plain_column(X[name])
    return pd.DataFrame(columns, index=X.index), kinds


def _plain_column(column):
    """Give a column as floats or text, with its kind; None where it has no value."""
    if column.dtype == object:
        column = column.infer_objects()
    if column.isna().all():
        return pd.Series(np.nan, column.index, "float64"), None
    numeric = pd.api.types.is_numeric_dtype(column.dtype)
    if numeric or pd.api.types.is_bool_dtype(column.dtype):
        if column.isna().any() or not isinstance(column.dtype, np.dtype):
            return column.astype("float64"), "numeric"
        return column, "numeric"
    return _as_text(column), "categorical"


def _as_text(column):
    """Give a column as text, whole numbers as such: with a gap, they became floats."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if column.dtype == object and pd.api.types.infer_dtype(column) != "string":
        column = column.map(_whole)
    text = column.astype("str").where(column.notna())
    if pd.api.types.is_float_dtype(column.dtype):
        whole = ((column % 1 == 0) & (column.abs() < _EXACT)).to_numpy()
        text[whole] = column[whole].astype("int64").astype("str")
    return text


def _whole(cell):
    whole = isinstance(cell, float | np.floating) and cell.is_integer()
    return str(int(cell)) if whole else cell


def common_kind(one, other):
    """Give the kind of a channel that is numbers in one track and text in another."""
    if one is None or other is None:
        return one or other
    return "categorical"


def unify(frame, columns):
    """Give a track the columns of all, of the same kinds."""
    unified = {}
    for name, kind in columns.items():
        column = frame.get(name)
        if kind == "categorical":
            missing = pd.Series(np.nan, frame.index, "str")
            if column is None or column.isna().all():
                column = missing
            elif not pd.api.types.is_string_dtype(column.dtype):
                column = _as_text(column)
        elif column is None:
            column = pd.Series(np.nan, frame.index, "float64")
        else:
            column = column.astype("float64")
        unified[name] = column
    return pd.DataFrame(unified, index=frame.index)


def write_parquet(frame, path):
    try:
        frame.to_parquet(path, compression="zstd")
    except ImportError as error:
        raise ImportError(
            "a track store needs pyarrow: pip install skdsn[parquet]"
        ) from error


def read_parquet(path):
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise ImportError(
            "a track store needs pyarrow: pip install skdsn[parquet]"
        ) from error
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} of the store cannot be read: {error}; make the store anew."
        ) from error
