"""The events that a detector has found, and the columns it found them in."""

import numpy as np
import pandas as pd

from skdsn._core.runs import find_runs


def list_events(tracks, bounds, scores, errors, thresholds):
    """List the runs of rows that score above 0.

    Parameters
    ----------
    tracks : Tracks
    bounds : int64 ndarray of shape (n_segments + 1,)
        Where runs end at the latest.
    scores, errors, thresholds : float64 ndarray of shape (n_rows,)

    Returns
    -------
    DataFrame of shape (n_events, 6)
        ``track``, ``start``, ``end``: times of the first and the last row, or their
        numbers; ``peak``, ``severity`` and ``threshold``: error, score and threshold
        of the row that scores highest.
    """
    starts, stops = find_runs(scores > 0, bounds)
    highest = np.array(
        [a + scores[a:b].argmax() for a, b in zip(starts, stops, strict=True)],
        dtype=np.int64,
    )
    times = pd.RangeIndex(len(scores)) if tracks.times is None else tracks.times
    return pd.DataFrame(
        {
            "track": tracks.names.take(tracks.of_rows()[starts]),
            "start": times.take(starts),
            "end": times.take(stops - 1),
            "peak": errors[highest],
            "severity": scores[highest],
            "threshold": thresholds[highest],
        }
    )


def column_position(name, names, parameter):
    """Find a column that a parameter names."""
    if name not in names:
        raise ValueError(
            f"{parameter}={name!r} is not a column of X; it has {names[:5]}"
            f"{' and more' if len(names) > 5 else ''}."
        )
    return names.index(name)
