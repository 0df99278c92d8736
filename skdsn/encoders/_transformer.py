"""The encoder of the published MRO detector."""

from numbers import Integral

from skdsn._sklearn import Interval
from skdsn.encoders._base import ENCODER_CONSTRAINTS, FIT_SHARE, WITHHOLD
from skdsn.encoders._windowed import LastRowEncoder


class TransformerEncoder(LastRowEncoder):
    """Encode each row's trailing window with a Transformer.

    The network predicts the target channels at the last row of a window from the
    other channels; its output at that row is the latent vector. It learns from
    windows without an anomalous row.

    Parameters
    ----------
    window : int, default=100
        Rows per window. The first rows of a track are padded with its first row.
    targets : {"predictability", "variance"} or list of str, default="predictability"
        Channels to predict: named ones, or the `n_targets` best by a rule measured
        before scaling: those that the columns left over explain best by linear
        regression, which does not depend on units, or those of the largest variance
        (the published rule), which does. Channels of two levels are not chosen.
    n_targets : int, default=10
        Number of targets chosen by rule, at most half of the columns.
    inputs_only : sequence of str, default=()
        Columns that no rule may choose, such as clocks and commands; a name that is no
        column, as of one that was pruned, is ignored.
    d_model : int, default=64
        Size of the latent vector; a multiple of `n_heads`.
    n_heads : int, default=4
    n_layers : int, default=2
    dim_feedforward : int, default=128
    dropout : float, default=0.2
    scaler : transformer, "passthrough" or None, default=None
        Scales the columns inside the encoder, fitted on the normal rows;
        :class:`~sklearn.preprocessing.StandardScaler` when None.
    learning_rate : float, default=1e-4
        Of Adam; halved after three epochs without improvement.
    weight_decay : float, default=0.0
    batch_size : int, default=128
    max_epochs : int, default=50
    patience : int, default=5
        Epochs without improvement of the validation loss before training stops. The
        weights of the best epoch are kept.
    validation_fraction : float, default=0.15
        Share of the tracks, at least one, set aside for validation; the end of the
        track if there is only one. 0 lets the training loss decide.
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
    fit_stride : int, default=1
        Rows from one training window to the next.
    predict_stride : int, default=1
        Rows from one encoded row to the next; the rows between hold its values.
    passthrough : bool, default=False
        Append the scaled input columns to the output.
    max_gap : float, str or pandas.Timedelta, default=None
        Windows do not span a longer step in time: seconds, or such as ``"10min"``.
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
    LSTMForecaster : One pass over the track instead of one window per row.

    Notes
    -----
    ``transform`` returns ``latent_0 ... latent_{d_model - 1}``, ``error_<target>``
    (absolute error in scaled units) and ``error`` (mean Huber error over targets).

    References
    ----------
    Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.encoders import TransformerEncoder
    >>> X = np.random.default_rng(0).normal(size=(60, 4)).cumsum(axis=0)
    >>> encoder = TransformerEncoder(
    ...     window=8, d_model=4, n_heads=2, n_layers=1, max_epochs=1, random_state=0
    ... )
    >>> encoder.fit_transform(X).shape  # 4 latents, 2 targets, the mean error
    (60, 7)
    """

    _parameter_constraints: dict = {
        **ENCODER_CONSTRAINTS,
        **FIT_SHARE,
        **WITHHOLD,
        "window": [Interval(Integral, 1, None, closed="left")],
        "d_model": [Interval(Integral, 2, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "dim_feedforward": [Interval(Integral, 1, None, closed="left")],
        "fit_stride": [Interval(Integral, 1, None, closed="left")],
        "predict_stride": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        window=100,
        targets="predictability",
        n_targets=10,
        inputs_only=(),
        d_model=64,
        n_heads=4,
        n_layers=2,
        dim_feedforward=128,
        dropout=0.2,
        scaler=None,
        learning_rate=1e-4,
        weight_decay=0.0,
        batch_size=128,
        max_epochs=50,
        patience=5,
        validation_fraction=0.15,
        fit_share=1.0,
        withhold="tracks",
        learn_unlabelled=True,
        fit_stride=1,
        predict_stride=1,
        passthrough=False,
        max_gap=None,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.window = window
        self.targets = targets
        self.n_targets = n_targets
        self.inputs_only = inputs_only
        self.d_model = d_model
        self.n_heads = n_heads
        self.n_layers = n_layers
        self.dim_feedforward = dim_feedforward
        self.dropout = dropout
        self.scaler = scaler
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.fit_share = fit_share
        self.withhold = withhold
        self.learn_unlabelled = learn_unlabelled
        self.fit_stride = fit_stride
        self.predict_stride = predict_stride
        self.passthrough = passthrough
        self.max_gap = max_gap
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _network(self):
        from skdsn.encoders._modules import TransformerNet

        if self.d_model % self.n_heads:
            raise ValueError(
                f"d_model must be a multiple of n_heads; got d_model={self.d_model} "
                f"and n_heads={self.n_heads}."
            )
        params = {
            "n_inputs": len(self.input_indices_),
            "n_targets": len(self.target_indices_),
            "d_model": self.d_model,
            "n_heads": self.n_heads,
            "n_layers": self.n_layers,
            "dim_feedforward": self.dim_feedforward,
            "dropout": self.dropout,
        }
        return {"module": TransformerNet, "module_params": params}

    def _latent_size(self):
        return self.d_model
