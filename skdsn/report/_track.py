"""The figure of a track: its channels above its score."""

import numpy as np
import pandas as pd

from skdsn._core.runs import find_runs
from skdsn.base import read_labels
from skdsn.report._axes import EVENT, FLAG, figure_class
from skdsn.report._tables import check_scores
from skdsn.tracks import is_categorical, read_tracks

_SECONDS = "time (s)"


def plot_track(X, scores, track, *, y=None, channels=None, figure=None):
    """Plot channels of a track above its anomaly score.

    Flagged rows are marked on the score; true events are shaded.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
        Telemetry indexed by (track, time), or by time: then the track is 0.
    scores : DataFrame
        Columns ``score`` and ``anomaly`` of the rows of `X`, as :func:`score_table`
        returns them.
    track : track id
    y : Series or array-like of shape (n_rows,), default=None
        1 = anomalous, 0 = normal, of the rows of `X`.
    channels : list of str, default=None
        Columns to show, also categorical ones; None takes the first four numeric
        ones that change within the track.
    figure : matplotlib.figure.Figure or SubFigure, default=None
        To draw into; None makes a new one.

    Returns
    -------
    matplotlib.figure.Figure
        Save it with its ``savefig``.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If there is no such track or column, or `scores` has another index.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"SNR": [9.0, 9.1, 2.0, 9.0]})
    >>> scores = pd.DataFrame({"score": [0.1, 0.1, 0.9, 0.3], "anomaly": [0, 0, 1, 0]})
    >>> figure = plot_track(X, scores, track=0, y=[0, 0, 1, 1])
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['SNR', 'score']
    """
    new_figure = figure_class()
    tracks = read_tracks(X)
    if not check_scores(scores).index.equals(X.index):
        raise ValueError("scores and X have different indexes; pass the same rows.")
    labels = read_labels(y, tracks, unlabelled=True)
    found = np.flatnonzero(tracks.names == track)
    if len(found) == 0:
        raise ValueError(
            f"X has no track {track!r}; it has {list(tracks.names[:5])}"
            f"{' and more' if len(tracks) > 5 else ''}."
        )
    rows = slice(*tracks.bounds[found[0] : found[0] + 2])
    times, time_label = _time_axis(tracks, rows)
    frame, own = X.iloc[rows], scores.iloc[rows]
    channels = _varying(frame) if channels is None else list(channels)
    for channel in channels:
        if channel not in X.columns:
            raise ValueError(f"X has no column {channel!r} to plot.")
    n_axes = len(channels) + 1
    if figure is None:
        figure = new_figure(figsize=(9, 1 + 1.4 * n_axes), layout="constrained")
    axes = figure.subplots(n_axes, sharex=True, squeeze=False)[:, 0]
    for ax, channel in zip(axes, channels, strict=False):
        _draw_channel(ax, times, frame[channel])
        # Names are no formulas, though they may hold dollar signs.
        ax.set_ylabel(channel, parse_math=False)
    score = own["score"].to_numpy()
    flagged = own["anomaly"].to_numpy() == 1
    axes[-1].plot(times, score, color="black", linewidth=0.8)
    axes[-1].plot(times[flagged], score[flagged], ".", color=FLAG, label="flagged")
    axes[-1].set(ylabel="score", xlabel=time_label)
    if time_label != _SECONDS:
        _short_dates(axes[-1].xaxis)
    if labels is not None:
        _shade(axes, times, labels[rows] == 1)
    axes[0].set_title(f"track {track}", parse_math=False)
    figure.align_ylabels(axes)
    if flagged.any() or labels is not None:
        axes[-1].legend(loc="upper left")
    return figure


def _time_axis(tracks, rows):
    """Give the times of the rows as matplotlib takes them, and a label."""
    if isinstance(tracks.times, pd.DatetimeIndex):
        times = tracks.times[rows]
        if times.tz is not None:
            times = times.tz_convert("UTC").tz_localize(None)
        return times.to_numpy(), "time (UTC)"
    return tracks.seconds[rows], _SECONDS


def _short_dates(axis):
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator))


def _varying(frame, most=4):
    """Name the first numeric columns that change."""
    numeric = frame.loc[:, ~is_categorical(frame)]
    return list(numeric.columns[numeric.min() < numeric.max()][:most])


def _draw_channel(ax, times, values):
    if is_categorical(values.to_frame())[0]:
        codes, levels = pd.factorize(values, sort=True)
        ax.plot(times, np.where(codes < 0, np.nan, codes), drawstyle="steps-post")
        ax.set_yticks(range(len(levels)), map(str, levels), parse_math=False)
    else:
        ax.plot(times, values.to_numpy(np.float64, na_value=np.nan), linewidth=0.8)


def _shade(axes, times, truth):
    """Shade true events on all axes, up to the row after each of them."""
    starts, stops = find_runs(truth, np.array([0, len(truth)]))
    for number, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        end = times[min(stop, len(times) - 1)]
        label = "event" if number == 0 else None
        for ax in axes:
            ax.axvspan(times[start], end, color=EVENT, alpha=0.3, label=label)
