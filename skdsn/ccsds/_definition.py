"""What a packet holds: its fields, where they stand, and which packets they fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from skdsn.ccsds._field import MOST_BYTES, PacketField
from skdsn.ccsds._packet_kind import PacketKind
from skdsn.ccsds._read_csv import read_fields
from skdsn.ccsds._read_fields import (
    as_array,
    calibration_order,
    decode_columns,
    read_field,
)
from skdsn.ccsds._short import short
from skdsn.ccsds._time_rule import TimeRule

__all__ = ["PacketDefinition", "PacketField", "TimeRule"]

HEADER_BITS = 48  # of the primary header of a space packet


@dataclass(frozen=True, kw_only=True)
class PacketDefinition(PacketKind):
    """Which packets are of a kind, and the fields they hold.

    Parameters
    ----------
    name : str
        The kind.
    fields : sequence of PacketField
        In their order in the packet, without the primary header.
    apid : int or tuple of int, default=()
        APIDs of such packets; any when empty.
    where : mapping of str to int, default={}
        Raw values that fields must have, such as ``{"protocol": 0}``.
    time : TimeRule, default=None
        Of the time on board.
    length : int, default=None
        Bytes of the whole packet. None stands for what the fields say: where all of
        them have a `bit_offset` they must fit into the packet, else they must fill it
        exactly.
    secondary_header : int, default=0
        Bytes between the primary header and the first field, if that has no
        `bit_offset`.

    Raises
    ------
    ValueError
        If two columns have one name, an offset lies before the primary header ends
        where it must not, or `where` or `time` name no field.

    See Also
    --------
    read_definitions : Read them from files.

    Examples
    --------
    >>> from skdsn.ccsds import PacketDefinition, PacketField
    >>> beacon = PacketDefinition(
    ...     name="beacon",
    ...     apid=5,
    ...     fields=[
    ...         PacketField(name="mode", data_type="uint", bit_length=8),
    ...         PacketField(name="t", data_type="int", bit_length=16, unit="K"),
    ...     ],
    ... )
    >>> beacon.decode_group([bytes.fromhex("0005c0000002 01 fffe")])
    {'mode': array([1], dtype=uint8), 't': array([-2], dtype=int16)}
    """

    name: str
    fields: tuple
    apid: tuple = ()
    where: Mapping = field(default_factory=dict)
    time: TimeRule | None = None
    length: int | None = None
    secondary_header: int = 0

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"The name of a kind must be text; got {self.name!r}.")
        object.__setattr__(self, "fields", tuple(self.fields))
        object.__setattr__(self, "apid", self._as_apids())
        if not isinstance(self.where, Mapping):
            raise ValueError(
                f"`where` of packet {self.name!r} must map fields to raw values, such "
                f"as {{protocol: 0}}; got {short(self.where)}."
            )
        object.__setattr__(self, "where", dict(self.where))
        self._check_fields()
        self._check_names()
        self._check_calibrations()
        self._check_numbers()

    def _as_apids(self):
        apid = () if self.apid is None else self.apid
        if not np.iterable(apid):
            apid = (apid,)
        if isinstance(apid, str | Mapping):
            raise ValueError(
                f"The APID of packet {self.name!r} must be an integer or a list of "
                f"integers; got {short(apid)}."
            )
        apid = tuple(apid)
        for each in apid:
            whole = isinstance(each, int | np.integer) and not isinstance(each, bool)
            if not whole or not 0 <= each < 2048:
                raise ValueError(
                    f"An APID of packet {self.name!r} must be an integer from 0 to "
                    f"2047; got {short(each)}."
                )
        return apid

    def _check_fields(self):
        if not self.fields:
            raise ValueError(f"Packet {self.name!r} has no fields.")
        wrong = [f for f in self.fields if not isinstance(f, PacketField)]
        if wrong:
            raise TypeError(
                f"The fields of packet {self.name!r} must be PacketField; got "
                f"{wrong[0]!r}."
            )
        seen = set()
        for one in self.fields:
            names = {one.name, *one.columns} if one.data_type != "fill" else set()
            if names & seen:
                raise ValueError(
                    f"Packet {self.name!r} has two columns {min(names & seen)!r}; give "
                    "each field its own name."
                )
            if one.name.startswith("_") and one.data_type != "fill":
                raise ValueError(
                    f"Field {one.name!r} of packet {self.name!r} begins with an "
                    "underscore, as the columns that tell where a packet comes from do."
                )
            seen |= names
        shapes = [f.shape for f in self.fields]
        last = shapes.index("expand") if "expand" in shapes else len(shapes)
        after = self.fields[last + 1 :]
        if any(f.shape == "expand" or f.bit_offset is not None for f in after):
            raise ValueError(
                f"Packet {self.name!r} may have one expanding field, and those after "
                "it have no bit_offset."
            )

    def _check_names(self):
        single = {f.name for f in self.fields if f.shape == () and _is_integer(f)}
        for name in self.where:
            if name not in single:
                raise ValueError(
                    f"`where` of packet {self.name!r} names {name!r}, which is no "
                    "integer field of it."
                )
        single |= {
            f.name for f in self.fields if f.shape == () and f.data_type == "float"
        }
        for unit, name in (self.time.fields if self.time else {}).items():
            if name not in single or (
                unit == "fraction" and self[name].data_type != "uint"
            ):
                wanted = "uint" if unit == "fraction" else "number"
                raise ValueError(
                    f"The time rule of packet {self.name!r} takes {unit} from "
                    f"{name!r}, which is no {wanted} field of it."
                )

    def _check_calibrations(self):
        known = {
            f.name: f for f in self.fields if f.data_type in ("uint", "int", "float")
        }
        for one in self.fields:
            names = one.calibration.fields if one.calibration is not None else ()
            for name in names:
                other = known.get(name)
                fits = other is not None and other.shape in ((), one.shape)
                if not fits or other.is_categorical or other.shape == "expand":
                    raise ValueError(
                        f"The calibration of field {one.name!r} of packet "
                        f"{self.name!r} needs {name!r}, which is no field with one "
                        "number a packet."
                    )
        calibration_order(
            {one.name: one.calibration for one in self.fields}, f"Packet {self.name!r}"
        )

    def _check_numbers(self):
        for name, value in self.where.items():
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise ValueError(
                    f"`where` of packet {self.name!r} must give {name!r} an integer; "
                    f"got {short(value)}."
                )
            one = self[name]
            signed = one.data_type == "int"
            low = -(2 ** (one.bit_length - 1)) if signed else 0
            high = low + 2**one.bit_length - 1
            if not low <= value <= high:
                raise ValueError(
                    f"`where` of packet {self.name!r} asks {name!r} to be "
                    f"{short(value)}, but its {one.bit_length} bits hold {low} to "
                    f"{high}."
                )
        for name, least in (("length", 7), ("secondary_header", 0)):
            value = getattr(self, name)
            if value is None and name == "length":
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise ValueError(
                    f"{name} of packet {self.name!r} must be an integer; got "
                    f"{short(value)}."
                )
            if value < least:
                raise ValueError(
                    f"{name} of packet {self.name!r} must be at least {least}; got "
                    f"{value}."
                )

        end = -(-_end(self._places(0)) // 8)
        most = MOST_BYTES if self.length is None else self.length
        if end > most:
            which = "at most" if self.length is None else "by its length"
            raise ValueError(
                f"The fields of packet {self.name!r} need {end} bytes, but it has "
                f"{which} {most}; correct their sizes and offsets, or the length."
            )

    @classmethod
    def from_csv(
        cls, path, *, name=None, calibrations=None, offsets="packet", **options
    ):
        """Read the fields from a CSV file.

        Parameters
        ----------
        path : str or path-like
            Its columns are ``name``, ``data_type``, ``bit_length`` and, if wanted,
            ``bit_offset``, ``byte_order``, ``array_shape`` (``4``, ``2x3`` or
            ``expand``; also in the data type, as ``uint(4)``), ``calibration``,
            ``unit``, ``description``, ``valid_min`` and ``valid_max``: those of a
            :class:`PacketField`. The files of ccsdspy are such files. A calibration is
            empty, a name in `calibrations`, or YAML with its kind as the only key,
            such as ``{polynomial: [0, 3.2]}``.
        name : str, default=None
            The kind; the name of the file when None.
        calibrations : mapping of str to Calibration, default=None
            Those that cells can name.
        offsets : {"packet", "data"}, default="packet"
            Where ``bit_offset`` counts from: the first bit of the packet, or the
            first bit after its primary header.
        **options
            Other parameters of the class.

        Returns
        -------
        PacketDefinition

        Raises
        ------
        ValueError
            If the file holds something else; the message names file and line.
        """
        fields = read_fields(path, calibrations=calibrations, offsets=offsets)
        return cls(name=name or Path(path).stem, fields=fields, **options)

    def __getitem__(self, name):
        """Give the field of a name."""
        for one in self.fields:
            if one.name == name and one.data_type != "fill":
                return one
        raise KeyError(f"Packet {self.name!r} has no field {name!r}.")

    @property
    def columns(self):
        """Names of the columns that decoding gives, as tuple of str.

        Those of an array that expands are left out, since their number depends on the
        packet.
        """
        return tuple(column for one in self.fields for column in one.columns)

    @property
    def units(self):
        """Column to its unit, of those that have one."""
        return {column: f.unit for f in self.fields if f.unit for column in f.columns}

    def layout(self, length):
        """Lay the fields out in packets of some length.

        Parameters
        ----------
        length : int
            Bytes of the whole packet.

        Returns
        -------
        list of (PacketField, int, tuple) or None
            The offset of the first bit and the shape of each field; None if such
            packets are not of this kind.
        """
        if self.length is not None and length != self.length:
            return None
        bits = 8 * int(length)
        places = self._places(bits)
        end = _end(places)
        explicit = all(one.bit_offset is not None for one in self.fields)
        exact = self.length is None and not explicit
        return None if end > bits or (exact and end < bits) else places

    def _places(self, bits):
        """Lay the fields out; one that expands fills what the others leave."""
        places, end = [], HEADER_BITS + 8 * self.secondary_header
        for k, one in enumerate(self.fields):
            start = end if one.bit_offset is None else one.bit_offset
            shape = one.shape
            if shape == "expand":
                after = sum(f.bit_length * f.n_elements for f in self.fields[k + 1 :])
                shape = (max(bits - after - start, 0) // one.bit_length,)
            places.append((one, start, shape))
            end = start + one.bit_length * prod(shape)
        return places

    def matches(self, packets):
        """Tell which packets have the raw values that `where` asks for.

        Parameters
        ----------
        packets : sequence of bytes or uint8 ndarray of shape (n, length)
            Of one length. Packets too short to hold a field do not match.

        Returns
        -------
        bool ndarray of shape (n,)
        """
        if not self.where:
            return super().matches(packets)
        rows = as_array(packets)
        found = np.ones(len(rows), dtype=bool)
        for one, start, _ in self._places(8 * rows.shape[1]):
            if one.data_type == "fill" or one.name not in self.where:
                continue
            if start + one.bit_length > 8 * rows.shape[1]:
                return np.zeros(len(rows), dtype=bool)
            found &= read_field(rows, one, start, ()) == self.where[one.name]
        return found

    def decode_group(self, packets, *, raw=False):
        """Decode packets of one length.

        Parameters
        ----------
        packets : sequence of bytes or uint8 ndarray of shape (n, length)
            Whole packets, with their primary headers. Their APID and `where` are not
            looked at.
        raw : bool, default=False
            Leave calibrations and limits out.

        Returns
        -------
        dict of str to ndarray, or pandas array, of shape (n,)
            Its attribute ``invalid`` counts the values per column that became NaN.

        Raises
        ------
        ValueError
            If the packets have another length than the fields need.
        """
        rows, places = self._read(packets)
        return decode_columns(rows, places, raw=raw)

    def decode_time(self, packets):
        """Decode the time on board.

        Parameters
        ----------
        packets : sequence of bytes or uint8 ndarray of shape (n, length)

        Returns
        -------
        ndarray of shape (n,) and dtype datetime64[us]
            NaT where the packet holds no time of the years 1 to 9999.

        Raises
        ------
        ValueError
            If the definition has no time rule, or the length is another.
        """
        if self.time is None:
            raise ValueError(f"Packet {self.name!r} has no rule for the time on board.")
        rows, places = self._read(packets)
        named = set(self.time.fields.values())
        places = [p for p in places if p[0].name in named and p[0].data_type != "fill"]
        raw = {one.name: read_field(rows, one, at, ()) for one, at, _ in places}
        return self.time.decode(raw, {one.name: one.bit_length for one, _, _ in places})

    def _read(self, packets):
        if len(packets) == 0:  # of the columns only
            places = self._places(0)
            return np.empty((0, -(-_end(places) // 8)), dtype=np.uint8), places
        rows = as_array(packets)
        places = self.layout(rows.shape[1])
        if places is None:
            raise ValueError(
                f"Packets of {rows.shape[1]} bytes are not of the kind {self.name!r}."
            )
        return rows, places


def _end(places):
    """Give the end of the furthest field, in bits."""
    return max(start + f.bit_length * prod(shape) for f, start, shape in places)


def _is_integer(one):
    return one.data_type in ("uint", "int")
