"""Average the scores of a detector over time, so that one noisy row is no alarm."""

import numpy as np
import pandas as pd
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    OutlierMixin,
    clone,
    is_classifier,
    is_outlier_detector,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdsn._core.ewma import halflife_mean
from skdsn._sklearn import MAX_GAP, HasMethods, fit_context
from skdsn.base import (
    anomaly_scores,
    check_clock,
    check_keys,
    read_labels,
    read_rows,
    resume,
    suspend,
)
from skdsn.detectors._severity import score_threshold
from skdsn.model_selection._held_out import check_answer
from skdsn.streaming import stream_scores
from skdsn.tracks import gap_seconds


def _classifies(self):
    return is_classifier(self.detector)


def _finds_outliers(self):
    return is_outlier_detector(self.detector)


def _has_probabilities(self):
    detector = getattr(self, "detector_", self.detector)
    return is_classifier(detector) and hasattr(detector, "predict_proba")


class ScoreSmoother(MetaEstimatorMixin, BaseEstimator):
    r"""Average the scores of a detector with weights that halve with time.

    The score of a row becomes the weighted mean of those of its track so far, where a
    row `halflife` seconds old counts half as much as the newest. Incidents last, and
    false peaks do not. It is a classifier around a classifier, and an outlier detector
    around an outlier detector.

    Parameters
    ----------
    detector : classifier or outlier detector
        Usually a Pipeline. One that is fitted already is used as it is within a
        :class:`sklearn.frozen.FrozenEstimator`.
    halflife : float, str or pandas.Timedelta, default=60.0
        Seconds of telemetry time, or a time such as ``"2min"``, so that it means the
        same at any cadence. Rows without time are one second apart.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time starts afresh: seconds, or ``"10min"``. With None, scores
        from before a gap have faded by its length.

    Attributes
    ----------
    detector_ : estimator
        The fitted detector.
    threshold_ : float
        Smoothed scores above it are flagged: the threshold of the detector, which is
        a probability of 0.5 for most classifiers.
    offset_ : float
        Minus ``threshold_``. Only around an outlier detector.
    classes_ : ndarray of shape (2,)
        0 and 1. Only around a classifier.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    See Also
    --------
    TunedThresholdDetector : Around it, finds the threshold that suits smoothed scores.
    ErrorSmoother : Smooths columns, before a detector decides.

    Notes
    -----
    With ages :math:`a_i` in seconds, the smoothed score is
    :math:`\sum_i 2^{-a_i / h} x_i / \sum_i 2^{-a_i / h}`. The first row of a track has
    its own score, the second one about the mean of two, and so on. The plain recursion,
    ``s += (1 - w) * (x - s)`` with ``w = 2 ** (-step / h)``, would have the first row
    count half for a whole half-life, so that a false peak there is a long alarm; and it
    would have the first row after a gap count for all that was missed.

    An incident is noticed, and ends, later than without: by one half-life where the
    threshold is halfway between the scores before and after. The threshold of the
    detector was not made for smoothed scores, nor are these calibrated probabilities:
    choose one by TunedThresholdDetector. `halflife` and `max_gap` are obeyed when they
    are set after ``fit``.

    References
    ----------
    S. W. Roberts, "Control chart tests based on geometric moving averages",
    Technometrics 1(3), 1959.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdsn.detectors import ScoreSmoother, TunedThresholdDetector
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1, 0, 1, 0], 60)
    >>> X = rng.normal(size=(300, 1)) + 2 * y[:, None]
    >>> plain = LogisticRegression().fit(X, y)
    >>> smooth = ScoreSmoother(LogisticRegression(), halflife=5.0).fit(X, y)
    >>> int(abs(np.diff(plain.predict(X))).sum())  # 4 if all were right
    70
    >>> int(abs(np.diff(smooth.predict(X))).sum())
    4

    A detector that is fitted already, and a threshold for what becomes of its scores:

    >>> from sklearn.frozen import FrozenEstimator
    >>> smooth = ScoreSmoother(FrozenEstimator(plain), halflife=5.0).fit(X)
    >>> tuned = TunedThresholdDetector(smooth, cv="prefit").fit(X, y)
    >>> tuned.detector_.detector_ is plain
    True
    """

    _parameter_constraints: dict = {
        "detector": [HasMethods(["fit", "predict"])],
        "halflife": MAX_GAP[1:],
        "max_gap": MAX_GAP,
    }

    _own_memory = True  # beside that of the detector

    def __init__(self, detector, *, halflife=60.0, max_gap=None):
        self.detector = detector
        self.halflife = halflife
        self.max_gap = max_gap

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit the detector.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled; handed to the detector, which
            must know what to do with -1, as a recipe with its WindowLabeler does.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If the detector gives no scores, or is an outlier detector without
            ``offset_``.
        ValueError
            If `halflife` or `max_gap` is no time.
        """
        _check_detector(self.detector)
        gap_seconds(self.halflife, "halflife")
        gap_seconds(self.max_gap)
        rows, X = self._read(X, reset=True)
        read_labels(y, rows.tracks, unlabelled=True)
        fitted = clone(self.detector).fit(X, y)
        # Opened, since streams and reports look for the Pipeline within.
        frozen = isinstance(fitted, FrozenEstimator)
        self.detector_ = fitted.estimator if frozen else fitted
        self.threshold_ = score_threshold(self.detector_)
        if is_outlier_detector(self.detector_):
            self.offset_ = -self.threshold_
        else:
            self.classes_ = np.array([0, 1])
        return self

    def predict(self, X):
        """Flag the rows whose smoothed score exceeds the threshold.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        int64 ndarray of shape (n_rows,)
            1 = anomalous, 0 = normal around a classifier; -1 = anomalous, 1 = normal
            around an outlier detector.
        """
        flags = self._scores(X) > self.threshold_
        if is_outlier_detector(self.detector_):
            return np.where(flags, -1, 1)
        return flags.astype(np.int64)

    def decision_function(self, X):
        """Distance of the smoothed scores from the threshold.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            Where a row is flagged, positive around a classifier and negative around an
            outlier detector.
        """
        distance = self._scores(X) - self.threshold_
        return -distance if is_outlier_detector(self.detector_) else distance

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Smoothed probabilities. Only around a classifier that gives them.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows, 2)
        """
        anomalous = self._scores(X)
        return np.column_stack([1 - anomalous, anomalous])

    @available_if(_finds_outliers)
    def score_samples(self, X):
        """Smoothed scores; lower is more anomalous. Only around an outlier detector.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows,)
        """
        return -self._scores(X)

    score = available_if(_classifies)(ClassifierMixin.score)
    fit_predict = available_if(_finds_outliers)(OutlierMixin.fit_predict)

    def stream_scores(self, X, state=None, index=None):
        """Score and flag a chunk; see :func:`skdsn.streaming.stream_scores`.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            The next rows of any number of tracks.
        state : dict, default=None
            What the call for the previous chunk returned. It is not changed.
        index : pandas.Index, default=None
            Of the rows of an array, for the detector.

        Returns
        -------
        scores : float64 ndarray of shape (n_rows,)
        flags : int8 ndarray of shape (n_rows,)
        state : dict
            Of the detector, and of the mean of each track.

        Raises
        ------
        ValueError
            If a track goes back in time.
        """
        check_is_fitted(self)
        rows, X = self._read(X, reset=False)
        state = {"detector": None, "means": None} if state is None else state
        check_keys(state, ["detector", "means"])
        tracks, bounds, memories = resume(rows.tracks, state["means"], self.max_gap)
        scores, _, inner = stream_scores(self.detector_, X, state["detector"], index)
        seconds = tracks.seconds
        carry = [
            memory or (0.0, 0.0, start)
            for memory, start in zip(memories, seconds[bounds[:-1]], strict=True)
        ]
        mean, weight = self._smooth(scores, tracks, bounds, carry)

        def remember(i):
            last = bounds[i + 1] - 1
            return float(mean[last]), float(weight[last]), float(seconds[last])

        means = suspend(tracks, bounds, state["means"], remember)
        flags = (mean > self.threshold_).astype(np.int8)
        return mean, flags, {"detector": inner, "means": means}

    def _scores(self, X):
        """Score rows, and smooth: higher is more anomalous."""
        check_is_fitted(self)
        rows, X = self._read(X, reset=False)
        bounds = rows.tracks.segments(self.max_gap)
        return self._smooth(anomaly_scores(self.detector_, X), rows.tracks, bounds)[0]

    def _smooth(self, scores, tracks, bounds, carry=None):
        numbers = pd.RangeIndex(tracks.n_rows)
        index = numbers if tracks.index is None else tracks.index
        scores = check_answer(scores, numbers.to_numpy(), index, "The detector")
        halflife = gap_seconds(self.halflife, "halflife")
        return halflife_mean(scores, tracks.seconds, bounds, halflife, carry)

    def _read(self, X, *, reset):
        """Read rows; X comes back as the detector is to get it."""
        checked = X
        if not reset and isinstance(X, pd.DataFrame):
            # Columns are matched by name, and strange ones seen to, by the detector.
            names = list(getattr(self, "feature_names_in_", X.columns))
            checked = X[names] if set(names) <= set(X.columns) else X
        rows = read_rows(self, checked, reset=reset, text=True, missing=True)
        check_clock(self, rows.tracks, reset=reset, uses_time=True)
        return rows, X if isinstance(X, pd.DataFrame) else np.asarray(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.detector)
        tags.estimator_type = inner.estimator_type
        tags.target_tags.required = inner.target_tags.required
        if inner.classifier_tags is not None:
            tags.classifier_tags = inner.classifier_tags
            tags.classifier_tags.multi_class = False
        # What the detector cannot take it refuses itself.
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _check_detector(detector):
    """Refuse what gives no score of rows."""
    scores = hasattr(detector, "predict_proba") or hasattr(
        detector, "decision_function"
    )
    if not is_outlier_detector(detector) and not (is_classifier(detector) and scores):
        raise TypeError(
            f"{type(detector).__name__} gives no scores to smooth; take an outlier "
            "detector, or a classifier with predict_proba or decision_function."
        )
