"""Writing files so that nobody ever sees half of one, and naming bytes by their digest."""

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

from converters.fs.tempfile_beside import temp_beside
from registry.errors import MissingToolError, UsageError

_CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file; for untrusted files use ``converters.formats.bounded_io.file_digest``."""
    with path.open("rb") as stream:
        return sha256_in(stream)


def sha256_in(stream: BinaryIO) -> str:
    """Hex SHA-256 of what is left of an open file, read in pieces so that size does not matter."""
    # As hashlib.file_digest, which Python 3.10 lacks.
    state = hashlib.sha256()
    while piece := stream.read(_CHUNK):
        state.update(piece)
    return state.hexdigest()


def canonical_json(value: JsonValue) -> bytes:
    """The one byte form of a JSON value: keys sorted, no spaces, UTF-8, no NaN.

    Raises:
        ValueError: The value holds NaN or an infinity, which JSON cannot say.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def publish(temp: Path, target: Path) -> Path:
    """Move a finished file to where people look for it: either the whole file appears, or none.

    A file already at ``target`` is replaced. Across file systems the bytes are first copied to a hidden
    sibling of ``target``, because only a rename inside one file system is atomic.

    Args:
        temp: Finished file; gone afterwards.
        target: Where it shall be. Missing parent folders are made.

    Returns:
        ``target``.

    Raises:
        UsageError: ``target`` is a folder, or its folder cannot be made or written to.
        MissingToolError: No room left on the disk of ``target``.
    """
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _flush(temp)
        try:
            temp.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_beside(temp, target)
            temp.unlink()
        _flush(target.parent)
    return target


def publish_bytes(content: bytes, target: Path) -> Path:
    """Like ``publish``, for bytes that are still in memory."""
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with temp_beside(target) as temp:
            temp.write_bytes(content)
            _flush(temp)
            temp.replace(target)
        _flush(target.parent)
    return target


def check_writable(target: Path) -> None:
    """Refuse a target that cannot be written before hours of work go into it.

    Raises:
        UsageError: ``target`` is a folder, or its folder cannot be made or written to.
        MissingToolError: No room left on the disk of ``target``.
    """
    with writing_to(target):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder", str(target))
        target.parent.mkdir(parents=True, exist_ok=True)
        with temp_beside(target):
            pass


@contextlib.contextmanager
def writing_to(target: Path, *, hint: str = "name another place with --out") -> Iterator[None]:
    """Turn what the operating system says about writing ``target`` into an error a person can act on."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise MissingToolError(
                "disk-full",
                f"no room left to write {target}",
                found=error.strerror,
                done="no file was left behind",
                hint=f"make room on the disk of {target.parent}, then repeat",
            ) from error
        raise UsageError(
            "output-not-writable",
            f"cannot write {target}",
            expected="a path in a folder that can be written to",
            found=error.strerror or str(error),
            done="nothing was written",
            hint=hint,
        ) from error


def _copy_beside(temp: Path, target: Path) -> None:
    with temp_beside(target) as copy:
        shutil.copyfile(temp, copy)
        _flush(copy)
        copy.replace(target)


def _flush(path: Path) -> None:
    """Have the disk hold what was written; for a folder, the names in it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
