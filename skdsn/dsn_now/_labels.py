"""States of a link as labels: now, at some time ahead, or lost until then."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from skdsn._core.segments import last_valid_row, row_starts, segment_ids
from skdsn._sklearn import Interval, fit_context
from skdsn.dsn_now._debug_strings import read_debug
from skdsn.tracks import gap_seconds, read_tracks

DEBUG = "signalTypeDebug_downsignal"


def link_state_labels(X, *, horizon=None, target="state", max_gap="10min"):
    """Label every row with the state of its downlink, now or some time ahead.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        As :func:`to_telemetry` gives it, with the column
        ``signalTypeDebug_downsignal``.
    horizon : float, str or pandas.Timedelta, default=None
        How far ahead: seconds, or ``"5min"``. None is the state of the row itself.
    target : {"state", "lost"}, default="state"
        ``"lost"`` asks of the rows in lock whether the lock is lost within the
        `horizon`.
    max_gap : float, str or pandas.Timedelta, default="10min"
        Nothing is known of what comes after a longer step in time.

    Returns
    -------
    Series of shape (n_rows,)
        With the index of `X`. The state as text, missing where the row has no debug
        string or the track has ended by then; for ``"lost"`` 1, 0 and -1, which is
        unlabelled: not in lock, or not seen for long enough.

    Raises
    ------
    ValueError
        If `X` has no debug strings, or ``"lost"`` has no horizon.

    See Also
    --------
    make_link_state_classifier : Learns them; unlabelled rows are left out.

    Notes
    -----
    The state at a time without a row is that of the row before it. Lock is the state
    ``"locked"``; a decoder that goes on without a carrier is a loss of it too. Where
    the downlink is gone, so that a row has no state, it is unknown whether lock was
    lost.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.dsn_now import link_state_labels
    >>> times = pd.date_range("2019-02-09", periods=4, freq="1min")
    >>> index = pd.MultiIndex.from_product([["DSS14/VGR1/0001"], times])
    >>> debug = ["IDLE OFF 1 UNC", *["IN LOCK OFF 1 UNC"] * 2, "IDLE OFF 0 UNC"]
    >>> X = pd.DataFrame({"signalTypeDebug_downsignal": debug}, index)
    >>> link_state_labels(X).to_list()
    ['carrier', 'locked', 'locked', 'idle']
    >>> link_state_labels(X, horizon="1min").to_list()
    ['locked', 'locked', 'idle', nan]
    >>> link_state_labels(X, horizon="1min", target="lost").to_list()
    [-1, 0, 1, -1]
    """
    if target not in ("state", "lost"):
        raise ValueError(f"target must be 'state' or 'lost'; got {target!r}.")
    ahead = gap_seconds(horizon, "horizon")
    if target == "lost" and ahead is None:
        raise ValueError("target='lost' needs a horizon, such as horizon='5min'.")
    if DEBUG not in getattr(X, "columns", ()):
        raise ValueError(
            f"X has no column {DEBUG!r} to read states from; forms of the feed since "
            "2022 have none."
        )
    tracks = read_tracks(X)
    codes, table, _ = read_debug(X[DEBUG], "down")
    states = table["link_state"].astype("str").array.take(codes, allow_fill=True)
    if ahead is None:
        return pd.Series(states, index=X.index, name="link_state")
    bounds = tracks.segments(max_gap)
    if target == "lost":
        labels = _lost_within(states, tracks.seconds, bounds, ahead)
        return pd.Series(labels, index=X.index, name="lost")
    rows = _rows_ahead(tracks.seconds, bounds, ahead)
    states = states.take(rows, allow_fill=True)
    return pd.Series(states, index=X.index, name="link_state")


def _rows_ahead(seconds, bounds, ahead):
    """Last row up to some time ahead; -1 where the segment has ended by then."""
    if len(seconds) == 0:
        return np.empty(0, dtype=np.int64)
    # Whole milliseconds, so that rows exactly that far ahead are found.
    since = np.rint((seconds - seconds[row_starts(bounds)]) * 1e3).astype(np.int64)
    then = since + round(ahead * 1e3)
    width = max(int(since.max()), int(then.max())) + 1
    place = segment_ids(bounds) * width
    rows = np.searchsorted(since + place, then + place, side="right") - 1
    last = np.repeat(bounds[1:] - 1, np.diff(bounds))
    return np.where(then <= since[last], rows, -1)


def _lost_within(states, seconds, bounds, ahead):
    known = ~np.asarray(states.isna())
    locked = np.asarray(states == "locked", dtype=object) == True  # noqa: E712
    # The next row out of lock: the last one, when time is read backwards.
    backwards = len(locked) - bounds[::-1]
    out = last_valid_row((known & ~locked)[::-1], backwards)[::-1]
    next_out = np.where(out >= 0, len(locked) - 1 - out, -1)
    gap = last_valid_row(~known[::-1], backwards)[::-1]
    next_gap = np.where(gap >= 0, len(locked) - 1 - gap, -1)
    end = seconds[np.repeat(bounds[1:] - 1, np.diff(bounds))]
    within = 1e-6 + ahead
    lost = (next_out >= 0) & (seconds[next_out] - seconds <= within)
    # Behind a row without a state, nobody knows.
    blind = (next_gap >= 0) & (seconds[next_gap] - seconds <= within)
    blind &= ~lost | (next_gap < next_out)
    seen = ((end - seconds >= ahead - 1e-6) | lost) & ~blind
    return np.where(locked & seen, lost, -1).astype(np.int8)


class LabelledRows(BaseEstimator):
    """Take the labelled rows for training, and of these every so many.

    A sampler: within an imbalanced-learn Pipeline it acts in ``fit`` only, so that
    stages before it see whole tracks and the classifier sees labels only.

    Parameters
    ----------
    stride : int, default=1
        Take every `stride`-th labelled row. Rows seconds apart are nearly copies.

    Attributes
    ----------
    n_unlabelled_ : int
        Rows left out for want of a label.

    Raises
    ------
    ValueError
        If no row is labelled.

    Examples
    --------
    >>> from skdsn.dsn_now._labels import LabelledRows
    >>> LabelledRows().fit_resample([[1.0], [2.0], [3.0]], ["idle", None, "lost"])[0]
    array([[1.],
           [3.]])
    """

    _parameter_constraints: dict = {
        "stride": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, *, stride=1):
        self.stride = stride

    def fit(self, X, y):
        """Do nothing; the rows are taken by ``fit_resample``.

        Parameters
        ----------
        X, y : object

        Returns
        -------
        self : object
        """
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_resample(self, X, y):
        """Take rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,)
            Unlabelled are missing values and -1.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_taken, n_features)
        y : ndarray of shape (n_taken,)
        """
        values = np.asarray(y)
        rows = np.flatnonzero(is_labelled(values))
        if len(rows) == 0:
            raise ValueError(
                f"None of the {len(values)} rows has a label to learn from; bring rows "
                "with debug strings."
            )
        self.n_unlabelled_ = len(values) - len(rows)
        rows = rows[:: self.stride]
        taken = X.iloc[rows] if hasattr(X, "iloc") else np.asarray(X)[rows]
        return taken, values[rows]


def is_labelled(y):
    """Tell which labels are none: missing ones and -1."""
    labels = pd.Series(np.asarray(y), dtype=object)
    return ~(labels.isna() | labels.isin([-1])).to_numpy()
