"""Affiliation precision and recall: how near alarms and events are to each other."""

import numpy as np

from skdsn._core.affiliation import zone_scores, zones
from skdsn._core.runs import find_runs
from skdsn._sklearn import StrOptions, validate_params
from skdsn.metrics._inputs import elapsed, read_pair
from skdsn.metrics._ratios import BETA, combine, defined

VARIANT = {"variant": [StrOptions({"huet", "esa_adb"})]}


@validate_params(BETA | VARIANT, prefer_skip_nested_validation=True)
def affiliation_scores(
    y_true, y_pred, *, tracks=None, timestamps=None, beta=1.0, variant="huet"
):
    """Score how near alarms are to events, and events to alarms.

    Every event owns a zone: the time of its track that is nearer to it than to any
    other event. Within the zone, precision is the chance that a random instant lies
    farther from the event than a flagged one; recall is the same for instants of the
    event and their nearest flagged one.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_pred : Series or array-like of shape (n_rows,)
        1 = flagged, 0 = not.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`. Where an index tells times, distances are
        times, gaps left out; else they are rows.
    timestamps : array-like of shape (n_rows,), default=None
        Time of each row, where no index tells it.
    beta : float, default=1.0
        Weight of recall against precision; below 1 precision counts more.
    variant : {"huet", "esa_adb"}, default="huet"
        A zone without any flag has no precision and is left out of its average, as
        defined [1]_; or counts as 0.5, as in the ESA benchmark [2]_.

    Returns
    -------
    Bunch
        ``precision`` and ``recall``, averaged over zones; ``f`` of the two;
        ``n_zones``, the number of events, and ``n_flagged_zones``. What is undefined is
        0.0, with an ``UndefinedMetricWarning``.

    Notes
    -----
    Flagging rows at random gets a precision of about 0.5: read it from there upwards.
    Tracks without any event have no zone, so that alarms there count nowhere: never
    report affiliation alone.

    The integrals are exact, in O((events + alarms) log), and agree with the code of the
    authors of [1]_. The published code of [2]_ pairs events with the wrong alarm in
    some zones, which :func:`esa_adb_scores` can repeat; this function does not.

    References
    ----------
    .. [1] A. Huet, J. M. Navarro, D. Rossi, "Local evaluation of time series anomaly
       detection algorithms", KDD 2022.
    .. [2] K. Kotowski et al., "European Space Agency benchmark for anomaly
       detection in satellite telemetry", arXiv:2406.17826, 2024.

    Examples
    --------
    >>> scores = affiliation_scores([0, 0, 0, 1, 1, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0, 0])
    >>> round(scores.precision, 3), round(scores.recall, 3)
    (0.812, 0.938)
    """
    pair = read_pair(y_true, y_pred, tracks=tracks, timestamps=timestamps)
    return defined(affiliation(*pair, beta=beta, variant=variant), "Affiliation")


def affiliation(truth, flags, found, *, beta=1.0, variant="huet"):
    """Score the distances; undefined figures are NaN."""
    edges, bounds = elapsed(found), found.bounds
    rows = find_runs(truth, bounds)
    starts, stops = edges[rows[0]], edges[rows[1]]
    track = np.searchsorted(bounds, rows[0], side="right") - 1
    lows, highs = zones(starts, stops, edges[bounds[track]], edges[bounds[track + 1]])
    alarms = (edges[run] for run in find_runs(flags, bounds))
    precision, recall = zone_scores(starts, stops, lows, highs, *alarms)
    flagged = ~np.isnan(precision)
    if variant == "esa_adb":
        precision = np.where(flagged, precision, 0.5)
    known = precision[~np.isnan(precision)]
    figures = {
        "precision": known.mean() if len(known) else np.nan,
        "recall": recall.mean() if len(recall) else np.nan,
    }
    return figures | {
        "f": combine(**figures, beta=beta),
        "n_zones": len(starts),
        "n_flagged_zones": int(flagged.sum()),
    }
