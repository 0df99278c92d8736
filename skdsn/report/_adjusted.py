"""How far point adjustment flatters: three kinds of F1 over all thresholds."""

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from skdsn.metrics import threshold_curve
from skdsn.report._axes import CHANCE, add_legend, take_axes
from skdsn.report._inputs import read_answers
from skdsn.tracks import read_tracks

_KINDS = {
    ("point_adjusted_f1", "F1, point-adjusted"): "tab:orange",
    ("row_f1", "F1 of rows"): "tab:blue",
    ("event_f1", "F1 of events"): "tab:green",
}
# Shares of flagged rows at which chance is shown.
_N_SHARES = 100


def plot_point_adjusted(
    y, scores, *, tracks=None, n_random=20, random_state=0, ax=None
):
    """Plot point-adjusted, row-wise and event-wise F1 over all thresholds.

    Random scores are shown beside each, since point adjustment flatters.

    Parameters
    ----------
    y : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    scores : DataFrame or array-like of shape (n_rows,)
        Anomaly scores, not constant; of a table as :func:`score_table` returns it the
        flags are marked as points too.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        Track id of each row, or something indexed by (track, time). If None, a
        two-level index of `y` or `scores` tells the tracks; without one all rows are
        one track.
    n_random : int, default=20
        Random scores to draw; 0 leaves chance out.
    random_state : int, RandomState instance or None, default=0
        Seeds the draws.
    ax : matplotlib.axes.Axes, default=None
        To draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Save it with ``ax.figure.savefig``. Across: the share of rows that a threshold
        flags, so that random scores stand at the same place, on a logarithmic scale.
        Dashed lines are the mean of the random scores, bands hold all of them.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If no row is anomalous, or scores are constant or belong to other rows.
    TypeError
        If `ax` is no Axes.

    See Also
    --------
    skdsn.metrics.best_threshold : The best point of such a curve, an oracle.
    skdsn.metrics.chance_level : The chance level of one figure, with an interval.

    Notes
    -----
    Curves are exact, see :func:`skdsn.metrics.threshold_curve`. The best point of one
    is an oracle: it is chosen by the labels that it is judged by. The points are what
    the stored threshold reaches.

    Examples
    --------
    >>> ax = plot_point_adjusted([0, 1, 1, 0], [0.3, 0.1, 0.4, 0.2], n_random=0)
    >>> ax.lines[0].get_xdata(), ax.lines[0].get_ydata().round(2)
    (array([1.  , 0.75, 0.5 , 0.25]), array([0.67, 0.67, 0.8 , 1.  ]))
    """
    truth, answers = read_answers(y, {"the detector": scores})
    if not truth.any():
        raise ValueError("y holds no anomalous row, so that no F1 is defined.")
    ((values, flags),) = answers.values()
    if tracks is None:
        tracks = _told_by(y, scores)
    curves = _curves(truth, values, tracks)
    ax = take_axes(ax, (8, 4))
    for (metric, name), color in _KINDS.items():
        ax.plot(*curves[metric], color=color, label=name, drawstyle="steps-pre")
    if flags is not None and flags.any() and not flags.all():
        _draw_stored(ax, truth, flags, tracks)
    if n_random:
        _draw_chance(ax, truth, tracks, n_random, random_state)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    ax.xaxis.set_minor_formatter("")
    ax.set(xlabel="rows flagged by the threshold", ylabel="F1", ylim=(-0.02, 1.02))
    ax.set_title(
        "F1 at every threshold; the best point of a curve is an oracle",
        loc="left",
        fontsize="medium",
    )
    # Beside the axes, where it covers no curve.
    add_legend(ax, loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def _told_by(*sources):
    """Read the tracks of the first source that is indexed by track and time."""
    for given in sources:
        if isinstance(given, pd.Series | pd.DataFrame) and given.index.nlevels > 1:
            return read_tracks(given)
    return None


def _curves(truth, values, tracks):
    """Compute the share of rows flagged and the F1 of each kind, at all thresholds."""
    curves = {
        metric: threshold_curve(metric, truth, values, tracks=tracks)
        for metric, _ in _KINDS
    }
    rows = curves["row_f1"]
    share = (rows.true_positives + rows.false_positives) / len(truth)
    return {metric: (share, curve.value) for metric, curve in curves.items()}


def _draw_stored(ax, truth, flags, tracks):
    """Mark what the flags of a table reach."""
    # Flags are scores of two levels; the upper one flags what they do.
    curves = _curves(truth, flags.astype(np.float64), tracks)
    for (metric, _), color in _KINDS.items():
        share, f1 = curves[metric]
        ax.plot(share[-1], f1[-1], "o", color=color, markeredgecolor="black", zorder=3)
    # One entry of the legend for all of them.
    label = "stored threshold"
    ax.plot([], [], "o", color="white", markeredgecolor="black", label=label)


def _draw_chance(ax, truth, tracks, n_random, random_state):
    """Draw mean and range of F1 of random scores that flag as many rows."""
    random = check_random_state(random_state)
    n_rows = len(truth)
    flagged = np.unique(np.geomspace(1, n_rows, _N_SHARES).round().astype(np.int64))
    f1 = {metric: [] for metric, _ in _KINDS}
    for _ in range(n_random):
        # A random order has a threshold for each number of flagged rows.
        order = random.permutation(n_rows).astype(np.float64)
        for metric, (_, values) in _curves(truth, order, tracks).items():
            f1[metric].append(values[n_rows - flagged])
    share = flagged / n_rows
    for (metric, _), color in _KINDS.items():
        low, high = np.min(f1[metric], axis=0), np.max(f1[metric], axis=0)
        ax.fill_between(share, low, high, color=color, alpha=0.15, linewidth=0)
        ax.plot(share, np.mean(f1[metric], axis=0), "--", color=color, linewidth=1)
    ax.plot([], [], "--", color=CHANCE, linewidth=1, label="random scores")
