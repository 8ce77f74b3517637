"""The server: answers each request with the next scripted behavior of its path, and logs the request."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Seen:
    """A received request; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


class Exchange:
    """One request and its connection."""

    def __init__(self, handler: BaseHTTPRequestHandler, seen: Seen, closing: threading.Event) -> None:
        self._handler = handler
        self._closing = closing
        self._bodiless = False
        self.seen = seen

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status and headers: exactly these and ``Connection: close``."""
        self._handler.send_response_only(status)
        for name, value in {"Connection": "close", **headers}.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        self._handler.close_connection = True
        self._bodiless = self.seen.method == "HEAD"

    def write(self, data: bytes) -> None:
        if not self._bodiless:
            self._handler.wfile.write(data)
            self._handler.wfile.flush()

    def close(self) -> None:
        """End the connection after this response."""
        self._handler.close_connection = True

    def hang(self, seconds: float = 60.0) -> bool:
        """Wait until the server closes or the time is over; whether it is closing."""
        return self._closing.wait(seconds)

    def reset(self) -> None:
        """Reset the connection instead of closing it."""
        connection = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


Behavior = Callable[[Exchange], None]
"""Answers one request."""


class ScriptedServer:
    """A server on 127.0.0.1, for use as a context manager.

    Args:
        script: Path to one behavior, or to several: the first request gets the first one, and so on; the
            last one stays. Other paths get 404.
        fallback: Called for these paths; returns a behavior or None.
        tls: Certificate and key for https; plain http without it.
    """

    def __init__(
        self,
        script: Mapping[str, Behavior | Sequence[Behavior]] | None = None,
        fallback: Callable[[str], Behavior | None] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._script = {
            path: [acts] if callable(acts) else list(acts) for path, acts in (script or {}).items()
        }
        self._fallback = fallback
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._scheme = "https" if tls else "http"
        if tls is not None:
            # Each connection does its handshake in its own thread: a bad client must not block others.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.log: list[Seen] = []

    @property
    def url(self) -> str:
        """Base address, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def count(self, path: str) -> int:
        """Number of requests for a path."""
        return sum(seen.path == path for seen in self.log)

    def ranges(self) -> list[str | None]:
        """The ``Range`` header of each request, in order."""
        return [seen.headers.get("range") for seen in self.log]

    def script(self, path: str, *acts: Behavior) -> None:
        """Replace the behaviors of a path."""
        with self._guard:
            self._script[path] = list(acts)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self, path: str) -> Behavior | None:
        with self._guard:
            acts = self._script.get(path)
            if acts:
                return acts.pop(0) if len(acts) > 1 else acts[0]
        return self._fallback(path) if self._fallback else None

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(handler.path).path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        seen = Seen(handler.command, path, headers)
        with self._guard:
            self.log.append(seen)
        exchange = Exchange(handler, seen, self._closing)
        act = self._next(path)
        # In many tests the client closes the connection before the end of the response.
        with contextlib.suppress(ConnectionError):
            if act is None:
                exchange.start(404, {"Content-Length": "0"})
            else:
                act(exchange)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer(self)

            def do_HEAD(self) -> None:
                answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

            def finish(self) -> None:
                with contextlib.suppress(OSError, ValueError):  # the connection was reset on purpose
                    super().finish()

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # One test has forty simultaneous clients; the default backlog is 5.
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Suppress the output of the standard handler: a closed connection is not an error here."""

    def shutdown_request(self, request: object) -> None:
        with contextlib.suppress(OSError):
            super().shutdown_request(request)  # type: ignore[arg-type]
