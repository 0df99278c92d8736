"""Precision, recall and F from counts, with scikit-learn's word on 0 / 0."""

import warnings
from numbers import Real

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import Bunch

from skdsn._core.sweeps import fbeta, ratio
from skdsn._sklearn import Interval

# How `beta` is declared to validate_params.
BETA = {"beta": [Interval(Real, 0, None, closed="left")]}


def precision(hits, false_alarms, *, kind):
    """Share of the alarms that are right."""
    why = "nothing is flagged"
    return _ratio(hits, hits + false_alarms, f"{kind} precision", why)


def recall(hits, misses, *, kind):
    """Share of what is to be found that is found."""
    why = "y_true holds no event"
    return _ratio(hits, hits + misses, f"{kind} recall", why)


def f_score(hits, false_alarms, misses, *, kind, beta=1.0, specificity=1.0):
    """F-beta; undefined only if there is nothing to find and nothing flagged."""
    if hits + false_alarms + misses == 0:
        _warn(f"{kind} F-score", "y_true holds no event and nothing is flagged")
    found = ratio(hits, hits + false_alarms) * specificity
    return float(fbeta(found, ratio(hits, hits + misses), beta))


def best_threshold(
    thresholds, hits, false_alarms, n_true, *, kind, beta=1.0, specificity=1.0
):
    """Choose the threshold of the highest F-beta, the highest one among equals.

    `specificity`, a number or one for each threshold, multiplies the precision.
    """
    if n_true == 0:
        _warn(f"{kind} F-score", "y_true holds no event; the best threshold is inf")
        return Bunch(f1=0.0, f=0.0, precision=0.0, recall=0.0, threshold=np.inf)
    precisions = ratio(hits, hits + false_alarms) * specificity
    recalls = hits / n_true
    f = fbeta(precisions, recalls, beta)
    best = len(f) - 1 - int(np.argmax(f[::-1]))
    return Bunch(
        f1=float(fbeta(precisions[best], recalls[best])),
        f=float(f[best]),
        precision=float(precisions[best]),
        recall=float(recalls[best]),
        threshold=float(thresholds[best]),
    )


def _ratio(numerator, denominator, metric, why):
    if denominator == 0:
        _warn(metric, why)
        return 0.0
    return float(numerator / denominator)


def _warn(metric, why):
    message = f"{metric} is ill-defined and being set to 0.0: {why}."
    warnings.warn(message, UndefinedMetricWarning, stacklevel=4)
