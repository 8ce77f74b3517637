"""Errors of connections: stalled, lost, and the innermost cause of a network error."""

from __future__ import annotations

from registry.errors import NetworkError
from registry.printable import printable
from zoo.download.redaction import redact
from zoo.download.response import RETRY_HINT, RetryableError

_MAX_CAUSE = 200


def download_stalled(url: str, found: str) -> RetryableError:
    """The error for a server that stopped sending."""
    error = NetworkError(
        "download-stalled", f"{redact(url)}: the server stopped sending", found=found, hint=RETRY_HINT
    )
    return RetryableError(error)


def connection_lost(url: str, found: str) -> RetryableError:
    """The error for a body that ended early."""
    error = NetworkError(
        "connection-lost",
        f"{redact(url)}: the connection broke off before the file was complete",
        found=found,
        hint=RETRY_HINT,
    )
    return RetryableError(error)


def root_cause(error: BaseException) -> str:
    """The innermost reason of an error, unless it may quote an address; printable, on one line."""
    error = causes(error)[-1]
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    name = type(error).__name__
    quotes_address = any(mark in text for mark in ("://", "url:", "@"))
    return name if quotes_address else printable(f"{name}: {text}")[:_MAX_CAUSE]


def causes(error: BaseException) -> list[BaseException]:
    """An error and its causes, the innermost last."""
    found: list[BaseException] = []
    while all(error is not each for each in found):
        found.append(error)
        inner = [error.__cause__, getattr(error, "reason", None), *error.args, error.__context__]
        error = next((part for part in inner if isinstance(part, BaseException)), error)
    # If the causes form a cycle, the last one is where it closes.
    return [*found, error] if error is not found[-1] else found
