"""What every encoder checks before it learns."""

import pandas as pd
import pytest
from sklearn.base import clone

from skdsn.encoders import CNNBiLSTMEncoder, LSTMForecaster, TransformerEncoder

every_encoder = pytest.mark.parametrize(
    "encoder",
    [
        LSTMForecaster(hidden_size=2, max_epochs=1),
        TransformerEncoder(
            window=4, d_model=2, n_heads=1, n_layers=1, dim_feedforward=4, max_epochs=1
        ),
        CNNBiLSTMEncoder(
            window=4,
            n_filters=2,
            kernel_size=3,
            hidden_size=1,
            n_layers=1,
            max_epochs=1,
        ),
    ],
    ids=lambda encoder: type(encoder).__name__,
)


@every_encoder
@pytest.mark.parametrize("name", ["latent_0", "error", "error_channel_1"])
def test_a_channel_named_like_an_output_is_refused_beside_it(encoder, X, name):
    X = X.rename(columns={"channel_0": name})
    encoder = clone(encoder).set_params(targets=["channel_1"], random_state=0)
    with pytest.raises(ValueError, match=f"X has a column '{name}', as .* outputs"):
        encoder.set_params(passthrough=True).fit(X)
    out = encoder.set_params(passthrough=False).fit_transform(X)
    assert isinstance(out, pd.DataFrame)


@every_encoder
@pytest.mark.parametrize("name", ["latent_2", "error_channel_0"])
def test_a_channel_may_have_a_name_that_no_output_has(encoder, X, name):
    X = X.rename(columns={"channel_0": name})
    encoder = clone(encoder).set_params(targets=["channel_1"], passthrough=True)
    assert name in encoder.fit_transform(X).columns


@every_encoder
@pytest.mark.parametrize("parameter", ["targets", "inputs_only"])
def test_one_name_is_no_list_of_names(encoder, X, parameter):
    encoder = clone(encoder).set_params(**{parameter: "channel_1"})
    with pytest.raises(ValueError, match=f"'{parameter}' parameter .*'channel_1'"):
        encoder.fit(X)
