"""Stop cleanly when a signal asks to."""

import signal
import threading
from contextlib import contextmanager


class Stopped(BaseException):
    """A signal asks to stop."""


@contextmanager
def stopping_on_signals():
    """Let the first SIGINT or SIGTERM unwind what runs; later ones change nothing."""
    seen = []

    def stop(number, frame):
        seen.append(number)
        if len(seen) == 1:
            raise Stopped

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, stop) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
