"""One report on the rows that each fold held out."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from skdsn.base import Rows, read_labels
from skdsn.metrics import event_report, training_range_scores
from skdsn.metrics._report import RANGE_MARGIN
from skdsn.streaming import stream_scores
from skdsn.tracks import read_tracks


def cross_val_report(
    detector,
    X,
    y,
    *,
    cv,
    range_from=None,
    n_random=20,
    random_state=0,
    return_scores=False,
):
    """Cross-validate a detector and report on all held-out rows at once.

    Pooling the rows keeps figures defined that a fold with few events leaves open,
    and counts every event once.

    Parameters
    ----------
    detector : classifier or outlier detector
        Fitted afresh in every fold, its threshold included.
    X : DataFrame of shape (n_rows, n_features)
        Telemetry indexed by (track, time).
    y : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal; -1 = unlabelled only in rows never tested.
    cv : splitter
        Such as :class:`StratifiedTrackKFold` or :class:`GroupedTrackSplit`; no row
        may be tested twice. Rows never tested are only learnt from.
    range_from : mapping, default=None
        Tested track id to the track id whose range of values serves its rows as
        baseline, such as ``{"P-1/test": "P-1/train"}``. If None, the baseline of a
        fold is the range of the normal rows that it learns from.
    n_random : int, default=20
        As in :func:`skdsn.metrics.event_report`.
    random_state : int, RandomState instance or None, default=0
        Seeds the random flags only.
    return_scores : bool, default=False
        Also return the held-out scores.

    Returns
    -------
    report : DataFrame of shape (15, 4)
        As :func:`skdsn.metrics.event_report` gives it, with the columns ``detector``,
        ``chance``, ``persistence`` and ``training range``; ``attrs`` also has
        ``n_folds``.
    scores : DataFrame
        Only with `return_scores`: ``score``, ``anomaly`` (0 or 1) and ``fold`` of
        the held-out rows, in the order of `X`.

    Raises
    ------
    ValueError
        If a row is tested twice or `range_from` lacks a tested track.

    See Also
    --------
    sklearn.model_selection.cross_validate : One score per fold.

    Notes
    -----
    Flags come from the threshold of each fold. Average precision and ROC-AUC rank
    the scores of all folds together, so they are lower than within a fold if the
    folds score on different scales.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdsn.model_selection import StratifiedTrackKFold, cross_val_report
    >>> from skdsn.tracks import stack_tracks
    >>> rng = np.random.default_rng(0)
    >>> X = stack_tracks({name: rng.normal(size=(50, 2)) for name in "ABCD"})
    >>> y = np.tile(np.arange(50) // 10 == 3, 4).astype(int)
    >>> X[y == 1] += 4
    >>> cv = StratifiedTrackKFold(2)
    >>> report = cross_val_report(LogisticRegression(), X, y, cv=cv)
    >>> report.loc["event_f1", ["detector", "chance"]].round(2).to_list()
    [1.0, 0.16]
    """
    tracks = read_tracks(X)
    labels = read_labels(y, Rows(X, tracks, X.index), unlabelled=True)
    y = pd.Series(labels, index=X.index, name=getattr(y, "name", None))
    fold = np.full(len(X), -1)
    scores, excess = np.zeros(len(X)), np.zeros(len(X))
    flags = np.zeros(len(X), dtype=np.int64)
    n_folds = 0
    for train, test in cv.split(X, y):
        if (fold[test] >= 0).any():
            row = int(test[np.argmax(fold[test] >= 0)])
            raise ValueError(
                f"cv tests row {row} ({X.index[row]}) in two folds; use a splitter "
                "that tests every row at most once."
            )
        fold[test] = n_folds
        n_folds += 1
        fitted = clone(detector).fit(X.iloc[train], y.iloc[train])
        scores[test], flags[test], _ = stream_scores(fitted, X.iloc[test])
        if range_from is None:
            normal = train[labels[train] < 1]
            excess[test] = training_range_scores(X.iloc[test], X.iloc[normal])
    tested = fold >= 0
    if range_from is not None:
        excess = _excess_by_track(X, tracks, tested, range_from)
    held_out, truth = X[tested], y[tested]
    table = pd.DataFrame(
        {"score": scores[tested], "anomaly": flags[tested], "fold": fold[tested]},
        index=held_out.index,
    )
    options = {"n_random": n_random, "random_state": random_state}
    report = event_report(_Given(table), held_out, truth, **options)
    excess = excess[tested]
    baseline = pd.DataFrame({"score": excess, "anomaly": excess > RANGE_MARGIN})
    known = event_report(_Given(baseline), held_out, truth, n_random=1)
    report["training range"] = known["detector"]
    report.attrs["n_folds"] = n_folds
    return (report, table) if return_scores else report


class _Given(BaseEstimator):
    """A detector that says what a table of scores and flags holds."""

    def __init__(self, table):
        self.table = table

    def decision_function(self, X):
        return self.table["score"].to_numpy()

    def predict(self, X):
        return self.table["anomaly"].to_numpy()


def _excess_by_track(X, tracks, tested, range_from):
    """Score each tested track against the range of its own reference track."""
    number = {name: i for i, name in enumerate(tracks.names)}
    excess = np.zeros(len(X))
    for name, begin, stop in zip(
        tracks.names, tracks.bounds[:-1], tracks.bounds[1:], strict=True
    ):
        if not tested[begin:stop].any():
            continue
        source = number.get(range_from.get(name))
        if source is None:
            raise ValueError(
                f"range_from must name a track of X for the tested track {name!r}; got "
                f"{range_from.get(name)!r}."
            )
        known = X.iloc[tracks.bounds[source] : tracks.bounds[source + 1]]
        excess[begin:stop] = training_range_scores(X.iloc[begin:stop], known)
    return excess
