"""Objects that a schema cannot hold, as parts that it can; and back again.

Before skops writes a detector, ``pack`` replaces what skops cannot keep, or keeps in a
way that cannot be checked, by a :class:`Stored`: a kind and its parts. After skops has
read a file, ``unpack`` checks the parts and makes the object anew.
"""

from types import FunctionType

import numpy as np
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors

from skdsn.persistence import _kinds, _networks, _trees
from skdsn.persistence._checks import FORGOTTEN, check_object
from skdsn.persistence._trusted import name_of

# Kind to its class, by name; how it is taken apart, and made of its parts.
_KINDS = {**_kinds.KINDS, **_trees.KINDS, **_networks.KINDS}
_KIND_OF = {name: kind for kind, (names, _, _) in _KINDS.items() for name in names}
_DEEPEST = 40


class Stored:
    """An object as it is stored.

    Parameters
    ----------
    kind : str
    parts : dict of str to object
    """

    def __init__(self, kind, parts):
        self.kind = kind
        self.parts = parts


def pack(value, where="detector", depth=0):
    """Replace what skops cannot keep, in a copy that shares its arrays.

    Parameters
    ----------
    value : object
    where : str, default="detector"
        Its place, for messages.
    depth : int, default=0

    Returns
    -------
    object

    Raises
    ------
    TypeError
        If it holds an object that cannot be stored.
    """
    if depth > _DEEPEST:
        raise TypeError(f"{where[:200]}... is nested too deeply to be stored.")

    def inner(part, name=""):
        return pack(part, where + name, depth + 1)

    kind = type(value)
    if value is None or kind in (bool, int, float, str, slice):
        return value
    if kind in (list, tuple):
        return kind([inner(part, f"[{i}]") for i, part in enumerate(value)])
    if kind is dict and all(type(key) is str for key in value):
        return {key: inner(part, f"[{key!r}]") for key, part in value.items()}
    if kind in (np.ndarray, np.memmap) and value.dtype != object:
        return np.asarray(value)
    if kind in (np.longdouble, np.clongdouble):  # of another size on other machines
        raise TypeError(
            f"{where} is a {kind.__name__}, which cannot be stored without pickle; "
            "make it a float."
        )
    name = "numpy.generic" if isinstance(value, np.generic) else name_of(kind)
    if name in _KIND_OF:
        take_apart = _KINDS[_KIND_OF[name]][1]
        return Stored(_KIND_OF[name], inner(take_apart(value)))
    if isinstance(value, FunctionType | type):
        if "<" in value.__qualname__:
            raise TypeError(
                f"{where} is {value.__qualname__}, which no other process could find; "
                "put it into a module."
            )
        return value
    state = _state(value, where)
    if {"cv_results_", "best_estimator_"} <= set(state):
        raise TypeError(
            f"{where} is a {kind.__name__}, whose trials cannot be stored without "
            "pickle; save its best_estimator_ instead."
        )
    copy = kind.__new__(kind)
    vars(copy).update({key: inner(part, f".{key}") for key, part in state.items()})
    return copy


def unpack(value):
    """Make what was packed anew, and check all of it.

    Parameters
    ----------
    value : object
        As skops made it.

    Returns
    -------
    object

    Raises
    ------
    ValueError, TypeError, LookupError, AttributeError
        If a part is not as ``pack`` leaves it.
    """
    kind = type(value)
    if kind is Stored:
        make = _KINDS[value.kind][2]
        return make(**unpack(value.parts))
    if kind in (list, tuple):
        return kind([unpack(part) for part in value])
    if kind is dict:
        return {key: unpack(part) for key, part in value.items()}
    if hasattr(value, "__dict__") and not isinstance(value, FunctionType | type):
        for name, part in vars(value).items():
            vars(value)[name] = unpack(part)
        check_object(value)
    return value


def _state(value, where):
    """Take the attributes of an object that is nothing but its attributes."""
    kind = type(value)
    plain = kind.__reduce__ is object.__reduce__ and hasattr(value, "__dict__")
    state = value.__getstate__() if plain else None
    if not isinstance(state, dict):
        if not plain or state is not None:
            raise TypeError(
                f"{where} is a {name_of(kind)}, which cannot be stored without pickle; "
                "replace it in the detector, or pickle the detector."
            )
        state = {}
    if hasattr(kind, "fit_resample"):
        # What a sampler found in its training rows, and these rows.
        state = {
            key: clone(part) if isinstance(part, NearestNeighbors) else part
            for key, part in state.items()
        }
    forgotten = FORGOTTEN.get(name_of(kind), ())
    return {key: part for key, part in state.items() if key not in forgotten}
