"""Calibrations that need other fields, or code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skdsn.ccsds._calibration import Calibration, set_names, set_number
from skdsn.ccsds._short import short

__all__ = ["Function", "Sum", "register_calibration"]


@dataclass(frozen=True)
class Sum(Calibration):
    """Calibrate by ``offset + scale * raw`` plus the calibrated values of other fields.

    Parameters
    ----------
    fields : str or sequence of str
        They may stand anywhere in the packet.
    scale : float, default=1.0
    offset : float, default=0.0

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.ccsds import Sum
    >>> rssi = Sum("gain", scale=0.1, offset=-174)
    >>> rssi.decode(np.array([500]), {"gain": np.array([33.0])})
    array([-91.])
    """

    fields: tuple
    scale: float = 1.0
    offset: float = 0.0
    kind: ClassVar[str] = "sum"

    def __post_init__(self):
        set_names(self, "fields", least=1)
        set_number(self, "scale", nonzero=True)
        set_number(self, "offset")

    def decode(self, raw, columns=None):
        """Add up."""
        raw = np.asarray(raw)
        value = np.multiply(raw, self.scale, dtype=np.float64)
        return value + self.offset + self._others(raw.ndim, columns)

    def encode(self, values, columns=None):
        """Take the other fields off again."""
        values = np.asarray(values, dtype=np.float64)
        others = self._others(values.ndim, columns)
        return (values - others - self.offset) / self.scale

    def _others(self, n_dims, columns):
        others = [np.asarray(columns[name]) for name in self.fields]
        return sum(one[:, None] if one.ndim < n_dims else one for one in others)


@dataclass(frozen=True)
class Function(Calibration):
    """Calibrate by a function that was registered under a name.

    Parameters
    ----------
    name : str
    fields : str or sequence of str, default=()
        Other fields whose calibrated values it is given.

    See Also
    --------
    register_calibration : Register one.
    """

    name: str
    fields: tuple = ()
    kind: ClassVar[str] = "function"

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(
                "A function calibration is the name of a registered one, as text; got "
                f"{short(self.name)}."
            )
        set_names(self, "fields", least=0)

    def decode(self, raw, columns=None):
        """Call the function."""
        raw = np.asarray(raw)
        values = np.asarray(self._functions()[0](raw, columns or {}), dtype=np.float64)
        if values.shape != raw.shape:
            raise ValueError(
                f"The calibration {self.name!r} must return as many values as it gets, "
                f"of shape {raw.shape}; it returned {values.shape}."
            )
        return values

    def encode(self, values, columns=None):
        """Call the inverse, if one was registered."""
        inverse = self._functions()[1]
        if inverse is None:
            return super().encode(values)
        return np.asarray(inverse(np.asarray(values), columns or {}), dtype=np.float64)

    def _functions(self):
        if self.name not in _REGISTERED:
            raise ValueError(
                f"There is no calibration function {self.name!r}; register it with "
                "skdsn.ccsds.register_calibration before decoding."
            )
        return _REGISTERED[self.name]


_REGISTERED: dict[str, tuple[Callable, Callable | None]] = {}


def register_calibration(name, decode, encode=None):
    """Give a function a name by which definition files can call it.

    Parameters
    ----------
    name : str
        In a file: ``{function: name}``, or with other fields
        ``{function: {name: name, fields: [other]}}``.
    decode : callable
        ``decode(raw, columns)``: raw values of shape (n,) or, of an array, (n, k), and
        a mapping of the other fields to their calibrated values; returns as many
        float64 values, NaN outside of its domain.
    encode : callable, default=None
        ``encode(values, columns)``, its inverse.

    Raises
    ------
    TypeError
        If `decode` or `encode` is no function.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.ccsds import Function, register_calibration
    >>> register_calibration("decibel", lambda raw, columns: 10 * np.log10(raw))
    >>> Function("decibel").decode(np.array([1, 100]))
    array([ 0., 20.])
    """
    if not callable(decode) or not (encode is None or callable(encode)):
        raise TypeError(
            f"A calibration function must be callable; got {decode!r} and {encode!r}."
        )
    _REGISTERED[name] = (decode, encode)
