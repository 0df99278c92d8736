"""Read and check the rows that come into a stage."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from skdsn._sklearn import check_feature_names_in
from skdsn.tracks import Tracks, is_categorical, read_tracks


@dataclass(frozen=True)
class Rows:
    """Validated input of a stage.

    Attributes
    ----------
    data : DataFrame or ndarray of shape (n_rows, n_features)
        A frame for stages that read text, otherwise floats. Not to be written to.
    tracks : Tracks
    """

    data: pd.DataFrame | np.ndarray
    tracks: Tracks

    @property
    def index(self):
        """Index of the rows; None if an array came in."""
        return self.tracks.index


def read_rows(estimator, X, *, reset, text=False, missing=False, dtype=np.float64):
    """Check the input of a stage and find its tracks.

    Parameters
    ----------
    estimator : estimator instance
        Learns ``n_features_in_``, ``feature_names_in_`` and ``fitted_on_tracks_``
        if `reset`, is held to them otherwise.
    X : DataFrame or array-like of shape (n_rows, n_features)
    reset : bool
        True in ``fit``.
    text : bool, default=False
        Allow categorical columns; the data come back as a frame.
    missing : bool, default=False
        Allow NaN.
    dtype : numpy dtype or tuple of them, default=float64
        Of the values, unless `text`; of several, values of another one get the first.

    Returns
    -------
    Rows

    Raises
    ------
    ValueError, TypeError
        If the row contract is broken; the message names track, column or row.
    """
    finite = "allow-nan" if missing else True
    if isinstance(X, pd.DataFrame):
        tracks = read_tracks(X)
        _check_container(estimator, X.index.nlevels == 2, reset)
        _check_columns(X)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if X.shape[0] == 0 or X.shape[1] == 0:
            raise ValueError(
                f"Found a frame with {X.shape[0]} sample(s) and {X.shape[1]} "
                f"feature(s) while {type(estimator).__name__} needs at least one row "
                "and one column."
            )
        data = _read_frame(X, estimator, text, missing, dtype)
        return Rows(data, tracks)
    if isinstance(X, np.ma.MaskedArray):  # what is masked is missing
        X = X.astype(np.float64).filled(np.nan)
    _check_container(estimator, False, reset)
    if not text:
        _refuse_text_in_array(X, estimator)
    array = validate_data(
        estimator,
        X,
        reset=reset,
        dtype=None if text else dtype,
        ensure_all_finite=finite if not text else _finite_or_text(X, finite),
    )
    tracks = read_tracks(array)
    if text:
        frame = pd.DataFrame(array).infer_objects()
        data = _read_frame(frame, estimator, text, missing, dtype)
    else:
        data = array
    return Rows(data, tracks)


def _finite_or_text(X, finite):
    """check_array cannot test an array of objects for infinity; _read_frame can."""
    return False if np.asarray(X).dtype.kind == "O" else finite


def _check_container(estimator, has_tracks, reset):
    if reset:
        estimator.fitted_on_tracks_ = has_tracks
    elif estimator.fitted_on_tracks_ and not has_tracks:
        raise ValueError(
            f"{type(estimator).__name__} was fitted on tracks, indexed by (track, "
            "time), but now got rows without a track. Pass a frame with the same "
            "index levels; inside a Pipeline call set_output(transform='pandas') so "
            "that every step keeps the index."
        )


def _check_columns(X):
    if X.columns.is_unique:
        return
    names = X.columns.tolist()
    name = next(name for name in names if names.count(name) > 1)
    places = [i for i, other in enumerate(names) if other == name]
    raise ValueError(
        f"Column {name!r} occurs {len(places)} times in X, at positions {places}; "
        "rename or drop all but one."
    )


def _read_frame(X, estimator, text, missing, dtype):
    names = check_feature_names_in(estimator)
    categorical = is_categorical(X)
    numbers = {}
    for column in np.flatnonzero(categorical):
        kind = X.dtypes.iloc[column]
        if pd.api.types.is_datetime64_any_dtype(kind) or kind.kind == "m":
            raise TypeError(
                f"Column {names[column]!r} holds times ({kind}); time belongs in the "
                "index, so drop the column or turn it into numbers."
            )
        if not text:
            numbers[names[column]] = _to_numbers(
                X.iloc[:, column].reset_index(drop=True), names[column], estimator
            ).to_numpy()
    if any(kind.kind == "c" for kind in X.dtypes):
        raise ValueError("Complex data not supported: telemetry columns are real.")
    if not text:
        if numbers:
            X = X.set_axis(names, axis=1).assign(**numbers)
        if isinstance(dtype, tuple):
            dtype = next((d for d in dtype if (X.dtypes == d).all()), dtype[0])
        values = X.to_numpy(dtype=dtype, na_value=np.nan)
        _check_finite(values, names, X.index, estimator, missing)
        return values
    numeric = np.flatnonzero(~categorical)
    for column in numeric:
        values = X.iloc[:, column]
        if values.dtype.kind == "f" or values.hasnans:
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)
            _check_finite(values[:, None], names[[column]], X.index, estimator, missing)
    return X.set_axis(names, axis=1)


def _to_numbers(cells, name, estimator):
    _refuse_text(cells, f"column {name!r}", estimator)
    try:
        return cells.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{type(estimator).__name__} takes numbers, but column {name!r} of type "
            f"{cells.dtype} holds something else ({error}); turn it into numbers or "
            "drop it."
        ) from error


def _refuse_text(cells, place, estimator):
    """Refuse text, even if it could be read as numbers: nothing is cast in silence."""
    text = cells[cells.map(lambda cell: isinstance(cell, str | bytes)).to_numpy(bool)]
    if len(text) == 0:
        return
    words = text[pd.to_numeric(text.astype(object), errors="coerce").isna().to_numpy()]
    first = (words if len(words) else text).index[0]
    cure = (
        "encode categorical columns before this step, for example with OneHotEncoder"
        if len(words)
        else "turn text into numbers with pandas.to_numeric first"
    )
    raise ValueError(
        f"{type(estimator).__name__} takes numbers, but {place} holds the text "
        f"{cells[first]!r} in row {first}; {cure}."
    )


def _refuse_text_in_array(X, estimator):
    array = np.asarray(X)
    if array.ndim == 2 and array.dtype.kind in "OUS":
        for column, cells in enumerate(array.T):
            _refuse_text(pd.Series(cells), f"column {column}", estimator)


def _check_finite(values, names, index, estimator, missing):
    # A sum is finite only if every term is: one pass without a Boolean table.
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(values.sum()):
            return
    bad = np.isinf(values) if missing else ~np.isfinite(values)
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    what = "infinity" if np.isinf(values[row, column]) else "NaN"
    cure = (
        "replace infinite values by NaN or a limit"
        if what == "infinity"
        else "put CausalImputer before this step"
    )
    raise ValueError(
        f"Input X contains {what}: column {names[column]!r}, row {row} "
        f"({index[row]}); {type(estimator).__name__} cannot take it, so {cure}."
    )


def pick_channels(names, channels, shared, default):
    """Settle which columns are channels, beside those that all of them share.

    Parameters
    ----------
    names : list
        Columns of the telemetry.
    channels : list or None
        None takes those of `default` that are not shared.
    shared, default : list

    Returns
    -------
    list
        At least one, none of them twice.

    Raises
    ------
    ValueError
        If a name is no column, is named twice, or no channel is left.

    Examples
    --------
    >>> pick_channels(["volt", "amp", "heater"], None, ["heater"], ["volt", "heater"])
    ['volt']
    """
    if channels is None:
        channels = [name for name in default if name not in set(shared)]
    channels = list(channels)
    named = [*channels, *shared]
    for name in named:
        if name not in names:
            raise ValueError(
                f"{name!r} is no column of X; the columns are {list(names)[:10]}."
            )
        if named.count(name) > 1:
            raise ValueError(
                f"Column {name!r} is named twice, in channels or in shared; name it "
                "once."
            )
    if not channels:
        raise ValueError(
            f"There is no channel: none of the columns {list(names)[:10]} is left, for "
            "text and shared columns are not watched."
        )
    return channels
