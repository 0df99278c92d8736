"""Encoders of one window per row: what they learn from and what they emit."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import small_frame
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skdsn._core.segments import positions
from skdsn.encoders import CNNBiLSTMEncoder, TransformerEncoder
from skdsn.encoders._modules import CNNBiLSTMNet, TransformerNet
from skdsn.labeling import WindowLabeler
from skdsn.tracks import read_tracks

TRANSFORMER = TransformerEncoder(
    window=4,
    d_model=4,
    n_heads=2,
    n_layers=1,
    dim_feedforward=8,
    max_epochs=1,
    max_gap=60,
    random_state=0,
)
CNN = CNNBiLSTMEncoder(
    window=4,
    n_filters=4,
    kernel_size=3,
    hidden_size=2,
    n_layers=1,
    max_epochs=1,
    max_gap=60,
    random_state=0,
)
every_encoder = pytest.mark.parametrize(
    "encoder", [TRANSFORMER, CNN], ids=lambda encoder: type(encoder).__name__
)


def variant(encoder, **params):
    return clone(encoder).set_params(**params)


def weights(encoder):
    parameters = encoder.net_.module_.parameters()
    return np.concatenate([p.detach().numpy().ravel() for p in parameters])


@pytest.fixture(scope="module")
def mixed():
    """A smooth small channel, a noisy large one, a flag, a clock, a constant."""
    rng = np.random.default_rng(0)
    t = np.arange(80)
    columns = {
        "clock": t.astype(float),
        "smooth": 1e-3 * np.sin(t / 9),
        "noisy": 1e3 * rng.normal(size=80),
        "flag": (t > 40).astype(float),
        "constant": 7.0,
        "walk": rng.normal(size=80).cumsum(),
    }
    index = pd.MultiIndex.from_product([["a", "b"], range(40)])
    return pd.DataFrame(columns, index=index)


# Targets ------------------------------------------------------------------------


def test_targets_by_variance_are_the_channels_of_largest_variance(mixed):
    encoder = variant(
        TRANSFORMER, targets="variance", n_targets=2, inputs_only=["clock"]
    )
    assert encoder.fit(mixed).targets_ == ["noisy", "walk"]


def test_targets_by_predictability_are_explained_by_the_columns_left_over():
    rng = np.random.default_rng(0)
    a, b, noise, other = rng.normal(size=(4, 200))
    X = pd.DataFrame({"a": a, "b": b, "noise": 1e3 * noise, "other": other})
    X["a2"] = 5 * a + 0.1 * rng.normal(size=200)
    X["b2"] = b / 9 + 0.1 * rng.normal(size=200)
    chosen = variant(TRANSFORMER, n_targets=2).fit(X).targets_
    assert len({"a", "a2"} & set(chosen)) == len({"b", "b2"} & set(chosen)) == 1


@pytest.mark.parametrize("rule", ["predictability", "variance"])
def test_neither_flags_nor_constants_nor_inputs_only_are_chosen(mixed, rule):
    encoder = variant(
        TRANSFORMER, targets=rule, n_targets=6, inputs_only=["clock", "absent"]
    )
    assert encoder.fit(mixed).targets_ == ["smooth", "noisy", "walk"]
    used = mixed.columns[encoder.input_indices_]
    assert list(used) == ["clock", "flag", "constant"]


def test_at_most_half_of_the_columns_are_targets(X):
    assert len(variant(TRANSFORMER, n_targets=4).fit(X).targets_) == 2


def test_a_flag_is_the_target_where_nothing_else_is_left(mixed):
    encoder = variant(TRANSFORMER, inputs_only=["clock"])
    assert encoder.fit(mixed[["clock", "flag"]]).targets_ == ["flag"]


def test_targets_may_be_named_and_keep_the_order_of_the_columns(X):
    encoder = variant(TRANSFORMER, targets=["channel_3", "channel_0"]).fit(X)
    assert encoder.targets_ == ["channel_0", "channel_3"]
    names = encoder.get_feature_names_out()
    assert list(names) == [
        *(f"latent_{i}" for i in range(4)),
        "error_channel_0",
        "error_channel_3",
        "error",
    ]


def test_a_target_never_enters_the_latents(X):
    encoder = variant(TRANSFORMER, targets=["channel_1"]).fit(X)
    changed = X.assign(channel_1=X["channel_1"] + 5)
    before, after = encoder.transform(X), encoder.transform(changed)
    latents = [f"latent_{i}" for i in range(4)]
    pd.testing.assert_frame_equal(before[latents], after[latents])
    assert not np.allclose(before["error"], after["error"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"targets": ["snr"]}, "Target 'snr' is no column of X"),
        ({"targets": []}, "has no target to predict"),
        (
            {"inputs_only": [f"channel_{i}" for i in range(4)]},
            "has no target to predict",
        ),
        (
            {"targets": [f"channel_{i}" for i in range(4)]},
            "Every column is a target",
        ),
        ({"window": 24}, "n_samples=23 rows, the window 24"),
    ],
)
@every_encoder
def test_what_leaves_nothing_to_learn_is_refused(encoder, X, params, message):
    with pytest.raises(ValueError, match=message):
        variant(encoder, **params).fit(X)


@every_encoder
def test_a_single_column_is_refused(encoder, X):
    with pytest.raises(ValueError, match="at least 2 features; got 1"):
        clone(encoder).fit(X[["channel_0"]])


def test_heads_must_share_the_latent_size(X):
    with pytest.raises(ValueError, match="d_model=4 and n_heads=3"):
        variant(TRANSFORMER, n_heads=3).fit(X)


# Learning -----------------------------------------------------------------------


@pytest.mark.parametrize("scaler", [None, MinMaxScaler(), "passthrough"])
@pytest.mark.parametrize(
    "encoder",
    [TRANSFORMER, variant(CNN, classification_weight=None)],
    ids=["transformer", "cnn without head"],
)
def test_values_of_anomalous_rows_teach_nothing(encoder, scaler, X, y):
    encoder = variant(encoder, scaler=scaler, max_epochs=2)
    plain = clone(encoder).fit(X, y)
    spoilt = clone(encoder).fit(X.where(y == 0, X + 50), y)
    assert plain.targets_ == spoilt.targets_
    np.testing.assert_array_equal(weights(plain), weights(spoilt))
    pd.testing.assert_frame_equal(plain.history_, spoilt.history_)
    unlabelled = clone(encoder).fit(X.where(y == 0, X + 50))
    assert not np.array_equal(weights(plain), weights(unlabelled))


def test_the_scaler_sees_normal_rows_only(X, y):
    encoder = clone(TRANSFORMER).fit(X, y)
    np.testing.assert_allclose(encoder.scaler_.mean_, X[y == 0].mean())
    assert variant(TRANSFORMER, scaler="passthrough").fit(X, y).scaler_ is None


def test_the_class_head_learns_from_anomalous_windows(X, y):
    spoilt = X.where(y == 0, X + 50)
    assert not np.array_equal(
        weights(clone(CNN).fit(X, y)), weights(clone(CNN).fit(spoilt, y))
    )


@every_encoder
def test_unlabelled_rows_count_as_normal_ones_without_a_class(encoder, X):
    without = clone(encoder).fit(X)
    unknown = clone(encoder).fit(X, np.full(len(X), -1))
    np.testing.assert_array_equal(weights(without), weights(unknown))


def test_windows_with_an_unlabelled_row_do_not_teach_the_class_head(X, y):
    # Without decay Adam moves a weight only by its gradient.
    encoder = variant(CNN, weight_decay=0.0, targets=["channel_0"], dropout=0.0)

    def head(labels, **params):
        fitted = clone(encoder).set_params(**params).fit(X, labels)
        parts = fitted.net_.module_.classifier.parameters()
        return np.concatenate([p.detach().numpy().ravel() for p in parts])

    untaught = head(y, classification_weight=0.0)
    np.testing.assert_array_equal(head(np.full(len(X), -1)), untaught)
    assert not np.array_equal(head(y), untaught)
    # Every window of four rows holds an unlabelled one.
    some = y.mask(np.arange(len(y)) % 3 == 0, -1)
    some.iloc[[5, 6, 7, 40, 41]] = 0
    some.iloc[[6, 9]] = -1
    np.testing.assert_array_equal(head(some), untaught)


def test_without_class_weight_there_is_no_head(X, y):
    encoder = variant(CNN, classification_weight=None).fit(X, y)
    assert encoder.net_.module_.classifier is None
    assert encoder.transform(X).shape == (63, 4 + 2 + 1)


def test_windows_that_are_all_anomalous_are_refused(X):
    y = pd.Series(0, index=X.index)
    y.iloc[::4] = 1
    for encoder in (TRANSFORMER, variant(CNN, classification_weight=None)):
        with pytest.raises(ValueError, match="complete window of 4 rows holds an"):
            clone(encoder).fit(X, y)
    with pytest.raises(ValueError, match="every row as anomalous"):
        clone(CNN).fit(X, np.ones(len(X)))


@every_encoder
def test_the_seed_alone_decides(encoder, X, y):
    one = clone(encoder).fit(X, y)
    torch.manual_seed(99)
    same = clone(encoder).fit(X, y)
    other = variant(encoder, random_state=1).fit(X, y)
    np.testing.assert_array_equal(weights(one), weights(same))
    assert not np.array_equal(weights(one), weights(other))


# Encoding -----------------------------------------------------------------------


@every_encoder
def test_a_row_is_its_window_encoded_alone(encoder, X):
    fitted = clone(encoder).fit(X)
    out = fitted.transform(X).to_numpy()
    scaled = fitted.scaler_.transform(X.to_numpy()).astype(np.float32)
    starts = np.repeat([0, 23, 32, 47], [23, 9, 15, 16])
    for row in (0, 2, 10, 23, 33, 46, 47, 62):
        rows = np.maximum(np.arange(row - 3, row + 1), starts[row])
        window = torch.from_numpy(scaled[rows][:, fitted.input_indices_]).double()
        with torch.inference_mode():
            latent, prediction = fitted.net_.module_.encode(window[None])
        error = np.abs(prediction.numpy()[0] - scaled[row, fitted.target_indices_])
        expected = [*latent.numpy()[0], *error]
        np.testing.assert_allclose(out[row, :-1], expected, rtol=1e-5, atol=1e-6)


@every_encoder
def test_error_is_the_mean_huber_error(encoder, X):
    fitted = clone(encoder).fit(X)
    out = fitted.transform(X * 3)
    errors = out[[f"error_{name}" for name in fitted.targets_]].to_numpy()
    assert errors.max() > 1 and errors.min() < 1
    target = torch.zeros(errors.shape)
    expected = torch.nn.functional.huber_loss(
        torch.tensor(errors), target, reduction="none"
    ).mean(dim=1)
    np.testing.assert_allclose(out["error"], expected, rtol=1e-5)


@every_encoder
def test_passthrough_keeps_the_columns_beside(encoder, X):
    plain = clone(encoder).fit(X).transform(X)
    wide = variant(encoder, passthrough=True).fit(X).transform(X)
    assert list(wide.columns) == [*plain.columns, *X.columns]
    pd.testing.assert_frame_equal(wide[plain.columns], plain)
    scaled = StandardScaler().fit_transform(X)
    np.testing.assert_allclose(wide[X.columns], scaled, rtol=1e-6, atol=1e-6)


@every_encoder
def test_tracks_shorter_than_the_window_are_encoded_all_the_same(encoder, X):
    fitted = variant(encoder, window=20).fit(X)
    out = fitted.transform(X)
    assert np.isfinite(out.to_numpy()).all()
    pd.testing.assert_frame_equal(
        fitted.transform(X.loc[["pass-1"]].iloc[:1]), out.loc[["pass-1"]].iloc[:1]
    )


@every_encoder
@pytest.mark.parametrize("stride", [3, 7])
def test_predict_stride_holds_what_was_encoded(encoder, stride, X):
    fitted = clone(encoder).fit(X)
    every = fitted.transform(X)
    held = clone(encoder).set_params(predict_stride=stride).fit(X).transform(X)
    position = np.concatenate([np.arange(n) for n in (23, 9, 15, 16)])
    source = np.arange(len(X)) - position % stride
    np.testing.assert_allclose(held, every.iloc[source], rtol=1e-6)


@settings(deadline=None, max_examples=15)
@given(
    cuts=st.lists(st.integers(1, 62), max_size=8, unique=True),
    stride=st.integers(2, 9),
)
def test_a_stream_holds_the_same_rows(cuts, stride):
    X = small_frame()
    fitted = variant(TRANSFORMER).fit(X).set_params(predict_stride=stride)
    state, parts = None, []
    for rows in np.split(np.arange(len(X)), sorted(cuts)):
        part, state = fitted.stream(X.iloc[rows], state)
        parts.append(part)
    pd.testing.assert_frame_equal(pd.concat(parts), fitted.transform(X), rtol=1e-7)


@every_encoder
@pytest.mark.parametrize("stride", [1, 2, 5])
def test_fit_transform_encodes_the_windows_that_the_labeler_keeps(
    encoder, stride, X, y
):
    encoder = variant(encoder, fit_stride=stride)
    out = clone(encoder).fit_transform(X, y)
    every = clone(encoder).fit(X, y).transform(X)
    labeler = WindowLabeler(4, stride=stride, max_gap=60)
    labeler.fit_resample(out, y)
    kept = labeler.sample_indices_
    pd.testing.assert_frame_equal(out.iloc[kept], every.iloc[kept], rtol=1e-6)
    if stride == 1:
        pd.testing.assert_frame_equal(out, every)
        return
    position = positions(read_tracks(X).segments(60))
    encoded = np.flatnonzero((position == 0) | ((position - 3) % stride == 0))
    assert set(kept) <= set(encoded)
    source = encoded[np.searchsorted(encoded, np.arange(len(X)), side="right") - 1]
    np.testing.assert_array_equal(out, out.iloc[source])


def test_fit_stride_thins_the_training_windows(X):
    encoder = variant(
        TRANSFORMER,
        window=2,
        fit_stride=5,
        targets=["channel_0"],
        scaler="passthrough",
        validation_fraction=0,
    )
    # The windows end in rows 1, 6, 11, ... of a track and hold the rows before.
    plain = weights(clone(encoder).fit(X))
    for row, taught in [(0, True), (1, True), (2, False), (4, False), (5, True)]:
        changed = X.copy()
        changed.iloc[row] += 1.0
        assert np.array_equal(weights(clone(encoder).fit(changed)), plain) != taught


# The published networks ---------------------------------------------------------


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("n_inputs", [30, 7])
def test_networks_have_the_published_size(n_inputs):
    transformer = TransformerNet(n_inputs, 10)
    assert count(transformer) == 64 * n_inputs + 64 + 66_944 + 9_610
    cnn = CNNBiLSTMNet(n_inputs, 10)
    parts = [448 * n_inputs + 64, 1_384_448, 33_025, 34_186, 33_025]
    assert count(cnn) == sum(parts)
    assert [
        count(part)
        for part in (cnn.conv, cnn.lstm, cnn.attention, cnn.decoder, cnn.classifier)
    ] == parts
    if n_inputs == 30:
        assert (count(transformer), count(cnn)) == (78_538, 1_498_188)


def test_default_encoders_build_the_published_networks(X):
    for kind, window, net in (
        (TransformerEncoder, 100, TransformerNet),
        (CNNBiLSTMEncoder, 200, CNNBiLSTMNet),
    ):
        encoder = kind()
        assert encoder.window == window
        encoder.input_indices_ = np.arange(30)
        encoder.target_indices_ = np.arange(30, 40)
        module, params = list(encoder._network().values())[:2]
        assert module is net
        assert count(module(**params)) == count(net(30, 10))


def test_networks_give_latents_and_predictions_of_the_right_shape():
    X = torch.zeros(5, 12, 3)
    latent, prediction = TransformerNet(3, 2, d_model=6, n_heads=2).encode(X)
    assert (latent.shape, prediction.shape) == ((5, 6), (5, 2))
    cnn = CNNBiLSTMNet(3, 2, n_filters=4, hidden_size=3, n_layers=1)
    latent, prediction = cnn.encode(X)
    assert (latent.shape, prediction.shape) == ((5, 6), (5, 2))
    assert cnn(X).shape == (5, 3)


def test_the_transformer_tells_the_order_of_rows():
    net = TransformerNet(1, 1, d_model=4, n_heads=2, n_layers=1).eval()
    X = torch.tensor([[[1.0], [2.0], [3.0]], [[2.0], [1.0], [3.0]]])
    with torch.inference_mode():
        latent, _ = net.encode(X)
    assert not torch.allclose(latent[0], latent[1])
