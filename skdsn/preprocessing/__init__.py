"""From raw telemetry to what an encoder can take: causal, row by row.

Use scikit-learn's own one-hot encoder, variance threshold and scalers beside
these, with ``set_output(transform="pandas")`` so that the index survives.
"""

from skdsn.preprocessing._align import TrackAligner
from skdsn.preprocessing._impute import CausalImputer
from skdsn.preprocessing._prune import (
    CardinalityPruner,
    CorrelationPruner,
    MissingnessPruner,
)
from skdsn.preprocessing._scale import RobustClipScaler
from skdsn.preprocessing._time import CyclicalTimeEncoder

__all__ = [
    "CardinalityPruner",
    "CausalImputer",
    "CorrelationPruner",
    "CyclicalTimeEncoder",
    "MissingnessPruner",
    "RobustClipScaler",
    "TrackAligner",
]
