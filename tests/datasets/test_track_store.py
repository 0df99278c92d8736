import json

import numpy as np
import pandas as pd
import pytest

from skdsn.base import read_labels
from skdsn.datasets import TrackStore
from skdsn.tracks import read_tracks

TIMES = pd.date_range("2025-06-02", periods=3, freq="s", name="time")


def frame(**columns):
    return pd.DataFrame(columns or {"SNR": [1.0, 2.0, 4.0]}, TIMES[:3])


def write(folder, *tracks, **options):
    """Tracks are (id, X) or (id, X, y)."""
    full = [(*track, None)[:3] for track in tracks]
    return TrackStore.write(folder / "store", full, **options)


def values_of(store, track):
    return store[track].X.droplevel("track")


def edit(folder, change):
    path = folder / "store" / "manifest.json"
    path.write_text(change(path.read_text()))


# -- Round trip --


def test_frames_come_back_as_numbers_and_text(tmp_path):
    X = frame(
        floats=[0.1, np.nan, -np.inf],
        ints=[2**52, 0, -1],
        small=np.float32([1.5, 2.5, np.nan]),
        flags=[True, False, True],
        masked=pd.array([1, None, 3], dtype="Int64"),
        text=pd.Series(["IN", None, "ü"], TIMES, dtype=object),
        level=pd.Categorical(["b", None, "a"]),
        nothing=pd.Series([None, None, None], TIMES, dtype=object),
        objects=pd.Series([1, None, 2.5], TIMES, dtype=object),
    )
    store = write(tmp_path, ("A", X, [0, 1, -1]))
    nan = np.nan
    expected = frame(
        floats=X["floats"],
        ints=X["ints"].astype("float64"),
        small=[1.5, 2.5, nan],
        flags=[1.0, 0.0, 1.0],
        masked=[1.0, nan, 3.0],
        text=pd.Series(["IN", nan, "ü"], TIMES, dtype="str"),
        level=pd.Series(["b", nan, "a"], TIMES, dtype="str"),
        nothing=[nan, nan, nan],
        objects=[1.0, nan, 2.5],
    )
    pd.testing.assert_frame_equal(values_of(store, "A"), expected, check_freq=False)
    assert store["A"].y.tolist() == [0, 1, -1]
    assert store["A"].y.dtype == "int64"
    assert store["A"].y.index.equals(store["A"].X.index)
    kinds = {name for name, kind in store.columns.items() if kind == "categorical"}
    assert kinds == {"text", "level"}


@pytest.mark.parametrize(
    "track", ["a/b", "ü", "x y", "..", ".", "", "a%2Fb", "NA", "~", "a=b", 7, -1]
)
def test_any_text_or_whole_number_can_name_a_track(tmp_path, track):
    store = write(tmp_path, (track, frame()), ("other", frame()))
    for opened in (store, TrackStore.open(tmp_path / "store")):
        assert list(opened) == [track, "other"]
        assert type(next(iter(opened))) is type(track)
        assert opened[track].X.index[0] == (track, TIMES[0])
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    tracks = read_tracks(store.frame().X)
    assert list(tracks.names) == [track, "other"]


@pytest.mark.parametrize("other", [7, np.int64(7), "7"])
def test_an_id_names_one_track_only(tmp_path, other):
    with pytest.raises(ValueError, match=r"Track id .* occurs twice"):
        write(tmp_path, ("7", frame()), (other, frame()))


@pytest.mark.parametrize("track", [1.0, True, None, ("a", 1)])
def test_other_ids_are_refused(tmp_path, track):
    with pytest.raises(TypeError, match=r"A track id must be str or int; got"):
        write(tmp_path, (track, frame()))


@pytest.mark.parametrize(
    ("index", "start"),
    [
        (pd.Index([5, 7, 9]), 5),
        (pd.RangeIndex(3), 0),
        (pd.to_timedelta([1, 2, 3], unit="s"), pd.Timedelta("1s")),
        (TIMES.as_unit("ns"), TIMES[0]),
        (
            pd.date_range("2025-03-29", periods=3, tz="Europe/Berlin"),
            pd.Timestamp("2025-03-28T23:00", tz="UTC"),
        ),
    ],
)
def test_every_clock_comes_back(tmp_path, index, start):
    store = write(tmp_path, ("A", frame().set_axis(index)))
    found = store["A"].X.index.get_level_values("time")
    assert found.tolist() == list(index)
    assert TrackStore(tmp_path / "store").tracks.loc["A", "start"] == start


def test_tracks_of_two_zones_are_read_in_utc(tmp_path):
    zones = [TIMES.tz_localize(zone) for zone in ("UTC", "Asia/Tokyo")]
    tracks = zip("AB", (frame().set_axis(zone) for zone in zones), strict=True)
    store = write(tmp_path, *tracks)
    times = store.frame().X.index.get_level_values("time")
    assert times.tolist() == [*zones[0], *zones[1]]
    assert str(times.tz) == "UTC"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (pd.RangeIndex(3), "by dates and some by numbers"),
        (TIMES.tz_localize("UTC"), "by dates and some by dates of a time zone"),
        (pd.to_timedelta([1, 2, 3], unit="s"), "by dates and some by timedeltas"),
    ],
)
def test_all_tracks_must_have_one_clock(tmp_path, other, message):
    with pytest.raises(ValueError, match=message):
        write(tmp_path, ("A", frame()), ("B", frame().set_axis(other)))
    with pytest.raises(FileNotFoundError):
        TrackStore(tmp_path / "store")


def test_all_tracks_have_the_columns_of_all(tmp_path):
    text = pd.Series([None] * 3, TIMES, dtype=object)
    store = write(
        tmp_path,
        ("A", frame(one=[1, 2, 3], both=[1, 2, 3], state=text)),
        ("B", frame(both=["x", None, "y"], two=["p", "q", "r"])),
        ("C", frame(state=["on", "off", "on"], one=[0.5, 1.5, 2.5])),
    )
    assert store.columns == {
        "one": "numeric",
        "both": "categorical",
        "state": "categorical",
        "two": "categorical",
    }
    dtypes = store["A"].X.dtypes
    for track in store:
        pd.testing.assert_series_equal(store[track].X.dtypes, dtypes)
    assert store["A"].X["both"].tolist() == ["1", "2", "3"]
    assert store["A"].X["state"].isna().all()
    assert store["B"].X[["one", "state"]].isna().all(axis=None)
    assert store["B"].X["both"].isna().tolist() == [False, True, False]
    assert list(store.frame().X.columns) == list(store.columns)


def test_whole_numbers_are_the_same_text_with_and_without_a_gap(tmp_path):
    mixed = pd.Series([1.0, None, "OFF"], TIMES, dtype=object)
    store = write(
        tmp_path,
        ("ints", frame(q=[1, 2, 3])),
        ("gap", frame(q=[1.0, np.nan, -3.0])),
        ("small", frame(q=np.float32([1.0, 0.1, 2.5]))),
        ("odd", frame(q=[np.inf, 2.0**70, -0.0])),
        ("text", frame(q=["1", "OFF", None])),
        ("mixed", frame(q=mixed)),
        ("levels", frame(q=pd.Categorical([1.0, None, 2.5]))),
    )
    assert store.columns == {"q": "categorical"}
    texts = {name: store[name].X["q"].fillna("-").tolist() for name in store}
    assert texts == {
        "ints": ["1", "2", "3"],
        "gap": ["1", "-", "-3"],
        "small": ["1", "0.1", "2.5"],
        "odd": ["inf", str(2.0**70), "0"],
        "text": ["1", "OFF", "-"],
        "mixed": ["1", "-", "OFF"],
        "levels": ["1", "-", "2.5"],
    }


def test_an_id_may_be_longer_than_a_file_name(tmp_path):
    ids = ["x" * 300, "x" * 299 + "y", "ü" * 100, "x" * 180]
    store = write(tmp_path, *((track, frame()) for track in ids))
    assert list(TrackStore.open(tmp_path / "store")) == ids
    assert all(len(store[track].X) == 3 for track in ids)


def test_a_column_may_be_called_like_an_index_level(tmp_path):
    store = write(tmp_path, ("A", frame(time=[1, 2, 3], track=[4, 5, 6])))
    assert store["A"].X.to_numpy().tolist() == [[1, 4], [2, 5], [3, 6]]


# -- What is written, and told of it --


def test_a_track_of_a_stacked_frame_can_be_written(tmp_path):
    stacked = pd.concat({"A": frame(), "B": frame()}, names=["track", "time"])
    y = pd.Series([0, 0, 1], stacked.loc[["A"]].index)
    store = write(tmp_path, ("A", stacked.loc[["A"]], y))
    assert store["A"].y.tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="Track 'C' is given with the rows of 2 track"):
        write(tmp_path / "two", ("C", stacked))


def test_labels_of_other_rows_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Track 'A' has 3 rows, but 2 labels"):
        write(tmp_path, ("A", frame(), [0, 1]))
    shifted = pd.Series([0, 1, 0], TIMES + pd.Timedelta("1s"))
    with pytest.raises(ValueError, match="y and X have different indexes, first at ro"):
        write(tmp_path, ("A", frame(), shifted))
    with pytest.raises(ValueError, match="y must hold 0"):
        write(tmp_path, ("A", frame(), [0, 1, 3]))


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((3, 1)), TypeError, "Track 'A' must be a DataFrame; got ndarray"),
        (frame().iloc[:0], ValueError, "Track 'A' has no rows; leave it out"),
        (
            frame(anomaly=[0, 0, 1]),
            ValueError,
            "has a column 'anomaly', which is where",
        ),
        (frame().set_axis([1], axis=1), TypeError, "has a column 1; names must be tex"),
        (frame().iloc[::-1], ValueError, "Times must increase within a track, but in"),
        (
            frame(a=[1, 2, 3], b=[1, 2, 3]).set_axis(["q", "q"], axis=1),
            ValueError,
            "Track 'A' has the column 'q' twice; rename or drop one",
        ),
    ],
)
def test_what_is_no_track_is_refused(tmp_path, X, error, message):
    with pytest.raises(error, match=message):
        write(tmp_path, ("A", X))


def test_the_table_tells_of_every_track(tmp_path):
    info = {"mission": "toy", "n": np.int64(3), "gap": pd.Timedelta("1h")}
    tracks = [("B", frame(), [0, 1, 1]), ("A", frame().iloc[:2])]
    store = write(tmp_path, *tracks, splits={"A": "test"}, info=info)
    assert store.tracks.index.tolist() == ["B", "A"]
    columns = ["split", "n_rows", "n_anomalous", "start", "end"]
    assert store.tracks[columns].to_numpy().tolist() == [
        ["train", 3, 2, TIMES[0], TIMES[2]],
        ["test", 2, 0, TIMES[0], TIMES[1]],
    ]
    assert store.info == {"mission": "toy", "n": 3, "gap": "P0DT1H0M0S"}
    assert repr(store).endswith("{'train': 1, 'test': 1})")
    assert (len(store), "A" in store, "C" in store) == (2, True, False)
    assert store["A"].y.tolist() == [-1, -1]


def test_frames_hold_the_tracks_of_a_split(tmp_path):
    tracks = [(name, frame(), [0, 1, 0]) for name in "BAC"]
    store = write(tmp_path, *tracks, splits={"A": "test", "C": "test"})
    rows = store.frame("test")
    assert rows.X.index.unique("track").tolist() == ["A", "C"]
    assert rows.groups.tolist() == ["A"] * 3 + ["C"] * 3
    assert read_labels(rows.y, read_tracks(rows.X)).tolist() == [0, 1, 0] * 2
    chosen = store.frame(tracks=["C", "B"])
    assert chosen.X.index.unique("track").tolist() == ["B", "C"]
    assert len(store.frame().X) == 9
    for asked in ({"split": "val"}, {"split": "train", "tracks": ["A"]}):
        with pytest.raises(ValueError, match=r"no track to read of .*its splits are"):
            store.frame(**asked)
    with pytest.raises(ValueError, match="The store has no track 'D'"):
        store.frame(tracks=["D"])
    with pytest.raises(KeyError, match=r"no track 'D'; it begins with \['B', 'A', 'C'"):
        store["D"]


def test_splits_must_name_tracks_that_are_there(tmp_path):
    with pytest.raises(ValueError, match="splits names the track 'B', which is not"):
        write(tmp_path, ("A", frame()), splits={"B": "test"})


# -- Files --


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    write(tmp_path, ("A", frame()), ("B", frame()))
    (tmp_path / "store" / "data_files" / "track_A.parquet").unlink()
    store = TrackStore.open(tmp_path / "store")
    assert list(store) == ["A", "B"]
    assert len(store["B"].X) == 3
    with pytest.raises(ValueError, match=r"track_A.parquet of the store cannot be re"):
        store["A"]
    path = tmp_path / "store" / "data_files" / "track_B.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(
        ValueError, match=r"track_B.parquet of the store .*make the sto"
    ):
        store["B"]


def test_a_store_is_read_wherever_it_lies(tmp_path):
    # Folders such as this one name a partition to Parquet readers.
    home = tmp_path / "mission=jwst" / "50% ü"
    home.mkdir(parents=True)
    store = write(home, ("A", frame()))
    assert list(store["A"].X.columns) == ["SNR"]
    (home / "store").rename(tmp_path / "moved")
    assert len(TrackStore(tmp_path / "moved")["A"].X) == 3


def test_a_finished_store_is_not_replaced(tmp_path):
    write(tmp_path, ("A", frame()))
    with pytest.raises(FileExistsError, match="already holds a finished store; name a"):
        write(tmp_path, ("B", frame()))
    assert list(TrackStore(tmp_path / "store")) == ["A"]


def test_a_store_that_was_not_finished_cannot_be_opened_but_replaced(tmp_path):
    def stop():
        yield "A", frame(), None
        yield "B", frame(), None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TrackStore.write(tmp_path / "store", stop())
    with pytest.raises(FileNotFoundError, match="its store was not finished; run what"):
        TrackStore.open(tmp_path / "store")
    store = write(tmp_path, ("B", frame()))
    assert list(store) == ["B"]
    files = [path.name for path in (tmp_path / "store" / "data_files").iterdir()]
    assert files == ["track_B.parquet"]
    assert not (tmp_path / "store" / "unfinished").exists()


def test_a_folder_without_a_store_is_told(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(
            FileNotFoundError, match="there is no track store; make one"
        ):
            TrackStore.open(folder)


def test_no_track_is_no_store(tmp_path):
    with pytest.raises(ValueError, match="There is no track to keep"):
        write(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "is no manifest of a track store"),
        (lambda text: "[]", "is no manifest of a track store"),
        (lambda text: '{"schema": 1}', "is no manifest of a track store: no 'columns'"),
        (
            lambda text: json.dumps({**json.loads(text), "schema": 99}),
            "is of schema 99, this is skdsn with schema 1; make the store anew",
        ),
    ],
)
def test_a_manifest_of_something_else_is_refused(tmp_path, change, message):
    write(tmp_path, ("A", frame()))
    edit(tmp_path, change)
    with pytest.raises(ValueError, match=rf"manifest.json {message}"):
        TrackStore.open(tmp_path / "store")


def test_a_file_of_another_track_is_told(tmp_path):
    X = pd.DataFrame({"SNR": [1.0, 2.0, 3.0]})
    later = X.set_axis(pd.RangeIndex(5, 8))
    store = TrackStore.write(tmp_path, [("A", X, [0, 0, 1]), ("B", later, [0, 0, 0])])
    files = tmp_path / "data_files"
    (files / "track_B.parquet").write_bytes((files / "track_A.parquet").read_bytes())
    with pytest.raises(ValueError, match="is not what the manifest says of track 'B'"):
        store["B"]
    assert store["A"].y.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda records: records.clear(), "it lists no tracks"),
        (lambda records: records[0].pop("split"), "a track lacks one of end, file"),
        (lambda records: records.append(records[0]), "listed twice"),
        (
            lambda records: records[0].update(file="../B.parquet"),
            "outside of the store",
        ),
    ],
)
def test_a_manifest_that_was_tampered_with_is_refused(tmp_path, change, message):
    TrackStore.write(tmp_path, [("A", pd.DataFrame({"SNR": [1.0]}), [0])])
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    change(manifest["tracks"])
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=message):
        TrackStore.open(tmp_path)
