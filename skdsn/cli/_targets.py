"""Files to write, checked before an hour of work."""

from pathlib import Path

from skdsn._files import check_target


def check_targets(targets, inputs):
    """Refuse files that cannot be written, or that are read or written otherwise.

    Parameters
    ----------
    targets : dict of str to (str or None)
        Option to the file that it names, if it does.
    inputs : dict of str to (str or None)
        What the command reads, in words, to its file.

    Raises
    ------
    ValueError
        If a target is an input, or two targets are the same file.
    OSError
        If there is no folder to write into.
    """
    read = {name: path for name, path in inputs.items() if path}
    before = {}
    for option, path in targets.items():
        if not path:
            continue
        check_target(path)
        for name, other in read.items():
            if _same(path, other):
                raise ValueError(
                    f"{option} names {path}, which is the {name}; name another file."
                )
        for other, taken in before.items():
            if _same(path, taken):
                raise ValueError(f"{other} and {option} name the same file, {path}.")
        before[option] = path


def _same(one, other):
    one, other = Path(one), Path(other)
    if one.exists() and other.exists():
        return one.samefile(other)  # also by links, or names in another case
    return one.resolve() == other.resolve()
