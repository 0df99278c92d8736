"""Tell anomalies by the distance to the nearest training subsequence."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone

from skdsn._core.neighbors import Subsequences, is_complete, nearest, repeated
from skdsn._core.ranges import fit_range, scale_to_range
from skdsn._core.segments import positions, prepend
from skdsn._core.windows import trailing_sum
from skdsn._sklearn import (
    MAX_GAP,
    NAMES,
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
)
from skdsn.base import read_labels
from skdsn.detectors._memory import MemoryDetector


class SubsequenceNeighborsDetector(MemoryDetector):
    """Flag rows whose last rows are like no stretch of the training telemetry.

    The anomaly score of a row is the distance of the subsequence of the last `length`
    rows, up to and including it, to the nearest one of the training rows. The search
    is exact. Only the training rows set the threshold.

    Parameters
    ----------
    length : int, default=20
        Rows per subsequence. At the start of a segment its first row is repeated.
    channels : sequence of str, default=None
        Columns that take part; all when None. Those of an array are called ``x0``,
        ``x1``, ...
    n_neighbors : int, default=1
        The distance is that to the neighbour of this rank. Subsequences one row apart
        are alike, so a rank above 1 asks for a `fit_stride` of several rows.
    scaler : transformer, "passthrough" or None, default=None
        Fitted on the normal training rows. None divides each channel by its range over
        them, which leaves a distance readable as a share of that range; a channel
        constant there is divided by 1, that is, kept in its own unit.
    normalize : bool, default=False
        Z-normalise each channel of each subsequence, so that only shapes count, as in
        the matrix profile; a subsequence whose standard deviation is below 1e-6 becomes
        0. Distances then lie between 0 and 2, and levels are not looked at.
    fit_stride : int, default=1
        Compare with the training subsequences of every `fit_stride`-th row only.
    factor : float, default=1.5
        The threshold is this many times the `quantile` of the distances in training.
    quantile : float, default=1.0
        Of the leave-one-out distances of the training rows; 1 is their largest.
    min_distance : float, default=0.05
        The threshold is no lower than this, in scaled units, so that no wiggle of a
        channel that was constant in training raises an alarm.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time, in seconds or as ``"10min"``, ends a segment, as a track
        border does; no subsequence reaches beyond.

    Attributes
    ----------
    offset_ : float
        Minus the threshold: rows whose ``score_samples`` is below it are flagged.
    fit_distances_ : float64 ndarray of shape (n_fit_rows,)
        Leave-one-out distance of each training row: to the subsequences that share no
        row with its own. NaN where its own is not complete, or holds an anomalous row,
        or has no neighbour.
    neighbor_rows_ : int64 ndarray of shape (n_subsequences,)
        Training rows at which the subsequences compared with end.
    n_complete_ : int
        How many of those, the first ones, are complete.
    channels_ : list of str
    scaler_ : transformer or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    See Also
    --------
    sklearn.neighbors.LocalOutlierFactor : For rows that do not depend on their order.

    Notes
    -----
    The distance is the root mean squared difference per value, over the `length` rows
    of all channels. Subsequences that hold a row labelled 1 are left out. The first
    ``length - 1`` rows of a segment, whose subsequences are padded, may be nearest to
    padded training subsequences; others are compared with complete ones only, lest
    the flat starts of training tracks hide a channel that freezes.

    ``fit`` compares ``n_fit_rows ** 2 / fit_stride`` pairs and scoring
    ``n_rows * n_fit_rows / fit_stride``, less what repeats in flat stretches, with
    ``length * n_channels`` products each, in about 40 MiB beside the scaled rows. The
    training rows are kept. Values beyond 1e100 in scaled units count as 1e100.

    References
    ----------
    Keogh, Lin and Fu, "HOT SAX: efficiently finding the most unusual time series
    subsequence", ICDM 2005 (discords; neighbours that share no row); Yeh et al.,
    "Matrix profile I: all pairs similarity joins for time series", ICDM 2016
    (`normalize`; the join of test with training rows); Ramaswamy, Rastogi and Shim,
    "Efficient algorithms for mining outliers from large data sets", SIGMOD 2000
    (`n_neighbors`).

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.detectors import SubsequenceNeighborsDetector
    >>> wave = np.sin(np.arange(300) / 5)[:, None]
    >>> detector = SubsequenceNeighborsDetector(length=10).fit(wave)
    >>> frozen = wave.copy()
    >>> frozen[150:200] = wave[150]  # within limits all the time
    >>> np.flatnonzero(detector.predict(frozen) == -1)[[0, -1]]
    array([154, 208])
    """

    _parameter_constraints: dict = {
        "length": [Interval(Integral, 1, None, closed="left")],
        "channels": [None, *NAMES],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "scaler": [None, StrOptions({"passthrough"}), HasMethods(["fit", "transform"])],
        "normalize": ["boolean"],
        "fit_stride": [Interval(Integral, 1, None, closed="left")],
        "factor": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="both")],
        "min_distance": [Interval(Real, 0, None, closed="left")],
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
        factor=1.5,
        quantile=1.0,
        min_distance=0.05,
        max_gap=None,
    ):
        self.length = length
        self.channels = channels
        self.n_neighbors = n_neighbors
        self.scaler = scaler
        self.normalize = normalize
        self.fit_stride = fit_stride
        self.factor = factor
        self.quantile = quantile
        self.min_distance = min_distance
        self.max_gap = max_gap

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Keep the training subsequences and set the threshold.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled, which counts as normal.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If fewer than ``n_neighbors + 1`` complete subsequences without an anomalous
            row lie apart, so that none has a neighbour to take a threshold from.
        """
        rows = self._read(X, reset=True)
        labels = read_labels(y, rows.tracks, unlabelled=True)
        n_rows = rows.tracks.n_rows
        anomalous = np.zeros(n_rows, bool) if labels is None else labels == 1
        if anomalous.all():
            raise ValueError(
                f"y labels all n_samples={n_rows} rows as anomalous, but the detector "
                "learns from normal or unlabelled rows."
            )
        self._choose_channels()
        self._fit_scale(rows.data[:, self._columns][~anomalous])
        bounds = rows.tracks.segments(self.max_gap)
        table = self._table(self._scale(rows.data), bounds)
        usable = trailing_sum(anomalous, bounds, self.length) == 0
        complete = is_complete(bounds, self.length)
        place = positions(bounds) - (self.length - 1)
        thinned = usable & (place % self.fit_stride == 0)
        self._fit_threshold(table, usable & complete, thinned & complete)
        # Padded subsequences come last: complete ones are not compared with them.
        if self.n_neighbors == 1:
            step, whole = self.fit_stride, usable & complete
            thinned &= ~repeated(table.values, bounds, self.length, whole, step)
        whole, padded = (np.flatnonzero(thinned & of) for of in (complete, ~complete))
        self.neighbor_rows_, self.n_complete_ = np.append(whole, padded), len(whole)
        self._fit_values, self._fit_bounds = table.values, bounds
        return self

    def _choose_channels(self):
        names = list(check_feature_names_in(self))
        chosen = names if self.channels is None else list(self.channels)
        unknown = [name for name in chosen if name not in names]
        if unknown or not chosen:
            what = f"{unknown[0]!r} is no column of X" if unknown else "none is named"
            raise ValueError(
                f"channels must name columns of X, but {what}; they are {names[:10]}."
            )
        self._columns = sorted({names.index(name) for name in chosen})
        self.channels_ = [str(names[column]) for column in self._columns]

    def _fit_scale(self, values):
        self.scaler_ = None
        if self.scaler not in (None, "passthrough"):
            self.scaler_ = clone(self.scaler).fit(values)
            values = np.asarray(self.scaler_.transform(values))
        # The search compares squares, so values are centred whatever the scaler.
        self._centre, self._unit = fit_range(values)
        if self.scaler is not None:
            self._unit = np.ones(len(self._unit))

    def _scale(self, data):
        """Scaled values of the channels, centred about the training rows."""
        values = data[:, self._columns]
        if self.scaler_ is not None:
            values = np.asarray(self.scaler_.transform(values), dtype=np.float64)
        return scale_to_range(values, self._centre, self._unit)

    def _table(self, values, bounds):
        return Subsequences(values, bounds, self.length, normalize=self.normalize)

    def _fit_threshold(self, table, queried, compared):
        queries, pool = (table.take(np.flatnonzero(of)) for of in (queried, compared))
        distances = nearest(queries, pool, self.n_neighbors, apart=True)[0][:, -1]
        known = np.isfinite(distances)
        if not known.any():
            raise ValueError(
                f"A threshold needs {self.n_neighbors + 1} training subsequences of "
                f"length={self.length} rows that share no row, lack no value and hold "
                f"none labelled 1; got n_samples={len(queried)} in "
                f"{len(table.bounds) - 1} segments. Bring longer tracks, fill values "
                "that are missing (CausalImputer, or hold=True in "
                "make_housekeeping_detector), or lower length, n_neighbors or "
                "fit_stride."
            )
        self.fit_distances_ = np.full(len(queried), np.nan)
        self.fit_distances_[queries.rows[known]] = distances[known]
        usual = np.quantile(distances[known], self.quantile)
        self.offset_ = -float(max(self.factor * usual, self.min_distance))

    def neighbors(self, X):
        """Find where in the training rows each row's nearest subsequence ends.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        int64 ndarray of shape (n_rows,)
            Row numbers in the training table: what an alarm was compared with.
        """
        data, bounds = self._read_segments(X)
        return self._search(self._scale(data), bounds, np.arange(len(data)))[1]

    def _stream(self, data, bounds, memories):
        """Score a chunk; the memory is the last ``length - 1`` scaled rows."""
        values, bounds, rows = prepend(self._scale(data), bounds, memories)
        distances, _ = self._search(values, bounds, rows)

        def remember(i):
            begin = max(bounds[i], bounds[i + 1] - (self.length - 1))
            return values[begin : bounds[i + 1]].copy()

        return distances, remember

    def _search(self, values, bounds, rows):
        """Distances of some rows, and the training rows of their neighbours."""
        table = self._table(values, bounds)
        known = self._table(self._fit_values, self._fit_bounds)
        complete = is_complete(bounds, self.length)[rows]
        distances, found = np.empty(len(rows)), np.empty(len(rows), dtype=np.int64)
        counts = (self.n_complete_, len(self.neighbor_rows_))
        for part, n_known in zip((complete, ~complete), counts, strict=True):
            pool = known.take(self.neighbor_rows_[:n_known])
            near, places = nearest(table.take(rows[part]), pool, self.n_neighbors)
            distances[part], found[part] = near[:, -1], pool.rows[places[:, 0]]
        return distances, found
