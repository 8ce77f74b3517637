"""Free space, and errors of the file system in the words of the cache."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from converters.fs.atomic import FULL
from registry.errors import MissingToolError

_FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class FileVersion(NamedTuple):
    """Tells two contents of one file apart without reading them; no program can set the change time.

    Attributes:
        device: Number of the file system.
        inode: Number of the file.
        size: Bytes.
        modified_ns: Time of the last write, which a program can set.
        changed_ns: Time of the last change of content, name or permissions.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def version_of(status: os.stat_result) -> FileVersion:
    """The version in the result of ``os.stat``."""
    return FileVersion(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def require_room(folder: Path, size: int) -> None:
    """Refuse to begin what does not fit on the disk.

    Raises:
        MissingToolError: ``disk-full``.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise _full(folder, f"{free} bytes free", expected=f"{size} bytes free")


@contextmanager
def translate_os_errors(root: Path) -> Iterator[None]:
    """Translate errors of the file system into errors that say what to do.

    Args:
        root: The cache, for the message.

    Raises:
        MissingToolError: ``disk-full``, ``cache-not-writable``, or ``cache-unusable`` for any other error.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # not from the file system
            raise
        reason = os.strerror(error.errno)
        path = error.filename or root
        if error.errno in FULL:
            raise _full(root, f"{reason}: {path}") from error
        forbidden = error.errno in _FORBIDDEN
        raise MissingToolError(
            "cache-not-writable" if forbidden else "cache-unusable",
            f"the cache at {root} cannot be {'written' if forbidden else 'used'}",
            found=f"{reason}: {path}",
            done="the earlier content of the cache is unchanged",
            hint="choose another folder: ZOO_CACHE=FOLDER",
        ) from error


def _full(path: Path, found: str, expected: str | None = None) -> MissingToolError:
    return MissingToolError(
        "disk-full",
        f"no space left for the cache at {path}",
        expected=expected,
        found=found,
        done="the earlier content of the cache is unchanged",
        hint="free some space, or choose another folder: ZOO_CACHE=FOLDER",
    )
