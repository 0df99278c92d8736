"""Alarms of a stream are those of one batch."""

import pickle
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline

from skdsn.base import anomaly_flags
from skdsn.detectors import (
    AlarmFilter,
    DynamicThresholdDetector,
    ErrorSmoother,
    SubsequenceDistances,
    SubsequenceNeighborsDetector,
)
from skdsn.streaming import StreamingDetector, stream_scores

BUMP = 1.5 * np.hanning(40)
ZIGZAG = np.where((np.arange(40) // 5) % 2, 1.2, -1.2)


def telemetry(*shapes, seed=0, n_rows=1000):
    x = 0.03 * np.random.default_rng(seed).normal(size=n_rows)
    for start, shape in shapes:
        x[start : start + len(shape)] += shape
    return x[:, None]


@cache
def tracks():
    """Two tracks with bumps, one of them before a step that training knows."""
    shapes = [(100, BUMP), (500, ZIGZAG), (600, ZIGZAG / 2), (700, ZIGZAG / 5)]
    shapes += [(1100, BUMP), (1155, np.ones(50))]
    shapes += [(1400, BUMP), (1445, ZIGZAG), (1700, BUMP)]
    frames = {
        name: pd.DataFrame(telemetry(*shapes, seed=seed, n_rows=2000), columns=["volt"])
        for seed, name in enumerate("AB", 1)
    }
    return pd.concat(frames, names=["track", "time"])


class Above(IsolationForest):
    """Flag errors above 0.07."""

    def fit(self, X, y=None, sample_weight=None):
        self.n_features_in_ = np.shape(X)[1]
        self.offset_ = -0.07
        return self

    def score_samples(self, X):
        return -np.asarray(X, dtype=float)[:, 0]

    def decision_function(self, X):
        return self.score_samples(X) - self.offset_


@cache
def streamed(kind):
    steps = [(start, np.ones(50)) for start in range(100, 900, 100)]
    train = pd.concat({"T": pd.DataFrame(telemetry(*steps), columns=["volt"])})
    detector = SubsequenceNeighborsDetector(length=10)
    if kind == "late":  # it calms down long after what it flags
        distances = SubsequenceDistances(length=10)
        detector = make_pipeline(distances, ErrorSmoother(span=40), Above())
    least = {"neighbours": 0.2, "late": 0.11}[kind]
    options = {"min_severity": least, "max_alarms": 1, "per": 300}
    alarms = AlarmFilter(detector, length=10, **options).fit(train)
    return alarms.confirm(alarms.events(tracks())[:1])


every_kind = pytest.mark.parametrize("kind", ["neighbours", "late"])


@cache
def streamed_by_batches():
    """A filter around a detector that judges 70 rows together, and what it sees."""
    detector = make_pipeline(
        SubsequenceDistances(length=10),
        ErrorSmoother(span=20),
        DynamicThresholdDetector(
            window_size=500, batch_size=70, p=0.0, error_buffer=20, warm_up=140
        ),
    )
    shapes = [(500, BUMP), (1500, BUMP), (2000, BUMP), (2600, 3 * BUMP)]
    X = telemetry(*shapes, seed=1, n_rows=3000)
    alarms = AlarmFilter(detector, length=10).fit(telemetry())
    return alarms.confirm(alarms.events(X)[:1]), X


def chunked(alarms, X, cuts):
    state, parts = None, []
    for rows in np.split(np.arange(len(X)), cuts):
        chunk = X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]
        before = pickle.dumps(state)
        *part, new = stream_scores(alarms, chunk, state)
        assert pickle.dumps(state) == before
        state = pickle.loads(pickle.dumps(new))
        parts.append(part)
    scores, flags = (np.concatenate(of) for of in zip(*parts, strict=True))
    return scores, flags, state


@every_kind
@settings(deadline=None, max_examples=15)
@given(cuts=st.lists(st.integers(1, 3999), max_size=12, unique=True))
def test_any_chunking_equals_one_batch(kind, cuts):
    alarms, new = streamed(kind), tracks()
    statuses = {"alarm", "nominal", "minor", "over budget"}
    assert set(alarms.events(new)["status"]) == statuses
    scores, flags, state = chunked(alarms, new, sorted(cuts))
    np.testing.assert_allclose(scores, -alarms.score_samples(new), atol=1e-12)
    np.testing.assert_array_equal(flags, anomaly_flags(alarms, new))
    assert len(pickle.dumps(state)) < 4000


@every_kind
def test_single_rows_equal_one_batch(kind):
    alarms, new = streamed(kind), tracks()
    cuts = [*range(90, 200), *range(500, 780, 7), *range(1090, 1180)]
    _, flags, _ = chunked(alarms, new, cuts)
    np.testing.assert_array_equal(flags, anomaly_flags(alarms, new))


@settings(deadline=None, max_examples=15)
@given(cuts=st.lists(st.integers(1, 1999), max_size=8, unique=True))
def test_a_stream_with_steps_in_time_equals_one_batch(cuts):
    alarms, new = pickle.loads(pickle.dumps(streamed("neighbours"))), tracks()
    alarms.set_params(max_gap=60, max_alarms=2, per=9000)
    new = new.loc[["A"]]
    times = np.arange(2000)
    times += 900 * np.searchsorted([520, 1120, 1411], times, side="right")
    new.index = new.index.set_codes(np.arange(2000), level=1).set_levels(times, level=1)
    statuses = alarms.events(new)["status"].tolist()
    assert {"alarm", "nominal", "over budget"} <= set(statuses)
    assert len(statuses) > len(alarms.set_params(max_gap=None).events(new))
    alarms.set_params(max_gap=60)
    cuts = sorted({*cuts, 520, 1120})  # chunks begin after a step
    scores, flags, _ = chunked(alarms, new, cuts)
    np.testing.assert_allclose(scores, -alarms.score_samples(new), atol=1e-12)
    np.testing.assert_array_equal(flags, anomaly_flags(alarms, new))


@settings(deadline=None, max_examples=8)
@given(steps=st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_chunks_of_whole_batches_equal_one_batch(steps):
    alarms, X = streamed_by_batches()
    statuses = alarms.events(X)["status"].tolist()
    assert statuses.count("nominal") == 3
    assert statuses[-1] == "alarm"
    cuts = 70 * np.cumsum(steps)
    scores, flags, _ = chunked(alarms, X, cuts[cuts < len(X)])
    np.testing.assert_allclose(scores, -alarms.score_samples(X), atol=1e-12)
    np.testing.assert_array_equal(flags, anomaly_flags(alarms, X))


def test_a_stream_of_live_tracks_equals_one_batch():
    alarms, new = streamed("late"), tracks()
    stream, parts = StreamingDetector(alarms), []
    for begin in range(0, 2000, 130):
        names = [new.loc[[name]].iloc[begin : begin + 130] for name in "AB"]
        parts.append(stream.update(pd.concat(names)))
        stream = pickle.loads(pickle.dumps(stream))
    batch = anomaly_flags(alarms, new)
    np.testing.assert_array_equal(pd.concat(parts).loc[new.index, "anomaly"], batch)
    stream.forget("A")
    with pytest.raises(ValueError, match="goes back in time"):
        stream.update(new.loc[["B"]].iloc[:5])
