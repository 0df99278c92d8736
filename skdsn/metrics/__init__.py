"""How good a detector is: events and rows, thresholds, chance levels, scorers.

Functions take ``y_true, y_pred`` (flags, 1 = anomalous) or ``y_true, y_score``
(higher = more anomalous; rows are flagged where ``score >= threshold``), and
``tracks``, which two-level indexes tell by themselves. An event is a maximal run
of anomalous rows within a track; no event and no alarm crosses a track border.

Each family of metrics is a function that gives its figures and the counts behind them
(:func:`event_wise_scores`, :func:`point_adjusted_scores`, ...); each figure has a name
(:func:`metric_names`), under which it is a scorer, has a chance level and, where that
is exact, a best threshold. :func:`esa_adb_scores` works on tables of intervals.
"""

from skdsn.metrics._affiliation import affiliation_scores
from skdsn.metrics._baselines import persistence_scores, training_range_scores
from skdsn.metrics._bootstrap import bootstrap_interval
from skdsn.metrics._catalog import metric_names
from skdsn.metrics._chance import chance_level, skill
from skdsn.metrics._compare import compare_scores
from skdsn.metrics._esa_adb import esa_adb_scores
from skdsn.metrics._event_wise import event_f1, event_wise_scores
from skdsn.metrics._events import find_events
from skdsn.metrics._point_adjusted import (
    point_adjust,
    point_adjusted_area,
    point_adjusted_curve,
    point_adjusted_f1,
    point_adjusted_scores,
)
from skdsn.metrics._range_based import range_based_scores
from skdsn.metrics._report import event_report, no_learning_baselines, score_report
from skdsn.metrics._row_wise import average_precision, roc_auc, row_wise_scores
from skdsn.metrics._scorers import (
    average_precision_scorer,
    event_f1_scorer,
    event_scoring,
    get_event_scorer,
    make_event_scorer,
    point_adjusted_f1_scorer,
)
from skdsn.metrics._thresholds import (
    best_point_adjusted_f1,
    best_threshold,
    threshold_curve,
    threshold_for_budget,
)
from skdsn.metrics._timing import adtqc_scores, alarm_rates, detection_delays
from skdsn.metrics._vus import vus_scores

__all__ = [
    "adtqc_scores",
    "affiliation_scores",
    "alarm_rates",
    "average_precision",
    "average_precision_scorer",
    "best_point_adjusted_f1",
    "best_threshold",
    "bootstrap_interval",
    "chance_level",
    "compare_scores",
    "detection_delays",
    "esa_adb_scores",
    "event_f1",
    "event_f1_scorer",
    "event_report",
    "event_scoring",
    "event_wise_scores",
    "find_events",
    "get_event_scorer",
    "make_event_scorer",
    "metric_names",
    "no_learning_baselines",
    "persistence_scores",
    "point_adjust",
    "point_adjusted_area",
    "point_adjusted_curve",
    "point_adjusted_f1",
    "point_adjusted_f1_scorer",
    "point_adjusted_scores",
    "range_based_scores",
    "roc_auc",
    "row_wise_scores",
    "score_report",
    "skill",
    "threshold_curve",
    "threshold_for_budget",
    "training_range_scores",
    "vus_scores",
]
