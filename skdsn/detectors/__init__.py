"""Detectors: the named recipes, and what turns a score into a decision.

A recipe is an ordinary imbalanced-learn Pipeline; every parameter of every step is
reachable as ``step__parameter``.
"""

from skdsn.detectors._alarm_filter import AlarmFilter
from skdsn.detectors._balance import AdaptiveSMOTE
from skdsn.detectors._channelwise import ChannelwiseDetector
from skdsn.detectors._distances import SubsequenceDistances
from skdsn.detectors._dynamic_threshold import DynamicThresholdDetector
from skdsn.detectors._ensemble import DetectorEnsemble
from skdsn.detectors._error_gate import ErrorGate
from skdsn.detectors._gated_classifier import ErrorGatedClassifier
from skdsn.detectors._neighbors import SubsequenceNeighborsDetector
from skdsn.detectors._pseudo_labels import PseudoLabeler
from skdsn.detectors._score_smoother import ScoreSmoother
from skdsn.detectors._self_training import SelfTrainingDetector
from skdsn.detectors._smooth import ErrorSmoother
from skdsn.detectors._threshold import TunedThresholdDetector
from skdsn.detectors._union import ErrorCombiner, ErrorUnion
from skdsn.detectors._voting import VotingDetector
from skdsn.detectors.recipes import (
    make_channel_detector,
    make_dsn_detector,
    make_esa_detector,
    make_housekeeping_detector,
    make_jwst_detector,
    make_mro_detector,
    make_telemanom_detector,
)

__all__ = [
    "AdaptiveSMOTE",
    "AlarmFilter",
    "ChannelwiseDetector",
    "DetectorEnsemble",
    "DynamicThresholdDetector",
    "ErrorCombiner",
    "ErrorGate",
    "ErrorGatedClassifier",
    "ErrorSmoother",
    "ErrorUnion",
    "PseudoLabeler",
    "ScoreSmoother",
    "SelfTrainingDetector",
    "SubsequenceDistances",
    "SubsequenceNeighborsDetector",
    "TunedThresholdDetector",
    "VotingDetector",
    "make_channel_detector",
    "make_dsn_detector",
    "make_esa_detector",
    "make_housekeeping_detector",
    "make_jwst_detector",
    "make_mro_detector",
    "make_telemanom_detector",
]
