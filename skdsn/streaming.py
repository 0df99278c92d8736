"""Score telemetry as it comes in, exactly as one batch call would.

:class:`StreamingDetector` walks a fitted Pipeline chunk by chunk and carries what
each stage with memory must know of each live track.
"""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.tracks import read_tracks

__all__ = ["StreamingDetector", "stream_scores"]


class StreamingDetector:
    """Run a fitted detector over a stream of chunks.

    For any chunking of the same rows, the scores are those of one batch call. A
    chunk may hold rows of many tracks; a track goes on where its last chunk ended.
    The object can be pickled at any time and resumed elsewhere.

    Parameters
    ----------
    detector : fitted Pipeline or estimator
        A classifier or an outlier detector, whose transformers either treat each row
        on its own or have a ``stream`` method. Of a search, the ``best_estimator_``
        is streamed.

    Attributes
    ----------
    n_rows_ : int
        Rows seen so far.
    tracks_ : list
        Ids of the live tracks, in order of appearance.

    Raises
    ------
    TypeError
        If a stage with memory sits where its state cannot be carried, such as inside
        a ``FeatureUnion`` or a ``ColumnTransformer``.

    See Also
    --------
    skdsn.base.MemoryTransformer.stream : The step behind it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn.pipeline import make_pipeline
    >>> from skdsn.preprocessing import CausalImputer
    >>> from skdsn.streaming import StreamingDetector
    >>> X = np.array([[0.1], [0.2], [np.nan], [0.1], [9.0], [np.nan]])
    >>> detector = make_pipeline(CausalImputer(), IsolationForest(random_state=0))
    >>> stream = StreamingDetector(detector.fit(X))
    >>> pd.concat([stream.update(X[:4]), stream.update(X[4:])])["anomaly"].to_list()
    [0, 0, 0, 0, 1, 1]
    """

    def __init__(self, detector):
        check_is_fitted(detector)
        _refuse_hidden_memory(detector)
        self.detector = detector
        self.n_rows_ = 0
        self._tracks = {}
        self._state = None

    def __repr__(self):
        return (
            f"StreamingDetector({type(self.detector).__name__}, n_rows={self.n_rows_}, "
            f"n_tracks={len(self._tracks)})"
        )

    @property
    def tracks_(self):
        """Ids of the live tracks."""
        return list(self._tracks)

    def update(self, chunk):
        """Score the next rows.

        Parameters
        ----------
        chunk : DataFrame or array-like of shape (n_rows, n_features)
            Rows that follow those of earlier chunks in each of their tracks. An
            array continues a single track.

        Returns
        -------
        DataFrame of shape (n_rows, 2)
            The index of `chunk`; ``score``: probability of class 1 of a classifier,
            negated ``score_samples`` of an outlier detector; ``anomaly``: 0 or 1.

        Raises
        ------
        ValueError
            If the chunk breaks the row contract or goes back in time. The stream
            then stays as it was.
        """
        if isinstance(chunk, pd.DataFrame):
            index = chunk.index
        else:
            chunk = np.asarray(chunk)
            index = pd.RangeIndex(self.n_rows_, self.n_rows_ + len(chunk))
        tracks = read_tracks(index)
        tracks.check_after(self._tracks)
        if len(chunk) == 0:
            return _result(np.empty(0), np.empty(0, np.int8), index)
        scores, flags, state = stream_scores(self.detector, chunk, self._state, index)
        self._state = state
        ends = tracks.seconds[tracks.bounds[1:] - 1].tolist()
        self._tracks.update(zip(tracks.names, ends, strict=True))
        self.n_rows_ += len(chunk)
        return _result(scores, flags, index)

    def forget(self, *tracks):
        """Drop the memory of finished tracks, so that the state stays small.

        Parameters
        ----------
        *tracks : track ids

        Raises
        ------
        ValueError
            If a track was not seen, or was forgotten already.
        """
        unknown = [track for track in tracks if track not in self._tracks]
        if unknown:
            live = self.tracks_[:5]
            raise ValueError(
                f"Track {unknown[0]!r} is not live; the live tracks are {live}"
                f"{' and more' if len(self._tracks) > 5 else ''}."
            )
        for track in tracks:
            del self._tracks[track]
        self._state = without_tracks(self._state, set(tracks))


def stream_scores(detector, X, state=None, index=None):
    """Score a chunk with a fitted detector and carry the state of its stages.

    Parameters
    ----------
    detector : fitted Pipeline or estimator
        An estimator with its own ``stream_scores(X, state, index)`` is asked for it,
        a search for its ``best_estimator_``.
    X : DataFrame or ndarray of shape (n_rows, n_features)
    state : dict, default=None
        What the call for the previous chunk returned.
    index : pandas.Index, default=None
        Index that frames made from an array on the way are given.

    Returns
    -------
    scores : float64 ndarray of shape (n_rows,)
        Higher is more anomalous.
    flags : int8 ndarray of shape (n_rows,)
    state : dict
    """
    detector = _best(detector)
    if isinstance(detector, Pipeline):
        Xt, new = stream_steps(detector, X, state, index, stop=-1)
        name, last = detector.steps[-1]
        scores, flags, new[name] = stream_scores(
            last, Xt, (state or {}).get(name), index
        )
        return scores, flags, new
    if hasattr(detector, "stream_scores"):
        return detector.stream_scores(X, state, index)
    return anomaly_scores(detector, X), anomaly_flags(detector, X), {}


def stream_steps(pipeline, X, state=None, index=None, stop=None):
    """Transform a chunk by the steps of a Pipeline and carry their state.

    Parameters
    ----------
    pipeline : fitted Pipeline
    X : DataFrame or ndarray of shape (n_rows, n_features)
    state : dict, default=None
        What the call for the previous chunk returned.
    index : pandas.Index, default=None
        Index that frames made from an array on the way are given.
    stop : int, default=None
        Step to stop before.

    Returns
    -------
    Xt : DataFrame or ndarray of shape (n_rows, n_features_out)
    state : dict
        Step to its own state.
    """
    state = {} if state is None else state
    new = {}
    for name, step in pipeline.steps[:stop]:
        step = _best(step)
        if step is None or step == "passthrough" or hasattr(step, "fit_resample"):
            continue  # samplers act in fit only
        if isinstance(step, Pipeline):
            X, new[name] = stream_steps(step, X, state.get(name), index)
        elif hasattr(step, "stream"):
            X, new[name] = step.stream(X, state.get(name))
        else:
            X = step.transform(X)
        if isinstance(X, pd.DataFrame) and index is not None and X.index is not index:
            X = X.set_axis(index, axis=0)
    return X, new


def _best(estimator):
    """Take what a fitted search found, and any other estimator as it is."""
    return getattr(estimator, "best_estimator_", estimator)


def _refuse_hidden_memory(estimator, inside=None):
    """Refuse stages with memory where their state could not be carried."""
    estimator = _best(estimator)
    streams = hasattr(estimator, "stream_scores")
    wraps = streams and hasattr(estimator, "detector")  # else its memory is its own
    remembers = streams and (not wraps or getattr(estimator, "_own_memory", False))
    if inside is not None and (hasattr(estimator, "stream") or remembers):
        raise TypeError(
            f"{type(estimator).__name__} has memory, which a {inside} cannot carry "
            "from chunk to chunk; make it a step of the Pipeline (encoders have "
            "passthrough=True to keep their input columns)."
        )
    if isinstance(estimator, Pipeline):
        parts = [(step, inside) for _, step in estimator.steps]
    elif hasattr(estimator, "stages"):
        parts = [(stage, inside) for _, stage in estimator.stages]
    elif wraps:
        parts = [(getattr(estimator, "detector_", estimator.detector), inside)]
    elif streams:
        parts = [
            (part, inside) for part in getattr(estimator, "detectors_", {}).values()
        ]
    else:
        listed = getattr(estimator, "transformers", None) or getattr(
            estimator, "transformer_list", []
        )
        listed = [*listed, *(getattr(estimator, "estimators", None) or [])]
        held = [item[1] if isinstance(item, tuple) else item for item in listed]
        held += estimator.get_params(deep=False).values()  # of a BaggingClassifier, say
        parts = [(part, type(estimator).__name__) for part in held]
    for part, where in parts:
        if isinstance(part, BaseEstimator):
            _refuse_hidden_memory(part, where)


def without_tracks(state, tracks):
    """Take finished tracks out of a state, so that it stays small.

    Parameters
    ----------
    state : dict or None
        As :func:`stream_scores` and :func:`stream_steps` return it.
    tracks : set
        Their ids.

    Returns
    -------
    dict or None
    """
    if not isinstance(state, dict):
        return state
    return {
        key: without_tracks(value, tracks)
        for key, value in state.items()
        if isinstance(value, dict) or key not in tracks
    }


def _result(scores, flags, index):
    return pd.DataFrame(
        {"score": scores, "anomaly": flags.astype(np.int64)}, index=index
    )
