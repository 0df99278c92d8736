"""Splits and the budget of rows, on tables of tracks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.preparation import sample_tracks, split_tracks, split_tracks_by_time

PARTS = {"train": 0.7, "val": 0.15, "test": 0.15}


@st.composite
def tables(draw, min_passes=3):
    """Tables of tracks: a pass has one or two, each with or without incidents."""
    passes = draw(
        st.lists(
            st.tuples(st.integers(1, 2), st.booleans(), st.integers(0, 5000)),
            min_size=min_passes,
            max_size=25,
        )
    )
    entries = [
        {
            "track": f"P{number}_{band}",
            "pass_id": f"P{number}",
            "n_rows": 10 * (number % 4 + 1),
            "n_anomalous": 3 if hit and band == 0 else 0,
            "start": pd.Timestamp(60 * begin, unit="s"),
            "end": pd.Timestamp(60 * begin + 1800, unit="s"),
        }
        for number, (bands, hit, begin) in enumerate(passes)
        for band in range(bands)
    ]
    return pd.DataFrame(entries).set_index("track")


def shuffled(tracks, seed):
    return tracks.iloc[np.random.default_rng(seed).permutation(len(tracks))]


@settings(deadline=None, max_examples=50)
@given(tracks=tables(), seed=st.integers(0, 3))
def test_a_random_split_parts_no_pass_and_spreads_the_incidents(tracks, seed):
    split, report = split_tracks(tracks, PARTS, random_state=seed)
    assert split.index.equals(tracks.index)
    assert split.groupby(tracks["pass_id"]).nunique().eq(1).all()
    of_pass = split.groupby(tracks["pass_id"]).first()
    hit = tracks.groupby("pass_id")["n_anomalous"].max() > 0
    with_incidents = set(of_pass[hit])
    assert len(with_incidents) == min(hit.sum(), 3)
    lost = [
        f"no pass with incidents for {part}" for part in set(PARTS) - with_incidents
    ]
    assert set(report["reason"]) == set(lost)
    assert report["kept"].all()
    assert set(of_pass) == set(PARTS)
    other, _ = split_tracks(shuffled(tracks, 0), PARTS, random_state=seed)
    pd.testing.assert_series_equal(other.loc[tracks.index], split)


@pytest.mark.parametrize("n_hit", [10, 40, 90])
def test_the_parts_have_the_sizes_asked_for(n_hit):
    tracks = pd.DataFrame({"n_anomalous": np.arange(100) < n_hit}, index=range(100))
    split, report = split_tracks(tracks.astype(int), random_state=0)
    assert split.value_counts().to_dict() == {"train": 70, "val": 15, "test": 15}
    share = split[:n_hit].value_counts(normalize=True)
    np.testing.assert_allclose(share[["train", "val", "test"]], [0.7, 0.15, 0.15], 0.34)
    assert len(report) == 0


def test_the_seed_decides():
    tracks = pd.DataFrame({"n_anomalous": [0, 5] * 20}, index=range(40))
    split = [split_tracks(tracks, random_state=seed)[0] for seed in (0, 0, 1)]
    pd.testing.assert_series_equal(split[0], split[1])
    assert (split[0] != split[2]).any()


@settings(deadline=None, max_examples=50)
@given(tracks=tables(), gap=st.sampled_from([0, 60.0, "2h"]))
def test_a_forward_split_is_in_the_order_of_time(tracks, gap):
    try:
        split, report = split_tracks_by_time(tracks, PARTS, gap=gap)
    except ValueError as error:
        assert "before" in str(error)  # some tables have no such split
        return
    assert split.groupby(tracks["pass_id"]).nunique().eq(1).all()
    wait = pd.Timedelta(gap if isinstance(gap, str) else gap * 10**9)
    for earlier, later in (("train", "val"), ("val", "test"), ("train", "test")):
        end = tracks.loc[split == earlier, "end"].max()
        start = tracks.loc[split == later, "start"].min()
        assert end < start
        assert end + wait <= start
    unused = split.index[split == "unused"]
    told = report[report["track"].notna()]
    assert told["track"].tolist() == unused.tolist()
    assert told["n_rows"].tolist() == tracks.loc[unused, "n_rows"].tolist()
    assert report["kept"].all()
    other, _ = split_tracks_by_time(shuffled(tracks, 1), PARTS, gap=gap)
    pd.testing.assert_series_equal(other.loc[tracks.index], split)


def test_passes_between_two_parts_are_unused():
    begin = pd.to_datetime([0, 100, 200, 300], unit="s")
    tracks = pd.DataFrame({"start": begin, "end": begin + pd.Timedelta(90, "s")})
    tracks = tracks.assign(n_rows=9, n_anomalous=[1, 1, 1, 0])
    half = {"train": 0.5, "test": 0.5}
    split, report = split_tracks_by_time(tracks, half, gap=10)
    assert split.tolist() == ["train", "train", "test", "test"]
    split, report = split_tracks_by_time(tracks, half, gap=11)
    assert split.tolist() == ["train", "unused", "test", "test"]
    assert report["reason"].tolist() == ["too late for its part"]
    with pytest.raises(ValueError, match=r"No pass of the part 'train' .*gap='1h'"):
        split_tracks_by_time(tracks, half, gap="1h")


@pytest.mark.parametrize("split", [split_tracks, split_tracks_by_time])
@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"train": 0.5, "test": 0.6}, "which add up to 1"),
        ({"train": 1.0, "test": 0.0}, "a positive share"),
        ({}, "fractions must be a dict"),
        ({"a": 0.25, "b": 0.25, "c": 0.5}, r"2 pass\(es\) cannot be dealt .* a, b, c"),
    ],
)
def test_fractions_that_cannot_be_are_refused(split, fractions, message):
    time = pd.to_datetime([0, 1], unit="s")
    tracks = {"n_anomalous": [0, 1], "n_rows": 1, "start": time, "end": time}
    with pytest.raises(ValueError, match=message):
        split(pd.DataFrame(tracks), fractions)


@settings(deadline=None, max_examples=60)
@given(
    tracks=tables(min_passes=1),
    budget=st.integers(1, 600),
    share=st.sampled_from([None, 0.0, 0.1, 0.5, 1.0]),
)
def test_the_budget_is_crossed_by_less_than_a_track(tracks, budget, share):
    options = {"anomalous_share": share, "random_state": 0}
    chosen, report = sample_tracks(tracks, budget, **options)
    rows = tracks.loc[chosen, "n_rows"]
    assert rows.sum() < budget + tracks["n_rows"].max()
    assert rows.sum() + report["n_rows"].sum() == tracks["n_rows"].sum()
    assert set(chosen) | set(report["track"]) == set(tracks.index)
    assert report["kept"].all()
    hit = tracks["n_anomalous"] > 0
    if share is not None:
        # Enough of both kinds, or all there is of one.
        for pool, part in ((hit, share), (~hit, 1 - share)):
            mine = tracks.loc[chosen.intersection(tracks.index[pool]), "n_rows"].sum()
            assert mine < part * budget + tracks["n_rows"].max()
            wanted = min(part * budget, tracks.loc[pool, "n_rows"].sum())
            assert mine > wanted - tracks["n_rows"].max()
    other, _ = sample_tracks(shuffled(tracks, 2), budget, **options)
    assert set(other) == set(chosen)


def test_a_budget_for_all_takes_all():
    tracks = pd.DataFrame({"n_rows": [5, 6], "n_anomalous": [0, 1]}, index=["a", "b"])
    chosen, report = sample_tracks(tracks, 11, random_state=0)
    assert chosen.tolist() == ["a", "b"]
    assert len(report) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_rows": 0}, "max_rows must be positive; got 0"),
        ({"max_rows": 9, "anomalous_share": 1.5}, "between 0 and 1; got 1.5"),
    ],
)
def test_a_budget_that_cannot_be_is_refused(options, message):
    tracks = pd.DataFrame({"n_rows": [5], "n_anomalous": [0]})
    with pytest.raises(ValueError, match=message):
        sample_tracks(tracks, **options)


@pytest.mark.parametrize("split", [split_tracks, split_tracks_by_time])
def test_tables_and_fractions_that_make_no_sense_are_told(split):
    day = pd.date_range("2026-03-01", periods=6, freq="D")
    tracks = pd.DataFrame({"start": day, "end": day, "n_rows": 1, "n_anomalous": 1})
    with pytest.raises(ValueError, match="has no column 'n_anomalous'"):
        split(tracks.drop(columns="n_anomalous"))
    with pytest.raises(ValueError, match="Track 2 has no 'pass_id'"):
        split(tracks.assign(pass_id=["A", "A", None, "B", "C", "D"]))
    for fractions in ({"a": np.nan, "b": 1.0}, {"a": "x"}, {"a": 0.5}):
        with pytest.raises(ValueError, match="fractions must be a dict of part"):
            split(tracks, fractions)
