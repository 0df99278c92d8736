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

    A subclass trains its network in ``_train(values, rows, labels, rng)``, which calls
    ``_fit_network``, and encodes a chunk in ``_encode(values, tracks, bounds,
    memories)``, which returns latents, errors and ``remember``.
    """

    def _fit(self, rows, y):
        self.n_latents_ = self._latent_size()
        super()._fit(rows, y)

    def _learn(self, rows, labels):
        rng = check_random_state(self.random_state)
        self._train(self._scale(rows.data), rows, labels, rng)

    def _stream(self, data, tracks, bounds, memories):
        scaled = self._scale(data)
        latents, errors, remember = self._encode(scaled, tracks, bounds, memories)
        return self._table(scaled, latents, errors), remember

    def _own_names(self):
        latents = [f"latent_{i}" for i in range(self.n_latents_)]
        return [*latents, *super()._own_names()]

    def _fit_network(
        self,
        module,
        module_params,
        criterion_params,
        train_set,
        valid_set,
        rng,
        n_threads=None,
    ):
        """Fit ``net_`` and ``history_``; see train_network."""
        from skdsn.encoders._training import resolve_device, train_network

        self.device_ = resolve_device(self.device)
        self.net_, self.history_ = train_network(
            module,
            module_params,
            criterion_params,
            train_set,
            valid_set,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
            device=self.device_,
            seed=int(rng.randint(2**31 - 1)),
            verbose=self.verbose,
            title=type(self).__name__,
            n_threads=n_threads,
        )

    @abstractmethod
    def _latent_size(self):
        """Size of the latent vector."""

    @abstractmethod
    def _train(self, values, rows, labels, rng):
        """Train the network by ``_fit_network``."""

    @abstractmethod
    def _encode(self, values, tracks, bounds, memories):
        """Encode a chunk; see the class."""


def validation_rows(tracks, fraction, rng):
    """Set aside whole tracks for validation, or the end of a single one.

    Parameters
    ----------
    tracks : Tracks
    fraction : float
        Share of the tracks to set aside.
    rng : numpy.random.RandomState

    Returns
    -------
    valid : bool ndarray of shape (n_rows,)
        Rows of the validation part.
    """
    valid = np.zeros(tracks.n_rows, dtype=bool)
    if fraction == 0:
        return valid
    if len(tracks) == 1:
        valid[int(np.ceil(tracks.n_rows * (1 - fraction))) :] = True
        return valid
    n_valid = min(max(1, round(fraction * len(tracks))), len(tracks) - 1)
    chosen = np.zeros(len(tracks), dtype=bool)
    chosen[rng.permutation(len(tracks))[:n_valid]] = True
    return chosen[tracks.of_rows()]
