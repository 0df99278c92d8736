"""Bases of the stages, with and without memory."""

from abc import ABCMeta, abstractmethod

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skdsn._sklearn import check_feature_names_in, fit_context, output_container
from skdsn.base._memory import check_clock, resume, suspend
from skdsn.base._rows import read_rows


class RowTransformer(TransformerMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of all stages: a transformer that keeps rows and index.

    A subclass writes ``_fit(rows, y)``, ``_transform(data)`` and ``_names_out()``.
    A frame comes back as a frame with the same index, an array as an array.
    """

    _parameter_constraints: dict = {}
    _text = False
    _missing = False
    _dtype: type | tuple = np.float64

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn from the training rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled.

        Returns
        -------
        self : object
            The fitted stage.
        """
        rows = self._read(X, reset=True)
        self._fit(rows, y)
        return self

    def transform(self, X):
        """Transform every row.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry with the columns seen in ``fit``.

        Returns
        -------
        DataFrame or ndarray of shape (n_rows, n_features_out)
            With the index of `X`.
        """
        check_is_fitted(self)
        rows = self._read(X, reset=False)
        return self._wrap(self._transform(rows.data), rows.index)

    def get_feature_names_out(self, input_features=None):
        """Name the columns that ``transform`` returns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Only checked against the columns seen in ``fit``.

        Returns
        -------
        ndarray of str objects of shape (n_features_out,)
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        return np.asarray(self._names_out(names), dtype=object)

    def _read(self, X, *, reset):
        return read_rows(
            self,
            X,
            reset=reset,
            text=self._text,
            missing=self._missing,
            dtype=self._dtype,
        )

    def _wrap(self, out, index):
        if index is None:
            if isinstance(out, pd.DataFrame):
                return out.to_numpy()
            return out
        if isinstance(out, pd.DataFrame):
            return out
        return pd.DataFrame(
            out, index=index, columns=self.get_feature_names_out(), copy=False
        )

    @abstractmethod
    def _fit(self, rows, y):
        """Learn from validated rows."""

    def _transform(self, data):
        """Transform validated data row by row."""
        raise TypeError(f"{type(self).__name__} writes _transform or _stream.")

    @abstractmethod
    def _names_out(self, names):
        """Names of the output columns, given those of the input."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._missing
        tags.input_tags.string = self._text
        tags.input_tags.categorical = self._text
        tags.transformer_tags.preserves_dtype = []
        return tags


class MemoryTransformer(RowTransformer):
    """Base of the stages whose output depends on earlier rows of the track.

    A subclass has a constructor parameter `max_gap` and writes
    ``_stream(data, tracks, bounds, memories) -> (out, remember)``, where `bounds`
    cuts the chunk into segments, ``memories[i]`` is what segment *i* continues
    (None for a fresh one) and ``remember(i)`` returns what its continuation will
    need: a small plain object made of copies, never of views. Where it uses time by
    more than `max_gap` it says so in `_uses_time`, so that rows on another clock than
    those of ``fit`` are refused.
    """

    # A stage that needs the time but no memory leaves the parameter out.
    max_gap: float | str | None = None

    @property
    def _forget_after(self):
        """Gap in time after which a track starts afresh."""
        return self.max_gap

    @property
    def _uses_time(self):
        """Whether the output depends on more than the order of the rows."""
        return self.max_gap is not None

    def _read(self, X, *, reset):
        rows = super()._read(X, reset=reset)
        check_clock(self, rows.tracks, reset=reset, uses_time=self._uses_time)
        return rows

    def transform(self, X):
        """Transform every row, each track from a fresh start.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry with the columns seen in ``fit``.

        Returns
        -------
        DataFrame or ndarray of shape (n_rows, n_features_out)
            With the index of `X`. A row depends on no later row and on no other
            track.
        """
        check_is_fitted(self)
        rows = self._read(X, reset=False)
        bounds = rows.tracks.segments(self._forget_after)
        out, _ = self._stream(
            rows.data, rows.tracks, bounds, [None] * (len(bounds) - 1)
        )
        return self._wrap(out, rows.index)

    def stream(self, X, state=None):
        """Transform a chunk of rows that continues earlier ones.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            The next rows of any number of tracks.
        state : dict, default=None
            What the call for the previous chunk returned; None to start afresh.
            It is not changed.

        Returns
        -------
        Xt : DataFrame or ndarray of shape (n_rows, n_features_out)
            The rows that ``transform`` would return for the whole tracks.
        state : dict
            Track id to (seconds of its last row, memory).

        Raises
        ------
        ValueError
            If a track goes back in time.
        """
        check_is_fitted(self)
        rows = self._read(X, reset=False)
        tracks, bounds, memories = resume(rows.tracks, state, self._forget_after)
        out, remember = self._stream(rows.data, tracks, bounds, memories)
        new = suspend(tracks, bounds, state, remember)
        out = self._wrap(out, rows.index)
        if rows.index is None and output_container(self) == "pandas":
            out = pd.DataFrame(out, columns=self.get_feature_names_out())
        return out, new

    @abstractmethod
    def _stream(self, data, tracks, bounds, memories):
        """Transform a chunk; see the class."""
