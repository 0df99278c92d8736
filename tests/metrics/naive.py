"""The metrics as their definitions have them, row by row, to test the quick ones."""

import warnings
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning

from skdsn.metrics._inputs import find_tracks


@st.composite
def flagged_tracks(draw, max_tracks=3, max_rows=12):
    """Labels, flags and the track ids of their rows."""
    sizes = draw(st.lists(st.integers(1, max_rows), min_size=1, max_size=max_tracks))
    rows = {"min_size": sum(sizes), "max_size": sum(sizes)}
    truth = np.array(draw(st.lists(st.booleans(), **rows)))
    flags = np.array(draw(st.lists(st.booleans(), **rows)))
    return truth, flags, np.repeat(np.arange(len(sizes)), sizes)


@st.composite
def scored_tracks(draw, max_tracks=3, max_rows=12, event=False):
    """Labels, scores with many ties (but not constant) and track ids."""
    truth, _, ids = draw(flagged_tracks(max_tracks, max_rows))
    if len(ids) < 2:
        truth, ids = np.append(truth, truth), np.append(ids, ids)
    if event:
        truth[draw(st.integers(0, len(truth) - 1))] = True
    levels = draw(st.integers(1, 9))
    rows = {"min_size": len(truth), "max_size": len(truth)}
    scores = np.array(draw(st.lists(st.integers(-levels, levels), **rows))) / 8
    if np.ptp(scores) == 0:
        scores[draw(st.integers(0, len(truth) - 1))] += 1
    return truth, scores, ids


def quietly(function, *args, **kwargs):
    """Call without a word about what is undefined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        return function(*args, **kwargs)


def read(ids):
    """Tracks of ids, as the metrics get them."""
    return find_tracks(len(ids), ids)


def runs(flags, ids):
    """Runs of true rows within tracks, as lists of rows."""
    found = []
    for row, flag in enumerate(flags):
        if flag and row and flags[row - 1] and ids[row] == ids[row - 1]:
            found[-1].append(row)
        elif flag:
            found.append([row])
    return found


def f_score(precision, recall, beta=1.0):
    """F-beta; 0 for what is undefined (None), None where both are."""
    if precision is None and recall is None:
        return None
    p, r = precision or 0, recall or 0
    weight = Fraction(beta) ** 2 if isinstance(p + r, Fraction) else beta**2
    return (1 + weight) * p * r / (weight * p + r) if weight * p + r else 0


def share(part, whole):
    """Divide exactly; None where there is nothing to divide by."""
    return Fraction(int(part), int(whole)) if whole else None


def point_adjust(truth, flags, ids, k=0):
    """Flag whole events of which more than k percent of the rows are flagged."""
    adjusted = flags.copy()
    for event in runs(truth, ids):
        if 100 * sum(flags[event]) > Fraction(k) * len(event):
            adjusted[event] = True
    return adjusted


def row_wise(truth, flags):
    """Precision, recall and F1 of rows."""
    hits = (truth & flags).sum()
    precision, recall = share(hits, flags.sum()), share(hits, truth.sum())
    return precision, recall, f_score(precision, recall)


def event_wise(truth, flags, ids, *, corrected=True, matching="many", beta=1.0):
    """Counts of events and alarms, and what follows from them."""
    events, alarms = runs(truth, ids), runs(flags, ids)
    detected, meetings, false = set(), 0, 0
    for alarm in alarms:
        met = [i for i, event in enumerate(events) if set(event) & set(alarm)]
        meetings += len(met)
        false += not met
        detected.update(met[:1] if matching == "first" else met)
    hits, n_normal = len(detected), int((~truth).sum())
    specificity = 1 - (share((flags & ~truth).sum(), n_normal) or 0)
    precision = share(hits, hits + false)
    if corrected and precision is not None:
        precision *= specificity
    recall = share(hits, len(events))
    every = {i for i, event in enumerate(events) if flags[event].any()}
    return {
        "precision": precision,
        "recall": recall,
        "f": f_score(precision, recall, beta),
        "true_positives": hits,
        "false_positives": false,
        "false_negatives": len(events) - hits,
        "redundant_alarms": meetings - len(every),
        "alarming_precision": (share(len(every), meetings) or 0) if events else None,
        "specificity": specificity,
    }


def covered(one, others, *, alpha, cardinality, bias):
    """Score a range by what other ranges cover of it."""
    size = len(one)
    weights = {
        "flat": [1] * size,
        "front": [size - i for i in range(size)],
        "back": [i + 1 for i in range(size)],
        "middle": [i + 1 if i + 1 <= size / 2 else size - i for i in range(size)],
    }[bias]
    met = [other for other in others if set(other) & set(one)]
    hit = set().union(*met) if met else set()
    overlap = sum(w for row, w in zip(one, weights, strict=True) if row in hit)
    factor = 1 / len(met) if met and cardinality == "reciprocal" else 1
    return alpha * bool(met) + (1 - alpha) * factor * overlap / sum(weights)


def range_based(
    truth, flags, ids, *, alpha, cardinality, bias, precision_bias, beta=1.0
):
    """Average what is covered of events and of alarms."""
    events, alarms = runs(truth, ids), runs(flags, ids)
    how = {"cardinality": cardinality}
    recalls = [covered(e, alarms, alpha=alpha, bias=bias, **how) for e in events]
    precisions = [
        covered(a, events, alpha=0, bias=precision_bias, **how) for a in alarms
    ]
    recall = np.mean(recalls) if recalls else None
    precision = np.mean(precisions) if precisions else None
    return precision, recall, f_score(precision, recall, beta)


# Kinks of the distances lie at quarters of a row, so that sums over the middles of
# eighths are exact integrals.
EIGHTHS = (np.arange(8) + 0.5) / 8


def affiliation_zones(truth, flags, ids):
    """Precision (NaN without flags) and recall of the zone of each event."""
    events, precisions, recalls = runs(truth, ids), [], []
    for event in events:
        rows = np.flatnonzero(ids == ids[event[0]])
        begin, end = event[0], event[-1] + 1
        stops = [e[-1] + 1 for e in events if e[0] in rows and e[-1] < begin]
        starts = [e[0] for e in events if e[0] in rows and e[0] >= end]
        low = (max(stops) + begin) / 2 if stops else rows[0]
        high = (min(starts) + end) / 2 if starts else rows[-1] + 1
        instants = (rows[:, None] + EIGHTHS).ravel()
        flagged = np.repeat(flags[rows], 8) & (instants > low) & (instants < high)
        instants_flagged = instants[flagged]

        def farther(distance, begin=begin, end=end, low=low, high=high):
            """Tell the share of the zone that is farther from the event."""
            near = np.minimum(high, end + distance) - np.maximum(low, begin - distance)
            return 1 - near / (high - low)

        x = instants_flagged
        distance = np.maximum(np.maximum(begin - x, x - end), 0)
        gains = np.where(distance > 0, farther(distance), 1.0)
        precisions.append(gains.mean() if len(x) else np.nan)

        kept = []
        for alarm in runs(flags, ids):
            a, b = max(alarm[0], low), min(alarm[-1] + 1, high)
            if alarm[0] in rows and a < b:
                kept.append((a, b))
        reached = []
        for y in instants[(instants > begin) & (instants < end)]:
            gaps = [max(a - y, y - b, 0) for a, b in kept]
            if gaps:
                d = min(gaps)
                near = min(high, y + d) - max(low, y - d)
                reached.append(1 - near / (high - low))
            else:
                reached.append(0.0)
        recalls.append(np.mean(reached))
    return np.array(precisions), np.array(recalls)


def adtqc(truth, flags, ids):
    """Quality of the first alarm on each detected event, and its delay."""
    events, alarms, found = runs(truth, ids), runs(flags, ids), []
    for i, event in enumerate(events):
        met = [alarm[0] for alarm in alarms if set(alarm) & set(event)]
        if not met:
            continue
        x, length = min(met) - event[0], len(event)
        room = length
        if i and ids[events[i - 1][0]] == ids[event[0]]:
            room = min(length, event[0] - events[i - 1][0])
        if -room < x <= 0:
            quality = ((x + room) / room) ** np.e
        elif 0 < x < length:
            quality = 1 / (1 + (x / (length - x)) ** np.e)
        else:
            quality = 0.0
        found.append((x, quality))
    return found


def vus_areas(truth, scores, ids, buffer):
    """Areas under the ROC and the precision-recall curve with labels that fade out."""
    half, n_rows = buffer // 2, len(truth)
    label, widened = np.zeros(n_rows), np.zeros(n_rows, dtype=bool)
    events = runs(truth, ids)
    for row in range(n_rows):
        gaps = [
            min(abs(row - event[0]), abs(row - event[-1]))
            for event in events
            if ids[row] == ids[event[0]]
        ]
        near = [gap for gap in gaps if gap <= half]
        if truth[row] or len(near) > 1:
            label[row] = 1.0
        elif near:
            label[row] = np.sqrt(1 - near[0] / buffer)
        widened[row] = truth[row] or bool(near)
    stretches = runs(widened, ids)
    n_true = (truth.sum() + label.sum()) / 2
    curve = [(0.0, 0.0, 1.0)]
    for threshold in np.unique(scores)[::-1]:
        flags = scores >= threshold
        hits = label[flags].sum()
        existence = np.mean([flags[stretch].any() for stretch in stretches])
        recall = min(1, hits / n_true) * existence
        curve.append(
            ((flags.sum() - hits) / (n_rows - n_true), recall, hits / flags.sum())
        )
    pr = sum((b[1] - a[1]) * (a[2] + b[2]) / 2 for a, b in pairwise(curve))
    curve.append((1.0, 1.0, 0.0))
    roc = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(curve))
    return roc, pr
