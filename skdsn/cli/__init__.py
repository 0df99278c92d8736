"""The command line: each command is a few lines over the public API.

Only this package prints. The commands import what they need when they run, so that
``skdsn --help`` answers at once.
"""

import errno
import importlib
import os
import signal
import sys
import threading
import warnings
from contextlib import contextmanager

from skdsn.cli._options import check_numbers
from skdsn.cli._parser import make_parser

__all__ = ["main"]

# What may be over when the command is run again.
_TEMPORARY = {
    errno.EAGAIN,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.ENOMEM,
    errno.ENOSPC,
}


def main(argv=None):
    """Run a command.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments without the name of the program; None takes those of the process.

    Returns
    -------
    int
        Exit status: 0; 2 for wrong input, which one line on standard error tells; 75
        where it may do to run the command again (no space left, no memory, a locked
        file); 1 if nobody reads the output; 130 if the user stops it and 143 if a
        scheduler does.

    Examples
    --------
    >>> from skdsn.cli import main
    >>> main(["score", "nothing.pkl", "nothing.csv"])
    2
    """
    args = make_parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            with _stopping_on_signal():
                check_numbers(args)
                command = importlib.import_module(f"skdsn.cli._{args.command}")
                command.run(args)
                sys.stdout.flush()
        except BrokenPipeError:  # such as `skdsn ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except KeyboardInterrupt:
            print("skdsn: stopped", file=sys.stderr)
            return 130
        except _Terminated:
            print("skdsn: stopped by a signal", file=sys.stderr)
            return 143
        except MemoryError:
            print("skdsn: error: out of memory", file=sys.stderr)
            return 75
        except RuntimeError as error:  # as torch calls it
            if "memory" not in str(error):
                raise
            print(f"skdsn: error: {_one_line(error)}", file=sys.stderr)
            return 75
        except (ValueError, TypeError, OSError, ImportError) as error:
            print(f"skdsn: error: {_one_line(error)}", file=sys.stderr)
            return 75 if getattr(error, "errno", None) in _TEMPORARY else 2
    return 0


class _Terminated(BaseException):
    """The process was asked to end."""


@contextmanager
def _stopping_on_signal():
    """Let a scheduler's signal unwind the command as Ctrl-C does."""

    def stop(number, frame):
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _one_line(error):
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}"
    return " ".join(str(error).split()) or type(error).__name__


def _show_warning(message, category, filename, lineno, file=None, line=None):
    print(f"skdsn: warning: {_one_line(message)}", file=sys.stderr)
