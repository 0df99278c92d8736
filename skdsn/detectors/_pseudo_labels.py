"""Labels for unlabelled rows, from scores that need none."""

from numbers import Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_outlier_detector
from sklearn.ensemble import IsolationForest

from skdsn._sklearn import HasMethods, Interval, StrOptions, fit_context
from skdsn.base import anomaly_scores, read_labels, read_rows
from skdsn.model_selection._held_out import check_answer


class PseudoLabeler(BaseEstimator):
    """Label the unlabelled rows that a score finds most and least anomalous.

    A sampler: in a Pipeline it acts during ``fit`` only, and changes nothing but the
    labels of unlabelled rows (-1). Those in the middle stay unlabelled, which
    :class:`~skdsn.labeling.WindowLabeler` drops and a network with a classification
    head does not learn from.

    Parameters
    ----------
    rule : {"error_quantile", "isolation_forest"} or outlier detector, \
            default="error_quantile"
        Where the scores come from: the column ``error`` of an encoder or a forecaster;
        an isolation forest on the columns ``latent_*``, on all if there are none; or a
        detector, which may be a Pipeline and take raw rows. Forest and detector are
        fitted on the rows not labelled anomalous.
    anomalous_share : float, default=0.01
        Share of the unlabelled rows to become 1: those of the highest scores.
    normal_share : float, default=0.5
        Share of the unlabelled rows to become 0: those of the lowest scores.
    random_state : int, RandomState instance or None, default=None
        Of ``"isolation_forest"``; a detector has its own.

    Attributes
    ----------
    labels_ : int64 ndarray of shape (n_rows,)
        Labels handed on by the last ``fit_resample``.
    n_pseudo_ : dict
        Label to the number of unlabelled rows that got it; -1 counts those left.
    thresholds_ : tuple of float or None
        Unlabelled rows scored below the first became 0, above the second 1. None if no
        row was unlabelled.
    detector_ : estimator or None
        The fitted forest or detector.
    n_features_in_ : int
    fitted_on_tracks_ : bool

    See Also
    --------
    SelfTrainingDetector : Labels from the detector that learns from them.

    Notes
    -----
    The shares are of all unlabelled rows together, not of each track, and are rounded
    down. Where scores tie at the border of a share, none of the tied rows is labelled:
    never more than the share becomes 1 or 0, and a constant score labels nothing.

    Rows whose values are all missing are left alone and do not count: an encoder with a
    `fit_share` below 1 has learnt from them and keeps them to itself. It does so with
    tracks without any label, so behind it set ``fit_share=1``, or put the labeler
    before it.

    `anomalous_share` is a claim about the telemetry: that share becomes 1 even if there
    is no anomaly at all.

    The scores are of rows that forest or detector have learnt from, so one that knows
    such rows by heart, like the nearest of its training rows, finds none of them odd.
    A detector with memory is fitted on what is left of a track without the rows
    labelled 1; a stage's `max_gap` keeps it from joining their ends.

    Examples
    --------
    Between an encoder or a forecaster and a classifier:

    >>> import numpy as np
    >>> import pandas as pd
    >>> from imblearn.pipeline import make_pipeline
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdsn.detectors import PseudoLabeler
    >>> from skdsn.forecasters import PersistenceForecaster
    >>> from skdsn.labeling import WindowLabeler
    >>> X = pd.DataFrame({"volt": np.random.default_rng(0).normal(size=200)})
    >>> X.iloc[40::40] += 9
    >>> y = np.full(200, -1)
    >>> detector = make_pipeline(
    ...     PersistenceForecaster(),
    ...     PseudoLabeler(anomalous_share=0.05),
    ...     WindowLabeler(1),
    ...     DecisionTreeClassifier(),
    ... ).set_output(transform="pandas")
    >>> detector.fit(X, y)["pseudolabeler"].n_pseudo_
    {0: 100, 1: 10, -1: 90}

    Before a network with a classification head, by a detector of rows:

    >>> from sklearn.ensemble import IsolationForest
    >>> from skdsn.detectors import make_jwst_detector
    >>> detector = make_jwst_detector()
    >>> place = list(detector.named_steps).index("encode")
    >>> labeler = PseudoLabeler(IsolationForest(random_state=0))
    >>> detector.steps.insert(place, ("pseudo", labeler))
    """

    _parameter_constraints: dict = {
        "rule": [
            StrOptions({"error_quantile", "isolation_forest"}),
            HasMethods(["fit", "score_samples"]),
        ],
        "anomalous_share": [Interval(Real, 0, 1, closed="both")],
        "normal_share": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        rule="error_quantile",
        *,
        anomalous_share=0.01,
        normal_share=0.5,
        random_state=None,
    ):
        self.rule = rule
        self.anomalous_share = anomalous_share
        self.normal_share = normal_share
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
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
        self._read(X, y)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def fit_resample(self, X, y=None):
        """Label unlabelled rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry or encoded rows, indexed by (track, time) or time.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled; None leaves all unlabelled.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_rows, n_features)
            As it was.
        y : Series or ndarray of shape (n_rows,)
            With the index of `X` for a frame. As it was if no row is unlabelled.

        Raises
        ------
        ValueError
            If `anomalous_share` and `normal_share` are more than 1 together, the rule
            finds no column ``error``, or all unlabelled rows are held back.
        TypeError
            If the rule is a detector, but no outlier detector.
        """
        given, labels, held_back, tracks = self._read(X, y)
        unknown = labels == -1
        self.thresholds_ = self.detector_ = None
        if unknown.any():
            labels[unknown & ~held_back] = self._label(given, labels, ~held_back)
        counted = labels[unknown]
        self.n_pseudo_ = {label: int((counted == label).sum()) for label in (0, 1, -1)}
        self.labels_ = labels
        if not unknown.any():
            return given, y
        if tracks.index is not None:
            name = "anomaly" if y is None else getattr(y, "name", None)
            return given, pd.Series(labels.copy(), index=tracks.index, name=name)
        return given, labels.copy()

    def _read(self, X, y):
        """Give the rows as they came, their labels, which are empty, and tracks."""
        if self.anomalous_share + self.normal_share > 1:
            raise ValueError(
                f"anomalous_share={self.anomalous_share} and normal_share="
                f"{self.normal_share} are shares of the same rows, but more than 1 "
                "together; lower one of them."
            )
        if not isinstance(self.rule, str) and not is_outlier_detector(self.rule):
            raise TypeError(
                f"rule must be an outlier detector, which learns without labels; got "
                f"{type(self.rule).__name__}. Let a classifier label rows by "
                "SelfTrainingDetector."
            )
        rows = read_rows(self, X, reset=True, text=True, missing=True)
        labels = read_labels(y, rows.tracks, unlabelled=True)
        if labels is None:
            labels = np.full(rows.tracks.n_rows, -1)
        given = rows.data.to_numpy() if rows.index is None else X
        held_back = rows.data.isna().all(axis=1).to_numpy()
        return given, labels.astype(np.int64), held_back, rows.tracks

    def _label(self, X, labels, present):
        """Find labels for the unlabelled rows that are present."""
        rows = np.flatnonzero(present)
        unknown = labels[rows] == -1
        if not unknown.any():
            raise ValueError(
                f"All {(labels == -1).sum()} unlabelled rows are missing (NaN) "
                "throughout, as rows are that an encoder keeps to itself; set its "
                "fit_share=1, or put PseudoLabeler before it."
            )
        index = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(len(X))
        scores = self._scores(X[present], labels[rows])
        scores = check_answer(scores, rows, index, f"The rule {self.rule!r}")[unknown]
        lower, upper = self.thresholds_ = _borders(
            scores, self.normal_share, self.anomalous_share
        )
        return np.where(scores > upper, 1, np.where(scores < lower, 0, -1))

    def _scores(self, X, labels):
        """Score all rows; higher is more anomalous."""
        names = list(X.columns) if isinstance(X, pd.DataFrame) else None
        if self.rule == "error_quantile":
            if names is None or "error" not in names:
                found = f"columns {names[:10]}" if names else "an array without names"
                raise ValueError(
                    "rule='error_quantile' reads the column 'error' that encoders and "
                    f"forecasters emit, but X has {found}; put it behind one, in a "
                    "Pipeline with set_output(transform='pandas'), or choose another "
                    "rule."
                )
            return X["error"].to_numpy(dtype=np.float64, na_value=np.nan)
        detector = self.rule
        if self.rule == "isolation_forest":
            detector = IsolationForest(random_state=self.random_state)
            latents = [name for name in names or [] if str(name).startswith("latent_")]
            X = X[latents] if latents else X
        self.detector_ = clone(detector).fit(X[labels != 1])
        return anomaly_scores(self.detector_, X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # what the rule cannot take it refuses itself
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _borders(scores, normal, anomalous):
    """Scores below which at most one share lies, and above which the other."""
    ascending = np.sort(scores)
    # A little more, as 0.29 * 100 is less than 29.
    n_normal, n_anomalous = (
        int(share * len(scores) + 1e-9) for share in (normal, anomalous)
    )
    # The first score beyond each share: what ties with it is left alone.
    lower = ascending[n_normal] if n_normal < len(scores) else np.inf
    upper = ascending[-n_anomalous - 1] if n_anomalous < len(scores) else -np.inf
    return float(lower), float(upper)
