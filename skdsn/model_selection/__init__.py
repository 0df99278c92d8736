"""Splits that respect tracks and time, for ``cv=`` of scikit-learn."""

from skdsn.model_selection._cross_val import cross_val_report
from skdsn.model_selection._groups import GroupedTrackSplit
from skdsn.model_selection._split import (
    StratifiedTrackKFold,
    WithinTrackChronologicalSplit,
)

__all__ = [
    "GroupedTrackSplit",
    "StratifiedTrackKFold",
    "WithinTrackChronologicalSplit",
    "cross_val_report",
]
