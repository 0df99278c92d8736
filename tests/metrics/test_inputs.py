"""What every metric takes, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

from skdsn.metrics import (
    average_precision,
    event_f1,
    find_events,
    point_adjusted_f1,
    threshold_curve,
)
from skdsn.metrics._inputs import read_pair
from skdsn.tracks import read_tracks

IDS = ["A", "A", "A", "B", "B"]
TIMES = pd.date_range("2024-01-01", periods=5, freq="min")
INDEX = pd.MultiIndex.from_arrays([IDS, TIMES], names=["track", "time"])
Y = [0, 1, 1, 1, 0]


@pytest.mark.parametrize(
    "tracks",
    [
        IDS,
        np.array(IDS),
        np.array([7, 7, 7, 2, 2]),
        pd.Series(IDS),
        pd.Series(IDS, dtype="category"),
        pd.Series(IDS, index=INDEX),
        INDEX.get_level_values(0),
        INDEX,
        pd.DataFrame({"x": 0.0}, index=INDEX),
        read_tracks(INDEX),
    ],
    ids=lambda tracks: type(tracks).__name__,
)
def test_tracks_can_be_told_in_any_of_these_ways(tracks):
    events = find_events(Y, tracks=tracks)
    assert events["start"].tolist() == [1, 3]
    assert events["stop"].tolist() == [3, 4]


def test_a_series_of_predictions_tells_the_tracks_too():
    y_pred = pd.Series([0, 0, 1, 0, 0], index=INDEX)
    assert event_f1(Y, y_pred, corrected=False) == pytest.approx(2 / 3)
    assert event_f1(Y, y_pred.to_numpy()) == 1.0


def test_interleaved_tracks_are_an_error_that_names_one():
    with pytest.raises(ValueError, match="'A' are not contiguous"):
        find_events(Y, tracks=["A", "A", "B", "B", "A"])


def test_a_row_without_a_track_is_an_error():
    with pytest.raises(ValueError, match="Row 1 has no track id"):
        find_events(Y, tracks=["A", None, "A", "B", "B"])


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([0, 1, 2], [0, 0, 1], "y_true must hold 0 .* got 2 in row 2"),
        ([0, 1, 0], [1, -1, 1], "y_pred must hold .*anomaly_flags"),
        ([0, 1, 0], [0.0, 0.3, 1.0], "y_pred must hold .* got 0.3 in row 1.*threshold"),
        ([0, 1, np.nan], [0, 0, 1], "y_true must hold .*nan"),
        (["n", "y"], [0, 1], "y_true must hold"),
        ([0, 1], [0, 1, 1], "y_true has 2 rows but y_pred has 3"),
        ([], [], "no rows"),
        ([0, 1], [[0, 1], [1, 0]], "one value per row.*column of class 1"),
    ],
)
def test_labels_and_flags_are_checked(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        point_adjusted_f1(y_true, y_pred)


def test_missing_nullable_labels_are_refused():
    y = pd.Series([1, 0, None], dtype="Int64")
    with pytest.raises(ValueError, match="row 2"):
        find_events(y)
    assert find_events(y[:2])["stop"].tolist() == [1]


@pytest.mark.parametrize(
    "dtype", [bool, "int8", float, "Int64", "boolean", "category", object]
)
def test_labels_of_any_dtype_will_do(dtype):
    y = pd.Series([0, 1, 1]).astype(dtype)
    assert find_events(y)["start"].tolist() == [1]
    assert find_events(y.to_frame())["start"].tolist() == [1]


def test_a_wrong_number_of_track_ids_is_an_error():
    with pytest.raises(ValueError, match="tracks tells the track of 4 rows"):
        find_events(Y, tracks=IDS[:4])
    with pytest.raises(ValueError, match="one track id per row"):
        find_events(Y, tracks=np.zeros((5, 2)))


def test_rows_that_do_not_match_are_an_error():
    y_true = pd.Series(Y, index=INDEX)
    y_pred = pd.Series(Y, index=INDEX.set_levels(TIMES + pd.Timedelta("1s"), level=1))
    with pytest.raises(ValueError, match=r"y_true and y_pred have different .* row 0"):
        event_f1(y_true, y_pred)
    with pytest.raises(ValueError, match="tracks and y_true have different"):
        event_f1(y_true, Y, tracks=y_pred.index)
    # A default index tells nothing, so it cannot contradict.
    assert event_f1(y_true, pd.Series(Y)) == 1.0


@pytest.mark.parametrize(
    ("y_score", "message"),
    [
        ([0.1, np.nan, 0.2], "y_score is nan in row 1.*score of a normal row"),
        ([0.1, 0.2, -np.inf], "y_score is -inf in row 2"),
        (pd.array([0.1, None, 0.2], dtype="Float64"), "y_score is nan in row 1"),
        (["a", "b", "c"], "one number per row; got <U1 values"),
        (np.array([None, "b", 1], dtype=object), "one number per row"),
        ([0.1j, 0.2, 0.3], "one number per row; got complex128"),
        (TIMES[:3], "one number per row; got datetime64"),
        ([[0.1, 0.9]] * 3, "column of class 1"),
        ([0.1, 0.2], "y_true has 3 rows but y_score has 2"),
        ([7, 7, 7], "y_score is 7.0 in all 3 rows.*Mend the detector"),
        ([True, True, True], "y_score is 1.0 in all 3 rows"),
    ],
)
def test_scores_are_checked(y_score, message):
    for call in (average_precision, lambda *a: threshold_curve("event_f1", *a)):
        with pytest.raises(ValueError, match=message):
            call([0, 1, 0], y_score)


@pytest.mark.parametrize(
    "convert",
    [
        list,
        np.array,
        lambda s: np.array(s, dtype="float32"),
        lambda s: np.array(s, dtype=object),
        lambda s: np.array(s)[:, None],
        lambda s: pd.Series(s, index=INDEX),
        lambda s: pd.Series(s, index=INDEX).to_frame(),
        lambda s: pd.Series(s, dtype="Float64"),
        lambda s: pd.Series(s, dtype="float64[pyarrow]"),
    ],
)
def test_scores_may_be_in_any_container(convert):
    scores = [0.5, 0.25, 0.75, 0.125, 0.25]
    assert average_precision(Y, convert(scores)) == average_precision(Y, scores)


def test_scores_may_be_negative_huge_or_whole_numbers():
    for scores in ([-3, -2, -1, -2, -3], [0, 2**53, 2**60, 1, 0], [0, 1e308, 1, 1, 0]):
        assert average_precision(Y, scores) == 1.0


@pytest.mark.parametrize("how", ["y_true", "y_pred", "both", "tracks", "tracks frame"])
def test_whichever_tells_the_tracks_the_figure_is_the_same(how):
    y_true, y_pred = [0, 0, 0, 1, 0], [0, 0, 1, 1, 0]  # one alarm, or one in each track
    alone = event_f1(y_true, y_pred, corrected=False)
    assert alone == 1.0
    options = {}
    if how in ("y_true", "both"):
        y_true = pd.Series(y_true, index=INDEX)
    if how in ("y_pred", "both"):
        y_pred = pd.Series(y_pred, index=INDEX)
    if how == "tracks":
        options = {"tracks": IDS}
    if how == "tracks frame":
        options = {"tracks": pd.DataFrame({"snr": 1.0}, index=INDEX)}
    told = event_f1(y_true, y_pred, corrected=False, **options)
    assert told == pytest.approx(2 / 3)


def test_an_index_of_times_says_less_than_one_of_tracks():
    y_true = pd.Series([0, 0, 0, 1, 0], index=TIMES)
    y_pred = pd.Series([0, 0, 1, 1, 0], index=INDEX)
    assert event_f1(y_true, y_pred, corrected=False) == pytest.approx(2 / 3)


def test_times_that_do_not_increase_are_an_error():
    y_true = pd.Series(Y, index=INDEX.set_levels(TIMES[::-1], level=1))
    with pytest.raises(ValueError, match="Times must increase within a track"):
        event_f1(y_true, Y)


def test_times_are_told_once_and_for_every_row():
    y_true = pd.Series(Y, index=INDEX)
    with pytest.raises(ValueError, match="told twice, by an index and by timestamps"):
        find_events(y_true, timestamps=TIMES)
    with pytest.raises(ValueError, match="timestamps has 4"):
        find_events(Y, timestamps=TIMES[:4])
    with pytest.raises(ValueError, match="Times must increase"):
        find_events(Y, timestamps=TIMES[::-1])


def test_an_integer_index_is_no_time_so_that_any_order_will_do():
    shuffled = [5, 3, 1, 2, 9]
    y_true, y_pred = pd.Series(Y, index=shuffled), pd.Series(Y, index=shuffled)
    assert event_f1(y_true, y_pred) == 1.0
    with pytest.raises(ValueError, match="different indexes, first at row 0: 5 and 9"):
        event_f1(y_true, y_pred[::-1])


def test_masked_values_are_refused():
    masked = np.ma.array([0, 1, 1, 1, 0], mask=[0, 0, 1, 0, 0])
    with pytest.raises(ValueError, match="y_pred is masked in places"):
        event_f1(Y, masked)


def test_flags_of_other_rows_are_refused_though_only_one_index_has_tracks():
    index = pd.MultiIndex.from_product([["A", "B"], [0, 10]])
    y = pd.Series([0, 1, 0, 0], index=index)
    mixed = pd.Series([0, 0, 1, 0], index=[2, 0, 1, 3])
    with pytest.raises(ValueError, match="different indexes, first at row 0"):
        read_pair(y, mixed)
    known = pd.Series([0, 0, 1, 0], index=[0, 10, 0, 10])  # the times of both tracks
    assert len(read_pair(y, known)[2]) == 2
