import numpy as np
import pandas as pd
import pytest

from skdsn.metrics import persistence_scores, training_range_scores
from skdsn.tracks import stack_tracks


def test_persistence_scores_jumps_in_units_of_the_usual_one():
    X = np.array([[0.0], [1.0], [0.0], [1.0], [5.0]])
    scores = persistence_scores(X)
    np.testing.assert_allclose(scores * 1.4826, [0, 1, 1, 1, 4])
    np.testing.assert_allclose(persistence_scores(1000 * X), scores)


def test_persistence_takes_the_worst_channel():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3)) * [1, 10, 100]
    one_by_one = [persistence_scores(X[:, [column]]) for column in range(3)]
    np.testing.assert_allclose(persistence_scores(X), np.max(one_by_one, axis=0))


def test_persistence_does_not_look_across_tracks():
    walk = np.cumsum(np.ones((4, 1)), axis=0)
    X = stack_tracks({"A": walk, "B": walk + 1000})
    scores = persistence_scores(X)
    assert scores[[0, 4]].tolist() == [0, 0]
    assert scores.max() < 1


def test_a_channel_at_rest_counts_its_mean_jump():
    X = np.zeros((10, 2))
    X[5:, 0] = 3.0
    scores = persistence_scores(X)
    assert np.flatnonzero(scores).tolist() == [5]
    assert scores[5] == pytest.approx(9)  # one of nine steps
    assert persistence_scores(np.zeros((4, 1))).tolist() == [0] * 4


def test_nan_and_categories_are_left_out():
    X = pd.DataFrame(
        {
            "mode": ["a", "b", "a", "b", "a"],
            "agc": [0.0, 1.0, np.nan, 0.0, 1.0],
            "dead": np.nan,
            "locked": [True, True, True, True, False],
            "count": pd.array([1, None, 1, 1, 1], dtype="Int64"),
        }
    )
    with_all = persistence_scores(X)
    without = persistence_scores(X[["agc"]])
    assert np.isfinite(with_all).all()
    assert without[[2, 3]].tolist() == [0, 0]
    assert with_all[4] > without[4]  # `locked` fell
    np.testing.assert_array_equal(with_all[:4], without[:4])
    assert persistence_scores(X[["mode"]]).tolist() == [0] * 5

    scores = training_range_scores(X, X[:2])
    assert scores.tolist() == [0, 0, 0, 0, 1]
    assert training_range_scores(X[["mode"]], X[["mode"]]).tolist() == [0] * 5


def test_training_range_measures_the_excess_in_ranges():
    X_train = np.array([[0.0, 5.0], [10.0, 5.0], [4.0, 5.0]])
    X = np.array([[10.0, 5.0], [10.5, 5.0], [-5.0, 5.0], [5.0, 5.2], [np.nan, np.nan]])
    np.testing.assert_allclose(
        training_range_scores(X, X_train), [0, 0.05, 0.5, 0.2, 0], atol=1e-12
    )


def test_training_range_goes_by_the_names_of_columns():
    X_train = pd.DataFrame({"a": [0.0, 1.0], "b": [10.0, 20.0]})
    X = pd.DataFrame({"c": [99.0], "b": [25.0], "a": [0.5]})
    assert training_range_scores(X, X_train).tolist() == [0.5]
    with pytest.raises(ValueError, match="no column 'b'"):
        training_range_scores(X[["a"]], X_train)


def test_a_single_column_must_still_be_a_table():
    with pytest.raises(ValueError, match="rows and columns"):
        persistence_scores([1.0, 2.0])


def test_infinite_values_are_ignored_as_missing_ones_are():
    X = np.array([[0.0], [1.0], [np.inf], [0.0], [-np.inf], [-np.inf], [2.0], [3.0]])
    missing = np.where(np.isinf(X), np.nan, X)
    scores = persistence_scores(X)
    np.testing.assert_array_equal(scores, persistence_scores(missing))
    assert np.flatnonzero(scores).tolist() == [1, 7]
    train = np.array([[0.0], [np.inf], [2.0]])
    scores = training_range_scores(X, train)
    np.testing.assert_array_equal(scores, training_range_scores(missing, train))
    assert scores.tolist() == [0, 0, 0, 0, 0, 0, 0, 0.5]
    assert training_range_scores(X, [[np.inf], [-np.inf]]).tolist() == [0] * 8


@pytest.mark.parametrize("twice", ["X_train", "X"])
def test_columns_of_the_same_name_have_no_range(twice):
    frame = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 2.0], "c": [0.0, 0.0]})
    double = frame.set_axis(["a", "b", "b"], axis=1)
    frame = frame[["a", "b"]]
    pair = (frame, double) if twice == "X_train" else (double, frame)
    with pytest.raises(ValueError, match=f"{twice} has two columns 'b'.*different"):
        training_range_scores(*pair)
    # Where the namesakes are not compared, and for jumps, they do no harm.
    assert training_range_scores(double, frame[["a"]]).tolist() == [0, 0]
    assert persistence_scores(double).tolist() == persistence_scores(frame).tolist()


def test_numbers_held_as_objects_count_in_frames_as_in_arrays():
    values = np.array([[0.0, "a"], [1.0, "b"], [0.0, "a"], [7, "b"]], dtype=object)
    frame = pd.DataFrame(values, dtype=object)
    assert frame.dtypes.tolist() == [object, object]
    numbers = frame[[0]].astype(float)
    for X in (values, frame):
        expected = persistence_scores(numbers)
        assert persistence_scores(X).tolist() == expected.tolist()
        scores = training_range_scores(X, X[:2])
        assert scores.tolist() == [0, 0, 0, 6]
