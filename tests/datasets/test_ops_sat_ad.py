import gzip
import lzma

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier, IsolationForest
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from skdsn.datasets import load_ops_sat_ad
from skdsn.detectors import TunedThresholdDetector
from skdsn.metrics import (
    average_precision,
    bootstrap_interval,
    event_wise_scores,
    roc_auc,
)
from skdsn.tracks import read_tracks

HEADER = (
    "duration,len,mean,var,std,kurtosis,skew,n_peaks,smooth10_n_peaks,"
    "smooth20_n_peaks,diff_peaks,diff2_peaks,diff_var,diff2_var,gaps_squared,"
    "len_weighted,var_div_duration,var_div_len"
)
NAMES = HEADER.split(",")


def small_table(n_segments=12, **changes):
    rng = np.random.default_rng(0)
    number = np.arange(n_segments)
    table = pd.DataFrame(
        {
            "segment": number + 1,
            "anomaly": (number % 3 == 0).astype(int),
            "train": (number % 4 != 3).astype(int),
            "channel": np.where(number % 2, "CADC0872", "CADC0894"),
            "sampling": np.where(number % 2, 1, 5),
        }
    )
    values = rng.normal(size=(n_segments, len(NAMES)))
    table = table.join(pd.DataFrame(values, columns=NAMES))
    return table.assign(**changes)


def write(table, folder, name="dataset.csv"):
    table.to_csv(folder / name, index=False)
    return folder / name


def test_features_labels_and_split_come_apart(tmp_path):
    table = small_table()
    ops_sat = load_ops_sat_ad(write(table, tmp_path))
    assert list(ops_sat.X.columns) == NAMES == ops_sat.feature_names
    assert set(ops_sat.X.dtypes) == {np.dtype("float64")}
    np.testing.assert_allclose(ops_sat.X, table[NAMES])
    assert ops_sat.X.index.tolist() == table["segment"].tolist()
    assert ops_sat.X.index.name == "segment"
    assert ops_sat.y.tolist() == table["anomaly"].tolist()
    assert ops_sat.y.dtype == "int64" and ops_sat.train.dtype == bool
    assert ops_sat.X[ops_sat.train].index.tolist() == [1, 2, 3, 5, 6, 7, 9, 10, 11]
    assert ops_sat.channel[2] == "CADC0872" and ops_sat.sampling[2] == 1


@pytest.mark.parametrize("suffix", ["", ".xz", ".gz"])
def test_a_folder_or_a_compressed_file_will_do(tmp_path, suffix):
    path = write(small_table(), tmp_path, "dataset.csv" + suffix)
    pd.testing.assert_frame_equal(load_ops_sat_ad(path).X, load_ops_sat_ad(tmp_path).X)
    assert load_ops_sat_ad(str(path)).y.sum() == 4


def test_channel_and_sampling_become_columns_on_request(tmp_path):
    path = write(small_table(), tmp_path)
    ops_sat = load_ops_sat_ad(path, as_features=["channel", "sampling"])
    added = ops_sat.X.drop(columns=NAMES)
    # All nine, whichever of them there are, so that any two parts have one width.
    assert added.shape[1] == 10 and ops_sat.feature_names == list(ops_sat.X.columns)
    assert (added.filter(like="channel_").sum(axis=1) == 1).all()
    assert added["channel_CADC0872"].tolist() == [0, 1] * 6
    assert added["sampling"].tolist() == [5, 1] * 6
    assert set(added.dtypes) == {np.dtype("float64")}


def test_one_name_needs_no_list(tmp_path):
    path = write(small_table(), tmp_path)
    assert load_ops_sat_ad(path, as_features="sampling").feature_names == [
        *NAMES,
        "sampling",
    ]


def test_each_segment_can_be_a_track(tmp_path):
    path = write(small_table(anomaly=1), tmp_path)
    plain, tracks = load_ops_sat_ad(path), load_ops_sat_ad(path, as_tracks=True)
    assert len(read_tracks(plain.X)) == 1 and len(read_tracks(tracks.X)) == 12
    for part in ("y", "train", "channel", "sampling"):
        assert tracks[part].index.equals(tracks.X.index)
        assert tracks[part].tolist() == plain[part].tolist()
    found = [event_wise_scores(data.y, data.y) for data in (plain, tracks)]
    assert [scores.true_positives for scores in found] == [1, 12]


@pytest.mark.parametrize("as_tracks", [False, True])
def test_segments_go_through_the_tools_of_rows(tmp_path, as_tracks):
    table = small_table(60)
    table["mean"] += 3 * table["anomaly"]
    ops_sat = load_ops_sat_ad(write(table, tmp_path), as_tracks=as_tracks)
    X, y, train = ops_sat.X, ops_sat.y, ops_sat.train
    detector = TunedThresholdDetector(
        ExtraTreesClassifier(10, random_state=0),
        objective="row",
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
    )
    flags = detector.fit(X[train], y[train]).predict(X[~train])
    found = bootstrap_interval("row_f1", y[~train], flags, tracks=y[~train].index)
    assert found.n_tracks == 15 and found.value > 0.6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": 2}, "train must be one of .0, 1.; segment 1 in .* has 2\\."),
        ({"anomaly": np.nan}, "anomaly must be one of"),
        ({"channel": "CADC1"}, "channel must be one of .*'CADC1'"),
        ({"mean": "high"}, "mean must be a finite number; segment 1 .* has 'high'"),
        ({"skew": np.inf}, "skew must be a finite number"),
        ({"sampling": np.nan}, "sampling must be a finite number"),
        ({"segment": 7}, "Segment 7 has more than one row .*segments.csv"),
    ],
)
def test_a_bad_value_is_named(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        load_ops_sat_ad(write(small_table(**changes), tmp_path))


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    write(small_table().drop(columns="kurtosis"), tmp_path, path.name)
    with pytest.raises(ValueError, match="lacks the column 'kurtosis'"):
        load_ops_sat_ad(path)
    write(small_table(0), tmp_path, path.name)
    with pytest.raises(ValueError, match="has no segment below its header"):
        load_ops_sat_ad(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dataset.csv", b""),
        ("dataset.csv", b"\xff\xfe\x00\x81"),
        ("dataset.csv", b'a,b\n1,"2\n3,4,5,6\n'),
        ("dataset.csv.gz", b"no gzip"),
        ("dataset.csv.gz", gzip.compress(b"a,b\n" * 1000)[:-30]),
        ("dataset.csv.xz", b"no xz"),
        ("dataset.csv.xz", lzma.compress(b"a,b\n" * 1000)[:-30]),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"is not a CSV table; give dataset\.csv"):
        load_ops_sat_ad(tmp_path / name)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file or folder .*gone"):
        load_ops_sat_ad(tmp_path / "gone")
    with pytest.raises(FileNotFoundError, match=r"holds no dataset\.csv; give the"):
        load_ops_sat_ad(tmp_path)


def test_an_unknown_feature_is_refused(tmp_path):
    path = write(small_table(), tmp_path)
    with pytest.raises(ValueError, match="'channel' and 'sampling'; got 'len'"):
        load_ops_sat_ad(path, as_features=["channel", "len"])


def test_the_published_table_is_as_described(skdsn_data):
    ops_sat = load_ops_sat_ad(skdsn_data / "ops_sat_ad")
    X, y, train = ops_sat.X, ops_sat.y, ops_sat.train
    assert X.shape == (2123, 18) and np.isfinite(X.to_numpy()).all()
    assert (train.sum(), y[train].sum()) == (1594, 321)
    assert ((~train).sum(), y[~train].sum()) == (529, 113)
    assert ops_sat.channel.nunique() == 9
    assert ops_sat.sampling.value_counts().to_dict() == {5: 1330, 1: 793}
    assert (X["len"].min(), X["len"].max()) == (8, 1040)


def test_a_published_figure_comes_out_to_all_digits(skdsn_data):
    ops_sat = load_ops_sat_ad(skdsn_data / "ops_sat_ad")
    X, y, train = ops_sat.X, ops_sat.y, ops_sat.train
    # The authors' IForest row: all training segments, without labels. A forest draws
    # columns by their place, so it takes the order of the authors' notebook.
    order = "mean var std len duration len_weighted gaps_squared n_peaks "
    order += "smooth10_n_peaks smooth20_n_peaks var_div_duration var_div_len "
    order += "diff_peaks diff2_peaks diff_var diff2_var kurtosis skew"
    X = X[order.split()]
    scaler = StandardScaler().fit(X[train & (y == 0)])
    forest = IsolationForest(random_state=2137).fit(scaler.transform(X[train]))
    scores = -forest.score_samples(scaler.transform(X[~train]))
    assert round(average_precision(y[~train], scores), 3) == 0.347
    assert round(roc_auc(y[~train], scores), 3) == 0.635


@pytest.mark.parametrize("ending", ["", ".zip", ".bz2", ".tar", ".xz", ".gz"])
def test_a_file_that_only_looks_compressed_is_refused_in_one_sentence(tmp_path, ending):
    path = tmp_path / f"dataset.csv{ending}"
    path.write_bytes(b"\x00\xff no table" * 40)
    with pytest.raises(ValueError, match=r"is not a CSV table|lacks the column"):
        load_ops_sat_ad(path)


def test_zst_without_its_package_or_broken_is_told(tmp_path):
    path = tmp_path / "dataset.csv.zst"
    path.write_bytes(b"no table")
    with pytest.raises((ImportError, ValueError), match=r"zstandard|not a CSV table"):
        load_ops_sat_ad(path)


@pytest.mark.parametrize("name", ["train", "anomaly"])
def test_a_text_among_numbers_is_told_with_its_own_segment(tmp_path, name):
    table = small_table()
    table[name] = table[name].astype(object)
    table.loc[6, name] = "yes"
    with pytest.raises(
        ValueError, match=rf"{name} must be one of .* segment 7 .*'yes'"
    ):
        load_ops_sat_ad(write(table, tmp_path))


def test_messages_show_plain_numbers(tmp_path):
    table = small_table()
    table.loc[6, "train"] = 5
    with pytest.raises(ValueError, match=r"segment 7 in .* has 5\.$"):
        load_ops_sat_ad(write(table, tmp_path))


def test_a_row_without_a_segment_is_refused(tmp_path):
    table = small_table().astype({"segment": "Int64"})
    table.loc[6, "segment"] = pd.NA
    with pytest.raises(ValueError, match="line 8, has no segment"):
        load_ops_sat_ad(write(table, tmp_path))


@pytest.mark.parametrize("as_features", [None, 5])
def test_features_to_add_are_names(tmp_path, as_features):
    with pytest.raises(TypeError, match="as_features takes 'channel' or 'sampling'"):
        load_ops_sat_ad(write(small_table(), tmp_path), as_features=as_features)
