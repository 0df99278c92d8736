"""The one-pass encoder without a loop over rows: causal dilated convolutions."""

from numbers import Integral

import numpy as np

from skdsn._core.segments import pieces, prepend
from skdsn._sklearn import Interval
from skdsn.encoders._one_pass import ONE_PASS_CONSTRAINTS, OnePassForecaster

# Rows convolved at a time, over all pieces, and in one piece.
_BLOCK, _PIECE = 65_536, 8192


class TCNForecaster(OnePassForecaster):
    """Encode a track with causal convolutions that forecast its next rows.

    A temporal convolutional network: the taps of block *i* lie ``2 ** i`` rows apart,
    so that a few layers look far back, and all rows are computed at once. It looks
    back over ``reach_`` rows and forgets what is older. What the last layer gives is
    the latent vector.

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
        Rows ahead that are forecast, each by outputs of its own.
    aggregate : {"first", "mean"}, default="first"
        Whether what is expected of a row is the forecast made one row before, or the
        mean of those made in the last `horizon` rows.
    n_filters : int, default=32
        Size of the latent vector.
    kernel_size : int, default=3
    n_blocks : int, default=5
        Of two convolutions each; at most 16.
    dropout : float, default=0.0
        Behind each convolution.
    chunk_length : int, default=256
        Rows per training stretch.
    scaler : transformer, "passthrough" or None, default=None
        Scales the columns inside the encoder, fitted on the normal rows;
        :class:`~sklearn.preprocessing.StandardScaler` when None.
    learning_rate : float, default=3e-3
        Of Adam; halved after three epochs without improvement.
    weight_decay : float, default=0.0
    batch_size : int, default=8
        Stretches per step.
    max_epochs : int, default=50
    patience : int, default=8
        Epochs without improvement of the validation loss before training stops. The
        weights of the best epoch are kept.
    validation_fraction : float, default=0.15
        Share of the tracks, at least one, set aside for validation; the end of the
        track if there is only one. 0 lets the training loss decide.
    validation_gap : int, default=0
        Rows of a single track left out before its validation part.
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
        The track starts afresh after a longer step in time: seconds, or ``"10min"``.
    device : str, default="auto"
        A torch device; "auto" takes a CUDA device if there is one.
    random_state : int, RandomState instance or None, default=None
        Of the validation split, the initial weights and the order of the batches.
    verbose : int, default=0
        Positive shows a progress bar.

    Attributes
    ----------
    reach_ : int
        Rows that a latent vector depends on, its own included.
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
    LSTMForecaster : Carries a state of no fixed length.

    Notes
    -----
    ``transform`` returns ``latent_*``, ``error_<target>`` (absolute error of what
    earlier rows forecast, in scaled units; 0 for the first row of a segment, which
    nothing forecasts) and ``error`` (mean Huber error over targets). Each convolution
    sees zeros before the first row of a segment.

    References
    ----------
    Bai, Kolter and Koltun, "An empirical evaluation of generic convolutional and
    recurrent networks for sequence modeling", 2018, https://arxiv.org/abs/1803.01271

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.encoders import TCNForecaster
    >>> X = np.random.default_rng(0).normal(size=(60, 2)).cumsum(axis=0)
    >>> encoder = TCNForecaster(n_filters=4, n_blocks=2, max_epochs=1, random_state=0)
    >>> encoder.fit(X).reach_
    13
    >>> first, state = encoder.stream(X[:25])
    >>> second, state = encoder.stream(X[25:], state)
    >>> np.allclose(np.concatenate([first, second]), encoder.transform(X))
    True
    """

    _parameter_constraints: dict = {
        **ONE_PASS_CONSTRAINTS,
        "n_filters": [Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        # Sixteen look back over more than 100,000 rows.
        "n_blocks": [Interval(Integral, 1, 16, closed="both")],
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
        n_filters=32,
        kernel_size=3,
        n_blocks=5,
        dropout=0.0,
        chunk_length=256,
        scaler=None,
        learning_rate=3e-3,
        weight_decay=0.0,
        batch_size=8,
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
        self.n_filters = n_filters
        self.kernel_size = kernel_size
        self.n_blocks = n_blocks
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

    @property
    def reach_(self):
        """Rows that a latent vector depends on, its own included."""
        return 1 + 2 * (self.kernel_size - 1) * (2**self.n_blocks - 1)

    def _network(self):
        from skdsn.encoders._modules import TCNNet

        params = {
            "n_filters": self.n_filters,
            "kernel_size": self.kernel_size,
            "n_blocks": self.n_blocks,
            "dropout": self.dropout,
        }
        return {"module": TCNNet, "module_params": params}

    def _latent_size(self):
        return self.n_filters

    def _run(self, values, bounds, memories):
        """Convolve pieces of segments; memory of a segment: its last scaled rows."""
        import torch

        module = self.net_.module_
        weight = next(module.parameters())
        values, bounds, moved = prepend(values, bounds, memories)
        new = np.zeros(len(values), dtype=bool)
        new[moved] = True
        starts, stops, segments = pieces(bounds, _PIECE)
        # Rows before a piece that it depends on; none before its segment, where the
        # network puts zeros itself.
        begins = np.maximum(starts - self.reach_ + 1, bounds[segments])
        latents = np.empty((len(values), self.n_filters), dtype=np.float32)
        forecasts = np.empty(
            (len(values), self._reach, len(self.target_indices_)), dtype=np.float32
        )
        order = np.argsort(begins - stops, kind="stable")  # the longest first
        done = 0
        with torch.inference_mode():
            while done < len(order):
                longest = stops[order[done]] - begins[order[done]]
                some = order[done : done + max(1, _BLOCK // longest)]
                done += len(some)
                rows = begins[some, None] + np.arange(longest)
                inside = rows < stops[some, None]
                X = torch.from_numpy(values[np.where(inside, rows, begins[some, None])])
                X = X.to(weight.device, weight.dtype)
                z = module.latents(X)
                forecast = module.forecast(X, z)[:, :, : self._reach].cpu().numpy()
                wanted = inside & (rows >= starts[some, None])
                latents[rows[wanted]] = z.cpu().numpy()[wanted]
                forecasts[rows[wanted]] = forecast[wanted]

        def remember(i):
            first = max(bounds[i], bounds[i + 1] - self.reach_ + 1)
            return values[first : bounds[i + 1]].copy()

        return latents[new], forecasts[new], remember
