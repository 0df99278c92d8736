"""Files that are either complete or not there, and what tells them apart."""

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_target", "fingerprint", "replacing"]

_EDGE = 65_536  # bytes


def check_target(path):
    """Refuse a path that no file can be written to; give it as a Path."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to write into.")
    return path


def fingerprint(path):
    """Tell a file from others without reading all of it.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    str
        Of its size, its first and its last 64 KiB. A gzip file ends in the checksum of
        its content, so any change shows; of an uncompressed one, a change further
        inside that keeps the size does not.
    """
    digest = hashlib.blake2b(digest_size=8)
    with Path(path).open("rb") as file:
        digest.update(file.read(_EDGE))
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _EDGE, 0))
        digest.update(file.read(_EDGE))
    return f"{size}-{digest.hexdigest()}"


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
