"""Calibrations as they are written in definition files."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields

from skdsn._core.names import near
from skdsn.ccsds._calibrations import (
    Calibration,
    Enumeration,
    Polynomial,
    SignedSquare,
    Table,
)
from skdsn.ccsds._functions import Function, Sum
from skdsn.ccsds._short import short
from skdsn.ccsds._thermistors import BetaThermistor, QuadraticThermistor
from skdsn.ccsds._yaml import load_yaml

__all__ = ["parse_calibration"]

_CLASSES = (
    Polynomial,
    Enumeration,
    Table,
    BetaThermistor,
    QuadraticThermistor,
    SignedSquare,
    Sum,
    Function,
)
KINDS = {cls.kind: cls for cls in _CLASSES}
_HIGHEST_POWER = 20


def parse_calibration(value, known=None):
    """Read a calibration from a cell of a CSV file or a value of a YAML file.

    Parameters
    ----------
    value : str, mapping or None
        The name of a known one; one key, its kind, with the parameters; or as ccsdspy's
        files write it, a mapping of powers to coefficients or of raw values to labels.
        Text that is no name is read as YAML.
    known : mapping of str to Calibration, default=None

    Returns
    -------
    Calibration or None
        None of empty text.

    Raises
    ------
    ValueError
        If it says something else.
    """
    known = known or {}
    if isinstance(value, str):
        value = value.strip()
        if value in known:
            return known[value]
        value = load_yaml(value, f"The calibration {short(value)}") if value else None
    if value is None or isinstance(value, Calibration):
        return value
    if isinstance(value, str):
        raise ValueError(
            f"There is no calibration {short(value)}; {near(value, known)}"
        )
    if not isinstance(value, Mapping) or not value:
        raise ValueError(
            "A calibration is a name, or one kind with its parameters such as "
            f"{{polynomial: [0, 3.2]}}; got {short(value)}."
        )
    kind = next(iter(value))
    if len(value) == 1 and kind in KINDS:
        return _make(KINDS[kind], value[kind])
    if not all(_is_raw(key) for key in value):
        hint = f"one key, its kind; got {short(list(value))}."
        if len(value) == 1:
            hint = f"one key, its kind; {near(kind, KINDS)}"
        raise ValueError(f"A calibration has {hint}")
    if all(isinstance(c, int | float) for c in value.values()):
        return Polynomial(_by_power(value))
    return Enumeration(value)


def _make(cls, parameters):
    if cls is Polynomial and isinstance(parameters, Mapping):
        return Polynomial(_by_power(parameters))
    if cls in (Polynomial, Enumeration):
        return cls(parameters)
    needed = {f.name: f.default is MISSING for f in fields(cls) if f.init}
    if not isinstance(parameters, Mapping):
        first, *others = needed
        if any(needed[other] for other in others):
            raise ValueError(
                f"A {cls.kind} calibration has the parameters {list(needed)}; got "
                f"{short(parameters)}."
            )
        parameters = {first: parameters}
    for name in parameters:
        if name not in needed:
            raise ValueError(
                f"A {cls.kind} calibration has no parameter {name!r}; "
                f"{near(name, needed)}"
            )
    missing = [name for name, must in needed.items() if must and name not in parameters]
    if missing:
        raise ValueError(f"A {cls.kind} calibration needs {missing[0]!r}.")
    return cls(**parameters)


def _is_raw(key):
    return str(key).strip().lstrip("+-")[:1] in tuple("[0123456789")


def _by_power(coefficients):
    powers = {}
    for power, coefficient in coefficients.items():
        digits = "" if isinstance(power, bool) else str(power).strip()
        if not re.fullmatch("[-+]?[0-9]{1,9}", digits):
            raise ValueError(
                "A polynomial maps powers, which are whole numbers, to coefficients; "
                f"got the power {short(power)}."
            )
        if int(digits) in powers:
            raise ValueError(f"A polynomial has the power {int(digits)} twice.")
        powers[int(digits)] = coefficient
    if not powers or min(powers) < 0 or max(powers) > _HIGHEST_POWER:
        raise ValueError(
            f"The powers of a polynomial are 0 to {_HIGHEST_POWER}; got "
            f"{short(coefficients)}. Numbers for raw values are an enum: {{enum: ...}}."
        )
    return [powers.get(power, 0.0) for power in range(max(powers) + 1)]
