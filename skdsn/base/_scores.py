"""Scores and flags of any detector in one convention."""

import numpy as np
from sklearn.base import is_outlier_detector


def anomaly_scores(detector, X):
    """Score rows so that higher is always more anomalous.

    Parameters
    ----------
    detector : fitted classifier or outlier detector
        Or a Pipeline that ends in one.
    X : DataFrame or array-like of shape (n_rows, n_features)

    Returns
    -------
    float64 ndarray of shape (n_rows,)
        The probability of class 1 for classifiers (their ``decision_function``
        where they give no probability), the negated ``score_samples`` for outlier
        detectors.

    Examples
    --------
    >>> from sklearn.ensemble import IsolationForest
    >>> X = [[0.0], [0.1], [0.2], [9.0]]
    >>> anomaly_scores(IsolationForest(random_state=0).fit(X), X).argmax()
    np.int64(3)
    """
    if is_outlier_detector(detector):
        return -np.asarray(detector.score_samples(X), dtype=np.float64)
    if hasattr(detector, "predict_proba"):
        column = np.flatnonzero(np.asarray(detector.classes_) == 1)
        probability = np.asarray(detector.predict_proba(X), dtype=np.float64)
        if len(column) == 0:  # fitted on normal rows only
            return np.zeros(len(probability))
        return probability[:, column[0]]
    if hasattr(detector, "decision_function"):
        return np.asarray(detector.decision_function(X), dtype=np.float64)
    raise TypeError(
        f"{type(detector).__name__} has neither predict_proba nor decision_function "
        "nor is it an outlier detector, so it gives no anomaly score."
    )


def anomaly_flags(detector, X):
    """Flag rows as the detector's ``predict`` does, in one convention.

    Parameters
    ----------
    detector : fitted classifier or outlier detector
    X : DataFrame or array-like of shape (n_rows, n_features)

    Returns
    -------
    int8 ndarray of shape (n_rows,)
        1 = anomalous, 0 = normal, for both kinds of detector.

    Examples
    --------
    >>> from sklearn.ensemble import IsolationForest
    >>> X = [[0.0], [0.1], [0.2], [9.0]]
    >>> anomaly_flags(IsolationForest(contamination=0.25, random_state=0).fit(X), X)
    array([0, 0, 0, 1], dtype=int8)
    """
    predicted = np.asarray(detector.predict(X))
    positive = -1 if is_outlier_detector(detector) else 1
    return (predicted == positive).astype(np.int8)


def inner_estimator(estimator):
    """Take what a fitted search or a detector of detectors holds, step by step.

    Parameters
    ----------
    estimator : fitted estimator

    Returns
    -------
    estimator
        That of ``best_estimator_``, or else of ``detector_``, and so on; what has
        neither as it is.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2)
    >>> inner_estimator(search.fit([[0.0], [1.0]] * 2, [0, 1] * 2))
    LogisticRegression()
    """
    while True:
        held = getattr(estimator, "best_estimator_", None)
        held = getattr(estimator, "detector_", held)
        if held is None:
            return estimator
        estimator = held
