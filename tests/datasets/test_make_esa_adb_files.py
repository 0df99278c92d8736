import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdsn.datasets import make_esa_adb
from skdsn.datasets._esa_vocabulary import MISSIONS
from skdsn.datasets._make_esa_adb_files import making_folder
from skdsn.datasets._make_esa_adb_kinds import list_kinds

QUIET = {"n_anomalies": 0, "n_rare": 0, "n_gaps": 0, "n_invalid": 0}


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_one_seed_gives_the_same_files_byte_by_byte(tmp_path):
    options = {
        "days": 1,
        "mission": "Mission2",
        "channels": ["channel_20", "channel_47"],
    }
    first, again, other = (
        digests(make_esa_adb(tmp_path / name, **options, random_state=seed).folder)
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first == again
    assert first["channels/channel_20.zip"] != other["channels/channel_20.zip"]


def test_nominal_telemetry_does_not_depend_on_the_choice_of_channels(tmp_path):
    options = {"days": 1, "random_state": 4, **QUIET}
    some = digests(
        make_esa_adb(tmp_path / "s", channels="lightweight", **options).folder
    )
    every = digests(make_esa_adb(tmp_path / "a", **options).folder)
    own = {name for name in some if name.startswith("channels/")}
    assert len(own) == 6
    assert all(some[name] == every[name] for name in own)


def test_an_empty_folder_is_filled_and_a_full_one_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"days": 1, "channels": ["channel_41"], "random_state": 0}
    make_esa_adb(".", **options)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert "labels.csv" in names
    assert not [name for name in names if name.startswith(".")]
    with pytest.raises(FileExistsError, match="is not empty; name a new"):
        make_esa_adb(".", **options)
    with pytest.raises(FileExistsError, match="is a file"):
        make_esa_adb(tmp_path / "labels.csv", **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == names


@pytest.mark.parametrize("exists", [False, True])
def test_a_failure_leaves_nothing_behind(tmp_path, exists):
    folder = tmp_path / "home" / "m"
    folder.parent.mkdir()
    if exists:
        folder.mkdir()
    with pytest.raises(OSError, match="disk full"), making_folder(folder) as draft:
        (draft / "labels.csv").write_text("ID")
        raise OSError("disk full")
    left = [path.name for path in folder.parent.rglob("*")]
    assert left == (["m"] if exists else [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mission": "Mission4"}, "'mission' parameter"),
        ({"days": 0.5}, "'days' parameter"),
        ({"channels": "targets"}, "'channels' parameter"),
        ({"channels": []}, "channels is empty"),
        ({"channels": ["channel_77"]}, "no channel 'channel_77'; it has channel_1 to"),
        ({"channels": "lightweight", "mission": "Mission3"}, "no lightweight subset"),
        ({"channels": ["channel_2"], "n_rare": 1}, "No rare event of Mission1"),
        ({"n_invalid": 1}, "No invalid segment of Mission1"),
        ({"days": 1, "n_rare": 9}, "need a mission of 2 days at least; got days=1"),
        ({"priority": 4}, "'priority' parameter"),
        ({"n_gaps": -1}, "'n_gaps' parameter"),
    ],
)
def test_bad_input_is_told_in_one_sentence(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        make_esa_adb(tmp_path / "m", **options)
    assert list(tmp_path.iterdir()) == []


def test_constants_are_those_of_the_published_tables():
    home = os.environ.get("SKDSN_DATA")
    if not home:
        pytest.skip("SKDSN_DATA does not name the folder with the published tables")
    for number, mission in enumerate(MISSIONS.values(), 1):
        table = pd.read_csv(
            Path(home) / "esa" / f"anomaly_types_mission{number}.csv",
            keep_default_na=False,
        )
        for category in ("Anomaly", "Rare Event"):
            own = table[table["Category"] == category]
            kinds = [k for k in list_kinds(mission) if k.category == category]
            for axis, expected in (
                ("Class", [k.label for k in kinds]),
                ("Subclass", [k.sublabel for k in kinds]),
            ):
                counts = pd.Series([k.count for k in kinds]).groupby(expected).sum()
                assert counts.to_dict() == own[axis].value_counts().to_dict()
            assert sum(k.n_local for k in kinds) == (own["Locality"] == "Local").sum()
            assert sum(k.n_point for k in kinds) == (own["Length"] == "Point").sum()
            single = sum(k.count for k in kinds if k.univariate)
            assert single == (own["Dimensionality"] == "Univariate").sum()
    table = pd.read_csv(Path(home) / "esa" / "channels_mission1.csv")
    assert table["Group"].tolist() == [c.group for c in MISSIONS["Mission1"].channels]
    assert (table["Target"] == "YES").tolist() == (
        [c.target for c in MISSIONS["Mission1"].channels]
    )
    assert table["Subsystem"].str[10:].astype(int).tolist() == (
        [c.subsystem for c in MISSIONS["Mission1"].channels]
    )
    assert table["Physical Unit"].str[14:].astype(int).tolist() == (
        [c.unit for c in MISSIONS["Mission1"].channels]
    )


def test_missions_have_the_published_sizes():
    sizes = {
        name: (
            len(mission.channels),
            sum(channel.target for channel in mission.channels),
            len({channel.group for channel in mission.channels}),
            len({channel.subsystem for channel in mission.channels}),
            np.bincount(list(mission.priorities.values()), minlength=4).tolist(),
        )
        for name, mission in MISSIONS.items()
        if name != "Mission3"
    }
    assert sizes == {
        "Mission1": (76, 58, 18, 4, [345, 323, 19, 11]),
        "Mission2": (100, 47, 29, 5, [0, 0, 119, 4]),
    }
    own = [c for c in MISSIONS["Mission2"].channels if c.number in range(18, 29)]
    assert len({channel.subsystem for channel in own}) == 1
    counters = [c.number for c in MISSIONS["Mission2"].channels if c.kind == "counter"]
    assert counters == list(range(29, 47))
