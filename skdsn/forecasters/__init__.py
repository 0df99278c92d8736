"""What the next row should be, and by how much it is not: the plain ways.

Baselines that every forecast has to beat, and now and then the better choice. All
learn in seconds, without a network to train, and emit what the encoders emit but for
the latents: one ``error_<channel>`` per target and ``error``. So each takes the place
of :class:`~skdsn.encoders.LSTMForecaster` in a Pipeline.
"""

from skdsn.forecasters._echo_state import EchoStateForecaster
from skdsn.forecasters._limits import LimitChecker
from skdsn.forecasters._persistence import PersistenceForecaster
from skdsn.forecasters._ridge import RidgeForecaster

__all__ = [
    "EchoStateForecaster",
    "LimitChecker",
    "PersistenceForecaster",
    "RidgeForecaster",
]
