"""The confusion matrix of rows."""

import numpy as np
import pandas as pd

from skdsn.base import read_labels
from skdsn.report._axes import take_axes
from skdsn.report._inputs import check_rows, read_flags, read_values

_CLASSES = ("normal", "anomalous")


def plot_confusion(y, scores, *, ax=None):
    r"""Plot how many normal and anomalous rows are flagged.

    Parameters
    ----------
    y : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal; one class is enough.
    scores : DataFrame or array-like of shape (n_rows,)
        A table with the columns ``score`` and ``anomaly``, as :func:`score_table`
        returns it, or the flags themselves, 0 or 1.
    ax : matplotlib.axes.Axes, default=None
        To draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Save it with ``ax.figure.savefig``. Each cell tells the number of rows and
        their share of the rows of that true class, which is also its colour; a class
        without rows has no share.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If flags are neither 0 nor 1, or belong to other rows.
    TypeError
        If `ax` is no Axes.

    Examples
    --------
    >>> ax = plot_confusion([0, 0, 0, 0, 1], [0, 0, 0, 1, 1])
    >>> [text.get_text().split("\n") for text in ax.texts]
    [['3', '75.0 %'], ['1', '25.0 %'], ['0', '0.0 %'], ['1', '100.0 %']]
    """
    truth = read_labels(y) == 1
    if isinstance(scores, pd.DataFrame):
        _, flags = read_values(scores)
    else:
        flags = read_flags(scores, "scores without a column 'anomaly' are flags and")
    check_rows(y, scores, len(truth), len(flags), "scores")
    counts = np.bincount(2 * truth + flags, minlength=4).reshape(2, 2)
    of_class = counts.sum(axis=1, keepdims=True)
    shares = np.divide(
        counts, of_class, out=np.full((2, 2), np.nan), where=of_class > 0
    )
    ax = take_axes(ax, (4.2, 3.6))
    ax.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        percent = "–" if np.isnan(share) else f"{_percent(share)} %"
        ax.text(
            column,
            row,
            f"{counts[row, column]:,}\n{percent}",
            ha="center",
            va="center",
            color="white" if share > 0.5 else "black",
        )
    names = [
        f"{name}\n({n:,})" for name, n in zip(_CLASSES, of_class[:, 0], strict=True)
    ]
    ax.set_xticks([0, 1], ["not flagged", "flagged"])
    ax.set_yticks([0, 1], names)
    ax.set_xlabel("share of the rows of the true class")
    ax.set_ylabel("true class")
    return ax


def _percent(share):
    """Round a share to percent, but neither up to all nor down to none."""
    percent = 100 * share
    if 0 < percent < 0.05:
        return "< 0.1"
    if 99.95 <= percent < 100:
        return "> 99.9"
    return f"{percent:.1f}"
