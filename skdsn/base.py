"""Bases of the stages: rows in, the same rows out, and memory made explicit.

A stage is a scikit-learn transformer that returns as many rows as it got, with
the same index. A stage with memory writes one hook, which maps a chunk of rows
and what it remembers of their tracks to the transformed rows and what to
remember next. Batch ``transform`` and chunk-wise ``stream`` are that same hook,
so they cannot disagree.
"""

from abc import ABCMeta, abstractmethod
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, is_outlier_detector
from sklearn.utils.validation import check_is_fitted, validate_data

from skdsn._sklearn import check_feature_names_in, fit_context, output_container
from skdsn.tracks import Tracks, gap_seconds, is_categorical, read_tracks

__all__ = [
    "MemoryTransformer",
    "RowTransformer",
    "Rows",
    "anomaly_flags",
    "anomaly_scores",
    "read_labels",
    "read_rows",
]


@dataclass(frozen=True)
class Rows:
    """Validated input of a stage.

    Attributes
    ----------
    data : DataFrame or ndarray of shape (n_rows, n_features)
        A frame for stages that read text, otherwise floats. Not to be written to.
    tracks : Tracks
    index : pandas.Index or None
        None if an array came in.
    """

    data: pd.DataFrame | np.ndarray
    tracks: Tracks
    index: pd.Index | None


def read_rows(estimator, X, *, reset, text=False, missing=False, dtype=np.float64):
    """Check the input of a stage and find its tracks.

    Parameters
    ----------
    estimator : estimator instance
        Learns ``n_features_in_``, ``feature_names_in_`` and ``fitted_on_tracks_``
        if `reset`, is held to them otherwise.
    X : DataFrame or array-like of shape (n_rows, n_features)
    reset : bool
        True in ``fit``.
    text : bool, default=False
        Allow categorical columns; the data come back as a frame.
    missing : bool, default=False
        Allow NaN.
    dtype : numpy dtype, default=float64
        Of the values, unless `text`.

    Returns
    -------
    Rows

    Raises
    ------
    ValueError, TypeError
        If the row contract is broken; the message names track, column or row.
    """
    finite = "allow-nan" if missing else True
    if isinstance(X, pd.DataFrame):
        tracks = read_tracks(X)
        _check_container(estimator, X.index.nlevels == 2, reset)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if X.shape[0] == 0 or X.shape[1] == 0:
            raise ValueError(
                f"Found a frame with {X.shape[0]} sample(s) and {X.shape[1]} "
                f"feature(s) while {type(estimator).__name__} needs at least one row "
                "and one column."
            )
        data = _read_frame(X, estimator, text, missing, dtype)
        return Rows(data, tracks, X.index)
    _check_container(estimator, False, reset)
    array = validate_data(
        estimator,
        X,
        reset=reset,
        dtype=None if text else dtype,
        ensure_all_finite=finite if not text else _finite_or_text(X, finite),
    )
    tracks = read_tracks(array)
    if text:
        frame = pd.DataFrame(array).infer_objects()
        data = _read_frame(frame, estimator, text, missing, dtype)
    else:
        data = array
    return Rows(data, tracks, None)


def _finite_or_text(X, finite):
    """check_array cannot test an array of objects for infinity; _read_frame can."""
    return False if np.asarray(X).dtype.kind == "O" else finite


def _check_container(estimator, has_tracks, reset):
    if reset:
        estimator.fitted_on_tracks_ = has_tracks
    elif estimator.fitted_on_tracks_ and not has_tracks:
        raise ValueError(
            f"{type(estimator).__name__} was fitted on tracks, indexed by (track, "
            "time), but now got rows without a track. Pass a frame with the same "
            "index levels; inside a Pipeline call set_output(transform='pandas') so "
            "that every step keeps the index."
        )


def _read_frame(X, estimator, text, missing, dtype):
    names = check_feature_names_in(estimator)
    categorical = is_categorical(X)
    for column in np.flatnonzero(categorical):
        kind = X.dtypes.iloc[column]
        if pd.api.types.is_datetime64_any_dtype(kind) or kind.kind == "m":
            raise TypeError(
                f"Column {names[column]!r} holds times ({kind}); time belongs in the "
                "index, so drop the column or turn it into numbers."
            )
        if not text:
            X = _column_to_numbers(X, column, names[column], estimator)
    if any(kind.kind == "c" for kind in X.dtypes):
        raise ValueError("Complex data not supported: telemetry columns are real.")
    if not text:
        values = X.to_numpy(dtype=dtype, na_value=np.nan)
        _check_finite(values, names, X.index, estimator, missing)
        return values
    numeric = np.flatnonzero(~categorical)
    for column in numeric:
        values = X.iloc[:, column]
        if values.dtype.kind == "f" or values.hasnans:
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)
            _check_finite(values[:, None], names[[column]], X.index, estimator, missing)
    return X.set_axis(names, axis=1)


def _column_to_numbers(X, column, name, estimator):
    try:
        numbers = X.iloc[:, column].astype(np.float64)
    except (TypeError, ValueError) as error:
        cells = X.iloc[:, column]
        bad = pd.to_numeric(cells, errors="coerce").isna() & cells.notna()
        row = int(np.argmax(bad))
        example = cells.iloc[row]
        raise ValueError(
            f"{type(estimator).__name__} takes numbers, but column {name!r} holds "
            f"{example!r} in row {row}; encode categorical columns before this step, "
            "for example with OneHotEncoder."
        ) from error
    position = np.arange(X.shape[1]) == column
    return pd.concat(
        [numbers if here else X.iloc[:, i] for i, here in enumerate(position)], axis=1
    )


def _check_finite(values, names, index, estimator, missing):
    # A sum is finite only if every term is: one pass without a Boolean table.
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(values.sum()):
            return
    bad = np.isinf(values) if missing else ~np.isfinite(values)
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    what = "infinity" if np.isinf(values[row, column]) else "NaN"
    cure = (
        "replace infinite values by NaN or a limit"
        if what == "infinity"
        else "put CausalImputer before this step"
    )
    raise ValueError(
        f"Input X contains {what}: column {names[column]!r}, row {row} "
        f"({index[row]}); {type(estimator).__name__} cannot take it, so {cure}."
    )


def read_labels(y, rows=None, *, unlabelled=False):
    """Check row labels.

    Parameters
    ----------
    y : array-like of shape (n_rows,), Series or None
        1 = anomalous, 0 = normal; with `unlabelled` also -1 = unknown.
    rows : Rows, optional
        The rows that the labels belong to.
    unlabelled : bool, default=False

    Returns
    -------
    int8 ndarray of shape (n_rows,) or None

    Raises
    ------
    ValueError
        If the labels have another length or index than the rows, or hold
        anything but the values allowed.
    """
    if y is None:
        return None
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"y has one label per row; got shape {values.shape}.")
    if rows is not None:
        if len(values) != rows.tracks.n_rows:
            raise ValueError(
                f"y has {len(values)} labels for {rows.tracks.n_rows} rows of X; "
                "inconsistent numbers of samples."
            )
        _check_label_index(y, rows)
    found = pd.unique(values)
    allowed = {-1, 0, 1} if unlabelled else {0, 1}
    strange = [v for v in found if v not in allowed]
    if strange:
        raise ValueError(
            "y must hold 0 (normal) and 1 (anomalous)"
            + (" or -1 (unlabelled)" if unlabelled else "")
            + f"; got {strange[0]!r}."
        )
    if unlabelled and set(found) == {-1, 1}:
        raise ValueError(
            "y holds 1 and -1 but no 0. In skdsn 1 = anomalous, 0 = normal and -1 = "
            "unlabelled; turn the labels of an outlier detector round with "
            "(y == -1).astype(int)."
        )
    return values.astype(np.int8)


def _check_label_index(y, rows):
    if not isinstance(y, pd.Series | pd.DataFrame):
        return
    if rows.index is None:
        if y.index.nlevels == 2:
            raise ValueError(
                "X has no index but y is indexed by (track, time): an earlier step "
                "returned an array, so tracks would run into each other. Call "
                "set_output(transform='pandas') on the Pipeline."
            )
    elif not y.index.equals(rows.index):
        different = np.flatnonzero(y.index.to_numpy() != rows.index.to_numpy())
        row = int(different[0]) if len(different) else 0
        raise ValueError(
            f"y and X have different indexes, first at row {row}: {y.index[row]} and "
            f"{rows.index[row]}; align them with y.loc[X.index]."
        )


class RowTransformer(TransformerMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of all stages: a transformer that keeps rows and index.

    A subclass writes ``_fit(rows, y)``, ``_transform(data)`` and ``_names_out()``.
    A frame comes back as a frame with the same index, an array as an array.
    """

    _parameter_constraints: dict = {}
    _text = False
    _missing = False
    _dtype: type = np.float64

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
    need: a small plain object made of copies, never of views.
    """

    # A stage that needs the time but no memory leaves the parameter out.
    max_gap: float | str | None = None

    @property
    def _forget_after(self):
        """Gap in time after which a track starts afresh."""
        return self.max_gap

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
        state = {} if state is None else state
        tracks = _continue_row_numbers(rows.tracks, state)
        bounds = tracks.segments(self._forget_after)
        first = np.searchsorted(bounds, tracks.bounds[:-1])
        last = np.searchsorted(bounds, tracks.bounds[1:]) - 1
        begin = tracks.seconds[tracks.bounds[:-1]]
        end = tracks.seconds[tracks.bounds[1:] - 1]
        limit = gap_seconds(self._forget_after)
        memories = [None] * (len(bounds) - 1)
        for name, segment, second in zip(tracks.names, first, begin, strict=True):
            if name not in state:
                continue
            previous, memory = state[name]
            if second <= previous:
                raise ValueError(
                    f"Track {name!r} goes back in time: its new rows begin at "
                    f"{second} s, but rows up to {previous} s were streamed already."
                )
            if limit is None or second - previous <= limit:
                memories[segment] = memory
        out, remember = self._stream(rows.data, tracks, bounds, memories)
        new = dict(state)
        for name, segment, second in zip(tracks.names, last, end, strict=True):
            new[name] = (float(second), remember(segment))
        out = self._wrap(out, rows.index)
        if rows.index is None and output_container(self) == "pandas":
            out = pd.DataFrame(out, columns=self.get_feature_names_out())
        return out, new

    @abstractmethod
    def _stream(self, data, tracks, bounds, memories):
        """Transform a chunk; see the class."""


def _continue_row_numbers(tracks, state):
    """Let a chunk without times (an array) count on from where the last one ended."""
    if tracks.times is not None or 0 not in state:
        return tracks
    first = int(state[0][0]) + 1
    times = pd.RangeIndex(first, first + tracks.n_rows)
    return Tracks(tracks.names, tracks.bounds, times)


def anomaly_scores(detector, X):
    """Score rows so that higher is always more anomalous.

    Parameters
    ----------
    detector : fitted classifier or outlier detector
        Or a Pipeline that ends in one.
    X : DataFrame or array-like of shape (n_rows, n_features)

    Returns
    -------
    float64 ndarray of shape (n_rows,)
        The probability of class 1 for classifiers (their ``decision_function``
        where they give no probability), the negated ``score_samples`` for outlier
        detectors.

    Examples
    --------
    >>> from sklearn.ensemble import IsolationForest
    >>> X = [[0.0], [0.1], [0.2], [9.0]]
    >>> anomaly_scores(IsolationForest(random_state=0).fit(X), X).argmax()
    np.int64(3)
    """
    if is_outlier_detector(detector):
        return -np.asarray(detector.score_samples(X), dtype=np.float64)
    if hasattr(detector, "predict_proba"):
        column = np.flatnonzero(np.asarray(detector.classes_) == 1)
        probability = np.asarray(detector.predict_proba(X), dtype=np.float64)
        if len(column) == 0:  # fitted on normal rows only
            return np.zeros(len(probability))
        return probability[:, column[0]]
    if hasattr(detector, "decision_function"):
        return np.asarray(detector.decision_function(X), dtype=np.float64)
    raise TypeError(
        f"{type(detector).__name__} has neither predict_proba nor decision_function "
        "nor is it an outlier detector, so it gives no anomaly score."
    )


def anomaly_flags(detector, X):
    """Flag rows as the detector's ``predict`` does, in one convention.

    Parameters
    ----------
    detector : fitted classifier or outlier detector
    X : DataFrame or array-like of shape (n_rows, n_features)

    Returns
    -------
    int8 ndarray of shape (n_rows,)
        1 = anomalous, 0 = normal, for both kinds of detector.

    Examples
    --------
    >>> from sklearn.ensemble import IsolationForest
    >>> X = [[0.0], [0.1], [0.2], [9.0]]
    >>> anomaly_flags(IsolationForest(contamination=0.25, random_state=0).fit(X), X)
    array([0, 0, 0, 1], dtype=int8)
    """
    predicted = np.asarray(detector.predict(X))
    positive = -1 if is_outlier_detector(detector) else 1
    return (predicted == positive).astype(np.int8)
