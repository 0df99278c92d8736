"""How good a detector is: events and rows, curves, chance levels, scorers.

Functions take ``y_true, y_pred`` (flags, 1 = anomalous) or ``y_true, y_score``
(higher = more anomalous; rows are flagged where ``score >= threshold``), and
``tracks``, which two-level indexes tell by themselves. An event is a maximal run
of anomalous rows within a track; no event and no alarm crosses a track border.
"""

from skdsn.metrics._baselines import persistence_scores, training_range_scores
from skdsn.metrics._event_wise import (
    best_event_f1,
    event_curve,
    event_f1,
    event_wise_scores,
    threshold_for_budget,
)
from skdsn.metrics._events import find_events
from skdsn.metrics._point_adjusted import (
    best_point_adjusted_f1,
    point_adjust,
    point_adjusted_curve,
    point_adjusted_f1,
    point_adjusted_fbeta,
    point_adjusted_precision,
    point_adjusted_recall,
)
from skdsn.metrics._report import event_report
from skdsn.metrics._scorers import (
    average_precision_scorer,
    event_f1_scorer,
    make_event_scorer,
    point_adjusted_f1_scorer,
)

__all__ = [
    "average_precision_scorer",
    "best_event_f1",
    "best_point_adjusted_f1",
    "event_curve",
    "event_f1",
    "event_f1_scorer",
    "event_report",
    "event_wise_scores",
    "find_events",
    "make_event_scorer",
    "persistence_scores",
    "point_adjust",
    "point_adjusted_curve",
    "point_adjusted_f1",
    "point_adjusted_f1_scorer",
    "point_adjusted_fbeta",
    "point_adjusted_precision",
    "point_adjusted_recall",
    "threshold_for_budget",
    "training_range_scores",
]
