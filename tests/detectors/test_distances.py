"""Distances to training subsequences as a stage."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skdsn.detectors import (
    ErrorSmoother,
    SubsequenceDistances,
    SubsequenceNeighborsDetector,
    make_channel_detector,
    make_telemanom_detector,
)
from skdsn.streaming import StreamingDetector


def telemetry(n_tracks=2, n_rows=120, seed=0):
    index = pd.MultiIndex.from_product([["A", "B"][:n_tracks], range(n_rows)])
    values = np.random.default_rng(seed).normal(size=(len(index), 2))
    return pd.DataFrame(values, index=index, columns=["value", "command"])


def test_distances_are_those_of_the_detector_once_a_subsequence_is_whole():
    X, new = telemetry(), telemetry(seed=1)
    stage = SubsequenceDistances(length=5, channels=["value"]).fit(X)
    detector = SubsequenceNeighborsDetector(length=5, channels=["value"]).fit(X)
    got = stage.transform(new)["error"].to_numpy().reshape(2, -1)
    expected = -detector.score_samples(new).reshape(2, -1)
    np.testing.assert_array_equal(got[:, 4:], expected[:, 4:])
    assert (got[:, :4] == 0).all()


def test_training_rows_are_not_compared_with_themselves():
    X = telemetry()
    stage = SubsequenceDistances(length=5)
    own = stage.fit_transform(X)["error"].to_numpy()
    assert (stage.transform(X)["error"] == 0).all()
    known = np.isfinite(stage.neighbors_.fit_distances_)
    np.testing.assert_array_equal(own[known], stage.neighbors_.fit_distances_[known])
    assert (own[known] > 0).all()


def test_the_input_may_be_passed_through():
    X = telemetry()
    stage = SubsequenceDistances(length=3, channels=["value"], passthrough=True).fit(X)
    out = stage.transform(X)
    assert list(out.columns) == ["error", "value", "command"]
    pd.testing.assert_frame_equal(out[["value", "command"]], X)
    with pytest.raises(ValueError, match="column 'error', as this stage names"):
        clone(stage).set_params(channels=None).fit(X.rename(columns={"value": "error"}))


def small(**options):
    options = {"window_size": 60, "batch_size": 10, "span": 5, "length": 4} | options
    return make_channel_detector(**options, error_buffer=3)


def test_a_stream_cut_at_batches_gives_the_flags_of_the_batch():
    X, new = telemetry(), telemetry(seed=1)
    new.iloc[80:90, 0] += 8
    detector = small(channels=["value"]).fit(X)
    stream = StreamingDetector(detector)
    parts = [stream.update(new.iloc[i : i + 10]) for i in range(0, len(new), 10)]
    streamed = pd.concat(parts)
    np.testing.assert_array_equal(streamed["anomaly"] == 1, detector.predict(new) == -1)
    assert streamed["anomaly"].iloc[80:90].any()


def test_recipes_take_steps_and_parameters_of_steps():
    detector = small(smooth=ErrorSmoother(span=9), threshold__min_votes=1)
    assert detector["smooth"].span == 9
    assert detector["threshold"].min_votes == 1
    with pytest.raises(TypeError, match="no parameter or step 'smoother'"):
        make_channel_detector(smoother=ErrorSmoother())


def test_the_telemanom_recipe_finds_a_jump_and_names_its_columns():
    X, new = telemetry(1, 300), telemetry(1, 300, seed=1)
    new.iloc[200:210, 0] += 15
    detector = make_telemanom_detector(
        target="value",
        max_epochs=1,
        window_size=100,
        batch_size=20,
        span=5,
        forecast__hidden_size=4,
        error_buffer=5,
        random_state=0,
    ).fit(X)
    assert detector["threshold"].get_params()["error"] == "error_value"
    found = np.flatnonzero(detector.predict(new) == -1)
    assert {200, 205, 209} <= set(found)
    assert len(found) < 60


def test_a_row_is_measured_only_if_all_it_takes_is_there():
    X = telemetry(1, 100)
    X.iloc[40, 0] = np.nan
    stage = SubsequenceDistances(length=5, channels=["value"]).fit(telemetry(1, 100))
    errors = stage.transform(X)["error"].to_numpy()
    assert np.flatnonzero(np.isnan(errors)).tolist() == [40, 41, 42, 43, 44]
    other = X.copy()
    other.iloc[40, 1:] = np.nan  # a column that plays no part
    np.testing.assert_array_equal(stage.transform(other)["error"], errors)


def test_training_rows_with_a_gap_are_not_compared_with():
    X = telemetry(1, 100)
    X.iloc[40:43, 0] = np.nan
    stage = SubsequenceDistances(length=5, channels=["value"])
    own = stage.fit_transform(X)["error"].to_numpy()
    assert np.flatnonzero(np.isnan(own)).tolist() == list(range(40, 47))
    rows = stage.neighbors_.neighbor_rows_
    assert not set(range(40, 47)) & set(rows.tolist())
    with pytest.raises(ValueError, match="All n_samples=100 rows lack a value"):
        stage.fit(X.assign(value=np.nan))


@settings(deadline=None, max_examples=20)
@given(
    holes=st.lists(st.integers(0, 59), max_size=6),
    cuts=st.lists(st.integers(1, 59), max_size=6, unique=True),
)
def test_gaps_are_carried_from_chunk_to_chunk(holes, cuts):
    X = telemetry(1, 60)
    X.iloc[holes, 0] = np.nan
    stage = SubsequenceDistances(length=5, channels=["value"]).fit(telemetry(1, 60, 1))
    state, parts = None, []
    for rows in np.split(np.arange(60), sorted(cuts)):
        part, state = stage.stream(X.iloc[rows], state)
        parts.append(part)
    pd.testing.assert_frame_equal(pd.concat(parts), stage.transform(X))
