"""The forecaster of the published telemanom, for comparison."""

from numbers import Integral, Real

import numpy as np

from skdsn._core.segments import positions, prepend, row_starts
from skdsn._core.windows import complete_windows, gather_windows, trailing_sum
from skdsn._sklearn import Interval
from skdsn.encoders._base import ENCODER_CONSTRAINTS, BaseEncoder


class WindowedLSTMForecaster(BaseEncoder):
    """Forecast each row afresh from the last rows, as telemanom does.

    The published protocol, kept for comparison: windows that overlap are shuffled
    before a fifth of them validates, so training hardly ever stops early, and the
    weights of the last epoch stay. :class:`LSTMForecaster` does without either, at a
    hundredth of the cost.

    Parameters
    ----------
    context : int, default=250
        Rows that a forecast looks back on.
    horizon : int, default=10
        Rows ahead that are forecast; the error is that of the first.
    targets : {"predictability", "variance"} or list of str, default="predictability"
        Channels to forecast: named ones, or the `n_targets` best by a rule; see
        :class:`LSTMForecaster`. All columns are inputs.
    n_targets : int or None, default=None
        Number of targets chosen by rule; None takes all with more than two levels.
    inputs_only : sequence of str, default=()
        Columns that no rule may choose; a name that is no column is ignored.
    hidden_size : int, default=80
        Size of the latent vector.
    n_layers : int, default=2
    dropout : float, default=0.3
        Behind each layer.
    scaler : transformer, "passthrough" or None, default=None
        Scales the columns inside the encoder, fitted on the normal rows;
        :class:`~sklearn.preprocessing.StandardScaler` when None. The public sets are
        scaled already, for which the published code takes them as they are.
    learning_rate : float, default=1e-3
        Of Adam.
    weight_decay : float, default=0.0
    batch_size : int, default=64
        Windows per step.
    max_epochs : int, default=35
    patience : int, default=10
        Epochs without an improvement of the validation loss by more than `min_delta`
        before training stops.
    min_delta : float, default=0.0003
    validation_fraction : float, default=0.2
        Share of the windows, drawn at random, that validates.
    passthrough : bool, default=False
        Append the scaled input columns to the output.
    max_gap : float, str or pandas.Timedelta, default=None
        Windows do not span a longer step in time: seconds, or such as ``"10min"``.
    device : str, default="auto"
        A torch device; "auto" takes a CUDA device if there is one.
    random_state : int, RandomState instance or None, default=None
        Of the validation part, the initial weights, the dropout and the order of the
        batches.
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
    skdsn.detectors.make_telemanom_detector : With ``mode="paper"`` the whole detector.

    Notes
    -----
    ``transform`` returns ``latent_*``, ``error_<target>`` (absolute error of the
    forecast made one row before, in scaled units) and ``error`` (mean Huber error over
    targets). The first `context` rows of a segment are forecast by nothing: their
    errors are missing (NaN). Other than the published code it scores every row after
    them, trains on the last window too, and has a seed.

    References
    ----------
    K. Hundman et al., "Detecting spacecraft anomalies using LSTMs and nonparametric
    dynamic thresholding", KDD 2018, https://arxiv.org/abs/1802.04431

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.encoders import WindowedLSTMForecaster
    >>> X = np.sin(np.arange(80) / 5)[:, None]
    >>> forecaster = WindowedLSTMForecaster(
    ...     context=10, horizon=2, hidden_size=3, max_epochs=1, random_state=0
    ... )
    >>> errors = forecaster.fit_transform(X)[:, -1]
    >>> int(np.isnan(errors).sum())
    10
    """

    _parameter_constraints: dict = {
        **ENCODER_CONSTRAINTS,
        "context": [Interval(Integral, 1, None, closed="left")],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "min_delta": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        context=250,
        horizon=10,
        targets="predictability",
        n_targets=None,
        inputs_only=(),
        hidden_size=80,
        n_layers=2,
        dropout=0.3,
        scaler=None,
        learning_rate=1e-3,
        weight_decay=0.0,
        batch_size=64,
        max_epochs=35,
        patience=10,
        min_delta=3e-4,
        validation_fraction=0.2,
        passthrough=False,
        max_gap=None,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.context = context
        self.horizon = horizon
        self.targets = targets
        self.n_targets = n_targets
        self.inputs_only = inputs_only
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.dropout = dropout
        self.scaler = scaler
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.min_delta = min_delta
        self.validation_fraction = validation_fraction
        self.passthrough = passthrough
        self.max_gap = max_gap
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _task(self, values, rows, labels, rng):
        from skdsn.encoders._batches import WindowBatches
        from skdsn.encoders._modules import MaskedSquaredLoss, WindowedLSTMNet

        bounds = rows.tracks.segments(self.max_gap)
        # Last rows of windows and of the rows that they forecast.
        ends = complete_windows(bounds, self.context + self.horizon)
        if len(ends) == 0:
            raise ValueError(
                f"No window is complete: the longest track (or gap-free segment) has "
                f"n_samples={np.diff(bounds).max()} rows, context and horizon need "
                f"{self.context + self.horizon}; shorten them or bring longer tracks."
            )
        if labels is not None:
            width = self.context + self.horizon
            ends = ends[trailing_sum(labels == 1, bounds, width)[ends] == 0]
            if len(ends) == 0:
                raise ValueError(
                    "Every window, with the rows it forecasts, holds an anomalous row, "
                    "so there is nothing normal to learn from; shorten context or "
                    "horizon."
                )
        ends = rng.permutation(ends)
        n_valid = int(self.validation_fraction * len(ends))
        starts = row_starts(bounds)

        def part(ends):
            if len(ends) == 0:
                return None
            later = ends[:, None] + np.arange(1 - self.horizon, 1)
            targets = values[later[..., None], self.target_indices_]
            last = ends - self.horizon
            return WindowBatches(
                values,
                last,
                starts[last],
                self.context,
                np.arange(values.shape[1]),
                targets.reshape(len(ends), -1),
            )

        return {
            "module": WindowedLSTMNet,
            "module_params": {
                "n_inputs": values.shape[1],
                "n_outputs": self.horizon * len(self.target_indices_),
                "hidden_size": self.hidden_size,
                "n_layers": self.n_layers,
                "dropout": self.dropout,
            },
            "criterion": MaskedSquaredLoss,
            "train_set": part(ends[: len(ends) - n_valid]),
            "valid_set": part(ends[len(ends) - n_valid :]),
            "n_threads": 1,
            "epsilon": 1e-7,
            "min_delta": self.min_delta,
            "halve": False,
            "keep_best": False,
        }

    def _latent_size(self):
        return self.hidden_size

    def _encode(self, values, tracks, bounds, memories):
        """Encode a chunk.

        Memory of a segment: its last ``context - 1`` rows, scaled; the forecast of the
        next row; rows so far, counted up to `context`.
        """
        tails = [None if memory is None else memory[0] for memory in memories]
        made = [None if memory is None else memory[1] for memory in memories]
        extended, tail_bounds, rows = prepend(values, bounds, tails)
        starts = row_starts(tail_bounds)[rows]
        latents = np.empty((len(values), self.hidden_size), dtype=np.float32)
        forecasts = np.empty((len(values), len(self.target_indices_)))
        self._run(extended, rows, starts, latents, forecasts)

        made, made_bounds, moved = prepend(forecasts, bounds, made)
        seen = positions(bounds)
        for i, memory in enumerate(memories):
            if memory is not None:
                seen[bounds[i] : bounds[i + 1]] += memory[2]
        expected = np.full_like(forecasts, np.nan)
        due = seen >= self.context
        expected[due] = made[moved[due] - 1]
        errors = np.abs(expected - values[:, self.target_indices_])

        def remember(i):
            end = tail_bounds[i + 1]
            first = max(tail_bounds[i], end - self.context + 1)
            last = bounds[i + 1] - 1
            return (
                extended[first:end].copy(),
                made[[made_bounds[i + 1] - 1]],
                min(int(seen[last]) + 1, self.context),
            )

        return latents, errors, remember

    def _run(self, values, rows, starts, latents, forecasts):
        """Run the network over the windows of some rows, a batch at a time."""
        import torch

        from skdsn.encoders._training import torch_threads

        module = self.net_.module_
        weight = next(module.parameters())
        with torch.inference_mode(), torch_threads(1):
            for begin in range(0, len(rows), 256):
                part = slice(begin, begin + 256)
                windows = gather_windows(values, rows[part], starts[part], self.context)
                X = torch.from_numpy(windows).to(weight.device, weight.dtype)
                latent, forecast = module.encode(X)
                latents[part] = latent.cpu().numpy()
                forecasts[part] = forecast.cpu().numpy()[:, : forecasts.shape[1]]
