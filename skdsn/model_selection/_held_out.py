"""What detectors say of rows they were not fitted on."""

import numpy as np
import pandas as pd
from sklearn.base import clone

from skdsn.metrics import training_range_scores
from skdsn.model_selection._split import check_track_cv
from skdsn.streaming import stream_scores


def score_held_out(detector, X, y, splits):
    """Fit a detector in every fold and score the rows held out.

    Parameters
    ----------
    detector : classifier or outlier detector
    X : DataFrame of shape (n_rows, n_features)
    y : Series of shape (n_rows,)
    splits : iterable of (train, test)

    Returns
    -------
    DataFrame
        ``score``, ``anomaly`` (0 or 1) and ``fold`` (-1 if never tested) of the rows of
        `X`.
    """
    fold = np.full(len(X), -1)
    scores, flags = np.zeros(len(X)), np.zeros(len(X), dtype=np.int64)
    for number, (train, test) in enumerate(splits):
        fitted = clone(detector).fit(X.iloc[train], y.iloc[train])
        scores[test], flags[test], _ = stream_scores(fitted, X.iloc[test])
        fold[test] = number
    return pd.DataFrame(
        {"score": scores, "anomaly": flags, "fold": fold}, index=X.index
    )


def fold_excess(X, labels, splits):
    """Score the rows held out against the range of the normal rows of their fold."""
    excess = np.zeros(len(X))
    for train, test in splits:
        normal = X.iloc[train[labels[train] < 1]]
        excess[test] = training_range_scores(X.iloc[test], normal)
    return excess


def read_splits(cv, X, y):
    """List the splits, which may test every row at most once, and what they test."""
    splits = [(np.asarray(a), np.asarray(b)) for a, b in check_track_cv(cv).split(X, y)]
    tested = np.zeros(len(X), dtype=bool)
    for _, test in splits:
        if tested[test].any():
            row = int(test[np.argmax(tested[test])])
            raise ValueError(
                f"cv tests row {row} ({X.index[row]}) in two folds; use a splitter "
                "that tests every row at most once."
            )
        tested[test] = True
    if not tested.any():
        raise ValueError("cv tests no row; use a splitter with test sets.")
    return splits, tested
