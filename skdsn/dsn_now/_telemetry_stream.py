"""Telemetry of a feed as it comes in."""

import re

import pandas as pd

from skdsn.dsn_now._tables import forms_of, need_feed
from skdsn.dsn_now._telemetry import to_telemetry
from skdsn.tracks import gap_seconds

__all__ = ["TelemetryStream"]

_TRACK = re.compile(r"(.*?)(#\d+)?/(\d+)", re.DOTALL)


class TelemetryStream:
    """Turn snapshots into telemetry as they come, in tracks that go on.

    The rows are those of :func:`to_telemetry` for all snapshots together.

    Parameters
    ----------
    max_gap : float, str or pandas.Timedelta, default="10min"
        As for :func:`to_telemetry`.

    Attributes
    ----------
    ended_ : list of str
        Tracks that are known to be over since the last update.

    See Also
    --------
    skdsn.streaming.StreamingDetector : Takes the rows.

    Examples
    --------
    >>> from skdsn.dsn_now import TelemetryStream, parse_feed
    >>> stream = TelemetryStream()
    >>> for time in (0, 30, 9000):
    ...     document = (
    ...         '<dsn><dish name="DSS14"><downSignal power="-155.5" '
    ...         f'spacecraft="VGR1"/></dish><timestamp>{time}000</timestamp></dsn>'
    ...     )
    ...     X = stream.update(parse_feed(document.encode()))
    >>> X.index[0][0], stream.ended_
    ('DSS14/VGR1/0002', ['DSS14/VGR1/0001'])
    """

    def __init__(self, *, max_gap="10min"):
        self.ended_ = []
        self._last = None  # time of a snapshot
        self._max_gap = gap_seconds(max_gap) or float("inf")
        # A link is a dish and a spacecraft.
        self._ends = {}  # link to the last time, and when the dish was set up
        self._newest = {}  # link to the number of its last contact
        self._live = {}  # track to its link and number

    def update(self, feed):
        """Take the next snapshots.

        Parameters
        ----------
        feed : Bunch
            One or many, newer than those before, as :func:`parse_feed` or
            :func:`concat_feeds` gives them.

        Returns
        -------
        DataFrame indexed by (track, time)
            As :func:`to_telemetry` returns it.
        """
        need_feed(feed)
        self.ended_ = []
        times = forms_of(feed).index
        if not len(times):
            return to_telemetry(feed)
        if self._last is not None and times.min() <= self._last:
            raise ValueError(
                f"Snapshots must be newer than those before, {self._last}; got one of "
                f"{times.min()}. Sort them, or make a new TelemetryStream."
            )
        self._last = times.max()
        X = to_telemetry(feed, max_gap=self._max_gap)
        tracks, time = X.index.get_level_values(0), X.index.get_level_values(1)
        parts = {track: _TRACK.fullmatch(track).groups() for track in tracks.unique()}
        rows = pd.DataFrame(
            {
                "link": [parts[track][0] for track in tracks],
                "time": time,
                "created": X["created"].to_numpy(),
            }
        ).sort_values("time", kind="stable")
        seen = rows.groupby("link").agg(["first", "last"])
        shifts = {link: self._shift(link, row) for link, row in seen.iterrows()}
        names = {}
        for track, (link, receiver, number) in parts.items():
            contact = int(number) + shifts[link]
            names[track] = f"{link}{receiver or ''}/{contact:04d}"
            self._live[names[track]] = link, contact
            self._newest[link] = max(contact, self._newest.get(link, 0))
        for link, row in seen.iterrows():
            created = row["created", "last"]
            if pd.isna(created) and link in self._ends:
                created = self._ends[link][1]
            self._ends[link] = row["time", "last"], created
        self._end(times.max())
        levels = [tracks.map(names), time]
        index = pd.MultiIndex.from_arrays(levels, names=X.index.names)
        return X.set_axis(index, axis=0)

    def _shift(self, link, row):
        """Tell by how much the numbers of a link's contacts go up."""
        if link not in self._ends:
            return 0
        last, known = self._ends[link]
        created = row["created", "first"]
        over = (row["time", "first"] - last).total_seconds() > self._max_gap
        moved = pd.notna(created) and pd.notna(known) and created != known
        return self._newest[link] - (0 if over or moved else 1)

    def _end(self, now):
        """List the tracks that are over."""
        for track, (link, contact) in list(self._live.items()):
            gap = (now - self._ends[link][0]).total_seconds()
            if gap > self._max_gap or contact < self._newest[link]:
                del self._live[track]
                self.ended_.append(track)
