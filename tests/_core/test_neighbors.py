"""Nearest subsequences against naive loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core import neighbors
from skdsn._core.neighbors import Subsequences, is_complete, nearest, repeated

some = settings(deadline=None, max_examples=25)
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def table_of(sizes, width, seed, *, n_channels=2, normalize=False, levels=None):
    """Random segments; few levels make ties and flat stretches."""
    rng = np.random.default_rng(seed)
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    values = rng.normal(size=(bounds[-1], n_channels))
    if levels:
        values = rng.integers(levels, size=values.shape).astype(float)
    return Subsequences(values, bounds, width, normalize=normalize)


def naive_window(table, row):
    start = max(bound for bound in table.bounds if bound <= row)
    rows = [max(row - lag, start) for lag in range(table.width)]
    window = table.values[rows]
    if table.normalize:
        spread = window.std(axis=0)
        window = (window - window.mean(axis=0)) / np.where(
            spread < 1e-6, np.inf, spread
        )
    return window


def naive_distance(a, row, b, other):
    return np.sqrt(np.mean((naive_window(a, row) - naive_window(b, other)) ** 2))


def overlap(table, row, other):
    segment = np.searchsorted(table.bounds, [row, other], side="right")
    return segment[0] == segment[1] and abs(row - other) < table.width


@some
@given(
    sizes=sizes,
    others=sizes,
    width=st.integers(1, 6),
    n_neighbors=st.integers(1, 4),
    normalize=st.booleans(),
    seed=st.integers(0),
)
def test_the_nearest_are_those_of_a_loop(
    sizes, others, width, n_neighbors, normalize, seed
):
    queries = table_of(sizes, width, seed, normalize=normalize)
    pool = table_of(others, width, seed + 1, normalize=normalize)
    distances, found = nearest(queries, pool, n_neighbors)
    for row in queries.rows:
        all_of_them = [naive_distance(queries, row, pool, other) for other in pool.rows]
        expected = sorted(all_of_them)[:n_neighbors]
        there = found[row] >= 0
        assert there.sum() == len(expected)
        np.testing.assert_allclose(distances[row][there], expected, atol=1e-9)
        np.testing.assert_allclose(
            np.array(all_of_them)[found[row][there]], expected, atol=1e-9
        )
        assert np.isinf(distances[row][~there]).all()


@some
@given(
    sizes=sizes, width=st.integers(1, 4), stride=st.integers(1, 3), seed=st.integers(0)
)
def test_subsequences_apart_share_no_row(sizes, width, stride, seed):
    table = table_of(sizes, width, seed)
    pool = table.take(table.rows[::stride])
    distances, found = nearest(table, pool, apart=True)
    for row in table.rows:
        allowed = [other for other in pool.rows if not overlap(table, row, other)]
        if not allowed:
            assert np.isinf(distances[row, 0])
            assert found[row, 0] == -1
            continue
        assert pool.rows[found[row, 0]] in allowed
        expected = min(naive_distance(table, row, table, other) for other in allowed)
        np.testing.assert_allclose(distances[row, 0], expected, atol=1e-9)


@pytest.mark.parametrize("n_neighbors", [1, 3])
@pytest.mark.parametrize("apart", [True, False])
def test_blocks_leave_no_seam(monkeypatch, n_neighbors, apart):
    table = table_of((150, 70, 3), 5, 0)
    whole, _ = nearest(table, table, n_neighbors, apart=apart)
    monkeypatch.setattr(neighbors, "_BLOCK", 1)  # blocks of 64, the least
    cut, _ = nearest(table, table, n_neighbors, apart=apart)
    np.testing.assert_allclose(cut, whole, atol=1e-12)


def test_equal_subsequences_have_distance_zero():
    table = table_of((200,), 20, 0)
    distances, found = nearest(table, table)
    assert (distances == 0).all()
    assert (found[:, 0] == table.rows).all()


def test_no_query_has_no_neighbour():
    table = table_of((9,), 3, 0)
    distances, found = nearest(table.take(np.empty(0, dtype=int)), table)
    assert distances.shape == found.shape == (0, 1)


def test_normalized_distances_tell_the_correlation():
    table = table_of((30,), 12, 0, n_channels=1, normalize=True)
    pool = table_of((12,), 12, 1, n_channels=1).take(np.array([11]))
    pool.normalize = True
    distances, _ = nearest(table.take(np.array([20])), pool)
    correlation = np.corrcoef(table.values[9:21, 0], pool.values[:, 0])[0, 1]
    np.testing.assert_allclose(distances[0, 0], np.sqrt(2 * (1 - correlation)))


def test_a_flat_normalized_subsequence_is_zero_whatever_its_level():
    table = Subsequences(
        np.array([0.1] * 5 + [0.3, 0.7]), np.array([0, 7]), 4, normalize=True
    )
    table.values = table.values[:, None]
    assert (table.gather(np.array([0, 4])) == 0).all()
    np.testing.assert_allclose((table.gather(np.array([5, 6])) ** 2).mean(axis=1), 1)


@some
@given(
    sizes=sizes, width=st.integers(1, 4), stride=st.integers(1, 3), seed=st.integers(0)
)
def test_repeats_equal_an_earlier_chosen_subsequence(sizes, width, stride, seed):
    table = table_of(sizes, width, seed, n_channels=1, levels=2)
    chosen = np.random.default_rng(seed).random(len(table)) < 0.7
    again = repeated(table.values, table.bounds, width, chosen, stride)
    assert not again[~chosen].any()
    for row in np.flatnonzero(again):
        assert chosen[row - stride]
        assert row - stride >= max(b for b in table.bounds if b <= row)
        assert naive_distance(table, row, table, row - stride) == 0


def test_a_constant_table_repeats_from_its_second_row_on():
    again = repeated(np.ones((6, 2)), np.array([0, 4, 6]), 3, np.ones(6, dtype=bool))
    assert again.tolist() == [False, True, True, True, False, True]


def test_complete_rows_have_a_whole_subsequence_behind_them():
    expected = [False, False, True, True, False, False]
    assert is_complete(np.array([0, 4, 6]), 3).tolist() == expected
