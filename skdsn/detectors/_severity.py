"""How far the scores of a detector are above its own threshold."""

from numbers import Real

import numpy as np
from sklearn.base import clone, is_outlier_detector
from sklearn.pipeline import Pipeline

from skdsn._core.runs import find_runs, reduce_runs
from skdsn._core.segments import lengths, positions
from skdsn.base import anomaly_flags, anomaly_scores


def score_threshold(detector):
    """Find the anomaly score above which a fitted detector flags a row.

    Parameters
    ----------
    detector : fitted classifier or outlier detector
        Or a Pipeline or a search.

    Returns
    -------
    float
        In the unit of :func:`skdsn.base.anomaly_scores`.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> score_threshold(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    0.5
    """
    last = _last_step(detector)
    if is_outlier_detector(detector):
        if not hasattr(last, "offset_"):
            raise TypeError(
                f"{type(last).__name__} has no offset_, by which an outlier detector "
                "tells its threshold, so its alarms have no severity."
            )
        return -float(np.asarray(last.offset_).item())
    if not hasattr(detector, "predict_proba"):
        return 0.0  # of a decision_function
    chosen = [
        value
        for name in ("threshold_", "best_threshold_", "threshold")
        if isinstance(value := getattr(last, name, None), Real)
    ]
    return float(chosen[0]) if chosen else 0.5


def learn_level(detector, X, y=None):
    """Learn the scale on which a row at the threshold is 0 and a usual one -1.

    Parameters
    ----------
    detector : fitted classifier or outlier detector
    X : DataFrame of shape (n_rows, n_features)
        Training rows.
    y : Series of shape (n_rows,), default=None
        Rows labelled 1 are left out, unless all are.

    Returns
    -------
    threshold, below : float
        Anomaly score at the threshold, and by how much the median one is below it (1
        where it is not).
    """
    threshold = score_threshold(detector)
    scores = anomaly_scores(detector, X)
    if y is not None and (y != 1).any():
        scores = scores[y.to_numpy() != 1]
    below = threshold - float(np.median(scores))
    return threshold, below if below > 0 else 1.0


def judge_rows(detector, X, threshold):
    """Score rows, and flag them as the detector does; see :func:`settle`."""
    scores = anomaly_scores(detector, X)
    return settle(scores, flags_of(detector, X, scores), threshold)


def flags_of(detector, X, scores):
    """Flag rows as the detector does, whose scores are known."""
    if is_outlier_detector(detector):  # spares a second search for neighbours
        return -scores + score_threshold(detector) < 0
    return anomaly_flags(detector, X)


def settle(scores, flags, threshold):
    """Move scores to the side of the threshold that their flags are on.

    Examples
    --------
    >>> import numpy as np
    >>> scores, flags = settle(np.array([0.4, 0.6, 0.9]), np.array([0, 0, 1]), 0.5)
    >>> scores, flags
    (array([0.4, 0.5, 0.9]), array([False, False,  True]))
    """
    flags = flags.astype(bool)
    above = np.maximum(scores, np.nextafter(threshold, np.inf))
    return np.where(flags, above, np.minimum(scores, threshold)), flags


def past_alarms(detector, X, y, left_out, tracks, bounds, holdout):
    """List the false alarms on the end of each track of a clone fitted on the rest.

    Parameters
    ----------
    detector : classifier or outlier detector
    X : DataFrame or ndarray of shape (n_rows, n_features)
    y : Series or ndarray of shape (n_rows,), or None
    left_out : bool ndarray of shape (n_rows,)
        Anomalous rows: an alarm that holds one is not false.
    tracks : Tracks
    bounds : int64 ndarray of shape (n_segments + 1,)
        Where runs end at the latest.
    holdout : float
        Share of the rows of a track; at least one is held out.

    Returns
    -------
    severities, seconds : float64 ndarray of shape (n_alarms,)
        The highest of each, and when it began.
    owners : int64 ndarray of shape (n_alarms,)
        Its track.

    Raises
    ------
    ValueError
        If no row of a track is left to fit on.
    """
    n_rows = lengths(tracks.bounds)
    before = n_rows - np.maximum(np.rint(holdout * n_rows), 1).astype(np.int64)
    if (before < 1).any():
        short = int(np.argmin(before))
        raise ValueError(
            f"Track {tracks.names[short]!r} of n_rows={n_rows[short]} has none left to "
            f"fit on before those that holdout={holdout} keeps for "
            'min_severity="history"; lower holdout, or bring longer tracks.'
        )
    counted = positions(tracks.bounds) >= np.repeat(before, n_rows)
    rest = ~counted
    part = clone(detector).fit(_take(X, rest), None if y is None else _take(y, rest))
    threshold = score_threshold(part)
    # The rows before them are judged too: a detector with memory must not start afresh.
    scores, flags = judge_rows(part, X, threshold)
    starts, stops = find_runs(flags & counted, bounds)
    false = ~reduce_runs(left_out, starts, stops, np.logical_or)
    starts, stops = starts[false], stops[false]
    tops = reduce_runs(scores - threshold, starts, stops, np.maximum)
    return tops, tracks.seconds[starts], tracks.of_rows()[starts]


def _take(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def _last_step(detector):
    """Find what decides in a Pipeline or a search, however nested."""
    while True:
        inner = getattr(detector, "best_estimator_", None)
        if inner is None and isinstance(detector, Pipeline):
            inner = detector.steps[-1][1]
        if inner is None:
            return detector
        detector = inner
