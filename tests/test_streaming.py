"""A fitted detector, chunk by chunk, gives what one batch call gives."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passes import small_passes, tiny_detector
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.detectors import TunedThresholdDetector
from skdsn.encoders import LSTMForecaster
from skdsn.model_selection import StratifiedTrackKFold
from skdsn.preprocessing import CausalImputer, TrackAligner
from skdsn.streaming import StreamingDetector, stream_scores

X, Y = small_passes()
DETECTORS = {
    "mro": tiny_detector("mro"),
    "jwst": tiny_detector("jwst", encode__predict_stride=3),
    "dsn": tiny_detector("dsn"),
    "tuned": TunedThresholdDetector(tiny_detector("dsn"), cv=2),
    "outlier": make_pipeline(
        CausalImputer(max_gap="10min"),
        LSTMForecaster(hidden_size=3, max_epochs=1, max_gap="10min", random_state=0),
        IsolationForest(n_estimators=20, random_state=0),
    ).set_output(transform="pandas"),
}
NUMBERS = ["c0", "c1", "c2", "often"]


@pytest.fixture(scope="module")
def fitted():
    """All detectors, fitted, and their batch scores and flags."""
    found = {}
    for name, detector in DETECTORS.items():
        rows = X[NUMBERS] if name == "outlier" else X
        detector = clone(detector).fit(rows, Y)
        batch = pd.DataFrame(
            {
                "score": anomaly_scores(detector, rows),
                "anomaly": anomaly_flags(detector, rows).astype(np.int64),
            },
            index=X.index,
        )
        found[name] = detector, rows, batch
    return found


every_detector = pytest.mark.parametrize("name", DETECTORS)


def assert_same(streamed, batch):
    pd.testing.assert_frame_equal(streamed, batch, rtol=0, atol=1e-6)


@every_detector
@settings(deadline=None, max_examples=6)
@given(cuts=st.lists(st.integers(1, len(X) - 1), max_size=6, unique=True))
def test_any_chunking_equals_one_batch(fitted, name, cuts):
    detector, rows, batch = fitted[name]
    stream = StreamingDetector(detector)
    parts = [
        stream.update(rows.iloc[part])
        for part in np.split(np.arange(len(rows)), sorted(cuts))
    ]
    assert_same(pd.concat(parts), batch)
    assert stream.n_rows_ == len(rows)


@every_detector
def test_single_rows_equal_one_batch(fitted, name):
    detector, rows, batch = fitted[name]
    stream = StreamingDetector(detector)
    parts = [stream.update(rows.iloc[[row]]) for row in range(30)]
    assert_same(pd.concat(parts), batch.iloc[:30])


@every_detector
def test_interleaved_tracks_and_a_stream_moved_elsewhere(fitted, name):
    detector, rows, batch = fitted[name]
    stream, parts = StreamingDetector(detector), []
    for begin in range(0, 51, 17):
        chunk = pd.concat(
            [
                rows.loc[[track]].iloc[begin : begin + 17]
                for track in rows.index.unique(0)
                if len(rows.loc[[track]]) > begin
            ]
        )
        parts.append(stream.update(chunk))
        assert parts[-1].index.equals(chunk.index)
        stream = pickle.loads(pickle.dumps(stream))
    assert_same(pd.concat(parts).loc[X.index], batch)
    assert stream.tracks_ == [f"pass-{number}" for number in range(6)]


def test_scores_and_flags_differ_between_rows(fitted):
    for name, (_, _, batch) in fitted.items():
        assert batch["score"].nunique() > 10, name
        assert set(batch["anomaly"]) == {0, 1}, name


# A stream that goes wrong --------------------------------------------------------


@pytest.mark.parametrize("name", ["mro", "tuned"])
def test_a_chunk_that_goes_back_in_time_leaves_the_stream_as_it_was(fitted, name):
    detector, rows, batch = fitted[name]
    stream = StreamingDetector(detector)
    stream.update(rows.iloc[:20])
    before = pickle.dumps(stream)
    for chunk in (rows.iloc[10:15], rows.iloc[19:22]):
        message = "Track 'pass-0' goes back in time: .* at 2026-03-02 00:00:1[09], "
        with pytest.raises(ValueError, match=message + "but rows up to .* 00:00:19 "):
            stream.update(chunk)
    with pytest.raises(ValueError, match="comes after a later one"):
        stream.update(rows.iloc[[22, 21]])
    with pytest.raises(ValueError, match="missing"):
        stream.update(rows.iloc[20:25].drop(columns="c0"))
    assert pickle.dumps(stream) == before
    assert_same(stream.update(rows.iloc[20:60]), batch.iloc[20:60])


def test_an_empty_chunk_changes_nothing(fitted):
    detector, rows, batch = fitted["dsn"]
    stream = StreamingDetector(detector)
    stream.update(rows.iloc[:10])
    before = pickle.dumps(stream)
    out = stream.update(rows.iloc[:0])
    assert out.shape == (0, 2)
    assert list(out.columns) == ["score", "anomaly"]
    assert out.dtypes.equals(batch.dtypes)
    assert pickle.dumps(stream) == before
    assert_same(stream.update(rows.iloc[10:20]), batch.iloc[10:20])


# Live tracks --------------------------------------------------------------------


def test_forgotten_tracks_leave_the_state_and_the_others_go_on(fitted):
    detector, rows, batch = fitted["dsn"]
    stream = StreamingDetector(detector)
    stream.update(rows.iloc[:100])
    assert stream.tracks_ == ["pass-0", "pass-1", "pass-2"]
    full = len(pickle.dumps(stream._state))
    stream.forget("pass-0", "pass-1")
    assert stream.tracks_ == ["pass-2"]
    assert len(pickle.dumps(stream._state)) < full
    assert b"pass-0" not in pickle.dumps(stream._state)
    assert_same(stream.update(rows.iloc[100:]), batch.iloc[100:])


def test_a_forgotten_track_starts_afresh(fitted):
    detector, rows, batch = fitted["mro"]
    stream = StreamingDetector(detector)
    stream.update(rows.loc[["pass-0"]])
    stream.forget("pass-0")
    assert_same(stream.update(rows.loc[["pass-0"]]), batch.loc[["pass-0"]])


def test_forgetting_what_was_never_seen_is_an_error(fitted):
    stream = StreamingDetector(fitted["dsn"][0])
    stream.update(X.iloc[:5])
    message = r"Track 'pass-9' is not live; the live tracks are \['pass-0'\]\."
    with pytest.raises(ValueError, match=message):
        stream.forget("pass-0", "pass-9")
    assert stream.tracks_ == ["pass-0"]
    stream.forget("pass-0")
    with pytest.raises(ValueError, match="Track 'pass-0' is not live"):
        stream.forget("pass-0")


def test_a_stream_tells_what_it_has_seen(fitted):
    stream = StreamingDetector(fitted["dsn"][0])
    stream.update(X.iloc[:40])
    assert repr(stream) == "StreamingDetector(Pipeline, n_rows=40, n_tracks=2)"


# Arrays -------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["default", "pandas"])
def test_array_chunks_go_on_with_a_single_track(container):
    values, labels = X.loc["pass-0", NUMBERS].to_numpy(), Y.loc["pass-0"].to_numpy()
    detector = make_pipeline(
        CausalImputer(),
        StandardScaler(),
        LSTMForecaster(hidden_size=3, max_epochs=1, random_state=0),
        LogisticRegression(),
    ).set_output(transform=container)
    detector.fit(values, labels)
    stream = StreamingDetector(detector)
    parts = [stream.update(chunk) for chunk in (values[:7], values[7:8], values[8:])]
    streamed = pd.concat(parts)
    assert streamed.index.tolist() == list(range(36))
    np.testing.assert_allclose(
        streamed["score"], anomaly_scores(detector, values), atol=1e-9
    )
    assert stream.tracks_ == [0]
    stream.forget(0)
    again = stream.update(values[:7])
    np.testing.assert_allclose(again["score"], parts[0]["score"])


def test_a_single_indexed_track_needs_no_track_level(fitted):
    one, labels = X.loc["pass-3", NUMBERS], Y.loc["pass-3"]
    detector = clone(DETECTORS["outlier"]).fit(one, labels)
    stream = StreamingDetector(detector)
    out = pd.concat([stream.update(one.iloc[:11]), stream.update(one.iloc[11:])])
    assert out.index.equals(one.index)
    np.testing.assert_allclose(out["score"], anomaly_scores(detector, one), atol=1e-9)


# What can be streamed -----------------------------------------------------------


def test_stages_may_be_nested_replaced_or_left_out(fitted):
    inner = Pipeline([("fill", CausalImputer()), ("scale", StandardScaler())])
    detector = Pipeline(
        [
            ("align", TrackAligner()),
            ("nothing", "passthrough"),
            ("none", None),
            ("inner", inner),
            ("last", make_pipeline(StandardScaler(), LogisticRegression())),
        ]
    ).set_output(transform="pandas")
    rows = X[NUMBERS]
    detector.fit(rows, Y)
    stream = StreamingDetector(detector)
    out = pd.concat([stream.update(rows.iloc[:77]), stream.update(rows.iloc[77:])])
    np.testing.assert_allclose(out["score"], anomaly_scores(detector, rows))


def test_a_bare_detector_is_a_stream_without_memory():
    rows = X[["c0", "c1"]]
    detector = LogisticRegression().fit(rows, Y)
    scores, flags, state = stream_scores(detector, rows.iloc[:9])
    assert scores.tolist() == detector.predict_proba(rows.iloc[:9])[:, 1].tolist()
    assert flags.tolist() == detector.predict(rows.iloc[:9]).tolist()
    assert state == {}


@pytest.mark.parametrize(
    ("hide", "place"),
    [
        (
            lambda: make_pipeline(
                FeatureUnion([("fill", CausalImputer())]), LogisticRegression()
            ),
            "FeatureUnion",
        ),
        (
            lambda: make_pipeline(
                ColumnTransformer([("fill", CausalImputer(), NUMBERS)]),
                LogisticRegression(),
            ),
            "ColumnTransformer",
        ),
        (
            lambda: make_pipeline(
                FeatureUnion([("deep", make_pipeline(CausalImputer()))]),
                LogisticRegression(),
            ),
            "FeatureUnion",
        ),
        (
            lambda: TunedThresholdDetector(
                make_pipeline(
                    FeatureUnion([("fill", CausalImputer())]), LogisticRegression()
                ),
                cv=2,
            ),
            "FeatureUnion",
        ),
        (
            lambda: GridSearchCV(
                make_pipeline(CausalImputer(), LogisticRegression()),
                {"logisticregression__C": [1.0, 2.0]},
                cv=StratifiedTrackKFold(2),
                refit=False,
            ),
            "GridSearchCV",
        ),
    ],
    ids=["union", "columns", "nested", "tuned", "search without refit"],
)
def test_memory_that_could_not_be_carried_is_refused(hide, place):
    detector = hide().fit(X[NUMBERS], Y)
    with pytest.raises(TypeError, match=f"CausalImputer has memory, which a {place}"):
        StreamingDetector(detector)


def grid(detector):
    return GridSearchCV(
        detector,
        {"logisticregression__C": [1.0, 2.0]},
        cv=StratifiedTrackKFold(2),
    )


@pytest.mark.parametrize(
    "wrap",
    [
        grid,
        lambda detector: RandomizedSearchCV(
            detector,
            {"logisticregression__C": [1.0, 2.0]},
            n_iter=1,
            cv=StratifiedTrackKFold(2),
            random_state=0,
        ),
        lambda detector: TunedThresholdDetector(grid(detector), cv=2),
        lambda detector: make_pipeline(TrackAligner(clocks=()), grid(detector)),
    ],
    ids=["grid", "random", "tuned", "last step"],
)
def test_a_search_streams_what_it_found(wrap):
    # Its memory counts: the first rows hold nothing to fill the gaps with.
    rows = X[NUMBERS]
    detector = wrap(make_pipeline(CausalImputer(), LogisticRegression())).fit(rows, Y)
    stream = StreamingDetector(detector)
    parts = [stream.update(rows.iloc[part]) for part in (slice(50), slice(50, None))]
    streamed = pd.concat(parts)
    np.testing.assert_allclose(streamed["score"], anomaly_scores(detector, rows))
    assert (streamed["anomaly"] == anomaly_flags(detector, rows)).all()


def test_stages_without_memory_may_be_united():
    union = FeatureUnion([("a", StandardScaler()), ("b", StandardScaler())])
    detector = make_pipeline(CausalImputer(), union, LogisticRegression())
    detector.fit(X[NUMBERS], Y)
    stream = StreamingDetector(detector)
    assert len(stream.update(X[NUMBERS].iloc[:5])) == 5


def test_an_unfitted_detector_is_refused():
    with pytest.raises(NotFittedError):
        StreamingDetector(make_pipeline(CausalImputer(), LogisticRegression()))
