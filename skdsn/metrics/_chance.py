"""What random scores and flags reach: the floor under every figure."""

from numbers import Integral, Real

import numpy as np
from scipy.special import gammaln
from sklearn.utils import Bunch, check_random_state

from skdsn._core.runs import find_runs
from skdsn._sklearn import Interval, validate_params
from skdsn.metrics._bootstrap import percentiles
from skdsn.metrics._catalog import Function, evaluate, find_metric
from skdsn.metrics._inputs import find_tracks, read_flags
from skdsn.metrics._thresholds import find_best

# With less room above chance, skill is noise.
LEAST_ROOM = 0.05

SIMULATION = {
    "n_random": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
    "level": [Interval(Real, 0, 1, closed="neither")],
}


@validate_params(SIMULATION, prefer_skip_nested_validation=True)
def chance_level(
    metric,
    y_true,
    *,
    flagged=None,
    tracks=None,
    n_random=100,
    level=0.95,
    random_state=0,
    **options,
):
    """Tell what a detector that knows nothing reaches under the same protocol.

    Parameters
    ----------
    metric : str or callable
        One of :func:`metric_names`, or a metric of your own of labels and flags.
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    flagged : float, "best" or array-like of shape (n_rows,), default=None
        How rows are flagged at random: the share of them; as many as in the flags
        given; or, where they are random scores, with the ``"best"`` threshold for the
        very rows, as :func:`best_threshold` finds it. Not needed for metrics of
        scores.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`.
    n_random : int, default=100
        Draws.
    level : float, default=0.95
        Share of random detectors that lie in the interval.
    random_state : int, RandomState instance or None, default=0
        Seeds the draws.
    **options
        Of the metric.

    Returns
    -------
    Bunch
        ``value``, the expected figure; ``low`` and ``high``, between which `level` of
        the draws lie; ``method``, "analytic" if the value is exact, else "simulated";
        ``n_random``. Draws for which the metric is undefined are left out.

    Raises
    ------
    ValueError
        If a metric of flags is not told how many are `flagged`.

    Notes
    -----
    Random flags are a random order of so many flags, one by one; random scores are
    uniform and independent. Exact are the precision and recall of rows, the recall of
    events and of adjusted rows, average precision and ROC-AUC.

    Examples
    --------
    >>> import numpy as np
    >>> y_true = np.repeat([0, 1, 0, 1, 0], 200)
    >>> chance = chance_level("point_adjusted_f1", y_true, flagged=0.05)
    >>> round(chance.value, 2)  # flagging one row in twenty at random
    0.96
    """
    truth = read_flags(y_true, "y_true")
    if len(truth) == 0:
        raise ValueError("y_true has no rows; a metric needs at least one.")
    found = find_tracks(len(truth), tracks, y_true=y_true)
    metric = find_metric(metric, options)
    random = check_random_state(random_state)
    if metric.response == "scores":
        n_flagged = None
        draws = [
            metric(truth, s, found) for s in _random_scores(random, truth, n_random)
        ]
    elif isinstance(flagged, str) and flagged == "best":
        n_flagged = None
        if metric.curve is None:
            raise ValueError(
                f"{metric.name} has no exact best threshold; tell flagged as a share."
            )
        draws = [
            find_best(metric, truth, s, found).value
            for s in _random_scores(random, truth, n_random)
        ]
    else:
        n_flagged = _count_flagged(flagged, len(truth), metric)
        flags = np.arange(len(truth)) < n_flagged
        draws = [
            metric(truth, random.permutation(flags), found) for _ in range(n_random)
        ]
    draws = np.array(draws)
    low, high = percentiles(draws, level)
    draws = draws[~np.isnan(draws)]
    exact = expected(metric, truth, found, n_flagged)
    simulated = draws.mean() if len(draws) else np.nan
    return Bunch(
        value=float(simulated if exact is None else exact),
        low=float(low),
        high=float(high),
        method="simulated" if exact is None else "analytic",
        n_random=int(n_random),
    )


def skill(score, chance, best=1.0):
    """Tell how far a score gets from chance to the best.

    Parameters
    ----------
    score, chance : float or array-like
    best : float, default=1.0
        What a perfect detector reaches; 0 for delays and rates of false alarms.

    Returns
    -------
    float or ndarray
        ``(score - chance) / (best - chance)``: 0 = chance, 1 = perfect, negative is
        worse than chance; NaN where chance is the best already.

    Examples
    --------
    >>> round(float(skill(0.97, 0.96)), 2)
    0.25
    """
    room = np.subtract(best, chance)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(room == 0, np.nan, np.subtract(score, chance) / room)[()]


def chance_figures(metrics, truth, flags, scores, found, n_random, random_state):
    """Average metrics over random flags, as many as given, and random scores.

    Returns
    -------
    dict of float
        Exact where that is known; without metrics that are undefined in all draws.
    """
    known = {
        name: expected(metric, truth, found, int(flags.sum()))
        for name, metric in metrics.items()
        if metric.response == "flags" or scores is not None
    }
    known = {name: value for name, value in known.items() if value is not None}
    others = {name: metric for name, metric in metrics.items() if name not in known}
    ranked = scores is not None and any(
        metric.response == "scores" for metric in others.values()
    )
    random = check_random_state(random_state)
    draws = [
        evaluate(
            others,
            truth,
            random.permutation(flags),
            random.uniform(size=len(truth)) if ranked else None,
            found,
        )
        for _ in range(n_random if others else 0)
    ]
    values = {
        name: [draw[name] for draw in draws if not np.isnan(draw.get(name, np.nan))]
        for name in others
    }
    return {name: float(np.mean(v)) for name, v in values.items() if v} | known


def skills(metrics, figures, chance):
    """Tell the skill of each figure; NaN where chance leaves next to no room.

    Delays have none, since chance detects other events, nor has the share of rows
    flagged, which is neither good nor bad in itself.
    """
    values = {}
    for name, metric in metrics.items():
        known = chance.get(name, np.nan)
        comparable = name not in ("mean_delay", "fraction_flagged")
        if comparable and abs(metric.best - known) >= LEAST_ROOM:
            values[name] = float(skill(figures.get(name, np.nan), known, metric.best))
    return values


def _random_scores(random, truth, n_random):
    for _ in range(n_random):
        yield random.uniform(size=len(truth))


def _count_flagged(flagged, n_rows, metric):
    if flagged is None:
        raise ValueError(
            f"{metric.name} is computed from flags: tell chance_level how many rows "
            "are flagged, as flagged=0.02, flagged=y_pred or flagged='best'."
        )
    if np.ndim(flagged):
        flags = read_flags(flagged, "flagged")
        if len(flags) != n_rows:
            raise ValueError(
                f"y_true has {n_rows} rows but flagged has {len(flags)}; inconsistent "
                "numbers of samples."
            )
        return int(flags.sum())
    if isinstance(flagged, str) or not 0 <= flagged <= 1:
        raise ValueError(
            f"flagged must be a share from 0 to 1, 'best' or flags; got {flagged!r}."
        )
    return round(flagged * n_rows)


def expected(metric, truth, found, n_flagged=None):
    """Give the exact expectation of a metric for random flags or scores, or None."""
    n_rows, n_true = len(truth), int(truth.sum())
    if n_true in (0, n_rows) or isinstance(metric.compute, Function):
        return None
    if metric.name == "average_precision":
        others = (n_true - 1) / (n_rows - 1)
        harmonic = (1 / np.arange(1, n_rows + 1)).sum() / n_rows
        return others + harmonic * (1 - others)
    if metric.name == "roc_auc":
        return 0.5
    if not n_flagged or metric.options.get("k", 0) != 0:
        return None
    if metric.name == "row_precision":
        return n_true / n_rows
    if metric.name in ("row_recall", "fraction_flagged"):
        return n_flagged / n_rows
    if metric.name in ("event_recall", "overlap_recall", "point_adjusted_recall"):
        starts, stops = find_runs(truth, found.bounds)
        length = stops - starts
        hit = 1 - _missed(n_rows, n_flagged, length)
        rows = metric.name == "point_adjusted_recall"
        return float(np.average(hit, weights=length if rows else None))
    return None


def _missed(n_rows, n_flagged, length):
    """Probability that none of so many flags, at random, falls into an event."""
    rest = n_rows - length
    possible = rest >= n_flagged
    rest = np.where(possible, rest, n_flagged)
    ways = gammaln(rest + 1) - gammaln(rest - n_flagged + 1)
    all_ways = gammaln(n_rows + 1) - gammaln(n_rows - n_flagged + 1)
    return np.where(possible, np.exp(ways - all_ways), 0.0)
