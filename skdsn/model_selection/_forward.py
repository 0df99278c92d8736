"""Splits of whole tracks, forward in time."""

import numpy as np

from skdsn.model_selection._checks import TrackSplitter, check_integer, read_gap, units
from skdsn.tracks import read_tracks


class ForwardTrackSplit(TrackSplitter):
    """Train on the tracks that are over, test on those that come after.

    Tracks are put in the order of their start times and cut into ``n_splits + 1``
    blocks. Each block but the first is tested once, after training on the tracks that
    had ended by then. This is how a detector that is fitted again from time to time
    will be used, and the only honest way if the spacecraft ages.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits.
    gap : float, str or timedelta, default=0
        Time between the end of training and the first row tested: seconds, or such as
        ``"1D"``. A track that ends later is left out of the training set, so one that
        overlaps the first tested track always is.
    test_size : int, default=None
        Number of tracks in a test set. None is ``n_tracks // (n_splits + 1)``.
    max_train_size : int, default=None
        Train on at most so many tracks, the latest ones. None takes all.

    See Also
    --------
    WithinTrackChronologicalSplit : Past and future of every track.
    sklearn.model_selection.TimeSeriesSplit : The same blocks, of rows.

    Notes
    -----
    Tracks need a common clock, but no order: they may stand in `X` as they like, and
    may overlap in time, as both bands of a pass do. The tracks tested in one split may
    do so, too. Tracks with the same start are taken in the order of `X`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.tracks import stack_tracks
    >>> day = pd.Timedelta("1D")
    >>> times = pd.date_range("2026-03-01", periods=2, freq="8h")
    >>> X = stack_tracks(
    ...     {
    ...         name: pd.DataFrame({"SNR": 0.0}, index=times + i * day)
    ...         for i, name in enumerate("ABCD")
    ...     }
    ... )
    >>> for train, test in ForwardTrackSplit(2, test_size=1).split(X):
    ...     print(train, test)
    [0 1 2 3] [4 5]
    [0 1 2 3 4 5] [6 7]
    >>> for train, test in ForwardTrackSplit(2, test_size=1, gap="1D").split(X):
    ...     print(train, test)
    [0 1] [4 5]
    [0 1 2 3] [6 7]
    """

    # `groups` are asked for where metadata routing is enabled.
    __metadata_request__split = {"groups": True}

    def __init__(self, n_splits=5, *, gap=0, test_size=None, max_train_size=None):
        check_integer("n_splits", n_splits, lowest=1)
        read_gap(gap, unit="seconds")
        if test_size is not None:
            check_integer("test_size", test_size, lowest=1)
        if max_train_size is not None:
            check_integer("max_train_size", max_train_size, lowest=1)
        self.n_splits = n_splits
        self.gap = gap
        self.test_size = test_size
        self.max_train_size = max_train_size

    def split(self, X, y=None, groups=None):
        """Yield the rows of training and test set, split by split.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_features)
            Telemetry indexed by (track, time).
        y : object
            Ignored.
        groups : Series or array-like of shape (n_rows,), default=None
            Tracks of one group are taken as one track, from the first start to the
            last end.

        Yields
        ------
        train, test : int64 ndarray
            Row positions, ascending, so that ``X.iloc[train]`` keeps the order.

        Raises
        ------
        ValueError
            If there are too few tracks (or groups), all start at the same time, or
            none ends early enough to learn from.
        """
        tracks = read_tracks(X)
        unit, what = units(tracks, groups)
        n_units = int(unit.max(initial=-1)) + 1
        n_test = self.test_size or max(n_units // (self.n_splits + 1), 1)
        if len(tracks) == 1:
            raise ValueError(
                "X holds a single track, so there is no later one to test. Use "
                "WithinTrackChronologicalSplit, or index X by (track, time)."
            )
        if n_units <= self.n_splits * n_test:
            raise ValueError(
                f"n_splits={self.n_splits} test sets of {n_test} and a first training "
                f"set need at least {self.n_splits * n_test + 1} {what}, but X holds "
                f"only {n_units}; lower n_splits or test_size."
            )
        start, end = np.full(n_units, np.inf), np.full(n_units, -np.inf)
        np.minimum.at(start, unit, tracks.seconds[tracks.bounds[:-1]])
        np.maximum.at(end, unit, tracks.seconds[tracks.bounds[1:] - 1])
        if (start == start[0]).all():
            raise ValueError(
                f"All {what} of X start at the same time, {tracks.times[0]}, so none "
                "comes after another. If times count from the start of each track, "
                "index X by datetimes instead; or use WithinTrackChronologicalSplit."
            )
        order = np.argsort(start, kind="stable")
        of_rows = unit[tracks.of_rows()]
        for begin in range(n_units - self.n_splits * n_test, n_units, n_test):
            tested = order[begin : begin + n_test]
            learnt = self._learnt(order, end, start[tested[0]])
            if not len(learnt):
                first = tracks.names[np.flatnonzero(unit == tested[0])[0]]
                raise ValueError(
                    f"None of the {what} of X ends long enough (gap={self.gap!r}) "
                    f"before track {first!r}, the first one to be tested. Lower gap or "
                    "n_splits; or, if times count from the start of each track, index "
                    "X by datetimes."
                )
            train = np.flatnonzero(np.isin(of_rows, learnt))
            yield train, np.flatnonzero(np.isin(of_rows, tested))

    def _learnt(self, order, end, first):
        """Units that have ended `gap` before the `first` second tested, latest last."""
        _, gap = read_gap(self.gap, unit="seconds")
        over = (end < first) & (end <= first - gap)
        learnt = order[over[order]]
        return learnt if self.max_train_size is None else learnt[-self.max_train_size :]
