"""A detector for each channel."""

import numpy as np
import pandas as pd
import pytest

from skdsn.base import anomaly_flags
from skdsn.detectors import ChannelwiseDetector, SubsequenceNeighborsDetector
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
    options = {"shared": ["command"], "false_alarm_rate": 1e-8} | options
    return ChannelwiseDetector(neighbours, **options)


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


def test_other_channels_change_nothing_but_the_correction():
    X, new = telemetry(), telemetry(seed=1)
    alone = make(channels=["volt"]).fit(X)
    all_of_them = make().fit(X)
    np.testing.assert_array_equal(
        alone.rarity(new)["volt"], all_of_them.rarity(new)["volt"]
    )


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ["speed"]}, "'speed' is no column of X"),
        ({"shared": ["mode"]}, "'mode' is no column of X"),
        ({"min_channels": 4}, "min_channels=4 channels must agree, but there are 3"),
        ({"channels": "volt"}, "'channels' parameter"),
    ],
)
def test_mistakes_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options).fit(telemetry())
