"""Calibrations of XTCE parameters."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from space_packet_parser.xtce import calibrators, comparisons, encodings
from space_packet_parser.xtce import parameter_types as types

from skdsn.ccsds._calibrations import Calibration, Enumeration, Polynomial, Table

__all__ = ["ContextCalibration", "calibration_of"]

_HIGHEST_POWER = 64
_OPERATORS = {
    "__eq__": np.equal,
    "__ne__": np.not_equal,
    "__lt__": np.less,
    "__le__": np.less_equal,
    "__gt__": np.greater,
    "__ge__": np.greater_equal,
}


def calibration_of(parameter, parameters):
    """Translate the calibration of a parameter.

    Parameters
    ----------
    parameter : space_packet_parser.xtce.parameters.Parameter
    parameters : mapping of str to such
        All of the file.

    Returns
    -------
    Calibration or None

    Raises
    ------
    ValueError
        If there is no such calibration here; the message names the parameter.
    """
    try:
        return _calibration_of(parameter, parameters)
    except ValueError as error:
        raise ValueError(f"parameter {parameter.name!r}: {error}") from error


def _calibration_of(parameter, parameters):
    kind, encoding = parameter.parameter_type, parameter.parameter_type.encoding
    if isinstance(kind, types.EnumeratedParameterType | types.BooleanParameterType):
        if not isinstance(encoding, encodings.IntegerDataEncoding):
            raise ValueError("labels and truth values of other than integers.")
        if isinstance(kind, types.EnumeratedParameterType):
            return Enumeration(kind.enumeration)
        if encoding.size_in_bits == 1:
            return None
        most = 2**53 - 1
        return Enumeration({0: 0, f"[1, {most}]": 1, f"[{-most}, -1]": 1})
    if not isinstance(encoding, encodings.NumericDataEncoding):
        return None
    default = _translate(encoding.default_calibrator)
    if not encoding.context_calibrators:
        return default
    contexts = tuple(
        (
            _Group(
                tuple(
                    _as_test(c, parameter, parameters) for c in context.match_criteria
                )
            ),
            _translate(context.calibrator),
        )
        for context in encoding.context_calibrators
    )
    return ContextCalibration(contexts, default)


def _translate(calibrator):
    if calibrator is None:
        return None
    if isinstance(calibrator, calibrators.SplineCalibrator):
        if not calibrator.points:
            raise ValueError("a spline without points.")
        points, values = zip(*calibrator.points, strict=True)
        return Table(points, values, calibrator.order, calibrator.extrapolate)
    powers = [power for _, power in calibrator.coefficients]
    if not powers or min(powers) < 0 or max(powers) > _HIGHEST_POWER:
        raise ValueError(
            f"the powers of a polynomial must be 0 to {_HIGHEST_POWER}; got {powers}."
        )
    coefficients = [0.0] * (max(powers) + 1)
    for value, power in calibrator.coefficients:
        coefficients[power] += value
    return Polynomial(coefficients)


@dataclass(frozen=True)
class ContextCalibration(Calibration):
    """Calibrate by the first of several calibrations whose condition holds.

    Parameters
    ----------
    contexts : sequence of (condition, Calibration)
    default : Calibration or None
        Where no condition holds; None leaves the raw values there.
    """

    contexts: tuple
    default: Calibration | None = None
    kind: ClassVar[str] = "context"

    @property
    def fields(self):
        """Names of the fields that the conditions are on."""
        names = [name for condition, _ in self.contexts for name in condition.names]
        return tuple(dict.fromkeys(names))

    def decode(self, raw, columns=None):
        """Decide for each value on its own."""
        raw = np.asarray(raw)
        if self.default is None:
            values = raw.astype(np.float64)
        else:
            values = self.default.decode(raw)
        left = np.ones(raw.shape, dtype=bool)
        for condition, calibration in self.contexts:
            found = left & condition.holds(raw, columns or {})
            values = np.where(found, calibration.decode(raw), values)
            left &= ~found
        return values


@dataclass(frozen=True)
class _Group:
    """Conditions that must all hold, or one of which must."""

    parts: tuple
    is_any: bool = False

    @property
    def names(self):
        return [name for part in self.parts for name in part.names]

    def holds(self, raw, columns):
        combine = np.logical_or if self.is_any else np.logical_and
        results = [part.holds(raw, columns) for part in self.parts]
        return combine.reduce([np.full(raw.shape, not self.is_any), *results])


@dataclass(frozen=True)
class _Test:
    """Compare a field with a value or another field; None is the field itself, raw."""

    left: str | None
    operator: str
    value: str | float | None = None
    right: str | None = None

    @property
    def names(self):
        return [name for name in (self.left, self.right) if name is not None]

    def holds(self, raw, columns):
        left = raw if self.left is None else np.asarray(columns[self.left])
        right = self.value
        if right is None:
            right = np.asarray(columns[self.right])
        return np.asarray(_OPERATORS[self.operator](left, right), dtype=bool)


def _as_test(criterion, parameter, parameters):
    """Translate a condition on other parameters, or on the raw value itself."""
    if isinstance(criterion, comparisons.BooleanExpression):
        criterion = criterion.expression
    if isinstance(criterion, comparisons.Anded | comparisons.Ored):
        is_any = isinstance(criterion, comparisons.Ored)
        inner = criterion.ands if is_any else criterion.ors
        parts = [*criterion.conditions, *inner]
        return _Group(tuple(_as_test(p, parameter, parameters) for p in parts), is_any)
    if isinstance(criterion, comparisons.Comparison):
        left, value, right = (
            criterion.referenced_parameter,
            criterion.required_value,
            None,
        )
        calibrated = criterion.use_calibrated_value
    else:
        left, value, right = (
            criterion.left_param,
            criterion.right_value,
            criterion.right_param,
        )
        calibrated = criterion.left_use_calibrated_value
    operator = criterion._valid_operators[criterion.operator]
    if right is not None:
        if parameter.name in (left, right):
            raise ValueError(f"a condition compares it with {left!r} or {right!r}.")
        for name, finished in (
            (left, calibrated),
            (right, criterion.right_use_calibrated_value),
        ):
            if not finished and _is_calibrated(name, parameters):
                raise _raw_value_error(name)
        return _Test(left, operator, right=right)
    if left == parameter.name:
        return _Test(None, operator, _as_number(value))
    if left not in parameters:
        raise ValueError(f"a condition is on {left!r}, which there is not.")
    kind = parameters[left].parameter_type
    if isinstance(kind, types.EnumeratedParameterType):
        if not calibrated:
            value = _only_label(kind, left, value)
        if operator not in ("__eq__", "__ne__"):
            raise ValueError(f"a condition puts the labels of {left!r} in an order.")
        return _Test(left, operator, value)
    if isinstance(kind, types.StringParameterType):
        return _Test(left, operator, value)
    if not calibrated and _is_calibrated(left, parameters):
        raise _raw_value_error(left)
    return _Test(left, operator, _as_number(value))


def _is_calibrated(name, parameters):
    if name not in parameters:
        raise ValueError(f"a condition is on {name!r}, which there is not.")
    kind = parameters[name].parameter_type
    encoding = kind.encoding
    return (
        isinstance(kind, types.EnumeratedParameterType | types.BooleanParameterType)
        or getattr(encoding, "default_calibrator", None) is not None
        or bool(getattr(encoding, "context_calibrators", None))
    )


def _raw_value_error(name):
    return ValueError(
        f"a condition is on the raw value of {name!r}, which has a calibration; such "
        "conditions are not supported."
    )


def _only_label(kind, name, value):
    """Give the label of a raw value, which must be the label of no other."""
    label = kind.enumeration.get(int(value))
    if label is None or list(kind.enumeration.values()).count(label) > 1:
        raise _raw_value_error(name)
    return label


def _as_number(text):
    words = {"true": 1, "false": 0}
    if str(text).lower() in words:
        return words[str(text).lower()]
    try:
        return int(text)
    except ValueError:
        return float(text)
