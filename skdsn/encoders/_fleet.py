"""The forecasters of many channels, trained at once."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import check_random_state

from skdsn._sklearn import NAMES, check_feature_names_in
from skdsn.base import MemoryTransformer, huber, pick_channels
from skdsn.encoders._lstm import LSTMForecaster


class FleetForecaster(MemoryTransformer):
    """Forecast many channels, each by a network of its own, trained all at once.

    Every channel gets an :class:`LSTMForecaster` that sees this channel and the shared
    columns. Their weights are stacked, so that a step in time is one batched matrix
    product for the whole fleet; what comes out are the networks that one would get by
    training them one by one. That pays on a GPU, and for small networks on a CPU.

    Parameters
    ----------
    forecaster : LSTMForecaster or None, default=None
        Its parameters are those of all; `targets`, `n_targets`, `passthrough` and
        `random_state` are set here.
    channels : list of str or None, default=None
        Columns to forecast; None takes all that are not `shared`.
    shared : list of str, default=()
        Columns that every network sees behind its channel, such as commands.
    random_state : int, RandomState instance or None, default=None
        Gives each network its seed.

    Attributes
    ----------
    forecasters_ : dict of str to LSTMForecaster
        By channel, fitted; each can be used alone, on its channel and the shared
        columns.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    Raises
    ------
    ValueError
        In ``fit``, if a name is no column, or a channel is also shared.

    See Also
    --------
    skdsn.detectors.ChannelwiseDetector : Judges the errors channel by channel.

    Notes
    -----
    ``transform`` returns ``error_<channel>`` for each channel, as the forecaster of the
    channel does, and ``error``, their mean Huber error. Networks are equal to those
    trained alone with ``forecasters_[channel].random_state`` up to rounding, unless
    `dropout` is drawn between layers.

    References
    ----------
    Hundman et al., "Detecting spacecraft anomalies using LSTMs and nonparametric
    dynamic thresholding", KDD 2018, who train a network for each of 700 channels, one
    by one.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skdsn.encoders import FleetForecaster, LSTMForecaster
    >>> t = np.arange(200)
    >>> X = pd.DataFrame({"volt": np.sin(t / 9), "amp": np.cos(t / 7)})
    >>> X["heater"] = (t % 40 > 9).astype(float)
    >>> one = LSTMForecaster(hidden_size=4, max_epochs=2)
    >>> fleet = FleetForecaster(one, shared=["heater"], random_state=0)
    >>> list(fleet.fit_transform(X).columns)
    ['error_volt', 'error_amp', 'error']
    """

    _parameter_constraints: dict = {
        "forecaster": [None, LSTMForecaster],
        "channels": [None, *NAMES],
        "shared": NAMES,
        "random_state": ["random_state"],
    }
    _dtype = np.float64

    def __init__(self, forecaster=None, *, channels=None, shared=(), random_state=None):
        self.forecaster = forecaster
        self.channels = channels
        self.shared = shared
        self.random_state = random_state

    @property
    def _prototype(self):
        return LSTMForecaster() if self.forecaster is None else self.forecaster

    @property
    def _forget_after(self):
        return self._prototype.max_gap

    @property
    def _uses_time(self):
        return self._forget_after is not None

    def _fit(self, rows, y):
        from skdsn.encoders._fleet_training import train_fleet

        names = list(check_feature_names_in(self))
        channels = pick_channels(names, self.channels, self.shared, names)
        both = [name for name in channels if name in set(self._prototype.known_inputs)]
        if both:
            raise ValueError(
                f"Column {both[0]!r} is a known input of the forecaster and a channel; "
                "name it in shared, or leave it out of known_inputs."
            )
        if self._prototype.fit_share < 1:
            raise ValueError(
                f"The forecaster has fit_share={self._prototype.fit_share}, but the "
                "networks of a fleet learn from all tracks; leave it at 1."
            )
        rng = check_random_state(self.random_state)
        self.columns_ = {
            name: [names.index(column) for column in (name, *self.shared)]
            for name in channels
        }
        self.forecasters_, trainings = {}, []
        for name, columns in self.columns_.items():
            data = rows.data[:, columns]
            own = [names[i] for i in columns]
            if rows.index is not None:
                data = pd.DataFrame(data, index=rows.index, columns=own)
            part = clone(self._prototype).set_params(
                targets=[name],
                n_targets=None,
                passthrough=False,
                random_state=int(rng.randint(2**31 - 1)),
            )
            if rows.index is None:  # the columns of an array are numbered anew
                known = [f"x{own.index(n)}" for n in part.known_inputs if n in own]
                part.set_params(targets=["x0"], known_inputs=known)
            part._validate_params()
            part_rows = part._read(data, reset=True)
            labels = part._prepare(part_rows, y)
            trainings.append(part._training(part_rows, labels))
            self.forecasters_[name] = part
        results = train_fleet(trainings, verbose=self._prototype.verbose)
        for part, (net, history) in zip(
            self.forecasters_.values(), results, strict=True
        ):
            part.net_, part.history_ = net, history

    def _stream(self, data, tracks, bounds, memories):
        """Forecast channel by channel; memory of a segment: that of each forecaster."""
        errors = np.empty((len(data), len(self.columns_)), dtype=np.float32)
        remembers = []
        for i, (name, columns) in enumerate(self.columns_.items()):
            part = self.forecasters_[name]
            table, remember = part._stream(
                data[:, columns],
                tracks,
                bounds,
                [None if memory is None else memory[i] for memory in memories],
            )
            errors[:, i] = table[:, part.n_latents_]
            remembers.append(remember)
        total = huber(errors).mean(axis=1, keepdims=True)

        def remember(segment):
            return [remember(segment) for remember in remembers]

        return np.concatenate([errors, total], axis=1), remember

    def _names_out(self, names):
        return [*(f"error_{name}" for name in self.columns_), "error"]
