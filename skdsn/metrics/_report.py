"""One table: a detector beside chance and beside what needs no learning."""

import platform
from numbers import Integral

import numpy as np
import pandas as pd
import sklearn
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.utils import check_random_state

import skdsn
from skdsn._core.runs import find_runs
from skdsn._core.sweeps import count_from, fbeta, rank_scores, ratio
from skdsn._sklearn import Interval, validate_params
from skdsn.base import Rows, anomaly_flags, anomaly_scores, read_labels
from skdsn.metrics._baselines import persistence_scores, training_range_scores
from skdsn.metrics._event_wise import alarm_counts, specificity
from skdsn.metrics._point_adjusted import adjusted_counts
from skdsn.tracks import read_tracks

# Rows further outside the training range than this part of it are flagged.
RANGE_MARGIN = 0.05


@validate_params(
    {
        "n_random": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def event_report(detector, X, y, *, X_train=None, n_random=20, random_state=0):
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
    n_random : int, default=20
        Draws of random flags that the column ``chance`` is the mean of.
    random_state : int, RandomState instance or None, default=0
        Seeds the random flags.

    Returns
    -------
    DataFrame of shape (15, 3 or 4)
        Figures by row. ``point_adjusted_precision``, ``..._recall`` and ``..._f1``
        after point adjustment; ``event_...`` of events and alarms, corrected as in
        :func:`event_wise_scores`; ``row_...`` row by row, as is;
        ``average_precision`` and ``roc_auc`` of the scores, row by row;
        ``false_alarms_per_track`` and ``false_alarms_per_day`` of telemetry, gaps left
        out; ``fraction_flagged`` of all rows;
        ``base_rate``, the fraction of anomalous rows. What is undefined, such as a
        recall without events or days without a time index, is NaN.

        ``attrs`` has the protocol: ``seed``, ``n_random``, ``n_rows``,
        ``n_tracks``, ``n_events`` and ``versions``.

    See Also
    --------
    persistence_scores, training_range_scores : The scores of two of the columns.

    Notes
    -----
    The columns next to ``detector``:

    * ``chance`` flags as many rows as the detector does, at random; its average
      precision and ROC-AUC are the expected ones, the base rate and 0.5.
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
    tracks = read_tracks(X)
    index = X.index if isinstance(X, pd.DataFrame) else None
    labels = read_labels(y, Rows(X, tracks, index))
    if labels is None:
        raise ValueError("event_report needs the labels y of the rows of X; got None.")
    truth = labels.astype(bool)
    starts, stops = find_runs(truth, tracks.bounds)
    days = tracks.days()

    def flag_figures(flags):
        alarms = alarm_counts(truth, flags, starts, stops, tracks.bounds)
        hits = int((truth & flags).sum())
        rows = hits, int(flags.sum()) - hits, int(truth.sum()) - hits
        adjusted = adjusted_counts(truth, flags, starts, stops)
        return {
            **_quotients("point_adjusted", adjusted),
            **_quotients("event", alarms, specificity(truth, flags)),
            **_quotients("row", rows),
            "average_precision": np.nan,
            "roc_auc": np.nan,
            "false_alarms_per_track": alarms[1] / len(tracks),
            "false_alarms_per_day": alarms[1] / days,
            "fraction_flagged": flags.mean(),
            "base_rate": truth.mean(),
        }

    def figures(flags, scores):
        return {**flag_figures(flags), **_ranking(truth, scores)}

    flags = anomaly_flags(detector, X).astype(bool)
    columns = {"detector": figures(flags, anomaly_scores(detector, X))}

    random = check_random_state(random_state)
    draws = [flag_figures(random.permutation(flags)) for _ in range(n_random)]
    # A constant score ranks at random.
    expected = _ranking(truth, np.zeros(len(truth)))
    columns["chance"] = {**pd.DataFrame(draws).mean(), **expected}

    jumps = persistence_scores(X)
    columns["persistence"] = figures(_flag_highest(jumps, flags.sum()), jumps)
    if X_train is not None:
        excess = training_range_scores(X, X_train)
        columns["training range"] = figures(excess > RANGE_MARGIN, excess)

    report = pd.DataFrame(columns).rename_axis("metric")
    report.attrs = {
        "seed": int(random_state) if isinstance(random_state, Integral) else None,
        "n_random": int(n_random),
        "n_rows": len(truth),
        "n_tracks": len(tracks),
        "n_events": len(starts),
        "versions": {
            "python": platform.python_version(),
            "skdsn": skdsn.__version__,
            "scikit-learn": sklearn.__version__,
            "pandas": pd.__version__,
            "numpy": np.__version__,
        },
    }
    return report


def _quotients(name, counts, specificity=1.0):
    hits, false_alarms, misses = counts
    alarms, wanted = hits + false_alarms, hits + misses
    precision = ratio(hits, alarms) * specificity
    recall = ratio(hits, wanted)
    return {
        f"{name}_precision": precision if alarms else np.nan,
        f"{name}_recall": recall if wanted else np.nan,
        f"{name}_f1": fbeta(precision, recall) if alarms or wanted else np.nan,
    }


def _ranking(truth, scores):
    if truth.all() or not truth.any():
        return {"average_precision": np.nan, "roc_auc": np.nan}
    return {
        "average_precision": average_precision_score(truth, scores),
        "roc_auc": roc_auc_score(truth, scores),
    }


def _flag_highest(scores, n_flagged):
    """Flag the highest scores: at most so many rows, equal scores alike."""
    thresholds, ranks = rank_scores(scores)
    few_enough = count_from(ranks, len(thresholds)) <= n_flagged
    return ranks >= (np.argmax(few_enough) if few_enough.any() else len(thresholds))
