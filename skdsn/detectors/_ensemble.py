"""Detectors that watch the same rows, and agree on a scale."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone

from skdsn._core.tails import fit_tail, rarity
from skdsn._sklearn import Interval, StrOptions, fit_context
from skdsn.base import anomaly_scores
from skdsn.detectors._parts import DetectorParts, NamedParts, hold_out_ends


class DetectorEnsemble(NamedParts, DetectorParts):
    """Let several detectors watch the same telemetry.

    Scores of different detectors have no common unit. Here each is turned into how
    rare it is: how many normal rows would score as high, learnt from rows that the
    detector was not fitted on. That is one scale for all, in false alarms.

    Parameters
    ----------
    detectors : list of (str, detector)
        Classifiers or outlier detectors, Pipelines included.
    combine : {"max", "mean"}, default="max"
        The rarest score, corrected for the number of detectors, where they find
        different events; or the mean rarity, where they should agree.
    holdout : float, default=0.3
        Share of the rows of each track, its end, that scores are learnt from; the
        detectors are then fitted on all rows. 0 learns from the rows of ``fit``, whose
        scores are too low.
    false_alarm_rate : float, default=1e-4
        Share of normal rows that may be flagged, going by the scale.
    n_jobs : int or None, default=None
        Detectors fitted in parallel, by joblib.

    Attributes
    ----------
    detectors_ : dict of str to fitted detector
    tails_ : dict of str to tuple
        How often the scores of a detector are exceeded.
    offset_ : float
        Decimal logarithm of `false_alarm_rate`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    See Also
    --------
    VotingDetector : By their own thresholds.
    ChannelwiseDetector : One detector for each channel.

    Notes
    -----
    Within the normal rows the rate is counted; beyond 95 % of them the excess is taken
    as exponential [1]_. The correction of the maximum is that of Bonferroni.

    References
    ----------
    .. [1] J. Pickands, "Statistical inference using extreme order statistics", Annals
       of Statistics 3(1), 1975.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from skdsn.detectors import DetectorEnsemble, SubsequenceNeighborsDetector
    >>> noise = 0.05 * np.random.default_rng(0).normal(size=(600, 1))
    >>> X = np.sin(np.arange(600) / 8)[:, None] + noise
    >>> parts = [
    ...     ("shape", SubsequenceNeighborsDetector(length=10)),
    ...     ("level", IsolationForest(random_state=0)),
    ... ]
    >>> ensemble = DetectorEnsemble(parts, false_alarm_rate=1e-3).fit(X[:400])
    >>> X[500:520] = 0.5  # a stuck sensor, at a level seen before
    >>> found = ensemble.predict(X) == -1
    >>> bool(found[500:520].all()), bool(found[:500].any())
    (True, False)
    """

    _parameter_constraints: dict = {
        "detectors": [list],
        "combine": [StrOptions({"max", "mean"})],
        "holdout": [Interval(Real, 0, 1, closed="left")],
        "false_alarm_rate": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        detectors,
        *,
        combine="max",
        holdout=0.3,
        false_alarm_rate=1e-4,
        n_jobs=None,
    ):
        self.detectors = detectors
        self.combine = combine
        self.holdout = holdout
        self.false_alarm_rate = false_alarm_rate
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit the detectors and learn how rare their scores are.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled; handed to the detectors. What is
            rare is learnt without anomalous rows.

        Returns
        -------
        self : object
        """
        self.tails_ = self._fit_parts(X, y)
        self.offset_ = float(np.log10(self.false_alarm_rate))
        return self

    def rarity(self, X):
        """Tell how rare the score of each detector is.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry with the columns seen in ``fit``.

        Returns
        -------
        DataFrame of shape (n_rows, n_detectors)
            3 stands for a score that one normal row in a thousand exceeds, going by
            the rows held out in ``fit``. With the index of `X`.
        """
        return self._table(X)

    def _scales(self):
        return self.tails_

    def _combine(self, rarities):
        if self.combine == "mean":
            return rarities.mean(axis=1)
        return rarities.max(axis=1) - np.log10(rarities.shape[1])

    def _fit_part(self, detector, X, y):
        if self.holdout == 0:
            fitted = clone(detector).fit(X, y)
            return fitted, fit_tail(_normal(anomaly_scores(fitted, X), y))
        train, test = hold_out_ends(X, self.holdout)
        part = clone(detector).fit(X.iloc[train], None if y is None else y.iloc[train])
        # The rows before them are scored too, for detectors with memory.
        scores = anomaly_scores(part, X)[test]
        tail = fit_tail(_normal(scores, None if y is None else y.iloc[test]))
        return clone(detector).fit(X, y), tail

    def _rescale(self, scores, flags, scale):
        return rarity(scores, scale)


def _normal(scores, y):
    if y is None or (y == 1).all():
        return scores
    return scores[y.to_numpy() != 1]
