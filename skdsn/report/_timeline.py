"""The score over time, of all tracks one after the other."""

import numpy as np

from skdsn._core.runs import find_runs, reduce_runs
from skdsn.report._axes import CHANCE, EVENT, FLAG, add_legend, shorten, take_axes
from skdsn.report._inputs import has_clock, lasting, read_telemetry, time_unit

# About one for each pixel across; more would be drawn over each other.
_N_BINS = 1500
# More borders than these would hide the score, and more names each other.
_MOST_BORDERS, _MOST_NAMES = 200, 12


def plot_timeline(scores, *, y=None, threshold=None, ax=None):
    """Plot the score of all tracks, one after the other.

    Flagged rows are marked on the score, true incidents are shaded, and thin lines
    separate tracks.

    Parameters
    ----------
    scores : DataFrame, Series or array-like of shape (n_rows,)
        A table with the columns ``score`` and ``anomaly``, as :func:`score_table`
        returns it, or scores without flags.
    y : Series or array-like of shape (n_rows,), default=None
        1 = anomalous, 0 = normal, -1 = unlabelled.
    threshold : float, default=None
        A score to draw a line at; flags are those of the table.
    ax : matplotlib.axes.Axes, default=None
        To draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Save it with ``ax.figure.savefig``.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If there are no rows, a score is not finite, or labels belong to other rows.
    TypeError
        If `ax` is no Axes.

    See Also
    --------
    plot_heatmap : One line per track.
    plot_track : Channels of one track above its score.

    Notes
    -----
    Time is that of the telemetry: pauses between tracks, and gaps within, are left out.
    Of many rows the highest score, and the highest flagged one, of each 1500th part of
    the time are drawn: no peak is lost, and a million rows take no longer than a few
    thousand.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"score": [0.1, 0.7, 0.9, 0.2], "anomaly": [0, 0, 1, 0]})
    >>> ax = plot_timeline(scores, y=[0, 1, 1, 0], threshold=0.8)
    >>> ax.get_legend_handles_labels()[1]
    ['score', 'threshold', 'incident', 'flagged']
    """
    values, flags, truth, tracks = read_telemetry(y, scores)
    ax = take_axes(ax, (11, 3))
    edges = np.concatenate(([0.0], np.cumsum(lasting(tracks))))
    unit, length = time_unit(edges[-1]) if has_clock(tracks) else ("rows", 1)
    edges /= length
    starts, stops = _bins(edges)
    at = edges[starts]
    label = "score" if len(starts) == len(values) else "highest score"
    peaks = reduce_runs(values, starts, stops, np.maximum)
    ax.plot(at, peaks, color="black", linewidth=0.7, label=label)
    if threshold is not None:
        ax.axhline(threshold, color=FLAG, linewidth=0.8, ls="--", label="threshold")
    if truth is not None:
        begin, end = find_runs(truth, tracks.bounds)
        ax.broken_barh(
            list(zip(edges[begin], edges[end] - edges[begin], strict=True)),
            (0, 1),
            transform=ax.get_xaxis_transform(),
            # An edge, for what lasts less than a pixel.
            color=EVENT,
            linewidth=0.8,
            alpha=0.35,
            label="incident",
            zorder=1,
        )
    if flags is not None:
        highest = reduce_runs(
            np.where(flags, values, -np.inf), starts, stops, np.maximum
        )
        shown = np.isfinite(highest)
        ax.plot(at[shown], highest[shown], ".", color=FLAG, ms=4, label="flagged")
    _draw_tracks(ax, tracks, edges)
    ax.set(xlim=(0, edges[-1]), ylabel="score")
    noun = "time" if has_clock(tracks) else "rows"
    counted = "1 track" if len(tracks) == 1 else f"{len(tracks)} tracks in turn"
    ax.set_xlabel(f"{noun} of {counted}" + (f" ({unit})" if noun == "time" else ""))
    # Beside the axes, where it covers no peak.
    add_legend(ax, loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def _bins(edges):
    """Cut rows into runs that fall on one pixel each."""
    starts = np.arange(len(edges) - 1)
    if len(starts) > 2 * _N_BINS:
        pixel = np.floor(edges[:-1] * (_N_BINS / edges[-1]))
        starts = np.flatnonzero(np.diff(pixel, prepend=-1))
    return starts, np.append(starts[1:], len(edges) - 1)


def _draw_tracks(ax, tracks, edges):
    """Separate tracks, and name them where there is room."""
    borders = edges[tracks.bounds]
    if 1 < len(tracks) <= _MOST_BORDERS:
        ax.vlines(
            borders[1:-1],
            0,
            1,
            transform=ax.get_xaxis_transform(),
            color=CHANCE,
            linewidth=0.5,
            zorder=0.5,
        )
    if 1 < len(tracks) <= _MOST_NAMES:
        middle = (borders[1:] + borders[:-1]) / 2
        above = ax.secondary_xaxis("top")
        names = [shorten(name, 16) for name in tracks.names]
        crowded = sum(map(len, names)) > 80
        above.set_xticks(
            middle,
            names,
            parse_math=False,
            rotation=20 if crowded else 0,
            ha="left" if crowded else "center",
            fontsize="small",
        )
        above.tick_params(length=0)
