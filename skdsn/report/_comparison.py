"""Figures of several detectors beside each other."""

from skdsn.report._figures import figure_class


def plot_comparison(table, metric=None, *, ax=None):
    """Plot the score of each detector with its interval and its chance level.

    Parameters
    ----------
    table : DataFrame
        As :func:`skdsn.model_selection.compare` returns it.
    metric : str, default=None
        Which of its metrics; None is the first.
    ax : matplotlib.axes.Axes, default=None
        To draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Save it with ``ax.figure.savefig``. A star marks detectors that differ from the
        reference with an adjusted p-value below 0.05.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If the table has no such metric.

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
    new_figure = figure_class()
    known = list(dict.fromkeys(table["metric"]))
    metric = known[0] if metric is None else metric
    if metric not in known:
        raise ValueError(f"The table has no metric {metric!r}; it has {known}.")
    rows = table[table["metric"] == metric].reset_index(drop=True)
    if ax is None:
        figure = new_figure(figsize=(7, 1.2 + 0.4 * len(rows)), layout="constrained")
        ax = figure.subplots()
    # Intervals need not hold the score, where few tracks are drawn.
    ax.hlines(rows.index, rows["low"], rows["high"], color="tab:blue", linewidth=2)
    ax.plot(rows["score"], rows.index, "o", color="tab:blue", label="score")
    ax.plot(
        rows["chance"], rows.index, "|", color="gray", markersize=14, label="chance"
    )
    better = rows["p_adjusted"] < 0.05
    names = [
        f"{name} *" if star else str(name)
        for name, star in zip(rows["detector"], better, strict=True)
    ]
    ax.set_yticks(rows.index, names)
    ax.invert_yaxis()
    ax.set(xlabel=metric)
    ax.legend()
    return ax
