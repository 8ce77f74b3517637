"""Untrusted zip archives."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib

import pytest

from tests.helpers.archive_fixture import ArchiveFixture, zip_with
from tests.helpers.sample_archives import MODEL, zip_of

pytestmark = pytest.mark.table("archives")


def patched(data: bytes, at: int, value: bytes, *, from_directory: bool = False) -> bytes:
    """Replace bytes at an offset from the start or from the first directory entry."""
    start = at + (data.index(b"PK\x01\x02") if from_directory else 0)
    return data[:start] + value + data[start + len(value) :]


def encrypted() -> bytes:
    flags = struct.pack("<H", 1)
    return patched(patched(zip_with(), 6, flags), 8, flags, from_directory=True)


def nul_name() -> bytes:
    return zip_with("good.nbXevil").replace(b"good.nbXevil", b"good.nb\0evil")


def two_names() -> bytes:
    """The name in the directory differs from the name in the local header."""
    return patched(zip_with("aaaa"), 30, b"bbbb")


def understated(size: int) -> bytes:
    """Both headers state this size; the content has another size."""
    data = zip_with("a", b"y" * 1000, method=zipfile.ZIP_DEFLATED)
    value = struct.pack("<L", size)
    return patched(patched(data, 22, value), 24, value, from_directory=True)


def overlapping() -> bytes:
    """Many directory entries that all point to the same content."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", bytes(5000))
        archive.writestr("b", b"")
        archive.filelist[1].header_offset = archive.filelist[0].header_offset
        archive.filelist[1].compress_size = archive.filelist[1].file_size = 5000
        archive.filelist[1].CRC = zlib.crc32(bytes(5000))
    return stream.getvalue()


ZIP = zip_of(MODEL)
END_RECORD = ZIP[-22:]

UNSAFE_ZIPS = {
    "symlink": zip_with("a", b"../sentinel", mode=stat.S_IFLNK | 0o777),
    "FIFO": zip_with("a", b"", mode=stat.S_IFIFO | 0o644),
    "device": zip_with("a", b"", mode=stat.S_IFCHR | 0o644),
    "encrypted": encrypted(),
    "a name with a NUL": nul_name(),
    "a folder with content": zip_with("a/", b"x"),
    "bzip2": zip_with(method=zipfile.ZIP_BZIP2),
    "LZMA": zip_with(method=zipfile.ZIP_LZMA),
    "members that share bytes (CVE-2024-0450)": overlapping(),
    "a ZIP64 locator (CVE-2025-8291)": ZIP[:-22] + b"PK\x06\x07" + bytes(16) + END_RECORD,
}


@pytest.mark.parametrize("scenario", UNSAFE_ZIPS)
def test_an_unsafe_zip_is_refused(archive_fixture: ArchiveFixture, scenario: str) -> None:
    assert archive_fixture.refused(UNSAFE_ZIPS[scenario], "zip").code in ("unsafe-archive", "corrupt-archive")


BROKEN_ZIPS = {
    "cut": ZIP[:-30],
    "cut in the end record": ZIP[:-5],
    "only the beginning": ZIP[:100],
    "something behind the end": ZIP + b"x",
    "something before the beginning": b"PK\x03\x04" + ZIP,
    "two archives": ZIP + ZIP,
    "a damaged byte": patched(ZIP, 60, b"\xff\xff"),
    "two names for one file": two_names(),
    "a size that is too small": understated(10),
    "a size that is too large": understated(2000),
    "a directory beyond the start": patched(ZIP, len(ZIP) - 6, struct.pack("<L", 0xFFFFFF00)),
    "one part of several": patched(ZIP, len(ZIP) - 18, b"\x01\x00"),
    "counts that differ": patched(ZIP, len(ZIP) - 14, b"\x01\x00"),
    "an end record alone": b"PK\x05\x06" + bytes(18),
    "a second end record in the comment": ZIP[:-2] + b"\x16\x00" + END_RECORD,
}


@pytest.mark.parametrize("scenario", BROKEN_ZIPS)
def test_a_broken_zip_is_refused(archive_fixture: ArchiveFixture, scenario: str) -> None:
    assert archive_fixture.refused(BROKEN_ZIPS[scenario], "zip").code == "corrupt-archive"


def test_a_comment_is_allowed(archive_fixture: ArchiveFixture) -> None:
    assert archive_fixture.extract(ZIP[:-2] + b"\x05\x00hello", "zip")
