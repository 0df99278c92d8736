"""Robust scaling with a floor and a limit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import RobustScaler

from skdsn.preprocessing import RobustClipScaler


def test_without_floor_and_limit_it_is_the_robust_scaler():
    X = np.random.default_rng(0).normal(3, 2, size=(101, 4)) ** 3
    ours = RobustClipScaler(floor=0, clip=None).fit_transform(X)
    np.testing.assert_allclose(ours, RobustScaler().fit_transform(X))


@given(st.floats(1e-100, 1e100), st.floats(-1e3, 1e3), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_units_do_not_matter(unit, zero, seed):
    X = np.random.default_rng(seed).normal(size=(50, 3)).round(2)
    changed = unit * (X + zero)
    np.testing.assert_allclose(
        RobustClipScaler().fit_transform(changed),
        RobustClipScaler().fit_transform(X),
        atol=1e-6 * max(1, abs(zero)),
    )


def test_a_column_that_seldom_toggles_has_a_floor():
    column = np.zeros((1000, 1))
    column[::100] = 5.0
    scaler = RobustClipScaler(floor=0.5).fit(column)
    assert scaler.scale_[0] == pytest.approx(0.5 * column.std())
    assert scaler.transform([[1e9], [-1e9]]).ravel().tolist() == [10, -10]


def test_rows_that_are_not_normal_are_not_learnt():
    X = pd.DataFrame({"a": [0.0, 1, 2, 3, 500, 900], "b": 1.0})
    y = pd.Series([0, 0, -1, 0, 1, 2])
    known = RobustClipScaler().fit(X.iloc[:4])
    assert RobustClipScaler().fit(X, y).center_.tolist() == known.center_.tolist()
    with pytest.raises(ValueError, match="none of n_samples=6 rows as normal"):
        RobustClipScaler().fit(X, np.ones(6))
