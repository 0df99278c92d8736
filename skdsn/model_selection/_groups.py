"""Groups of tracks, and tracks that are only learnt from, for any splitter."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from skdsn._core.segments import lengths
from skdsn.tracks import read_tracks


class GroupedTrackSplit(BaseCrossValidator):
    """Keep groups of tracks together, and some tracks in training, in any splitter.

    What belongs together is told once, by track id. So it also holds where nobody
    can hand ``groups`` on, such as in the folds inside of a
    :class:`~skdsn.detectors.TunedThresholdDetector`, and for any subset of the rows.

    Parameters
    ----------
    cv : splitter
        Deals out the rows, such as :class:`StratifiedTrackKFold`. Where there are
        `groups` it is given the group of each row.
    groups : mapping or Series, default=None
        Track id to group: both bands of a pass, say. None leaves tracks on their own.
    train_only : list of track ids, default=()
        Tracks that are in every training set and in no test set.

    See Also
    --------
    StratifiedTrackKFold : Folds of whole tracks.
    sklearn.model_selection.PredefinedSplit : Folds by row number.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.model_selection import StratifiedTrackKFold
    >>> from skdsn.tracks import stack_tracks
    >>> X = stack_tracks({name: np.zeros((1, 1)) for name in ("A", "B", "C", "D")})
    >>> cv = GroupedTrackSplit(
    ...     StratifiedTrackKFold(2),
    ...     groups={"A": 1, "B": 1, "C": 2, "D": 2},
    ...     train_only=["D"],
    ... )
    >>> for train, test in cv.split(X):
    ...     print(train, test)
    [2 3] [0 1]
    [0 1 3] [2]
    """

    def __init__(self, cv, *, groups=None, train_only=()):
        if not hasattr(cv, "split"):
            raise TypeError(f"cv must be a splitter; got {cv!r}.")
        if groups is not None and not isinstance(groups, Mapping | pd.Series):
            raise TypeError(
                "groups must map each track id to its group, as a dict or Series; got "
                f"{type(groups).__name__}."
            )
        if isinstance(train_only, str) or not hasattr(train_only, "__len__"):
            raise TypeError(
                f"train_only must be a list of track ids; got {train_only!r}."
            )
        self.cv = cv
        self.groups = groups
        self.train_only = train_only

    def get_n_splits(self, X=None, y=None, groups=None):
        """Give the number of splits.

        Parameters
        ----------
        X, y, groups : object
            Handed on to `cv`.

        Returns
        -------
        int
        """
        return self.cv.get_n_splits(X, y, groups)

    def split(self, X, y=None, groups=None):
        """Yield the rows of training and test set, split by split.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_features)
            Telemetry indexed by (track, time).
        y : Series or array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled.
        groups : None
            Not to be given: they are told by track.

        Yields
        ------
        train, test : int64 ndarray
            Row positions, ascending.

        Raises
        ------
        ValueError
            If a track has no group, every track is `train_only`, or `groups` is given.
        """
        if groups is not None:
            raise ValueError(
                "GroupedTrackSplit knows its groups by track; give them to the "
                "constructor only."
            )
        tracks = read_tracks(X)
        fixed = tracks.names.isin(list(self.train_only))
        if fixed.all():
            raise ValueError(
                "All tracks of X are train_only, so that there is nothing to test."
            )
        fixed = np.repeat(fixed, lengths(tracks.bounds))
        dealt = np.flatnonzero(~fixed)
        of_rows = self._groups_of_rows(tracks)
        parts = [_take(values, dealt) for values in (X, y, of_rows)]
        for train, test in self.cv.split(*parts):
            learnt = fixed.copy()
            learnt[dealt[train]] = True
            yield np.flatnonzero(learnt), dealt[test]

    def _groups_of_rows(self, tracks):
        if self.groups is None:
            return None
        for name in tracks.names:
            if name not in self.groups or pd.isna(self.groups[name]):
                raise ValueError(
                    f"Track {name!r} has no group; groups must name all tracks."
                )
        codes, _ = pd.factorize(
            np.array([self.groups[name] for name in tracks.names], dtype=object)
        )
        return np.repeat(codes, lengths(tracks.bounds))


def _take(values, rows):
    if values is None:
        return None
    return values.iloc[rows] if hasattr(values, "iloc") else np.asarray(values)[rows]
