"""Splits repeated with other seeds."""

import copy

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from skdsn.model_selection._checks import check_integer
from skdsn.model_selection._split import check_track_cv


class RepeatedTrackSplit(BaseCrossValidator):
    """Repeat a splitter that shuffles, each time with another seed.

    With few anomalous tracks, a figure depends much on how they were dealt out; the
    spread over repeats tells how much.

    Parameters
    ----------
    cv : int or splitter, default=5
        So many folds of :class:`StratifiedTrackKFold`, or any splitter with a
        `random_state`. It is shuffled, and seeded anew, in every repeat, whatever its
        own `shuffle` and `random_state` say.
    n_repeats : int, default=10
        Number of repeats.
    random_state : int, RandomState instance or None, default=None
        Seeds the repeats.

    See Also
    --------
    StratifiedTrackKFold : Folds of whole tracks.
    sklearn.model_selection.RepeatedStratifiedKFold : The same for rows.

    Notes
    -----
    To keep groups of tracks together, put :class:`GroupedTrackSplit` around it.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.tracks import stack_tracks
    >>> X = stack_tracks({name: np.zeros((1, 1)) for name in "ABCDEF"})
    >>> cv = RepeatedTrackSplit(2, n_repeats=2, random_state=0)
    >>> for train, test in cv.split(X):
    ...     print(train, test)
    [2 3 4] [0 1 5]
    [0 1 5] [2 3 4]
    [0 3 5] [1 2 4]
    [1 2 4] [0 3 5]
    """

    # `groups` are asked for where metadata routing is enabled.
    __metadata_request__split = {"groups": True}

    def __init__(self, cv=5, *, n_repeats=10, random_state=None):
        check_integer("n_repeats", n_repeats, lowest=1)
        if not hasattr(check_track_cv(cv), "random_state"):
            raise TypeError(
                f"cv must have a random_state, or all repeats would be equal; got "
                f"{cv!r}. GroupedTrackSplit goes around RepeatedTrackSplit, not inside."
            )
        self.cv = cv
        self.n_repeats = n_repeats
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Give the number of splits: those of `cv`, times `n_repeats`.

        Parameters
        ----------
        X, y, groups : object
            Handed on to `cv`.

        Returns
        -------
        int
        """
        return self.n_repeats * check_track_cv(self.cv).get_n_splits(X, y, groups)

    def split(self, X, y=None, groups=None):
        """Yield the rows of training and test set, repeat by repeat.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_features)
            Telemetry indexed by (track, time).
        y : Series or array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled.
        groups : Series or array-like of shape (n_rows,), default=None
            Handed on to `cv`.

        Yields
        ------
        train, test : int64 ndarray
            Row positions.
        """
        random = check_random_state(self.random_state)
        for seed in random.randint(np.iinfo(np.int32).max, size=self.n_repeats):
            cv = copy.copy(check_track_cv(self.cv))
            cv.random_state = seed
            if hasattr(cv, "shuffle"):
                cv.shuffle = True
            yield from cv.split(X, y, groups)
