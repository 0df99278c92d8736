"""Incidents become row labels, row labels become window labels."""

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression

from skdsn.labeling import WindowLabeler, label_incidents
from skdsn.tracks import read_tracks

DAY = pd.Timestamp("2026-03-02")
INDEX = pd.MultiIndex.from_product([["a", "b"], range(0, 60, 10)])


def incidents(*rows, columns=("track", "from", "to")):
    return pd.DataFrame(list(rows), columns=list(columns))


def label(index, table, **options):
    return label_incidents(index, table, start="from", end="to", **options)


def labelled(index, table, **options):
    y = label(index, table, **options)
    return y.index[y == 1].tolist()


# Incidents ----------------------------------------------------------------------


def test_both_ends_belong_to_the_incident():
    assert labelled(INDEX, incidents(("a", 10, 20))) == [("a", 10), ("a", 20)]
    assert labelled(INDEX, incidents(("a", 10, 10))) == [("a", 10)]
    assert labelled(INDEX, incidents(("a", 10.001, 29.999))) == [("a", 20)]


def test_overlapping_incidents_unite():
    table = incidents(("a", 0, 20), ("a", 10, 30), ("a", 10, 10))
    y = label(INDEX, table)
    assert set(y) == {0, 1}
    assert y.loc["a"].tolist() == [1, 1, 1, 1, 0, 0]
    assert y.loc["b"].sum() == 0


def test_labels_come_with_the_index_of_the_telemetry(X):
    table = incidents(("pass-1", X.index[25][1], X.index[27][1]))
    for telemetry in (X, X["channel_0"], X.index):
        y = label(telemetry, table)
        assert y.name == "anomaly"
        assert y.dtype == np.int64
        pd.testing.assert_index_equal(y.index, X.index)
        assert np.flatnonzero(y).tolist() == [25, 26, 27]


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]), st.integers(-9, 70), st.integers(0, 30)
        ),
        max_size=5,
    ),
    padding=st.integers(0, 12),
)
def test_labels_are_those_of_the_definition(rows, padding):
    table = incidents(*[(name, begin, begin + length) for name, begin, length in rows])
    y, report = label(INDEX, table, padding=padding, return_report=True)
    hit = [
        [
            (name is None or name == track)
            and begin - padding <= time <= begin + length + padding
            for name, begin, length in rows
        ]
        for track, time in INDEX
    ]
    assert y.tolist() == [int(any(of_row)) for of_row in hit]
    assert report["n_rows"].tolist() == np.sum(hit, axis=0, dtype=int).tolist()


def test_an_incident_without_track_goes_by_time():
    without = incidents((20, 30), columns=("from", "to"))
    both = [("a", 20), ("a", 30), ("b", 20), ("b", 30)]
    assert labelled(INDEX, without, track=None) == both
    with pytest.warns(UserWarning, match="no column 'track'.*by time alone"):
        assert labelled(INDEX, without) == both
    assert labelled(INDEX, incidents((None, 20, 30))) == both


def test_an_incident_of_a_station_labels_the_tracks_of_that_station():
    table = incidents(("DSS-14", 0, 0), columns=("station", "from", "to"))
    stations = {"a": "DSS-14", "b": "DSS-63"}
    for known in (stations, pd.Series(stations)):
        assert labelled(INDEX, table, stations=known) == [("a", 0)]
    assert labelled(INDEX, table, track=None) == [("a", 0), ("b", 0)]


def test_the_track_counts_before_the_station():
    table = pd.DataFrame(
        {"track": ["b", None], "station": ["S", "S"], "from": [0, 50], "to": [0, 50]}
    )
    assert labelled(INDEX, table, stations={"a": "S"}) == [("a", 50), ("b", 0)]


def test_columns_may_have_any_name():
    table = incidents(("b", "S", 0, 0), columns=("pass", "dss", "from", "to"))
    assert labelled(INDEX, table, track="pass") == [("b", 0)]
    found = labelled(INDEX, table, station="dss", stations={"a": "S"})
    assert found == [("a", 0)]


def test_incidents_that_match_nothing_are_told_in_a_warning():
    table = incidents(("a", 0, 0), ("z", 0, 10))
    with pytest.warns(
        UserWarning, match=r"1 of 2 .* first 1 \(unknown track\)"
    ) as said:
        label_incidents(INDEX, table, start="from", end="to")
    assert said[0].filename == __file__


def test_the_report_tells_what_each_incident_matched():
    table = incidents(
        ("a", 0, 20),
        (None, 0, 0),
        ("z", 0, 0),
        ("b", 61, 70),
        ("a", None, 5),
        ("a", 5, None),
    ).set_index(pd.Index(list("uvwxyz"), name="dr"))
    table.insert(1, "station", [None, "S", None, None, None, None])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y, report = label(
            INDEX,
            table,
            stations={"b": "T"},
            open_start="drop",
            open_end="drop",
            return_report=True,
        )
    assert report.index.equals(table.index)
    assert report["reason"].tolist() == [
        "matched",
        "unknown station",
        "unknown track",
        "no rows in the interval",
        "open start",
        "open end",
    ]
    assert report["n_rows"].tolist() == [3, 0, 0, 0, 0, 0]
    assert report["n_tracks"].tolist() == [1, 0, 0, 0, 0, 0]
    assert y.sum() == 3


def test_the_report_counts_the_tracks_of_an_incident():
    _, report = label(INDEX, incidents((None, 0, 10)), return_report=True)
    assert report.loc[0, ["n_tracks", "n_rows"]].tolist() == [2, 4]


def test_an_open_incident_is_an_error_unless_it_is_said_what_it_means():
    message = r"Incident 'DR' has no 'to'; set open_end to 'track' .* or 'drop'"
    table = incidents(("a", 40, None)).set_index(pd.Index(["DR"]))
    with pytest.raises(ValueError, match=message):
        label(INDEX, table)
    with pytest.raises(ValueError, match="has no 'from'; set open_start to"):
        label(INDEX, incidents(("a", None, 40)))


def test_an_open_incident_reaches_to_the_border_of_its_track():
    table = incidents(("a", 40, None), ("b", None, 10))
    found = labelled(INDEX, table, open_end="track", open_start="track")
    assert found == [("a", 40), ("a", 50), ("b", 0), ("b", 10)]


def test_a_dropped_open_incident_labels_nothing():
    table = incidents(("a", 40, None), ("b", 0, 0))
    with pytest.warns(UserWarning, match=r"1 of 2 .* \(open end\)"):
        assert labelled(INDEX, table, open_end="drop") == [("b", 0)]


@pytest.mark.parametrize("option", ["open_start", "open_end"])
def test_an_unknown_policy_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be 'raise', 'drop' or"):
        label(INDEX, incidents(("a", 0, 1)), **{option: "guess"})


def test_an_incident_that_ends_before_it_starts_is_refused():
    table = incidents(("a", 0, 0), ("a", 20, 10)).set_index(pd.Index(["x", "y"]))
    with pytest.raises(ValueError, match="Incident 'y' ends before it starts"):
        label(INDEX, table)


@pytest.mark.filterwarnings("ignore:1 of 1 incidents labelled no row")
def test_padding_widens_on_both_sides():
    found = [("a", 10), ("a", 20), ("a", 30)]
    for padding in (10, "10s", pd.Timedelta("10s"), np.timedelta64(10, "s")):
        assert labelled(INDEX, incidents(("a", 20, 20)), padding=padding) == found
    assert labelled(INDEX, incidents(("a", 15, 15)), padding=4.9) == []


@pytest.mark.parametrize("padding", [-1, "-1s", "wide"])
def test_padding_must_be_a_time(padding):
    with pytest.raises(ValueError, match=r"^padding must be"):
        label(INDEX, incidents(("a", 0, 0)), padding=padding)


SECONDS = (DAY.timestamp() + 10, DAY.timestamp() + 20)


@pytest.mark.parametrize(
    "times",
    [
        SECONDS,
        ("2026-03-02T00:00:10", "2026-03-02T00:00:20"),
        ("2026-03-02T00:00:10Z", "2026-03-02T00:00:20Z"),
        ("2026-03-02T01:00:10+01:00", "2026-03-02T01:00:20+01:00"),
        (DAY + pd.Timedelta("10s"), DAY + pd.Timedelta("20s")),
        tuple(pd.to_datetime(SECONDS, unit="s", utc=True).tz_convert("Asia/Tokyo")),
    ],
    ids=["epoch", "iso", "zulu", "offset", "datetime", "zone"],
)
@pytest.mark.parametrize("zone", [None, "UTC", "US/Pacific"])
@pytest.mark.parametrize("unit", ["us", "ns"])
def test_times_of_any_kind_mean_the_same_instant(times, zone, unit):
    index = pd.date_range(DAY, periods=5, freq="10s", unit=unit)
    if zone:
        index = index.tz_localize("UTC").tz_convert(zone)
    y = label(index, incidents(times, columns=("from", "to")))
    assert y.tolist() == [0, 1, 1, 0, 0]


def test_numbers_among_missing_values_stay_numbers():
    index = pd.date_range(DAY, periods=5, freq="10s")
    rows = [SECONDS, (None, SECONDS[0]), (SECONDS[1], None)]
    table = pd.DataFrame(rows, columns=["from", "to"], dtype=object)
    y = label(index, table, open_start="drop", open_end="track", return_report=True)[0]
    assert y.tolist() == [0, 1, 1, 1, 1]


def test_an_incident_may_end_in_the_far_future():
    index = pd.date_range(DAY, periods=3)
    table = incidents(("2026-03-03", "9999-12-31"), columns=("from", "to"))
    assert label(index, table).tolist() == [0, 1, 1]


def test_timedeltas_count_on_a_timedelta_index():
    index = pd.to_timedelta(range(5), unit="s")
    table = incidents((index[1], index[2]), columns=("from", "to"))
    assert label(index, table).tolist() == [0, 1, 1, 0, 0]


def test_dates_on_an_integer_index_are_refused():
    message = "'from' are dates, but the telemetry is indexed by int64; give both"
    with pytest.raises(TypeError, match=message):
        label(INDEX, incidents(("a", "2026-03-02", "2026-03-03")))


def test_a_missing_column_is_named():
    message = r"no column 'INCIDENT_START_TIME_DT' \(name it with start= and end="
    with pytest.raises(ValueError, match=message):
        label_incidents(INDEX, incidents(("a", 0, 1)))


def test_no_incident_labels_nothing():
    table = pd.DataFrame({"track": [], "from": [], "to": []})
    assert labelled(INDEX, table) == []


# Windows ------------------------------------------------------------------------


def brute_force(labels, window, rule):
    """Label of one complete window: 1, 0 or -1 where unlabelled rows decide."""

    def decide(rows):
        if rule == "last":
            return int(rows[-1])
        return int(rows.any() if rule == "any" else rows.mean() >= rule)

    low, high = decide(labels == 1), decide(labels != 0)
    if rule == "last":
        return labels[-1]
    return low if low == high else -1


@st.composite
def window_rules(draw):
    window = draw(st.integers(1, 9))
    share = draw(st.integers(1, window)) / window
    return window, draw(st.sampled_from(["any", "last", share]))


@settings(deadline=None, max_examples=80)
@given(
    sizes=st.lists(st.integers(1, 14), min_size=1, max_size=4),
    window_rule=window_rules(),
    stride=st.integers(1, 4),
    seed=st.integers(0, 10**6),
    unlabelled=st.booleans(),
)
def test_windows_are_labelled_as_defined(sizes, window_rule, stride, seed, unlabelled):
    window, rule = window_rule
    rng = np.random.default_rng(seed)
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    X = small_frame(sizes, gap=False)
    shares = [0.3, 0.5, 0.2] if unlabelled else [0.0, 0.7, 0.3]
    y = pd.Series(rng.choice([-1, 0, 1], len(X), p=shares), index=X.index, name="y")
    if set(y) == {-1, 1}:
        y.iloc[0] = 0
    expected = [
        (row, brute_force(y.to_numpy()[row + 1 - window : row + 1], window, rule))
        for a, b in pairwise(bounds)
        for row in range(a + window - 1, b, stride)
    ]
    labeler = WindowLabeler(window, rule=rule, stride=stride)
    if not expected:
        with pytest.raises(ValueError, match="No window is complete"):
            labeler.fit_resample(X, y)
        return
    if all(one < 0 for _, one in expected):
        with pytest.raises(ValueError, match="label of every window open"):
            labeler.fit_resample(X, y)
        return
    Xt, yt = labeler.fit_resample(X, y)
    decided = [(row, one) for row, one in expected if one >= 0]
    assert labeler.sample_indices_.tolist() == [row for row, _ in decided]
    assert yt.tolist() == [one for _, one in decided]
    assert labeler.n_undecided_ == len(expected) - len(decided)
    assert labeler.n_incomplete_ == sum(min(n, window - 1) for n in sizes)
    pd.testing.assert_frame_equal(Xt, X.iloc[labeler.sample_indices_])
    assert yt.index.equals(Xt.index)
    assert (yt.name, yt.dtype) == ("y", np.int64)


@pytest.mark.parametrize("share", np.arange(1, 101) / 100)
def test_a_window_that_just_reaches_its_share_is_anomalous(share):
    ones = round(share * 100)
    labeler = WindowLabeler(100, rule=float(share))
    X = np.zeros((100, 1))
    assert labeler.fit_resample(X, np.arange(100) < ones)[1].tolist() == [1]
    assert labeler.fit_resample(X, np.arange(100) < ones - 1)[1].tolist() == [0]


def test_windows_do_not_span_a_gap(X, y):
    labeler = WindowLabeler(10, max_gap="10min")
    labeler.fit_resample(X, y)
    assert labeler.sample_indices_.tolist() == [*range(9, 23), *range(41, 47),
                                                *range(56, 63)]  # fmt: skip


def test_the_stride_counts_from_the_first_complete_window_of_each_track(X, y):
    labeler = WindowLabeler(9, stride=7)
    labeler.fit_resample(X, y)
    assert labeler.sample_indices_.tolist() == [8, 15, 22, 31, 40, 47, 54, 61]


def test_no_labels_stay_no_labels(X):
    Xt, yt = WindowLabeler(5).fit_resample(X, None)
    assert yt is None
    assert len(Xt) == 63 - 3 * 4


def test_an_array_gives_arrays():
    Xt, yt = WindowLabeler(2).fit_resample(np.arange(4.0)[:, None], [0, 0, 1, 1])
    assert isinstance(Xt, np.ndarray)
    assert Xt.ravel().tolist() == [1.0, 2.0, 3.0]
    assert yt.tolist() == [0, 1, 1]


def test_too_long_a_window_tells_how_long_it_may_be(X, y):
    message = r"longest track .* has 23 rows, the window 24; shorten"
    with pytest.raises(ValueError, match=message):
        WindowLabeler(24, max_gap=60).fit_resample(X, y)


def test_predictions_align_with_the_rows_although_training_is_thinned(X, y):
    pipeline = make_pipeline(WindowLabeler(5, stride=2), LogisticRegression())
    pipeline.fit(X, y)
    assert len(pipeline.predict(X)) == len(X)
    kept = pipeline[0].sample_indices_
    alone = LogisticRegression().fit(X.iloc[kept], y.iloc[kept])
    assert (pipeline.predict_proba(X) == alone.predict_proba(X)).all()


def test_any_makes_an_incident_longer_by_the_window(X, y):
    _, yt = WindowLabeler(4, rule="any").fit_resample(X, y)
    runs = yt.groupby(level=0).sum()
    assert runs.tolist() == [3 + 3, 0, 2 + 3]
    assert read_tracks(yt).bounds.tolist() == [0, 20, 26, 54]


# Rows held back -------------------------------------------------------------------


def held_back(X, *tracks):
    """Let all values of some tracks be missing."""
    return X.mask(X.index.isin(tracks, level=0)[:, None] & X.notna())


@pytest.mark.parametrize("rule", ["last", "any", 0.5])
def test_tracks_held_back_are_dropped_and_counted(X, y, rule):
    labeler = WindowLabeler(5, rule=rule, max_gap=60)
    Xt, yt = labeler.fit_resample(held_back(X, "pass-2"), y)
    assert (labeler.n_held_back_, labeler.n_incomplete_) == (31, 8)
    two = X.drop("pass-2")
    expected = WindowLabeler(5, rule=rule).fit_resample(two, y.drop("pass-2"))
    pd.testing.assert_frame_equal(Xt, expected[0])
    pd.testing.assert_series_equal(yt, expected[1])
    labeler.fit_resample(X, y)
    assert labeler.n_held_back_ == 0


def test_windows_that_reach_into_rows_held_back_are_dropped():
    X = np.arange(24.0).reshape(12, 2)
    X[:5] = np.nan
    labeler = WindowLabeler(3, stride=2)
    labels = labeler.fit_resample(X, [0, 1, 0] * 4)[1]
    # Windows end in rows 2, 4, 6, 8, 10 of the track; that of row 6 holds row 4.
    assert labeler.sample_indices_.tolist() == [8, 10]
    assert labels.tolist() == [0, 1]
    assert (labeler.n_held_back_, labeler.n_incomplete_) == (5, 2)


@pytest.mark.parametrize("frame", [True, False])
def test_a_row_that_is_missing_in_part_is_refused(X, y, frame):
    X = held_back(X, "pass-0")
    X.iloc[30, 2] = np.nan
    rows, labels = (X, y) if frame else (X.to_numpy(), y.to_numpy())
    message = "NaN: column 'channel_2', row 30" if frame else "contains NaN"
    for method in ("fit", "fit_resample"):
        with pytest.raises(ValueError, match=message):
            getattr(WindowLabeler(3), method)(rows, labels)


def test_what_leaves_nothing_is_refused(X, y):
    labeler = WindowLabeler(3)
    with pytest.raises(ValueError, match=r"All 63 rows are missing .* fit_share"):
        labeler.fit_resample(X * np.nan, y)
    with pytest.raises(ValueError, match=r"label 1 .* beside the 54 rows that the enc"):
        labeler.fit_resample(held_back(X, "pass-0", "pass-2"), y)
    with pytest.raises(ValueError, match=r"label 0 .* beside the 54 rows that the enc"):
        ones = y.where(X.index.get_level_values(0) != "pass-1", 1)
        labeler.fit_resample(held_back(X, "pass-0", "pass-2"), ones)
    with pytest.raises(ValueError, match="has 9 rows, the window 12"):
        WindowLabeler(12).fit_resample(held_back(X, "pass-0", "pass-2"), None)


def test_pure_windows_hold_no_event_that_they_are_not_labelled_by():
    X, y = np.arange(12.0)[:, None], [0, 0, 0, 1, 0, 0, 0, 0, 2, 2, 0, -1]
    labeller = WindowLabeler(3, rule="pure")
    kept, labels = labeller.fit_resample(X, y)
    assert kept.ravel().tolist() == [2, 3, 6, 7, 8, 9]
    assert labels.tolist() == [0, 1, 0, 0, 2, 2]
    assert labeller.n_undecided_ == 4
