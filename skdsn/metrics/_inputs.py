"""What every metric does first: read labels, flags, scores and tracks."""

from itertools import pairwise

import numpy as np
import pandas as pd

from skdsn.tracks import Tracks, read_tracks


def read_pair(y_true, y_other, *, tracks=None, scores=False):
    """Check labels and flags (or scores) of the same rows; find their tracks."""
    other_name = "y_score" if scores else "y_pred"
    truth = read_flags(y_true, "y_true")
    other = read_scores(y_other) if scores else read_flags(y_other, other_name)
    if len(truth) == 0:
        raise ValueError("y_true has no rows; a metric needs at least one.")
    if len(truth) != len(other):
        raise ValueError(
            f"y_true has {len(truth)} rows but {other_name} has {len(other)}; "
            "inconsistent numbers of samples."
        )
    found = find_tracks(len(truth), tracks, y_true=y_true, **{other_name: y_other})
    return truth, other, found


def read_flags(values, name):
    """Check that values are 0 or 1, one per row; give them as bool."""
    array = _one_column(values, name)
    if array.dtype == bool:
        return array
    strange = (array != 0) & (array != 1)
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
    if isinstance(values, pd.DataFrame) and values.shape[1] == 1:
        values = values.iloc[:, 0]
    if isinstance(values, pd.Series):
        array = values.to_numpy(na_value=np.nan)
    else:
        array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            f"{name} has one value per row; got shape {array.shape}. Of class "
            "probabilities take the column of class 1."
        )
    return array


def find_tracks(n_rows, tracks=None, **named):
    """Find the tracks of the rows.

    They are told by `tracks`, else by the two-level index of one of the `named`
    containers; else all rows are one track.
    """
    indexes = {
        name: values.index
        for name, values in named.items()
        if isinstance(values, pd.DataFrame | pd.Series)
    }
    _check_same_rows(indexes)
    if tracks is not None:
        found = _read_given(tracks)
        if found.n_rows != n_rows:
            raise ValueError(
                f"tracks tells the track of {found.n_rows} rows, but there are "
                f"{n_rows} rows; inconsistent numbers of samples."
            )
        if isinstance(tracks, pd.DataFrame | pd.Series | pd.Index):
            index = tracks if isinstance(tracks, pd.Index) else tracks.index
            _check_same_rows({"tracks": index, **indexes})
        return found
    # An index with tracks says most, one with times more than none.
    for index in sorted(indexes.values(), key=lambda index: -index.nlevels):
        if index.nlevels > 1 or not _is_default(index):
            return read_tracks(index)
    return read_tracks(np.empty(n_rows))


def _read_given(tracks):
    """Read `tracks`: something indexed by track and time, or an id per row."""
    if isinstance(tracks, Tracks):
        return tracks
    if isinstance(tracks, pd.DataFrame):
        return read_tracks(tracks)
    if isinstance(tracks, pd.Series | pd.Index):
        index = tracks if isinstance(tracks, pd.Index) else tracks.index
        if index.nlevels > 1:
            return read_tracks(index)
    if isinstance(tracks, pd.Index) and _holds_times(tracks):
        return read_tracks(tracks)
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


def _holds_times(index):
    """Tell the times of one track from the track ids of its rows, which repeat."""
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        return True
    return pd.api.types.is_integer_dtype(index.dtype) and index.is_unique


def _is_default(index):
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _check_same_rows(indexes):
    """Refuse containers whose indexes say that they hold different rows."""
    told = [(name, index) for name, index in indexes.items() if not _is_default(index)]
    for (name, index), (other_name, other) in pairwise(told):
        if index.nlevels != other.nlevels or index.equals(other):
            continue
        if len(index) != len(other):
            continue  # reported as such, with both lengths
        row = int(np.argmax(index.to_numpy() != other.to_numpy()))
        raise ValueError(
            f"{name} and {other_name} have different indexes, first at row {row}: "
            f"{index[row]} and {other[row]}; align them with .loc or .reindex."
        )
