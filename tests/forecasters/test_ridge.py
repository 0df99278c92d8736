"""Ridge on lags: a known process, and the definition spelt out."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame, small_labels
from sklearn.base import clone
from sklearn.linear_model import Ridge

from skdsn.forecasters import EchoStateForecaster, RidgeForecaster, _ridge
from skdsn.tracks import read_tracks

PLAIN = RidgeForecaster(n_lags=3, scaler="passthrough")


def naive_windows(X, max_gap, n_lags):
    """Rows, their last windows and their segments, row by row."""
    bounds = read_tracks(X).segments(max_gap)
    values = X.to_numpy(np.float32)
    rows, windows = [], []
    for first, stop in pairwise(bounds):
        for row in range(first + 1, stop):
            lags = [max(first, row - lag) for lag in range(n_lags, 0, -1)]
            rows.append(row)
            windows.append(values[lags].ravel())
    return np.array(rows), np.array(windows)


def test_it_recovers_an_autoregressive_process():
    rng = np.random.default_rng(0)
    x = np.zeros(5000)
    for t in range(2, len(x)):
        x[t] = 1.2 * x[t - 1] - 0.5 * x[t - 2] + 3.0 + 0.1 * rng.normal()
    fitted = clone(PLAIN).set_params(n_lags=2, alpha=1e-3).fit(x[200:, None])
    np.testing.assert_allclose(fitted.coef_[:, 0], [-0.5, 1.2], atol=0.03)
    np.testing.assert_allclose(fitted.intercept_, 3.0, atol=0.3)
    errors = fitted.transform(x[200:, None])[5:, 0]
    assert errors.mean() == pytest.approx(0.1 * np.sqrt(2 / np.pi), rel=0.05)


@pytest.mark.parametrize("block", [1 << 20, 100])
def test_it_equals_scikit_learn_on_all_windows_at_once(monkeypatch, block, X):
    monkeypatch.setattr(_ridge, "_BLOCK", block)
    fitted = clone(PLAIN).set_params(max_gap=60, alpha=0.7).fit(X)
    rows, windows = naive_windows(X, 60, 3)
    values = X.to_numpy()
    ridge = Ridge(alpha=0.7).fit(windows, values[rows] - values[rows - 1])
    np.testing.assert_allclose(fitted.intercept_, ridge.intercept_, atol=1e-4)
    expected = values[rows - 1] + ridge.predict(windows)
    np.testing.assert_allclose(
        windows @ fitted.coef_ + fitted.intercept_, expected, atol=1e-4
    )
    out = fitted.transform(X).to_numpy()
    np.testing.assert_allclose(
        out[rows, :4], np.abs(expected - values[rows]), atol=1e-4
    )


@pytest.mark.parametrize(
    "forecaster",
    [
        RidgeForecaster(n_lags=3, alpha=1e12),
        EchoStateForecaster(n_units=5, alpha=1e12, random_state=0),
    ],
)
def test_an_endless_penalty_leaves_persistence_and_drift(forecaster):
    X = small_frame((40,), gap=False)
    fitted = forecaster.fit(X)
    scaled = fitted.scaler_.transform(X.to_numpy())
    steps = np.diff(scaled, axis=0)
    out = fitted.transform(X).to_numpy()[1:, :4]
    np.testing.assert_allclose(out, np.abs(steps - steps.mean(axis=0)), atol=1e-5)


def test_without_penalty_it_equals_least_squares():
    X = np.random.default_rng(0).normal(size=(80, 2)).cumsum(axis=0)
    fitted = clone(PLAIN).set_params(n_lags=2, alpha=1e-9).fit(X)
    windows = np.column_stack([X[[0, *range(78)]], X[:79], np.ones(79)])
    expected = np.linalg.lstsq(windows, X[1:])[0]
    np.testing.assert_allclose(fitted.coef_, expected[:-1], atol=1e-4)
    np.testing.assert_allclose(fitted.intercept_, expected[-1], atol=1e-4)


def test_rows_before_and_behind_an_anomalous_stretch_are_kept_apart():
    X = small_frame((30,), gap=False)
    y = small_labels(X, rows=[10, 11])
    cut = X.drop(X.index[[10, 11]]).droplevel(0)
    cut.index = pd.MultiIndex.from_arrays([[0] * 10 + [1] * 18, cut.index])
    cut = clone(PLAIN).fit(cut)
    np.testing.assert_allclose(clone(PLAIN).fit(X, y).coef_, cut.coef_, rtol=1e-6)


def test_lags_that_no_track_has_repeat_its_first_row(X):
    fitted = RidgeForecaster(n_lags=100).fit(X)
    assert fitted.coef_.shape == (400, 4)
    assert np.isfinite(fitted.transform(X)).all(axis=None)


def test_the_memory_holds_no_more_rows_than_lags(X):
    fitted = clone(PLAIN).fit(X)
    _, state = fitted.stream(X)
    assert {name: memory.shape for name, (_, memory) in state.items()} == {
        f"pass-{i}": (3, 4) for i in range(3)
    }
    _, state = fitted.stream(X.iloc[:2])
    assert state["pass-0"][1].shape == (2, 4)
