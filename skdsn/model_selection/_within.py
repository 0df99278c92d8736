"""Splits forward in time within each track."""

import warnings
from numbers import Real

import numpy as np

from skdsn._core.segments import lengths
from skdsn.model_selection._checks import (
    TrackSplitter,
    check_integer,
    read_gap,
    train_ends,
)
from skdsn.tracks import read_tracks


class WithinTrackChronologicalSplit(TrackSplitter):
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
        check_integer("n_splits", n_splits, lowest=1)
        if not isinstance(test_size, Real) or not 0 < test_size < 1:
            raise ValueError(
                "test_size must be a share of the rows between 0 and 1; got "
                f"{test_size!r}."
            )
        read_gap(gap)
        self.n_splits = n_splits
        self.test_size = test_size
        self.gap = gap

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
        ends = np.array([train_ends(tracks, edge, self.gap) for edge in edges[:-1]])
        _check_long_enough(tracks, first, ends, edges)
        rows, size = np.arange(tracks.n_rows), lengths(tracks.bounds)
        for end, begin, after in zip(ends, edges[:-1], edges[1:], strict=True):
            test = (rows >= np.repeat(begin, size)) & (rows < np.repeat(after, size))
            yield np.flatnonzero(rows < np.repeat(end, size)), np.flatnonzero(test)


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
