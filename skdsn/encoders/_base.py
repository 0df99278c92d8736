"""What all encoder estimators share: a trained network, latents and errors."""

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from skdsn._core.segments import boundaries, reduce_segments
from skdsn._sklearn import Interval, StrOptions
from skdsn.base import (
    TARGET_CONSTRAINTS,
    ErrorTransformer,
    MemoryTransformer,
    Rows,
)

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
FIT_SHARE = {"fit_share": [Interval(Real, 0, 1, closed="right")]}
WITHHOLD = {
    "withhold": [StrOptions({"tracks", "normal"})],
    "learn_unlabelled": ["boolean"],
}


class BaseEncoder(ErrorTransformer, MemoryTransformer):
    """Base of the encoders: telemetry to latent vectors and prediction errors.

    A subclass says what its network is trained on in ``_task(values, rows, labels,
    rng)``, which returns arguments of :class:`~skdsn.encoders._training.Training`, and
    encodes a chunk in ``_encode(values, tracks, bounds, memories)``, which returns
    latents, errors and ``remember``.

    With a constructor parameter `fit_share` the network learns from this share of the
    tracks, and ``fit_transform`` encodes the others only.
    """

    fit_share = 1.0
    withhold = "tracks"

    def fit_transform(self, X, y=None):
        """Fit, then encode what the next stage is to learn from.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled.

        Returns
        -------
        DataFrame or ndarray of shape (n_rows, n_features_out)
            What ``transform`` returns, but for two things. With a `fit_share` below 1
            the rows that the network has learnt from are missing (NaN). With a
            `fit_stride` or `predict_stride` above 1 every `fit_stride`-th full window
            is encoded, the very ones that ``WindowLabeler(window, stride=fit_stride)``
            keeps, and the rows between hold the one before.
        """
        self.fit(X, y)
        rows = self._read(X, reset=False)
        handed_on = ~self._kept_rows(rows.tracks)
        if self.withhold == "normal" and y is not None:
            handed_on |= self._read_labels(y, rows.tracks) == 1
        # A row is encoded with its true past.
        wanted = reduce_segments(handed_on, rows.tracks.bounds, np.logical_or)
        encoded = wanted[rows.tracks.of_rows()]
        part = _take(rows, encoded)
        bounds = part.tracks.segments(self.max_gap)
        scaled = self._scale(part.data)
        fresh = [None] * (len(bounds) - 1)
        latents, errors, _ = self._encode_fitted(scaled, part.tracks, bounds, fresh)
        table = self._table(scaled, latents, errors)
        if not handed_on.all():
            out = np.full((len(handed_on), table.shape[1]), np.nan, dtype=table.dtype)
            out[handed_on] = table[handed_on[encoded]]
            table = out
        return self._wrap(table, rows.index)

    def _fit(self, rows, y):
        tracks = rows.tracks
        self.learnt_tracks_ = tracks.names.tolist()
        if self.fit_share < 1 and tracks.n_rows > 1:
            labels = self._read_labels(y, tracks)
            rng = check_random_state(self.random_state)
            chosen = choose_tracks(
                tracks, self.fit_share, rng, labels, mixed=self._has_classifier
            )
            self.learnt_tracks_ = tracks.names[chosen].tolist()
            kept = self._kept_rows(tracks)
            if labels is not None:
                self._check_normal(labels, kept)
                # Only a class head tells unlabelled rows from normal ones.
                y = labels[kept] if self._has_classifier else labels[kept] == 1
            rows = _take(rows, kept)
        super()._fit(rows, y)

    def _kept_rows(self, tracks):
        """Rows of the training tracks that the network keeps to itself."""
        if self.fit_share == 1 or tracks.n_rows == 1:
            return np.zeros(tracks.n_rows, dtype=bool)
        if len(tracks) == 1:
            return np.arange(tracks.n_rows) < _part(self.fit_share, tracks.n_rows)
        return tracks.names.isin(self.learnt_tracks_)[tracks.of_rows()]

    def _check_normal(self, labels, kept):
        if (labels[kept] == 1).all() and (labels != 1).any():
            raise ValueError(
                f"fit_share={self.fit_share} gives {type(self).__name__} the tracks "
                f"{self.learnt_tracks_[:3]} to learn from, and y labels all of their "
                f"{kept.sum()} rows as anomalous; raise it, or bring tracks with "
                "normal rows."
            )

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
        task = self._task(self._scaled_input(rows.data), rows, labels, rng)
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

    def _scaled_input(self, values):
        """Scaled training rows; the network may also take them a batch at a time."""
        return self._scale(values)

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

    def _encode_fitted(self, values, tracks, bounds, memories):
        """Encode training rows for the next stage."""
        return self._encode(values, tracks, bounds, memories)


def choose_tracks(tracks, share, rng, labels=None, *, mixed=False):
    """Choose the tracks that a network learns from, and leave others.

    Parameters
    ----------
    tracks : Tracks
    share : float
        Share of the tracks, in (0, 1).
    rng : numpy.random.RandomState
    labels : int ndarray of shape (n_rows,), default=None
    mixed : bool, default=False
        Take the same share of the tracks with and without an incident, one with an
        incident at least if there are two. Otherwise those without come first: the
        network learns from normal rows, and incidents are scarce.

    Returns
    -------
    int ndarray of shape (n_chosen,)
        Numbers of the tracks in their order: at least one and not all of them, the
        only one if there is just one. Tracks without any label, which teach nothing
        to what comes next, are all chosen if others have labels.
    """
    n_tracks = len(tracks)
    if n_tracks == 1:
        return np.arange(1)
    order = rng.permutation(n_tracks)
    place = np.zeros(n_tracks)  # those that come first are chosen
    n_free = 0
    if labels is not None:
        kind = reduce_segments(labels, tracks.bounds, np.maximum)  # -1, 0 or 1
        n_free = (kind < 0).sum() if (kind >= 0).any() else 0
        place[:] = kind
        if mixed:
            normal, incident = (order[kind[order] == i] for i in (0, 1))
            place[normal] = (np.arange(len(normal)) + 0.5) / max(1, len(normal))
            # The last one with an incident is never chosen, of two the first always.
            place[incident] = np.linspace(len(incident) == 1, 1, len(incident))
    if mixed:
        n_chosen = n_free + _part(share, n_tracks - n_free)
    else:
        n_chosen = max(n_free, _part(share, n_tracks))
    return np.sort(order[np.argsort(place[order], kind="stable")][:n_chosen])


def _part(share, n):
    """Count a share of n, neither none nor all."""
    return min(max(1, round(share * n)), n - 1)


def _take(rows, chosen):
    """Take some of the rows, without a copy where they stand together."""
    if chosen.all():
        return rows
    cuts = boundaries(chosen)
    part = chosen
    if len(cuts) <= 4 and chosen.any():  # at most others, chosen, others
        first = int(np.argmax(chosen))
        part = slice(first, first + int(chosen.sum()))
        if not chosen[part].all():
            part = chosen
    return Rows(rows.data[part], rows.tracks.take(chosen))


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
