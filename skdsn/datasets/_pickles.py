"""Read pickles of telemetry frames, and nothing else."""

import datetime
import gzip
import importlib
import io
import pickle
import struct
import zlib
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
from pandas._libs.internals import _unpickle_block
from pandas.core.internals.managers import BlockManager

from skdsn.datasets._pickle_check import check_content
from skdsn.datasets._pickle_rehearsal import RefusedError, Rehearsal

__all__ = ["load_frames"]

# What pickle and the classes below raise on content that is broken.
_BROKEN = (
    pickle.PickleError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SystemError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def load_frames(file, *, allow_pickle):
    """Load a pickle that holds telemetry frames.

    Parameters
    ----------
    file : str, path-like or binary file
        A path that ends in ``.gz`` is decompressed. A file must be seekable, since
        it is read twice: to check it, and to load it.
    allow_pickle : bool
        Whether to read it at all.

    Returns
    -------
    object
        What was pickled: DataFrames of pandas 1.1 or later, NumPy arrays and numbers,
        dates, text, and lists, tuples, dicts and sets of them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        Without `allow_pickle`; if the pickle asks for anything but the classes and
        functions that rebuild such data; or if it is broken.

    Notes
    -----
    The whole file is checked before the first object in it is made: what it names,
    and that arrays have the type and the size they say. Frames are checked once they
    are made: that their columns fit together and can be read. That stops whatever
    names a function to run, and damage; but a pickle made to overrun the memory of a
    compiled library is beyond any such check: read only files that you trust.
    """
    name = getattr(file, "name", "The file") if hasattr(file, "read") else file
    if not allow_pickle:
        raise ValueError(
            f"{name} is a pickle, and reading a pickle can run code; if you trust its "
            "origin, give allow_pickle=True (--allow-pickle), or convert it once: "
            "skdsn convert IN OUT --allow-pickle."
        )
    with _opened(file) as stream:
        return _load(stream, name)


def _load(stream, name):
    """Check, load and check again; whatever fails is told in one sentence."""
    try:
        Rehearsal(stream, _admitted).load()
        stream.seek(0)
        content = _FrameUnpickler(stream).load()
        check_content(content)
    except _BROKEN as error:
        if isinstance(error, RefusedError):
            raise ValueError(f"{name} {error}") from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{name} is no complete pickle of telemetry frames: {reason.rstrip('.')}."
        ) from error
    return content


@contextmanager
def _opened(file):
    """Open a binary stream at its beginning."""
    if hasattr(file, "read"):
        file.seek(0)
        yield file
        return
    path = Path(file)
    with path.open("rb") as raw:
        if path.name.lower().endswith(".gz"):
            with io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20) as stream:
                yield stream
        else:
            yield raw


def _admitted(module, name):
    """Where a class or function is found today."""
    if (module, name) not in _ADMITTED:
        raise RefusedError(
            f"asks for {module}.{name}, which no telemetry frame needs; it was not "
            "loaded, and nothing in it was run."
        )
    return _ADMITTED[module, name]


class _FrameUnpickler(pickle.Unpickler):
    """Finds only what rebuilds frames."""

    def find_class(self, module, name):
        found = _admitted(module, name)
        if not isinstance(found, tuple):
            return found
        module, name = found
        return getattr(importlib.import_module(module), name)


# -- Stand-ins, where the function itself could do more than it should --


def _encode(text, encoding="latin1"):
    """Bytes as protocol 2 writes them."""
    if encoding != "latin1":
        raise RefusedError(f"asks for the codec {encoding!r}.")
    return text.encode("latin1")


def _attribute(owner, name):
    """Rebuild a time zone; it is pickled as an attribute of its class."""
    if owner is not ZoneInfo or name != "_unpickle":
        raise RefusedError(f"asks for the attribute {name!r} of {owner!r}.")
    return _zone


def _zone(key, *_):
    """Time zone of that name, also for one of pytz."""
    if not isinstance(key, str):
        raise TypeError(f"a time zone is named {key!r}")
    return ZoneInfo(key)


def _utc():
    return datetime.UTC


def _arrow_array(data):
    """Rebuild an array of pyarrow, and check that it stays within its buffers."""
    from pyarrow.lib import _restore_array

    array = _restore_array(data)
    array.validate(full=True)
    return array


def _timestamp(value, freq=None, tz=None):
    """Rebuild a time that pandas 1.1 or older wrote."""
    return pd.Timestamp(value, tz=tz)


class _Partial:
    """The functools.partial of pandas 1.3, which only ever makes a block."""

    def __init__(self, function):
        if function is not _unpickle_block:
            raise RefusedError(f"asks for functools.partial of {function!r}.")

    def __setstate__(self, state):
        self.keywords = {"ndim": state[2]["ndim"]}

    def __call__(self, *args):
        return _unpickle_block(*args, **self.keywords)


class _Manager(BlockManager):
    """Makes the empty manager that pandas 1.2 and older filled afterwards."""

    def __new__(cls, *args):
        return BlockManager.__new__(BlockManager, *(args or ((), [], False)))


# -- What is admitted: (module, name) -> (module, name) of today, or a stand-in --


def _admit(modules, names):
    """Admit names of several modules, found today in the first."""
    return {(m, n): (modules[0], n) for m in modules for n in names.split()}


_DTYPES = (
    "Int8Dtype Int16Dtype Int32Dtype Int64Dtype UInt8Dtype UInt16Dtype "
    "UInt32Dtype UInt64Dtype"
)
_ADMITTED = {
    **_admit(
        ["builtins", "__builtin__"],
        "bool bytearray bytes complex float frozenset int list range set slice str",
    ),
    ("__builtin__", "xrange"): ("builtins", "range"),
    ("__builtin__", "unicode"): ("builtins", "str"),
    ("__builtin__", "long"): ("builtins", "int"),
    ("builtins", "getattr"): _attribute,
    ("__builtin__", "getattr"): _attribute,
    ("_codecs", "encode"): _encode,
    **_admit(["collections"], "OrderedDict"),
    **_admit(["datetime"], "date datetime time timedelta timezone"),
    **_admit(["decimal"], "Decimal"),
    **_admit(["zoneinfo"], "ZoneInfo"),
    ("pytz", "_UTC"): _utc,
    ("pytz", "_p"): _zone,
    **_admit(["numpy"], "dtype ndarray"),
    **_admit(
        ["numpy._core.multiarray", "numpy.core.multiarray"], "_reconstruct scalar"
    ),
    **_admit(["numpy._core.numeric", "numpy.core.numeric"], "_frombuffer"),
    **_admit(["pandas", "pandas.core.frame"], "DataFrame"),
    **_admit(["pandas", "pandas.core.series"], "Series"),
    **_admit(["pandas", "pandas.core.indexes.base"], "Index"),
    **_admit(["pandas", "pandas.core.indexes.range"], "RangeIndex"),
    **_admit(["pandas", "pandas.core.indexes.multi"], "MultiIndex"),
    **_admit(["pandas", "pandas.core.indexes.category"], "CategoricalIndex"),
    **_admit(["pandas", "pandas.core.indexes.datetimes"], "DatetimeIndex"),
    **_admit(["pandas", "pandas.core.indexes.timedeltas"], "TimedeltaIndex"),
    **_admit(["pandas", "pandas._libs.missing"], "NA"),
    **_admit(["pandas", "pandas.core.arrays.categorical"], "Categorical"),
    **_admit(["pandas", "pandas.core.arrays.integer"], _DTYPES),
    **_admit(["pandas", "pandas.core.arrays.floating"], "Float32Dtype Float64Dtype"),
    **_admit(["pandas", "pandas.core.arrays.boolean"], "BooleanDtype"),
    **_admit(["pandas", "pandas.core.arrays.string_"], "StringDtype"),
    **_admit(
        ["pandas", "pandas.core.dtypes.dtypes"],
        "ArrowDtype CategoricalDtype DatetimeTZDtype IntervalDtype PeriodDtype",
    ),
    **_admit(["pandas.arrays", "pandas.core.arrays.integer"], "IntegerArray"),
    **_admit(["pandas.arrays", "pandas.core.arrays.floating"], "FloatingArray"),
    **_admit(["pandas.arrays", "pandas.core.arrays.boolean"], "BooleanArray"),
    **_admit(["pandas.arrays", "pandas.core.arrays.string_"], "StringArray"),
    **_admit(["pandas.arrays", "pandas.core.arrays.string_arrow"], "ArrowStringArray"),
    **_admit(
        ["pandas.arrays", "pandas.core.arrays.arrow.array"], "ArrowExtensionArray"
    ),
    **_admit(["pandas.arrays", "pandas.core.arrays.datetimes"], "DatetimeArray"),
    **_admit(["pandas.arrays", "pandas.core.arrays.timedeltas"], "TimedeltaArray"),
    **_admit(["pandas.arrays", "pandas.core.arrays.period"], "PeriodArray"),
    **_admit(["pandas.arrays", "pandas.core.arrays.interval"], "IntervalArray"),
    **_admit(["pandas.core.indexes.base"], "_new_Index"),
    **_admit(["pandas.core.indexes.datetimes"], "_new_DatetimeIndex"),
    **_admit(["pandas.core.internals.managers"], "SingleBlockManager"),
    ("pandas.core.internals.managers", "BlockManager"): _Manager,
    **{
        ("pandas.core.indexes.numeric", name): ("pandas", "Index")
        for name in ("Int64Index", "UInt64Index", "Float64Index")
    },
    **_admit(["pandas._libs.arrays"], "__pyx_unpickle_NDArrayBacked"),
    **_admit(["pandas._libs.internals"], "_unpickle_block"),
    ("pandas.core.internals.blocks", "new_block"): (
        "pandas._libs.internals",
        "_unpickle_block",
    ),
    **_admit(["pandas._libs.interval"], "__pyx_unpickle_IntervalMixin Interval"),
    **_admit(["pandas._libs.tslibs.nattype"], "_nat_unpickle"),
    ("pandas._libs.tslibs.nattype", "__nat_unpickle"): (
        "pandas._libs.tslibs.nattype",
        "_nat_unpickle",
    ),
    **_admit(
        ["pandas._libs.tslibs.offsets"], "Day Hour Minute Second Milli Micro Nano"
    ),
    ("functools", "partial"): _Partial,
    **_admit(["pandas._libs.tslibs.timedeltas"], "Timedelta _timedelta_unpickle"),
    **_admit(["pandas._libs.tslibs.timestamps"], "_unpickle_timestamp"),
    ("pandas._libs.tslibs.timestamps", "Timestamp"): _timestamp,
    **_admit(["pyarrow.lib"], "chunked_array py_buffer timestamp type_for_alias"),
    ("pyarrow.lib", "_restore_array"): _arrow_array,
}
