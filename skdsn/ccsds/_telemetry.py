"""Tables of packets to one telemetry frame."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from skdsn.ccsds._decode import ORIGIN
from skdsn.ccsds._telemetry_rows import SpacecraftRows, StreamPackets
from skdsn.tracks import gap_seconds

__all__ = ["TelemetryMerger", "to_telemetry"]

_NEEDED = ("_spacecraft_id", "_apid", "_packet")
_EXACT = 2**53  # integers beyond are rounded as floats


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
        ``attrs`` hold ``units``; ``statistics``: packets ``moved`` and
        ``without_time``, ``steps_back``, and integers ``rounded``, those beyond 2**53;
        and ``left_out``: reason to the names of columns that are no channels.

    Raises
    ------
    ValueError
        If no packet has a time, or there are no columns.
    TypeError
        If `kinds` is no mapping of DataFrames.

    See Also
    --------
    skdsn.preprocessing.CausalImputer : Carry the last value on.

    Notes
    -----
    Times must increase within a track, but the packets that end in one frame have one
    time. They fill a row in the order of arrival until one comes of a kind and APID
    that the row has; it begins the next, a microsecond later, and its packets count as
    moved. So a row holds nothing that came after a packet of the next one. Rows are
    sorted by time.

    Four sorts of columns are no channels: fields that tell kinds apart (`where` of a
    :class:`PacketDefinition`), and those of the time on board (``bookkeeping``); arrays
    whose length differs from packet to packet (``open_arrays``); and, with
    `numeric_only`, ``labels_or_text`` and ``bytes``.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.ccsds import to_telemetry
    >>> time = pd.to_datetime(["2018-10-17 12:00", "2018-10-17 12:00"])
    >>> origin = {"_spacecraft_id": 403, "_apid": 5, "_packet": [0, 1]}
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
    and of :meth:`finish` are those of :func:`to_telemetry`. Threads must not share one.

    Parameters
    ----------
    max_gap, numeric_only
        As of :func:`to_telemetry`.
    hold : float, str or pandas.Timedelta, default=0
        How much later than others a packet may come without a step back in time.

    Attributes
    ----------
    statistics : dict of str to int
        ``moved``, ``without_time``, ``rounded`` and ``steps_back``: the times at which
        packets of a spacecraft came that are older than rows given out already, which
        begins a new track.
    units : dict of str to str
    """

    def __init__(self, *, max_gap="1h", numeric_only=True, hold=0):
        gap = gap_seconds(max_gap)
        hold = 0 if hold == 0 else gap_seconds(hold, "hold")
        if hold is None or hold == np.inf:
            raise ValueError(f"hold must be finite; got {hold!r}.")
        self._gap = None if gap is None or gap == np.inf else round(gap * 1e6)
        self._hold = round(hold * 1e6)
        self._numeric_only = numeric_only
        self._finished = False
        self._columns = None  # kind: all that its packets have, but open arrays
        self._streams = {}  # (kind, apid): its columns in the result
        self._empty = {}  # of the result
        self._left_out = {}  # reason: columns, as the keys of a dict
        self._spacecraft = {}
        self._n_packets = 0
        self.statistics = {"moved": 0, "rounded": 0, "steps_back": 0, "without_time": 0}
        self.units = {}

    @property
    def left_out(self):
        """Reason to the names of the columns that are no channels."""
        return {reason: list(names) for reason, names in self._left_out.items()}

    @property
    def attrs(self):
        """What the attributes of the result hold."""
        return {
            "units": dict(self.units),
            "statistics": dict(self.statistics),
            "left_out": self.left_out,
        }

    def update(self, kinds):
        """Take packets, and give the rows that are complete.

        Parameters
        ----------
        kinds : mapping of str to DataFrame
            Of the same kinds and columns each time; arrays of open length may differ.

        Returns
        -------
        DataFrame

        Raises
        ------
        ValueError
            If the columns are others than before, or after :meth:`finish`.
        TypeError
            If `kinds` is no mapping of DataFrames.
        """
        self._check_open()
        return self._merge(kinds)

    def _merge(self, kinds, *, final=False):
        """Take packets; give the rows that are complete, all if these are the last."""
        if not isinstance(kinds, Mapping):
            raise TypeError(
                "kinds must map packet kinds to DataFrames, as decode_packets makes "
                f"them; got a {type(kinds).__name__}."
            )
        if self._columns is None:
            self._learn(kinds)
        parts, n_packets = {}, 0
        for kind, frame in kinds.items():
            self._check_kind(kind, frame)
            for spacecraft, stream, packets in self._split(kind, frame):
                parts.setdefault(spacecraft, {})[stream] = packets
            if len(frame):
                n_packets = max(n_packets, int(frame["_packet"].max()) + 1)
        self._n_packets += n_packets
        tables = []
        for name in sorted(parts, key=str):
            if name not in self._spacecraft:
                self._spacecraft[name] = SpacecraftRows(
                    name, self._gap, self._hold, self.statistics
                )
            tables += self._spacecraft[name].update(parts[name])
            if final:
                tables += self._spacecraft[name].finish()
        return self._join(tables)

    def finish(self):
        """Give the rows that were held back.

        Returns
        -------
        DataFrame

        Raises
        ------
        ValueError
            If there was no update, or the input was ended before.
        """
        self._check_open()
        if self._columns is None:
            raise ValueError("There is no packet kind to merge; update first.")
        self._finished = True
        known = sorted(self._spacecraft.values(), key=lambda each: str(each.name))
        return self._join([table for each in known for table in each.finish()])

    def _check_open(self):
        if self._finished:
            raise ValueError("This TelemetryMerger is finished; make a new one.")

    def _learn(self, kinds):
        if not kinds:
            raise ValueError("There is no packet kind to merge; got an empty mapping.")
        columns, names = {}, []
        for kind, frame in kinds.items():
            _check_frame(kind, frame)
            columns[kind] = _fixed_columns(frame)
            wanted = self._choose(kind, frame, columns[kind])
            apids = frame.attrs.get("apid")
            if apids is None:
                apids = sorted(frame["_apid"].unique().tolist())
            units = frame.attrs.get("units", {})
            for apid in apids if len(apids) > 1 else [None]:
                prefix = kind if apid is None else f"{kind}_{apid}"
                mine = {column: f"{prefix}_{column}" for column in wanted}
                self._streams[kind, apid] = mine
                self.units |= {mine[c]: units[c] for c in mine if c in units}
                self._empty |= {mine[c]: _empty(frame[c]) for c in mine}
                names += mine.values()
        if not names:
            raise ValueError(
                "The packets have no columns of numbers; use numeric_only=False to "
                "merge labels and text."
            )
        if len(self._empty) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"Two kinds would have the column {twice!r}; rename one.")
        self._columns = columns

    def _choose(self, kind, frame, columns):
        """Give the columns of a kind that become channels; note the others."""
        known = set(frame.attrs.get("bookkeeping", ()))
        numbers = set(frame[columns].select_dtypes("number").columns)
        wanted = []
        for column in columns:
            if column in known:
                self._leave_out("bookkeeping", kind, column)
            elif column in numbers or not self._numeric_only:
                wanted.append(column)
            elif frame[column].dtype == object:
                self._leave_out("bytes", kind, column)
            else:
                self._leave_out("labels_or_text", kind, column)
        return wanted

    def _leave_out(self, reason, kind, column):
        self._left_out.setdefault(reason, {})[f"{kind}_{column}"] = None

    def _check_kind(self, kind, frame):
        _check_frame(kind, frame)
        for column in frame.attrs.get("open_arrays", ()):
            self._leave_out("open_arrays", kind, column)
        wanted, found = self._columns.get(kind, []), _fixed_columns(frame)
        other = [c for c in wanted if c not in frame] or sorted({*found} - {*wanted})
        if other:
            raise ValueError(
                f"Packets of the kind {kind!r} must have the same columns in every "
                f"update; {other[0]!r} is not in all of them."
            )
        apids = [apid for name, apid in self._streams if name == kind]
        foreign = ~frame["_apid"].isin(apids)
        if None not in apids and foreign.any():
            apid = frame["_apid"].to_numpy()[foreign.to_numpy()][0]
            raise ValueError(
                f"A packet of the kind {kind!r} has APID {apid}, but those of the kind "
                f"are {apids}."
            )

    def _split(self, kind, frame):
        """Give the packets of each spacecraft and APID that have a time."""
        streams = {s: names for s, names in self._streams.items() if s[0] == kind}
        wanted = list(next(iter(streams.values())))
        timed = frame.index.notna()
        self.statistics["without_time"] += int((~timed).sum())
        if not timed.all():
            frame = frame[timed]
        values = frame[wanted]
        values.attrs = {}  # which pandas would copy with every piece
        self.statistics["rounded"] += _count_rounded(values)
        order = frame["_packet"].to_numpy().astype(np.int64) + self._n_packets
        packets = StreamPackets(frame.index.as_unit("us").asi8, order, values)
        apids = frame["_apid"].to_numpy()
        codes, names = pd.factorize(frame["_spacecraft_id"], use_na_sentinel=False)
        for number, name in enumerate(names):
            name = "unknown" if pd.isna(name) else name
            for stream in streams:
                mine = codes == number
                if stream[1] is not None:
                    mine = mine & (apids == stream[1])
                if mine.all():
                    yield name, stream, packets
                elif mine.any():
                    yield name, stream, packets.take(np.flatnonzero(mine))

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


def _fixed_columns(frame):
    """Give the columns of a table that its packets always have."""
    others = {*ORIGIN, *frame.attrs.get("open_arrays", ())}
    return [column for column in frame.columns if column not in others]


def _empty(values):
    values = values.iloc[:0]
    return values.astype("f8") if values.dtype.kind in "iufb" else values


def _count_rounded(values):
    wide = [
        name
        for name, dtype in values.dtypes.items()
        if dtype.kind in "iu" and dtype.itemsize == 8
    ]
    numbers = (values[name].to_numpy() for name in wide)
    return sum(int(((n > _EXACT) | (n < -_EXACT)).sum()) for n in numbers)


def _check_frame(kind, frame):
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"The table of {kind!r} must be a DataFrame, as decode_packets makes it; "
            f"got a {type(frame).__name__}."
        )
    needed = [column for column in _NEEDED if column not in frame.columns]
    if needed or not isinstance(frame.index, pd.DatetimeIndex):
        raise ValueError(
            f"The table of {kind!r} must be indexed by time and have the columns "
            f"{', '.join(_NEEDED)}, as decode_packets makes it."
        )
