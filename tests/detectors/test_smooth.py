"""The moving average of errors: pandas' definition, gaps, missing errors, start-up."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from skdsn.detectors import DynamicThresholdDetector, ErrorSmoother
from skdsn.streaming import StreamingDetector


def errors_of_tracks(seed, lengths, missing=0.3):
    rng = np.random.default_rng(seed)
    values = rng.exponential(size=(sum(lengths), 2))
    values[rng.random(values.shape) < missing] = np.nan
    tracks = np.repeat(np.arange(len(lengths)), lengths)
    times = np.concatenate([np.arange(length) for length in lengths])
    index = pd.MultiIndex.from_arrays([tracks, times], names=["track", "time"])
    return pd.DataFrame(values, index, ["error_a", "error_b"])


lengths = st.lists(st.integers(1, 30), min_size=1, max_size=3)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), lengths=lengths, span=st.integers(1, 20))
def test_each_track_is_smoothed_as_pandas_does(seed, lengths, span):
    X = errors_of_tracks(seed, lengths)
    for missing in (X, X.fillna(1.0)):
        out = ErrorSmoother(span=span).fit_transform(missing)
        expected = missing.groupby("track", group_keys=False).apply(
            lambda track: track.ewm(span=span, ignore_na=True).mean()
        )
        pd.testing.assert_frame_equal(out, expected, rtol=1e-9)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), lengths=lengths, step=st.integers(1, 9))
def test_missing_errors_do_not_break_a_stream(seed, lengths, step):
    X = errors_of_tracks(seed, lengths, missing=0.6)
    smoother = ErrorSmoother(span=4).fit(X.fillna(1.0))
    state, parts = None, []
    for begin in range(0, len(X), step):
        part, state = smoother.stream(X.iloc[begin : begin + step], state)
        parts.append(part)
    pd.testing.assert_frame_equal(pd.concat(parts), smoother.transform(X), rtol=1e-9)


def test_no_weight_is_lost_in_a_long_outage():
    X = np.full((20_000, 1), np.nan)
    X[:2, 0], X[-1] = [1.0, 3.0], 5.0
    out = ErrorSmoother(span=5).fit_transform(X)[:, 0]
    whole = pd.Series([1.0, 3.0, 5.0]).ewm(span=5).mean()
    assert (out[1:-1] == out[1]).all()
    np.testing.assert_allclose(out[[0, 1, -1]], whole)


def test_only_the_named_columns_are_smoothed():
    X = pd.DataFrame({"value": [0.0, 1.0, 0.0], "error": [0.0, 1.0, 0.0]})
    out = ErrorSmoother(span=3, columns=["error"]).fit_transform(X)
    assert list(out.columns) == ["value", "error"]
    assert out["value"].equals(X["value"])
    assert out["error"].round(3).tolist() == [0.0, 0.667, 0.286]
    assert X["error"].tolist() == [0.0, 1.0, 0.0]


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="columns names 'errors', which is not"):
        ErrorSmoother(columns=["errors"]).fit(pd.DataFrame({"error": [1.0, 2.0]}))


def test_columns_that_nobody_needs_are_left_out():
    X = pd.DataFrame({"latent": [9.0, 9.0], "error": [0.0, 4.0], "value": [1.0, 5.0]})
    smoother = ErrorSmoother(span=3, columns=["error"], keep=["value"]).fit(X)
    plain = ErrorSmoother(span=3, columns=["error"]).fit_transform(X)
    pd.testing.assert_frame_equal(smoother.transform(X), plain[["error", "value"]])
    with pytest.raises(ValueError, match="keep names 'speed', which is not"):
        smoother.set_params(keep=["speed"]).fit(X)


@pytest.mark.parametrize("n_rows", [3, 10, 25])
def test_the_start_up_of_the_paper_takes_the_mean_of_twice_as_many_rows(n_rows):
    X = np.random.default_rng(0).exponential(size=(n_rows, 2))
    plain = ErrorSmoother(span=4).fit_transform(X)
    out = ErrorSmoother(span=4, startup="mean", startup_rows=5).fit_transform(X)
    first = np.broadcast_to(plain[:10].mean(axis=0), plain[:5].shape)
    np.testing.assert_allclose(out[:5], first)
    np.testing.assert_array_equal(out[5:], plain[5:])


def test_the_start_up_of_the_paper_begins_with_the_first_error():
    errors = np.random.default_rng(0).exponential(size=(12, 1))
    smoother = ErrorSmoother(span=4, startup="mean", startup_rows=3).fit(errors)
    late = np.concatenate([np.full((5, 1), np.nan), errors])
    assert np.isnan(smoother.transform(late[:5])).all()
    out = smoother.transform(late)
    assert np.isnan(out[:5]).all()
    np.testing.assert_array_equal(out[5:], smoother.transform(errors))


def test_the_start_up_of_the_paper_is_not_streamed():
    smoother = ErrorSmoother(startup="mean").fit(np.ones((4, 1)))
    with pytest.raises(ValueError, match="startup='none'"):
        smoother.stream(np.ones((4, 1)))


def test_smoothing_and_threshold_stream_as_one_pipeline():
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 2, (600, 1))
    X[400:430] += 5
    detector = DynamicThresholdDetector(
        window_size=200, batch_size=20, error_buffer=5, warm_up=100
    )
    pipeline = make_pipeline(ErrorSmoother(span=10), detector).fit(X)
    stream = StreamingDetector(pipeline)
    parts = [stream.update(X[begin : begin + 60]) for begin in range(0, 600, 60)]
    streamed = pd.concat(parts)
    assert (streamed["anomaly"] == (pipeline.predict(X) == -1)).all()
    np.testing.assert_allclose(streamed["score"], -pipeline.score_samples(X))
    assert streamed["anomaly"].iloc[402:430].all()
