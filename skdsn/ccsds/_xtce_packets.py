"""Definitions made from XTCE containers, of fixed and of changing layout."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from space_packet_parser import SpacePacket
from space_packet_parser.exceptions import CalibrationError, ComparisonError

from skdsn.ccsds._calibrations import Calibration
from skdsn.ccsds._definition import PacketDefinition
from skdsn.ccsds._packet_kind import PacketKind
from skdsn.ccsds._read_fields import Columns, PacketGroup, calibrate
from skdsn.ccsds._time_rule import TimeRule

__all__ = ["Entry", "FixedContainer", "ParsedContainer"]

_CHUNK = 1024  # packets whose values are kept as Python objects at a time


@dataclass(frozen=True, kw_only=True)
class FixedContainer(PacketDefinition):
    """A container whose fields stand at the same bits in every packet.

    Parameters
    ----------
    hidden : tuple of str, default=()
        Fields of the primary header, which conditions are on; they become no columns.
    **parameters
        See :class:`PacketDefinition`.
    """

    hidden: tuple = ()

    def _check_calibrations(self):
        """Pass them, since conditions may be on labels; the reader has checked them."""

    @property
    def columns(self):
        """Names of the columns that decoding gives, as tuple of str."""
        return tuple(name for name in super().columns if name not in self.hidden)

    @property
    def units(self):
        """Column to its unit, of those that have one."""
        return {k: unit for k, unit in super().units.items() if k not in self.hidden}

    def decode_group(self, packets, *, raw=False):
        """Decode packets of one length, and count those that go on after the fields."""
        columns = super().decode_group(packets, raw=raw)
        for name in self.hidden:
            del columns[name]
            columns.invalid.pop(name, None)
        end = max(one.bit_offset + one.bit_length for one in self.fields)
        longer = len(packets) and 8 * len(packets[0]) - end >= 8
        columns.statistics = {"longer": len(packets)} if longer else {}
        return columns


class Entry(NamedTuple):
    """A field whose place changes with the packet."""

    name: str
    data_type: str
    dtype: str
    bit_length: int  # 0 where the packet tells it
    calibration: Calibration | None
    unit: str
    valid_min: float | None = None
    valid_max: float | None = None


class ParsedGroup(PacketGroup):
    """Packets, with the raw values that were parsed from them."""

    kind = values = None
    longer = 0  # packets that go on after the last entry


@dataclass(frozen=True, kw_only=True, eq=False)
class ParsedContainer(PacketKind):
    """A container whose packets are parsed one by one by space_packet_parser.

    Parameters
    ----------
    name : str
    apid : tuple of int
    steps : sequence of (list of MatchCriteria, list of Parameter)
        From the root to the container: the conditions, and what follows if they hold.
    entries : sequence of Entry
        What becomes columns.
    header : sequence of Entry, default=()
        Of the primary header; calibrations may depend on them.
    time : TimeRule, default=None
        Of the time on board; names numbers among the entries.
    """

    name: str
    apid: tuple
    steps: tuple
    entries: tuple
    header: tuple = ()
    time: TimeRule | None = None

    def __post_init__(self):
        fixed = {e.name for e in self.entries if e.bit_length}
        numbers = {e.name for e in self.entries if e.dtype[0] in "uif"}
        for unit, name in (self.time.fields if self.time else {}).items():
            if name not in numbers or (unit == "fraction" and name not in fixed):
                raise ValueError(
                    f"The time rule of packet {self.name!r} takes {unit} from "
                    f"{name!r}, which is no number of it."
                )

    @property
    def columns(self):
        """Names of the columns that decoding gives, as tuple of str."""
        return tuple(entry.name for entry in self.entries)

    @property
    def units(self):
        """Column to its unit, of those that have one."""
        return {entry.name: entry.unit for entry in self.entries if entry.unit}

    def matches(self, packets):
        """Tell which packets meet the conditions and can be parsed.

        Parameters
        ----------
        packets : sequence of bytes

        Returns
        -------
        bool ndarray of shape (n,)
        """
        return self.select(packets)[0]

    def select(self, packets):
        """Parse packets; see :meth:`PacketKind.select`."""
        found = np.zeros(len(packets), dtype=bool)
        entries = self.header + self.entries
        group, chunks = ParsedGroup(), []
        for start in range(0, max(len(packets), 1), _CHUNK):
            data = packets[start : start + _CHUNK]
            parsed = [self._parse(bytes(packet)) for packet in data]
            found[start : start + _CHUNK] = [one is not None for one in parsed]
            group += [d for d, p in zip(data, parsed, strict=True) if p is not None]
            parsed = [packet for packet in parsed if packet is not None]
            chunks.append({e.name: _as_column(e, parsed) for e in entries})
            group.longer += sum(
                8 * len(p.binary_data) - p._parsing_pos >= 8 for p in parsed
            )
        group.values = {e.name: _join([c[e.name] for c in chunks]) for e in entries}
        group.kind = self
        return found, group

    def _parsed(self, packets):
        """Give the packets with their values, which :meth:`select` may have found."""
        if isinstance(packets, ParsedGroup) and packets.kind is self:
            return packets
        found, group = self.select(packets)
        if not found.all():
            raise ValueError(
                f"Packet {int(np.argmin(found))} is not of the kind {self.name!r}."
            )
        return group

    def decode_group(self, packets, *, raw=False):
        """Parse packets, and calibrate them together.

        Parameters
        ----------
        packets : sequence of bytes
            Such that :meth:`matches` holds for.
        raw : bool, default=False
            Leave calibrations out.

        Returns
        -------
        dict of str to ndarray, or pandas array, of shape (n,)
        """
        group = self._parsed(packets)
        columns, values = Columns(), group.values
        if not raw:
            values, invalid = calibrate(values, self.header + self.entries)
            columns.invalid.update((k, int(n)) for k, n in invalid.items() if n)
        columns.update((e.name, values[e.name]) for e in self.entries)
        columns.statistics = {"fallback": len(group)}
        if group.longer:
            columns.statistics["longer"] = group.longer
        return columns

    def decode_time(self, packets):
        """Decode the time on board; see :meth:`PacketDefinition.decode_time`."""
        values = self._parsed(packets).values
        bits = {entry.name: entry.bit_length for entry in self.entries}
        return self.time.decode(values, bits)

    def _parse(self, data):
        """Parse one packet; None if it is of another kind or broken."""
        packet = SpacePacket(binary_data=data)
        try:
            for criteria, parameters in self.steps:
                if not all(criterion.evaluate(packet) for criterion in criteria):
                    return None
                for parameter in parameters:
                    before = packet._parsing_pos
                    parameter.parse(packet)
                    if packet._parsing_pos < before:  # of a negative size
                        return None
        except (
            # What a packet that is too short or damaged ends in.
            ArithmeticError,
            CalibrationError,
            ComparisonError,
            LookupError,
            TypeError,
            ValueError,
        ):
            return None
        return packet


def _as_column(entry, parsed):
    values = [packet[entry.name] for packet in parsed]
    if entry.data_type == "str":
        return pd.array([str(v).rstrip("\0") for v in values], dtype="str")
    values = [value.raw_value for value in values]
    if entry.data_type != "bytes":
        return np.array(values, dtype=entry.dtype)
    column = np.empty(len(values), dtype=object)
    column[:] = [bytes(value) for value in values]
    return column


def _join(pieces):
    if len(pieces) == 1:
        return pieces[0]
    if isinstance(pieces[0], np.ndarray):
        return np.concatenate(pieces)
    return pd.array(np.concatenate([np.asarray(p) for p in pieces]), dtype="str")
