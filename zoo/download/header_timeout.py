"""HTTP connections with a time limit for all headers of a response.

A socket's time limit applies to each read. A server that sends a header byte by byte, or one interim response
after the other, never exceeds it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Timer
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.poolmanager import pool_classes_by_scheme
from urllib3.response import HTTPResponse


class HeaderTimeoutAdapter(HTTPAdapter):
    """Adapter for requests with a time limit until all headers have arrived.

    Args:
        seconds: The limit.
    """

    def __init__(self, seconds: float) -> None:
        self._pools = _pools(seconds)
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Create the pool manager of direct connections."""
        super().init_poolmanager(*arguments, **options)
        self._use_limited_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:
        """The pool manager of a proxy; SOCKS proxies have connections of another class, left unchanged."""
        return self._use_limited_pools(super().proxy_manager_for(proxy, **options))

    def _use_limited_pools(self, manager: PoolManager) -> PoolManager:
        if manager.pool_classes_by_scheme is pool_classes_by_scheme:
            manager.pool_classes_by_scheme = self._pools
        return manager


def _read_headers(
    seconds: float, connection: HTTPConnection, read: Callable[[], HTTPResponse]
) -> HTTPResponse:
    """Read the headers of a response; shut the connection down when that takes too long."""
    expired = Event()

    def shut_down() -> None:
        expired.set()
        with suppress(OSError):  # the connection ended in the meantime
            if connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, shut_down)
    timer.daemon = True
    timer.start()
    try:
        response = read()
    except Exception:  # the shutdown surfaces as any error of the connection
        if not expired.is_set():
            raise
    else:
        if not expired.is_set():
            return response
        response.close()
    finally:
        timer.cancel()
    # The class that sockets raise: requests and urllib3 translate it.
    raise TimeoutError("the headers of the response took too long")


def _pools(seconds: float) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3 itself
            return _read_headers(seconds, self, super().getresponse)

    class Encrypted(HTTPSConnection):
        def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3 itself
            return _read_headers(seconds, self, super().getresponse)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}
