"""Names that were meant where another was written."""

from difflib import get_close_matches

__all__ = ["closest", "near"]


def closest(name, known):
    """Give the known name most like this one, or None if none is like it.

    Parameters
    ----------
    name : object
        Compared as text.
    known : iterable of str

    Returns
    -------
    str or None

    Examples
    --------
    >>> from skdsn._core.names import closest
    >>> closest("lenght", ["kind", "length"])
    'length'
    """
    found = get_close_matches(str(name), [str(each) for each in known], 1)
    return found[0] if found else None


def near(name, known):
    """Say which known name is meant, or which there are, as the end of a sentence.

    Parameters
    ----------
    name : object
    known : iterable of str

    Returns
    -------
    str

    Examples
    --------
    >>> from skdsn._core.names import near
    >>> near("lenght", ["kind", "length"])
    "did you mean 'length'?"
    >>> near("xyz", ["kind", "length"])
    "there are ['kind', 'length']."
    """
    known = [str(each) for each in known]
    found = closest(name, known)
    return f"did you mean {found!r}?" if found else f"there are {known}."
