"""What outlier detectors with a threshold have in common."""

from abc import ABCMeta, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin


class ScoringDetector(OutlierMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of the outlier detectors that flag rows scored below ``offset_``."""

    offset_: float

    @abstractmethod
    def score_samples(self, X):
        """Score rows; lower is more anomalous."""

    def decision_function(self, X):
        """``score_samples`` minus ``offset_``.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            Negative where a row is flagged.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Flag rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        int64 ndarray of shape (n_rows,)
            -1 = anomalous, 1 = normal.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _flags(self, scores):
        """Flag scores, higher = more anomalous, as ``predict`` does."""
        return (-scores - self.offset_ < 0).astype(np.int8)
