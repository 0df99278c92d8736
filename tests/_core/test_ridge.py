"""Ridge regression from sums over blocks."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from skdsn._core.ridge import NormalEquations


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 99),
    cuts=st.lists(st.integers(0, 40), max_size=5),
    alpha=st.floats(1e-3, 1e3),
)
def test_any_blocks_give_the_ridge_of_all_rows(seed, cuts, alpha):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(50.0, rng.uniform(0.1, 9, 3), (40, 3))
    targets = inputs @ rng.normal(size=(3, 2)) + rng.normal(size=(40, 2))
    sums = NormalEquations()
    for rows in np.split(np.arange(40), sorted(cuts)):
        sums.add(inputs[rows], targets[rows])
    coef, intercept = sums.solve(alpha)
    ridge = Ridge(alpha=alpha).fit(inputs, targets)
    assert sums.n_rows == 40
    np.testing.assert_allclose(coef, ridge.coef_.T, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(intercept, ridge.intercept_, rtol=1e-6, atol=1e-6)


def test_a_constant_input_gets_no_weight():
    inputs = np.column_stack([np.full(20, 7.0), np.arange(20.0)])
    sums = NormalEquations()
    sums.add(inputs, inputs[:, 1:] * 2)
    coef, _ = sums.solve(1e-6)
    np.testing.assert_allclose(coef[:, 0], [0, 2], atol=1e-6)
