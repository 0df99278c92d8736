import numpy as np
import pandas as pd
import pytest

from skdsn.metrics import event_f1, find_events, point_adjusted_f1
from skdsn.tracks import read_tracks

IDS = ["A", "A", "A", "B", "B"]
TIMES = pd.date_range("2024-01-01", periods=5, freq="min")
INDEX = pd.MultiIndex.from_arrays([IDS, TIMES], names=["track", "time"])
Y = [0, 1, 1, 1, 0]


def test_an_event_stops_at_the_border_of_its_track():
    events = find_events(pd.Series(Y, index=INDEX))
    assert events["track"].tolist() == ["A", "B"]
    assert events["start"].tolist() == [1, 3]
    assert events["stop"].tolist() == [3, 4]
    assert events["start_time"].tolist() == [TIMES[1], TIMES[3]]
    assert events["end_time"].tolist() == [TIMES[2], TIMES[3]]


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


def test_one_level_index_is_the_time_of_one_track():
    for tracks in (TIMES, pd.RangeIndex(5), pd.Index([3, 5, 8, 9, 12])):
        events = find_events(Y, tracks=tracks)
        assert events["stop"].tolist() == [4]
        assert events["end_time"].tolist() == [tracks[3]]
    assert find_events(pd.Series(Y, index=TIMES))["start_time"].tolist() == [TIMES[1]]


def test_without_a_time_index_there_are_no_times():
    assert find_events(Y).columns.tolist() == ["track", "start", "stop"]
    assert find_events(Y, tracks=IDS).columns.tolist() == ["track", "start", "stop"]


def test_no_event_and_no_row_give_an_empty_table():
    assert len(find_events([0, 0])) == 0
    assert find_events([]).columns.tolist() == ["track", "start", "stop"]


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


@pytest.mark.parametrize("dtype", [bool, "int8", float, "Int64", "boolean", object])
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
