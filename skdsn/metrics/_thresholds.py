"""Thresholds: all of them at once, the best one, and one within a budget."""

from numbers import Real

import numpy as np
from sklearn.utils import Bunch

from skdsn._core.sweeps import event_counts
from skdsn._sklearn import Interval, StrOptions, validate_params
from skdsn.metrics._catalog import METRICS, find_metric
from skdsn.metrics._inputs import read_pair
from skdsn.metrics._point_adjusted import point_adjusted_curves
from skdsn.metrics._ratios import plain


def threshold_curve(metric, y_true, y_score, *, tracks=None, **options):
    """Compute a metric at every threshold, exactly.

    Parameters
    ----------
    metric : str
        Name of a metric that has an exact curve: one of ``row_``, ``point_adjusted_``,
        ``event_`` or ``overlap_`` with ``precision``, ``recall``, ``f1`` or ``fbeta``;
        or ``alarming_precision``.
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_score : Series or array-like of shape (n_rows,)
        Finite, not constant; higher = more anomalous.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    **options
        Of the metric, such as ``beta``, ``k`` or ``corrected``.

    Returns
    -------
    Bunch of arrays of shape (n_thresholds,)
        ``thresholds``, the distinct scores, ascending; ``value`` of the metric with the
        rows flagged where ``y_score >= threshold``, NaN where it is undefined; and the
        other figures of its family, with the counts behind them.

    Raises
    ------
    ValueError
        If the metric has no exact curve.

    Notes
    -----
    One sort, O(n log n) for *n* rows: whatever is counted enters at one score, a row at
    its own, an event at its highest, a pair of neighbours flagged together at the
    lower of the two. The number of false alarms may fall as the threshold does, since
    alarms then merge.

    Averages over alarms, as in range-based and affiliation scores, are no sums of such
    counts; nor is timing.

    Examples
    --------
    >>> curve = threshold_curve("event_f1", [0, 0, 0, 1], [0.3, 0.1, 0.3, 0.2])
    >>> curve.thresholds, curve.true_positives, curve.false_positives
    (array([0.1, 0.2, 0.3]), array([1, 1, 0]), array([0, 1, 2]))
    """
    metric = _with_curve(metric, options)
    pair = read_pair(y_true, y_score, tracks=tracks, scores=True)
    curve = Bunch(**metric.curve(*pair, **metric.options))
    curve.value = curve[metric.figure]
    return curve


def best_threshold(metric, y_true, y_score, *, tracks=None, **options):
    r"""Find the threshold at which a metric is best: an oracle.

    The threshold is chosen on the very rows that the score is reported on. Call
    such a figure *oracle* wherever it appears; to find an honest threshold, call
    this on training or validation rows and store the threshold.

    Parameters
    ----------
    metric : str
        Name of a metric that has an exact curve; see :func:`threshold_curve`.
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_score : Series or array-like of shape (n_rows,)
        Finite, not constant; higher = more anomalous.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    **options
        Of the metric, such as ``beta``, ``k`` or ``corrected``.

    Returns
    -------
    Bunch
        ``threshold`` (flag rows with ``y_score >= threshold``), the *oracle*
        ``value`` of the metric there, ``precision``, ``recall``, ``f`` and the counts
        behind them, and ``fraction_flagged`` of all rows. Of equally good thresholds
        the highest.

    Raises
    ------
    ValueError
        If `y_true` holds no event, so that no threshold is best, or the metric has no
        exact curve.

    See Also
    --------
    threshold_for_budget : Choose by the number of false alarms instead.
    chance_level : With ``flagged="best"``, what random scores reach so.

    Notes
    -----
    The optimum over all thresholds is exact. A grid of thresholds, as in common use,
    can miss it by far.

    Event-wise metrics without the correction can be worthless: where most tracks hold
    an event, flagging nearly every row merges the alarms with the events. On NASA's
    SMAP and MSL labels, random scores get an ``overlap_f1`` of 1.0 so.

    Examples
    --------
    >>> best = best_threshold("event_f1", [0, 0, 0, 1], [0.3, 0.1, 0.1, 0.4])
    >>> best.value, best.threshold
    (1.0, 0.4)
    """
    metric = _with_curve(metric, options)
    truth, scores, found = read_pair(y_true, y_score, tracks=tracks, scores=True)
    if not truth.any():
        raise ValueError(
            "y_true holds no event, so no threshold is best; bring rows with an event, "
            "or use threshold_for_budget, which needs none."
        )
    best = find_best(metric, truth, scores, found)
    best.fraction_flagged = float((scores >= best.threshold).mean())
    return best


def find_best(metric, truth, scores, found):
    """Find the best threshold of a metric with a curve, among checked arrays."""
    options = metric.options
    if metric.curve is point_adjusted_curves and metric.figure == "f":
        options = options | {"best": True}
    curve = metric.curve(truth, scores, found, **options)
    values = np.nan_to_num(curve[metric.figure], nan=-np.inf)
    # What is equally good must not lose to rounding.
    row = int(np.flatnonzero(values >= values.max() * (1 - 1e-14))[-1])
    best = plain({name: array[row] for name, array in curve.items()})
    best.threshold = best.pop("thresholds")
    best.value = best[metric.figure]
    return best


def best_point_adjusted_f1(y_true, y_score, *, tracks=None, k=0):
    r"""Find the threshold with the best point-adjusted F1: an oracle.

    Short for ``best_threshold("point_adjusted_f1", ...)``, which says more.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_score : Series or array-like of shape (n_rows,)
        Finite, not constant; higher = more anomalous.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    k : float, default=0
        The percentage of the rows of an event that have to be exceeded: PA%K.

    Returns
    -------
    Bunch
        ``f1``, ``precision``, ``recall``, ``threshold`` and what else
        :func:`best_threshold` gives.

    Notes
    -----
    Let event *j* have length :math:`L_j` and highest score :math:`m_j`. At threshold
    *t* the rows of events detected are :math:`TP(t) = \sum_j L_j [m_j \ge t]`, and
    :math:`F_1 = 2 TP / (TP + FP + \sum_j L_j)`. TP changes at the :math:`m_j` only,
    while FP never falls as *t* does, so one of them is optimal. With `k` the
    :math:`(\lfloor k L_j / 100 \rfloor + 1)`-th highest score takes the place of
    :math:`m_j`, and rows above it count on their own.

    Examples
    --------
    >>> best = best_point_adjusted_f1([0, 1, 1, 0], [0.3, 0.1, 0.4, 0.2])
    >>> best.f1, best.threshold
    (1.0, 0.4)
    """
    best = best_threshold("point_adjusted_f1", y_true, y_score, tracks=tracks, k=k)
    best.f1 = best.f
    return best


@validate_params(
    {
        "max_false_alarms": [Interval(Real, 0, None, closed="left")],
        "per": [StrOptions({"day", "track"}), None],
    },
    prefer_skip_nested_validation=True,
)
def threshold_for_budget(
    y_true, y_score, *, max_false_alarms, per=None, tracks=None, timestamps=None
):
    """Find the lowest threshold that keeps a budget of false alarms.

    No threshold at or above it raises more than `max_false_alarms`. So a budget
    cannot be met by flagging so many rows that the alarms merge.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal; all 0 will do.
    y_score : Series or array-like of shape (n_rows,)
        Finite, not constant; higher = more anomalous.
    max_false_alarms : int or float
        False alarms allowed, not negative.
    per : {"day", "track"} or None, default=None
        They are allowed for each day of telemetry, gaps left out; for each track; or
        in all.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    timestamps : array-like of shape (n_rows,), default=None
        Time of each row, where no index tells it.

    Returns
    -------
    float
        One of the scores; flag rows with ``y_score >= threshold``. Infinite if even
        the highest score alone breaks the budget; so with a budget of less than one
        false alarm in all, unless the highest scores are right.

    Raises
    ------
    ValueError
        If the budget is per day and no index tells times.

    Examples
    --------
    >>> threshold_for_budget([0, 0, 0, 1], [3.0, 1.0, 4.0, 2.0], max_false_alarms=1)
    4.0
    """
    truth, scores, found = read_pair(
        y_true, y_score, tracks=tracks, timestamps=timestamps, scores=True
    )
    allowed = max_false_alarms * budget_units(found, per)
    thresholds, counts = event_counts(truth, scores, found.bounds)
    # A rate that allows a whole number must not lose it to rounding.
    broken = np.flatnonzero(counts["false_alarms"] > allowed * (1 + 1e-9))
    lowest = broken[-1] + 1 if len(broken) else 0
    return float(np.append(thresholds, np.inf)[lowest])


def budget_units(found, per):
    """Count what a budget is per."""
    if per is None:
        return 1
    if per == "track":
        return len(found)
    days = found.days()
    if np.isnan(days):
        raise ValueError(
            "False alarms per day need times, but the rows have none that tell a day; "
            "index them by (track, time), or set per to None or 'track'."
        )
    return days


def _with_curve(metric, options):
    metric = find_metric(metric, options)
    if metric.curve is None:
        names = [name for name, known in METRICS.items() if known.curve is not None]
        raise ValueError(
            f"{metric.name} has no exact curve over thresholds; these have: "
            f"{', '.join(names)}."
        )
    return metric
