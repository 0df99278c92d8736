"""``skdsn watch``: recordings and a feed on this computer."""

import argparse
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from dsn_now.feed_server import T0, answer, document, serving
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.svm import OneClassSVM

from skdsn.cli import _watch
from skdsn.cli._detectors import save_detector
from skdsn.cli._parser_watch import add_watch
from skdsn.dsn_now import FeedRecorder, concat_feeds, replay, to_telemetry
from skdsn.dsn_now._raw_log import Record, append_record
from skdsn.preprocessing import CausalImputer

pytest.importorskip("requests")
HEADS = ["DISH", "SITE", "AZ", "EL", "CRAFT", "DOWN", "BAND", "RATE", "POWER"]


def watch(*args):
    """Run the command with its own options."""
    commands = argparse.ArgumentParser().add_subparsers(dest="command")
    add_watch(lambda name, summary, text: commands.add_parser(name, help=summary))
    _watch.run(commands.choices["watch"].parse_args([str(arg) for arg in args]))


def write(folder, powers, idle=()):
    """Record a feed with some powers, 30 s apart; VGR1 is not heard in some."""
    for i, power in enumerate(powers):
        content = document(30 * i, power)
        if i in idle:
            content = content.replace(b"IN LOCK OFF 1 MCD2", b"IDLE OFF 0 MCD2")
        time = T0 + 30_000 * i
        append_record(folder, Record(time, time, content))
    return folder


def test_a_recording_is_played_with_its_transitions(tmp_path, capsys):
    write(tmp_path, ["-155.5"] * 12, idle=range(3, 7))
    watch("--replay", tmp_path)
    *lines, count = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()[4:]) for line in lines[:7]] == [
        "decoder changed: IN LOCK -> IDLE",
        "lock lost",
        "carrier lost",
        "carrier gained",
        "lock gained",
        "decoder changed: IDLE -> IN LOCK",
        "drop lock, 120 s",
    ]
    assert lines[0].startswith("2019-02-12 19:34:50  DSS14")
    assert lines[7] == "DSN Now, 2019-02-12 19:38:50 UTC"
    assert lines[8].split()[: len(HEADS)] == HEADS
    assert count == "12 answers"


def test_once_shows_the_table(capsys):
    with serving(answer(document())) as server:
        watch("--once", "--url", server.url)
    title, heads, first, *_ = capsys.readouterr().out.splitlines()
    assert title == "DSN Now, 2019-02-12 19:33:20 UTC"
    assert heads.split()[: len(HEADS)] == HEADS
    assert first.split()[:6] == ["DSS14", "Goldstone", "92°", "21°", "VGR1", "locked"]
    assert "-156 dBm" in first


def test_once_can_record_too(tmp_path, capsys):
    with serving(answer(document())) as server:
        watch("--once", "--url", server.url, "--folder", tmp_path / "new")
        with pytest.raises(OSError, match="no newer answer"):
            watch("--once", "--url", server.url, "--folder", tmp_path / "new")
    assert len(list(replay(tmp_path / "new"))) == 1


def test_once_says_why_there_is_nothing():
    with (
        serving(answer(b"<dsn><timestamp>NaN</timestamp></dsn>")) as server,
        pytest.raises(OSError, match="out of service"),
    ):
        watch("--once", "--url", server.url)


def test_what_is_sent_cannot_steer_the_terminal(capsys):
    content = document().replace(b'"VGR1"', '"V\u009b2J\u202e"'.encode())
    with serving(answer(content)) as server:
        watch("--once", "--url", server.url)
    out = capsys.readouterr().out
    assert "\u009b" not in out and "\u202e" not in out
    assert "V?2J?" in out


def test_a_detector_raises_alarms(tmp_path, capsys):
    quiet = [f"{-155.5 + 0.1 * (i % 7)}" for i in range(60)]
    for name in ("quiet", "loud"):
        (tmp_path / name).mkdir()
    write(tmp_path / "quiet", quiet)
    X = to_telemetry(concat_feeds(replay(tmp_path / "quiet")))
    detector = make_pipeline(CausalImputer(), OneClassSVM(nu=0.02, gamma=1.0)).fit(
        X.loc[["DSS14/VGR1/0001"], ["power_downsignal"]]
    )
    save_detector(tmp_path / "detector.pkl", detector)
    write(tmp_path / "loud", [*quiet[:10], "-90.0", "-90.0", *quiet[:5]])
    watch("--replay", tmp_path / "loud", "--detector", tmp_path / "detector.pkl")
    alarms = [
        line for line in capsys.readouterr().out.splitlines() if "larm" in line.lower()
    ]
    on = [line for line in alarms if "DSS14/VGR1/0001" in line]
    assert len(on) == 2
    assert on[0].startswith("2019-02-12 19:38:20  DSS14/VGR1/0001 ALARM, score ")
    assert on[1] == "2019-02-12 19:39:20  DSS14/VGR1/0001 alarm over"


def test_a_detector_of_other_telemetry_is_refused(tmp_path):
    other = pd.DataFrame({"volts": [0.0, 1.0, 2.0]})
    save_detector(tmp_path / "detector.pkl", IsolationForest().fit(other))
    (tmp_path / "feed").mkdir()
    write(tmp_path / "feed", ["-155.5"])
    with pytest.raises(ValueError, match="'volts', which is no column of the feed"):
        watch("--replay", tmp_path / "feed", "--detector", tmp_path / "detector.pkl")


def test_a_feed_whose_clock_is_set_back_is_watched_all_the_same(tmp_path, capsys):
    for seconds in (9000, *range(0, 300, 30)):
        time = T0 + seconds * 1000
        append_record(tmp_path, Record(time, time, document(seconds)))
    watch("--replay", tmp_path)
    out = capsys.readouterr().out
    assert "the clock of the feed was set back" in out
    assert out.endswith("11 answers, 5 late\n")


@pytest.mark.parametrize(
    ("args", "match"),
    [
        (["--replay", "x", "--once"], "--once"),
        (["--replay", "x", "--folder", "y"], "--folder"),
        (["--once", "--detector", "x"], "--detector"),
        (["--interval", "1"], "at least 5 s"),
        (["--debounce", "soon"], "debounce"),
    ],
)
def test_options_that_make_no_sense_are_refused(args, match):
    with pytest.raises(ValueError, match=match):
        watch(*args)


LIVE = """
import argparse, sys, time
from skdsn.cli import _watch
from skdsn.cli._parser_watch import add_watch
import skdsn.dsn_now._recorder as recorder

commands = argparse.ArgumentParser().add_subparsers(dest="command")
add_watch(lambda name, *_: commands.add_parser(name))
made = recorder.FeedRecorder.__init__

class Clock:
    time, monotonic = time.time, time.monotonic
    def sleep(self, seconds):
        time.sleep(0.01)

_watch.FeedRecorder.__init__ = lambda self, *a, **k: made(self, *a, clock=Clock(), **k)
try:
    _watch.run(commands.choices["watch"].parse_args(sys.argv[1:]))
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_a_live_feed_gives_lines_where_nobody_looks(tmp_path):
    documents = [document(30 * i) for i in range(12)]
    lost = b"IDLE OFF 0 MCD2"
    documents[4:] = [
        each.replace(b"IN LOCK OFF 1 MCD2", lost) for each in documents[4:]
    ]
    command = [sys.executable, "-c", LIVE, "--folder", str(tmp_path / "new")]
    with serving(*map(answer, documents), answer(b"", 404)) as server:
        done = subprocess.run(
            [*command, "--url", server.url],
            capture_output=True,
            text=True,
            check=False,
        )
    assert "answered 404" in done.stderr
    assert "carrier lost" in done.stdout
    assert "\x1b" not in done.stdout
    assert len(list(replay(tmp_path / "new"))) == 12


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_ctrl_c_leaves_a_whole_recording(tmp_path):
    pytest.importorskip("pyarrow")
    folder = tmp_path / "new"
    with serving(*(answer(document(30 * i)) for i in range(5000))) as server:
        command = [sys.executable, "-c", LIVE, "--folder", folder, "--url", server.url]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while not list(folder.glob("raw/*")):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    # The answer it was stopped at may be in the raw file only, until it goes on.
    FeedRecorder(folder).close()
    tables = [pd.read_parquet(part) for part in folder.glob("feeds/*/*.parquet")]
    assert sum(map(len, tables)) == len(list(replay(folder))) > 0


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo terminal")
def test_in_a_terminal_the_table_is_drawn_anew(tmp_path):
    import pty

    leader, follower = pty.openpty()
    documents = [document(30 * i) for i in range(3)]
    with serving(*map(answer, documents), answer(b"", 404)) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", LIVE, "--url", server.url],
            stdout=follower,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"COLUMNS": "60"},
        )
        os.close(follower)
        shown = b""
        while True:
            try:
                shown += os.read(leader, 65_536)
            except OSError:  # the other end is closed
                break
        process.wait()
    os.close(leader)
    screens = shown.decode().split("\x1b[H")[1:]
    assert len(screens) == 3
    assert all("DSS14" in screen for screen in screens)
    lines = screens[-1].split("\x1b[3J")[1].split("\r\n")
    assert max(map(len, lines)) <= 60
    assert "3 answers." in lines
