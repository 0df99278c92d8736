"""Read a small XML document that comes from outside, and nothing that is hostile."""

from pathlib import Path

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

__all__ = ["Element", "check_root", "parse_elements", "read_bytes"]

# Real answers have 8 kB, some hundred elements, four levels and ten attributes.
_MOST_BYTES = 1 << 20
_MOST_ELEMENTS = 5_000
_MOST_ATTRIBUTES = 64
_MOST_TAGS = 3 * _MOST_ELEMENTS  # begins, ends, comments
_MOST_EQUAL_SIGNS = 20_000
_DEEPEST = 16


class Element:
    """One element: its tag, its attributes, its parent (None at the root), its text."""

    __slots__ = ("attributes", "parent", "tag", "text")

    def __init__(self, tag, attributes, parent=None, text=""):
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.text = text


class _TooLargeError(Exception):
    """A document beyond the limits."""


class _Collector:
    """Target of the parser: the elements in order of the document."""

    def __init__(self):
        self.elements = []
        self.open = []

    def start(self, tag, attributes):
        if (
            len(self.open) >= _DEEPEST
            or len(self.elements) >= _MOST_ELEMENTS
            or len(attributes) > _MOST_ATTRIBUTES
        ):
            raise _TooLargeError
        parent = self.open[-1] if self.open else None
        element = Element(tag, attributes, parent)
        self.elements.append(element)
        self.open.append(element)

    def end(self, tag):
        self.open.pop()

    def data(self, text):
        if len(self.open[-1].text) < 1000:  # texts are times; the rest is layout
            self.open[-1].text += text

    def close(self):
        return self.elements


def read_bytes(document, what):
    """Read the bytes of a document given as bytes, as a path or as a binary file."""
    if isinstance(document, bytes | bytearray | memoryview):
        content = bytes(document[: _MOST_BYTES + 1])
    elif hasattr(document, "read"):
        content = document.read(_MOST_BYTES + 1)
        if not isinstance(content, bytes):
            raise TypeError(f"{what} must be opened in binary mode: open(path, 'rb').")
    elif isinstance(document, str) and document.lstrip().startswith(("<", "{")):
        raise TypeError(
            f"{what} was given as text; give its bytes, since it says itself how it is "
            "encoded: text.encode()."
        )
    elif isinstance(document, str | Path):
        with Path(document).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    else:
        raise TypeError(
            f"{what} must be bytes, a path or a binary file; got "
            f"{type(document).__name__}."
        )
    if len(content) > _MOST_BYTES:
        raise ValueError(
            f"{what} has more than {_MOST_BYTES} bytes; a genuine one has some ten "
            "thousand, so it was not read."
        )
    return content


def parse_elements(content, what):
    """Parse XML to its elements, in order of the document, the root first.

    Parameters
    ----------
    content : bytes
    what : str
        Begins the messages of errors.

    Returns
    -------
    list of Element

    Raises
    ------
    ValueError
        If it is not XML, has a document type (with or without entities), or is too
        deep or too large.
    """
    parser = DefusedXMLParser(target=_Collector(), forbid_dtd=True)
    try:
        # Counted first, since the parser hands over an element only when it has it all.
        if content.count(b"<") > _MOST_TAGS or content.count(b"=") > _MOST_EQUAL_SIGNS:
            raise _TooLargeError
        parser.feed(content)
        return parser.close()
    except DefusedXmlException as error:
        raise ValueError(
            f"{what} declares a document type or entities, which a genuine one never "
            "does; it was not read."
        ) from error
    except _TooLargeError as error:
        raise ValueError(
            f"{what} has more than {_DEEPEST} levels, {_MOST_ELEMENTS} elements or "
            f"{_MOST_ATTRIBUTES} attributes of one element, which no genuine one has; "
            "it was not read."
        ) from error
    except (ParseError, LookupError, ValueError) as error:  # or an unknown encoding
        raise ValueError(f"{what} is not well-formed XML: {error}.") from error


def check_root(elements, roots, what):
    """Refuse a document whose root is another than expected."""
    if elements[0].tag not in roots:
        raise ValueError(
            f"{what} must have the root element <{roots[0]}>; got "
            f"<{elements[0].tag[:40]}>."
        )
