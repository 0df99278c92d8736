"""Classify only the rows that a gate finds suspicious."""

from numbers import Integral, Real

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from skdsn._sklearn import HasMethods, Interval, StrOptions, fit_context
from skdsn.base import anomaly_flags, anomaly_scores, read_labels, read_rows
from skdsn.detectors._severity import score_threshold


class ErrorGatedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Let a classifier decide on suspicious rows; all others are nominal.

    The gate, an outlier detector, is fitted on nominal rows. The classifier learns
    from the rows that pass it, so that it need not learn what nominal telemetry looks
    like, and tells anomalies from what is merely unusual: from rare events, too, where
    rows are labelled 2.

    Parameters
    ----------
    gate : outlier detector
        Flags suspicious rows, such as :class:`ErrorGate`.
    classifier : classifier
        With ``predict_proba``.
    novelty : float or None, default=1.5
        A row that is farther out than anything nominal was in training is anomalous,
        whatever kinds of anomaly the classifier knows, unless it recognises a rare
        event: one beyond ``t + novelty * (m - t)``, where *t* is the threshold of the
        gate and *m* the most anomalous score of a nominal row. None leaves such rows
        to the classifier.
    rare_margin : float, default=0.5
        A row is a rare event only where its errors (the columns ``error...``, or else
        the score of the gate) exceed those of the rare events of the training by no
        more than this share. What is farther out is another event, and anomalous.
    nominal_weight : float, default=1.0
        How many nominal rows one of the training stands for, where some were held back
        and no event was. Probabilities are those of the full share.
    calibration : {"sigmoid", "isotonic"} or None, default="sigmoid"
        How probabilities of the classifier are calibrated, on rows held out in turn.
        None takes them as they are.
    cv : int, default=3
        Folds of the calibration, each one stretch of time for each class. With fewer
        suspicious rows of a class than that there are fewer folds; with a single one
        nothing is calibrated.

    Attributes
    ----------
    gate_ : outlier detector
    classifier_ : classifier or None
        None if no training row is suspicious, or none is labelled.
    classes_ : ndarray of shape (n_classes,)
        0 = nominal, 1 = anomalous, and 2 = rare but nominal, if it was labelled.
    calibrated_ : bool
        Whether the probabilities are calibrated.
    limit_ : float
        Scores of the gate (:func:`skdsn.base.anomaly_scores`) above it are novel.
    n_suspicious_ : int
        Training rows that passed the gate.
    held_back_ : ndarray of shape (n_classes,)
        Share of each class among the training rows that did not; nominal has one half
        at least. It is what ``predict_proba`` gives for such rows.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_ : bool

    See Also
    --------
    make_esa_detector : The whole detector.

    Notes
    -----
    Without a row labelled 1 nothing tells anomalies apart, and the gate decides: a
    suspicious row is anomalous, unless the classifier has learnt to recognise it as a
    rare event, and it is no farther out than those were. The probability then is a
    logistic function of the score of the gate, 0.5 at its threshold: an order, not a
    frequency.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdsn.detectors import ErrorGate, ErrorGatedClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = (np.arange(400) % 10 == 0).astype(int)
    >>> X = np.column_stack([rng.normal(size=400) + 3 * y, np.ones(400) + y])
    >>> X[5::20, 1] = 2.0  # unusual, not anomalous
    >>> detector = ErrorGatedClassifier(ErrorGate(0.9), LogisticRegression()).fit(X, y)
    >>> detector.predict([[3.0, 1.0], [3.0, 2.0], [0.0, 2.0]])
    array([0, 1, 0])
    """

    _parameter_constraints: dict = {
        "gate": [HasMethods(["fit", "predict", "score_samples"])],
        "classifier": [HasMethods(["fit", "predict_proba"])],
        "novelty": [None, Interval(Real, 0, None, closed="left")],
        "rare_margin": [Interval(Real, 0, None, closed="left")],
        "nominal_weight": [Interval(Real, 0, None, closed="neither")],
        "calibration": [None, StrOptions({"sigmoid", "isotonic"})],
        "cv": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        gate,
        classifier,
        *,
        novelty=1.5,
        rare_margin=0.5,
        nominal_weight=1.0,
        calibration="sigmoid",
        cv=3,
    ):
        self.gate = gate
        self.classifier = classifier
        self.novelty = novelty
        self.rare_margin = rare_margin
        self.nominal_weight = nominal_weight
        self.calibration = calibration
        self.cv = cv

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit the gate on nominal rows and the classifier on suspicious ones.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            What an encoder emits.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = nominal, 2 = rare but nominal, -1 = unlabelled: these
            are taken for nominal by the gate, and left out of the classifier. None
            labels no row.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If no row is nominal or unlabelled.
        """
        rows = read_rows(self, X, reset=True)
        X = rows.data if rows.index is None else X
        labels = read_labels(y, rows.tracks, unlabelled=True, rare=True)
        if labels is None:
            labels = np.full(len(rows.data), -1, dtype=np.int8)
        usual = labels < 1
        if not usual.any():
            raise ValueError(
                f"y has one class: it labels none of n_samples={len(labels)} rows as "
                "nominal, and the gate learns from nominal rows; bring some."
            )
        self.gate_ = clone(self.gate).fit(_take(X, usual))
        if not hasattr(self.gate_, "offset_"):
            raise TypeError(
                "The gate must have an offset_ once it is fitted, as scikit-learn's "
                f"outlier detectors do; {type(self.gate_).__name__} has none, so take "
                "ErrorGate."
            )
        passed = anomaly_flags(self.gate_, X) == 1
        self.n_suspicious_ = int(passed.sum())
        self.classes_ = np.union1d([0, 1], labels[labels >= 0]).astype(np.int64)
        self._gate_decides = not (labels == 1).any()
        scores = anomaly_scores(self.gate_, _take(X, usual))
        self._gate_spread = float(np.std(scores)) or 1.0
        self._threshold = score_threshold(self.gate_)
        self.limit_ = np.inf
        if self.novelty is not None:
            highest = max(float(scores.max()), self._threshold)
            self.limit_ = self._threshold + self.novelty * (highest - self._threshold)
        held_back = labels[~passed & (labels >= 0)]
        self.held_back_ = _shares(held_back, self.classes_, self.nominal_weight)
        rare = labels == 2
        self._rare_errors = None
        if rare.any():
            self._rare_errors = self._errors(rows.data, X)[rare].max(axis=0)
        self._fit_classifier(X, labels, passed & (labels >= 0))
        return self

    def _fit_classifier(self, X, labels, chosen):
        kinds, counts = np.unique(labels[chosen], return_counts=True)
        self.classifier_, self.calibrated_ = None, False
        if len(kinds) == 0:
            return
        classifier = DummyClassifier() if len(kinds) == 1 else clone(self.classifier)
        n_folds = min(self.cv, counts.min())
        if self.calibration is not None and len(kinds) > 1 and n_folds > 1:
            self.calibrated_ = True
            classifier = CalibratedClassifierCV(
                classifier,
                method=self.calibration,
                # Not shuffled: neighbours in time know each other's label.
                cv=StratifiedKFold(n_folds),
                ensemble=False,
            )
        self.classifier_ = classifier.fit(
            _take(X, chosen), labels[chosen].astype(np.int64)
        )

    def predict(self, X):
        """Classify rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        int64 ndarray of shape (n_rows,)
            0 wherever the gate does not pass a row; otherwise the most probable class.
        """
        likeliest = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[likeliest]

    def predict_proba(self, X):
        """Probability of each class, over all rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        float64 ndarray of shape (n_rows, n_classes)
            For a row that the gate does not pass, the share of each class among such
            rows of the training. A novel row is anomalous by what the probability of
            a rare event leaves.
        """
        check_is_fitted(self)
        rows = read_rows(self, X, reset=False)
        X = rows.data if rows.index is None else X
        scores = anomaly_scores(self.gate_, X)
        passed = anomaly_flags(self.gate_, X) == 1
        proba = np.tile(self.held_back_, (len(scores), 1))
        if self.classifier_ is not None and passed.any():
            found = np.searchsorted(self.classes_, self.classifier_.classes_)
            part = np.zeros((passed.sum(), len(self.classes_)))
            part[:, found] = self.classifier_.predict_proba(_take(X, passed))
            part[:, 0] *= self.nominal_weight
            part /= part.sum(axis=1, keepdims=True)
            self._refuse_rare(part, self._errors(rows.data, X)[passed])
            proba[passed] = part
        elif not self._gate_decides:
            proba[passed] = self.classes_ == 0
        if self._gate_decides:
            self._decide_by_gate(proba, scores, passed)
        else:
            novel = passed & (scores > self.limit_)
            _call_anomalous(proba, novel, 1.0)
        return proba

    def _errors(self, data, X):
        """Columns that tell how far out a row is."""
        names = getattr(self, "feature_names_in_", ())
        columns = [i for i, name in enumerate(names) if name.startswith("error")]
        return data[:, columns] if columns else anomaly_scores(self.gate_, X)[:, None]

    def _refuse_rare(self, proba, errors):
        """Call anomalous what is farther out than the rare events that are known."""
        if self._rare_errors is None:
            return
        most = self._rare_errors + self.rare_margin * np.abs(self._rare_errors)
        other = (errors > most).any(axis=1)
        proba[other, 1] += proba[other, 2]
        proba[other, 2] = 0.0

    def _decide_by_gate(self, proba, scores, passed):
        """Call anomalous what is suspicious and not recognised as a rare event."""
        anomalous = expit((scores - self._threshold) / self._gate_spread)
        # On the right side of one half, also where rounding would not have it so.
        above = np.maximum(anomalous[passed], np.nextafter(0.5, 1))
        _call_anomalous(proba, passed, above)
        proba[~passed] = 0.0
        proba[~passed, 1] = np.minimum(anomalous[~passed], 0.5)
        proba[:, 0] = 1 - proba[:, 1:].sum(axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.target_tags.required = False
        return tags


def _call_anomalous(proba, rows, probability):
    """Share what is no rare event between nominal and anomalous."""
    other = 1 - proba[rows, 2:].sum(axis=1)
    proba[rows, 1] = probability * other
    proba[rows, 0] = other - proba[rows, 1]


def _take(X, chosen):
    return X.loc[chosen] if hasattr(X, "loc") else X[chosen]


def _shares(labels, classes, nominal_weight):
    """Share of each class, nominal at least one half; all nominal without a row."""
    shares = (labels[:, None] == classes).sum(axis=0) * np.ones(len(classes))
    if len(labels) == 0:
        shares[0] = 1.0
    shares[0] *= nominal_weight
    shares /= shares.sum()
    if shares[0] < 0.5:
        shares[1:] *= 0.5 / shares[1:].sum()
        shares[0] = 0.5
    return shares
