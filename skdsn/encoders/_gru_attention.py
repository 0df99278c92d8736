"""The encoder of the published ESA detector."""

from numbers import Integral

import numpy as np

from skdsn._sklearn import Interval
from skdsn.encoders._base import ENCODER_CONSTRAINTS, FIT_SHARE, WITHHOLD
from skdsn.encoders._windowed import WindowedEncoder
from skdsn.preprocessing import RobustClipScaler

# Windows that the usual errors are measured on, at most.
_MOST = 5_000
# Smallest usual error, as a share of that of the median channel: what is
# reconstructed almost exactly is not to decide alone.
_FLOOR = 0.1


class GRUAttentionEncoder(WindowedEncoder):
    """Encode each row's short trailing window with a GRU autoencoder with attention.

    A GRU reads the window, an attention-weighted mean of its outputs gives the latent
    vector, and a second GRU rebuilds the window from that vector alone, in training as
    in scoring. Columns that are no targets, such as commands, are read and not
    rebuilt.

    Parameters
    ----------
    window : int, default=10
        Rows per window. The first rows of a track are padded with its first row.
    targets : {"predictability", "variance"} or list of str, default="predictability"
        Channels to rebuild: named ones, or the `n_targets` best by a rule measured
        before scaling; see :class:`TransformerEncoder`.
    n_targets : int or None, default=None
        Number of targets chosen by rule. None takes all columns of more than two
        levels: neither flags, nor commands, nor constants.
    inputs_only : sequence of str, default=()
        Columns that no rule may choose, such as clocks and commands; a name that is no
        column, as of one that was pruned, is ignored.
    hidden_size : int, default=64
    latent_size : int, default=32
    scaler : transformer, "passthrough" or None, default=None
        Scales the columns inside the encoder, fitted on the normal rows;
        :class:`~skdsn.preprocessing.RobustClipScaler` when None, which keeps columns
        that hardly ever change from outweighing the others.
    learning_rate : float, default=1e-3
        Of Adam; halved after three epochs without improvement.
    weight_decay : float, default=0.0
    batch_size : int, default=128
    max_epochs : int, default=30
    patience : int, default=7
        Epochs without improvement of the validation loss before training stops. The
        weights of the best epoch are kept.
    validation_fraction : float, default=0.15
        Share of the tracks, at least one, set aside for validation; the end of the
        track if there is only one. 0 lets the training loss decide.
    fit_share : float, default=1.0
        Share of the tracks that the network learns from. Below 1 ``fit_transform``
        gives NaN for those tracks, so that what is fitted next learns only from rows
        that the network has not seen: a gate on errors needs that. A single track is
        cut in time: its first part is learnt.
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
        Rows from one training window of the network to the next; ``fit_transform``
        encodes all of them.
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
    error_scale_ : float64 ndarray of shape (n_targets,)
        Usual error of each target, in scaled units: the root mean square over normal
        windows that were set aside for validation, or over training windows if none
        were. A tenth of the median at least.
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
    skdsn.detectors.ErrorGatedClassifier : Classifies the rows with a large error.
    skdsn.detectors.make_esa_detector : The whole detector.

    Notes
    -----
    ``transform`` returns ``latent_*``; ``error_<target>``, the root mean square error
    over the window in units of the usual error of that channel, so that 1 is usual for
    all of them; and ``error``, their mean Huber error. A window is encoded by itself,
    so that no feature depends on the rows it is scored with.

    The network learns from windows without a row labelled 1 or 2. Rows are scaled when
    a batch of windows is gathered: beside its input, training holds the network and
    the positions of the windows. Its size and its losses are those of [1]_; the system
    of [2]_ that this encoder takes its network from is described in docs/esa.md.

    References
    ----------
    .. [1] K. Cho et al., "Learning phrase representations using RNN encoder-decoder
       for statistical machine translation", EMNLP 2014 (GRU); D. Bahdanau, K. Cho,
       Y. Bengio, "Neural machine translation by jointly learning to align and
       translate", ICLR 2015 (attention).
    .. [2] "ESA-Anomaly-Analysis", GitHub, 2025: a GRU-attention autoencoder and a
       random forest on the ESA Anomaly Dataset.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.encoders import GRUAttentionEncoder
    >>> X = np.random.default_rng(0).normal(size=(200, 3)).cumsum(axis=0)
    >>> encoder = GRUAttentionEncoder(
    ...     window=5, hidden_size=8, latent_size=2, max_epochs=2, random_state=0
    ... )
    >>> encoder.fit_transform(X).shape  # 2 latents, 3 targets, the mean error
    (200, 6)
    """

    _parameter_constraints: dict = {
        **{k: v for k, v in ENCODER_CONSTRAINTS.items() if k != "dropout"},
        **FIT_SHARE,
        **WITHHOLD,
        "window": [Interval(Integral, 1, None, closed="left")],
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "latent_size": [Interval(Integral, 1, None, closed="left")],
        "fit_stride": [Interval(Integral, 1, None, closed="left")],
        "predict_stride": [Interval(Integral, 1, None, closed="left")],
    }
    _dtype = (np.float64, np.float32)
    _default_scaler = RobustClipScaler

    def __init__(
        self,
        *,
        window=10,
        targets="predictability",
        n_targets=None,
        inputs_only=(),
        hidden_size=64,
        latent_size=32,
        scaler=None,
        learning_rate=1e-3,
        weight_decay=0.0,
        batch_size=128,
        max_epochs=30,
        patience=7,
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
        self.hidden_size = hidden_size
        self.latent_size = latent_size
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

    def _learn(self, rows, labels):
        from skdsn.encoders._training import train_network

        training = self._training(rows, labels)
        self.net_, self.history_ = train_network(training)
        self.error_scale_ = self._usual_errors(training.valid_set or training.train_set)

    def _usual_errors(self, windows):
        """Root mean square error of each target over some windows, with a floor."""
        self.error_scale_ = np.ones(len(self.target_indices_))
        step = -(-len(windows) // _MOST)
        encoded = self._encode_windows(
            windows.values, windows.rows[::step], windows.starts[::step]
        )
        errors = encoded[:, self.n_latents_ :].astype(np.float64)
        usual = np.sqrt(np.mean(errors**2, axis=0))
        if not np.isfinite(usual).all():
            raise ValueError(
                "The training of GRUAttentionEncoder diverged: its errors are not "
                f"finite; lower learning_rate={self.learning_rate:g}."
            )
        floor = max(_FLOOR * np.median(usual), np.finfo(np.float32).eps)
        return np.maximum(usual, floor)

    def _encode_fitted(self, values, tracks, bounds, memories):
        # Every row: an event may be shorter than the stride.
        return self._encode(values, tracks, bounds, memories)

    def _scaled_input(self, values):
        from skdsn.encoders._batches import ScaledRows

        return ScaledRows(values, self._scale)

    def _choose_inputs(self, n_features):
        return np.arange(n_features)

    def _batches(self, values, windows, starts, classes):
        from skdsn.encoders._batches import AutoencoderBatches

        return AutoencoderBatches(
            values, windows, starts, self.window, self.target_indices_
        )

    def _window_errors(self, prediction, truth):
        return np.sqrt(np.mean((prediction - truth) ** 2, axis=1)) / self.error_scale_

    def _network(self):
        from skdsn.encoders._modules import GRUAttentionNet

        params = {
            "n_inputs": len(self.input_indices_),
            "n_targets": len(self.target_indices_),
            "hidden_size": self.hidden_size,
            "latent_size": self.latent_size,
        }
        # A second thread only waits, see torch_threads.
        return {"module": GRUAttentionNet, "module_params": params, "n_threads": 1}

    def _latent_size(self):
        return self.latent_size
