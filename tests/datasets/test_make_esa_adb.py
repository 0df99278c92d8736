import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdsn.datasets import make_esa_adb
from skdsn.datasets._esa_vocabulary import _STATISTICS_1, MISSIONS
from skdsn.datasets._pickles import load_frames

QUIET = {"n_anomalies": 0, "n_rare": 0, "n_gaps": 0, "n_invalid": 0}
ANNOTATED = ["Dimensionality", "Locality", "Length"]


def read_column(folder, kind, name):
    """The frame of one column in a zip, as a loader reads it."""
    with zipfile.ZipFile(Path(folder) / kind / f"{name}.zip") as archive:
        (member,) = archive.namelist()
        assert member == name
        frame = load_frames(io.BytesIO(archive.read(member)), allow_pickle=True)
    assert frame.columns.tolist() == [name]
    return frame[name]


def read_channels(made):
    return {
        name: read_column(made.folder, "channels", name)
        for name in made.channels["Channel"]
    }


def read_labels(made):
    labels = pd.read_csv(made.folder / "labels.csv")
    for column in ("StartTime", "EndTime"):
        assert labels[column].str.fullmatch(r"2000-.*T.*\.\d{3}Z").all()
        labels[column] = pd.to_datetime(labels[column]).dt.tz_localize(None)
    return labels.merge(made.types, on="ID", validate="many_to_one")


@pytest.fixture(scope="module", params=["Mission1", "Mission2", "Mission3"])
def both(request, tmp_path_factory):
    """A mission, and the same without any event."""
    home = tmp_path_factory.mktemp("esa")
    options = {"mission": request.param, "days": 6, "random_state": 3}
    made = make_esa_adb(home / "events", n_anomalies=6, n_rare=6, n_gaps=2, **options)
    return made, make_esa_adb(home / "quiet", **options, **QUIET)


def test_the_tables_have_the_columns_and_words_of_the_data_set(both):
    made, _ = both
    mission = MISSIONS[made.DESCR.split()[1]]
    channels = pd.read_csv(made.folder / "channels.csv")
    assert channels.columns.tolist() == (
        ["Channel", "Subsystem", "Physical Unit", "Group", "Target", "Categorical"]
    )
    assert channels["Group"].dtype == np.int64
    assert set(channels["Target"]) == set(channels["Categorical"]) | {"YES"}
    commands = pd.read_csv(made.folder / "telecommands.csv")
    assert commands.columns.tolist() == ["Telecommand", "Priority"]
    assert commands["Priority"].between(2, 3).all()
    types = pd.read_csv(made.folder / "anomaly_types.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(types, made.types)
    assert types["ID"].tolist() == [f"id_{k}" for k in range(1, len(types) + 1)]
    blank = types["Category"].isin(["Communication Gap", "Invalid Segment"])
    assert (types.loc[blank, ANNOTATED] == "").all(axis=None)
    assert set(types.loc[~blank, "Locality"]) <= {"Local", "Global"}
    labels = pd.read_csv(made.folder / "labels.csv")
    assert labels.columns.tolist() == ["ID", "Channel", "StartTime", "EndTime"]
    assert set(labels["ID"]) == set(types["ID"])
    assert set(labels["Channel"]) <= set(channels["Channel"])
    assert (made.folder / "events.csv").exists() == (mission.name == "Mission2")


def test_every_channel_is_float32_within_0_and_1_or_text(both):
    made, _ = both
    text = set(made.channels.loc[made.channels["Categorical"] == "YES", "Channel"])
    assert bool(text) == ("Mission2" in made.DESCR)
    total = 0
    for name, column in read_channels(made).items():
        total += len(column)
        if name in text:
            assert column.dtype == object
            assert 2 <= len(set(column)) <= 5
        else:
            assert column.dtype == np.float32
            assert column.between(0, 1).all()
    assert total == made.n_samples


def test_samples_are_irregular_around_the_dominant_step(both):
    made, _ = both
    mission = MISSIONS[made.DESCR.split()[1]]
    medians = []
    for column in read_channels(made).values():
        assert column.index.tz is None
        assert column.index.is_monotonic_increasing
        assert column.index.is_unique
        steps = np.diff(column.index.to_numpy()) / np.timedelta64(1, "ms")
        medians.append(np.median(steps) / 1000)
        period = medians[-1] * 1000
        off = np.abs(steps - period) > 10
        assert 0.005 < off.mean() < 0.05
        assert (steps > 2 * period).any()
    assert np.mean(np.isclose(medians, mission.step, atol=0.01)) > 0.7


def test_labels_are_where_values_differ_from_those_without_events(both):
    made, quiet = both
    labels = read_labels(made)
    real = labels[labels["Category"] != "Communication Gap"]
    moduli = {
        channel.name: channel.modulus
        for channel in MISSIONS[made.DESCR.split()[1]].channels
        if channel.kind == "counter"
    }
    nominal = read_channels(quiet)
    for name, column in read_channels(made).items():
        expected = nominal[name]
        assert column.index.isin(expected.index).all()
        expected = expected.loc[column.index]
        own = real[real["Channel"] == name]
        differs = (column != expected).to_numpy()
        if name in moduli:
            # An extra count stays: what differs is how far it counts.
            ahead = (column - expected).to_numpy() * (moduli[name] - 1)
            differs = np.diff(np.round(ahead) % moduli[name], prepend=0) != 0
        labelled = np.zeros(len(column), dtype=bool)
        for start, end in zip(own["StartTime"], own["EndTime"], strict=True):
            rows = column.index.slice_indexer(start, end)
            assert column.index[rows][[0, -1]].tolist() == [start, end]
            assert differs[rows][[0, -1]].all()
            labelled[rows] = True
        assert not differs[~labelled].any()


def test_nothing_is_received_in_a_communication_gap(both):
    made, quiet = both
    nominal = read_channels(quiet)
    labels = read_labels(made)
    gaps = labels[labels["Category"] == "Communication Gap"]
    assert len(gaps) == 2 * len(made.channels)
    for name, column in read_channels(made).items():
        for row in gaps[gaps["Channel"] == name].itertuples():
            inside = column.loc[row.StartTime : row.EndTime]
            assert inside.index.tolist() == [row.StartTime]
            assert len(nominal[name].loc[row.StartTime : row.EndTime]) > 5


def test_attributes_of_an_event_are_what_its_label_rows_show(both):
    made, _ = both
    mission = MISSIONS[made.DESCR.split()[1]]
    counters = {c.name for c in mission.channels if c.kind == "counter"}
    labels = read_labels(made)
    columns = read_channels(made)
    leaves = dict.fromkeys(made.types["ID"], False)
    for name, own in labels.groupby("Channel"):
        column = columns[name]
        if name in counters or column.dtype == object:
            continue
        own = own[own["Category"] != "Communication Gap"]
        inside = {
            row.Index: column.loc[row.StartTime : row.EndTime]
            for row in own.itertuples()
        }
        calm = column.drop([time for part in inside.values() for time in part.index])
        for row in own.itertuples():
            part = inside[row.Index]
            leaves[row.ID] |= part.min() < calm.min() or part.max() > calm.max()
    for event in made.types.itertuples():
        own = labels[labels["ID"] == event.ID]
        if not event.Locality:
            continue
        assert event.Locality == ("Global" if leaves[event.ID] else "Local")
        several = len(set(own["Channel"])) > 1
        assert event.Dimensionality == ("Multivariate" if several else "Univariate")


def test_both_halves_hold_each_category_and_recurring_rare_events(tmp_path):
    made = make_esa_adb(
        tmp_path / "m", channels="lightweight", priority=3, random_state=8
    )
    labels = read_labels(made)
    middle = pd.Timestamp("2000-01-16")
    events = labels.groupby("ID").agg(
        start=("StartTime", "min"), kind=("Category", "first"), name=("Class", "first")
    )
    assert events["kind"].value_counts().to_dict() == (
        {"Rare Event": 10, "Anomaly": 8, "Communication Gap": 1}
    )
    anomalies = events[events["kind"] == "Anomaly"]
    assert (anomalies["start"] < middle).sum() == 4
    rare = events[events["kind"] == "Rare Event"]
    classes = rare.groupby("name")["start"]
    assert len(classes) == 3
    assert (classes.min() < middle).all()
    assert (classes.max() > middle).all()


def test_a_rare_event_looks_the_same_each_time_and_is_announced(tmp_path):
    options = {"days": 20, "channels": "lightweight", "priority": 3, "random_state": 1}
    made = make_esa_adb(tmp_path / "m", **options)
    quiet = read_channels(make_esa_adb(tmp_path / "q", **options, **QUIET))
    columns = read_channels(made)
    labels = read_labels(made)
    rare = labels[(labels["Category"] == "Rare Event") & (labels["Locality"] != "")]
    executed = [
        pd.to_datetime(read_column(made.folder, "telecommands", name).index)
        for name in made.telecommands["Telecommand"]
        if int(name.split("_")[1]) in MISSIONS["Mission1"].triggers
    ]
    executed = [pd.DatetimeIndex(each).tz_localize(None) for each in executed]
    starts = rare.groupby("ID")["StartTime"].min()
    for start in starts:
        leads = [(start - times).total_seconds().to_numpy() for times in executed]
        assert any(((lead > 0) & (lead < 420)).any() for lead in leads)
    assert sum(len(times.unique()) for times in executed) == len(starts)
    for (_, name), own in rare.groupby(["Class", "Channel"]):
        longest = (own["EndTime"] - own["StartTime"]) > pd.Timedelta("5min")
        shapes = []
        for row in own[longest].itertuples():
            part = columns[name].loc[row.StartTime : row.EndTime]
            change = part - quiet[name].loc[part.index]
            grid = np.linspace(0, len(part) - 1, 40)
            shapes.append(np.interp(grid, np.arange(len(part)), change))
        assert len(shapes) >= 2
        assert np.sign([shape.sum() for shape in shapes]).std() == 0
        assert np.corrcoef(shapes).min() > 0.3 or np.std(shapes[0]) < 1e-3


def test_statistics_are_those_published(tmp_path):
    names = [f"channel_{number}" for number in (14, 23, 42, 47, 55, 62, 75)]
    made = make_esa_adb(
        tmp_path / "m", days=60, channels=names, random_state=2, **QUIET
    )
    for name, column in read_channels(made).items():
        median, iqr, shift, deviation = _STATISTICS_1[int(name.split("_")[1])]
        assert abs(column.mean() - median - shift) < 0.5 * deviation
        assert 0.7 < column.std() / deviation < 1.3
        quartiles = column.quantile([0.25, 0.75]).to_numpy()
        assert np.ptp(quartiles) == pytest.approx(iqr, rel=0.35)


def test_channels_of_a_group_move_together(tmp_path):
    names = [f"channel_{number}" for number in (41, 42, 43, 70, 71)]
    made = make_esa_adb(
        tmp_path / "m", days=15, channels=names, random_state=0, **QUIET
    )
    hourly = pd.DataFrame(
        {name: x.resample("30min").mean() for name, x in read_channels(made).items()}
    )
    related = hourly.corr()
    assert related.loc["channel_41", ["channel_42", "channel_43"]].min() > 0.7
    assert related.loc["channel_70", "channel_71"] > 0.7


def test_channels_respond_to_some_telecommands(tmp_path):
    made = make_esa_adb(
        tmp_path / "m", days=30, channels="lightweight", random_state=0, **QUIET
    )
    times = [
        pd.DatetimeIndex(
            pd.to_datetime(read_column(made.folder, "telecommands", name).index)
        )
        for name in ("telecommand_38", "telecommand_351")
    ]
    jumps = {}
    for name, column in read_channels(made).items():
        ahead = [
            column.loc[time : time + pd.Timedelta("8min")].mean()
            - column.loc[time - pd.Timedelta("8min") : time].mean()
            for each in times
            for time in each
        ]
        jumps[name] = np.nanmean(ahead) / column.std()
    assert min(jumps.values()) > 0.4
    assert max(jumps.values()) < 2


def test_telecommands_have_text_times_and_duplicates_too(tmp_path):
    made = make_esa_adb(tmp_path / "m", "Mission2", days=2, channels="lightweight")
    read = {
        name: read_column(made.folder, "telecommands", name)
        for name in made.telecommands["Telecommand"]
    }
    assert len(read) == 123
    assert all((column == 1).all() for column in read.values())
    kinds = {column.index.dtype.kind for column in read.values() if len(column)}
    assert kinds == {"M", "O"}
    assert any(column.index.has_duplicates for column in read.values())


def test_invalid_segments_hold_nothing_of_the_signal(tmp_path):
    made = make_esa_adb(
        tmp_path / "m",
        "Mission3",
        days=4,
        channels=["channel_14", "channel_20"],
        n_anomalies=0,
        n_rare=0,
        n_gaps=0,
        n_invalid=4,
        random_state=0,
    )
    labels = read_labels(made)
    assert set(labels["Category"]) == {"Invalid Segment"}
    for name, column in read_channels(made).items():
        for row in labels[labels["Channel"] == name].itertuples():
            part = column.loc[row.StartTime : row.EndTime]
            assert part.std() > 0.2 or set(part) <= {np.float32(0), np.float32(1)}


def test_short_events_and_single_samples_occur(tmp_path):
    made = make_esa_adb(
        tmp_path / "m", days=40, priority=3, n_anomalies=40, random_state=0
    )
    labels = read_labels(made)
    lasted = labels["EndTime"] - labels["StartTime"]
    assert (lasted == pd.Timedelta(0)).any()
    assert labels.groupby(["ID", "Channel"]).size().max() > 1
    points = labels[labels["Length"] == "Point"].groupby("ID")
    assert len(points) > 0
    span = points["EndTime"].max() - points["StartTime"].min()
    assert span.max() < pd.Timedelta("90s")
    assert labels.groupby("ID")["StartTime"].nunique().max() > 3
