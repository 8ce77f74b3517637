"""A minimal SOCKS 5 proxy (RFC 1928): no authentication, CONNECT by name or IPv4 address."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Relay(socketserver.StreamRequestHandler):
    seen: list[str]

    def handle(self) -> None:
        self.rfile.read(self.rfile.read(2)[1])
        self.wfile.write(b"\x05\x00")
        kind = self.rfile.read(4)[3]
        host = self.rfile.read(self.rfile.read(1)[0]).decode() if kind == 3 else "127.0.0.1"
        if kind == 1:
            self.rfile.read(4)
        port = int.from_bytes(self.rfile.read(2), "big")
        self.seen.append(host)
        with socket.create_connection(("127.0.0.1", port)) as there:
            self.wfile.write(b"\x05\x00\x00\x01" + bytes(6))
            back = threading.Thread(target=self._forward, args=(there, self.connection))
            back.start()
            self._forward(self.connection, there)
            back.join()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one side closed the connection


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def socks_proxy() -> Iterator[tuple[str, list[str]]]:
    """The proxy's address, and the requested hosts; every name resolves to this machine."""
    seen: list[str] = []
    with Proxy(("127.0.0.1", 0), type("Handler", (Relay,), {"seen": seen})) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"socks5h://127.0.0.1:{server.server_address[1]}", seen
        server.shutdown()
