"""A table of the true incidents: found or not, when, and in which channels."""

import numpy as np
import pandas as pd

from skdsn._core.runs import find_runs, reduce_runs
from skdsn.base import read_labels
from skdsn.metrics import detection_delays
from skdsn.report._errors import how_far_out, name_channels, read_errors
from skdsn.report._inputs import has_times, lasting, read_values
from skdsn.report._tables import check_scores
from skdsn.tracks import read_tracks


def incident_table(y, scores, errors=None, *, n_channels=3):
    r"""List the true incidents: when, found or missed, and in which channels.

    Parameters
    ----------
    y : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal. An incident is a maximal run of 1 within a track.
    scores : DataFrame
        Columns ``score`` and ``anomaly`` of the same rows, as :func:`score_table`
        returns them.
    errors : DataFrame, default=None
        With the index of `scores`: columns ``error_<channel>``, as encoders and
        forecasters emit them, see :func:`stage_output`. Other columns are ignored.
    n_channels : int, default=3
        Channels to name for each incident, at most.

    Returns
    -------
    DataFrame
        One row per incident, in the order of the rows: ``track``; ``start`` and
        ``end``, the times of its first and its last row (row numbers without times);
        ``duration``, in seconds of telemetry, gaps left out (rows without times);
        ``n_rows``; ``detected``, whether one of its rows is flagged; ``delay``, from
        its start to its first flagged row, as long as `duration` is measured in, NaN
        where it is missed; ``peak_time`` and ``peak_score`` of its highest score; and,
        with `errors`, ``channels``, the most responsible first, joined by ", ".

    Raises
    ------
    ValueError
        If a column is missing, an error is not finite, or rows are not the same.
    TypeError
        If `scores` or `errors` is no DataFrame.

    See Also
    --------
    event_table : The alarms, true and false.

    Notes
    -----
    How far channel *c* is out during an incident is
    :math:`(\bar e_c - m_c) / s_c`: the mean of its error over the rows of the incident,
    less its median over the rows outside of any, by its spread there. The spread is the
    interquartile range, which a few bad rows do not move; of an error that rests most
    of the time, and has none, the standard deviation. What never changes outside, but
    does inside, is infinitely far out. Only channels above 0 are named. Without a row
    outside of incidents, errors are compared as they are.

    Errors tell where an incident shows, which need not be where it comes from.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"score": [0.1, 0.7, 0.9, 0.2], "anomaly": [0, 0, 1, 0]})
    >>> errors = pd.DataFrame(
    ...     {"error_AGC": [0.1, 0.1, 0.2, 0.3], "error_SNR": [0.1, 2.0, 3.0, 0.3]}
    ... )
    >>> table = incident_table([0, 1, 1, 0], scores, errors, n_channels=1)
    >>> table[["start", "end", "detected", "delay", "peak_score", "channels"]]
       start  end  detected  delay  peak_score channels
    0      1    2      True    1.0         0.9      SNR
    """
    if n_channels < 1:
        raise ValueError(f"n_channels must be at least 1; got {n_channels}.")
    values, flags = read_values(check_scores(scores))
    tracks = read_tracks(scores)
    truth = read_labels(y, tracks) == 1
    starts, stops = find_runs(truth, tracks.bounds)
    times = _times(tracks)
    edges = np.concatenate(([0.0], np.cumsum(lasting(tracks))))
    highest = np.array(
        [a + values[a:b].argmax() for a, b in zip(starts, stops, strict=True)],
        dtype=np.int64,
    )
    incidents = pd.DataFrame(
        {
            "track": tracks.names.take(tracks.of_rows()[starts]),
            "start": times.take(starts),
            "end": times.take(stops - 1),
            "duration": edges[stops] - edges[starts],
            "n_rows": stops - starts,
            "detected": reduce_runs(flags, starts, stops, np.logical_or),
            "delay": _delays(truth, flags, scores.index),
            "peak_time": times.take(highest),
            "peak_score": values[highest],
        }
    )
    if errors is not None:
        names, table = read_errors(errors, scores.index)
        out = _out_during(table, truth, starts, stops)
        incidents["channels"] = name_channels(names, out, n_channels)
    return incidents


def _times(tracks):
    """Tell the time of each row, or its number where integers are no times."""
    return tracks.times if has_times(tracks) else pd.RangeIndex(tracks.n_rows)


def _delays(truth, flags, index):
    return detection_delays(pd.Series(truth, index), pd.Series(flags, index))


def _out_during(table, truth, starts, stops):
    """How far the mean error of each incident is out of what is usual elsewhere."""
    mean = reduce_runs(table, starts, stops, np.add).reshape(-1, table.shape[1])
    return how_far_out(mean / (stops - starts)[:, None], table[~truth])
