"""Probes an address with a request of a few bytes, and names what failed first."""

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
"""What failed first, in the order of a request; ``mirror`` is a folder or bucket that cannot be read."""

_HEAD_UNSUPPORTED = frozenset({405, 501})
_ANSWERED = frozenset({"server-error", "too-many-redirects", "insecure-redirect"})


@dataclass(frozen=True)
class ProbeResult:
    """The result of probing an address.

    Attributes:
        status: HTTP status code; None when there was no answer.
        failure: What failed first; None when the file is there.
        detail: The answer or the failure as text.
        seconds: Duration of the probe.
        hint: What to do about a failure, where the failure itself tells.
    """

    status: int | None
    failure: Failure | None
    detail: str
    seconds: float
    hint: str | None = None

    @property
    def reachable(self) -> bool:
        """Whether the source answered, with the file or without it."""
        return self.failure in (None, "status", "bad-answer")


def probe(url: str, policy: RetryPolicy, mirrors: Sequence[str]) -> ProbeResult:
    """Request an address once, by ``HEAD``, or its first byte where ``HEAD`` is not supported.

    Args:
        url: The address.
        policy: Time limits and the number of redirects.
        mirrors: Base addresses the user named.

    Raises:
        UsageError: ``bad-mirror``: nothing can open it.
    """
    started = policy.clock()
    try:
        with open_transport(url, policy, mirrors) as transport:
            status = _status(transport, url)
    except RetryableError as error:
        return _failed(url, error, error.error, policy.clock() - started)
    except ZooError as error:
        if error.code == "bad-mirror":
            raise
        return _failed(url, error, error, policy.clock() - started)
    failure: Failure | None = "proxy" if status == 407 else None if 200 <= status < 300 else "status"
    return ProbeResult(status, failure, status_text(status), policy.clock() - started)


def _status(transport: Transport, url: str) -> int:
    with transport.head(url) as reply:
        if reply.status not in _HEAD_UNSUPPORTED:
            return reply.status
    with transport.get(url, {"Range": "bytes=0-0"}) as reply:
        return reply.status


def _failed(url: str, error: Exception, reported: ZooError, seconds: float) -> ProbeResult:
    detail = reported.found or reported.message
    if urlsplit(url).scheme not in HTTP_SCHEMES:
        return ProbeResult(None, "mirror", detail, seconds, reported.hint)
    if reported.code == "bad-setting":
        return ProbeResult(None, "proxy", detail, seconds, reported.hint)
    return ProbeResult(
        None, "bad-answer" if reported.code in _ANSWERED else _first_failure(error), detail, seconds
    )


def _first_failure(error: Exception) -> Failure:
    """The first failure, derived from the errors of the network stack."""
    found = causes(error)
    kinds = {kind.__name__ for each in found for kind in type(each).__mro__}
    if any("Proxy" in kind for kind in kinds):
        return "proxy"
    if any(isinstance(each, socket.gaierror) for each in found) or "NameResolutionError" in kinds:
        return "name-not-resolved"
    if any(isinstance(each, ConnectionRefusedError) for each in found):
        return "connection-refused"
    # requests reports a missing certificate bundle as a plain OSError.
    if any(isinstance(each, ssl.SSLError) for each in found) or "certificate" in str(found[-1]):
        return "certificate"
    if any(isinstance(each, TimeoutError) for each in found) or {"Timeout", "TimeoutError"} & kinds:
        return "timed-out"
    return "no-connection"
