import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdsn.datasets import esa_adb_folds, load_esa_adb, make_esa_adb
from skdsn.metrics import esa_adb_scores

START = pd.Timestamp("2000-01-01")
TYPES = """ID,Class,Subclass,Category,Dimensionality,Locality,Length
id_1,class_1,subclass_1,Anomaly,Univariate,Local,Subsequence
id_2,class_2,unknown,Rare Event,Multivariate,Global,Point
id_3,class_3,unknown,Communication Gap,,,
id_4,class_4,unknown,Invalid Segment,,,
"""
LABELS = """ID,Channel,StartTime,EndTime
id_1,channel_12,2000-01-01T00:10:00.000Z,2000-01-01T00:14:00.000Z
id_2,channel_12,2000-01-01T00:12:00.000Z,2000-01-01T00:20:00.000Z
id_2,channel_41,2000-01-01T00:12:00.000Z,2000-01-01T00:12:40.000Z
id_3,channel_12,2000-01-01T00:30:01.000Z,2000-01-01T00:34:59.000Z
id_3,channel_41,2000-01-01T00:30:01.000Z,2000-01-01T00:34:59.000Z
id_2,channel_1,2000-01-01T00:01:00.000Z,2000-01-01T00:02:00.000Z
"""
CHANNELS = """Channel,Subsystem,Physical Unit,Group,Target
channel_41,subsystem_5,physical_unit_4,8,YES
channel_1,subsystem_1,physical_unit_1,1,NO
channel_4,subsystem_1,physical_unit_2,2,NO
channel_12,subsystem_6,physical_unit_3,3,YES
"""
TELECOMMANDS = (
    "Telecommand,Priority\ntelecommand_10,3\ntelecommand_9,3\ntelecommand_2,1\n"
)


def minutes(*values):
    return START + pd.to_timedelta(values, unit="min")


def write_zip(folder, kind, name, series):
    (folder / kind).mkdir(exist_ok=True)
    series.to_frame(name).to_pickle(folder / kind / f"{name}.zip")


def at_every(seconds, n_rows):
    return START + pd.to_timedelta(np.arange(n_rows) * seconds, unit="s")


@pytest.fixture
def mission(tmp_path):
    """An hour of four channels and three commands."""
    times = at_every(20, 180).as_unit("ns")
    values = np.arange(180, dtype=np.float32) / 180
    telemetry = pd.Series(values, times)
    gap = (times > minutes(30)[0]) & (times < minutes(35)[0])
    write_zip(tmp_path, "channels", "channel_1", telemetry)
    write_zip(tmp_path, "channels", "channel_4", telemetry)
    write_zip(tmp_path, "channels", "channel_12", telemetry[~gap])
    write_zip(tmp_path, "channels", "channel_41", telemetry[~gap][7:])
    for name, when in (("9", [5, 5, 7.4]), ("10", [59]), ("2", [1])):
        executed = pd.Series(1.0, minutes(*when).as_unit("ns"))
        if name == "10":  # some missions have text
            executed.index = executed.index.strftime("%Y-%m-%d %H:%M:%S.%f")
        write_zip(tmp_path, "telecommands", f"telecommand_{name}", executed)
    (tmp_path / "channels.csv").write_text(CHANNELS)
    (tmp_path / "telecommands.csv").write_text(TELECOMMANDS)
    (tmp_path / "labels.csv").write_text(LABELS)
    (tmp_path / "anomaly_types.csv").write_text(TYPES)
    return tmp_path


def load(folder, **options):
    return load_esa_adb(folder, **{"allow_pickle": True, **options})


# -- As published --


def test_columns_are_in_the_order_of_numbers_and_rows_on_the_grid(mission):
    loaded = load(mission)
    assert loaded.X.columns.tolist() == [
        *("channel_1", "channel_4", "channel_12", "channel_41"),
        *("telecommand_9", "telecommand_10"),
    ]
    assert loaded.X.index.name == "time"
    assert loaded.X.index.equals(at_every(30, 121)[:121].rename("time"))
    assert loaded.X.dtypes.eq(np.float32).all()
    assert loaded.X.attrs == {}
    assert loaded.targets == ["channel_12", "channel_41"]
    assert loaded.commands == ["telecommand_9", "telecommand_10"]
    assert loaded.subsystems["channel_41"] == "subsystem_5"


def test_a_row_shows_the_last_sample_and_nothing_is_filled_backwards(mission):
    X = load(mission).X
    expected = np.arange(119) * 30 // 20 / np.float32(180)
    np.testing.assert_allclose(X["channel_1"][:119], expected, rtol=1e-6)
    assert X["channel_41"].first_valid_index() == START + pd.Timedelta("150s")
    held = X["channel_12"]["2000-01-01 00:30:00":"2000-01-01 00:34:30"]
    assert held.eq(held.iloc[0]).all()
    short = load(mission, max_hold="1min").X["channel_12"]
    assert short["2000-01-01 00:31:30":"2000-01-01 00:34:30"].isna().all()


def test_counters_are_differenced_backwards(mission):
    X = load(mission).X
    steps = X["channel_4"].to_numpy()[:119]
    assert steps[0] == 0
    np.testing.assert_allclose(steps[1:], 1 / 180, rtol=1e-3)
    raw = load(mission, counters="raw").X
    np.testing.assert_array_equal(raw["channel_4"], raw["channel_1"])


def test_a_pulse_is_at_the_row_that_follows_an_execution(mission):
    X = load(mission).X
    assert X.index[X["telecommand_9"] == 1].tolist() == minutes(5, 7.5).tolist()
    assert X.index[X["telecommand_10"] == 1].tolist() == minutes(59).tolist()


def test_the_worst_of_the_target_channels_labels_a_row(mission):
    loaded = load(mission, return_channel_labels=True)
    expected = pd.Series(0, loaded.X.index)
    # A row shows a sample of up to 20 s before, with the label of that sample.
    expected["2000-01-01 00:10:00":"2000-01-01 00:20:00"] = 2
    expected["2000-01-01 00:10:00":"2000-01-01 00:14:00"] = 1
    expected["2000-01-01 00:30:30":"2000-01-01 00:34:30"] = -1
    assert loaded.y.dtype == np.int8
    assert loaded.y.name == "anomaly"
    pd.testing.assert_series_equal(
        loaded.y, expected.astype(np.int8), check_names=False
    )
    each = loaded.channel_labels
    assert each.columns.tolist() == loaded.X.columns[:4].tolist()
    assert each.dtypes.eq(np.int8).all()
    assert each["channel_1"].value_counts()[2] == 3
    assert each["channel_41"].iloc[0] == -1
    assert (load(mission, channels="channel_1").y == -1).all()
    alone = load(mission, channels="channel_41")  # from 2 min 20 s on
    assert alone.y.tolist()[:3] == [-1, 0, 0]
    assert alone.X.index[0] == minutes(2)[0]


def test_categories_may_have_other_codes(mission):
    y = load(mission, categories={"Rare Event": 0, "Communication Gap": 0}).y
    assert set(y) == {0, 1}


def test_labels_are_joined_and_cut_to_channels_and_period(mission):
    labels = load(mission).labels
    assert labels.columns.tolist()[:6] == [
        *("ID", "Channel", "StartTime", "EndTime", "Category", "Class")
    ]
    assert len(labels) == 6
    assert labels["StartTime"].dtype == "datetime64[us]"
    assert labels["Category"].iloc[0] == "Anomaly"
    late = load(
        mission, channels="targets", start="2000-01-01T00:15", end=minutes(29)[0]
    )
    assert late.labels["ID"].tolist() == ["id_2"]
    assert late.X.index[0] == minutes(15)[0]
    assert late.X.index[-1] == minutes(29)[0]


def test_the_scores_of_the_benchmark_take_what_is_loaded(mission):
    loaded = load(mission, channels="targets", return_channel_labels=True)
    flags = (loaded.channel_labels > 0).astype(int)
    scores = esa_adb_scores(loaded.labels, flags, subsystems=loaded.subsystems)
    assert scores.event_wise_recall == 1
    assert scores.false_positives == 0
    assert scores.channel_aware_recall == 1


def test_a_later_part_begins_with_what_was_known(mission):
    whole = load(mission).X
    late = load(mission, start=minutes(40)[0]).X
    pd.testing.assert_frame_equal(late, whole[minutes(40)[0] :], check_freq=False)


def test_shares_of_a_short_mission_are_its_folds(mission):
    fold = esa_adb_folds("Mission1", span=minutes(0, 60))["84_months"]
    parts = {
        p: load(mission, fold=fold, part=p).X for p in ("train+validation", "test")
    }
    joined = pd.concat(parts.values())
    whole = load(mission).X
    pd.testing.assert_frame_equal(joined, whole, check_freq=False)
    assert len(parts["test"]) == pytest.approx(len(whole) / 2, abs=2)
    with pytest.raises(ValueError, match=r"runs from 2000-01-01 00:00:00 .* span="):
        load(mission, fold="84_months", part="test")
    assert len(load(mission, fold=84).X) == len(whole)


def test_a_sample_lost_between_rows_is_rescued(mission):
    labels = LABELS + "id_1,channel_12,2000-01-01T00:50:40Z,2000-01-01T00:50:40Z\n"
    (mission / "labels.csv").write_text(labels)
    when = START + pd.Timedelta("51min")  # which has a sample of its own
    assert load(mission).y[when] == 1
    assert load(mission, rescue=False).y[when] == 0


def test_texts_are_numbered_as_in_training(mission):
    times = at_every(20, 180).as_unit("ns")
    texts = np.repeat(["OFF", "ON", "LOST"], 60)
    write_zip(mission, "channels", "channel_41", pd.Series(texts, times, dtype=object))
    head, *rest = CHANNELS.splitlines()
    listed = [f"{head},Categorical", *(f"{line},YES" for line in rest)]
    (mission / "channels.csv").write_text("\n".join(listed))
    fold = esa_adb_folds("Mission1", span=minutes(0, 50))["84_months"]
    fold["train"] = START, minutes(30)[0]
    test = load(mission, fold=fold, part="test")
    assert test.vocabularies == {"channel_41": ["OFF", "ON"]}
    assert set(test.X["channel_41"]) == {1.0, -1.0}
    given = load(mission, vocabularies={"channel_41": ["LOST", "OFF"]})
    assert set(given.X["channel_41"]) == {1.0, -1.0, 0.0}
    assert load(mission).vocabularies == {"channel_41": ["OFF", "ON", "LOST"]}


def test_what_is_repaired_is_reported(mission):
    times = minutes(3, 1, 2, 2).as_unit("ns")
    write_zip(
        mission, "channels", "channel_1", pd.Series(np.float32([3, 1, 2, 9]), times)
    )
    write_zip(mission, "channels", "channel_4", pd.Series(np.float32([]), times[:0]))
    report = load(mission).report.set_index(["name", "problem"])["count"]
    assert report["channel_1", "samples out of order sorted"] == 1
    assert report["channel_1", "sample at a repeated time dropped"] == 1
    assert report["telecommand_9", "sample at a repeated time dropped"] == 1
    assert report["channel_4", "has no sample up to the end"] == 1
    X = load(mission).X
    assert X["channel_1"][minutes(2)[0]] == 9
    assert X["channel_4"].isna().all()


def test_channels_and_telecommands_are_chosen(mission):
    chosen = load(mission, channels=["channel_41", "channel_1"], telecommands=1)
    assert chosen.X.columns.tolist() == [
        *("channel_1", "channel_41"),
        *("telecommand_2", "telecommand_9", "telecommand_10"),
    ]
    assert load(mission, telecommands=False).commands == []
    assert load(mission, telecommands="telecommand_2").commands == ["telecommand_2"]
    with pytest.raises(ValueError, match="no 'channel_42' among the channels"):
        load(mission, channels="lightweight")
    with pytest.raises(ValueError, match="no 'telecommand_5' among the telecommands"):
        load(mission, telecommands=["telecommand_5"])
    with pytest.raises(ValueError, match="channels names none"):
        load(mission, channels=[])


def test_the_other_generation_of_channels_and_other_missions_are_read(mission):
    head, *rest = CHANNELS.splitlines()
    newer = [f"{head},Categorical", *(f"{line},NO" for line in rest)]
    (mission / "channels.csv").write_text("\n".join(newer))
    (mission / "events.csv").write_text(
        "Event,StartTime,EndTime\nsafe mode,2000-01-01T00:00:00Z,2000-01-01T01:00:00Z\n"
    )
    third = load(mission, mission="Mission3", step="1min")
    assert len(third.X) == 61
    assert third.channels["Categorical"].eq("NO").all()
    assert third.events["StartTime"].iloc[0] == START
    with pytest.raises(ValueError, match="no step of Mission3"):
        load(mission, mission="Mission3")
    with pytest.raises(ValueError, match="no folds of Mission3"):
        load(mission, mission="Mission3", step=30, fold="3_months")


def test_a_period_may_hold_no_sample_but_not_no_row(mission):
    early = load(mission, channels="channel_41", end=START + pd.Timedelta("130s"))
    assert early.X["channel_41"].isna().all()
    assert early.y.tolist() == [-1]
    with pytest.raises(ValueError, match=r"no row between .* at multiples of 30 s"):
        load(mission, start=minutes(1.1)[0], end=minutes(1.2)[0])


def test_pickles_are_read_only_on_request(mission):
    with pytest.raises(ValueError, match="give allow_pickle=True"):
        load_esa_adb(mission)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("labels.csv", "ID,Channel\n", "lacks the column 'StartTime'"),
        ("labels.csv", LABELS.replace("T00:14", "T00:01"), "line 2, ends before"),
        (
            "labels.csv",
            LABELS.replace("2000-01-01T00:12:40", "soon"),
            "line 4, has a En",
        ),
        ("labels.csv", LABELS.replace("channel_41", "channel_9"), "line 4, is on a ch"),
        ("labels.csv", LABELS.replace("id_3", "id_9"), "line 5, has an ID that"),
        ("labels.csv", LABELS.replace("id_3", ""), "line 5, has no ID"),
        (
            "anomaly_types.csv",
            TYPES.replace("Anomaly", "Odd"),
            "line 2, has a Category",
        ),
        ("anomaly_types.csv", TYPES.replace("id_4", "id_1"), "line 5, repeats an ID"),
        ("channels.csv", CHANNELS.replace("YES", "MAYBE"), "line 2, has no Target"),
        (
            "channels.csv",
            CHANNELS.replace("channel_4,", "channel_1,"),
            "line 4, repeats",
        ),
        (
            "channels.csv",
            CHANNELS.replace("channel_4,", "voltage,"),
            "line 4, names no",
        ),
        (
            "telecommands.csv",
            TELECOMMANDS.replace(",1", ",9"),
            "line 4, has no Priority",
        ),
        ("labels.csv", "", "cannot be read as a table"),
    ],
)
def test_bad_tables_are_told_with_file_and_line(mission, file, text, words):
    (mission / file).write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        load(mission)
    assert str(mission / file) in str(caught.value)


def test_bad_channels_are_told_with_their_file(mission):
    path = mission / "channels" / "channel_12.zip"
    frame = pd.DataFrame({"channel_12": [1.0]}, index=minutes(0))

    def refuses(words):
        with pytest.raises(ValueError, match=words) as caught:
            load(mission)
        assert str(path) in str(caught.value)

    frame.assign(other=1).to_pickle(path)
    refuses("must hold a frame with the one column 'channel_12'")
    pd.Series([1]).to_pickle(path)
    refuses("got Series")
    frame.reset_index(drop=True).to_pickle(path)
    refuses("indexed by times; its index holds int64")
    frame.set_axis(["soon"]).to_pickle(path)
    refuses("not indexed by times.*'soon'")
    path.write_bytes(b"PK broken")
    refuses("no zip file that can be read")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"")
        archive.writestr("b", b"")
    refuses("it holds 2 files")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("channel_12", b"no pickle")
    refuses("no complete pickle")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("channel_12", b"cos\nsystem\n(S'true'\ntR.")
    refuses("asks for os.system")
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"channels\.csv lists channel_12"):
        load(mission)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mission": "Mission9"}, "mission must be one of 'Mission1'"),
        ({"fold": "4_months"}, "fold must be one of '3_months'"),
        ({"fold": 84, "part": "all"}, "'part' parameter of load_esa_adb must be"),
        ({"part": "test"}, "part='test' is a part of a fold"),
        ({"start": "soon"}, "start must be a time, such as .* got 'soon'"),
        ({"start": 2000}, "start must be a time, such as .* got 2000"),
        ({"end": float("nan")}, "end must be a time, such as .* got nan"),
        ({"end": pd.NaT}, "end must be a time, such as .* got NaT"),
        ({"step": 1e12}, "step must be between"),
        ({"fold": {}}, "fold must have the part 'train'"),
        ({"fold": {"train": 5}}, r"fold\['train'\] must be two times such as"),
        ({"fold": {"train": ("2001", "2000")}}, "before it starts at 2001"),
        ({"start": "2000-01-02", "end": "2000-01-01"}, "no time between 2000-01-02"),
        ({"start": "2013-01-01"}, "runs from 2000-01-01"),
        ({"categories": {"Odd": 1}}, "categories may name 'Anomaly'"),
        ({"categories": {"Anomaly": 0.5}}, "give 'Anomaly' an integer"),
        ({"step": 0}, "'step' parameter of load_esa_adb"),
    ],
)
def test_bad_arguments_are_told_in_one_sentence(mission, options, words):
    with pytest.raises(ValueError, match=words):
        load(mission, **options)


def test_missing_files_are_told(tmp_path, mission):
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no mission"):
        load(tmp_path / "empty")
    (mission / "anomaly_types.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"no anomaly_types\.csv"):
        load(mission)


def test_a_generated_mission_is_read_as_it_unpacks(tmp_path):
    home = tmp_path / "ESA-Mission1"
    home.mkdir()
    make_esa_adb(home, days=3, channels="lightweight", random_state=0)
    loaded = load(tmp_path, channels="lightweight", return_channel_labels=True)
    assert loaded.X.columns.tolist() == [f"channel_{n}" for n in range(41, 47)]
    assert len(loaded.X) == pytest.approx(3 * 2880, abs=3)
    assert loaded.X.iloc[100:].notna().all(axis=None)
    assert {0, 1} <= set(loaded.y)
    flags = loaded.channel_labels.clip(lower=0).clip(upper=1)
    scores = esa_adb_scores(loaded.labels, flags, subsystems=loaded.subsystems)
    assert scores.event_wise_recall > 0.8


@pytest.mark.skipif("SKDSN_DATA" not in os.environ, reason="needs SKDSN_DATA")
def test_the_published_tables_are_read(mission):
    data = Path(os.environ["SKDSN_DATA"]) / "esa"
    for name, source in (
        ("channels", "channels_mission1"),
        ("anomaly_types", "anomaly_types_mission1"),
        ("labels", "labels_mission1_sample"),
    ):
        text = (data / f"{source}.csv").read_text()
        (mission / f"{name}.csv").write_text(text)
    names = ["channel_12", "channel_41"]
    loaded = load(mission, channels=names)
    assert loaded.channels["Target"].eq("YES").sum() == 58
    assert loaded.targets == names
    assert len(loaded.labels) == 0
