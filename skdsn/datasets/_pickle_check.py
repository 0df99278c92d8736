"""Check frames that come from a pickle, where pandas trusts what was written."""

from itertools import chain

import numpy as np
import pandas as pd

__all__ = ["check_content"]


def check_content(content):
    """Check every frame, column, index and array in lists, tuples, dicts and sets.

    Parameters
    ----------
    content : object
        What was pickled.

    Raises
    ------
    ValueError
        If a column is missing, does not fit the rows, or cannot be read; or whatever
        pandas raises when its own parts do not fit together.
    """
    waiting, seen = [content], set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, list | tuple | set | frozenset | dict):
            if id(each) not in seen:
                seen.add(id(each))
                waiting.extend(each)
                waiting.extend(each.values() if isinstance(each, dict) else ())
        elif isinstance(each, pd.DataFrame | pd.Series):
            _check_frame(each)
        elif isinstance(each, pd.Index):
            _check_index(each)
        elif isinstance(each, np.ndarray | pd.api.extensions.ExtensionArray):
            _check_values(each)
        elif type(each).__module__.startswith("pandas.core.internals"):
            raise ValueError("it holds the inside of a frame")


def _check_frame(frame):
    """Check that the blocks of a frame, or of a column, are all there."""
    _check_attributes(frame)
    manager, ndim = frame._mgr, frame.ndim
    kind = ("dataframe", []) if ndim == 2 else ("series", ["_name"])
    metadata = ["_name" if name == "name" else name for name in frame._metadata]
    if (frame._typ, metadata) != kind or not manager.ndim == len(manager.axes) == ndim:
        raise ValueError("a frame is of another type than it says")
    for axis in manager.axes:
        _check_index(axis)
    hash((frame.name,) if ndim == 1 else tuple(frame.columns))
    *n_columns, n_rows = map(len, manager.axes)
    for block in manager.blocks:
        _check_values(block.values)
        if block.values.shape[-1] != n_rows or block.ndim != ndim:
            raise ValueError("a column is not as long as its frame")
    if ndim == 1:
        if len(manager.blocks) != 1:
            raise ValueError("a column is made of several")
        return
    # Counted first, since a place may be a slice of any length.
    places = [block.mgr_locs for block in manager.blocks]
    widths = [(1, *block.values.shape)[-2] for block in manager.blocks]
    fits = list(map(len, places)) == widths and sum(widths) == n_columns[0]
    if not fits or sorted(chain(*places)) != list(range(n_columns[0])):
        raise ValueError("a frame has other columns than it says")


def _check_attributes(holder):
    """Refuse what would hide a method of the class."""
    for name in getattr(holder, "__dict__", ()):
        if callable(getattr(type(holder), name, None)):
            raise ValueError(f"a {type(holder).__name__} has a strange {name!r}")


def _check_index(index):
    """Check an index, each level of it."""
    if not isinstance(index, pd.Index):
        raise ValueError("a frame has no index")
    hash(tuple(index.names))
    if isinstance(index, pd.MultiIndex):
        for codes, level in zip(index.codes, index.levels, strict=True):
            _check_index(level)
            _check_codes(codes, len(level))
            if len(codes) != len(index):
                raise ValueError("the levels of an index differ in length")
    elif not isinstance(index, pd.RangeIndex):
        _check_values(index._values)


def _check_codes(codes, n_categories):
    """Check that codes lead to categories; pandas reads beyond them otherwise."""
    if codes.dtype.kind != "i" or codes.ndim != 1:
        raise ValueError("the codes of categories are no integers")
    if len(codes) and not -1 <= codes.min() <= codes.max() < n_categories:
        raise ValueError("a code has no category")


def _check_values(values):
    """Check that an array of NumPy or pandas holds what its type says."""
    if isinstance(values, np.ndarray):
        if values.dtype == bool and values.size and values.view("u1").max() > 1:
            raise ValueError("a flag is neither true nor false")
        return
    if not isinstance(values, pd.api.extensions.ExtensionArray):
        raise ValueError("a column is no array")
    _check_attributes(values)
    dtype = values.dtype
    if isinstance(values, pd.Categorical):
        _check_index(dtype.categories)
        _check_codes(values.codes, len(dtype.categories))
        return
    if isinstance(values, pd.arrays.IntervalArray):
        left, right = values._left, values._right
        _check_values(left)
        _check_values(right)
        again = pd.arrays.IntervalArray.from_arrays(left, right, closed=values.closed)
        fits = again.dtype == dtype
    elif hasattr(values, "_mask"):
        _check_values(values._mask)
        fits = values._mask.dtype == bool and values._mask.shape == values._data.shape
        fits = fits and values._data.dtype == dtype.numpy_dtype
    elif hasattr(values, "_pa_array"):
        arrow = str(values._pa_array.type)
        fits = (
            arrow in ("string", "large_string")
            if isinstance(dtype, pd.StringDtype)
            else values._pa_array.type == dtype.pyarrow_dtype
        )
    elif isinstance(dtype, pd.StringDtype):
        fits = values._ndarray.dtype == object
    else:
        # Days and times: their own constructor compares the two types.
        type(values)._simple_new(values._ndarray, dtype=dtype)
        fits = values._ndarray.dtype.kind in "mMi"
    if not fits or values[:1].astype(object).ndim != values.ndim:
        raise ValueError("a column is of another type than it says")
