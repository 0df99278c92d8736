"""Splits by track, and forward in time within each track."""

import datetime
import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from skdsn._core.segments import lengths, reduce_segments
from skdsn.base import Rows, read_labels
from skdsn.tracks import read_tracks


class StratifiedTrackKFold(BaseCrossValidator):
    """Folds of whole tracks, each with its share of the anomalous ones.

    Tracks that hold an anomaly are spread over the folds as evenly as they can be,
    and so are the others. Without `shuffle`, a fold gets neighbouring tracks of
    either kind, so that passes recorded one after the other mostly stay together.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Shuffle the tracks before they are dealt out.
    random_state : int, RandomState instance or None, default=None
        Seeds the shuffling; may only be given with it.

    See Also
    --------
    WithinTrackChronologicalSplit : Split every track into past and future.
    sklearn.model_selection.StratifiedGroupKFold : Stratifies on rows instead.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.tracks import stack_tracks
    >>> X = stack_tracks({name: np.zeros((2, 1)) for name in "ABCD"})
    >>> y = np.array([0, 1, 0, 0, 0, 1, 0, 0])
    >>> for train, test in StratifiedTrackKFold(2).split(X, y):
    ...     print(train, test)
    [4 5 6 7] [0 1 2 3]
    [0 1 2 3] [4 5 6 7]
    """

    # `groups` are asked for where metadata routing is enabled.
    __metadata_request__split = {"groups": True}

    def __init__(self, n_splits=5, *, shuffle=False, random_state=None):
        _check_integer("n_splits", n_splits, lowest=2)
        if not isinstance(shuffle, bool | np.bool_):
            raise TypeError(f"shuffle must be True or False; got {shuffle!r}.")
        if random_state is not None and not shuffle:
            raise ValueError(
                "random_state has no effect without shuffle=True; give both or leave "
                "random_state out."
            )
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Give the number of folds.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        int
            The `n_splits` given.
        """
        return self.n_splits

    def split(self, X, y=None, groups=None):
        """Yield the rows of training and test set, fold by fold.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_features)
            Telemetry indexed by (track, time).
        y : Series or array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled. A track is anomalous if one
            of its rows is; None counts as unlabelled throughout.
        groups : Series or array-like of shape (n_rows,), default=None
            Tracks of one group stay on one side: both bands of a pass, say, or the
            passes of a day. Folds are then made of groups.

        Yields
        ------
        train, test : int64 ndarray
            Row positions, ascending, so that ``X.iloc[train]`` keeps the order.

        Raises
        ------
        ValueError
            If there are fewer tracks (or groups) than folds, or a track belongs to
            two groups.

        Warns
        -----
        UserWarning
            If fewer tracks (or groups) than folds hold an anomaly.
        """
        tracks = read_tracks(X)
        index = X.index if isinstance(X, pd.DataFrame) else None
        labels = read_labels(y, Rows(X, tracks, index), unlabelled=True)
        unit, what = _units(tracks, groups)
        n_units = int(unit.max(initial=-1)) + 1
        if len(tracks) == 1:
            raise ValueError(
                "X holds a single track, which cannot be split into folds of tracks. "
                "Use WithinTrackChronologicalSplit, or index X by (track, time)."
            )
        if n_units < self.n_splits:
            raise ValueError(
                f"n_splits={self.n_splits} but X holds only {n_units} {what}; use at "
                "most as many folds."
            )
        anomalous = np.zeros(n_units, dtype=bool)
        if labels is not None:
            holds_one = reduce_segments(labels == 1, tracks.bounds, np.logical_or)
            anomalous[unit[holds_one]] = True
            if anomalous.sum() < self.n_splits:
                warnings.warn(
                    f"Only {anomalous.sum()} of {n_units} {what} hold an anomaly, "
                    f"fewer than n_splits={self.n_splits}, so some test sets hold "
                    "none.",
                    UserWarning,
                    stacklevel=2,
                )
        fold = np.repeat(self._deal(anomalous)[unit], lengths(tracks.bounds))
        for number in range(self.n_splits):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)

    def _deal(self, anomalous):
        """Give every unit its fold: evenly per class, and evenly in all."""
        random = check_random_state(self.random_state) if self.shuffle else None
        dealt = np.arange(len(anomalous)) % self.n_splits
        fold = np.empty(len(anomalous), dtype=np.int64)
        begin = 0
        for members in (np.flatnonzero(anomalous), np.flatnonzero(~anomalous)):
            if random is not None:
                members = random.permutation(members)
            # Sorted, so that neighbours share a fold.
            fold[members] = np.sort(dealt[begin : begin + len(members)])
            begin += len(members)
        return fold


class WithinTrackChronologicalSplit(BaseCrossValidator):
    """Train on the first part of every track, test on its last.

    Parameters
    ----------
    n_splits : int, default=1
        With more than one, the test part is cut into as many consecutive blocks;
        each is tested once, after training on all that comes before it.
    test_size : float, default=0.3
        Share of the rows of each track in its test part, between 0 and 1.
    gap : int, str or timedelta, default=0
        What is dropped of the training set before each test block: a number of
        rows, or a time such as ``"10min"``. Make it at least the longest memory of
        the detector, such as its window.

    See Also
    --------
    StratifiedTrackKFold : Folds of whole tracks.
    sklearn.model_selection.TimeSeriesSplit : The same idea for a single series.

    Notes
    -----
    A track too short for a training row and a row in every test block is an error,
    because it could not be tested without notice.

    Examples
    --------
    >>> import numpy as np
    >>> splitter = WithinTrackChronologicalSplit(2, test_size=0.4, gap=1)
    >>> for train, test in splitter.split(np.zeros((10, 1))):
    ...     print(train, test)
    [0 1 2 3 4] [6 7]
    [0 1 2 3 4 5 6] [8 9]
    """

    def __init__(self, n_splits=1, *, test_size=0.3, gap=0):
        _check_integer("n_splits", n_splits, lowest=1)
        if not isinstance(test_size, Real) or not 0 < test_size < 1:
            raise ValueError(
                "test_size must be a share of the rows between 0 and 1; got "
                f"{test_size!r}."
            )
        _read_gap(gap)
        self.n_splits = n_splits
        self.test_size = test_size
        self.gap = gap

    def get_n_splits(self, X=None, y=None, groups=None):
        """Give the number of splits.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        int
            The `n_splits` given.
        """
        return self.n_splits

    def split(self, X, y=None, groups=None):
        """Yield the rows of training and test set, split by split.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : object
            Ignored.
        groups : object
            Ignored, with a warning.

        Yields
        ------
        train, test : int64 ndarray
            Row positions, ascending, so that ``X.iloc[train]`` keeps the order.

        Raises
        ------
        ValueError
            If a track is too short, or `gap` is a time and `X` has none.
        """
        if groups is not None:
            warnings.warn(
                f"The groups parameter is ignored by {type(self).__name__}",
                UserWarning,
                stacklevel=2,
            )
        tracks = read_tracks(X)
        first, stop = tracks.bounds[:-1], tracks.bounds[1:]
        n_test = np.rint((stop - first) * self.test_size).astype(np.int64)
        blocks = np.arange(self.n_splits + 1)[:, None]
        # (n_splits + 1, n_tracks): where the test blocks of each track begin and end.
        edges = stop - n_test + blocks * n_test // self.n_splits
        ends = np.array([self._train_end(tracks, edge) for edge in edges[:-1]])
        _check_long_enough(tracks, first, ends, edges)
        rows, size = np.arange(tracks.n_rows), lengths(tracks.bounds)
        for end, begin, after in zip(ends, edges[:-1], edges[1:], strict=True):
            test = (rows >= np.repeat(begin, size)) & (rows < np.repeat(after, size))
            yield np.flatnonzero(rows < np.repeat(end, size)), np.flatnonzero(test)

    def _train_end(self, tracks, edge):
        """Row at which the training part of each track ends."""
        n_rows, seconds = _read_gap(self.gap)
        if seconds is None:
            return edge - n_rows
        if tracks.times is None:
            raise ValueError(
                f"gap={self.gap!r} is a time, but X has no time index; give the gap as "
                "a number of rows."
            )
        # A track without a test row is reported later; any row serves until then.
        begin = tracks.seconds[np.minimum(edge, tracks.n_rows - 1)]
        size = lengths(tracks.bounds)
        near = tracks.seconds > np.repeat(begin - seconds, size)
        past = np.arange(tracks.n_rows) < np.repeat(edge, size)
        return tracks.bounds[:-1] + reduce_segments(
            (past & ~near).astype(np.int64), tracks.bounds, np.add
        )


def _units(tracks, groups):
    """Tell the number of the unit (track or group) that each track belongs to."""
    if groups is None:
        return np.arange(len(tracks)), "tracks"
    codes, names = pd.factorize(np.asarray(groups))
    if len(codes) != tracks.n_rows:
        raise ValueError(
            f"groups has {len(codes)} values for {tracks.n_rows} rows of X; "
            "inconsistent numbers of samples."
        )
    if len(codes) and codes.min() < 0:
        raise ValueError(
            f"groups has no value in row {int(np.argmin(codes))}; give every row one."
        )
    unit = codes[tracks.bounds[:-1]]
    other = codes != np.repeat(unit, lengths(tracks.bounds))
    if other.any():
        row = int(np.argmax(other))
        number = int(np.searchsorted(tracks.bounds, row, side="right")) - 1
        raise ValueError(
            f"Track {tracks.names[number]!r} has rows of two groups, "
            f"{names[unit[number]]} and {names[codes[row]]}; give all rows of a track "
            "the same."
        )
    return unit, "groups"


def _check_long_enough(tracks, first, ends, edges):
    short = (ends <= first).any(axis=0) | (np.diff(edges, axis=0) < 1).any(axis=0)
    if short.any():
        number = int(np.argmax(short))
        n_rows = int(lengths(tracks.bounds)[number])
        raise ValueError(
            f"Track {tracks.names[number]!r} has {n_rows} rows, too few for a training "
            "row, the gap and a row in every test block; leave short tracks out, or "
            "lower n_splits or gap."
        )


def _read_gap(gap):
    """Read a gap as (rows, None) or (None, seconds)."""
    # A timedelta64 counts as an integer too, so times come first.
    if isinstance(gap, str | datetime.timedelta | np.timedelta64):
        try:
            seconds = pd.Timedelta(gap).total_seconds()
        except ValueError as error:
            raise ValueError(
                "gap must be a number of rows or a timedelta such as '10min'; got "
                f"{gap!r}."
            ) from error
        rows = None
        negative = not seconds >= 0
    elif isinstance(gap, Integral) and not isinstance(gap, bool):
        rows, seconds = int(gap), None
        negative = rows < 0
    else:
        raise TypeError(
            f"gap must be a number of rows or a timedelta such as '10min'; got {gap!r}."
        )
    if negative:
        raise ValueError(f"gap must not be negative; got {gap!r}.")
    return rows, seconds


def _check_integer(name, value, *, lowest):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < lowest:
        raise ValueError(
            f"{name} must be an integer of at least {lowest}; got {value!r}."
        )
