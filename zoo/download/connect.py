"""Chooses the transport for a URL: HTTP, a local folder, or fsspec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from zoo.download.policy import RetryPolicy
from zoo.download.transport import Transport
from zoo.download.urls import HTTP_SCHEMES


@contextmanager
def open_transport(url: str, policy: RetryPolicy, mirrors: Sequence[str]) -> Iterator[Transport]:
    """What can answer for an address; closed at the end.

    Args:
        url: The address.
        policy: Patience.
        mirrors: Base addresses the user named.

    Raises:
        MissingToolError: ``mirror-package-missing``: only an optional package can open it.
        UsageError: ``bad-mirror``: nothing can open it.
    """
    scheme = urlsplit(url).scheme
    # Imported here: each of them brings along what the others do without.
    if scheme in HTTP_SCHEMES:
        from zoo.download.session import Session

        with Session(policy, mirrors) as session:
            yield session
        return
    from zoo.download.filesystem import FilesystemTransport, FsspecFilesystem, LocalFilesystem

    yield FilesystemTransport(LocalFilesystem(mirrors) if scheme == "file" else FsspecFilesystem(scheme))
