"""The one-pass encoder: a forecaster that carries its state along the track."""

from numbers import Integral

import numpy as np

from skdsn._core.segments import lengths
from skdsn._sklearn import Interval
from skdsn.encoders._one_pass import ONE_PASS_CONSTRAINTS, OnePassForecaster


class LSTMForecaster(OnePassForecaster):
    """Encode a track in one pass with an LSTM that forecasts its next rows.

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
    known_inputs : sequence of str, default=()
        Columns of the forecast row that may be used, such as commands, for they are
        known beforehand; no target then. A name that is no column is ignored.
    horizon : int, default=1
        Rows ahead that are forecast, each by outputs of its own. With more than one
        the network cannot get away with repeating the last row.
    aggregate : {"first", "mean"}, default="first"
        Whether what is expected of a row is the forecast made one row before, or the
        mean of those made in the last `horizon` rows.
    hidden_size : int, default=64
        Size of the latent vector.
    n_layers : int, default=1
    dropout : float, default=0.0
        Between the layers; a single one has none.
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
    validation_gap : int, default=0
        Rows of a single track left out before its validation part, which would
        otherwise be all too like the last training rows.
    fit_share : float, default=1.0
        Share of the tracks that the network learns from: first those without a label,
        then those without an incident. Below 1 ``fit_transform`` gives NaN for those
        tracks, so that what is fitted next learns only from tracks that the network
        has not seen. A single track is cut in time: its first part is learnt.
    withhold : {"tracks", "normal"}, default="tracks"
        What ``fit_transform`` gives NaN for, with a `fit_share` below 1: all rows of
        the tracks that the network learns from, or only their normal rows. It has not
        learnt rows labelled 1 or 2; where they are scarce, as in one long track, the
        next stage needs all of them.
    learn_unlabelled : bool, default=True
        Whether rows labelled -1 are learnt as normal ones are. Leave out those of
        gaps and invalid stretches; where no row is labelled 0, -1 are learnt in any
        case.
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
    learnt_tracks_ : list
        Ids of the tracks that the network has learnt from.
    scaler_ : transformer or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    See Also
    --------
    TCNForecaster : Convolutions instead.
    FleetForecaster : The networks of many channels, trained at once.
    WindowedLSTMForecaster : The published telemanom, afresh for every row.
    TransformerEncoder, CNNBiLSTMEncoder : One window per row.

    Notes
    -----
    ``transform`` returns ``latent_*``, ``error_<target>`` (absolute error of what
    earlier rows forecast, in scaled units; 0 for the first row of a segment, which
    nothing forecasts) and ``error`` (mean Huber error over targets).

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
        **ONE_PASS_CONSTRAINTS,
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        targets="predictability",
        n_targets=None,
        inputs_only=(),
        known_inputs=(),
        horizon=1,
        aggregate="first",
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
        validation_gap=0,
        fit_share=1.0,
        withhold="tracks",
        learn_unlabelled=True,
        passthrough=False,
        max_gap=None,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.targets = targets
        self.n_targets = n_targets
        self.inputs_only = inputs_only
        self.known_inputs = known_inputs
        self.horizon = horizon
        self.aggregate = aggregate
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
        self.validation_gap = validation_gap
        self.fit_share = fit_share
        self.withhold = withhold
        self.learn_unlabelled = learn_unlabelled
        self.passthrough = passthrough
        self.max_gap = max_gap
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _network(self):
        from skdsn.encoders._modules import LSTMNet

        params = {
            "hidden_size": self.hidden_size,
            "n_layers": self.n_layers,
            "dropout": self.dropout,
        }
        return {"module": LSTMNet, "module_params": params, "n_threads": 1}

    def _latent_size(self):
        return self.hidden_size

    def _run(self, values, bounds, memories):
        """Run over all segments side by side, a stretch at a time.

        Memory of a segment: hidden and cell state, (2, n_layers, hidden).
        """
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
                state[:, :, i] = memory
        state = torch.from_numpy(state[:, :, order]).to(weight.device, weight.dtype)
        latents = np.empty((len(values), self.hidden_size), dtype=np.float32)
        forecasts = np.empty(
            (len(values), self._reach, len(self.target_indices_)), dtype=np.float32
        )
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
                near = forecast[:, :, : self._reach].cpu().numpy()
                forecasts[rows[inside]] = near[inside]
                step += here[0]
        back = np.empty((2, *shape))
        back[:, :, order] = state.cpu().numpy()

        def remember(i):
            return back[:, :, i].copy()

        return latents, forecasts, remember
