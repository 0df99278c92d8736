"""The telemetry frame: what is accepted, what is refused and in which words."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core.segments import lengths, segment_ids
from skdsn.tracks import (
    Tracks,
    as_seconds,
    as_telemetry,
    gap_seconds,
    is_categorical,
    read_tracks,
    stack_tracks,
)

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
    for telemetry in (X.index, X["channel_0"]):
        np.testing.assert_array_equal(read_tracks(telemetry).bounds, [0, 23, 32, 63])


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


# Gaps and seconds ---------------------------------------------------------------


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


@pytest.mark.parametrize("max_gap", [0, -1, np.nan, "-3s", np.timedelta64("NaT")])
def test_a_gap_must_be_positive(max_gap):
    with pytest.raises(ValueError, match="max_gap must be positive"):
        gap_seconds(max_gap)


def test_an_unreadable_gap_is_refused():
    with pytest.raises(ValueError, match="seconds or a timedelta such as '10min'"):
        gap_seconds("soon")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_seconds_do_not_depend_on_the_unit_of_the_clock(unit):
    times = pd.DatetimeIndex(["1970-01-01T00:00:01", "2026-03-02"]).as_unit(unit)
    assert as_seconds(times).tolist() == [1.0, DAY.timestamp()]
    assert as_seconds(times - times[0]).tolist() == [0.0, DAY.timestamp() - 1]


def test_naive_times_are_utc_and_zones_are_respected():
    utc = pd.DatetimeIndex(["2026-07-01T12:00"])
    madrid = utc.tz_localize("UTC").tz_convert("Europe/Madrid")
    assert as_seconds(madrid).tolist() == as_seconds(utc).tolist()


def test_fractions_and_missing_times_survive():
    times = pd.Series([DAY + pd.Timedelta("250ms"), pd.NaT])
    np.testing.assert_array_equal(as_seconds(times) - DAY.timestamp(), [0.25, np.nan])


def test_numbers_already_are_seconds():
    assert as_seconds([0, 5]).tolist() == [0.0, 5.0]
    assert as_seconds(pd.Series([0.5])).tolist() == [0.5]


def test_the_far_future_is_a_time_too():
    never = pd.to_datetime(pd.Series(["9999-12-31"]), utc=True)
    assert as_seconds(never)[0] == pytest.approx(253402214400.0)


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
        ("text", {}, TypeError, "A str is no telemetry frame and no panel"),
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


# Import -------------------------------------------------------------------------


def test_importing_the_rooms_loads_no_heavy_package():
    rooms = "tracks preprocessing metrics labeling detectors streaming datasets"
    code = (
        "import importlib, sys\n"
        "import skdsn\n"
        "assert 'sklearn' not in sys.modules, 'import skdsn loads scikit-learn'\n"
        f"for room in {rooms.split()!r} + ['encoders', 'model_selection']:\n"
        "    importlib.import_module('skdsn.' + room)\n"
        "    for heavy in ('torch', 'sktime', 'optuna', 'matplotlib', 'skorch'):\n"
        "        assert heavy not in sys.modules, f'{room} loads {heavy}'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_tracks_can_be_made_by_hand():
    tracks = Tracks(pd.Index(["a", "b"]), np.array([0, 2, 3]))
    assert tracks.of_rows().tolist() == [0, 0, 1]
    assert tracks.segments(1).tolist() == [0, 2, 3]
