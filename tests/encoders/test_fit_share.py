"""What a network learns from is kept from the stage behind it."""

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from skdsn.encoders import (
    CNNBiLSTMEncoder,
    GRUAttentionEncoder,
    LSTMForecaster,
    TCNForecaster,
    TransformerEncoder,
)
from skdsn.encoders._base import choose_tracks
from skdsn.labeling import WindowLabeler
from skdsn.tracks import read_tracks

COMMON = {"max_epochs": 1, "max_gap": 60, "random_state": 0}
CNN = CNNBiLSTMEncoder(
    window=4, n_filters=4, kernel_size=3, hidden_size=2, n_layers=1, **COMMON
)
ENCODERS = [
    LSTMForecaster(hidden_size=3, chunk_length=8, **COMMON),
    TCNForecaster(n_filters=3, n_blocks=2, chunk_length=8, **COMMON),
    TransformerEncoder(
        window=4, d_model=4, n_heads=2, n_layers=1, dim_feedforward=8, **COMMON
    ),
    CNN,
    GRUAttentionEncoder(
        window=4, hidden_size=3, latent_size=2, scaler=StandardScaler(), **COMMON
    ),
]
every_encoder = pytest.mark.parametrize(
    "encoder", ENCODERS, ids=lambda encoder: type(encoder).__name__
)


def variant(encoder, **params):
    return clone(encoder).set_params(**params)


def weights(encoder):
    parameters = encoder.net_.module_.parameters()
    return np.concatenate([p.detach().numpy().ravel() for p in parameters])


def labelled(X, *anomalous, unlabelled=()):
    """Rows 5 to 7 of the tracks named are anomalous; others know no label."""
    track = X.index.get_level_values(0)
    row = X.groupby(level=0).cumcount()
    y = pd.Series(0, index=X.index)
    y[track.isin(list(anomalous)) & row.isin([5, 6, 7])] = 1
    return y.mask(track.isin(list(unlabelled)), -1)


@pytest.fixture(scope="module")
def passes():
    return small_frame((23, 12, 31, 18, 20, 16))


# What is learnt, what is handed on ------------------------------------------------


@every_encoder
def test_what_the_network_has_learnt_from_is_missing_and_nothing_else(encoder, passes):
    encoder = variant(encoder, fit_share=0.5)
    out = encoder.fit_transform(passes, labelled(passes, "pass-1", "pass-2"))
    assert out.index.equals(passes.index)
    assert len(encoder.learnt_tracks_) == 3
    learnt = passes.index.get_level_values(0).isin(encoder.learnt_tracks_)
    assert out[learnt].isna().all(axis=None)
    pd.testing.assert_frame_equal(out[~learnt], encoder.transform(passes)[~learnt])
    assert encoder.transform(passes).notna().all(axis=None)


def test_labelled_rows_that_the_network_has_not_learnt_may_be_handed_on():
    X = small_frame((60,), gap=False)
    y = pd.Series(0, index=X.index)
    y.iloc[10:16], y.iloc[40:44] = 1, 2
    for encoder in (ENCODERS[0], ENCODERS[-1]):
        encoder = variant(encoder, fit_share=0.5, withhold="normal")
        out = encoder.fit_transform(X, y)
        known = out.notna().all(axis=1).to_numpy()
        assert np.flatnonzero(known).tolist() == [*range(10, 16), *range(30, 60)]
        every = encoder.transform(X)
        pd.testing.assert_frame_equal(out[known], every[known], rtol=1e-6)
        labeller = WindowLabeler(4)
        labels = labeller.fit_resample(out, y)[1]
        assert labels.value_counts().to_dict() == {0: 23, 1: 6, 2: 4}
        assert labeller.n_incomplete_ == 3  # normal, and reach into what was learnt


@every_encoder
def test_tracks_that_are_handed_on_teach_nothing(encoder, passes):
    encoder = variant(encoder, fit_share=0.5)
    y = labelled(passes, "pass-1", "pass-2")
    plain = clone(encoder).fit(passes, y)
    learnt = passes.index.get_level_values(0).isin(plain.learnt_tracks_)
    changed = passes + 50.0 * ~learnt[:, None]
    spoilt = clone(encoder).fit(changed, y)
    assert spoilt.targets_ == plain.targets_
    np.testing.assert_array_equal(spoilt.scaler_.mean_, plain.scaler_.mean_)
    np.testing.assert_array_equal(weights(spoilt), weights(plain))
    alone = variant(encoder, fit_share=1.0).fit(passes[learnt], y[learnt])
    np.testing.assert_array_equal(weights(alone), weights(plain))


@every_encoder
def test_with_all_tracks_nothing_is_missing(encoder, passes):
    y = labelled(passes, "pass-1")
    encoder = clone(encoder)
    out = encoder.fit_transform(passes, y)
    assert encoder.learnt_tracks_ == list(passes.index.unique(0))
    pd.testing.assert_frame_equal(out, encoder.transform(passes))


@every_encoder
def test_a_single_track_is_cut_in_time_and_keeps_its_past(encoder):
    X = small_frame((40,), gap=False)
    for rows in (X, X.loc["pass-0"], X.to_numpy()):
        one = variant(encoder, fit_share=0.6, max_gap=None)
        out, every = np.asarray(one.fit_transform(rows)), one.transform(rows)
        assert np.isnan(out[:24]).all()
        np.testing.assert_array_equal(out[24:], np.asarray(every)[24:])
    assert one.learnt_tracks_ == [0]
    late = X.copy()
    late.iloc[24:] += 9.0
    again = variant(encoder, fit_share=0.6).fit(late)
    np.testing.assert_array_equal(weights(again), weights(one))


def test_the_windows_that_the_labeller_keeps_are_encoded(passes):
    y = labelled(passes, "pass-1", "pass-2")
    encoder = variant(ENCODERS[2], fit_share=0.5, fit_stride=3)
    out = encoder.fit_transform(passes, y)
    labeller = WindowLabeler(4, stride=3, max_gap=60)
    features = labeller.fit_resample(out, y)[0]
    every = encoder.transform(passes).iloc[labeller.sample_indices_]
    pd.testing.assert_frame_equal(features, every, rtol=1e-6)
    kept = features.index.unique(0)
    assert sorted([*kept, *encoder.learnt_tracks_]) == list(passes.index.unique(0))


def test_output_and_seed(passes):
    encoder = variant(ENCODERS[0], fit_share=0.5, random_state=3)
    frame = encoder.fit_transform(passes)
    again = clone(encoder).set_output(transform="pandas").fit_transform(passes)
    pd.testing.assert_frame_equal(frame, again)
    chosen = {
        tuple(variant(encoder, random_state=seed).fit(passes).learnt_tracks_)
        for seed in range(8)
    }
    assert len(chosen) > 1


# Which tracks ---------------------------------------------------------------------


@every_encoder
def test_incidents_are_left_to_the_next_stage(encoder, passes):
    if encoder is CNN:
        encoder = variant(encoder, classification_weight=None)
    y = labelled(passes, "pass-0", "pass-2", "pass-4")
    encoder = variant(encoder, fit_share=0.5).fit(passes, y)
    assert encoder.learnt_tracks_ == ["pass-1", "pass-3", "pass-5"]


def test_a_class_head_gets_incidents_too(passes):
    y = labelled(passes, "pass-0", "pass-2")
    for seed in range(6):
        encoder = variant(CNN, fit_share=0.5, random_state=seed).fit(passes, y)
        assert len({"pass-0", "pass-2"} & set(encoder.learnt_tracks_)) == 1


def test_tracks_without_a_label_are_learnt_by_the_network(passes):
    unknown = ["pass-1", "pass-3", "pass-4", "pass-5"]
    y = labelled(passes, "pass-0", unlabelled=unknown)
    for encoder in ENCODERS:
        encoder = variant(encoder, fit_share=0.5).fit(passes, y)
        assert set(unknown) < {*encoder.learnt_tracks_, "pass-2"}
        assert "pass-0" not in encoder.learnt_tracks_


@settings(deadline=None, max_examples=100)
@given(
    kinds=st.lists(st.sampled_from([-1, 0, 1]), min_size=2, max_size=30),
    share=st.floats(0.01, 0.99),
    mixed=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_there_are_tracks_on_both_sides(kinds, share, mixed, seed):
    kinds = np.array(kinds)
    index = pd.MultiIndex.from_product([range(len(kinds)), range(2)])
    tracks = read_tracks(pd.DataFrame({"a": 0.0}, index=index))
    labels = np.repeat(kinds, 2)
    labels[::2] = np.minimum(labels[::2], 0)  # no row of it tells the kind alone
    chosen = choose_tracks(
        tracks, share, np.random.RandomState(seed), labels, mixed=mixed
    )
    assert 0 < len(chosen) < len(kinds)
    assert (np.diff(chosen) > 0).all()
    inside, outside = kinds[chosen], np.delete(kinds, chosen)
    if (kinds == 1).any():
        assert (outside == 1).any()
    known = (kinds >= 0).sum()
    if known:
        assert not (outside == -1).any()
    n_incidents = (kinds == 1).sum()
    if mixed and known:
        if n_incidents > 1:
            assert (inside == 1).any()
        assert abs((inside == 1).sum() - share * n_incidents) <= 2
    elif (inside == 1).any():
        assert not (outside == 0).any()
    assert abs(len(chosen) - share * len(kinds)) <= 1 or (kinds == -1).any()


# What cannot be -------------------------------------------------------------------


@every_encoder
@pytest.mark.parametrize("share", [0, -0.5, 1.5, "half"])
def test_a_share_lies_between_nothing_and_all(encoder, passes, share):
    with pytest.raises(ValueError, match="'fit_share' parameter"):
        variant(encoder, fit_share=share).fit(passes)


@every_encoder
def test_a_share_without_normal_rows_is_refused(encoder):
    X = small_frame((40,), gap=False)
    y = np.arange(40) < 25
    message = r"fit_share=0.5 gives .* tracks \['pass-0'\] .* all of their 20 rows"
    with pytest.raises(ValueError, match=message):
        variant(encoder, fit_share=0.5).fit(X, y)
    with pytest.raises(ValueError, match="y labels every row as anomalous"):
        variant(encoder, fit_share=0.5).fit(X, np.ones(40))


@every_encoder
def test_unlabelled_and_anomalous_rows_alone_are_no_labels_of_outliers(encoder):
    X = small_frame((40,), gap=False)
    y = np.where(np.arange(40) < 20, -1, 0)
    y[[4, 25]] = 1
    if not encoder._has_classifier:
        assert variant(encoder, fit_share=0.5).fit(X, y).learnt_tracks_ == ["pass-0"]


@every_encoder
def test_one_row_is_refused_as_ever(encoder, passes):
    with pytest.raises(ValueError, match="needs at least 2 rows"):
        variant(encoder, fit_share=0.5).fit(passes.iloc[:1])
