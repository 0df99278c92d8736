import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch

from skdsn.datasets import load_smap_msl, stack_smap_msl
from skdsn.tracks import read_tracks

HEADER = "chan_id,spacecraft,anomaly_sequences,class,num_values\n"
LABELS = (
    'E-12,SMAP,"[[7, 8], [1, 3]]","[contextual, point]",12\n'
    'P-2,SMAP,"[[5, 9]]",[point],12\n'
    'P-2,SMAP,"[[4, 7]]",[point],12\n'
    'M-6,MSL,"[[10, 11]]",[contextual],12\n'
)
WIDTHS = {"E-12": 25, "P-2": 25, "M-6": 55, "T-10": 55}


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def files(labels=LABELS, **changes):
    """File name to content of a tiny archive; None leaves a file out."""
    rng = np.random.default_rng(0)
    content = {"labeled_anomalies.csv": (HEADER + labels).encode()}
    for name, width in WIDTHS.items():
        for part, n_rows in (("train", 6), ("test", 12)):
            content[f"{part}/{name}.npy"] = npy(rng.normal(size=(n_rows, width)))
    content.update({name.replace("__", "/"): data for name, data in changes.items()})
    return {name: data for name, data in content.items() if data is not None}


def write(content, path, top=""):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in content.items():
                archive.writestr(top + name, data)
    elif ".tar" in path.name:
        with tarfile.open(path, "w:" + path.suffix[1:].replace("tar", "")) as archive:
            for name, data in content.items():
                info = tarfile.TarInfo(top + name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    else:
        for name, data in content.items():
            file = path / (top + name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(files(), tmp_path_factory.mktemp("smap_msl"))


@pytest.mark.parametrize("top", ["", "data/"])
@pytest.mark.parametrize(
    "name", ["folder", "a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"]
)
def test_every_container_gives_the_same_channels(tmp_path, folder, name, top):
    path = write(files(), tmp_path / name, top)
    before = sorted(tmp_path.rglob("*"))
    loaded, expected = load_smap_msl(str(path)), load_smap_msl(folder)
    assert sorted(tmp_path.rglob("*")) == before
    assert list(loaded) == list(expected) == ["E-12", "P-2", "M-6", "T-10"]
    for channel in loaded:
        assert loaded[channel].X_test.equals(expected[channel].X_test)
        assert loaded[channel].X_train.equals(expected[channel].X_train)
        assert loaded[channel].y_test.equals(expected[channel].y_test)


def test_a_channel_is_a_value_and_commands_by_row_number(folder):
    channel = load_smap_msl(folder)["E-12"]
    assert channel.X_train.shape == (6, 25)
    assert channel.X_test.shape == (12, 25)
    assert channel.X_test.columns[:3].tolist() == ["value", "command_0", "command_1"]
    assert channel.X_test.index.name == "time"
    assert (channel.X_test.dtypes == np.float64).all()
    assert channel.y_test.name == "anomaly"
    assert channel.spacecraft == "SMAP"
    assert len(read_tracks(channel.X_test)) == 1


def test_events_are_in_time_order_with_their_classes_and_include_their_end(folder):
    channel = load_smap_msl(folder)["E-12"]
    assert channel.events.to_numpy().tolist() == [[1, 3, "point"], [7, 8, "contextual"]]
    assert channel.classes == ["point", "contextual"]
    assert np.flatnonzero(channel.y_test).tolist() == [1, 2, 3, 7, 8]


def test_overlapping_label_rows_of_a_channel_unite(folder):
    channel = load_smap_msl(folder)["P-2"]
    assert channel.events.to_numpy().tolist() == [[4, 9, "point"]]
    assert channel.y_test.sum() == 6


def test_a_channel_without_label_row_has_no_event_and_says_so(folder):
    channel = load_smap_msl(folder)["T-10"]
    assert not channel.labelled
    assert channel.spacecraft == "MSL"
    assert len(channel.events) == 0
    assert channel.y_test.sum() == 0
    assert channel.classes == []


def test_channels_and_spacecraft_select(folder):
    assert list(load_smap_msl(folder, spacecraft="MSL")) == ["M-6", "T-10"]
    assert list(load_smap_msl(folder, channels=["M-6", "E-12"])) == ["M-6", "E-12"]
    assert list(load_smap_msl(folder, channels="P-2")) == ["P-2"]


def test_a_hidden_companion_file_is_passed_over(tmp_path):
    content = files(**{"__MACOSX/train/._P-2.npy": b"not an array"})
    assert len(load_smap_msl(write(content, tmp_path / "a.zip"))) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ["X-1"]}, "no channel 'X-1'; it has E-12, M-6, P-2, T-10"),
        ({"spacecraft": "JUNO"}, "must be 'SMAP', 'MSL' or None; got 'JUNO'"),
        (
            {"spacecraft": "MSL", "channels": ["P-2"]},
            "'P-2' belongs to SMAP, not to MSL",
        ),
    ],
)
def test_unknown_names_are_refused(folder, options, message):
    with pytest.raises(ValueError, match=message):
        load_smap_msl(folder, **options)


def short(n_rows=12, width=25):
    return npy(np.zeros((n_rows, width)))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"test__P-2.npy": None}, FileNotFoundError, "holds no test/P-2.npy"),
        ({"train__P-2.npy": None}, FileNotFoundError, "holds no train/P-2.npy"),
        ({"labeled_anomalies.csv": None}, FileNotFoundError, "no labeled_anomalies"),
        ({"test__P-2.npy": short(9)}, ValueError, "9 test rows, .* labels need 12"),
        ({"test__P-2.npy": short(12, 24)}, ValueError, "25 columns in train but 24"),
        ({"test__P-2.npy": npy(np.zeros(12))}, ValueError, r"shape \(12,\)"),
        ({"test__P-2.npy": b"junk"}, ValueError, "not a plain .npy array"),
        (
            {"test__P-2.npy": npy(np.array([[{}]], dtype=object))},
            ValueError,
            "not a plain .npy array",
        ),
        ({"old__test__P-2.npy": short()}, ValueError, "test/P-2.npy more than once"),
        ({"old__labeled_anomalies.csv": b"x"}, ValueError, "more than once"),
        ({"labels": 'P-2,SMAP,"[[2,",[point],12'}, ValueError, r"such as \[\[10, 20"),
        ({"labels": 'P-2,SMAP,"[[5, 2]]",[point],12'}, ValueError, "ends before"),
        ({"labels": 'P-2,SMAP,"[[5, 20]]",[point],12'}, ValueError, "labels need 21"),
        (
            {"labels": 'P-2,SMAP,"[[5, 6]]","[point, point]",12'},
            ValueError,
            "1 labelled sequences but 2 classes",
        ),
        ({"labels": 'P-2,JUNO,"[[5, 6]]",[point],12'}, ValueError, "says JUNO"),
        ({"labeled_anomalies.csv": b"chan_id\nP-2"}, ValueError, "column 'spacecraft'"),
    ],
)
def test_a_broken_archive_says_what_is_wrong(tmp_path, changes, error, message):
    path = write(files(**changes), tmp_path / "a.zip")
    with pytest.raises(error, match=message):
        load_smap_msl(path)


def test_an_unlabelled_channel_of_unknown_width_is_refused(tmp_path):
    part = {f"{part}__T-10.npy": short(12, 7) for part in ("train", "test")}
    path = write(files(**part), tmp_path / "a.zip")
    with pytest.raises(ValueError, match="7 columns do not tell its spacecraft"):
        load_smap_msl(path)


def test_a_path_that_is_no_archive_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        load_smap_msl(tmp_path / "nowhere.zip")
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(ValueError, match="neither a folder nor a zip or tar"):
        load_smap_msl(tmp_path / "text.zip")


def test_stacked_channels_are_train_and_test_tracks(folder):
    channels = load_smap_msl(folder, spacecraft="SMAP")
    stack = stack_smap_msl(channels)
    tracks = read_tracks(stack.X)
    assert list(tracks.names) == ["E-12/train", "E-12/test", "P-2/train", "P-2/test"]
    assert stack.y.index.equals(stack.X.index)
    assert stack.groups.index.equals(stack.X.index)
    assert stack.y.loc["E-12/train"].sum() == 0
    assert (stack.y.loc["P-2/test"] == channels["P-2"].y_test).all()
    assert stack.y.dtype == np.int64
    assert stack.groups.groupby(level="track").first().to_dict() == {
        "E-12/train": "E-12",
        "E-12/test": "E-12",
        "P-2/train": "P-2",
        "P-2/test": "P-2",
    }


def test_channels_with_an_array_in_common_share_a_group(folder):
    channels = load_smap_msl(folder, spacecraft="SMAP")
    first, second = channels["E-12"], channels["P-2"]
    between = Bunch(**{**second, "X_train": first.X_train})
    groups = stack_smap_msl({"a": first, "b": second, "c": between}).groups
    assert groups.unique().tolist() == ["a"]
    groups = stack_smap_msl({"a": first, "b": second}).groups
    assert groups.unique().tolist() == ["a", "b"]


def random_commands(n_rows, seed, share=0.1):
    return np.random.default_rng(seed).random((n_rows, 24)) < share / 4


def channel_of(*commands, seed=99):
    """Channel of a train and a test part with these commands."""
    rng = np.random.default_rng(seed)
    parts = []
    for part in commands:
        values = np.column_stack([rng.normal(size=len(part)), part])
        index = pd.RangeIndex(len(part), name="time")
        columns = ["value", *(f"command_{i}" for i in range(24))]
        parts.append(pd.DataFrame(values, index=index, columns=columns))
    y = np.zeros(len(commands[1]), dtype=np.int64)
    return Bunch(X_train=parts[0], X_test=parts[1], y_test=y, spacecraft="SMAP")


def groups_of(channels):
    groups = stack_smap_msl(channels).groups.groupby(level="track").first()
    return [groups[f"{name}/test"] for name in channels]


def jitter(commands, seed):
    """Move a third of the rows by one."""
    late = np.random.default_rng(seed).random(len(commands)) < 1 / 3
    moved = np.where(late[:, None], False, commands)
    moved[1:] |= np.where(late[:, None], commands, False)[:-1]
    return moved


def test_channels_of_the_same_time_share_a_group_though_their_rows_differ():
    timeline = random_commands(2000, seed=0)
    channels = {
        "a": channel_of(timeline[:500], timeline[500:1500]),
        "b": channel_of(random_commands(400, seed=1), timeline[100:900]),
        "c": channel_of(random_commands(400, seed=2), jitter(timeline[900:1800], 3)),
        "d": channel_of(random_commands(400, seed=4), random_commands(900, seed=5)),
    }
    assert groups_of(channels) == ["a", "a", "a", "d"]
    assert groups_of({name: channels[name] for name in "dcba"}) == ["d", "c", "c", "c"]


def test_channels_are_linked_by_way_of_a_third():
    first, second = random_commands(800, seed=0), random_commands(800, seed=1)
    other = random_commands(400, seed=2)
    channels = {
        "a": channel_of(other[:200], first),
        "b": channel_of(other[200:], second),
        "c": channel_of(first[300:], second[:400]),
    }
    assert groups_of(channels) == ["a", "a", "a"]
    del channels["c"]
    assert groups_of(channels) == ["a", "b"]


def test_a_plan_that_channels_repeat_does_not_link_them():
    plan = random_commands(200, seed=0)

    def days(seed):
        random = [random_commands(200, seed=seed + i) for i in range(4)]
        return np.concatenate([random[0], plan, random[1], plan, *random[2:]])

    channels = {
        "a": channel_of(random_commands(300, seed=10), days(20)),
        "b": channel_of(random_commands(300, seed=30), days(40)),
    }
    assert groups_of(channels) == ["a", "b"]


@pytest.mark.parametrize("value", [0, 1])
def test_commands_that_never_or_once_change_link_nothing(value):
    still = np.full((300, 24), bool(value))
    lone = still.copy()
    lone[100, 3] ^= True
    channels = {
        "a": channel_of(still, still, seed=1),
        "b": channel_of(still, still, seed=2),
        "c": channel_of(still, lone, seed=3),
        "d": channel_of(still, lone, seed=4),
    }
    assert groups_of(channels) == ["a", "b", "c", "d"]


def test_channels_of_two_spacecraft_do_not_stack(folder):
    with pytest.raises(ValueError, match="'E-12' belongs to SMAP and 'M-6' to MSL"):
        stack_smap_msl(load_smap_msl(folder))
    with pytest.raises(ValueError, match="no channel to stack"):
        stack_smap_msl({})
    with pytest.raises(TypeError, match="takes the dict"):
        stack_smap_msl(["P-2"])


def linked_in(stack):
    """Groups of more than one channel, in order."""
    groups = stack.groups.groupby(level="track", sort=False).first()
    channels = groups.index.str.removesuffix("/train").str.removesuffix("/test")
    sets = pd.Series(channels, index=groups.array).groupby(level=0, sort=False).agg(set)
    return [group for group in sets if len(group) > 1]


@pytest.mark.skipif("SKDSN_DATA" not in os.environ, reason="SKDSN_DATA is not set")
def test_the_published_channels_load_as_described():
    path = Path(os.environ["SKDSN_DATA"]) / "smap_msl" / "smap_msl_dev.tar.xz"
    channels = load_smap_msl(path)
    assert len(channels) == 48
    assert sum(len(channel.events) for channel in channels.values()) == 59
    assert sum(len(channel.y_test) for channel in channels.values()) == 291_989
    assert sum(channel.y_test.sum() for channel in channels.values()) == 43_443
    assert channels["E-12"].events["start"].tolist() == [5000, 5610]
    assert [name for name, c in channels.items() if not c.labelled] == ["T-10"]
    stack = stack_smap_msl({k: c for k, c in channels.items() if c.spacecraft == "MSL"})
    assert len(read_tracks(stack.X)) == 34
    assert stack.X.shape[1] == 55
    assert linked_in(stack) == [{"T-4", "T-5"}, {"M-3", "M-4", "M-5"}, {"T-12", "T-13"}]
    stack = stack_smap_msl(
        {k: c for k, c in channels.items() if c.spacecraft == "SMAP"}
    )
    family = {*(f"E-{i}" for i in (*range(1, 7), *range(8, 13))), "F-3", "P-3"}
    assert linked_in(stack) == [
        family | {"D-1", "D-2", "D-3", "D-4"},
        {"D-9", "G-4"},
        {"A-5", "A-6"},
        {"A-8", "A-9"},
    ]
