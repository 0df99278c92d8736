"""Metrics as scorers, which read the tracks from the index of X."""

from inspect import signature

import pandas as pd
from sklearn.metrics import average_precision_score

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.metrics._event_wise import event_f1
from skdsn.metrics._point_adjusted import point_adjusted_f1

RESPONSES = {"flags": anomaly_flags, "scores": anomaly_scores}


class EventScorer:
    """A scorer that knows tracks; made by :func:`make_event_scorer`.

    Parameters
    ----------
    metric : callable
    response : {"flags", "scores"}
    kwargs : dict
        Options of the metric.
    """

    def __init__(self, metric, response, kwargs):
        self.metric = metric
        self.response = response
        self.kwargs = kwargs

    def __call__(self, estimator, X, y):
        """Score a fitted detector; higher is better.

        Parameters
        ----------
        estimator : fitted classifier or outlier detector
        X : DataFrame or array-like of shape (n_rows, n_features)
            Its index tells the tracks; an array is one track.
        y : array-like of shape (n_rows,)
            1 = anomalous, 0 = normal.

        Returns
        -------
        float
        """
        options = dict(self.kwargs)
        if (
            isinstance(X, pd.DataFrame)
            and "tracks" in signature(self.metric).parameters
        ):
            options["tracks"] = X.index
        return self.metric(y, RESPONSES[self.response](estimator, X), **options)

    def __repr__(self):
        name = getattr(self.metric, "__name__", repr(self.metric))
        options = "".join(f", {key}={value!r}" for key, value in self.kwargs.items())
        return f"make_event_scorer({name}, response={self.response!r}{options})"


def make_event_scorer(metric, *, response="flags", **kwargs):
    """Make a scorer out of a metric of labels and flags or scores.

    It works wherever scikit-learn takes a scorer (``cross_validate``,
    ``GridSearchCV``, ...), for classifiers and for outlier detectors, which
    scikit-learn's own scorers confuse with their +1 and -1.

    Parameters
    ----------
    metric : callable
        Called as ``metric(y_true, y_pred, **kwargs)`` or, with
        ``response="scores"``, as ``metric(y_true, y_score, **kwargs)``; returns a
        number, higher = better. One with a parameter `tracks`, as all of this
        package have, is given the index of `X`.
    response : {"flags", "scores"}, default="flags"
        What of the detector is scored: what it predicts, 0 or 1, with the threshold
        it stores, or its anomaly scores.
    **kwargs
        Further options of the metric.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, which can be pickled if the metric can.

    Raises
    ------
    TypeError
        If `metric` cannot be called.
    ValueError
        If `response` is neither of the two.

    Examples
    --------
    >>> from skdsn.metrics import point_adjusted_fbeta
    >>> make_event_scorer(point_adjusted_fbeta, beta=0.5)
    make_event_scorer(point_adjusted_fbeta, response='flags', beta=0.5)
    """
    if not callable(metric):
        raise TypeError(
            f"metric must be a function of labels and flags; got {metric!r}."
        )
    if response not in RESPONSES:
        raise ValueError(f"response must be 'flags' or 'scores'; got {response!r}.")
    return EventScorer(metric, response, kwargs)


point_adjusted_f1_scorer = make_event_scorer(point_adjusted_f1)
event_f1_scorer = make_event_scorer(event_f1)
average_precision_scorer = make_event_scorer(average_precision_score, response="scores")
