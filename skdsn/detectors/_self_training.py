"""A detector that labels unlabelled rows for itself, round by round."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdsn._core.runs import find_runs, paint_runs
from skdsn._sklearn import HasMethods, Interval, StrOptions, fit_context
from skdsn.base import anomaly_scores, read_labels, read_rows
from skdsn.labeling import WindowLabeler
from skdsn.model_selection._held_out import check_answer
from skdsn.streaming import stream_scores


def _detector_has(method):
    def check(self):
        getattr(getattr(self, "detector_", self.detector), method)
        return True

    return check


class SelfTrainingDetector(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Let a detector label unlabelled rows, and learn from them in turn.

    The detector is fitted on the labels there are and scores the unlabelled rows
    (-1). Those of which it is sure get a label, and it is fitted again, until it is
    sure of no other row.

    Parameters
    ----------
    detector : classifier
        With ``predict_proba``; usually a Pipeline.
    anomalous : float, default=0.9
        Least probability at which a row becomes 1.
    normal : float, default=0.02
        Most probability at which a row becomes 0. It should lie well below the share of
        anomalous rows, or the average row passes for normal.
    min_rows : int, default=1
        Rows become 1 in runs of at least so many, which include rows labelled 1
        already: incidents last, while chance does not.
    max_iter : int, default=10
        Most rounds of labelling. The detector is fitted once more often.
    unlabelled : {"auto", "pass", "drop"}, default="auto"
        Whether the detector is fitted on unlabelled rows too, with -1 in `y`, or they
        are dropped before. ``"auto"`` passes them if the detector holds a
        :class:`~skdsn.labeling.WindowLabeler`, as the recipes do: their networks learn
        from such rows, their classifiers do not. Any other classifier would take -1 for
        a class.

    Attributes
    ----------
    detector_ : estimator
        The detector fitted last.
    labels_ : int64 ndarray of shape (n_rows,)
        Labels that it was fitted on, -1 where it was never sure.
    labeled_iter_ : int64 ndarray of shape (n_rows,)
        Round in which a row got its label: 0 for labels given, -1 for none.
    n_iter_ : int
        Rounds of labelling.
    termination_condition_ : {"no_change", "max_iter", "all_labeled"}
        Why labelling ended: no row was sure enough, `max_iter` rounds were over, or
        no row was left.
    history_ : list of dict
        For each round its ``iteration``, the rows that became 0 (``n_normal``) and 1
        (``n_anomalous``), and the rows that were left (``n_unlabelled``).
    classes_ : ndarray of shape (2,)
        0 and 1.
    n_features_in_ : int
    fitted_on_tracks_ : bool

    See Also
    --------
    PseudoLabeler : Labels from a score that needs none, inside a Pipeline.
    sklearn.semi_supervised.SelfTrainingClassifier : For rows without tracks.

    Notes
    -----
    Self-training confirms what the detector believes already, its errors included. It
    helps a detector that is right where it is sure, and harms others: compare with the
    detector fitted on labelled rows only, on held-out tracks. `history_` tells a
    runaway: ever more anomalous rows in a round, or normal ones alone.

    Labels given are never changed, nor are labels once found. With ``"drop"``, rows on
    both sides of dropped ones are neighbours to a stage with memory, unless its
    `max_gap` parts them; put ``WindowLabeler(1)`` before the classifier instead.

    References
    ----------
    Yarowsky, "Unsupervised word sense disambiguation rivaling supervised methods",
    ACL 1995.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdsn.detectors import SelfTrainingDetector
    >>> rng = np.random.default_rng(0)
    >>> truth = np.repeat([0, 1, 0, 1, 0], 40)
    >>> X = rng.normal(size=(200, 3)) + 3 * truth[:, None]
    >>> y = np.full(200, -1)
    >>> y[30:50] = truth[30:50]
    >>> detector = SelfTrainingDetector(GaussianNB()).fit(X, y)
    >>> detector.history_[0]
    {'iteration': 1, 'n_normal': 108, 'n_anomalous': 67, 'n_unlabelled': 5}
    >>> detector.termination_condition_
    'no_change'
    """

    _parameter_constraints: dict = {
        "detector": [HasMethods(["fit", "predict"])],
        "anomalous": [Interval(Real, 0, 1, closed="right")],
        "normal": [Interval(Real, 0, 1, closed="left")],
        "min_rows": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "unlabelled": [StrOptions({"auto", "pass", "drop"})],
    }

    def __init__(
        self,
        detector,
        *,
        anomalous=0.9,
        normal=0.02,
        min_rows=1,
        max_iter=10,
        unlabelled="auto",
    ):
        self.detector = detector
        self.anomalous = anomalous
        self.normal = normal
        self.min_rows = min_rows
        self.max_iter = max_iter
        self.unlabelled = unlabelled

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Fit the detector and label rows in turn.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,)
            1 = anomalous, 0 = normal, -1 = unlabelled. Without unlabelled rows the
            detector is fitted, and that is all.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If no row is labelled or all labelled rows have one label, if `normal` is
            not below `anomalous`, or if the detector takes -1 for a class.
        TypeError
            If the detector gives no probabilities.
        """
        self._check()
        rows = read_rows(self, X, reset=True, text=True, missing=True)
        tracks = rows.tracks
        if rows.index is None:
            X = np.asarray(X)
        if y is None:
            raise ValueError(
                "requires y to be passed, but the target y is None: self-training "
                "starts from labelled rows; without any, use PseudoLabeler."
            )
        labels = read_labels(y, tracks, unlabelled=True).astype(np.int64)
        _check_classes(labels)
        index = pd.RangeIndex(len(labels)) if tracks.index is None else tracks.index
        self.classes_ = np.array([0, 1])
        self.labeled_iter_ = np.where(labels == -1, -1, 0)
        self.history_ = []
        while True:
            self.detector_ = self._fit_once(X, y, labels, tracks)
            unknown = labels == -1
            if not unknown.any():
                reason = "all_labeled"
                break
            if len(self.history_) == self.max_iter:
                reason = "max_iter"
                break
            scores = anomaly_scores(self.detector_, X)
            name = f"The detector of round {len(self.history_) + 1}"
            scores = check_answer(scores, np.arange(len(labels)), index, name)
            ones = unknown & self._in_runs(scores >= self.anomalous, labels, tracks)
            zeros = unknown & (scores <= self.normal)
            self._adopt(labels, ones, zeros)
            if not (ones | zeros).any():
                reason = "no_change"
                break
        self.labels_ = labels
        self.n_iter_ = len(self.history_)
        self.termination_condition_ = reason
        return self

    def _check(self):
        if self.normal >= self.anomalous:
            raise ValueError(
                f"normal={self.normal} must be below anomalous={self.anomalous}, or a "
                "row could be both."
            )
        if not hasattr(self.detector, "predict_proba"):
            raise TypeError(
                f"{type(self.detector).__name__} has no predict_proba, so it cannot "
                "tell how sure it is; take a classifier with probabilities, or label "
                "rows by an outlier detector with PseudoLabeler."
            )

    def _fit_once(self, X, y, labels, tracks):
        """Fit a clone on the labels so far."""
        detector = clone(self.detector)
        passed = self.unlabelled == "pass" or (
            self.unlabelled == "auto"
            and any(
                isinstance(part, WindowLabeler)
                for part in self.detector.get_params().values()
            )
        )
        kept = np.arange(len(labels)) if passed else np.flatnonzero(labels >= 0)
        if tracks.index is None:
            detector.fit(X[kept], labels[kept])
        else:
            name = getattr(y, "name", None)
            labels = pd.Series(labels[kept], index=tracks.index[kept], name=name)
            detector.fit(X.iloc[kept], labels)
        if -1 in np.asarray(getattr(detector, "classes_", [])):
            raise ValueError(
                f"{type(detector).__name__} takes -1 for a class of its own; put "
                "WindowLabeler before the classifier, or set unlabelled='drop'."
            )
        return detector

    def _in_runs(self, flags, labels, tracks):
        """Keep the rows that, with those labelled 1, are in runs long enough."""
        starts, stops = find_runs(flags | (labels == 1), tracks.bounds)
        long = stops - starts >= self.min_rows
        return flags & (paint_runs(starts[long], stops[long], len(flags)) > 0)

    def _adopt(self, labels, ones, zeros):
        """Write the labels of a round, and what it did."""
        labels[ones], labels[zeros] = 1, 0
        counts = {
            "iteration": len(self.history_) + 1,
            "n_normal": int(zeros.sum()),
            "n_anomalous": int(ones.sum()),
            "n_unlabelled": int((labels == -1).sum()),
        }
        self.labeled_iter_[ones | zeros] = counts["iteration"]
        self.history_.append(counts)

    def predict(self, X):
        """Flag rows, as the detector fitted last does.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        int ndarray of shape (n_rows,)
            1 = anomalous, 0 = normal.
        """
        check_is_fitted(self)
        return self.detector_.predict(X)

    @available_if(_detector_has("predict_proba"))
    def predict_proba(self, X):
        """Probabilities of the detector fitted last.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows, 2)
        """
        check_is_fitted(self)
        return self.detector_.predict_proba(X)

    @available_if(_detector_has("decision_function"))
    def decision_function(self, X):
        """Decision function of the detector fitted last.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            Higher is more anomalous.
        """
        check_is_fitted(self)
        return self.detector_.decision_function(X)

    def stream_scores(self, X, state=None, index=None):
        """Score and flag a chunk; see :func:`skdsn.streaming.stream_scores`.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        state : dict, default=None
        index : pandas.Index, default=None

        Returns
        -------
        scores : float64 ndarray of shape (n_rows,)
        flags : int8 ndarray of shape (n_rows,)
        state : dict
        """
        check_is_fitted(self)
        return stream_scores(self.detector_, X, state, index)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        # What the detector cannot take it refuses itself.
        tags.input_tags.allow_nan = get_tags(self.detector).input_tags.allow_nan
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _check_classes(labels):
    """Refuse labels that do not tell what is anomalous and what is not."""
    found = np.unique(labels[labels >= 0])
    if len(found) == 0:
        raise ValueError(
            f"All {len(labels)} rows are unlabelled (-1), but self-training starts "
            "from labelled rows; label some tracks, or use PseudoLabeler."
        )
    if len(found) == 1:
        word = "anomalous" if found[0] else "normal"
        raise ValueError(
            f"All {(labels >= 0).sum()} labelled rows are {word} ({found[0]}), 1 class "
            "alone; self-training starts from both, so label tracks that hold the "
            "other."
        )
