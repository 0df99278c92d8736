"""What all forecasters share: targets, labels, known inputs, a Pipeline."""

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from skdsn.forecasters import (
    EchoStateForecaster,
    LimitChecker,
    PersistenceForecaster,
    RidgeForecaster,
)
from skdsn.preprocessing import CausalImputer

LINEAR = [
    RidgeForecaster(n_lags=3, alpha=1.0),
    EchoStateForecaster(n_units=8, alpha=1.0, random_state=0),
]
FORECASTERS = [PersistenceForecaster(), *LINEAR]


def name_of(forecaster):
    return type(forecaster).__name__


every_forecaster = pytest.mark.parametrize("forecaster", FORECASTERS, ids=name_of)
every_linear = pytest.mark.parametrize("forecaster", LINEAR, ids=name_of)
every_stage = pytest.mark.parametrize(
    "stage", [*FORECASTERS, LimitChecker(margin=0)], ids=name_of
)


@every_stage
def test_the_output_is_an_error_per_target_and_their_sum_up(stage, X):
    X = X.assign(flag=(X["channel_0"] > 0).astype(float), clock=range(len(X)))
    stage = clone(stage).set_params(inputs_only=["clock"])
    out = stage.fit_transform(X)
    assert list(out) == [*(f"error_channel_{i}" for i in range(4)), "error"]
    assert (out.to_numpy() >= 0).all()
    wide = stage.set_params(passthrough=True).fit_transform(X)
    assert list(wide) == [*out, *X]


@every_stage
def test_named_targets_and_a_number_of_them(stage, X):
    named = clone(stage).set_params(targets=["channel_2", "channel_0"]).fit(X)
    assert named.targets_ == ["channel_0", "channel_2"]
    assert len(clone(stage).set_params(n_targets=2).fit(X).targets_) == 2
    with pytest.raises(ValueError, match="Target 'bus' is no column of X"):
        clone(stage).set_params(targets=["bus"]).fit(X)


@every_stage
def test_a_constant_channel_is_watched_if_there_is_no_other(stage):
    X = np.zeros((40, 3))
    fitted = clone(stage).fit(X)
    assert fitted.targets_ == ["x0"]
    assert not fitted.transform(X).any()
    X[20, 0] = 7.0
    assert fitted.transform(X)[20, 0] == pytest.approx(7.0, rel=1e-5)


@every_stage
def test_anomalous_rows_teach_nothing(stage, X, y):
    wild = X.copy()
    wild[y == 1] = np.random.default_rng(1).normal(1e3, 1e3, wild[y == 1].shape)
    tame = clone(stage).fit(X, y)
    taught = clone(stage).fit(wild, y)
    pd.testing.assert_frame_equal(taught.transform(X), tame.transform(X))
    with pytest.raises(ValueError, match=r"every row as anomalous, but \w+ learns"):
        clone(stage).fit(X, np.ones(len(X), dtype=int))


@every_stage
def test_unlabelled_rows_teach(stage, X, y):
    unknown = clone(stage).fit(X, -y)
    pd.testing.assert_frame_equal(
        unknown.transform(X), clone(stage).fit(X).transform(X)
    )


@every_forecaster
def test_the_first_row_of_a_segment_has_no_error(forecaster, X):
    fitted = clone(forecaster).set_params(max_gap=60).fit(X)
    errors = fitted.transform(X * 3 + 1)
    first = [0, 23, 32, 47]
    assert not errors.iloc[first].to_numpy().any()
    assert errors.drop(errors.index[first])["error"].gt(0).all()


@every_forecaster
def test_error_is_the_mean_huber_error(forecaster, X):
    out = clone(forecaster).fit(X).transform(X * 5)
    errors = out[[f"error_channel_{i}" for i in range(4)]].to_numpy()
    assert errors.max() > 1
    huber = np.where(errors <= 1, errors**2 / 2, errors - 0.5)
    np.testing.assert_allclose(out["error"], huber.mean(axis=1), rtol=1e-5)


@every_stage
def test_missing_values_are_refused_by_name_and_filled_in_a_pipeline(stage, X):
    holes = X.copy()
    holes.iloc[12, 1] = np.nan
    with pytest.raises(ValueError, match="NaN: column 'channel_1', row 12"):
        clone(stage).fit(holes)
    pipeline = make_pipeline(CausalImputer(), clone(stage))
    assert pipeline.fit_transform(holes).notna().all(axis=None)


@every_forecaster
def test_far_values_spoil_a_forecast_but_nothing_else(forecaster):
    X = small_frame((200,), gap=False)
    fitted = clone(forecaster).fit(X)
    far = X.copy()
    far.iloc[100] = 1e9
    out = fitted.transform(far)
    assert np.isfinite(out).all(axis=None)
    assert out["error"].idxmax() in X.index[100:104]
    pd.testing.assert_frame_equal(
        out.iloc[150:], fitted.transform(X).iloc[150:], rtol=1e-3, atol=1e-3
    )
    with pytest.raises(ValueError, match="'channel_2' holds 1e\\+30 in row 5, too far"):
        fitted.transform(X.assign(channel_2=[0.0] * 5 + [1e30] + [0.0] * 194))


# Known inputs -------------------------------------------------------------------


def commanded(n_rows=400, seed=0):
    """A channel that steps in the very row of a command."""
    rng = np.random.default_rng(seed)
    command = rng.choice([-1.0, 0.0, 1.0], n_rows, p=[0.1, 0.8, 0.1])
    level = np.cumsum(command) + 0.01 * rng.normal(size=n_rows)
    return pd.DataFrame({"level": level, "command": command})


@every_linear
def test_a_command_known_beforehand_explains_its_step(forecaster):
    X = commanded()
    blind = clone(forecaster).set_params(inputs_only=["command"]).fit(X)
    told = clone(forecaster).set_params(known_inputs=["command", "pruned"]).fit(X)
    assert blind.targets_ == told.targets_ == ["level"]
    steps = X["command"].ne(0) & (X.index > 50)
    without = blind.transform(X)["error_level"][steps].mean()
    assert told.transform(X)["error_level"][steps].mean() < 0.2 * without


@every_linear
def test_known_inputs_stream_as_they_come(forecaster):
    X = commanded(60)
    fitted = clone(forecaster).set_params(known_inputs=["command"]).fit(X)
    state, parts = None, []
    for begin in range(0, 60, 7):
        part, state = fitted.stream(X.iloc[begin : begin + 7], state)
        parts.append(part)
    pd.testing.assert_frame_equal(pd.concat(parts), fitted.transform(X), rtol=1e-6)


@every_linear
def test_what_is_known_is_no_target(forecaster):
    forecaster = clone(forecaster).set_params(known_inputs=["level"])
    with pytest.raises(ValueError, match="'level' is named in targets and in known"):
        forecaster.set_params(targets=["level"]).fit(commanded(30))


@every_linear
def test_rows_that_none_precedes_teach_nothing(forecaster):
    index = pd.MultiIndex.from_product([range(5), [0]])
    lone = pd.DataFrame({"a": range(5), "b": 1.0}, index=index)
    with pytest.raises(ValueError, match="nothing to forecast; got n_samples=5 rows"):
        clone(forecaster).fit(lone)
