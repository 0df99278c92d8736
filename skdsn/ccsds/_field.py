"""One field of a packet."""

from dataclasses import dataclass
from math import isfinite, prod

import numpy as np

from skdsn.ccsds._calibration import Calibration, is_number
from skdsn.ccsds._short import short

__all__ = ["PacketField"]

DATA_TYPES = ("uint", "int", "float", "bytes", "str", "fill")
MOST_BYTES = 65_542  # of a space packet: 65,536 and its primary header


@dataclass(frozen=True, kw_only=True)
class PacketField:
    r"""One field of a packet.

    Parameters
    ----------
    name : str
        Column it becomes.
    data_type : {"uint", "int", "float", "bytes", "str", "fill"}
        Integers have 1 to 64 bits, floats 16, 32 or 64; bytes and text whole bytes.
        Text ends before the zero bytes that pad it; what is no UTF-8 shows as
        ``\xff``. Fill is skipped.
    bit_length : int
        Of one element.
    bit_offset : int, default=None
        From the first bit of the packet, its primary header included. None stands for
        the end of the field before.
    byte_order : str, default="big"
        ``"big"``, ``"little"``, or the order in which whole bytes are taken as digits,
        such as ``"3412"``.
    shape : tuple of int or "expand", default=()
        An array becomes columns ``name_0``, ``name_1``, ... (``name_0_0`` in two
        dimensions), the last index moving fastest. ``"expand"`` takes as many elements
        as the packet has room for; of bytes and text, one value of whatever length.
    calibration : Calibration, default=None
    unit : str, default=""
    description : str, default=""
    valid_min, valid_max : float, default=None
        Calibrated values outside become NaN, and are counted. Finite.

    Raises
    ------
    ValueError
        If the parts do not go together.

    Examples
    --------
    >>> from skdsn.ccsds import PacketField, Polynomial
    >>> PacketField(
    ...     name="i_bus",
    ...     data_type="uint",
    ...     bit_length=8,
    ...     calibration=Polynomial((0, 3.2)),
    ...     unit="mA",
    ... ).columns
    ('i_bus',)
    """

    name: str
    data_type: str
    bit_length: int
    bit_offset: int | None = None
    byte_order: str = "big"
    shape: tuple | str = ()
    calibration: Calibration | None = None
    unit: str = ""
    description: str = ""
    valid_min: float | None = None
    valid_max: float | None = None

    def __post_init__(self):
        if _is_whole(self.shape):
            object.__setattr__(self, "shape", (self.shape,))
        self._check_type()
        self._check_place()
        self._check_size()
        self._check_limits()
        numeric = self.data_type in ("uint", "int", "float")
        limited = self.valid_min is not None or self.valid_max is not None
        if not numeric and (limited or self.calibration is not None):
            raise ValueError(
                f"Field {self.name!r} holds {self.data_type}; only numbers have a "
                "calibration and valid_min or valid_max."
            )
        if self.calibration is not None and not isinstance(
            self.calibration, Calibration
        ):
            raise TypeError(
                f"The calibration of field {self.name!r} must be a Calibration such as "
                f"Polynomial((0, 0.5)); got {short(self.calibration)}."
            )
        if limited and self.is_categorical:
            raise ValueError(
                f"Field {self.name!r} has labels; leave out valid_min and valid_max."
            )

    def _check_size(self):
        # Before columns are named, of which there may be billions otherwise.
        bits = (self.bit_offset or 0) + self.bit_length * (self.n_elements or 1)
        if bits > 8 * MOST_BYTES:
            raise ValueError(
                f"Field {self.name!r} ends at bit {short(bits)}, but a packet has at "
                f"most {8 * MOST_BYTES} bits ({MOST_BYTES} bytes)."
            )

    def _check_limits(self):
        for name in ("valid_min", "valid_max"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and isfinite(value)):
                raise ValueError(
                    f"{name} of field {self.name!r} must be a finite number, or be "
                    f"left out; got {short(value)}."
                )
        low, high = self.valid_min, self.valid_max
        if low is not None and high is not None and low > high:
            raise ValueError(
                f"valid_min of field {self.name!r} must not be above valid_max; got "
                f"{low} and {high}."
            )

    def _check_type(self):
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(
                f"The name of a field must be text; got {short(self.name)}."
            )
        if self.data_type not in DATA_TYPES:
            raise ValueError(
                f"The data_type of field {self.name!r} must be one of {DATA_TYPES}; "
                f"got {short(self.data_type)}."
            )
        bits = self.bit_length
        if not _is_whole(bits) or bits < 1:
            raise ValueError(
                f"The bit_length of field {self.name!r} must be a positive integer; "
                f"got {short(bits)}."
            )
        allowed, wanted = {
            "float": (bits in (16, 32, 64), "16, 32 or 64"),
            "bytes": (bits % 8 == 0, "a multiple of 8"),
            "str": (bits % 8 == 0, "a multiple of 8"),
            "fill": (True, ""),
        }.get(self.data_type, (bits <= 64, "1 to 64"))
        if not allowed:
            raise ValueError(
                f"Field {self.name!r} is {self.data_type}, so its bit_length must be "
                f"{wanted}; got {bits}."
            )

    def _check_place(self):
        offset = self.bit_offset
        if offset is not None and not (_is_whole(offset) and offset >= 0):
            raise ValueError(
                f"The bit_offset of field {self.name!r} must be an integer from 0, or "
                f"None; got {short(offset)}."
            )
        order = self.byte_order
        if order not in ("big", "little"):
            digits = sorted(order) if isinstance(order, str) else None
            if digits != [str(k + 1) for k in range(self.bit_length // 8)]:
                raise ValueError(
                    f"The byte_order of field {self.name!r} must be 'big', 'little', "
                    "or name each of its bytes once, as '3412' does for four; got "
                    f"{short(order)}."
                )
        if order != "big" and self.bit_length % 8:
            raise ValueError(
                f"Field {self.name!r} has {self.bit_length} bits, no whole bytes; its "
                f"byte_order can only be 'big', not {order!r}."
            )
        if self.shape != "expand" and not (
            isinstance(self.shape, tuple)
            and all(_is_whole(n) and n > 0 for n in self.shape)
        ):
            raise ValueError(
                f"The shape of field {self.name!r} must be a tuple of positive "
                f"integers or 'expand'; got {short(self.shape)}."
            )
        is_text = self.data_type in ("bytes", "str")
        if self.shape == "expand" and is_text and self.bit_length != 8:
            raise ValueError(
                f"Field {self.name!r} takes all bytes that are left, so its "
                f"bit_length must be 8; got {self.bit_length}."
            )

    @property
    def is_categorical(self):
        """Whether its values are labels."""
        return getattr(self.calibration, "labels", None) is not None

    @property
    def n_elements(self):
        """Number of elements; None if it depends on the packet."""
        return None if self.shape == "expand" else prod(self.shape)

    @property
    def columns(self):
        """Names of its columns, of as many as are known."""
        if self.data_type == "fill":
            return ()
        if self.shape == "expand":
            return (self.name,) if self.data_type in ("bytes", "str") else ()
        return self.columns_of(self.shape)

    def columns_of(self, shape):
        """Name the columns of an array of some shape."""
        if shape == ():
            return (self.name,)
        return tuple(
            "_".join([self.name, *map(str, index)]) for index in np.ndindex(*shape)
        )


def _is_whole(value):
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
