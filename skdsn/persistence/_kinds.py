"""Small objects, taken apart and made anew: of NumPy, SciPy, pandas and Python."""

import datetime
import re
from collections import OrderedDict

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, csr_matrix

from skdsn.persistence._trusted import name_of

_DTYPE = re.compile(r"\|b1|\|[iu]1|<[iuf][248]|<U\d{1,4}|<[mM]8\[(\d{1,3})?[a-zA-Z]+\]")
# None that is a path to a file, as "dateutil/..." is.
_ZONE = re.compile(r"(?!dateutil)[A-Za-z0-9_+:-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_UNITS = ("s", "ms", "us", "ns")


def _read_dtype(text):
    if not _DTYPE.fullmatch(text):
        raise ValueError(f"it has a dtype {text!r}")
    return np.dtype(text)


def _take_scalar(value):
    array = np.asarray(value)
    dtype = array.dtype.newbyteorder("<")
    item = int(array.view(np.int64)) if dtype.kind in "mM" else value.item()
    return {"dtype": dtype.str, "value": item}


def _make_scalar(dtype, value):
    dtype = _read_dtype(dtype)
    if dtype.kind in "mM":
        return np.array(value, dtype=np.int64).view(dtype)[()]
    if dtype.kind == "U" and not isinstance(value, str):
        raise ValueError("it has a text that is none")
    return np.array(value, dtype=dtype)[()]


def _take_dtype(value):
    return {"dtype": value.newbyteorder("<").str}


def _take_objects(value):
    return {"shape": value.shape, "items": value.ravel().tolist()}


def _make_objects(shape, items):
    if not isinstance(items, list):
        raise ValueError("it has an array without items")
    array = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):  # which may be arrays
        array[place] = item
    return array.reshape(shape)


def _take_mapping(value):
    return {
        "ordered": isinstance(value, OrderedDict),
        "keys": list(value),
        "values": list(value.values()),
    }


def _make_mapping(ordered, keys, values):
    pairs = zip(keys, values, strict=True)
    return OrderedDict(pairs) if ordered else dict(pairs)


def _take_set(value):
    return {"frozen": type(value) is frozenset, "items": sorted(value, key=repr)}


def _make_set(frozen, items):
    return frozenset(items) if frozen else set(items)


def _take_csr(value):
    return {
        "is_array": isinstance(value, csr_array),
        "shape": value.shape,
        "data": value.data,
        "indices": value.indices,
        "indptr": value.indptr,
    }


def _make_csr(is_array, shape, data, indices, indptr):
    kind = csr_array if is_array else csr_matrix
    if not all(type(n) is int and n > 0 for n in shape) or len(shape) != 2:
        raise ValueError(f"it has a sparse table of shape {shape}")
    if len(indptr) != shape[0] + 1 or data.dtype.kind != "f":
        raise ValueError("it has a sparse table that is not whole")
    made = kind((data, indices, indptr), shape=shape)
    made.check_format(full_check=True)  # its products read without checking
    return made


def _take_random_state(value):
    state = value.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise TypeError(
            f"A RandomState on {state['bit_generator']} cannot be stored; give the "
            "detector an integer as random_state."
        )
    rest = {key: state[key] for key in ("has_gauss", "gauss")}
    return {**state["state"], **rest}


def _make_random_state(key, pos, has_gauss, gauss):
    whole = key.shape == (624,) and key.dtype == np.uint32
    if not whole or type(pos) is not int or not 0 <= pos <= 624:
        raise ValueError("it has a broken random state")
    made = np.random.RandomState(0)
    made.set_state(("MT19937", key, pos, int(bool(has_gauss)), float(gauss)))
    return made


def _take_values(values):
    """Take apart a column or an index: an array, and whether it is text."""
    if isinstance(values.dtype, pd.StringDtype):
        return {"text": True, "array": np.array(values, dtype=object)}
    if not isinstance(values.dtype, np.dtype):
        raise TypeError(f"A pandas object of {values.dtype} cannot be stored.")
    return {"text": False, "array": values.to_numpy()}


def _make_values(text, array):
    if array.ndim != 1:
        raise ValueError("it has a column that is none")
    return pd.array(array, dtype="str") if text else array


def _take_index(value):
    return {**_take_values(value), "name": value.name}


def _make_index(text, array, name):
    return pd.Index(_make_values(text, array), name=name)


def _take_range(value):
    names = ("start", "stop", "step", "name")
    return {name: getattr(value, name) for name in names}


def _make_range(start, stop, step, name):
    return pd.RangeIndex(start, stop, step, name=name)


def _take_series(value):
    return {**_take_values(value), "index": value.index, "name": value.name}


def _make_series(text, array, index, name):
    return pd.Series(_make_values(text, array), index=_as_index(index), name=name)


def _take_frame(value):
    columns = [_take_values(value.iloc[:, i]) for i in range(value.shape[1])]
    return {"index": value.index, "columns": value.columns, "values": columns}


def _make_frame(index, columns, values):
    table = {i: _make_values(**column) for i, column in enumerate(values)}
    frame = pd.DataFrame(table, index=_as_index(index))
    return frame.set_axis(_as_index(columns), axis=1)


def _as_index(index):
    if not isinstance(index, pd.Index):
        raise ValueError("it has a table without an index")
    return index


def _take_time(value):
    timestamp = isinstance(value, pd.Timestamp)
    number = value.to_datetime64() if timestamp else value.to_timedelta64()
    zone = str(value.tz) if timestamp and value.tz is not None else None
    parts = {"value": int(number.view(np.int64)), "unit": value.unit}
    return {**parts, "zone": zone} if timestamp else parts


def _make_timestamp(value, unit, zone):
    made = pd.Timestamp(np.datetime64(value, _UNITS[_UNITS.index(unit)]))
    if zone is None:
        return made
    if not _ZONE.fullmatch(zone):
        raise ValueError(f"it has a time zone {zone!r}")
    return made.tz_localize("UTC").tz_convert(zone)


def _make_timedelta(value, unit):
    return pd.Timedelta(np.timedelta64(value, _UNITS[_UNITS.index(unit)]))


def _take_delay(value):
    return {name: getattr(value, name) for name in ("days", "seconds", "microseconds")}


# Kind to the names of its classes, how it is taken apart, and made of its parts.
KINDS = {
    "scalar": (("numpy.generic",), _take_scalar, _make_scalar),
    "dtype": ((), _take_dtype, _read_dtype),
    "objects": (("numpy.ndarray",), _take_objects, _make_objects),
    "mapping": (
        ("builtins.dict", "collections.OrderedDict"),
        _take_mapping,
        _make_mapping,
    ),
    "set": (("builtins.set", "builtins.frozenset"), _take_set, _make_set),
    "csr": ((name_of(csr_array), name_of(csr_matrix)), _take_csr, _make_csr),
    "random_state": (
        (name_of(np.random.RandomState),),
        _take_random_state,
        _make_random_state,
    ),
    "range": ((name_of(pd.RangeIndex),), _take_range, _make_range),
    "index": ((name_of(pd.Index), name_of(pd.DatetimeIndex)), _take_index, _make_index),
    "series": ((name_of(pd.Series),), _take_series, _make_series),
    "frame": ((name_of(pd.DataFrame),), _take_frame, _make_frame),
    "timestamp": ((name_of(pd.Timestamp),), _take_time, _make_timestamp),
    "timedelta": ((name_of(pd.Timedelta),), _take_time, _make_timedelta),
    "nat": ((name_of(type(pd.NaT)),), lambda value: {}, lambda: pd.NaT),
    "delay": (
        (name_of(datetime.timedelta),),
        _take_delay,
        datetime.timedelta,
    ),
}
