"""Mirrors that are file systems: a folder of this machine, or whatever fsspec opens (S3, Google Cloud, …).

They answer in the options of HTTP, ranges and entity tags included, so that resuming, limits, digests and
publishing are the same code for every source.
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
from zoo.download.errors import connection_lost, root_cause
from zoo.download.mirrors import display_url, matching_mirror
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
class Item:
    """A file on a filesystem.

    Attributes:
        size: Bytes.
        tag: Changes when the bytes do; empty when the file system cannot tell.
    """

    size: int
    tag: str


class Filesystem(Protocol):
    """A place that holds files under paths. Raises what its file system raises."""

    def find(self, url: str) -> Item | None:
        """The file at an address, None when there is none."""

    def open(self, url: str) -> IO[bytes]:
        """The bytes of a file that was found."""

    def failed(self, url: str, error: Exception) -> NoReturn:
        """Says in our words what the file system said."""


class FilesystemTransport:
    """Answers requests from a filesystem.

    Args:
        filesystem: Where the files are.
    """

    def __init__(self, filesystem: Filesystem) -> None:
        self._filesystem = filesystem

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[Reply]:
        """The answer to a request; see ``Transport``."""
        try:
            item = self._filesystem.find(url)
        except PermissionError:
            yield Reply(403, {}, iter(()))
            return
        except FileNotFoundError:
            item = None
        except Exception as error:  # each file system has a tree of errors of its own
            self._filesystem.failed(url, error)
        if item is None:
            yield Reply(404, {}, iter(()))
            return
        yield self._answer(url, item, _start(headers, item))

    def head(self, url: str) -> AbstractContextManager[Reply]:
        """As for a whole file, which nothing is read of before its blocks are."""
        return self.get(url, {})

    def _answer(self, url: str, item: Item, start: int) -> Reply:
        if start and start >= item.size:
            return Reply(416, {"Content-Range": f"bytes */{item.size}"}, iter(()))
        headers = {"Content-Length": str(item.size - start)} | ({"ETag": f'"{item.tag}"'} if item.tag else {})
        if start:
            headers["Content-Range"] = f"bytes {start}-{item.size - 1}/{item.size}"
        return Reply(206 if start else 200, headers, self._blocks(url, start))

    def _blocks(self, url: str, start: int) -> Iterator[bytes]:
        try:
            with self._filesystem.open(url) as file:
                file.seek(start)
                while block := file.read(BLOCK):
                    yield block
        except Exception as error:  # each file system has a tree of errors of its own
            raise connection_lost(url, root_cause(error)) from None


class LocalFilesystem:
    """Folders of this machine.

    Args:
        mirrors: Base addresses the user named, to tell a missing file from a missing disk.
    """

    def __init__(self, mirrors: Sequence[str]) -> None:
        self._mirrors = mirrors

    def find(self, url: str) -> Item | None:
        """A plain file; anything else, a pipe for example, would never end."""
        mirror = matching_mirror(url, self._mirrors)
        if mirror is not None and not path_of(display_url(mirror)).is_dir():
            raise NotADirectoryError(f"there is no folder {path_of(display_url(mirror))}")
        found = path_of(url).stat()
        if not stat.S_ISREG(found.st_mode):
            return None
        return Item(found.st_size, f"{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ino:x}")

    def open(self, url: str) -> IO[bytes]:
        """The bytes of a file that was found."""
        return path_of(url).open("rb")

    def failed(self, url: str, error: Exception) -> NoReturn:
        """A disk does not get better by asking again."""
        raise NetworkError(
            "network-unreachable",
            f"{url}: the mirror's folder cannot be read",
            found=str(error),
            hint="mount it, or correct --mirror or ZOO_MIRROR",
        ) from None


class FsspecFilesystem:
    """A file system of fsspec. It finds its credentials in its own places, never in an address.

    Args:
        scheme: For example ``s3``.

    Raises:
        MissingToolError: ``mirror-package-missing``.
        UsageError: ``bad-mirror``.
    """

    def __init__(self, scheme: str) -> None:
        self._fs = file_system(scheme)

    def find(self, url: str) -> Item | None:
        """A file; folders do not count."""
        info = self._fs.info(_path(url))
        if info.get("type") != "file":
            return None
        tag = info.get("ETag") or info.get("etag") or info.get("md5Hash") or ""
        return Item(int(info["size"]), re.sub(r"[^0-9A-Za-z+/=-]", "", str(tag)))

    def open(self, url: str) -> IO[bytes]:
        """The bytes of a file that was found."""
        # What s3fs reads ahead by itself is fifty times as much, and all of it is partial in memory.
        file: IO[bytes] = self._fs.open(_path(url), "rb", block_size=8 * BLOCK)
        return file

    def failed(self, url: str, error: Exception) -> NoReturn:
        """Anything may be over in a moment."""
        raise RetryableError(
            NetworkError(
                "network-unreachable",
                f"{url}: the mirror cannot be read",
                found=root_cause(error),
                hint="check the network, the bucket's name and its credentials",
            )
        ) from None


def file_system(scheme: str) -> Any:
    """The file system of fsspec for a scheme.

    Raises:
        MissingToolError: ``mirror-package-missing``: it, or what it needs for this scheme, is not installed.
        UsageError: ``bad-mirror``: fsspec knows no such scheme.
    """
    try:
        # Not in the light install: few mirrors are buckets.
        import fsspec

        kind = fsspec.get_filesystem_class(scheme)
        _require_nothing_more(kind)
        return kind()
    except ImportError as error:
        package = _EXTRAS.get(scheme, "paddle-zoo[mirrors]")
        raise MissingToolError(
            "mirror-package-missing",
            f"a {scheme}:// mirror needs a package that is not installed",
            expected="fsspec, and what it needs for this scheme",
            found=str(error),
            done="nothing was fetched",
            hint=f"pip install '{package}'",
        ) from None
    except ValueError:
        raise UsageError(
            "bad-mirror",
            f"nothing here can open {scheme}:// addresses",
            expected="http, https, file, or a scheme of fsspec such as s3",
            hint="correct --mirror or ZOO_MIRROR",
        ) from None


def _require_nothing_more(kind: Any) -> None:
    """Only schemes that an address is enough for; ftp, for example, wants its host apart.

    Asked before one is made: what fails while it is made complains on stderr when it is thrown away.

    Raises:
        ValueError: It needs more.
    """
    own = list(signature(kind.__init__).parameters.values())[1:]
    if any(each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD for each in own):
        raise ValueError(kind)


def path_of(url: str) -> Path:
    """The path of a ``file://`` address."""
    from urllib.request import url2pathname  # as the standard library spells it on this system

    return Path(url2pathname(urlsplit(url).path))


def _path(url: str) -> str:
    return unquote(url)


def _start(headers: Mapping[str, str], item: Item) -> int:
    """Where the body is to begin; 0 when the file is not the one the condition names."""
    if headers.get("If-Range", f'"{item.tag}"') != f'"{item.tag}"':
        return 0
    asked = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
    return int(asked[1]) if asked else 0
