"""Splits that respect tracks and time, for ``cv=`` of scikit-learn."""

from skdsn.model_selection._split import (
    StratifiedTrackKFold,
    WithinTrackChronologicalSplit,
)

__all__ = ["StratifiedTrackKFold", "WithinTrackChronologicalSplit"]
