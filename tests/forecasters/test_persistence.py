"""Persistence: the error is the step."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from skdsn.forecasters import PersistenceForecaster

COLUMNS = [f"error_channel_{i}" for i in range(4)]


def test_the_error_is_the_absolute_difference_of_scaled_rows(X):
    out = PersistenceForecaster().fit_transform(X)[COLUMNS]
    scaled = pd.DataFrame(StandardScaler().fit_transform(X), index=X.index)
    steps = scaled.groupby(level=0, sort=False).diff().abs().fillna(0.0)
    np.testing.assert_allclose(out, steps, rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30))
def test_unscaled_it_is_the_step_itself(values):
    X = np.array(values, dtype=float)[:, None]
    out = PersistenceForecaster(scaler="passthrough").fit_transform(X)
    np.testing.assert_array_equal(out[1:, 0], np.abs(np.diff(values)))
    assert out[0, 0] == 0


def test_the_memory_is_the_last_row(X):
    fitted = PersistenceForecaster(scaler="passthrough").fit(X)
    _, state = fitted.stream(X)
    np.testing.assert_allclose(state["pass-1"][1], X.iloc[31], rtol=1e-6)
    assert state["pass-1"][1].base is None
