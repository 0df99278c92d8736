"""``skdsn watch``."""

import shutil
import sys
from collections import deque
from contextlib import closing
from operator import itemgetter

import pandas as pd

from skdsn.cli._detectors import load_detector
from skdsn.cli._print import counted
from skdsn.dsn_now import (
    CONFIG_URL,
    FEED_URL,
    FeedRecorder,
    LinkTransitions,
    TelemetryStream,
    concat_feeds,
    replay,
)
from skdsn.dsn_now._link_table import link_table
from skdsn.streaming import StreamingDetector

_HOME_AND_CLEAR = "\x1b[H\x1b[2J\x1b[3J"
_TIME = "%Y-%m-%d %H:%M:%S"
_BATCH = 200  # answers of a recording that are looked at together
_LINES = 10  # of what happened last, below the table


def run(args):
    """Watch the feed or a recording.

    Parameters
    ----------
    args : argparse.Namespace
    """
    _check_options(args)
    happenings = _Happenings(args)
    if args.replay:
        _watch_replay(args.replay, happenings)
        return
    recorder = FeedRecorder(
        args.folder,
        url=args.url or FEED_URL,
        config_url=None if args.url else CONFIG_URL,
        interval=args.interval,
    )
    if args.once:
        _show_once(recorder)
    else:
        _watch_live(recorder, happenings)


def _check_options(args):
    if args.replay:
        for option in ("folder", "url", "once"):
            if getattr(args, option):
                raise ValueError(f"--{option} does not go with --replay.")
    if args.once and args.detector:
        raise ValueError("--detector does not go with --once: it needs more answers.")


def _show_once(recorder):
    with recorder:
        feed = recorder.poll()
        if feed is None:
            raise OSError(
                recorder.last_error_
                or "The feed has no newer answer than the recording."
            )
        print(_table(feed))


def _watch_replay(folder, happenings):
    feeds, last = replay(folder), None
    news = (feed for feed in feeds if not feed.late)
    for several in _in_batches(news):
        last = several[-1]
        for line in happenings.update(concat_feeds(several)):
            print(line)
    if last is not None:
        print(_table(last))
    told = [
        f"{count:,} {reason}"
        for reason, count in feeds.counts.items()
        if count and reason != "feeds"
    ]
    print(counted(feeds.counts["feeds"], "answer"), *told, sep=", ")


def _in_batches(feeds):
    """Put answers together while they go forward in time."""
    several = []
    for feed in feeds:
        if several and (len(several) == _BATCH or feed.time <= several[-1].time):
            yield several
            several = []
        several.append(feed)
    if several:
        yield several


def _watch_live(recorder, happenings):
    screen = sys.stdout.isatty()
    lines, error, last = deque(maxlen=_LINES), None, None
    with closing(recorder.follow(news_only=False)) as answers:
        for feed in answers:
            new = []
            if feed is not None and not feed.late:
                last, new = feed, happenings.update(feed)
            if recorder.last_error_ not in (None, error):
                new.append(_plain(f"no news: {recorder.last_error_}"))
            error = recorder.last_error_
            lines.extend(new)
            if not screen:
                print(*new, sep="\n", end="\n" if new else "", flush=True)
            else:
                print(_HOME_AND_CLEAR + (_table(last) if last else ""), end="\n\n")
                print(
                    *lines, f"{counted(recorder.counts_['feeds'], 'answer')}.", sep="\n"
                )
                sys.stdout.flush()


class _Happenings:
    """What happens, a line each: transitions and alarms."""

    def __init__(self, args):
        try:
            self._debounce = float(args.debounce)  # plain numbers are seconds
        except ValueError:
            self._debounce = args.debounce
        self._detector = args.detector and (load_detector(args.detector), args.detector)
        self._last = None
        self._begin()

    def _begin(self):
        self._transitions = LinkTransitions(debounce=self._debounce)
        self._alarms = _Alarms(*self._detector) if self._detector else None

    def update(self, feed):
        """Take the next snapshots; list what happened."""
        times = [feed.time] if "time" in feed else feed.forms.index
        happened = []
        if self._last is not None and min(times) <= self._last:
            self._begin()
            happened.append((min(times), "the clock of the feed was set back"))
        self._last = max(times)
        happened += [
            (event.confirmed, f"{event.time:{_TIME}}  {_describe(event)}")
            for event in self._transitions.update(feed).itertuples()
        ]
        if self._alarms:
            happened += self._alarms.update(feed)
        return [_plain(text) for _, text in sorted(happened, key=itemgetter(0))]


def _describe(event):
    """Tell a transition in words."""
    receiver = f"#{event.seq}" if event.seq else ""  # as tracks name it
    link = f"{event.spacecraft}{receiver}"
    text = f"{event.dish:6} {link:6} {event.event.replace('_', ' ')}"
    if event.event == "decoder_changed":
        return f"{text}: {event.before or 'none'} -> {event.after or 'none'}"
    if event.event == "drop_lock":
        return f"{text}, {(event.time - event.since).total_seconds():.0f} s"
    return text


class _Alarms:
    """A detector that tells when a link becomes anomalous, and when that is over."""

    def __init__(self, loaded, path):
        detector, columns = loaded
        classes = getattr(detector, "classes_", None)
        if classes is not None and not set(classes) <= {0, 1}:
            raise ValueError(
                f"{path} tells states, not alarms; fit it on labels 0 and 1, such as "
                "link_state_labels(X, horizon='5min', target='lost')."
            )
        self._stream = StreamingDetector(detector)
        self._telemetry = TelemetryStream()
        self._drop = set(columns.get("drop", ()))
        self._names = getattr(detector, "feature_names_in_", None)
        self._path = path
        self._on = set()

    def update(self, feed):
        """Score the next snapshots; give the time and the words of what changed."""
        X = self._features(self._telemetry.update(feed))
        changes = []
        scores = self._stream.update(X) if len(X) else None
        if scores is not None:
            tracks = pd.Series(scores.index.get_level_values(0), index=scores.index)
            before = scores["anomaly"].groupby(tracks).shift()
            before = before.fillna(tracks.isin(self._on).astype(float)) > 0
            flags = scores["anomaly"] > 0
            for (track, time), score in scores["score"][flags != before].items():
                what = (
                    f"ALARM, score {score:.3f}" if flags[track, time] else "alarm over"
                )
                changes.append((time, f"{time:{_TIME}}  {track} {what}"))
            last = flags.groupby(tracks).last()
            self._on = (self._on - set(last.index)) | set(last.index[last])
        over = [each for each in self._telemetry.ended_ if each in self._stream.tracks_]
        self._stream.forget(*over)
        self._on.difference_update(over)
        return changes

    def _features(self, X):
        if self._names is None:
            return X[[name for name in X.columns if name not in self._drop]]
        missing = [name for name in self._names if name not in X.columns]
        if missing:
            raise ValueError(
                f"{self._path} was fitted on {missing[0]!r}, which is no column of the "
                "feed; fit the detector on what skdsn.dsn_now.to_telemetry makes."
            )
        return X[list(self._names)]


def _table(feed):
    """Write the table of a snapshot, as wide as the terminal."""
    table = link_table(feed)
    table = table[[name for name in table.columns if (table[name] != "").any()]]
    heads = [name.upper() for name in table.columns]
    rows = [heads, *table.to_numpy().tolist()]
    rows = [[_plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    wide = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    lines = [
        "  ".join(map(str.ljust, row, widths)).rstrip()[:wide] for row in rows if row
    ]
    return "\n".join([f"DSN Now, {feed.time:%Y-%m-%d %H:%M:%S} UTC", *lines])


def _plain(text):
    """Leave out what could steer a terminal: the text comes from afar."""
    return "".join(char if char.isprintable() else "?" for char in text)
