"""How well states were told, one by one."""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from skdsn.dsn_now._labels import is_labelled


def link_state_report(y, predicted):
    """Precision, recall and F1 of every state.

    Parameters
    ----------
    y : Series or array-like of shape (n_rows,)
        States; unlabelled rows are left out.
    predicted : Series or array-like of shape (n_rows,)

    Returns
    -------
    DataFrame
        A row for each state of either, the most frequent first: ``precision`` (NaN
        where the state was never told), ``recall`` and ``f1`` (NaN where it never
        occurred), ``support`` and ``told``, in rows. ``attrs`` has
        ``balanced_accuracy``, ``macro_f1``, ``accuracy``, ``n_rows`` and ``n_states``,
        over the states that occur.

    Raises
    ------
    ValueError
        If lengths differ or no row is labelled.

    Examples
    --------
    >>> from skdsn.dsn_now import link_state_report
    >>> report = link_state_report(
    ...     ["idle", "idle", "locked", "lost"], ["idle", "locked", "locked", "locked"]
    ... )
    >>> report.round(2)
            precision  recall    f1  support  told
    state
    idle         1.00     0.5  0.67        2     1
    locked       0.33     1.0  0.50        1     3
    lost          NaN     0.0  0.00        1     0
    >>> report.attrs["balanced_accuracy"]
    0.5
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    if len(y) != len(predicted):
        raise ValueError(
            f"y has {len(y)} labels for {len(predicted)} predictions; give one each."
        )
    labelled = is_labelled(y)
    if not labelled.any():
        raise ValueError(
            f"None of the {len(y)} rows has a label to compare with; bring rows with "
            "debug strings."
        )
    y, predicted = y[labelled], predicted[labelled]
    states, codes = np.unique(np.concatenate([y, predicted]), return_inverse=True)
    truth, told = np.split(codes, 2)
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, told, labels=np.arange(len(states)), zero_division=np.nan
    )
    occurs = support > 0
    report = pd.DataFrame(
        {
            "precision": precision,
            "recall": recall,
            "f1": np.where(occurs, np.nan_to_num(f1), np.nan),
            "support": support.astype(np.int64),
            "told": np.bincount(told, minlength=len(states)),
        },
        index=pd.Index(states, name="state"),
    ).sort_values("support", ascending=False, kind="stable")
    report.attrs = {
        "balanced_accuracy": float(report["recall"].mean()),
        "macro_f1": float(report["f1"].mean()),
        "accuracy": float((truth == told).mean()),
        "n_rows": len(y),
        "n_states": int(occurs.sum()),
    }
    return report


def plot_link_state_confusion(y, predicted, *, ax=None):
    """Plot which states were told for which.

    Parameters
    ----------
    y : Series or array-like of shape (n_rows,)
        States; unlabelled rows are left out.
    predicted : Series or array-like of shape (n_rows,)
    ax : matplotlib.axes.Axes, default=None
        To draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Save it with ``ax.figure.savefig``. A row of the picture is a state that
        occurred, its cells the shares of its rows that were told as each state.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If lengths differ or no row is labelled.

    See Also
    --------
    link_state_report : The same in figures.

    Examples
    --------
    >>> from skdsn.dsn_now import plot_link_state_confusion
    >>> ax = plot_link_state_confusion(["idle", "locked"], ["idle", "idle"])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['idle (1)', 'locked (1)']
    """
    report = link_state_report(y, predicted)
    states = report.index
    y, predicted = np.asarray(y), np.asarray(predicted)
    labelled = is_labelled(y)
    counts = pd.crosstab(
        pd.Categorical(y[labelled], categories=states),
        pd.Categorical(predicted[labelled], categories=states),
        dropna=False,
    ).to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    if ax is None:
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(
                "figures need matplotlib: pip install skdsn[report]"
            ) from error
        side = 2.5 + 0.7 * len(states)
        ax = Figure(figsize=(side, side), layout="constrained").subplots()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts > 0):
        share = shares[row, column]
        text = f"{share:.2f}" if share >= 0.005 else "<0.01"
        colour = "white" if share > 0.5 else "black"
        ax.text(column, row, text, ha="center", va="center", color=colour)
    ax.set_xticks(range(len(states)), map(str, states), rotation=45, ha="right")
    ax.set_yticks(
        range(len(states)),
        [f"{state} ({n})" for state, n in report["support"].items()],
    )
    ax.set_xlabel("told")
    ax.set_ylabel("state (rows)")
    return ax
