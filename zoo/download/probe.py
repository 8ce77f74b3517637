"""Whether an address answers, asked with a request of a few bytes; and if not, what failed first."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from registry.errors import ZooError
from zoo.download.connect import open_transport
from zoo.download.errors import causes
from zoo.download.policy import RetryPolicy
from zoo.download.response import RetryableError, status_text
from zoo.download.transport import Transport
from zoo.download.urls import HTTP_SCHEMES

Failure = Literal[
    "name-not-resolved",
    "connection-refused",
    "no-connection",
    "timed-out",
    "proxy",
    "certificate",
    "bad-answer",
    "status",
    "mirror",
]
"""What failed first, in the order in which it can; ``mirror`` is a folder or bucket that cannot be read."""

_NO_HEAD = frozenset({405, 501})
_ANSWERED = frozenset({"server-error", "too-many-redirects", "insecure-redirect"})


@dataclass(frozen=True)
class ProbeResult:
    """What an address answered.

    Attributes:
        status: Status code of HTTP; None when there was no answer.
        failed: What failed first; None when the file is there.
        found: The answer or the failure in words.
        seconds: How long it took.
        hint: What to do about it where the failure itself says so.
    """

    status: int | None
    failed: Failure | None
    found: str
    seconds: float
    hint: str | None = None

    @property
    def reached(self) -> bool:
        """Whether somebody who may have the file answered."""
        return self.failed in (None, "status", "bad-answer")


def probe(url: str, policy: RetryPolicy, mirrors: Sequence[str]) -> ProbeResult:
    """Asks once for an address, by ``HEAD``, or for its first byte where ``HEAD`` is not allowed.

    Args:
        url: The address.
        policy: Time limits and the number of redirects.
        mirrors: Base addresses the user named.

    Raises:
        UsageError: ``bad-mirror``: nothing can open it.
    """
    begun = policy.clock()
    try:
        with open_transport(url, policy, mirrors) as transport:
            status = _status(transport, url)
    except RetryableError as error:
        return _failed(url, error, error.error, policy.clock() - begun)
    except ZooError as error:
        if error.code == "bad-mirror":
            raise
        return _failed(url, error, error, policy.clock() - begun)
    failed: Failure | None = "proxy" if status == 407 else None if 200 <= status < 300 else "status"
    return ProbeResult(status, failed, status_text(status), policy.clock() - begun)


def _status(transport: Transport, url: str) -> int:
    with transport.head(url) as reply:
        if reply.status not in _NO_HEAD:
            return reply.status
    with transport.get(url, {"Range": "bytes=0-0"}) as reply:
        return reply.status


def _failed(url: str, error: Exception, told: ZooError, seconds: float) -> ProbeResult:
    if urlsplit(url).scheme not in HTTP_SCHEMES:
        return ProbeResult(None, "mirror", told.found or told.message, seconds, told.hint)
    failure: Failure = "bad-answer" if told.code in _ANSWERED else _first(error)
    return ProbeResult(None, failure, told.found or told.message, seconds)


def _first(error: Exception) -> Failure:
    """What failed first, told by the errors of the network stack; a proxy's own troubles are the proxy's."""
    found = causes(error)
    kinds = {kind.__name__ for each in found for kind in type(each).__mro__}
    if any("Proxy" in kind for kind in kinds):
        return "proxy"
    if any(isinstance(each, socket.gaierror) for each in found) or "NameResolutionError" in kinds:
        return "name-not-resolved"
    if any(isinstance(each, ConnectionRefusedError) for each in found):
        return "connection-refused"
    # A bundle of certificates that is not there is told by a plain OSError of requests.
    if any(isinstance(each, ssl.SSLError) for each in found) or "certificate" in str(found[-1]):
        return "certificate"
    if any(isinstance(each, TimeoutError) for each in found) or {"Timeout", "TimeoutError"} & kinds:
        return "timed-out"
    return "no-connection"
