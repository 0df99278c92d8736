"""Metrics as scorers, which read the tracks from the index of X."""

import warnings

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from skdsn.base import anomaly_flags, anomaly_scores, read_labels
from skdsn.metrics._catalog import (
    METRICS,
    Function,
    evaluate,
    find_metric,
    read_metrics,
)
from skdsn.metrics._inputs import find_tracks, is_constant, read_finite


class EventScorer:
    """A scorer that knows tracks; made by :func:`get_event_scorer`.

    Parameters
    ----------
    metrics : dict of Metric
    several : bool
        Give a dict of scores rather than one.
    """

    def __init__(self, metrics, *, several=False):
        self.metrics = metrics
        self.several = several

    def __call__(self, estimator, X, y):
        """Score a fitted detector; higher is better.

        Parameters
        ----------
        estimator : fitted classifier or outlier detector
        X : DataFrame or array-like of shape (n_rows, n_features)
            Its index tells the tracks; an array is one track.
        y : array-like of shape (n_rows,)
            1 = anomalous, 0 = normal, -1 = unlabelled: these do not count.

        Returns
        -------
        float, or dict of float
            What is undefined is 0.0, or NaN for metrics of scores and those of which
            less is better, with an ``UndefinedMetricWarning``.
        """
        tracks = find_tracks(len(X), X=X, y=y)
        labels = read_labels(y, tracks, unlabelled=True)
        if labels is None:
            raise ValueError("A scorer needs the labels y of the rows of X; got None.")
        flags, scores = self._answer(estimator, X)
        known = labels >= 0
        if not known.all():
            tracks = tracks.take(known)
            flags, scores = (v if v is None else v[known] for v in (flags, scores))
        truth = labels[known].astype(bool)
        values = evaluate(self.metrics, truth, flags, scores, tracks)
        values = {name: values.get(name, np.nan) for name in self.metrics}
        undefined = [name for name in values if np.isnan(values[name])]
        if undefined:
            warnings.warn(
                f"{' and '.join(undefined)} undefined: y holds no event, nothing is "
                "flagged, or all scores are equal.",
                UndefinedMetricWarning,
                stacklevel=2,
            )
        for name, metric in self.metrics.items():
            if not metric.greater_is_better:
                values[name] = 0.0 - values[name]  # not -0.0
            elif metric.response == "flags" and name in undefined:
                values[name] = 0.0
        return values if self.several else next(iter(values.values()))

    def _answer(self, estimator, X):
        """Ask the detector for what the metrics need; constant scores are none."""
        needed = {metric.response for metric in self.metrics.values()}
        flags = scores = None
        if "flags" in needed:
            flags = anomaly_flags(estimator, X).astype(bool)
        if "scores" in needed:
            scores = read_finite(anomaly_scores(estimator, X), "The anomaly score")
            scores = None if is_constant(scores) else scores
        return flags, scores

    def __repr__(self):
        if self.several:
            return f"event_scoring({', '.join(map(repr, self.metrics))})"
        ((name, metric),) = self.metrics.items()
        if not isinstance(metric.compute, Function):
            given = METRICS[name].options
            options = [
                f"{k}={v!r}" for k, v in metric.options.items() if k not in given
            ]
            return f"get_event_scorer({', '.join([repr(name), *options])})"
        options = [f"{key}={value!r}" for key, value in metric.compute.options.items()]
        options = [name, f"response={metric.response!r}", *options]
        return f"make_event_scorer({', '.join(options)})"


def get_event_scorer(metric, **options):
    """Get the scorer of a metric by its name.

    It works wherever scikit-learn takes a scorer (``cross_validate``,
    ``GridSearchCV``, ...), for classifiers and for outlier detectors, which
    scikit-learn's own scorers confuse with their +1 and -1.

    Parameters
    ----------
    metric : str
        One of :func:`metric_names`. Metrics of flags take what the detector predicts,
        with the threshold it stores; ``average_precision``, ``roc_auc`` and ``vus_...``
        take its anomaly scores.
    **options
        Of the metric, such as ``k=20`` or ``buffer=100``.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``. Metrics of which less is better, such as
        ``false_alarms_per_day``, are negated, so that higher is better always.

    Raises
    ------
    ValueError
        If there is no such metric.
    TypeError
        If it has no such option, or needs one that is not given.

    Examples
    --------
    >>> get_event_scorer("point_adjusted_f1", k=20)
    get_event_scorer('point_adjusted_f1', k=20)
    """
    found = find_metric(metric, options)
    return EventScorer({found.name: found})


def event_scoring(*metrics):
    """Score several metrics at once, from one prediction.

    Parameters
    ----------
    *metrics : str
        Of :func:`metric_names`, or scorers of :func:`get_event_scorer` and
        :func:`make_event_scorer`, which may have options.

    Returns
    -------
    callable
        ``scoring(estimator, X, y)`` gives a dict of floats, higher = better, as the
        `scoring` of ``cross_validate`` and ``GridSearchCV`` (with `refit`) may.

    Examples
    --------
    >>> event_scoring("event_f1", "average_precision")
    event_scoring('event_f1', 'average_precision')
    """
    return EventScorer(read_metrics(metrics), several=True)


def make_event_scorer(metric, *, response="flags", greater_is_better=True, **kwargs):
    """Make a scorer out of a metric of your own.

    Parameters
    ----------
    metric : callable
        Called as ``metric(y_true, y_pred, **kwargs)`` or, with
        ``response="scores"``, as ``metric(y_true, y_score, **kwargs)``; returns a
        number. One with a parameter `tracks` is given the
        :class:`~skdsn.tracks.Tracks` of `X`.
    response : {"flags", "scores"}, default="flags"
        What of the detector is scored: what it predicts, 0 or 1, with the threshold
        it stores, or its anomaly scores.
    greater_is_better : bool, default=True
        Else the scorer negates the metric.
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

    See Also
    --------
    get_event_scorer : The metrics of this package by name.

    Examples
    --------
    >>> from sklearn.metrics import matthews_corrcoef
    >>> make_event_scorer(matthews_corrcoef)
    make_event_scorer(matthews_corrcoef, response='flags')
    """
    if not callable(metric) or isinstance(metric, EventScorer):
        raise TypeError(
            f"metric must be a function of labels and flags; got {metric!r}. "
            "get_event_scorer takes metrics by name."
        )
    if response not in ("flags", "scores"):
        raise ValueError(f"response must be 'flags' or 'scores'; got {response!r}.")
    found = find_metric(
        metric, kwargs, response=response, greater_is_better=greater_is_better
    )
    return EventScorer({found.name: found})


point_adjusted_f1_scorer = get_event_scorer("point_adjusted_f1")
event_f1_scorer = get_event_scorer("event_f1")
average_precision_scorer = get_event_scorer("average_precision")
