"""The encoder of the published JWST detector."""

from numbers import Integral, Real

from skdsn._sklearn import Interval
from skdsn.encoders._base import ENCODER_CONSTRAINTS, FIT_SHARE
from skdsn.encoders._windowed import LastRowEncoder


class CNNBiLSTMEncoder(LastRowEncoder):
    """Encode each row's trailing window with a CNN, a BiLSTM and attention.

    The network predicts the target channels at the last row of a window from the
    other channels, and can learn to classify windows beside it. The attention-weighted
    mean of the LSTM outputs is the latent vector.

    Parameters
    ----------
    window : int, default=200
        Rows per window. The first rows of a track are padded with its first row.
    targets : {"predictability", "variance"} or list of str, default="predictability"
        Channels to predict: named ones, or the `n_targets` best by a rule measured
        before scaling; see :class:`TransformerEncoder`.
    n_targets : int, default=10
        Number of targets chosen by rule, at most half of the columns.
    inputs_only : sequence of str, default=()
        Columns that no rule may choose, such as clocks and commands; a name that is no
        column, as of one that was pruned, is ignored.
    n_filters : int, default=64
    kernel_size : int, default=7
        Rows under the convolution.
    hidden_size : int, default=128
        Of each direction; the latent vector is twice as long.
    n_layers : int, default=4
    dropout : float, default=0.5
    classification_weight : float or None, default=1.0
        Weight of the class loss. The head learns from windows that are anomalous (any
        of their rows is) or normal; windows with an unlabelled row (-1), and all
        windows without `y`, are left out of it. None trains without the head: then
        only windows without an anomalous row are used.
    scaler : transformer, "passthrough" or None, default=None
        Scales the columns inside the encoder, fitted on the normal rows;
        :class:`~sklearn.preprocessing.StandardScaler` when None.
    learning_rate : float, default=1e-4
        Of Adam; halved after three epochs without improvement.
    weight_decay : float, default=1e-5
    batch_size : int, default=128
    max_epochs : int, default=50
    patience : int, default=10
        Epochs without improvement of the validation loss before training stops. The
        weights of the best epoch are kept.
    validation_fraction : float, default=0.15
        Share of the tracks, at least one, set aside for validation; the end of the
        track if there is only one. 0 lets the training loss decide.
    fit_share : float, default=1.0
        Share of the tracks that the network learns from. Below 1 ``fit_transform``
        gives NaN for those tracks, so that what is fitted next learns only from tracks
        that the network has not seen. Tracks without a label come first; a class head
        then takes its share of those with and without an incident, otherwise those
        without come first. A single track is cut in time: its first part is learnt.
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

    Notes
    -----
    ``transform`` returns ``latent_*``, ``error_<target>`` (absolute error in scaled
    units) and ``error`` (mean Huber error over targets). The LSTM is bidirectional
    inside the window only, which ends at the row itself: nothing looks ahead.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.encoders import CNNBiLSTMEncoder
    >>> X = np.random.default_rng(0).normal(size=(60, 4)).cumsum(axis=0)
    >>> encoder = CNNBiLSTMEncoder(
    ...     window=8, n_filters=4, hidden_size=3, n_layers=1, max_epochs=1
    ... )
    >>> encoder.fit_transform(X).shape  # 6 latents, 2 targets, the mean error
    (60, 9)
    """

    _parameter_constraints: dict = {
        **ENCODER_CONSTRAINTS,
        **FIT_SHARE,
        "window": [Interval(Integral, 1, None, closed="left")],
        "n_filters": [Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "classification_weight": [None, Interval(Real, 0, None, closed="left")],
        "fit_stride": [Interval(Integral, 1, None, closed="left")],
        "predict_stride": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        window=200,
        targets="predictability",
        n_targets=10,
        inputs_only=(),
        n_filters=64,
        kernel_size=7,
        hidden_size=128,
        n_layers=4,
        dropout=0.5,
        classification_weight=1.0,
        scaler=None,
        learning_rate=1e-4,
        weight_decay=1e-5,
        batch_size=128,
        max_epochs=50,
        patience=10,
        validation_fraction=0.15,
        fit_share=1.0,
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
        self.n_filters = n_filters
        self.kernel_size = kernel_size
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.dropout = dropout
        self.classification_weight = classification_weight
        self.scaler = scaler
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.fit_share = fit_share
        self.fit_stride = fit_stride
        self.predict_stride = predict_stride
        self.passthrough = passthrough
        self.max_gap = max_gap
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _has_classifier(self):
        return self.classification_weight is not None

    def _network(self):
        from skdsn.encoders._modules import CNNBiLSTMNet

        params = {
            "n_inputs": len(self.input_indices_),
            "n_targets": len(self.target_indices_),
            "n_filters": self.n_filters,
            "kernel_size": self.kernel_size,
            "hidden_size": self.hidden_size,
            "n_layers": self.n_layers,
            "dropout": self.dropout,
            "classify": self._has_classifier,
        }
        return {
            "module": CNNBiLSTMNet,
            "module_params": params,
            "criterion_params": {"classification_weight": self.classification_weight},
        }

    def _latent_size(self):
        return 2 * self.hidden_size
