"""Read a recording again."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from skdsn.dsn_now._order import FeedOrder
from skdsn.dsn_now._parse_feed import FeedUnavailable, parse_feed
from skdsn.dsn_now._raw_log import (
    SUFFIX,
    Record,
    as_timestamp,
    milliseconds_of,
    raw_files,
    read_records,
)

__all__ = ["as_milliseconds", "replay"]

_LOOSE = (".xml", ".json")
_COUNTED = (
    *("feeds", "duplicates", "late", "unavailable", "unreadable"),
    *("damaged", "torn"),
)


class Replay:
    """The feeds of a recording, one at a time; made by :func:`replay`.

    Attributes
    ----------
    counts : dict of str to int
        Of the last time it was read, so far: ``feeds``, ``duplicates``, ``late``,
        ``unavailable``, ``unreadable``, ``damaged``, ``torn``.
    """

    def __init__(self, folder, start, stop, keep_placeholders):
        self.folder = folder
        self._start, self._stop = start, stop
        self._keep_placeholders = keep_placeholders
        self.counts = {}

    def __repr__(self):
        return f"replay({str(self.folder)!r})"

    def __iter__(self):
        self.counts = counts = Counter(dict.fromkeys(_COUNTED, 0))
        order, seen = FeedOrder(), set()
        for record in self._records(counts):
            if record.time is not None and not self._wanted(record.time):
                continue
            feed = self._parse(record, counts)
            if feed is None:
                continue
            time = milliseconds_of(feed.time)
            if not self._wanted(time):
                continue
            if time in seen:
                counts["duplicates"] += 1
                continue
            seen.add(time)
            feed.late = order.is_late(time)
            feed.received = as_timestamp(record.received)
            counts["late"] += feed.late
            counts["feeds"] += 1
            yield feed

    def _records(self, counts):
        files = raw_files(self.folder)
        for path in files:
            # A file holds the snapshots of its date.
            day = np.datetime64(path.name.removesuffix(SUFFIX), "D")
            if self._wanted_day(day):
                for record, _ in read_records(path, counts):
                    yield record
        if not files:
            for path in _loose_files(self.folder):
                received = int(path.stat().st_mtime * 1000)
                yield Record(received, None, path.read_bytes())

    def _wanted(self, time):
        after = self._start is None or time >= self._start
        return after and (self._stop is None or time < self._stop)

    def _wanted_day(self, day):
        first, last = (
            (day + shift).astype("datetime64[ms]").astype(np.int64) for shift in (0, 1)
        )
        after = self._start is None or last > self._start
        return after and (self._stop is None or first < self._stop)

    def _parse(self, record, counts):
        try:
            return parse_feed(record.content, keep_placeholders=self._keep_placeholders)
        except FeedUnavailable:
            counts["unavailable"] += 1
        except ValueError:
            counts["unreadable"] += 1
        return None


def replay(folder, start=None, stop=None, *, keep_placeholders=False):
    """Read a recording again, answer by answer.

    Parameters
    ----------
    folder : path-like
        As :class:`FeedRecorder` writes it, also while it does; or a folder of answers
        saved one by one, as ``.xml`` or ``.json``, in the order of their names.
    start, stop : str, datetime or pandas.Timestamp, default=None
        Only snapshots from `start` and before `stop`, in UTC.
    keep_placeholders : bool, default=False
        As for :func:`parse_feed`.

    Returns
    -------
    iterable of Bunch
        Feeds as :func:`parse_feed` gives them, in the order of their coming within
        each day, and in addition ``late``: whether a newer one came before, and
        ``received``, when it came. Each time is given once. It can be read any number
        of times; its ``counts`` tell what was left out the last time, by reason.

    Raises
    ------
    ValueError
        If there is no recording in the folder, or `start` or `stop` is no time.
    NotADirectoryError
        If there is no such folder.

    See Also
    --------
    FeedRecorder : Make a recording.
    concat_feeds : Put the feeds into one set of tables.

    Notes
    -----
    An answer that a kill left half written, and any other damage, is skipped; it
    costs no whole answer.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdsn.dsn_now import replay
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for ms in (0, 5000):
    ...         answer = f"<dsn><timestamp>{ms}</timestamp></dsn>"
    ...         _ = Path(folder, f"{ms}.xml").write_text(answer)
    ...     feeds = replay(folder)
    ...     times = [feed.time for feed in feeds]
    >>> times[1] - times[0], feeds.counts["feeds"]
    (Timedelta('0 days 00:00:05'), 2)
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no folder {folder} with a recording.")
    if not raw_files(folder) and not _loose_files(folder):
        raise ValueError(
            f"{folder} holds no recording: neither raw/*{SUFFIX} nor answers "
            "(.xml, .json)."
        )
    start, stop = as_milliseconds(start, "start"), as_milliseconds(stop, "stop")
    return Replay(folder, start, stop, keep_placeholders)


def _loose_files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _LOOSE)


def as_milliseconds(time, name):
    """Read a time as ms since 1970; None stays."""
    if time is None:
        return None
    try:
        stamp = pd.Timestamp(time)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{name} must be a time such as '2019-02-12 18:00'; got {time!r}."
        ) from error
    if stamp is pd.NaT:
        raise ValueError(f"{name} must be a time; got {time!r}.")
    if stamp.tz is not None:
        stamp = stamp.tz_convert(None)
    return milliseconds_of(stamp)
