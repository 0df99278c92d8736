"""Groups of tracks, and tracks that are only learnt from, for any splitter."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator, LeaveOneGroupOut

from skdsn._core.segments import lengths, reduce_segments
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
    groups : mapping, Series, callable or str, default=None
        Track id to group, as a table or as a function (not a lambda, if the splitter
        is to be pickled within a detector); or the name of a column of `X` that holds
        the same value throughout a track, missing ones aside. None leaves tracks on
        their own.
    train_only : list of track ids, default=()
        Tracks that are in every training set and in no test set.

    See Also
    --------
    StratifiedTrackKFold : Folds of whole tracks.
    LeaveOneStationOut : One fold per group.
    sklearn.model_selection.PredefinedSplit : Folds by row number.

    Examples
    --------
    Both bands of a pass belong together. Generated passes tell their base pass; where
    only the ids of tracks do, a function reads it from them:

    >>> from skdsn.datasets import make_dsn_passes
    >>> from skdsn.model_selection import StratifiedTrackKFold
    >>> passes = make_dsn_passes(8, mission="JWST", n_rows=30, random_state=0)
    >>> by_table = GroupedTrackSplit(
    ...     StratifiedTrackKFold(2), groups=passes.tracks.set_index("track")["pass_id"]
    ... )
    >>> by_name = GroupedTrackSplit(
    ...     StratifiedTrackKFold(2), groups=lambda track: track.rsplit("-", 1)[0]
    ... )
    >>> for cv in (by_table, by_name):
    ...     _, test = next(cv.split(passes.X))
    ...     print(passes.X.iloc[test].index.unique("track").tolist())
    ['JWST-0001-S', 'JWST-0001-K', 'JWST-0002-S', 'JWST-0002-K']
    ['JWST-0001-S', 'JWST-0001-K', 'JWST-0002-S', 'JWST-0002-K']

    So do linked channels, such as those of a subsystem, which the channels of SMAP and
    MSL name by their letter; what was recorded for training stays there:

    >>> import numpy as np
    >>> from skdsn.tracks import stack_tracks
    >>> names = ["P-1/train", "P-1/test", "P-2/test", "D-1/test", "D-2/test"]
    >>> X = stack_tracks({name: np.zeros((1, 1)) for name in names})
    >>> cv = GroupedTrackSplit(
    ...     StratifiedTrackKFold(2),
    ...     groups=lambda track: track.split("-")[0],
    ...     train_only=["P-1/train"],
    ... )
    >>> for train, test in cv.split(X):
    ...     print(train, test)
    [0 3 4] [1 2]
    [0 1 2] [3 4]
    """

    _what = "group"

    def __init__(self, cv, *, groups=None, train_only=()):
        if not hasattr(cv, "split"):
            raise TypeError(f"cv must be a splitter; got {cv!r}.")
        _check_source("groups", groups)
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
        X, y : object
            As for :meth:`split`; only needed where `cv` asks for them.
        groups : None
            Not to be given.

        Returns
        -------
        int
        """
        if X is None:
            return self.cv.get_n_splits()
        return self.cv.get_n_splits(*self._deal(X, y)[2])

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
            If a track has no group or two, every track is `train_only`, or `groups` is
            given.
        """
        if groups is not None:
            raise ValueError(
                f"{type(self).__name__} knows its groups by track; give them to the "
                "constructor only."
            )
        fixed, dealt, parts = self._deal(X, y)
        for train, test in self.cv.split(*parts):
            learnt = fixed.copy()
            learnt[dealt[train]] = True
            yield np.flatnonzero(learnt), dealt[test]

    def _deal(self, X, y):
        """Tell which rows are fixed, which are dealt out, and what `cv` gets to see."""
        tracks = read_tracks(X)
        fixed = tracks.names.isin(list(self.train_only))
        if fixed.all():
            raise ValueError(
                "All tracks of X are train_only, so that there is nothing to test."
            )
        fixed = np.repeat(fixed, lengths(tracks.bounds))
        dealt = np.flatnonzero(~fixed)
        of_rows = None
        if self.groups is not None:
            codes = _groups_of_tracks(X, tracks, self.groups, self._what)
            of_rows = codes[tracks.of_rows()]
        return fixed, dealt, [_take(values, dealt) for values in (X, y, of_rows)]


class LeaveOneStationOut(GroupedTrackSplit):
    """Test the tracks of one station after training on those of all others.

    Tells how a detector does at a station that it has never seen. It serves any other
    property of tracks as well: antenna, complex, band, spacecraft.

    Parameters
    ----------
    stations : mapping, Series, callable or str
        Track id to station, as a table or as a function; or the name of a column of
        `X` that holds the same station throughout a track, missing values aside.

    See Also
    --------
    GroupedTrackSplit : Several groups in a fold.
    sklearn.model_selection.LeaveOneGroupOut : By row.

    Notes
    -----
    Folds come in the order in which the stations first appear in `X`.

    Examples
    --------
    >>> from skdsn.datasets import make_dsn_passes
    >>> passes = make_dsn_passes(5, n_rows=30, random_state=0)
    >>> stations = passes.tracks.set_index("track")["station"]
    >>> stations.to_list()
    ['DSS-25', 'DSS-63', 'DSS-43', 'DSS-34', 'DSS-25']
    >>> for train, test in LeaveOneStationOut(stations).split(passes.X):
    ...     print(passes.X.iloc[test].index.unique("track").tolist())
    ['MRO-0001', 'MRO-0005']
    ['MRO-0002']
    ['MRO-0003']
    ['MRO-0004']
    """

    _what = "station"

    def __init__(self, stations):
        _check_source("stations", stations)
        if stations is None:
            raise TypeError("stations must tell the station of each track; got None.")
        super().__init__(LeaveOneGroupOut(), groups=stations)
        self.stations = stations

    def _deal(self, X, y):
        fixed, dealt, parts = super()._deal(X, y)
        if not parts[2].any():
            raise ValueError(
                "All tracks of X are of one station; without it there is nothing to "
                "learn from."
            )
        return fixed, dealt, parts


def _check_source(name, source):
    if not (
        source is None
        or callable(source)
        or isinstance(source, str | Mapping | pd.Series)
    ):
        raise TypeError(
            f"{name} must map track ids, as a dict, Series or function, or name a "
            f"column of X; got {type(source).__name__}."
        )


def _groups_of_tracks(X, tracks, groups, what):
    """Tell the group of each track, as a code."""
    if isinstance(groups, str):
        return _constant_of_tracks(X, tracks, groups, what)
    if isinstance(groups, pd.Series) and not groups.index.is_unique:
        name = groups.index[groups.index.duplicated()][0]
        raise ValueError(
            f"Track {name!r} has two entries where its {what} is told; give it one."
        )
    look_up = groups if callable(groups) else groups.get
    found = pd.Series([look_up(name) for name in tracks.names], dtype=object)
    codes, _ = pd.factorize(found)
    _check_complete(tracks, codes, what)
    return codes


def _constant_of_tracks(X, tracks, column, what):
    """Tell the code of the one value that a column has in each track."""
    if column not in getattr(X, "columns", ()):
        raise ValueError(
            f"X has no column {column!r} to read the {what} of a track from; name one, "
            "or map track ids."
        )
    codes, values = pd.factorize(X[column])
    of_tracks = reduce_segments(codes, tracks.bounds, np.maximum)
    _check_complete(tracks, of_tracks, what)
    usual = of_tracks[tracks.of_rows()]
    other = (codes >= 0) & (codes != usual)
    if other.any():
        row = int(np.argmax(other))
        raise ValueError(
            f"Track {tracks.names[tracks.of_rows()[row]]!r} has two values of "
            f"{column!r}, {values[codes[row]]} and {values[usual[row]]}; a track "
            f"needs one {what}."
        )
    return of_tracks


def _check_complete(tracks, codes, what):
    if (codes < 0).any():
        raise ValueError(
            f"Track {tracks.names[np.argmin(codes)]!r} has no {what}; every track "
            "needs one."
        )


def _take(values, rows):
    if values is None:
        return None
    return values.iloc[rows] if hasattr(values, "iloc") else np.asarray(values)[rows]
