"""SMOTE for as few anomalous rows as incidents leave."""

from numbers import Integral, Real

import numpy as np
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from skdsn._sklearn import Interval, StrOptions, fit_context


class AdaptiveSMOTE(BaseEstimator):
    """Balance the classes by SMOTE, with fewer neighbours where rows are few.

    SMOTE stops if the minority has no more rows than `k_neighbors`, which a fold
    with one short incident easily brings about. Here the neighbourhood shrinks to
    what there is, and a single row is repeated.

    Parameters
    ----------
    k_neighbors : int, default=5
        Most neighbours to interpolate with.
    sampling_strategy : float or str, default="auto"
        As in :class:`imblearn.over_sampling.SMOTE`: the share of minority to
        majority rows, or ``"auto"`` for as many of each. The share also holds where
        rare events are a third class.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    sampler_ : sampler or None
        What did the last resampling; None if the share was reached already.
    n_features_in_ : int

    References
    ----------
    Chawla et al., "SMOTE: synthetic minority over-sampling technique", JAIR 16, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.detectors import AdaptiveSMOTE
    >>> X, y = np.arange(10.0)[:, None], [0] * 8 + [1] * 2
    >>> np.bincount(AdaptiveSMOTE(random_state=0).fit_resample(X, y)[1])
    array([8, 8])
    """

    _parameter_constraints: dict = {
        "k_neighbors": [Interval(Integral, 1, None, closed="left")],
        "sampling_strategy": [
            Interval(Real, 0, 1, closed="right"),
            StrOptions({"auto"}),
        ],
        "random_state": ["random_state"],
    }

    def __init__(self, *, k_neighbors=5, sampling_strategy="auto", random_state=None):
        self.k_neighbors = k_neighbors
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

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
        validate_data(self, X)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_resample(self, X, y):
        """Resample the rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,)

        Returns
        -------
        X_resampled : DataFrame or ndarray of shape (n_rows_new, n_features)
            The original rows, then new ones; a frame loses its index.
        y_resampled : Series or ndarray of shape (n_rows_new,)

        Raises
        ------
        ValueError
            If `y` holds a single class.
        """
        validate_data(self, X, skip_check_array=True)
        if y is None:
            raise ValueError(
                "requires y to be passed, but the target y is None: the second stage "
                "learns from labelled incidents; give fit(X, y) labels."
            )
        classes, counts = np.unique(np.asarray(y), return_counts=True)
        if len(classes) < 2:
            raise ValueError(
                f"All {counts.sum()} training windows have the label {classes[0]}; the "
                "second stage needs windows with and without an incident. Bring more "
                "labelled incidents to each training set, or lower the stride or the "
                "window if they fall between the windows."
            )
        wanted = self.sampling_strategy
        if wanted != "auto" and counts.min() >= wanted * counts.max():
            self.sampler_ = None  # balanced enough as it is
            return X, y
        if wanted != "auto" and len(classes) > 2:  # of which SMOTE takes no share
            least = int(wanted * counts.max())
            wanted = {
                c: max(least, int(n)) for c, n in zip(classes, counts, strict=True)
            }
        if counts.min() == 1:
            self.sampler_ = RandomOverSampler(
                sampling_strategy=wanted, random_state=self.random_state
            )
        else:
            self.sampler_ = SMOTE(
                k_neighbors=min(self.k_neighbors, int(counts.min()) - 1),
                sampling_strategy=wanted,
                random_state=self.random_state,
            )
        return self.sampler_.fit_resample(X, y)
