import numpy as np
import pandas as pd
import pytest

from skdsn.datasets import load_esa_adb

START = pd.Timestamp("2000-01-01")


def frame(n_rows, first=START, step=30):
    times = first + pd.to_timedelta(np.arange(n_rows) * step, unit="s")
    table = pd.DataFrame({"timestamp": times.strftime("%Y-%m-%d %H:%M:%S")})
    names = ["channel_1", "channel_12", "channel_2", "telecommand_244"]
    for place, name in enumerate(names):
        table[name] = np.round(np.arange(n_rows) / 100 + place, 4)
    for name in names:
        table[f"is_anomaly_{name}"] = 0
    table.loc[2:4, "is_anomaly_channel_12"] = [1, 2, 3]
    table.loc[5, "is_anomaly_channel_2"] = 1
    return table


@pytest.fixture
def folder(tmp_path):
    frame(20).to_csv(tmp_path / "3_months.train.csv", index=False)
    frame(20).to_csv(tmp_path / "84_months.train.csv", index=False)
    test = frame(15, pd.Timestamp("2007-01-01"))
    test.to_csv(tmp_path / "84_months.test.csv", index=False)
    return tmp_path


def test_what_the_benchmark_prepares_is_read_as_it_is(folder):
    loaded = load_esa_adb(folder, fold="3_months", return_channel_labels=True)
    assert loaded.X.columns.tolist() == [
        *("channel_1", "channel_2", "channel_12", "telecommand_244")
    ]
    table = frame(20)
    for name in loaded.X:
        np.testing.assert_array_equal(loaded.X[name], table[name].astype(np.float32))
    assert loaded.X.index[1] == START + pd.Timedelta("30s")
    # channel_2 is no target; 12 is one although nothing but its number tells.
    assert loaded.targets == ["channel_12"]
    assert loaded.y.tolist() == [0, 0, 1, 2, -1, *[0] * 15]
    assert loaded.channel_labels["channel_2"].tolist()[5] == 1
    assert len(loaded.labels) == 0
    assert loaded.channels is None
    assert len(loaded.report) == 0


def test_the_test_part_does_not_repeat_the_last_training_row(folder):
    test = load_esa_adb(folder, fold="3_months", part="test", telecommands=False)
    assert test.X.index[0] == pd.Timestamp("2007-01-01 00:00:30")
    assert len(test.X) == 14
    alone = load_esa_adb(folder / "84_months.test.csv", channels="targets")
    assert len(alone.X) == 15
    assert alone.X.columns.tolist() == ["channel_12", "telecommand_244"]


def test_a_period_is_read_from_a_file(folder):
    inside = load_esa_adb(
        folder, fold=84, start="2000-01-01T00:01:10", end="2000-01-01T00:02"
    )
    assert inside.X.index.strftime("%M:%S").tolist() == ["01:30", "02:00"]
    with pytest.raises(ValueError, match="has rows from 2000-01-01"):
        load_esa_adb(folder, fold=84, start="2000-01-02")


def test_rows_that_lack_or_repeat_are_counted(folder):
    table = frame(20)
    table = pd.concat([table[:5], table[4:10], table[13:]])
    table.to_csv(folder / "3_months.train.csv", index=False)
    loaded = load_esa_adb(folder, fold=3)
    assert len(loaded.X) == 20
    assert loaded.X["channel_1"].isna().sum() == 3
    assert loaded.y[10:13].eq(-1).all()
    assert loaded.report["count"].tolist() == [3, 1]


def test_labels_come_from_the_folder_of_the_mission(folder, tmp_path):
    (tmp_path / "mission").mkdir()
    (tmp_path / "mission" / "labels.csv").write_text(
        "ID,Channel,StartTime,EndTime\n"
        "id_1,channel_12,2000-01-01T00:01:00Z,2000-01-01T00:01:29Z\n"
    )
    (tmp_path / "mission" / "anomaly_types.csv").write_text(
        "ID,Class,Subclass,Category,Dimensionality,Locality,Length\n"
        "id_1,class_1,a,Anomaly,Univariate,Local,Point\n"
    )
    loaded = load_esa_adb(folder, fold=3, metadata=tmp_path / "mission")
    assert loaded.labels["Class"].tolist() == ["class_1"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.rename(columns={"timestamp": "when"}), "lacks the column 'timest"),
        (
            lambda t: t.drop(columns="is_anomaly_channel_12"),
            "lacks the column 'is_anom",
        ),
        (lambda t: t.assign(channel_1="x"), "row 0, has 'x' in column 'channel_1'"),
        (lambda t: t.assign(is_anomaly_channel_12=7), "has 7 in column 'is_anomaly_ch"),
        (lambda t: t.assign(timestamp="soon"), "row 0, has the timestamp 'soon'"),
        (lambda t: t[:0], "has no rows"),
    ],
)
def test_bad_tables_are_told_in_one_sentence(folder, change, words):
    path = folder / "3_months.train.csv"
    change(frame(20)).to_csv(path, index=False)
    with pytest.raises(ValueError, match=words) as caught:
        load_esa_adb(path)
    assert str(path) in str(caught.value)


def test_a_file_that_breaks_off_is_told(folder):
    path = folder / "3_months.train.csv"
    path.write_text(path.read_text()[:-9])
    with pytest.raises(ValueError, match="ends in a line of 5 cells"):
        load_esa_adb(path)


def test_another_step_is_told(folder):
    path = folder / "3_months.train.csv"
    frame(20, step=18).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"row 1, is at .* no multiple of 30 s"):
        load_esa_adb(path)
    assert len(load_esa_adb(path, mission="Mission2").X) == 20


def test_a_file_that_is_not_there_is_told(folder):
    with pytest.raises(FileNotFoundError, match=r"no 10_months\.train\.csv"):
        load_esa_adb(folder, fold=10)
    with pytest.raises(ValueError, match="give fold, or the path"):
        load_esa_adb(folder)
    (folder / "a.txt").write_text("")
    with pytest.raises(ValueError, match="neither a folder nor a CSV"):
        load_esa_adb(folder / "a.txt")


# -- Kaggle --


@pytest.fixture
def kaggle(tmp_path):
    table = frame(20).filter(regex="^(channel|telecommand)")
    table.insert(0, "id", np.arange(20))
    table["is_anomaly"] = (np.arange(20) == 7).astype(np.uint8)
    table.to_parquet(tmp_path / "train.parquet", index=False)
    test = table.drop(columns="is_anomaly").assign(id=np.arange(20, 40))
    test.to_parquet(tmp_path / "test.parquet", index=False)
    return tmp_path


def test_rows_of_kaggle_have_times_from_their_numbers(kaggle):
    train = load_esa_adb(kaggle, channels="targets", telecommands=True)
    assert train.X.columns.tolist() == ["channel_12", "telecommand_244"]
    assert train.X.index[7] == START + pd.Timedelta("210s")
    assert train.y.tolist() == [int(row == 7) for row in range(20)]
    test = load_esa_adb(kaggle, part="test")
    assert test.X.index[0] == START + pd.Timedelta("600s")
    assert test.y.eq(-1).all()
    part = load_esa_adb(kaggle, fold="3_months", end="2000-01-01T00:01")
    assert len(part.X) == 3


def test_bad_files_of_kaggle_are_told(kaggle):
    path = kaggle / "train.parquet"
    with pytest.raises(ValueError, match="one label for all channels"):
        load_esa_adb(kaggle, return_channel_labels=True)
    with pytest.raises(ValueError, match="is a part of a fold"):
        load_esa_adb(kaggle, part="validation")
    table = pd.read_parquet(path)
    table.assign(is_anomaly=3).to_parquet(path)
    with pytest.raises(ValueError, match="has 3 in column 'is_anomaly'"):
        load_esa_adb(kaggle)
    table.assign(id=0.5).to_parquet(path)
    with pytest.raises(ValueError, match="integer 'id'"):
        load_esa_adb(kaggle)
    table.drop(columns="id").to_parquet(path)
    with pytest.raises(ValueError, match="lacks the column 'id'"):
        load_esa_adb(kaggle)
    path.write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="is no Parquet file"):
        load_esa_adb(kaggle)
    (kaggle / "test.parquet").unlink()
    with pytest.raises(FileNotFoundError, match=r"no test\.parquet"):
        load_esa_adb(kaggle, part="test")


# -- Files that no benchmark made --


def refuses(folder, table, words):
    path = folder / "odd.csv"
    path.write_text(table if isinstance(table, str) else table.to_csv(index=False))
    with pytest.raises(ValueError, match=words):
        load_esa_adb(path)


@pytest.mark.parametrize("row", [0, 7, 19])
def test_a_row_with_more_cells_than_columns_is_refused(tmp_path, row):
    lines = frame(20).to_csv(index=False).splitlines()
    time, rest = lines[1 + row].split(",", 1)
    lines[1 + row] = f"{time},0.5,{rest}"
    words = "ends in a line of 10 cells" if row == 19 else f"row {row}, has more cells"
    refuses(tmp_path, "\n".join(lines), words)


def test_rows_of_which_all_but_the_last_are_too_long_are_refused(tmp_path):
    lines = frame(20).to_csv(index=False).splitlines()
    lines[1:-1] = [f"{line},0" for line in lines[1:-1]]
    refuses(tmp_path, "\n".join(lines), "row 0, has more cells than the 9 columns")


def test_a_column_that_comes_twice_is_refused(tmp_path):
    table = frame(20).rename(columns={"channel_2": "channel_12"})
    refuses(tmp_path, table, "has the column 'channel_12' twice")


def test_a_file_without_channels_is_refused(tmp_path):
    refuses(tmp_path, frame(20)[["timestamp", "telecommand_244"]], "has no column chan")


def test_rows_out_of_order_are_refused(tmp_path):
    table = frame(20)
    refuses(tmp_path, table[::-1], "begins at 2000-01-01 00:09:30 and ends before that")
    swapped = table.iloc[[0, 1, 3, 2, *range(4, 20)]]
    refuses(tmp_path, swapped, "row 3, is at 2000-01-01 00:01:00, before the row above")


def test_a_row_far_from_the_others_is_told_before_rows_are_made(tmp_path):
    table = frame(20)
    table.loc[19, "timestamp"] = "2250-01-01 00:00:00"
    refuses(tmp_path, table, "from 2000-01-01 00:00:00 to 2250-01-01 00:00:00, too few")
    loaded = load_esa_adb(tmp_path / "odd.csv", end="2000-01-01T00:10")
    assert len(loaded.X) == 21


@pytest.mark.parametrize("number", [-1, 10**14])
def test_numbers_of_rows_that_none_has_are_refused(tmp_path, number):
    pytest.importorskip("pyarrow")
    table = pd.DataFrame({"id": [number, 3], "channel_41": 0.5, "is_anomaly": 0})
    table.to_parquet(tmp_path / "train.parquet")
    with pytest.raises(ValueError, match=f"has {number} in column 'id', which is no"):
        load_esa_adb(tmp_path)


def test_a_folder_of_another_mission_is_refused_for_files_too(tmp_path):
    home = tmp_path / "ESA-Mission2"
    home.mkdir()
    frame(20).to_csv(home / "1_months.train.csv", index=False)
    for path in (home, home / "1_months.train.csv"):
        with pytest.raises(ValueError, match="is of Mission2 by its name"):
            load_esa_adb(path)
