"""How bytes come here: the one shape in which servers, folders and buckets answer a download."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Reply:
    """An answer whose body is not read yet.

    Attributes:
        status: Status code of HTTP; a file system's answer is put into the same numbers.
        headers: Response headers.
        blocks: The body as it arrives; raises ``RetryableError`` when it breaks off.
    """

    status: int
    headers: Mapping[str, str]
    blocks: Iterator[bytes]


class Transport(Protocol):
    """Answers requests for files."""

    def get(self, url: str, headers: Mapping[str, str]) -> AbstractContextManager[Reply]:
        """The answer to a request.

        Args:
            url: What to ask for.
            headers: ``Range`` and ``If-Range``, or nothing.

        Raises:
            RetryableError: No answer now, maybe later.
            NetworkError: No answer at all.
        """

    def head(self, url: str) -> AbstractContextManager[Reply]:
        """The answer to a request for everything but the file.

        Args:
            url: What to ask for.

        Raises:
            RetryableError: No answer now, maybe later.
            NetworkError: No answer at all.
        """
