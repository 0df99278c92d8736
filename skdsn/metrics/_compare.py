"""Detectors side by side on the same rows, with intervals and paired tests."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.utils import check_random_state

from skdsn._core.runs import find_runs
from skdsn._sklearn import Interval, validate_params
from skdsn.metrics._bootstrap import draw_tracks, percentiles
from skdsn.metrics._catalog import evaluate
from skdsn.metrics._chance import chance_level, skill
from skdsn.metrics._inputs import read_flags, read_pair, read_scores
from skdsn.metrics._report import read_metrics


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
    compared by their ranks, so that different scales do not matter.

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
    truth, _, found = read_pair(y_true, answers[reference][0], tracks=tracks)
    answers = {
        name: _read_answer(name, *answer, len(truth))
        for name, answer in answers.items()
    }

    def figures(flags, ranks, rows=slice(None), tracks=found):
        ranks = None if ranks is None else ranks[rows]
        return evaluate(metrics, truth[rows], flags[rows], ranks, tracks)

    drawn = {name: [] for name in names}
    for rows, tracks_drawn in draw_tracks(found, n_resamples, random_state):
        for name, answer in answers.items():
            drawn[name].append(figures(*answer, rows, tracks_drawn))
    columns = list(metrics)
    drawn = {n: pd.DataFrame(d, columns=columns, dtype=float) for n, d in drawn.items()}
    scores = {name: figures(*answer) for name, answer in answers.items()}
    p_values = pd.DataFrame(
        {
            name: _exchange(
                figures,
                answers[name],
                answers[reference],
                found,
                n_resamples,
                random_state,
            )
            for name in names
            if name != reference
        },
        index=columns,
    )
    adjusted = p_values.apply(_holm, axis=1, result_type="broadcast")

    table = []
    for metric in columns:
        for name, (flags, _) in answers.items():
            score = scores[name].get(metric, np.nan)
            chance = chance_level(
                metrics[metric],
                truth,
                flagged=flags,
                tracks=found,
                n_random=20,
                random_state=random_state,
            ).value
            row = {"metric": metric, "detector": name, "score": score}
            row["low"], row["high"] = percentiles(drawn[name][metric], level)
            row["chance"] = chance
            row["skill"] = float(skill(score, chance, metrics[metric].best))
            gap = np.nan, np.nan
            if name != reference:
                gap = percentiles(drawn[name][metric] - drawn[reference][metric], level)
                row["difference"] = score - scores[reference].get(metric, np.nan)
                row["p_value"] = p_values.loc[metric, name]
                row["p_adjusted"] = adjusted.loc[metric, name]
            row["difference_low"], row["difference_high"] = gap
            table.append(row)
    table = pd.DataFrame(table, columns=COLUMNS)
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
    *("difference", "difference_low", "difference_high", "p_value", "p_adjusted"),
]


def _read_answer(name, flags, scores, n_rows):
    """Check flags, and turn scores into ranks from 0 to 1; constant ones into None."""
    flags = read_flags(flags, f"y_pred of {name!r}")
    if scores is not None and np.ptp(np.asarray(scores, dtype=np.float64)) == 0:
        scores = None
    if scores is not None:
        scores = rankdata(read_scores(scores, f"y_score of {name!r}")) / n_rows
    for values in (flags, scores):
        if values is not None and len(values) != n_rows:
            raise ValueError(
                f"y_true has {n_rows} rows but detector {name!r} answers for "
                f"{len(values)}; inconsistent numbers of samples."
            )
    return flags, scores


def _exchange(figures, one, other, found, n_resamples, random_state):
    """Give the p-value of each metric: exchange two detectors in half of the tracks."""

    def difference(first, second):
        first, second = figures(*first), figures(*second)
        return pd.Series(
            {name: first[name] - second.get(name, np.nan) for name in first},
            dtype=float,
        )

    def mixed(exchanged, values, others):
        if values is None or others is None:
            return None
        return np.where(exchanged, others, values)

    observed = difference(one, other).abs()
    random = check_random_state(random_state)
    n_extreme, size = 0, np.diff(found.bounds)
    for _ in range(n_resamples):
        exchanged = np.repeat(random.uniform(size=len(found)) < 0.5, size)
        mixture = [mixed(exchanged, a, b) for a, b in zip(one, other, strict=True)]
        reverse = [mixed(exchanged, b, a) for a, b in zip(one, other, strict=True)]
        # Equal differences must not lose to rounding.
        extreme = difference(mixture, reverse).abs() >= observed - 1e-12
        n_extreme = n_extreme + extreme.astype(int)
    return ((n_extreme + 1) / (n_resamples + 1)).where(observed.notna())


def _holm(p_values):
    """Adjust p-values for their number by the method of Holm."""
    known = p_values.dropna().sort_values()
    factors = np.arange(len(known), 0, -1)
    adjusted = (known * factors).cummax().clip(upper=1.0)
    return adjusted.reindex(p_values.index)
