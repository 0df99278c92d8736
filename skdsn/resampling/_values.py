"""Counters and text as numbers that can be held."""

import numpy as np
import pandas as pd

_RESETS = ("restart", "zero", "missing", "keep")


def difference_counter(series, *, modulus=None, reset="restart", previous=None):
    """Turn a counter into how much it counted since the sample before.

    Parameters
    ----------
    series : Series or array-like of shape (n_samples,)
        A counter, which grows but for wraps and resets.
    modulus : float, default=None
        What a counter that wraps counts up to: a drop is a wrap, and this is added.
    reset : {"restart", "zero", "missing", "keep"}, default="restart"
        What a drop means that `modulus` does not explain. ``"restart"``: the counter
        began at zero again, so that the new value is the difference; ``"zero"`` and
        ``"missing"``: it is 0 or NaN; ``"keep"``: it is negative.
    previous : float, default=None
        The sample before the first; without one, the first difference is 0.

    Returns
    -------
    Series or ndarray of shape (n_samples,)
        ``x[t] - x[t - 1]``, float32 for float32, else float64. NaN where either is.

    Raises
    ------
    ValueError
        If `reset` is another word, or `modulus` is not positive.

    Notes
    -----
    The benchmark of ESA takes ``x[t + 1] - x[t]``, which is not known at *t*, and
    leaves drops negative.

    Examples
    --------
    >>> from skdsn.resampling import difference_counter
    >>> difference_counter([253, 255, 1, 2], modulus=256)
    array([0., 2., 2., 1.])
    >>> difference_counter([253, 255, 1, 2])
    array([0., 2., 1., 1.])
    """
    if reset not in _RESETS:
        raise ValueError(f"reset must be one of {', '.join(_RESETS)}; got {reset!r}.")
    if modulus is not None and not modulus > 0:
        raise ValueError(f"modulus must be positive; got {modulus!r}.")
    values = np.asarray(series)
    dtype = np.float32 if values.dtype == np.float32 else np.float64
    values = values.astype(np.float64)
    begin = values[:1] if previous is None else [previous]
    steps = np.diff(values, prepend=begin)
    if modulus is not None:
        steps[steps < 0] += modulus
    drops = steps < 0
    if reset != "keep":
        instead = {"restart": values[drops], "zero": 0.0, "missing": np.nan}
        steps[drops] = instead[reset]
    steps = steps.astype(dtype)
    return _like(series, steps)


class CategoryCodes:
    """Number the texts of a channel, as they were seen in training.

    Parameters
    ----------
    unknown : int, default=-1
        Code of any other text.

    Attributes
    ----------
    categories_ : list
        Texts in the order of their codes 0, 1, ...: that of their first appearance.

    Examples
    --------
    >>> from skdsn.resampling import CategoryCodes
    >>> codes = CategoryCodes().fit(["OFF", "ON", "OFF"])
    >>> codes.transform(["ON", "FAILED", None])
    array([ 1., -1., nan], dtype=float32)
    """

    def __init__(self, *, unknown=-1):
        self.unknown = unknown

    def fit(self, values):
        """Learn the texts.

        Parameters
        ----------
        values : Series or array-like of shape (n_samples,)
            Those of the training part only. Missing ones are left out.

        Returns
        -------
        CategoryCodes
        """
        self.categories_ = pd.Index(values, dtype=object).dropna().unique().tolist()
        return self

    def transform(self, values):
        """Turn texts into their codes.

        Parameters
        ----------
        values : Series or array-like of shape (n_samples,)

        Returns
        -------
        Series or ndarray of float32, shape (n_samples,)
            NaN where the text is missing.
        """
        known = pd.Index(self.categories_, dtype=object)
        texts = pd.Index(values, dtype=object)
        codes = known.get_indexer(texts).astype(np.float32)
        codes[codes < 0] = self.unknown
        codes[texts.isna()] = np.nan
        return _like(values, codes)


def _like(series, values):
    """Give values the index of a Series, if it is one."""
    if isinstance(series, pd.Series):
        return pd.Series(values, index=series.index, name=series.name)
    return values
