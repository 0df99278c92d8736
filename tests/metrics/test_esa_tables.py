"""Flags per channel as step functions, on any clock."""

import numpy as np
import pandas as pd
import pytest

from skdsn.metrics import esa_adb_scores
from skdsn.metrics._esa_tables import Clock, read_predictions

SECOND = 1_000_000_000
DATES = pd.date_range("2000-01-01", periods=5, freq="h")
FLAGS = [0, 1, 1, 0, 1]


def read(*args, clock=None, **options):
    return read_predictions(*args, clock or Clock(), **options)


def test_a_sample_lasts_until_the_next_one_and_the_last_to_the_end():
    flags = pd.Series(FLAGS, index=[0, 10, 20, 30, 50])
    flagged, first, last = read({"c": flags})
    starts, stops = flagged["c"]
    assert (first, last) == (0, 50 * SECOND)
    assert starts.tolist() == [10 * SECOND, 50 * SECOND]
    assert stops.tolist() == [30 * SECOND, 50 * SECOND + 1]


@pytest.mark.parametrize(
    ("start", "end", "starts", "stops"),
    [
        (None, 90, [10, 50], [30, 90 + 1e-9]),
        (15, None, [15, 50], [30, 50 + 1e-9]),
        (15, 18, [15], [18 + 1e-9]),
        (31, 40, [], []),
        (-5, 5, [], []),
    ],
)
def test_flags_are_cut_at_the_time_to_score(start, end, starts, stops):
    flags = pd.Series(FLAGS, index=[0, 10, 20, 30, 50])
    flagged, _, _ = read({"c": flags}, start=start, end=end)
    np.testing.assert_allclose(flagged["c"][0] / SECOND, starts)
    np.testing.assert_allclose(flagged["c"][1] / SECOND, stops, rtol=1e-12)


def test_flags_are_held_before_the_first_sample_of_their_channel():
    flags = {"late": pd.Series([1, 0], index=[40, 60]), "c": pd.Series([0], index=[0])}
    flagged, first, last = read(flags)
    assert (first, last) == (0, 60 * SECOND)
    assert [edge.tolist() for edge in flagged["late"]] == [[0], [60 * SECOND]]
    assert len(flagged["c"][0]) == 0


@pytest.mark.parametrize(
    "index",
    [
        DATES,
        DATES.tz_localize("UTC"),
        DATES.tz_localize("UTC").tz_convert("Asia/Tokyo"),
        DATES.as_unit("s"),
        pd.Index(DATES.strftime("%Y-%m-%dT%H:%M:%SZ")),
        pd.Index(DATES.strftime("%Y-%m-%d %H:%M")),
        pd.Index(DATES.to_pydatetime(), dtype=object),
    ],
    ids=["naive", "utc", "zone", "seconds", "text Z", "text", "objects"],
)
def test_dates_may_be_told_in_many_ways(index):
    labels = pd.DataFrame(
        [["a", "c", "2000-01-01T01:00:00Z", "2000-01-01T02:30:00.000Z", "Anomaly"]],
        columns=["ID", "Channel", "StartTime", "EndTime", "Category"],
    )
    scores = esa_adb_scores(labels, {"c": pd.Series(FLAGS, index=index)})
    assert (scores.true_positives, scores.false_positives, scores.adtqc) == (1, 1, 1)
    naive = labels.assign(
        StartTime=pd.to_datetime(["2000-01-01T01"]), EndTime=DATES[[2]]
    )
    scores = esa_adb_scores(
        naive, {"c": pd.Series(FLAGS, index=index)}, start="2000-01-01", end=DATES[4]
    )
    assert scores.event_wise_recall == 1


@pytest.mark.parametrize("kind", ["int", "float", "timedelta"])
def test_seconds_and_timedeltas_will_do(kind):
    times = {
        "int": np.array([0, 3, 5, 9]),
        "float": np.array([0, 3.5, 5.25, 9]),
        "timedelta": pd.to_timedelta([0, 3, 5, 9], unit="s"),
    }[kind]
    labels = pd.DataFrame(
        [["a", "c", times[1], times[2], "Anomaly"]],
        columns=["ID", "Channel", "StartTime", "EndTime", "Category"],
    )
    flags = pd.Series([0, 1, 0, 0], index=times)
    scores = esa_adb_scores(labels, {"c": flags}, start=times[0], end=times[3])
    assert (scores.event_wise_f, scores.affiliation_f) == (1, 1)


@pytest.mark.parametrize(
    ("labels", "flags"),
    [
        ("2000-01-01", [0, 1]),
        (5, DATES[:2]),
        (pd.Timedelta("5s"), [0, 1]),
        (5.0, pd.to_timedelta([0, 1], unit="s")),
    ],
)
def test_labels_on_another_clock_are_refused(labels, flags):
    table = pd.DataFrame(
        [["a", "c", labels, labels, "Anomaly"]],
        columns=["ID", "Channel", "StartTime", "EndTime", "Category"],
    )
    with pytest.raises(TypeError, match=r"StartTime of labels is told in .*same clock"):
        esa_adb_scores(table, {"c": pd.Series([0, 1], index=flags)})


def test_a_start_on_another_clock_is_refused():
    flags = pd.Series([0, 1], index=[0, 1])
    with pytest.raises(TypeError, match="start is told in dates"):
        read({"c": flags}, start="2000-01-01")


@pytest.mark.parametrize(
    ("predictions", "match"),
    [
        ({}, "holds no channel; give at least one"),
        ({"c": pd.Series([], dtype=int)}, "at least one time"),
        (
            {"c": pd.Series([0, 1, 0], index=[0, 2, 1])},
            "channel 'c' must increase.*row 2",
        ),
        ({"c": pd.Series([0, 1, 0], index=[0, 1, 1])}, "must increase, but 1 .row 2"),
        (
            {"c": pd.Series([0, 2], index=[0, 1])},
            "channel 'c' must hold 0.*got 2 in row 1",
        ),
        ({"c": pd.Series([0, np.nan], index=[0, 1])}, "must hold 0.*got nan"),
        ({"c": pd.Series([0.0, 0.7], index=[0, 1])}, "must hold 0.*got 0.7"),
        (
            {"c": pd.Series([0, 1], index=[0, np.nan])},
            "channel 'c' is missing in row 1",
        ),
        (
            {"c": pd.Series([0, 1], index=["today", "later"])},
            "cannot be read as a time in row 0 .got 'today'",
        ),
        ({"c": pd.Series([0], index=[7])}, "no time to score"),
    ],
)
def test_bad_predictions_are_refused(predictions, match):
    with pytest.raises(ValueError, match=match):
        read(predictions)


@pytest.mark.parametrize(
    ("predictions", "match"),
    [([0, 1], "map each channel"), ({"c": [0, 1]}, "channel 'c' must be a Series")],
)
def test_what_is_no_table_of_flags_is_refused(predictions, match):
    with pytest.raises(TypeError, match=rf"{match}.*got list"):
        read(predictions)


def test_a_start_after_the_end_leaves_no_time():
    flags = pd.Series([0, 1], index=[0, 10])
    with pytest.raises(ValueError, match="start must come before end"):
        read({"c": flags}, start=11)
