"""What every metric does first: read labels, flags, scores, tracks and times."""

from itertools import combinations

import numpy as np
import pandas as pd

from skdsn.tracks import Tracks, read_tracks

DATES = pd.DatetimeIndex | pd.TimedeltaIndex


def read_pair(y_true, y_other, *, tracks=None, timestamps=None, scores=False):
    """Check labels and flags (or scores) of the same rows; find their tracks."""
    other_name = "y_score" if scores else "y_pred"
    truth = read_flags(y_true, "y_true")
    other = read_scores(y_other) if scores else read_flags(y_other, other_name)
    if len(truth) == 0:
        raise ValueError("y_true has no rows; a metric needs at least one.")
    check_length(other, len(truth), other_name)
    named = {"y_true": y_true, other_name: y_other}
    found = find_tracks(len(truth), tracks, timestamps=timestamps, **named)
    return truth, other, found


def read_answer(name, answer, y_true, tracks=None):
    """Read the flags of a detector and its scores: None if they rank nothing."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise ValueError(
            f"Detector {name!r} must answer with (y_pred, y_score), of which y_score "
            f"may be None; got {type(answer).__name__}."
        )
    try:
        _, flags, _ = read_pair(y_true, answer[0], tracks=tracks)
        if answer[1] is None:
            return flags, None
        scores = read_finite(answer[1])
        check_length(scores, len(flags), "y_score")
        find_tracks(len(flags), tracks, y_true=y_true, y_score=answer[1])
    except (ValueError, TypeError) as error:
        error.add_note(f"This is the answer of detector {name!r}.")
        raise
    return flags, None if is_constant(scores) else scores


def check_length(values, n_rows, name):
    """Refuse values of other rows than the labels."""
    if len(values) != n_rows:
        raise ValueError(
            f"y_true has {n_rows} rows but {name} has {len(values)}; inconsistent "
            "numbers of samples."
        )


def read_flags(values, name):
    """Check that values are 0 or 1, one per row; give them as bool."""
    array = _one_column(values, name)
    if array.dtype == bool:
        return array
    strange = (
        ~np.isin(array, [0, 1]) if array.dtype.kind in "iufb" else _not_flags(array)
    )
    if strange.any():
        row = int(np.argmax(strange))
        value = array[row : row + 1].tolist()[0]  # as Python prints it
        raise ValueError(
            f"{name} must hold 0 (normal) and 1 (anomalous); got {value!r} in row "
            f"{row}. Flag scores with y_score >= threshold, the predictions of an "
            "outlier detector with skdsn.base.anomaly_flags, and leave rows without a "
            "label out."
        )
    return array.astype(bool)


def _not_flags(array):
    """Tell which objects are neither 0 nor 1; text and missing values are not."""
    return ~pd.Series(array.astype(object)).isin([0, 1]).to_numpy()


def read_scores(values, name="y_score"):
    """Check that scores are finite and not all equal; give them as float64."""
    scores = read_finite(values, name)
    if is_constant(scores):
        raise ValueError(
            f"{name} is {scores[0]} in all {len(scores)} rows; a constant score ranks "
            "nothing, so no figure of it would mean anything. Mend the detector."
        )
    return scores


def is_constant(scores):
    """Tell whether scores rank nothing, though there are rows to rank."""
    if len(scores) < 2 or scores[0] != scores[-1]:
        return False
    return bool((scores == scores[0]).all())


def read_finite(values, name="y_score"):
    """Check that scores are finite numbers, one per row; give them as float64."""
    array = _one_column(values, name)
    if array.dtype.kind == "O":
        array = pd.Series(array).infer_objects().to_numpy()
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} must hold one number per row; got {array.dtype} values."
        )
    scores = array.astype(np.float64, copy=False)
    finite = np.isfinite(scores)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(
            f"{name} is {scores[row]} in row {row}; scores must be finite, so give "
            "rows that cannot be scored the score of a normal row."
        )
    return scores


def elapsed(found):
    """Telemetry before each row, and after the last: the axis that time is measured on.

    Seconds, with gaps and the time between tracks left out; rows where no time is told.

    Returns
    -------
    float64 ndarray of shape (n_rows + 1,)
    """
    lasting = found.durations
    if np.isnan(lasting).any():
        return np.arange(found.n_rows + 1, dtype=np.float64)
    return np.concatenate(([0.0], np.cumsum(lasting)))


def _one_column(values, name):
    if isinstance(values, pd.api.extensions.ExtensionArray):
        values = pd.Series(values)
    if isinstance(values, pd.DataFrame) and values.shape[1] == 1:
        values = values.iloc[:, 0]
    if np.ma.is_masked(values):
        raise ValueError(f"{name} is masked in places; fill or drop those rows first.")
    categories = isinstance(getattr(values, "dtype", None), pd.CategoricalDtype)
    try:
        if isinstance(values, pd.Series) and not categories:
            array = values.to_numpy(na_value=np.nan)
        else:
            array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} must hold one value per row: {error}.") from error
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        hint = "Of class probabilities take the column of class 1."
        raise ValueError(
            f"{name} must hold one value per row; got "
            f"{f'shape {array.shape}. {hint}' if array.ndim else repr(values) + '.'}"
        )
    return array


def find_tracks(n_rows, tracks=None, *, timestamps=None, **named):
    """Find the tracks of the rows.

    They are told by `tracks`, else by the two-level index of one of the `named`
    containers; else all rows are one track. Times are told by a two-level index, by
    `timestamps`, or by dates or timedeltas in a one-level index; integers there are
    row numbers, which a slice would shift.
    """
    indexes = {
        name: values.index
        for name, values in named.items()
        if isinstance(values, pd.DataFrame | pd.Series)
    }
    if isinstance(tracks, pd.DataFrame | pd.Series):
        indexes = {"tracks": tracks.index} | indexes
    elif isinstance(tracks, pd.MultiIndex | DATES):
        indexes = {"tracks": tracks} | indexes
    _check_same_rows(indexes)
    found = _read_given(tracks)
    if found is None and tracks is None:
        panel = [index for index in indexes.values() if index.nlevels > 1]
        found = read_tracks(panel[0]) if panel else None
    if found is not None and found.n_rows != n_rows:
        raise ValueError(
            f"tracks tells the track of {found.n_rows} rows, but there are {n_rows} "
            "rows; inconsistent numbers of samples."
        )
    if found is not None and found.times is not None:
        if timestamps is not None:
            raise ValueError(
                "The times of the rows are told twice, by an index and by timestamps; "
                "give one of them."
            )
        return found
    clocks = [index for index in indexes.values() if isinstance(index, DATES)]
    times = clocks[0] if clocks else None
    if timestamps is not None:
        times = pd.Index(timestamps)
        check_length(times, n_rows, "timestamps")
    if found is None:
        return read_tracks(np.empty(n_rows) if times is None else times)
    if times is None:
        return found
    codes = found.of_rows()
    return read_tracks(pd.MultiIndex.from_arrays([found.names.take(codes), times]))


def _read_given(tracks):
    """Read `tracks`: something indexed by track and time, or an id per row."""
    if tracks is None or isinstance(tracks, Tracks):
        return tracks
    if isinstance(tracks, pd.DataFrame | pd.Series) and tracks.index.nlevels > 1:
        return read_tracks(tracks.index)
    if isinstance(tracks, pd.MultiIndex | DATES):
        return read_tracks(tracks)
    if isinstance(tracks, pd.RangeIndex):  # the default of a frame: one track
        return read_tracks(np.empty(len(tracks)))
    if isinstance(tracks, pd.DataFrame):
        if isinstance(tracks.index, DATES) and tracks.shape[1] != 1:
            return read_tracks(tracks.index)
        tracks = tracks.squeeze(axis="columns")
    ids = tracks if isinstance(tracks, pd.Index | pd.Series) else np.asarray(tracks)
    if ids.ndim != 1:
        raise ValueError(
            "tracks must hold one track id per row, or be indexed by (track, time); "
            f"got shape {ids.shape}."
        )
    codes, names = pd.factorize(ids)
    rows = np.arange(len(codes))
    index = pd.MultiIndex(levels=[names, rows], codes=[codes, rows])
    found = read_tracks(index)
    return Tracks(found.names, found.bounds)


def _is_default(index):
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _check_same_rows(indexes):
    """Refuse containers whose indexes say that they hold different rows."""
    told = [(name, index) for name, index in indexes.items() if not _is_default(index)]
    for (name, index), (other_name, other) in combinations(told, 2):
        if index.nlevels != other.nlevels:
            # One of them without tracks may still tell the times.
            index, other = (i.get_level_values(-1) for i in (index, other))
        if index.equals(other):
            continue
        if len(index) != len(other):
            continue  # reported as such, with both lengths
        differ = index.to_numpy(dtype=object) != other.to_numpy(dtype=object)
        if not differ.any():
            continue
        row = int(np.argmax(differ))
        raise ValueError(
            f"{name} and {other_name} have different indexes, first at row {row}: "
            f"{index[row]} and {other[row]}; align them with .loc or .reindex."
        )
