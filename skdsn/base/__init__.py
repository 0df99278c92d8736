"""Bases of the stages: rows in, the same rows out, and memory made explicit.

A stage is a scikit-learn transformer that returns as many rows as it got, with
the same index. A stage with memory writes one hook, which maps a chunk of rows
and what it remembers of their tracks to the transformed rows and what to
remember next. Batch ``transform`` and chunk-wise ``stream`` are that same hook,
so they cannot disagree.
"""

from skdsn.base._errors import TARGET_CONSTRAINTS, ErrorTransformer, huber
from skdsn.base._labels import read_labels
from skdsn.base._memory import check_clock, check_keys, resume, suspend
from skdsn.base._outlier import ScoringDetector
from skdsn.base._rows import Rows, pick_channels, read_rows
from skdsn.base._scores import anomaly_flags, anomaly_scores, inner_estimator
from skdsn.base._stages import MemoryTransformer, RowTransformer

__all__ = [
    "TARGET_CONSTRAINTS",
    "ErrorTransformer",
    "MemoryTransformer",
    "RowTransformer",
    "Rows",
    "ScoringDetector",
    "anomaly_flags",
    "anomaly_scores",
    "check_clock",
    "check_keys",
    "huber",
    "inner_estimator",
    "pick_channels",
    "read_labels",
    "read_rows",
    "resume",
    "suspend",
]
