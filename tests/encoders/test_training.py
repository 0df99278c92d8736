"""Training: best weights, early stopping, history, silence; and the losses."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import small_frame
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed
from sklearn.base import clone
from torch.nn import functional

from skdsn.base import huber
from skdsn.encoders import LSTMForecaster, TransformerEncoder
from skdsn.encoders._base import validation_rows
from skdsn.encoders._batches import ChunkBatches, WindowBatches
from skdsn.encoders._modules import MaskedHuberLoss
from skdsn.encoders._training import (
    Training,
    resolve_device,
    seeded,
    torch_threads,
    train_network,
)
from skdsn.tracks import read_tracks


class Last(torch.nn.Module):
    """A linear map of the last row of a window."""

    def __init__(self, n_inputs, n_targets):
        super().__init__()
        self.linear = torch.nn.Linear(n_inputs, n_targets)

    def forward(self, X):
        return self.linear(X[:, -1])


def windows(n_rows=60, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, 3)).astype(np.float32)
    targets = (values[:, :1] - 2 * values[:, 1:2]).astype(np.float32)
    rows = np.arange(2, n_rows)
    return WindowBatches(
        values, rows, np.zeros_like(rows), 3, np.arange(3), targets[rows]
    )


def train(train_set=None, valid_set=None, **options):
    options = {
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "batch_size": 16,
        "max_epochs": 4,
        "patience": 50,
        "device": "cpu",
        "seed": 0,
        "verbose": 0,
        "title": "Last",
        **options,
    }
    train_set = windows() if train_set is None else train_set
    params = {"n_inputs": 3, "n_targets": 1}
    return train_network(Training(Last, params, train_set, valid_set, **options))


def loss_of(net, data):
    X, target = data.__getitems__(range(len(data)))
    with torch.inference_mode():
        return float(MaskedHuberLoss()(net.module_(X.double()), target.double()))


# Training -----------------------------------------------------------------------


WILD = {"learning_rate": 5.0, "max_epochs": 60, "patience": 2}


def test_training_stops_when_patience_runs_out():
    _, history = train(valid_set=windows(seed=1), **WILD)
    losses = history["valid_loss"].to_numpy()
    assert len(losses) < 60
    assert len(losses) - 1 - losses.argmin() == 2


@pytest.mark.parametrize("stopped", ["by patience", "by max_epochs"])
def test_the_best_epoch_is_restored(stopped):
    valid = windows(seed=1)
    net, history = train(valid_set=valid, **WILD)
    if stopped == "by max_epochs":
        options = {**WILD, "max_epochs": len(history), "patience": 50}
        net, again = train(valid_set=valid, **options)
        pd.testing.assert_frame_equal(again, history)
    best = history["valid_loss"].min()
    assert history["valid_loss"].iloc[-1] > 1.01 * best
    assert loss_of(net, valid) == pytest.approx(best, rel=1e-4)


def test_without_validation_the_best_training_epoch_is_restored():
    many, history = train(learning_rate=5.0, max_epochs=12)
    few, _ = train(
        learning_rate=5.0, max_epochs=int(history["train_loss"].idxmin()) + 1
    )
    assert torch.equal(many.module_.linear.weight, few.module_.linear.weight)
    assert (history["valid_loss"] == history["train_loss"]).all()


def test_history_has_one_row_per_epoch():
    _, history = train(valid_set=windows(seed=1), max_epochs=3)
    assert list(history.columns) == ["epoch", "train_loss", "valid_loss"]
    assert history["epoch"].tolist() == [1, 2, 3]
    assert np.isfinite(history).all(axis=None)
    assert history["train_loss"].is_monotonic_decreasing


def test_the_seed_alone_decides():
    _, one = train()
    torch.manual_seed(7)
    _, same = train()
    _, other = train(seed=1)
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)


def test_a_trained_net_holds_weights_but_no_data():
    many = windows(5_000)
    net, _ = train(many, valid_set=many, max_epochs=2)
    assert len(pickle.dumps(net)) < 10_000
    assert not net.module_.training
    assert next(net.module_.parameters()).dtype == torch.float64


def test_nothing_is_shown_by_default(capsys):
    train(valid_set=windows(seed=1))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")


@pytest.mark.parametrize(
    "encoder",
    [
        LSTMForecaster(hidden_size=2, max_epochs=2, verbose=1),
        TransformerEncoder(
            window=4,
            d_model=4,
            n_heads=2,
            n_layers=1,
            dim_feedforward=8,
            max_epochs=2,
            verbose=1,
        ),
    ],
    ids=lambda encoder: type(encoder).__name__,
)
def test_a_bar_is_shown_on_request(encoder, X, capsys):
    encoder.fit(X)
    out, err = capsys.readouterr()
    assert out == ""
    assert type(encoder).__name__ in err
    assert "2/2" in err
    assert "valid_loss" in err


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="inside"), torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise RuntimeError("inside")
    assert torch.get_num_threads() == before
    with torch_threads(None):
        assert torch.get_num_threads() == before


def test_seeding_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    with seeded(3, "cpu"):
        first = torch.rand(1)
    with seeded(3, "cpu"):
        assert torch.rand(1) == first
    assert torch.equal(torch.random.get_rng_state(), before)


def test_auto_takes_what_there_is():
    there = "cuda" if torch.cuda.is_available() else "cpu"
    assert resolve_device("auto") == there
    assert resolve_device("cpu") == "cpu"


# Losses -------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), share=st.floats(0, 0.9))
def test_the_loss_is_that_over_the_known_targets(seed, share):
    rng = np.random.default_rng(seed)
    prediction, target = torch.from_numpy(3 * rng.normal(size=(2, 9, 2)))
    known = torch.from_numpy(rng.random((9, 2)) >= share)
    hidden = torch.where(known, target, torch.nan)
    expected = functional.huber_loss(prediction[known], target[known])
    found = MaskedHuberLoss()(prediction, hidden)
    if known.any():
        assert found.item() == pytest.approx(expected.item())
    else:
        assert found.item() == 0.0


def test_the_class_loss_is_weighed_beside():
    prediction = torch.tensor([[0.5, 2.0], [0.1, -1.0], [9.0, 5.0]])
    target = torch.tensor([[0.0, 1.0], [0.0, 0.0], [torch.nan, torch.nan]])
    regression = functional.huber_loss(prediction[:2, 0], target[:2, 0])
    classes = functional.binary_cross_entropy_with_logits(
        prediction[:2, 1], target[:2, 1]
    )
    found = MaskedHuberLoss(classification_weight=0.3)(prediction, target)
    assert found.item() == pytest.approx((regression + 0.3 * classes).item())


def test_a_batch_without_targets_has_a_gradient_of_zero():
    prediction = torch.ones(3, 1, requires_grad=True)
    MaskedHuberLoss()(prediction, torch.full((3, 1), torch.nan)).backward()
    assert prediction.grad.tolist() == [[0.0]] * 3


def test_huber_agrees_with_torch():
    errors = np.linspace(0, 4, 50)
    expected = functional.huber_loss(
        torch.from_numpy(errors), torch.zeros(50).double(), reduction="none"
    )
    np.testing.assert_allclose(huber(errors), expected)


# Batches ------------------------------------------------------------------------


def test_windows_are_gathered_for_the_inputs_only():
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    targets = np.array([[5.0], [9.0]], dtype=np.float32)
    batches = WindowBatches(
        values, np.array([1, 5]), np.array([0, 4]), 3, np.array([1]), targets
    )
    X, target = batches.__getitems__([1, 0])
    assert len(batches) == 2
    assert X[..., 0].tolist() == [[9.0, 9.0, 11.0], [1.0, 1.0, 3.0]]
    assert target.tolist() == [[9.0], [5.0]]


def test_short_chunks_are_padded_with_nothing_to_learn():
    values = np.arange(5, dtype=np.float32)[:, None]
    none = np.array([], dtype=int)
    batches = ChunkBatches(
        values,
        np.array([0]),
        none,
        2,
        np.array([0, 3]),
        np.array([3, 5]),
        np.array([5, 5]),
        3,
    )
    inputs, target = batches.__getitems__([0, 1])
    assert list(inputs) == ["X"]
    assert inputs["X"][0, :, 0].tolist() == [0, 1, 2]
    assert inputs["X"][1, :2, 0].tolist() == [3, 4]
    nan = np.nan
    np.testing.assert_array_equal(
        target[..., 0],
        [[[1, 2], [2, 3], [3, 4]], [[4, nan], [nan, nan], [nan, nan]]],
    )


def test_what_is_known_belongs_to_the_row_forecast():
    values = np.arange(10, dtype=np.float32).reshape(5, 2)
    batches = ChunkBatches(
        values,
        np.array([0]),
        np.array([1]),
        2,
        np.array([0]),
        np.array([3]),
        np.array([4]),
        3,
    )
    inputs, target = batches.__getitems__([0])
    known = inputs["known"]
    assert known.shape == (1, 3, 2, 1)
    learnt = ~torch.isnan(target[0, ..., 0])
    assert learnt.tolist() == [[True, True], [True, True], [True, False]]
    assert (known[0, ..., 0] - target[0, ..., 0])[learnt].unique().tolist() == [1.0]


# Validation part ----------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=8),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**31),
)
def test_whole_tracks_validate_but_never_all(sizes, fraction, seed):
    tracks = read_tracks(small_frame(sizes, gap=False))
    train, valid = validation_rows(tracks, fraction, np.random.RandomState(seed), 3)
    assert (train == ~valid).all()
    of_track = [set(valid[tracks.of_rows() == i]) for i in range(len(sizes))]
    assert all(len(flags) == 1 for flags in of_track)
    n_valid = sum(flags == {True} for flags in of_track)
    assert n_valid == min(max(1, round(fraction * len(sizes))), len(sizes) - 1)


def test_the_end_of_a_single_track_validates():
    tracks = read_tracks(np.zeros((20, 1)))
    train, valid = validation_rows(tracks, 0.15, np.random.RandomState(0), gap=2)
    assert np.flatnonzero(valid).tolist() == [17, 18, 19]
    assert np.flatnonzero(~train).tolist() == [15, 16, 17, 18, 19]
    train, none = validation_rows(tracks, 0, np.random.RandomState(0), gap=2)
    assert train.all()
    assert not none.any()


def test_windows_over_the_cut_of_a_single_track_are_in_neither_part():
    X = small_frame((40,), gap=False)
    encoder = TransformerEncoder(
        window=5,
        targets=["channel_0"],
        d_model=4,
        n_heads=2,
        n_layers=1,
        dim_feedforward=8,
        max_epochs=1,
        scaler="passthrough",
        validation_fraction=0.25,
        random_state=0,
    )

    def trained(X):
        fitted = encoder.fit(X)
        parts = [p.detach().clone().ravel() for p in fitted.net_.module_.parameters()]
        return torch.cat(parts), fitted.history_["valid_loss"].iloc[0]

    weights, loss = trained(X)
    changed = X.copy()
    changed.iloc[30:] += 2.0
    same, other_loss = trained(changed)
    assert torch.equal(weights, same)
    assert loss != other_loss
    # With weights that stay where they are, the loss tells what validates.
    encoder.set_params(learning_rate=1e-30)
    _, loss = trained(X)
    for row, validates in [(29, False), (30, True)]:
        changed = X.copy()
        changed.iloc[row] += 2.0
        assert (trained(changed)[1] != loss) == validates


def test_threads_that_train_at_once_get_what_each_gets_alone():
    X = small_frame((60,), gap=False)
    encoder = LSTMForecaster(hidden_size=2, max_epochs=2, random_state=0)
    alone = clone(encoder).fit(X).transform(X)
    fitted = Parallel(n_jobs=3, backend="threading")(
        delayed(clone(encoder).fit)(X) for _ in range(6)
    )
    for other in fitted:
        pd.testing.assert_frame_equal(other.transform(X), alone)
