"""Values as messages show them."""

from reprlib import Repr

__all__ = ["short"]

_MOST = 200  # characters
_REPR = Repr()
_REPR.maxlevel = 3
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 80
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = 8


def short(value):
    """Write a value as `repr` does, but never long, however large the value."""
    text = _REPR.repr(value)
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."
