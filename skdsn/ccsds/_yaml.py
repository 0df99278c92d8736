"""YAML without the traps of its version 1.1."""

import re
from pathlib import Path

import yaml

__all__ = ["load_yaml", "read_yaml"]


class _Loader(yaml.SafeLoader):
    """Keeps labels such as on and no as text, and refuses a key that comes twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for k, key in enumerate(keys) if key in keys[:k]]
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice[0]!r} comes twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":bool")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool",
    re.compile("^(?:true|True|false|False)$"),
    list("tTfF"),
)


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
        If it is not YAML, or a mapping has a key twice.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        problem = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{where} is not YAML: {problem}.") from error


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
