import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics import naive
from metrics.naive import flagged_tracks

from skdsn.labeling import label_incidents
from skdsn.metrics import find_events

IDS = ["A", "A", "A", "B", "B"]
TIMES = pd.date_range("2024-01-01", periods=5, freq="min")
INDEX = pd.MultiIndex.from_arrays([IDS, TIMES], names=["track", "time"])
Y = [0, 1, 1, 1, 0]
BACK = {"start": "start_time", "end": "end_time"}


def test_an_event_stops_at_the_border_of_its_track():
    events = find_events(pd.Series(Y, index=INDEX))
    assert events["track"].tolist() == ["A", "B"]
    assert events["start"].tolist() == [1, 3]
    assert events["stop"].tolist() == [3, 4]
    assert events["start_time"].tolist() == [TIMES[1], TIMES[3]]
    assert events["end_time"].tolist() == [TIMES[2], TIMES[3]]


def test_one_level_of_dates_is_the_time_of_one_track():
    for times in (TIMES, TIMES - TIMES[0], TIMES.tz_localize("Asia/Tokyo")):
        for events in (
            find_events(Y, tracks=times),
            find_events(Y, timestamps=times),
            find_events(pd.Series(Y, index=times)),
        ):
            assert events["stop"].tolist() == [4]
            assert events["start_time"].tolist() == [times[1]]
            assert events["end_time"].tolist() == [times[3]]


def test_one_level_of_integers_are_row_numbers_that_a_slice_shifts():
    events = find_events(pd.Series(Y, index=[3, 5, 8, 9, 12]))
    assert events.columns.tolist() == ["track", "start", "stop"]
    events = find_events(Y, timestamps=[3, 5, 8, 9, 12])
    assert (events["start_time"].tolist(), events["end_time"].tolist()) == ([5], [9])


def test_tracks_and_times_may_be_told_apart():
    for events in (
        find_events(Y, tracks=IDS, timestamps=TIMES),
        find_events(pd.Series(Y, index=TIMES), tracks=IDS),
    ):
        pd.testing.assert_frame_equal(events, find_events(Y, tracks=INDEX))


def test_without_a_time_index_there_are_no_times():
    assert find_events(Y).columns.tolist() == ["track", "start", "stop"]
    assert find_events(Y, tracks=IDS).columns.tolist() == ["track", "start", "stop"]


def test_no_event_and_no_row_give_an_empty_table():
    assert len(find_events([0, 0])) == 0
    assert find_events([]).columns.tolist() == ["track", "start", "stop"]


@given(flagged_tracks())
@settings(deadline=None, max_examples=50)
def test_events_are_maximal_runs_within_tracks(case):
    truth, _, ids = case
    events = find_events(truth, tracks=ids)
    rows = [
        list(range(*pair)) for pair in zip(events["start"], events["stop"], strict=True)
    ]
    assert rows == naive.runs(truth, ids)
    assert events["track"].tolist() == [ids[run[0]] for run in rows]


def test_a_half_open_event_ends_with_the_next_row_or_when_it_was_due():
    gap = pd.Timedelta("1h")
    times = TIMES.append(TIMES + gap)
    y = pd.Series([0, 1, 0, 1, 1, 0, 0, 0, 1, 1], index=times)
    minute = pd.Timedelta("1min")
    closed, left = find_events(y), find_events(y, closed="left")
    assert closed["end_time"].tolist() == [times[1], times[4], times[9]]
    assert left["end_time"].tolist() == [times[2], times[4] + minute, times[9] + minute]
    assert left.drop(columns="end_time").equals(closed.drop(columns="end_time"))


@st.composite
def timed_labels(draw):
    """Labels of tracks of two rows or more, at uneven times, on any clock."""
    truth, _, ids = draw(flagged_tracks())
    truth, ids = np.append(truth, truth[::-1]), np.append(ids, ids[::-1])
    order = np.argsort(ids, kind="stable")
    truth, ids = truth[order], ids[order]
    rows = {"min_size": len(ids), "max_size": len(ids)}
    steps = st.sampled_from([1, 1, 1, 2, 3, 100])
    seconds = np.cumsum(draw(st.lists(steps, **rows))) + 1_770_000_000
    clock = draw(st.sampled_from(["int", "uint", "ns", "s", "zone", "timedelta"]))
    if clock in ("int", "uint"):
        times = pd.Index(seconds, dtype=f"{clock}64")
    elif clock == "timedelta":
        times = pd.to_timedelta(seconds, unit="s")
    else:
        times = pd.to_datetime(seconds, unit="s", utc=clock == "zone")
        times = times.as_unit("s" if clock == "s" else "ns")
        times = times.tz_convert("Europe/Madrid") if clock == "zone" else times
    return pd.Series(truth.astype(int), index=pd.MultiIndex.from_arrays([ids, times]))


@pytest.mark.parametrize("closed", ["both", "left"])
@given(y=timed_labels())
@settings(deadline=None, max_examples=60)
def test_labels_find_their_way_back(closed, y):
    events = find_events(y, closed=closed)
    assert events["start_time"].dtype == events["end_time"].dtype
    back = label_incidents(y, events, closed=closed, **BACK)
    assert back.tolist() == y.tolist()
    again = find_events(back, closed=closed)
    pd.testing.assert_frame_equal(again, events)


def test_an_event_is_closed_on_both_sides_or_on_the_left():
    with pytest.raises(
        ValueError, match="closed must be 'both' or 'left'; got 'right'"
    ):
        find_events(Y, closed="right")
