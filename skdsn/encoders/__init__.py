"""Neural encoders: telemetry to latent vectors and prediction errors, row by row.

One-pass encoders carry their state along the track and cost O(rows); windowed ones
encode the trailing window of each row, as the published detectors do, and cost
O(rows x window). All return ``latent_*``, one ``error_<channel>`` per target and
``error``. torch is loaded when an encoder is fitted, not when it is imported.
"""

from skdsn.encoders._cnn_bilstm import CNNBiLSTMEncoder
from skdsn.encoders._fleet import FleetForecaster
from skdsn.encoders._gru_attention import GRUAttentionEncoder
from skdsn.encoders._lstm import LSTMForecaster
from skdsn.encoders._tcn import TCNForecaster
from skdsn.encoders._transformer import TransformerEncoder
from skdsn.encoders._windowed_lstm import WindowedLSTMForecaster

__all__ = [
    "CNNBiLSTMEncoder",
    "FleetForecaster",
    "GRUAttentionEncoder",
    "LSTMForecaster",
    "TCNForecaster",
    "TransformerEncoder",
    "WindowedLSTMForecaster",
]
