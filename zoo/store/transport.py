"""How bytes come here: the one shape in which servers, folders and buckets answer a download."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from zoo.store.policy import RetryPolicy
from zoo.store.urls import WEB


@dataclass(frozen=True)
class Reply:
    """An answer whose body is not read yet.

    Attributes:
        status: Status code of HTTP; a file system's answer is put into the same numbers.
        headers: Response headers.
        blocks: The body as it arrives; raises ``TryAgainError`` when it breaks off.
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
            TryAgainError: No answer now, maybe later.
            NetworkError: No answer at all.
        """

    def head(self, url: str) -> AbstractContextManager[Reply]:
        """The answer to a request for everything but the file.

        Args:
            url: What to ask for.

        Raises:
            TryAgainError: No answer now, maybe later.
            NetworkError: No answer at all.
        """


@contextmanager
def opened(url: str, policy: RetryPolicy, mirrors: Sequence[str]) -> Iterator[Transport]:
    """What can answer for an address; closed at the end.

    Args:
        url: The address.
        policy: Patience.
        mirrors: Base addresses the user named.

    Raises:
        MissingToolError: ``mirror-needs-package``: only an optional package can open it.
        UsageError: ``bad-mirror``: nothing can open it.
    """
    scheme = urlsplit(url).scheme
    # Imported here: each of them brings along what the others do without.
    if scheme in WEB:
        from zoo.store.session import Session

        with Session(policy, mirrors) as session:
            yield session
        return
    from zoo.store.shelves import BucketShelf, FolderShelf, Shelves

    yield Shelves(FolderShelf(mirrors) if scheme == "file" else BucketShelf(scheme))
