"""Detectors that watch the same rows, and agree on a scale."""

import numpy as np

from skdsn._sklearn import StrOptions, fit_context
from skdsn.detectors._parts import PARTS_CONSTRAINTS, DetectorParts


class DetectorEnsemble(DetectorParts):
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
        **PARTS_CONSTRAINTS,
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
        names = [name for name, _ in self.detectors]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                f"Two detectors are named {twice!r}; give each its own name."
            )
        return self._fit_parts(X, y)

    def _detectors(self):
        return [detector for _, detector in self.detectors]

    def _parts(self, frame):
        columns = list(frame.columns)
        return {name: (detector, columns) for name, detector in self.detectors}

    def _combine(self, rarities):
        if self.combine == "mean":
            return rarities.mean(axis=1)
        return rarities.max(axis=1) - np.log10(rarities.shape[1])
