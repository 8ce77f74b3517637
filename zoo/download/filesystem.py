"""Transport for mirrors that are file systems: a local folder, or one of fsspec (S3, Google Cloud, …).

It answers with HTTP status codes, ranges and entity tags, so that resuming, limits and digests are the same
code for every source.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol
from urllib.parse import unquote, urlsplit

from registry.errors import MissingToolError, NetworkError, UsageError
from registry.printable import printable
from zoo.download.errors import connection_lost, root_cause
from zoo.download.mirrors import base_url, matching_mirror
from zoo.download.redaction import redact
from zoo.download.response import RetryableError
from zoo.download.transport import Reply

BLOCK = 1024 * 1024
_EXTRAS = {
    "s3": "paddle-zoo[mirrors]",
    "s3a": "paddle-zoo[mirrors]",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
}


@dataclass(frozen=True)
class FileInfo:
    """Metadata of a file.

    Attributes:
        size: Bytes.
        tag: Changes when the bytes change; empty when the file system has nothing of that kind.
    """

    size: int
    tag: str


class Filesystem(Protocol):
    """A file system addressed by URLs. Its methods raise the errors of that file system."""

    def find(self, url: str) -> FileInfo | None:
        """The file at an address, None when there is none."""

    def open(self, url: str) -> IO[bytes]:
        """Open a file that was found."""

    def raise_error(self, url: str, error: Exception) -> NoReturn:
        """Raise the error of our tree for an error of the file system."""


class FilesystemTransport:
    """Answers requests from a file system.

    Args:
        filesystem: The file system.
    """

    def __init__(self, filesystem: Filesystem) -> None:
        self._filesystem = filesystem

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[Reply]:
        """Request a file; see ``Transport``."""
        try:
            info = self._filesystem.find(url)
        except PermissionError:
            yield Reply(403, {}, iter(()))
            return
        except FileNotFoundError:
            info = None
        except Exception as error:  # each file system has its own error classes
            self._filesystem.raise_error(url, error)
        if info is None:
            yield Reply(404, {}, iter(()))
            return
        yield self._answer(url, info, _start(headers, info))

    def head(self, url: str) -> AbstractContextManager[Reply]:
        """Request the whole file; nothing of it is read before its blocks are."""
        return self.get(url, {})

    def _answer(self, url: str, info: FileInfo, start: int) -> Reply:
        if start and start >= info.size:
            return Reply(416, {"Content-Range": f"bytes */{info.size}"}, iter(()))
        headers = {"Content-Length": str(info.size - start)} | ({"ETag": f'"{info.tag}"'} if info.tag else {})
        if start:
            headers["Content-Range"] = f"bytes {start}-{info.size - 1}/{info.size}"
        return Reply(206 if start else 200, headers, self._blocks(url, start))

    def _blocks(self, url: str, start: int) -> Iterator[bytes]:
        try:
            with self._filesystem.open(url) as file:
                file.seek(start)
                while block := file.read(BLOCK):
                    yield block
        except Exception as error:  # each file system has its own error classes
            raise connection_lost(url, root_cause(error)) from None


class LocalFilesystem:
    """Folders of this machine.

    Args:
        mirrors: Base addresses the user named, to distinguish a missing file from a missing disk.
    """

    def __init__(self, mirrors: Sequence[str]) -> None:
        self._mirrors = mirrors

    def find(self, url: str) -> FileInfo | None:
        """A regular file; reading anything else, a pipe for example, might never end."""
        mirror = matching_mirror(url, self._mirrors)
        if mirror is not None and not path_of(base_url(mirror)).is_dir():
            raise NotADirectoryError(f"there is no folder {path_of(base_url(mirror))}")
        found = path_of(url).stat()
        if not stat.S_ISREG(found.st_mode):
            return None
        return FileInfo(found.st_size, f"{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ino:x}")

    def open(self, url: str) -> IO[bytes]:
        """Open a file that was found."""
        return path_of(url).open("rb")

    def raise_error(self, url: str, error: Exception) -> NoReturn:
        """Raise an error that is not retried: a disk does not recover within a minute."""
        raise NetworkError(
            "network-unreachable",
            f"{redact(url)}: the mirror folder cannot be read",
            found=printable(str(error)),
            hint="mount it, or correct --mirror or ZOO_MIRROR",
        ) from None


class FsspecFilesystem:
    """A file system of fsspec. It reads its credentials from its own configuration, never from an address.

    Args:
        scheme: For example ``s3``.

    Raises:
        MissingToolError: ``mirror-package-missing``.
        UsageError: ``bad-mirror``.
    """

    def __init__(self, scheme: str) -> None:
        self._fs = open_filesystem(scheme)

    def find(self, url: str) -> FileInfo | None:
        """A file; folders do not count."""
        info = self._fs.info(unquote(url))
        if info.get("type") != "file":
            return None
        tag = info.get("ETag") or info.get("etag") or info.get("md5Hash") or ""
        return FileInfo(int(info["size"]), re.sub(r"[^0-9A-Za-z+/=-]", "", str(tag)))

    def open(self, url: str) -> IO[bytes]:
        """Open a file that was found."""
        # The default of s3fs reads fifty times as much ahead, all of it in memory.
        file: IO[bytes] = self._fs.open(unquote(url), "rb", block_size=8 * BLOCK)
        return file

    def raise_error(self, url: str, error: Exception) -> NoReturn:
        """Raise an error that is retried: any failure of a remote store may be temporary."""
        raise RetryableError(
            NetworkError(
                "network-unreachable",
                f"{redact(url)}: the mirror cannot be read",
                found=root_cause(error),
                hint="check the network, the bucket's name and its credentials",
            )
        ) from None


def open_filesystem(scheme: str) -> Any:
    """The file system of fsspec for a scheme.

    Raises:
        MissingToolError: ``mirror-package-missing``: fsspec or a package for this scheme is not installed.
        UsageError: ``bad-mirror``: fsspec does not support the scheme.
    """
    try:
        # Not in the light install: few mirrors are buckets.
        import fsspec

        kind = fsspec.get_filesystem_class(scheme)
        _require_no_arguments(kind)
        return kind()
    except ImportError as error:
        package = _EXTRAS.get(scheme, "paddle-zoo[mirrors]")
        raise MissingToolError(
            "mirror-package-missing",
            f"a {scheme}:// mirror needs a package that is not installed",
            expected="fsspec, and the package it needs for this scheme",
            found=str(error),
            done="nothing was fetched",
            hint=f"pip install '{package}'",
        ) from None
    except ValueError:
        raise UsageError(
            "bad-mirror",
            f"{scheme}:// addresses are not supported",
            expected="http, https, file, or a scheme of fsspec such as s3",
            hint="correct --mirror or ZOO_MIRROR",
        ) from None


def _require_no_arguments(kind: Any) -> None:
    """Accept only file systems that need nothing but an address; ftp, for example, needs a host argument.

    Checked before construction: an object whose construction fails prints to stderr when it is collected.

    Raises:
        ValueError: It needs more.
    """
    own = list(signature(kind.__init__).parameters.values())[1:]
    if any(each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD for each in own):
        raise ValueError(kind)


def path_of(url: str) -> Path:
    """The path of a ``file://`` address."""
    from urllib.request import url2pathname  # handles the drive letters of Windows

    return Path(url2pathname(urlsplit(url).path))


def _start(headers: Mapping[str, str], info: FileInfo) -> int:
    """The offset of the response body; 0 when the file is not the one that ``If-Range`` names."""
    if headers.get("If-Range", f'"{info.tag}"') != f'"{info.tag}"':
        return 0
    requested = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
    return int(requested[1]) if requested else 0
