"""Reading tar and tar.gz with the standard library's parser, kept on a short leash.

The parser decides what a header says; everything it would do with the file system, and every length it
believes, is decided here. Bugs of its past that this holds off whatever version is installed: writing outside
the folder and through links (CVE-2007-4559, CVE-2024-12718, CVE-2025-4138, CVE-2025-4330, CVE-2025-4435,
CVE-2025-4517: ``extract`` is never called), endless loops on negative sizes (CVE-2019-20907, CVE-2025-8194:
lengths are checked on every read and the number of members is bounded), patterns that take the square of a
header's length in time (CVE-2024-6232: it is not shown such headers), and silence about what stands behind a
damaged header (the tail is checked).
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
LARGEST_HEADER = 64 * 1024
"""Bytes the parser may ask for at once: extended headers are read whole into memory."""

LONGEST_NUMBER = 255
"""Digits in a row in an extended header: the longest part of a name may be made of them, no number is."""

_NUMBER = re.compile(rb"[0-9]+")
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)
_DAMAGE = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, ArithmeticError, LookupError)


def unpack(unpacking: Unpacker) -> None:
    """Unpacks a tar archive, compressed with gzip or not.

    Args:
        unpacking: Archive, limits and the place to put files.

    Raises:
        IntegrityError: As for :func:`zoo.store.archive.extract`.
    """
    with unpacking.archive.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        reader = _Reader(gzip.GzipFile(fileobj=raw, mode="rb") if compressed else raw, unpacking)
        try:
            _members(unpacking, reader)
        except (
            *_DAMAGE,
            RecursionError,
        ) as error:  # recursion: an extended header of an extended header of …
            raise unpacking.corrupt(f"{type(error).__name__}: {error}") from None


def _members(unpacking: Unpacker, reader: _Reader) -> None:
    end = 0
    # An error while closing a reader would hide the one that matters; there is nothing to flush.
    tar = tarfile.open(fileobj=reader, mode="r:", errors="surrogateescape", encoding="utf-8")  # noqa: SIM115
    while (member := tar.next()) is not None:
        if member.isdir():
            unpacking.folder(member.name)
        elif member.type in _REGULAR and not member.issparse():
            unpacking.file(member.name, member.size, _content(reader, member))
        else:
            raise unpacking.unsafe(member.name, _kind(member))
        content = 0 if member.isdir() else member.size
        end = member.offset_data + -(-content // BLOCK) * BLOCK
    _check_tail(reader, end)


def _content(reader: _Reader, member: tarfile.TarInfo) -> Iterator[bytes]:
    reader.seek(member.offset_data)
    left = member.size
    while left > 0:
        chunk = reader.take(min(left, CHUNK))
        if not chunk:
            return
        left -= len(chunk)
        yield chunk


def _check_tail(reader: _Reader, end: int) -> None:
    """The end is two blocks of zeros (POSIX.1-2017, pax, "ustar Interchange Format"), then only padding."""
    reader.seek(end)
    tail = reader.take(2 * BLOCK)
    if len(tail) < 2 * BLOCK:
        raise ValueError("the end of the archive is missing")
    while tail:
        if any(tail):
            raise ValueError("something that is no part of the archive stands behind its last member")
        tail = reader.take(CHUNK)


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "a link"
    if member.isdev():
        return "a device or a pipe"
    return "a sparse file" if member.issparse() else f"a member of type {member.type!r}"


class _Reader(io.RawIOBase):
    """What the parser reads from: bounded in what it gives at once and in all."""

    def __init__(self, source: gzip.GzipFile | BinaryIO, unpacking: Unpacker) -> None:
        super().__init__()
        self._source = source
        self._unpacking = unpacking
        self._most = unpacking.room + (unpacking.limits.members + 2) * (LARGEST_HEADER // 4)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._source.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or not 0 <= offset <= self._most:
            raise ValueError("a header leads outside the archive")
        return self._source.seek(offset)

    def read(self, size: int = -1) -> Any:
        if not 0 <= size <= LARGEST_HEADER:
            raise ValueError(f"a header states an impossible length: {size} bytes")
        data = self.take(size)
        if size > BLOCK and max(map(len, _NUMBER.findall(data)), default=0) > LONGEST_NUMBER:
            raise ValueError(f"a header holds a number of more than {LONGEST_NUMBER} digits")
        return data

    def take(self, size: int) -> bytes:
        """Bytes that are no header."""
        data = self._source.read(size)
        if self._source.tell() > self._most:
            raise self._unpacking.unsafe(self._unpacking.archive.name, "unpacks to more than allowed")
        return data
