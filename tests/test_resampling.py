import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline

from skdsn.base import anomaly_scores
from skdsn.preprocessing import CausalImputer
from skdsn.resampling import (
    CategoryCodes,
    ResampleHold,
    command_pulses,
    difference_counter,
)
from skdsn.streaming import StreamingDetector

START = pd.Timestamp("2000-01-01")


def at(*seconds):
    return START + pd.to_timedelta(np.array(seconds, float), unit="s")


def series(pairs, name=None):
    seconds, values = zip(*pairs, strict=True)
    return pd.Series(values, at(*seconds), name=name)


def hold_by_hand(ticks, values, labels, grid, step, rescue, max_hold):
    """The definition, sample by sample and row by row."""
    out, codes = [], []
    for t in grid:
        known = [i for i, s in enumerate(ticks) if s <= t]
        if not known:
            out.append(np.nan)
            codes.append(-1)
            continue
        shown = known[-1]
        own = [i for i in known if ticks[i] > t - step and labels[i] in rescue]
        if own and labels[shown] == 0:
            shown = own[-1]
        old = max_hold is not None and t - ticks[shown] > max_hold
        out.append(np.nan if old else values[shown])
        codes.append(-1 if old else labels[shown])
    return np.array(out, np.float32), np.array(codes)


@st.composite
def channels(draw):
    made = {}
    for name in ("a", "b"):
        ticks = draw(st.lists(st.integers(-40, 90), min_size=1, max_size=30))
        ticks = sorted(set(ticks))
        labels = draw(
            st.lists(st.integers(0, 3), min_size=len(ticks), max_size=len(ticks))
        )
        values = pd.Series(np.arange(len(ticks), dtype=np.float32), ticks)
        made[name] = values, np.array(labels)
    return made


many = settings(deadline=None, max_examples=60)
rescues = st.sampled_from([True, False, (1, 2)])
limits = st.sampled_from([None, 4, 25])


@given(channels(), st.integers(1, 13), rescues, limits)
@many
def test_a_row_shows_the_last_sample_at_or_before_it(samples, step, rescue, max_hold):
    hold = ResampleHold(step, rescue=rescue, max_hold=max_hold)
    X, labels = hold.resample(samples, return_labels=True)
    first = min(s.index[0] for s, _ in samples.values()) // step * step
    assert X.index[0] == first
    assert X.index[-1] >= max(s.index[-1] for s, _ in samples.values())
    codes = {True: {1, 2, 3}, False: set()}.get(rescue, rescue)
    for name, (values, marks) in samples.items():
        expected = hold_by_hand(
            values.index, values.to_numpy(), marks, X.index, step, codes, max_hold
        )
        np.testing.assert_array_equal(X[name], expected[0])
        np.testing.assert_array_equal(labels[name], expected[1])


@given(
    channels(),
    st.integers(1, 13),
    rescues,
    limits,
    st.lists(st.integers(-40, 100), max_size=6),
    st.integers(0, 20),
)
@many
def test_any_chunks_give_the_rows_of_one_call(
    samples, step, rescue, max_hold, cuts, ahead
):
    hold = ResampleHold(step, channels=["a", "b"], rescue=rescue, max_hold=max_hold)
    whole = hold.resample(samples, return_labels=True)
    state, rows, marks, before = None, [], [], -100
    for cut in [*sorted(cuts), 200]:
        # Samples may arrive before it is known that all up to them did.
        chunk = {}
        for name, (values, labels) in samples.items():
            new = (values.index > before) & (values.index <= cut + ahead)
            chunk[name] = values[new], labels[new]
        before = cut + ahead
        until = min(cut, int(whole[0].index[-1]))
        X, labels, state = hold.stream(chunk, state, until=until, return_labels=True)
        state = pickle.loads(pickle.dumps(state))
        rows.append(X)
        marks.append(labels)
    rows = [part for part in rows if len(part)]
    marks = [part for part in marks if len(part)]
    pd.testing.assert_frame_equal(pd.concat(rows), whole[0])
    pd.testing.assert_frame_equal(pd.concat(marks), whole[1])


@given(channels(), st.integers(1, 13), st.integers(-40, 90))
@many
def test_later_samples_change_no_earlier_row(samples, step, now):
    hold = ResampleHold(step, channels=["a", "b"])
    cut = {
        name: (s[s.index <= now], m[s.index <= now]) for name, (s, m) in samples.items()
    }
    full = hold.resample(samples, start=-40, end=now)
    if any(len(s) for s, _ in cut.values()):
        pd.testing.assert_frame_equal(full, hold.resample(cut, start=-40, end=now))
    else:
        assert full.isna().all(axis=None)


def test_a_label_between_two_rows_is_rescued_with_its_value():
    samples = {"a": (series([(0, 1.0), (31, 9.0), (45, 2.0)]), [0, 1, 0])}
    X, labels = ResampleHold("30s").resample(samples, return_labels=True)
    assert X["a"].tolist() == [1.0, 1.0, 9.0]
    assert labels["a"].tolist() == [0, 0, 1]
    X, labels = ResampleHold("30s", rescue=[2]).resample(samples, return_labels=True)
    assert X["a"].tolist() == [1.0, 1.0, 2.0]
    assert labels["a"].tolist() == [0, 0, 0]


def test_a_label_on_a_row_is_not_shown_twice():
    samples = {"a": (series([(30, 9.0), (45, 2.0)]), [1, 0])}
    X = ResampleHold("30s").resample(samples)
    assert X["a"].tolist() == [9.0, 2.0]


def test_rows_are_at_multiples_of_the_step_since_1970():
    for step in ("30s", "18s", "7s"):
        X = ResampleHold(step).resample({"a": series([(1.2, 0.0), (100, 1.0)])})
        seconds = (X.index - pd.Timestamp(0)).total_seconds()
        assert (seconds % int(step[:-1]) == 0).all()
        assert X.index[0] <= START + pd.Timedelta("1.2s")
        assert X.index[-1] >= START + pd.Timedelta("100s")


def test_the_first_row_after_start_shows_what_came_before():
    samples = {"a": series([(5, 1.0), (65, 2.0)])}
    X = ResampleHold("30s").resample(
        samples, start=START + pd.Timedelta("31s"), end="2000-01-01T00:01:30"
    )
    assert X.index[0] == START + pd.Timedelta("60s")
    assert X["a"].tolist() == [1.0, 2.0]


def test_a_channel_without_samples_is_missing():
    X = ResampleHold("30s", channels=["b", "a"]).resample({"a": series([(0, 1.0)])})
    assert X.columns.tolist() == ["b", "a"]
    assert X["b"].isna().all()


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_the_unit_of_times_does_not_matter(unit):
    samples = series([(0.001, 1.0), (40, 2.0)])
    samples.index = samples.index.as_unit(unit)
    X = ResampleHold("30s").resample({"a": samples})
    assert X.index.unit == "us"
    np.testing.assert_array_equal(X["a"], np.float32([np.nan, 1, 2]))


def test_zones_and_timedeltas_keep_their_kind():
    aware = series([(0, 1.0), (40, 2.0)])
    aware.index = aware.index.tz_localize("Europe/Madrid")
    X = ResampleHold("30s").resample({"a": aware})
    assert X.index[0] == START.tz_localize("Europe/Madrid")
    deltas = pd.Series([1.0, 2.0], pd.to_timedelta([0, 40], unit="s"))
    X = ResampleHold("250us").resample({"a": deltas}, end="1ms")
    assert X.index[-1] == pd.Timedelta("1ms")


def test_channels_are_read_one_after_another_when_the_range_is_told():
    alive = []

    def pairs():
        for name in "abc":
            assert len(alive) <= 1
            alive.append(name)
            yield name, series([(0, 1.0)])
            alive.clear()

    hold = ResampleHold("30s", channels=list("abc"))
    X = hold.resample(pairs(), start=START, end=START + pd.Timedelta("60s"))
    assert X.shape == (3, 3)
    assert X.dtypes.eq(np.float32).all()
    collected = ResampleHold("30s").resample((n, series([(0, 1.0)])) for n in "abc")
    assert collected.columns.tolist() == list("abc")


def test_input_and_state_are_left_alone():
    samples = {"a": (series([(0, 1.0), (31, 2.0), (40, 3.0)]), np.array([0, 1, 0]))}
    kept = samples["a"][0].copy()
    hold = ResampleHold("30s")
    _, state = hold.stream(samples, until=START + pd.Timedelta("35s"))
    before = pickle.dumps(state)
    again = hold.stream({}, state, until=START + pd.Timedelta("70s"))[0]
    assert pickle.dumps(state) == before
    pd.testing.assert_series_equal(samples["a"][0], kept)
    assert again["a"].tolist() == [2.0]


@pytest.mark.parametrize(
    ("samples", "error", "words"),
    [
        ({}, ValueError, "nothing to resample"),
        ({"a": [1, 2]}, TypeError, "'a' must be a Series"),
        ({"a": pd.Series([1.0], ["x"])}, TypeError, "channel 'a' must hold datetimes"),
        ({"a": series([(0, "ON")])}, TypeError, "CategoryCodes"),
        (
            {"a": series([(9, 1), (0, 2)])},
            ValueError,
            r"channel 'a' must increase.*row 1",
        ),
        ({"a": (series([(9, 1)]), [0, 1])}, ValueError, "1 integers, one for each"),
        ({"a": (series([(9, 1)]), [500])}, ValueError, "between -128 and 127"),
        (
            {"a": series([(0, 1)]), "b": pd.Series([1], [0])},
            TypeError,
            "channel 'b' are integers.*datetimes",
        ),
        ([("a", series([(0, 1)]))] * 2, ValueError, "'a' comes twice"),
    ],
)
def test_bad_samples_are_told_in_one_sentence(samples, error, words):
    with pytest.raises(error, match=words):
        ResampleHold("30s").resample(samples)


def test_bad_settings_are_told_in_one_sentence():
    for step in (None, 0, "soon", -3):
        with pytest.raises(ValueError, match="step must"):
            ResampleHold(step)
    with pytest.raises(ValueError, match="max_hold must"):
        ResampleHold(30, max_hold="soon")
    with pytest.raises(TypeError, match="rescue must"):
        ResampleHold(30, rescue="all")
    with pytest.raises(ValueError, match=r"'b' is not among .* 'a'"):
        ResampleHold(30, channels=["a"]).resample({"b": series([(0, 1)])})
    with pytest.raises(ValueError, match="whole seconds"):
        ResampleHold("500ms").resample({"a": pd.Series([1.0], [3])})
    with pytest.raises(ValueError, match="until must be a time"):
        ResampleHold(30).stream({"a": series([(0, 1)])}, until="later")


def test_a_late_sample_is_refused_and_one_that_waits_is_not():
    hold = ResampleHold("30s", channels=["a", "b"])
    _, state = hold.stream({"a": series([(0, 1.0), (70, 2.0)])})
    with pytest.raises(ValueError, match=r"'b' has a sample at .*00:00:40.*until="):
        hold.stream({"b": series([(40, 1.0)])}, state)
    with pytest.raises(ValueError, match="'a' goes back in time"):
        hold.stream({"a": series([(65, 1.0)])}, state)
    X, _ = hold.stream({"b": series([(65, 5.0)])}, state, until="2000-01-01T00:01:30")
    assert X["b"].tolist() == [5.0]


def test_a_stream_without_samples_waits_for_the_first():
    hold = ResampleHold("30s", channels=["a"])
    X, state = hold.stream({})
    assert state is None
    assert X.shape == (0, 1)
    X, state = hold.stream({"a": series([(20, 1.0)])}, state)
    np.testing.assert_array_equal(X["a"], np.float32([np.nan]))


def test_irregular_telemetry_is_scored_live_as_afterwards():
    rng = np.random.default_rng(0)
    samples = {
        name: pd.Series(rng.normal(size=n), at(*np.sort(rng.uniform(0, 9000, n))))
        for name, n in (("a", 200), ("b", 90))
    }
    hold = ResampleHold("30s")
    X = hold.resample(samples)
    detector = make_pipeline(CausalImputer(), IsolationForest(random_state=0)).fit(X)
    expected = anomaly_scores(detector, X)
    live, state, scores = StreamingDetector(detector), None, []
    for begin in range(0, 9001, 700):
        now = START + pd.Timedelta(seconds=begin + 700)
        chunk = {
            name: s[(s.index > START + pd.Timedelta(seconds=begin)) & (s.index <= now)]
            for name, s in samples.items()
        }
        rows, state = hold.stream(chunk, state, until=min(now, X.index[-1]))
        scores.append(live.update(rows)["score"])
    np.testing.assert_array_equal(np.concatenate(scores), expected)


# -- Commands --


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=12), st.integers(1, 13))
@many
def test_a_pulse_is_where_a_command_was_executed_since_the_row_before(times, step):
    pulses = command_pulses(times, step, start=-60, end=60)
    for t, pulse in pulses.items():
        assert pulse == any(t - step < e <= t for e in times)
    own = command_pulses(times, step)
    assert own.iloc[0] == own.iloc[-1] == 1
    assert own.sum() == pulses.sum()


def test_a_pulse_that_the_zero_of_the_next_one_would_hide_stays():
    # 0 at 46 - 30 = 16 s comes before the row at 30 s, which would show the first.
    pulses = command_pulses(at(1, 46), "30s")
    assert pulses.tolist() == [1.0, 1.0]
    assert pulses.index[0] == START + pd.Timedelta("30s")


def test_command_times_may_be_text_or_none():
    pulses = command_pulses(["2000-01-01T00:00:31Z"], "30s", start=START, end=at(90)[0])
    assert pulses.tolist() == [0, 0, 1, 0]
    assert pulses.dtype == np.float32
    never = command_pulses(pd.DatetimeIndex([]), 30, start=START, end=at(60)[0])
    assert never.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="never executed"):
        command_pulses([], 30)
    with pytest.raises(ValueError, match=r"row 0 has 'soon'"):
        command_pulses(["soon"], 30)


# -- Counters --


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=30),
    st.integers(0, 30),
    st.sampled_from(["restart", "zero", "missing", "keep"]),
    st.sampled_from([None, 256]),
)
@many
def test_chunks_of_a_counter_give_the_differences_of_the_whole(
    values, cut, reset, modulus
):
    options = {"reset": reset, "modulus": modulus}
    whole = difference_counter(values, **options)
    cut = min(cut, len(values))
    previous = values[cut - 1] if cut else None
    parts = [
        difference_counter(values[:cut], **options),
        difference_counter(values[cut:], previous=previous, **options),
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    if reset != "keep":
        assert not (whole < 0).any()


def test_a_counter_counts_through_a_wrap_and_starts_again_after_a_reset():
    values = pd.Series(np.float32([0.5, 0.75, 0.25, 0.5]), at(0, 1, 2, 3), name="c")
    steps = difference_counter(values, modulus=1)
    assert steps.tolist() == [0, 0.25, 0.5, 0.25]
    assert steps.dtype == np.float32
    assert steps.index.equals(values.index)
    assert difference_counter(values).tolist() == [0, 0.25, 0.25, 0.25]
    assert difference_counter(values, reset="keep").tolist() == [0, 0.25, -0.5, 0.25]
    assert np.isnan(difference_counter(values, reset="missing").iloc[2])
    with pytest.raises(ValueError, match="reset must be one of"):
        difference_counter(values, reset="forward")
    with pytest.raises(ValueError, match="modulus must be positive"):
        difference_counter(values, modulus=0)


# -- Text --


def test_codes_are_those_of_training_and_others_have_their_own():
    train = pd.Series(["B", None, "A", "B"])
    codes = CategoryCodes(unknown=9).fit(train)
    assert codes.categories_ == ["B", "A"]
    test = pd.Series(["A", "C", np.nan, "B"], at(0, 1, 2, 3), name="mode")
    out = codes.transform(test)
    np.testing.assert_array_equal(out, np.float32([1, 9, np.nan, 0]))
    assert out.dtype == np.float32
    assert out.index.equals(test.index)
    numbers = CategoryCodes().fit(pd.Categorical([3, 1]))
    assert numbers.transform([1, 3, 2]).tolist() == [1, 0, -1]
