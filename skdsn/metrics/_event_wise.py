"""Event-wise scores: events detected against false alarms raised."""

import numpy as np

from skdsn._core.intervals import count_meeting
from skdsn._core.runs import find_runs
from skdsn._core.sweeps import event_counts, ratio
from skdsn._sklearn import StrOptions, validate_params
from skdsn.metrics._inputs import read_pair
from skdsn.metrics._ratios import BETA, defined, rates

OPTIONS = {
    "corrected": ["boolean"],
    "matching": [StrOptions({"many", "first"})],
}


@validate_params(BETA | OPTIONS, prefer_skip_nested_validation=True)
def event_wise_scores(
    y_true, y_pred, *, tracks=None, beta=1.0, corrected=True, matching="many"
):
    """Score alarms by the events they detect.

    An event is detected if one of its rows is flagged. An alarm is a maximal run of
    flagged rows within a track; it is false if none of its rows belongs to an event.

    Parameters
    ----------
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_pred : Series or array-like of shape (n_rows,)
        1 = flagged, 0 = not.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        Track id of each row, or something indexed by (track, time). If None, a
        two-level index of `y_true` or `y_pred` tells the tracks; without one all
        rows are one track.
    beta : float, default=1.0
        Weight of recall against precision; below 1 precision counts more.
    corrected : bool, default=True
        Multiply the precision by the specificity, the share of normal rows that are
        not flagged [2]_. Without it, flagging every row can score well: the alarms
        then merge with the events.
    matching : {"many", "first"}, default="many"
        With "first", an alarm detects only the first of the events it meets. Together
        with ``corrected=False`` that is the count of telemanom [1]_.

    Returns
    -------
    Bunch
        ``precision``, ``recall`` and ``f``; ``alarming_precision``, the share of the
        alarms on detected events that are not redundant [3]_; and the counts
        ``true_positives``, the events detected; ``false_positives``, the false
        alarms; ``false_negatives``, the events missed; ``redundant_alarms``, those on
        an event after its first; ``specificity``. What is undefined is 0.0, with an
        ``UndefinedMetricWarning``.

    See Also
    --------
    esa_adb_scores : The same in time, from tables of intervals, with channels.

    Notes
    -----
    A long alarm that reaches an event counts as no false alarm, however many normal
    rows it flags: flagging every row detects every event, and raises one false alarm
    for each track without an event. That is what the correction is for.

    References
    ----------
    .. [1] K. Hundman et al., "Detecting spacecraft anomalies using LSTMs and
       nonparametric dynamic thresholding", KDD 2018.
    .. [2] M. E. A. Sehili, Z. Zhang, "Multivariate time series anomaly detection:
       fancy algorithms and flawed evaluation methodology", arXiv:2308.13068, 2023.
    .. [3] K. Kotowski et al., "European Space Agency benchmark for anomaly
       detection in satellite telemetry", arXiv:2406.17826, 2024.

    Examples
    --------
    >>> scores = event_wise_scores([0, 1, 1, 0, 0], [0, 0, 1, 0, 1])
    >>> scores.true_positives, scores.false_positives, round(scores.precision, 3)
    (1, 1, 0.333)
    """
    pair = read_pair(y_true, y_pred, tracks=tracks)
    figures = event_wise(*pair, beta=beta, corrected=corrected, matching=matching)
    return defined(figures, "Event-wise")


@validate_params(
    {"corrected": OPTIONS["corrected"]}, prefer_skip_nested_validation=True
)
def event_f1(y_true, y_pred, *, tracks=None, corrected=True):
    """F1 of events detected, events missed and false alarms.

    Parameters
    ----------
    y_true, y_pred : Series or array-like of shape (n_rows,)
        Labels and flags, 0 or 1.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`, which also has the definition.
    corrected : bool, default=True
        Multiply the precision by the share of normal rows that are not flagged.

    Returns
    -------
    float
        0.0, with an ``UndefinedMetricWarning``, if there is neither an event nor
        a flag.

    Examples
    --------
    >>> event_f1([0, 1, 1, 0, 0], [0, 0, 1, 0, 1])
    0.5
    >>> round(event_f1([0, 1, 1, 0, 0], [0, 0, 1, 0, 1], corrected=False), 3)
    0.667
    """
    figures = event_wise(*read_pair(y_true, y_pred, tracks=tracks), corrected=corrected)
    return defined({"f": figures["f"]}, "Event-wise").f


def event_wise(truth, flags, found, *, beta=1.0, corrected=True, matching="many"):
    """Score alarms; undefined figures are NaN."""
    curve = event_wise_curve(truth, flags, found, beta=beta, corrected=corrected)
    del curve["thresholds"]
    figures = {name: values[1] for name, values in curve.items()}
    if matching == "first":
        events, alarms = find_runs(truth, found.bounds), find_runs(flags, found.bounds)
        # Touching runs lie in two tracks, so that both sides are compared strictly.
        meeting = count_meeting(*events, *alarms) > 0
        first = np.searchsorted(events[1], alarms[0][meeting], side="right")
        hits = len(np.unique(first))
        false, misses = figures["false_positives"], len(events[0]) - hits
        kept = figures["specificity"] if corrected else 1.0
        figures |= rates(hits, false, misses, beta=beta, specificity=kept)
        figures |= {"true_positives": hits, "false_negatives": misses}
    return figures


def event_wise_curve(truth, scores, found, *, beta=1.0, corrected=True):
    """Give the figures at every threshold."""
    thresholds, counts = event_counts(truth, scores, found.bounds)
    hits, false = counts["detected"], counts["false_alarms"]
    n_events = len(find_runs(truth, found.bounds)[0])
    specificity = 1.0 - ratio(counts["false_rows"], np.sum(~truth))
    kept = specificity if corrected else 1.0
    # Without detection it is 0, as its authors have it; without events undefined.
    alarming = ratio(hits, counts["meetings"]) if n_events else hits * np.nan
    return {
        "thresholds": thresholds,
        **rates(hits, false, n_events - hits, beta=beta, specificity=kept),
        "alarming_precision": alarming,
        "true_positives": hits,
        "false_positives": false,
        "false_negatives": n_events - hits,
        "redundant_alarms": counts["meetings"] - hits,
        "specificity": specificity,
    }
