"""Reading zip with the standard library's parser, after looking at the directory it will believe.

A zip says everything twice and may hide things between: what is refused here is every case in which two
readers could see two different archives. Held off whatever version is installed: members that overlap
(CVE-2024-0450), a ZIP64 locator that points elsewhere (CVE-2025-8291), names that end at a NUL.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from zoo.archive.unpacker import CHUNK, Unpacker, plain_mode

# APPNOTE.TXT 4.3.16, end of central directory: disk numbers, entries (here, in all), size, offset, comment.
_END = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_LOCATOR_BYTES = 20
_LOCAL_HEADER_BYTES = 30
_LARGEST_ENTRY = 4096
"""Bytes of one directory entry, on average: the parser reads all of them into memory at once."""

_UTF8 = 0x800
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNIX = 3


def unpack(unpacking: Unpacker) -> None:
    """Unpacks a zip archive.

    Args:
        unpacking: Archive, limits and the place to put files.

    Raises:
        IntegrityError: As for :func:`zoo.store.archive.extract`.
    """
    with unpacking.archive.open("rb") as file:
        try:
            _check_end(unpacking, file)
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                _check_layout(unpacking, members, archive.start_dir)
                for member in members:
                    _member(unpacking, archive, member)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, struct.error, LookupError) as error:
            raise unpacking.corrupt(f"{type(error).__name__}: {error}") from None
        except (NotImplementedError, RuntimeError) as error:  # features of zip the parser does not know
            raise unpacking.unsafe(unpacking.archive.name, str(error)) from None


def _check_end(unpacking: Unpacker, file: BinaryIO) -> None:
    """The directory's end record is the last thing in the file, and it announces a directory of sane size."""
    longest = _END.size + 0xFFFF
    start = max(0, unpacking.packed_size - longest - _LOCATOR_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise ValueError("the end of the archive is missing")
    _, disk, first_disk, here, entries, size, offset, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise ValueError("something that is no part of the archive stands behind its end")
    if disk or first_disk or here != entries:
        raise ValueError("a part of an archive in several parts")
    too_many = entries > unpacking.limits.members or size > unpacking.limits.members * _LARGEST_ENTRY
    if too_many or tail[max(0, at - _LOCATOR_BYTES) : at].startswith(_ZIP64_LOCATOR):
        raise unpacking.unsafe(unpacking.archive.name, f"more than {unpacking.limits.members} members")
    if offset + size != start + at:
        raise ValueError("the directory is not where the end of the archive says")
    file.seek(0)


def _check_layout(unpacking: Unpacker, members: list[zipfile.ZipInfo], directory: int) -> None:
    """Members follow each other from the first byte on, and none shares bytes with another."""
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if end == 0 and member.header_offset != 0:
            raise ValueError("something that is no part of the archive stands before its first member")
        if member.header_offset < end:
            raise unpacking.unsafe(member.filename, "it overlaps another member")
        encoding = "utf-8" if member.flag_bits & _UTF8 else "cp437"
        name_bytes = len(member.orig_filename.encode(encoding))
        end = member.header_offset + _LOCAL_HEADER_BYTES + name_bytes + member.compress_size
    if end > directory:
        raise ValueError("a member reaches into the directory")


def _member(unpacking: Unpacker, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    # The parser cuts the name at a NUL; the name it was given is the one to judge.
    name = member.orig_filename
    if member.flag_bits & _ENCRYPTED:
        raise unpacking.unsafe(name, "it is encrypted")
    if member.compress_type not in _METHODS:
        raise unpacking.unsafe(
            name, f"compression method {member.compress_type}: only stored and deflated are read"
        )
    if member.create_system == _UNIX and not plain_mode(member.external_attr >> 16):
        raise unpacking.unsafe(name, "a link, device or pipe")
    if name.endswith("/"):
        if member.file_size:
            raise unpacking.unsafe(name, "a folder with content")
        unpacking.folder(name)
    else:
        unpacking.file(name, member.file_size, _content(archive, member))


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member's bytes; the parser compares their CRC-32 at the end."""
    with archive.open(member) as file:
        while chunk := file.read(CHUNK):
            yield chunk
