"""Flag errors by a threshold that follows their recent level."""

from itertools import pairwise
from numbers import Integral, Real

import numpy as np

from skdsn._core.dynamic_threshold import Rule
from skdsn._core.segments import lengths, positions
from skdsn._core.threshold_windows import (
    fresh_past,
    judge_batches,
    judge_published,
    published_warm_up,
)
from skdsn._sklearn import (
    MAX_GAP,
    Interval,
    RealNotInt,
    StrOptions,
    check_feature_names_in,
    fit_context,
)
from skdsn.base import read_labels
from skdsn.detectors._events import column_position, list_events
from skdsn.detectors._memory import MemoryDetector
from skdsn.tracks import read_tracks

MOST_STEPS = 1000
# Errors beyond are taken for it: squares of errors are added up.
LARGEST = 1e100


class DynamicThresholdDetector(MemoryDetector):
    """Flag runs of errors above a threshold chosen anew for every batch of rows.

    Each batch is judged by the window of errors that ends with it. Their threshold is
    *z* standard deviations above their mean; of a grid, that *z* is taken at which the
    errors above carry most of mean and deviation while they are few, in few runs.
    Errors above it are widened to runs, and runs whose peak is hardly higher than the
    next lower one are dropped again (pruning). No label is used for any of this.

    A row's flag depends on no row after its batch; batches count from the start of the
    track. Missing errors count for nothing, but are flagged beside an exceedance.

    Parameters
    ----------
    error : str, default=None
        Column of the smoothed errors. When None ``"error"``, or the first column if
        there is none of that name. Higher has to mean more anomalous.
    value : str, default=None
        Column of the telemetry itself, for `value_guard`.
    mode : {"corrected", "paper"}, default="corrected"
        "paper" is the published code, which judges a whole track at once: its first
        window by errors to come, and up to ``batch_size - 1`` rows near its end never.
        `history`, `held_back`, `error_guard` and `warm_up_limit` are not used there.
    window_size : int, default=2100
        Rows that a batch is judged by, itself included.
    batch_size : int, default=70
        Rows judged at a time.
    z_min, z_max, z_step : float, default=2.5, 11.5 and 0.5
        Grid of *z*, both ends included.
    fallback_z : float, default=12.0
        For windows where no *z* of the grid leaves few enough rows above.
    error_buffer : int, default=100
        Rows on either side that an exceedance is widened by.
    max_runs : int, default=5
        Runs that a *z* may lead to in a window.
    max_fraction : float, default=0.5
        Share of the window that these runs have to stay below.
    penalty : {"widened", "raw"}, default="widened"
        Whether rows above the threshold are counted with or without those that they
        are widened by. The published code does the first, the paper says the second.
    p : float, default=0.13
        A run stays if its peak, or a lower one that stays, is higher than the next
        lower peak by at least this share. 0 keeps all.
    both_sides : bool, default=True
        Flag errors that are too small as well, as far below the mean.
    min_severity : float, default=0.0
        Drop runs of a lower severity, unless they go on with one that was kept. 0 keeps
        all.
    value_guard : float, default=0.05
        Only errors above this share of the range of the values (5 to 95 %) are
        flagged: of the training values, in paper mode of those in the window.
    error_guard : float, default=0.0
        Only errors above so many times the largest training error are flagged. 0 is no
        guard.
    min_error : float, default=0.05
        Paper mode: windows without a higher error are left alone.
    warm_up : int, default=None
        Rows at the start of each track never flagged. When None: a quarter of
        `window_size`, none where a history precedes the track; in paper mode 500 rows
        of tracks of at least 2500 rows, 250 of at least 1800, none of shorter ones.
    warm_up_limit : float or None, default=None
        Errors of the warm-up above so many times the largest training error are flagged
        all the same, as where a stream begins amid an event. None flags none.
    history : {"none", "training"}, default="none"
        Whether the last training errors precede every track, as if it had gone on from
        there: they count for the threshold, but flag nothing. A forecaster's errors on
        rows that it has learnt from are too small, and so is a threshold from them; on
        SMAP and MSL a warm-up did better, even than errors of held-back rows.
    held_back : int or float, default=None
        Make the history of no more than so many rows, or this share, at the end of each
        training track: those that the forecaster has not learnt from.
    exclude_flagged : bool, default=False
        Leave rows flagged before out of mean and deviation, so that a long event does
        not hide itself.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time starts afresh, as a track does: seconds, or ``"10min"``.

    Attributes
    ----------
    history_ : ndarray of shape (n_history,)
        Errors that precede every track.
    floor_ : float
        Errors up to here are not flagged, by `value_guard` and `error_guard`.
    latency_ : int
        Rows judged together, `batch_size`. Chunks of a stream cut there are judged as
        in one batch call. Rows of a batch that is cut elsewhere are judged without its
        rest; what comes after the batch is not affected.
    offset_ : float
        0: ``decision_function`` is ``score_samples``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    Raises
    ------
    ValueError
        In ``fit``, if a column is not there, the grid is empty, `batch_size` exceeds
        `window_size`, or no normal training row has an error; in ``stream_scores``, in
        paper mode.

    See Also
    --------
    ErrorSmoother : Makes smoothed errors of errors.

    Notes
    -----
    The score of a row is ``(error - threshold) / (|mean| + std)`` of its window, made
    positive where the row is flagged and not positive elsewhere. The highest one of a
    run is the severity of the paper. A missing error scores like the mean, errors that
    do not vary at all score ``-fallback_z``.

    References
    ----------
    K. Hundman et al., "Detecting spacecraft anomalies using LSTMs and nonparametric
    dynamic thresholding", KDD 2018, https://arxiv.org/abs/1802.04431

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.detectors import DynamicThresholdDetector
    >>> rng = np.random.default_rng(0)
    >>> train, X = rng.uniform(1, 2, (500, 1)), rng.uniform(1, 2, (140, 1))
    >>> X[90:95] = 9
    >>> detector = DynamicThresholdDetector(error_buffer=3, history="training")
    >>> detector = detector.fit(train)
    >>> np.flatnonzero(detector.predict(X) == -1)
    array([87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97])
    >>> detector.events(X).round(2)
       track  start  end  peak  severity  threshold
    0      0     87   97   9.0      0.11       8.75
    """

    _parameter_constraints: dict = {
        "error": [None, str],
        "value": [None, str],
        "mode": [StrOptions({"corrected", "paper"})],
        "window_size": [Interval(Integral, 2, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "z_min": [Interval(Real, 0, None, closed="neither")],
        "z_max": [Interval(Real, 0, None, closed="neither")],
        "z_step": [Interval(Real, 0, None, closed="neither")],
        "fallback_z": [Interval(Real, 0, None, closed="neither")],
        "error_buffer": [Interval(Integral, 0, None, closed="left")],
        "max_runs": [Interval(Integral, 1, None, closed="left")],
        "max_fraction": [Interval(Real, 0, 1, closed="right")],
        "penalty": [StrOptions({"widened", "raw"})],
        "p": [Interval(Real, 0, 1, closed="left")],
        "both_sides": ["boolean"],
        "min_severity": [Interval(Real, 0, None, closed="left")],
        "value_guard": [Interval(Real, 0, None, closed="left")],
        "error_guard": [Interval(Real, 0, None, closed="left")],
        "min_error": [Interval(Real, 0, None, closed="left")],
        "warm_up": [None, Interval(Integral, 0, None, closed="left")],
        "warm_up_limit": [None, Interval(Real, 0, None, closed="neither")],
        "history": [StrOptions({"none", "training"})],
        "held_back": [
            None,
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
        ],
        "exclude_flagged": ["boolean"],
        "max_gap": MAX_GAP,
    }
    _missing = True

    def __init__(
        self,
        *,
        error=None,
        value=None,
        mode="corrected",
        window_size=2100,
        batch_size=70,
        z_min=2.5,
        z_max=11.5,
        z_step=0.5,
        fallback_z=12.0,
        error_buffer=100,
        max_runs=5,
        max_fraction=0.5,
        penalty="widened",
        p=0.13,
        both_sides=True,
        min_severity=0.0,
        value_guard=0.05,
        error_guard=0.0,
        min_error=0.05,
        warm_up=None,
        warm_up_limit=None,
        history="none",
        held_back=None,
        exclude_flagged=False,
        max_gap=None,
    ):
        self.error = error
        self.value = value
        self.mode = mode
        self.window_size = window_size
        self.batch_size = batch_size
        self.z_min = z_min
        self.z_max = z_max
        self.z_step = z_step
        self.fallback_z = fallback_z
        self.error_buffer = error_buffer
        self.max_runs = max_runs
        self.max_fraction = max_fraction
        self.penalty = penalty
        self.p = p
        self.both_sides = both_sides
        self.min_severity = min_severity
        self.value_guard = value_guard
        self.error_guard = error_guard
        self.min_error = min_error
        self.warm_up = warm_up
        self.warm_up_limit = warm_up_limit
        self.history = history
        self.held_back = held_back
        self.exclude_flagged = exclude_flagged
        self.max_gap = max_gap

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the guards, and the errors to start from.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Errors indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, left out; 0 = normal, -1 = unlabelled.

        Returns
        -------
        self : object
        """
        rows = self._read(X, reset=True)
        if self.z_min > self.z_max:
            raise ValueError(
                f"z_min={self.z_min} exceeds z_max={self.z_max}, so there is no z to "
                "choose from; exchange them."
            )
        n_steps = (self.z_max - self.z_min) / self.z_step
        if n_steps > MOST_STEPS:
            raise ValueError(
                f"z_min={self.z_min}, z_max={self.z_max} and z_step={self.z_step} make "
                f"a grid of {n_steps:.0f} steps, more than {MOST_STEPS}; raise z_step."
            )
        if self.batch_size > self.window_size:
            raise ValueError(
                f"A batch of {self.batch_size} rows does not fit into a window of "
                f"{self.window_size}; raise window_size or lower batch_size."
            )
        names = list(check_feature_names_in(self))
        error = self.error
        if error is None:
            error = "error" if "error" in names else names[0]
        self._error = column_position(error, names, "error")
        self._value = self.value
        if self.value is not None:
            self._value = column_position(self.value, names, "value")
        self.latency_ = self.batch_size
        self.offset_ = 0.0
        labels = read_labels(y, rows.tracks, unlabelled=True)
        errors = self._errors(rows.data)
        learnt = ~np.isnan(errors)
        if labels is not None:
            learnt &= labels != 1
        if not learnt.any():
            raise ValueError(
                f"None of the training rows (n_samples={len(errors)}) is normal and "
                f"has an error in column {error!r}, so there is nothing to start from; "
                "fit on normal rows whose errors are known."
            )
        self._largest = max(errors[learnt].max(), 0.0)
        self.floor_ = self.error_guard * self._largest
        if self._value is not None:
            values = rows.data[learnt, self._value]
            if not np.isnan(values).all():
                low, high = np.nanpercentile(values, [5, 95])
                self.floor_ = max(self.floor_, self.value_guard * (high - low))
        self.history_ = np.empty(0)
        if self.mode == "corrected" and self.history == "training":
            learnt &= self._held_back(rows.tracks.bounds)
            self.history_ = errors[learnt][-self.window_size :].copy()
        return self

    def _held_back(self, bounds):
        """Tell which rows belong to the ends of tracks that are held back."""
        if self.held_back is None:
            return np.ones(bounds[-1], dtype=bool)
        n_rows = lengths(bounds)
        count = self.held_back
        if not isinstance(count, Integral):
            count = np.ceil(count * n_rows)
        return positions(bounds) >= np.repeat(n_rows - count, n_rows)

    def _rule(self):
        n_steps = int((self.z_max - self.z_min) / self.z_step + 1e-9)
        paper = self.mode == "paper"
        return Rule(
            self.z_min + self.z_step * np.arange(n_steps + 1),
            fallback_z=self.fallback_z,
            buffer=self.error_buffer,
            search_buffer=max(self.error_buffer - paper, 0),
            max_runs=self.max_runs,
            max_fraction=self.max_fraction,
            p=self.p,
            both_sides=self.both_sides,
            min_severity=self.min_severity,
            exclude_flagged=self.exclude_flagged,
            raw_penalty=self.penalty == "raw",
            lone_rows=not paper,
        )

    def _stream(self, data, bounds, memories):
        scores, _, remember = self._judge(data, bounds, memories)
        return scores, remember

    def _judge(self, data, bounds, memories):
        # Memory: a Past.
        scores, thresholds, pasts = np.empty(len(data)), np.empty(len(data)), []
        rule = self._rule()
        judge = self._judge_paper if self.mode == "paper" else self._judge_corrected
        for (begin, end), memory in zip(pairwise(bounds), memories, strict=True):
            rows = slice(begin, end)
            scores[rows], thresholds[rows], past = judge(data[rows], memory, rule)
            pasts.append(past)

        def remember(i):
            if self.mode == "paper":
                raise ValueError(
                    "DynamicThresholdDetector(mode='paper') judges a whole track at "
                    "once, so it cannot be streamed; use mode='corrected'."
                )
            return pasts[i]

        return scores, thresholds, remember

    def _judge_corrected(self, data, past, rule):
        warm_up = self.warm_up
        if warm_up is None:
            warm_up = 0 if len(self.history_) else self.window_size // 4
        errors = self._errors(data)
        past = fresh_past(self.history_) if past is None else past
        scores, thresholds, following = judge_batches(
            errors,
            past,
            rule,
            window=self.window_size,
            batch=self.batch_size,
            warm_up=warm_up,
            floor=self.floor_,
        )
        if self.warm_up_limit is not None:
            limit = self.warm_up_limit * self._largest
            rows = slice(0, max(warm_up - past.n_seen, 0))
            far = np.flatnonzero(errors[rows] > limit)
            scores[far] = np.log(errors[far] / limit) if limit > 0 else 1.0
            thresholds[far] = limit
        return scores, thresholds, following

    def _errors(self, data):
        return data[:, self._error].clip(-LARGEST, LARGEST)

    def _judge_paper(self, data, past, rule):
        errors, warm_up = self._errors(data), self.warm_up
        if warm_up is None:
            warm_up = published_warm_up(errors)
        scores, thresholds, _ = judge_published(
            errors,
            None if self._value is None else data[:, self._value],
            rule,
            window=self.window_size,
            batch=self.batch_size,
            warm_up=warm_up,
            min_error=self.min_error,
            value_guard=self.value_guard,
        )
        return scores, thresholds, None

    def thresholds(self, X):
        """Tell the threshold of each row.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            In the unit of the errors; the lower threshold where a row is flagged for
            too small an error. NaN where no error of the window is known.
        """
        data, bounds = self._read_segments(X)
        return self._judge(data, bounds, [None] * (len(bounds) - 1))[1]

    def events(self, X):
        """List the runs of flagged rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        DataFrame of shape (n_events, 6)
            ``track``; ``start`` and ``end``, the times of the first and the last row
            (their numbers for an array); ``peak``, the error that exceeds its threshold
            most; ``severity``, by how many times mean and deviation it does; and
            ``threshold``, the one exceeded.
        """
        data, bounds = self._read_segments(X)
        scores, thresholds, _ = self._judge(data, bounds, [None] * (len(bounds) - 1))
        tracks = read_tracks(X)
        return list_events(tracks, bounds, scores, data[:, self._error], thresholds)
