"""The check of limits, learnt from what was seen."""

from numbers import Real

import numpy as np
from sklearn.preprocessing import MinMaxScaler

from skdsn._sklearn import Interval
from skdsn.base import TARGET_CONSTRAINTS, ErrorTransformer


class LimitChecker(ErrorTransformer):
    """Tell how far each channel is out of the range of the training rows.

    The oldest check of telemetry there is, with limits that are learnt. It has no
    memory: every row is judged on its own.

    Parameters
    ----------
    margin : float, default=0.05
        Widens the limits on both sides, in units of the range. Within them the
        error is 0.
    targets : {"predictability", "variance"} or list of str, default="predictability"
        Channels to check: named ones, or the `n_targets` best by a rule: those that
        vary most slowly, by the share of their variance that is slower than one row,
        or those of the largest variance. Channels of two levels are chosen only if
        nothing else is left.
    n_targets : int or None, default=None
        Number of targets chosen by rule; None takes all with more than two levels.
    inputs_only : sequence of str, default=()
        Columns that no rule may choose, such as clocks and commands; a name that is no
        column, as of one that was pruned, is ignored.
    passthrough : bool, default=False
        Append the input columns to the output, scaled so that their training range
        is 0 to 1.

    Attributes
    ----------
    targets_ : list of str
        Channels that are checked.
    scaler_ : MinMaxScaler
        ``data_min_`` and ``data_max_`` are the limits without margin.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_ : bool

    See Also
    --------
    skdsn.metrics.training_range_scores : The same as one score per row.

    Notes
    -----
    ``transform`` returns ``error_<channel>``, the distance to the nearer limit in units
    of the training range (for a channel that was constant, in its own unit), and
    ``error``, the largest of a row. Rows labelled anomalous do not widen the range.

    References
    ----------
    Hundman et al., "Detecting spacecraft anomalies using LSTMs and nonparametric
    dynamic thresholding", KDD 2018, section 2, on out-of-limits checks as the common
    practice of operations.

    Examples
    --------
    >>> from skdsn.forecasters import LimitChecker
    >>> checker = LimitChecker(margin=0.5).fit([[0.0], [1.0], [2.0]])
    >>> checker.transform([[1.0], [3.0], [5.0], [-2.0]])[:, 0]
    array([0. , 0. , 1. , 0.5], dtype=float32)
    """

    _parameter_constraints: dict = {
        name: TARGET_CONSTRAINTS[name]
        for name in ("targets", "n_targets", "inputs_only", "passthrough")
    } | {"margin": [Interval(Real, 0, None, closed="left")]}

    scaler = MinMaxScaler()

    def __init__(
        self,
        *,
        margin=0.05,
        targets="predictability",
        n_targets=None,
        inputs_only=(),
        passthrough=False,
    ):
        self.margin = margin
        self.targets = targets
        self.n_targets = n_targets
        self.inputs_only = inputs_only
        self.passthrough = passthrough

    def _learn(self, rows, labels):
        """Learn nothing: the limits are those of the scaler."""

    def _transform(self, data):
        low = self.scaler_.data_min_[self.target_indices_]
        high = self.scaler_.data_max_[self.target_indices_]
        span = high - low
        unit = np.where(span > 0, span, 1.0)
        values = data[:, self.target_indices_]
        # Not from the scaled values, which are rounded beside a large offset.
        excess = np.maximum(values - high, low - values) - self.margin * span
        return self._table(self._scale(data), np.maximum(excess / unit, 0.0))

    def _total(self, errors):
        return errors.max(axis=1)
