"""One cheap instance of every public estimator, for the common checks."""

from sklearn.linear_model import LogisticRegression

from skdsn.detectors import AdaptiveSMOTE, TunedThresholdDetector
from skdsn.encoders import CNNBiLSTMEncoder, LSTMForecaster, TransformerEncoder
from skdsn.labeling import WindowLabeler
from skdsn.preprocessing import (
    CardinalityPruner,
    CausalImputer,
    CorrelationPruner,
    CyclicalTimeEncoder,
    MissingnessPruner,
    TrackAligner,
)

POINTWISE = [
    CardinalityPruner(),
    CorrelationPruner(threshold=1.0),
    MissingnessPruner(max_missing=1.0),
]
WITH_MEMORY = [
    CausalImputer(max_gap=60),
    CyclicalTimeEncoder(),
    TrackAligner(
        clocks=["seconds_since_start", "seconds_since_track_start", "segment"],
        max_gap=60,
    ),
    LSTMForecaster(
        hidden_size=4, max_epochs=1, chunk_length=16, max_gap=60, random_state=0
    ),
    TransformerEncoder(
        window=4,
        d_model=4,
        n_heads=2,
        n_layers=1,
        dim_feedforward=8,
        max_epochs=1,
        max_gap=60,
        random_state=0,
    ),
    CNNBiLSTMEncoder(
        window=4,
        n_filters=4,
        hidden_size=3,
        n_layers=1,
        max_epochs=1,
        max_gap=60,
        random_state=0,
    ),
]
SAMPLERS = [WindowLabeler(window=3), AdaptiveSMOTE(random_state=0)]
DETECTORS = [TunedThresholdDetector(LogisticRegression(), cv=2)]

TRANSFORMERS = POINTWISE + WITH_MEMORY
ALL = TRANSFORMERS + SAMPLERS + DETECTORS


def name_of(estimator):
    """Name a test case."""
    return type(estimator).__name__
