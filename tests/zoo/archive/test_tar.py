"""Untrusted tar archives."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from tests.helpers.archive_fixture import END, NO_BYTES, ArchiveFixture, header, plain, special, tar_with
from tests.helpers.sample_archives import MODEL, tar_gz_of, tar_of

pytestmark = pytest.mark.table("archives")


def through_a_link(kind: bytes, target: str) -> bytes:
    return tar_with(special("way", kind, target), b"", (plain("way/evil", 1), b"x"))


SPECIAL_MEMBERS = {
    "symlink out (CVE-2025-4517)": tar_with(special("a", tarfile.SYMTYPE, "../sentinel")),
    "symlink, absolute": tar_with(special("a", tarfile.SYMTYPE, "/etc/passwd")),
    "symlink inside": tar_with(special("a", tarfile.SYMTYPE, "b")),
    "hard link out (CVE-2025-4330)": tar_with(special("a", tarfile.LNKTYPE, "../sentinel")),
    "a file through a symlink to a folder (CVE-2007-4559)": through_a_link(tarfile.SYMTYPE, ".."),
    "a file through a chain of links (CVE-2025-4138)": tar_with(
        special("a", tarfile.SYMTYPE, "."),
        b"",
        (special("a/b", tarfile.SYMTYPE, ".."), b""),
        (plain("a/b/evil"), b""),
    ),
    "overwriting through a hard link": tar_with(
        special("a", tarfile.LNKTYPE, "../sentinel"), b"", (plain("a", 4), b"evil")
    ),
    "character device": tar_with(special("a", tarfile.CHRTYPE)),
    "block device": tar_with(special("a", tarfile.BLKTYPE)),
    "FIFO": tar_with(special("a", tarfile.FIFOTYPE)),
    "contiguous file": tar_with(special("a", tarfile.CONTTYPE)),
    "unknown type": tar_with(special("a", b"Z")),
}


@pytest.mark.parametrize("scenario", SPECIAL_MEMBERS)
def test_only_files_and_folders_leave_a_tar(archive_fixture: ArchiveFixture, scenario: str) -> None:
    assert archive_fixture.refused(SPECIAL_MEMBERS[scenario], "tar").code == "unsafe-archive"


def sparse_tar() -> bytes:
    """GNU sparse format 1.0: a pax header that claims a terabyte made of one block."""
    member = tarfile.TarInfo("sparse")
    member.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "sparse",
        "GNU.sparse.realsize": str(1 << 40),
    }
    content = b"1\n0\n1\n".ljust(512, b"\0") + b"x"
    member.size = len(content)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def test_sparse_files_are_refused(archive_fixture: ArchiveFixture) -> None:
    assert archive_fixture.refused(sparse_tar(), "tar").code in ("unsafe-archive", "corrupt-archive")


GNU_NEGATIVE = b"\xff" * 11 + b"\x00"
TAR = tar_of(MODEL)

BROKEN_TARS = {
    "a size beyond the end": header(b"00000100000\0") + b"x" * 512 + END,
    "a size below zero (CVE-2025-8194)": header(GNU_NEGATIVE) + END,
    "a size below zero before a loop": header(NO_BYTES) + header(GNU_NEGATIVE, name=b"b") + END,
    "a long name below zero": header(GNU_NEGATIVE, b"L") + header(NO_BYTES) + END,
    "a long name of a petabyte": header(b"\x80" + b"\0" * 4 + b"\x04" + b"\0" * 6, b"L") + END,
    "an extended header of a petabyte": header(b"\x80" + b"\0" * 4 + b"\x04" + b"\0" * 6, b"x") + END,
    "an endless chain of extended headers": header(NO_BYTES, b"x") * 3000 + END,
    "an extended header without a length (CVE-2019-20907)": (
        header(b"00000000004\0", b"x") + b"0 a\n".ljust(512, b"\0") + END
    ),
    "no end": TAR.rstrip(b"\0"),
    "cut in a header": TAR[:200],
    "cut in the content": TAR[:3000],
    "cut behind the last member": TAR[: 512 * 3],
    "only one of the two last blocks": header(NO_BYTES) + bytes(512),
    "two archives": TAR + TAR,
    "something behind the end": TAR + b"x",
    "a damaged header in the middle": header(NO_BYTES) + b"\1" * 512 + END,
    "only zeros": bytes(10240),
    "nothing": b"",
    "not an archive": b"hello" * 1000,
    "a file under the name of a folder": tar_with(plain("a/b/")),
    "a file under no name": header(NO_BYTES, name=b"./") + END,
}


@pytest.mark.parametrize("scenario", BROKEN_TARS)
def test_a_broken_tar_is_refused(archive_fixture: ArchiveFixture, scenario: str) -> None:
    assert archive_fixture.refused(BROKEN_TARS[scenario], "tar").code in ("corrupt-archive", "unsafe-archive")


def test_a_tar_without_a_file_is_refused(archive_fixture: ArchiveFixture) -> None:
    assert archive_fixture.refused(tar_with(special("a", tarfile.DIRTYPE)), "tar").code == "corrupt-archive"


PACKED = tar_gz_of(MODEL)
BROKEN_GZIPS = {
    "cut": PACKED[:-20],
    "cut in the checksum": PACKED[:-2],
    "a wrong checksum": PACKED[:-8] + bytes(8),
    "a flipped bit": PACKED[:400] + bytes([PACKED[400] ^ 1]) + PACKED[401:],
    "rubbish behind it": PACKED + b"rubbish",
    "a second archive in a second gzip member": PACKED + PACKED,
    "no tar inside": gzip.compress(b"hello" * 1000),
}


@pytest.mark.parametrize("scenario", BROKEN_GZIPS)
def test_a_broken_tar_gz_is_refused(archive_fixture: ArchiveFixture, scenario: str) -> None:
    assert archive_fixture.refused(BROKEN_GZIPS[scenario], "tar.gz").code == "corrupt-archive"
