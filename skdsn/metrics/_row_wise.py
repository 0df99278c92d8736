"""Scores row by row, as scikit-learn has them."""

import numpy as np

from skdsn._core.sweeps import point_adjusted_counts
from skdsn._sklearn import validate_params
from skdsn.metrics._inputs import read_pair
from skdsn.metrics._ratios import (
    BETA,
    NO_EVENT,
    ONE_CLASS,
    defined,
    quotient,
    rates,
)


@validate_params(BETA, prefer_skip_nested_validation=True)
def row_wise_scores(y_true, y_pred, *, tracks=None, beta=1.0):
    """Score flags row by row.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_pred : Series or array-like of shape (n_rows,)
        1 = flagged, 0 = not.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        Only checked; rows count the same in every track.
    beta : float, default=1.0
        Weight of recall against precision; below 1 precision counts more.

    Returns
    -------
    Bunch
        ``precision``, ``recall`` and ``f``; ``true_positives``, ``false_positives``
        and ``false_negatives``, in rows; ``fraction_flagged`` of all rows. What is
        undefined is 0.0, with an ``UndefinedMetricWarning``.

    Examples
    --------
    >>> scores = row_wise_scores([0, 1, 1, 0], [0, 1, 0, 0])
    >>> scores.precision, scores.recall, round(scores.f, 3)
    (1.0, 0.5, 0.667)
    """
    return defined(
        row_wise(*read_pair(y_true, y_pred, tracks=tracks), beta=beta), "Row-wise"
    )


def row_wise(truth, flags, found, *, beta=1.0):
    """Score flags row by row; undefined figures are NaN."""
    hits = int((truth & flags).sum())
    false, misses = int(flags.sum()) - hits, int(truth.sum()) - hits
    return rates(hits, false, misses, beta=beta) | {
        "true_positives": hits,
        "false_positives": false,
        "false_negatives": misses,
        "fraction_flagged": float(flags.mean()),
    }


def row_wise_curve(truth, scores, found, *, beta=1.0):
    """Give the figures at every threshold."""
    # An event counts as flagged from 100 % of its rows on: rows count on their own.
    thresholds, hits, false = point_adjusted_counts(truth, scores, found.bounds, 100)
    misses = truth.sum() - hits
    return {
        "thresholds": thresholds,
        **rates(hits, false, misses, beta=beta),
        "true_positives": hits,
        "false_positives": false,
        "false_negatives": misses,
    }


def ranking(truth, scores, found):
    """Average precision and area under the ROC curve; undefined figures are NaN."""
    _, hits, false = point_adjusted_counts(truth, scores, found.bounds, 100)
    entering, first = -np.diff(hits, append=0), -np.diff(false, append=0)
    area = np.dot(entering, hits / (hits + false))
    # Pairs ranked right, and half of those that tie.
    right = np.dot(first, hits.astype(np.float64) - entering / 2)
    return {
        "average_precision": float(quotient(area, hits[0])),
        "roc_auc": float(quotient(right, float(hits[0]) * false[0])),
    }


def average_precision(y_true, y_score, *, tracks=None):
    """Average precision of the rows, a summary of the precision-recall curve.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_score : Series or array-like of shape (n_rows,)
        Finite, not constant; higher = more anomalous.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        Only checked; rows count the same in every track.

    Returns
    -------
    float
        Random scores reach the share of anomalous rows. 0.0, with an
        ``UndefinedMetricWarning``, without an anomalous row.

    See Also
    --------
    sklearn.metrics.average_precision_score : The same, slower; ranks constant scores.

    Examples
    --------
    >>> average_precision([0, 1, 1, 0], [0.1, 0.9, 0.3, 0.2])
    1.0
    """
    figures = ranking(*read_pair(y_true, y_score, tracks=tracks, scores=True))
    figure = {"average_precision": figures["average_precision"]}
    return defined(figure, "Row-wise", why=NO_EVENT).average_precision


def roc_auc(y_true, y_score, *, tracks=None):
    """Area under the ROC curve of the rows.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_score : Series or array-like of shape (n_rows,)
        Finite, not constant; higher = more anomalous.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        Only checked; rows count the same in every track.

    Returns
    -------
    float
        Random scores reach 0.5. NaN, with an ``UndefinedMetricWarning``, with rows of
        one class only.

    Examples
    --------
    >>> roc_auc([0, 1, 1, 0], [0.1, 0.9, 0.3, 0.2])
    1.0
    """
    figures = ranking(*read_pair(y_true, y_score, tracks=tracks, scores=True))
    figure = {"roc_auc": figures["roc_auc"]}
    return defined(figure, "Row-wise", value=np.nan, why=ONE_CLASS).roc_auc
