"""Missing values are filled from the past of the track, or by the usual value."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.preprocessing import CausalImputer

NAN = np.nan


def frame(track, **columns):
    seconds = pd.Series(list(track)).groupby(list(track)).cumcount()
    index = pd.MultiIndex.from_arrays([list(track), seconds])
    return pd.DataFrame(columns, index=index)


@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(
        st.one_of(st.just(NAN), st.integers(0, 9).map(float)), min_size=6, max_size=20
    )
)
def test_the_last_known_value_of_the_track_is_held(values):
    cut = len(values) // 2
    X = frame("a" * cut + "b" * (len(values) - cut), snr=values)
    X.iloc[0] = 5.0
    out = CausalImputer().fit_transform(X)["snr"]
    expected = X["snr"].groupby(level=0).ffill().fillna(X["snr"].median())
    pd.testing.assert_series_equal(out, expected, check_names=False)


def test_the_usual_value_comes_from_training():
    X = frame("aaaab", snr=[1.0, 2.0, 9.0, NAN, NAN], mode=["x", "y", "y", None, "x"])
    imputer = CausalImputer().fit(X)
    assert imputer.fill_values_ == {"snr": 2.0, "mode": "x"}  # a tie: the first
    assert imputer.n_missing_.to_dict() == {"snr": 2, "mode": 1}
    new = frame("c", snr=[NAN], mode=[None])
    assert imputer.transform(new).iloc[0].tolist() == [2.0, "x"]


def test_categories_are_held_like_numbers():
    X = frame("aaab", mode=[None, "on", None, None])
    X = pd.concat([X, frame("z", mode=["off"]), frame("yy", mode=["off", "off"])])
    assert CausalImputer().fit_transform(X)["mode"].iloc[:4].tolist() == [
        "off",
        "on",
        "on",
        "off",
    ]


def test_a_value_is_not_held_over_a_gap():
    index = pd.MultiIndex.from_product([["a"], [0, 1, 50, 51]])
    X = pd.DataFrame({"snr": [4.0, NAN, NAN, 8.0]}, index=index)
    held = CausalImputer().fit_transform(X)["snr"]
    assert held.tolist() == [4.0, 4.0, 4.0, 8.0]
    cut = CausalImputer(max_gap=10).fit_transform(X)["snr"]
    assert cut.tolist() == [4.0, 4.0, 6.0, 8.0]


def test_a_value_is_held_over_chunks_but_not_over_a_gap_between_them():
    X = frame("aaa", snr=[4.0, NAN, 8.0])
    imputer = CausalImputer(max_gap=1).fit(X)
    _, state = imputer.stream(X.iloc[:1])
    near, _ = imputer.stream(X.iloc[[1]], state)
    far, _ = imputer.stream(X.iloc[[1]].rename({1: 9}, level=1), state)
    assert near["snr"].tolist() == [4.0]
    assert far["snr"].tolist() == [6.0]


def test_indicators_stand_for_the_columns_missing_in_training():
    X = frame("aab", snr=[1.0, NAN, 3.0], agc=[1.0, 2.0, 3.0], mode=["x", None, "y"])
    imputer = CausalImputer(add_indicator=True).fit(X)
    out = imputer.transform(X)
    assert list(out.columns) == ["snr", "agc", "mode", "missing_snr", "missing_mode"]
    assert out["missing_snr"].tolist() == [0.0, 1.0, 0.0]
    assert list(imputer.get_feature_names_out()) == list(out.columns)
    later = imputer.transform(X.assign(agc=[NAN, 1.0, 1.0]))
    assert list(later.columns) == list(out.columns)
    assert not later.isna().any().any()


def test_indicators_stay_over_a_chunk_without_missing_values():
    X = frame("aab", snr=[1.0, NAN, 3.0])
    imputer = CausalImputer(add_indicator=True).fit(X)
    assert imputer.transform(X.iloc[:1])["missing_snr"].tolist() == [0.0]


def test_a_column_without_any_value_is_refused():
    X = frame("aa", snr=[1.0, 2.0], agc=[NAN, NAN])
    with pytest.raises(ValueError, match=r"'agc' has no value .*MissingnessPruner"):
        CausalImputer().fit(X)


def test_an_indicator_never_replaces_a_column():
    X = frame("aa", snr=[1.0, NAN], missing_snr=[5.0, 6.0])
    with pytest.raises(ValueError, match="already has a column 'missing_snr'; rename"):
        CausalImputer(add_indicator=True).fit(X)
    assert CausalImputer().fit_transform(X)["missing_snr"].tolist() == [5.0, 6.0]


@pytest.mark.parametrize(
    ("then", "now", "message"),
    [
        (
            [1.0, 2.0],
            [None, "high"],
            "numbers .* text, such as 'high' in row 1;",
        ),
        ([1.0, 2.0], ["3.4", "3.5"], "numbers .* such as '3.4' in row 0"),
        (["on", "off"], [NAN, 1.0], "text .* numbers, such as 1.0 in row 1; .*'str'"),
        (["on", "off"], [True, False], "text .* numbers, such as True in row 0"),
    ],
    ids=["word", "number as text", "number", "flag"],
)
def test_a_column_keeps_the_kind_it_had_in_fit(then, now, message):
    imputer = CausalImputer().fit(frame("aa", x=then))
    with pytest.raises(ValueError, match=f"Column 'x' held {message}"):
        imputer.transform(frame("aa", x=now))
    with pytest.raises(ValueError, match=f"Column 'x' held {message}"):
        imputer.stream(frame("aa", x=now))


@pytest.mark.parametrize(
    ("then", "now", "filled"),
    [
        ([1.0, 3.0], pd.Series([None, None], dtype=object), [2.0, 2.0]),
        ([1.0, 3.0], pd.Series([None, None], dtype="str"), [2.0, 2.0]),
        ([1.0, 3.0], pd.Series([None, 7], dtype=object), [2.0, 7.0]),
        (["on", "on"], [NAN, NAN], ["on", "on"]),
    ],
    ids=["objects", "text", "numbers among objects", "nothing"],
)
def test_a_chunk_without_values_is_filled_whatever_its_type(then, now, filled):
    imputer = CausalImputer().fit(frame("aa", x=then))
    out = imputer.transform(
        frame("aa", x=list(now)).astype({"x": pd.Series(now).dtype})
    )
    assert out["x"].tolist() == filled
    assert out["x"].dtype == imputer.transform(frame("aa", x=then))["x"].dtype


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.array([4, None, 6], dtype="Int64"), [4.0, 4.0, 6.0]),
        (pd.array([True, None, False], dtype="boolean"), [1.0, 1.0, 0.0]),
        (pd.array([0.5, None, 1.5], dtype="Float64"), [0.5, 0.5, 1.5]),
        ([True, False, True], [1.0, 0.0, 1.0]),
    ],
    ids=["Int64", "boolean", "Float64", "bool"],
)
def test_nullable_and_boolean_columns_are_filled(values, expected):
    out = CausalImputer().fit_transform(frame("aaa", x=values))["x"]
    assert out.astype(float).tolist() == expected


def test_pandas_categories_are_filled():
    X = frame("aaab", mode=pd.Categorical(["on", None, "off", None]))
    out = CausalImputer().fit_transform(X)["mode"]
    assert out.tolist() == ["on", "on", "off", "off"]
    assert not out.isna().any()


def test_what_is_known_is_never_changed(X):
    holes = X.mask(np.random.default_rng(0).random(X.shape) < 0.3)
    out = CausalImputer().fit_transform(holes)
    assert not out.isna().any().any()
    known = holes.notna().to_numpy()
    assert (out.to_numpy()[known] == X.to_numpy()[known]).all()
