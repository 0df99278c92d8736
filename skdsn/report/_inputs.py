"""What all figures of scores do first: read labels, scores, flags and tracks."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from skdsn.base import read_labels
from skdsn.report._tables import check_scores
from skdsn.tracks import read_tracks

_DATES = pd.DatetimeIndex | pd.TimedeltaIndex


def read_answers(y, scores):
    """Read the labels of rows, and the scores of one or more detectors.

    Returns
    -------
    truth : bool ndarray of shape (n_rows,)
    answers : dict of label to (scores, flags)
        float64 and bool ndarray of shape (n_rows,); flags are None without a table.
    """
    truth = read_labels(y) == 1
    if not isinstance(scores, Mapping):
        scores = {"detector": scores}
    if not scores:
        raise ValueError("scores holds no detector; give a mapping of label to scores.")
    answers = {}
    for label, given in scores.items():
        whose = f"The scores of {label!r}"
        values, flags = read_values(given, whose)
        check_rows(y, given, len(truth), len(values), whose)
        answers[label] = values, flags
    return truth, answers


def read_values(scores, whose="scores"):
    """Read finite scores, and the flags beside them if there are any."""
    flags = None
    if isinstance(scores, pd.DataFrame):
        flags = read_flags(check_scores(scores)["anomaly"], f"{whose}['anomaly']")
        scores = scores["score"]
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"{whose} must be one number per row; got shape {values.shape}."
        )
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise ValueError(
            f"{whose} hold {values[row]} in row {row}; they must be finite, so give "
            "rows that cannot be scored the score of a normal row."
        )
    return values, flags


def read_flags(flags, whose):
    """Check that flags are 0 or 1; give them as bool."""
    flags = np.asarray(flags)
    strange = ~np.isin(flags, [0, 1])
    if strange.any():
        row = int(np.argmax(strange))
        raise ValueError(
            f"{whose} must hold 0 and 1; got {flags[row : row + 1].tolist()[0]!r} in "
            f"row {row}. Make the table with score_table(detector, X)."
        )
    return flags.astype(bool)


def check_rows(y, given, n_labels, n_scores, whose):
    """Refuse scores of other rows than the labels."""
    if n_labels != n_scores:
        raise ValueError(
            f"y has {n_labels} labels, but {whose} belong to {n_scores} rows; pass the "
            "same rows."
        )
    pandas = pd.Series | pd.DataFrame
    if not (isinstance(y, pandas) and isinstance(given, pandas)):
        return
    told = [index for index in (y.index, given.index) if not _is_default(index)]
    if len(told) == 2 and not told[0].equals(told[1]):
        raise ValueError(
            f"{whose} and y have different indexes; align them with "
            "y.loc[scores.index]."
        )


def _is_default(index):
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def read_telemetry(y, scores):
    """Read scores with their flags, labels and tracks; either of the middle may lack.

    Returns
    -------
    values : float64 ndarray of shape (n_rows,)
    flags, truth : bool ndarray of shape (n_rows,) or None
    tracks : Tracks
    """
    values, flags = read_values(scores)
    if len(values) == 0:
        raise ValueError("scores has no rows to draw; pass those of a track at least.")
    pandas = isinstance(scores, pd.Series | pd.DataFrame)
    tracks = read_tracks(scores if pandas else values)
    if y is None:
        return values, flags, None, tracks
    labels = read_labels(y, unlabelled=True)
    check_rows(y, scores, len(labels), len(values), "scores")
    return values, flags, labels == 1, tracks


def has_times(tracks):
    """Tell whether rows have times; integers in one level are row numbers."""
    if tracks.times is None:
        return False
    return tracks.index.nlevels == 2 or isinstance(tracks.times, _DATES)


def has_clock(tracks):
    """Tell whether it is known how long rows last."""
    return has_times(tracks) and not np.isnan(tracks.durations).any()


def lasting(tracks):
    """How long each row lasts: seconds, or 1 where rows have no times."""
    return tracks.durations if has_clock(tracks) else np.ones(tracks.n_rows)


def time_unit(seconds):
    """Choose the unit that so many seconds are read in: its name and its length."""
    units = {"d": 86_400, "h": 3600, "min": 60}
    for name, length in units.items():
        if seconds >= 3 * length:
            return name, length
    return "s", 1
