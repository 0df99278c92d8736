"""Reading recordings again, whole and damaged."""

import numpy as np
import pandas as pd
import pytest
from dsn_now.feed_server import FIXTURES, T0, document
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.dsn_now import concat_feeds, replay
from skdsn.dsn_now._raw_log import (
    Record,
    append_record,
    pack_record,
    read_records,
)


def write(folder, seconds):
    """Record documents of some seconds, without a server."""
    for each in seconds:
        time = T0 + round(each * 1000)
        path, _ = append_record(folder, Record(time + 7, time, document(each)))
    return path


def seconds_of(feeds):
    return [round(feed.time.timestamp() - T0 / 1e3) for feed in feeds]


def test_feeds_come_in_order_with_the_time_of_their_coming(tmp_path):
    write(tmp_path, [0, 30, 86_400, 60])
    feeds = list(replay(tmp_path))
    assert seconds_of(feeds) == [0, 30, 60, 86_400]
    assert all(feed.received - feed.time == pd.Timedelta("7ms") for feed in feeds)
    assert not any(feed.late for feed in feeds)


def test_a_stretch_of_time_is_half_open(tmp_path):
    write(tmp_path, [0, 30, 60, 86_400])
    start = pd.Timestamp(T0 + 30_000, unit="ms")
    stop = pd.Timestamp(T0 + 86_400_000, unit="ms", tz="UTC")
    assert seconds_of(replay(tmp_path, start, stop)) == [30, 60]
    assert seconds_of(replay(tmp_path, stop="2019-02-13")) == [0, 30, 60]
    assert seconds_of(replay(tmp_path, "2019-02-13 00:00+00:00")) == [86_400]


def test_each_time_is_given_once_and_reading_can_begin_again(tmp_path):
    write(tmp_path, [0, 30, 0])
    feeds = replay(tmp_path)
    for _ in range(2):
        assert seconds_of(feeds) == [0, 30]
        assert feeds.counts["duplicates"] == 1
        assert feeds.counts["feeds"] == 2


def test_placeholders_can_be_kept(tmp_path):
    write(tmp_path, [0])
    (feed,) = replay(tmp_path, keep_placeholders=True)
    assert len(feed.signals) == 10


def test_answers_saved_one_by_one_are_a_recording_too():
    feeds = replay(FIXTURES)
    forms = sorted(feed.form for feed in feeds)
    assert forms == [0, 1, 2, 3, 4]
    assert feeds.counts["unavailable"] == 1
    assert feeds.counts["unreadable"] == 4  # the evil ones, and the configuration
    assert len(concat_feeds(replay(FIXTURES)).forms) == 5


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**31), kind=st.sampled_from(["flip", "cut", "fill", "add"]))
def test_damage_costs_only_the_records_it_hits(tmp_path_factory, seed, kind):
    rng = np.random.default_rng(seed)
    contents = [rng.bytes(rng.integers(0, 300)) for _ in range(6)]
    packed = [pack_record(Record(i, i, each)) for i, each in enumerate(contents)]
    ends = np.cumsum([len(each) for each in packed])
    data = bytearray(b"".join(packed))
    at = int(rng.integers(len(data)))
    until = min(at + int(rng.integers(1, 80)), len(data))
    if kind == "flip":
        data[at], until = data[at] ^ 0xFF, at + 1
    elif kind == "cut":
        del data[at:until]
    elif kind == "fill":
        data[at:until] = bytes(until - at)
    else:
        data[at:at], until = rng.bytes(50), at
    path = tmp_path_factory.mktemp("log") / "2019-02-12.xml.gz"
    path.write_bytes(data)
    counts = {}
    found = {record.time: record.content for record, _ in read_records(path, counts)}
    assert all(contents[time] == content for time, content in found.items())
    begins = ends - [len(each) for each in packed]
    untouched = {i for i in range(6) if ends[i] <= at or begins[i] >= until}
    assert found.keys() >= untouched
    assert len(untouched) >= 4 or kind in ("cut", "fill")


def test_a_length_that_lies_costs_no_later_record(tmp_path):
    packed = [bytearray(pack_record(Record(i, i, document(i)))) for i in range(3)]
    packed[1][16:20] = (900_000).to_bytes(4, "little")
    path = tmp_path / "2019-02-12.xml.gz"
    path.write_bytes(b"".join(packed))
    counts = {}
    assert [record.time for record, _ in read_records(path, counts)] == [0, 2]
    assert counts == {"damaged": 1}


def test_a_member_that_unpacks_to_too_much_is_no_record(tmp_path):
    path = tmp_path / "2019-02-12.xml.gz"
    path.write_bytes(pack_record(Record(0, 0, bytes(3_000_000))))
    assert list(read_records(path)) == []


@pytest.mark.parametrize("time", [None, -(2**62), 2**62, 10**17])
def test_a_record_of_no_sensible_time_goes_to_the_day_it_came(tmp_path, time):
    path, _ = append_record(tmp_path, Record(T0, time, b"?"))
    assert path.name == "2019-02-12.xml.gz"
    ((record, _),) = read_records(path)
    assert record == Record(T0, time, b"?")


def test_wrong_folders_and_times_are_refused(tmp_path):
    with pytest.raises(NotADirectoryError, match="no folder"):
        replay(tmp_path / "nothing")
    with pytest.raises(ValueError, match="holds no recording"):
        replay(tmp_path)
    write(tmp_path, [0])
    for start in ("soon", "NaT"):
        with pytest.raises(ValueError, match="start must be a time"):
            replay(tmp_path, start)
