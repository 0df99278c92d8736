"""A gate that only rows with an unusual error pass."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdsn._sklearn import Interval, fit_context
from skdsn.base import ScoringDetector, read_labels, read_rows


class ErrorGate(ScoringDetector):
    """Let pass what is rebuilt or forecast worse than nearly all nominal rows.

    Parameters
    ----------
    quantile : float, default=0.99
        Share of the nominal training rows that are to be held back. One minus it,
        times the rows of a day, is how many nominal rows pass per day.
    threshold : float or None, default=None
        Constant error to compare with instead, as in the published system, where it
        is 10.
    column : str, int or None, default=None
        Name or number of the column of errors. None takes ``"error"`` of a frame, as
        encoders emit it, and the last column of an array.

    Attributes
    ----------
    threshold_ : float
        Errors above it pass.
    offset_ : float
        Its negative, as scikit-learn's outlier detectors have it.
    column_ : int
        Number of the column of errors.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_ : bool

    See Also
    --------
    ErrorGatedClassifier : Classifies what passes.

    Notes
    -----
    Errors of rows that an encoder has learnt from are too small: give it a `fit_share`
    below 1, so that the gate is fitted on others.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.detectors import ErrorGate
    >>> rows = pd.DataFrame({"latent_0": 0.0, "error": [1.0, 2, 3, 4, 5]})
    >>> gate = ErrorGate(quantile=0.5).fit(rows)
    >>> gate.threshold_, gate.predict(rows)
    (3.0, array([ 1,  1,  1, -1, -1]))
    """

    _parameter_constraints: dict = {
        "quantile": [Interval(Real, 0, 1, closed="both")],
        "threshold": [None, Interval(Real, None, None, closed="neither")],
        "column": [None, str, int, np.integer],
    }

    def __init__(self, quantile=0.99, *, threshold=None, column=None):
        self.quantile = quantile
        self.threshold = threshold
        self.column = column

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Take the quantile of the nominal errors.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            What an encoder emits.
        y : array-like of shape (n_rows,), default=None
            Rows labelled 1 or 2 are left out.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there is no such column, or no nominal row.
        """
        rows = read_rows(self, X, reset=True)
        labels = read_labels(y, rows.tracks, unlabelled=True, rare=True)
        self.column_ = self._find_column()
        errors = rows.data[:, self.column_]
        if labels is not None:
            errors = errors[labels < 1]
        if len(errors) == 0:
            raise ValueError(
                f"y labels none of n_samples={len(rows.data)} rows as nominal, so no "
                "error is known to be usual; bring nominal rows."
            )
        self.threshold_ = self.threshold
        if self.threshold is None:
            self.threshold_ = float(np.quantile(errors, self.quantile))
        self.offset_ = -self.threshold_
        return self

    def _find_column(self):
        if isinstance(self.column, int | np.integer):
            if not -self.n_features_in_ <= self.column < self.n_features_in_:
                raise ValueError(
                    f"column={self.column} is none of the {self.n_features_in_} "
                    "columns of X."
                )
            return int(self.column) % self.n_features_in_
        names = list(getattr(self, "feature_names_in_", []))
        if self.column is None and not names:
            return self.n_features_in_ - 1
        name = "error" if self.column is None else self.column
        if name not in names:
            raise ValueError(
                f"X has no column {name!r} to gate by; put an encoder before the gate, "
                f"or name the column. Its columns are {names[:10]}."
            )
        return names.index(name)

    def score_samples(self, X):
        """Negated errors.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            Lower is more anomalous.
        """
        check_is_fitted(self)
        return -read_rows(self, X, reset=False).data[:, self.column_]
