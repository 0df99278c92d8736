"""What one-pass forecasters share: several rows ahead, known inputs, the gap."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import small_frame
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skdsn.encoders import LSTMForecaster, TCNForecaster
from skdsn.encoders._modules import TCNNet

LSTM = LSTMForecaster(
    hidden_size=3, chunk_length=8, max_epochs=2, max_gap=60, random_state=0
)
TCN = TCNForecaster(
    n_filters=3, n_blocks=2, chunk_length=8, max_epochs=2, max_gap=60, random_state=0
)
both = pytest.mark.parametrize("forecaster", [LSTM, TCN], ids=["LSTM", "TCN"])
TRACKS = (slice(0, 23), slice(23, 32), slice(32, 47), slice(47, 63))


def forecasts_of(fitted, X):
    """Scaled rows, and the forecasts by one plain call of the network: (T, H, n)."""
    scaled = fitted.scaler_.transform(X.to_numpy()).astype(np.float32)
    with torch.inference_mode():
        plain = fitted.net_.module_(torch.from_numpy(scaled).double()[None])
    return scaled[:, fitted.target_indices_], plain[0].numpy()


def square_wave(n_rows=400):
    """A channel that follows, at once, a command given at random."""
    command = np.random.default_rng(0).random(n_rows) < 0.2
    level = np.cumsum(np.where(command, 1.0, -0.25))
    return pd.DataFrame({"level": level, "command": command.astype(float)})


# Several rows ahead -------------------------------------------------------------


@both
def test_the_error_is_that_of_the_forecast_made_one_row_before(forecaster, X):
    fitted = clone(forecaster).set_params(horizon=3).fit(X)
    errors = fitted.transform(X).filter(like="error_").to_numpy()
    for rows in TRACKS:
        values, forecasts = forecasts_of(fitted, X.iloc[rows])
        expected = np.abs(forecasts[:-1, 0] - values[1:])
        np.testing.assert_allclose(errors[rows][1:], expected, rtol=1e-4, atol=1e-5)
        assert not errors[rows][0].any()


@both
def test_the_mean_takes_all_forecasts_of_a_row(forecaster, X):
    fitted = clone(forecaster).set_params(horizon=3, aggregate="mean").fit(X)
    errors = fitted.transform(X).filter(like="error_").to_numpy()
    for rows in TRACKS:
        values, forecasts = forecasts_of(fitted, X.iloc[rows])
        for row in range(1, len(values)):
            made = [
                forecasts[row - ahead, ahead - 1] for ahead in (1, 2, 3) if ahead <= row
            ]
            expected = np.abs(np.mean(made, axis=0) - values[row])
            np.testing.assert_allclose(
                errors[rows][row], expected, rtol=1e-4, atol=1e-5
            )


@both
def test_more_rows_ahead_are_learnt_too(forecaster):
    t = np.arange(600)
    X = pd.DataFrame({"a": np.sin(t / 7), "b": np.cos(t / 7)})
    params = {"max_epochs": 25, "learning_rate": 0.02, "horizon": 4, "chunk_length": 64}
    fitted = clone(forecaster).set_params(**params, batch_size=2).fit(X)
    values, forecasts = forecasts_of(fitted, X)
    for ahead in (1, 4):
        error = np.abs(forecasts[50:-ahead, ahead - 1] - values[50 + ahead :]).mean()
        persistence = np.abs(values[50 + ahead :] - values[50:-ahead]).mean()
        assert error < persistence / 2


# What is known beforehand -------------------------------------------------------


@both
def test_known_commands_explain_what_follows_at_once(forecaster):
    X = square_wave()
    params = {"max_epochs": 30, "learning_rate": 0.02, "chunk_length": 64}
    blind = clone(forecaster).set_params(**params, inputs_only=["command"]).fit(X)
    told = clone(forecaster).set_params(**params, known_inputs=["command", "gone"])
    told = told.fit(X)
    assert told.targets_ == ["level"]
    errors = [f.transform(X)["error_level"].iloc[20:].mean() for f in (told, blind)]
    assert errors[0] < errors[1] / 2


@both
def test_what_is_known_is_that_of_the_row_forecast(forecaster):
    X = square_wave(100)
    fitted = clone(forecaster).set_params(known_inputs=["command"], horizon=2).fit(X)
    changed = X.copy()
    changed.loc[60, "command"] = 1 - changed.loc[60, "command"]
    before, after = (fitted.transform(x)["error_level"] for x in (X, changed))
    pd.testing.assert_series_equal(before[:60], after[:60])
    assert before[60] != after[60]


@both
def test_a_target_is_not_known_beforehand(forecaster):
    forecaster = clone(forecaster).set_params(targets=["level"], known_inputs=["level"])
    with pytest.raises(ValueError, match="'level' is named in targets and in known"):
        forecaster.fit(square_wave(50))


@both
@settings(deadline=None, max_examples=10)
@given(cuts=st.lists(st.integers(1, 62), max_size=8, unique=True))
def test_forecasts_in_flight_are_carried_from_chunk_to_chunk(forecaster, cuts):
    X = small_frame()
    params = {"horizon": 4, "aggregate": "mean", "known_inputs": ["channel_1"]}
    fitted = clone(forecaster).set_params(**params).fit(X)
    state, parts = None, []
    for rows in np.split(np.arange(len(X)), sorted(cuts)):
        part, state = fitted.stream(X.iloc[rows], state)
        parts.append(part)
    batch = fitted.transform(X)
    pd.testing.assert_frame_equal(pd.concat(parts), batch, rtol=1e-6, atol=1e-9)


# Validation ---------------------------------------------------------------------


@both
def test_rows_in_the_gap_teach_nothing_and_validate_nothing(forecaster):
    X = small_frame((100,), gap=False)
    forecaster = clone(forecaster).set_params(
        max_epochs=1,
        scaler="passthrough",
        validation_fraction=0.2,
        validation_gap=10,
        horizon=3,
    )

    def learnt(X):
        fitted = clone(forecaster).fit(X)
        weights = [p.detach().ravel() for p in fitted.net_.module_.parameters()]
        return torch.cat(weights), fitted.history_["valid_loss"].iloc[0]

    weights, loss = learnt(X)
    for row, teaches, validates in [
        (69, True, None),
        (75, False, False),
        (85, False, True),
    ]:
        changed = X.copy()
        changed.iloc[row] += 3.0
        other, other_loss = learnt(changed)
        assert torch.equal(weights, other) != teaches
        if validates is not None:
            assert (loss != other_loss) == validates


@both
def test_a_horizon_beyond_all_stretches_is_refused(forecaster, X):
    with pytest.raises(ValueError, match=r"horizon=31 reaches .* longest of .* has 23"):
        clone(forecaster).set_params(horizon=31).fit(X)


@both
def test_a_gap_that_leaves_nothing_to_train_on_is_refused(forecaster):
    X = small_frame((100,), gap=False)
    with pytest.raises(ValueError, match="validation_gap=90 leaves none"):
        clone(forecaster).set_params(validation_gap=90).fit(X)


@both
def test_chunks_are_no_longer_than_the_rows(forecaster):
    X = small_frame((40, 30), gap=False)
    long, enough = (
        clone(forecaster).set_params(chunk_length=n).fit(X).transform(X)
        for n in (10**9, 40)
    )
    pd.testing.assert_frame_equal(long, enough)


# Convolutions -------------------------------------------------------------------


def test_the_reach_is_exactly_what_a_latent_depends_on():
    encoder = clone(TCN).set_params(n_blocks=3, kernel_size=2)
    X = small_frame((60,), gap=False)
    fitted = encoder.fit(X)
    assert fitted.reach_ == 15
    for weight in fitted.net_.module_.parameters():  # so that no unit is dead
        torch.nn.init.constant_(weight, 0.1)
    X = X.clip(lower=0.0)
    plain = fitted.transform(X)["latent_0"].to_numpy()
    changed = X.copy()
    changed.iloc[20] += 100.0
    moved = np.flatnonzero(fitted.transform(changed)["latent_0"].to_numpy() != plain)
    assert moved.min() >= 20
    assert moved.max() == 20 + fitted.reach_ - 1


def test_a_long_track_is_convolved_in_pieces_and_stays_the_same():
    X = np.random.default_rng(0).normal(size=(20_000, 1)).cumsum(axis=0)
    fitted = clone(TCN).fit(X[:200])
    scaled = fitted.scaler_.transform(X).astype(np.float32)
    with torch.inference_mode():
        latents = fitted.net_.module_.latents(torch.from_numpy(scaled).double()[None])
    np.testing.assert_allclose(
        fitted.transform(X)[:, :3], latents[0].numpy(), rtol=1e-4, atol=1e-5
    )


def test_an_untrained_network_forecasts_persistence():
    net = TCNNet(3, [0, 2], horizon=2, n_filters=4, n_blocks=2)
    torch.nn.init.zeros_(net.head.weight)
    torch.nn.init.zeros_(net.head.bias)
    X = torch.randn(2, 5, 3)
    for ahead in range(2):
        assert torch.equal(net(X)[:, :, ahead], X[..., [0, 2]])
