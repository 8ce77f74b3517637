"""The interface through which a download reads from servers, folders and buckets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Reply:
    """A response whose body is not read yet.

    Attributes:
        status: HTTP status code; a file system's answer is translated into one.
        headers: Response headers.
        blocks: The body as it arrives; raises ``RetryableError`` when it breaks off.
    """

    status: int
    headers: Mapping[str, str]
    blocks: Iterator[bytes]


class Transport(Protocol):
    """Answers requests for files."""

    def get(self, url: str, headers: Mapping[str, str]) -> AbstractContextManager[Reply]:
        """Request a file.

        Args:
            url: Its address.
            headers: ``Range`` and ``If-Range``, or nothing.

        Raises:
            RetryableError: The request failed; a later one may succeed.
            NetworkError: The request failed for good.
        """

    def head(self, url: str) -> AbstractContextManager[Reply]:
        """Request status and headers of a file.

        Args:
            url: Its address.

        Raises:
            RetryableError: The request failed; a later one may succeed.
            NetworkError: The request failed for good.
        """
