"""Several detectors on one scale: what ensembles and fleets of channels share."""

from abc import abstractmethod
from numbers import Integral

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skdsn._core.runs import find_runs, join_runs
from skdsn._sklearn import BaseComposition
from skdsn.base import (
    ScoringDetector,
    anomaly_scores,
    check_keys,
    read_labels,
    read_rows,
)
from skdsn.detectors._severity import flags_of, learn_level, settle
from skdsn.model_selection import WithinTrackChronologicalSplit
from skdsn.streaming import stream_scores
from skdsn.tracks import read_tracks


class DetectorParts(MetaEstimatorMixin, ScoringDetector):
    """Base of the detectors made of detectors.

    A subclass has the parameter `n_jobs` and writes ``_parts(frame) -> {name:
    (detector, columns)}``; ``_fit_part(detector, X, y) -> (fitted, scale)``, where
    `scale` is what ``_rescale(scores, flags, scale)`` needs to put scores on a common
    scale, and the flags of the part too if `_uses_flags`;
    and ``_combine(table)``, from such a table of shape (n_rows, n_parts) to one value
    for each row.
    """

    n_jobs: int | None
    _uses_flags = False
    _part = "detector"

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
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(self._fit_part)(detector, frame[columns], y)
            for detector, columns in parts.values()
        )
        self.columns_ = {name: columns for name, (_, columns) in parts.items()}
        self.detectors_ = {n: part for n, (part, _) in zip(parts, fitted, strict=True)}
        return {n: scale for n, (_, scale) in zip(parts, fitted, strict=True)}

    def _table(self, X):
        """Put the scores of all parts on the common scale: DataFrame, index of `X`."""
        check_is_fitted(self)
        frame, _ = self._read(X, None, reset=False)
        table = {}
        for name, detector in self.detectors_.items():
            rows = frame[self.columns_[name]]
            scores, flags = anomaly_scores(detector, rows), None
            if self._uses_flags:
                flags = flags_of(detector, rows, scores)
            table[name] = self._rescale(scores, flags, self._scales()[name])
        return pd.DataFrame(table, index=frame.index)

    def score_samples(self, X):
        """Score rows; lower is more anomalous.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            Negated, on the common scale.
        """
        return -self._combine(self._table(X).to_numpy())

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
            Rows so far, and the state of each detector.
        """
        check_is_fitted(self)
        frame, _ = self._read(X, None, reset=False)
        state = {"n_rows": 0, "parts": {}} if state is None else state
        check_keys(state, ["n_rows", "parts"])
        n_rows, new, table = state["n_rows"] + len(frame), {}, {}
        if not isinstance(X, pd.DataFrame):
            # The rows of an array are numbered on.
            if index is None:
                index = pd.RangeIndex(state["n_rows"], n_rows)
            frame = frame.set_axis(index)
        for name, detector in self.detectors_.items():
            scores, flags, new[name] = stream_scores(
                detector,
                frame[self.columns_[name]],
                state["parts"].get(name),
                index,
            )
            table[name] = self._rescale(scores, flags, self._scales()[name])
        combined = self._combine(np.column_stack(list(table.values())))
        state = {"n_rows": n_rows, "parts": new}
        return combined, self._flags(combined), state

    def events(self, X, *, join=0, apart=False):
        """List the events, with the channels or detectors that are responsible.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        join : int, default=0
            Events of a track with no more rows between them are one, such as those of
            channels that answer to a fault one after the other.
        apart : bool, default=False
            List the runs of each channel (or detector) by themselves, so that faults
            that overlap in time are not taken for one.

        Returns
        -------
        DataFrame of shape (n_events, 6)
            ``track``; ``start`` and ``end``, times of the first and the last row
            flagged; ``severity``, the highest score, 0 being the threshold and 1 as far
            above it as a usual training row is below; ``channels`` (or ``detectors``),
            those that flag a row of the event, the most severe first; and
            ``n_channels`` (or ``n_detectors``).
        """
        if not isinstance(join, Integral) or join < 0:
            raise ValueError(
                f"join must be a number of rows, at least 0; got {join!r}."
            )
        table = self._table(X)
        values = table.to_numpy()
        combined = [self._combine(values)]
        if apart:
            combined = list(values.T)
        tracks = read_tracks(table if isinstance(X, pd.DataFrame) else values)
        times = np.arange(len(values)) if tracks.times is None else tracks.times
        parts, n_parts = f"{self._part}s", f"n_{self._part}s"
        rows = []
        for i, scores in enumerate(combined):
            runs = find_runs(self._flags(scores), tracks.bounds)
            starts, stops = join_runs(*runs, tracks.bounds, join)
            number = np.searchsorted(tracks.bounds, starts, side="right") - 1
            for start, stop, track in zip(starts, stops, number, strict=True):
                peak = values[start:stop].max(axis=0)
                order = [i] if apart else np.argsort(-peak, kind="stable")
                named = [j for j in order if peak[j] > -self.offset_]
                rows.append(
                    {
                        "row": start,
                        "track": tracks.names[track],
                        "start": times[start],
                        "end": times[stop - 1],
                        "severity": scores[start:stop].max() + self.offset_,
                        parts: [table.columns[j] for j in named],
                        n_parts: len(named),
                    }
                )
        rows.sort(key=lambda event: event["row"])
        columns = ["track", "start", "end", "severity", parts, n_parts]
        return pd.DataFrame(rows, columns=columns)

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
    def _fit_part(self, detector, X, y):
        """Fit a clone and learn its scale; see the class."""

    @abstractmethod
    def _scales(self):
        """Tell the scales that ``_fit_parts`` has returned, by name."""

    @abstractmethod
    def _rescale(self, scores, flags, scale):
        """Put scores on the common scale."""

    @abstractmethod
    def _combine(self, table):
        """Make one value of those of all detectors."""


class SeverityParts(DetectorParts):
    """Base of those whose parts flag by their own thresholds.

    The common scale is the severity: 0 at the threshold of a part, -1 where a usual
    training row is.
    """

    _uses_flags = True

    def _fit_parts(self, X, y):
        self.levels_ = super()._fit_parts(X, y)
        self.offset_ = 0.0
        return self

    def _scales(self):
        return self.levels_

    def _fit_part(self, detector, X, y):
        fitted = clone(detector).fit(X, y)
        return fitted, learn_level(fitted, X, y)

    def _rescale(self, scores, flags, scale):
        threshold, below = scale
        return (settle(scores, flags, threshold)[0] - threshold) / below

    def severity(self, X):
        """Tell how severe each row is to each part.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry with the columns seen in ``fit``.

        Returns
        -------
        DataFrame of shape (n_rows, n_parts)
            A column for each channel or detector, positive where it flags the row.
            With the index of `X`.
        """
        return self._table(X)


class NamedMembers(BaseComposition):
    """What estimators with a list of (name, estimator) have in common."""

    _members: str

    def get_params(self, deep=True):
        """Get the parameters, with `deep` those of the members too.

        Parameters
        ----------
        deep : bool, default=True

        Returns
        -------
        dict
        """
        return self._get_params(self._members, deep=deep)

    def set_params(self, **params):
        """Set parameters: ``name=`` replaces a member, ``name__parameter=`` sets one.

        Parameters
        ----------
        **params

        Returns
        -------
        self : object
        """
        return self._set_params(self._members, **params)

    def _check_members(self):
        members = getattr(self, self._members)
        found = pairs(members)
        if len(found) < len(members):
            raise ValueError(
                f"{self._members} takes a list of (name, estimator); got {members!r}."
            )
        self._validate_names([name for name, _ in found])


class NamedParts(NamedMembers):
    """What detectors with a list `detectors` of (name, detector) have in common."""

    _members = "detectors"
    detectors: list

    def _detectors(self):
        return [detector for _, detector in pairs(self.detectors)]

    def _parts(self, frame):
        self._check_members()
        columns = list(frame.columns)
        return {name: (detector, columns) for name, detector in self.detectors}


def pairs(items):
    """List what is (name, estimator), as all of them should be."""
    return [
        item
        for item in items
        if isinstance(item, tuple)
        and len(item) == 2
        and isinstance(item[0], str)
        and isinstance(item[1], BaseEstimator)
    ]


def kth_largest(table, k):
    """Find what so many columns reach: (n_rows,) of (n_rows, n_columns)."""
    return -np.partition(-table, k - 1, axis=1)[:, k - 1]


def hold_out_ends(X, share):
    """Split rows into the beginnings and the ends of tracks: two arrays of rows."""
    try:
        return next(WithinTrackChronologicalSplit(test_size=share).split(X))
    except ValueError as error:
        raise ValueError(
            f"holdout={share} leaves a track without rows to learn from or to hold "
            f"out; got n_samples={len(X)} rows; set holdout=0 or bring longer tracks."
        ) from error
