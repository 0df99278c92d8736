"""What a recording leaves on the disk, also when it is killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pandas as pd
import pytest
from dsn_now.feed_server import T0, Clock, answer, document, serving

from skdsn.dsn_now import FeedRecorder, concat_feeds, parse_feed, replay

pytest.importorskip("requests")
TABLES = ["stations", "dishes", "signals", "targets"]


def record(folder, seconds, n=None, **options):
    """Record answers of some seconds, of which so many are new."""
    options = {"tables": "csv", "random_state": 0, **options}
    with serving(*(answer(document(each)) for each in seconds)) as server:
        made = FeedRecorder(folder, url=server.url, clock=Clock(), **options)
        return made.record(n=n or len(seconds))


def seconds_of(folder):
    return [round(feed.time.timestamp() - T0 / 1e3) for feed in replay(folder)]


def read_csv(folder, table):
    parts = sorted(folder.glob(f"{table}/date=*/*.csv.gz"))
    return pd.concat(map(pd.read_csv, parts), ignore_index=True)


@pytest.mark.parametrize("tables", ["auto", "parquet"])
def test_tables_hold_what_the_feeds_hold(tmp_path, tables):
    pytest.importorskip("pyarrow")
    # Midnight comes after 4 h 26 min.
    record(tmp_path, [0, 30, 15_990, 16_020], tables=tables)
    feeds = concat_feeds(replay(tmp_path))
    for name in TABLES:
        read = pd.read_parquet(tmp_path / name)
        dates = read.pop("date").astype(str)
        assert set(dates) == {"2019-02-12", "2019-02-13"}
        assert (dates == read["time"].dt.strftime("%Y-%m-%d")).all()
        pd.testing.assert_frame_equal(read, feeds[name])
    listed = pd.read_parquet(tmp_path / "feeds")
    assert listed["form"].to_list() == [1] * 4
    part = next((tmp_path / "signals").rglob("*.parquet"))
    assert pd.read_parquet(part).attrs["units"]["frequency_hz"] == "Hz"


def test_csv_keeps_debug_strings_with_their_blanks(tmp_path):
    record(tmp_path, [0])
    (part,) = tmp_path.glob("signals/*/*.csv.gz")
    read = pd.read_csv(part, keep_default_na=False)
    assert "  -1 " in read["debug"].to_list()
    assert len(read) == 9


def test_rows_do_not_wait_for_their_table_for_ever(tmp_path):
    clock = Clock()
    with serving(*(answer(document(30 * i)) for i in range(9))) as server:
        options = {"tables": "csv", "tables_every": "2min", "random_state": 0}
        made = FeedRecorder(tmp_path, url=server.url, clock=clock, **options)
        for n, _ in enumerate(made.follow(n=9), start=1):
            parts = len(list(tmp_path.glob("feeds/*/*")))
            assert parts == (n > 6)
    assert len(read_csv(tmp_path, "feeds")) == 9


def test_a_recording_goes_on_where_it_stopped(tmp_path):
    record(tmp_path, [0, 30])
    record(tmp_path, [30, 0, 60], n=1)
    assert seconds_of(tmp_path) == [0, 30, 60]
    assert len(read_csv(tmp_path, "feeds")) == 3
    assert len(read_csv(tmp_path, "signals")) == 27


def test_a_recording_knows_after_a_break_what_is_late(tmp_path):
    record(tmp_path, [0, 90])
    assert record(tmp_path, [60])["late"] == 1
    assert read_csv(tmp_path, "feeds")["late"].to_list() == [False, False, True]


def test_tables_that_a_kill_kept_out_are_added(tmp_path):
    record(tmp_path, [0, 30, 60], tables=None)
    record(tmp_path, [90])
    assert len(read_csv(tmp_path, "feeds")) == 4
    assert len(read_csv(tmp_path, "targets")) == 4 * 6


def test_tables_that_were_not_finished_are_written_anew(tmp_path):
    record(tmp_path, [0, 30])
    record(tmp_path, [60])
    last = sorted(tmp_path.glob("feeds/*/*"))[-1]
    last.unlink()  # as if killed before it, the last of the tables
    draft = last.with_name(f".draft-1-{last.name}")
    draft.write_bytes(b"half")
    record(tmp_path, [90])
    assert len(read_csv(tmp_path, "signals")) == 4 * 9
    assert len(read_csv(tmp_path, "feeds")) == 4
    assert not draft.exists()


@pytest.mark.parametrize("left", [1, 5, 11, 20, 40, -9, -1])
def test_a_record_that_is_half_there_costs_no_other(tmp_path, left):
    record(tmp_path, [0, 30], tables=None)
    (path,) = tmp_path.glob("raw/*")
    before = path.stat().st_size
    record(tmp_path, [60], tables=None)
    content = path.read_bytes()
    path.write_bytes(content[: before + left if left > 0 else left])
    feeds = replay(tmp_path)
    assert len(list(feeds)) == 2 and feeds.counts["torn"] == 1
    record(tmp_path, [90], tables=None)
    assert seconds_of(tmp_path) == [0, 30, 90]
    feeds = replay(tmp_path)
    assert len(list(feeds)) == 3 and feeds.counts["torn"] == 0


def test_only_one_recorder_writes_into_a_folder(tmp_path):
    pytest.importorskip("fcntl")
    with serving(answer(document())) as server:
        options = {"url": server.url, "clock": Clock(), "tables": None}
        with FeedRecorder(tmp_path, **options) as one:
            one.poll()
            with pytest.raises(OSError, match="Another recorder"):
                FeedRecorder(tmp_path, **options).poll()
        assert FeedRecorder(tmp_path, **options).poll() is None  # known already


def test_a_full_disk_leaves_whole_records(tmp_path, monkeypatch):
    record(tmp_path, [0], tables=None)
    write = os.write
    with serving(answer(document(30))) as server:
        made = FeedRecorder(tmp_path, url=server.url, clock=Clock(), tables=None)
        with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
            patch.setattr(os, "write", lambda handle, data: write(handle, data[:99]))
            made.record(n=1)
        made.record(n=1)
    feeds = replay(tmp_path)
    assert len(list(feeds)) == 2
    assert feeds.counts["damaged"] == feeds.counts["torn"] == 0


def start(folder, url, every=0.01):
    """Record in a process of its own, with short pauses; it prints what it has."""
    code = f"""
        import time
        from skdsn.dsn_now import FeedRecorder

        class Clock:
            time, monotonic = time.time, time.monotonic
            def sleep(self, seconds):
                time.sleep({every})

        made = FeedRecorder({str(folder)!r}, url={url!r}, clock=Clock(), tables="csv")
        follow = made.follow
        def told(*args):
            for feed in follow(*args):
                print(int(feed.time.timestamp() * 1000 + 0.5), flush=True)
                yield feed
        made.follow = told
        print(made.record())
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_kill_loses_nothing_that_was_recorded(tmp_path):
    with serving(*(answer(document(i)) for i in range(5000))) as server:
        process = start(tmp_path, server.url)
        for _ in range(20):
            process.stdout.readline()
        process.kill()
        told = 20 + len(process.communicate()[0].split())
    recorded = seconds_of(tmp_path)
    assert recorded == list(range(len(recorded)))
    assert len(recorded) in (told, told + 1)
    record(tmp_path, [10_000])
    assert seconds_of(tmp_path) == [*recorded, 10_000]
    assert len(read_csv(tmp_path, "feeds")) == len(recorded) + 1


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_recording_cleanly(tmp_path, number):
    with serving(*(answer(document(i)) for i in range(5000))) as server:
        process = start(tmp_path, server.url, every=10 if number == 2 else 0.01)
        process.stdout.readline()
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 9
    assert process.returncode == 0, err
    assert out.splitlines()[-1].startswith("{'feeds': ")
    n_feeds = len(seconds_of(tmp_path))
    assert len(read_csv(tmp_path, "feeds")) == n_feeds >= 1


def test_what_is_recorded_reads_as_what_was_sent(tmp_path):
    record(tmp_path, [0], tables=None)
    (feed,) = replay(tmp_path)
    sent = parse_feed(document(0))
    assert feed.time == sent.time
    for name in TABLES:
        pd.testing.assert_frame_equal(feed[name], sent[name])
