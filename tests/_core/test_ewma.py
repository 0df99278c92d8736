"""The moving average against pandas, track by track and across a cut."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core.ewma import decayed_sum, ewma, halflife_mean

some = settings(deadline=None, max_examples=30)
sizes = st.lists(st.integers(1, 40), min_size=1, max_size=4)
alphas = st.floats(0.01, 1.0)


def table(sizes, seed):
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    return np.random.default_rng(seed).normal(size=(bounds[-1], 2)), bounds


@some
@given(sizes=sizes, alpha=alphas, seed=st.integers(0))
def test_mean_of_each_track_is_that_of_pandas(sizes, alpha, seed):
    values, bounds = table(sizes, seed)
    mean, _ = ewma(values, bounds, alpha)
    for a, b in pairwise(bounds):
        alone = pd.DataFrame(values[a:b]).ewm(alpha=alpha, adjust=True).mean()
        np.testing.assert_allclose(mean[a:b], alone, rtol=1e-9, atol=1e-9)


@some
@given(
    sizes=sizes, decay=st.floats(0, 0.999), seed=st.integers(0), carried=st.booleans()
)
def test_decayed_sum_is_its_recursion(sizes, decay, seed, carried):
    values, bounds = table(sizes, seed)
    carry = np.full((len(sizes), 2), 3.0) if carried else None
    expected = np.empty_like(values)
    for a, b in pairwise(bounds):
        total = np.full(2, 3.0 if carried else 0.0)
        for row in range(a, b):
            total = values[row] + decay * total
            expected[row] = total
    out = decayed_sum(values, bounds, decay, carry)
    np.testing.assert_allclose(out, expected, rtol=1e-9, atol=1e-9)


@some
@given(n_rows=st.integers(2, 60), alpha=alphas, data=st.data())
def test_carry_goes_on_where_the_last_call_stopped(n_rows, alpha, data):
    cut = data.draw(st.integers(1, n_rows - 1))
    values, bounds = table([n_rows, n_rows], 0)
    whole, (sums, weights) = ewma(values, bounds, alpha)
    head = np.concatenate([values[:cut], values[n_rows : n_rows + cut]])
    tail = np.concatenate([values[cut:n_rows], values[n_rows + cut :]])
    _, carry = ewma(head, np.array([0, cut, 2 * cut]), alpha)
    rest = n_rows - cut
    mean, last = ewma(tail, np.array([0, rest, 2 * rest]), alpha, carry)
    expected = np.concatenate([whole[cut:n_rows], whole[n_rows + cut :]])
    np.testing.assert_allclose(mean, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(last[0], sums, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(last[1], weights, rtol=1e-9)


def test_a_long_slow_average_keeps_its_precision():
    values = np.random.default_rng(0).normal(size=20_000) + 1e3
    mean, _ = ewma(values, np.array([0, len(values)]), 1e-3)
    expected = pd.Series(values).ewm(alpha=1e-3, adjust=True).mean()
    np.testing.assert_allclose(mean, expected, rtol=1e-12)


def test_input_is_left_alone():
    values = np.array([1, 2, 3])
    out = decayed_sum(values, np.array([0, 3]), 0.5)
    assert values.tolist() == [1, 2, 3]
    assert out.tolist() == pytest.approx([1.0, 2.5, 4.25])


def naive_mean(values, seconds, halflife):
    return [
        np.average(
            values[: row + 1],
            weights=0.5 ** ((seconds[row] - seconds[: row + 1]) / halflife),
        )
        for row in range(len(values))
    ]


@some
@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=4),
    halflife=st.floats(0.01, 1e4),
    seed=st.integers(0),
)
def test_the_mean_is_that_of_a_naive_loop_on_irregular_times(sizes, halflife, seed):
    rng = np.random.default_rng(seed)
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    steps = rng.choice([0.1, 1.0, 2.25, 50.0, 4000.0], size=bounds[-1])
    seconds, values = 1.7e9 + np.cumsum(steps), rng.normal(size=bounds[-1])
    seconds[bounds[-2] :] -= 1e8  # a track may be before the one above it
    mean, _ = halflife_mean(values, seconds, bounds, halflife)
    for a, b in pairwise(bounds):
        expected = naive_mean(values[a:b], seconds[a:b], halflife)
        np.testing.assert_allclose(mean[a:b], expected, rtol=1e-9, atol=1e-9)
