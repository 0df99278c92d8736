"""What a skops schema may consist of: much less than skops itself reads.

skops knows ways to rebuild objects that call what a file names: methods, partial
functions, constructors. No detector needs them, so they are refused here, before
skops sees the file.
"""

import json
import re

from skdsn.persistence._archive import HEADER, SCHEMA

# skops numbers its formats; a new one has to be looked at first.
PROTOCOL = 2
# Each level takes several frames of the interpreter.
DEEPEST = 100
# Nodes that a name is looked up for.
NAMED = ("ObjectNode", "FunctionNode", "TypeNode")
_CONTAINERS = {
    "DictNode": "builtins.dict",
    "ListNode": "builtins.list",
    "TupleNode": "builtins.tuple",
}
_OTHERS = {
    "SliceNode": "builtins.slice",
    "JsonNode": "builtins.str",
    "NdArrayNode": "numpy.ndarray",
}
_TYPES = {f"builtins.{name}" for name in ("bool", "float", "int", "object", "str")} | {
    f"numpy.{name}{size}"
    for name, sizes in (
        ("int", (8, 16, 32, 64)),
        ("uint", (8, 16, 32, 64)),
        ("float", (16, 32, 64)),
    )
    for size in sizes
}


_NAME = re.compile(r"[\w.]{3,300}")


class UnknownTypeError(ValueError):
    """A file holds a type that is not admitted."""


def check_schema(schema, archive, admitted):
    """Refuse a schema that holds anything but data and admitted types.

    Parameters
    ----------
    schema : dict
    archive : Archive
        Its arrays are checked too.
    admitted : dict of str to set of str, or None
        Names of the classes of objects, of functions and of types themselves, by the
        node that skops keeps them in; None admits any.

    Returns
    -------
    set of str
        Names of those that it holds.

    Raises
    ------
    UnknownTypeError
        Its message is the name of the type.
    ValueError
        If the schema is not one that ``save`` writes.
    """
    if schema.get("protocol") != PROTOCOL:
        raise ValueError(
            f"it has skops protocol {schema.get('protocol')!r}, not {PROTOCOL}"
        )
    found, files, size = set(), set(), 0
    todo = [(schema, 0)]
    while todo:
        node, depth = todo.pop()
        if depth > DEEPEST:
            raise ValueError(f"it is nested deeper than {DEEPEST} levels")
        loader, name = node["__loader__"], f"{node['__module__']}.{node['__class__']}"
        if not _NAME.fullmatch(name):
            raise ValueError("it has a type whose name is none")
        if "__id__" in node:  # would let a node hold itself
            raise ValueError("it has a node with an __id__")
        if loader == "TypeNode" and name in _TYPES:
            continue
        if loader in NAMED:
            if admitted is not None and name not in admitted[loader]:
                raise UnknownTypeError(name)
            found.add(name)
        elif {**_CONTAINERS, **_OTHERS}.get(loader) != name:
            raise ValueError(f"it holds {name} as a {loader}, which no detector needs")
        if loader == "NdArrayNode":
            if node["type"] != "numpy":
                raise ValueError("it has an array of objects")
            files.add(node["file"])
            size += archive.check_array(node["file"])
            if size > archive.max_size:
                raise ValueError(f"its arrays add up to more than {archive.max_size}")
        children = _children(node, loader)
        todo.extend((child, depth + 1) for child in children)
    if files != set(archive.members) - {SCHEMA, HEADER}:
        raise ValueError("it has members that belong to nothing")
    return found


def tidy(schema, public):
    """Drop what differs between equal schemas, in place, and name types publicly.

    Parameters
    ----------
    schema : dict
        As skops writes it.
    public : dict of str to str
        Name of a type to its public name.

    Returns
    -------
    dict of str to str
        Name of each array, as skops gave it, to the new one.
    """
    schema.pop("_skops_version", None)
    names: dict = {}
    todo = [schema]
    while todo:
        node = todo.pop()
        node.pop("__id__", None)  # addresses in memory
        if "file" in node:
            new = f"{len(names)}.npy"
            node["file"] = names.setdefault(node["file"], new)
        loader, name = node["__loader__"], f"{node['__module__']}.{node['__class__']}"
        if name in public:
            node["__module__"], _, node["__class__"] = public[name].rpartition(".")
        if loader in _CONTAINERS or loader == "ObjectNode":
            todo.extend(_children(node, loader))
    return names


def _children(node, loader):
    """Nodes below a node, whose own content is checked."""
    if loader == "DictNode":
        keys = node["key_types"]["content"]
        own = [f"{key['__module__']}.{key['__class__']}" for key in keys]
        if own != ["builtins.str"] * len(node["content"]):
            raise ValueError("it has a dict with keys that are no text")
        return [node["key_types"], *node["content"].values()]
    if loader in _CONTAINERS:
        return list(node["content"])
    if loader == "ObjectNode":
        content = node["content"]
        if content["__loader__"] != "DictNode" and content.get("content") != "null":
            raise ValueError("it has an object whose state is no dict")
        return [content]
    if loader == "SliceNode":
        parts = [node["content"][part] for part in ("start", "stop", "step")]
        if not all(part is None or type(part) is int for part in parts):
            raise ValueError("it has a slice of something else than rows")
    if loader == "JsonNode" and isinstance(json.loads(node["content"]), list | dict):
        raise ValueError("it has JSON within JSON")
    return []
