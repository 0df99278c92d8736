"""Incidents -> row labels -> window labels.

:func:`label_incidents` paints a table of incidents (discrepancy reports) onto the
rows of a telemetry frame; :class:`WindowLabeler` is the sampler that turns row
labels into window labels while a Pipeline is fitted.
"""

import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from skdsn._core.segments import boundaries, lengths, positions
from skdsn._core.windows import complete_windows, trailing_sum
from skdsn._sklearn import MAX_GAP, Interval, StrOptions, fit_context
from skdsn.base import read_labels, read_rows
from skdsn.tracks import as_seconds, gap_seconds, parse_times, read_tracks

__all__ = ["WindowLabeler", "label_incidents"]

_START, _END = "INCIDENT_START_TIME_DT", "INCIDENT_END_TIME_DT"


def label_incidents(
    index,
    incidents,
    *,
    start=_START,
    end=_END,
    track="track",
    station="station",
    stations=None,
    open_start="raise",
    open_end="raise",
    closed="both",
    padding=0.0,
    return_report=False,
):
    """Label the rows that fall into an incident.

    An incident is a closed interval ``start <= time <= end``, or with `closed` a
    half-open one; overlapping ones unite. It labels the rows of its own track where the
    table names one, else of the tracks of its station where that is known, else of
    every track by time.

    Parameters
    ----------
    index : DataFrame, Series or pandas.Index
        Telemetry, or its (track, time) index.
    incidents : DataFrame
        One row per incident. Times are datetimes, text that pandas reads as such
        (UTC), or numbers: seconds on the clock of the index (since 1970 UTC for
        datetimes).
    start, end : str
        Columns of the first and the last instant.
    track : str or None, default="track"
        Column of the track id, which may be missing for some incidents. None matches
        all of them by station or time.
    station : str, default="station"
        Column of the station, used only with `stations`.
    stations : mapping or Series, default=None
        Track id to station.
    open_start, open_end : {"raise", "drop", "track"}, default="raise"
        What a missing time means: an error, no label, or the border of the track;
        without a track, of the one that the other time lies in.
    closed : {"both", "left"}, default="both"
        Whether the end belongs to the incident, as in
        :func:`skdsn.metrics.find_events`, which this function reverses.
    padding : float or timedelta-like, default=0
        Time by which each incident is widened on both sides, in seconds.
    return_report : bool, default=False
        Also return what each incident matched.

    Returns
    -------
    y : Series of int
        1 on the rows of incidents, 0 elsewhere; named ``"anomaly"``.
    report : DataFrame
        Only with `return_report`: the index of `incidents`, with columns
        ``n_tracks`` and ``n_rows`` labelled, and ``reason``: ``"matched"``,
        ``"no rows in the interval"``, ``"unknown track"``, ``"unknown station"``,
        ``"open start"`` or ``"open end"``.

    Raises
    ------
    ValueError
        If a column is missing, an incident ends before it starts, or a time is
        missing under the policy ``"raise"``.

    Warns
    -----
    UserWarning
        If incidents matched nothing and no report was asked for, or if there is no
        column `track` (nor `stations`), so that an incident labels all tracks.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.labeling import label_incidents
    >>> index = pd.MultiIndex.from_product([["A", "B"], [0, 10, 20]])
    >>> incidents = pd.DataFrame({"track": ["B"], "from": [10], "to": [15]})
    >>> label_incidents(index, incidents, start="from", end="to").to_list()
    [0, 0, 0, 0, 1, 0]
    """
    if closed not in ("both", "left"):
        raise ValueError(f"closed must be 'both' or 'left'; got {closed!r}.")
    if isinstance(index, pd.DataFrame | pd.Series):
        index = index.index
    for column in (start, end):
        if column not in incidents.columns:
            raise ValueError(
                f"The incident table has no column {column!r} (name it with start= "
                f"and end=); its columns are {list(incidents.columns)[:10]}."
            )
    tracks = read_tracks(index)
    unnamed = track is not None and track not in incidents.columns
    if unnamed and stations is None and len(tracks) > 1:
        warnings.warn(
            f"The incident table has no column {track!r}, so incidents are matched by "
            "time alone; name the column with track=, or give track=None.",
            UserWarning,
            stacklevel=2,
        )
    begin = _incident_seconds(incidents[start], tracks)
    stop = _incident_seconds(incidents[end], tracks)
    reversed_ = np.flatnonzero(begin > stop)
    if len(reversed_):
        label = incidents.index[reversed_[0]]
        raise ValueError(
            f"Incident {label!r} ends before it starts; exchange its {start!r} and "
            f"{end!r}, or drop it."
        )
    reasons = np.full(len(incidents), "", dtype=object)
    begin = _close(begin, open_start, -np.inf, "open start", start, incidents, reasons)
    stop = _close(stop, open_end, np.inf, "open end", end, incidents, reasons)
    padding = gap_seconds(padding, "padding") if padding not in (0, "0s") else 0.0
    candidates = _candidate_tracks(incidents, tracks, track, station, stations, reasons)

    seconds, bounds = tracks.seconds, tracks.bounds
    y = np.zeros(tracks.n_rows, dtype=np.int64)
    n_tracks = np.zeros(len(incidents), dtype=np.int64)
    n_rows = np.zeros(len(incidents), dtype=np.int64)
    side = "right" if closed == "both" else "left"
    for i in np.flatnonzero(reasons == ""):
        # An open end reaches to the border of the track that the other end lies in.
        anywhere = len(candidates[i]) > 1 and np.isinf(stop[i] - begin[i])
        inside = begin[i] if np.isinf(stop[i]) else stop[i]
        if anywhere and np.isinf(inside):
            raise ValueError(
                f"Incident {incidents.index[i]!r} has neither times nor a track; drop "
                "it, or name its track."
            )
        for number in candidates[i]:
            a, b = bounds[number], bounds[number + 1]
            if anywhere and not seconds[a] <= inside <= seconds[b - 1]:
                continue
            first = a + np.searchsorted(seconds[a:b], begin[i] - padding, "left")
            after = a + np.searchsorted(seconds[a:b], stop[i] + padding, side)
            y[first:after] = 1
            n_tracks[i] += after > first
            n_rows[i] += after - first
        reasons[i] = "matched" if n_rows[i] else "no rows in the interval"
    labels = pd.Series(y, index=index, name="anomaly")
    if return_report:
        report = pd.DataFrame(
            {"n_tracks": n_tracks, "n_rows": n_rows, "reason": reasons.astype(str)},
            index=incidents.index,
        )
        return labels, report
    lost = np.flatnonzero(n_rows == 0)
    if len(lost):
        warnings.warn(
            f"{len(lost)} of {len(incidents)} incidents labelled no row, first "
            f"{incidents.index[lost[0]]!r} ({reasons[lost[0]]}); return_report=True "
            "tells all.",
            UserWarning,
            stacklevel=2,
        )
    return labels


def _incident_seconds(column, tracks):
    """Seconds of incident times on the clock of the rows; NaN where missing."""
    column = column.infer_objects()
    if column.isna().all():
        return np.full(len(column), np.nan)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return as_seconds(column)
    if not isinstance(tracks.times, pd.DatetimeIndex) and tracks.n_rows:
        raise TypeError(
            f"The incident times in {column.name!r} are dates, but the telemetry is "
            f"indexed by {tracks.times.dtype}; give both the same clock."
        )
    return as_seconds(parse_times(column))


def _close(seconds, policy, border, reason, column, incidents, reasons):
    """Apply the policy for missing times."""
    if policy not in ("raise", "drop", "track"):
        raise ValueError(
            f"{reason.replace(' ', '_')} must be 'raise', 'drop' or 'track'; got "
            f"{policy!r}."
        )
    missing = np.isnan(seconds)
    if not missing.any():
        return seconds
    if policy == "raise":
        label = incidents.index[np.argmax(missing)]
        raise ValueError(
            f"Incident {label!r} has no {column!r}; set {reason.replace(' ', '_')} to "
            "'track' (up to the border of the track) or 'drop'."
        )
    if policy == "drop":
        reasons[missing] = reason
    return np.where(missing, border, seconds)


def _candidate_tracks(incidents, tracks, track, station, stations, reasons):
    """Numbers of the tracks that each incident may label."""
    everything = np.arange(len(tracks))
    number = {name: i for i, name in enumerate(tracks.names)}
    of_station = {}
    if stations is not None:
        known = dict(stations)
        for i, name in enumerate(tracks.names):
            of_station.setdefault(known.get(name), []).append(i)
    blank = pd.Series(np.nan, index=incidents.index, dtype=object)
    named = track is not None and track in incidents.columns
    ids = incidents[track] if named else blank
    places = incidents[station] if station in incidents.columns else blank
    candidates = []
    for i, (name, place) in enumerate(zip(ids, places, strict=True)):
        chosen, missing = everything, "no rows in the interval"
        if not pd.isna(name):
            chosen = [number[name]] if name in number else []
            missing = "unknown track"
        elif stations is not None and not pd.isna(place):
            chosen = of_station.get(place, [])
            missing = "unknown station"
        if len(chosen) == 0 and not reasons[i]:
            reasons[i] = missing
        candidates.append(chosen)
    return candidates


class WindowLabeler(BaseEstimator):
    """Turn row labels into labels of trailing windows, and thin them.

    A sampler: in a Pipeline it acts during ``fit`` only, between the encoder and
    what balances the classes. It drops the rows whose window is incomplete, keeps
    every `stride`-th of the others, and labels a window by its rows. Predictions
    are not touched, so they align with the rows of `X`.

    Rows whose values are all missing (NaN) are those that an encoder has learnt from
    and keeps to itself (its `fit_share`). They are dropped, and so are normal windows
    that reach into them; others the encoder has not learnt.

    Parameters
    ----------
    window : int, default=100
        Rows per window, the last one being the row that carries the label.
    rule : {"any", "last", "pure"} or float, default="last"
        A window is anomalous if any of its rows is, if its last row is, or if at
        least this share of its rows is. ``"any"``, the published rule, makes an
        incident of *n* rows a run of ``n + window - 1`` windows. ``"pure"`` is
        ``"last"`` without the windows that end in a normal row and hold another:
        they look anomalous and are labelled normal.
    stride : int, default=1
        Rows from one kept window to the next.
    max_gap : float, str or pandas.Timedelta, default=None
        Windows do not span a longer step in time: seconds, or such as ``"10min"``.

    Attributes
    ----------
    sample_indices_ : int ndarray of shape (n_windows,)
        Rows kept by the last ``fit_resample``.
    n_held_back_ : int
        Rows dropped because all of their values are missing.
    n_incomplete_ : int
        Other rows dropped because their window is incomplete, or normal and reaches
        into those held back.
    n_undecided_ : int
        Windows dropped because unlabelled rows (-1), or an event before the last row
        (``"pure"``), leave their label open.
    n_features_in_ : int
    fitted_on_tracks_ : bool

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.labeling import WindowLabeler
    >>> X, y = np.arange(6.0)[:, None], [0, 0, 1, 0, 0, 0]
    >>> WindowLabeler(window=2, rule="any").fit_resample(X, y)[1]
    array([0, 1, 1, 0, 0])
    """

    _parameter_constraints: dict = {
        "window": [Interval(Integral, 1, None, closed="left")],
        "rule": [
            StrOptions({"any", "last", "pure"}),
            Interval(Real, 0, 1, closed="right"),
        ],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "max_gap": MAX_GAP,
    }

    def __init__(self, window=100, *, rule="last", stride=1, max_gap=None):
        self.window = window
        self.rule = rule
        self.stride = stride
        self.max_gap = max_gap

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check input and parameters; nothing is learnt.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,), default=None

        Returns
        -------
        self : object
        """
        read_labels(y, self._read(X)[0].tracks, unlabelled=True)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_resample(self, X, y):
        """Keep the rows with a complete window, and label their windows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry or encoded rows, indexed by (track, time) or time.
        y : array-like of shape (n_rows,)
            1 = anomalous, 0 = normal, 2 = rare but normal, -1 = unlabelled; None keeps
            None.

        Returns
        -------
        X_resampled : DataFrame or ndarray of shape (n_windows, n_features)
        y_resampled : Series or ndarray of shape (n_windows,)
            Labels 0, 1 and perhaps 2, with the index of `X_resampled` for a frame.

        Raises
        ------
        ValueError
            If no window is complete, or none is left of one of the two classes
            because of the rows held back.
        """
        rows, held_back = self._read(X)
        labels = read_labels(y, rows.tracks, unlabelled=True, rare=True)
        bounds = rows.tracks.segments(self.max_gap)
        kept = complete_windows(bounds, self.window, self.stride)
        self.n_held_back_ = int(held_back.sum())
        if self.n_held_back_ == len(held_back):
            raise ValueError(
                f"All {len(held_back)} rows are missing (NaN) throughout, as rows are "
                "that an encoder keeps to itself; lower its fit_share, or bring more "
                "tracks."
            )
        window_labels = None if labels is None else self._label(labels, bounds)
        reaching = trailing_sum(held_back, bounds, self.window) > 0
        if window_labels is not None:
            reaching &= held_back | (window_labels < 1)
        incomplete = reaching | (positions(bounds) < self.window - 1)
        self.n_incomplete_ = int((incomplete & ~held_back).sum())
        kept = kept[~reaching[kept]]
        if len(kept) == 0:
            cut = np.union1d(bounds, boundaries(held_back))
            longest = lengths(cut)[~held_back[cut[:-1]]].max()
            raise ValueError(
                f"No window is complete: the longest track (or gap-free segment) has "
                f"{longest} rows, the window {self.window}; shorten the window."
            )
        self.n_undecided_ = 0
        if labels is not None:
            window_labels = window_labels[kept]
            decided = window_labels >= 0
            self.n_undecided_ = int((~decided).sum())
            kept, window_labels = kept[decided], window_labels[decided].astype(np.int64)
            self._check_classes(window_labels, labels[held_back])
            if len(kept) == 0:
                raise ValueError(
                    "Unlabelled rows (-1) leave the label of every window open; label "
                    "more rows, or shorten the window."
                )
        self.sample_indices_ = kept
        if rows.index is None:
            return rows.data[kept], window_labels
        resampled = X.iloc[kept]
        if window_labels is not None:
            window_labels = pd.Series(
                window_labels, index=resampled.index, name=getattr(y, "name", None)
            )
        return resampled, window_labels

    def _read(self, X):
        """Rows, and which of them are held back."""
        rows = read_rows(self, X, reset=True, missing=True)
        missing = np.isnan(rows.data)
        held_back = missing.all(axis=1)
        if not np.array_equal(missing.any(axis=1), held_back):
            # Let what is missing in other rows be refused, by row and column.
            filled = np.where(held_back[:, None], 0.0, rows.data)
            if rows.index is not None:
                filled = pd.DataFrame(filled, index=X.index, columns=X.columns)
            read_rows(self, filled, reset=True)
        return rows, held_back

    def _check_classes(self, window_labels, held_back):
        """Refuse labels of one class where the other was held back."""
        for label, kind in ((1, "anomalous"), (0, "normal")):
            if label in held_back and label not in window_labels:
                raise ValueError(
                    f"No window with the label {label} ({kind}) is left beside the "
                    f"{len(held_back)} rows that the encoder keeps to itself; change "
                    "its fit_share, lower the stride, or bring more tracks with and "
                    "without incidents."
                )

    def _label(self, labels, bounds):
        if self.rule == "last":
            return labels
        if self.rule == "pure":
            mixed = trailing_sum(labels > 0, bounds, self.window) > 0
            return np.where(mixed & (labels == 0), np.int8(-1), labels)
        # Less a little, as 0.07 * 100 is more than 7.
        share = 0 if self.rule == "any" else self.rule * self.window - 1e-9
        needed = max(1, int(np.ceil(share)))
        ones = trailing_sum(labels == 1, bounds, self.window)
        unknown = ones + trailing_sum(labels == -1, bounds, self.window)
        rare = ones + trailing_sum(labels == 2, bounds, self.window)
        known = np.where(rare >= needed, 2, 0)
        return np.where(ones >= needed, 1, np.where(unknown >= needed, -1, known))
