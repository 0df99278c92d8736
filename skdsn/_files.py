"""Files that are either complete or not there."""

import os
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_target", "replacing"]


def check_target(path):
    """Refuse a path that no file can be written to; give it as a Path."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to write into.")
    return path


@contextmanager
def replacing(path):
    """Give a path to write to; what was written takes the place of `path` at the end.

    Parameters
    ----------
    path : str or path-like

    Yields
    ------
    pathlib.Path
        In the same folder, removed if the block fails.
    """
    path = check_target(path)
    # The suffix stays last, since it may choose the compression.
    draft = path.with_name(f".draft-{os.getpid()}-{path.name}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
