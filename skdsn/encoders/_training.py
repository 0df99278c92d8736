"""Train a network: skorch, seeded, with early stopping and the best weights kept."""

import contextlib
import threading
from dataclasses import dataclass, field

import pandas as pd
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.helper import predefined_split
from tqdm.auto import tqdm

from skdsn.encoders._batches import keep_batch
from skdsn.encoders._modules import MaskedHuberLoss

_ALONE = threading.RLock()
# How the learning rate falls.
PLATEAU = torch.optim.lr_scheduler.ReduceLROnPlateau
HALVING = {"factor": 0.5, "patience": 3}


def resolve_device(device):
    """Turn "auto" into "cuda" where there is one, else "cpu"."""
    if device != "auto":
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"device={device!r} cannot be used here ({reason}); take 'auto' or "
                "'cpu'."
            ) from error
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


@contextlib.contextmanager
def torch_threads(n_threads):
    """Limit torch to so many threads for a while; None leaves it alone.

    The steps of a recurrent network are too short to share out: on two cores a
    second thread saves nothing, and on a busy machine it waits (measured: 330 times
    slower).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def seeded(seed, device):
    """Seed torch in a scope that leaves its global generators untouched.

    One thread at a time, since they share these generators.
    """
    kind = torch.device(device)
    devices = [kind.index or 0] if kind.type == "cuda" else []
    with _ALONE, torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@dataclass(frozen=True)
class Training:
    """What a network is trained on, and how.

    Parameters
    ----------
    module : type
        Of the network, a torch module.
    module_params : dict
    train_set, valid_set : torch.utils.data.Dataset
        `valid_set` may be None: then the training loss decides.
    seed : int
    device : str
    learning_rate, weight_decay : float
        Of Adam.
    batch_size, max_epochs : int
    patience : int
        Epochs without an improvement by more than `min_delta` before training stops.
    verbose : int, default=0
        Positive shows a progress bar.
    title : str, default=""
        Name beside the progress bar.
    criterion : type, default=MaskedHuberLoss
    criterion_params : dict
    n_threads : int, default=None
        Threads that torch may use; None leaves it its own choice.
    epsilon : float, default=1e-8
        Of Adam.
    min_delta : float, default=0.0
    halve : bool, default=True
        Halve the learning rate after three epochs without improvement.
    keep_best : bool, default=True
        Restore the weights of the best epoch; otherwise those of the last one stay.
    """

    module: type
    module_params: dict
    train_set: torch.utils.data.Dataset
    valid_set: torch.utils.data.Dataset | None
    seed: int
    device: str
    learning_rate: float
    weight_decay: float
    batch_size: int
    max_epochs: int
    patience: int
    verbose: int = 0
    title: str = ""
    criterion: type = MaskedHuberLoss
    criterion_params: dict = field(default_factory=dict)
    n_threads: int | None = None
    epsilon: float = 1e-8
    min_delta: float = 0.0
    halve: bool = True
    keep_best: bool = True

    @property
    def monitor(self):
        """Which loss decides."""
        return "train_loss" if self.valid_set is None else "valid_loss"


def make_net(training):
    """Set up the network and what feeds it; callbacks and weights are still to come.

    Parameters
    ----------
    training : Training

    Returns
    -------
    skorch.NeuralNet
    """
    valid_set = training.valid_set
    params = {
        **{f"module__{name}": x for name, x in training.module_params.items()},
        **{f"criterion__{name}": x for name, x in training.criterion_params.items()},
    }
    return NeuralNet(
        training.module,
        criterion=training.criterion,
        optimizer=torch.optim.Adam,
        lr=training.learning_rate,
        optimizer__weight_decay=training.weight_decay,
        optimizer__eps=training.epsilon,
        max_epochs=training.max_epochs,
        batch_size=training.batch_size,
        iterator_train__shuffle=True,
        iterator_train__collate_fn=keep_batch,
        iterator_valid__collate_fn=keep_batch,
        train_split=None if valid_set is None else predefined_split(valid_set),
        callbacks__print_log=None,
        device=training.device,
        verbose=0,
        **params,
    )


def train_network(training):
    """Fit a network.

    Parameters
    ----------
    training : Training

    Returns
    -------
    net : skorch.NeuralNet
        Its module in evaluation mode, in float64: then the scores of a row do not
        depend, beyond 1e-15, on the rows it is scored together with.
    history : DataFrame of shape (n_epochs, 3)
        Columns ``epoch, train_loss, valid_loss``.
    """
    with seeded(training.seed, training.device), torch_threads(training.n_threads):
        net = make_net(training)
        net.set_params(callbacks=_callbacks(training))
        net.fit(training.train_set, y=None)
    history = pd.DataFrame(
        {
            "epoch": net.history[:, "epoch"],
            "train_loss": net.history[:, "train_loss"],
            "valid_loss": net.history[:, training.monitor],
        }
    )
    return strip(net), history


def _callbacks(training):
    stop = EarlyStopping(
        monitor=training.monitor,
        patience=training.patience,
        threshold=training.min_delta,
        threshold_mode="abs",
        load_best=training.keep_best,
        sink=_silence,
    )
    callbacks = [("stop", stop)]
    if training.halve:
        plateau = LRScheduler(PLATEAU, monitor=training.monitor, **HALVING)
        callbacks.insert(0, ("plateau", plateau))
    if training.verbose:
        bar = _ProgressBar(training.max_epochs, training.title, training.monitor)
        callbacks.append(("progress", bar))
    return callbacks


def strip(net):
    """Leave weights only: neither losses of batches nor the rows, which nets keep."""
    for epoch in net.history:
        del epoch["batches"]
    net.train_split = None
    net.callbacks = None
    net.callbacks_ = []
    net.module_.eval()
    if torch.device(net.device).type != "mps":  # which has no float64
        net.module_.double()
    return net


def _silence(message):
    """Swallow the notes that skorch would print."""


class _ProgressBar(Callback):
    """One tick per epoch, with the loss that decides."""

    def __init__(self, n_epochs, title, monitor):
        self.n_epochs = n_epochs
        self.title = title
        self.monitor = monitor

    def on_train_begin(self, net, **kwargs):
        self.bar_ = tqdm(total=self.n_epochs, desc=self.title, unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        self.bar_.set_postfix({self.monitor: f"{net.history[-1, self.monitor]:.4g}"})
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        self.bar_.close()
