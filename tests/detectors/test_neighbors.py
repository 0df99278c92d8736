"""The distance to the nearest training subsequence, and its threshold."""

import pickle

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame, small_labels
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.detectors import SubsequenceNeighborsDetector
from skdsn.preprocessing import CausalImputer
from skdsn.streaming import stream_scores

TRAIN = small_frame((40, 25), seed=1)
TEST = small_frame()
BORDERS = (0, 23, 32, 32 + 31 // 2)  # the last is the gap within a track


def small(**changed):
    return SubsequenceNeighborsDetector(**{"length": 4, "max_gap": 60, **changed})


def windows(X, length, borders):
    """The naive subsequences of all rows, and which of them are complete."""
    values, found, complete = X.to_numpy(), [], []
    for row in range(len(X)):
        start = max(border for border in borders if border <= row)
        found.append(values[[max(row - lag, start) for lag in range(length)]])
        complete.append(row - start >= length - 1)
    return np.array(found), np.array(complete)


def train_windows(length):
    return windows(TRAIN, length, (0, 40, 40 + 25 // 2))


@pytest.mark.parametrize("length", [1, 4, 9])
def test_scores_are_those_of_a_naive_loop(length):
    detector = small(length=length).fit(TRAIN)
    distances = -detector.score_samples(TEST)
    unit = np.ptp(TRAIN.to_numpy(), axis=0)
    pool, whole = train_windows(length)
    queries, complete = windows(TEST, length, BORDERS)
    where = detector.neighbors(TEST)
    for row, query in enumerate(queries):
        apart = np.sqrt(np.mean(((pool - query) / unit) ** 2, axis=(1, 2)))
        allowed = whole if complete[row] else np.ones(len(pool), dtype=bool)
        np.testing.assert_allclose(distances[row], apart[allowed].min())
        assert where[row] == np.flatnonzero(allowed)[apart[allowed].argmin()]


@pytest.mark.parametrize("quantile", [0.5, 1.0])
@pytest.mark.parametrize("fit_stride", [1, 3])
def test_the_threshold_comes_from_training_rows_left_out(quantile, fit_stride):
    detector = small(
        quantile=quantile, factor=1.2, min_distance=0.0, fit_stride=fit_stride
    ).fit(TRAIN)
    unit = np.ptp(TRAIN.to_numpy(), axis=0)
    pool, whole = train_windows(4)
    segment = np.repeat([0, 1, 2], [40, 12, 13])
    place = np.concatenate([np.arange(40), np.arange(12), np.arange(13)])
    expected = np.full(len(pool), np.nan)
    for row in np.flatnonzero(whole):
        apart = np.sqrt(np.mean(((pool - pool[row]) / unit) ** 2, axis=(1, 2)))
        shares = (segment == segment[row]) & (np.abs(np.arange(len(pool)) - row) < 4)
        expected[row] = apart[~shares & whole & ((place - 3) % fit_stride == 0)].min()
    np.testing.assert_allclose(detector.fit_distances_, expected)
    usual = np.quantile(expected[whole], quantile)
    np.testing.assert_allclose(detector.offset_, -1.2 * usual)


def test_a_larger_factor_or_quantile_flags_no_more_rows():
    flagged = [
        {
            "factor": (small(factor=value).fit(TRAIN).predict(TEST) == -1).sum(),
            "quantile": (
                small(quantile=value / 4, factor=1.0).fit(TRAIN).predict(TEST) == -1
            ).sum(),
        }
        for value in (0.5, 1.0, 2.0, 4.0)
    ]
    for name in ("factor", "quantile"):
        counts = [count[name] for count in flagged]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] > counts[-1]


def test_flags_are_where_the_score_is_below_the_offset():
    detector = small(factor=0.8).fit(TRAIN)
    scores = detector.score_samples(TEST)
    np.testing.assert_array_equal(
        detector.decision_function(TEST), scores - detector.offset_
    )
    assert (detector.predict(TEST) == np.where(scores < detector.offset_, -1, 1)).all()
    assert set(detector.predict(TEST)) == {-1, 1}


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("scaler", [None, "passthrough", StandardScaler()])
def test_training_rows_are_at_distance_zero(scaler, normalize):
    detector = small(scaler=scaler, normalize=normalize).fit(TRAIN)
    assert (detector.score_samples(TRAIN) == 0).all()
    if not normalize:  # which makes all flat subsequences equal
        assert (detector.neighbors(TRAIN) == np.arange(len(TRAIN))).all()


def test_a_shape_never_seen_is_flagged_within_limits():
    wave = np.sin(np.arange(300) / 5)[:, None]
    test = wave.copy()
    test[100:130] = test[100]
    flags = SubsequenceNeighborsDetector(length=10).fit(wave).predict(test) == -1
    assert flags[107:136].all()
    assert not flags[:101].any()
    assert not flags[140:].any()


def test_the_start_of_a_track_hides_no_frozen_channel():
    # Padded starts are flat, so a complete flat subsequence must not match them.
    wave = np.sin(np.arange(300) / 5)[:, None]
    detector = SubsequenceNeighborsDetector(length=10).fit(wave)
    frozen = np.concatenate([wave[:50], np.zeros((30, 1))])
    assert detector.predict(frozen)[-1] == -1
    assert detector.predict(wave[:5])[0] == 1


# Time and tracks -----------------------------------------------------------------


@settings(deadline=None, max_examples=10)
@given(row=st.integers(1, 62))
def test_later_rows_change_nothing(row):
    detector = small().fit(TRAIN)
    changed = TEST.copy()
    changed.iloc[row:] += 100.0
    before, after = detector.score_samples(TEST), detector.score_samples(changed)
    np.testing.assert_allclose(after[:row], before[:row], atol=1e-9)
    assert after[row] < before[row]


def test_tracks_and_gaps_are_borders():
    detector = small().fit(TRAIN)
    together = detector.score_samples(TEST)
    for begin, end in zip(BORDERS, (*BORDERS[1:], len(TEST)), strict=True):
        alone = detector.score_samples(TEST.iloc[begin:end])
        np.testing.assert_allclose(alone, together[begin:end], atol=1e-9)
    assert (small(max_gap=None).fit(TRAIN).score_samples(TEST) != together).any()


@settings(deadline=None, max_examples=15)
@given(
    cuts=st.lists(st.integers(1, 62), max_size=8, unique=True),
    length=st.sampled_from([1, 2, 4, 12]),
)
def test_any_chunking_equals_one_batch(cuts, length):
    detector = small(length=length, factor=0.8).fit(TRAIN)
    state, scores, flags = None, [], []
    for rows in np.split(np.arange(len(TEST)), sorted(cuts)):
        frozen = pickle.dumps(state)
        score, flag, new = detector.stream_scores(TEST.iloc[rows], state)
        assert pickle.dumps(state) == frozen
        state = pickle.loads(pickle.dumps(new))
        scores.append(score)
        flags.append(flag)
    batch = anomaly_scores(detector, TEST)
    np.testing.assert_allclose(np.concatenate(scores), batch, atol=1e-9)
    assert (np.concatenate(flags) == anomaly_flags(detector, TEST)).all()


def test_interleaved_tracks_equal_one_batch():
    detector, state, parts = small().fit(TRAIN), None, []
    for begin in range(0, 31, 5):
        chunk = pd.concat(
            [TEST.loc[[name]].iloc[begin : begin + 5] for name in TEST.index.levels[0]]
        )
        scores, _, state = detector.stream_scores(chunk, state)
        parts.append(pd.Series(scores, chunk.index))
    streamed = pd.concat(parts).loc[TEST.index]
    np.testing.assert_allclose(streamed, -detector.score_samples(TEST), atol=1e-9)


def test_a_pipeline_of_arrays_streams_as_one_track():
    values = TEST.to_numpy().copy()
    values[5, 1] = np.nan
    detector = make_pipeline(
        CausalImputer(), StandardScaler(), SubsequenceNeighborsDetector(length=4)
    ).fit(TRAIN.to_numpy())
    first, _, state = stream_scores(detector, values[:9])
    second, _, _ = stream_scores(detector, values[9:], state)
    batch = anomaly_scores(detector, values)
    np.testing.assert_allclose(np.concatenate([first, second]), batch, atol=1e-9)


def test_a_state_is_a_small_copy_and_refuses_the_past():
    detector = small().fit(TRAIN)
    _, _, state = detector.stream_scores(small_frame((2000,), gap=False))
    assert state["pass-0"][1].shape == (3, 4)
    assert state["pass-0"][1].base is None
    with pytest.raises(ValueError, match="'pass-0' goes back in time"):
        detector.stream_scores(TEST.iloc[5:8], state)


def test_a_track_shorter_than_the_length_is_padded():
    detector = small(length=10).fit(TRAIN)
    short = TEST.loc[["pass-1"]].iloc[:3]
    padded = np.concatenate([np.repeat(short.to_numpy()[:1], 9, axis=0), short])
    pool, _ = train_windows(10)
    unit = np.ptp(TRAIN.to_numpy(), axis=0)
    expected = [
        np.sqrt(
            np.mean(((pool - padded[row : row + 10][::-1]) / unit) ** 2, axis=(1, 2))
        ).min()
        for row in range(3)
    ]
    np.testing.assert_allclose(-detector.score_samples(short), expected)


# Training rows -------------------------------------------------------------------


def test_subsequences_with_an_anomalous_row_are_left_out():
    X, y = TEST, small_labels(TEST)
    detector = small(min_distance=0.0).fit(X, y)
    touched = {5, 6, 7, 8, 9, 10, 40, 41, 42, 43, 44}
    assert not touched & set(detector.neighbor_rows_)
    assert np.isnan(detector.fit_distances_[sorted(touched)]).all()
    assert (detector.score_samples(X)[[6, 41]] < 0).all()
    spoilt = X.copy()
    spoilt[y == 1] = 1e6
    again = small(min_distance=0.0).fit(spoilt, y)
    assert again.offset_ == detector.offset_
    np.testing.assert_array_equal(again.score_samples(X), detector.score_samples(X))


def test_unlabelled_rows_count_as_normal():
    y = pd.Series(-1, index=TEST.index)
    assert small().fit(TEST, y).offset_ == small().fit(TEST).offset_


def test_a_constant_channel_keeps_its_unit_and_a_wiggle_raises_no_alarm():
    rng = np.random.default_rng(0)
    train = np.column_stack([np.full(60, 0.1), rng.uniform(size=60)])
    constant = SubsequenceNeighborsDetector(length=5, channels=["x0"]).fit(train)
    assert constant.offset_ == -0.05
    assert len(constant.neighbor_rows_) == 5  # one complete, four padded
    test = np.tile([0.1, 0.5], (40, 1))
    assert (constant.score_samples(test) == 0).all()
    test[20:, 0] += 0.01
    assert (constant.predict(test) == 1).all()
    test[30:, 0] += 0.2
    assert (constant.predict(test)[33:] == -1).all()
    np.testing.assert_allclose(constant.score_samples(test)[-1], -0.21)
    strict = clone(constant).set_params(min_distance=0.0).fit(train)
    assert (strict.predict(test)[20:] == -1).all()


def test_what_repeats_in_flat_stretches_changes_no_score():
    rng = np.random.default_rng(0)
    steps = np.repeat(rng.integers(3, size=30), rng.integers(1, 20, size=30))
    train, test = steps[:200, None] * 1.0, steps[200:, None] * 1.0
    for fit_stride in (1, 3):
        detector = small(fit_stride=fit_stride).fit(train)
        kept = len(detector.neighbor_rows_)
        scores = detector.score_samples(test)
        all_rows = np.arange(3, 200, fit_stride)
        padded = detector.neighbor_rows_[detector.n_complete_ :]
        detector.neighbor_rows_ = np.append(all_rows, padded)
        detector.n_complete_ = len(all_rows)
        assert kept < len(detector.neighbor_rows_)
        np.testing.assert_array_equal(detector.score_samples(test), scores)


def test_the_unit_of_a_channel_does_not_matter():
    moved = [X * [1e-3, 1.0, 50.0, 1e6] + 7.0 for X in (TRAIN, TEST)]
    scores = small().fit(TRAIN).score_samples(TEST)
    np.testing.assert_allclose(small().fit(moved[0]).score_samples(moved[1]), scores)
    scaled = small(scaler=MinMaxScaler()).fit(moved[0])
    np.testing.assert_allclose(scaled.score_samples(moved[1]), scores)


def test_normalized_subsequences_forget_level_and_scale():
    detector = small(length=6, normalize=True).fit(TRAIN)
    scores = detector.score_samples(TEST)
    np.testing.assert_allclose(detector.score_samples(3 * TEST + 5), scores, atol=1e-6)
    assert scores.min() >= -2


def test_only_the_chosen_channels_count():
    detector = small(channels=["channel_2", "channel_0"]).fit(TRAIN)
    assert detector.channels_ == ["channel_0", "channel_2"]
    changed = TEST.assign(channel_1=1e9)
    np.testing.assert_array_equal(
        detector.score_samples(changed), detector.score_samples(TEST)
    )
    alone = small().fit(TRAIN[["channel_0", "channel_2"]])
    np.testing.assert_allclose(
        alone.score_samples(TEST[["channel_0", "channel_2"]]),
        detector.score_samples(TEST),
    )


def test_the_neighbour_of_a_higher_rank_is_farther():
    scores = [small(n_neighbors=rank).fit(TRAIN).score_samples(TEST) for rank in (1, 3)]
    assert (scores[1] <= scores[0]).all()
    assert (scores[1] < scores[0]).any()


@pytest.mark.parametrize("value", [1e9, 1e200, -1.7e308])
def test_values_far_outside_have_a_finite_distance(value):
    detector = small().fit(TRAIN)
    far = TEST.copy()
    far.iloc[10] = value
    scores = detector.score_samples(far)
    assert np.isfinite(scores).all()
    assert (scores[10:14] < -1e6).all()
    np.testing.assert_allclose(scores[14:], detector.score_samples(TEST)[14:])


def test_clone_and_pickle_give_the_same():
    detector = small().fit(TRAIN)
    scores = detector.score_samples(TEST)
    for other in (clone(detector).fit(TRAIN), pickle.loads(pickle.dumps(detector))):
        np.testing.assert_array_equal(other.score_samples(TEST), scores)


# Bad input -----------------------------------------------------------------------


def test_missing_values_are_refused_with_the_remedy():
    broken = TEST.copy()
    broken.iloc[12, 1] = np.nan
    for call in (small().fit, small().fit(TRAIN).predict):
        with pytest.raises(ValueError, match=r"'channel_1', row 12 .* CausalImputer"):
            call(broken)


@pytest.mark.parametrize(
    ("changed", "y", "message"),
    [
        ({"channels": ["nothing"]}, None, "'nothing' is no column of X"),
        ({"channels": []}, None, "none is named"),
        ({"channels": "channel_0"}, None, "The 'channels' parameter"),
        ({"length": 30}, None, "2 training subsequences of length=30 rows that share"),
        ({"n_neighbors": 60}, None, "A threshold needs 61 training subsequences"),
        ({}, [1] * 65, "y labels all n_samples=65 rows as anomalous"),
        ({}, [0] * 64, "y has 64 labels for 65 rows"),
        ({"quantile": 1.5}, None, "The 'quantile' parameter"),
    ],
)
def test_bad_settings_are_refused(changed, y, message):
    with pytest.raises(ValueError, match=message):
        small(**changed).fit(TRAIN, y)


def test_rows_on_another_clock_or_without_a_track_are_refused():
    detector = small().fit(TRAIN)
    with pytest.raises(ValueError, match="set_output"):
        detector.predict(TEST.to_numpy())
    counted = TEST.set_axis(
        pd.MultiIndex.from_product([["a"], range(len(TEST))]), axis=0
    )
    with pytest.raises(ValueError, match="timed by dates, but now got rows timed by"):
        detector.predict(counted)
