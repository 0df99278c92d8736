"""Train a network: skorch, seeded, with early stopping and the best weights kept."""

import contextlib

import pandas as pd
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.helper import predefined_split
from tqdm.auto import tqdm

from skdsn.encoders._batches import keep_batch


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
    """Seed torch in a scope that leaves its global generators untouched."""
    kind = torch.device(device)
    devices = [kind.index or 0] if kind.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def train_network(
    module,
    module_params,
    criterion_params,
    train_set,
    valid_set,
    *,
    learning_rate,
    weight_decay,
    batch_size,
    max_epochs,
    patience,
    device,
    seed,
    verbose,
    title,
    n_threads=None,
):
    """Fit a network and restore its best epoch.

    Parameters
    ----------
    module : type of torch.nn.Module
    module_params, criterion_params : dict
    train_set, valid_set : torch.utils.data.Dataset
        `valid_set` may be None: then the training loss decides.
    learning_rate, weight_decay : float
        Of Adam; the rate is halved after three epochs without improvement.
    batch_size, max_epochs, patience : int
    device : str
    seed : int
    verbose : int
        Positive shows a progress bar.
    title : str
        Name beside the progress bar.
    n_threads : int, default=None
        Threads that torch may use; None leaves it its own choice.

    Returns
    -------
    net : skorch.NeuralNet
        Its module in evaluation mode, in float64: then the scores of a row do not
        depend, beyond 1e-15, on the rows it is scored together with.
    history : DataFrame of shape (n_epochs, 3)
        Columns ``epoch, train_loss, valid_loss``.
    """
    from skdsn.encoders._modules import MaskedHuberLoss

    monitor = "train_loss" if valid_set is None else "valid_loss"
    callbacks = [
        (
            "plateau",
            LRScheduler(
                torch.optim.lr_scheduler.ReduceLROnPlateau,
                monitor=monitor,
                factor=0.5,
                patience=3,
            ),
        ),
        (
            "stop",
            EarlyStopping(
                monitor=monitor,
                patience=patience,
                threshold=0.0,
                load_best=True,
                sink=_silence,
            ),
        ),
    ]
    if verbose:
        callbacks.append(("progress", _ProgressBar(max_epochs, title, monitor)))
    with seeded(seed, device), torch_threads(n_threads):
        net = NeuralNet(
            module,
            criterion=MaskedHuberLoss,
            optimizer=torch.optim.Adam,
            lr=learning_rate,
            optimizer__weight_decay=weight_decay,
            max_epochs=max_epochs,
            batch_size=batch_size,
            iterator_train__shuffle=True,
            iterator_train__collate_fn=keep_batch,
            iterator_valid__collate_fn=keep_batch,
            train_split=None if valid_set is None else predefined_split(valid_set),
            callbacks=callbacks,
            callbacks__print_log=None,
            device=device,
            verbose=0,
            **{f"module__{name}": value for name, value in module_params.items()},
            **{f"criterion__{name}": value for name, value in criterion_params.items()},
        )
        net.fit(train_set, y=None)
    history = pd.DataFrame(
        {
            "epoch": net.history[:, "epoch"],
            "train_loss": net.history[:, "train_loss"],
            "valid_loss": net.history[:, monitor],
        }
    )
    # A fitted estimator keeps weights, not data: neither the losses of every batch
    # nor the validation rows, which these two hold.
    for epoch in net.history:
        del epoch["batches"]
    net.train_split = None
    net.callbacks = None
    net.callbacks_ = []
    net.module_.eval()
    if torch.device(device).type != "mps":  # which has no float64
        net.module_.double()
    return net, history


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
