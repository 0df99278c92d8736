"""The score of many tracks: one line per track, time across, colour for the score."""

import numpy as np

from skdsn._core.runs import find_runs
from skdsn._core.segments import reduce_segments
from skdsn.report._axes import add_legend, shorten, take_axes
from skdsn.report._inputs import has_clock, lasting, read_telemetry, time_unit

# More names than these would hide each other.
_MOST_NAMES = 50


def plot_heatmap(scores, *, y=None, n_bins=200, most=200, ax=None):
    """Plot the score of many tracks as colours, one line per track.

    Parameters
    ----------
    scores : DataFrame, Series or array-like of shape (n_rows,)
        A table with the columns ``score`` and ``anomaly``, as :func:`score_table`
        returns it, or scores only. Flags are not drawn.
    y : Series or array-like of shape (n_rows,), default=None
        1 = anomalous, 0 = normal, -1 = unlabelled. Incidents are outlined.
    n_bins : int, default=200
        Cells of the longest track.
    most : int, default=200
        Tracks to show. Of more than these, those with the highest scores are shown,
        and the title says so.
    ax : matplotlib.axes.Axes, default=None
        To draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Save it with ``ax.figure.savefig``. Across: the time since the start of the
        track, gaps included. Tracks are in the order of the rows, the first on top.
        The colour is the highest score in the cell; where there is no row it is white.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If there are no rows, a score is not finite, labels belong to other rows, or
        `n_bins` or `most` is less than 1.
    TypeError
        If `ax` is no Axes.

    See Also
    --------
    plot_timeline : All tracks one after the other.

    Notes
    -----
    A row fills the cells until the next row of its track is due.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> index = pd.MultiIndex.from_product([["A", "B"], [0, 10, 20]])
    >>> scores = pd.Series([0.1, 0.2, 0.9, 0.3, 0.8, 0.1], index=index)
    >>> ax = plot_heatmap(scores, n_bins=3)
    >>> np.asarray(ax.images[0].get_array())
    array([[0.1, 0.2, 0.9],
           [0.3, 0.8, 0.1]])
    """
    for name, value in {"n_bins": n_bins, "most": most}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1; got {value}.")
    values, _, truth, tracks = read_telemetry(y, scores)
    peaks = reduce_segments(values, tracks.bounds, np.maximum)
    chosen = np.sort(np.argsort(-peaks, kind="stable")[:most])
    begin, end = _times(tracks)
    line = np.full(len(tracks), -1)
    line[chosen] = np.arange(len(chosen))
    line = line[tracks.of_rows()]
    shown = line >= 0
    width = end[shown].max() / n_bins
    cells = _cells(line[shown], begin[shown], end[shown], values[shown], width, n_bins)
    unit, length = time_unit(width * n_bins) if has_clock(tracks) else ("rows", 1)
    longest = width * n_bins / length
    ax = take_axes(ax, (8, 1.4 + min(0.16 * max(len(chosen), 5), 9)))
    image = ax.imshow(
        np.ma.masked_invalid(cells),
        aspect="auto",
        interpolation="nearest",
        extent=(0, longest, len(chosen) - 0.5, -0.5),
    )
    ax.figure.colorbar(image, ax=ax, label="highest score in the cell")
    if truth is not None:
        starts, stops = find_runs(truth, tracks.bounds)
        own = line[starts] >= 0
        starts, stops = starts[own], stops[own]
        _outline(ax, line[starts], begin[starts] / length, end[stops - 1] / length)
    every = -(-len(chosen) // _MOST_NAMES)
    rows = np.arange(0, len(chosen), every)
    names = [shorten(name, 24) for name in tracks.names[chosen[rows]]]
    small = "small" if len(rows) <= 25 else "x-small"
    ax.set_yticks(rows, names, parse_math=False, fontsize=small)
    since = "since the start of the track"
    ax.set_xlabel(f"time {since} ({unit})" if has_clock(tracks) else f"rows {since}")
    if len(chosen) < len(tracks):
        ax.set_title(
            f"the {len(chosen)} of {len(tracks)} tracks with the highest scores",
            loc="left",
            fontsize="medium",
        )
    return ax


def _times(tracks):
    """When each row begins and ends, since the start of its track."""
    lengths = np.diff(tracks.bounds)
    first = np.repeat(tracks.bounds[:-1], lengths)
    since = tracks.seconds if has_clock(tracks) else np.arange(tracks.n_rows)
    begin = (since - since[first]).astype(np.float64)
    return begin, begin + lasting(tracks)


def _cells(line, begin, end, values, width, n_bins):
    """Take the highest score in each cell; NaN where there is no row."""
    # Ends that are whole cells but for rounding must not reach into the next.
    from_bin = np.minimum(np.floor(begin / width + 1e-6), n_bins - 1).astype(np.int64)
    to_bin = np.clip(np.ceil(end / width - 1e-6), from_bin + 1, n_bins).astype(np.int64)
    count = to_bin - from_bin
    rows = np.repeat(np.arange(len(line)), count)
    step = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    cells = np.full((line.max() + 1, n_bins), -np.inf)
    np.maximum.at(cells, (line[rows], from_bin[rows] + step), values[rows])
    return np.where(np.isinf(cells), np.nan, cells)


def _outline(ax, line, begin, end):
    """Outline incidents, all in one collection."""
    from matplotlib.collections import PolyCollection

    if len(line) == 0:
        return
    top, bottom = line - 0.5, line + 0.5
    corners = [(begin, top), (end, top), (end, bottom), (begin, bottom)]
    boxes = np.stack([np.column_stack(corner) for corner in corners], axis=1)
    outlines = PolyCollection(
        boxes,
        facecolors="none",
        edgecolors="tab:red",
        linewidths=1,
        label="incident",
    )
    ax.add_collection(outlines, autolim=False)
    add_legend(ax, loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
