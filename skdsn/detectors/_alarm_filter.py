"""Hold back the alarms of a detector that are known to be false, and say so."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import MetaEstimatorMixin, clone, is_outlier_detector
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skdsn._core.alarms import least_severity, raise_alarms
from skdsn._sklearn import (
    MAX_GAP,
    NAMES,
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
)
from skdsn.base import (
    ScoringDetector,
    check_clock,
    read_labels,
    read_rows,
    resume,
    suspend,
)
from skdsn.detectors._confirm import (
    Filtered,
    check_nominal,
    find_rows,
    kept_event,
    list_runs,
    read_events,
)
from skdsn.detectors._patterns import Recogniser, choose_channels, name_event
from skdsn.detectors._severity import judge_rows, past_alarms, score_threshold, settle
from skdsn.streaming import stream_scores
from skdsn.tracks import gap_seconds

# Of the step from the usual score to the threshold: what an outlier detector gives the
# rows that it flags for no more than being next to an exceedance.
NEGLIGIBLE = 1e-6


class AlarmFilter(MetaEstimatorMixin, ScoringDetector):
    """Raise those alarms of a detector that are severe, new, and not too many.

    Three things hold an alarm back: it looks like an event that was confirmed as
    nominal, it is less severe than `min_severity`, or there have been `max_alarms`
    within `per` already, one of them as severe. Nothing is held back in silence:
    ``events`` lists every run of rows that the detector has flagged, and what became of
    it. At its defaults, and before anything is confirmed, it raises them all.

    Parameters
    ----------
    detector : detector
        Classifier or outlier detector, Pipelines included.
    channels : list of str or None, default=None
        Columns by which a confirmed pattern is recognised; None takes all numeric ones.
        Those of an array are called ``x0``, ``x1``, ...
    length : int, default=20
        Rows by which a row is recognised: itself and those before it.
    tolerance : float, default=1.0
        How far rows may be from the confirmed ones, as a multiple of what two
        occurrences usually are apart. 0 takes exact repeats only.
    min_severity : float or "history", default=0.0
        Rows of a lower severity open no alarm; that is how far the anomaly score of a
        row is above the threshold of the detector. "history" learns it in ``fit`` from
        the false alarms on rows held out: the least one that leaves at most
        `max_alarms` per `per` of them, or none if `max_alarms` is None.
    max_alarms : int or None, default=None
        Alarms that may begin on a track in any time of `per`. One more does only if it
        is more severe than all of them, since a missed one costs a mission. None is no
        limit.
    per : float, str or pandas.Timedelta, default="1D"
        Seconds, or a time such as ``"8h"``.
    holdout : float, default=0.3
        Share of the rows of each track, its end, for ``min_severity="history"``.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time, in seconds or as ``"10min"``, ends an event, as a track
        border does, and no row is recognised by rows beyond. Alarms before it count.

    Attributes
    ----------
    detector_ : estimator
        The fitted detector.
    min_severity_ : float
        Given, or learnt. ``confirm(events, nominal=False)`` may lower it.
    nominal_patterns_ : list of NominalPattern
        What was confirmed, in that order; each has ``track``, ``start``, ``end`` and
        ``severity``. Delete entries to have their like raised again.
    usual_distance_ : float
        Twice the 99 % quantile of how far a training subsequence is from the nearest
        other one, as a root mean square in units of the training range.
    quiet_score_ : float
        Median anomaly score of the training rows that are not labelled 1.
    channels_ : list of str
    offset_ : float
        Minus the threshold of the detector.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    See Also
    --------
    DynamicThresholdDetector : Has a minimum severity of its own.
    ChannelwiseDetector : Hands confirmed events to the filters of its channels.

    Notes
    -----
    An alarm opens at the first row of a run of flagged rows that is not held back, and
    lasts to the end of the run; it depends on no later row. Rows held back score like
    the median training row, as do others that a pattern explains, so that a detector
    around the filter stays quiet too.

    A row *looks like* a confirmed one if their subsequences are no farther apart than
    `tolerance` times the larger of ``usual_distance_`` and a fifth of the confirmed
    one's distance to training. The pattern explains a row that

    - looks like one of its rows that are unlike training;
    - looks like another of its rows, and is at most half as severe again; or
    - comes after the former, for as long as the pattern went on, and looks like
      training, as where a detector calms down late, and is at most half as severe again
      as the pattern was;

    the first two as long as the run is at most half as long again, and a subsequence,
    as the pattern was. Once there are patterns, rows of next to no severity, which an
    outlier detector flags for being close to an exceedance, open no alarm. Subsequences
    with NaN, and those at the start of a track, are never recognised; a pattern on top
    of a cycle is at like phases only.

    ``fit`` starts without patterns, and keeps the training rows of the channels. Of the
    parameters, `tolerance`, `max_alarms`, `per` and `max_gap` are obeyed when they are
    set afterwards; the others take effect in ``fit``.

    References
    ----------
    K. Hundman et al., "Detecting spacecraft anomalies using LSTMs and nonparametric
    dynamic thresholding", KDD 2018, https://arxiv.org/abs/1802.04431 (a minimum
    severity learnt from the history of a channel)

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.detectors import AlarmFilter, SubsequenceNeighborsDetector
    >>> X = 0.05 * np.random.default_rng(0).normal(size=(900, 1))
    >>> for start in (500, 700, 800):  # manoeuvres, the last one too strong
    ...     X[start : start + 30, 0] += np.hanning(30) * (3 if start == 800 else 1)
    >>> alarms = AlarmFilter(SubsequenceNeighborsDetector(length=10), length=10)
    >>> alarms = alarms.fit(X[:400])
    >>> events = alarms.events(X)
    >>> events["status"].to_list()
    ['alarm', 'alarm', 'alarm']
    >>> alarms.confirm(events[:1], nominal=True).events(X)["status"].to_list()
    ['nominal', 'nominal', 'alarm']
    """

    _parameter_constraints: dict = {
        "detector": [HasMethods(["fit", "predict"])],
        "channels": [None, *NAMES],
        "length": [Interval(Integral, 1, None, closed="left")],
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "min_severity": [
            Interval(Real, 0, None, closed="left"),
            StrOptions({"history"}),
        ],
        "max_alarms": [None, Interval(Integral, 1, None, closed="left")],
        "per": MAX_GAP[1:],
        "holdout": [Interval(Real, 0, 1, closed="neither")],
        "max_gap": MAX_GAP,
    }

    _own_memory = True  # beside that of the detector

    def __init__(
        self,
        detector,
        *,
        channels=None,
        length=20,
        tolerance=1.0,
        min_severity=0.0,
        max_alarms=None,
        per="1D",
        holdout=0.3,
        max_gap=None,
    ):
        self.detector = detector
        self.channels = channels
        self.length = length
        self.tolerance = tolerance
        self.min_severity = min_severity
        self.max_alarms = max_alarms
        self.per = per
        self.holdout = holdout
        self.max_gap = max_gap

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit the detector, and learn what is usual.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled; handed to the detector.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a channel is no column of `X`, or holds text; `per` is no time; or a
            track is too short for `holdout`.
        """
        rows, X = self._read(X, reset=True)
        tracks, per = rows.tracks, gap_seconds(self.per, "per")
        bounds = tracks.segments(self.max_gap)
        labels = read_labels(y, tracks, unlabelled=True)
        y = labels
        if labels is not None and rows.index is not None:
            y = pd.Series(labels, index=rows.index)
        self.channels_ = choose_channels(rows.data, self.channels)
        self.detector_ = clone(self.detector).fit(X, y)
        threshold = score_threshold(self.detector_)
        self.offset_ = -threshold
        scores, _ = judge_rows(self.detector_, X, threshold)
        anomalous = np.zeros(tracks.n_rows, dtype=bool)
        if labels is not None and not (labels == 1).all():
            anomalous = labels == 1
        self.quiet_score_ = float(min(np.median(scores[~anomalous]), threshold))
        self.min_severity_ = self.min_severity
        if self.min_severity == "history":
            rest = anomalous, tracks, bounds, self.holdout
            past = past_alarms(self.detector, X, y, *rest)
            self.min_severity_ = least_severity(*past, most=self.max_alarms, per=per)
        values = self._channel_values(rows.data)
        self._recogniser = Recogniser(values, bounds, anomalous, length=self.length)
        self.usual_distance_ = self._recogniser.usual
        self.nominal_patterns_ = []
        self._listed: dict = {}
        return self

    def score_samples(self, X):
        """Score rows; lower is more anomalous.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry with the columns seen in ``fit``.

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            Those of the detector; of rows held back, minus ``quiet_score_``.
        """
        return -self._judge(X)[1].scores

    def stream_scores(self, X, state=None, index=None):
        """Score and flag a chunk; see :func:`skdsn.streaming.stream_scores`.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            The next rows of any number of tracks.
        state : dict, default=None
            What the call for the previous chunk returned. It is not changed.
        index : pandas.Index, default=None
            Of the rows of an array, for the detector.

        Returns
        -------
        scores : float64 ndarray of shape (n_rows,)
        flags : int8 ndarray of shape (n_rows,)
        state : dict
            Of the detector, and of the filter.

        Raises
        ------
        ValueError
            If a track goes back in time.
        """
        check_is_fitted(self)
        rows, X = self._read(X, reset=False)
        state = {} if state is None else state
        last, alarms = state.get("rows"), state.get("alarms")
        tracks, bounds, memories = resume(rows.tracks, last, self.max_gap)
        runs = resume(rows.tracks, alarms)[2]  # those begun count across gaps
        first = np.searchsorted(bounds, tracks.bounds[:-1])
        runs = [
            run.after_gap() if run and memories[segment] is None else run
            for segment, run in zip(first, runs, strict=True)
        ]
        scores, flags, inner = stream_scores(
            self.detector_, X, state.get("detector"), index
        )
        judged = settle(scores, flags, -self.offset_)
        done = self._filter(*judged, rows.data, tracks, bounds, memories, runs)
        new = {
            "detector": inner,
            "rows": suspend(tracks, bounds, last, lambda i: done.memories[i]),
            "alarms": suspend(tracks, tracks.bounds, alarms, lambda i: done.runs[i]),
        }
        return done.scores, self._flags(done.scores), new

    def events(self, X):
        """List every run of rows that the detector flags, and what became of it.

        The rows of these events are kept, until the next call, for ``confirm``.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        DataFrame of shape (n_events, 6)
            ``track``; ``start`` and ``end``, times of the first and the last row, or
            their numbers; ``peak_time``, that of the most severe one; ``severity``, by
            how much its score exceeds the threshold; ``status``: "alarm" if any row
            was raised, otherwise why none was: "over budget", "nominal" (looks like
            a confirmed pattern) or "minor" (not severe enough).
        """
        tracks, done = self._judge(X)
        table, runs = list_runs(tracks, done)
        keys = read_events(table) if len(table) else []
        cuts = [self._cut(done, *of) for of in zip(keys, runs, strict=True)]
        self._listed = dict(zip(keys, cuts, strict=True))
        return table

    def confirm(self, events, X=None, *, nominal=True):
        """Tell the filter what an operator has found out about events.

        Parameters
        ----------
        events : DataFrame of shape (n_events, n_columns)
            Rows of the table of ``events``, or any with its ``track``, ``start`` and
            ``end``.
        X : DataFrame or array-like of shape (n_rows, n_features), default=None
            Telemetry that holds them, from the start of their tracks if the detector
            has memory. None takes what the last call of ``events`` has kept.
        nominal : bool, default=True
            Whether they were nominal: their like is held back from now on. Otherwise
            ``min_severity_`` falls to their severity, if it was higher.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If an event is not there, is not flagged, goes across a gap, has no
            subsequence without NaN, or is anomalous but looks like a pattern confirmed
            as nominal. Then none is confirmed.
        """
        check_is_fitted(self)
        check_nominal(nominal)
        keys = read_events(events)
        if X is None:
            cuts = [kept_event(key, self._listed) for key in keys]
        else:
            tracks, done = self._judge(X)
            found = [find_rows(key, tracks, done.bounds) for key in keys]
            cuts = [self._cut(done, *of) for of in zip(keys, found, strict=True)]
        for key, cut in zip(keys, cuts, strict=True):
            if cut.severity <= 0:
                raise ValueError(
                    f"The detector flags no row of the event on {name_event(*key)}, so "
                    "there is nothing to confirm."
                )
        if nominal:
            found = [self._recogniser.measure(cut) for cut in cuts]
            # Rows of two arrays have the same numbers.
            both = [*self.nominal_patterns_, *found]
            patterns = {(of.key, of.values.tobytes()): of for of in both}
            self.nominal_patterns_ = list(patterns.values())
            return self
        for cut in cuts:
            self._recogniser.refuse_like(self._known, cut, self._negligible)
        lowest = max(min(cut.severity for cut in cuts), 0.0)
        self.min_severity_ = min(self.min_severity_, lowest)
        return self

    def _cut(self, done, key, run):
        rest = done.values, done.severities, done.bounds
        return self._recogniser.cut(key, *run, *rest)

    @property
    def _known(self):
        return self.nominal_patterns_, self.tolerance

    @property
    def _negligible(self):
        if not is_outlier_detector(self.detector_):
            return 0.0  # a classifier may give all that it flags one score
        return NEGLIGIBLE * (-self.offset_ - self.quiet_score_)

    def _judge(self, X):
        check_is_fitted(self)
        rows, X = self._read(X, reset=False)
        judged = judge_rows(self.detector_, X, -self.offset_)
        tracks, bounds = rows.tracks, rows.tracks.segments(self.max_gap)
        fresh = [None] * (len(bounds) - 1), [None] * len(tracks)
        return tracks, self._filter(*judged, rows.data, tracks, bounds, *fresh)

    def _filter(self, scores, flags, frame, tracks, bounds, memories, runs):
        """Decide which flagged rows are raised.

        The memory of a segment is its last scaled rows and a Following; `runs` has a
        RunState for each track.
        """
        before, follow = zip(
            *(memory or (None, None) for memory in memories), strict=True
        )
        values = self._recogniser.scale(self._channel_values(frame))
        severities = scores + self.offset_
        severe = flags & (severities >= self.min_severity_)
        explained = np.zeros(len(flags), dtype=bool)
        if self.nominal_patterns_:
            rows = values, flags, severities, bounds
            explained, _, follow = self._recogniser.explain(
                self._known, *rows, before, follow
            )
            severe &= severities > self._negligible
        opens = severe & ~explained
        rows = flags, opens, severities, tracks.seconds, tracks.bounds, bounds
        per = gap_seconds(self.per, "per")
        raised, runs = raise_alarms(*rows, runs, most=self.max_alarms, per=per)
        quiet = np.where(flags, ~raised, explained)
        scores = np.where(quiet, np.minimum(scores, self.quiet_score_), scores)
        before = self._recogniser.last_rows(values, bounds, before)
        memories = list(zip(before, follow, strict=True))
        rows = scores, flags, severities, raised, opens, severe & explained, values
        return Filtered(*rows, bounds, memories, runs)

    def _read(self, X, *, reset):
        """Read rows; X comes back as the detector is to get it."""
        rows = read_rows(self, X, reset=reset, text=True, missing=True)
        uses_time = self.max_alarms is not None or self.max_gap is not None
        check_clock(self, rows.tracks, reset=reset, uses_time=uses_time)
        return rows, X if isinstance(X, pd.DataFrame) else np.asarray(X)

    def _channel_values(self, frame):
        return frame[self.channels_].to_numpy(dtype=np.float64, na_value=np.nan)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = get_tags(self.detector).input_tags.allow_nan
        tags.input_tags.string = True  # what the detector cannot take it refuses itself
        tags.input_tags.categorical = True
        return tags
