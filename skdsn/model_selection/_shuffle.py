"""A test that finds leaks: labels without meaning must not be learnt."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from skdsn._core.runs import find_runs
from skdsn._sklearn import Interval, validate_params
from skdsn.base import read_labels
from skdsn.metrics._catalog import read_metrics
from skdsn.model_selection._held_out import ranks_in_folds, read_splits, score_held_out
from skdsn.model_selection._split import check_track_cv
from skdsn.tracks import read_tracks


@validate_params(
    {
        "n_shuffles": [Interval(Integral, 1, None, closed="left")],
        "n_random": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def label_shuffle_test(
    detector,
    X,
    y,
    *,
    cv,
    metric="average_precision",
    n_shuffles=5,
    n_random=99,
    random_state=0,
):
    """Test a detector, and the way it is validated, for leaks.

    The incidents are moved to random places, where they mean nothing, and the detector
    is cross-validated on them. It must fall to chance. If it does not, it knows labels
    that it should not: windows that reach over the border of a fold, rows of one
    incident on both sides, a stage that was fitted on all rows.

    Parameters
    ----------
    detector : classifier or outlier detector
        The whole Pipeline; fitted afresh in every fold.
    X : DataFrame of shape (n_rows, n_features)
        Telemetry indexed by (track, time) or time.
    y : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    cv : int, splitter or iterable of (train, test)
        As in :func:`compare`: the splits to be tested along with the detector.
    metric : str or scorer, default="average_precision"
        One of :func:`skdsn.metrics.metric_names`, or a scorer with options of
        :func:`skdsn.metrics.get_event_scorer`.
    n_shuffles : int, default=5
        Shuffles of the incidents, each of which takes a cross-validation.
    n_random : int, default=99
        Further shuffles that each answer is compared with, for the chance level.
    random_state : int, RandomState instance or None, default=0
        Seeds the shuffles.

    Returns
    -------
    Bunch
        ``score`` with the labels as they are; ``shuffled_scores`` of shape
        (n_shuffles,); ``chance``, what the same answers score against labels that they
        were not fitted on; ``p_value``: small (0.01 is the least with 99) where the
        detector does better than that, which means a leak. NaN where the metric is
        undefined throughout, as a precision is if nothing is flagged.

    Raises
    ------
    ValueError
        If no row, or every row, is anomalous, a row is tested twice or gets no finite
        score, or `metric` is several.

    Notes
    -----
    Incidents keep their lengths, and so do the normal stretches between them, but in a
    random order over all rows; the border of a track cuts an incident in two. Answers
    are compared with further shuffles of the same kind, so that chance accounts for
    scores that vary slowly; scores are ranked within their fold. The p-value is that of
    a permutation test on the mean over the shuffles in which the metric is defined
    [1]_. Without a leak it is small a little too often, since folds learn from each
    other: on noise, in 0.08 of the tests it was below 0.05.

    A leak of the true labels into `X` itself, such as a column that was set when the
    incident was found, does not show: it says nothing of shuffled labels.

    References
    ----------
    .. [1] M. Ojala, G. C. Garriga, "Permutation tests for studying classifier
       performance", Journal of Machine Learning Research 11, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import KFold
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skdsn.model_selection import label_shuffle_test
    >>> from skdsn.tracks import stack_tracks
    >>> rng = np.random.default_rng(0)  # telemetry that drifts, each pass elsewhere
    >>> drift = {name: rng.normal(size=(60, 2)).cumsum(axis=0) for name in "ABCDEF"}
    >>> X = stack_tracks(drift)
    >>> y = np.tile(np.arange(60) // 15 == 2, 6).astype(int)
    >>> neighbour = KNeighborsClassifier(1)
    >>> rows = KFold(5, shuffle=True, random_state=0)  # neighbours on both sides
    >>> label_shuffle_test(neighbour, X, y, cv=rows).p_value
    0.01
    >>> label_shuffle_test(neighbour, X, y, cv=3).p_value > 0.05
    True
    """
    tracks = read_tracks(X)
    labels = read_labels(y, tracks)
    if labels is None:
        raise ValueError(
            "label_shuffle_test needs the labels y of the rows of X; got None."
        )
    if labels.all() or not labels.any():
        raise ValueError(
            "The test needs incidents to shuffle among normal rows, but y is "
            f"{labels[0]} throughout; bring more tracks."
        )
    if not isinstance(X, pd.DataFrame):
        X = pd.DataFrame(np.asarray(X))
    metrics = read_metrics([metric])
    if len(metrics) > 1:
        raise ValueError(
            f"metric must be a single one; got {metric!r} of {len(metrics)}. Call once "
            "for each."
        )
    ((name, found),) = metrics.items()
    scores = found.response == "scores"
    cv = check_track_cv(cv)  # an iterable of splits can be read once only
    random = check_random_state(random_state)

    def answer(labels):
        y = pd.Series(labels.astype(np.int64), index=X.index)
        splits, tested = read_splits(cv, X, y)
        table = score_held_out(detector, X, y, splits)[tested]
        flags = table["anomaly"].to_numpy() == 1
        given = ranks_in_folds(table) if scores else flags
        return tested, given, tracks.take(tested)

    def figure(labels, tested, given, known):
        return found(labels[tested], given, known)

    labels = labels.astype(bool)
    score = figure(labels, *answer(labels))
    shuffled, random_figures = [], []
    for _ in range(n_shuffles):
        moved = shuffle_incidents(labels, random)
        held_out = answer(moved)
        shuffled.append(figure(moved, *held_out))
        random_figures.append(
            [
                figure(shuffle_incidents(labels, random), *held_out)
                for _ in range(n_random)
            ]
        )
    sign = 1 if found.greater_is_better else -1
    shuffled, random_figures = np.array(shuffled), np.array(random_figures)
    reached, expected = sign * _mean(shuffled), sign * _mean(random_figures)
    expected = expected[~np.isnan(expected)]
    # Equal means must not lose to rounding.
    n_reached = (expected >= reached - 1e-12).sum()
    p_value = (1 + n_reached) / (1 + len(expected))
    undefined = np.isnan(reached) or not len(expected)
    return Bunch(
        metric=name,
        score=score,
        shuffled_scores=shuffled,
        chance=float(_mean(random_figures.ravel())),
        p_value=np.nan if undefined else float(p_value),
    )


def _mean(figures):
    """Mean over the shuffles in which a figure is defined; NaN without any."""
    known = ~np.isnan(figures)
    return np.sum(figures, axis=0, where=known) / np.where(
        known.any(axis=0), known.sum(axis=0), np.nan
    )


def shuffle_incidents(labels, random):
    """Put incidents, and the stretches between them, into a random order."""
    whole = np.array([0, len(labels)])
    starts, stops = find_runs(labels, whole)
    # Stretches before, between and after; the outer two may be empty.
    between = np.append(starts, len(labels)) - np.append(0, stops)
    inner = random.permutation(between[1:-1])
    outer = between[0] + between[-1]
    first = random.randint(outer + 1)
    lengths = np.empty(2 * len(starts) + 1, dtype=np.int64)
    lengths[1::2] = random.permutation(stops - starts)
    lengths[::2] = [first, *inner, outer - first]
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
