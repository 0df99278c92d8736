"""Base of the outlier detectors whose score depends on earlier rows of the track."""

from abc import ABCMeta, abstractmethod

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from skdsn.base import read_rows
from skdsn.base._stages import _continue_row_numbers
from skdsn.tracks import gap_seconds


class MemoryDetector(OutlierMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of the outlier detectors with memory, as MemoryTransformer is of stages.

    A subclass has a constructor parameter `max_gap`, reads its rows in ``fit`` by
    ``_read(X, reset=True)``, sets ``offset_`` and writes ``_stream(data, bounds,
    memories) -> (scores, remember)``: `bounds` cuts the chunk into segments,
    ``memories[i]`` is what segment *i* continues (None for a fresh one), higher scores
    are more anomalous, and ``remember(i)`` returns what the continuation of a segment
    will need: a small plain object made of copies, never of views.
    """

    max_gap: float | str | None
    offset_: float
    _missing = False

    def score_samples(self, X):
        """Score rows; lower is more anomalous.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry with the columns seen in ``fit``.

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            A row depends on no later row and on no other track.
        """
        data, bounds = self._read_segments(X)
        return -self._stream(data, bounds, [None] * (len(bounds) - 1))[0]

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

    def stream_scores(self, X, state=None, index=None):
        """Score and flag a chunk; see :func:`skdsn.streaming.stream_scores`.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            The next rows of any number of tracks.
        state : dict, default=None
            What the call for the previous chunk returned; None to start afresh. It is
            not changed.
        index : pandas.Index, default=None
            Not used: the rows of an array are numbered on.

        Returns
        -------
        scores : float64 ndarray of shape (n_rows,)
            Those of one batch call; higher is more anomalous.
        flags : int8 ndarray of shape (n_rows,)
        state : dict
            Track id to (seconds of its last row, memory).

        Raises
        ------
        ValueError
            If a track goes back in time.
        """
        check_is_fitted(self)
        rows = self._read(X, reset=False)
        state = {} if state is None else state
        tracks = _continue_row_numbers(rows.tracks, state)
        tracks.check_after({name: end for name, (end, _) in state.items()})
        bounds = tracks.segments(self.max_gap)
        limit = gap_seconds(self.max_gap)
        memories = [None] * (len(bounds) - 1)
        first = np.searchsorted(bounds, tracks.bounds[:-1])
        for name, segment in zip(tracks.names, first, strict=True):
            end, memory = state.get(name, (np.nan, None))
            if limit is None or tracks.seconds[bounds[segment]] - end <= limit:
                memories[segment] = memory
        scores, remember = self._stream(rows.data, bounds, memories)
        new = dict(state)
        last = np.searchsorted(bounds, tracks.bounds[1:]) - 1
        for name, segment in zip(tracks.names, last, strict=True):
            end = tracks.seconds[bounds[segment + 1] - 1]
            new[name] = (float(end), remember(segment))
        return scores, (-scores - self.offset_ < 0).astype(np.int8), new

    def _read_segments(self, X):
        check_is_fitted(self)
        rows = self._read(X, reset=False)
        return rows.data, rows.tracks.segments(self.max_gap)

    def _read(self, X, *, reset):
        rows = read_rows(self, X, reset=reset, missing=self._missing)
        dated = isinstance(rows.tracks.times, pd.DatetimeIndex)
        if reset:
            self.fitted_on_dates_ = dated
        elif self.max_gap is not None and dated != self.fitted_on_dates_:
            kinds = "dates", "seconds or row numbers"
            known, new = kinds if self.fitted_on_dates_ else kinds[::-1]
            raise ValueError(
                f"{type(self).__name__} was fitted on rows timed by {known}, but now "
                f"got rows timed by {new}; give both the same clock in the index."
            )
        return rows

    @abstractmethod
    def _stream(self, data, bounds, memories):
        """Score a chunk; see the class."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._missing
        return tags
