"""When links come and go: carrier, lock, decoder."""

import numpy as np
import pandas as pd

from skdsn.dsn_now._link_rows import LINK, STATES, down_rows, is_steady
from skdsn.dsn_now._tables import forms_of, need_feed
from skdsn.tracks import as_seconds, gap_seconds

__all__ = ["EVENTS", "LinkTransitions", "link_transitions"]

EVENTS = (
    "contact_begun",
    "carrier_gained",
    "lock_gained",
    "decoder_changed",
    "lock_lost",
    "carrier_lost",
    "drop_lock",
    "contact_ended",
)
_COLUMNS = {
    "time": "datetime64[ms]",
    "complex": "str",
    "dish": "str",
    "spacecraft": "str",
    "seq": "int64",
    "event": "str",
    "before": "str",
    "after": "str",
    "since": "datetime64[ms]",
    "confirmed": "datetime64[ms]",
}


class LinkTransitions:
    """Find the transitions of links in a feed as it comes in.

    However the snapshots are put together, the transitions are those that
    :func:`link_transitions` finds in all of them.

    Parameters
    ----------
    debounce, drop_lock, max_gap, spacecraft_only
        As for :func:`link_transitions`.

    See Also
    --------
    link_transitions : The meaning of the transitions.

    Examples
    --------
    >>> from skdsn.dsn_now import LinkTransitions, parse_feed
    >>> stream = LinkTransitions(debounce=0)
    >>> for time, kind in [(0, "none"), (30, "data")]:
    ...     document = (
    ...         f'<dsn><dish name="DSS14"><downSignal active="true" spacecraft="VGR1" '
    ...         f'signalType="{kind}"/></dish><timestamp>{time}000</timestamp></dsn>'
    ...     )
    ...     found = stream.update(parse_feed(document.encode()))
    >>> found["event"].to_list()
    ['carrier_gained', 'lock_gained']
    """

    def __init__(
        self,
        *,
        debounce="60s",
        drop_lock="10min",
        max_gap="10min",
        spacecraft_only=True,
    ):
        zero = isinstance(debounce, int | float) and debounce == 0
        self.debounce = 0.0 if zero else gap_seconds(debounce, "debounce") or 0.0
        self.drop_lock = gap_seconds(drop_lock, "drop_lock") or np.inf
        self.max_gap = gap_seconds(max_gap) or np.inf
        self.spacecraft_only = spacecraft_only
        self._rows = None  # what decides on transitions to come
        self._first = self._last = None  # times of snapshots

    def update(self, feed):
        """Take the next snapshots.

        Parameters
        ----------
        feed : Bunch
            One snapshot or many, all newer than those before, as :func:`parse_feed`
            or :func:`concat_feeds` gives it.

        Returns
        -------
        DataFrame
            The transitions that these snapshots make sure of, as
            :func:`link_transitions` returns them.

        Raises
        ------
        ValueError
            If the feed goes back in time; it then changes nothing.
        """
        need_feed(feed)
        times = np.sort(as_seconds(forms_of(feed).index))
        if len(times) == 0:
            return _make_table([])
        if self._last is not None and times[0] <= self._last:
            raise ValueError(
                f"The feed goes back in time, from {_stamp(self._last)} to "
                f"{_stamp(times[0])}; leave out what came late."
            )
        self._first = times[0] if self._first is None else self._first
        rows = down_rows(feed, self.spacecraft_only)
        old = self._rows
        rows["old"] = False
        rows["contact"] = -1
        if old is not None:
            rows = pd.concat([old, rows], ignore_index=True)
        rows = rows.sort_values([*LINK, "s"], kind="stable", ignore_index=True)
        self._number_contacts(rows)
        events, kept = self._find(rows, times)
        since = -np.inf if self._last is None else self._last
        self._last = times[-1]
        rows = rows[kept].assign(old=True)
        self._rows = rows
        table = _make_table(events)
        return table[as_seconds(table["confirmed"]) > since].reset_index(drop=True)

    def _number_contacts(self, rows):
        """Give contacts their numbers; old rows that were apart stay so."""
        s = rows["s"].to_numpy()
        created = rows.groupby(LINK, sort=False)["created"].ffill().to_numpy()
        rows["created"] = created
        link = rows.groupby(LINK, sort=False).ngroup().to_numpy()
        cut = np.append(True, link[1:] != link[:-1])[: len(rows)]
        moved = (created[1:] != created[:-1]) & ~np.isnat(created[:-1])
        old, contact = rows["old"].to_numpy(), rows["contact"].to_numpy()
        # Rows between old ones may be gone, so that only their numbers tell.
        both = old[1:] & old[:-1]
        again = np.where(
            both,
            contact[1:] != contact[:-1],
            moved | (np.diff(s) > self.max_gap),
        )
        cut[1:] |= again
        rows["contact"] = np.cumsum(cut)

    def _find(self, rows, times):
        """Find all transitions in the rows, and the rows that are needed later."""
        n = len(rows)
        if n == 0:
            return [], np.zeros(0, bool)
        s, contact = rows["s"].to_numpy(), rows["contact"].to_numpy()
        begins = np.flatnonzero(np.append(True, contact[1:] != contact[:-1]))
        ends = np.append(begins[1:], n) - 1
        first_of = np.repeat(begins, np.diff(np.append(begins, n)))
        seen_from_start = s[first_of] == self._first
        events, kept = [], np.zeros(n, bool)
        kept[begins] = kept[ends] = True

        new = begins[~seen_from_start[begins]]
        events.append(_events(rows, new, "contact_begun", s[new]))
        over, known = self._endings(rows, begins, ends, times)
        events.append(
            _events(
                rows,
                over,
                "contact_ended",
                known,
            )
        )
        for state in STATES:
            found, sure = self._changes(rows, state, first_of, seen_from_start, kept)
            events += found
            kept[sure] = True
        live = np.ones(n, bool)
        for end in over:
            live[first_of[end] : end + 1] = False
        return events, kept & live

    def _endings(self, rows, begins, ends, times):
        """Find contacts that are over, and since when that is known."""
        s = rows["s"].to_numpy()
        link = rows.groupby(LINK, sort=False).ngroup().to_numpy()
        known = np.full(len(ends), np.inf)
        later = np.searchsorted(times, s[ends] + self.max_gap, side="right")
        missing = later < len(times)
        known[missing] = times[later[missing]]
        follows = np.flatnonzero(link[begins[1:]] == link[ends[:-1]])
        known[follows] = np.minimum(known[follows], s[begins[1:]][follows])
        over = np.isfinite(known)
        return ends[over], known[over]

    def _changes(self, rows, state, first_of, seen_from_start, kept):
        """Find the confirmed changes of a state."""
        s = rows["s"].to_numpy()
        values = rows[state].to_numpy()
        fresh = np.append(True, values[1:] != values[:-1])
        fresh |= first_of == np.arange(len(rows))
        starts = np.flatnonzero(fresh)
        lasts = np.append(starts[1:], len(rows)) - 1
        kept[starts] = kept[lasts] = True
        lengths = np.diff(np.append(starts, len(rows)))
        held = s - np.repeat(s[starts], lengths) >= self.debounce
        row = np.where(held, np.arange(len(rows)), len(rows))
        sure = np.minimum.reduceat(row, starts)
        head = first_of[starts] == starts
        # What a contact that was there from the start had, or a decoder, is no change.
        base = head & (seen_from_start[starts] | (state == "decoder"))
        confirmed = (sure < len(rows)) | base
        starts, sure = starts[confirmed], sure[confirmed]
        base = base[confirmed]
        contact = first_of[starts]
        same = np.append(False, contact[1:] == contact[:-1])[: len(starts)]
        before = np.full(len(starts), "" if state == "decoder" else False, object)
        before[1:][same[1:]] = values[starts[:-1]][same[1:]]
        changed = ~base & (values[starts] != before)
        changed &= same | (state != "decoder")
        at, before = starts[changed], before[changed]
        sure, contact = sure[changed], contact[changed]
        same = np.append(False, contact[1:] == contact[:-1])[: len(at)]
        since = np.full(len(at), np.nan)
        since[same] = s[at[:-1][same[1:]]]
        return self._told(rows, state, at, before, s[sure], since), sure

    def _told(self, rows, state, at, before, confirmed, since):
        """Turn changes into events."""
        values = rows[state].to_numpy()[at]
        if state == "decoder":
            return [
                _events(
                    rows,
                    at,
                    "decoder_changed",
                    confirmed,
                    since=since,
                    before=before,
                    after=values,
                )
            ]
        events = []
        for gained, name in ((True, "gained"), (False, "lost")):
            some = np.flatnonzero(values == gained)
            events.append(
                _events(
                    rows,
                    at[some],
                    f"{state}_{name}",
                    confirmed[some],
                    since=since[some],
                    before=np.where(before[some].astype(bool), "on", "off"),
                    after=np.full(len(some), "on" if gained else "off"),
                )
            )
        if state == "carrier":
            s = rows["s"].to_numpy()
            back = np.flatnonzero((values == True) & ~np.isnan(since))  # noqa: E712
            lost = at[back - 1] if len(back) else back
            within = s[at[back]] - s[lost] <= self.drop_lock
            back, lost = back[within], lost[within]
            steady = is_steady(rows, lost, at[back])
            back = back[steady]
            events.append(
                _events(rows, at[back], "drop_lock", confirmed[back], since=since[back])
            )
        return events


def link_transitions(
    feed,
    *,
    debounce="60s",
    drop_lock="10min",
    max_gap="10min",
    spacecraft_only=True,
):
    """Find when links come and go: carrier, lock, decoder.

    Parameters
    ----------
    feed : Bunch
        Snapshots as :func:`concat_feeds`, :func:`parse_feed` or :func:`make_dsn_now`
        gives them; of the tables, signals and dishes are used.
    debounce : float, str or pandas.Timedelta, default="60s"
        A state counts once it has held for so long, in seconds or as a timedelta; 0
        takes every change.
    drop_lock : float, str or pandas.Timedelta, default="10min"
        A carrier that is lost and heard again within this time, while the dish keeps
        its direction, is a drop of lock.
    max_gap : float, str or pandas.Timedelta, default="10min"
        A contact ends where its downlink was not in the feed for longer; as for
        :func:`to_telemetry`.
    spacecraft_only : bool, default=True
        Leave out test codes, radar and radio astronomy.

    Returns
    -------
    DataFrame
        A row per transition, in the order in which they become sure: ``time`` of the
        first snapshot in the new state; ``complex``, ``dish``, ``spacecraft``,
        ``seq``; ``event``; states ``before`` and ``after``, missing where they do not
        apply; ``since``: time of the change before it of the same state in the same
        contact, for a drop of lock that of the loss; ``confirmed``: time of the
        snapshot that made it sure. Events are

        - contact_begun, contact_ended: the downlink came into the feed, and the last
          snapshot in which it was;
        - carrier_gained, carrier_lost: the receiver hears the carrier;
        - lock_gained, lock_lost: telemetry is in lock;
        - decoder_changed: state of the decoder, with its second stage if it has one;
        - drop_lock: carrier lost and heard again, as the crew orders after locking on
          the wrong spacecraft.

    See Also
    --------
    LinkTransitions : The same, snapshot by snapshot.
    LinkStateParser : The states behind it.

    Notes
    -----
    In form 1 of the feed states are those of the debug string; the later forms tell by
    the signal type only, and nothing of the decoder. What is not told counts as off.
    At the first snapshot, states are taken as they are; in a contact that begins
    later, a carrier that is there at once counts as gained. The end of a contact is no
    loss, and has no debounce.

    Examples
    --------
    >>> from skdsn.dsn_now import concat_feeds, link_transitions, parse_feed
    >>> feeds = [
    ...     parse_feed(
    ...         f'<dsn><dish name="DSS14"><downSignal active="true" spacecraft="VGR1" '
    ...         f'signalType="{kind}"/></dish><timestamp>{time}000</timestamp></dsn>'
    ...         .encode()
    ...     )
    ...     for time, kind in [(0, "data"), (30, "carrier"), (60, "data"), (90, "none"),
    ...                        (150, "none")]
    ... ]
    >>> link_transitions(concat_feeds(feeds))[["time", "event", "confirmed"]]
                     time         event           confirmed
    0 1970-01-01 00:01:30     lock_lost 1970-01-01 00:02:30
    1 1970-01-01 00:01:30  carrier_lost 1970-01-01 00:02:30
    """
    stream = LinkTransitions(
        debounce=debounce,
        drop_lock=drop_lock,
        max_gap=max_gap,
        spacecraft_only=spacecraft_only,
    )
    return stream.update(feed)


def _events(rows, at, event, confirmed, *, since=np.nan, before=None, after=None):
    """Put the events of some rows into a table."""
    found = rows.iloc[at]
    n = len(found)
    return pd.DataFrame(
        {
            **{name: found[name].to_numpy() for name in ("complex", *LINK)},
            "s": found["s"].to_numpy(),
            "event": event,
            "before": np.full(n, None) if before is None else before,
            "after": np.full(n, None) if after is None else after,
            "since": np.broadcast_to(since, n),
            "confirmed": confirmed,
        }
    )


def _make_table(events):
    """Put events under each other, in the order in which they become sure."""
    events = [table for table in events if len(table)]
    if not events:
        empty = {name: pd.Series([], dtype=kind) for name, kind in _COLUMNS.items()}
        return pd.DataFrame(empty)
    table = pd.concat(events, ignore_index=True)
    rank = table["event"].map({event: number for number, event in enumerate(EVENTS)})
    table = table.assign(rank=rank, time=_times(table["s"]))
    table = table.sort_values(["confirmed", "s", *LINK, "rank"], ignore_index=True)
    table = table.assign(
        since=_times(table["since"]), confirmed=_times(table["confirmed"])
    )
    return table[list(_COLUMNS)].astype(_COLUMNS)


def _times(seconds):
    """Turn seconds since 1970 into times; NaN is missing."""
    seconds = np.asarray(seconds, dtype=np.float64)
    known = np.isfinite(seconds)
    out = np.full(len(seconds), np.datetime64("NaT", "ms"))
    out[known] = np.round(seconds[known] * 1000).astype(np.int64).astype("M8[ms]")
    return out


def _stamp(seconds):
    return pd.Timestamp(_times([seconds])[0])
