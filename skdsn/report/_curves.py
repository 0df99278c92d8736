"""Curves over all thresholds, row by row."""

from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from skdsn.report._axes import CHANCE, add_legend, take_axes
from skdsn.report._inputs import read_answers


def plot_curves(y, scores, *, ax=None):
    """Plot precision against recall, row by row, above the base rate.

    Parameters
    ----------
    y : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    scores : DataFrame, array-like of shape (n_rows,), or mapping of label to either
        Anomaly scores; of a table as :func:`score_table` returns it the flags are
        marked as a point too.
    ax : matplotlib.axes.Axes, default=None
        To draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Save it with ``ax.figure.savefig``. The legend tells the average precision (AP)
        of each detector.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If no row is anomalous, or scores belong to other rows.
    TypeError
        If `ax` is no Axes.

    Examples
    --------
    >>> ax = plot_curves([0, 0, 1, 1], {"detector": [0.1, 0.4, 0.35, 0.8]})
    >>> ax.get_legend_handles_labels()[1]
    ['detector (AP 0.83)', 'base rate 0.5']
    """
    truth, answers = read_answers(y, scores)
    if not truth.any():
        raise ValueError("y holds no anomalous row, so that recall is undefined.")
    ax = take_axes(ax, (5, 4))
    for label, (values, flags) in answers.items():
        precision, recall, _ = precision_recall_curve(truth, values)
        area = average_precision_score(truth, values)
        label = f"{label} (AP {area:.2f})"
        (line,) = ax.plot(recall, precision, drawstyle="steps-post", label=label)
        if flags is not None and flags.any():
            hits = (flags & truth).sum()
            point = hits / truth.sum(), hits / flags.sum()
            ax.plot(*point, "o", color=line.get_color())
    base_rate = truth.mean()
    label = f"base rate {base_rate:.2g}"
    ax.axhline(base_rate, color=CHANCE, linestyle="--", label=label)
    ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01))
    add_legend(ax)
    return ax


def plot_roc(y, scores, *, ax=None):
    """Plot the share of anomalous rows flagged against that of normal rows flagged.

    Parameters
    ----------
    y : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    scores : DataFrame, array-like of shape (n_rows,), or mapping of label to either
        Anomaly scores; of a table as :func:`score_table` returns it the flags are
        marked as a point too.
    ax : matplotlib.axes.Axes, default=None
        To draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Save it with ``ax.figure.savefig``. The legend tells the area under each curve
        (AUC).

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If rows of a class are missing, or scores belong to other rows.
    TypeError
        If `ax` is no Axes.

    See Also
    --------
    plot_curves : Precision and recall, which tell more where anomalies are rare.

    Notes
    -----
    Where one row in a thousand is anomalous, flagging one normal row in a hundred is a
    step of 0.01 here, yet makes nine flagged rows in ten false at best.

    Examples
    --------
    >>> ax = plot_roc([0, 0, 1, 1], {"detector": [0.1, 0.4, 0.35, 0.8]})
    >>> ax.get_legend_handles_labels()[1]
    ['detector (AUC 0.75)', 'chance (AUC 0.5)']
    """
    truth, answers = read_answers(y, scores)
    if truth.all() or not truth.any():
        missing = "normal" if truth.all() else "anomalous"
        raise ValueError(
            f"y holds no {missing} row, so that one of both shares is undefined; bring "
            "rows of both classes."
        )
    ax = take_axes(ax, (5, 4))
    for label, (values, flags) in answers.items():
        false_share, true_share, _ = roc_curve(truth, values)
        label = f"{label} (AUC {roc_auc_score(truth, values):.2f})"
        (line,) = ax.plot(false_share, true_share, label=label)
        if flags is not None:
            point = flags[~truth].mean(), flags[truth].mean()
            ax.plot(*point, "o", color=line.get_color())
    ax.plot([0, 1], [0, 1], color=CHANCE, linestyle="--", label="chance (AUC 0.5)")
    ax.set(
        xlabel="share of normal rows flagged",
        ylabel="share of anomalous rows flagged",
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
    )
    add_legend(ax, loc="lower right")
    return ax
