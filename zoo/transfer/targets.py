"""Targets of a mirror: a local folder, or a bucket that fsspec opens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from converters.fs.atomic import open_no_follow, publish_bytes, refuse_links, sync, writing_to
from converters.fs.tempfile_beside import temp_beside
from registry.errors import IntegrityError, NetworkError, UsageError
from registry.lock import describe
from registry.schema import Digest
from zoo._utils.checksums import CHUNK, RunningDigest, digest_of
from zoo.download.errors import root_cause
from zoo.download.filesystem import open_filesystem, path_of
from zoo.download.mirrors import base_url, folder_path, is_http, rewrite

_FOLDER_HINT = "name another folder"


class MirrorTarget(Protocol):
    """Stores files under relative paths with forward slashes."""

    @property
    def name(self) -> str:
        """Path or address for messages; also the value for ``--mirror``."""

    def read(self, path: str) -> bytes | None:
        """The content of a small file, None when there is none."""

    def holds(self, path: str, digest: Digest) -> bool:
        """Whether a file is present with this digest."""

    def put(self, path: str, source: Path, digest: Digest) -> None:
        """Copy a file atomically.

        Raises:
            IntegrityError: ``cache-damaged``: the digest of the source does not match.
            UsageError: The target cannot be written.
        """

    def write(self, path: str, content: bytes) -> None:
        """Replace a small file."""


class FolderTarget:
    """A folder.

    Args:
        folder: The folder; created with the first file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self._folder)

    def read(self, path: str) -> bytes | None:
        """The content of a small file, None when there is none."""
        with writing_to(self._folder / path, hint=_FOLDER_HINT):
            try:
                return (self._folder / path).read_bytes()
            except FileNotFoundError:
                return None

    def holds(self, path: str, digest: Digest) -> bool:
        """Compute the digest of the file again: the disk may have been removed during a write."""
        file = self._folder / path
        with writing_to(file, hint=_FOLDER_HINT):
            return file.is_file() and file.stat().st_size == digest.size and digest_of(file) == digest

    def put(self, path: str, source: Path, digest: Digest) -> None:
        """Copy a file to a temporary name, verify its digest, and rename it."""
        target = self._folder / path
        refuse_links(self._folder, target)
        with writing_to(target, hint=_FOLDER_HINT):
            target.parent.mkdir(parents=True, exist_ok=True)
            with temp_beside(target) as temp:
                _copy(source, temp, digest)
                temp.replace(target)
            sync(target.parent)

    def write(self, path: str, content: bytes) -> None:
        """Replace a small file."""
        refuse_links(self._folder, self._folder / path)
        publish_bytes(content, self._folder / path)


class BucketTarget:
    """A bucket or another file system of fsspec.

    Args:
        base: Its address.
    """

    def __init__(self, base: str) -> None:
        self._base = base_url(base)
        self._fs: Any = open_filesystem(self._base.partition("://")[0])

    @property
    def name(self) -> str:
        """The address."""
        return self._base.rstrip("/")

    def read(self, path: str) -> bytes | None:
        """The content of a small file, None when there is none."""
        try:
            content: bytes = self._fs.cat_file(self._at(path))
        except FileNotFoundError:
            return None
        except Exception as error:  # each file system has its own error classes
            raise self._failed(path, error) from None
        return content

    def holds(self, path: str, digest: Digest) -> bool:
        """Compare the size alone: reading every object would cost more than a new upload."""
        try:
            return int(self._fs.info(self._at(path), refresh=True)["size"]) == digest.size
        except FileNotFoundError:
            return False
        except Exception as error:  # as in ``read``
            raise self._failed(path, error) from None

    def put(self, path: str, source: Path, digest: Digest) -> None:
        """Upload a file; an object store publishes it atomically."""
        if digest_of(source) != digest:
            raise _damaged(source, digest, digest_of(source))
        try:
            self._fs.put_file(str(source), self._at(path))
        except Exception as error:  # as in ``read``
            raise self._failed(path, error) from None

    def write(self, path: str, content: bytes) -> None:
        """Replace a small file."""
        try:
            self._fs.pipe_file(self._at(path), content)
        except Exception as error:  # as in ``read``
            raise self._failed(path, error) from None

    def _at(self, path: str) -> str:
        return unquote(self._base) + path

    def _failed(self, path: str, error: Exception) -> NetworkError:
        return NetworkError(
            "mirror-not-writable",
            f"{self._base}{path} cannot be read or written",
            found=root_cause(error),
            done="the files copied before are unchanged",
            hint="check the network, the bucket's name and its credentials, then run the command again",
        )


def mirror_target(where: str) -> MirrorTarget:
    """The target for a path or address.

    Raises:
        UsageError: ``bad-mirror``; ``mirror-read-only``: files cannot be uploaded over http.
        MissingToolError: ``mirror-package-missing``.
    """
    if "://" not in where:
        return FolderTarget(folder_path(where))
    if is_http(where):
        raise UsageError(
            "mirror-read-only",
            "files cannot be uploaded to a web server",
            expected="a folder, file://…, or an address of fsspec such as s3://bucket/prefix",
            hint="zoo mirror FOLDER, then serve the folder",
        )
    if where.startswith("file:"):
        return FolderTarget(path_of(rewrite("https://any/x", where)).parent)
    return BucketTarget(where)


def _copy(source: Path, temp: Path, digest: Digest) -> None:
    fingerprint = RunningDigest()
    with source.open("rb") as original, open_no_follow(temp, os.O_WRONLY) as copy:
        while chunk := original.read(CHUNK):
            copy.write(chunk)
            fingerprint.update(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    if fingerprint.digest != digest:
        raise _damaged(source, digest, fingerprint.digest)


def _damaged(path: Path, expected: Digest, found: Digest) -> IntegrityError:
    return IntegrityError(
        "cache-damaged",
        f"{path} changed after it was stored",
        expected=describe(expected),
        found=describe(found),
        done="the file was not copied",
        hint="zoo verify --repair",
    )
