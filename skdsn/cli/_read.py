"""Telemetry, labels and incidents, out of the files that the user names."""

from contextlib import contextmanager

import pandas as pd
from sklearn.utils import Bunch

from skdsn.base import read_labels
from skdsn.cli._tables import read_pieces, read_table
from skdsn.datasets import (
    MissionFormat,
    load_smap_msl,
    read_raw,
    stack_smap_msl,
)
from skdsn.datasets._store_files import plain_frame, unify
from skdsn.labeling import label_incidents
from skdsn.preparation import cut_chunk
from skdsn.tracks import as_telemetry, parse_times, read_tracks, stack_tracks

# What a store tells of the way from raw files to tracks.
_SELECTION = {"format", "bands", "trim", "repair"}


def telemetry_columns(args):
    """Tell what the columns of telemetry are, for a detector file to remember.

    Parameters
    ----------
    args : argparse.Namespace
        Of ``skdsn fit``.

    Returns
    -------
    dict
        ``track`` and ``time``, their names or None, and ``drop``, a list of names: what
        was left out, and the labels.
    """
    labels = [args.labels] if args.labels else []
    return {"track": args.track, "time": args.time, "drop": [*args.drop, *labels]}


def read_data(args, columns=None):
    """Read telemetry and, where the arguments name any, its labels.

    Parameters
    ----------
    args : argparse.Namespace
    columns : dict, default=None
        What a detector file remembers, as :func:`telemetry_columns` returns it; it
        stands in for what the arguments leave out.

    Returns
    -------
    Bunch
        ``X``; ``y``, a Series of int64 or None; ``groups`` (track id to group),
        ``train_only`` (track ids) and ``range_from``, as
        :mod:`skdsn.model_selection` takes them, None or empty for a file; ``timed``,
        whether the times of the rows are known; ``track`` and ``time``, the names of
        their columns if any were given.
    """
    path = args.telemetry
    if args.spacecraft:
        return _read_smap_msl(path, args)
    columns = columns or {}
    track = args.track or columns.get("track")
    time = args.time or columns.get("time")
    column = getattr(args, "labels", None)
    X = read_telemetry(path, track, time)
    _check_named([*args.drop, *([column] if column else [])], X, path)
    y = None
    if column:
        y = X[column]
        y = pd.Series(
            read_labels(y, unlabelled=True, rare=True), y.index, "int64", name=column
        )
    elif getattr(args, "incidents", None):
        y = _read_incidents(args, X)
    return Bunch(
        X=_without(X, {*args.drop, *columns.get("drop", ()), column}),
        y=y,
        groups=None,
        train_only=(),
        range_from=None,
        timed=True,
        track=track,
        time=time,
    )


def read_chunks(args, columns, size):
    """Read telemetry piece by piece, so that no more than one is in memory.

    Parameters
    ----------
    args : argparse.Namespace
    columns : dict
        As for :func:`read_data`.
    size : int
        Rows of a piece.

    Yields
    ------
    DataFrame
        The next rows; a track may go on in the next piece.
    """
    track = args.track or columns.get("track")
    time = args.time or columns.get("time")
    drop = {*args.drop, *columns.get("drop", ())}
    begin = 0
    for frame in read_pieces(args.telemetry, size, text=track or "track"):
        with counting_from(begin):
            frame = _index_by_time(frame, args.telemetry, track, time)
        begin += len(frame)
        _check_named(args.drop, frame, args.telemetry)
        frame = _without(frame, drop)
        yield frame
        del frame  # before the next one is read


@contextmanager
def counting_from(row):
    """Tell in an error message which row of the telemetry a piece begins with.

    Parameters
    ----------
    row : int
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        if row == 0:
            raise
        raise ValueError(f"In the piece that begins with row {row}: {error}") from error


def _check_named(names, X, path):
    for name in names:
        if name not in X.columns:
            raise ValueError(
                f"{path} has no column {name!r}; its columns are "
                f"{', '.join(map(str, X.columns[:10]))}."
            )


def _without(X, drop):
    return X[[name for name in X.columns if name not in drop]]


def need_labels(args, y, *, learn):
    """Refuse to go on without labels, or to learn where none is anomalous."""
    if y is None:
        raise ValueError(
            "Labels are needed: give --labels COLUMN or --incidents FILE. Without any, "
            "skdsn fit --recipe housekeeping or esa learns from quiet telemetry."
        )
    if learn and not (y == 1).any():
        where = args.incidents or args.telemetry
        raise ValueError(
            f"No row of {args.telemetry} is anomalous, so there is no anomaly to learn "
            f"from; check the labels in {where}."
        )


def read_telemetry(path, track=None, time=None):
    """Read a telemetry frame from a CSV or Parquet file.

    Parameters
    ----------
    path : str or path-like
    track, time : str, default=None
        Columns; None takes ``track`` and ``time`` where they exist.

    Returns
    -------
    DataFrame
        Indexed by (track, time), or by time for a single track.
    """
    frame = read_table(path, text=track or "track")
    return _index_by_time(frame, path, track, time)


def _index_by_time(frame, path, track, time):
    if not isinstance(frame.index, pd.RangeIndex) and not (
        {track, time} - {None, *frame.index.names}
    ):
        return as_telemetry(frame)  # Parquet keeps an index
    if track is None and "track" in frame.columns:
        track = "track"
    time = time or "time"
    if time not in frame.columns:
        raise ValueError(
            f"{path} has no column {time!r}; name the column of the time with --time. "
            f"Its columns are {', '.join(map(str, frame.columns[:10]))}."
        )
    if pd.api.types.is_string_dtype(frame[time].dtype):
        frame[time] = _dates(frame[time], path)
    return as_telemetry(frame, track=track, time=time)


def read_raw_telemetry(folder, columns, *, allow_pickle):
    """Read raw files of a mission as they were read for training, chunk by chunk.

    Parameters
    ----------
    folder : str or path-like
        No incidents need to be known yet.
    columns : dict
        What a detector of ``skdsn train`` remembers: ``mission``, the options of
        :func:`skdsn.preparation.prepare_tracks`, and ``kinds`` of columns.
    allow_pickle : bool

    Yields
    ------
    DataFrame
        Indexed by (track, time), with the channels of training. No track is too short.
    """
    prepared = columns["mission"]
    if not set(prepared) >= _SELECTION:
        raise ValueError(
            f"{folder} is a folder, but the store that the detector was trained on was "
            "not made by skdsn prepare, so nothing tells how to read raw files; name a "
            "CSV or Parquet file."
        )
    mission = MissionFormat(**prepared["format"])
    options = {name: prepared[name] for name in _SELECTION - {"format"}}
    raw = read_raw(folder, mission, allow_pickle=allow_pickle, incidents=False)
    seen, n_frames = [], 0
    for name in raw.chunks:
        parts = cut_chunk(
            raw.read_chunk(name), mission, seen=seen, min_rows=1, **options
        )
        tracks = _unify_parts(parts, columns["kinds"])
        if tracks:
            n_frames += 1
            yield stack_tracks(tracks)
        del tracks  # before the next chunk is read
    if not n_frames:
        raise ValueError(f"{folder} holds no track to score.")


def _unify_parts(cut, kinds):
    """Give the tracks of a chunk the channels of training, and tell what was amiss."""
    tracks = {}
    for parts, report in cut:
        for entry in report.itertuples():
            track = "" if entry.track is None else f"{entry.track}: "
            print(f"{track}{entry.n_rows:,} rows, {entry.reason}.")
        for part in parts:
            X, own = plain_frame(part.track, part.X)
            for told, names in (
                ("not known to the detector, so left out", own.keys() - kinds.keys()),
                ("missing", kinds.keys() - own.keys()),
            ):
                if names:
                    print(f"{part.track}: {told}: {', '.join(sorted(names))}.")
            tracks[part.track] = unify(X, kinds)
    return tracks


def _dates(column, path):
    try:
        return parse_times(column)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _read_incidents(args, X):
    incidents = read_table(args.incidents, text=args.incident_track)
    if args.incident_track in incidents.columns:
        # The same id may be a number in one file and text in the other.
        ids = {str(name): name for name in read_tracks(X).names}
        named = incidents[args.incident_track]
        incidents[args.incident_track] = [
            name if pd.isna(name) else ids.get(str(name), name) for name in named
        ]
    for column in (args.incident_start, args.incident_end):
        if column in incidents and pd.api.types.is_string_dtype(incidents[column]):
            incidents[column] = _dates(incidents[column], args.incidents)
    y, report = label_incidents(
        X,
        incidents,
        start=args.incident_start,
        end=args.incident_end,
        track=args.incident_track,
        open_start=args.open_start,
        open_end=args.open_end,
        return_report=True,
    )
    counts = report["reason"].value_counts()
    matched = counts.pop("matched") if "matched" in counts else 0
    others = "".join(f", {n} not: {reason}" for reason, n in counts.items())
    print(f"Incidents: {matched} of {len(report)} matched rows{others}.")
    return y


def _read_smap_msl(path, args):
    if getattr(args, "labels", None) or getattr(args, "incidents", None):
        raise ValueError("The SMAP/MSL set brings its labels; leave out yours.")
    names = args.channels.split(",") if args.channels else None
    channels = load_smap_msl(path, spacecraft=args.spacecraft, channels=names)
    unlabelled = [name for name, channel in channels.items() if not channel.labelled]
    if unlabelled:
        print(f"Left out, for want of labels: {', '.join(unlabelled)}.")
    labelled = {name: channels[name] for name in channels if name not in unlabelled}
    if not labelled:
        raise ValueError(f"{path} has no labelled channel of {args.spacecraft}.")
    stack = stack_smap_msl(labelled)
    X = stack.X.drop(columns=args.drop)
    tracks = read_tracks(X)
    return Bunch(
        X=X,
        y=stack.y,
        groups=dict(
            zip(tracks.names, stack.groups.iloc[tracks.bounds[:-1]], strict=True)
        ),
        train_only=[f"{name}/train" for name in labelled],
        range_from={f"{name}/test": f"{name}/train" for name in labelled},
        timed=False,  # time is the row number there
        track=None,
        time=None,
    )
