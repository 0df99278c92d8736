"""Smooth prediction errors before a threshold is set."""

from itertools import pairwise
from numbers import Integral

import numpy as np

from skdsn._core.ewma import ewma
from skdsn._core.segments import last_valid_row
from skdsn._sklearn import MAX_GAP, NAMES, Interval, StrOptions, check_feature_names_in
from skdsn.base import MemoryTransformer


class ErrorSmoother(MemoryTransformer):
    """Average errors with exponentially falling weights, the newest row first.

    The weights are normalised, as in ``pandas.DataFrame.ewm(span=span).mean()``, and
    each track starts afresh. A missing error is skipped: the row gets the mean of those
    before it (NaN if there are none), and no weight is lost, as with pandas'
    ``ignore_na=True``.

    Parameters
    ----------
    span : int, default=105
        Rows; a row weighs ``1 - 2 / (span + 1)`` of the one after it. The default is
        that of the paper: 5 % of 30 batches of 70 rows.
    columns : sequence of str, default=None
        Columns to smooth; the others are passed on as they are. All when None.
    keep : sequence of str, default=None
        Of the others, those that are passed on; all when None.
    startup : {"none", "mean"}, default="none"
        "mean" replaces the first `startup_rows` smoothed errors of a track, from its
        first known error on, by the mean of twice as many, as the paper does. That
        looks ahead, so it cannot be streamed, and is here only for comparisons.
    startup_rows : int, default=250
        Rows, for ``startup="mean"``.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time starts afresh: seconds, or ``"10min"``.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    Raises
    ------
    ValueError
        If one of `columns` is not there; in ``stream``, with ``startup="mean"``.

    See Also
    --------
    DynamicThresholdDetector : Takes smoothed errors.

    References
    ----------
    K. Hundman et al., "Detecting spacecraft anomalies using LSTMs and nonparametric
    dynamic thresholding", KDD 2018, https://arxiv.org/abs/1802.04431

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.detectors import ErrorSmoother
    >>> X = pd.DataFrame({"error": [0.0, 4.0, None, 4.0], "value": [1.0, 5, 5, 5]})
    >>> ErrorSmoother(span=3, columns=["error"]).fit_transform(X).round(2)
       error  value
    0   0.00    1.0
    1   2.67    5.0
    2   2.67    5.0
    3   3.43    5.0
    """

    _parameter_constraints: dict = {
        "span": [Interval(Integral, 1, None, closed="left")],
        "columns": [None, *NAMES],
        "keep": [None, *NAMES],
        "startup": [StrOptions({"none", "mean"})],
        "startup_rows": [Interval(Integral, 1, None, closed="left")],
        "max_gap": MAX_GAP,
    }
    _missing = True

    def __init__(
        self,
        *,
        span=105,
        columns=None,
        keep=None,
        startup="none",
        startup_rows=250,
        max_gap=None,
    ):
        self.span = span
        self.columns = columns
        self.keep = keep
        self.startup = startup
        self.startup_rows = startup_rows
        self.max_gap = max_gap

    def _fit(self, rows, y):
        names = list(check_feature_names_in(self))
        wanted = names if self.columns is None else list(self.columns)
        kept = names if self.keep is None else list(self.keep)
        for parameter, listed in (("columns", wanted), ("keep", kept)):
            absent = [name for name in listed if name not in names]
            if absent:
                raise ValueError(
                    f"{parameter} names {absent[0]!r}, which is not a column of X; it "
                    f"has {names[:5]}{' and more' if len(names) > 5 else ''}."
                )
        out = [name for name in names if name in {*wanted, *kept}]
        self._kept = [names.index(name) for name in out]
        self._smoothed = [out.index(name) for name in wanted]

    def _stream(self, data, tracks, bounds, memories):
        # Memory: sums of errors and of weights, one each per column.
        out = np.array(data[:, self._kept], dtype=np.float64)
        n_segments = len(bounds) - 1
        sums, weights = np.zeros((2, n_segments, len(self._smoothed)))
        for i, memory in enumerate(memories):
            if memory is not None:
                sums[i], weights[i] = memory
        for number, column in enumerate(self._smoothed):
            carry = sums[:, number], weights[:, number]
            out[:, column], carry = _average(out[:, column], bounds, self.span, carry)
            sums[:, number], weights[:, number] = carry
        if self.startup == "mean":
            for begin, end in pairwise(bounds):
                for column in self._smoothed:
                    self._start_by_mean(out[begin:end, column])

        def remember(i):
            if self.startup == "mean":
                raise ValueError(
                    "ErrorSmoother(startup='mean') replaces errors by those of later "
                    "rows, so it cannot be streamed; use startup='none'."
                )
            return sums[i].copy(), weights[i].copy()

        return out, remember

    def _start_by_mean(self, smoothed):
        """Overwrite the first smoothed errors of a track, from the first known one."""
        # Smoothed errors are missing before the first error only.
        smoothed = smoothed[np.isnan(smoothed).sum() :]
        if len(smoothed):
            mean = smoothed[: 2 * self.startup_rows].mean()
            smoothed[: self.startup_rows] = mean

    def _names_out(self, names):
        return [names[i] for i in self._kept]


def _average(errors, bounds, span, carry):
    """Average one column over the errors that are known, and hold the mean between."""
    sums, weights = (values.copy() for values in carry)
    before = np.divide(sums, weights, where=weights > 0, out=np.full(len(sums), np.nan))
    known = ~np.isnan(errors)
    n_known = np.add.reduceat(known, bounds[:-1], dtype=np.int64)
    some = n_known > 0
    if not some.any():
        return np.repeat(before, np.diff(bounds)), (sums, weights)
    packed = np.concatenate(([0], np.cumsum(n_known[some])))
    mean, (sums[some], weights[some]) = ewma(
        errors[known], packed, 2 / (span + 1), (sums[some], weights[some])
    )
    latest = last_valid_row(known, bounds)
    order = np.cumsum(known) - 1  # of each row's error among the known ones
    held = np.repeat(before, np.diff(bounds))
    return np.where(latest >= 0, mean[order.clip(0)], held), (sums, weights)
