"""One report on the rows that each fold held out."""

from collections.abc import Mapping

import numpy as np

from skdsn.metrics import (
    no_learning_baselines,
    score_report,
    training_range_scores,
)
from skdsn.model_selection._held_out import (
    fold_excess,
    read_splits,
    read_telemetry,
    score_held_out,
)


def cross_val_report(
    detector,
    X,
    y,
    *,
    cv,
    range_from=None,
    metrics=None,
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
    cv : int, splitter or iterable of (train, test)
        So many folds of :class:`StratifiedTrackKFold`, or any splitter; no row may be
        tested twice, so :class:`RepeatedTrackSplit` does not serve: call once per
        repeat. Rows never tested are only learnt from.
    range_from : mapping, default=None
        Tested track id to the track id whose range of values serves its rows as
        baseline, such as ``{"P-1/test": "P-1/train"}``. If None, the baseline of a
        fold is the range of the normal rows that it learns from.
    metrics : sequence of str, default=None
        As in :func:`skdsn.metrics.event_report`.
    n_random : int, default=20
        As in :func:`skdsn.metrics.event_report`.
    random_state : int, RandomState instance or None, default=0
        Seeds the random flags only.
    return_scores : bool, default=False
        Also return the held-out scores.

    Returns
    -------
    report : DataFrame of shape (20, 5)
        As :func:`skdsn.metrics.event_report` gives it, with the columns ``detector``,
        ``chance``, ``skill``, ``persistence`` and ``training range``; ``attrs`` also
        has ``n_folds``. Rows that are never tested end an event, as a track does.
    scores : DataFrame
        Only with `return_scores`: ``score``, ``anomaly`` (0 or 1) and ``fold`` of
        the held-out rows, in the order of `X`.

    Raises
    ------
    ValueError
        If a row is tested twice, is tested but unlabelled, or gets no finite score; or
        if `range_from` lacks a tested track.
    TypeError
        If `X` is no DataFrame.

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
    >>> from skdsn.model_selection import cross_val_report
    >>> from skdsn.tracks import stack_tracks
    >>> rng = np.random.default_rng(0)
    >>> X = stack_tracks({name: rng.normal(size=(50, 2)) for name in "ABCD"})
    >>> y = np.tile(np.arange(50) // 10 == 3, 4).astype(int)
    >>> X[y == 1] += 4
    >>> report = cross_val_report(LogisticRegression(), X, y, cv=2)
    >>> report.loc["event_f1", ["detector", "chance"]].round(2).to_list()
    [1.0, 0.16]
    """
    tracks, y, truth = read_telemetry(X, y, "cross_val_report")
    splits, tested = read_splits(cv, X, y)
    if range_from is None:
        excess = fold_excess(X, truth.to_numpy(), splits)
    else:
        excess = _excess_by_track(X, tracks, tested, range_from)
    table = score_held_out(detector, X, y, splits)[tested]
    n_flagged = int(table["anomaly"].sum())
    report = score_report(
        truth[tested],
        table["anomaly"],
        table["score"],
        tracks=tracks.take(tested),
        metrics=metrics,
        baselines=no_learning_baselines(X[tested], n_flagged, excess[tested]),
        n_random=n_random,
        random_state=random_state,
    )
    report.attrs["n_folds"] = len(splits)
    return (report, table) if return_scores else report


def _excess_by_track(X, tracks, tested, range_from):
    """Score each tested track against the range of its own reference track."""
    if not isinstance(range_from, Mapping):
        raise TypeError(
            "range_from must be a dict of tested track id to track id, such as "
            f"{{'P-1/test': 'P-1/train'}}; got {type(range_from).__name__}."
        )
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
