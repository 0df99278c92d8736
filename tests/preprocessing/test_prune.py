"""Columns that tell nothing and levels that are too rare."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder

from skdsn._core.moments import correlation
from skdsn.preprocessing import (
    CardinalityPruner,
    CorrelationPruner,
    MissingnessPruner,
)

# Missing values -----------------------------------------------------------------


def test_a_column_at_the_limit_stays_and_one_above_goes():
    X = pd.DataFrame(
        {
            "full": np.arange(10.0),
            "one": [np.nan, *range(9)],
            "two": [None, None, *"abcdefgh"],
        }
    )
    pruner = MissingnessPruner(max_missing=0.1).fit(X)
    assert pruner.dropped_ == {"two": 0.2}
    assert pruner.missing_.to_dict() == {"full": 0.0, "one": 0.1, "two": 0.2}
    assert list(pruner.transform(X).columns) == ["full", "one"]


def test_columns_are_chosen_in_fit_not_by_new_rows():
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.nan]})
    pruner = MissingnessPruner().fit(X)
    new = pd.DataFrame({"a": [np.nan, np.nan], "b": [1.0, 1.0]})
    assert list(pruner.transform(new).columns) == ["a"]


@pytest.mark.parametrize(
    ("pruner", "X"),
    [
        (MissingnessPruner(), pd.DataFrame({"a": [np.nan, 1.0]})),
        (CardinalityPruner(max_levels=1), pd.DataFrame({"a": ["x", "y"]})),
    ],
)
def test_dropping_every_column_is_refused(pruner, X):
    with pytest.raises(ValueError, match="would drop all 1 columns, such as 'a'"):
        pruner.fit(X)


# Levels -------------------------------------------------------------------------

MODES = pd.DataFrame({"mode": list("aaaabbc"), "snr": np.arange(7.0)})


@pytest.mark.parametrize(
    ("least", "kept"),
    [(1, "abc"), (2, "ab"), (3, "a"), (0.2, "ab"), (2 / 7, "ab"), (0.3, "a")],
)
def test_rare_levels_are_pooled_by_number_or_by_share(least, kept):
    pruner = CardinalityPruner(min_frequency=least).fit(MODES)
    assert pruner.levels_ == {"mode": list(kept)}
    out = pruner.transform(MODES)["mode"]
    assert out.tolist() == [m if m in kept else "infrequent" for m in "aaaabbc"]


def test_unseen_levels_are_pooled_and_missing_ones_stay_missing():
    pruner = CardinalityPruner(infrequent="other").fit(MODES)
    new = pd.DataFrame({"mode": ["a", "z", None], "snr": 0.0})
    out = pruner.transform(new)["mode"]
    assert out.iloc[:2].tolist() == ["a", "other"]
    assert out.isna().tolist() == [False, False, True]


def test_missing_values_are_no_level():
    X = pd.DataFrame({"mode": ["a", None, None, "b"], "snr": 0.0})
    pruner = CardinalityPruner(max_levels=2).fit(X)
    assert pruner.levels_ == {"mode": ["a", "b"]}


def test_columns_with_too_many_levels_are_dropped_with_their_number():
    X = MODES.assign(id=list("tuvwxyz"))
    pruner = CardinalityPruner(max_levels=6).fit(X)
    assert pruner.dropped_ == {"id": 7}
    assert list(pruner.transform(X).columns) == ["mode", "snr"]


def test_levels_are_compared_as_text():
    X = pd.DataFrame({"mode": pd.Series([1, "1", 2], dtype=object), "snr": 0.0})
    assert CardinalityPruner().fit(X).levels_ == {"mode": ["1", "2"]}


def test_pandas_categories_count_only_where_they_occur():
    mode = pd.Categorical(["a", "b", "a"], categories=list("abcdef"))
    X = pd.DataFrame({"mode": mode})
    pruner = CardinalityPruner(max_levels=2, min_frequency=2).fit(X)
    assert pruner.levels_ == {"mode": ["a"]}
    assert pruner.transform(X)["mode"].tolist() == ["a", "infrequent", "a"]


def test_numbers_are_never_levels():
    X = pd.DataFrame({"count": np.arange(100), "flag": [True, False] * 50})
    pruner = CardinalityPruner(max_levels=1).fit(X)
    assert pruner.levels_ == {}
    pd.testing.assert_frame_equal(pruner.transform(X), X)


def test_pooled_levels_are_known_to_a_one_hot_encoder_behind():
    pruner = CardinalityPruner(min_frequency=2).fit(MODES)
    encoder = OneHotEncoder(handle_unknown="error", sparse_output=False)
    encoder.fit(pruner.transform(MODES)[["mode"]])
    new = pd.DataFrame({"mode": ["z"], "snr": 0.0})
    assert encoder.transform(pruner.transform(new)[["mode"]]).sum() == 1


# Correlation --------------------------------------------------------------------


def greedy(X, threshold):
    """Columns kept, by the definition."""
    kept = []
    for name in X.columns:
        if all(abs(np.corrcoef(X[name], X[k])[0, 1]) <= threshold for k in kept):
            kept.append(name)
    return kept


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), threshold=st.sampled_from([0.3, 0.6, 0.9]))
def test_columns_are_kept_greedily_in_their_order(seed, threshold):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(30, 6)) @ rng.normal(size=(6, 6)).round()
    X = pd.DataFrame(values + 0.01 * rng.normal(size=(30, 6))).add_prefix("c")
    pruner = CorrelationPruner(threshold=threshold).fit(X)
    assert list(pruner.get_feature_names_out()) == greedy(X, threshold)
    for name, (partner, value) in pruner.dropped_.items():
        assert partner not in pruner.dropped_
        assert value == pytest.approx(np.corrcoef(X[name], X[partner])[0, 1])


def test_a_dropped_column_drops_no_other():
    rng = np.random.default_rng(0)
    a = rng.normal(size=500)
    b = a + 0.5 * rng.normal(size=500)
    c = b + 0.5 * rng.normal(size=500)
    X = pd.DataFrame({"a": a, "b": b, "c": c})
    r = X.corr().to_numpy()
    threshold = 0.85
    assert r[0, 1] > threshold and r[1, 2] > threshold > r[0, 2]
    assert list(CorrelationPruner(threshold=threshold).fit(X).dropped_) == ["b"]


def test_an_opposite_column_is_a_repetition_too():
    X = pd.DataFrame({"a": [1.0, 2, 4], "b": [-1.0, -2, -4]})
    assert CorrelationPruner().fit(X).dropped_["b"] == ("a", pytest.approx(-1))


@pytest.mark.parametrize("level", [0.0, 0.1, 1e6, -150.3])
def test_constant_columns_correlate_with_nothing(level):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=999), "b": level, "c": level})
    assert CorrelationPruner(threshold=0.01).fit(X[["a", "b"]]).dropped_ == {}
    assert CorrelationPruner(threshold=0.01).fit(X[["b", "c"]]).dropped_ == {}


def test_a_tiny_signal_on_a_high_level_is_no_constant():
    tiny = 1e6 + 1e-3 * np.sin(np.arange(1000.0))
    X = pd.DataFrame({"a": tiny, "b": np.sin(np.arange(1000.0))})
    assert list(CorrelationPruner().fit(X).dropped_) == ["b"]


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(3, 60),
    block=st.integers(1, 70),
    level=st.sampled_from([0.0, 1e3, -1e5]),
)
def test_correlation_in_blocks_is_that_of_numpy(seed, n_rows, block, level):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, 3)) + level
    rows = rng.random(n_rows) < 0.8
    rows[:3] = True
    for chosen in (None, rows):
        taken = values if chosen is None else values[chosen]
        expected = np.corrcoef(taken, rowvar=False)
        found = correlation(values, chosen, block)
        np.testing.assert_allclose(found, expected, atol=1e-7)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_a_threshold_of_one_drops_nothing(seed):
    a = np.random.default_rng(seed).normal(size=30)
    X = pd.DataFrame({"a": a, "b": a, "c": 3 * a})
    assert CorrelationPruner(threshold=1.0).fit(X).dropped_ == {}


def test_categories_and_booleans_pass_beside_numbers():
    X = pd.DataFrame({"mode": list("abc"), "a": [1.0, 2, 4], "b": [2.0, 4, 8]})
    X["flag"] = [True, False, False]
    out = CorrelationPruner().fit_transform(X)
    assert list(out.columns) == ["mode", "a", "flag"]
    assert CorrelationPruner().fit(X[["mode"]]).dropped_ == {}


def test_missing_values_are_refused_by_the_correlation():
    with pytest.raises(ValueError, match="CorrelationPruner cannot take it, so put"):
        CorrelationPruner().fit(pd.DataFrame({"a": [1.0, np.nan, 2.0]}))
