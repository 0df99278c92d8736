"""The record of runs that a folder keeps, and what a stopped run has finished."""

import errno
import hashlib
import json
import pickle
import sys
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import pandas as pd

import skdsn
from skdsn._files import replacing

LOG = "run.log"
_BLOCK = 65_536  # rows


@contextmanager
def logged(folder, args, *, alone=True):
    """Note begin and end of a command in ``run.log``, an object of JSON per line.

    Parameters
    ----------
    folder : str or path-like
        Made if it is not there.
    args : argparse.Namespace
    alone : bool, default=True
        Refuse to run beside another command that is alone in this folder.

    Yields
    ------
    dict
        To be filled with what else is to be noted at the end.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; name a folder to write to.")
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder / ".lock") if alone else nullcontext():
        yield from _log(folder, args)


def _log(folder, args):
    told = {name: value for name, value in vars(args).items() if name != "command"}
    _note(folder, args, "begin", skdsn=skdsn.__version__, options=told)
    begin, result = perf_counter(), {}
    try:
        yield result
    finally:
        error, outcome = sys.exception(), "done"
        if error is not None:
            outcome = "failed" if isinstance(error, Exception) else "stopped"
            result["error"] = f"{type(error).__name__}: {error}"
        seconds = round(perf_counter() - begin, 1)
        memory = peak_memory()
        _note(folder, args, outcome, seconds=seconds, peak_memory_mb=memory, **result)


@contextmanager
def _held(path):
    """Hold a lock, which ends with the process, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows has none of this kind
        yield
        return
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            reason = f"another skdsn command is writing to {path.parent}"
            raise OSError(errno.EAGAIN, reason) from error
        yield


def _note(folder, args, event, **content):
    time = datetime.now(UTC).isoformat(timespec="seconds")
    entry = {"time": time, "command": args.command, "event": event, **content}
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, default=str) + "\n")


def peak_memory():
    """Most memory that this process has used so far, in MB; None if nothing tells."""
    try:
        # What getrusage tells on Linux is not less than the parent process had.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1000)
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3))


class EncoderCheckpoint:
    """Keep a fitted encoder in a file, so that a stopped training need not repeat it.

    To be given to a Pipeline as its ``memory``. Only what takes long is kept, the
    encoders; it is used again for the same parameters and rows.

    Parameters
    ----------
    path : str or path-like
    """

    def __init__(self, path):
        self.path = Path(path)

    def cache(self, function):
        """Wrap what fits and transforms one step."""

        def fit_transform(transformer, X, y, *args, **options):
            if not hasattr(transformer, "max_epochs"):
                return function(transformer, X, y, *args, **options)
            key = _digest(transformer, X, y)
            if self.path.exists():
                with self.path.open("rb") as file:
                    if file.read(len(key)) == key:
                        return pickle.load(file)
            result = function(transformer, X, y, *args, **options)
            with replacing(self.path) as draft, draft.open("wb") as file:
                file.write(key)
                pickle.dump(result, file, protocol=pickle.HIGHEST_PROTOCOL)
            return result

        return fit_transform

    def remove(self):
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def _digest(transformer, X, y):
    """Tell parameters and rows, with their index, from all others, in 16 bytes."""
    digest = hashlib.blake2b(digest_size=16)
    params = sorted((name, repr(v)) for name, v in transformer.get_params().items())
    for told in (skdsn.__version__, type(transformer), params, list(X.columns)):
        digest.update(repr(told).encode())
    for begin in range(0, len(X), _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        for values in (X.iloc[rows], y.iloc[rows]):
            digest.update(pd.util.hash_pandas_object(values).to_numpy().tobytes())
    return digest.digest()


def store_digest(store):
    """Tell a track store, its splits included, from all others.

    Parameters
    ----------
    store : TrackStore

    Returns
    -------
    str
    """
    manifest = (store.folder / "manifest.json").read_bytes()
    return hashlib.blake2b(manifest, digest_size=16).hexdigest()
