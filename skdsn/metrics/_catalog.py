"""Every metric by its name: how it is computed, from what, and which way is better."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from inspect import signature

import numpy as np

from skdsn._sklearn import validate_parameter_constraints
from skdsn.metrics import (
    _affiliation,
    _event_wise,
    _point_adjusted,
    _range_based,
    _row_wise,
    _timing,
    _vus,
)
from skdsn.metrics._ratios import BETA


@dataclass(frozen=True)
class Metric:
    """A metric of row labels and flags or scores.

    Attributes
    ----------
    name : str
    compute : callable
        ``compute(truth, response, tracks, **options)``, of checked arrays, gives a
        number or a dict of figures; NaN where it is undefined.
    figure : str or None
        Which of the figures it is.
    response : {"flags", "scores"}
        What it is computed from.
    greater_is_better : bool
    best : float
        The value of a perfect detector.
    curve : callable or None
        ``curve(truth, scores, tracks, **options)`` gives the figures at every threshold
        exactly, if the metric allows it.
    options : dict
    constraints : dict
        The options that may be given, and what they may be, as ``validate_params`` has
        it.
    required : tuple of str
        Those of them that have no default.
    """

    name: str
    compute: Callable
    figure: str | None = None
    response: str = "flags"
    greater_is_better: bool = True
    best: float = 1.0
    curve: Callable | None = None
    options: dict = field(default_factory=dict)
    constraints: dict = field(default_factory=dict)
    required: tuple = ()

    def __call__(self, truth, response, tracks):
        """Compute the figure of checked arrays."""
        value = self.compute(truth, response, tracks, **self.options)
        return float(value if self.figure is None else value[self.figure])

    def with_options(self, options):
        """Add options, and check that the metric knows and has all of them."""
        for name in options:
            if name not in self.constraints:
                raise TypeError(
                    f"{self.name} has no option {name!r}; it takes "
                    f"{', '.join(self.constraints) or 'none'}."
                )
        lacking = [name for name in self.required if name not in options]
        if lacking:
            raise TypeError(
                f"{self.name} needs the option {lacking[0]!r}, which has no default: "
                f"its figures depend on it. Among other metrics, give "
                f"get_event_scorer({self.name!r}, {lacking[0]}=...)."
            )
        validate_parameter_constraints(self.constraints, options, self.name)
        return replace(self, options=self.options | options)


def _family(name, compute, constraints=None, *, curve=None, **options):
    """Precision, recall, F1 and F-beta."""
    constraints = constraints or {}
    for ending, figure in {
        "precision": "precision",
        "recall": "recall",
        "f1": "f",
    }.items():
        yield Metric(
            f"{name}_{ending}",
            compute,
            figure,
            curve=curve,
            options=options,
            constraints=constraints,
        )
    yield Metric(
        f"{name}_fbeta",
        compute,
        "f",
        curve=curve,
        options=options,
        constraints=BETA | constraints,
        required=("beta",),
    )


def _lower(name):
    return Metric(name, _timing.disturbance, name, greater_is_better=False, best=0.0)


def _all_metrics():
    events = _event_wise.event_wise
    curves = {
        "row": _row_wise.row_wise_curve,
        "point_adjusted": _point_adjusted.point_adjusted_curves,
        "event": _event_wise.event_wise_curve,
    }
    yield from _family("row", _row_wise.row_wise, curve=curves["row"])
    for name in ("average_precision", "roc_auc"):
        yield Metric(name, _row_wise.ranking, name, response="scores")
    yield from _family(
        "point_adjusted",
        _point_adjusted.point_adjusted,
        _point_adjusted.K,
        curve=curves["point_adjusted"],
    )
    yield Metric("point_adjusted_area", _point_adjusted.point_adjusted_f_area)
    corrected = {"corrected": _event_wise.OPTIONS["corrected"]}
    yield from _family("event", events, corrected, curve=curves["event"])
    yield from _family("overlap", events, curve=curves["event"], corrected=False)
    yield from _family("telemanom", events, corrected=False, matching="first")
    yield Metric(
        "alarming_precision", events, "alarming_precision", curve=curves["event"]
    )
    yield from _family("affiliation", _affiliation.affiliation, _affiliation.VARIANT)
    yield from _family("range", _range_based.range_based, _range_based.OPTIONS)
    for name in ("vus_roc", "vus_pr"):
        yield Metric(
            name,
            _vus.vus,
            name,
            response="scores",
            constraints=_vus.OPTIONS,
            required=("buffer",),
        )
    yield Metric("adtqc", _timing.adtqc, "adtqc")
    yield _lower("mean_delay")
    yield _lower("false_alarms")
    yield _lower("false_alarms_per_day")
    yield _lower("false_alarms_per_track")
    yield _lower("fraction_flagged")


METRICS = {metric.name: metric for metric in _all_metrics()}


def metric_names():
    """List the metrics that have a name.

    A name is accepted by :func:`get_event_scorer`, :func:`chance_level`,
    :func:`best_threshold` and :func:`skdsn.model_selection.compare`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> "event_f1" in metric_names()
    True
    """
    return list(METRICS)


def find_metric(metric, options=None, *, response="flags", greater_is_better=True):
    """Find a metric by its name, take it from a scorer, or make one of a function.

    A function is called as ``metric(y_true, y_pred, **options)``; one with a parameter
    `tracks` is told them.
    """
    options = options or {}
    carried = getattr(metric, "metrics", None)
    if carried is not None:
        if len(carried) > 1:
            raise ValueError(
                f"One metric is asked for, but the scorer has {len(carried)}: "
                f"{', '.join(carried)}; give one of them."
            )
        (metric,) = carried.values()
    if isinstance(metric, Metric):
        return metric.with_options(options) if options else metric
    if callable(metric):
        return Metric(
            getattr(metric, "__name__", repr(metric)),
            Function(metric, options),
            response=response,
            greater_is_better=greater_is_better,
            best=1.0 if greater_is_better else 0.0,
        )
    if not isinstance(metric, str) or metric not in METRICS:
        raise ValueError(
            f"There is no metric {metric!r}; metric_names() lists {len(METRICS)}: "
            f"{', '.join(METRICS)}."
        )
    return METRICS[metric].with_options(options)


@dataclass(frozen=True)
class Function:
    """A function of labels, and flags or scores, as a metric of checked arrays."""

    function: Callable
    options: dict

    def __call__(self, truth, response, tracks):
        """Call the function with what it expects."""
        known = {}
        if "tracks" in signature(self.function).parameters:
            known["tracks"] = tracks
        if response.dtype == bool:
            response = response.astype(np.int64)
        return self.function(truth.astype(np.int64), response, **known, **self.options)


def read_metrics(metrics):
    """Find one metric or several: names, functions, or scorers with their options.

    Returns
    -------
    dict of Metric
    """
    if isinstance(metrics, str) or callable(metrics):
        metrics = [metrics]
    if not np.iterable(metrics):
        raise TypeError(
            f"metrics must be names of metrics or scorers; got {metrics!r}."
        )
    found = {}
    for metric in metrics:
        carried = getattr(metric, "metrics", None)
        if carried is None:
            known = find_metric(metric)
            carried = {known.name: known}
        for name, known in carried.items():
            if found.setdefault(name, known) != known:
                raise ValueError(
                    f"{name} is asked for twice, with different options; one table "
                    "can tell only one of them."
                )
    if not found:
        raise ValueError("At least one metric is needed; got none.")
    return found


def evaluate(metrics, truth, flags, scores, tracks):
    """Compute several metrics of checked arrays, each family once.

    Parameters
    ----------
    metrics : dict of Metric
    truth, flags : bool ndarray of shape (n_rows,)
    scores : float ndarray of shape (n_rows,) or None
        Without them metrics of scores are left out.
    tracks : Tracks

    Returns
    -------
    dict of float
    """
    computed, values = [], {}
    for name, metric in metrics.items():
        response = scores if metric.response == "scores" else flags
        if response is None:
            continue
        key = metric.compute, metric.options
        figures = next((known for other, known in computed if other == key), None)
        if figures is None:
            figures = metric.compute(truth, response, tracks, **metric.options)
            computed.append((key, figures))
        values[name] = float(
            figures if metric.figure is None else figures[metric.figure]
        )
    return values
