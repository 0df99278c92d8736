"""Definitions made from XTCE containers, of fixed and of changing layout."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from space_packet_parser import SpacePacket
from space_packet_parser.exceptions import CalibrationError, ComparisonError

from skdsn.ccsds._calibrations import Calibration
from skdsn.ccsds._definition import PacketDefinition
from skdsn.ccsds._read_fields import Columns, calibrate

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
    calibration: Calibration | None
    unit: str
    valid_min: float | None = None
    valid_max: float | None = None


class ParsedContainer:
    """A container whose packets are parsed one by one by space_packet_parser.

    Parameters
    ----------
    name : str
    apid : tuple of int
    steps : sequence of (list of MatchCriteria, list of Parameter)
        From the root to the container: the conditions, and what follows if they hold.
    entries : sequence of Entry
        What becomes columns.
    hidden : sequence of Entry, default=()
        Of the primary header; calibrations may depend on them.
    """

    time = None
    length = None

    def __init__(self, name, apid, steps, entries, hidden=()):
        self.name = name
        self.apid = apid
        self.entries = tuple(entries)
        self.hidden = tuple(hidden)
        # Not empty, so that `matches` is asked.
        self.where = {"container": name}
        self._steps = steps

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
        found = (self._parse(bytes(packet)) is not None for packet in packets)
        return np.fromiter(found, dtype=bool, count=len(packets))

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
        chunks, longer = [], 0
        entries = self.hidden + self.entries
        for start in range(0, max(len(packets), 1), _CHUNK):
            parsed = [self._parse(bytes(p)) for p in packets[start : start + _CHUNK]]
            if None in parsed:
                raise ValueError(
                    f"Packet {start + parsed.index(None)} is not of the kind "
                    f"{self.name!r}."
                )
            chunks.append({e.name: _as_column(e, parsed) for e in entries})
            longer += sum(8 * len(p.binary_data) - p._parsing_pos >= 8 for p in parsed)
        values = {e.name: _join([c[e.name] for c in chunks]) for e in entries}
        columns = Columns()
        if not raw:
            values, invalid = calibrate(values, entries)
            columns.invalid.update((k, int(n)) for k, n in invalid.items() if n)
        columns.update((e.name, values[e.name]) for e in self.entries)
        columns.statistics = {"fallback": len(packets)}
        if longer:
            columns.statistics["longer"] = longer
        return columns

    def _parse(self, data):
        """Parse one packet; None if it is of another kind or broken."""
        packet = SpacePacket(binary_data=data)
        try:
            for criteria, parameters in self._steps:
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
