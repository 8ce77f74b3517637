"""Serve the files of the sample model over HTTP on the loopback interface."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

from registry.schema import Entry
from zoo.sample import DATA


@contextlib.contextmanager
def serve_sample(entry: Entry) -> Iterator[str]:
    """Serve the files of the sample model under the paths of its catalog URLs.

    Args:
        entry: The sample entry.

    Yields:
        The URL to use as a mirror, valid inside the context.
    """
    files = {
        path: DATA / path.rpartition("/")[2]
        for path in (urlsplit(url).path for item in entry.artifacts for url in item.urls)
    }

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(files.get(path, DATA / "no such file"))

        def log_message(self, format: str, *args: object) -> None:
            """Suppress the request log."""

    with serve(Handler) as address:
        yield address


@contextlib.contextmanager
def serve(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run an HTTP server on the loopback interface inside the context.

    Args:
        handler: Handler of the requests.

    Yields:
        Its URL.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
