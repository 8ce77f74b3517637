"""Known vulnerabilities of Python's archive modules, each as an archive that would use it.

Whatever version of Python this runs under, and whether or not it has the fix.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from registry.errors import IntegrityError
from registry.schema import Container
from tests.helpers.archive_fixture import (
    END,
    NO_BYTES,
    SMALL,
    ArchiveFixture,
    header,
    plain,
    special,
    tar_with,
)
from tests.helpers.sample_archives import MODEL, zip_of
from tests.zoo.archive.test_zip import overlapping, understated

GNU_NEGATIVE = b"\xff" * 11 + b"\x00"
SYMLINK, HARD_LINK, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


def size_of(data: bytes) -> bytes:
    return b"%011o\0" % len(data)


def extended(body: bytes, kind: bytes = b"x") -> bytes:
    """A pax or GNU header with this body, before a member of no bytes."""
    padded = body.ljust(-(-len(body) // 512) * 512, b"\0")
    return header(size_of(body), kind) + padded + header(NO_BYTES) + END


def deep_links() -> bytes:
    """Links whose resolved path exceeds PATH_MAX, so that the rest of it is no longer resolved."""
    members: list[tuple[tarfile.TarInfo, bytes]] = []
    folder, where = "d" * 200, ""
    for letter in "abcdefghijklmnop":
        members.append((special(f"{where}{folder}", FOLDER), b""))
        members.append((special(f"{where}{letter}", SYMLINK, folder), b""))
        where += f"{letter}/"
    members.append((special(f"{where}{'l' * 200}", SYMLINK, "../" * 16), b""))
    members.append((special("escape", SYMLINK, f"{where}{'l' * 200}/../../sentinel"), b""))
    members.append((plain("escape", 4), b"evil"))
    return tar_with(*members[0], *members[1:])


def folder_by_long_name() -> bytes:
    """A file of the old type whose truncated name ends with a slash; its long name is that of a file."""
    name = b"a" * 99 + b"/b"
    old = header(size_of(b"x"), b"\0", name[:100])
    return header(size_of(name), b"L") + name.ljust(512, b"\0") + old + b"x".ljust(512, b"\0") + END


@dataclass(frozen=True)
class Row:
    """An archive that uses a vulnerability.

    Attributes:
        make: Packs it.
        container: Its kind.
        may_hold: Files it may unpack to instead of being refused, where the flaw is not in the archive.
    """

    make: Callable[[], bytes]
    container: Container = "tar"
    may_hold: frozenset[str] = frozenset()


CVES: dict[str, Row] = {
    "CVE-2007-4559 a path out of the folder": Row(lambda: tar_with(plain("../sentinel", 4), b"evil")),
    "CVE-2007-4559 an absolute path": Row(lambda: tar_with(plain("/tmp/evil", 4), b"evil")),
    "CVE-2013-7338 a size beyond the archive": Row(lambda: understated(1 << 31), "zip"),
    "CVE-2019-9674 a bomb of one member": Row(lambda: zip_of({"a": bytes(3_000_000)}), "zip"),
    "CVE-2019-9674 a bomb of many members": Row(
        lambda: zip_of({f"{number}": bytes(150_000) for number in range(20)}), "zip"
    ),
    "CVE-2019-20907 an extended header of length zero": Row(lambda: extended(b"0 a=b\n")),
    "CVE-2024-0450 members that share bytes": Row(overlapping, "zip"),
    "CVE-2024-5569 a name of slashes": Row(lambda: zip_of({"a": b"x", "//": b"x"}), "zip"),
    "CVE-2024-6232 an extended header of digits": Row(lambda: extended(b"1" * 1_000_000)),
    "CVE-2024-6232 a global header of digits": Row(lambda: extended(b"1" * 60_000, b"g")),
    "CVE-2024-6232 digits, compressed": Row(lambda: gzip.compress(extended(b"1" * 1_000_000)), "tar.gz"),
    "CVE-2024-8088 names that lead nowhere": Row(
        lambda: zip_of({"a/": b"", "a//b": b"x", "a/./c": b"x", "../": b""}), "zip"
    ),
    "CVE-2024-12718 modes of a folder outside": Row(
        lambda: tar_with(special("a", SYMLINK, ".."), b"", (special("a/.", FOLDER), b""))
    ),
    "CVE-2025-4138 a link through a link": Row(
        lambda: tar_with(
            special("a", SYMLINK, "."),
            b"",
            (special("a/b", SYMLINK, ".."), b""),
            (plain("a/b/evil", 4), b"evil"),
        )
    ),
    "CVE-2025-4330 a hard link out of the folder": Row(
        lambda: tar_with(special("a", HARD_LINK, "../sentinel"), b"", (plain("a", 4), b"evil"))
    ),
    "CVE-2025-4435 a bad member among good ones": Row(
        lambda: tar_with(plain("good", 1), b"x", (special("bad", SYMLINK, "/etc"), b""), (plain("z"), b""))
    ),
    "CVE-2025-4517 links deeper than PATH_MAX": Row(deep_links),
    "CVE-2025-8194 a negative size": Row(lambda: header(NO_BYTES) + header(GNU_NEGATIVE, name=b"b") + END),
    "CVE-2025-8194 a negative size in an extended header": Row(lambda: extended(b"12 size=-512\n")),
    "CVE-2025-8291 a ZIP64 locator that points elsewhere": Row(
        lambda: zip_of(MODEL)[:-22] + b"PK\x06\x07" + bytes(16) + zip_of(MODEL)[-22:], "zip"
    ),
    "CVE-2025-13462 a file taken for a folder": Row(
        folder_by_long_name, may_hold=frozenset({"a" * 99 + "/b"})
    ),
    "CVE-2026-4360 owners through a hard link": Row(
        lambda: tar_with(plain("a", 1), b"x", (special("b", HARD_LINK, "a"), b""))
    ),
    "CVE-2026-11940 a hard link to a deeper symlink": Row(
        lambda: tar_with(
            special("d/e/link", SYMLINK, "../../sentinel"), b"", (special("up", HARD_LINK, "d/e/link"), b"")
        )
    ),
    "CVE-2026-11972 an end in the middle of a huge member": Row(
        lambda: header(b"77777777777\0") + bytes(512) + b"x" * 5000
    ),
    "CVE-2026-11972 the same, compressed": Row(
        lambda: gzip.compress(header(b"77777777777\0") + b"x" * 5000), "tar.gz"
    ),
}


@pytest.mark.table("known vulnerabilities of tarfile and zipfile")
@pytest.mark.parametrize("scenario", CVES)
def test_a_known_vulnerability(archive_fixture: ArchiveFixture, scenario: str) -> None:
    row = CVES[scenario]
    if row.may_hold:
        assert unpack_or_nothing(archive_fixture, row) <= row.may_hold
        return
    error = archive_fixture.refused(row.make(), row.container)

    assert error.code in ("unsafe-archive", "corrupt-archive")
    assert error.exit_code == 5
    written = sum(path.stat().st_size for path in archive_fixture.into.rglob("*") if path.is_file())
    assert written <= SMALL.unpacked_bytes


def unpack_or_nothing(archive_fixture: ArchiveFixture, row: Row) -> set[str]:
    """Names of the unpacked files; none where the archive was refused."""
    try:
        names = {member.name for member in archive_fixture.extract(row.make(), row.container)}
    except IntegrityError:
        names = set()
    archive_fixture.check_surroundings()
    return names


@pytest.mark.parametrize("container", ["tar", "zip"])
def test_long_numbers_in_names_are_accepted(archive_fixture: ArchiveFixture, container: Container) -> None:
    name = "/".join(["1234567890" * 20] * 4)
    stream = io.BytesIO()
    if container == "tar":
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            tar.addfile(plain(name, 1), io.BytesIO(b"x"))
    else:
        with zipfile.ZipFile(stream, "w") as zipped:
            zipped.writestr(name, b"x")

    assert [member.name for member in archive_fixture.extract(stream.getvalue(), container)] == [name]
