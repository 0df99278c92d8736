"""A linear forecast from the last rows."""

from numbers import Integral, Real

import numpy as np

from skdsn._core.ridge import NormalEquations
from skdsn._core.segments import prepend, row_starts
from skdsn._core.windows import gather_windows
from skdsn._sklearn import Interval
from skdsn.forecasters._base import KNOWN_CONSTRAINTS, LinearForecaster

# Numbers in a block of windows: 8 MB in float64.
_BLOCK = 1 << 20


class RidgeForecaster(LinearForecaster):
    """Forecast the next row by ridge regression on the last ones.

    A vector autoregression with inputs: every target is a weighted sum of all columns
    in the last `n_lags` rows, and of what is known of the next row beforehand. The
    penalty draws it towards persistence. It is solved in closed form from sums over
    blocks of rows, so it takes seconds, needs no seed and never holds the windows of
    a long track.

    Parameters
    ----------
    n_lags : int, default=20
        Rows that a forecast looks back on. Before the first row of a segment they
        repeat it.
    alpha : float, default=100.0
        Weight of the squared coefficients in the sum of squared errors, as that of
        :class:`~sklearn.linear_model.Ridge`. What is penalised is the difference to
        persistence.
    known_inputs : sequence of str, default=()
        Columns of the forecast row that may be used, such as commands, for they are
        known beforehand; no target then. A name that is no column is ignored.
    targets : {"predictability", "variance"} or list of str, default="predictability"
        Channels to forecast: named ones, or the `n_targets` best by a rule measured
        before scaling: those that vary most slowly, by the share of their variance
        that is slower than one row, or those of the largest variance. Channels of two
        levels are chosen only if nothing else is left. All columns are inputs.
    n_targets : int or None, default=None
        Number of targets chosen by rule; None takes all with more than two levels.
    inputs_only : sequence of str, default=()
        Columns that no rule may choose, such as clocks; a name that is no column is
        ignored.
    scaler : transformer, "passthrough" or None, default=None
        Scales the columns inside, fitted on the normal rows;
        :class:`~sklearn.preprocessing.StandardScaler` when None.
    passthrough : bool, default=False
        Append the scaled input columns to the output.
    max_gap : float, str or pandas.Timedelta, default=None
        The track starts afresh after a longer step in time: seconds, or ``"10min"``.

    Attributes
    ----------
    targets_ : list of str
        Target channels.
    coef_ : float64 ndarray of shape (n_lags * n_features_in_ + n_known, n_targets)
        By row, the oldest first; then those of the known inputs.
    intercept_ : float64 ndarray of shape (n_targets,)
    scaler_ : transformer or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    See Also
    --------
    EchoStateForecaster : Not linear, and with a longer memory.
    skdsn.encoders.LSTMForecaster : A network that is trained.

    Notes
    -----
    ``transform`` returns ``error_<target>`` (absolute error of the forecast, in scaled
    units; 0 for the first row of a segment, which nothing forecasts) and ``error``
    (mean Huber error over targets). A row labelled anomalous is neither forecast nor
    looked back on in ``fit``. Fitting *n* rows of *f* columns takes about
    ``n * (n_lags * f) ** 2`` operations.

    References
    ----------
    Hoerl and Kennard, "Ridge regression: biased estimation for nonorthogonal
    problems", Technometrics 12(1), 1970; Hundman et al., "Detecting spacecraft
    anomalies using LSTMs and nonparametric dynamic thresholding", KDD 2018, whose
    inputs (the channel and its commands) these are.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.forecasters import RidgeForecaster
    >>> X = np.sin(np.arange(200) / 5)[:, None]
    >>> forecaster = RidgeForecaster(n_lags=2, alpha=1e-6).fit(X)
    >>> bool(forecaster.transform(X)[5:, 0].max() < 0.01)
    True
    """

    _parameter_constraints: dict = {
        **KNOWN_CONSTRAINTS,
        "n_lags": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        n_lags=20,
        alpha=100.0,
        known_inputs=(),
        targets="predictability",
        n_targets=None,
        inputs_only=(),
        scaler=None,
        passthrough=False,
        max_gap=None,
    ):
        self.n_lags = n_lags
        self.alpha = alpha
        self.known_inputs = known_inputs
        self.targets = targets
        self.n_targets = n_targets
        self.inputs_only = inputs_only
        self.scaler = scaler
        self.passthrough = passthrough
        self.max_gap = max_gap

    def _regress(self, values, bounds, learnt):
        sums = NormalEquations()
        rows = np.flatnonzero(learnt)
        for part, inputs in self._inputs(values, rows, row_starts(bounds)[rows]):
            sums.add(inputs, self._changes(values, rows[part]))
        coef, self.intercept_ = sums.solve(self.alpha)
        self.coef_ = self._add_last(coef, (self.n_lags - 1) * values.shape[1])

    def _inputs(self, values, rows, starts):
        """Yield the inputs of the forecasts of some rows, a block at a time."""
        width = self.n_lags * values.shape[1] + len(self.known_indices_)
        size = max(1, _BLOCK // width)
        for begin in range(0, len(rows), size):
            part = slice(begin, begin + size)
            windows = gather_windows(
                values, rows[part] - 1, starts[part], self.n_lags
            ).reshape(len(rows[part]), -1)
            known = values[np.ix_(rows[part], self.known_indices_)]
            yield part, np.concatenate([windows, known], axis=1)

    def _forecast(self, values, bounds, memories):
        """Forecast a chunk; memory of a segment: its last `n_lags` rows, or all."""
        values, bounds, rows = prepend(values, bounds, memories)
        expected = np.empty((len(rows), len(self.target_indices_)))
        for part, inputs in self._inputs(values, rows, row_starts(bounds)[rows]):
            expected[part] = inputs @ self.coef_ + self.intercept_

        def remember(i):
            first = max(bounds[i], bounds[i + 1] - self.n_lags)
            return values[first : bounds[i + 1]].copy()

        return expected, remember
