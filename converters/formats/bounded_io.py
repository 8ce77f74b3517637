"""Read untrusted files: regular files only, bounded in size, with a digest."""

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
    """Return whether the path is a folder; False where the path cannot be examined."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_regular_file(path: Path) -> bool:
    """Return whether the path is a regular file; False where the path cannot be examined."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def escape_surrogates(text: str) -> str:
    """Escape lone surrogates, which YAML, JSON and tar files can contain and JSON output cannot."""
    return text.encode("utf-8", "backslashreplace").decode()


def regular_file_size(path: Path) -> int:
    """Return the size in bytes of a regular file.

    Raises:
        NotFoundError: The path does not exist or cannot be read.
        UsageError: The path is a folder, a device, a pipe or a socket.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        # ValueError: a path with a NUL character.
        raise _unreadable_error(path, error) from None
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(
            "not-a-file",
            f"{path} is not a regular file",
            expected="a file",
            found="a folder" if stat.S_ISDIR(status.st_mode) else "a device, pipe or socket",
            hint=f"ls -l {path}   (write a stream to a file first)",
        )
    return status.st_size


@contextmanager
def open_regular_file(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading.

    Raises:
        NotFoundError: The path does not exist or cannot be read.
        UsageError: The path is not a regular file.
    """
    # Check the type first: opening a pipe blocks until a writer opens it too.
    regular_file_size(path)
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        if error.errno is None:
            # A decoder raised it, such as gzip for damaged data, not the operating system.
            raise
        raise _unreadable_error(path, error) from None


def read_head(path: Path, size: int) -> bytes:
    """Return the first ``size`` bytes, or fewer when the file is shorter."""
    with open_regular_file(path) as file:
        return file.read(size)


def read_bounded(path: Path, limit: int, errors: FormatErrors) -> bytes:
    """Read a whole file at once, so that the hashed bytes are the parsed bytes.

    Args:
        path: The file.
        limit: Largest accepted size in bytes.
        errors: Builds the error.

    Raises:
        IntegrityError: The file is larger than ``limit`` (``…-too-large``) or grew (``…-corrupt``).
    """
    size = regular_file_size(path)
    if size > limit:
        raise errors.too_large(f"at most {limit} bytes", f"{size} bytes")
    with open_regular_file(path) as file:
        # Not ``limit``: Python allocates as many bytes as a read asks for.
        data = file.read(size + 1)
    if len(data) > size:
        raise errors.corrupt(
            size, f"the end of the file after {size} bytes", "a file that grew during reading"
        )
    return data


def file_digest(path: Path) -> str:
    """Return the SHA-256 of the file in hexadecimal; raises like ``open_regular_file``."""
    with open_regular_file(path) as file:
        return sha256_in(file)


def combined_digest(digests: Mapping[str, str]) -> str:
    """Return the SHA-256 over the sorted ``sha256  name`` lines in the format of ``sha256sum``.

    Args:
        digests: SHA-256 by file name.
    """
    lines = sorted(f"{value}  {name}\n" for name, value in digests.items())
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _unreadable_error(path: Path, error: Exception) -> NotFoundError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return NotFoundError(
        "path-unreadable",
        f"cannot read {path}",
        expected="a readable file or folder",
        found=reason,
        hint=f"ls -l {path}",
    )
