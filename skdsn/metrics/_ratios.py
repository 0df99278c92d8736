"""Precision, recall and F from counts; NaN for 0 / 0 inside, 0.0 and a word outside."""

import sys
import warnings
from numbers import Real

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import Bunch

from skdsn._core.sweeps import fbeta, ratio
from skdsn._sklearn import Interval

# How `beta` is declared to validate_params.
BETA = {"beta": [Interval(Real, 0, None, closed="left")]}

NOTHING = "y_true holds no event, or nothing is flagged"
NO_EVENT = "y_true holds no event"
ONE_CLASS = "y_true holds rows of one class only"


def quotient(numerator, denominator):
    """Divide counts; NaN where there is nothing to divide by."""
    return np.where(np.asarray(denominator) > 0, ratio(numerator, denominator), np.nan)[
        ()
    ]


def rates(hits, false_alarms, misses, *, beta=1.0, specificity=1.0):
    """Precision (times specificity), recall and F-beta, of numbers or arrays.

    F is undefined only where there is nothing to find and nothing flagged.
    """
    alarms, wanted = np.add(hits, false_alarms), np.add(hits, misses)
    precision = quotient(hits, alarms) * specificity
    recall = quotient(hits, wanted)
    return Bunch(
        precision=precision,
        recall=recall,
        f=combine(precision, recall, beta=beta),
    )


def combine(precision, recall, *, beta=1.0):
    """F-beta, with 0 for one that is undefined; undefined where both are."""
    f = fbeta(np.nan_to_num(precision), np.nan_to_num(recall), beta)
    return np.where(np.isnan(precision) & np.isnan(recall), np.nan, f)[()]


def _level_of_the_caller():
    """Count the frames down to the first that is neither ours nor scikit-learn's."""
    frame, level = sys._getframe(1), 0
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(
        ("skdsn", "sklearn")
    ):
        frame, level = frame.f_back, level + 1
    return level


def plain(scores):
    """Make Python numbers of NumPy ones."""
    return Bunch(
        **{k: v.item() if isinstance(v, np.generic) else v for k, v in scores.items()}
    )


def defined(scores, kind, *, value=0.0, why=NOTHING):
    """Put 0.0, or another value, for what is undefined (NaN), and say so."""
    scores = plain(scores)
    lacking = [name for name, figure in scores.items() if figure != figure]
    for name in lacking:
        scores[name] = value
    if lacking:
        warnings.warn(
            f"{kind} {' and '.join(lacking)} ill-defined and being set to {value}: "
            f"{why}.",
            UndefinedMetricWarning,
            stacklevel=_level_of_the_caller(),
        )
    return scores
