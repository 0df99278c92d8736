"""One cheap instance of every public estimator, for the common checks."""

from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression

from skdsn.detectors import (
    AdaptiveSMOTE,
    AlarmFilter,
    ChannelwiseDetector,
    DetectorEnsemble,
    DynamicThresholdDetector,
    ErrorCombiner,
    ErrorGate,
    ErrorGatedClassifier,
    ErrorSmoother,
    ErrorUnion,
    PseudoLabeler,
    ScoreSmoother,
    SelfTrainingDetector,
    SubsequenceDistances,
    SubsequenceNeighborsDetector,
    TunedThresholdDetector,
    VotingDetector,
)
from skdsn.encoders import (
    CNNBiLSTMEncoder,
    FleetForecaster,
    GRUAttentionEncoder,
    LSTMForecaster,
    TCNForecaster,
    TransformerEncoder,
    WindowedLSTMForecaster,
)
from skdsn.forecasters import (
    EchoStateForecaster,
    LimitChecker,
    PersistenceForecaster,
    RidgeForecaster,
)
from skdsn.labeling import WindowLabeler
from skdsn.preprocessing import (
    CardinalityPruner,
    CausalImputer,
    CorrelationPruner,
    CyclicalTimeEncoder,
    MissingnessPruner,
    RobustClipScaler,
    TrackAligner,
)

POINTWISE = [
    CardinalityPruner(),
    CorrelationPruner(threshold=1.0),
    ErrorCombiner(),
    LimitChecker(margin=0.0),
    MissingnessPruner(max_missing=1.0),
    RobustClipScaler(),
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
    TCNForecaster(
        n_filters=4,
        n_blocks=2,
        max_epochs=1,
        chunk_length=16,
        horizon=3,
        aggregate="mean",
        max_gap=60,
        random_state=0,
    ),
    WindowedLSTMForecaster(
        context=4,
        horizon=2,
        hidden_size=3,
        max_epochs=1,
        max_gap=60,
        random_state=0,
    ),
    FleetForecaster(
        LSTMForecaster(hidden_size=3, max_epochs=1, chunk_length=16, max_gap=60),
        random_state=0,
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
    GRUAttentionEncoder(
        window=4,
        hidden_size=4,
        latent_size=2,
        max_epochs=1,
        max_gap=60,
        random_state=0,
    ),
    ErrorSmoother(span=5, max_gap=60),
    SubsequenceDistances(length=3, max_gap=60),
    ErrorUnion(
        [
            ("step", PersistenceForecaster(max_gap=60)),
            ("lags", RidgeForecaster(n_lags=3, max_gap=60)),
        ]
    ),
    PersistenceForecaster(max_gap=60),
    RidgeForecaster(n_lags=3, max_gap=60),
    EchoStateForecaster(n_units=8, max_gap=60, random_state=0),
]
SAMPLERS = [
    WindowLabeler(window=3),
    AdaptiveSMOTE(random_state=0),
    PseudoLabeler("isolation_forest", random_state=0),
]
DETECTORS = [
    # Every exceedance by itself, so that some training rows are flagged.
    DynamicThresholdDetector(
        window_size=40, batch_size=10, z_min=1.0, error_buffer=0, p=0.0, max_gap=60
    ),
    # So few subsequences that some training rows are far from all of them.
    SubsequenceNeighborsDetector(
        length=3, fit_stride=4, factor=0.5, min_distance=0.0, max_gap=60
    ),
    ErrorGate(quantile=0.9),
    ErrorGatedClassifier(ErrorGate(quantile=0.5), LogisticRegression()),
    TunedThresholdDetector(LogisticRegression(), cv=2),
    SelfTrainingDetector(LogisticRegression()),
    ScoreSmoother(LogisticRegression(), halflife=2.0, max_gap=60),
    DetectorEnsemble(
        [
            ("shape", SubsequenceNeighborsDetector(length=3, max_gap=60)),
            ("level", IsolationForest(n_estimators=5, random_state=0)),
        ],
        false_alarm_rate=0.05,
    ),
    VotingDetector(
        [
            ("few", IsolationForest(n_estimators=5, contamination=0.1, random_state=0)),
            (
                "many",
                IsolationForest(n_estimators=9, contamination=0.2, random_state=1),
            ),
            ("shape", SubsequenceNeighborsDetector(length=3, factor=0.5, max_gap=60)),
        ]
    ),
    ChannelwiseDetector(
        IsolationForest(n_estimators=5, contamination=0.1, random_state=0)
    ),
    AlarmFilter(
        IsolationForest(n_estimators=5, contamination=0.2, random_state=0),
        length=3,
        max_alarms=1,
        per="1h",
        max_gap=60,
    ),
]

TRANSFORMERS = POINTWISE + WITH_MEMORY
ALL = TRANSFORMERS + SAMPLERS + DETECTORS


def name_of(estimator):
    """Name a test case."""
    return type(estimator).__name__
