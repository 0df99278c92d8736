"""What all encoder estimators share: targets, scaling, output columns."""

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from skdsn._core.segments import difference
from skdsn._sklearn import (
    MAX_GAP,
    NAMES,
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
)
from skdsn.base import MemoryTransformer, read_labels

ENCODER_CONSTRAINTS = {
    "targets": [StrOptions({"predictability", "variance"}), *NAMES],
    "n_targets": [None, Interval(Integral, 1, None, closed="left")],
    "inputs_only": NAMES,
    "scaler": [None, StrOptions({"passthrough"}), HasMethods(["fit", "transform"])],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "learning_rate": [Interval(Real, 0, None, closed="neither")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "patience": [Interval(Integral, 1, None, closed="left")],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "passthrough": ["boolean"],
    "max_gap": MAX_GAP,
    "device": [str],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

# Rows scaled at a time: the scaler works in float64, the network in float32.
_BLOCK = 65_536
# Largest scaled value: its square is still a float32.
_LARGEST = 1e18


class BaseEncoder(MemoryTransformer):
    """Base of the encoders: telemetry to latent vectors and prediction errors.

    A subclass trains its network in ``_train(values, rows, labels, rng)``, which calls
    ``_fit_network``, and encodes a chunk in ``_encode(values, tracks, bounds,
    memories)``, which returns latents, errors and ``remember``.
    """

    _min_features = 1

    def _fit(self, rows, y):
        labels = read_labels(y, rows.tracks, unlabelled=True)
        n_rows, n_features = rows.data.shape
        if n_features < self._min_features:
            raise ValueError(
                f"{type(self).__name__} predicts some channels from the others and "
                f"needs at least {self._min_features} features; got "
                f"{n_features} feature(s)."
            )
        if n_rows < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 rows to learn from; got "
                f"{n_rows} sample(s)."
            )
        normal = np.ones(n_rows, dtype=bool) if labels is None else labels != 1
        if not normal.any():
            raise ValueError(
                "y labels every row as anomalous, but an encoder learns from normal "
                "or unlabelled rows."
            )
        names = check_feature_names_in(self)
        self.target_indices_ = self._choose_targets(rows, normal, names)
        if len(self.target_indices_) == 0:
            raise ValueError(
                f"{type(self).__name__} has no target to predict; name one in targets, "
                "or leave a column out of inputs_only."
            )
        self.targets_ = [str(names[i]) for i in self.target_indices_]
        self.n_latents_ = self._latent_size()
        taken = set(names) & set(self._own_names())
        if self.passthrough and taken:
            raise ValueError(
                f"X has a column {min(taken)!r}, as {type(self).__name__} names one of "
                "its outputs; rename the column, or set passthrough=False."
            )
        self.scaler_ = None
        if self.scaler != "passthrough":
            scaler = StandardScaler() if self.scaler is None else clone(self.scaler)
            nominal = rows.data if normal.all() else rows.data[normal]
            self.scaler_ = scaler.fit(nominal)
        rng = check_random_state(self.random_state)
        self._train(self._scale(rows.data), rows, labels, rng)

    def _choose_targets(self, rows, normal, names):
        if not isinstance(self.targets, str):
            position = {name: i for i, name in enumerate(names)}
            unknown = [name for name in self.targets if name not in position]
            if unknown:
                raise ValueError(
                    f"Target {unknown[0]!r} is no column of X; the columns are "
                    f"{list(names[:10])}."
                )
            chosen = sorted({position[name] for name in self.targets})
            return np.array(chosen, dtype=np.int64)
        most = self._most_targets(len(names))
        values, bounds = rows.data, rows.tracks.bounds
        excluded = set(self.inputs_only)
        # Channels of two levels (flags, one-hot columns) only if nothing else is left.
        eligible = [i for i, name in enumerate(names) if name not in excluded]
        measured = [i for i in eligible if _many_levels(values[normal, i])]
        if not measured:
            return np.array(eligible[:1], dtype=np.int64)
        if len(measured) <= most:
            return np.array(measured)
        if self.targets == "predictability":
            return self._most_predictable(values, bounds, normal, measured, most)
        variance = [values[normal, i].var() for i in measured]
        order = np.argsort(-np.array(variance), kind="stable")[:most]
        return np.sort(np.array(measured)[order])

    def _most_predictable(self, values, bounds, normal, columns, most):
        """Columns that vary most slowly: by the share of variance above one row."""
        steady = normal.copy()  # no step from or to an anomalous row
        steady[1:] &= normal[:-1]
        score = []
        for i in columns:
            step = difference(values[:, i], bounds)[steady]
            change = step @ step / max(1, len(step))
            score.append(1 - change / (2 * values[normal, i].var()))
        order = np.argsort(-np.array(score), kind="stable")[:most]
        return np.sort(np.array(columns)[order])

    def _most_targets(self, n_features):
        return n_features if self.n_targets is None else self.n_targets

    def _scale(self, values):
        """Scaled values in float32, made block by block."""
        scaled = np.empty(values.shape, dtype=np.float32)
        for begin in range(0, len(values), _BLOCK):
            block = values[begin : begin + _BLOCK]
            if self.scaler_ is not None:
                block = self.scaler_.transform(block)
            if np.abs(block).max() > _LARGEST:
                self._refuse_large(values, begin, block)
            scaled[begin : begin + _BLOCK] = block
        return scaled

    def _refuse_large(self, values, begin, block):
        row, column = np.argwhere(np.abs(block) > _LARGEST)[0]
        raise ValueError(
            f"Column {check_feature_names_in(self)[column]!r} holds "
            f"{values[begin + row, column]:g} in row {begin + row}, too far from the "
            f"training rows for {type(self).__name__}; replace such values by NaN and "
            "impute them."
        )

    def _stream(self, data, tracks, bounds, memories):
        scaled = self._scale(data)
        latents, errors, remember = self._encode(scaled, tracks, bounds, memories)
        return self._table(scaled, latents, errors), remember

    def _table(self, scaled, latents, errors):
        """Put latents, errors and, if asked for, the scaled input side by side."""
        columns = [latents, errors, huber(errors).mean(axis=1, keepdims=True)]
        if self.passthrough:
            columns.append(scaled)
        return np.concatenate(columns, axis=1, dtype=np.float32, casting="same_kind")

    def _own_names(self):
        latents = [f"latent_{i}" for i in range(self.n_latents_)]
        return [*latents, *(f"error_{name}" for name in self.targets_), "error"]

    def _names_out(self, names):
        return [*self._own_names(), *(names if self.passthrough else [])]

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


def _many_levels(values):
    # The first rows usually settle it, so that no million values are sorted.
    return len(np.unique(values[:1000])) > 2 or len(np.unique(values)) > 2


def huber(errors):
    """Huber function with delta 1 of absolute errors."""
    small = np.minimum(errors, 1)
    return 0.5 * small**2 + (errors - small)


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
