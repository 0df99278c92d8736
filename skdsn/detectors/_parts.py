"""Several detectors on one scale: what ensembles and fleets of channels share."""

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skdsn._core.tails import fit_tail, rarity
from skdsn._sklearn import Interval
from skdsn.base import anomaly_scores, read_labels, read_rows
from skdsn.detectors._outlier import ScoringDetector
from skdsn.model_selection import WithinTrackChronologicalSplit
from skdsn.streaming import stream_scores

PARTS_CONSTRAINTS = {
    "holdout": [Interval(Real, 0, 1, closed="left")],
    "false_alarm_rate": [Interval(Real, 0, 1, closed="neither")],
    "n_jobs": [None, Integral],
}


class DetectorParts(MetaEstimatorMixin, ScoringDetector):
    """Base of the detectors made of detectors.

    A subclass has the parameters `holdout`, `false_alarm_rate` and `n_jobs`, and
    writes ``_parts(frame) -> {name: (detector, columns)}`` and ``_combine(rarities)``,
    from a table of shape (n_rows, n_parts) to one value for each row.
    """

    holdout: float
    false_alarm_rate: float
    n_jobs: int | None

    def _fit_parts(self, X, y):
        frame, labels = self._read(X, y, reset=True)
        if len(frame) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 rows to learn from; got "
                f"n_samples={len(frame)}."
            )
        parts = self._parts(frame)
        if not parts:
            raise ValueError(f"{type(self).__name__} has no detector to fit.")
        y = None if labels is None else pd.Series(labels, index=frame.index)
        rows = None
        if self.holdout > 0:
            split = WithinTrackChronologicalSplit(test_size=self.holdout)
            rows = next(split.split(frame))
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_part)(detector, frame[columns], y, rows)
            for detector, columns in parts.values()
        )
        self.columns_ = {name: columns for name, (_, columns) in parts.items()}
        self.detectors_ = {n: part for n, (part, _) in zip(parts, fitted, strict=True)}
        self.tails_ = {n: tail for n, (_, tail) in zip(parts, fitted, strict=True)}
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
        check_is_fitted(self)
        frame, _ = self._read(X, None, reset=False)
        return self._rarities(
            {
                name: anomaly_scores(detector, frame[self.columns_[name]])
                for name, detector in self.detectors_.items()
            },
            frame.index,
        )

    def _rarities(self, scores, index):
        return pd.DataFrame(
            {
                name: rarity(values, self.tails_[name])
                for name, values in scores.items()
            },
            index=index,
        )

    def score_samples(self, X):
        """Score rows; lower is more anomalous.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            Decimal logarithm of how often a normal row scores so high.
        """
        return -self._combine(self.rarity(X).to_numpy())

    def stream_scores(self, X, state=None, index=None):
        """Score and flag a chunk; see :func:`skdsn.streaming.stream_scores`.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        state : dict, default=None
            What the call for the previous chunk returned.
        index : pandas.Index, default=None
            Of the rows of an array, which has none.

        Returns
        -------
        scores : float64 ndarray of shape (n_rows,)
        flags : int8 ndarray of shape (n_rows,)
        state : dict
            Detector to its own state.
        """
        check_is_fitted(self)
        frame, _ = self._read(X, None, reset=False)
        if index is not None and not isinstance(X, pd.DataFrame):
            frame = frame.set_axis(index)  # the rows of an array are numbered on
        state, new, scores = {} if state is None else state, {}, {}
        for name, detector in self.detectors_.items():
            scores[name], _, new[name] = stream_scores(
                detector, frame[self.columns_[name]], state.get(name), index
            )
        combined = self._combine(self._rarities(scores, frame.index).to_numpy())
        return combined, self._flags(combined), new

    def _read(self, X, y, *, reset):
        """Read rows as a frame whose columns have names, and their labels."""
        rows = read_rows(self, X, reset=reset, text=True, missing=True)
        labels = read_labels(y, rows.tracks, unlabelled=True)
        return rows.data, labels

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        parts = [get_tags(detector).input_tags for detector in self._detectors()]
        tags.input_tags.allow_nan = all(part.allow_nan for part in parts)
        tags.input_tags.string = True  # what a detector cannot take it refuses itself
        tags.input_tags.categorical = True
        return tags

    @abstractmethod
    def _detectors(self):
        """List the detectors that are cloned."""

    @abstractmethod
    def _parts(self, frame):
        """Name the detectors, and the columns of each."""

    @abstractmethod
    def _combine(self, rarities):
        """Make one value of those of all detectors."""


def _fit_part(detector, X, y, split):
    """Fit a detector, and learn its scores from rows it has not seen."""
    if split is None:
        fitted = clone(detector).fit(X, y)
        return fitted, fit_tail(_normal(anomaly_scores(fitted, X), y))
    train, test = split
    part = clone(detector).fit(X.iloc[train], None if y is None else y.iloc[train])
    # The rows before them are scored too: a detector with memory must not start afresh.
    scores = anomaly_scores(part, X)[test]
    tail = fit_tail(_normal(scores, None if y is None else y.iloc[test]))
    return clone(detector).fit(X, y), tail


def _normal(scores, y):
    if y is None or (y == 1).all():
        return scores
    return scores[y.to_numpy() != 1]
