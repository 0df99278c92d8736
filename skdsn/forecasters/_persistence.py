"""The forecast that nothing changes."""

from skdsn.base import TARGET_CONSTRAINTS
from skdsn.forecasters._base import BaseForecaster, one_row_later


class PersistenceForecaster(BaseForecaster):
    """Forecast that the next row is like the last one.

    Nothing but the scale of the channels is learnt, so the errors are the steps of
    the channels. Whatever forecasts must beat this.

    Parameters
    ----------
    targets : {"predictability", "variance"} or list of str, default="predictability"
        Channels to forecast: named ones, or the `n_targets` best by a rule measured
        before scaling: those that vary most slowly, by the share of their variance
        that is slower than one row, or those of the largest variance. Channels of two
        levels are chosen only if nothing else is left.
    n_targets : int or None, default=None
        Number of targets chosen by rule; None takes all with more than two levels.
    inputs_only : sequence of str, default=()
        Columns that no rule may choose, such as clocks and commands; a name that is no
        column, as of one that was pruned, is ignored.
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
    scaler_ : transformer or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    See Also
    --------
    RidgeForecaster : A linear forecast from several rows.
    skdsn.metrics.persistence_scores : The same idea as one score per row.

    Notes
    -----
    ``transform`` returns ``error_<target>`` (absolute error in scaled units; 0 for the
    first row of a segment, which nothing forecasts) and ``error`` (mean Huber error
    over targets).

    Examples
    --------
    >>> from skdsn.forecasters import PersistenceForecaster
    >>> X = [[0.0], [1.0], [1.0], [-2.0]]
    >>> PersistenceForecaster(scaler="passthrough").fit_transform(X)[:, 0]
    array([0., 1., 0., 3.], dtype=float32)
    """

    _parameter_constraints: dict = {**TARGET_CONSTRAINTS}

    def __init__(
        self,
        *,
        targets="predictability",
        n_targets=None,
        inputs_only=(),
        scaler=None,
        passthrough=False,
        max_gap=None,
    ):
        self.targets = targets
        self.n_targets = n_targets
        self.inputs_only = inputs_only
        self.scaler = scaler
        self.passthrough = passthrough
        self.max_gap = max_gap

    def _learn(self, rows, labels):
        """Learn nothing: scaler and targets are all there is."""

    def _forecast(self, values, bounds, memories):
        """Forecast a chunk; memory of a segment: its last row of targets."""
        last = values[:, self.target_indices_]

        def remember(i):
            return last[bounds[i + 1] - 1].copy()

        return one_row_later(last, bounds, memories), remember
