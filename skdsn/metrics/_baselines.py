"""Scores that learn next to nothing: what a detector has to beat."""

import numpy as np
import pandas as pd

from skdsn._core.segments import difference
from skdsn.tracks import is_categorical, read_tracks


def persistence_scores(X):
    r"""Score rows by how far they jump from the row before: no training at all.

    A row scores the largest jump of its channels, each in units of the channel's
    usual jump.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_features)
        Telemetry indexed by (track, time) or time; an array is one track.

    Returns
    -------
    float64 ndarray of shape (n_rows,)
        Without unit, not negative; higher = more anomalous. The first row of a
        track scores 0.

    Notes
    -----
    The score is :math:`\max_c |x_{t,c} - x_{t-1,c}| / s_c`. The spread
    :math:`s_c` is 1.4826 times the median of the jumps of channel *c* over `X`, a
    robust standard deviation; the mean of the jumps where the channel rests more
    than half of the time; and 1 where it never moves.

    Categorical columns are left out. A jump from or to NaN or an infinite value is
    ignored, and a row without any jump scores 0.

    Examples
    --------
    >>> persistence_scores([[1.0], [2.0], [3.0], [9.0]]).round(2)
    array([0.  , 0.67, 0.67, 4.05])
    """
    frame = _as_frame(X)
    bounds = read_tracks(frame).bounds
    inner = np.ones(len(frame), dtype=bool)
    inner[bounds[:-1]] = False
    scores = np.zeros(len(frame))
    for values in _numeric_columns(frame):  # one at a time, to save memory
        jumps = np.abs(difference(values, bounds))
        known = jumps[inner & ~np.isnan(jumps)]
        if known.any():
            spread = 1.4826 * np.median(known) or known.mean()
            np.fmax(scores, jumps / spread, out=scores)
    return scores


def training_range_scores(X, X_train):
    """Score rows by how far they leave the range seen in training.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_features)
        Telemetry to score.
    X_train : DataFrame or array-like of shape (n_train_rows, n_features)
        Telemetry with the same columns.

    Returns
    -------
    float64 ndarray of shape (n_rows,)
        0 within the range of all channels, 0.05 for a row at most 5 % of a
        channel's range beyond it.

    Raises
    ------
    ValueError
        If a column of `X_train` is missing in `X`, or has a namesake.

    Notes
    -----
    The score is the largest excess over the channels beyond ``[min, max]`` of
    `X_train`, in units of ``max - min``; of a channel that was constant, in the
    unit of the channel. Categorical columns are left out, and so are channels
    without any value in training. NaN and infinite values are ignored: a row without
    a number scores 0.

    Examples
    --------
    >>> training_range_scores([[0.5], [1.5], [-3.0]], [[0.0], [2.0]])
    array([0. , 0. , 1.5])
    """
    frame, train = _as_frame(X), _as_frame(X_train)
    train = train.loc[:, ~is_categorical(train)]
    for name, columns in {"X_train": train.columns, "X": frame.columns}.items():
        twice = columns[columns.duplicated()].intersection(train.columns)
        if len(twice):
            raise ValueError(
                f"{name} has two columns {twice[0]!r}, so it is open which range is "
                "whose; give columns different names."
            )
    missing = train.columns.difference(frame.columns, sort=False)
    if len(missing):
        raise ValueError(
            f"X has no column {missing[0]!r}, which X_train has; score the same "
            "columns as in training."
        )
    frame = frame[train.columns]
    train = train.loc[:, ~is_categorical(frame)]
    scores = np.zeros(len(frame))
    for past, values in zip(
        _numeric_columns(train), _numeric_columns(frame), strict=True
    ):
        past = past[~np.isnan(past)]
        if len(past):
            low, high = past.min(), past.max()
            excess = np.maximum(values - high, low - values)
            np.fmax(scores, excess / ((high - low) or 1.0), out=scores)
    return scores


def _as_frame(X):
    """Give a frame, with numbers that are held as objects turned into numbers."""
    if isinstance(X, pd.DataFrame):
        return X.infer_objects()
    array = np.asarray(X)
    if array.ndim != 2:
        raise ValueError(f"X has rows and columns; got shape {array.shape}.")
    return pd.DataFrame(array).infer_objects()


def _numeric_columns(frame):
    """Give the values of one numeric column after the other, NaN for infinite ones."""
    for column in np.flatnonzero(~is_categorical(frame)):
        values = frame.iloc[:, column].to_numpy(dtype=np.float64, na_value=np.nan)
        yield np.where(np.isfinite(values), values, np.nan)
