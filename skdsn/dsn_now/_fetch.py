"""Ask a server for a document: politely, and with limits on what it may do."""

import socket
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from skdsn.dsn_now._raw_log import MAX_BYTES

__all__ = ["FetchError", "Fetcher"]

_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_MOVED = {301, 302, 303, 307, 308}
_FOR_GOOD = {301, 308}
_LONGEST_WAIT = 3600.0  # s, that a server may ask for
_MOST_HOPS = 3
_PIECE = 1 << 13


class FetchError(OSError):
    """No document came.

    Parameters
    ----------
    message : str
    fatal : bool, default=False
        Whether it makes no sense to ask again.
    retry : bool, default=False
        Whether it may do to ask again at once.
    after : float, default=None
        For how many seconds the server wants to be left alone.
    """

    def __init__(self, message, *, fatal=False, retry=False, after=None):
        super().__init__(message)
        self.fatal, self.retry, self.after = fatal, retry, after


class Fetcher:
    """Get one document again and again, only when it is new.

    Parameters
    ----------
    url : str
    agent : str
        Name to give to the server.
    timeouts : tuple of two floats
        Seconds to connect, and to wait for the next bytes.
    deadline : float
        Seconds after which an answer that still drips in is given up.

    Raises
    ------
    ImportError
        If the package requests is missing.
    ValueError
        If the address is none.
    """

    def __init__(self, url, *, agent, timeouts=(5.0, 10.0), deadline=30.0):
        try:
            import requests
        except ImportError as error:
            raise ImportError(
                "recording the feed needs requests: pip install skdsn[live]"
            ) from error
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError(f"url must begin with http:// or https://; got {url!r}.")
        self.url = url
        self._timeouts, self._deadline = timeouts, deadline
        self._failed = requests.RequestException
        self._sockets = []
        self._validators, self._fresh = {}, {}
        self._session = requests.Session()
        self._session.headers["User-Agent"] = agent
        adapter = _watched_adapter(self._sockets)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

    def close(self):
        """Close the connections."""
        self._session.close()

    def fetch(self, params=None):
        """Ask once.

        Parameters
        ----------
        params : dict, default=None
            Of the query.

        Returns
        -------
        bytes or None
            None if the document has not changed.

        Raises
        ------
        FetchError
        """
        try:
            with self._limited():
                return self._follow(params)
        except self._failed as error:
            raise FetchError(f"{type(error).__name__}: {error}", retry=True) from error
        except ValueError as error:  # an address that cannot be read
            raise FetchError(f"{self.url} redirects to nowhere: {error}") from error

    def _follow(self, params):
        """Follow redirects, within the server."""
        url = self.url
        for _ in range(_MOST_HOPS + 1):
            response = self._session.get(
                url,
                params=params,
                headers=self._validators,
                timeout=self._timeouts,
                stream=True,
                allow_redirects=False,
            )
            with response:
                if response.status_code not in _MOVED:
                    return self._read(response)
                url = self._next_url(url, response)
            params = None  # what is wanted of them is in the new address
        raise FetchError(f"{self.url} redirects more than {_MOST_HOPS} times.")

    def _next_url(self, url, response):
        new = urljoin(response.url, response.headers.get("Location", ""))
        same = _is_same_server(urlsplit(url), urlsplit(new))
        if not same:
            status = response.status_code
            raise FetchError(
                f"{url} redirects to another server, {new[:200]!r}, which is not "
                "followed; give its address as url if it is right.",
                fatal=status in _FOR_GOOD,
            )
        return new

    def _read(self, response):
        """Read the document of a response, up to the limit."""
        status = response.status_code
        if status == 304:
            return None
        if status != 200:
            after = _seconds_to_wait(response.headers.get("Retry-After"))
            raise FetchError(
                f"{self.url} answered {status} {response.reason or ''}".rstrip(),
                fatal=400 <= status < 500 and status not in _RETRIED,
                retry=status in _RETRIED,
                after=after,
            )
        content = bytearray()
        for piece in response.iter_content(_PIECE):
            content += piece
            if len(content) > MAX_BYTES:
                raise FetchError(
                    f"{self.url} sends more than {MAX_BYTES:,} bytes, which no answer "
                    "of the feed has."
                )
        names = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
        self._fresh = {
            names[name]: response.headers[name]
            for name in names
            if name in response.headers
        }
        return bytes(content)

    def accept(self):
        """Ask from now on for what is newer than the last document."""
        self._validators = self._fresh

    @contextmanager
    def _limited(self):
        """Shut the sockets when the time is over, whatever drips in."""
        over = threading.Event()

        def shut():
            over.set()
            for opened in list(self._sockets):
                with suppress(OSError):  # closed already
                    opened.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self._deadline, shut)
        timer.daemon = True
        timer.start()
        late = FetchError(f"{self.url} took longer than {self._deadline:g} s.")
        try:
            yield
        except self._failed as error:
            if over.is_set():
                raise late from error
            raise
        finally:
            timer.cancel()
            if over.is_set():
                self._session.close()
        if over.is_set():  # shut where nothing told how long the document is
            raise late


def _is_same_server(here, there):
    """Tell whether a redirect stays on its server; it may turn to https."""
    ports = (there.scheme, there.port) == (here.scheme, here.port)
    secured = (there.scheme, there.port, here.port) == ("https", None, None)
    return there.hostname == here.hostname and (ports or secured)


def _watched_adapter(sockets):
    """Make an adapter whose connections put their sockets on a list."""
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

    def watched(pool):
        class Connection(pool.ConnectionCls):
            def connect(self):
                super().connect()
                sockets[:] = [self.sock]

        return type(pool.__name__, (pool,), {"ConnectionCls": Connection})

    pools = {
        "http": watched(HTTPConnectionPool),
        "https": watched(HTTPSConnectionPool),
    }

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args, **kwargs):
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, *args, **kwargs):
            manager = super().proxy_manager_for(*args, **kwargs)
            manager.pool_classes_by_scheme = pools
            return manager

    return Adapter(max_retries=0)


def _seconds_to_wait(text):
    """Read a Retry-After header: seconds, or a date; None if it is neither."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            date = parsedate_to_datetime(text)
        except ValueError:
            return None
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        seconds = (date - datetime.now(UTC)).total_seconds()
    if not seconds >= 0:
        return None
    return min(seconds, _LONGEST_WAIT)
