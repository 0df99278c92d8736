"""Reading row labels."""

import numpy as np
import pandas as pd
import pytest

from skdsn.base import read_labels
from skdsn.tracks import read_tracks


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 0],
        [False, True, False],
        np.array([[0], [1], [0]]),
        pd.Series([0.0, 1.0, 0.0]),
        pd.Series([0, 1, 0], dtype="Int64"),
        pd.DataFrame({"y": [0, 1, 0]}),
    ],
    ids=["list", "bool", "column", "float", "nullable", "frame"],
)
def test_labels_are_read_as_int8(y):
    labels = read_labels(y, read_tracks(np.zeros((3, 1))))
    assert labels.dtype == np.int8
    assert labels.tolist() == [0, 1, 0]


def test_no_labels_stay_none():
    assert read_labels(None) is None


def test_unlabelled_rows_are_allowed_only_where_asked_for():
    assert read_labels([0, -1, 1], unlabelled=True).tolist() == [0, -1, 1]
    with pytest.raises(ValueError, match=r"must hold 0 .* and 1 .*; got .*-1"):
        read_labels([0, -1, 1])


@pytest.mark.parametrize("y", [[0, 3], [0.5, 1], ["0", "1"], [np.nan, 1], [0, None]])
def test_other_labels_are_refused(y):
    with pytest.raises(ValueError, match="must hold 0"):
        read_labels(y, unlabelled=True)


@pytest.mark.parametrize(
    ("label", "said"), [(np.int64(3), "3"), (0.5, "0.5"), ("no", "'no'"), (None, "nan")]
)
def test_a_wrong_label_is_told_with_its_row(label, said):
    y = pd.Series([0, 1, label, label])
    with pytest.raises(ValueError, match=rf"\(unlabelled\); got {said} in row 2\.$"):
        read_labels(y, unlabelled=True)


def test_rare_events_are_normal_to_who_does_not_ask():
    assert read_labels([0, 2, 1]).tolist() == [0, 0, 1]
    assert read_labels([0, 2, 1], rare=True).tolist() == [0, 2, 1]


def test_labels_of_an_outlier_detector_are_recognised():
    with pytest.raises(ValueError, match=r"\(y == -1\).astype\(int\)"):
        read_labels([1, -1, 1], unlabelled=True)


def test_one_row_has_one_label():
    with pytest.raises(ValueError, match=r"one label per row; got shape \(2, 2\)"):
        read_labels(np.zeros((2, 2)))


def test_labels_of_another_length_are_refused(X):
    with pytest.raises(ValueError, match="3 labels for 63 rows of X; inconsistent"):
        read_labels([0, 1, 0], read_tracks(X))


def test_labels_of_other_rows_are_refused(X, y):
    other = y.iloc[np.r_[:10, 11, 10, 12 : len(y)]]
    message = r"first at row 10: .*00:00:11.* and .*00:00:10.*y.loc\[X.index\]"
    with pytest.raises(ValueError, match=message):
        read_labels(other, read_tracks(X))


def test_labels_without_the_track_level_are_refused(X, y):
    with pytest.raises(ValueError, match="different indexes, first at row 0"):
        read_labels(y.droplevel(0), read_tracks(X))


def test_track_labels_for_an_array_betray_a_step_that_lost_the_index(X, y):
    with pytest.raises(ValueError, match=r"set_output\(transform='pandas'\)"):
        read_labels(y, read_tracks(X.to_numpy()))


def test_array_labels_fit_a_frame_and_plain_series_fit_an_array(X, y):
    assert read_labels(y.to_numpy(), read_tracks(X)).sum() == 5
    assert read_labels(y.reset_index(drop=True), read_tracks(X.to_numpy())).sum() == 5
