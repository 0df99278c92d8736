"""Detector files, taken apart and put together again."""

import io
import json
import zipfile

import numpy as np


def unzip(data):
    """Members of a file by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def rezip(members):
    """Write the members of a file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def places(tree):
    """Every container of a JSON tree, with each of its keys."""
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        keys = node if isinstance(node, dict) else range(len(node))
        found.extend((node, key) for key in keys)
        todo.extend(node[key] for key in keys if isinstance(node[key], dict | list))
    return found


def edit(path, change, member="schema.json"):
    """Change the JSON of a file in place."""
    members = unzip(path.read_bytes())
    tree = json.loads(members[member])
    members[member] = json.dumps(change(tree) or tree).encode()
    path.write_bytes(rezip(members))


def edit_arrays(path, change):
    """Change the arrays of a file; `change` gives a new array or None for no change."""
    members = unzip(path.read_bytes())
    n_changed = 0
    for name in [name for name in members if name.endswith(".npy")]:
        array = change(np.load(io.BytesIO(members[name])).copy())
        if array is not None:
            buffer = io.BytesIO()
            np.save(buffer, array)
            members[name] = buffer.getvalue()
            n_changed += 1
    path.write_bytes(rezip(members))
    return n_changed


def attributes(schema, name):
    """Nodes of all attributes of that name."""
    return [
        (node, key)
        for node, key in places(schema)
        if key == name and isinstance(node[key], dict) and "__loader__" in node[key]
    ]
