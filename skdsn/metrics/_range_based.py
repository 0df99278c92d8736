"""Precision and recall of ranges, by existence, overlap, position and cardinality."""

from numbers import Real

import numpy as np

from skdsn._core.intervals import meeting_pairs
from skdsn._core.runs import find_runs
from skdsn._sklearn import Interval, StrOptions, validate_params
from skdsn.metrics._inputs import read_pair
from skdsn.metrics._ratios import BETA, combine, defined

BIASES = ("flat", "front", "middle", "back")
OPTIONS = {
    "alpha": [Interval(Real, 0, 1, closed="both")],
    "cardinality": [StrOptions({"one", "reciprocal"})],
    "bias": [StrOptions(set(BIASES))],
    "precision_bias": [StrOptions(set(BIASES))],
}


@validate_params(BETA | OPTIONS, prefer_skip_nested_validation=True)
def range_based_scores(
    y_true,
    y_pred,
    *,
    tracks=None,
    beta=1.0,
    alpha=0.0,
    cardinality="reciprocal",
    bias="flat",
    precision_bias="flat",
):
    r"""Score how much of each event, and of each alarm, is right.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_pred : Series or array-like of shape (n_rows,)
        1 = flagged, 0 = not.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    beta : float, default=1.0
        Weight of recall against precision; below 1 precision counts more.
    alpha : float, default=0.0
        Weight, from 0 to 1, of the mere existence of a flag in the event, against
        that of the overlap, in the recall.
    cardinality : {"reciprocal", "one"}, default="reciprocal"
        The factor for an event that meets *x* alarms (and the reverse): ``1 / x`` or 1.
    bias, precision_bias : {"flat", "front", "middle", "back"}, default="flat"
        Where in an event (in an alarm, for precision) rows weigh most.

    Returns
    -------
    Bunch
        ``precision``, averaged over alarms; ``recall``, averaged over events; ``f`` of
        the two; ``n_alarms`` and ``n_events``. What is undefined is 0.0, with an
        ``UndefinedMetricWarning``.

    Notes
    -----
    With :math:`\gamma_i` the cardinality factor of event *i* and :math:`\omega_i` the
    weight of its flagged rows among all of its rows, its recall is
    :math:`\alpha [\omega_i > 0] + (1 - \alpha) \gamma_i \omega_i` [1]_. The precision
    of an alarm is the same with :math:`\alpha = 0`.

    Implementations differ in their defaults for `alpha` and `cardinality`: state them.
    As the average over alarms is not a sum of counts, there is no exact curve over
    thresholds.

    References
    ----------
    .. [1] N. Tatbul et al., "Precision and recall for time series", NeurIPS 2018.

    Examples
    --------
    >>> scores = range_based_scores([0, 1, 1, 1, 1, 0], [1, 1, 0, 1, 0, 0])
    >>> scores.precision, scores.recall
    (0.75, 0.25)
    """
    figures = range_based(
        *read_pair(y_true, y_pred, tracks=tracks),
        beta=beta,
        alpha=alpha,
        cardinality=cardinality,
        bias=bias,
        precision_bias=precision_bias,
    )
    return defined(figures, "Range-based")


def range_based(
    truth,
    flags,
    found,
    *,
    beta=1.0,
    alpha=0.0,
    cardinality="reciprocal",
    bias="flat",
    precision_bias="flat",
):
    """Score ranges; undefined figures are NaN."""
    events, alarms = find_runs(truth, found.bounds), find_runs(flags, found.bounds)
    recalls = _covered(*events, *alarms, alpha, cardinality, bias)
    precisions = _covered(*alarms, *events, 0.0, cardinality, precision_bias)
    figures = {
        "precision": precisions.mean() if len(precisions) else np.nan,
        "recall": recalls.mean() if len(recalls) else np.nan,
    }
    return figures | {
        "f": combine(**figures, beta=beta),
        "n_alarms": len(precisions),
        "n_events": len(recalls),
    }


def _covered(starts, stops, other_starts, other_stops, alpha, cardinality, bias):
    """Score each range by what of it others cover."""
    number, member = meeting_pairs(other_starts, other_stops, starts, stops)
    length = (stops - starts).astype(np.float64)
    begin = np.maximum(other_starts[member], starts[number]) - starts[number]
    end = np.minimum(other_stops[member], stops[number]) - starts[number]
    weight = _weight_before(end, length[number], bias) - _weight_before(
        begin, length[number], bias
    )
    covered = np.bincount(number, weight, minlength=len(starts))
    # Not in place: without any pair, bincount counts in integers.
    covered = covered / _weight_before(length, length, bias)
    count = np.bincount(number, minlength=len(starts))
    factor = 1 / np.maximum(count, 1) if cardinality == "reciprocal" else 1.0
    return alpha * (count > 0) + (1 - alpha) * factor * covered


def _weight_before(rows, length, bias):
    """Sum the weights of the first rows of a range; the nearest border has weight 1."""
    rising = rows * (rows + 1) / 2
    if bias == "flat":
        return rows
    if bias == "back":
        return rising
    if bias == "front":
        return rows * (length + 1) - rising
    # Rises to the middle and falls after it.
    half, left = length // 2, length - rows
    whole = half * (half + 1) / 2 + (length - half) * (length - half + 1) / 2
    return np.where(rows <= half, rising, whole - left * (left + 1) / 2)
