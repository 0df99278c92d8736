"""One clock and one set of columns for all tracks."""

import warnings

import numpy as np
import pandas as pd
import pytest

from skdsn.preprocessing import TrackAligner
from skdsn.tracks import read_tracks

CLOCKS = ("seconds_since_start", "seconds_since_track_start", "segment")


def test_clocks_count_from_the_first_training_row_and_from_each_track(X):
    aligner = TrackAligner(clocks=CLOCKS, max_gap="10min").fit(X)
    out = aligner.transform(X)
    seconds = read_tracks(X).seconds
    assert aligner.start_ == seconds[0]
    assert (out["seconds_since_start"] == seconds - seconds[0]).all()
    since = out["seconds_since_track_start"]
    assert since.iloc[[0, 22, 23, 31, 32, 46, 47, 62]].tolist() == [
        0, 22, 0, 8, 0, 14, 3615, 3630,
    ]  # fmt: skip
    assert out["segment"].groupby(level=0).max().tolist() == [0, 0, 1]
    assert aligner.n_gaps_ == 1


def test_without_a_limit_there_are_no_segments(X):
    aligner = TrackAligner(clocks=["segment"]).fit(X)
    assert aligner.n_gaps_ == 0
    assert not aligner.transform(X)["segment"].any()


def test_clocks_come_in_the_order_asked_for_behind_the_columns(X):
    aligner = TrackAligner(clocks=["segment", "seconds_since_start"]).fit(X)
    assert list(aligner.transform(X).columns) == [
        *X.columns,
        "segment",
        "seconds_since_start",
    ]


@pytest.mark.parametrize(
    "start",
    [
        "2026-03-01",
        pd.Timestamp("2026-03-01T01:00", tz="Europe/Madrid"),
        np.datetime64("2026-03-01"),
        pd.Timestamp("2026-03-01").date(),
        pd.Timestamp("2026-03-01").timestamp(),
    ],
    ids=lambda start: type(start).__name__,
)
def test_the_origin_may_be_given_in_any_form(X, start):
    aligner = TrackAligner(clocks=["seconds_since_start"], start=start).fit(X)
    assert aligner.transform(X)["seconds_since_start"].iloc[0] == 86_400


def test_the_origin_is_the_earliest_row_whatever_the_order_of_the_tracks(X):
    swapped = pd.concat([X.loc[["pass-2"]], X.loc[["pass-0"]]])
    aligner = TrackAligner(clocks=["seconds_since_start"]).fit(swapped)
    assert aligner.transform(swapped)["seconds_since_start"].min() == 0


def test_later_tracks_keep_the_origin_of_training(X):
    aligner = TrackAligner(clocks=["seconds_since_start"]).fit(X.loc[["pass-0"]])
    out = aligner.transform(X.loc[["pass-1"]])
    assert out["seconds_since_start"].iloc[0] == 10_000


def test_gaps_are_counted_over_chunks_and_at_their_borders():
    seconds = [0, 1, 100, 101, 200, 201, 300]
    index = pd.MultiIndex.from_product([["a"], seconds])
    X = pd.DataFrame({"snr": 0.0}, index=index)
    aligner = TrackAligner(clocks=["segment"], max_gap=50).fit(X)
    for cuts in ([2], [3], [1, 2, 4], [2, 4, 6]):
        state, parts = None, []
        for rows in np.split(np.arange(7), cuts):
            part, state = aligner.stream(X.iloc[rows], state)
            parts.append(part)
        segments = pd.concat(parts)["segment"]
        assert segments.tolist() == [0, 0, 1, 1, 2, 2, 3]


def test_extra_columns_are_left_out_with_a_warning_and_order_is_restored(X):
    aligner = TrackAligner(clocks=()).fit(X)
    shuffled = X[X.columns[::-1]].assign(extra=1.0, another=2.0)
    with pytest.warns(UserWarning, match="fit: .'extra', 'another'. .2 in all"):
        out = aligner.transform(shuffled)
    pd.testing.assert_frame_equal(out, X)


def test_columns_in_another_order_are_no_reason_to_warn(X):
    aligner = TrackAligner(clocks=()).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = aligner.transform(X[X.columns[::-1]])
    pd.testing.assert_frame_equal(out, X)


def test_columns_are_aligned_in_a_stream_too(X):
    aligner = TrackAligner(clocks=()).fit(X)
    with pytest.warns(UserWarning, match="not there in fit"):
        out, _ = aligner.stream(X[X.columns[::-1]].assign(extra=1.0))
    pd.testing.assert_frame_equal(out, X)


def test_missing_columns_are_named(X):
    aligner = TrackAligner().fit(X)
    message = r"missing: \['channel_1', 'channel_3'\] \(2 in all\)"
    with pytest.raises(ValueError, match=message):
        aligner.transform(X[["channel_0", "channel_2"]])


def test_dropped_columns_are_dropped_and_absent_ones_ignored(X):
    aligner = TrackAligner(drop=["channel_2", "nothing"], clocks=()).fit(X)
    assert aligner.dropped_ == ["channel_2"]
    assert list(aligner.transform(X).columns) == ["channel_0", "channel_1", "channel_3"]


def test_a_column_without_a_name_is_dropped_by_its_place(X):
    numbered = X.set_axis(range(4), axis=1)
    with pytest.raises(TypeError, match="must hold names of columns; got 2 in TrackA"):
        TrackAligner(drop=[2]).fit(numbered)
    out = TrackAligner(drop=["x2"], clocks=()).fit_transform(numbered)
    assert list(out.columns) == ["x0", "x1", "x3"]


def test_a_dropped_column_makes_room_for_a_clock(X):
    X = X.rename(columns={"channel_0": "segment"})
    with pytest.raises(ValueError, match=r"already has a column 'segment'"):
        TrackAligner(clocks=["segment"]).fit(X)
    out = TrackAligner(clocks=["segment"], drop=["segment"]).fit_transform(X)
    assert not out["segment"].any()


def test_an_unknown_clock_is_refused(X):
    with pytest.raises(ValueError, match=r"clocks must be among .*got 'noon'"):
        TrackAligner(clocks=["noon"]).fit(X)


def test_a_clock_named_twice_is_refused(X):
    with pytest.raises(ValueError, match="clocks names 'segment' twice"):
        TrackAligner(clocks=["segment", "segment"]).fit(X)


@pytest.mark.parametrize("start", ["rubbish", "", pd.NaT, "2026-13-01"])
def test_an_origin_that_is_no_date_is_refused(X, start):
    with pytest.raises(ValueError, match=r"start must be a date such as .* or sec"):
        TrackAligner(start=start).fit(X)


def test_a_date_is_no_origin_of_row_numbers(X):
    X = X.loc["pass-0"].reset_index(drop=True)
    aligner = TrackAligner(clocks=["seconds_since_start"], start="2026-03-02")
    with pytest.raises(ValueError, match="'2026-03-02' is a date, but the rows are"):
        aligner.fit(X)
    out = aligner.set_params(start=-5.0).fit_transform(X)
    assert out["seconds_since_start"].iloc[0] == 5


@pytest.mark.parametrize("parameter", ["clocks", "drop"])
def test_one_name_is_no_list_of_names(X, parameter):
    with pytest.raises(ValueError, match=f"'{parameter}' .* instance of 'list'"):
        TrackAligner(**{parameter: "segment"}).fit(X)


def test_rows_on_another_clock_are_refused_if_clocks_are_asked_for(X):
    one = X.loc["pass-0"]
    numbered = one.reset_index(drop=True)
    with pytest.raises(ValueError, match="fitted on rows timed by dates, but"):
        TrackAligner().fit(one).transform(numbered)
    out = TrackAligner(clocks=()).fit(one).transform(numbered)
    pd.testing.assert_frame_equal(out, numbered)


def test_text_and_missing_values_pass_untouched(X):
    X = X.assign(mode="LOCK")
    X.iloc[3, 0] = np.nan
    pd.testing.assert_frame_equal(TrackAligner(clocks=()).fit_transform(X), X)
