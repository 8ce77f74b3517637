"""The one place that writes files: each appears whole or not at all, and no symbolic link is followed.

Content first goes to a temporary file with an unpredictable name, which is created exclusively, and is then
renamed: a link at the target is replaced, and a link with a guessed temporary name makes the
creation fail; no link is written through.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pydantic import JsonValue

from converters.fs.tempfile_beside import NO_FOLLOW, temp_beside
from registry.errors import MissingToolError, UsageError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of a full disk, a used-up quota, and a file beyond the size limit."""

_CHUNK = 1 << 20
_CANNOT_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP})


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file; for untrusted files use ``converters.formats.bounded_io.digest``."""
    with path.open("rb") as stream:
        return sha256_in(stream)


def sha256_in(stream: BinaryIO) -> str:
    """Hex SHA-256 of the rest of an open file, read in chunks to bound the memory."""
    # As hashlib.file_digest, which Python 3.10 lacks.
    state = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        state.update(chunk)
    return state.hexdigest()


def canonical_json(value: JsonValue) -> bytes:
    """Encode a JSON value in its one canonical form: keys sorted, no spaces, UTF-8, no NaN.

    Raises:
        ValueError: The value holds NaN or an infinity, which JSON cannot represent.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def publish(temp: Path, target: Path) -> Path:
    """Move a finished file to its final path, whole or not at all.

    A file already at ``target`` is replaced. Across file systems the bytes are first copied to a temporary
    file in the folder of ``target``, because a rename is atomic only within one file system.

    Args:
        temp: Finished file; gone afterwards.
        target: The final path. Missing parent folders are created.

    Returns:
        ``target``.

    Raises:
        UsageError: ``target`` is a folder, or its folder cannot be created or written to.
        MissingToolError: The disk of ``target`` is full.
    """
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        sync(temp)
        try:
            temp.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_across(temp, target)
            temp.unlink()
        sync(target.parent)
    return target


def publish_bytes(content: bytes, target: Path) -> Path:
    """Write a file from memory, whole or not at all; arguments and errors as for ``publish``."""
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(content, target)
    return target


def replace_bytes(content: bytes, target: Path, *, durable: bool = True) -> None:
    """Replace a small file so that a reader sees the old content or the new one, never a part.

    Args:
        content: The new content.
        target: The file, in a folder that exists.
        durable: Whether the new content must survive a loss of power; costs two syncs.

    Raises:
        OSError: The file cannot be written.
    """
    with temp_beside(target) as temp:
        with open_no_follow(temp, os.O_WRONLY) as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temp.replace(target)
    if durable:
        sync(target.parent)


def publish_folder(temp: Path, target: Path) -> None:
    """Give a finished folder its final name.

    The caller holds the lock that guards the target, has made sure that the target does not exist, and has
    synced the files.

    Args:
        temp: Finished folder; gone afterwards.
        target: Its final name, on the same file system.
    """
    for folder, _, _ in os.walk(temp):
        sync(Path(folder))
    temp.rename(target)
    sync(target.parent)


def open_no_follow(path: Path, flags: int) -> BinaryIO:
    """Open a file for writing, unless its last component is a symbolic link.

    Args:
        path: The file.
        flags: As for ``os.open``, for example ``os.O_WRONLY | os.O_CREAT | os.O_APPEND``.

    Raises:
        OSError: It is a link (``ELOOP``), or cannot be opened.
    """
    handle = os.open(path, flags | NO_FOLLOW | getattr(os, "O_BINARY", 0), 0o666)
    return os.fdopen(handle, "ab" if flags & os.O_APPEND else "wb")


def refuse_links(folder: Path, target: Path) -> None:
    """Refuse a target whose path leads through a symbolic link inside of a folder.

    Args:
        folder: The folder that the user named; it may be a link itself.
        target: A path below it.

    Raises:
        UsageError: ``output-through-link``.
    """
    parents = [folder / parent for parent in target.relative_to(folder).parents]
    for parent in parents[:-1]:
        if parent.is_symlink():
            raise UsageError(
                "output-through-link",
                f"{target} is not written, because {parent} is a symbolic link",
                expected=f"folders below {folder}",
                found=f"a link to {os.readlink(parent)}",
                done="nothing was written there",
                hint=f"remove the link, or name another folder: ls -l {parent}",
            )


def sync(path: Path) -> None:
    """Flush a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network and FUSE file systems cannot sync a folder; they order renames themselves.
        if error.errno not in _CANNOT_SYNC or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name; copy it where the file system has no hard links."""
    # The sync comes first: a file that was synced already costs nothing then, a new name would.
    sync(source)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in FULL:
            raise
        shutil.copyfile(source, target)
        sync(target)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with its content; a missing path is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_writable(target: Path) -> None:
    """Refuse a target that cannot be written, before hours of work go into it.

    Raises:
        UsageError: ``target`` is a folder, or its folder cannot be created or written to.
        MissingToolError: The disk of ``target`` is full.
    """
    with writing_to(target):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder", str(target))
        target.parent.mkdir(parents=True, exist_ok=True)
        with temp_beside(target):
            pass


@contextlib.contextmanager
def writing_to(target: Path, *, hint: str = "name another path with --out") -> Iterator[None]:
    """Translate errors of the operating system about ``target`` into errors that say what to do.

    Args:
        target: What is being written.
        hint: What to type when it cannot be written.

    Raises:
        UsageError: ``output-not-writable``.
        MissingToolError: ``disk-full``.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise MissingToolError(
                "disk-full",
                f"the disk is full: cannot write {target}",
                found=error.strerror,
                done="no file was left behind",
                hint=f"free space on the disk of {target.parent}, then repeat the command",
            ) from error
        raise UsageError(
            "output-not-writable",
            f"cannot write {target}",
            expected="a path in a folder that can be written to",
            found=error.strerror or str(error),
            done="nothing was written",
            hint=hint,
        ) from error


def _copy_across(temp: Path, target: Path) -> None:
    with temp_beside(target) as copy:
        with temp.open("rb") as source, open_no_follow(copy, os.O_WRONLY) as file:
            shutil.copyfileobj(source, file, _CHUNK)
        sync(copy)
        copy.replace(target)
