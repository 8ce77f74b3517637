"""The sample's files over http on this machine alone, so that they come the way any model's files come."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

from registry.schema import Entry
from zoo.sample import DATA


@contextlib.contextmanager
def served(entry: Entry) -> Iterator[str]:
    """Serves the sample's files under the paths of its catalog addresses.

    Args:
        entry: The sample's entry.

    Yields:
        The address to name as a mirror; nothing answers there any more afterwards.
    """
    files = {
        path: DATA / path.rpartition("/")[2]
        for path in (urlsplit(url).path for item in entry.artifacts for url in item.urls)
    }

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(files.get(path, DATA / "no such file"))

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the command's own output is the log."""

    with answering(Handler) as address:
        yield address


@contextlib.contextmanager
def answering(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on this machine alone, while the context lasts.

    Args:
        handler: Answers requests.

    Yields:
        Its address.
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
