"""Turn scores into decisions with a threshold chosen on held-out tracks."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdsn._sklearn import HasMethods, Interval, RealNotInt, StrOptions, fit_context
from skdsn.base import anomaly_scores, read_labels, read_rows
from skdsn.metrics import (
    alarm_rates,
    best_threshold,
    threshold_curve,
    threshold_for_budget,
)
from skdsn.metrics._inputs import is_constant
from skdsn.model_selection import StratifiedTrackKFold, WithinTrackChronologicalSplit
from skdsn.model_selection._held_out import check_answer, check_splits
from skdsn.streaming import stream_scores

# Families of metrics with an exact best threshold.
FAMILIES = ("event", "overlap", "point_adjusted", "row")


def _detector_has(method):
    def check(self):
        getattr(getattr(self, "detector_", self.detector), method)
        return True

    return check


class TunedThresholdDetector(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Choose the threshold of a detector on held-out tracks, and store it.

    Parts of the training rows are held out in turn; the detector is fitted on the
    others and scores them. The threshold is the best one for these scores, the middle
    of equally good ones, and the detector is then fitted on all training rows.

    Parameters
    ----------
    detector : classifier or outlier detector
        Usually a Pipeline.
    objective : {"event", "overlap", "point_adjusted", "row", "false_alarms"}, \
            default="event"
        What the threshold is best for: the F-beta of that name in
        :func:`skdsn.metrics.metric_names`, or as low as possible with at most
        `max_false_alarms` per day.
    beta : float, default=1.0
        Weight of recall; 0.5 counts false alarms more.
    max_false_alarms : float, default=1.0
        False alarm events per day of telemetry, for ``objective="false_alarms"``.
    cv : int, float, splitter, "prefit" or None, default=None
        How rows are held out: so many folds of whole tracks (None is 3); the share
        of the tracks of a single split, rounded to one half, third, quarter, ...;
        any splitter that tests no row twice; or nothing: the detector is fitted
        already, and ``fit`` gets rows it has not seen. A single track is split in time.

    Attributes
    ----------
    threshold_ : float
        Scores above it are flagged.
    score_ : float
        The objective reached on the held-out rows: F-beta, or false alarms per day.
        It is the best over thresholds, hence an optimistic figure.
    detector_ : estimator
        The fitted detector.
    classes_ : ndarray of shape (2,)
        0 and 1.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : For metrics of single rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdsn.detectors import TunedThresholdDetector
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1, 0, 1, 0, 0, 1, 0], 25)
    >>> X = rng.normal(size=(200, 2)) + 2 * y[:, None]
    >>> detector = TunedThresholdDetector(LogisticRegression(), cv=0.5).fit(X, y)
    >>> bool(0 < detector.threshold_ < 1)
    True
    """

    _parameter_constraints: dict = {
        "detector": [HasMethods(["fit", "predict"])],
        "objective": [StrOptions({*FAMILIES, "false_alarms"})],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "max_false_alarms": [Interval(Real, 0, None, closed="left")],
        "cv": [
            None,
            Interval(Integral, 2, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            StrOptions({"prefit"}),
            HasMethods(["split", "get_n_splits"]),
        ],
    }

    def __init__(
        self,
        detector,
        *,
        objective="event",
        beta=1.0,
        max_false_alarms=1.0,
        cv=None,
    ):
        self.detector = detector
        self.objective = objective
        self.beta = beta
        self.max_false_alarms = max_false_alarms
        self.cv = cv

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Choose the threshold and fit the detector.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,)
            1 = anomalous, 0 = normal, -1 = unlabelled: these do not count for the
            threshold, and reach the detector, which must know what to do with them,
            as a recipe with its WindowLabeler does.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If no held-out row is anomalous or all have the same score, so that no
            threshold is best; or if `cv` tests a row twice, or one that it learns from.
        """
        rows = read_rows(self, X, reset=True, text=True, missing=True)
        tracks = rows.tracks
        if rows.index is None:
            X = np.asarray(X)
        if y is None:
            raise ValueError(
                "requires y to be passed, but the target y is None: the threshold is "
                "chosen by labels."
            )
        labels = read_labels(y, tracks, unlabelled=True)
        if tracks.n_rows < 2:
            raise ValueError("A threshold needs held-out rows; got n_samples=1.")
        self.classes_ = np.array([0, 1])
        scores = self._held_out_scores(X, y, labels, tracks)
        held_out = ~np.isnan(scores) & (labels >= 0)
        self._choose(labels[held_out], scores[held_out], tracks, held_out)
        if self.cv == "prefit":
            self.detector_ = self.detector
        else:
            self.detector_ = clone(self.detector).fit(X, y)
        return self

    def _held_out_scores(self, X, y, labels, tracks):
        """Score the rows that are held out; NaN for the others."""
        rows = np.arange(tracks.n_rows)
        index = pd.Index(rows) if tracks.index is None else tracks.index
        if self.cv == "prefit":
            check_is_fitted(self.detector)
            given = anomaly_scores(self.detector, X)
            return check_answer(given, rows, index, "The fitted detector")
        scores = np.full(tracks.n_rows, np.nan)
        splits = check_splits(self._splits(X, labels, tracks), index)
        for number, (train, test) in enumerate(splits):
            part = clone(self.detector).fit(_rows(X, train), _rows(y, train))
            given = anomaly_scores(part, _rows(X, test))
            name = f"The detector of fold {number}"
            scores[test] = check_answer(given, test, index, name)
        return scores

    def _splits(self, X, labels, tracks):
        cv = 3 if self.cv is None else self.cv
        if hasattr(cv, "get_n_splits"):
            return list(cv.split(X, labels))
        n_folds = cv if isinstance(cv, Integral) else max(2, round(1 / cv))
        if len(tracks) == 1:
            share = cv if not isinstance(cv, Integral) else 1 / cv
            return list(WithinTrackChronologicalSplit(test_size=share).split(X, labels))
        splits = StratifiedTrackKFold(n_folds).split(X, labels)
        return list(splits) if isinstance(cv, Integral) else [next(splits)]

    def _choose(self, labels, scores, tracks, held_out):
        known = tracks.take(held_out)
        if is_constant(scores):
            raise ValueError(
                f"The detector gives all {len(scores)} held-out rows the score "
                f"{scores[0]}, so no threshold tells them apart; mend the detector, or "
                "hold out other rows with cv."
            )
        if self.objective == "false_alarms":
            budget = {"max_false_alarms": self.max_false_alarms, "per": "day"}
            threshold = threshold_for_budget(labels, scores, tracks=known, **budget)
            raised = alarm_rates(labels, scores >= threshold, tracks=known)
            self.score_ = raised.false_alarms_per_day
            lowest = threshold
        else:
            if not labels.any():
                raise ValueError(
                    "No held-out row is anomalous, so no threshold is best; bring more "
                    "tracks with incidents, or use objective='false_alarms'."
                )
            metric = f"{self.objective}_fbeta"
            options = {"tracks": known, "beta": self.beta}
            best = best_threshold(metric, labels, scores, **options)
            threshold, self.score_ = best.threshold, best.value
            curve = threshold_curve(metric, labels, scores, **options)
            lowest = _lowest_as_good(curve, threshold)
        lower = scores[scores < lowest]
        # The middle of what is equally good, as far as possible from what is worse;
        # but below the threshold also where rounding would not have it so.
        below = np.nextafter(threshold, -np.inf)
        if np.isfinite(threshold):
            edge = lower.max() if len(lower) else lowest
            below = min(below, (threshold + edge) / 2)
        self.threshold_ = float(below)

    def predict(self, X):
        """Flag the rows whose score exceeds the threshold.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        int ndarray of shape (n_rows,)
            1 = anomalous, 0 = normal.
        """
        return (self.decision_function(X) > 0).astype(np.int64)

    def decision_function(self, X):
        """Anomaly score minus threshold.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            Positive where a row is flagged.
        """
        check_is_fitted(self)
        return anomaly_scores(self.detector_, X) - self.threshold_

    @available_if(_detector_has("predict_proba"))
    def predict_proba(self, X):
        """Probabilities of the detector, untouched by the threshold.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows, 2)
        """
        check_is_fitted(self)
        anomalous = anomaly_scores(self.detector_, X)
        return np.column_stack([1 - anomalous, anomalous])

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
        scores, _, state = stream_scores(self.detector_, X, state, index)
        flags = (scores > self.threshold_).astype(np.int8)
        if not hasattr(self, "predict_proba"):  # as anomaly_scores has it
            scores = scores - self.threshold_
        return scores, flags, state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _lowest_as_good(curve, threshold):
    """Follow a curve down from its best threshold, as long as it stays as good."""
    best = np.searchsorted(curve.thresholds, threshold)
    worse = np.flatnonzero(~np.isclose(curve.value[:best], curve.value[best]))
    return curve.thresholds[worse[-1] + 1 if len(worse) else 0]


def _rows(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else np.asarray(X)[rows]
