"""What the room refuses, or does not claim to know."""

import pickle

import numpy as np
import pandas as pd
import pytest

from skdsn.cli import _watch
from skdsn.cli._detectors import load_detector
from skdsn.dsn_now import (
    TelemetryStream,
    check_feed,
    concat_feeds,
    link_state_labels,
    link_transitions,
    make_dsn_now,
    make_link_state_classifier,
    parse_feed,
    to_telemetry,
)

FEED = make_dsn_now(0.05, interval=60, n_dishes=3, random_state=0)


@pytest.mark.parametrize("function", [to_telemetry, link_transitions, check_feed])
def test_what_is_no_feed_is_refused_in_one_sentence(function):
    for other in (None, 3, FEED.signals, [FEED]):
        with pytest.raises(TypeError, match="parse_feed or concat_feeds"):
            function(other)
    cut = FEED | {"signals": FEED.signals.drop(columns="debug")}
    with pytest.raises(ValueError, match=r"'signals' of the feed lacks .* 'debug'"):
        function(cut)


def test_a_single_feed_goes_into_a_list():
    with pytest.raises(TypeError, match="into a list"):
        concat_feeds(FEED)


def test_telemetry_does_not_go_back_in_time():
    late, early = (
        parse_feed(
            b'<dsn><dish name="DSS14"><downSignal spacecraft="VGR1"/></dish>'
            b"<timestamp>%d</timestamp></dsn>" % time
        )
        for time in (9_000_000, 0)
    )
    stream = TelemetryStream()
    stream.update(late)
    with pytest.raises(ValueError, match="newer"):
        stream.update(early)


def test_half_a_character_is_refused():
    with pytest.raises(ValueError, match="surrogate"):
        parse_feed(b'{"timestamp": 1, "dishes": [{"@name": "\\ud800"}]}')


def test_snapshots_are_a_day_apart_at_most():
    with pytest.raises(ValueError, match="86400"):
        make_dsn_now(0.05, interval=1e9, random_state=0)


def test_where_the_downlink_is_gone_no_loss_is_claimed_or_denied():
    times = pd.date_range("2019-02-09", periods=8, freq="1min")
    index = pd.MultiIndex.from_product([["DSS14/A/0001"], times])
    debug = ["IN LOCK OFF 1 UNC"] * 3 + [None] * 5
    X = pd.DataFrame({"signalTypeDebug_downsignal": debug}, index)
    lost = link_state_labels(X, horizon="2min", target="lost")
    assert lost.to_list() == [0, -1, -1, -1, -1, -1, -1, -1]


def test_a_pickle_from_python_watches_and_one_of_states_does_not(tmp_path):
    X = to_telemetry(make_dsn_now(0.5, interval=60, n_dishes=4, random_state=0))
    y = link_state_labels(X, horizon="5min", target="lost")
    states = link_state_labels(X)
    path = tmp_path / "lost.pkl"
    for labels, works in ((y, True), (states, False)):
        detector = make_link_state_classifier("logistic", stride=20).fit(X, labels)
        path.write_bytes(pickle.dumps(detector))
        loaded = load_detector(path)
        if works:
            alarms = _watch._Alarms(loaded, path)
            assert np.all([isinstance(text, str) for _, text in alarms.update(FEED)])
        else:
            with pytest.raises(ValueError, match="tells states, not alarms"):
                _watch._Alarms(loaded, path)
