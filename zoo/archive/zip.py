"""Reads zip with the standard library's parser, after checks of the central directory.

A zip states everything twice and may hide data in between: every archive that two readers could interpret
differently is refused. This avoids known bugs whatever version is installed: members that overlap
(CVE-2024-0450), a ZIP64 locator that points elsewhere (CVE-2025-8291), names cut at a NUL.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from zoo.archive.unpacker import CHUNK, Unpacker, is_plain_mode

# APPNOTE.TXT 4.3.16, end of central directory: disk numbers, entries (here, in all), size, offset, comment.
_END = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_LOCATOR_BYTES = 20
_LOCAL_HEADER_BYTES = 30
_MAX_ENTRY_BYTES = 4096
"""Bytes of one directory entry, on average: the parser reads all of them into memory at once."""

_UTF8 = 0x800
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNIX = 3


def unpack(unpacker: Unpacker) -> None:
    """Unpack a zip archive.

    Args:
        unpacker: Archive, limits and target folder.

    Raises:
        IntegrityError: As for :func:`zoo.archive.extract.extract`.
    """
    with unpacker.archive.open("rb") as file:
        try:
            _check_end(unpacker, file)
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                _check_layout(unpacker, members, archive.start_dir)
                for member in members:
                    _member(unpacker, archive, member)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, struct.error, LookupError) as error:
            raise unpacker.corrupt(f"{type(error).__name__}: {error}") from None
        except (NotImplementedError, RuntimeError) as error:  # features that the parser does not support
            raise unpacker.unsafe(unpacker.archive.name, str(error)) from None


def _check_end(unpacker: Unpacker, file: BinaryIO) -> None:
    """Check that the end record is the last record of the file and announces a directory of valid size."""
    longest = _END.size + 0xFFFF
    start = max(0, unpacker.packed_size - longest - _LOCATOR_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise ValueError("the end of the archive is missing")
    _, disk, first_disk, here, entries, size, offset, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise ValueError("there is data after the end of the archive")
    if disk or first_disk or here != entries:
        raise ValueError("a part of a split archive")
    too_many = entries > unpacker.limits.members or size > unpacker.limits.members * _MAX_ENTRY_BYTES
    if too_many or tail[max(0, at - _LOCATOR_BYTES) : at].startswith(_ZIP64_LOCATOR):
        raise unpacker.unsafe(unpacker.archive.name, f"more than {unpacker.limits.members} members")
    if offset + size != start + at:
        raise ValueError("the directory is not where the end record states")
    file.seek(0)


def _check_layout(unpacker: Unpacker, members: list[zipfile.ZipInfo], directory: int) -> None:
    """Check that members start at the first byte and do not overlap."""
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if end == 0 and member.header_offset != 0:
            raise ValueError("there is data before the first member")
        if member.header_offset < end:
            raise unpacker.unsafe(member.filename, "it overlaps another member")
        encoding = "utf-8" if member.flag_bits & _UTF8 else "cp437"
        name_bytes = len(member.orig_filename.encode(encoding))
        end = member.header_offset + _LOCAL_HEADER_BYTES + name_bytes + member.compress_size
    if end > directory:
        raise ValueError("a member overlaps the directory")


def _member(unpacker: Unpacker, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    # The parser cuts the name at a NUL; the original name is checked.
    name = member.orig_filename
    if member.flag_bits & _ENCRYPTED:
        raise unpacker.unsafe(name, "it is encrypted")
    if member.compress_type not in _METHODS:
        raise unpacker.unsafe(
            name, f"compression method {member.compress_type}: only stored and deflated are supported"
        )
    if member.create_system == _UNIX and not is_plain_mode(member.external_attr >> 16):
        raise unpacker.unsafe(name, "a link, device or pipe")
    if name.endswith("/"):
        if member.file_size:
            raise unpacker.unsafe(name, "a folder with content")
        unpacker.folder(name)
    else:
        unpacker.file(name, member.file_size, _content(archive, member))


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member's bytes; the parser verifies their CRC-32 at the end."""
    with archive.open(member) as file:
        while chunk := file.read(CHUNK):
            yield chunk
