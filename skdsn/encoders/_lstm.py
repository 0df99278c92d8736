"""The one-pass encoder: a forecaster that carries its state along the track."""

from numbers import Integral

import numpy as np

from skdsn._core.segments import boundaries, lengths
from skdsn._sklearn import Interval
from skdsn.encoders._base import ENCODER_CONSTRAINTS, BaseEncoder, validation_rows


class LSTMForecaster(BaseEncoder):
    """Encode a track in one pass with an LSTM that forecasts its next row.

    The network runs once over a track and carries its state, so a row costs the
    same whatever came before it, and a stream continues exactly where it stopped.
    It is trained on stretches of normal rows with a loss at every row. The hidden
    state is the latent vector.

    Parameters
    ----------
    targets : {"predictability", "variance"} or list of str, default="predictability"
        Channels to forecast: named ones, or the `n_targets` best by a rule measured
        before scaling: those that vary most slowly, by the share of their variance
        that is slower than one row, or those of the largest variance. Channels of two
        levels are not chosen. All columns are inputs.
    n_targets : int or None, default=None
        Number of targets chosen by rule; None takes all with more than two levels.
    inputs_only : sequence of str, default=()
        Columns that no rule may choose, such as clocks and commands; a name that is no
        column, as of one that was pruned, is ignored.
    hidden_size : int, default=64
        Size of the latent vector.
    n_layers : int, default=1
    dropout : float, default=0.0
        Between the layers.
    chunk_length : int, default=128
        Rows per training stretch, over which gradients flow.
    scaler : transformer, "passthrough" or None, default=None
        Scales the columns inside the encoder, fitted on the normal rows;
        :class:`~sklearn.preprocessing.StandardScaler` when None.
    learning_rate : float, default=3e-3
        Of Adam; halved after three epochs without improvement.
    weight_decay : float, default=0.0
    batch_size : int, default=16
        Stretches per step.
    max_epochs : int, default=50
    patience : int, default=8
        Epochs without improvement of the validation loss before training stops. The
        weights of the best epoch are kept.
    validation_fraction : float, default=0.15
        Share of the tracks, at least one, set aside for validation; the end of the
        track if there is only one. 0 lets the training loss decide.
    passthrough : bool, default=False
        Append the scaled input columns to the output.
    max_gap : float, str or pandas.Timedelta, default=None
        The state starts afresh after a longer step in time: seconds, or ``"10min"``.
    device : str, default="auto"
        A torch device; "auto" takes a CUDA device if there is one.
    random_state : int, RandomState instance or None, default=None
        Of the validation split, the initial weights and the order of the batches.
    verbose : int, default=0
        Positive shows a progress bar.

    Attributes
    ----------
    targets_ : list of str
        Target channels.
    net_ : skorch.NeuralNet
        The trained network.
    history_ : DataFrame
        Columns ``epoch, train_loss, valid_loss``.
    scaler_ : transformer or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    See Also
    --------
    TransformerEncoder, CNNBiLSTMEncoder : One window per row.

    Notes
    -----
    ``transform`` returns ``latent_*``, ``error_<target>`` (absolute error of the
    forecast made one row before, in scaled units; 0 for the first row of a segment,
    which nothing forecasts) and ``error`` (mean Huber error over targets).

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9(8),
    1997; Hundman et al., "Detecting spacecraft anomalies using LSTMs and
    nonparametric dynamic thresholding", KDD 2018, whose forecaster starts afresh for
    every row.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.encoders import LSTMForecaster
    >>> X = np.random.default_rng(0).normal(size=(60, 2)).cumsum(axis=0)
    >>> encoder = LSTMForecaster(hidden_size=4, max_epochs=1, random_state=0).fit(X)
    >>> first, state = encoder.stream(X[:25])
    >>> second, state = encoder.stream(X[25:], state)
    >>> np.allclose(np.concatenate([first, second]), encoder.transform(X))
    True
    """

    _parameter_constraints: dict = {
        **ENCODER_CONSTRAINTS,
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "chunk_length": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        targets="predictability",
        n_targets=None,
        inputs_only=(),
        hidden_size=64,
        n_layers=1,
        dropout=0.0,
        chunk_length=128,
        scaler=None,
        learning_rate=3e-3,
        weight_decay=0.0,
        batch_size=16,
        max_epochs=50,
        patience=8,
        validation_fraction=0.15,
        passthrough=False,
        max_gap=None,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.targets = targets
        self.n_targets = n_targets
        self.inputs_only = inputs_only
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.dropout = dropout
        self.chunk_length = chunk_length
        self.scaler = scaler
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.passthrough = passthrough
        self.max_gap = max_gap
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _train(self, values, rows, labels, rng):
        from skdsn.encoders._modules import LSTMNet

        bounds = rows.tracks.segments(self.max_gap)
        if labels is not None:
            # No stretch holds an anomalous row: its state would carry it on.
            bounds = np.union1d(bounds, boundaries(labels == 1))
        targets = _next_rows(values[:, self.target_indices_], bounds)
        if labels is not None:
            targets[labels == 1] = np.nan
        if not np.isfinite(targets).any():
            raise ValueError(
                "No normal row is followed by another one in its track, so there is "
                f"nothing to forecast; got n_samples={len(values)} rows in "
                f"{len(bounds) - 1} segments."
            )
        valid = validation_rows(rows.tracks, self.validation_fraction, rng)
        train_set, valid_set = self._batches(values, targets, bounds, valid)
        self._fit_network(
            LSTMNet,
            {
                "n_inputs": values.shape[1],
                "targets": self.target_indices_.tolist(),
                "hidden_size": self.hidden_size,
                "n_layers": self.n_layers,
                "dropout": self.dropout,
            },
            {},
            train_set,
            valid_set,
            rng,
            n_threads=1,
        )

    def _latent_size(self):
        return self.hidden_size

    def _batches(self, values, targets, bounds, valid):
        from skdsn.encoders._batches import ChunkBatches

        # A single track is cut into a training and a validation part.
        cut = np.flatnonzero(np.diff(valid)) + 1
        bounds = np.union1d(bounds, cut)
        counts = -(-lengths(bounds) // self.chunk_length)
        segment = np.repeat(np.arange(len(counts)), counts)
        first = np.repeat(np.cumsum(counts) - counts, counts)
        starts = bounds[segment] + (np.arange(len(segment)) - first) * self.chunk_length
        stops = np.minimum(starts + self.chunk_length, bounds[segment + 1])
        known = np.logical_or.reduceat(np.isfinite(targets).any(axis=1), starts)
        in_valid = valid[starts] & known
        in_train = ~valid[starts] & known
        if not in_train.any() or not in_valid.any():
            in_train, in_valid = known, np.zeros_like(known)

        def part(chosen):
            return ChunkBatches(
                values, targets, starts[chosen], stops[chosen], self.chunk_length
            )

        return part(in_train), part(in_valid) if in_valid.any() else None

    def _encode(self, values, tracks, bounds, memories):
        """Encode a chunk in one pass.

        Memory of a segment: hidden and cell state, each (n_layers, hidden), and the
        forecast of the next row, (n_targets,).
        """
        latents, forecasts, state = self._run(values, bounds, memories)
        expected = np.empty_like(forecasts)
        expected[1:] = forecasts[:-1]
        begins = bounds[:-1]
        expected[begins] = values[np.ix_(begins, self.target_indices_)]
        for i, memory in enumerate(memories):
            if memory is not None:
                expected[bounds[i]] = memory[2]
        errors = np.abs(expected - values[:, self.target_indices_])

        def remember(i):
            return (
                state[0][:, i].copy(),
                state[1][:, i].copy(),
                forecasts[bounds[i + 1] - 1].copy(),
            )

        return latents, errors, remember

    def _run(self, values, bounds, memories):
        """Run the network over all segments side by side, a stretch at a time."""
        import torch

        from skdsn.encoders._training import torch_threads

        module = self.net_.module_
        weight = next(module.parameters())
        order = np.argsort(-lengths(bounds), kind="stable")
        length = lengths(bounds)[order]
        begin = bounds[:-1][order]
        shape = (self.n_layers, len(order), self.hidden_size)
        state = np.zeros((2, *shape))
        for i, memory in enumerate(memories):
            if memory is not None:
                state[0, :, i], state[1, :, i] = memory[0], memory[1]
        state = torch.from_numpy(state[:, :, order]).to(weight.device, weight.dtype)
        latents = np.empty((len(values), self.hidden_size), dtype=np.float32)
        n_targets = len(self.target_indices_)
        forecasts = np.empty((len(values), n_targets), dtype=np.float32)
        step = 0
        with torch.inference_mode(), torch_threads(1):
            while step < length[0]:
                live = int(np.searchsorted(-length, -step, side="left"))
                # Bounds the rows in flight, however many tracks there are.
                stretch = max(16, 65_536 // live)
                here = np.minimum(length[:live] - step, stretch)
                rows = begin[:live, None] + step + np.arange(here[0])
                inside = np.arange(here[0]) < here[:, None]
                rows = np.where(inside, rows, 0)
                X = torch.from_numpy(values[rows]).to(weight.device, weight.dtype)
                z, forecast, last = module.encode(
                    X, torch.from_numpy(here), (state[0][:, :live], state[1][:, :live])
                )
                state[0][:, :live], state[1][:, :live] = last
                latents[rows[inside]] = z.cpu().numpy()[inside]
                forecasts[rows[inside]] = forecast.cpu().numpy()[inside]
                step += here[0]
        back = np.empty((2, *shape))
        back[:, :, order] = state.cpu().numpy()
        return latents, forecasts, back


def _next_rows(values, bounds):
    """Values one row later; NaN in the last row of a segment."""
    following = np.full_like(values, np.nan)
    following[:-1] = values[1:]
    following[bounds[1:] - 1] = np.nan
    return following
