"""What all encoder estimators share: a trained network, latents and errors."""

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from skdsn._sklearn import Interval
from skdsn.base import TARGET_CONSTRAINTS, ErrorTransformer, MemoryTransformer

ENCODER_CONSTRAINTS = {
    **TARGET_CONSTRAINTS,
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "learning_rate": [Interval(Real, 0, None, closed="neither")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "patience": [Interval(Integral, 1, None, closed="left")],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "device": [str],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}


class BaseEncoder(ErrorTransformer, MemoryTransformer):
    """Base of the encoders: telemetry to latent vectors and prediction errors.

    A subclass says what its network is trained on in ``_task(values, rows, labels,
    rng)``, which returns arguments of :class:`~skdsn.encoders._training.Training`, and
    encodes a chunk in ``_encode(values, tracks, bounds, memories)``, which returns
    latents, errors and ``remember``.
    """

    def _prepare(self, rows, y):
        self.n_latents_ = self._latent_size()
        return super()._prepare(rows, y)

    def _learn(self, rows, labels):
        from skdsn.encoders._training import train_network

        self.net_, self.history_ = train_network(self._training(rows, labels))

    def _training(self, rows, labels):
        """Say what the network is trained on, and how."""
        from skdsn.encoders._training import Training, resolve_device

        rng = check_random_state(self.random_state)
        self.device_ = resolve_device(self.device)
        task = self._task(self._scale(rows.data), rows, labels, rng)
        return Training(
            seed=int(rng.randint(2**31 - 1)),
            device=self.device_,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
            verbose=self.verbose,
            title=type(self).__name__,
            **task,
        )

    def _stream(self, data, tracks, bounds, memories):
        scaled = self._scale(data)
        latents, errors, remember = self._encode(scaled, tracks, bounds, memories)
        return self._table(scaled, latents, errors), remember

    def _own_names(self):
        latents = [f"latent_{i}" for i in range(self.n_latents_)]
        return [*latents, *super()._own_names()]

    @abstractmethod
    def _latent_size(self):
        """Size of the latent vector."""

    @abstractmethod
    def _task(self, values, rows, labels, rng):
        """Say what the network is trained on; see the class."""

    @abstractmethod
    def _encode(self, values, tracks, bounds, memories):
        """Encode a chunk; see the class."""


def validation_rows(tracks, fraction, rng, gap=0):
    """Set aside whole tracks for validation, or the end of a single one.

    Parameters
    ----------
    tracks : Tracks
    fraction : float
        Share of the tracks to set aside.
    rng : numpy.random.RandomState
    gap : int, default=0
        Rows of a single track between both parts.

    Returns
    -------
    in_train, in_valid : bool ndarray of shape (n_rows,)
    """
    in_valid = np.zeros(tracks.n_rows, dtype=bool)
    if fraction == 0:
        return ~in_valid, in_valid
    if len(tracks) == 1:
        cut = int(np.ceil(tracks.n_rows * (1 - fraction)))
        in_valid[cut:] = True
        in_train = ~in_valid
        in_train[max(cut - gap, 0) : cut] = False
        return in_train, in_valid
    n_valid = min(max(1, round(fraction * len(tracks))), len(tracks) - 1)
    chosen = np.zeros(len(tracks), dtype=bool)
    chosen[rng.permutation(len(tracks))[:n_valid]] = True
    in_valid = chosen[tracks.of_rows()]
    return ~in_valid, in_valid
