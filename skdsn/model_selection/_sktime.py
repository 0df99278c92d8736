"""The splitters of sktime, for ``cv=`` of scikit-learn."""

import warnings
from itertools import zip_longest

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from skdsn._core.segments import reduce_segments
from skdsn.model_selection._checks import read_gap, train_ends
from skdsn.tracks import read_tracks


class SktimeSplit(BaseCrossValidator):
    """Use a splitter of sktime wherever scikit-learn takes ``cv=``.

    A splitter of whole series, such as ``InstanceSplitter``, deals out the tracks.
    Any other, such as ``SlidingWindowSplitter``, works within each track: fold `i`
    joins the `i`-th split of every track.

    Parameters
    ----------
    splitter : splitter of :mod:`sktime.split`
        Lengths that it counts in steps are rows of `X`.
    gap : int, str or timedelta, default=0
        What is dropped of the training set before the first tested row of a track: a
        number of rows, or a time such as ``"10min"``. Make it at least the longest
        memory of the detector, such as its window.

    See Also
    --------
    WithinTrackChronologicalSplit : Tests every track to its end.
    ForwardTrackSplit : Whole tracks, forward in time.

    Notes
    -----
    sktime itself stops where the shortest track has no more windows. Here the longer
    ones go on, and a track takes part in as many folds as it has windows, so no window
    is lost; a track without any is an error.

    Examples
    --------
    >>> import numpy as np
    >>> from sktime.split import ExpandingWindowSplitter
    >>> from skdsn.tracks import stack_tracks
    >>> X = stack_tracks({name: np.zeros((7, 1)) for name in ("A", "B")})
    >>> windows = ExpandingWindowSplitter([1, 2], initial_window=3, step_length=2)
    >>> for train, test in SktimeSplit(windows).split(X):
    ...     print(train, test)
    [0 1 2 7 8 9] [ 3  4 10 11]
    [ 0  1  2  3  4  7  8  9 10 11] [ 5  6 12 13]
    """

    def __init__(self, splitter, *, gap=0):
        if not hasattr(splitter, "split") or not hasattr(splitter, "get_tag"):
            raise TypeError(
                f"splitter must be one of sktime.split; got {splitter!r}. A splitter "
                "of scikit-learn needs no adapter."
            )
        read_gap(gap)
        self.splitter = splitter
        self.gap = gap

    def get_n_splits(self, X=None, y=None, groups=None):
        """Give the number of splits, which depends on the lengths of the tracks.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry, as for :meth:`split`.
        y, groups : object
            Ignored.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If `X` is not given.
        """
        if X is None:
            raise ValueError("The 'X' parameter should not be None.")
        return sum(1 for _ in self.split(X))

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
            If a track does not suit the splitter, or a split has no rows to learn from
            or to test, or has rows for both.
        """
        if groups is not None:
            warnings.warn(
                f"The groups parameter is ignored by {type(self).__name__}",
                UserWarning,
                stacklevel=2,
            )
        tracks = read_tracks(X)
        index = pd.RangeIndex(tracks.n_rows) if tracks.times is None else X.index
        # Splitters "of hierarchies" find the tracks themselves.
        if index.nlevels == 1 or self.splitter.get_tag("split_hierarchical", False):
            splits = self.splitter.split(index)
        else:
            splits = self._join(tracks)
        for number, (train, test) in enumerate(splits):
            train, test = np.unique(train), np.unique(test)
            if len(np.intersect1d(train, test)):
                raise ValueError(
                    f"Split {number} of {self.splitter} tests rows that it learns "
                    "from, so its figures would mean nothing; use another splitter."
                )
            train = self._purge(tracks, train, test)
            if not len(train) or not len(test):
                raise ValueError(
                    f"Split {number} of {self.splitter} has {len(train)} rows to learn "
                    f"from (gap={self.gap!r}) and {len(test)} to test; use longer "
                    "windows or a smaller gap."
                )
            yield train, test

    def _join(self, tracks):
        """Put the first splits of all tracks together, then the second ones, ..."""
        of_tracks = (self._of_track(tracks, i) for i in range(len(tracks)))
        for parts in zip_longest(*of_tracks):
            sides = zip(*(part for part in parts if part is not None), strict=True)
            yield tuple(np.concatenate(side) for side in sides)

    def _of_track(self, tracks, number):
        begin, stop = tracks.bounds[number : number + 2]
        n_splits = 0
        try:
            for train, test in self.splitter.split(tracks.times[begin:stop]):
                n_splits += 1
                yield begin + train, begin + test
        except ValueError as error:
            raise ValueError(
                f"Track {tracks.names[number]!r} with its {stop - begin} rows does not "
                f"suit {self.splitter}: {error}"
            ) from error
        if not n_splits:
            raise ValueError(
                f"Track {tracks.names[number]!r} with its {stop - begin} rows has no "
                f"window of {self.splitter}; leave short tracks out."
            )

    def _purge(self, tracks, train, test):
        """Drop the training rows within `gap` before the first test row of a track."""
        rows = np.arange(tracks.n_rows)
        first = np.where(np.isin(rows, test), rows, tracks.n_rows)
        edge = reduce_segments(first, tracks.bounds, np.minimum)
        end = np.where(
            edge < tracks.n_rows, train_ends(tracks, edge, self.gap), tracks.n_rows
        )
        number = tracks.of_rows()[train]
        return train[(train < end[number]) | (train >= edge[number])]
