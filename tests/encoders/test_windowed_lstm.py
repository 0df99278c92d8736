"""The published telemanom's forecaster: its windows, its protocol."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import small_frame
from sklearn.base import clone

from skdsn.encoders import WindowedLSTMForecaster
from skdsn.encoders._modules import WindowedLSTMNet

FORECASTER = WindowedLSTMForecaster(
    context=6, horizon=3, hidden_size=4, max_epochs=2, max_gap=60, random_state=0
)


def task(forecaster, X, y=None):
    """What the network would be trained on."""
    forecaster = clone(forecaster)
    rows = forecaster._read(X, reset=True)
    return forecaster, forecaster._training(rows, forecaster._prepare(rows, y))


def test_a_row_is_forecast_from_the_context_before_it(X):
    fitted = clone(FORECASTER).set_params(targets=["channel_1"]).fit(X)
    errors = fitted.transform(X)["error_channel_1"].to_numpy()
    scaled = fitted.scaler_.transform(X.to_numpy()).astype(np.float32)
    # Tracks of 23, 9 and 31 rows, the last with a gap in its middle.
    for begin, end in [(0, 23), (23, 32), (32, 47), (47, 63)]:
        assert np.isnan(errors[begin : begin + 6]).all()
        for row in range(begin + 6, end):
            window = torch.from_numpy(scaled[row - 6 : row]).double()[None]
            with torch.inference_mode():
                forecast = fitted.net_.module_(window)[0, 0].item()
            assert errors[row] == pytest.approx(abs(forecast - scaled[row, 1]), 1e-4)


def test_it_trains_on_every_window_whose_forecast_is_there():
    X = small_frame((40,), gap=False)
    _, training = task(clone(FORECASTER).set_params(scaler="passthrough"), X)
    windows, targets = [], []
    for part in (training.train_set, training.valid_set):
        inputs, ahead = part.__getitems__(range(len(part)))
        windows.append(inputs.numpy())
        targets.append(ahead.numpy())
    sizes = [len(part) for part in windows]
    assert sizes == [26, 6]  # of 40 - 6 - 3 + 1 windows a fifth
    windows, targets = np.concatenate(windows), np.concatenate(targets)
    order = np.argsort(
        [np.abs(X.to_numpy() - w[-1]).sum(axis=1).argmin() for w in windows]
    )
    assert not np.array_equal(order, np.arange(32))  # shuffled before the split
    values = X.to_numpy(dtype=np.float32)
    for begin, number in enumerate(order):
        np.testing.assert_array_equal(windows[number], values[begin : begin + 6])
        ahead = values[begin + 6 : begin + 9]
        np.testing.assert_array_equal(targets[number], ahead.ravel())


def test_windows_with_an_anomalous_row_are_left_out():
    X = small_frame((40,), gap=False)
    y = np.zeros(40, dtype=int)
    y[20] = 1
    _, training = task(FORECASTER, X, y)
    assert len(training.train_set) + len(training.valid_set) == 32 - 9
    with pytest.raises(ValueError, match="Every window, with the rows it forecasts"):
        task(FORECASTER, X, (np.arange(40) % 5 == 0).astype(int))


def test_the_weights_of_the_last_epoch_stay():
    X = small_frame((60,), gap=False)
    wild = clone(FORECASTER).set_params(learning_rate=1.0, max_epochs=6, patience=6)
    fitted, training = task(wild, X)
    fitted.fit(X)
    history = fitted.history_["valid_loss"]
    assert history.iloc[-1] > history.min()
    inputs, targets = training.valid_set.__getitems__(range(len(training.valid_set)))
    with torch.inference_mode():
        forecast = fitted.net_.module_(inputs.double())
    loss = ((forecast - targets) ** 2).mean().item()
    assert loss == pytest.approx(history.iloc[-1], rel=1e-4)


def test_it_stops_without_an_improvement_worth_mentioning():
    X = small_frame((60,), gap=False)
    lame = clone(FORECASTER).set_params(learning_rate=1e-6, max_epochs=9, patience=3)
    assert len(lame.fit(X).history_) == 4
    assert len(lame.set_params(min_delta=0.0, max_epochs=5).fit(X).history_) == 5


@pytest.mark.parametrize(("n_inputs", "n_weights"), [(25, 86_250), (55, 95_850)])
def test_the_network_has_the_published_size(n_inputs, n_weights):
    net = WindowedLSTMNet(n_inputs, 10)
    sizes = [p.numel() for p in net.parameters() if p.requires_grad]
    assert sum(sizes) == n_weights
    assert net.lstm.bias_ih_l0[80:160].eq(1).all()
    assert net.lstm.bias_ih_l0.sum() == 80
    gram = net.lstm.weight_hh_l1.T @ net.lstm.weight_hh_l1
    torch.testing.assert_close(gram, torch.eye(80), atol=1e-5, rtol=0)


def test_a_track_too_short_for_a_window_is_refused():
    with pytest.raises(ValueError, match="context and horizon need 9; shorten them"):
        clone(FORECASTER).fit(small_frame((8,), gap=False))


def test_the_seed_alone_decides(X):
    one, two = clone(FORECASTER).fit(X), clone(FORECASTER).fit(X)
    pd.testing.assert_frame_equal(one.transform(X), two.transform(X))
    other = clone(FORECASTER).set_params(random_state=1).fit(X)
    assert not one.transform(X).equals(other.transform(X))
