"""A forecast from the echoes that the last rows leave in a random network."""

from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils import check_random_state

from skdsn._core.ridge import NormalEquations
from skdsn._core.segments import lengths
from skdsn._sklearn import Interval
from skdsn.forecasters._base import KNOWN_CONSTRAINTS, LinearForecaster, one_row_later

# Numbers in the states of a stretch of rows: 16 MB in float64.
_BLOCK = 1 << 21


class EchoStateForecaster(LinearForecaster):
    """Forecast the next row from the state of a random recurrent network.

    The network, the reservoir, is drawn at random and never trained: it turns
    the rows so far into many fading, nonlinear echoes. Only the read-out is
    learnt, a ridge regression of the next row on echoes and last row, so
    one pass over the rows is all of the training.

    Parameters
    ----------
    n_units : int, default=200
        Units of the reservoir.
    spectral_radius : float, default=0.9
        Largest absolute eigenvalue of the connections. Below 1 echoes fade, the slower
        the nearer to 1.
    leak : float, default=0.3
        Share of a unit's state that is renewed in each row; lower is slower.
    input_scale : float, default=0.5
        Standard deviation of what a row whose columns have unit variance adds to a
        unit. Units saturate above 1; far below they are linear.
    n_connections : int, default=10
        Units that each unit listens to.
    warm_up : int, default=50
        Times that a fresh reservoir is shown the first row of a segment before it
        starts, so that it does not start from silence.
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
        The state starts afresh after a longer step in time: seconds, or ``"10min"``.
    random_state : int, RandomState instance or None, default=None
        Of the reservoir.

    Attributes
    ----------
    targets_ : list of str
        Target channels.
    reservoir_ : scipy.sparse.csr_array of shape (n_units, n_units)
    input_weights_ : float64 ndarray of shape (n_features_in_, n_units)
    bias_ : float64 ndarray of shape (n_units,)
    coef_ : float64 ndarray of shape (n_units + n_features_in_ + n_known, n_targets)
    intercept_ : float64 ndarray of shape (n_targets,)
    scaler_ : transformer or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    See Also
    --------
    RidgeForecaster : Linear, from a fixed number of rows.
    skdsn.encoders.LSTMForecaster : A recurrent network that is trained.

    Notes
    -----
    The state is ``s[t] = (1 - leak) * s[t-1] + leak * tanh(W_in x[t] + W s[t-1] + b)``.
    ``transform`` returns ``error_<target>`` (absolute error of the forecast, in scaled
    units; 0 for the first row of a segment, which nothing forecasts) and ``error``
    (mean Huber error over targets). Tracks run side by side; a row costs
    ``n_units * n_connections`` operations whatever came before it. A row labelled
    anomalous never enters the reservoir in ``fit``.

    References
    ----------
    Jaeger, "The 'echo state' approach to analysing and training recurrent neural
    networks", GMD report 148, 2001; Jaeger et al., "Optimization and applications of
    echo state networks with leaky-integrator neurons", Neural Networks 20(3), 2007,
    for the leak.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.forecasters import EchoStateForecaster
    >>> X = np.sin(np.arange(300) / 5)[:, None] ** 3
    >>> forecaster = EchoStateForecaster(n_units=50, random_state=0).fit(X)
    >>> first, state = forecaster.stream(X[:120])
    >>> second, state = forecaster.stream(X[120:], state)
    >>> np.allclose(np.concatenate([first, second]), forecaster.transform(X))
    True
    """

    _parameter_constraints: dict = {
        **KNOWN_CONSTRAINTS,
        "n_units": [Interval(Integral, 1, None, closed="left")],
        "spectral_radius": [Interval(Real, 0, None, closed="left")],
        "leak": [Interval(Real, 0, 1, closed="right")],
        "input_scale": [Interval(Real, 0, None, closed="neither")],
        "n_connections": [Interval(Integral, 1, None, closed="left")],
        "warm_up": [Interval(Integral, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        n_units=200,
        spectral_radius=0.9,
        leak=0.3,
        input_scale=0.5,
        n_connections=10,
        warm_up=50,
        alpha=100.0,
        known_inputs=(),
        targets="predictability",
        n_targets=None,
        inputs_only=(),
        scaler=None,
        passthrough=False,
        max_gap=None,
        random_state=None,
    ):
        self.n_units = n_units
        self.spectral_radius = spectral_radius
        self.leak = leak
        self.input_scale = input_scale
        self.n_connections = n_connections
        self.warm_up = warm_up
        self.alpha = alpha
        self.known_inputs = known_inputs
        self.targets = targets
        self.n_targets = n_targets
        self.inputs_only = inputs_only
        self.scaler = scaler
        self.passthrough = passthrough
        self.max_gap = max_gap
        self.random_state = random_state

    def _regress(self, values, bounds, learnt):
        rng = check_random_state(self.random_state)
        n_inputs = values.shape[1]
        # Uniform weights, as Jaeger's; those of a row add up to input_scale ** 2.
        largest = self.input_scale * np.sqrt(3 / n_inputs)
        self.input_weights_ = rng.uniform(-largest, largest, (n_inputs, self.n_units))
        self.bias_ = rng.uniform(-0.5, 0.5, self.n_units) * self.input_scale
        self.reservoir_ = _random_reservoir(
            self.n_units, self.n_connections, self.spectral_radius, rng
        )
        sums = NormalEquations()
        state = self._fresh_state(values[bounds[:-1]])
        for rows, states in self._run(values, bounds, state):
            following = np.minimum(rows + 1, len(values) - 1)
            # Rows are learnt only behind another one, hence within the segment.
            chosen = learnt[following] & (following > rows)
            rows, following = rows[chosen], following[chosen]
            inputs = [
                states[chosen],
                values[rows],
                values[np.ix_(following, self.known_indices_)],
            ]
            sums.add(np.concatenate(inputs, axis=1), self._changes(values, following))
        coef, self.intercept_ = sums.solve(self.alpha)
        self.coef_ = self._add_last(coef, self.n_units)

    def _forecast(self, values, bounds, memories):
        """Forecast a chunk.

        Memory of a segment: the state, (n_units,), and what is forecast of the next
        row without its known inputs, (n_targets,).
        """
        state = np.empty((self.n_units, len(memories)))
        fresh = np.array([memory is None for memory in memories], dtype=bool)
        state[:, fresh] = self._fresh_state(values[bounds[:-1][fresh]])
        for i in np.flatnonzero(~fresh):
            state[:, i] = memories[i][0]
        n_own = self.n_units + values.shape[1]
        of_states, of_inputs, of_known = np.split(self.coef_, [self.n_units, n_own])
        forecasts = np.empty((len(values), len(self.target_indices_)))
        for rows, states in self._run(values, bounds, state):
            forecasts[rows] = states @ of_states + values[rows] @ of_inputs
        forecasts += self.intercept_
        carried = [None if memory is None else memory[1] for memory in memories]
        expected = one_row_later(forecasts, bounds, carried)
        expected += values[:, self.known_indices_] @ of_known

        def remember(i):
            return state[:, i].copy(), forecasts[bounds[i + 1] - 1].copy()

        return expected, remember

    def _fresh_state(self, first_rows):
        """States, (n_units, n_segments), settled on the first row of each segment."""
        drive = (first_rows @ self.input_weights_ + self.bias_).T
        state = np.zeros(drive.shape)
        for _ in range(self.warm_up):
            state = self._step(state, drive)
        return state

    def _step(self, state, drive):
        new = np.tanh(self.reservoir_ @ state + drive)
        return (1 - self.leak) * state + self.leak * new

    def _run(self, values, bounds, state):
        """Run the reservoir over all segments side by side, a stretch at a time.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
        bounds : ndarray of shape (n_segments + 1,)
        state : float64 ndarray of shape (n_units, n_segments)
            Of each segment before its first row; in the end, after its last one.

        Yields
        ------
        rows : int64 ndarray of shape (n_some,)
        states : float64 ndarray of shape (n_some, n_units)
            States after these rows.
        """
        order = np.argsort(-lengths(bounds), kind="stable")
        length, begin = lengths(bounds)[order], bounds[:-1][order]
        # The segments that are still running are the first ones, ever fewer.
        n_live = np.searchsorted(-length, -np.arange(length[0]), side="left")
        now = state[:, order]
        step = 0
        while step < length[0]:
            live = n_live[step]
            stop = min(length[0], step + max(1, _BLOCK // (live * self.n_units)))
            at = np.arange(step, stop)
            inside = at[:, None] < length[:live]
            rows = (at[:, None] + begin[:live])[inside]
            drive = values[rows] @ self.input_weights_ + self.bias_
            states = np.empty_like(drive)
            first = 0
            for n in n_live[step:stop]:
                if n < now.shape[1]:
                    state[:, order[n : now.shape[1]]] = now[:, n:]
                    now = now[:, :n]
                last = first + n
                now = self._step(now, drive[first:last].T)
                states[first:last] = now.T
                first = last
            yield rows, states
            step = stop
        state[:, order[: now.shape[1]]] = now


def _random_reservoir(n_units, n_connections, spectral_radius, rng):
    """Draw sparse connections, scaled to a spectral radius."""
    n = min(n_connections, n_units)
    sources = np.argsort(rng.random_sample((n_units, n_units)), axis=1)[:, :n]
    weights = rng.uniform(-1, 1, (n_units, n))
    units = np.repeat(np.arange(n_units), n)
    matrix = csr_array(
        (weights.ravel(), (units, sources.ravel())), shape=(n_units, n_units)
    )
    radius = np.abs(np.linalg.eigvals(matrix.toarray())).max()
    # Few units may have no circle among them; then all echoes fade at once.
    return matrix * (spectral_radius / radius) if radius > 1e-12 else matrix
