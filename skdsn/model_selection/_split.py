"""Folds of whole tracks."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state

from skdsn._core.segments import lengths, reduce_segments
from skdsn.base import read_labels
from skdsn.model_selection._checks import TrackSplitter, check_integer, units
from skdsn.tracks import read_tracks


class StratifiedTrackKFold(TrackSplitter):
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
        check_integer("n_splits", n_splits, lowest=2)
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
        labels = read_labels(y, tracks, unlabelled=True)
        unit, what = units(tracks, groups)
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


def check_track_cv(cv):
    """Read `cv` as scikit-learn does, but with folds of tracks for an integer."""
    if cv is None:
        return StratifiedTrackKFold()
    return StratifiedTrackKFold(cv) if isinstance(cv, Integral) else check_cv(cv)
