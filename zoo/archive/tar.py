"""Reads tar and tar.gz with the standard library's parser, within strict limits.

The parser only interprets headers; file system operations and length checks are done here. This avoids known
bugs of the parser whatever version is installed: writing outside the folder and through links (CVE-2007-4559,
CVE-2024-12718, CVE-2025-4138, CVE-2025-4330, CVE-2025-4435, CVE-2025-4517: ``extract`` is never called),
endless loops on negative sizes (CVE-2019-20907, CVE-2025-8194: lengths are checked on every read and the
number of members is bounded), patterns with quadratic running time (CVE-2024-6232: such headers are refused
before parsing), and ignored data behind a damaged header (the end of the archive is checked).
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from zoo.archive.unpacker import CHUNK, Unpacker

BLOCK = 512
MAX_HEADER_BYTES = 64 * 1024
"""Bytes the parser may read at once: extended headers are read whole into memory."""

MAX_DIGITS = 255
"""Consecutive digits in an extended header: enough for any part of a name, more than for any number."""

_NUMBER = re.compile(rb"[0-9]+")
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)
_DAMAGE = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, ArithmeticError, LookupError)


def unpack(unpacker: Unpacker) -> None:
    """Unpack a tar archive, compressed with gzip or not.

    Args:
        unpacker: Archive, limits and target folder.

    Raises:
        IntegrityError: As for :func:`zoo.archive.extract.extract`.
    """
    with unpacker.archive.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        reader = _Reader(gzip.GzipFile(fileobj=raw, mode="rb") if compressed else raw, unpacker)
        try:
            _members(unpacker, reader)
        except (
            *_DAMAGE,
            RecursionError,
        ) as error:  # recursion: nested extended headers
            raise unpacker.corrupt(f"{type(error).__name__}: {error}") from None


def _members(unpacker: Unpacker, reader: _Reader) -> None:
    end = 0
    # Not closed: an error on closing would hide the first one, and there is nothing to flush.
    tar = tarfile.open(fileobj=reader, mode="r:", errors="surrogateescape", encoding="utf-8")  # noqa: SIM115
    while (member := tar.next()) is not None:
        if member.isdir():
            unpacker.folder(member.name)
        elif member.type in _REGULAR and not member.issparse():
            unpacker.file(member.name, member.size, _content(reader, member))
        else:
            raise unpacker.unsafe(member.name, _kind(member))
        content = 0 if member.isdir() else member.size
        end = member.offset_data + -(-content // BLOCK) * BLOCK
    _check_tail(reader, end)


def _content(reader: _Reader, member: tarfile.TarInfo) -> Iterator[bytes]:
    reader.seek(member.offset_data)
    left = member.size
    while left > 0:
        chunk = reader.read_content(min(left, CHUNK))
        if not chunk:
            return
        left -= len(chunk)
        yield chunk


def _check_tail(reader: _Reader, end: int) -> None:
    """Check for two blocks of zeros (POSIX.1-2017, pax, "ustar Interchange Format"), then only padding."""
    reader.seek(end)
    tail = reader.read_content(2 * BLOCK)
    if len(tail) < 2 * BLOCK:
        raise ValueError("the end of the archive is missing")
    while tail:
        if any(tail):
            raise ValueError("there is data after the last member")
        tail = reader.read_content(CHUNK)


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "a link"
    if member.isdev():
        return "a device or a pipe"
    return "a sparse file" if member.issparse() else f"a member of type {member.type!r}"


class _Reader(io.RawIOBase):
    """The stream for the parser: limits the size of one read and the total."""

    def __init__(self, source: gzip.GzipFile | BinaryIO, unpacker: Unpacker) -> None:
        super().__init__()
        self._source = source
        self._unpacking = unpacker
        self._max_position = unpacker.remaining + (unpacker.limits.members + 2) * (MAX_HEADER_BYTES // 4)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._source.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or not 0 <= offset <= self._max_position:
            raise ValueError("a header points outside the archive")
        return self._source.seek(offset)

    def read(self, size: int = -1) -> Any:
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise ValueError(f"a header states an invalid length: {size} bytes")
        data = self.read_content(size)
        if size > BLOCK and max(map(len, _NUMBER.findall(data)), default=0) > MAX_DIGITS:
            raise ValueError(f"a header contains a number of more than {MAX_DIGITS} digits")
        return data

    def read_content(self, size: int) -> bytes:
        """Read bytes that are not parsed as a header."""
        data = self._source.read(size)
        if self._source.tell() > self._max_position:
            raise self._unpacking.unsafe(self._unpacking.archive.name, "unpacks to more than allowed")
        return data
