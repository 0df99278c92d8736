"""A detector for each channel."""

import numpy as np
import pandas as pd
import pytest

from skdsn.base import anomaly_flags
from skdsn.detectors import (
    AlarmFilter,
    ChannelwiseDetector,
    SubsequenceNeighborsDetector,
)
from skdsn.metrics import find_events
from skdsn.streaming import StreamingDetector

CHANNELS = ["volt", "amp", "temp"]


def telemetry(n_tracks=2, n_rows=300, seed=0):
    index = pd.MultiIndex.from_product([["A", "B"][:n_tracks], range(n_rows)])
    values = np.random.default_rng(seed).normal(size=(len(index), 3))
    X = pd.DataFrame(values, index=index, columns=CHANNELS)
    X["command"] = (np.arange(len(X)) % 50 == 0).astype(float)
    return X


def make(**options):
    neighbours = SubsequenceNeighborsDetector(length=4)
    options = {"shared": ["command"]} | options
    return ChannelwiseDetector(**({"detector": neighbours} | options))


def test_every_channel_has_its_own_clone_and_the_shared_columns():
    fleet = make().fit(telemetry())
    assert list(fleet.detectors_) == CHANNELS
    assert fleet.columns_["amp"] == ["amp", "command"]
    assert fleet.detectors_["amp"].feature_names_in_.tolist() == ["amp", "command"]


def test_events_name_the_channels_that_are_responsible():
    fleet = make().fit(telemetry())
    new = telemetry(seed=1)
    new.iloc[100:110, [0, 2]] += 20.0
    new.iloc[400:405, 1] += 40.0
    events = fleet.events(new)
    assert events["track"].tolist() == ["A", "B"]
    assert [set(names) for names in events["channels"]] == [{"volt", "temp"}, {"amp"}]
    assert events["n_channels"].tolist() == [2, 1]
    flags = pd.Series(anomaly_flags(fleet, new), index=new.index)
    assert events["start"].tolist() == find_events(flags)["start_time"].tolist()
    assert events["end"].tolist() == find_events(flags)["end_time"].tolist()


def test_several_channels_may_have_to_agree():
    new = telemetry(seed=1)
    new.iloc[100:110, [0, 2]] += 20.0
    new.iloc[400:405, 1] += 40.0
    events = make(min_channels=2).fit(telemetry()).events(new)
    assert [set(names) for names in events["channels"]] == [{"volt", "temp"}]


def test_a_row_is_flagged_where_a_clone_flags_it():
    X, new = telemetry(), telemetry(seed=1)
    new.iloc[100:110, 0] += 20.0
    fleet = make().fit(X)
    votes = [
        anomaly_flags(part, new[[name, "command"]])
        for name, part in fleet.detectors_.items()
    ]
    severity = fleet.severity(new)
    np.testing.assert_array_equal(severity.T > 0, np.array(votes) == 1)
    np.testing.assert_array_equal(anomaly_flags(fleet, new), np.max(votes, axis=0))
    both = make(min_channels=2).fit(X)
    np.testing.assert_array_equal(anomaly_flags(both, new), np.sum(votes, axis=0) > 1)


def test_severity_is_minus_one_on_a_usual_row_whatever_the_unit():
    X = telemetry()
    severity = make().fit(X).severity(X)
    np.testing.assert_allclose(severity.median(), -1.0)
    other = X.assign(volt=X["volt"] * 1e3, amp=X["amp"] * 1e-3)
    np.testing.assert_allclose(make().fit(other).severity(other), severity, atol=1e-6)


def test_other_channels_change_nothing():
    X, new = telemetry(), telemetry(seed=1)
    alone, fleet = make(channels=["volt"]).fit(X), make().fit(X)
    np.testing.assert_array_equal(
        alone.severity(new)["volt"], fleet.severity(new)["volt"]
    )


def test_events_that_follow_each_other_are_joined_within_a_track():
    fleet = make().fit(telemetry())
    new = telemetry(seed=1)
    for row, channel in [(100, 0), (120, 2), (295, 1), (301, 1)]:
        new.iloc[row : row + 4, channel] += 30.0
    apart = fleet.events(new)
    assert [set(names) for names in apart["channels"]] == [
        {"volt"},
        {"temp"},
        {"amp"},
        {"amp"},
    ]
    joined = fleet.events(new, join=30)
    assert (
        joined["start"].tolist()
        == apart["start"].tolist()[::2] + apart["start"].tolist()[3:]
    )
    assert set(joined["channels"].iloc[0]) == {"volt", "temp"}
    assert joined["track"].tolist() == ["A", "A", "B"]


def test_text_columns_are_no_channels_unless_named():
    X = telemetry().assign(mode="idle")
    assert list(make().fit(X).detectors_) == CHANNELS


def test_a_stream_gives_the_scores_of_the_batch():
    X = telemetry()
    fleet = make().fit(X)
    stream = StreamingDetector(fleet)
    parts = [stream.update(X.iloc[i : i + 41]) for i in range(0, len(X), 41)]
    streamed = pd.concat(parts)["score"]
    np.testing.assert_allclose(streamed, -fleet.score_samples(X), atol=1e-9)


def test_arrays_are_one_track_of_channels():
    X = telemetry(1).to_numpy()
    fleet = make(shared=()).fit(X)
    assert len(fleet.detectors_) == 4
    assert list(fleet.events(X).columns[:2]) == ["track", "start"]


def test_events_apart_are_those_of_each_channel():
    fleet = make().fit(telemetry())
    new = telemetry(seed=1)
    new.iloc[100:110, 0] += 20.0
    new.iloc[105:125, 2] += 20.0
    assert fleet.events(new)["n_channels"].tolist() == [2]
    apart = fleet.events(new, apart=True)
    assert apart["channels"].tolist() == [["volt"], ["temp"]]
    assert apart["end"].iloc[0] < apart["end"].iloc[1]
    severity = fleet.severity(new)
    assert apart["severity"].tolist() == severity[["volt", "temp"]].max().tolist()


@pytest.mark.parametrize("join", ["1", -1, 1.5, None])
def test_a_join_that_is_no_number_of_rows_is_refused(join):
    fleet = make().fit(telemetry())
    with pytest.raises(ValueError, match="join must be a number of rows"):
        fleet.events(telemetry(), join=join)


def manoeuvres():
    """Noise, with the same transient of one channel on both tracks, and a fault."""
    new = telemetry(seed=1)
    shape = 15 * np.hanning(20)
    for start in (50, 180, 380):
        new.iloc[start : start + 20, 1] += shape
    new.iloc[500:520, 1] -= shape
    new.iloc[560:580, [0, 1]] += shape[:, None]
    return new


def test_a_pattern_confirmed_on_its_channel_is_silent_when_it_comes_back():
    new = manoeuvres()
    neighbours = AlarmFilter(SubsequenceNeighborsDetector(length=4), length=4)
    fleet = make(detector=neighbours).fit(telemetry())
    events = fleet.events(new)
    assert events["channels"].tolist() == [["amp"]] * 4 + [["volt", "amp"]]
    assert fleet.confirm(events[:1], new, nominal=True) is fleet
    assert len(fleet.detectors_["amp"].nominal_patterns_) == 1
    assert fleet.detectors_["volt"].nominal_patterns_ == []
    left = fleet.events(new)
    assert left["start"].tolist() == events["start"].tolist()[-2:]  # fault and both
    assert left["channels"].tolist() == [["amp"], ["volt"]]
    assert fleet.confirm(left.iloc[0], new, nominal=False) is fleet
    stream = StreamingDetector(fleet)
    parts = [stream.update(new.iloc[i : i + 41]) for i in range(0, len(new), 41)]
    streamed = pd.concat(parts)["score"]
    np.testing.assert_allclose(streamed, -fleet.score_samples(new), atol=1e-9)


def test_events_that_cannot_be_confirmed_are_told_and_confirm_nothing():
    new = manoeuvres()
    plain = make().fit(telemetry())
    events = plain.events(new)
    with pytest.raises(TypeError, match=r"channel 'amp' cannot be told .* AlarmFilter"):
        plain.confirm(events, new)
    alarms = AlarmFilter(plain.detector, length=4)
    fleet = ChannelwiseDetector(alarms, channels=["volt", "amp"]).fit(telemetry())
    strange = events.assign(channels=[["amp", "temp"]] * len(events))
    with pytest.raises(ValueError, match="'temp', but those watched are"):
        fleet.confirm(strange, new)
    for text in ("['amp']", [], np.nan):
        told = events.assign(channels=[text] * len(events))
        with pytest.raises(ValueError, match="must hold lists of names"):
            fleet.confirm(told, new)
    with pytest.raises(TypeError, match="confirm needs X"):
        fleet.confirm(events, None)
    with pytest.raises(ValueError, match="no column 'channels'"):
        fleet.confirm(events.drop(columns="channels"), new)
    assert fleet.detectors_["amp"].nominal_patterns_ == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ["speed"]}, "'speed' is no column of X"),
        ({"shared": ["mode"]}, "'mode' is no column of X"),
        ({"min_channels": 4}, "min_channels=4 channels must agree, but there are 3"),
        ({"channels": "volt"}, "'channels' parameter"),
        ({"channels": ["volt", "volt"]}, "'volt' is named twice"),
        ({"channels": ["command"]}, "'command' is named twice"),
    ],
)
def test_mistakes_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options).fit(telemetry())
