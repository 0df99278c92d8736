"""The telemetry frame: what is accepted, what is refused and in which words."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core.segments import lengths, segment_ids
from skdsn.tracks import Tracks, is_categorical, read_tracks

DAY = pd.Timestamp("2026-03-02")


def panel(ids, seconds):
    times = DAY + pd.to_timedelta(np.asarray(seconds, dtype=float), unit="s")
    index = pd.MultiIndex.from_arrays([ids, times], names=["track", "time"])
    return pd.DataFrame({"snr": np.arange(float(len(ids)))}, index=index)


# Finding the tracks -------------------------------------------------------------


def test_tracks_of_a_frame_are_found_in_the_order_of_its_rows(X):
    tracks = read_tracks(X)
    assert list(tracks.names) == ["pass-0", "pass-1", "pass-2"]
    assert tracks.bounds.tolist() == [0, 23, 32, 63]
    assert (len(tracks), tracks.n_rows) == (3, 63)
    assert repr(tracks) == "Tracks(n_tracks=3, n_rows=63)"
    assert tracks.of_rows().tolist() == [0] * 23 + [1] * 9 + [2] * 31


def test_tracks_need_not_be_sorted_by_name():
    tracks = read_tracks(panel(["b", "b", "a"], [5, 6, 0]))
    assert list(tracks.names) == ["b", "a"]
    assert tracks.bounds.tolist() == [0, 2, 3]


def test_unused_levels_of_a_subset_are_no_tracks(X):
    tracks = read_tracks(X[X.index.get_level_values(0) != "pass-1"])
    assert list(tracks.names) == ["pass-0", "pass-2"]


def test_index_series_and_frame_give_the_same_tracks(X):
    for telemetry in (X, X.index, X["channel_0"]):
        tracks = read_tracks(telemetry)
        assert tracks.index.equals(X.index)
        np.testing.assert_array_equal(tracks.bounds, [0, 23, 32, 63])


@pytest.mark.parametrize("rows", [0, 3])
def test_a_frame_without_track_level_is_one_track(rows):
    tracks = read_tracks(pd.DataFrame({"a": range(rows)}))
    assert tracks.bounds.tolist() == ([0, 3] if rows else [0])
    assert list(tracks.names) == ([0] if rows else [])
    assert tracks.seconds.tolist() == list(range(rows))


def test_an_array_or_a_list_is_one_track_timed_by_row_number():
    for rows in (np.zeros((4, 2)), [[0], [0], [0], [0]]):
        tracks = read_tracks(rows)
        assert tracks.times is None
        assert tracks.index is None
        assert tracks.bounds.tolist() == [0, 4]
        assert tracks.seconds.tolist() == [0, 1, 2, 3]


def test_an_empty_panel_has_no_track(X):
    tracks = read_tracks(X.iloc[:0])
    assert (len(tracks), tracks.n_rows) == (0, 0)
    assert tracks.segments(60).tolist() == [0]


def test_times_are_compared_within_a_track_only():
    tracks = read_tracks(panel(["a", "a", "b"], [50, 60, 0]))
    assert len(tracks) == 2


@pytest.mark.parametrize(
    "times",
    [
        pd.RangeIndex(5, 8),
        pd.Index([-3, 0, 9]),
        pd.Index(pd.array([1, 2, 3], dtype="Int64")),
        pd.Index(np.array([1, 2, 3], dtype="uint8")),
        pd.to_timedelta([0.0, 0.5, 1.0], unit="s"),
        pd.date_range(DAY, periods=3, tz="Europe/Madrid"),
        pd.date_range(DAY, periods=3, unit="ns"),
    ],
    ids=lambda times: str(times.dtype),
)
def test_datetimes_timedeltas_and_integers_are_times(times):
    assert read_tracks(times).n_rows == 3


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (
            pd.MultiIndex.from_tuples([("a", "b", 1)], names=["x", "y", "z"]),
            ValueError,
            r"one level \(time\) or two \(track, time\); got 3 levels: \['x', 'y'",
        ),
        (
            pd.MultiIndex.from_tuples([("a", 1), (None, 2)]),
            ValueError,
            "Row 1 has no track id",
        ),
        (
            panel(["a", "b", "a"], [0, 1, 2]).index,
            ValueError,
            r"track 'a' are not contiguous .*sort_index",
        ),
        (
            pd.Index([0.0, 0.5]),
            TypeError,
            r"got float64. Convert it with pandas.to_datetime",
        ),
        (pd.Index(["2026-03-02", "2026-03-03"]), TypeError, "got str"),
        (
            pd.Index([DAY, DAY.tz_localize("Europe/Madrid")], dtype=object),
            TypeError,
            r"different time zones, .*pandas.to_datetime\(..., utc=True\)",
        ),
        (
            pd.Index([DAY.date(), None], dtype=object),
            TypeError,
            r"objects, such as datetime.date\(2026, 3, 2\). Convert them with",
        ),
        (3, TypeError, "or an array of rows; got int"),
        (
            pd.DatetimeIndex([DAY, pd.NaT]),
            ValueError,
            "Track 0 has no time in row 1",
        ),
        (
            pd.MultiIndex.from_arrays([["a", "b"], [DAY, pd.NaT]]),
            ValueError,
            "Track 'b' has no time in row 1",
        ),
        (
            panel(["a", "b", "b"], [0, 7, 7]).index,
            ValueError,
            r"in track 'b' the time 2026-03-02 00:00:07 \(row 2\) occurs twice; drop",
        ),
        (
            panel(["a", "b", "b"], [0, 7, 6]).index,
            ValueError,
            r"track 'b' .*00:00:06 \(row 2\) comes after a later one; call X.sort",
        ),
        (pd.RangeIndex(3, 0, -1), ValueError, r"the time 2 \(row 1\) comes after"),
    ],
)
def test_a_broken_index_is_refused_with_place_and_cure(index, error, message):
    with pytest.raises(error, match=message):
        read_tracks(index)


def test_tracks_can_be_made_by_hand():
    tracks = Tracks(pd.Index(["a", "b"]), np.array([0, 2, 3]))
    assert tracks.of_rows().tolist() == [0, 0, 1]
    assert tracks.segments(1).tolist() == [0, 2, 3]


def test_booleans_and_nullables_count_as_numbers():
    X = pd.DataFrame(
        {
            "flag": [True],
            "n": pd.array([1], dtype="Int64"),
            "mode": ["a"],
            "x": [object],
        }
    )
    X["level"] = pd.Categorical(["low"])
    assert is_categorical(X).tolist() == [False, False, True, True, True]


# Gaps ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "max_gap",
    [60, 60.5, np.float32(61), np.int64(60), "1min", pd.Timedelta("1min"),
     np.timedelta64(1, "m"), np.timedelta64(60_000_000_000, "ns"),
     pd.Timedelta("1min").to_pytimedelta()],
    ids=repr,
)  # fmt: skip
def test_a_longer_step_starts_a_segment_whatever_the_unit(X, max_gap):
    tracks = read_tracks(X)
    assert tracks.segments(max_gap).tolist() == [0, 23, 32, 47, 63]


def test_a_step_as_long_as_the_limit_is_no_gap():
    tracks = read_tracks(panel(["a"] * 3, [0, 10, 20.5]))
    assert tracks.segments(10).tolist() == [0, 2, 3]


def test_without_limit_only_tracks_are_segments(X):
    assert read_tracks(X).segments().tolist() == [0, 23, 32, 63]
    assert read_tracks(X).segments(np.inf).tolist() == [0, 23, 32, 63]


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 100)), min_size=1, max_size=20
    ),
    max_gap=st.integers(1, 100),
)
def test_segments_are_cut_at_every_border_and_gap(rows, max_gap):
    ids, steps = zip(*sorted(rows, key=lambda row: row[0]), strict=True)
    seconds = np.cumsum(steps)
    bounds = read_tracks(panel(list(ids), seconds)).segments(max_gap)
    segments = segment_ids(bounds)
    for row in range(1, len(ids)):
        apart = ids[row] != ids[row - 1] or seconds[row] - seconds[row - 1] > max_gap
        assert (segments[row] != segments[row - 1]) == apart
    assert lengths(bounds).min() > 0


# sktime's pd-multiindex ---------------------------------------------------------


@pytest.fixture(scope="module")
def sktime_accepts():
    from sktime.datatypes import check_is_mtype

    return lambda X: check_is_mtype(X, "pd-multiindex", scitype="Panel")


@st.composite
def messy_panels(draw):
    ids = draw(st.lists(st.sampled_from("abc"), min_size=2, max_size=8))
    seconds = draw(st.lists(st.integers(0, 30), min_size=len(ids), max_size=len(ids)))
    if draw(st.booleans()):
        ids = sorted(ids)
    if draw(st.booleans()):
        seconds = sorted(seconds)
    X = panel(ids, seconds)
    return X.tz_localize("UTC", level="time") if draw(st.booleans()) else X


@settings(deadline=None, max_examples=60)
@given(X=messy_panels())
def test_sktime_accepts_whatever_we_accept(sktime_accepts, X):
    try:
        read_tracks(X)
    except ValueError:
        return
    assert sktime_accepts(X)


@settings(deadline=None, max_examples=10)
@given(steps=st.lists(st.floats(0.001, 1e5), min_size=1, max_size=6))
def test_sktime_accepts_ragged_irregular_tracks(sktime_accepts, steps):
    seconds = np.cumsum(np.round(steps, 3))
    ids = ["a"] * len(seconds) + ["b"]
    X = panel(ids, [*seconds, 0.0])
    read_tracks(X)
    assert sktime_accepts(X)


@pytest.mark.parametrize(
    "X",
    [panel(["a", "b", "a"], [0, 1, 2]), panel(["a", "a", "b"], [3, 3, 4])],
    ids=["interleaved", "duplicate"],
)
def test_sktime_admits_interleaved_and_duplicate_rows_that_we_refuse(sktime_accepts, X):
    assert sktime_accepts(X)
    with pytest.raises(ValueError, match=r"not contiguous|occurs twice"):
        read_tracks(X)
