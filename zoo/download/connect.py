"""Chooses the transport for a URL: HTTP, a local folder, or fsspec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from zoo.download.policy import RetryPolicy
from zoo.download.transport import Transport
from zoo.download.urls import HTTP_SCHEMES


@contextmanager
def open_transport(
    url: str, policy: RetryPolicy, mirrors: Sequence[str], named: Sequence[str] = ()
) -> Iterator[Transport]:
    """Open the transport for an address; it is closed at the end.

    Args:
        url: The address.
        policy: Time limits.
        mirrors: Base addresses the user named.
        named: Addresses of single files the user named.

    Raises:
        MissingToolError: ``mirror-package-missing``: an optional package is needed.
        UsageError: ``bad-mirror``: nothing can open the address.
    """
    scheme = urlsplit(url).scheme
    # Imported here: each of them loads packages that the others do not need.
    if scheme in HTTP_SCHEMES:
        from zoo.download.session import Session

        with Session(policy, mirrors, named) as session:
            yield session
        return
    from zoo.download.filesystem import FilesystemTransport, FsspecFilesystem, LocalFilesystem

    yield FilesystemTransport(LocalFilesystem(mirrors) if scheme == "file" else FsspecFilesystem(scheme))
