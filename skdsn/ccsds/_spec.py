"""What a mission fixes about its transfer frames, as a parameter object."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from skdsn._core.names import near
from skdsn.ccsds._yaml import read_yaml
from skdsn.tracks import gap_seconds

__all__ = ["FrameSpec"]

_TM = {
    "transfer_frame_version": 2,
    "spacecraft_id": 10,
    "virtual_channel_id": 3,
    "ocf_flag": 1,
    "master_channel_frame_count": 8,
    "virtual_channel_frame_count": 8,
    "secondary_header_flag": 1,
    "synchronization_flag": 1,
    "packet_order_flag": 1,
    "segment_length_id": 2,
    "first_header_pointer": 11,
}
_AOS = {
    "transfer_frame_version": 2,
    "spacecraft_id": 8,
    "virtual_channel_id": 6,
    "virtual_channel_frame_count": 24,
    "replay_flag": 1,
    "frame_count_usage_flag": 1,
    "reserved": 2,
    "frame_count_cycle": 4,
}
_HEADERS = {"tm": _TM, "aos": _AOS}
_VERSIONS = {"tm": 0, "aos": 1}
_NEEDED = ("spacecraft_id", "virtual_channel_id", "virtual_channel_frame_count")
_ZONES = ("mpdu", "fixed", "kiss", "none")
_REPLAY = ("separate", "drop")
_FOREIGN = {  # parameters that a kind has no use for
    "tm": ("header", "header_error_control", "insert_zone", "replay"),
    "aos": ("header", "secondary_header"),
    "custom": (),
}
_CSV_KEYS = ("data", "time", "station", "drop")
_M_PDU_HEADER = 2  # bytes
_POINTER_BITS = 11  # of the first header pointer, at the end of the M_PDU header
_MOST_ID_BITS = 16  # as in USLP, the standard with the longest
_MOST_BYTES = 1 << 20  # of each part of a frame, which sizes what is read at once
_MOST_BACK = 4096  # frames remembered
_COLUMNS = ("time", "station", "data")  # of the table of frames, beside the header


@dataclass(frozen=True)
class FrameSpec:
    """The managed parameters of a mission's transfer frames.

    They cannot be read from the frames and a wrong one does not always fail loudly, so
    they belong in a file beside the mission's packet definitions, see `from_yaml`.

    Parameters
    ----------
    kind : {"tm", "aos", "custom"}
        The primary header: of a TM frame [1]_, of an AOS frame [2]_, or the fields in
        `header`.
    length : int, default=None
        Bytes of a frame, without marker and trailer. None where the source tells
        frames apart, as KISS and CSV files do, and lengths vary.
        1,048,576 at most.
    header : mapping of str to int, default=None
        Of the kind ``"custom"`` only: the fields of the primary header in order with
        their bits, in whole bytes together. ``spacecraft_id``, ``virtual_channel_id``
        and ``virtual_channel_frame_count`` must be among them; ``time``, ``station``
        and ``data`` are no names of fields.
    header_error_control : bool, default=False
        Whether two bytes of error control follow the primary header (AOS). They are
        skipped, not checked.
    insert_zone : int, default=0
        Bytes of the insert zone (AOS).
    secondary_header : int, default=0
        Bytes of the frame secondary header (TM), its first byte included.
    ocf : bool, default=False
        Whether the frame ends in an operational control field of 4 bytes, before the
        frame error control.
    fecf : bool, default=False
        Whether the last two bytes are a frame error control field, the CRC-16 of both
        standards. Frames in which it is wrong are counted and not used.
    packet_zone : {"mpdu", "fixed", "kiss", "none"}, default="mpdu"
        How packets lie in the frame: in a continuous stream in which the first header
        pointer tells where one begins; whole ones from the first byte on; in a stream
        with KISS delimiters; or not at all.
    spacecraft_ids : int or sequence of int, default=()
        The spacecraft whose frames are used; frames of others are counted. Empty: all.
    virtual_channels : int or sequence of int, default=()
        The virtual channels that carry packets. Empty: all, less channel 63 of AOS,
        which carries idle frames.
    sync_marker : str, default=""
        The attached synchronization marker before each frame in a file, as hex digits,
        usually ``"1ACFFC1D"``; empty if the file holds none.
    trailer : int, default=0
        Bytes after each frame in a file, such as Reed-Solomon check symbols; skipped.
    max_gap : str or float or None, default="2h"
        Frames of a channel further apart than this are never a repeat or a
        continuation, whatever their counts. A timedelta or seconds.
    look_back : int, default=8
        How many frames back a late copy of a frame whose bytes differ is recognised,
        if no jump of the count lies between; 4096 at most. A copy of equal bytes is
        recognised all the way back to where the count went round (4096 frames at most)
        within `max_gap`, as when a station sends its recording of a pass later. 0
        recognises neither and takes a late copy for a jump, twice.
    replay : {"separate", "drop"}, default="separate"
        What to do with frames that the spacecraft recorded and sends again, by the
        replay flag of their header (AOS): they have counts of their own, so that they
        are put in order as a channel apart, or they are counted and not used.
    join_segments : bool, default=True
        Whether packets that were sent in segments are put together.
    csv : mapping, default=None
        Columns of CSV files of frames: ``data`` (hex digits), ``time``, ``station``,
        and ``drop``, a mapping of columns to the value whose rows are not used, such as
        ``{"remark": "replay"}``. A file without a column to drop by is read all the
        same, and counted as ``drop_column_missing``.

    Raises
    ------
    ValueError
        If a parameter is none of those allowed, two contradict each other, or the kind
        has no use for one.

    References
    ----------
    .. [1] CCSDS 132.0-B-3, TM Space Data Link Protocol.
    .. [2] CCSDS 732.0-B-4, AOS Space Data Link Protocol.

    Examples
    --------
    >>> from skdsn.ccsds import FrameSpec
    >>> spec = FrameSpec("aos", length=1113)
    >>> spec.zone
    slice(8, 1113, None)
    """

    kind: str
    length: int | None = None
    header: Mapping[str, int] | None = field(default=None, hash=False)
    header_error_control: bool = False
    insert_zone: int = 0
    secondary_header: int = 0
    ocf: bool = False
    fecf: bool = False
    packet_zone: str = "mpdu"
    spacecraft_ids: tuple[int, ...] = ()
    virtual_channels: tuple[int, ...] = ()
    sync_marker: str = ""
    trailer: int = 0
    max_gap: str | float | None = "2h"
    look_back: int = 8
    replay: str = "separate"
    join_segments: bool = True
    csv: Mapping[str, object] | None = field(default=None, hash=False)

    def __post_init__(self):
        _check_choice("kind", self.kind, (*_HEADERS, "custom"))
        _check_choice("packet_zone", self.packet_zone, _ZONES)
        _check_choice("replay", self.replay, _REPLAY)
        for name in ("insert_zone", "secondary_header", "trailer"):
            _check_count(name, getattr(self, name), most=_MOST_BYTES)
        _check_count("look_back", self.look_back, most=_MOST_BACK)
        for name in ("header_error_control", "ocf", "fecf", "join_segments"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(
                    f"{name} must be true or false; got {getattr(self, name)!r}."
                )
        gap_seconds(self.max_gap)
        self._check_kind()
        if self.kind == "custom":
            self._set("header", _FrozenDict(_checked_header(self.header)))
        self._set("csv", _FrozenDict(_checked_csv(self.csv)))
        for name, values in (
            ("spacecraft_id", "spacecraft_ids"),
            ("virtual_channel_id", "virtual_channels"),
        ):
            ids = _as_ids(values, getattr(self, values), self.fields[name])
            self._set(values, ids)
        try:
            bytes.fromhex(self.sync_marker)
        except (TypeError, ValueError) as error:
            raise ValueError(
                "sync_marker must be hex digits such as '1ACFFC1D', in quotes; got "
                f"{self.sync_marker!r}."
            ) from error
        self._check_length()

    def __reduce__(self):
        # Frozen dicts are made anew.
        values = {each: getattr(self, each) for each in _names(self)}
        values |= {"header": self.header and dict(self.header), "csv": dict(self.csv)}
        return _rebuild, (values,)

    @classmethod
    def from_yaml(cls, path):
        """Read the parameters from a YAML file whose keys are their names.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        FrameSpec

        Raises
        ------
        ValueError
            If the file is no YAML mapping, or a key or value is none of those allowed;
            the message names the file.
        """
        values = read_yaml(path)
        names = _names(cls)
        for key in values:
            if key not in names:
                raise ValueError(
                    f"{path}: {key!r} is no key of a frame spec; {near(key, names)}"
                )
        if "kind" not in values:
            raise ValueError(f"{path}: the key 'kind' (tm, aos or custom) is missing.")
        try:
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error

    @property
    def fields(self):
        """Fields of the primary header in order, with their bits."""
        return self.header if self.kind == "custom" else _HEADERS[self.kind]

    @property
    def header_bytes(self):
        """Bytes of the primary header, its error control included."""
        return sum(self.fields.values()) // 8 + 2 * self.header_error_control

    @property
    def pointer_in_zone(self):
        """Whether the first header pointer stands in an M_PDU header."""
        return self.packet_zone == "mpdu" and "first_header_pointer" not in self.fields

    @property
    def pointer(self):
        """First bit of the first header pointer, and its bits."""
        if self.pointer_in_zone:
            return 8 * self.zone.start - _POINTER_BITS, _POINTER_BITS
        name = "first_header_pointer"
        return self.bit_offset(name), self.fields[name]

    @property
    def zone(self):
        """Where the packets lie in a frame, as a slice; the M_PDU header is skipped."""
        start = self.header_bytes + self.secondary_header + self.insert_zone
        start += _M_PDU_HEADER * self.pointer_in_zone
        end = 4 * self.ocf + 2 * self.fecf
        if self.length is None:
            return slice(start, -end if end else None)
        return slice(start, self.length - end)

    @property
    def version(self):
        """Transfer frame version number of the kind, or None."""
        return _VERSIONS.get(self.kind)

    @property
    def minimum_length(self):
        """Bytes that a frame needs at least."""
        return self.zone.start + 4 * self.ocf + 2 * self.fecf + 1

    def bit_offset(self, name):
        """Bit at which a field of the primary header begins."""
        offset = 0
        for each, bits in self.fields.items():
            if each == name:
                return offset
            offset += bits
        raise ValueError(
            f"The header has no field {name!r}; it has {list(self.fields)}."
        )

    def _set(self, name, value):
        object.__setattr__(self, name, value)

    def _check_kind(self):
        """Refuse what another kind of frames has."""
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if each.name not in _FOREIGN[self.kind] or value == each.default:
                continue
            if each.name == "header":
                raise ValueError(
                    f"header is for the kind 'custom'; the header of {self.kind!r} is "
                    "fixed by its standard."
                )
            raise ValueError(
                f"Frames of the kind {self.kind!r} have no {each.name}; leave it out, "
                f"got {value!r}."
            )

    def _check_length(self):
        if self.length is None:
            return
        _check_count("length", self.length, 1, _MOST_BYTES)
        if self.length < self.minimum_length:
            raise ValueError(
                f"length: frames of {self.length} bytes leave no room for packets; "
                f"header and trailer take {self.minimum_length - 1} bytes."
            )


class _FrozenDict(dict):
    """A dict that stays as it is, which dataclasses.asdict can copy."""

    def __reduce__(self):
        return type(self), (dict(self),)

    def _refuse(self, *args, **kwargs):
        raise TypeError("A frame spec cannot be changed; make another one.")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


def _names(spec):
    return [each.name for each in dataclasses.fields(spec)]


def _rebuild(values):
    return FrameSpec(**values)


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}; got {value!r}.")


def _check_count(name, value, least=0, most=None):
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(
            f"{name} must be a whole number, {least} or more; got {value!r}."
        )
    if most is not None and value > most:
        raise ValueError(f"{name} must be {most} at most; got {value!r}.")


def _as_ids(name, value, bits):
    ids = (value,) if isinstance(value, int) else value
    ids = tuple(ids) if isinstance(ids, Iterable) and not isinstance(ids, str) else None
    if ids is None or not all(
        isinstance(each, int) and not isinstance(each, bool) and each >= 0
        for each in ids
    ):
        raise ValueError(f"{name} must be whole numbers; got {value!r}.")
    if long := [each for each in ids if each >> bits]:
        raise ValueError(
            f"{name} must fit into the {bits} bits of the header field; got {long[0]}."
        )
    return ids


def _checked_header(header):
    if not isinstance(header, Mapping) or not header:
        raise ValueError(
            "header must name the fields of a custom header with their bits, such as "
            f"{{'spacecraft_id': 10, ...}}; got {header!r}."
        )
    for name, bits in header.items():
        _check_count(f"header: {name}", bits, 1)
        if not isinstance(name, str) or bits > 32:
            raise ValueError(
                f"header: fields have a name and 1 to 32 bits; got {name!r}: {bits}."
            )
    if taken := [name for name in _COLUMNS if name in header]:
        raise ValueError(
            f"header: {taken[0]!r} is a column of the table of frames; give the field "
            "another name."
        )
    for name in ("spacecraft_id", "virtual_channel_id"):
        if header.get(name, 0) > _MOST_ID_BITS:
            raise ValueError(
                f"header: {name} has {_MOST_ID_BITS} bits at most; got {header[name]}."
            )
    if missing := [name for name in _NEEDED if name not in header]:
        raise ValueError(f"header: the fields {missing} are missing.")
    if (total := sum(header.values())) % 8:
        raise ValueError(
            f"header: the fields have {total} bits together, which is no whole number "
            "of bytes; add spare fields."
        )
    return dict(header)


def _checked_csv(columns):
    columns = {} if columns is None else columns
    if not isinstance(columns, Mapping):
        raise ValueError(f"csv must name columns; got {columns!r}.")
    for key in columns:
        if key not in _CSV_KEYS:
            raise ValueError(f"csv: {key!r} is none of {list(_CSV_KEYS)}.")
    for key in ("data", "time", "station"):
        column = columns.get(key)
        left_out = column is None and (key != "data" or key not in columns)
        if not left_out and (not isinstance(column, str) or not column):
            raise ValueError(
                f"csv: {key} must be the name of a column; got {column!r}."
            )
    if not isinstance(columns.get("drop", {}), Mapping):
        raise ValueError(
            "csv: drop must map columns to the value whose rows are not used; got "
            f"{columns['drop']!r}."
        )
    return dict(columns)
