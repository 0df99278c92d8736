"""From the raw files of a mission to tracks that a detector can learn from.

:func:`prepare_tracks` does all of it and writes a
:class:`~skdsn.datasets.TrackStore`; the other functions are its steps, on frames and on
tables of tracks. Each returns what it selected and a report of what it left out or
mended: a DataFrame with columns ``track`` (None: all), ``step``, ``reason``, ``n_rows``
and ``kept``, whether these rows are there all the same. So the rows that are left and
those of the report that are not kept add up to the rows that there were.
"""

from skdsn.preparation._chunk import cut_chunk
from skdsn.preparation._cut import cut_track
from skdsn.preparation._prepare import prepare_tracks, read_quality
from skdsn.preparation._rows import index_by_time, split_bands, trim_elevation
from skdsn.preparation._tracks import (
    sample_tracks,
    split_tracks,
    split_tracks_by_time,
)

__all__ = [
    "cut_chunk",
    "cut_track",
    "index_by_time",
    "prepare_tracks",
    "read_quality",
    "sample_tracks",
    "split_bands",
    "split_tracks",
    "split_tracks_by_time",
    "trim_elevation",
]
