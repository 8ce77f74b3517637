"""The few ways in which the store changes a disk, each whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from registry.errors import MissingToolError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class FileVersion(NamedTuple):
    """Tells one content of an atomically replaced file from the next without reading it."""

    inode: int
    modified_ns: int
    size: int


def version_of(path: Path) -> FileVersion:
    """The version a file is in now.

    Raises:
        FileNotFoundError: There is none.
    """
    status = path.stat()
    return FileVersion(status.st_ino, status.st_mtime_ns, status.st_size)


def sync(path: Path) -> None:
    """Makes a file's bytes, or a folder's list of names, survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network and FUSE file systems cannot sync a folder; they order renames themselves.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def write_atomically(path: Path, text: str, *, durable: bool = True) -> None:
    """Replaces a small file so that a reader sees the old text or the new one, never a part.

    The caller holds the lock that guards the file: the temporary name beside it is fixed, so that what a
    killed process left is overwritten by the next one.

    Args:
        path: The file.
        text: Its new content.
        durable: Whether the new text must survive a loss of power; costs two syncs.
    """
    temp = path.with_name(f".{path.name}.tmp")
    try:
        with temp.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temp.replace(path)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def publish(temp: Path, target: Path) -> None:
    """Gives a finished folder its final name. Its files are synced already, its folders are synced here.

    The caller holds the lock that guards the target, and has made sure that there is none.
    """
    for folder, _, _ in os.walk(temp):
        sync(Path(folder))
    temp.rename(target)
    sync(target.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Puts a file under a second name without moving it; copies where the file system has no hard links."""
    # Before it has two names: a file that was synced already costs nothing then, a new name would.
    sync(source)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in FULL:
            raise
        shutil.copyfile(source, target)
        sync(target)


def remove(path: Path) -> None:
    """Removes a file or a folder with all it holds; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def require_room(folder: Path, size: int) -> None:
    """Refuses to begin what cannot fit.

    Raises:
        MissingToolError: ``disk-full``.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise _full(folder, f"{free} bytes free", expected=f"{size} bytes free")


@contextmanager
def translate_os_errors(root: Path) -> Iterator[None]:
    """Turns errors of the file system into errors a person can act on.

    Args:
        root: The store, for the message.

    Raises:
        MissingToolError: ``disk-full``, ``store-not-writable``, or ``store-unusable`` for anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # not from the file system
            raise
        reason = os.strerror(error.errno)
        place = error.filename or root
        if error.errno in FULL:
            raise _full(root, f"{reason}: {place}") from error
        forbidden = error.errno in _FORBIDDEN
        raise MissingToolError(
            "store-not-writable" if forbidden else "store-unusable",
            f"the store at {root} cannot be {'written' if forbidden else 'used'}",
            found=f"{reason}: {place}",
            done="what the store held before is unchanged",
            hint="choose another place: ZOO_CACHE=FOLDER",
        ) from error


def _full(place: Path, found: str, expected: str | None = None) -> MissingToolError:
    return MissingToolError(
        "disk-full",
        f"no room left for the store at {place}",
        expected=expected,
        found=found,
        done="what the store held before is unchanged",
        hint="make room, or choose another place: ZOO_CACHE=FOLDER",
    )
