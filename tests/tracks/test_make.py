"""Telemetry frames from other containers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdsn.tracks import as_telemetry, read_tracks, stack_tracks

DAY = pd.Timestamp("2026-03-02")
ZONES = [None, "UTC", "Europe/Madrid"]


# Stacking tracks ----------------------------------------------------------------


def test_stacked_series_and_lists_make_a_series():
    y = stack_tracks({"b": [0, 1], "a": pd.Series([1])})
    assert isinstance(y, pd.Series)
    assert y.index.tolist() == [("b", 0), ("b", 1), ("a", 0)]
    assert y.index.names == ["track", "time"]


def test_stacked_tracks_take_the_names_given():
    frame = pd.DataFrame({"snr": [1.0]}, index=pd.DatetimeIndex([DAY], name="utc"))
    assert stack_tracks({7: frame}, names=("pass", "t")).index.names == ["pass", "t"]


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        ({}, "no track to stack"),
        (
            {"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"y": [1]})},
            "Tracks 'a' and 'b' have different columns",
        ),
        ({"a": np.zeros(2), "b": np.zeros((2, 1))}, "'a' and 'b' have different"),
        ({"a": pd.Series([1, 2], index=[5, 5])}, "track 'a' the time 5 .*twice"),
    ],
)
def test_tracks_that_do_not_fit_together_are_refused(tracks, message):
    with pytest.raises(ValueError, match=message):
        stack_tracks(tracks)


# From other containers ----------------------------------------------------------


def test_a_flat_frame_is_indexed_by_its_columns():
    flat = pd.DataFrame({"t": [0, 5, 0], "pass": [8, 8, 7], "snr": [1.0, 2.0, 3.0]})
    X = as_telemetry(flat, track="pass", time="t")
    assert X.index.names == ["pass", "t"]
    assert X["snr"].to_dict() == {(8, 0): 1.0, (8, 5): 2.0, (7, 0): 3.0}
    assert list(flat.columns) == ["t", "pass", "snr"]


def test_a_flat_frame_without_track_is_one_track():
    X = as_telemetry(pd.DataFrame({"t": [DAY], "snr": [1.0]}), time="t")
    assert X.index.nlevels == 1
    assert read_tracks(X).n_rows == 1


def test_float_seconds_become_timedeltas():
    X = as_telemetry(pd.DataFrame({"t": [0.0, 0.25], "snr": [1.0, 2.0]}), time="t")
    assert isinstance(X.index, pd.TimedeltaIndex)
    assert read_tracks(X).seconds.tolist() == [0.0, 0.25]


def test_an_indexed_frame_comes_back_as_it_is(X):
    assert as_telemetry(X) is X
    one = X.loc["pass-0"]
    assert as_telemetry(one) is one


def ragged():
    return {
        "b": pd.DataFrame({"snr": [1.0, 2.0, 3.0]}),
        "a": pd.DataFrame({"snr": [4.0]}),
    }


@pytest.mark.parametrize("kind", [dict, lambda tracks: list(tracks.items())])
def test_ragged_tracks_of_a_mapping_or_of_pairs_keep_their_order(kind):
    X = as_telemetry(kind(ragged()))
    assert list(read_tracks(X).names) == ["b", "a"]
    assert X["snr"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_time_is_read_from_a_column_of_every_track():
    frame = pd.DataFrame({"t": [0.5, 1.5], "snr": [1.0, 2.0]})
    X = as_telemetry({"a": frame, "b": frame}, time="t")
    assert list(X.columns) == ["snr"]
    assert read_tracks(X).seconds.tolist() == [0.5, 1.5, 0.5, 1.5]


def test_time_is_read_from_a_column_of_every_frame_of_a_list():
    frame = pd.DataFrame({"t": [0.5, 1.5], "snr": [1.0, 2.0]})
    X = as_telemetry([frame, frame], time="t")
    assert list(X.columns) == ["snr"]
    assert read_tracks(X).bounds.tolist() == [0, 2, 4]


def test_a_list_of_frames_is_a_panel():
    X = as_telemetry(list(ragged().values()))
    assert read_tracks(X).bounds.tolist() == [0, 3, 4]
    assert list(X.columns) == ["snr"]


def test_a_cube_is_tracks_by_channels_by_rows():
    cube = np.arange(24.0).reshape(2, 3, 4)
    X = as_telemetry(cube)
    assert X.shape == (8, 3)
    assert read_tracks(X).bounds.tolist() == [0, 4, 8]
    np.testing.assert_array_equal(X.to_numpy()[:4], cube[0].T)


def test_a_table_of_numbers_is_one_track():
    X = as_telemetry(np.zeros((4, 2)))
    assert X.shape == (4, 2)
    assert len(read_tracks(X)) == 1


def test_a_nested_frame_is_unfolded():
    from sktime.datatypes import convert

    nested = convert(as_telemetry(ragged()), "pd-multiindex", "nested_univ", "Panel")
    X = as_telemetry(nested)
    assert X["snr"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert len(read_tracks(X)) == 2


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        (
            [("a", pd.DataFrame()), ("a", pd.DataFrame())],
            {},
            ValueError,
            "Track id 'a' occurs twice",
        ),
        (
            pd.DataFrame({"a": [1]}),
            {"track": "a"},
            ValueError,
            "Name the time column too",
        ),
        (
            pd.DataFrame({"a": [1]}),
            {"time": "t"},
            ValueError,
            r"no column 't'; its columns are \['a'\]",
        ),
        ("x.csv", {}, TypeError, "not the path 'x.csv'; read the file first"),
        (Path("x.csv"), {}, TypeError, "not the path 'x.csv'"),
        ([], {}, ValueError, "There is no track; got an empty list"),
        (3, {}, TypeError, r"A int is no telemetry frame .*; pass a DataFrame with"),
        (np.zeros(3), {}, TypeError, "A ndarray of 1 dimensions is no telemetry"),
        ([("a", 1, 2)], {}, TypeError, "A list is no telemetry frame"),
        ({"a": 3}, {}, TypeError, "Track 'a' must be a frame or an array of rows; got"),
        ({"a": [1]}, {"time": "t"}, ValueError, "no column 't'"),
        (
            np.zeros((2, 1)),
            {"time": "t"},
            ValueError,
            "A ndarray has no columns that time='t' could name; leave it out",
        ),
        (
            pd.DataFrame({"t": [DAY.tz_localize(z) for z in ZONES], "a": 0}),
            {"time": "t"},
            TypeError,
            r"of different time zones, .*pandas.to_datetime\(..., utc=True\)",
        ),
        (pd.DataFrame({"t": [5, 4], "a": 0}), {"time": "t"}, ValueError, "later one"),
        (
            pd.DataFrame({"t": [None, "x"], "a": 0}),
            {"time": "t"},
            TypeError,
            "must hold datetimes",
        ),
    ],
)
def test_what_cannot_be_telemetry_is_refused(data, options, error, message):
    with pytest.raises(error, match=message):
        as_telemetry(data, **options)
