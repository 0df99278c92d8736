"""Splits that respect tracks and time, and what is done with them."""

from skdsn.model_selection._compare import compare
from skdsn.model_selection._cross_val import cross_val_report
from skdsn.model_selection._forward import ForwardTrackSplit
from skdsn.model_selection._groups import GroupedTrackSplit, LeaveOneStationOut
from skdsn.model_selection._repeated import RepeatedTrackSplit
from skdsn.model_selection._shuffle import label_shuffle_test
from skdsn.model_selection._sktime import SktimeSplit
from skdsn.model_selection._split import StratifiedTrackKFold
from skdsn.model_selection._tune import search_space, tune
from skdsn.model_selection._within import WithinTrackChronologicalSplit

__all__ = [
    "ForwardTrackSplit",
    "GroupedTrackSplit",
    "LeaveOneStationOut",
    "RepeatedTrackSplit",
    "SktimeSplit",
    "StratifiedTrackKFold",
    "WithinTrackChronologicalSplit",
    "compare",
    "cross_val_report",
    "label_shuffle_test",
    "search_space",
    "tune",
]
