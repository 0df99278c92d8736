"""Affiliation of predictions and events: exact integrals of piecewise linear distances.

Every event owns a zone: the time that is nearer to it than to any other. Within its
zone a prediction is scored by how much nearer to the event it is than a random
instant, and the event by how much nearer predictions are to it.
"""

import numpy as np

from skdsn._core.intervals import integrate_linear, meeting_pairs


def zones(starts, stops, lows, highs):
    """Cut the time around events into one zone each.

    Parameters
    ----------
    starts, stops : ndarray of shape (n_events,)
        Sorted and disjoint.
    lows, highs : ndarray of shape (n_events,)
        Where the track of each event begins and ends.

    Returns
    -------
    lows, highs : float64 ndarray of shape (n_events,)
    """
    lows, highs = lows.astype(np.float64), highs.astype(np.float64)
    middle = (stops[:-1] + starts[1:].astype(np.float64)) / 2
    same = lows[1:] == lows[:-1]
    lows[1:] = np.where(same, middle, lows[1:])
    highs[:-1] = np.where(same, middle, highs[:-1])
    return lows, highs


def zone_scores(
    starts,
    stops,
    lows,
    highs,
    alarm_starts,
    alarm_stops,
    *,
    tolerance=0,
    by_position=False,
):
    """Precision and recall in each zone.

    Parameters
    ----------
    starts, stops : ndarray of shape (n_events,)
        Events, none of them empty.
    lows, highs : float64 ndarray of shape (n_events,)
        Their zones.
    alarm_starts, alarm_stops : ndarray of shape (n_alarms,)
        A set; what lies outside the zones counts nowhere.
    tolerance : float
        Parts of predictions no longer than this do not count as such.
    by_position : bool
        Compare the parts of an event with the predictions in its zone in their order,
        whichever is nearest: the mistake of the published ESA-ADB code.

    Returns
    -------
    precision : float64 ndarray of shape (n_events,)
        NaN where nothing is predicted in the zone.
    recall : float64 ndarray of shape (n_events,)
    """
    starts, stops = starts.astype(np.float64), stops.astype(np.float64)
    alarm_starts = alarm_starts.astype(np.float64)
    alarm_stops = alarm_stops.astype(np.float64)
    if len(starts) == 0:
        return starts, stops
    number, member = meeting_pairs(alarm_starts, alarm_stops, lows, highs)
    begin = np.maximum(alarm_starts[member], lows[number])
    end = np.minimum(alarm_stops[member], highs[number])
    long = end - begin > tolerance
    number, begin, end = number[long], begin[long], end[long]
    n_events = len(starts)

    # Precision: the share of random instants that are farther from the event.
    within = np.minimum(end, stops[number]) - np.maximum(begin, starts[number])
    covered = np.bincount(number, np.maximum(within, 0), minlength=n_events)
    length, zone = (stops - starts)[number, None], (highs - lows)[number, None]
    margin = np.minimum(starts - lows, highs - stops)[number, None]

    def farther(distance):
        return 1 - (length + distance + np.minimum(distance, margin)) / zone

    before = np.column_stack([starts[number] - end, starts[number] - begin])
    after = np.column_stack([begin - stops[number], end - stops[number]])
    gained = sum(
        integrate_linear(farther, np.insert(np.maximum(side, 0), [1], margin, axis=1))
        for side in (before, after)
    )
    predicted = np.bincount(number, end - begin, minlength=n_events)
    gained = np.bincount(number, gained, minlength=n_events)
    with np.errstate(invalid="ignore"):
        precision = (covered + gained) / predicted

    # Recall: the same for the instants of an event and the prediction nearest to them.
    same = number[1:] == number[:-1]
    middle = (end[:-1] + begin[1:]) / 2
    lower = np.where(np.append(False, same), np.append(0, middle), -np.inf)
    upper = np.where(np.append(same, False), np.append(middle, 0), np.inf)
    lower = np.maximum(lower, starts[number])
    upper = np.minimum(upper, stops[number])
    some = lower < upper
    owner, lower, upper = number[some], lower[some], upper[some]
    nearest = np.flatnonzero(some)
    if by_position:
        first = np.searchsorted(number, owner)
        nearest = first + np.arange(len(owner)) - np.searchsorted(owner, owner)
    begin, end = begin[nearest, None], end[nearest, None]
    low, high = lows[owner, None], highs[owner, None]

    def nearer(instant):
        distance = np.maximum(np.maximum(begin - instant, instant - end), 0)
        edge = np.minimum(instant - low, high - instant)
        return 1 - (distance + np.minimum(distance, edge)) / (high - low)

    kinks = [begin, end, (low + high) / 2, (begin + low) / 2, (end + high) / 2]
    reached = integrate_linear(nearer, np.column_stack([lower, *kinks, upper]))
    reached = np.bincount(owner, reached, minlength=n_events)
    return precision, reached / (stops - starts)
