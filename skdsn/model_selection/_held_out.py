"""What detectors say of rows they were not fitted on."""

import numpy as np
import pandas as pd
from sklearn.base import clone

from skdsn.base import read_labels
from skdsn.metrics import training_range_scores
from skdsn.model_selection._split import check_track_cv
from skdsn.streaming import stream_scores
from skdsn.tracks import read_tracks


def read_telemetry(X, y, caller):
    """Check rows and labels: tracks, labels to learn from, and labels to judge by.

    The first are a Series, in which rare events are 2; to a judge they are normal.
    """
    if not isinstance(X, pd.DataFrame):
        raise TypeError(
            f"{caller} needs tracks: X must be a DataFrame indexed by (track, time); "
            f"got {type(X).__name__}."
        )
    tracks = read_tracks(X)
    if y is None:
        raise ValueError(f"{caller} needs the labels y of the rows of X; got None.")
    labels = read_labels(y, tracks, unlabelled=True, rare=True)
    labels = pd.Series(labels, index=X.index, name=getattr(y, "name", None))
    return tracks, labels, labels.where(labels != 2, 0)


def read_splits(cv, X, y):
    """List the splits, which may test labelled rows once, and what they test."""
    splits = check_splits(check_track_cv(cv).split(X, y), X.index)
    tested = np.zeros(len(X), dtype=bool)
    for _, test in splits:
        tested[test] = True
    unknown = tested & (y.to_numpy() == -1)
    if unknown.any():
        row = int(np.argmax(unknown))
        raise ValueError(
            f"cv tests row {row} of X ({X.index[row]}), which is unlabelled (-1 in y); "
            "label it, or keep its track in training with GroupedTrackSplit(..., "
            "train_only=...)."
        )
    return splits, tested


def check_splits(splits, index):
    """List splits as row positions, no row being tested twice or by who learnt from it.

    Parameters
    ----------
    splits : iterable of (train, test)
    index : Index of shape (n_rows,)
        Of the rows that are split.

    Returns
    -------
    list of (train, test)
    """
    checked, tested = [], np.zeros(len(index), dtype=bool)
    for number, (train, test) in enumerate(splits):
        train = _read_rows(train, len(index), f"Fold {number} of cv", "learn from")
        test = _read_rows(test, len(index), f"Fold {number} of cv", "test")
        learnt = np.zeros(len(index), dtype=bool)
        learnt[train] = True
        if learnt[test].any():
            row = int(test[np.argmax(learnt[test])])
            raise ValueError(
                f"Fold {number} of cv tests row {row} ({index[row]}), which it learns "
                "from, so its figures would mean nothing; use another splitter."
            )
        n_times = np.bincount(test, minlength=len(index)) + tested
        if n_times.max() > 1:
            row = int(np.argmax(n_times > 1))
            where = "in two folds" if tested[row] else f"twice in fold {number}"
            raise ValueError(
                f"cv tests row {row} ({index[row]}) {where}; use a splitter that tests "
                "every row at most once. Of repeated folds, such as those of "
                "RepeatedTrackSplit, take one repeat at a time."
            )
        tested[test] = True
        checked.append((train, test))
    if not checked:
        raise ValueError("cv has no folds, so no row is tested; use another splitter.")
    return checked


def _read_rows(rows, n_rows, fold, purpose):
    rows = np.asarray(rows)
    if rows.size == 0:
        raise ValueError(
            f"{fold} has no row to {purpose}; use another splitter, or fewer folds."
        )
    if rows.dtype.kind not in "iu" or rows.ndim != 1:
        what = "a boolean mask" if rows.dtype == bool else "an array"
        raise ValueError(
            f"{fold} tells the rows to {purpose} by {what} of {rows.dtype} of shape "
            f"{rows.shape}; give row positions, such as np.flatnonzero(mask)."
        )
    outside = (rows < 0) | (rows >= n_rows)
    if outside.any():
        raise ValueError(
            f"{fold} has row {rows[np.argmax(outside)]} to {purpose}, but the rows of "
            f"X are 0 to {n_rows - 1}; give row positions."
        )
    return rows


def score_held_out(detector, X, y, splits, name="The detector"):
    """Fit a detector in every fold and score the rows held out.

    Parameters
    ----------
    detector : classifier or outlier detector
    X : DataFrame of shape (n_rows, n_features)
    y : Series of shape (n_rows,)
    splits : iterable of (train, test)
    name : str
        What messages call the detector.

    Returns
    -------
    DataFrame
        ``score``, ``anomaly`` (0 or 1) and ``fold`` (-1 if never tested) of the rows of
        `X`.
    """
    fold = np.full(len(X), -1)
    scores, flags = np.zeros(len(X)), np.zeros(len(X), dtype=np.int64)
    for number, (train, test) in enumerate(splits):
        with _Noted(f"{name} raised this in fold {number} of cv."):
            fitted = clone(detector).fit(X.iloc[train], y.iloc[train])
            given, flagged, _ = stream_scores(fitted, X.iloc[test])
        name_in_fold = f"{name} in fold {number}"
        scores[test] = check_answer(given, test, X.index, name_in_fold)
        flags[test] = check_answer(flagged, test, X.index, name_in_fold)
        fold[test] = number
    return pd.DataFrame(
        {"score": scores, "anomaly": flags, "fold": fold}, index=X.index
    )


class _Noted:
    """Tell in a note where an error comes from, and leave it as it is."""

    def __init__(self, note):
        self.note = note

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            error.add_note(self.note)


def check_answer(values, rows, index, name):
    """Check that a detector gives each of the rows a finite number."""
    values = np.asarray(values)
    if values.shape != rows.shape:
        raise ValueError(
            f"{name} gives an answer of shape {values.shape} for {len(rows)} rows; "
            "mend the detector: it must give one number per row."
        )
    finite = np.isfinite(values)
    if not finite.all():
        first = int(np.argmin(finite))
        raise ValueError(
            f"{name} gives a score that is {values[first]} in row {rows[first]} of X "
            f"({index[rows[first]]}); mend the detector: scores must be finite."
        )
    return values


def ranks_in_folds(table):
    """Rank scores within their fold, from 0 to 1, equal ones in the middle.

    Detectors of different folds score on different scales. Where the share of anomalous
    rows differs too, pooled scores would tell more of the fold than of the row.
    """
    scores = table.groupby("fold")["score"]
    # Half a rank less, or a constant score would be higher in smaller folds.
    return ((scores.rank() - 0.5) / scores.transform("size")).to_numpy()


def fold_excess(X, labels, splits):
    """Score the rows held out against the range of the normal rows of their fold."""
    excess = np.zeros(len(X))
    for train, test in splits:
        normal = X.iloc[train[labels[train] < 1]]
        excess[test] = training_range_scores(X.iloc[test], normal)
    return excess
