"""Tables of packets to one telemetry frame."""

import numpy as np
import pandas as pd

from skdsn.ccsds._decode import PROVENANCE
from skdsn.tracks import gap_seconds

__all__ = ["TelemetryMerger", "to_telemetry"]

_ORIGIN = [f"_{name}" for name in PROVENANCE]


def to_telemetry(kinds, *, max_gap="1h", numeric_only=True):
    """Merge the tables of packet kinds into one telemetry frame.

    Parameters
    ----------
    kinds : DecodedPackets or mapping of str to DataFrame
        As :func:`decode_packets` returns them.
    max_gap : float, str, pandas.Timedelta or None, default="1h"
        A longer time without any packet of a spacecraft begins a new track.
    numeric_only : bool, default=True
        Leave columns of labels, text and bytes out, which detectors do not take.

    Returns
    -------
    DataFrame
        Indexed by ``(track, time)``. Tracks are ``"403-0001"``, ``"403-0002"``, ... of
        each spacecraft; there is a row for every time at which a packet was received,
        or recorded on board. Columns are ``HKWOD_v_bus``; of a kind with several APIDs
        ``HKUV_14_t_pa``. What no packet tells at a time is NaN; nothing is filled.
        ``attrs`` hold ``units``, and ``statistics``: packets ``moved`` and
        ``without_time``, and ``steps_back``.

    Raises
    ------
    ValueError
        If no packet has a time, or there are no columns.

    See Also
    --------
    skdsn.preprocessing.CausalImputer : Carry the last value on.

    Notes
    -----
    Times must increase within a track, but the packets that end in one frame have one
    time. Those of one kind and APID are moved by a microsecond each in their order, and
    counted. Rows are sorted by time.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.ccsds import to_telemetry
    >>> time = pd.to_datetime(["2018-10-17 12:00", "2018-10-17 12:00"])
    >>> origin = {"_spacecraft_id": 403, "_apid": 5}
    >>> beacon = pd.DataFrame({"u_bus": [6.0, 6.5]} | origin, time)
    >>> to_telemetry({"beacon": beacon})
                                         beacon_u_bus
    track    time
    403-0001 2018-10-17 12:00:00.000000           6.0
             2018-10-17 12:00:00.000001           6.5
    """
    merger = TelemetryMerger(max_gap=max_gap, numeric_only=numeric_only)
    X = merger._merge(kinds, final=True)
    if len(X) == 0 and merger.statistics["without_time"]:
        raise ValueError(
            f"None of the {merger.statistics['without_time']} packets has a time; give "
            "their definitions a rule for the time on board, or the packets a time."
        )
    X.attrs = merger.attrs
    return X


class TelemetryMerger:
    """Merge the tables of packet kinds as they come.

    For any cutting of the same packets, those in order of time, the rows of all updates
    and of :meth:`finish` are those of :func:`to_telemetry`.

    Parameters
    ----------
    max_gap, numeric_only
        As of :func:`to_telemetry`.
    hold : float, str or pandas.Timedelta, default=0
        How much later than others a packet may come without a step back in time.

    Attributes
    ----------
    statistics : dict of str to int
        ``moved``, ``without_time`` and ``steps_back``: the times at which packets of a
        spacecraft came that are older than rows given out already, which begins a new
        track.
    units : dict of str to str
    """

    def __init__(self, *, max_gap="1h", numeric_only=True, hold=0):
        gap = gap_seconds(max_gap)
        self._gap = None if gap is None else round(gap * 1e6)
        hold = 0 if hold == 0 else gap_seconds(hold, "hold")
        self._hold = round(hold * 1e6)
        self._numeric_only = numeric_only
        self._streams = None  # (kind, apid): its columns in the result
        self._empty = None  # of the result
        self._crafts = {}
        self.statistics = {"moved": 0, "steps_back": 0, "without_time": 0}
        self.units = {}

    @property
    def attrs(self):
        """What the attributes of the result hold."""
        return {"units": dict(self.units), "statistics": dict(self.statistics)}

    def update(self, kinds):
        """Take packets, and give the rows that are complete.

        Parameters
        ----------
        kinds : mapping of str to DataFrame
            Of the same kinds and columns each time.

        Returns
        -------
        DataFrame

        Raises
        ------
        ValueError
            If the columns are others than before.
        """
        return self._merge(kinds)

    def _merge(self, kinds, *, final=False):
        """Take packets; give the rows that are complete, all if these are the last."""
        if self._streams is None:
            self._learn(kinds)
        parts = {}
        for kind, frame in kinds.items():
            self._check_kind(kind, frame)
            for craft, rows in self._split(frame):
                parts.setdefault(craft, {})[kind] = rows
        tables = []
        for craft in sorted(parts, key=str):
            known = self._crafts.setdefault(craft, _Craft(craft, self))
            tables += known.update(parts[craft])
            if final:
                tables += known.finish()
        return self._join(tables)

    def finish(self):
        """Give the rows that were held back.

        Returns
        -------
        DataFrame
        """
        if self._streams is None:
            raise ValueError("There is no packet kind to merge; update first.")
        crafts = sorted(self._crafts.values(), key=lambda craft: str(craft.name))
        return self._join([table for craft in crafts for table in craft.finish()])

    def _learn(self, kinds):
        if not kinds:
            raise ValueError("There is no packet kind to merge; got an empty mapping.")
        self._streams, empty = {}, {}
        for kind, frame in kinds.items():
            _check_frame(kind, frame)
            apids = frame.attrs.get("apid")
            if apids is None:
                apids = sorted(frame["_apid"].unique().tolist())
            several = len(apids) > 1
            values = frame.drop(columns=frame.columns.intersection(_ORIGIN))
            if self._numeric_only:
                values = values.select_dtypes("number")
            for apid in apids if several else [None]:
                prefix = f"{kind}_{apid}" if several else kind
                names = {column: f"{prefix}_{column}" for column in values.columns}
                self._streams[kind, apid] = names
                units = frame.attrs.get("units", {})
                self.units |= {names[c]: units[c] for c in names if c in units}
                empty |= {names[c]: values[c].iloc[:0] for c in names}
        if not empty:
            raise ValueError(
                "The packets have no columns of numbers; use numeric_only=False to "
                "merge labels and text."
            )
        expected = sum(len(names) for names in self._streams.values())
        if len(empty) < expected:
            names = [n for stream in self._streams.values() for n in stream.values()]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"Two kinds would have the column {twice!r}; rename one.")
        self._empty = {
            name: values if values.dtype.kind not in "iufb" else values.astype("f8")
            for name, values in empty.items()
        }

    def _check_kind(self, kind, frame):
        _check_frame(kind, frame)
        mine = [names for (name, _), names in self._streams.items() if name == kind]
        wanted = list(mine[0]) if mine else []
        missing = [column for column in wanted if column not in frame.columns]
        columns = frame.columns.difference(_ORIGIN)
        if self._numeric_only and not missing:
            columns = frame[columns].select_dtypes("number").columns
        more = [column for column in columns if column not in wanted]
        if missing or more:
            raise ValueError(
                f"Packets of the kind {kind!r} must have the same columns in every "
                f"update; {(missing + more)[0]!r} is not in all of them."
            )
        apids = [apid for name, apid in self._streams if name == kind]
        foreign = ~frame["_apid"].isin(apids)
        if None not in apids and foreign.any():
            apid = frame["_apid"].to_numpy()[foreign.to_numpy()][0]
            raise ValueError(
                f"A packet of the kind {kind!r} has APID {apid}, but those of the kind "
                f"are {apids}."
            )

    def _split(self, frame):
        """Give the rows of each spacecraft, without those that have no time."""
        timed = frame.index.notna()
        self.statistics["without_time"] += int((~timed).sum())
        if not timed.all():
            frame = frame[timed]
        crafts, names = pd.factorize(frame["_spacecraft_id"], use_na_sentinel=False)
        for number, name in enumerate(names):
            name = "unknown" if pd.isna(name) else name
            yield name, frame if len(names) == 1 else frame[crafts == number]

    def _join(self, tables):
        """Put the tables of tracks one below the other."""
        names = [name for name, _, _ in tables]
        sizes = [len(times) for _, times, _ in tables]
        times = np.concatenate([times for _, times, _ in tables] or [np.empty(0, "i8")])
        codes, levels = pd.factorize(np.repeat(np.array(names, object), sizes))
        times = pd.DatetimeIndex(times.view("datetime64[us]"))
        index = pd.MultiIndex.from_arrays(
            [pd.Categorical.from_codes(codes, levels.astype(str)), times],
            names=["track", "time"],
        )
        index = index.set_levels(index.levels[0].astype("str"), level=0)
        return self._fill(tables, sizes, index)

    def _fill(self, tables, sizes, index):
        numbers = [name for name, one in self._empty.items() if one.dtype.kind == "f"]
        place = {name: column for column, name in enumerate(numbers)}
        block = np.full((len(numbers), len(index)), np.nan)
        others = {name: [] for name in self._empty if name not in place}
        at = 0
        for (_, _, streams), size in zip(tables, sizes, strict=True):
            for stream, (rows, frame) in streams.items():
                for column, name in self._streams[stream].items():
                    if name in place:
                        block[place[name], at + rows] = frame[column].to_numpy()
                    else:
                        others[name].append((at + rows, frame[column]))
            at += size
        X = pd.DataFrame(block.T, index=index, columns=numbers)
        if not others:
            return X
        X = pd.concat([X, self._place(others, index)], axis=1)
        return X[list(self._empty)]

    def _place(self, others, index):
        columns = {}
        for name, pieces in others.items():
            values = pd.concat([self._empty[name], *(piece for _, piece in pieces)])
            where = np.full(len(index), -1)
            rows = [rows for rows, _ in pieces]
            if rows:
                where[np.concatenate(rows)] = np.arange(len(values))
            columns[name] = values.array.take(where, allow_fill=True)
        return pd.DataFrame(columns, index=index)


class _Craft:
    """The rows of one spacecraft that may not be complete yet."""

    def __init__(self, name, merger):
        self.name = name
        self._merger = merger
        self._held = {}  # kind: its rows
        self._given = {}  # stream: time of its last row given out
        self._until = None  # rows before this time were given out
        self._track, self._last = 0, None

    def update(self, parts):
        """Take the rows of each kind; give tables (track, times, streams)."""
        tables = []
        first = min(_ticks(frame).min() for frame in parts.values())
        if self._until is not None and first < self._until:
            self._merger.statistics["steps_back"] += 1
            tables += self.finish()
            self._last = None
        for kind, frame in parts.items():
            held = self._held.get(kind)
            self._held[kind] = frame if held is None else pd.concat([held, frame])
        until = max(_ticks(frame).max() for frame in self._held.values())
        return tables + self._give(until - self._merger._hold)

    def finish(self):
        """Give all rows that are left."""
        tables = self._give(None)
        self._until, self._given = None, {}
        return tables

    def _give(self, until):
        """Give the rows before a time, None for all."""
        ready, held = {}, {}
        for stream, frame in self._by_stream():
            frame = frame.iloc[np.argsort(_ticks(frame), kind="stable")]
            ticks = _ticks(frame)
            times = _increase(ticks, self._given.get(stream))
            done = len(times) if until is None else np.searchsorted(times, until)
            if done:
                moved = int((times[:done] != ticks[:done]).sum())
                self._merger.statistics["moved"] += moved
                self._given[stream] = times[done - 1]
                ready[stream] = times[:done], frame.iloc[:done]
            if done < len(times):
                held.setdefault(stream[0], []).append(frame.iloc[done:])
        self._held = {
            kind: frames[0] if len(frames) == 1 else pd.concat(frames)
            for kind, frames in held.items()
        }
        if until is not None:
            self._until = until
        return self._as_tables(ready)

    def _by_stream(self):
        for kind, apid in self._merger._streams:
            frame = self._held.get(kind)
            if frame is None:
                continue
            if apid is not None:
                frame = frame[frame["_apid"].to_numpy() == apid]
            if len(frame):
                yield (kind, apid), frame

    def _as_tables(self, ready):
        """Cut what is ready at gaps."""
        if not ready:
            return []
        times = np.unique(np.concatenate([times for times, _ in ready.values()]))
        gap = self._merger._gap
        new = np.zeros(len(times), dtype=bool)
        if gap is not None:
            new[1:] = np.diff(times) > gap
            new[0] = self._last is not None and times[0] - self._last > gap
        new[0] |= self._last is None
        self._last = times[-1]
        tracks = self._track + np.cumsum(new)
        self._track = int(tracks[-1])
        cuts = np.flatnonzero(np.diff(tracks)) + 1
        tables = []
        for start, stop in zip([0, *cuts], [*cuts, len(times)], strict=True):
            mine = times[start:stop]
            streams = {}
            for stream, (at, frame) in ready.items():
                low, high = np.searchsorted(at, [mine[0], mine[-1] + 1])
                if high > low:
                    rows = np.searchsorted(mine, at[low:high])
                    streams[stream] = rows, frame.iloc[low:high]
            tables.append((f"{self.name}-{tracks[start]:04d}", mine, streams))
        return tables


def _increase(ticks, last):
    """Move equal times on by one each, and beyond the last one given out."""
    steps = np.arange(len(ticks))
    least = ticks - steps
    if last is not None:
        least = np.maximum(least, last + 1)
    return np.maximum.accumulate(least) + steps


def _ticks(frame):
    return frame.index.as_unit("us").asi8


def _check_frame(kind, frame):
    needed = [c for c in ("_spacecraft_id", "_apid") if c not in frame.columns]
    if needed or not isinstance(frame.index, pd.DatetimeIndex):
        raise ValueError(
            f"The table of {kind!r} must be indexed by time and have the columns "
            "_spacecraft_id and _apid, as decode_packets makes it."
        )
