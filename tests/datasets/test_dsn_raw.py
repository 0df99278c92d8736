import gzip
import pickle
import weakref

import numpy as np
import pandas as pd
import pytest

from skdsn.datasets import _dsn_raw as module
from skdsn.datasets import make_dsn_passes, make_dsn_raw_files, read_raw
from skdsn.datasets._dsn_vocabulary import MISSIONS
from skdsn.labeling import label_incidents

SIZE = {"n_tracks": 15, "n_rows": 60, "incident_fraction": 0.7}
OPTIONS = {**SIZE, "missing_fraction": 0.01, "random_state": 5}
START, END = "INCIDENT_START_TIME_DT", "INCIDENT_END_TIME_DT"


@pytest.fixture(scope="module", params=["jwst", "mro"])
def both(request, tmp_path_factory):
    """What was written, what is read, and the same passes as one table."""
    folder = tmp_path_factory.mktemp("raw") / "files"
    made = make_dsn_raw_files(folder, mission=request.param, chunk_tracks=3, **OPTIONS)
    raw = read_raw(folder, request.param, allow_pickle=True)
    passes = make_dsn_passes(mission=request.param.upper(), **OPTIONS)
    return made, raw, passes


def test_the_files_hold_the_rows_of_the_simulated_passes(both):
    made, raw, passes = both
    read = dict(raw)
    assert sum(map(len, read.values())) == made.n_rows == len(passes.X)
    for pass_id, tracks in passes.tracks.groupby("pass_id", sort=False):
        rows = passes.X[passes.X.index.get_level_values(0).isin(tracks["track"])]
        time = rows.index.get_level_values("time")
        rows = rows.iloc[np.argsort(time, kind="stable")].reset_index(drop=True)
        pd.testing.assert_frame_equal(read[pass_id].astype(rows.dtypes), rows)
        assert isinstance(read[pass_id].index, pd.RangeIndex)
    pd.testing.assert_frame_equal(made.incidents, passes.incidents)
    pd.testing.assert_frame_equal(made.tracks, passes.tracks)


def test_text_is_of_type_object(both):
    _, raw, passes = both
    text = passes.columns.index[passes.columns["kind"] == "categorical"]
    for _, frame in raw:
        assert set(frame[text].dtypes) == {np.dtype(object)}
        numbers = frame.drop(columns=[*text, raw.mission.time])
        assert set(numbers.dtypes) == {np.dtype(float)}


def test_both_bands_of_a_jwst_pass_alternate_in_one_table(tmp_path):
    made = make_dsn_raw_files(tmp_path, mission="JWST", **OPTIONS)
    raw = read_raw(tmp_path, "jwst", allow_pickle=True)
    tracks = list(raw)
    assert len(tracks) == 8
    for _, frame in tracks[:-1]:
        assert frame["RECEIVED_AT_TS"].is_monotonic_increasing
        assert frame["DOWNLINK_CARRIER_BAND"].dropna().value_counts().min() > 18
        assert (frame["RECEIVED_AT_TS"].value_counts() == 2).all()
    # An odd number of tracks: the last pass has one band.
    assert tracks[-1][1]["DOWNLINK_CARRIER_BAND"].dropna().unique().tolist() == ["S"]
    assert made.files[-1] == "all_dr_data.csv"


def test_chunks_hold_as_many_passes_as_asked_for(both):
    made, raw, _ = both
    counts = [len(raw.read_chunk(name).tracks) for name in raw.chunks]
    assert counts == ([3, 3, 2] if raw.mission.name == "jwst" else [15])
    assert sorted(path.name for path in made.folder.iterdir()) == sorted(made.files)


def test_incident_files_tell_the_truth_as_far_as_they_go(both):
    made, raw, passes = both
    incidents = raw.incidents
    if raw.mission.name == "mro":
        assert incidents["track"].tolist() == sorted(incidents["track"])
        y = label_incidents(passes.X, incidents)
        pd.testing.assert_series_equal(y, passes.y, check_dtype=False)
        with (made.folder / "drs.pkl").open("rb") as stream:
            assert len(pickle.load(stream)) == len(made.incidents)
        return
    assert "track" not in incidents
    for column in (START, END):
        seconds = made.incidents[column].astype("int64") / 1e6
        assert set(incidents[column]) == set(seconds)
    # A pointing error strikes both bands, and is reported once.
    assert len(incidents) < len(made.incidents)
    assert incidents["REPORT_NUMBER"].is_unique
    assert set(incidents["STATION_ID"]) <= set(made.tracks["station"])


def test_one_seed_gives_the_same_bytes(both, tmp_path):
    made, raw, _ = both
    size = {**OPTIONS, "chunk_tracks": 3, "mission": raw.mission.name}
    make_dsn_raw_files(tmp_path / "same", **size)
    make_dsn_raw_files(tmp_path / "other", **{**size, "random_state": 6})
    for name in made.files:
        content = (made.folder / name).read_bytes()
        assert (tmp_path / "same" / name).read_bytes() == content
        assert (tmp_path / "other" / name).read_bytes() != content


def test_one_chunk_is_in_memory_while_writing(tmp_path, monkeypatch):
    make, alive = module._pass_table, []

    def watched(*args):
        alive[:] = [made for made in alive if made() is not None]
        assert len(alive) <= 3  # two of the chunk, and the one being returned
        table = make(*args)
        alive.append(weakref.ref(table))
        return table

    monkeypatch.setattr(module, "_pass_table", watched)
    make_dsn_raw_files(tmp_path, mission="jwst", chunk_tracks=2, **SIZE)
    assert alive


def test_repeated_text_costs_nothing_in_a_file(tmp_path):
    made = make_dsn_raw_files(tmp_path, mission="mro", **OPTIONS)
    cells = made.n_rows * 36
    assert (tmp_path / "mons.pkl").stat().st_size < 9 * cells + 40 * made.n_rows


def test_there_are_no_files_of_another_run_in_between(tmp_path):
    make_dsn_raw_files(tmp_path, mission="mro", n_tracks=1, n_rows=30)
    with pytest.raises(FileExistsError, match=r"mons.pkl is there already; name a fol"):
        make_dsn_raw_files(tmp_path, mission="jwst", n_tracks=1, n_rows=30)


def test_bad_parameters_are_refused_before_anything_is_written(tmp_path):
    target = tmp_path / "files"
    for options, message in (
        ({"mission": "lro"}, "must be one of jwst, mro"),
        ({"mission": "mro", "n_rows": 1000, "cadence": 60.0}, "last 16.7 h"),
        ({"mission": "mro", "n_rows": 5}, "n_rows"),
        ({"mission": "jwst", "chunk_tracks": 0}, "chunk_tracks"),
    ):
        with pytest.raises(ValueError, match=message):
            make_dsn_raw_files(target, **options)
    assert not target.exists()


@pytest.mark.parametrize("mission", ["JWST", "MRO"])
def test_the_default_is_more_than_two_million_rows(mission):
    """Passes are planned, which tells their rows, but not recorded."""
    season = module.Season(
        MISSIONS[mission],
        200,
        n_rows=module._N_ROWS,
        cadence=module._LENGTH / module._N_ROWS,
        incident_fraction=0.4,
        missing_fraction=0.002,
        start="2025-06-02",
        random_state=0,
    )
    n_rows = 0
    for number, (_, downlinks) in enumerate(season._passes):
        n_rows += season._plan_visit(number)[0].n_rows * len(downlinks)
    assert 2.1e6 < n_rows < 2.5e6


def test_a_chunk_file_has_no_date_in_it(tmp_path):
    make_dsn_raw_files(tmp_path, mission="jwst", n_tracks=2, n_rows=30)
    (path,) = tmp_path.glob("chunk_*")
    assert path.read_bytes()[4:8] == b"\0\0\0\0"
    with gzip.open(path) as stream:
        assert len(pickle.load(stream)) == 1
