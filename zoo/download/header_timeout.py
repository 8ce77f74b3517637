"""Connections that do not wait for ever for the head of an answer.

A socket's time limit holds for each read. A server that sends a header byte by byte, or one interim answer
after the other, never exceeds it and never comes to the point.
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
    """What requests sends with, bounded in the time until all headers are here.

    Args:
        seconds: The bound.
    """

    def __init__(self, seconds: float) -> None:
        self._pools = _pools(seconds)
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Makes the manager of direct connections."""
        super().init_poolmanager(*arguments, **options)
        self._bound(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:
        """The manager of connections through a proxy; SOCKS has another kind of them, left as they are."""
        return self._bound(super().proxy_manager_for(proxy, **options))

    def _bound(self, manager: PoolManager) -> PoolManager:
        if manager.pool_classes_by_scheme is pool_classes_by_scheme:
            manager.pool_classes_by_scheme = self._pools
        return manager


def _within(seconds: float, connection: HTTPConnection, ask: Callable[[], HTTPResponse]) -> HTTPResponse:
    """Reads the head of an answer; breaks the connection off when that takes longer."""
    late = Event()

    def break_off() -> None:
        late.set()
        with suppress(OSError):  # it ended by itself in the meantime
            if connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, break_off)
    timer.daemon = True
    timer.start()
    try:
        answer = ask()
    except Exception:  # what broke off the asking shows as any error of the connection
        if not late.is_set():
            raise
    else:
        if not late.is_set():
            return answer
        answer.close()
    finally:
        timer.cancel()
    # As a socket says it: both libraries above know what to make of that.
    raise TimeoutError("the head of the answer took too long")


def _pools(seconds: float) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3 itself
            return _within(seconds, self, super().getresponse)

    class Encrypted(HTTPSConnection):
        def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3 itself
            return _within(seconds, self, super().getresponse)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}
