"""A fast server for benchmarks: serves the files of a folder by ``sendfile``, also to the client of a hub.

As a program it prints its port and serves until its stdin is closed.

    python benchmarks/loopback.py FOLDER
"""

from __future__ import annotations

import http.server
import os
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder = Path()

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        # The URL of a hub ends like a plain one: /user/repository/resolve/main/NAME.
        file = self.folder / Path(urlsplit(self.path).path).name
        if not file.is_file():
            self.send_error(404)
            return
        size = file.stat().st_size
        self.send_response_only(200)
        self.send_header("Content-Length", str(size))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{REVISION}-{size}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if body:
            self.wfile.flush()
            with file.open("rb") as source:
                offset = 0
                while offset < size:
                    offset += os.sendfile(self.connection.fileno(), source.fileno(), offset, size - offset)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def main() -> None:
    Handler.folder = Path(sys.argv[1])
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
