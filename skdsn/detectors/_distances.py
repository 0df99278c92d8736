"""Distances to training subsequences as a stage, for a threshold of another kind."""

from numbers import Integral

import numpy as np
import pandas as pd

from skdsn._core.segments import lengths, positions
from skdsn._sklearn import (
    MAX_GAP,
    NAMES,
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
)
from skdsn.base import MemoryTransformer
from skdsn.detectors._neighbors import SubsequenceNeighborsDetector


class SubsequenceDistances(MemoryTransformer):
    """Measure how far the last rows are from anything seen in training.

    The scores of :class:`SubsequenceNeighborsDetector` as a column ``error``, for
    :class:`ErrorSmoother` and :class:`DynamicThresholdDetector` to follow. The first
    rows of a segment, which end no whole subsequence, have an error of 0.

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
        X = rows.data
        if rows.index is not None:
            X = pd.DataFrame(X, index=rows.index, columns=names)
        self.neighbors_ = SubsequenceNeighborsDetector(**options).fit(X, y)

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
        distances, remember = self.neighbors_._stream(data, bounds, memories)
        known = [0 if memory is None else len(memory) for memory in memories]
        before = positions(bounds) + np.repeat(known, lengths(bounds))
        distances = np.where(before >= self.length - 1, distances, 0.0)
        columns = [distances, data] if self.passthrough else [distances]
        return np.column_stack(columns), remember

    def _names_out(self, names):
        return ["error", *(names if self.passthrough else [])]
