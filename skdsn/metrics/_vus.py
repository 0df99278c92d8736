"""Volumes under the surface of curves whose labels fade out around events."""

from numbers import Integral

import numpy as np

from skdsn._core.soft_labels import first_hits, slope_distances
from skdsn._core.sweeps import rank_scores
from skdsn._sklearn import Interval, StrOptions, validate_params
from skdsn.metrics._inputs import read_pair
from skdsn.metrics._ratios import ONE_CLASS, defined

OPTIONS = {
    "buffer": [Interval(Integral, 0, None, closed="left")],
    "variant": [StrOptions({"definition", "v2022", "tsb_ad"})],
}
N_SAMPLED = 250


@validate_params(OPTIONS, prefer_skip_nested_validation=True)
def vus_scores(y_true, y_score, *, buffer, tracks=None, variant="definition"):
    r"""Volumes under the ROC and precision-recall surfaces.

    The labels fade out around events, over a buffer that ranges from none to `buffer`
    rows: an alarm just before or after an event counts in part.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_score : Series or array-like of shape (n_rows,)
        Finite, not constant; higher = more anomalous.
    buffer : int
        The widest buffer in rows, half of it on either side of an event. The figures
        depend on it, so that there is no default: about the length of an event, or the
        window of the detector, is in use.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`. Buffers end at the border of the track.
    variant : {"definition", "v2022", "tsb_ad"}, default="definition"
        * "definition": as in [1]_, at every distinct score.
        * "v2022": the code published with [1]_, which aeon has too. 250 thresholds
          that flag equally spaced numbers of rows; the buffer after an event is a row
          shorter.
        * "tsb_ad": the code of the TSB-AD benchmark [2]_. 250 thresholds, faded rows
          count as anomalous only where they are flagged, and the area under the
          precision-recall curve is a sum of steps, not of trapezoids.

    Returns
    -------
    Bunch
        ``vus_roc`` and ``vus_pr``; ``range_auc_roc`` and ``range_auc_pr``, of shape
        (buffer + 1,), the areas for each buffer, of which they are the means. With rows
        of one class only they are NaN, with an ``UndefinedMetricWarning``.

    Notes
    -----
    With a buffer :math:`\ell` a row at distance :math:`d \le \ell / 2` of an event has
    the label :math:`\sqrt{1 - d / \ell}`; one that two events reach has the label 1.
    Flagged labels sum up to :math:`TP`; the recall is
    :math:`\min(1, TP / P_\ell)`, with :math:`P_\ell` halfway between the sums of plain
    and faded labels, times the share of widened events with a flagged row.

    Even a perfect score does not reach 1 under "definition" and "v2022", since it does
    not flag the buffers. Figures of different variants or buffers cannot be compared.

    Scores are sorted once. After that each buffer takes O(rows in events and buffers):
    elsewhere only false alarms are counted, which does not depend on the buffer.

    References
    ----------
    .. [1] J. Paparrizos et al., "Volume under the surface: a new accuracy evaluation
       measure for time-series anomaly detection", VLDB 2022.
    .. [2] Q. Liu, J. Paparrizos, "The elephant in the room: towards a reliable
       time-series anomaly detection benchmark", NeurIPS 2024.

    Examples
    --------
    >>> y_score = [0.1, 0.2, 0.8, 0.9, 0.7, 0.1, 0.3, 0.2]
    >>> scores = vus_scores([0, 0, 0, 1, 1, 0, 0, 0], y_score, buffer=4)
    >>> round(scores.vus_roc, 3), round(scores.vus_pr, 3)
    (0.953, 0.888)
    """
    pair = read_pair(y_true, y_score, tracks=tracks, scores=True)
    figures = vus(*pair, buffer=buffer, variant=variant)
    areas = {name: figures.pop(name) for name in ("range_auc_roc", "range_auc_pr")}
    scores = defined(figures, "VUS", value=np.nan, why=ONE_CLASS)
    scores.update(areas)
    return scores


def vus(truth, scores, found, *, buffer, variant="definition"):
    """Compute the volumes; undefined figures are NaN."""
    if truth.all() or not truth.any():
        nothing = np.full(buffer + 1, np.nan)
        return {
            "vus_roc": np.nan,
            "vus_pr": np.nan,
            "range_auc_roc": nothing,
            "range_auc_pr": nothing,
        }
    late = int(variant == "v2022")
    steps = variant == "tsb_ad"
    rows, nearest, second, after = slope_distances(
        truth, found.bounds, buffer // 2, late
    )
    entry, before, flagged = _thresholds(scores, rows, variant)
    # By threshold, so that sums up to each are cumulative.
    order = np.argsort(entry[rows], kind="stable")
    rows, nearest, second, after = (
        values[order] for values in (rows, nearest, second, after)
    )
    numbers = np.arange(len(flagged))
    group_end = np.searchsorted(entry[rows], numbers, side="right")
    if len(group_end) == len(rows) and (group_end == numbers + 1).all():
        group_end = None  # a threshold for each row, as most scores have it
    reach = buffer // 2
    hit_first = first_hits(
        truth, found.bounds, entry, reach, late=late, touching=not steps
    )
    plain_hits = _sums(truth[rows].astype(np.float64), group_end)
    distance = nearest - late * after
    near = np.flatnonzero((nearest > 0) & (nearest <= reach))

    areas = np.empty((buffer + 1, 2))
    label = np.zeros(len(rows))
    for half in range(reach + 1):
        firsts = next(hit_first)
        existence = np.bincount(firsts, minlength=len(flagged)).cumsum() / len(firsts)
        within = near[nearest[near] <= half]
        once = second[within] > half
        # What two events reach is anomalous; what one reaches fades with the distance.
        label[within[~once]] = 1.0
        fading = within[once]
        steps_away = distance[fading]
        for length in range(2 * half, min(2 * half + 2, buffer + 1)):
            if len(fading):
                label[fading] = np.sqrt(1 - np.arange(half + 1) / length)[steps_away]
            faded = _sums(label, group_end)
            n_true = truth.sum() + (faded if steps else label.sum()) / 2
            areas[length] = _areas(
                plain_hits + faded,
                n_true,
                existence,
                before,
                flagged,
                len(truth),
                steps=steps,
            )
    return {
        "vus_roc": areas[:, 0].mean(),
        "vus_pr": areas[:, 1].mean(),
        "range_auc_roc": areas[:, 0],
        "range_auc_pr": areas[:, 1],
    }


def _sums(values, group_end):
    """Sum values up to each threshold."""
    total = np.cumsum(values)
    return total if group_end is None else np.append(0.0, total)[group_end]


def _thresholds(scores, rows, variant):
    """Choose thresholds and number them, the highest one first.

    Returns
    -------
    entry : int64 ndarray of shape (n_rows,)
        Number of the first threshold that flags a row; at least for `rows`.
    before, flagged : int64 ndarray of shape (n_thresholds,)
        Rows flagged just above each threshold, and at it.
    """
    if variant == "definition":
        # Between the scores of rows near events only false alarms are added.
        levels, ranks = rank_scores(scores[rows])
        n_levels = len(levels)
        entry = np.full(len(scores), n_levels, dtype=np.int64)
        entry[rows] = n_levels - 1 - ranks
        ordered = np.sort(scores)
        flagged = len(scores) - np.searchsorted(ordered, levels[::-1], side="left")
        before = len(scores) - np.searchsorted(ordered, levels[::-1], side="right")
        return entry, before, flagged
    ordered = np.sort(scores)
    position = np.linspace(0, len(scores) - 1, N_SAMPLED).astype(np.int64)
    levels = ordered[::-1][position]
    entry = np.searchsorted(-levels, -scores, side="left")
    flagged = len(scores) - np.searchsorted(ordered, levels, side="left")
    return entry, np.append(0, flagged[:-1]), flagged


def _areas(hits, n_true, existence, before, flagged, n_rows, *, steps):
    """Areas under the ROC and the precision-recall curve, from thresholds on."""
    recall = np.minimum(hits / n_true, 1)
    recall *= existence
    earlier, recall_before = _shift(hits), _shift(recall)
    rising = recall - recall_before
    # Just above a threshold, and at it.
    false_before, false = before - earlier, flagged - hits
    if np.ndim(n_true):
        false_before, false = (
            false_before / _shift(n_rows - n_true, n_rows),
            false / (n_rows - n_true),
        )
        n_false = 1.0
    else:
        n_false = n_rows - n_true
    roc = np.dot(recall_before, false_before - _shift(false))
    roc += np.dot(recall + recall_before, false - false_before) / 2
    roc += (n_false - false[-1]) * (1 + recall[-1]) / 2
    precision = hits / flagged
    if steps:
        return roc / n_false, np.dot(rising, precision)
    precision += np.where(before > 0, earlier / np.maximum(before, 1), 1.0)
    return roc / n_false, np.dot(rising, precision) / 2


def _shift(values, first=0.0):
    """Move values to the next threshold."""
    shifted = np.empty_like(values, dtype=np.float64)
    shifted[0], shifted[1:] = first, values[:-1]
    return shifted
