"""A feed to ask on this computer, and a clock that does not wait."""

import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
F1 = (FIXTURES / "dsn_f1.xml").read_bytes()
T0 = 1_550_000_000_411


def document(seconds=0.0, power="-155.500000"):
    """Form 1, so many seconds later."""
    time_ = str(T0 + round(seconds * 1000)).encode()
    content = F1.replace(str(T0).encode(), time_)
    return content.replace(
        b'"-155.500000" spacecraft="VGR1"', b'"%s" spacecraft="VGR1"' % power.encode()
    )


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self, now=T0 / 1000):
        self.now, self.passed, self.slept = now, 0.0, []

    def time(self):
        return self.now

    def monotonic(self):
        return self.passed

    def sleep(self, seconds):
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds
        self.passed += seconds


class Server:
    """Plays answers one after the other, and the last one for ever."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []

    def next(self, handler):
        self.requests.append((handler.path, dict(handler.headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        with suppress(ConnectionError):
            answer(handler)


def answer(content, status=200, **headers):
    """A whole answer."""

    def send(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return send


def truncated(content):
    """An answer that ends before it should."""

    def send(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) + 100))
        handler.end_headers()
        handler.wfile.write(content)

    return send


def dripping(content, pause=0.02, *, told=True, in_head=False):
    """An answer that comes byte by byte."""

    def send(handler):
        begin = b"HTTP/1.0 200 OK\r\n"
        rest = b"Content-Length: %d\r\n" % len(content) if told else b""
        if in_head:
            begin, rest = begin, b"X-Slow: " + b"s" * 10_000 + b"\r\n" + rest
        else:
            begin, rest = begin + rest + b"\r\n", content
        handler.wfile.write(begin)
        for byte in rest:
            handler.wfile.write(bytes([byte]))
            time.sleep(pause)

    return send


def endless(handler):
    """An answer without end."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(400):
        handler.wfile.write(b"x" * 10_000)


def hang_up(handler):
    """No answer at all."""
    handler.close_connection = True


@contextmanager
def serving(*answers):
    """Run a server on this computer; gives it with its ``url``."""
    server = Server(*answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.next(self)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        http.block_on_close = False
        server.url = f"http://127.0.0.1:{http.server_address[1]}/dsn.xml"
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
