"""What a fitted detector relies on: importances by the names of the features."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdsn.base import inner_estimator
from skdsn.report._axes import shorten, take_axes


def feature_importances(detector):
    """List the importances of the features of a fitted detector, by their names.

    Parameters
    ----------
    detector : fitted estimator with ``feature_importances_``
        Or a Pipeline that ends in one, or an estimator around either that holds it as
        ``detector_``, such as :class:`skdsn.detectors.TunedThresholdDetector`, or as
        ``best_estimator_``.

    Returns
    -------
    Series of shape (n_features,)
        Named ``importance``, the highest first, indexed by the columns that the last
        step was fitted on: its ``feature_names_in_``, else what the steps before give
        out, else ``x0``, ``x1``, ... as in scikit-learn.

    Raises
    ------
    TypeError
        If the last step has no importances.

    See Also
    --------
    plot_importances : Draws the highest.
    sklearn.inspection.permutation_importance : Of any detector, on rows held out.

    Notes
    -----
    The importances of a forest are shares of impurity taken away on its training rows.
    They favour columns of many values, and split between columns that tell the same.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X = pd.DataFrame({"AGC": [1.0, 1.0, 1.0], "SNR": [9.0, 8.0, 2.0]})
    >>> feature_importances(DecisionTreeClassifier().fit(X, [0, 0, 1]))
    SNR    1.0
    AGC    0.0
    Name: importance, dtype: float64
    """
    check_is_fitted(detector)
    inner = inner_estimator(detector)
    names = None
    while isinstance(inner, Pipeline):
        names = _names_before_last(inner, names)
        inner = inner_estimator(inner.steps[-1][1])
    if not hasattr(inner, "feature_importances_"):
        raise TypeError(
            f"{type(inner).__name__} has no feature_importances_, as forests and "
            "boosted trees have; see sklearn.inspection.permutation_importance."
        )
    values = np.asarray(inner.feature_importances_, dtype=np.float64)
    names = getattr(inner, "feature_names_in_", names)
    if names is None or len(names) != len(values):
        names = [f"x{i}" for i in range(len(values))]
    found = pd.Series(values, index=pd.Index(names, dtype=object), name="importance")
    return found.sort_values(ascending=False, kind="stable")


def plot_importances(detector, *, most=20, ax=None):
    """Plot the highest importances of the features of a fitted detector, by name.

    Parameters
    ----------
    detector : fitted estimator with ``feature_importances_``
        Or what :func:`feature_importances` takes besides.
    most : int, default=20
        Features to show.
    ax : matplotlib.axes.Axes, default=None
        To draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Save it with ``ax.figure.savefig``. The title tells how much of all importance
        is shown.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError
        If the last step has no importances, or `ax` is no Axes.
    ValueError
        If `most` is less than 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X = pd.DataFrame({"AGC": [1.0, 1.0, 1.0], "SNR": [9.0, 8.0, 2.0]})
    >>> ax = plot_importances(DecisionTreeClassifier().fit(X, [0, 0, 1]), most=1)
    >>> ax.get_yticklabels()[0].get_text(), ax.get_title()
    ('SNR', '1 of 2 features, 100 % of all importance')
    """
    if most < 1:
        raise ValueError(f"most must be at least 1; got {most}.")
    known = feature_importances(detector)
    shown = known.iloc[:most]
    ax = take_axes(ax, (6, 1.2 + 0.25 * len(shown)))
    rows = np.arange(len(shown))
    ax.barh(rows, shown, color="tab:blue")
    names = [shorten(name) for name in shown.index]
    # Names are no formulas, though they may hold dollar signs.
    ax.set_yticks(rows, names, parse_math=False)
    ax.set_ylim(len(shown) - 0.5, -0.5)  # the highest on top
    ax.set_xlabel("importance")
    if len(shown) < len(known):
        part = f"{len(shown)} of {len(known)} features"
        whole = known.sum()
        share = f", {shown.sum() / whole:.0%} of all importance" if whole > 0 else ""
        ax.set_title(part + share.replace("%", " %"))
    return ax


def _names_before_last(pipeline, names):
    """Name what the steps before the last give out; None if one does not tell."""
    names = getattr(pipeline, "feature_names_in_", names)
    for _, step in pipeline.steps[:-1]:
        if step in (None, "passthrough") or hasattr(step, "fit_resample"):
            continue
        if not hasattr(step, "get_feature_names_out"):
            return None
        names = step.get_feature_names_out(names)
    return names
