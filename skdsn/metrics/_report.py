"""One table: a detector beside chance and beside what needs no learning."""

import platform
from numbers import Integral

import numpy as np
import pandas as pd
import sklearn

import skdsn
from skdsn._core.runs import find_runs
from skdsn._core.sweeps import count_from, rank_scores
from skdsn._sklearn import Interval, validate_params
from skdsn.base import anomaly_flags, anomaly_scores, read_labels
from skdsn.metrics._baselines import persistence_scores, training_range_scores
from skdsn.metrics._catalog import evaluate, read_metrics
from skdsn.metrics._chance import chance_figures, skills
from skdsn.metrics._inputs import find_tracks, read_answer, read_pair
from skdsn.tracks import read_tracks

# Rows further outside the training range than this part of it are flagged.
RANGE_MARGIN = 0.05

METRICS = (
    *(f"point_adjusted_{name}" for name in ("precision", "recall", "f1")),
    *(f"event_{name}" for name in ("precision", "recall", "f1")),
    "alarming_precision",
    *(f"affiliation_{name}" for name in ("precision", "recall", "f1")),
    *(f"row_{name}" for name in ("precision", "recall", "f1")),
    "average_precision",
    "roc_auc",
    "mean_delay",
    "false_alarms_per_track",
    "false_alarms_per_day",
    "fraction_flagged",
)
DRAWS = {
    "n_random": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}


@validate_params(DRAWS, prefer_skip_nested_validation=True)
def score_report(
    y_true,
    y_pred,
    y_score=None,
    *,
    tracks=None,
    timestamps=None,
    metrics=None,
    baselines=None,
    n_random=20,
    random_state=0,
):
    """Report flags and scores beside their chance level and baselines.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_pred : Series or array-like of shape (n_rows,)
        1 = flagged, 0 = not.
    y_score : Series or array-like of shape (n_rows,), default=None
        Higher = more anomalous; without it metrics of scores are left out.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    timestamps : array-like of shape (n_rows,), default=None
        Time of each row, where no index tells it.
    metrics : sequence of str, default=None
        Of :func:`metric_names`, or scorers with options of :func:`get_event_scorer`.
        None is the selection that :func:`event_report` describes.
    baselines : mapping, default=None
        Name to ``(y_pred, y_score)`` of other detectors for the same rows; a y_score
        may be None.
    n_random : int, default=20
        Draws of random flags that the column ``chance`` is the mean of.
    random_state : int, RandomState instance or None, default=0
        Seeds the random flags.

    Returns
    -------
    DataFrame of shape (n_metrics + 1, n_baselines + 3)
        Columns ``detector``, ``chance``, ``skill`` and the baselines; the last row is
        the ``base_rate``. See :func:`event_report`.

    Examples
    --------
    >>> report = score_report([0, 1, 1, 0, 0, 0], [0, 0, 1, 0, 0, 1])
    >>> report.loc["event_f1"].round(2).to_dict()
    {'detector': 0.55, 'chance': 0.43, 'skill': 0.2}
    """
    truth = read_pair(y_true, y_pred, tracks=tracks, timestamps=timestamps)[0]
    named = {"y_true": y_true, "y_pred": y_pred, "y_score": y_score}
    found = find_tracks(len(truth), tracks, timestamps=timestamps, **named)
    flags, scores = read_answer("detector", (y_pred, y_score), y_true, tracks)
    metrics = read_metrics(METRICS if metrics is None else metrics)
    if y_score is None:
        metrics = {n: m for n, m in metrics.items() if m.response == "flags"}
    chance = chance_figures(
        metrics, truth, flags, scores, found, n_random, random_state
    )
    ours = evaluate(metrics, truth, flags, scores, found)
    columns = {
        "detector": ours,
        "chance": {
            n: v for n, v in chance.items() if not np.isnan(ours.get(n, np.nan))
        },
        "skill": skills(metrics, ours, chance),
    }
    for name, answer in (baselines or {}).items():
        if name in columns:
            raise ValueError(
                f"A baseline is named {name!r}, as a column of the report; rename it."
            )
        answer = read_answer(name, answer, y_true, tracks)
        columns[name] = evaluate(metrics, truth, *answer, found)

    report = pd.DataFrame(columns, index=[*metrics, "base_rate"], dtype=np.float64)
    report = report.rename_axis("metric")
    report.loc["base_rate", report.columns != "skill"] = truth.mean()
    report.attrs = {
        "seed": int(random_state) if isinstance(random_state, Integral) else None,
        "n_random": int(n_random),
        "n_rows": len(truth),
        "n_tracks": len(found),
        "n_events": len(find_runs(truth, found.bounds)[0]),
        "versions": {
            "python": platform.python_version(),
            "skdsn": skdsn.__version__,
            "scikit-learn": sklearn.__version__,
            "pandas": pd.__version__,
            "numpy": np.__version__,
        },
    }
    return report


def event_report(
    detector, X, y, *, X_train=None, metrics=None, n_random=20, random_state=0
):
    """Report a fitted detector beside its chance level and no-learning baselines.

    Parameters
    ----------
    detector : fitted classifier or outlier detector
        Or a Pipeline that ends in one. Its ``predict``, with the threshold it
        stores, gives the flags; :func:`skdsn.base.anomaly_scores` the scores.
    X : DataFrame or array-like of shape (n_rows, n_features)
        Telemetry indexed by (track, time) or time; an array is one track.
    y : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    X_train : DataFrame or array-like of shape (n_train_rows, n_features), default=None
        What the detector was fitted on; adds the column ``training range``.
    metrics : sequence of str, default=None
        Of :func:`metric_names`, or scorers with options of :func:`get_event_scorer`.
    n_random : int, default=20
        Draws of random flags that the column ``chance`` is the mean of.
    random_state : int, RandomState instance or None, default=0
        Seeds the random flags.

    Returns
    -------
    DataFrame of shape (20, 4 or 5)
        Figures by row. ``point_adjusted_precision``, ``..._recall`` and ``..._f1``
        after point adjustment; ``event_...`` of events and alarms, corrected as in
        :func:`event_wise_scores`, and ``alarming_precision``; ``affiliation_...`` of
        distances; ``row_...`` row by row, as is; ``average_precision`` and ``roc_auc``
        of the scores, row by row; ``mean_delay`` of the events detected, in seconds (in
        rows without times); ``false_alarms_per_track`` and ``false_alarms_per_day`` of
        telemetry, gaps left out; ``fraction_flagged`` of all rows; ``base_rate``, the
        fraction of anomalous rows. What is undefined, such as a recall without events
        or days without a time index, is NaN.

        ``attrs`` has the protocol: ``seed``, ``n_random``, ``n_rows``,
        ``n_tracks``, ``n_events`` and ``versions``.

    See Also
    --------
    score_report : The same from flags and scores.
    chance_level : Chance with an interval, also of best thresholds.
    persistence_scores, training_range_scores : The scores of two of the columns.

    Notes
    -----
    The columns next to ``detector``:

    * ``chance`` flags as many rows as the detector does, at random; exact where
      :func:`chance_level` says so.
    * ``skill`` is ``(detector - chance) / (best - chance)``, where the best is 1, and 0
      for false alarms: 0 = chance, 1 = perfect. NaN where chance is within 0.05 of the
      best, and for delays, since chance detects other events.
    * ``persistence`` flags the largest jumps from one row to the next, as many rows
      as the detector does, or fewer where equal jumps cannot be told apart.
    * ``training range`` flags rows more than 5 % beyond the range of some channel
      in `X_train`.

    The baselines leave categorical columns out and ignore NaN. No column uses `y`
    for anything but the figures.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> X = np.random.default_rng(0).normal(size=(400, 2))
    >>> y = (np.arange(400) // 10 == 30).astype(int)
    >>> X[y == 1] += 3
    >>> detector = IsolationForest(contamination=0.02, random_state=0).fit(X[:200])
    >>> report = event_report(detector, X, y)
    >>> report.loc[["point_adjusted_f1", "event_f1"], ["detector", "chance"]].round(2)
                       detector  chance
    metric
    point_adjusted_f1      0.77    0.25
    event_f1               0.25    0.06
    """
    labels = read_labels(y, read_tracks(X), unlabelled=True)
    if labels is None:
        raise ValueError("event_report needs the labels y of the rows of X; got None.")
    known = labels >= 0
    if not known.any():
        raise ValueError(
            f"All {len(labels)} rows are unlabelled (-1); give labels of some."
        )
    flags = anomaly_flags(detector, X)
    excess = None if X_train is None else training_range_scores(X, X_train)
    baselines = no_learning_baselines(X, int(flags[known].sum()), excess)
    return score_report(
        labels[known],
        flags[known],
        anomaly_scores(detector, X)[known],
        tracks=find_tracks(len(labels), X=X).take(known),
        metrics=metrics,
        baselines={
            name: (flagged[known], scores[known])
            for name, (flagged, scores) in baselines.items()
        },
        n_random=n_random,
        random_state=random_state,
    )


def no_learning_baselines(X, n_flagged, excess=None):
    """Flag rows as two baselines would that learn next to nothing.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_features)
        Telemetry indexed by (track, time) or time; an array is one track.
    n_flagged : int
        How many rows persistence flags, at most.
    excess : float64 ndarray of shape (n_rows,), default=None
        What :func:`training_range_scores` gives for `X`.

    Returns
    -------
    dict
        Name to ``(y_pred, y_score)``, as :func:`score_report` takes baselines:
        ``"persistence"`` and, with `excess`, ``"training range"``.

    Examples
    --------
    >>> baselines = no_learning_baselines([[1.0], [2.0], [3.0], [9.0]], n_flagged=1)
    >>> baselines["persistence"][0]
    array([False, False, False,  True])
    """
    jumps = persistence_scores(X)
    baselines = {"persistence": (flag_highest(jumps, n_flagged), jumps)}
    if excess is not None:
        baselines["training range"] = (excess > RANGE_MARGIN, excess)
    return baselines


def flag_highest(scores, n_flagged):
    """Flag the highest scores: at most so many rows, equal scores alike."""
    thresholds, ranks = rank_scores(scores)
    few_enough = count_from(ranks, len(thresholds)) <= n_flagged
    return ranks >= (np.argmax(few_enough) if few_enough.any() else len(thresholds))
