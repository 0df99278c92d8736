"""Missions whose files contradict each other, or hold what no mission has."""

import numpy as np
import pandas as pd
import pytest

from skdsn.datasets import load_esa_adb

START = pd.Timestamp("2000-01-01")
HEAD = "Channel,Subsystem,Physical Unit,Group,Target"
TYPES = (
    "ID,Class,Subclass,Category,Dimensionality,Locality,Length\n"
    "id_1,class_1,subclass_1,Anomaly,Univariate,Local,Subsequence\n"
)
LABEL = "ID,Channel,StartTime,EndTime\nid_1,channel_41,{},{}\n"


def write(folder, values, times=None, *, categorical=None, labels=None):
    """Make a mission of one channel."""
    (folder / "channels").mkdir(parents=True)
    if times is None:
        times = START + pd.to_timedelta(np.arange(len(values)) * 30, unit="s")
    frame = pd.DataFrame({"channel_41": values}, index=times)
    frame.to_pickle(folder / "channels" / "channel_41.zip")
    line = "channel_41,subsystem_5,physical_unit_4,8,YES"
    head = HEAD if categorical is None else f"{HEAD},Categorical"
    line = line if categorical is None else f"{line},{categorical}"
    (folder / "channels.csv").write_text(f"{head}\n{line}\n")
    labels = labels or ("2000-01-01T00:00:30Z", "2000-01-01T00:01:00Z")
    (folder / "labels.csv").write_text(LABEL.format(*labels))
    (folder / "anomaly_types.csv").write_text(TYPES)
    return folder


def load(folder, mission="Mission1", **options):
    return load_esa_adb(
        folder, mission, telecommands=False, allow_pickle=True, **options
    )


@pytest.mark.parametrize("name", ["ESA-Mission2", "Mission2"])
def test_a_folder_of_another_mission_is_refused(tmp_path, name):
    folder = write(tmp_path / name, [1.0, 2.0, 3.0])
    with pytest.raises(
        ValueError, match="is of Mission2 by its name, but mission is '"
    ):
        load(folder)
    assert len(load(folder, "Mission2").X) == 5  # of 18 s
    assert len(load(write(tmp_path / "mine", [1.0, 2.0, 3.0])).X) == 3


@pytest.mark.parametrize("categorical", [None, "NO"])
def test_numbers_that_came_as_text_are_refused(tmp_path, categorical):
    folder = write(tmp_path / "m", ["10.5", "11", "9"], categorical=categorical)
    with pytest.raises(
        ValueError, match=r"text such as '10\.5', but channels\.csv says"
    ):
        load(folder)


def test_text_is_read_where_the_table_says_or_no_table_can(tmp_path):
    said = write(tmp_path / "a", ["ON", "OFF", "ON"], categorical="YES")
    assert load(said).X["channel_41"].tolist() == [0, 1, 0]
    other = write(tmp_path / "b", ["ON", "OFF", "ON"])
    assert load(other, "Mission3", step=30).X["channel_41"].tolist() == [0, 1, 0]


@pytest.mark.parametrize("values", [[1, "a", 2], [[1], [2], [3]]])
def test_values_of_several_kinds_are_refused(tmp_path, values):
    folder = write(tmp_path / "m", values, categorical="YES")
    with pytest.raises(ValueError, match=r"channel_41\.zip must hold numbers or texts"):
        load(folder)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (("now", "2000-01-01"), "labels.csv, line 2, has a StartTime that is no time"),
        (("2000-01-01", "today"), "line 2, has a EndTime that is no time"),
        (("1500-01-01", "2000-01-01"), "line 2, has a StartTime outside 1678 to 2262"),
    ],
)
def test_times_that_no_telemetry_has_are_told_with_file_and_line(
    tmp_path, times, words
):
    with pytest.raises(ValueError, match=words):
        load(write(tmp_path / "m", [1.0, 2.0], labels=times))


def test_an_event_that_is_still_open_lasts_to_the_end(tmp_path):
    labels = "2000-01-01T00:00:30Z", "9999-12-31T23:59:59Z"
    loaded = load(write(tmp_path / "m", [1.0, 2.0, 3.0], labels=labels))
    assert loaded.y.tolist() == [0, 1, 1]
    assert loaded.labels["EndTime"].tolist() == [pd.Timestamp("2262-04-11")]


def test_a_stray_time_is_told_before_rows_are_made(tmp_path):
    times = pd.DatetimeIndex(["1900-01-01", "2000-01-01", "2000-01-02"])
    folder = write(tmp_path / "m", [1.0, 2.0, 3.0], times)
    with pytest.raises(ValueError, match=r"from 1900-01-01.*\(channel_41\) to 2000-01"):
        load(folder)
    assert len(load(folder, start="2000-01-01").X) == 2881
