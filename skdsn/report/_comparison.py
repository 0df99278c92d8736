"""Figures of several detectors beside each other."""

import pandas as pd

from skdsn.report._axes import take_axes

COLUMNS = ("metric", "detector", "score", "low", "high", "chance", "p_adjusted")
# Adjusted p-values below it get a star.
LEVEL = 0.05


def plot_comparison(table, metric=None, *, ax=None):
    """Plot the score of each detector with its interval and its chance level.

    Parameters
    ----------
    table : DataFrame
        As :func:`skdsn.model_selection.compare` returns it.
    metric : str, default=None
        Which of its metrics; None is the first.
    ax : matplotlib.axes.Axes, default=None
        To draw into; None makes a new figure. The legend stands on the right of it,
        where a figure with ``layout="constrained"`` makes room.

    Returns
    -------
    matplotlib.axes.Axes
        Save it with ``ax.figure.savefig``. A star marks detectors that differ from the
        reference, for better or worse, with an adjusted p-value below 0.05.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If the table has no such metric, no rows or lacks a column.
    TypeError
        If `table` is no DataFrame, or `ax` no Axes.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.metrics import compare_scores
    >>> y_true = np.tile([0, 0, 1, 1, 0], 12)
    >>> answers = {"all": (y_true, None), "none": (0 * y_true, None)}
    >>> tracks = np.repeat(np.arange(12), 5)
    >>> table = compare_scores(y_true, answers, tracks=tracks, metrics=["event_recall"])
    >>> ax = plot_comparison(table)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['all', 'none *']
    """
    _check_table(table)
    known = list(dict.fromkeys(table["metric"]))
    metric = known[0] if metric is None else metric
    if metric not in known:
        raise ValueError(f"The table has no metric {metric!r}; it has {known}.")
    rows = table[table["metric"] == metric].reset_index(drop=True)
    ax = take_axes(ax, (7, 1.2 + 0.4 * len(rows)))
    # Intervals need not hold the score, where few tracks are drawn.
    ax.hlines(rows.index, rows["low"], rows["high"], color="tab:blue", linewidth=2)
    ax.plot(rows["score"], rows.index, "o", color="tab:blue", label="score")
    ax.plot(
        rows["chance"], rows.index, "|", color="gray", markersize=14, label="chance"
    )
    differs = rows["p_adjusted"] < LEVEL
    names = [
        f"{name} *" if star else str(name)
        for name, star in zip(rows["detector"], differs, strict=True)
    ]
    # Names are no formulas, though they may hold dollar signs.
    ax.set_yticks(rows.index, names, parse_math=False)
    ax.set_ylim(len(rows) - 0.5, -0.5)  # the first on top
    label = str(metric)
    if differs.any():
        reference = table.attrs.get("reference", "the reference")
        label += f"\n* differs from {reference}, p < {LEVEL}"
    ax.set_xlabel(label, parse_math=False)
    # Beside the axes, where it covers no interval.
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def _check_table(table):
    source = "skdsn.model_selection.compare"
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"table must be the frame that {source} returns; got "
            f"{type(table).__name__}."
        )
    lacking = [name for name in COLUMNS if name not in table.columns]
    if lacking:
        raise ValueError(
            f"table has no column {lacking[0]!r}; pass the frame that {source} returns."
        )
    if not len(table):
        raise ValueError(f"table has no rows; pass the frame that {source} returns.")
