"""Reading rows and labels, and reading decisions out of detectors."""

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdsn.base import (
    MemoryTransformer,
    Rows,
    anomaly_flags,
    anomaly_scores,
    read_labels,
    read_rows,
)
from skdsn.tracks import read_tracks


class Stage(BaseEstimator):
    """Something whose input is checked."""


def rows_of(X):
    return Rows(X, read_tracks(X), X.index if hasattr(X, "index") else None)


# Rows ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column",
    [
        [1, 2, 3],
        pd.array([1, 2, 3], dtype="Int64"),
        pd.array([1.0, 2.0, 3.0], dtype="Float32"),
        pd.Series([1, 2, 3.0], dtype=object),
        pd.Series(["1", "2", "3"]),
        pd.Categorical([1, 2, 3]),
    ],
    ids=lambda column: str(getattr(column, "dtype", "list")),
)
def test_every_kind_of_number_is_read_as_float(column):
    rows = read_rows(Stage(), pd.DataFrame({"a": column, "b": 0.5}), reset=True)
    assert rows.data.dtype == np.float64
    assert rows.data.tolist() == [[1, 0.5], [2, 0.5], [3, 0.5]]


def test_booleans_are_read_as_numbers():
    X = pd.DataFrame({"a": [True, False], "b": pd.array([True, False], "boolean")})
    assert read_rows(Stage(), X, reset=True).data.tolist() == [[1, 1], [0, 0]]


def test_a_list_of_rows_is_one_track():
    stage = Stage()
    rows = read_rows(stage, [[1, 2], [3, 4]], reset=True)
    assert rows.index is None
    assert rows.tracks.bounds.tolist() == [0, 2]
    assert (stage.n_features_in_, stage.fitted_on_tracks_) == (2, False)
    assert not hasattr(stage, "feature_names_in_")


def test_a_frame_is_learnt_with_names_and_tracks(X):
    stage = Stage()
    rows = read_rows(stage, X, reset=True)
    assert rows.index is X.index
    assert list(stage.feature_names_in_) == list(X.columns)
    assert stage.fitted_on_tracks_


def test_values_come_in_the_dtype_asked_for(X):
    assert read_rows(Stage(), X, reset=True, dtype=np.float32).data.dtype == np.float32


def test_missing_nullables_become_nan_where_allowed():
    X = pd.DataFrame({"a": pd.array([1, None], dtype="Int64")})
    out = read_rows(Stage(), X, reset=True, missing=True).data
    np.testing.assert_array_equal(out, [[1], [np.nan]])


def test_missing_values_are_refused_with_their_place(X):
    X.iloc[40, 2] = np.nan
    message = r"NaN: column 'channel_2', row 40 \(\('pass-2', .* CausalImputer before"
    with pytest.raises(ValueError, match=message):
        read_rows(Stage(), X, reset=True)


def test_infinity_is_refused_even_where_missing_values_are_allowed(X):
    X.iloc[[1, 4], 0] = np.nan, -np.inf
    for text in (False, True):
        with pytest.raises(ValueError, match="infinity: column 'channel_0', row 4"):
            read_rows(Stage(), X, reset=True, text=text, missing=True)


def test_huge_values_are_no_infinity():
    X = pd.DataFrame({"a": [1e308, 1e308, 1e308]})
    assert read_rows(Stage(), X, reset=True).data.max() == 1e308


def test_text_is_refused_with_its_column_and_an_example(X):
    X = X.assign(mode="LOCK")
    with pytest.raises(ValueError, match="'mode' holds 'LOCK' in row 0; encode"):
        read_rows(Stage(), X, reset=True)


def test_text_passes_as_a_frame_where_it_is_read(X):
    X = X.assign(mode="LOCK")
    data = read_rows(Stage(), X, reset=True, text=True).data
    pd.testing.assert_frame_equal(data, X)


def test_an_array_of_objects_finds_its_numbers_again():
    X = np.array([[1.0, "on"], [2.0, "off"]], dtype=object)
    data = read_rows(Stage(), X, reset=True, text=True).data
    assert list(data.columns) == ["x0", "x1"]
    assert data["x0"].dtype == np.float64
    assert data["x1"].tolist() == ["on", "off"]


def test_a_frame_without_columns_is_refused(X):
    with pytest.raises(ValueError, match=r"0 feature\(s\) while Stage needs"):
        read_rows(Stage(), X[[]], reset=True)


# Labels -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 0],
        [False, True, False],
        np.array([[0], [1], [0]]),
        pd.Series([0.0, 1.0, 0.0]),
        pd.Series([0, 1, 0], dtype="Int64"),
        pd.DataFrame({"y": [0, 1, 0]}),
    ],
    ids=["list", "bool", "column", "float", "nullable", "frame"],
)
def test_labels_are_read_as_int8(y):
    labels = read_labels(y, rows_of(np.zeros((3, 1))))
    assert labels.dtype == np.int8
    assert labels.tolist() == [0, 1, 0]


def test_no_labels_stay_none():
    assert read_labels(None) is None


def test_unlabelled_rows_are_allowed_only_where_asked_for():
    assert read_labels([0, -1, 1], unlabelled=True).tolist() == [0, -1, 1]
    with pytest.raises(ValueError, match=r"must hold 0 .* and 1 .*; got .*-1"):
        read_labels([0, -1, 1])


@pytest.mark.parametrize("y", [[0, 2], [0.5, 1], ["0", "1"], [np.nan, 1], [0, None]])
def test_other_labels_are_refused(y):
    with pytest.raises(ValueError, match="must hold 0"):
        read_labels(y, unlabelled=True)


def test_labels_of_an_outlier_detector_are_recognised():
    with pytest.raises(ValueError, match=r"\(y == -1\).astype\(int\)"):
        read_labels([1, -1, 1], unlabelled=True)


def test_one_row_has_one_label():
    with pytest.raises(ValueError, match=r"one label per row; got shape \(2, 2\)"):
        read_labels(np.zeros((2, 2)))


def test_labels_of_another_length_are_refused(X):
    with pytest.raises(ValueError, match="3 labels for 63 rows of X; inconsistent"):
        read_labels([0, 1, 0], rows_of(X))


def test_labels_of_other_rows_are_refused(X, y):
    other = y.iloc[np.r_[:10, 11, 10, 12 : len(y)]]
    message = r"first at row 10: .*00:00:11.* and .*00:00:10.*y.loc\[X.index\]"
    with pytest.raises(ValueError, match=message):
        read_labels(other, rows_of(X))


def test_labels_without_the_track_level_are_refused(X, y):
    with pytest.raises(ValueError, match="different indexes, first at row 0"):
        read_labels(y.droplevel(0), rows_of(X))


def test_track_labels_for_an_array_betray_a_step_that_lost_the_index(X, y):
    with pytest.raises(ValueError, match=r"set_output\(transform='pandas'\)"):
        read_labels(y, rows_of(X.to_numpy()))


def test_array_labels_fit_a_frame_and_plain_series_fit_an_array(X, y):
    assert read_labels(y.to_numpy(), rows_of(X)).sum() == 5
    assert read_labels(y.reset_index(drop=True), rows_of(X.to_numpy())).sum() == 5


# Scores and flags ---------------------------------------------------------------


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 5 == 0
    return rng.normal(size=(60, 2)) + 3 * y[:, None], y.astype(int)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda detector: detector,
        lambda detector: make_pipeline(StandardScaler(), detector),
        lambda detector: make_imblearn_pipeline(StandardScaler(), detector),
    ],
    ids=["bare", "sklearn", "imblearn"],
)
@pytest.mark.parametrize(
    "detector",
    [LogisticRegression(), RidgeClassifier(), IsolationForest(random_state=0)],
    ids=lambda detector: type(detector).__name__,
)
def test_higher_is_more_anomalous_for_every_detector(data, wrap, detector):
    X, y = data
    detector = wrap(detector).fit(X, y)
    scores, flags = anomaly_scores(detector, X), anomaly_flags(detector, X)
    assert scores.dtype == np.float64
    assert flags.dtype == np.int8
    assert scores[y == 1].mean() > scores[y == 0].mean()
    assert scores[flags == 1].min() >= scores[flags == 0].max()


def test_a_classifier_scores_the_probability_of_class_one(data):
    X, y = data
    detector = LogisticRegression().fit(X, y)
    assert (anomaly_scores(detector, X) == detector.predict_proba(X)[:, 1]).all()


def test_the_column_of_class_one_is_found_among_others(data):
    X, y = data
    y[:5] = -1
    detector = LogisticRegression().fit(X, y)
    assert (anomaly_scores(detector, X) == detector.predict_proba(X)[:, 2]).all()


def test_an_outlier_detector_scores_the_negated_score_samples(data):
    X, _ = data
    detector = IsolationForest(random_state=0).fit(X)
    assert (anomaly_scores(detector, X) == -detector.score_samples(X)).all()
    assert (anomaly_flags(detector, X) == (detector.predict(X) == -1)).all()


def test_a_classifier_that_saw_normal_rows_only_finds_nothing(data):
    from sklearn.dummy import DummyClassifier

    X, y = data
    detector = DummyClassifier().fit(X, np.zeros_like(y))
    assert anomaly_scores(detector, X).tolist() == [0.0] * 60
    assert anomaly_flags(detector, X).sum() == 0


def test_what_gives_no_score_is_refused(data):
    with pytest.raises(TypeError, match="KMeans has neither predict_proba nor"):
        anomaly_scores(KMeans(2, n_init=1).fit(data[0]), data[0])


# Memory -------------------------------------------------------------------------


class Counter(MemoryTransformer):
    """Counts the rows of a segment; the smallest stage with memory."""

    def __init__(self, *, max_gap=None):
        self.max_gap = max_gap

    def _fit(self, rows, y):
        self.fitted_ = True

    def _stream(self, data, tracks, bounds, memories):
        out = np.ones((len(data), 1))
        total = np.cumsum(out)
        for i, memory in enumerate(memories):
            before = total[bounds[i]] - 1 - (memory or 0)
            out[bounds[i] : bounds[i + 1], 0] = (
                total[bounds[i] : bounds[i + 1]] - before
            )
        return out, lambda i: float(out[bounds[i + 1] - 1, 0])

    def _names_out(self, names):
        return ["count"]


def test_a_stage_needs_only_its_hooks(X):
    stage = Counter(max_gap="1min").fit(X)
    counts = stage.transform(X)["count"]
    assert counts.iloc[[0, 22, 23, 31, 32, 46, 47, 62]].tolist() == [
        1, 23, 1, 9, 1, 15, 1, 16,
    ]  # fmt: skip


def test_a_chunk_after_a_gap_starts_afresh_and_one_before_it_goes_on(X):
    stage = Counter(max_gap="1min").fit(X)
    _, state = stage.stream(X.iloc[32:40])
    assert state["pass-2"][1] == 8
    assert stage.stream(X.iloc[40:47], state)[0]["count"].iloc[0] == 9
    assert stage.stream(X.iloc[47:], state)[0]["count"].iloc[0] == 1


def test_a_chunk_without_time_goes_on_counting_rows():
    stage = Counter(max_gap=1).fit(np.zeros((3, 1)))
    _, state = stage.stream(np.zeros((3, 1)))
    out, state = stage.stream(np.zeros((2, 1)), state)
    assert out.ravel().tolist() == [4, 5]
    assert state == {0: (4.0, 5.0)}


def test_a_chunk_that_repeats_the_last_time_is_refused(X):
    stage = Counter().fit(X)
    _, state = stage.stream(X.iloc[:5])
    with pytest.raises(ValueError, match=r"rows up to .* were streamed already"):
        stage.stream(X.iloc[4:6], state)
