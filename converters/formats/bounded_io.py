"""Getting at the bytes of one file: only regular files, only up to a limit, with a digest."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from converters.formats.errors import FormatErrors
from converters.fs.atomic import sha256_in
from registry.errors import NotFoundError, UsageError


def is_folder(path: Path) -> bool:
    """Whether a folder is there; False for anything that cannot be looked at."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_regular_file(path: Path) -> bool:
    """Whether a regular file is there; False for anything that cannot be looked at."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def escape_surrogates(text: str) -> str:
    """Text that can be sent as JSON: YAML, JSON and tar can carry halves of characters."""
    return text.encode("utf-8", "backslashreplace").decode()


def regular_file_size(path: Path) -> int:
    """Size in bytes of a regular file.

    Raises:
        NotFoundError: Nothing is there, or it may not be read.
        UsageError: It is a folder, a device, a pipe or a socket.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        # ValueError: a path with a NUL character.
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(
            "not-a-file",
            f"{path} is not a regular file",
            expected="a file",
            found="a folder" if stat.S_ISDIR(status.st_mode) else "a device, pipe or socket",
            hint=f"ls -l {path}   (a stream has to be written to a file first)",
        )
    return status.st_size


@contextmanager
def open_regular_file(path: Path) -> Iterator[BinaryIO]:
    """The file, open for reading.

    Raises:
        NotFoundError: Nothing is there, or it may not be read.
        UsageError: It is not a regular file.
    """
    # Looked at before opening: opening a pipe waits for a writer that may never come.
    regular_file_size(path)
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        if error.errno is None:
            # Raised by a decoder, such as gzip's for damaged data, and not by the system.
            raise
        raise _unreadable(path, error) from None


def read_head(path: Path, size: int) -> bytes:
    """The first ``size`` bytes, fewer when the file is shorter."""
    with open_regular_file(path) as file:
        return file.read(size)


def read_bounded(path: Path, limit: int, errors: FormatErrors) -> bytes:
    """All bytes, so that what is hashed and what is parsed cannot differ.

    Args:
        path: The file.
        limit: Largest size in bytes that is loaded.
        errors: Names the file in the error.

    Raises:
        IntegrityError: The file is larger than ``limit`` (``…-too-large``).
    """
    with open_regular_file(path) as file:
        # One byte more than allowed tells a file that grew since its size was asked from one that fits.
        size = regular_file_size(path)
        data = file.read(limit + 1) if size <= limit else b""
    if size > limit or len(data) > limit:
        raise errors.too_large(f"at most {limit} bytes", f"{size} bytes")
    return data


def file_digest(path: Path) -> str:
    """SHA-256 of the file, as lower-case hexadecimal digits; errors as for ``open_regular_file``."""
    with open_regular_file(path) as file:
        return sha256_in(file)


def combined_digest(digests: Mapping[str, str]) -> str:
    """SHA-256 over the sorted ``sha256  name`` lines, the way ``sha256sum`` writes them.

    Args:
        digests: File name to digest of the file.
    """
    lines = sorted(f"{value}  {name}\n" for name, value in digests.items())
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _unreadable(path: Path, error: Exception) -> NotFoundError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return NotFoundError(
        "path-unreadable",
        f"cannot read {path}",
        expected="a file or folder that may be read",
        found=reason,
        hint=f"ls -l {path}",
    )
