"""Detectors that vote."""

from numbers import Integral

from skdsn._sklearn import Interval, fit_context
from skdsn.detectors._parts import NamedParts, SeverityParts, kth_largest


class VotingDetector(NamedParts, SeverityParts):
    """Flag what several detectors flag, each by its own threshold.

    A vote over the settings of a detector spares the choice of one, which never holds
    quite as well on new telemetry as on that which it was made on.

    Parameters
    ----------
    detectors : list of (str, detector)
        Classifiers or outlier detectors, Pipelines included.
    min_votes : int or None, default=None
        Detectors that must agree; more than half of them when None.
    n_jobs : int or None, default=None
        Detectors fitted in parallel, by joblib.

    Attributes
    ----------
    detectors_ : dict of str to fitted detector
    levels_ : dict of str to tuple
        Threshold of a detector, and by how much a usual row is below it.
    offset_ : float
        0: ``decision_function`` is ``score_samples``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    See Also
    --------
    DetectorEnsemble : By how rare their scores are, on one scale of false alarms.

    Notes
    -----
    The score of a row is the severity that as many detectors as have to agree reach:
    0 at the threshold of a detector, 1 as far above it as a usual training row is
    below.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.detectors import SubsequenceNeighborsDetector, VotingDetector
    >>> X = np.sin(np.arange(300) / 5)[:, None]
    >>> X[250:260] = 0
    >>> lengths = [5, 10, 20]
    >>> detector = VotingDetector(
    ...     [(f"{n} rows", SubsequenceNeighborsDetector(length=n)) for n in lengths]
    ... )
    >>> detector.fit(X[:200]).events(X)["start"].to_list()
    [253]
    """

    _parameter_constraints: dict = {
        "detectors": [list],
        "min_votes": [None, Interval(Integral, 1, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    def __init__(self, detectors, *, min_votes=None, n_jobs=None):
        self.detectors = detectors
        self.min_votes = min_votes
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit the detectors.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled; handed to the detectors.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there are fewer detectors than `min_votes`, or two of one name.
        """
        if 0 < len(self.detectors) < (self.min_votes or 1):
            raise ValueError(
                f"min_votes={self.min_votes} detectors must agree, but there are "
                f"{len(self.detectors)}."
            )
        return self._fit_parts(X, y)

    def _combine(self, table):
        n_detectors = table.shape[1]
        return kth_largest(table, self.min_votes or n_detectors // 2 + 1)
