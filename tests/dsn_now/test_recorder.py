"""Recording the feed from a server on this computer: what is asked, and when."""

import gzip

import pytest
from dsn_now.feed_server import (
    T0,
    Clock,
    answer,
    document,
    dripping,
    endless,
    hang_up,
    serving,
    truncated,
)

from skdsn.dsn_now import FeedRecorder, replay

pytest.importorskip("requests")

OUTAGE = b"<dsn><timestamp>NaN</timestamp></dsn>"


def recorder(folder, server, clock=None, **options):
    options = {"tables": None, "random_state": 0, **options}
    return FeedRecorder(folder, url=server.url, clock=clock or Clock(), **options)


def times(folder):
    return [round(feed.time.timestamp() - T0 / 1e3) for feed in replay(folder)]


def test_new_answers_are_recorded_as_they_were_sent(tmp_path):
    documents = [document(30 * i) for i in range(3)]
    with serving(*map(answer, documents)) as server:
        counts = recorder(tmp_path, server).record(n=3)
    (path,) = tmp_path.glob("raw/*")
    assert path.name == "2019-02-12.xml.gz"
    assert gzip.decompress(path.read_bytes()) == b"".join(documents)
    assert counts["feeds"] == 3 and sum(counts.values()) == 3
    assert times(tmp_path) == [0, 30, 60]


def test_follow_hands_on_what_is_on_the_disk_already(tmp_path):
    with serving(*(answer(document(30 * i)) for i in range(2))) as server:
        for n, feed in enumerate(recorder(tmp_path, server).follow(n=2), start=1):
            assert len(feed.signals) == 9
            assert len(times(tmp_path)) == n


def test_the_server_is_told_who_asks_and_shares_its_answers(tmp_path):
    clock = Clock()
    with serving(answer(document())) as server:
        recorder(tmp_path, server, clock, contact="ops@example.org").record(n=1)
    ((path, headers),) = server.requests
    assert path == f"/dsn.xml?r={int(T0 / 5000)}"
    assert headers["User-Agent"].startswith("skdsn/")
    assert "ops@example.org" in headers["User-Agent"]


def test_questions_keep_to_the_interval(tmp_path):
    clock = Clock()
    with serving(*(answer(document(30 * i)) for i in range(6))) as server:
        recorder(tmp_path, server, clock, interval=30).record(n=6)
    assert clock.slept[1:] == pytest.approx([30] * 4)
    assert 0 <= (clock.now % 30) < 0.5


def test_five_seconds_are_the_least():
    with pytest.raises(ValueError, match="at least 5 s"):
        FeedRecorder(None, interval=4.9)


@pytest.mark.parametrize("jump", [-86_400 * 3, -2.0, 29.99, 86_400 * 400])
def test_a_clock_that_jumps_makes_no_question_late_or_too_early(tmp_path, jump):
    clock = Clock()
    with serving(*(answer(document(30 * i)) for i in range(6))) as server:
        for n, _ in enumerate(recorder(tmp_path, server, clock).follow(n=6)):
            clock.now += jump * (n == 2)
    assert all(5 <= pause <= 30.5 for pause in clock.slept[1:])
    assert times(tmp_path) == [0, 30, 60, 90, 120, 150]


def test_the_same_snapshot_is_recorded_once(tmp_path):
    answers = [answer(document(seconds)) for seconds in (0, 0, 30, 0, 30, 60)]
    with serving(*answers) as server:
        counts = recorder(tmp_path, server).record(n=3)
    assert counts["duplicates"] == 3
    assert times(tmp_path) == [0, 30, 60]


def test_a_late_snapshot_is_recorded_and_marked(tmp_path):
    answers = [answer(document(seconds)) for seconds in (0, 60, 30, 90)]
    with serving(*answers) as server:
        feeds = list(recorder(tmp_path, server).follow(n=4))
    assert [feed.late for feed in feeds] == [False, False, True, False]
    assert [feed.late for feed in replay(tmp_path)] == [False, False, True, False]


def test_a_feed_whose_clock_was_set_back_is_not_late_for_ever(tmp_path):
    answers = [answer(document(seconds)) for seconds in (9000, *range(0, 300, 30))]
    with serving(*answers) as server:
        feeds = list(recorder(tmp_path, server).follow(n=11))
    assert [feed.late for feed in feeds] == [False] + [True] * 5 + [False] * 5


def test_only_news_is_asked_for_if_the_server_lets_it(tmp_path):
    first = answer(
        document(), ETag='"a"', Last_Modified="Tue, 12 Feb 2019 19:33:20 GMT"
    )
    with serving(first, answer(b"", 304), answer(document(30))) as server:
        counts = recorder(tmp_path, server).record(n=2)
    (_, none), (_, asked), _ = server.requests
    assert "If-None-Match" not in none
    assert asked["If-None-Match"] == '"a"'
    assert asked["If-Modified-Since"].startswith("Tue")
    assert counts["unchanged"] == 1


def test_an_outage_is_waited_for_and_not_recorded(tmp_path):
    clock = Clock()
    with serving(answer(OUTAGE), answer(b""), answer(document())) as server:
        counts = recorder(tmp_path, server, clock).record(n=1)
    assert counts["unavailable"] == 2
    assert min(clock.slept) >= 5
    assert times(tmp_path) == [0]


def test_garbage_is_kept_once_and_asked_for_no_faster(tmp_path):
    clock = Clock()
    garbage = [answer(b"<html>sorry</html>")] * 3
    with serving(*garbage, answer(document())) as server:
        made = recorder(tmp_path, server, clock)
        assert made.poll() is None
        assert "dsn" in made.last_error_
        made.record(n=1)
    assert made.counts_["unreadable"] == 3
    assert min(clock.slept) >= 5
    feeds = replay(tmp_path)
    assert len(list(feeds)) == 1
    assert feeds.counts["unreadable"] == 1


@pytest.mark.parametrize(
    "fault",
    [answer(b"", 500), answer(b"", 503), truncated(document()), hang_up],
    ids=["500", "503", "truncated", "hang up"],
)
def test_passing_faults_are_asked_again_ever_more_slowly(tmp_path, fault):
    clock = Clock()
    with serving(fault, fault, fault, answer(document())) as server:
        counts = recorder(tmp_path, server, clock).record(n=1)
    assert counts["retries"] == 3 and counts["failures"] == 0
    for pause, expected in zip(clock.slept, [1, 2, 4], strict=True):
        assert 0.75 * expected <= pause <= 1.25 * expected
    assert times(tmp_path) == [0]


def test_lasting_faults_widen_the_interval_until_an_answer_comes(tmp_path):
    clock = Clock()
    faults = [answer(b"", 502)] * 8
    news = (answer(document(30 * i)) for i in range(3))
    with serving(*faults, *news) as server:
        made = recorder(tmp_path, server, clock, max_retries=0)
        counts = made.record(n=3)
    assert counts["failures"] == 8
    assert clock.slept[1:8] == pytest.approx(
        [120, 240, 480, 600, 600, 600, 600], abs=30
    )
    assert clock.slept[9:] == pytest.approx([30])


def test_retry_after_is_obeyed(tmp_path):
    clock = Clock()
    busy = [
        answer(b"", 429, Retry_After=wait) for wait in ("17", "900", "1e12", "soon")
    ]
    with serving(*busy, answer(document())) as server:
        recorder(tmp_path, server, clock).record(n=1)
    soon, later, an_hour, *_ = clock.slept
    assert soon == 17
    assert 900 <= later <= 931
    assert 3600 <= an_hour <= 3631


def test_a_refusal_for_good_stops_and_keeps_what_was_recorded(tmp_path):
    news = answer(document())
    with (
        serving(news, answer(b"", 404)) as server,
        pytest.raises(OSError, match="answered 404"),
    ):
        recorder(tmp_path, server).record()
    assert times(tmp_path) == [0]


def test_redirects_stay_on_the_server(tmp_path):
    with serving(
        answer(b"", 302, Location="/new.xml?a=1"), answer(document())
    ) as server:
        recorder(tmp_path, server).record(n=1)
    assert server.requests[1][0] == "/new.xml?a=1"
    assert times(tmp_path) == [0]


def test_redirects_to_other_servers_are_not_followed(tmp_path):
    with serving(answer(document())) as other:
        gone = answer(b"", 301, Location=other.url)
        with serving(gone) as server, pytest.raises(OSError, match="another server"):
            recorder(tmp_path, server).record(n=1)
        with serving(answer(b"", 302, Location=other.url)) as server:
            made = recorder(tmp_path, server)
            assert made.poll() is None
            assert "another server" in made.last_error_
        assert other.requests == []


@pytest.mark.parametrize("place", ["http://[", "http://127.0.0.1:a/", "javascript:1"])
def test_redirects_to_nowhere_are_failures(place):
    with serving(answer(b"", 302, Location=place)) as server:
        made = recorder(None, server)
        assert made.poll() is None
        assert "redirects to" in made.last_error_


@pytest.mark.parametrize("wait", ["-1", "nan", "inf", "", "Tue, 99 Feb", "9" * 400])
def test_no_word_of_the_server_makes_a_wait_endless(wait):
    clock = Clock()
    with serving(answer(b"", 503, Retry_After=wait), answer(document())) as server:
        recorder(None, server, clock).record(n=1)
    assert all(0.75 <= pause <= 3631 for pause in clock.slept)


def test_redirects_in_a_circle_end(tmp_path):
    with serving(answer(b"", 302, Location="/dsn.xml")) as server:
        made = recorder(tmp_path, server)
        assert made.poll() is None
    assert len(server.requests) == 4


def test_a_huge_answer_is_given_up(tmp_path):
    bomb = gzip.compress(b"x" * 50_000_000)
    for sent in (endless, answer(bomb, Content_Encoding="gzip")):
        with serving(sent) as server, recorder(tmp_path, server) as made:
            assert made.poll() is None
            assert "1,048,576 bytes" in made.last_error_
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize("how", [{}, {"told": False}, {"in_head": True}])
def test_an_answer_that_drips_in_is_given_up(tmp_path, how):
    options = {"deadline": 0.3, "max_retries": 0}
    with serving(dripping(document(), **how)) as server:
        made = recorder(tmp_path, server, **options)
        assert made.poll() is None
    assert "longer than 0.3 s" in made.last_error_


def test_a_server_that_says_nothing_is_given_up(tmp_path):
    options = {"timeouts": (0.2, 0.2), "max_retries": 0}
    with serving(dripping(document(), pause=2.0)) as server:
        made = recorder(tmp_path, server, **options)
        assert made.poll() is None
    assert "imed out" in made.last_error_


def test_nobody_there_is_a_failure_like_others(tmp_path):
    with serving(answer(b"")) as server:
        pass
    with recorder(tmp_path, server, max_retries=0) as made:
        assert made.poll() is None
        assert made.counts_["failures"] == 1


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serving(*(answer(document(30 * i)) for i in range(2))) as server:
        assert recorder(None, server, tables="auto").record(n=2)["feeds"] == 2
    assert list(tmp_path.iterdir()) == []


def test_recording_ends_at_its_time(tmp_path):
    clock = Clock()
    with serving(answer(document())) as server:
        recorder(tmp_path, server, clock).record(until="2019-02-12 19:35:00")
    assert clock.now == pytest.approx(1_550_000_100, abs=1e-3)


def test_the_configuration_is_kept_where_it_changed(tmp_path):
    config = (
        b"<config><sites/><spacecraftMap>%s</spacecraftMap></config>" % more
        for more in (b"", b"", b'<spacecraft name="vgr1" friendlyName="V"/>')
    )
    clock = Clock()
    news = [answer(document(30 * i)) for i in range(3)]
    with serving(*news) as server, serving(*map(answer, config)) as other:
        made = recorder(tmp_path, server, clock, config_url=other.url)
        for _ in made.follow(n=3):
            clock.passed += 86_400
    kept = sorted(tmp_path.glob("config/*.xml"))
    assert len(other.requests) == 3
    assert [b"vgr1" in path.read_bytes() for path in kept] == [False, True]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"url": "file:///etc/passwd"}, "http"),
        ({"max_retries": -1}, "max_retries"),
        ({"tables": "xlsx"}, "tables"),
        ({"interval": float("nan")}, "interval"),
        ({"tables_every": -1}, "tables_every"),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, match):
    with pytest.raises(ValueError, match=match):
        FeedRecorder(tmp_path, **options)
