"""Digests of published files, hashed again only when a file may have changed.

A file that has its device, inode, size and both times still has its bytes, as far as any program goes: the
change time (``ctime``) cannot be set. What a disk loses by itself is found by whoever reads all bytes:
``zoo verify``, ``--locked`` and ``--out``.
"""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from converters.fs.atomic import open_no_follow, sha256_of
from registry.lock import describe
from registry.schema import Digest
from zoo._utils.cache_names import DIGESTS, FILES, MANIFEST
from zoo._utils.disk import FileVersion, version_of
from zoo.store.manifest import Manifest, damaged

SETTLED_NS = 2_000_000_000
"""Age of the last change before a digest is remembered.

File systems count time in steps of up to two seconds: of two changes in one step, the second would leave the
file with the version that was hashed.
"""

_LONGEST = 1 << 24


class DigestCache:
    """Digests of the files of one published folder.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = _read(folder / DIGESTS)
        self._changed = False

    def digest(self, name: str, *, reread: bool = False) -> Digest:
        """Digest of a file below ``files/``.

        Args:
            name: Its relative path.
            reread: Hash the bytes, whatever is remembered.

        Raises:
            FileNotFoundError: It is missing.
            IntegrityError: ``cache-damaged``: it is a link, or not a file.
        """
        path = self._folder / FILES / name
        status = self._regular_file(path)
        version = version_of(status)
        known = self._known.get(name)
        if known is not None and known[0] == version and not reread:
            return Digest(sha256=known[1], size=status.st_size)
        sha256 = sha256_of(path)
        if version_of(path.lstat()) == version and time.time_ns() - version.changed_ns > SETTLED_NS:
            self._changed |= known != (version, sha256)
            self._known[name] = (version, sha256)
        return Digest(sha256=sha256, size=status.st_size)

    def save(self) -> None:
        """Remember the digests; a cache that cannot be written hashes again next time."""
        if not self._changed:
            return
        content = json.dumps({name: [*version, sha256] for name, (version, sha256) in self._known.items()})
        # In place, not by a temporary file: a torn file is read as an empty one, and costs one hashing.
        with suppress(OSError), open_no_follow(self._folder / DIGESTS, os.O_WRONLY | os.O_CREAT) as file:
            file.truncate(0)
            file.write(content.encode())
        self._changed = False

    def _regular_file(self, path: Path) -> os.stat_result:
        for parent in path.relative_to(self._folder).parents[:-1]:
            if (self._folder / parent).is_symlink():
                raise damaged(self._folder / parent, "a folder", "a symbolic link")
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise damaged(path, "a regular file", "a link or another kind of file")
        return status


def check_members(folder: Path, manifest: Manifest, *, reread: bool = False) -> None:
    """Compare the files of a published folder with its manifest.

    Args:
        folder: The folder.
        manifest: Its manifest.
        reread: Hash every file, also those that have not changed since they were last hashed.

    Raises:
        IntegrityError: ``cache-damaged``: a file is missing or has other bytes.
    """
    cache = DigestCache(folder)
    for name, expected in manifest.members.items():
        path = folder / FILES / name
        try:
            size = path.lstat().st_size
            found = cache.digest(name, reread=reread) if size == expected.size else None
        except (FileNotFoundError, NotADirectoryError):
            raise damaged(path, describe(expected), "no file") from None
        if found != expected:
            raise damaged(path, describe(expected), describe(found) if found else f"{size} bytes")
    cache.save()


def current_sha256(file: Path, root: Path) -> str:
    """SHA-256 of the bytes that a file has now.

    Args:
        file: A file below ``root``, where its digest is remembered until it changes, or anywhere else.
        root: The cache.
    """
    for folder in file.parents if file.is_relative_to(root) else ():
        if folder.name == FILES and (folder.parent / MANIFEST).is_file():
            cache = DigestCache(folder.parent)
            sha256 = cache.digest(file.relative_to(folder).as_posix()).sha256
            cache.save()
            return sha256
    return sha256_of(file)


def _read(path: Path) -> dict[str, tuple[FileVersion, str]]:
    try:
        if path.is_symlink() or path.stat().st_size > _LONGEST:
            return {}
        document = json.loads(path.read_bytes())
        return {str(name): (FileVersion(*map(int, row[:5])), str(row[5])) for name, row in document.items()}
    except (OSError, ValueError, TypeError, AttributeError, IndexError, RecursionError):
        return {}
