"""What an event is."""

import numpy as np
import pandas as pd

from skdsn._core.runs import find_runs
from skdsn.metrics._inputs import find_tracks, read_flags


def find_events(y, *, tracks=None, timestamps=None, closed="both"):
    """List the events in row labels (or the alarms in row flags).

    An event is a maximal run of 1 within a track: it never goes on into the next
    track. Every metric of this package means this by an event.
    :func:`skdsn.labeling.label_incidents` is the way back.

    Parameters
    ----------
    y : Series or array-like of shape (n_rows,)
        1 = anomalous (or flagged), 0 = normal.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        Track id of each row, or something indexed by (track, time). If None, a
        two-level index of `y` tells the tracks; without one all rows are one track.
    timestamps : array-like of shape (n_rows,), default=None
        Time of each row, where no index tells it.
    closed : {"both", "left"}, default="both"
        Whether ``end_time`` is the time of the last row of the event, which belongs to
        it; or of the row after it, which does not. After the last row of a track, and
        before a gap, that is when the next row was due.

    Returns
    -------
    DataFrame of shape (n_events, 3 or 5)
        One row per event, in the order of the rows: ``track``, its id; ``start``
        and ``stop``, its half-open row positions; and, where an index tells the
        times, ``start_time`` of its first row and ``end_time``.

    Raises
    ------
    ValueError
        If `y` holds anything but 0 and 1, the rows of a track are not contiguous, or
        `closed` is neither of the two.

    See Also
    --------
    event_wise_scores : Count the events that alarms detect.

    Examples
    --------
    >>> find_events([0, 1, 1, 1], tracks=["A", "A", "A", "B"])
      track  start  stop
    0     A      1     3
    1     B      3     4
    """
    if closed not in ("both", "left"):
        raise ValueError(f"closed must be 'both' or 'left'; got {closed!r}.")
    flags = read_flags(y, "y")
    found = find_tracks(len(flags), tracks, timestamps=timestamps, y=y)
    starts, stops = find_runs(flags, found.bounds)
    number = np.searchsorted(found.bounds, starts, side="right") - 1
    events = {"track": found.names.take(number), "start": starts, "stop": stops}
    if found.times is not None:
        events["start_time"] = found.times.take(starts)
        events["end_time"] = found.times.take(stops - 1)
        if closed == "left":
            events["end_time"] += _lasting(found, stops - 1)
    return pd.DataFrame(events)


def _lasting(found, rows):
    """How long rows last, in the unit that their times can be added in."""
    seconds = np.nan_to_num(found.durations[rows])
    if pd.api.types.is_integer_dtype(found.times.dtype):
        return pd.Index(np.rint(seconds)).astype(found.times.dtype)
    return pd.to_timedelta(seconds, unit="s").as_unit(found.times.unit)
