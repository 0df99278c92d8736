"""Make telemetry frames from other containers."""

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd

from skdsn.tracks._read import read_tracks


def stack_tracks(tracks, *, names=("track", "time")):
    """Put tracks of one kind one below the other.

    Parameters
    ----------
    tracks : mapping of track id to DataFrame, Series or array-like
        Each is one track with the same columns; one-dimensional arrays and
        Series give a Series. Where there is no time index, time is the row
        number.
    names : tuple of two str, default=("track", "time")
        Names of the index levels.

    Returns
    -------
    DataFrame or Series
        Indexed by (track, time), in the order of the mapping.

    Raises
    ------
    ValueError
        If there is no track, or the columns of two tracks differ.

    Examples
    --------
    >>> import numpy as np
    >>> stack_tracks({"A-1": np.zeros((2, 1)), "B-1": np.ones((1, 1))})
                  0
    track time
    A-1   0     0.0
          1     0.0
    B-1   0     1.0
    """
    if not tracks:
        raise ValueError("There is no track to stack; got an empty mapping.")
    frames = {name: _as_frame(name, track) for name, track in tracks.items()}
    first_name, first = next(iter(frames.items()))
    for name, frame in frames.items():
        if frame.ndim != first.ndim or (
            frame.ndim == 2 and not frame.columns.equals(first.columns)
        ):
            raise ValueError(
                f"Tracks {first_name!r} and {name!r} have different columns; "
                "give every track the same ones, in the same order."
            )
    # `keys` are passed as a list so that the order of the mapping is kept.
    stacked = pd.concat(list(frames.values()), keys=list(frames), names=names)
    if stacked.index.nlevels == 2:
        stacked.index.names = names
    read_tracks(stacked)
    return stacked


def _as_frame(name, track):
    if isinstance(track, pd.DataFrame | pd.Series):
        return track
    array = np.asarray(track)
    if array.ndim not in (1, 2):
        raise TypeError(
            f"Track {name!r} must be a frame or an array of rows; got "
            f"{type(track).__name__} of {array.ndim} dimensions."
        )
    return pd.Series(array) if array.ndim == 1 else pd.DataFrame(array)


def as_telemetry(data, *, track=None, time=None):
    """Make a telemetry frame from the containers in use.

    Parameters
    ----------
    data : DataFrame, mapping, list, ndarray or any panel sktime knows
        * a flat DataFrame, with `track` and `time` naming its columns;
        * a frame that is already indexed by (track, time), or by time;
        * a mapping of track id to DataFrame (or a list of ``(id, frame)`` pairs),
          with `time` naming a column where time is not yet the index;
        * any panel container that sktime checks: ``df-list``, ``numpy3D`` of shape
          (n_tracks, n_channels, n_rows), ``nested_univ``, ...
    track : str, optional
        Column that holds the track id.
    time : str, optional
        Column that holds the time. Floating-point numbers are seconds, and
        become timedeltas.

    Returns
    -------
    DataFrame
        Indexed by (track, time), or by time alone for a flat frame without
        `track`. Order is kept.

    Raises
    ------
    ValueError
        If the result breaks the row contract, see :func:`read_tracks`, or `track` or
        `time` is given where there are no columns to be named.
    TypeError
        If sktime does not know the container either.

    Notes
    -----
    Containers other than pandas frames go through
    :func:`sktime.datatypes.convert_to`. sktime's own check of ``pd-multiindex``
    admits interleaved tracks and duplicate times; :func:`read_tracks` does not.

    Examples
    --------
    >>> import pandas as pd
    >>> flat = pd.DataFrame({"pass": [7, 7], "t": [0, 5], "SNR": [9.1, 9.3]})
    >>> as_telemetry(flat, track="pass", time="t")
             SNR
    pass t
    7    0   9.1
         5   9.3
    """
    if isinstance(data, str | os.PathLike):
        raise TypeError(
            f"as_telemetry takes telemetry, not the path {os.fspath(data)!r}; read the "
            "file first, for example with pandas.read_csv."
        )
    if isinstance(data, list):
        data = _name_tracks(data, framed=time is not None)
    if isinstance(data, Mapping):
        if track is not None:
            raise ValueError(
                f"The keys of a mapping are the track ids; leave out track={track!r}."
            )
        if time is not None:
            data = {
                name: _index_by(_as_frame(name, frame), [time])
                for name, frame in data.items()
            }
        return stack_tracks(data)
    if isinstance(data, pd.DataFrame) and (track is not None or time is not None):
        if time is None:
            raise ValueError("Name the time column too: as_telemetry(..., time=...).")
        data = _index_by(data, [time] if track is None else [track, time])
    elif not isinstance(data, pd.DataFrame) or _is_nested(data):
        if track is not None or time is not None:
            name = f"track={track!r}" if time is None else f"time={time!r}"
            raise ValueError(
                f"A {type(data).__name__} has no columns that {name} could name; leave "
                "it out."
            )
        data = _from_sktime(data)
    read_tracks(data)
    return data


def _name_tracks(data, framed):
    """Make (id, frame) pairs or, if `framed`, mere frames a mapping."""
    if not data:
        raise ValueError("There is no track; got an empty list.")
    if framed and all(isinstance(item, pd.DataFrame) for item in data):
        return dict(enumerate(data))
    if not all(isinstance(item, tuple) and len(item) == 2 for item in data):
        return data
    names = [name for name, _ in data]
    if len(set(names)) < len(names):
        repeated = next(n for n in names if names.count(n) > 1)
        raise ValueError(
            f"Track id {repeated!r} occurs twice; give every track its own id."
        )
    return dict(data)


def _index_by(frame, columns):
    known = frame.columns if isinstance(frame, pd.DataFrame) else []
    missing = [c for c in columns if c not in known]
    if missing:
        raise ValueError(
            f"The frame has no column {missing[0]!r}; its columns are "
            f"{list(known)[:10]}."
        )
    time = columns[-1]
    if pd.api.types.is_float_dtype(frame[time].dtype):
        frame = frame.assign(**{time: pd.to_timedelta(frame[time], unit="s")})
    return frame.set_index(columns)


def _is_nested(frame):
    """Whether a frame's cells hold whole series (sktime's ``nested_univ``)."""
    return bool(
        len(frame)
        and frame.index.nlevels == 1
        and any(isinstance(cell, pd.Series | np.ndarray) for cell in frame.iloc[0])
    )


def _from_sktime(data):
    from sktime.datatypes import check_is_scitype, convert_to

    if isinstance(data, np.ndarray) and data.ndim == 2:
        return pd.DataFrame(data)
    valid, *_ = check_is_scitype(data, "Panel", return_metadata=True)
    if not valid:
        what = type(data).__name__
        if isinstance(data, np.ndarray):
            what = f"{what} of {data.ndim} dimensions"
        raise TypeError(
            f"A {what} is no telemetry frame and no panel that sktime knows; pass a "
            "DataFrame with track= and time=, a mapping of track id to DataFrame, or "
            "an array of rows."
        )
    return convert_to(data, to_type="pd-multiindex")
