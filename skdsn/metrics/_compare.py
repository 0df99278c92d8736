"""Detectors side by side on the same rows, with intervals and paired tests."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.utils import check_random_state

from skdsn._core.runs import find_runs
from skdsn._sklearn import Interval, validate_params
from skdsn.metrics._bootstrap import draw_tracks, percentiles
from skdsn.metrics._catalog import evaluate, read_metrics
from skdsn.metrics._chance import chance_figures, skills
from skdsn.metrics._inputs import read_answer, read_pair


@validate_params(
    {
        "answers": [dict],
        "n_resamples": [Interval(Integral, 2, None, closed="left")],
        "level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def compare_scores(
    y_true,
    answers,
    *,
    tracks=None,
    timestamps=None,
    metrics=("event_f1", "average_precision"),
    reference=None,
    n_resamples=200,
    level=0.95,
    random_state=0,
):
    """Compare what detectors say of the same rows.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    answers : dict of str to (y_pred, y_score)
        Flags and scores of each detector; a y_score may be None.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`; at least two tracks.
    timestamps : array-like of shape (n_rows,), default=None
        Time of each row, where no index tells it.
    metrics : sequence, default=("event_f1", "average_precision")
        Of :func:`metric_names`, or scorers with options of :func:`get_event_scorer`.
    reference : str, default=None
        The detector that the others are compared with; None is the first.
    n_resamples : int, default=200
        Draws of tracks for the intervals, and exchanges for the tests.
    level : float, default=0.95
        Share of the draws that lie in an interval.
    random_state : int, RandomState instance or None, default=0
        Seeds draws and chance levels.

    Returns
    -------
    DataFrame
        A row for each metric and detector, in columns ``metric`` and ``detector``;
        ``score``, ``low`` and ``high``; its ``chance`` level (random flags, as many as
        the detector raises) and ``skill``; ``difference`` to the reference,
        ``difference_low``, ``difference_high``; ``p_value`` of that difference, and
        ``p_adjusted`` for the number of detectors. NaN for what is undefined, and for
        the difference of the reference to itself. ``attrs`` has the protocol.

    Raises
    ------
    ValueError
        If there is no such reference, or fewer than two tracks.

    See Also
    --------
    skdsn.model_selection.compare : Fits the detectors first.

    Notes
    -----
    Intervals come from drawing tracks with replacement, the same ones for all detectors
    [1]_. For the test, the answers of two detectors are exchanged in a random half of
    the tracks: if both were equally good, that would not matter [2]_. The p-value is
    two-sided, and adjusted by the method of Holm within each metric. Scores are
    exchanged as ranks, since those of two detectors have different scales. Draws in
    which a metric is undefined are left out of intervals, and count against a
    difference in the test.

    Every draw takes each metric once for each detector, and every exchange twice.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An introduction to the bootstrap", 1993.
    .. [2] E. W. Noreen, "Computer-intensive methods for testing hypotheses", 1989.

    Examples
    --------
    >>> import numpy as np
    >>> y_true = np.tile([0, 0, 1, 1, 0], 12)
    >>> half = np.where(np.arange(60) < 30, y_true, 0)  # misses half of the events
    >>> answers = {"all": (y_true, None), "half": (half, None)}
    >>> tracks = np.repeat(np.arange(12), 5)
    >>> table = compare_scores(y_true, answers, tracks=tracks, metrics=["event_recall"])
    >>> table[["detector", "score", "difference"]].to_dict("list")
    {'detector': ['all', 'half'], 'score': [1.0, 0.5], 'difference': [nan, -0.5]}
    """
    names = list(answers)
    reference = names[0] if reference is None and names else reference
    if reference not in names:
        raise ValueError(
            f"reference must be one of the detectors {names}; got {reference!r}."
        )
    metrics = read_metrics(metrics)
    truth, _, found = read_pair(y_true, y_true, tracks=tracks, timestamps=timestamps)
    answers = {
        n: read_answer(n, answer, y_true, tracks) for n, answer in answers.items()
    }

    def figures(flags, scores, rows=slice(None), tracks=found):
        scores = None if scores is None else scores[rows]
        values = evaluate(metrics, truth[rows], flags[rows], scores, tracks)
        return np.array([values.get(name, np.nan) for name in metrics])

    drawn = {name: [] for name in names}
    for rows, tracks_drawn in draw_tracks(found, n_resamples, random_state):
        for name, answer in answers.items():
            drawn[name].append(figures(*answer, rows, tracks_drawn))
    drawn = {name: np.array(values) for name, values in drawn.items()}

    tables = []
    for name, (flags, scores) in answers.items():
        chance = chance_figures(metrics, truth, flags, scores, found, 20, random_state)
        table = pd.DataFrame({"metric": list(metrics), "detector": name})
        table["score"] = figures(flags, scores)
        table["low"], table["high"] = percentiles(drawn[name], level)
        table["chance"] = [chance.get(metric, np.nan) for metric in metrics]
        figures_of = dict(zip(metrics, table["score"], strict=True))
        known = skills(metrics, figures_of, chance)
        table["skill"] = [known.get(metric, np.nan) for metric in metrics]
        if name != reference:
            table["difference"] = table["score"] - figures(*answers[reference])
            gap = percentiles(drawn[name] - drawn[reference], level)
            table["difference_low"], table["difference_high"] = gap
            table["p_value"] = _exchange(
                figures,
                answers[name],
                answers[reference],
                found,
                n_resamples,
                random_state,
            )
        tables.append(table.reindex(columns=COLUMNS))
    # By metric, and the detectors in the order given.
    table = pd.concat([t.iloc[[i]] for i in range(len(metrics)) for t in tables])
    table = table.reset_index(drop=True)
    table["p_adjusted"] = table.groupby("metric", sort=False)["p_value"].transform(
        _holm
    )
    table.attrs = {
        "reference": reference,
        "level": level,
        "n_resamples": int(n_resamples),
        "seed": int(random_state) if isinstance(random_state, Integral) else None,
        "n_rows": len(truth),
        "n_tracks": len(found),
        "n_events": len(find_runs(truth, found.bounds)[0]),
    }
    return table


COLUMNS = [
    *("metric", "detector", "score", "low", "high", "chance", "skill"),
    *("difference", "difference_low", "difference_high", "p_value"),
]


def _exchange(figures, one, other, found, n_resamples, random_state):
    """Give the p-value of each metric: exchange two detectors in half of the tracks."""
    one, other = ((f, None if s is None else rankdata(s)) for f, s in (one, other))

    def difference(first, second):
        return np.abs(figures(*first) - figures(*second))

    def mixed(exchanged, values, others):
        if values is None or others is None:
            return None
        return np.where(exchanged, others, values)

    observed = difference(one, other)
    random = check_random_state(random_state)
    n_extreme, size = np.zeros(len(observed)), np.diff(found.bounds)
    for _ in range(n_resamples):
        exchanged = np.repeat(random.uniform(size=len(found)) < 0.5, size)
        mixture = [mixed(exchanged, a, b) for a, b in zip(one, other, strict=True)]
        reverse = [mixed(exchanged, b, a) for a, b in zip(one, other, strict=True)]
        # Equal differences must not lose to rounding; undefined ones may be anything.
        smaller = difference(mixture, reverse) < observed * (1 - 1e-12)
        n_extreme += ~smaller
    p_value = (n_extreme + 1) / (n_resamples + 1)
    return np.where(np.isnan(observed), np.nan, p_value)


def _holm(p_values):
    """Adjust p-values for their number by the method of Holm."""
    known = p_values.dropna().sort_values()
    factors = np.arange(len(known), 0, -1)
    adjusted = (known * factors).cummax().clip(upper=1.0)
    return adjusted.reindex(p_values.index)
