"""The scores of the ESA Anomaly Detection Benchmark, from tables of intervals."""

import warnings
from numbers import Real

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import Bunch

from skdsn._core.affiliation import zone_scores, zones
from skdsn._core.intervals import (
    count_meeting,
    intersect,
    measure_before,
    unite,
)
from skdsn._core.sweeps import fbeta, ratio
from skdsn._sklearn import Interval, StrOptions, validate_params
from skdsn.metrics._esa_tables import (
    Clock,
    read_label_table,
    read_predictions,
    read_subsystems,
)
from skdsn.metrics._timing import timing_quality

# A channel is hit only where it is flagged for some time, so that labels of a single
# instant are widened for it (as the benchmark does), in nanoseconds.
INSTANT = 1_000_000
# Instants last a nanosecond for affiliation, which moves the borders of zones: alarms
# that reach into a zone by no more than a microsecond do not count there.
TOLERANCE = 1_000
CATEGORIES = ("Anomaly", "Rare Event")


@validate_params(
    {
        "labels": [pd.DataFrame],
        "categories": ["array-like", str],
        "beta": [Interval(Real, 0, None, closed="left")],
        "cut_events": [StrOptions({"clip", "drop"})],
        "variant": [StrOptions({"definition", "published"})],
    },
    prefer_skip_nested_validation=True,
)
def esa_adb_scores(
    labels,
    predictions,
    *,
    categories=CATEGORIES,
    subsystems=None,
    beta=0.5,
    start=None,
    end=None,
    channels=None,
    cut_events="clip",
    variant="definition",
):
    """Score flags per channel as the ESA Anomaly Detection Benchmark does.

    An event has an ID and labels on one or more channels. A channel counts as flagged
    from a sample predicted 1 to the next one predicted 0. An *alarm* is a stretch of
    time in which at least one channel is flagged.

    Parameters
    ----------
    labels : DataFrame
        Columns ``ID, Channel, StartTime, EndTime, Category``, in any order, a row for
        each interval on a channel. Both ends belong to the interval.
    predictions : mapping of channel to Series, or DataFrame
        0 or 1, indexed by increasing times: a step function. A frame has one column
        for each channel. Times, here and in `labels`, are dates (ISO 8601 text too;
        UTC where no zone is told) from 1679 to 2260, timedeltas, or seconds.
    categories : sequence of str, default=("Anomaly", "Rare Event")
        The events to find. Others are neither to be found nor false alarms.
    subsystems : mapping or Series, default=None
        Channel to subsystem, or subsystem to list of channels.
    beta : float, default=0.5
        Weight of recall against precision in all F-scores.
    start, end : time, default=None
        The time to score; None is from the first to the last time in `predictions`.
        The first and the last prediction of a channel are held up to there.
    channels : sequence, default=None
        The channels to score; None is those of `predictions`. One without predictions
        is never flagged. Labels on other channels are ignored.
    cut_events : {"clip", "drop"}, default="clip"
        What becomes of events that reach beyond `start` or `end`; the benchmark
        drops them.
    variant : {"definition", "published"}, default="definition"
        With "published", affiliation recall has the mistake of the benchmark's code,
        which pairs events with the wrong one of several alarms: for comparison with
        published tables only.

    Returns
    -------
    Bunch of float and int
        ``event_wise_precision``, ``event_wise_recall``, ``event_wise_f``:
        events detected against alarms that meet no label; the precision is multiplied
        by the specificity.
        ``alarming_precision``: 1 if no event raises more than one alarm.
        ``channel_aware_precision``, ``..._recall``, ``..._f``, and
        ``subsystem_aware_...`` (NaN without `subsystems`): whether the right channels
        are flagged in the time of an event, averaged over events.
        ``adtqc``: timing quality of the detected events, 1 = on time, and
        ``adtqc_after_rate``: the share of them detected no earlier than they start.
        ``affiliation_precision``, ``affiliation_recall``, ``affiliation_f``: how near
        alarms are to events, averaged over events; 0.5 is what random alarms reach.

        The counts: ``n_events`` (selected), ``true_positives`` (of them, detected),
        ``false_negatives``, ``false_positives`` (alarms), ``redundant_alarms``,
        ``specificity`` (in time), ``adtqc_before`` and ``adtqc_after`` (events),
        ``n_affiliation_zones``.

        Without any selected event, what depends on one is NaN. Without any alarm,
        precision is 0, except for affiliation, where it is 0.5.

    Raises
    ------
    ValueError
        If a column is missing or there twice, a time cannot be read, a label ends
        before it starts, `predictions` hold anything but 0 and 1 or their times do not
        increase, `categories` or `channels` is empty, a channel has no subsystem or
        two, or no label is on a channel that is scored.
    TypeError
        If labels and predictions are on different clocks, or `predictions`, `channels`
        or `subsystems` is of another kind than told above.

    Warns
    -----
    UndefinedMetricWarning
        If no row of `labels` is of a category asked for, as where it is misspelt; but
        one of the two default categories may be absent where the other is not.

    Notes
    -----
    For every event, the channel-aware scores look at the time S of its labels on all
    channels. A channel with a label of the event is found if it is flagged in S;
    another one flagged in S is a false positive unless it is flagged there within a
    label, on it, of another selected event.

    Affiliation divides the time between merged labels of all categories at the
    midpoints. The zones of an event that hold no label of an unselected event count,
    each with the weight of the labels of the event in it.

    The definitions are those of [1]_ (events, channels, timing; specificity after
    [2]_) and of [3]_ (affiliation). The result takes sorting and binary search,
    O((labels + alarms) log), for each channel.

    References
    ----------
    .. [1] K. Kotowski et al., "European Space Agency benchmark for anomaly detection
       in satellite telemetry", arXiv:2406.17826, 2024.
    .. [2] M. E. A. Sehili, Z. Zhang, "Multivariate time series anomaly detection:
       fancy algorithms and flawed evaluation methodology", arXiv:2308.13068, 2023.
    .. [3] A. Huet, J. M. Navarro, D. Rossi, "Local evaluation of time series anomaly
       detection algorithms", KDD 2022.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.metrics import esa_adb_scores
    >>> labels = pd.DataFrame(
    ...     [
    ...         ["id_1", "c1", "2000-01-01T20", "2000-01-02T06", "Anomaly"],
    ...         ["id_2", "c1", "2000-01-03T12", "2000-01-03T17", "Rare Event"],
    ...     ],
    ...     columns=["ID", "Channel", "StartTime", "EndTime", "Category"],
    ... )
    >>> hours = pd.date_range("2000-01-01", periods=101, freq="h")
    >>> flags = pd.Series(0, index=hours)
    >>> flags["2000-01-01T22":"2000-01-01T23"] = 1
    >>> flags["2000-01-04T08":"2000-01-04T12"] = 1
    >>> scores = esa_adb_scores(labels, {"c1": flags})
    >>> scores["true_positives"], scores["false_positives"]
    (1, 1)
    >>> round(scores["event_wise_precision"], 4), round(scores["adtqc"], 4)
    (0.4706, 0.9774)
    """
    categories = _read_categories(categories)
    clock = Clock()
    flagged, first, last = read_predictions(predictions, clock, start, end, channels)
    segments = read_label_table(labels, clock, list(flagged), first, last, cut_events)
    _warn_of_absent(categories, labels["Category"])
    segments["selected"] = segments["category"].isin(categories)
    chosen = segments[segments["selected"]]
    number, events = pd.factorize(chosen["event"])  # IDs need no order
    chosen = chosen.assign(number=number)
    n_events = len(events)

    alarms = unite(
        np.concatenate([starts for starts, _ in flagged.values()]),
        np.concatenate([stops for _, stops in flagged.values()]),
    )[:2]
    own = unite(chosen["start"], chosen["stop"], chosen["number"])
    hits = _channel_hits(chosen, flagged, n_events)
    channel_names = list(flagged)
    groups = None
    if subsystems is not None:
        groups = read_subsystems(subsystems, channel_names)
    span = first, last
    near = _affiliation(
        segments, chosen, alarms, span, beta, by_position=variant == "published"
    )
    return Bunch(
        **_event_wise(segments, own, n_events, alarms, span, beta),
        **_aware("channel_aware", hits, np.arange(len(channel_names)), beta),
        **_aware("subsystem_aware", hits, groups, beta),
        **_timing(own, alarms, n_events),
        **near,
    )


def _read_categories(categories):
    categories = [categories] if isinstance(categories, str) else list(categories)
    if not categories:
        raise ValueError("categories is empty; name at least one category of events.")
    return categories


def _warn_of_absent(categories, told):
    """Warn of categories that no label has, as where they are misspelt."""
    told = told.unique().tolist()
    absent = [category for category in categories if category not in told]
    # Many tables lack one of the two that are sought by default.
    expected = len(absent) < len(categories) and set(absent) <= set(CATEGORIES)
    if told and absent and not expected:
        warnings.warn(
            f"No label is of category {absent[0]!r}; labels are of "
            f"{', '.join(map(repr, told[:5]))}.",
            UndefinedMetricWarning,
            stacklevel=4,
        )


def _event_wise(segments, own, n_events, alarms, span, beta):
    """Count events detected, alarms that meet no label, and time flagged falsely."""
    starts, stops, number = own
    first, last = span
    alarms_met = count_meeting(*alarms, starts, stops)
    detected = np.bincount(number, alarms_met, minlength=n_events) > 0
    annotated = unite(segments["start"], segments["stop"])[:2]
    false = int((count_meeting(*annotated, *alarms) == 0).sum())
    hits = int(detected.sum())
    redundant = int(np.maximum(alarms_met - 1, 0).sum())

    # Closed ends count nothing: a nanosecond that belongs to a single instant.
    annotated = annotated[0], np.maximum(annotated[1] - 1, annotated[0])
    alarms = alarms[0], np.minimum(alarms[1], last)
    false_time = _measure(alarms) - _measure(intersect(*alarms, *annotated))
    nominal = last - first - _measure(annotated)
    specificity = 1.0 - float(ratio(false_time, nominal))

    precision = float(ratio(hits, hits + false)) * specificity
    recall = float(ratio(hits, n_events))
    figures = {
        "event_wise_precision": precision,
        "event_wise_recall": recall,
        "event_wise_f": float(fbeta(precision, recall, beta)),
        "alarming_precision": float(ratio(hits, hits + redundant)),
    }
    if n_events == 0:
        figures = dict.fromkeys(figures, np.nan)
    return figures | {
        "n_events": n_events,
        "true_positives": hits,
        "false_negatives": n_events - hits,
        "false_positives": false,
        "redundant_alarms": redundant,
        "specificity": specificity,
    }


def _timing(own, alarms, n_events):
    """Judge the first alarm on each event."""
    starts, stops, number = own
    met = count_meeting(*alarms, starts, stops) > 0
    first = np.searchsorted(alarms[1], starts[met], side="right")
    latest, soonest = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    earliest = np.full(n_events, latest)
    np.minimum.at(earliest, number[met], alarms[0][first])
    begin, finish = np.full(n_events, latest), np.full(n_events, soonest)
    np.minimum.at(begin, number, starts)
    np.maximum.at(finish, number, stops - 1)
    length = finish - begin
    # Events that start together have the same one before them, in any order.
    distinct, rank = np.unique(begin, return_inverse=True)
    room = np.where(rank > 0, begin - distinct[rank - 1], length)
    found = earliest < latest
    delay = (earliest - begin)[found]
    quality = timing_quality(delay, length[found], np.minimum(room, length)[found])
    return {
        "adtqc": float(quality.mean()) if len(quality) else np.nan,
        "adtqc_after_rate": float((delay >= 0).mean()) if len(delay) else np.nan,
        "adtqc_before": int((delay < 0).sum()),
        "adtqc_after": int((delay >= 0).sum()),
    }


def _channel_hits(chosen, flagged, n_events):
    """Tell what happens on each channel in the time of each event.

    Three tables of shape (n_events, n_channels): the event has a label on the channel;
    the channel is flagged in the time of the event; it is so within a label of another.
    """
    affected = np.zeros((n_events, len(flagged)), dtype=bool)
    detected, excused = affected.copy(), affected.copy()
    widened = chosen["stop"].where(
        chosen["stop"] - 1 > chosen["start"], chosen["start"] + INSTANT
    )
    starts, stops, number = unite(chosen["start"], widened, chosen["number"])

    def touches(intervals):
        inside = measure_before(*intervals, stops) - measure_before(*intervals, starts)
        return np.bincount(number, inside, minlength=n_events) > 0

    on_channel = dict(list(chosen.groupby("channel", sort=False)))
    for column, (channel, intervals) in enumerate(flagged.items()):
        detected[:, column] = touches(intervals)
        if channel in on_channel:
            rows = on_channel[channel]
            affected[rows["number"], column] = True
            labelled = unite(rows["start"], widened[rows.index])[:2]
            excused[:, column] = touches(intersect(*intervals, *labelled))
    return affected, detected, excused & ~affected


def _aware(name, hits, groups, beta):
    """Average precision, recall and F of groups of channels over events."""
    names = [f"{name}_{figure}" for figure in ("precision", "recall", "f")]
    affected, detected, excused = hits
    if groups is None or len(affected) == 0:
        return dict.fromkeys(names, np.nan)

    def any_member(table):
        members = np.zeros((len(table), groups.max() + 1), dtype=bool)
        for column, group in enumerate(groups):
            members[:, group] |= table[:, column]
        return members

    wanted, found = any_member(affected), any_member(detected)
    right = (wanted & found).sum(axis=1)
    wrong = (~wanted & any_member(detected & ~excused)).sum(axis=1)
    precision = ratio(right, right + wrong)
    recall = ratio(right, wanted.sum(axis=1))
    values = precision, recall, fbeta(precision, recall, beta)
    return {n: float(v.mean()) for n, v in zip(names, values, strict=True)}


def _affiliation(segments, chosen, alarms, span, beta, *, by_position):
    """Average over events how near alarms are to them, and they to alarms."""
    first, last = span
    names = ["affiliation_precision", "affiliation_recall", "affiliation_f"]
    # Instants keep one nanosecond (or what a float64 can tell apart in a span of
    # years), other labels lose the one that closed them.
    grain = max(1, int(2 * np.spacing(float(last - first))))
    stops = np.maximum(segments["stop"] - 1, segments["start"] + grain)
    starts, stops, _ = unite(segments["start"], stops)
    nothing = dict.fromkeys(names, np.nan) | {"n_affiliation_zones": 0}
    if len(chosen) == 0:
        return nothing
    n_zones = len(starts)
    whole = np.full(n_zones, 0), np.full(n_zones, last - first)
    lows, highs = zones(starts - first, stops - first, *whole)
    precision, recall = zone_scores(
        starts - first,
        stops - first,
        lows,
        highs,
        # An alarm at the last instant alone has no length, but counts nevertheless.
        np.minimum(alarms[0], last - 2 * TOLERANCE) - first,
        np.minimum(alarms[1], last) - first,
        tolerance=TOLERANCE,
        by_position=by_position,
    )
    precision = np.where(np.isnan(precision), 0.5, precision)

    zone = np.searchsorted(starts, segments["start"], side="right") - 1
    barred = np.zeros(n_zones, dtype=bool)
    barred[zone[~segments["selected"]]] = True
    zone = zone[segments["selected"]]
    counts = ~barred[zone]
    number, zone = chosen["number"].to_numpy()[counts], zone[counts]
    if len(number) == 0:
        return nothing
    weight = np.bincount(number)
    owned = weight > 0
    figures = [
        float((np.bincount(number, values[zone])[owned] / weight[owned]).mean())
        for values in (precision, recall)
    ]
    figures.append(float(fbeta(*figures, beta)))
    return dict(zip(names, figures, strict=True)) | {
        "n_affiliation_zones": len(np.unique(zone))
    }


def _measure(intervals):
    return int((intervals[1] - intervals[0]).sum())
