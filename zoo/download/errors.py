"""Errors of connections: download_stalled, connection_lost, and the innermost cause of a network error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.errors import NetworkError
from zoo.download.response import RetryableError
from zoo.download.urls import redact

if TYPE_CHECKING:
    pass


def download_stalled(url: str, found: str) -> RetryableError:
    """The error for a server that has gone quiet."""
    error = NetworkError(
        "download-stalled",
        f"{redact(url)}: the server stopped sending",
        found=found,
        hint="try again later, or choose another source with --mirror URL",
    )
    return RetryableError(error)


def connection_lost(url: str, found: str) -> RetryableError:
    """The error for a body that ended early."""
    error = NetworkError(
        "connection-lost",
        f"{redact(url)}: the connection broke off before the file was complete",
        found=found,
        hint="run the command again: it goes on where it stopped",
    )
    return RetryableError(error)


def root_cause(error: BaseException) -> str:
    """The innermost reason of an error, which is the system's own and quotes no address."""
    error = causes(error)[-1]
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (
        f"{type(error).__name__}: {text}"
        if "://" not in text and "url:" not in text
        else type(error).__name__
    )


def causes(error: BaseException) -> list[BaseException]:
    """An error and what it came of, the innermost last."""
    found: list[BaseException] = []
    while all(error is not each for each in found):
        found.append(error)
        inner = [error.__cause__, getattr(error, "reason", None), *error.args, error.__context__]
        error = next((part for part in inner if isinstance(part, BaseException)), error)
    # Where they go in a circle, the one it closes at.
    return [*found, error] if error is not found[-1] else found
