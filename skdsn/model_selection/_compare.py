"""Detectors side by side on the same held-out tracks."""

from skdsn.metrics import compare_scores, no_learning_baselines
from skdsn.metrics._catalog import read_metrics
from skdsn.model_selection._held_out import (
    fold_excess,
    ranks_in_folds,
    read_splits,
    read_telemetry,
    score_held_out,
)

BASELINES = ("persistence", "training range")


def compare(
    detectors,
    X,
    y,
    *,
    cv,
    metrics=("event_f1", "average_precision"),
    reference=None,
    baselines=True,
    n_resamples=200,
    level=0.95,
    random_state=0,
):
    """Compare detectors on the same held-out tracks.

    Each detector is fitted in every fold and scores the rows held out; the figures are
    those of all held-out rows at once. Tracks, not rows, tell how sure they are.

    Parameters
    ----------
    detectors : dict of str to classifier or outlier detector
        Fitted afresh in every fold, thresholds included.
    X : DataFrame of shape (n_rows, n_features)
        Telemetry indexed by (track, time), at least two tracks.
    y : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal; -1 = unlabelled only in rows never tested.
    cv : int, splitter or iterable of (train, test)
        So many folds of :class:`StratifiedTrackKFold`, or any splitter; no row may be
        tested twice, so :class:`RepeatedTrackSplit` does not serve: call once per
        repeat.
    metrics : sequence, default=("event_f1", "average_precision")
        Of :func:`skdsn.metrics.metric_names`, or scorers with options of
        :func:`skdsn.metrics.get_event_scorer`.
    reference : str, default=None
        The detector that the others are compared with; None is the first.
    baselines : bool, default=True
        Add ``persistence``, flagging as many rows as the reference, and ``training
        range``, the range of the normal rows of the fold.
    n_resamples : int, default=200
        Draws of tracks for the intervals, and exchanges for the tests.
    level : float, default=0.95
        Share of the draws that lie in an interval.
    random_state : int, RandomState instance or None, default=0
        Seeds draws and chance levels.

    Returns
    -------
    DataFrame
        A row for each metric and detector: score, interval, chance level, skill,
        difference to the reference, its interval and p-value; columns and methods are
        those of :func:`skdsn.metrics.compare_scores`. ``attrs`` also has ``n_folds``.

    Raises
    ------
    ValueError
        If a row is tested twice, is tested but unlabelled, or gets no finite score; or
        if there is no such reference, or fewer than two tested tracks.
    TypeError
        If `X` is no DataFrame.

    See Also
    --------
    skdsn.report.plot_comparison : Draws the frame.
    cross_val_report : More figures of one detector.

    Notes
    -----
    Scores are ranked within their fold, since folds score on different scales.

    Detectors are not fitted again for the draws: the intervals do not tell how much
    other training tracks, or another seed, would change them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdsn.model_selection import compare
    >>> from skdsn.tracks import stack_tracks
    >>> rng = np.random.default_rng(0)
    >>> X = stack_tracks({name: rng.normal(size=(50, 2)) for name in "ABCDEFGH"})
    >>> y = np.tile(np.arange(50) // 10 == 3, 8).astype(int)
    >>> X[y == 1] += 4
    >>> detectors = {
    ...     "line": LogisticRegression(),
    ...     "coin": DummyClassifier(strategy="stratified", random_state=0),
    ... }
    >>> table = compare(detectors, X, y, cv=2, metrics=["event_f1"], baselines=False)
    >>> table[["detector", "score", "chance"]].round(1).to_dict("list")
    {'detector': ['line', 'coin'], 'score': [1.0, 0.1], 'chance': [0.2, 0.2]}
    """
    if not isinstance(detectors, dict) or not detectors:
        raise ValueError(
            "detectors must be a dict of name to detector, with at least one; got "
            f"{detectors!r}."
        )
    tracks, y, truth = read_telemetry(X, y, "compare")
    _check_names(detectors, reference, baselines)
    metrics = [*read_metrics(metrics).values()]  # before anything is fitted
    splits, tested = read_splits(cv, X, y)
    answers = {}
    for name, detector in detectors.items():
        table = score_held_out(detector, X, y, splits, f"Detector {name!r}")[tested]
        answers[name] = table["anomaly"].to_numpy(), ranks_in_folds(table)
    if baselines:
        excess = fold_excess(X, truth.to_numpy(), splits)
        flags = answers.get(reference, next(iter(answers.values())))[0]
        answers |= no_learning_baselines(X[tested], int(flags.sum()), excess[tested])
    table = compare_scores(
        truth[tested].to_numpy(),
        answers,
        tracks=tracks.take(tested),
        metrics=metrics,
        reference=reference,
        n_resamples=n_resamples,
        level=level,
        random_state=random_state,
    )
    table.attrs["n_folds"] = len(splits)
    return table


def _check_names(detectors, reference, baselines):
    added = BASELINES if baselines else ()
    taken = [name for name in added if name in detectors]
    if taken:
        raise ValueError(
            f"A detector is named {taken[0]!r}, as a baseline is; rename it, or set "
            "baselines=False."
        )
    names = [*detectors, *added]
    if reference is not None and reference not in names:
        raise ValueError(
            f"reference must be one of the detectors {names}; got {reference!r}."
        )
