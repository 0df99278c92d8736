"""Detectors: the named recipes, and what turns a score into a decision.

A recipe is an ordinary imbalanced-learn Pipeline; every parameter of every step is
reachable as ``step__parameter``.
"""

from skdsn.detectors._balance import AdaptiveSMOTE
from skdsn.detectors._threshold import TunedThresholdDetector
from skdsn.detectors.recipes import (
    make_dsn_detector,
    make_jwst_detector,
    make_mro_detector,
)

__all__ = [
    "AdaptiveSMOTE",
    "TunedThresholdDetector",
    "make_dsn_detector",
    "make_jwst_detector",
    "make_mro_detector",
]
