"""The GRU autoencoder: its network, its errors, what it learns from."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import small_frame
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from skdsn.encoders import GRUAttentionEncoder
from skdsn.encoders._modules import GRUAttentionNet

GRU = GRUAttentionEncoder(
    window=4,
    hidden_size=6,
    latent_size=2,
    max_epochs=2,
    batch_size=32,
    max_gap=60,
    random_state=0,
)


def variant(**params):
    return clone(GRU).set_params(**params)


def waves(n_rows=400, seed=0):
    """Two linked sines, a command that is seldom sent, a constant."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_rows)
    columns = {
        "volt": np.sin(t / 9),
        "amp": 5 + 2 * np.cos(t / 9),
        "command": (t % 50 == 7).astype(float),
        "constant": 3.0,
    }
    frame = pd.DataFrame(columns)
    frame[["volt", "amp"]] += 0.05 * rng.normal(size=(n_rows, 2))
    return frame


def test_the_network_has_the_published_number_of_weights():
    net = GRUAttentionNet(n_inputs=87, n_targets=87, hidden_size=64, latent_size=32)
    assert sum(p.numel() for p in net.parameters()) == 64_248


def test_attention_is_a_distribution_over_the_window():
    net = GRUAttentionNet(n_inputs=3, n_targets=2, hidden_size=5, latent_size=2)
    weight = net.attend(torch.randn(7, 4, 3))[1]
    assert weight.shape == (7, 4, 1)
    assert (weight >= 0).all()
    torch.testing.assert_close(weight.sum(dim=1), torch.ones(7, 1))


def test_latents_are_those_that_the_window_is_rebuilt_from():
    net = GRUAttentionNet(n_inputs=3, n_targets=2, hidden_size=5, latent_size=2).eval()
    X = torch.randn(6, 4, 3)
    latent, rebuilt = net.encode(X)
    torch.testing.assert_close(net(X), rebuilt)
    z, weight = net.attend(X)
    torch.testing.assert_close(latent, net.latent((weight * z).sum(dim=1)))
    assert not torch.allclose(latent, net.latent(z.mean(dim=1)))  # attention matters


def test_training_and_scoring_follow_the_same_rule():
    net = GRUAttentionNet(n_inputs=3, n_targets=3, hidden_size=5, latent_size=2)
    X = torch.randn(6, 4, 3)
    torch.testing.assert_close(net.train()(X), net.eval()(X))


def test_commands_and_constants_are_read_but_not_rebuilt():
    X = waves()
    encoder = variant().fit(X)
    assert encoder.targets_ == ["volt", "amp"]
    assert encoder.input_indices_.tolist() == [0, 1, 2, 3]
    sent = X.assign(command=1.0)
    assert not np.allclose(encoder.transform(sent), encoder.transform(X))


def test_errors_are_in_units_of_the_usual_error_of_a_channel():
    X = waves(600)
    encoder = variant(max_epochs=8, validation_fraction=0.3).fit(X)
    held_out = encoder.transform(X)[["error_volt", "error_amp"]].iloc[-150:]
    np.testing.assert_allclose(np.sqrt((held_out**2).mean()), 1, rtol=0.2)


def test_a_batch_does_not_change_what_a_row_is_given():
    X = small_frame()
    encoder = variant().fit(X)
    together = encoder.transform(X)
    track = X.index.get_level_values(0)[0]
    alone = encoder.transform(X.loc[[track]])
    np.testing.assert_allclose(alone, together.loc[[track]], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("seldom", [1, 2])
def test_windows_with_an_anomaly_or_a_rare_event_are_not_learnt(seldom):
    X = waves()
    y = np.zeros(len(X), dtype=int)
    y[100:140] = seldom
    spoilt = X.copy()
    spoilt.iloc[100:140] = 1e3
    a, b = variant().fit(X, y), variant().fit(spoilt, y)
    for known, other in zip(
        a.net_.module_.parameters(), b.net_.module_.parameters(), strict=True
    ):
        torch.testing.assert_close(known, other)


def test_only_unusual_windows_are_not_enough():
    X = waves(80)
    y = np.zeros(len(X), dtype=int)
    y[::4] = 2
    with pytest.raises(ValueError, match="an anomalous row or a rare event"):
        variant().fit(X, y)


def near_constant(level, seed=1):
    """A column of interquartile range 1e-6, and one that never changes."""
    X = waves(600)
    X["still"] = 0.7 + 1e-6 * np.random.default_rng(seed).normal(size=len(X))
    X["fixed"] = level
    return X


@pytest.mark.parametrize("level", [0.0, 1e-6, 42.0])
def test_a_column_that_hardly_changes_does_not_hide_a_fault_elsewhere(level):
    X = near_constant(level)
    encoder = variant(max_epochs=6).fit(X.iloc[:400])
    faulty = X.iloc[400:].copy()
    faulty.iloc[100:110, 0] = 40.0  # far outside of what volt does
    faulty.iloc[20, 4] += 2e-5  # invisible on the scale of any sensor
    error = encoder.transform(faulty)["error"].to_numpy()
    assert 100 <= error.argmax() < 114
    assert error[100:113].max() > 1.5 * error[16:40].max()


def test_float32_stays_float32_and_gives_the_same():
    X = waves()
    narrow = X.astype(np.float32)
    encoder = variant().fit(narrow)
    assert encoder._read(narrow, reset=False).data.dtype == np.float32
    np.testing.assert_allclose(
        encoder.transform(narrow), encoder.transform(narrow.astype(float)), atol=1e-3
    )


def test_training_holds_little_beside_its_input():
    X = np.random.default_rng(0).normal(size=(40_000, 30))
    y = np.zeros(len(X), dtype=int)
    y[5_000:9_000] = 1
    fit = variant(max_epochs=1, batch_size=256, fit_stride=4).fit
    fit(X[:500], y[:500])  # what is loaded once
    tracemalloc.start()
    fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.3 * X.nbytes


def test_any_scaler_of_scikit_learn_may_take_the_place_of_the_robust_one():
    encoder = variant(scaler=StandardScaler()).fit(waves())
    assert isinstance(encoder.scaler_, StandardScaler)
    assert encoder.transform(waves()).shape == (400, 5)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_training_that_diverges_is_told():
    with pytest.raises(ValueError, match=r"diverged.*lower learning_rate=1e\+30"):
        variant(learning_rate=1e30).fit(waves())


def test_the_state_of_another_window_is_refused():
    X = small_frame()
    short, long = variant(window=3).fit(X), variant(window=8).fit(X)
    _, state = short.stream(X.iloc[:12])
    with pytest.raises(ValueError, match="another window than 8 rows"):
        long.stream(X.iloc[12:20], state)
