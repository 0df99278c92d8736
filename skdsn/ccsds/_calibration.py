"""What all calibrations have in common."""

from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

import numpy as np

from skdsn.ccsds._short import short

__all__ = ["Calibration", "is_number", "set_names", "set_number", "set_numbers"]


class Calibration:
    """Base of the calibrations: small frozen objects, one class per kind.

    Attributes
    ----------
    kind : str
        What it is called in definition files.
    fields : tuple of str
        Other fields whose calibrated values it needs.
    labels : tuple of str or None
        What values may be, if they are no numbers.
    is_costly : bool
        Whether a table of its values at all raw values is quicker, for small integers.
    """

    kind: ClassVar[str] = ""
    fields: tuple = ()
    labels: tuple | None = None
    is_costly: ClassVar[bool] = False

    def decode(self, raw, columns=None):
        """Turn raw values into engineering values.

        Parameters
        ----------
        raw : numeric ndarray of shape (n,) or, where there are no labels, (n, k)
        columns : mapping of field name to ndarray, default=None
            Calibrated values of the fields it needs.

        Returns
        -------
        float64 ndarray or pandas.Categorical
            NaN, or no category, where the raw value is outside of the domain.
        """
        raise NotImplementedError

    def encode(self, values, columns=None):
        """Turn engineering values into raw values, not yet rounded.

        Parameters
        ----------
        values : array-like of shape (n,) or (n, k)
        columns : mapping of field name to ndarray, default=None

        Returns
        -------
        float64 ndarray
            NaN where no raw value has such a value.

        Raises
        ------
        ValueError
            If the calibration has no inverse.
        """
        raise ValueError(f"The calibration {self!r} has no inverse.")


def is_number(value):
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _as_number(owner, name, value):
    # YAML reads 1e-3, without a point, as text.
    if isinstance(value, str):
        with suppress(ValueError):
            value = float(value)
    if not is_number(value) or not np.isfinite(value):
        raise ValueError(
            f"{name} of a {owner.kind} calibration must be a number; got "
            f"{short(value)}."
        )
    return float(value)


def set_number(owner, name, *, nonzero=False):
    value = _as_number(owner, name, getattr(owner, name))
    if nonzero and value == 0:
        raise ValueError(f"{name} of a {owner.kind} calibration must not be 0.")
    object.__setattr__(owner, name, value)


def set_numbers(owner, name, least):
    values = getattr(owner, name)
    listed = np.iterable(values) and not isinstance(values, str | Mapping)
    if not listed or len(tuple(values)) < least:
        raise ValueError(
            f"{name} of a {owner.kind} calibration must be a list of at least {least} "
            f"numbers; got {short(values)}."
        )
    numbers = tuple(_as_number(owner, name, value) for value in values)
    object.__setattr__(owner, name, numbers)


def set_names(owner, name, least):
    """Make one name, or a list of names, a tuple of them."""
    names = getattr(owner, name)
    listed = np.iterable(names) and not isinstance(names, Mapping)
    names = (names,) if isinstance(names, str) else tuple(names) if listed else None
    if (
        names is None
        or len(names) < least
        or not all(isinstance(each, str) and each for each in names)
    ):
        raise ValueError(
            f"{name} of a {owner.kind} calibration must name other fields of the "
            f"packet; got {short(getattr(owner, name))}."
        )
    object.__setattr__(owner, name, names)
