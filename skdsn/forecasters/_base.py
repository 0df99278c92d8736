"""What all forecasters share: the error is that of the forecast made a row before."""

from abc import abstractmethod

import numpy as np

from skdsn._core.segments import boundaries, positions
from skdsn._sklearn import NAMES
from skdsn.base import TARGET_CONSTRAINTS, ErrorTransformer, MemoryTransformer

KNOWN_CONSTRAINTS = {**TARGET_CONSTRAINTS, "known_inputs": NAMES}


class BaseForecaster(ErrorTransformer, MemoryTransformer):
    """Base of the forecasters.

    A subclass forecasts a chunk in ``_forecast(values, bounds, memories)``, which
    returns the target values expected in each row, from rows before it, and
    ``remember``. What it expects of the first row of a fresh segment does not count.
    """

    def _stream(self, data, tracks, bounds, memories):
        scaled = self._scale(data)
        expected, remember = self._forecast(scaled, bounds, memories)
        errors = np.abs(expected - scaled[:, self.target_indices_])
        fresh = np.array([memory is None for memory in memories], dtype=bool)
        errors[bounds[:-1][fresh]] = 0.0
        return self._table(scaled, errors), remember

    @abstractmethod
    def _forecast(self, values, bounds, memories):
        """Forecast a chunk; see the class."""


class LinearForecaster(BaseForecaster):
    """Base of the forecasters whose last step is a ridge regression.

    A subclass has constructor parameters `known_inputs` and `max_gap` and solves the
    regression in ``_regress(values, bounds, learnt)``, where `learnt` are the rows
    to forecast; `bounds` are such that no row is forecast from an anomalous one.
    """

    def _learn(self, rows, labels):
        bounds = rows.tracks.segments(self.max_gap)
        learnt = np.ones(len(rows.data), dtype=bool)
        if labels is not None:
            bounds = np.union1d(bounds, boundaries(labels == 1))
            learnt = labels != 1
        learnt &= positions(bounds) > 0
        if not learnt.any():
            raise ValueError(
                "No normal row is followed by another one in its track, so there is "
                f"nothing to forecast; got n_samples={len(learnt)} rows in "
                f"{len(bounds) - 1} segments."
            )
        self._regress(self._scale(rows.data), bounds, learnt)

    def _changes(self, values, rows):
        """Take the steps of the targets to some rows: what is regressed.

        The penalty then draws the forecast towards the last row, not the mean.
        """
        targets = self.target_indices_
        return values[np.ix_(rows, targets)] - values[np.ix_(rows - 1, targets)]

    def _add_last(self, coef, first):
        """Add the last row to forecast steps; `first` is its first coefficient."""
        coef[first + self.target_indices_, np.arange(coef.shape[1])] += 1
        return coef

    @abstractmethod
    def _regress(self, values, bounds, learnt):
        """Learn the coefficients; see the class."""


def one_row_later(forecasts, bounds, carried):
    """Put forecasts made in each row beside the rows that they are for.

    Parameters
    ----------
    forecasts : float ndarray of shape (n_rows, n_targets)
    bounds : ndarray of shape (n_segments + 1,)
    carried : list of ndarray of shape (n_targets,) or None, one per segment
        Forecast of the first row of a segment; its own where there is none.

    Returns
    -------
    float ndarray of shape (n_rows, n_targets)
    """
    expected = np.empty_like(forecasts)
    expected[1:] = forecasts[:-1]
    expected[bounds[:-1]] = forecasts[bounds[:-1]]
    for begin, forecast in zip(bounds[:-1], carried, strict=True):
        if forecast is not None:
            expected[begin] = forecast
    return expected
