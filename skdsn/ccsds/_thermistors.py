"""The laws of thermistors in a voltage divider."""

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from skdsn.ccsds._calibration import Calibration, set_number

__all__ = ["BetaThermistor", "QuadraticThermistor"]


class _Thermistor(Calibration):
    """A voltage ``lsb * raw`` of a divider between 0 and ``supply``."""

    is_costly: ClassVar[bool] = True

    def __post_init__(self):
        for name in [field.name for field in fields(self)]:
            set_number(self, name, nonzero=name in ("supply", "lsb"))

    def decode(self, raw, columns=None):
        """Give the temperature; NaN at the ends of the divider and beyond."""
        voltage = np.multiply(raw, self.lsb, dtype=np.float64)
        with np.errstate(all="ignore"):
            inside = (voltage > 0) & (voltage < self.supply)
            inverse = self._inverse_temperature(
                np.log(voltage / (self.supply - voltage))
            )
            return np.where(inside & (inverse > 0), 1 / inverse + self.offset, np.nan)

    def encode(self, values, columns=None):
        """Give the raw value of a temperature."""
        kelvin = np.asarray(values, dtype=np.float64) - self.offset
        with np.errstate(all="ignore"):
            ratio = np.exp(self._log_ratio(1 / kelvin))
            raw = self.supply * ratio / (1 + ratio) / self.lsb
        return np.where(kelvin > 0, raw, np.nan)


@dataclass(frozen=True)
class BetaThermistor(_Thermistor):
    """Calibrate a thermistor of the beta law, as a voltage of a divider.

    The temperature is ``1 / (1 / t0 + log(ratio * v / (supply - v)) / beta) + offset``
    with ``v = lsb * raw``.

    Parameters
    ----------
    beta : float
        In K.
    t0 : float
        Temperature of reference, in K.
    supply : float
        Voltage of the divider, in V.
    lsb : float
        Volts of one raw count.
    ratio : float, default=1.0
        Of the other resistor to the thermistor's resistance at `t0`.
    offset : float, default=-273.15
        From kelvin to the unit wanted.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.ccsds import BetaThermistor
    >>> ntc = BetaThermistor(4100, 298.15, 5, 0.00244, ratio=2, offset=-273.1)
    >>> ntc.decode(np.array([600, 0])).round(6)
    array([29.197665,       nan])
    """

    beta: float
    t0: float
    supply: float
    lsb: float
    ratio: float = 1.0
    offset: float = -273.15
    kind: ClassVar[str] = "beta_thermistor"

    def __post_init__(self):
        super().__post_init__()
        if min(self.beta, self.t0, self.ratio) <= 0:
            raise ValueError(
                "beta, t0 and ratio of a beta_thermistor calibration must be positive; "
                f"got {self}."
            )

    def _inverse_temperature(self, log_ratio):
        return 1 / self.t0 + (np.log(self.ratio) + log_ratio) / self.beta

    def _log_ratio(self, inverse):
        return self.beta * (inverse - 1 / self.t0) - np.log(self.ratio)


@dataclass(frozen=True)
class QuadraticThermistor(_Thermistor):
    """Calibrate a thermistor whose log resistance is quadratic in the inverse of T.

    Solves ``log(pull_up * v / (supply - v)) = a + b / T + c / T**2`` for ``T``, with
    ``v = lsb * raw``; the temperature is ``T + offset``.

    Parameters
    ----------
    a, b, c : float
        `b` is positive.
    pull_up : float
        The other resistor, in ohm.
    supply : float
        Voltage of the divider, in V.
    lsb : float
        Volts of one raw count.
    offset : float, default=-273.15
        From kelvin to the unit wanted.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.ccsds import QuadraticThermistor
    >>> a, b, c = -4.77701, 5289.94338, -292525.18393
    >>> ntc = QuadraticThermistor(a, b, c, 10_000, 5, 0.00244)
    >>> ntc.decode(np.array([600, 2000])).round(6)
    array([ 64.358242, -47.399131])
    """

    a: float
    b: float
    c: float
    pull_up: float
    supply: float
    lsb: float
    offset: float = -273.15
    kind: ClassVar[str] = "quadratic_thermistor"

    def __post_init__(self):
        super().__post_init__()
        if min(self.b, self.pull_up) <= 0:
            raise ValueError(
                "b and pull_up of a quadratic_thermistor calibration must be positive; "
                f"got {self}."
            )

    def _inverse_temperature(self, log_ratio):
        above = np.log(self.pull_up) + log_ratio - self.a
        # The root that stays finite as c goes to 0, in a form without cancellation.
        return 2 * above / (self.b + np.sqrt(self.b**2 + 4 * self.c * above))

    def _log_ratio(self, inverse):
        log_resistance = self.a + self.b * inverse + self.c * inverse**2
        return log_resistance - np.log(self.pull_up)
