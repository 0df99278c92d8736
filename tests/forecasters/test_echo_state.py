"""The echo state network: its reservoir, its read-out, its fading memory."""

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame
from sklearn.base import clone
from sklearn.linear_model import Ridge

from skdsn.forecasters import (
    EchoStateForecaster,
    PersistenceForecaster,
    _echo_state,
)

SMALL = EchoStateForecaster(n_units=12, n_connections=4, max_gap=60, random_state=0)


def variant(**params):
    return clone(SMALL).set_params(**params)


def naive_states(fitted, rows):
    """States after each row of one segment, by the formula of the docstring."""
    drive = rows @ fitted.input_weights_ + fitted.bias_
    dense = fitted.reservoir_.toarray()

    def step(state, drive):
        new = np.tanh(drive + dense @ state)
        return (1 - fitted.leak) * state + fitted.leak * new

    state = np.zeros(fitted.n_units)
    for _ in range(fitted.warm_up):
        state = step(state, drive[0])
    return np.array([state := step(state, row) for row in drive])


@pytest.mark.parametrize("block", [1 << 21, 50])
def test_it_is_the_formula_with_a_ridge_read_out(monkeypatch, block, X):
    monkeypatch.setattr(_echo_state, "_BLOCK", block)
    fitted = variant(leak=0.4, alpha=0.3).fit(X)
    scaled = fitted.scaler_.transform(X.to_numpy()).astype(np.float32)
    parts = [(0, 23), (23, 32), (32, 47), (47, 63)]
    inputs, targets, steps, rows = [], [], [], []
    for first, stop in parts:
        part = scaled[first:stop]
        echoes = np.column_stack([naive_states(fitted, part), part])
        inputs.append(echoes[:-1])
        targets.append(part[1:])
        steps.append(np.diff(part, axis=0))
        rows.extend(range(first + 1, stop))
    inputs, targets = np.concatenate(inputs), np.concatenate(targets)
    ridge = Ridge(alpha=0.3).fit(inputs, np.concatenate(steps))
    np.testing.assert_allclose(fitted.intercept_, ridge.intercept_, atol=1e-4)
    expected = ridge.predict(inputs) - np.concatenate(steps)
    out = fitted.transform(X).to_numpy()[rows, :4]
    np.testing.assert_allclose(out, np.abs(expected), atol=1e-4)
    np.testing.assert_allclose(
        inputs @ fitted.coef_ + fitted.intercept_ - targets, expected, atol=1e-4
    )


def test_the_same_seed_draws_the_same_reservoir_and_another_seed_another(X):
    first, again = variant().fit(X), variant().fit(X)
    other = variant(random_state=1).fit(X)
    pd.testing.assert_frame_equal(first.transform(X), again.transform(X))
    assert not np.allclose(first.transform(X), other.transform(X))


@pytest.mark.parametrize("radius", [0.0, 0.5, 0.95])
def test_the_reservoir_is_sparse_and_has_its_spectral_radius(X, radius):
    fitted = variant(n_units=40, spectral_radius=radius).fit(X)
    values = np.linalg.eigvals(fitted.reservoir_.toarray())
    assert np.abs(values).max() == pytest.approx(radius)
    assert (np.diff(fitted.reservoir_.indptr) == 4).all()


def test_what_was_before_fades():
    X = small_frame((400,), gap=False)
    fitted = variant(n_units=50, n_connections=10).fit(X)
    other = X.copy()
    other.iloc[:100] += 10.0
    here, there = fitted.transform(X), fitted.transform(other)
    difference = (here - there).abs().max(axis=1).to_numpy()
    assert difference[100] > 0.1
    assert difference[300:].max() < 1e-4


def test_it_stays_stable_whatever_comes(X):
    fitted = variant().fit(X)
    _, state = fitted.stream(X * 1e6)
    for _, (units, _) in state.values():
        assert np.abs(units).max() <= 1


def test_tracks_run_side_by_side_as_they_would_alone():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 40, 60)
    X = small_frame(tuple(lengths), gap=False)
    fitted = variant().fit(X)
    together = fitted.transform(X)
    for name in ("pass-0", "pass-31", "pass-59"):
        alone = fitted.transform(X.loc[[name]])
        pd.testing.assert_frame_equal(alone, together.loc[[name]], rtol=1e-6)


def test_it_learns_what_persistence_cannot():
    t = np.arange(600)
    X = (np.sin(t / 4) ** 3 + np.sin(t / 9))[:, None]
    fitted = EchoStateForecaster(alpha=1e-3, random_state=0).fit(X[:400])
    steps = PersistenceForecaster().fit(X[:400]).transform(X[400:])
    echoes = fitted.transform(X[400:])
    assert echoes[20:, 0].mean() < 0.1 * steps[20:, 0].mean()


def test_the_warm_up_spares_the_start_its_errors():
    X = small_frame((300,), gap=False) + 5.0
    cold, warm = variant(warm_up=0).fit(X), variant(warm_up=100).fit(X)
    rest = pd.DataFrame(np.repeat(X.to_numpy()[:1], 50, axis=0), columns=X.columns)
    rest.index = X.index[:50]
    spread = {
        name: fitted.transform(rest).iloc[1:]["error_channel_0"].std()
        for name, fitted in {"cold": cold, "warm": warm}.items()
    }
    assert spread["warm"] < 1e-3 < spread["cold"]


def test_a_single_unit_without_circle_is_allowed(X):
    fitted = variant(n_units=1, n_connections=3).fit(X)
    assert np.isfinite(fitted.transform(X)).all(axis=None)
