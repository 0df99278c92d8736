"""Distances to training subsequences as a stage, for a threshold of another kind."""

from numbers import Integral

import numpy as np
import pandas as pd

from skdsn._core.segments import last_valid_row, lengths, positions
from skdsn._sklearn import (
    MAX_GAP,
    NAMES,
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
)
from skdsn.base import MemoryTransformer, read_labels
from skdsn.detectors._neighbors import SubsequenceNeighborsDetector


class SubsequenceDistances(MemoryTransformer):
    """Measure how far the last rows are from anything seen in training.

    The scores of :class:`SubsequenceNeighborsDetector` as a column ``error``, for
    :class:`ErrorSmoother` and :class:`DynamicThresholdDetector` to follow. The first
    rows of a segment, which end no whole subsequence, have an error of 0. Where one of
    the last rows lacks a value the error is missing: a gap is no anomaly.

    Parameters
    ----------
    length : int, default=20
        Rows of a subsequence.
    channels : list of str or None, default=None
        Columns that take part; all when None.
    n_neighbors : int, default=1
        Take the distance to the neighbour of this rank.
    scaler : transformer, "passthrough" or None, default=None
        As in :class:`SubsequenceNeighborsDetector`; None divides by the training range.
    normalize : bool, default=False
        Compare shapes only.
    fit_stride : int, default=1
        Compare with the training subsequences of every `fit_stride`-th row only.
    passthrough : bool, default=False
        Append the columns of `X`.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time starts afresh: seconds, or ``"10min"``.

    Attributes
    ----------
    neighbors_ : SubsequenceNeighborsDetector
        Fitted; its ``neighbors(X)`` tells what a row was compared with.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    See Also
    --------
    skdsn.forecasters : Errors of forecasts instead.

    Notes
    -----
    ``fit_transform`` compares training subsequences with others that share no row with
    them, so that a threshold learns from distances as new rows have them; ``transform``
    of the same rows finds each of them again, at a distance of 0.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.detectors import SubsequenceDistances
    >>> t = np.arange(300.0)
    >>> X = np.sin(t / 5)[:, None]
    >>> stage = SubsequenceDistances(length=10).fit(X[:200])
    >>> X[250] = 3
    >>> bool(250 <= stage.transform(X)[:, 0].argmax() < 260)
    True
    """

    _missing = True
    _parameter_constraints: dict = {
        "length": [Interval(Integral, 1, None, closed="left")],
        "channels": [None, *NAMES],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "scaler": [None, StrOptions({"passthrough"}), HasMethods(["fit", "transform"])],
        "normalize": ["boolean"],
        "fit_stride": [Interval(Integral, 1, None, closed="left")],
        "passthrough": ["boolean"],
        "max_gap": MAX_GAP,
    }

    def __init__(
        self,
        *,
        length=20,
        channels=None,
        n_neighbors=1,
        scaler=None,
        normalize=False,
        fit_stride=1,
        passthrough=False,
        max_gap=None,
    ):
        self.length = length
        self.channels = channels
        self.n_neighbors = n_neighbors
        self.scaler = scaler
        self.normalize = normalize
        self.fit_stride = fit_stride
        self.passthrough = passthrough
        self.max_gap = max_gap

    def _fit(self, rows, y):
        names = check_feature_names_in(self)
        if self.passthrough and "error" in names:
            raise ValueError(
                "X has a column 'error', as this stage names its output; rename the "
                "column, or set passthrough=False."
            )
        options = self.get_params(deep=False)
        del options["passthrough"]
        chosen = names if self.channels is None else set(self.channels)
        self._watched = [i for i, name in enumerate(names) if name in chosen]
        labels = read_labels(y, rows.tracks, unlabelled=True)
        missing = self._is_missing(rows.data)
        if missing.any():  # no subsequence with such a row is one to compare with
            labels = np.zeros(len(missing), np.int64) if labels is None else labels
            labels = np.where(missing, 1, labels)
            if (labels == 1).all():
                raise ValueError(
                    f"All n_samples={len(labels)} rows lack a value or are anomalous, "
                    "so there is nothing to compare with; leave out channels that are "
                    "never complete."
                )
        X = np.nan_to_num(rows.data)
        if rows.index is not None:
            X = pd.DataFrame(X, index=rows.index, columns=names)
            labels = None if labels is None else pd.Series(labels, index=rows.index)
        self.neighbors_ = SubsequenceNeighborsDetector(**options).fit(X, labels)

    def _is_missing(self, data):
        return np.isnan(data[:, self._watched]).any(axis=1)

    def fit_transform(self, X, y=None):
        """Fit, and measure training rows against others.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled.

        Returns
        -------
        DataFrame or ndarray of shape (n_rows, n_features_out)
            With the index of `X`. Rows whose subsequence holds an anomalous row have
            the distance that ``transform`` gives.
        """
        out = self.fit(X, y).transform(X)
        own = self.neighbors_.fit_distances_
        known = np.isfinite(own)
        if isinstance(out, pd.DataFrame):
            out["error"] = np.where(known, own, out["error"])
        else:
            out[known, 0] = own[known]
        return out

    def _stream(self, data, tracks, bounds, memories):
        """Measure a chunk.

        Memory of a segment: that of the search, and how many rows, of the last
        `length`, are complete without a break.
        """
        tails = [None if memory is None else memory[0] for memory in memories]
        distances, tail_of = self.neighbors_._stream(np.nan_to_num(data), bounds, tails)
        known = [0 if tail is None else len(tail) for tail in tails]
        n_rows = positions(bounds) + np.repeat(known, lengths(bounds)) + 1
        distances = np.where(n_rows >= self.length, distances, 0.0)
        carried = [0 if memory is None else memory[1] for memory in memories]
        last = last_valid_row(self._is_missing(data), bounds)
        n_complete = np.where(
            last >= 0,
            np.arange(len(data)) - last,
            positions(bounds) + np.repeat(carried, lengths(bounds)) + 1,
        )
        distances[n_complete < np.minimum(n_rows, self.length)] = np.nan
        columns = [distances, data] if self.passthrough else [distances]

        def remember(i):
            return tail_of(i), int(min(n_complete[bounds[i + 1] - 1], self.length))

        return np.column_stack(columns), remember

    def _names_out(self, names):
        return ["error", *(names if self.passthrough else [])]
