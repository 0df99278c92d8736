"""The one-pass forecaster: its errors, its memory, what it learns from."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import small_frame
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from skdsn.encoders import LSTMForecaster
from skdsn.encoders._modules import LSTMNet

FORECASTER = LSTMForecaster(
    hidden_size=3, chunk_length=8, max_epochs=2, max_gap=60, random_state=0
)


def variant(**params):
    return clone(FORECASTER).set_params(**params)


def weights(encoder):
    parameters = encoder.net_.module_.parameters()
    return np.concatenate([p.detach().numpy().ravel() for p in parameters])


def states(encoder, X):
    """Latents and forecasts by one plain call of the network over a segment."""
    scaled = encoder.scaler_.transform(X.to_numpy()).astype(np.float32)
    rows = torch.from_numpy(scaled).double()[None]
    with torch.inference_mode():
        latents, _ = encoder.net_.module_.lstm(rows)
        forecasts = encoder.net_.module_(rows)
    return scaled, latents[0].numpy(), forecasts[0, :, 0].numpy()


# Encoding -----------------------------------------------------------------------


def test_the_error_is_that_of_the_forecast_made_one_row_before(X):
    fitted = clone(FORECASTER).fit(X)
    out = fitted.transform(X).to_numpy()
    for rows in (slice(0, 23), slice(23, 32), slice(32, 47), slice(47, 63)):
        scaled, latents, forecasts = states(fitted, X.iloc[rows])
        np.testing.assert_allclose(out[rows, :3], latents, rtol=1e-5, atol=1e-6)
        errors = np.abs(forecasts[:-1] - scaled[1:, fitted.target_indices_])
        np.testing.assert_allclose(out[rows][1:, 3:-1], errors, rtol=1e-4, atol=1e-5)
        assert not out[rows][0, 3:].any()


def test_error_is_the_mean_huber_error(X):
    out = clone(FORECASTER).fit(X).transform(X * 5)
    errors = out[[f"error_channel_{i}" for i in range(4)]].to_numpy()
    assert errors.max() > 1
    huber = np.where(errors <= 1, errors**2 / 2, errors - 0.5)
    np.testing.assert_allclose(out["error"], huber.mean(axis=1), rtol=1e-5)


def test_tracks_run_side_by_side_as_they_would_alone():
    # So many tracks that they are run over in several stretches.
    n_tracks, n_rows = 4200, 19
    index = pd.MultiIndex.from_product([range(n_tracks), range(n_rows)])
    values = np.random.default_rng(0).normal(size=(len(index), 2))
    X = pd.DataFrame(values, index=index, columns=["a", "b"])
    fitted = variant(max_epochs=1, hidden_size=2, chunk_length=32).fit(X.iloc[:500])
    together = fitted.transform(X)
    for track in (0, 1234, 4199):
        alone = fitted.transform(X.loc[[track]])
        pd.testing.assert_frame_equal(alone, together.loc[[track]], rtol=1e-5)


def test_an_untrained_network_forecasts_persistence():
    net = LSTMNet(3, [0, 2], hidden_size=4)
    torch.nn.init.zeros_(net.head.weight)
    torch.nn.init.zeros_(net.head.bias)
    X = torch.randn(2, 5, 3)
    assert torch.equal(net(X)[:, :, 0], X[..., [0, 2]])


def test_a_state_does_not_grow_with_the_stream():
    X = small_frame((600,), gap=False)
    fitted = clone(FORECASTER).fit(X)
    state, sizes = None, []
    for begin in range(0, 600, 50):
        _, state = fitted.stream(X.iloc[begin : begin + 50], state)
        sizes.append(len(pickle.dumps(state)))
    assert max(sizes) == min(sizes) < 1500
    second, (hidden_and_cell, forecasts) = state["pass-0"]
    assert second == X.index[-1][1].timestamp()
    assert hidden_and_cell.shape == (2, 1, 3)
    assert forecasts.shape == (1, 1, 4)


def test_layers_are_carried_along(X):
    fitted = variant(n_layers=2, dropout=0.5).fit(X)
    first, state = fitted.stream(X.iloc[:40])
    second, _ = fitted.stream(X.iloc[40:], state)
    out = pd.concat([first, second])
    pd.testing.assert_frame_equal(out, fitted.transform(X), rtol=1e-6, atol=1e-7)


def test_passthrough_keeps_the_columns_beside(X):
    plain = clone(FORECASTER).fit(X).transform(X)
    wide = variant(passthrough=True).fit(X).transform(X)
    assert list(wide.columns) == [*plain.columns, *X.columns]
    scaled = StandardScaler().fit_transform(X)
    np.testing.assert_allclose(wide[X.columns], scaled, rtol=1e-6, atol=1e-6)


# Targets ------------------------------------------------------------------------


def test_all_channels_of_more_than_two_levels_are_forecast(X):
    X = X.assign(flag=(X["channel_0"] > 0).astype(float), clock=range(len(X)))
    fitted = variant(inputs_only=["clock"]).fit(X)
    assert fitted.targets_ == [f"channel_{i}" for i in range(4)]


def test_the_slowest_channels_are_forecast_first(X):
    rng = np.random.default_rng(0)
    X = X.assign(noise=1e3 * rng.normal(size=len(X)))
    chosen = variant(n_targets=4).fit(X).targets_
    assert chosen == [f"channel_{i}" for i in range(4)]
    assert "noise" in variant(n_targets=1, targets="variance").fit(X).targets_


def test_targets_are_named_and_unknown_ones_refused(X):
    fitted = variant(targets=["channel_2"]).fit(X)
    assert fitted.targets_ == ["channel_2"]
    assert list(fitted.get_feature_names_out())[3:] == ["error_channel_2", "error"]
    with pytest.raises(ValueError, match="Target 'snr' is no column of X"):
        variant(targets=["snr"]).fit(X)


# Learning -----------------------------------------------------------------------


def test_values_of_anomalous_rows_teach_nothing(X, y):
    spoilt = X.where(y == 0, X + 50)
    plain, other = variant(n_targets=2).fit(X, y), variant(n_targets=2).fit(spoilt, y)
    assert plain.targets_ == other.targets_
    np.testing.assert_array_equal(plain.scaler_.mean_, other.scaler_.mean_)
    np.testing.assert_array_equal(weights(plain), weights(other))
    unlabelled = variant(n_targets=2).fit(spoilt)
    assert not np.array_equal(weights(plain), weights(unlabelled))


def test_unlabelled_rows_count_as_normal(X):
    unknown = clone(FORECASTER).fit(X, np.full(len(X), -1))
    np.testing.assert_array_equal(weights(unknown), weights(clone(FORECASTER).fit(X)))


def test_the_seed_alone_decides(X):
    one = clone(FORECASTER).fit(X)
    torch.manual_seed(99)
    np.testing.assert_array_equal(weights(one), weights(clone(FORECASTER).fit(X)))
    other = variant(random_state=1).fit(X)
    assert not np.array_equal(weights(one), weights(other))


def test_the_end_of_a_single_track_validates():
    X = small_frame((100,), gap=False)
    encoder = variant(
        max_epochs=1, scaler="passthrough", validation_fraction=0.2, chunk_length=16
    )
    plain = clone(encoder).fit(X)
    late, early = X.copy(), X.copy()
    late.iloc[85:] += 3.0
    early.iloc[40] += 3.0
    np.testing.assert_array_equal(weights(clone(encoder).fit(late)), weights(plain))
    assert (
        clone(encoder).fit(late).history_["valid_loss"].iloc[0]
        != (plain.history_["valid_loss"].iloc[0])
    )
    assert not np.array_equal(weights(clone(encoder).fit(early)), weights(plain))


def test_without_validation_the_training_loss_decides(X):
    history = variant(validation_fraction=0).fit(X).history_
    assert (history["valid_loss"] == history["train_loss"]).all()


def test_a_smooth_track_is_learnt():
    t = np.arange(600)
    X = pd.DataFrame({"a": np.sin(t / 7), "b": np.cos(t / 7)})
    fitted = variant(max_epochs=15, hidden_size=8, learning_rate=0.02).fit(X)
    persistence = np.abs(np.diff(fitted.scaler_.transform(X.to_numpy())[:, 0])).mean()
    assert fitted.transform(X)["error_a"].mean() < persistence / 2


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(63) % 2, "No normal row is followed by another one"),
        (np.ones(63), "every row as anomalous"),
    ],
)
def test_labels_that_leave_nothing_to_learn_are_refused(X, labels, message):
    with pytest.raises(ValueError, match=message):
        clone(FORECASTER).fit(X, labels.astype(int))
