"""A fleet of forecasters: equal to those trained one by one."""

import pickle

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame, small_labels
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from skdsn.detectors import (
    ChannelwiseDetector,
    DynamicThresholdDetector,
    ErrorSmoother,
)
from skdsn.encoders import FleetForecaster, LSTMForecaster

ONE = LSTMForecaster(hidden_size=3, chunk_length=8, max_epochs=8, patience=2)


def alone(fleet, channel, X, y=None):
    """Train the forecaster of a channel by itself."""
    return clone(fleet.forecasters_[channel]).fit(X[[channel, *fleet.shared]], y)


def weights(forecaster):
    module = forecaster.net_.module_
    return np.concatenate([p.detach().numpy().ravel() for p in module.parameters()])


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"n_layers": 2, "learning_rate": 0.05, "weight_decay": 0.01},
        {"horizon": 3, "aggregate": "mean", "known_inputs": ["channel_3"]},
        {"validation_fraction": 0, "batch_size": 3},
    ],
    ids=["plain", "layers", "ahead", "unvalidated"],
)
def test_networks_equal_those_trained_one_by_one(params):
    # Other tracks validate in each network, so they have other numbers of batches.
    X = small_frame((23, 9, 31, 50))
    y = small_labels(X)
    one = clone(ONE).set_params(**params)
    fleet = FleetForecaster(one, shared=["channel_3"], random_state=0).fit(X, y)
    assert list(fleet.forecasters_) == ["channel_0", "channel_1", "channel_2"]
    table = fleet.transform(X)
    for channel, member in fleet.forecasters_.items():
        single = alone(fleet, channel, X, y)
        np.testing.assert_allclose(weights(member), weights(single), atol=2e-5)
        pd.testing.assert_frame_equal(
            member.history_, single.history_, rtol=1e-4, check_dtype=False
        )
        errors = single.transform(X[[channel, "channel_3"]])[f"error_{channel}"]
        np.testing.assert_allclose(table[f"error_{channel}"], errors, atol=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_a_network_without_rows_to_validate_on_goes_by_its_training_loss(seed):
    # Which track validates depends on the seed; one of a single row tells nothing.
    X = small_frame((30, 30, 1))
    one = clone(ONE).set_params(validation_fraction=0.3, max_epochs=3)
    fleet = FleetForecaster(one, random_state=seed).fit(X)
    for channel, member in fleet.forecasters_.items():
        single = alone(fleet, channel, X)
        np.testing.assert_allclose(weights(member), weights(single), atol=2e-5)
        pd.testing.assert_frame_equal(
            member.history_, single.history_, rtol=1e-4, check_dtype=False
        )


def test_an_array_knows_its_known_inputs(X):
    one = clone(ONE).set_params(known_inputs=["x2"])
    values = X.loc["pass-0"].to_numpy()
    fleet = FleetForecaster(one, shared=["x2"], random_state=0).fit(values)
    members = fleet.forecasters_.values()
    assert [list(member.known_indices_) for member in members] == [[1]] * 3


def test_each_network_stops_by_itself():
    X = small_frame((120,), gap=False)
    one = clone(ONE).set_params(max_epochs=25, learning_rate=0.3)
    fleet = FleetForecaster(one, random_state=0).fit(X)
    epochs = [len(member.history_) for member in fleet.forecasters_.values()]
    assert len(set(epochs)) > 1
    for channel, n_epochs in zip(fleet.forecasters_, epochs, strict=True):
        assert len(alone(fleet, channel, X).history_) == n_epochs


def test_a_member_is_a_forecaster_of_its_own(X):
    fleet = FleetForecaster(ONE, shared=["channel_0"], random_state=0).fit(X)
    member = pickle.loads(pickle.dumps(fleet.forecasters_["channel_2"]))
    table = member.transform(X[["channel_2", "channel_0"]])
    errors = fleet.transform(X)["error_channel_2"]
    pd.testing.assert_series_equal(table["error_channel_2"], errors)


def test_a_channel_says_nothing_of_another(X):
    fleet = FleetForecaster(ONE, random_state=0).fit(X)
    spoilt = X.assign(channel_1=X["channel_1"] + 50)
    before, after = fleet.transform(X), fleet.transform(spoilt)
    same = [f"error_channel_{i}" for i in (0, 2, 3)]
    pd.testing.assert_frame_equal(before[same], after[same])
    assert not before["error_channel_1"].equals(after["error_channel_1"])


def test_errors_are_judged_channel_by_channel():
    t = np.arange(1200)
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"volt": np.sin(t / 9), "amp": np.cos(t / 7)})
    X += 0.05 * rng.normal(size=X.shape)
    X.loc[1000:1010, "amp"] = 4.0
    judge = make_pipeline(
        ErrorSmoother(span=10), DynamicThresholdDetector(window_size=400, batch_size=50)
    )
    fleet = FleetForecaster(clone(ONE).set_params(max_epochs=3), random_state=0)
    detector = make_pipeline(
        fleet, ChannelwiseDetector(judge, channels=["error_volt", "error_amp"])
    )
    detector.set_output(transform="pandas").fit(X[:700])
    errors = detector[0].transform(X)
    events = detector[-1].events(errors)
    assert [event for event in events["channels"] if "error_amp" in event]
    assert events["start"].between(850, 1011).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"channels": ["snr"]}, "'snr' is no column of X"),
        ({"shared": ["snr"]}, "'snr' is no column of X"),
        ({"channels": ["channel_0"], "shared": ["channel_0"]}, "is named twice"),
        ({"shared": [f"channel_{i}" for i in range(4)]}, "There is no channel"),
    ],
)
def test_names_that_do_not_fit_are_refused(X, params, message):
    with pytest.raises(ValueError, match=message):
        FleetForecaster(ONE, **params).fit(X)


def test_parameters_of_the_forecaster_are_checked(X):
    with pytest.raises(ValueError, match="hidden_size"):
        FleetForecaster(LSTMForecaster(hidden_size=0)).fit(X)


def test_a_share_of_the_tracks_is_refused():
    fleet = FleetForecaster(LSTMForecaster(fit_share=0.5))
    with pytest.raises(ValueError, match=r"fit_share=0.5, but the networks of a fleet"):
        fleet.fit(np.zeros((30, 2)))
