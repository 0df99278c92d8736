"""Space packets to one table of engineering values for each kind."""

import copy

import numpy as np
import pandas as pd

from skdsn.ccsds._checks import check_bytes, check_ids, check_table, utc_times
from skdsn.ccsds._packet_kind import PacketKind
from skdsn.ccsds._read_fields import PacketGroup

__all__ = ["ORIGIN", "DecodedPackets", "decode_packets"]

PROVENANCE = (
    "spacecraft_id",
    "virtual_channel_id",
    "apid",
    "sequence_count",
    "n_frames",
    "n_copies",
    "gap",
)
ORIGIN = tuple(f"_{name}" for name in (*PROVENANCE, "packet"))


class DecodedPackets(dict):
    """Kind to its DataFrame, as :func:`decode_packets` returns them.

    Attributes
    ----------
    statistics : dict
        JSON-able. ``"packets"``: how many there were; ``"kinds"``: for each kind how
        many were ``decoded``, those of ``wrong_length``, those ``without_time``, and
        per column the ``invalid`` values; ``"unknown"``: APID to packets of no kind.
        Copies and unions (``|``) keep it; of a union, that of the left, but for the
        kinds that come from the right.
    """

    def __init__(self, kinds=(), statistics=None):
        super().__init__(kinds)
        self.statistics = {} if statistics is None else statistics

    def copy(self):
        """Give a copy with the same tables and statistics."""
        return DecodedPackets(self, copy.deepcopy(self.statistics))

    def __or__(self, other):
        if not isinstance(other, dict):
            return NotImplemented
        union = self.copy()
        union |= other
        return union

    def __ror__(self, other):
        if not isinstance(other, dict):
            return NotImplemented
        return DecodedPackets({**other, **self}, copy.deepcopy(self.statistics))

    def __ior__(self, other):
        self.update(other)
        if isinstance(other, DecodedPackets) and "kinds" in other.statistics:
            kinds = copy.deepcopy(other.statistics["kinds"])
            self.statistics = {
                **other.statistics,
                **self.statistics,
                "kinds": self.statistics.get("kinds", {}) | kinds,
            }
        return self


def decode_packets(packets, definitions, *, time=None, raw=False):
    """Decode space packets into one DataFrame for each kind.

    Parameters
    ----------
    packets : DataFrame
        As :func:`extract_packets` and :func:`read_packets` return it.
    definitions : PacketDefinition or sequence of PacketDefinition
        A packet is of the first kind whose APID, raw values (`where`) and length it
        has.
    time : {None, "received", "onboard"}, default=None
        Which time becomes the index: of reception, or the one in the packet. None
        takes the one in the packet of those kinds that have a rule for it.
    raw : bool, default=False
        Leave calibrations and limits out.

    Returns
    -------
    DecodedPackets
        Kind to DataFrame, of every definition, with the packets in the order of
        `packets`. Its index is ``time`` (datetime64[us], naive = UTC, NaT if unknown).
        Its columns are the fields, then where the packet comes from:
        ``_spacecraft_id``, ``_virtual_channel_id``, ``_apid``, ``_sequence_count``,
        ``_n_frames``, ``_n_copies`` and ``_gap``, and ``_packet``, its row in
        `packets` from 0 on. Numbers keep the type they have in the packet, calibrated
        and limited ones are float64, labels are categorical, bytes are ``bytes``.
        ``attrs`` hold ``units``, ``statistics``, the ``apid`` of the definition, and
        the names of columns that :func:`to_telemetry` leaves out: ``bookkeeping``, the
        fields of `where` and of the time on board, and ``open_arrays``, whose length
        differs from packet to packet.

    Raises
    ------
    ValueError
        If `packets` lacks a column, an APID or spacecraft is unknown or no whole
        number, two definitions have one name, or `time` is ``"onboard"`` and a kind has
        no rule for it.
    TypeError
        If the times of `packets` are no datetimes, or data no bytes.

    See Also
    --------
    to_telemetry : Merge the kinds into one telemetry frame.
    PacketDefinition : What a definition is.

    Notes
    -----
    Packets are grouped by kind and length first, so a foreign or damaged one does not
    disturb the others. What is of no kind, or of a wrong length, is counted.

    Examples
    --------
    >>> from skdsn.ccsds import (
    ...     PacketDefinition,
    ...     PacketField,
    ...     Polynomial,
    ...     decode_packets,
    ...     read_packets,
    ... )
    >>> beacon = PacketDefinition(
    ...     name="beacon",
    ...     apid=5,
    ...     fields=[
    ...         PacketField(name="mode", data_type="uint", bit_length=8),
    ...         PacketField(
    ...             name="u",
    ...             data_type="uint",
    ...             bit_length=8,
    ...             calibration=Polynomial((0, 0.5)),
    ...         ),
    ...     ],
    ... )
    >>> packets = read_packets(bytes.fromhex("0005c0000001 01 0c 0005c0010001 01 0d"))
    >>> kinds = decode_packets(packets, beacon)
    >>> kinds["beacon"][["mode", "u", "_sequence_count"]].to_numpy().tolist()
    [[1.0, 6.0, 0.0], [1.0, 6.5, 1.0]]
    """
    definitions = _as_definitions(definitions, time)
    check_table(
        packets,
        ("time", *PROVENANCE, "data"),
        "packets",
        "extract_packets or read_packets",
    )
    check_ids(packets["apid"], "apid", 11, "packets")
    check_ids(packets["spacecraft_id"], "spacecraft_id", 16, "packets")
    data = packets["data"].to_list()
    check_bytes(data, "packets")
    received = utc_times(packets["time"], "packets")
    groups, wrong, unknown = _sort_out(packets, data, definitions)
    kinds, statistics = {}, {}
    for definition in definitions:
        mine = groups.get(definition.name, [])
        frame, counts = _decode_kind(packets, received, definition, mine, time, raw)
        counts["wrong_length"] = wrong.get(definition.name, 0)
        known = {*definition.columns, *ORIGIN}
        frame.attrs["units"] = dict(definition.units)
        frame.attrs["statistics"] = counts
        frame.attrs["apid"] = [int(apid) for apid in definition.apid]
        frame.attrs["bookkeeping"] = list(definition.bookkeeping)
        frame.attrs["open_arrays"] = [name for name in frame if name not in known]
        kinds[definition.name], statistics[definition.name] = frame, counts
    return DecodedPackets(
        kinds, {"packets": len(data), "kinds": statistics, "unknown": unknown}
    )


def _as_definitions(definitions, time):
    if time not in (None, "received", "onboard"):
        raise ValueError(f"time must be None, 'received' or 'onboard'; got {time!r}.")
    if isinstance(definitions, PacketKind):
        definitions = [definitions]
    definitions = list(definitions)
    for definition in definitions:
        if not isinstance(definition, PacketKind):
            raise TypeError(
                "definitions must be PacketDefinition objects, as read_definitions "
                f"returns them; got a {type(definition).__name__}."
            )
        if time == "onboard" and definition.time is None:
            raise ValueError(
                f"Packet {definition.name!r} has no rule for the time on board; give "
                "it one, or use time=None to take the time of reception there."
            )
    names = [definition.name for definition in definitions]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"Two definitions have the name {twice[0]!r}.")
    return definitions


def _sort_out(packets, data, definitions):
    """Give each kind its groups of packets of one length: positions and bytes."""
    lengths = np.fromiter(map(len, data), dtype=np.int64, count=len(data))
    apids = packets["apid"].to_numpy()
    groups, wrong, unknown = {}, {}, {}
    order = np.argsort(lengths, kind="stable")
    cuts = np.flatnonzero(np.diff(lengths[order])) + 1
    for left in np.split(order, cuts) if len(data) else ():
        length = int(lengths[left[0]])
        refused = []  # of the right APID and values
        for definition in definitions:
            rows, group = _of_kind(definition, data, apids, left)
            if len(rows) == 0:
                continue
            if definition.layout(length) is not None:
                groups.setdefault(definition.name, []).append((rows, group))
                left = left[~np.isin(left, rows)]
            else:
                refused.append((definition.name, rows))
        for name, rows in refused:
            there = np.isin(left, rows)
            wrong[name] = wrong.get(name, 0) + int(there.sum())
            left = left[~there]
        for apid, count in zip(
            *np.unique(apids[left], return_counts=True), strict=True
        ):
            unknown[str(apid)] = unknown.get(str(apid), 0) + int(count)
    unknown = dict(sorted(unknown.items(), key=lambda item: int(item[0])))
    return groups, wrong, unknown


def _of_kind(definition, data, apids, rows):
    if definition.apid:
        rows = rows[np.isin(apids[rows], definition.apid)]
    group = _take(data, rows)
    if not group:
        return rows, group
    found, group = definition.select(group)
    return rows[found], group


def _take(data, rows):
    if len(rows) == len(data) and (np.diff(rows) == 1).all():
        return PacketGroup(data)
    return PacketGroup([data[row] for row in rows.tolist()])


def _decode_kind(packets, received, definition, groups, time, raw):
    """Decode the groups of a kind into one frame in the order of the packets."""
    origin = {f"_{name}": packets[name].to_numpy() for name in PROVENANCE}
    onboard = time != "received" and definition.time is not None
    parts, times, extra, invalid = [], [], {}, {}
    groups = groups or [(np.empty(0, dtype=np.int64), PacketGroup())]
    for rows, group in groups:
        columns = definition.decode_group(group, raw=raw)
        _add(invalid, columns.invalid)
        _add(extra, columns.statistics)
        columns |= {name: values[rows] for name, values in origin.items()}
        columns["_packet"] = rows.astype(np.int64)
        parts.append(pd.DataFrame(columns))  # in one call, so in few blocks
        if onboard:
            times.append(definition.decode_time(group))
    rows = np.concatenate([rows for rows, _ in groups])
    frame = parts[0]
    if len(parts) > 1:  # arrays that expand have columns of their own in each
        widest = max(parts, key=lambda part: part.shape[1]).columns
        frame = pd.concat(parts, ignore_index=True)[widest]
    index = np.concatenate(times) if onboard else received[rows]
    index = pd.DatetimeIndex(index.astype("datetime64[us]"), name="time")
    frame = frame.set_axis(index, axis=0)
    if (np.diff(rows) < 0).any():
        frame = frame.iloc[np.argsort(rows)]
    counts = {
        "decoded": len(frame),
        "wrong_length": 0,
        "without_time": int(frame.index.isna().sum()),
        "invalid": invalid,
        **extra,
    }
    return frame, counts


def _add(totals, counts):
    for name, count in counts.items():
        totals[name] = totals.get(name, 0) + count
