import numpy as np
import pandas as pd
import pytest

from skdsn.resampling import ResampleHold, command_pulses

START = pd.Timestamp("2000-01-01")


def at(*seconds):
    return START + pd.to_timedelta(np.array(seconds, float), unit="s")


def series(pairs):
    seconds, values = zip(*pairs, strict=True)
    return pd.Series(values, at(*seconds))


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_integers_that_are_no_seconds_are_refused(dtype):
    times = pd.Index([1_700_000_000_000, 1_700_000_010_000], dtype=dtype)
    with pytest.raises(
        ValueError, match=r"integers count seconds: use pandas\.to_date"
    ):
        ResampleHold(10).resample({"a": pd.Series([1, 2], times)})
    with pytest.raises(ValueError, match="integers count seconds"):
        command_pulses(times, 10)


def test_dates_that_nanoseconds_do_not_hold_are_refused():
    late = pd.Series([1.0], pd.DatetimeIndex(["9999-12-31"]))
    with pytest.raises(ValueError, match="'a' must lie within 292 years of 1970"):
        ResampleHold(10).resample({"a": late})


@pytest.mark.parametrize("start", [5, 5.0, np.nan, pd.NaT, True, "9999-12-31"])
def test_what_is_no_date_is_no_start_of_dated_samples(start):
    with pytest.raises(ValueError, match="start must be a time"):
        ResampleHold(10).resample({"a": series([(0, 1.0)])}, start=start)
    lengths = pd.Series([1.0], pd.to_timedelta(["5s"]))
    with pytest.raises(ValueError, match="start must be a time"):
        ResampleHold(10).resample({"a": lengths}, start=start)


@pytest.mark.parametrize("step", [np.inf, 1e12, "1ns", "1500ns", np.nan, 1e-9])
def test_steps_that_no_grid_has_are_refused(step):
    for make in (
        lambda: ResampleHold(step),
        lambda: ResampleHold(10, max_hold=step),
        lambda: command_pulses([5], step),
    ):
        with pytest.raises(ValueError, match=r"(step|max_hold) must be"):
            make()


def test_a_state_of_something_else_is_refused():
    hold, samples = ResampleHold(10), {"a": series([(0, 1.0), (12, 2.0)])}
    _, state = hold.stream(samples)
    with pytest.raises(ValueError, match="state is of step 10 s, but this one has 7 s"):
        ResampleHold(7).stream({}, state)
    for foreign in ({}, {"a": 1}, 5):
        with pytest.raises(ValueError, match="what the call for the previous chunk"):
            hold.stream({}, foreign)


@pytest.mark.parametrize("channels", ["ab", 5])
def test_channels_are_a_list_of_names(channels):
    with pytest.raises(TypeError, match="channels must be a list of names"):
        ResampleHold(10, channels=channels)


def test_labels_of_other_times_are_refused():
    values = series([(0, 1.0), (12, 2.0)])
    labels = pd.Series([0, 1], at(1, 12))
    with pytest.raises(ValueError, match="'a' have another index than its samples"):
        ResampleHold(10).resample({"a": (values, labels)})
    fitting = labels.set_axis(values.index)
    _, held = ResampleHold(10).resample({"a": (values, fitting)}, return_labels=True)
    assert held["a"].tolist() == [0, 0, 1]


def test_a_frame_of_samples_is_refused_with_the_remedy():
    frame = series([(0, 1.0), (12, 2.0)]).to_frame("a")
    with pytest.raises(TypeError, match=r"give dict\(frame\.items\(\)\)"):
        ResampleHold(10).resample(frame)
    assert len(ResampleHold(10).resample(dict(frame.items()))) == 3


def test_a_time_far_from_the_others_is_told_before_rows_are_made():
    stray = pd.Series([1.0, 2.0], pd.to_datetime(["1970-01-01", "2020-01-01"]))
    samples = {"a": series([(0, 1.0)]), "b": stray}
    words = "from 1970-01-01.* \\('b'\\) to 2020-01-01.* \\('b'\\) would make"
    with pytest.raises(ValueError, match=words):
        ResampleHold(1).resample(samples)
    with pytest.raises(ValueError, match=words):
        ResampleHold(1).stream(samples)
    with pytest.raises(ValueError, match="would make"):
        command_pulses(stray.index, 1)
    inside = ResampleHold(1).resample(samples, start=START, end=at(5)[0])
    assert len(inside) == 6


@pytest.mark.parametrize("samples", ["ab", 5, [1, 2], ["ab"]])
def test_samples_are_channels_and_what_they_hold(samples):
    with pytest.raises(TypeError, match="samples must be a mapping of channel to Ser"):
        ResampleHold(10).resample(samples)
