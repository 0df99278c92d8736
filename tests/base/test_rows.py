"""Reading the rows that come into a stage."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from skdsn.base import read_rows


class Stage(BaseEstimator):
    """Something whose input is checked."""


@pytest.mark.parametrize(
    "column",
    [
        [1, 2, 3],
        pd.array([1, 2, 3], dtype="Int64"),
        pd.array([1.0, 2.0, 3.0], dtype="Float32"),
        pd.Series([1, 2, 3.0], dtype=object),
        pd.Categorical([1, 2, 3]),
    ],
    ids=lambda column: str(getattr(column, "dtype", "list")),
)
def test_every_kind_of_number_is_read_as_float(column):
    rows = read_rows(Stage(), pd.DataFrame({"a": column, "b": 0.5}), reset=True)
    assert rows.data.dtype == np.float64
    assert rows.data.tolist() == [[1, 0.5], [2, 0.5], [3, 0.5]]


def test_booleans_are_read_as_numbers():
    X = pd.DataFrame({"a": [True, False], "b": pd.array([True, False], "boolean")})
    assert read_rows(Stage(), X, reset=True).data.tolist() == [[1, 1], [0, 0]]


def test_a_list_of_rows_is_one_track():
    stage = Stage()
    rows = read_rows(stage, [[1, 2], [3, 4]], reset=True)
    assert rows.index is None
    assert rows.tracks.bounds.tolist() == [0, 2]
    assert (stage.n_features_in_, stage.fitted_on_tracks_) == (2, False)
    assert not hasattr(stage, "feature_names_in_")


def test_a_frame_is_learnt_with_names_and_tracks(X):
    stage = Stage()
    rows = read_rows(stage, X, reset=True)
    assert rows.index is X.index
    assert list(stage.feature_names_in_) == list(X.columns)
    assert stage.fitted_on_tracks_


def test_values_come_in_the_dtype_asked_for(X):
    assert read_rows(Stage(), X, reset=True, dtype=np.float32).data.dtype == np.float32


def test_missing_nullables_become_nan_where_allowed():
    X = pd.DataFrame({"a": pd.array([1, None], dtype="Int64")})
    out = read_rows(Stage(), X, reset=True, missing=True).data
    np.testing.assert_array_equal(out, [[1], [np.nan]])


def test_missing_values_are_refused_with_their_place(X):
    X.iloc[40, 2] = np.nan
    message = r"NaN: column 'channel_2', row 40 \(\('pass-2', .* CausalImputer before"
    with pytest.raises(ValueError, match=message):
        read_rows(Stage(), X, reset=True)


def test_infinity_is_refused_even_where_missing_values_are_allowed(X):
    X.iloc[[1, 4], 0] = np.nan, -np.inf
    for text in (False, True):
        with pytest.raises(ValueError, match="infinity: column 'channel_0', row 4"):
            read_rows(Stage(), X, reset=True, text=text, missing=True)


def test_huge_values_are_no_infinity():
    X = pd.DataFrame({"a": [1e308, 1e308, 1e308]})
    assert read_rows(Stage(), X, reset=True).data.max() == 1e308


def test_text_is_refused_with_its_column_and_an_example(X):
    X = X.assign(mode="LOCK")
    with pytest.raises(ValueError, match="'mode' holds the text 'LOCK' in row 0; enco"):
        read_rows(Stage(), X, reset=True)


@pytest.mark.parametrize(
    "column",
    [
        ["1.5", "2.5"],
        pd.Series(["1.5", 2.5], dtype=object),
        pd.Categorical(["1.5", "1.5"]),
        pd.array(["1.5", None], dtype="string"),
    ],
    ids=lambda column: str(getattr(column, "dtype", "list")),
)
def test_numbers_written_as_text_are_not_cast(column):
    X = pd.DataFrame({"a": 0.0, "snr": column})
    message = r"column 'snr' holds the text '1.5' in row 0; .* pandas.to_numeric"
    with pytest.raises(ValueError, match=message):
        read_rows(Stage(), X, reset=True, missing=True)


def test_the_word_among_numbers_is_shown():
    X = pd.DataFrame({"snr": ["1.5", "high"]})
    with pytest.raises(ValueError, match=r"the text 'high' in row 1; encode"):
        read_rows(Stage(), X, reset=True)


@pytest.mark.parametrize(
    "X",
    [[[1, "2"], [3, 4]], np.array([["x", "2"]])[:, [1, 1]], np.array([[1, "2"]], "O")],
    ids=["list", "text", "object"],
)
def test_text_in_an_array_is_not_cast(X):
    with pytest.raises(ValueError, match=r"column [01] holds the text '[12]' in row 0"):
        read_rows(Stage(), X, reset=True)


def test_objects_that_are_no_numbers_are_refused_with_their_column():
    X = pd.DataFrame({"a": [1.0], "b": [{"c": 1}]})
    with pytest.raises(TypeError, match="column 'b' of type object holds something"):
        read_rows(Stage(), X, reset=True)


@pytest.mark.parametrize("text", [False, True])
def test_a_column_name_that_occurs_twice_is_refused(text):
    X = pd.DataFrame([[1.0, 2.0, 3.0]], columns=["a", "b", "a"])
    with pytest.raises(ValueError, match=r"'a' occurs 2 times in X, .* \[0, 2\]; ren"):
        read_rows(Stage(), X, reset=True, text=text)


def test_text_passes_as_a_frame_where_it_is_read(X):
    X = X.assign(mode="LOCK")
    data = read_rows(Stage(), X, reset=True, text=True).data
    pd.testing.assert_frame_equal(data, X)


def test_an_array_of_objects_finds_its_numbers_again():
    X = np.array([[1.0, "on"], [2.0, "off"]], dtype=object)
    data = read_rows(Stage(), X, reset=True, text=True).data
    assert list(data.columns) == ["x0", "x1"]
    assert data["x0"].dtype == np.float64
    assert data["x1"].tolist() == ["on", "off"]


def test_a_frame_without_columns_is_refused(X):
    with pytest.raises(ValueError, match=r"0 feature\(s\) while Stage needs"):
        read_rows(Stage(), X[[]], reset=True)
