"""Where a mirror is written: a folder of this machine, or a bucket that fsspec opens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from converters.fs.atomic import publish_bytes, writing_to
from registry.errors import IntegrityError, NetworkError, UsageError
from registry.lock import describe
from registry.schema import Digest
from zoo._utils.checksums import CHUNK, Fingerprint, digest_of
from zoo._utils.disk import sync
from zoo.download.errors import root_cause
from zoo.download.filesystem import file_system, path_of
from zoo.download.mirrors import display_url, is_http, rewrite

_ANOTHER = "name another folder"


class MirrorTarget(Protocol):
    """Takes files under relative paths with forward slashes."""

    @property
    def name(self) -> str:
        """What people call it; also the base to name as a mirror."""

    def read(self, path: str) -> bytes | None:
        """The content of a small file, None when there is none."""

    def holds(self, path: str, digest: Digest) -> bool:
        """Whether a file that was put there before is still what it was."""

    def put(self, path: str, source: Path, digest: Digest) -> None:
        """Copies a file, whole or not at all.

        Raises:
            IntegrityError: ``store-damaged``: the source is not what its digest says.
            UsageError: The place cannot be written.
        """

    def write(self, path: str, content: bytes) -> None:
        """Replaces a small file."""


class FolderTarget:
    """A folder.

    Args:
        folder: The folder; made when the first file is put there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self._folder)

    def read(self, path: str) -> bytes | None:
        """The content of a small file, None when there is none."""
        with writing_to(self._folder / path, hint=_ANOTHER):
            try:
                return (self._folder / path).read_bytes()
            except FileNotFoundError:
                return None

    def holds(self, path: str, digest: Digest) -> bool:
        """Re-hashes the file: a mirror may have been on a disk that was pulled out."""
        file = self._folder / path
        with writing_to(file, hint=_ANOTHER):
            return file.is_file() and file.stat().st_size == digest.size and digest_of(file) == digest

    def put(self, path: str, source: Path, digest: Digest) -> None:
        """Copies a file beside its place, hashes it on the way, and gives it its name at the end."""
        target = self._folder / path
        temp = target.with_name(f".{target.name}.tmp")
        with writing_to(target, hint=_ANOTHER):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                _copy(source, temp, digest)
                temp.replace(target)
                sync(target.parent)
            finally:
                temp.unlink(missing_ok=True)

    def write(self, path: str, content: bytes) -> None:
        """Replaces a small file."""
        publish_bytes(content, self._folder / path)


class BucketTarget:
    """A bucket, or whatever else fsspec opens.

    Args:
        base: Its address.
    """

    def __init__(self, base: str) -> None:
        self._base = display_url(base)
        self._fs: Any = file_system(self._base.partition("://")[0])

    @property
    def name(self) -> str:
        """Its address."""
        return self._base.rstrip("/")

    def read(self, path: str) -> bytes | None:
        """The content of a small file, None when there is none."""
        try:
            content: bytes = self._fs.cat_file(self._at(path))
        except FileNotFoundError:
            return None
        except Exception as error:  # each file system has a tree of errors of its own
            raise self._failed(path, error) from None
        return content

    def holds(self, path: str, digest: Digest) -> bool:
        """Compares the size: reading every object back would cost more than putting it there anew."""
        try:
            return int(self._fs.info(self._at(path), refresh=True)["size"]) == digest.size
        except FileNotFoundError:
            return False
        except Exception as error:  # as in ``read``
            raise self._failed(path, error) from None

    def put(self, path: str, source: Path, digest: Digest) -> None:
        """Uploads a file; a store of objects shows it whole or not at all."""
        if digest_of(source) != digest:
            raise _damaged(source, digest, digest_of(source))
        try:
            self._fs.put_file(str(source), self._at(path))
        except Exception as error:  # as in ``read``
            raise self._failed(path, error) from None

    def write(self, path: str, content: bytes) -> None:
        """Replaces a small file."""
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
            done="what was put there before is unchanged",
            hint="check the network, the bucket's name and its credentials, then run the command again",
        )


def mirror_target(where: str) -> MirrorTarget:
    """A place by its path or address.

    Raises:
        UsageError: ``bad-mirror``; ``mirror-read-only``: nothing can be put there over http.
        MissingToolError: ``mirror-package-missing``.
    """
    if "://" not in where:
        return FolderTarget(Path(where).expanduser())
    if is_http(where):
        raise UsageError(
            "mirror-read-only",
            "files cannot be put on a web server by asking it",
            expected="a folder, file://…, or an address of fsspec such as s3://bucket/prefix",
            hint="zoo mirror FOLDER, then serve that folder",
        )
    if where.startswith("file:"):
        return FolderTarget(path_of(rewrite("https://any/x", where)).parent)
    return BucketTarget(where)


def _copy(source: Path, temp: Path, digest: Digest) -> None:
    fingerprint = Fingerprint()
    with source.open("rb") as original, temp.open("wb") as copy:
        while chunk := original.read(CHUNK):
            copy.write(chunk)
            fingerprint.update(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    if fingerprint.digest != digest:
        raise _damaged(source, digest, fingerprint.digest)


def _damaged(path: Path, expected: Digest, found: Digest) -> IntegrityError:
    return IntegrityError(
        "store-damaged",
        f"{path} changed after it was stored",
        expected=describe(expected),
        found=describe(found),
        done="it was not copied",
        hint="zoo verify",
    )
