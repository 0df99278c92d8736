"""Record the feed."""

import itertools
import os
import time
from pathlib import Path

import numpy as np
from sklearn.utils import check_random_state

from skdsn import __version__
from skdsn._files import replacing
from skdsn.dsn_now._fetch import Fetcher, FetchError
from skdsn.dsn_now._order import FeedOrder
from skdsn.dsn_now._parse_config import parse_config
from skdsn.dsn_now._parse_feed import FeedUnavailable, parse_feed
from skdsn.dsn_now._raw_log import (
    SUFFIX,
    Record,
    append_record,
    as_timestamp,
    cut_torn_end,
    day_of,
    milliseconds_of,
    raw_files,
    read_times,
)
from skdsn.dsn_now._record_tables import TableWriter, table_suffix
from skdsn.dsn_now._replay import as_milliseconds
from skdsn.dsn_now._signals import Stopped, stopping_on_signals
from skdsn.tracks import gap_seconds

try:
    import fcntl
except ImportError:  # Windows: nothing keeps a second recorder off
    fcntl = None  # type: ignore[assignment]

__all__ = ["CONFIG_URL", "FEED_URL", "FeedRecorder"]

FEED_URL = "https://eyes.nasa.gov/dsn/data/dsn.xml"
CONFIG_URL = "https://eyes.nasa.gov/dsn/config.xml"
_FLOOR = 5.0  # s between questions; the page of the feed itself asks so often
_LONGEST = 600.0  # s between questions after failures
_CONFIG_EVERY = 86_400.0  # s
_COUNTED = (
    *("feeds", "duplicates", "late", "unchanged", "unavailable", "unreadable"),
    *("failures", "retries"),
)
_DAYS_KEPT = 3


class FeedRecorder:
    """Record the public feed into a folder, politely, and so that nothing is lost.

    Parameters
    ----------
    folder : path-like or None
        Folder of the recording, made if it is not there, gone on with if it is; None
        keeps nothing.
    url : str, default=FEED_URL
        Address of the feed.
    config_url : str, default=None
        Address of the configuration (:data:`CONFIG_URL`), which is then kept beside
        the answers, once a day if it changed; names of spacecraft are used again.
    interval : float, default=30.0
        Seconds between questions, at least 5.
    tables : {"auto", "parquet", "csv"} or None, default="auto"
        Kind of the tables beside the answers; ``"auto"`` takes Parquet if pyarrow is
        installed, or else CSV; None writes none.
    tables_every : float, str or pandas.Timedelta, default="10min"
        How long rows may wait for their table, in seconds or as a timedelta.
    max_retries : int, default=4
        Further questions, 1, 2, 4, ... s apart, where an answer fails to come.
    timeouts : tuple of two floats, default=(5.0, 10.0)
        Seconds to connect, and to wait for the next bytes.
    deadline : float, default=30.0
        Seconds after which an answer that still drips in is given up.
    contact : str, default=None
        Tells the server whom to write to, such as a mail address.
    random_state : int, RandomState instance or None, default=None
        Of the moment within half a second at which questions are asked, and of the
        time between retries, so that many recorders do not ask at once.
    clock : module or object, default=time
        With ``time``, ``monotonic`` and ``sleep`` like those of the module
        :mod:`time`, for simulated time.

    Attributes
    ----------
    counts_ : dict of str to int
        ``feeds`` recorded, of these ``late``; and what was not: ``duplicates``,
        ``unchanged`` (as the server said), ``unavailable`` (outage answers),
        ``unreadable`` (kept as they came), ``failures`` (no answer) and ``retries``.
    last_error_ : str or None
        Why the last question brought no feed; None if it did, or there was no news.

    Raises
    ------
    ImportError
        If the package requests is missing (extra ``live``), or pyarrow for
        ``tables="parquet"``.
    ValueError
        If an option is out of range.

    See Also
    --------
    replay : Read a recording again.

    Notes
    -----
    An answer is appended to ``raw/<date>.xml.gz`` and is on the disk before anything
    else is done with it. Tables are written to ``<table>/date=<date>/`` from time to
    time, each file complete or not there; :func:`pandas.read_parquet` reads such a
    folder as a whole. What a kill keeps out of them is added when the recording goes
    on. Dates are those of the snapshots, UTC.

    A snapshot whose time is known already is not recorded twice. One older than the
    newest is recorded as late.

    The recorder asks at multiples of the interval, says for which moment, so that
    caches can answer, asks for news only if the server lets it, and does as told by
    ``Retry-After``, up to an hour. After failures it asks half as often each time, down
    to every 10 minutes. It follows redirects on the same server only, reads 1 MiB at
    most, and stops with an error where asking again makes no sense, such as 404. None
    of this depends on the computer's clock being right.

    NASA publishes no rules for the use of the feed. Do not ask more often than needed.

    References
    ----------
    .. [1] NASA/JPL, "Deep Space Network Now", https://eyes.nasa.gov/dsn/

    Examples
    --------
    >>> from skdsn.dsn_now import FeedRecorder
    >>> recorder = FeedRecorder("recording", interval=60)  # doctest: +SKIP
    >>> recorder.record(until="2026-03-01 12:00")  # doctest: +SKIP
    """

    def __init__(
        self,
        folder,
        *,
        url=FEED_URL,
        config_url=None,
        interval=30.0,
        tables="auto",
        tables_every="10min",
        max_retries=4,
        timeouts=(5.0, 10.0),
        deadline=30.0,
        contact=None,
        random_state=None,
        clock=time,
    ):
        if not _FLOOR <= interval < float("inf"):
            raise ValueError(
                f"interval must be at least {_FLOOR:g} s, to be polite to the server; "
                f"got {interval!r}."
            )
        if max_retries < 0:
            raise ValueError(f"max_retries must not be negative; got {max_retries!r}.")
        self.folder = None if folder is None else Path(folder)
        self.interval, self.max_retries = float(interval), max_retries
        self._clock, self._rng = clock, check_random_state(random_state)
        self._phase = self._rng.uniform(0, 0.5)
        self._every = gap_seconds(tables_every, "tables_every") or float("inf")
        self._suffix = None if folder is None else table_suffix(tables)
        agent = (
            f"skdsn/{__version__} (DSN Now recorder{f'; {contact}' * bool(contact)})"
        )
        options = {"agent": agent, "timeouts": timeouts, "deadline": deadline}
        self._fetcher = Fetcher(url, **options)
        self._config = Fetcher(config_url, **options) if config_url else None
        self._config_due = -float("inf")
        self.counts_ = dict.fromkeys(_COUNTED, 0)
        self.last_error_ = None
        self._failures, self._not_before, self._bad = 0, -float("inf"), None
        self._lock = self._writer = self._order = None
        self._known = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def record(self, n=None, until=None):
        """Record until told to stop.

        Parameters
        ----------
        n : int, default=None
            Stop after so many new snapshots.
        until : str, datetime or pandas.Timestamp, default=None
            Stop at this time, UTC, by the clock of the computer.

        Returns
        -------
        dict of str to int
            The ``counts_``.

        Raises
        ------
        OSError
            If the server refuses for good, the disk is full, or another recorder
            writes into the folder. What was recorded before stays.

        Notes
        -----
        SIGINT (Ctrl-C) and SIGTERM end the recording as `n` does, if this runs in the
        main thread.
        """
        try:
            with stopping_on_signals():
                for _ in self.follow(n, until):
                    pass
        except Stopped:
            pass
        return dict(self.counts_)

    def follow(self, n=None, until=None, *, news_only=True):
        """Record, and hand each new snapshot on.

        Parameters
        ----------
        n, until
            As for :meth:`record`.
        news_only : bool, default=True
            False hands on None where a question brought no new snapshot.

        Yields
        ------
        Bunch
            As :func:`parse_feed` gives it, and in addition ``late``: whether a newer
            one came before, and ``received``, when it came. It is on the disk.
        """
        until = as_milliseconds(until, "until")
        left = float("inf") if n is None else n
        written = self._clock.monotonic()
        try:
            while left > 0 and self._left(until) > 0:
                started = self._clock.monotonic()
                feed = self.poll()
                left -= feed is not None
                if feed is not None or not news_only:
                    yield feed
                if self._clock.monotonic() - written >= self._every and self._writer:
                    self._writer.flush()
                    written = self._clock.monotonic()
                wait = min(self._wait(started), self._left(until))
                if left > 0 and wait > 0:
                    self._clock.sleep(wait)
        finally:
            self.close()

    def poll(self):
        """Ask now, and record the answer.

        Returns
        -------
        Bunch or None
            As :meth:`follow` gives it; None if there is no new snapshot, for which
            ``last_error_`` says why if something is wrong.

        Raises
        ------
        OSError
            As :meth:`record` does.
        """
        self._open()
        self._keep_config()
        self.last_error_ = None
        try:
            content = self._fetch()
        except FetchError as error:
            self.last_error_ = str(error)
            if error.fatal:
                raise
            self.counts_["failures"] += 1
            self._failures += 1
            return None
        self._failures = 0
        if content is None:
            self.counts_["unchanged"] += 1
            return None
        return self._take(content)

    def close(self):
        """Write what waits for its table, and let go of the folder."""
        try:
            if self._writer is not None:
                self._writer.flush()
        finally:
            self._fetcher.close()
            if self._config is not None:
                self._config.close()
            if self._lock is not None:
                os.close(self._lock)
            self._lock = self._writer = self._order = None
            self._known = {}

    def _open(self):
        """Take hold of the folder, and mend what a kill left."""
        if self._order is not None:
            return
        if self.folder is None:
            self._order = FeedOrder()
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        files = raw_files(self.folder)
        for path in files[-_DAYS_KEPT:]:
            cut_torn_end(path)
        if self._suffix:
            self._writer = TableWriter(self.folder, self._suffix)
            self._writer.resume()
        times = self._times_of(files[-1].name.removesuffix(SUFFIX)) if files else ()
        self._order = FeedOrder(max(times, default=None))

    def _take_lock(self):
        if fcntl is None:
            return
        lock = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise BlockingIOError(
                error.errno,
                "Another recorder writes into this folder",
                str(self.folder),
            ) from error
        self._lock = lock

    def _fetch(self):
        """Ask, and again after a while where that may do."""
        moment = {"r": int(self._clock.time() // _FLOOR)}
        for attempt in itertools.count():
            try:
                return self._fetcher.fetch(moment)
            except FetchError as error:
                wait = 2.0**attempt * self._rng.uniform(0.75, 1.25)
                if error.after is not None:
                    wait = max(wait, error.after)
                if error.after is not None and wait > self.interval:
                    self._not_before = self._clock.monotonic() + wait
                    raise
                if not error.retry or attempt == self.max_retries:
                    raise
                self.counts_["retries"] += 1
                self._clock.sleep(wait)

    def _take(self, content):
        """Record an answer."""
        received = round(self._clock.time() * 1000)
        try:
            feed = parse_feed(content)
        except FeedUnavailable as error:
            self.counts_["unavailable"] += 1
            self.last_error_ = str(error)
            return None
        except ValueError as error:
            self.counts_["unreadable"] += 1
            self.last_error_ = str(error)
            if content != self._bad:  # a server may send the same again and again
                self._bad = content
                self._append(Record(received, None, content), None)
            return None
        self._fetcher.accept()
        moment = milliseconds_of(feed.time)
        record = Record(received, moment, content)
        times = self._times_of(day_of(record))
        if moment in times:
            self.counts_["duplicates"] += 1
            return None
        feed.late = self._order.is_late(moment)
        feed.received = as_timestamp(received)
        self._append(record, feed)
        times.add(moment)
        self.counts_["feeds"] += 1
        self.counts_["late"] += feed.late
        return feed

    def _append(self, record, feed):
        if self.folder is None:
            return
        _, end = append_record(self.folder, record)
        if self._writer is not None:
            self._writer.add(day_of(record), end, feed)

    def _times_of(self, day):
        """Know which snapshots of a day are recorded."""
        if day not in self._known:
            while len(self._known) >= _DAYS_KEPT:
                del self._known[next(iter(self._known))]
            recorded = set()
            if self.folder is not None:
                recorded = read_times(self.folder / "raw" / (day + SUFFIX))
            self._known[day] = recorded
        return self._known[day]

    def _keep_config(self):
        """Keep the configuration where it is due and has changed."""
        now = self._clock.monotonic()
        if self._config is None or self.folder is None or now < self._config_due:
            return
        self._config_due = now + _LONGEST
        try:
            content = self._config.fetch()
            if content is not None:
                parse_config(content)
                folder = self.folder / "config"
                folder.mkdir(exist_ok=True)
                kept = sorted(folder.glob("*.xml"))
                if not kept or kept[-1].read_bytes() != content:
                    stamp = np.datetime64(int(self._clock.time()), "s")
                    name = f"{stamp}Z.xml".replace(":", "").replace("-", "")
                    with replacing(folder / name) as draft:
                        draft.write_bytes(content)
                self._config.accept()
        except (FetchError, ValueError) as error:
            self.counts_["config_failures"] = self.counts_.get("config_failures", 0) + 1
            self.last_error_ = str(error)
            return
        self._config_due = now + _CONFIG_EVERY

    def _left(self, until):
        """Tell how many seconds are left by the clock of the computer."""
        return float("inf") if until is None else until / 1000 - self._clock.time()

    def _wait(self, started):
        """Tell how long to wait after a question that began at a moment."""
        period = self.interval * 2.0 ** min(self._failures, 20)
        period = min(period, max(_LONGEST, self.interval))
        # The clock may jump, but never makes a wait longer than the period, nor
        # questions come faster than the floor.
        wait = period - (self._clock.time() - self._phase) % self.interval
        now = self._clock.monotonic()
        return max(wait, _FLOOR - (now - started), self._not_before - now)
