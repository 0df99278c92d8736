"""Tables of scores and of alarms."""

import numpy as np
import pandas as pd

from skdsn._core.runs import reduce_runs
from skdsn.base import read_labels
from skdsn.metrics import find_events
from skdsn.streaming import stream_scores
from skdsn.tracks import read_tracks


def score_table(detector, X):
    """Score and flag rows with a fitted detector, in one pass through its stages.

    Parameters
    ----------
    detector : fitted classifier or outlier detector
        Or a Pipeline that ends in one.
    X : DataFrame or array-like of shape (n_rows, n_features)
        Telemetry indexed by (track, time) or time; an array is one track.

    Returns
    -------
    DataFrame of shape (n_rows, 2)
        With the index of `X`: ``score``, the anomaly score (higher = more
        anomalous, see :func:`skdsn.base.anomaly_scores`), and ``anomaly``, 0 or 1 as
        ``predict`` decides.

    See Also
    --------
    skdsn.streaming.StreamingDetector : The same table, chunk by chunk.

    Examples
    --------
    >>> from sklearn.ensemble import IsolationForest
    >>> X = [[0.0], [0.1], [0.2], [9.0]]
    >>> detector = IsolationForest(contamination=0.25, random_state=0).fit(X)
    >>> score_table(detector, X)["anomaly"].to_list()
    [0, 0, 0, 1]
    """
    if not isinstance(X, pd.DataFrame):
        X = np.asarray(X)
    index = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(len(X))
    scores, flags, _ = stream_scores(detector, X)
    return pd.DataFrame({"score": scores, "anomaly": flags.astype(np.int64)}, index)


def event_table(scores, y=None):
    """List the alarms: the runs of flagged rows within a track.

    Parameters
    ----------
    scores : DataFrame
        Columns ``score`` and ``anomaly``, as :func:`score_table` returns them.
    y : Series or array-like of shape (n_rows,), default=None
        1 = anomalous, 0 = normal.

    Returns
    -------
    DataFrame
        One row per alarm, in the order of the rows: ``track``; ``start`` and
        ``end``, the times of its first and its last row (row numbers without
        times); ``n_rows``; ``peak_score``, the highest of its scores; and, with `y`,
        ``true_alarm``: whether one of its rows is anomalous.

    Raises
    ------
    ValueError
        If a column is missing, or `y` does not belong to these rows.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"score": [0.1, 0.7, 0.9, 0.2], "anomaly": [0, 1, 1, 0]})
    >>> event_table(scores, y=[0, 0, 1, 1])
       track  start  end  n_rows  peak_score  true_alarm
    0      0      1    2       2         0.9        True
    """
    scores = check_scores(scores)
    found = find_events(scores["anomaly"])
    starts, stops = found["start"].to_numpy(), found["stop"].to_numpy()
    timed = "start_time" in found
    alarms = pd.DataFrame(
        {
            "track": found["track"],
            "start": found["start_time"] if timed else starts,
            "end": found["end_time"] if timed else stops - 1,
            "n_rows": stops - starts,
            "peak_score": reduce_runs(
                scores["score"].to_numpy(), starts, stops, np.maximum
            ),
        }
    )
    if y is not None:
        truth = read_labels(y, read_tracks(scores))
        alarms["true_alarm"] = reduce_runs(truth, starts, stops, np.maximum) == 1
    return alarms


def check_scores(scores):
    """Refuse what is no table of scores and flags."""
    if not isinstance(scores, pd.DataFrame):
        raise TypeError(
            "scores must be a DataFrame with the columns 'score' and 'anomaly', as "
            f"score_table returns it; got {type(scores).__name__}."
        )
    for column in ("score", "anomaly"):
        if column not in scores.columns:
            raise ValueError(
                f"The table of scores has no column {column!r}; make it with "
                "score_table(detector, X)."
            )
    return scores
