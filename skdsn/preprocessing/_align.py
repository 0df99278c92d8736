"""Put tracks on one clock and hold the columns to those of the training rows."""

import datetime
import warnings
from numbers import Real

import numpy as np
import pandas as pd

from skdsn._core.segments import segment_ids
from skdsn._sklearn import MAX_GAP, NAMES, Interval
from skdsn.base import MemoryTransformer
from skdsn.tracks import as_seconds, gap_seconds

_CLOCKS = ("seconds_since_start", "seconds_since_track_start", "segment")


class TrackAligner(MemoryTransformer):
    """Align tracks: one time origin, clock columns, a fixed set of columns.

    The first stage of a detector. It takes out columns that are no measurement
    (a repeated timestamp, equipment ids), adds the clocks asked for, and brings
    new telemetry into the column order of the training rows: columns that were
    not there in ``fit`` are left out with a warning, missing ones are an error.

    Parameters
    ----------
    clocks : sequence of str, default=("seconds_since_track_start",)
        Any of ``"seconds_since_start"`` (of the training rows, one origin for all
        tracks), ``"seconds_since_track_start"`` and ``"segment"`` (number of time
        gaps so far in the track).
    drop : sequence of str, default=()
        Columns to take out; a name that is not in the telemetry is ignored.
    start : datetime-like or float, default=None
        Origin of ``seconds_since_start``, a float in seconds; the earliest training
        row when None.
    max_gap : float, str or pandas.Timedelta, default=None
        A longer step in time begins a new segment: seconds, or such as ``"10min"``.

    Attributes
    ----------
    start_ : float
        Time origin, in seconds since 1970 UTC for datetimes.
    n_gaps_ : int
        Gaps longer than `max_gap` in the training rows.
    dropped_ : list of str
        Columns taken out.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    See Also
    --------
    CyclicalTimeEncoder : Time of day and day of week.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preprocessing import TrackAligner
    >>> index = pd.MultiIndex.from_tuples([("A", 10), ("A", 15), ("B", 100)])
    >>> X = pd.DataFrame({"AOJE": ["t0", "t1", "t2"], "SNR": [7.0, 8.0, 9.0]}, index)
    >>> TrackAligner(drop=["AOJE"]).fit_transform(X)
           SNR  seconds_since_track_start
    A 10   7.0                        0.0
      15   8.0                        5.0
    B 100  9.0                        0.0
    """

    _parameter_constraints: dict = {
        "clocks": NAMES,
        "drop": NAMES,
        "start": [
            None,
            Interval(Real, None, None, closed="neither"),
            str,
            datetime.date,
            np.datetime64,
        ],
        "max_gap": MAX_GAP,
    }
    _text = True
    _missing = True

    def __init__(
        self,
        *,
        clocks=("seconds_since_track_start",),
        drop=(),
        start=None,
        max_gap=None,
    ):
        self.clocks = clocks
        self.drop = drop
        self.start = start
        self.max_gap = max_gap

    def _read(self, X, *, reset):
        unnamed = [name for name in self.drop if not isinstance(name, str)]
        if unnamed:
            raise TypeError(
                f"drop must hold names of columns; got {unnamed[0]!r} in TrackAligner, "
                "which calls columns without a name 'x0', 'x1' and so on."
            )
        if isinstance(X, pd.DataFrame):
            if not reset:
                X = self._select_columns(X)
            # What is taken out may hold anything, such as dates.
            X = X.assign(**{name: 0.0 for name in self.drop if name in X.columns})
        return super()._read(X, reset=reset)

    def _select_columns(self, X):
        names = getattr(self, "feature_names_in_", None)
        if names is None or X.columns.equals(pd.Index(names)):
            return X
        missing = [name for name in names if name not in X.columns]
        if missing:
            raise ValueError(
                f"Columns seen in fit are missing: {missing[:5]} ({len(missing)} in "
                f"all); the frame has {list(X.columns[:5])}... Rename or add them."
            )
        extra = [name for name in X.columns if name not in set(names)]
        if extra:
            warnings.warn(
                "TrackAligner leaves out columns that were not there in fit: "
                f"{extra[:5]} ({len(extra)} in all).",
                UserWarning,
                stacklevel=5,
            )
        return X[list(names)]

    def _fit(self, rows, y):
        unknown = [clock for clock in self.clocks if clock not in _CLOCKS]
        if unknown:
            raise ValueError(
                f"clocks must be among {_CLOCKS}; got {unknown[0]!r} in TrackAligner."
            )
        twice = [clock for clock in _CLOCKS if list(self.clocks).count(clock) > 1]
        if twice:
            raise ValueError(
                f"clocks names {twice[0]!r} twice in TrackAligner; name it once."
            )
        drop = set(self.drop)
        self.dropped_ = [name for name in rows.data.columns if name in drop]
        clash = [c for c in self.clocks if c in rows.data.columns and c not in drop]
        if clash:
            raise ValueError(
                f"The telemetry already has a column {clash[0]!r}; name it in drop or "
                "take it out of clocks."
            )
        tracks = rows.tracks
        self.start_ = self._read_start(tracks)
        self.n_gaps_ = len(tracks.segments(self.max_gap)) - len(tracks.bounds)

    def _read_start(self, tracks):
        if self.start is None:
            return float(tracks.seconds.min())
        if isinstance(self.start, Real):
            return float(self.start)
        try:
            start = float(as_seconds([pd.Timestamp(self.start)])[0])
        except ValueError:
            start = np.nan
        if np.isnan(start):
            raise ValueError(
                "start must be a date such as '2026-03-02', or seconds; got "
                f"{self.start!r} in TrackAligner."
            )
        if "seconds_since_start" in self.clocks and not self.fitted_on_dates_:
            raise ValueError(
                f"start={self.start!r} is a date, but the rows are timed by seconds "
                "or row numbers; give TrackAligner a start in seconds."
            )
        return start

    @property
    def _uses_time(self):
        return len(self.clocks) > 0

    @property
    def _forget_after(self):
        # The clocks of a track go on over its gaps.
        return None

    def _stream(self, data, tracks, bounds, memories):
        # Memory of a track: its first second, its last one, gaps so far.
        begin = tracks.seconds[bounds[:-1]]
        end = tracks.seconds[bounds[1:] - 1]
        n_gaps = np.zeros(len(begin), dtype=np.int64)
        gap = np.zeros(tracks.n_rows, dtype=np.int64)
        limit = gap_seconds(self.max_gap)
        if limit is not None:
            gap[1:] = np.diff(tracks.seconds) > limit
            gap[bounds[:-1]] = 0
        for i, memory in enumerate(memories):
            if memory is not None:
                if limit is not None:
                    gap[bounds[i]] = begin[i] - memory[1] > limit
                begin[i], _, n_gaps[i] = memory
        ids = segment_ids(bounds)
        total = np.cumsum(gap)
        before = total[bounds[:-1]] - gap[bounds[:-1]] - n_gaps
        segment = total - before[ids]
        clocks = {
            "seconds_since_start": lambda: tracks.seconds - self.start_,
            "seconds_since_track_start": lambda: tracks.seconds - begin[ids],
            "segment": lambda: segment.astype(np.float64),
        }
        kept = data.drop(columns=self.dropped_)
        out = kept.assign(**{clock: clocks[clock]() for clock in self.clocks})

        def remember(i):
            return float(begin[i]), float(end[i]), int(segment[bounds[i + 1] - 1])

        return out, remember

    def _names_out(self, names):
        kept = [name for name in names if name not in set(self.dropped_)]
        return [*kept, *self.clocks]
