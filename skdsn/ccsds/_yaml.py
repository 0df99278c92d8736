"""YAML as its version 1.2 reads it, without the traps of version 1.1.

Only true and false are truth values, so that the labels on, off, yes and no are text.
A whole number with leading zeros is decimal: 0100 is a hundred (octal is 0o100). What
has colons, such as 1:30, is text and no number to the base 60; 1_000 is text too. Dates
are dates. A key that comes twice, merging by ``<<``, and aliases that stand for very
much are refused.
"""

import re
from collections.abc import Hashable
from pathlib import Path

import yaml

__all__ = ["load_yaml", "read_yaml"]

_MOST_REPEATED = 100_000  # values that aliases stand for
_DROPPED = ("bool", "int", "float", "merge", "value")
_TYPES = {  # the patterns of YAML 1.2's core schema and the first letters of each
    "bool": ("true|True|TRUE|false|False|FALSE", "tTfF"),
    # A number of more digits than 64 bits have is a float, or text.
    "int": ("[-+]?[0-9]{1,20}|0o[0-7]{1,22}|0x[0-9a-fA-F]{1,16}", "-+0123456789"),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
}


class _Loader(yaml.SafeLoader):
    """Resolves scalars as YAML 1.2 does, and refuses a key that comes twice."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # refused below
            if key == "<<":
                raise _error(node, "merging by << is not supported; write the keys out")
            if key in seen:
                raise _error(node, f"the key {key!r} comes twice")
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node):
        text = self.construct_scalar(node)
        base = {"0o": 8, "0x": 16}.get(text[:2].lower(), 10)
        return int(text, base)


_Loader.yaml_implicit_resolvers = {
    first: [each for each in found if each[0].rpartition(":")[2] not in _DROPPED]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, (_pattern, _first) in _TYPES.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_first)
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def load_yaml(text, where):
    """Read YAML.

    Parameters
    ----------
    text : str
    where : str
        What is read, for messages.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If it is not YAML, a mapping has a key twice, or aliases stand for too much.
    """
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node)
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        problem = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{where} is not YAML: {problem}.") from error
    finally:
        if loader is not None:
            loader.dispose()


def read_yaml(path):
    """Read a YAML file that holds one mapping.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If it is not YAML, or not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}.") from error
    values = load_yaml(text, str(path))
    if not isinstance(values, dict):
        raise ValueError(
            f"{path} must hold keys with values ('packets: ...'); it holds a "
            f"{type(values).__name__}."
        )
    return values


def _check_size(node):
    """Refuse nodes that are small as written and huge with their aliases expanded."""
    sizes = {}
    if _size(node, sizes) - len(sizes) > _MOST_REPEATED:
        raise _error(
            node,
            f"its aliases stand for more than {_MOST_REPEATED} values; write out what "
            "is needed",
        )


def _size(node, sizes):
    """Count the values below a node, those of an alias each time it comes."""
    if id(node) not in sizes:
        sizes[id(node)] = None
        children = () if isinstance(node, yaml.ScalarNode) else node.value
        if isinstance(node, yaml.MappingNode):
            children = (each for pair in children for each in pair)
        sizes[id(node)] = 1 + sum(_size(child, sizes) for child in children)
    if sizes[id(node)] is None:
        raise _error(node, "an alias stands in what it is an alias of")
    return sizes[id(node)]


def _error(node, problem):
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
