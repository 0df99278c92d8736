"""Base of the outlier detectors whose score depends on earlier rows of the track."""

from abc import abstractmethod

from sklearn.utils.validation import check_is_fitted

from skdsn.base import ScoringDetector, check_clock, read_rows, resume, suspend


class MemoryDetector(ScoringDetector):
    """Base of the outlier detectors with memory, as MemoryTransformer is of stages.

    A subclass has a constructor parameter `max_gap`, reads its rows in ``fit`` by
    ``_read(X, reset=True)``, sets ``offset_`` and writes ``_stream(data, bounds,
    memories) -> (scores, remember)``: `bounds` cuts the chunk into segments,
    ``memories[i]`` is what segment *i* continues (None for a fresh one), higher scores
    are more anomalous, and ``remember(i)`` returns what the continuation of a segment
    will need: a small plain object made of copies, never of views.
    """

    max_gap: float | str | None
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
        tracks, bounds, memories = resume(rows.tracks, state, self.max_gap)
        scores, remember = self._stream(rows.data, bounds, memories)
        new = suspend(tracks, bounds, state, remember)
        return scores, self._flags(scores), new

    def _read_segments(self, X):
        check_is_fitted(self)
        rows = self._read(X, reset=False)
        return rows.data, rows.tracks.segments(self.max_gap)

    def _read(self, X, *, reset):
        rows = read_rows(self, X, reset=reset, missing=self._missing)
        uses_time = self.max_gap is not None
        check_clock(self, rows.tracks, reset=reset, uses_time=uses_time)
        return rows

    @abstractmethod
    def _stream(self, data, bounds, memories):
        """Score a chunk; see the class."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._missing
        return tags
