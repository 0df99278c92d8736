"""Rows of a recorded track: by time, band, elevation, and all of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_tracks import TOY, toy_frame

from skdsn.preparation import cut_track, index_by_time, split_bands, trim_elevation


def reasons(report):
    return dict(zip(report["reason"], report["n_rows"], strict=True))


def test_repair_sorts_drops_and_counts():
    frame = toy_frame(6, T=[3.0, 1.0, np.nan, 1.0, 2.0, 9.0], SNR=range(6))
    X, report = index_by_time(frame, "T", track="A", repair=True)
    assert X["SNR"].tolist() == [1, 4, 0, 5]
    assert "T" not in X
    assert X.index.tolist() == [pd.Timestamp(s, unit="s") for s in (1, 2, 3, 9)]
    assert reasons(report) == {
        "no time": 1,
        "not in the order of time": 1,
        "time occurs before": 1,
    }
    assert report["kept"].tolist() == [False, True, False]
    assert report["track"].tolist() == ["A"] * 3


def test_what_is_in_order_stays_as_it_is():
    frame = toy_frame(4)
    X, report = index_by_time(frame, "T")
    assert len(report) == 0
    pd.testing.assert_frame_equal(X.reset_index(drop=True), frame.drop(columns="T"))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.0, None, 2.0], r"Track 'A' has 1 row\(s\) of 3 .* \(no time\); mend them"),
        ([0.0, 2.0, 1.0], r"not in the order of time"),
        ([0.0, 1.0, 1.0], r"time occurs before"),
        ([None, None, None], r"3 row\(s\) of 3 .* \(no time\)"),
        (["2025-06-02", "soon", None], r"Track 'A': .*'T' .*row 1 has 'soon'"),
        ([1.7e12, 1.8e12, 1.9e12], r"Track 'A': .*'T' must hold seconds since 1970"),
    ],
)
def test_without_repair_the_first_fault_is_named(times, message):
    frame = toy_frame(3).assign(T=times)
    with pytest.raises(ValueError, match=message):
        index_by_time(frame, "T", track="A")


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ([None, None, None], "no time"),
        (["a", "b", None], "times cannot be read"),
        ([1.7e12, 1.8e12, 1.9e12], "times cannot be read"),
    ],
)
def test_a_track_without_any_time_has_no_row_left(times, reason):
    frame = toy_frame(3).assign(T=times)
    X, report = index_by_time(frame, "T", repair=True)
    assert len(X) == 0
    assert isinstance(X.index, pd.DatetimeIndex)
    assert reasons(report) == {reason: 3}


def test_a_track_must_have_its_time_column():
    with pytest.raises(ValueError, match=r"Track 'A' has no column 'UTC'.*columns are"):
        index_by_time(toy_frame(), "UTC", track="A", repair=True)


def test_the_clock_is_utc_whatever_the_times_are_written_in():
    utc = pd.DatetimeIndex(["2025-06-02T12:00", "2025-06-02T12:01"])
    written = [
        utc,
        utc.tz_localize("UTC").tz_convert("Europe/Berlin"),
        utc.strftime("%Y-%jT%H:%M:%S"),
        utc.strftime("%Y-%m-%d %H:%M:%S"),
        utc.as_unit("ns").asi8 / 1e9,
        utc.as_unit("s"),
    ]
    for times in written:
        X, _ = index_by_time(toy_frame(2).assign(T=times), "T")
        assert X.index.equals(utc.as_unit("us"))
        assert X.index.unit == "us"


def test_band_edges_belong_to_the_band():
    frame = toy_frame(5, F=[2.0, 3.0, 25.0, 28.0, 28.1], SNR=range(5))
    parts, report = split_bands(frame, "F", TOY.bands)
    assert parts["S"]["SNR"].tolist() == [0, 1]
    assert parts["K"]["SNR"].tolist() == [2, 3]
    assert reasons(report) == {"F outside all bands": 1}


def test_frequencies_that_are_no_numbers_are_missing():
    frame = toy_frame(3, F=["2.2", "high", None])
    parts, report = split_bands(frame, "F", TOY.bands)
    assert len(parts["S"]) == 1
    assert reasons(report) == {"no F": 2}
    masked = toy_frame(2).assign(F=pd.array([2, None], dtype="Int64"))
    assert len(split_bands(masked, "F", TOY.bands)[0]["S"]) == 1


def test_a_track_without_frequency_has_no_part():
    parts, report = split_bands(toy_frame().drop(columns="F"), "F", TOY.bands)
    assert parts == {}
    assert reasons(report) == {"no column F": 8}


def test_bands_must_not_overlap():
    with pytest.raises(ValueError, match="'A' and 'B' overlap between 2 and 3 Hz"):
        split_bands(toy_frame(), "F", {"B": (2.0, 4.0), "A": (1.0, 3.0)})


def test_only_exactly_parked_rows_are_trimmed():
    frame = toy_frame(7, EL=[90.0, 89.9, np.nan, 90.0, 10.0, 90.1, 90.0])
    pieces, report = trim_elevation(frame, "EL", min_rows=2, track="A")
    assert [piece.index.tolist() for piece in pieces] == [[1, 2], [4, 5]]
    assert reasons(report) == {"antenna parked": 3}


def test_a_track_that_was_never_parked_passes_whatever_its_length():
    for frame in (toy_frame(2), toy_frame(2).drop(columns="EL")):
        pieces, report = trim_elevation(frame, "EL", min_rows=100)
        assert len(pieces) == 1
        assert pieces[0] is frame
        assert len(report) == 0


# -- all of it --


def test_parts_are_named_by_band_and_piece():
    elevation = [30.0] * 4 + [90.0] + [30.0] * 5
    frame = pd.concat(
        [toy_frame(10, EL=elevation), toy_frame(4, 50.0, band="K")], ignore_index=True
    )
    parts, report = cut_track("a_b", frame, TOY, trim=True)
    assert [part.track for part in parts] == ["a_b_S_p1", "a_b_S_p2", "a_b_K"]
    assert [part.band for part in parts] == ["S", "S", "K"]
    assert [len(part.X) for part in parts] == [4, 5, 4]
    assert reasons(report) == {"antenna parked": 1}
    assert not {"T", "DULL"} & set(parts[0].X)
    parts, report = cut_track("a", frame, TOY, bands=["K"])
    assert [part.track for part in parts] == ["a_K"]
    assert reasons(report) == {"band not asked for": 10}


def test_a_band_must_be_one_of_the_mission():
    with pytest.raises(ValueError, match=r"'toy' has no band 'X'; .* are S, K"):
        cut_track("A", toy_frame(), TOY, bands=["X"])


@pytest.mark.parametrize("column", ["T", "F"])
def test_a_track_without_a_column_it_needs_is_counted_or_refused(column):
    frame = toy_frame().drop(columns=column)
    parts, report = cut_track("A", frame, TOY)
    assert parts == []
    assert reasons(report) == {f"no column {column}": 8}
    with pytest.raises(ValueError, match=rf"Track 'A' has no column '{column}'"):
        cut_track("A", frame, TOY, repair=False)


def test_the_first_of_two_columns_of_one_name_is_kept_or_both_refused():
    frame = pd.concat([toy_frame(), toy_frame(seed=1)[["SNR", "T"]]], axis=1)
    parts, report = cut_track("A", frame, TOY)
    np.testing.assert_array_equal(parts[0].X["SNR"], toy_frame()["SNR"])
    assert reasons(report) == {"column SNR occurs twice, first one kept": 8}
    assert report["kept"].all()
    with pytest.raises(ValueError, match="Track 'A' has the column 'SNR' twice"):
        cut_track("A", frame, TOY, repair=False)


ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]),
        st.sampled_from([2.2, 2.2, 26.0, 9.0, None]),
        st.sampled_from([30.0, 30.0, 30.0, 90.0, None]),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, trim=st.booleans(), min_rows=st.integers(1, 5), only=st.booleans())
def test_each_row_is_in_one_part_or_in_the_report(rows, trim, min_rows, only):
    frame = pd.DataFrame(rows, columns=["T", "F", "EL"], dtype="float64")
    frame["ROW"] = np.arange(len(frame))
    parts, report = cut_track(
        "A", frame, TOY, bands=["S"] if only else None, trim=trim, min_rows=min_rows
    )
    kept = [row for part in parts for row in part.X["ROW"]]
    assert len(kept) == len(set(kept))
    assert len(kept) + report.loc[~report["kept"], "n_rows"].sum() == len(frame)
    for part in parts:
        X = part.X
        assert len(X) >= min_rows
        assert X.index.is_monotonic_increasing
        assert X.index.is_unique
        low, high = TOY.bands[part.band]
        assert X["F"].between(low, high).all()
        assert not (trim and (X["EL"] == 90.0).any())
        given_times = frame["T"].to_numpy()[X["ROW"]]
        np.testing.assert_array_equal(
            (X.index - pd.Timestamp(0)).total_seconds(), given_times
        )
