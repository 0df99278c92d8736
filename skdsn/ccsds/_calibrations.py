"""Calibrations of a field by itself: raw values to engineering values, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pandas as pd

from skdsn.ccsds._calibration import Calibration, is_number, set_number, set_numbers
from skdsn.ccsds._short import short

__all__ = ["Calibration", "Enumeration", "Polynomial", "SignedSquare", "Table"]

_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Polynomial(Calibration):
    """Calibrate by ``c0 + c1 * raw + c2 * raw**2 + ...``.

    Parameters
    ----------
    coefficients : sequence of float
        By ascending power.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.ccsds import Polynomial
    >>> Polynomial((-162, 0.1)).decode(np.array([700]))
    array([-92.])
    """

    coefficients: tuple
    kind: ClassVar[str] = "polynomial"

    def __post_init__(self):
        set_numbers(self, "coefficients", least=1)

    def decode(self, raw, columns=None):
        """Evaluate the polynomial."""
        *lower, value = self.coefficients
        raw = np.asarray(raw)
        if not lower:
            return np.full(raw.shape, value)
        value = np.multiply(raw, value, dtype=np.float64)
        for power, coefficient in enumerate(reversed(lower)):
            if power:
                value *= raw
            value += coefficient
        return value

    def encode(self, values, columns=None):
        """Solve it, if it is of the first degree."""
        if len(self.coefficients) != 2 or self.coefficients[1] == 0:
            return super().encode(values)
        offset, slope = self.coefficients
        return (np.asarray(values, dtype=np.float64) - offset) / slope


@dataclass(frozen=True)
class Enumeration(Calibration):
    """Give raw values their names or numbers; any other value is unknown (NaN).

    Parameters
    ----------
    values : mapping
        Raw integers, or intervals such as ``"[1, 3]"``, to labels or to numbers.

    Raises
    ------
    ValueError
        If two keys overlap, or labels and numbers are mixed.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.ccsds import Enumeration
    >>> Enumeration({0: 43, 1: 33}).decode(np.array([1, 0, 7]))
    array([33., 43., nan])
    >>> Enumeration({0: "off", "[1, 9]": "on"}).decode(np.array([0, 5])).tolist()
    ['off', 'on']
    """

    values: Mapping
    labels: tuple | None = field(init=False, default=None, compare=False, repr=False)
    _keys: tuple = field(init=False, default=(), compare=False, repr=False)
    kind: ClassVar[str] = "enum"
    is_costly: ClassVar[bool] = True

    def __post_init__(self):
        if not isinstance(self.values, Mapping) or not self.values:
            raise ValueError(
                "An enum maps raw values to labels or numbers, such as {0: 43}; "
                f"got {short(self.values)}."
            )
        values = dict(self.values)
        spans = sorted((*_as_interval(key), key) for key in values)
        for (_, high, one), (low, _, other) in pairwise(spans):
            if low <= high:
                raise ValueError(f"The keys {one!r} and {other!r} of an enum overlap.")
        ordered = [values[key] for _, _, key in spans]
        labels = None
        if all(isinstance(value, str) for value in values.values()):
            labels = tuple(dict.fromkeys(values.values()))
            ordered = [labels.index(value) for value in ordered]
        elif not all(is_number(value) for value in values.values()):
            raise ValueError(
                "The values of an enum must be all labels or all numbers; got "
                f"{short(list(values.values()))}. Quote labels that YAML reads as "
                "something else, such as '12'."
            )
        lows, highs, _ = zip(*spans, strict=True)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "labels", labels)
        keys = (np.array(lows), np.array(highs), np.array(ordered, np.float64))
        object.__setattr__(self, "_keys", keys)

    def decode(self, raw, columns=None):
        """Look the values up."""
        lows, highs, values = self._keys
        raw = np.asarray(raw)
        if raw.dtype == np.uint64:  # compared with signed keys as floats otherwise
            raw = np.minimum(raw, np.uint64(_LARGEST)).astype(np.int64)
        key = np.searchsorted(lows, raw, side="right") - 1
        known = (key >= 0) & (raw <= highs[key])
        if self.labels is None:
            return np.where(known, values[key], np.nan)
        codes = np.where(known, values[key], -1).astype(np.int64)
        return pd.Categorical.from_codes(codes, categories=list(self.labels))

    def encode(self, values, columns=None):
        """Take the first raw value that has each value."""
        lows, _, mine = self._keys
        if self.labels is not None:
            values = np.asarray(values, dtype=object)
            codes = pd.Index(self.labels).get_indexer(values.ravel())
            values = np.where(codes < 0, np.nan, codes).reshape(values.shape)
        values = np.asarray(values, dtype=np.float64)
        unique, first = np.unique(mine, return_index=True)
        place = np.searchsorted(unique, values).clip(max=len(unique) - 1)
        return np.where(unique[place] == values, lows[first[place]], np.nan)


@dataclass(frozen=True)
class Table(Calibration):
    """Interpolate between points, as the splines of XTCE do.

    Parameters
    ----------
    points : sequence of float
        Raw values, ascending.
    values : sequence of float
        At the points.
    order : {0, 1}, default=1
        0 takes the value of the point before, 1 goes straight from point to point.
    extrapolate : bool, default=False
        Whether raw values outside of the points are carried on to, rather than NaN.

    Raises
    ------
    ValueError
        If the points do not ascend, or there are not as many values.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.ccsds import Table
    >>> Table((0, 10, 20), (5, 6, 9)).decode(np.array([5, 20, 21]))
    array([5.5, 9. , nan])
    """

    points: tuple
    values: tuple
    order: int = 1
    extrapolate: bool = False
    kind: ClassVar[str] = "table"
    is_costly: ClassVar[bool] = True

    def __post_init__(self):
        if isinstance(self.order, bool) or self.order not in (0, 1):
            raise ValueError(
                f"The order of a table must be 0 or 1; got {short(self.order)}."
            )
        if not isinstance(self.extrapolate, bool | np.bool_):
            raise ValueError(
                "extrapolate of a table must be true or false; got "
                f"{short(self.extrapolate)}."
            )
        set_numbers(self, "points", least=1 + (self.order == 1))
        set_numbers(self, "values", least=1)
        if len(self.points) != len(self.values):
            raise ValueError(
                f"A table has as many values as points; got {len(self.points)} points "
                f"and {len(self.values)} values."
            )
        if any(b <= a for a, b in pairwise(self.points)):
            raise ValueError(
                f"The points of a table must ascend; got {short(self.points)}."
            )

    def decode(self, raw, columns=None):
        """Interpolate at the raw values."""
        return _interpolate(raw, self.points, self.values, self.order, self.extrapolate)

    def encode(self, values, columns=None):
        """Interpolate the other way round, if the values ascend or descend."""
        points, mine = np.array(self.points), np.array(self.values)
        if len(mine) > 1 and mine[0] > mine[-1]:
            points, mine = points[::-1], mine[::-1]
        if (np.diff(mine) <= 0).any():
            return super().encode(values)
        if self.order == 0:
            values = np.asarray(values, dtype=np.float64)
            place = np.searchsorted(mine, values).clip(max=len(mine) - 1)
            return np.where(mine[place] == values, points[place], np.nan)
        return _interpolate(values, mine, points, 1, self.extrapolate)


@dataclass(frozen=True)
class SignedSquare(Calibration):
    """Calibrate by ``factor * x * abs(x)``, where ``x = raw / scale``.

    Parameters
    ----------
    scale : float
    factor : float, default=1.0

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.ccsds import SignedSquare
    >>> SignedSquare(100).decode(np.array([-50, 100]))
    array([-0.25,  1.  ])
    """

    scale: float
    factor: float = 1.0
    kind: ClassVar[str] = "signed_square"

    def __post_init__(self):
        set_number(self, "scale", nonzero=True)
        set_number(self, "factor", nonzero=True)

    def decode(self, raw, columns=None):
        """Square with the sign kept."""
        x = np.divide(raw, self.scale, dtype=np.float64)
        x *= np.abs(x)
        return x if self.factor == 1 else x * self.factor

    def encode(self, values, columns=None):
        """Take the root with the sign kept."""
        x = np.asarray(values, dtype=np.float64) / self.factor
        return np.sign(x) * np.sqrt(np.abs(x)) * self.scale


def _interpolate(x, points, values, order, extrapolate):
    x = np.asarray(x, dtype=np.float64)
    points, values = np.asarray(points, np.float64), np.asarray(values, np.float64)
    before = np.searchsorted(points, x, side="right") - 1
    if order == 0:
        out = values[before.clip(0)]
    else:
        before = before.clip(0, len(points) - 2)
        slope = np.diff(values) / np.diff(points)
        out = values[before] + slope[before] * (x - points[before])
    if not extrapolate:
        out = np.where((x >= points[0]) & (x <= points[-1]), out, np.nan)
    return np.where(np.isnan(x), np.nan, out)


def _as_interval(key):
    """Read the key of an enum as its lowest and highest raw value."""
    text = str(key).strip()
    inside = text[1:-1].split(",") if text[:1] + text[-1:] == "[]" else [text, text]
    try:
        low, high = (int(end, 0) for end in inside)
    except ValueError:
        low, high = 1, 0
    if isinstance(key, bool) or low > high or not -_LARGEST <= low <= high < _LARGEST:
        raise ValueError(
            f"A key of an enum must be an integer or an interval such as '[1, 3]'; got "
            f"{short(key)}."
        )
    return low, high
