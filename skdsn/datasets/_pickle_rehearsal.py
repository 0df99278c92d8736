"""Go through a pickle of telemetry frames before anything in it is made."""

import math
import pickle
import re

import numpy as np

__all__ = ["RefusedError", "Rehearsal"]


class RefusedError(pickle.UnpicklingError):
    """The pickle asks for what it should not."""


class _Global(type):
    """Stands for a class or function that a pickle names."""

    def __getattribute__(cls, name):
        if name == "__setstate__":
            raise RefusedError(f"tries to change {cls.__name__} itself.")
        return super().__getattribute__(name)


class _Stub(metaclass=_Global):
    """Stands for an object that a pickle makes."""

    def __new__(cls, *args, **kwargs):
        stub = object.__new__(cls)
        stub.args = args
        return stub

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def __call__(self, *args):
        return self


def _is(kind, value):
    """Whether a value stands for something made by a class or function."""
    return isinstance(value, _Stub) and type(value).kind == kind


def _is_text(value):
    """Whether a value is text, or bytes as protocol 2 writes them."""
    return type(value) in (str, bytes) or _is("_codecs.encode", value)


class _Argument(_Stub):
    """Stands for a class that is named but never called."""

    def __new__(cls, *args, **kwargs):
        raise RefusedError(f"makes a {cls.kind}, which no telemetry frame does.")


class _Collection(_Stub):
    """Stands for a collection; those of numbers could fill the memory."""

    def __new__(cls, *args, **kwargs):
        for arg in args:
            if type(arg) not in (list, tuple, dict, bytearray) and not _is_text(arg):
                raise RefusedError(f"makes a {cls.kind} of what is no list.")
        return super().__new__(cls, *args)


class _Number(_Stub):
    """Stands for a number; those of numbers of any size could take for ever."""

    def __new__(cls, *args, **kwargs):
        if not all(type(arg) in (bool, int, float, str) for arg in args):
            raise RefusedError(f"makes a {cls.kind} of what is no number.")
        return super().__new__(cls, *args)


class _DType(_Stub):
    """Stands for the type of an array."""

    def __new__(cls, *args, **kwargs):
        name, *flags = args or (None,)
        known = isinstance(name, str) and re.fullmatch(r"[biufcOmMSU]\d{1,9}", name)
        if not known or kwargs or flags not in ([], [False, True]):
            raise RefusedError("holds an array of a type that no column has.")
        stub = super().__new__(cls)
        stub.dtype = np.dtype(name)
        return stub

    def __setstate__(self, state):
        """Refuse a state that lies about what the memory of the array holds."""
        expected = self.dtype.__reduce__()[2]
        # In the end: nothing; or metadata, followed by the unit of a time.
        unit = state[8][1:] if self.dtype.kind in "mM" else ()
        metadata = state[8][:1] if self.dtype.kind in "mM" else state[8:]
        if (
            tuple(state[2:8]) != expected[2:8]
            or state[1] not in (("|",) if expected[1] == "|" else ("<", ">", "="))
            or any(metadata)
            or any(len(each) != 4 for each in unit)
        ):
            raise RefusedError("holds an array of a type that no column has.")


class _Array(_Stub):
    """Stands for an array, which is made empty and filled afterwards."""

    def __new__(cls, *args, **kwargs):
        owner, shape, code = args
        if getattr(owner, "kind", None) != "numpy.ndarray" or shape != (0,):
            raise RefusedError("makes an array as no telemetry frame does.")
        if code.args != ("b", "latin1") if isinstance(code, _Stub) else code != b"b":
            raise RefusedError("makes an array as no telemetry frame does.")
        return super().__new__(cls)

    def __setstate__(self, state):
        """Refuse a shape that is larger than what there is to fill it."""
        _, shape, dtype, _, content = state
        if not isinstance(dtype, _DType):
            raise RefusedError("holds an array of a type that no column has.")
        if not all(type(length) is int and length >= 0 for length in shape):
            raise pickle.UnpicklingError("an array has no shape")
        size = math.prod(shape)
        if dtype.dtype.kind == "O":
            fits = type(content) is list and len(content) == size
        else:
            text = content if type(content) in (str, bytes) else content.args[0]
            fits = _is_text(content) and len(text) == size * dtype.dtype.itemsize
        if not fits:
            raise pickle.UnpicklingError("an array is not as long as its shape")


class _Made(_Stub):
    """Stands for what pandas makes out of other objects, which must be complete."""

    def __new__(cls, *args, **kwargs):
        cls.check_filled(args)
        return super().__new__(cls)

    def __setstate__(self, state):
        self.check_filled(state)

    @classmethod
    def check_filled(cls, value, depth=4):
        if isinstance(value, _Filled) and value in cls.unfilled:
            raise pickle.UnpicklingError(f"a {value.kind} has no content")
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, tuple | list) and depth:
            for each in value:
                cls.check_filled(each, depth - 1)


class _Filled(_Made):
    """Stands for what pandas makes empty and fills afterwards."""

    def __new__(cls, *args, **kwargs):
        stub = super().__new__(cls, *args)
        cls.unfilled.add(stub)
        return stub

    def __setstate__(self, state):
        super().__setstate__(state)
        self.unfilled.discard(self)


class _Object(_Filled):
    """Stands for a frame or column, which is never made by a call."""

    def __init__(self, *args, **kwargs):
        raise RefusedError(f"calls {self.kind}, which no telemetry frame does.")


class _Blocks(_Filled):
    """Stands for the blocks of a frame, filled at once by pandas 1.3 or later."""

    def __init__(self, *args, **kwargs):
        if args:
            self.unfilled.discard(self)


class Rehearsal(pickle.Unpickler):
    """Goes through a pickle without making any object of it.

    `admit` gets module and name of what the pickle asks for; it returns where that is
    found today, or anything but a tuple for a stand-in, or raises RefusedError.
    """

    def __init__(self, file, admit):
        super().__init__(file)
        self.admit = admit
        self.unfilled = set()
        self.found = {}

    def load(self):
        super().load()
        for stub in self.unfilled:
            raise pickle.UnpicklingError(f"a {stub.kind} has no content")

    def find_class(self, module, name):
        if (module, name) not in self.found:
            found = self.admit(module, name)
            kind = ".".join(found if isinstance(found, tuple) else (module, name))
            self.found[module, name] = _Global(
                f"{module}.{name}",
                (_stub_of(kind),),
                {"kind": kind, "unfilled": self.unfilled},
            )
        return self.found[module, name]


def _each(stub, module, names):
    """Let one class stand for several."""
    return {f"{module}.{name}": stub for name in names.split()}


_STUBS = {
    **_each(_Number, "builtins", "bool complex float int"),
    **_each(_Collection, "builtins", "bytearray bytes dict frozenset list set str"),
    "numpy.ndarray": _Argument,
    "zoneinfo.ZoneInfo": _Argument,
    "numpy.dtype": _DType,
    "numpy._core.multiarray._reconstruct": _Array,
    **_each(_Object, "pandas", "Categorical DataFrame Series"),
    "pandas.core.internals.managers.BlockManager": _Blocks,
    "pandas.core.internals.managers.SingleBlockManager": _Blocks,
    "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked": _Filled,
    "pandas._libs.interval.__pyx_unpickle_IntervalMixin": _Filled,
    "pandas._libs.internals._unpickle_block": _Made,
    "pandas.core.indexes.base._new_Index": _Made,
    "pandas.core.indexes.datetimes._new_DatetimeIndex": _Made,
}


def _stub_of(kind):
    """Find the stand-in of a class or function."""
    if kind.startswith("pandas.arrays."):
        return _Object
    if kind.startswith("pandas.") and kind.count(".") == 1 and kind.endswith("Index"):
        return _Argument
    return _STUBS.get(kind, _Stub)
