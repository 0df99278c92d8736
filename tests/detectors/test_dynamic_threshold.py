"""Errors judged batch by batch: loops, causality, tracks, streams and odd input."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_threshold import naive_judge
from sklearn.base import BaseEstimator, clone

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.detectors import DynamicThresholdDetector
from skdsn.streaming import StreamingDetector

SMALL = {
    "window_size": 60,
    "batch_size": 10,
    "z_min": 1.55,
    "z_max": 6.05,
    "error_buffer": 4,
    "warm_up": 20,
}


def detector_of(**options):
    return DynamicThresholdDetector(**{**SMALL, **options})


def errors_of(n_rows, events=(), *, seed=0, missing=()):
    errors = np.random.default_rng(seed).uniform(1.0, 1.3, n_rows)
    for begin, end, height in events:
        errors[begin:end] += height
    for begin, end in missing:
        errors[begin:end] = np.nan
    return errors[:, None]


def random_errors(seed, n_rows):
    rng = np.random.default_rng(seed)
    events = [
        (begin, begin + rng.integers(1, 12), rng.uniform(0.5, 4))
        for begin in rng.integers(0, n_rows, n_rows // 40)
    ]
    return errors_of(n_rows, events, seed=seed)


def frame_of(errors, lengths, gap_at=None):
    """Rows a second apart, one track after the other; a gap of an hour in the last."""
    seconds = np.concatenate([np.arange(length) for length in lengths])
    if gap_at is not None:
        seconds[gap_at:] += 3600
    tracks = np.repeat([f"pass-{i}" for i in range(len(lengths))], lengths)
    times = pd.Timestamp("2026-03-02") + pd.to_timedelta(seconds, unit="s")
    index = pd.MultiIndex.from_arrays([tracks, times], names=["track", "time"])
    return pd.DataFrame({"error": errors[:, 0]}, index)


def flags_of(detector, X):
    return detector.predict(X) == -1


# Batches --------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(1, 200),
    n_history=st.integers(0, 90),
    both_sides=st.booleans(),
    exclude_flagged=st.booleans(),
)
def test_flags_are_those_of_loops_over_batches(
    seed, n_rows, n_history, both_sides, exclude_flagged
):
    history = random_errors(seed + 1, max(n_history, 1))
    X = random_errors(seed, n_rows)
    options = {"both_sides": both_sides, "exclude_flagged": exclude_flagged}
    kind = "training" if n_history else "none"
    detector = detector_of(history=kind, **options).fit(history)
    past = history[-60:, 0].tolist() if n_history else []
    errors, flags = past + X[:, 0].tolist(), [False] * len(past)
    for begin in range(0, n_rows, 10):
        end = len(past) + min(begin + 10, n_rows)
        first = max(end - 60, 0)
        new, _ = naive_judge(
            errors[first:end],
            end - len(past) - begin,
            flags[first:],
            z_grid=1.55 + 0.5 * np.arange(10),
            buffer=4,
            n_history=max(len(past) - first, 0),
            n_spared=min(max(20 - begin, 0), end - len(past) - begin),
            **options,
        )
        flags += new
    assert flags_of(detector, X).tolist() == flags[len(past) :]


def test_the_sign_of_the_decision_is_the_prediction():
    X = random_errors(3, 400)
    detector = detector_of().fit(X)
    decision = detector.decision_function(X)
    assert 0 < flags_of(detector, X).sum() < 200
    assert ((decision < 0) == flags_of(detector, X)).all()
    assert (decision == detector.score_samples(X) - detector.offset_).all()
    assert (anomaly_scores(detector, X) == -detector.score_samples(X)).all()
    assert (anomaly_flags(detector, X) == flags_of(detector, X)).all()


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 199))
def test_no_row_depends_on_one_after_its_batch(seed, cut):
    X = random_errors(seed, 200)
    detector = detector_of(warm_up=0).fit(X)
    end = -(-cut // 10) * 10
    changed = X.copy()
    changed[end:] = np.random.default_rng(seed).exponential(9, size=(200 - end, 1))
    before, after = detector.score_samples(X), detector.score_samples(changed)
    np.testing.assert_array_equal(before[:end], after[:end])


def test_no_row_is_left_unevaluated_at_the_end():
    # The last batch has three rows, and the event is in them.
    X = errors_of(203, [(200, 203, 5.0)])
    detector = detector_of(window_size=100).fit(X)
    assert flags_of(detector, X)[200:].all()


def test_scale_and_unit_do_not_matter():
    X = random_errors(5, 400)
    flags = flags_of(detector_of().fit(X), X)
    assert flags.any()
    for factor in (1e-9, 1e9):
        assert (flags_of(detector_of().fit(factor * X), factor * X) == flags).all()


# History, guards and severities ----------------------------------------------------


def test_a_history_precedes_every_track():
    train = errors_of(100, [(95, 100, 0.0)])
    X = errors_of(30, [(3, 6, 5.0)], seed=1)
    fresh = detector_of(warm_up=None).fit(train)
    assert not flags_of(fresh, X).any()  # within a quarter of the window
    warm = detector_of(warm_up=None, history="training").fit(train)
    assert warm.history_.tolist() == train[-60:, 0].tolist()
    assert flags_of(warm, X)[3:6].all()
    both = frame_of(np.concatenate([X, X]), [30, 30])
    warm = detector_of(warm_up=None, history="training")
    warm.fit(frame_of(train, [100]))
    flags = flags_of(warm, both)
    assert flags[3:6].all()
    assert (flags[:30] == flags[30:]).all()


def test_only_held_back_normal_rows_make_the_history():
    X = frame_of(np.arange(1.0, 31)[:, None], [10, 20])
    y = np.zeros(30, dtype=int)
    y[-1] = 1
    for held_back, kept in [
        (2, [9, 10, 29]),
        (0.1, [10, 29]),
        (0.15, [9, 10, 28, 29]),
        (50, list(range(1, 30))),
    ]:
        detector = detector_of(history="training", held_back=held_back).fit(X, y)
        assert detector.history_.tolist() == kept
    X.iloc[28] = np.nan
    detector = detector_of(history="training", held_back=2).fit(X, y)
    assert detector.history_.tolist() == [9, 10]


def test_an_exceedance_of_the_history_flags_nothing_beside_it():
    train, X = errors_of(60, [(59, 60, 9.0)]), errors_of(30, seed=1)
    detector = detector_of(warm_up=0, p=0.0, history="training").fit(train)
    assert not flags_of(detector, X)[:5].any()


def test_guards_are_relative_to_what_was_learnt():
    X = pd.DataFrame(
        {"error": errors_of(200, [(150, 155, 2.0)])[:, 0], "value": np.arange(200.0)}
    )
    assert flags_of(detector_of().fit(X), X).any()
    guarded = detector_of(value="value", value_guard=0.05).fit(X)
    assert guarded.floor_ == pytest.approx(0.05 * 0.9 * 199)
    assert not flags_of(guarded, X).any()
    loose = guarded.set_params(value_guard=0.001).fit(X)
    assert flags_of(loose, X).any()
    above = detector_of(error_guard=1.0).fit(X)
    assert above.floor_ == X["error"].max()
    assert not flags_of(above, X).any()
    assert flags_of(above, 2 * X).any()


def test_an_unknown_value_guards_nothing():
    X = pd.DataFrame(
        {"error": errors_of(200, [(150, 155, 2.0)])[:, 0], "value": np.nan}
    )
    detector = detector_of(value="value").fit(X)
    assert detector.floor_ == 0
    assert flags_of(detector, X).any()


def test_events_tell_peak_severity_and_threshold():
    errors = errors_of(230, [(84, 86, 3.0), (193, 195, 4.0)])
    X = frame_of(errors, [100, 130])
    detector = detector_of().fit(X)
    events = detector.events(X)
    columns = ["track", "start", "end", "peak", "severity", "threshold"]
    assert list(events.columns) == columns
    assert events["track"].tolist() == ["pass-0", "pass-1"]
    flags = flags_of(detector, X)
    assert len(events) == 2
    score, threshold = -detector.score_samples(X), detector.thresholds(X)
    for event, (a, b) in zip(events.itertuples(), [(80, 90), (190, 199)], strict=True):
        assert flags[a:b].all() and not flags[a - 1] and not flags[b]
        assert (event.start, event.end) == tuple(
            X.index[[a, b - 1]].get_level_values(1)
        )
        assert event.peak == errors[a:b].max()
        assert event.severity == score[a:b].max()
        row = a + score[a:b].argmax()
        assert event.threshold == threshold[row] < event.peak
    mild = clone(detector).set_params(min_severity=2 * events["severity"].max())
    assert mild.fit(X).events(X).empty


def test_events_of_an_array_count_rows():
    X = errors_of(100, [(84, 86, 3.0)])
    event = detector_of().fit(X).events(X).iloc[0]
    assert (event["track"], event["start"], event["end"]) == (0, 80, 89)


def test_errors_that_collapse_are_flagged_below_their_own_threshold():
    X = errors_of(200)
    X[150:154] = 0.01
    detector = detector_of().fit(X)
    flags = flags_of(detector, X)
    assert flags[150:154].all()
    assert (detector.thresholds(X)[150:154] < 1).all()
    assert detector.events(X)["peak"].tolist() == [0.01]
    assert not flags_of(detector_of(both_sides=False).fit(X), X).any()


# Tracks, gaps, missing errors, short and strange tracks ----------------------------


def test_tracks_and_gaps_are_borders():
    errors = random_errors(8, 360)
    X = frame_of(errors, [130, 230], gap_at=250)
    detector = detector_of(max_gap=60).fit(X)
    scores = detector.score_samples(X)
    assert (scores < 0).any()
    for begin, end in pairwise([0, 130, 250, 360]):
        alone = detector.score_samples(X.iloc[begin:end])
        np.testing.assert_array_equal(scores[begin:end], alone)


def test_missing_errors_are_passed_over():
    X = errors_of(300, [(204, 207, 4.0)], missing=[(0, 40), (120, 150), (205, 206)])
    detector = detector_of().fit(X)
    scores = detector.score_samples(X)
    assert np.isfinite(scores).all()
    assert np.isfinite(detector.thresholds(X)[40:]).all()
    flags = flags_of(detector, X)
    assert np.flatnonzero(flags).tolist() == list(range(200, 210))
    others = np.delete(X, np.s_[120:150], axis=0)
    assert flags_of(detector, others).sum() == 10


def test_a_track_without_errors_is_normal():
    detector = detector_of().fit(errors_of(50))
    X = np.full((35, 1), np.nan)
    assert not flags_of(detector, X).any()
    assert (detector.score_samples(X) == 12).all()
    assert detector.events(X).empty
    assert np.isnan(detector.thresholds(X)).all()


def test_constant_errors_are_normal_until_they_change():
    X = np.full((400, 1), 0.25)
    detector = detector_of().fit(X)
    assert (detector.score_samples(X) == 12).all()
    X[333:336] = 0.5
    assert flags_of(detector, X)[333:336].all()


def test_a_track_of_300_rows_is_judged_after_the_warm_up():
    X = errors_of(300, [(250, 270, 3.0)])
    default = DynamicThresholdDetector(error_buffer=10).fit(X)
    assert not flags_of(default, X).any()  # 525 rows
    short = DynamicThresholdDetector(error_buffer=10, warm_up=100).fit(X)
    assert np.flatnonzero(flags_of(short, X)).tolist() == list(range(240, 280))


def test_a_long_event_is_flagged_until_it_is_the_rule():
    X = errors_of(400, [(200, 400, 3.0)])
    masked = flags_of(detector_of().fit(X), X)
    assert np.flatnonzero(masked).tolist() == list(range(200, 210))
    unmasked = flags_of(detector_of(exclude_flagged=True).fit(X), X)
    assert np.flatnonzero(unmasked).tolist() == list(range(200, 230))


def test_a_stream_that_starts_inside_an_event_finds_the_next():
    X = errors_of(200, [(0, 8, 3.0), (150, 155, 3.0)])
    flags = flags_of(detector_of().fit(X), X)
    assert not flags[:20].any()
    assert flags[150:155].all()
    warm = detector_of(history="training", warm_up=0).fit(errors_of(60, seed=1))
    assert flags_of(warm, X)[:8].all()


# Streams ---------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(1, 260),
    cuts=st.lists(st.integers(1, 25), max_size=6, unique=True),
    history=st.sampled_from(["none", "training"]),
    exclude_flagged=st.booleans(),
)
def test_chunks_cut_between_batches_equal_one_batch_call(
    seed, n_rows, cuts, history, exclude_flagged
):
    X = random_errors(seed, n_rows)
    X[n_rows // 2 : n_rows // 2 + 5] = np.nan
    detector = detector_of(history=history, exclude_flagged=exclude_flagged)
    detector.fit(random_errors(seed + 1, 90))
    assert detector.latency_ == 10
    stream, parts = StreamingDetector(detector), []
    for chunk in np.split(X, [10 * cut for cut in sorted(cuts) if 10 * cut < n_rows]):
        parts.append(stream.update(chunk))
        stream = pickle.loads(pickle.dumps(stream))
    streamed = pd.concat(parts)
    np.testing.assert_array_equal(streamed["score"], -detector.score_samples(X))
    assert (streamed["anomaly"] == flags_of(detector, X)).all()


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    cuts=st.lists(st.integers(1, 199), max_size=8, unique=True),
)
def test_only_batches_that_are_cut_are_judged_without_their_rest(seed, cuts):
    X = random_errors(seed, 200)
    detector = detector_of(warm_up=0).fit(X)
    stream = StreamingDetector(detector)
    streamed = [stream.update(chunk) for chunk in np.split(X, sorted(cuts))]
    streamed = pd.concat(streamed)["score"].to_numpy()
    batch = -detector.score_samples(X)
    whole = np.ones(200, dtype=bool)
    for cut in cuts:  # rows of the batch before the cut came without the rest
        whole[cut // 10 * 10 : cut] = False
    np.testing.assert_array_equal(streamed[whole], batch[whole])
    for begin, end in pairwise([0, *sorted(cuts), 200]):
        upto = -detector.score_samples(X[:end])  # as if the track ended there
        np.testing.assert_array_equal(streamed[begin:end], upto[begin:end])


def test_tracks_interleave_in_a_stream():
    errors = random_errors(11, 300)
    X = frame_of(errors, [140, 160], gap_at=220)
    detector = detector_of(max_gap=60).fit(X)
    stream, parts = StreamingDetector(detector), []
    for begin in range(0, 160, 20):
        chunk = [
            X.loc[[name]].iloc[begin : begin + 20] for name in ("pass-0", "pass-1")
        ]
        parts.append(stream.update(pd.concat(chunk)))
    streamed = pd.concat(parts).loc[X.index]
    np.testing.assert_array_equal(streamed["score"], -detector.score_samples(X))
    with pytest.raises(ValueError, match="goes back in time"):
        stream.update(X.iloc[:10])


def test_the_state_is_a_window():
    X = errors_of(30_000)
    detector = DynamicThresholdDetector().fit(X)
    *_, state = detector.stream_scores(X)
    assert len(pickle.dumps(state)) < 9 * 2100 + 1000


def test_the_memory_of_a_detector_is_not_hidden_elsewhere():
    class Holder(BaseEstimator):
        def __init__(self, held):
            self.held = held

        def fit(self, X, y=None):
            self.held_ = self.held.fit(X)
            return self

    holder = Holder(detector_of()).fit(errors_of(50))
    with pytest.raises(TypeError, match="has memory, which a Holder cannot carry"):
        StreamingDetector(holder)


# The estimator ---------------------------------------------------------------------


def test_clone_and_pickle_judge_the_same():
    X = random_errors(1, 300)
    detector = detector_of(history="training").fit(X)
    scores = detector.score_samples(X)
    again = clone(detector).fit(X)
    moved = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(again.score_samples(X), scores)
    np.testing.assert_array_equal(moved.score_samples(X), scores)


def test_the_column_of_errors_is_found_by_name():
    X = pd.DataFrame({"value": 1.0, "error": errors_of(200, [(150, 154, 3.0)])[:, 0]})
    expected = flags_of(detector_of().fit(X[["error"]]), X[["error"]])
    assert expected.any()
    assert (flags_of(detector_of().fit(X), X) == expected).all()
    renamed = X.rename(columns={"error": "error_snr"})
    named = detector_of(error="error_snr").fit(renamed)
    assert (flags_of(named, renamed) == expected).all()
    first = renamed[["error_snr", "value"]]
    assert (flags_of(detector_of().fit(first), first) == expected).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"error": "loss"}, "error='loss' is not a column of X; it has"),
        ({"value": "loss"}, "value='loss' is not a column of X"),
        ({"z_min": 7.0}, "z_min=7.0 exceeds z_max=6.05"),
        ({"batch_size": 61}, "batch of 61 rows does not fit into a window of 60"),
        ({"max_gap": "soon"}, "max_gap"),
        ({"z_max": 1e300}, "a grid of .* steps, more than 1000; raise z_step"),
    ],
)
def test_options_that_cannot_hold_are_refused(options, message):
    X = pd.DataFrame({"error": errors_of(20)[:, 0]})
    with pytest.raises(ValueError, match=message):
        detector_of(**options).fit(X).predict(X)


def test_the_largest_errors_that_there_are_are_flagged():
    errors = np.random.default_rng(0).uniform(1, 2, (400, 1))
    errors[300] = 1e250
    detector = DynamicThresholdDetector(window_size=40, batch_size=10, error_buffer=2)
    detector = detector.fit(errors[:200])
    assert np.isfinite(detector.score_samples(errors)).all()
    assert detector.predict(errors)[300] == -1


def test_the_start_of_a_stream_has_a_limit():
    errors = np.random.default_rng(0).uniform(1, 2, (400, 1))
    new = errors[200:].copy()
    new[:60] += 20
    detector = DynamicThresholdDetector(window_size=400, warm_up_limit=5.0)
    detector = detector.fit(errors[:200])
    largest = errors[:200].max()
    found = np.flatnonzero(detector.predict(new) == -1)
    assert found.tolist() == list(range(60))
    assert detector.events(new)["threshold"].to_list() == [5 * largest]
    state, parts = None, []
    for begin in range(0, 200, 20):
        _, flags, state = detector.stream_scores(new[begin : begin + 20], state)
        parts.append(flags)
    assert np.flatnonzero(np.concatenate(parts)).tolist() == list(range(60))
    assert not (detector.set_params(warm_up_limit=None).predict(new) == -1).any()


def test_training_rows_without_a_normal_error_are_refused():
    X = errors_of(20)
    with pytest.raises(ValueError, match=r"n_samples=20\) is normal"):
        detector_of().fit(X, np.ones(20, dtype=int))
    with pytest.raises(ValueError, match="nothing to start from"):
        detector_of().fit(np.full((20, 1), np.nan))
