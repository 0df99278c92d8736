"""The telemetry frame: what goes in and out of every stage.

Telemetry is a :class:`pandas.DataFrame`: columns are channels, rows are time
steps. Its index has two levels, ``(track, time)`` by position, under any names;
with one level (time) it is a single track. A NumPy array is one track whose
time is the row number. Rows of a track are contiguous and its times strictly
increase; anything else is an error that names the track, never a silent sort.

Times are datetimes (without a time zone they are UTC), timedeltas, or integers
that count seconds. :func:`as_telemetry` makes such a frame from the usual
containers; :func:`read_tracks` finds where its tracks begin and end.
"""

from skdsn.tracks._clock import as_seconds, gap_seconds, parse_times
from skdsn.tracks._make import as_telemetry, stack_tracks
from skdsn.tracks._read import Tracks, is_categorical, read_tracks

__all__ = [
    "Tracks",
    "as_seconds",
    "as_telemetry",
    "gap_seconds",
    "is_categorical",
    "parse_times",
    "read_tracks",
    "stack_tracks",
]
