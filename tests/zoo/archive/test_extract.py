"""Unpacking: valid archives are unpacked unchanged, hostile ones write nothing outside their folder."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import IntegrityError
from registry.schema import Container
from tests.helpers.archive_fixture import (
    END,
    NO_BYTES,
    PACKERS,
    SMALL,
    ArchiveFixture,
    header,
    plain,
    special,
    tar_with,
    zip_with,
)
from tests.helpers.sample_archives import MODEL, digest, tar_gz_of, tar_of, zip_of
from zoo.archive.unpacker import Member

pytestmark = pytest.mark.table("archives")


@pytest.mark.parametrize("container", PACKERS)
def test_files_are_unpacked_unchanged(archive_fixture: ArchiveFixture, container: Container) -> None:
    members = archive_fixture.extract(PACKERS[container](MODEL), container)

    assert members == tuple(Member(name, digest(MODEL[name])) for name in sorted(MODEL))
    assert {name: (archive_fixture.into / name).read_bytes() for name in MODEL} == MODEL


def test_modes_owners_and_times_of_the_archive_are_ignored(archive_fixture: ArchiveFixture) -> None:
    member = tarfile.TarInfo("run.sh")
    member.mode, member.uid, member.mtime, member.size = 0o6777, 12345, 0, 2
    archive_fixture.extract(tar_with(member, b"ls"), "tar")

    status = (archive_fixture.into / "run.sh").stat()
    assert stat.S_IMODE(status.st_mode) & ~0o644 == 0
    assert status.st_uid == os.getuid()
    assert status.st_mtime > 1_000_000_000


@pytest.mark.parametrize("names", [["./", "./a", "./b/", "./b/c"], ["a/", "a/", "a/b"], ["a//b"]])
def test_common_spellings_of_names_are_accepted(archive_fixture: ArchiveFixture, names: list[str]) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            archive.addfile(member)
    members = archive_fixture.extract(stream.getvalue(), "tar")

    expected = {PurePosixPath(name) for name in names if not name.endswith("/")}
    assert {PurePosixPath(member.name) for member in members} == expected


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_tar_format_is_read(archive_fixture: ArchiveFixture, format: int) -> None:
    name = "/".join(["folder-of-some-length"] * 6) + "/model.pdmodel"
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
        member = tarfile.TarInfo(name)
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))

    assert archive_fixture.extract(stream.getvalue(), "tar") == (Member(name, digest(b"abc")),)


@pytest.mark.parametrize("container", ["tar", "tar.gz", "zip"])
@pytest.mark.parametrize("packed", ["tar", "tar.gz", "zip"])
def test_the_content_decides_the_archive_type(
    archive_fixture: ArchiveFixture, container: Container, packed: Container
) -> None:
    data = PACKERS[packed](MODEL)
    if container == packed:
        assert archive_fixture.extract(data, container)
    else:
        assert archive_fixture.refused(data, container).code == "corrupt-archive"


BAD_NAMES = {
    "absolute": "/etc/passwd",
    "up": "../evil",
    "up in the middle": "a/../../evil",
    "up at the end": "a/..",
    "drive": "C:/evil",
    "drive, relative": "c:evil",
    "stream": "model.nb:hidden",
    "backslash": "..\\evil",
    "share": "\\\\host\\share",
    "trailing dot": "model.nb.",
    "trailing space": "model.nb ",
    "folder with trailing dot": "a./b",
    "device": "aux",
    "device with ending": "a/NUL.txt",
    "device with a superscript": "COM¹",
    "line break": "a\nb",
    "escape sequence": "a\x1b[2Jb",
    "right to left": "model\u202ebn.exe",
    "zero width": "a\u200bb",
    "line separator": "a\u2028b",
    "wide dots": "\uff0e\uff0e/evil",
    "dot leaders": "a/\u2024\u2024/b",
    "wide slash": "a\uff0fb",
    "wide colon": "c\uff1aevil",
    "ellipsis at the end": "a\u2026",
    "long part": "x" * 256,
    "long path": "/".join(["y" * 100] * 11),
    "deep": "/".join("abcdefghijklmnopq"),
}


@pytest.mark.parametrize("container", PACKERS)
@pytest.mark.parametrize("scenario", BAD_NAMES)
def test_a_bad_name_is_refused(archive_fixture: ArchiveFixture, scenario: str, container: Container) -> None:
    error = archive_fixture.refused(PACKERS[container]({"good": b"1", BAD_NAMES[scenario]: b"2"}), container)

    assert error.code == "unsafe-archive"
    assert error.exit_code == 5


COLLISIONS = {
    "twice": ["a", "a"],
    "twice, spelled differently": ["a/b", "a//b"],
    "case": ["Model.nb", "model.nb"],
    "case of a folder": ["A/x", "a/y"],
    "composed and decomposed": ["caf\u00e9", "cafe\u0301"],
    "sharp s": ["stra\u00dfe", "STRASSE"],
    "compatibility": ["\ufb01le", "file"],
    "a file as a folder": ["a", "a/b"],
    "a folder as a file": ["a/b", "a"],
    "a file as a folder, case": ["A", "a/b"],
}


@pytest.mark.filterwarnings("ignore:Duplicate name")  # raised by zipfile while the test builds the archive
@pytest.mark.parametrize("container", ["tar", "zip"])
@pytest.mark.parametrize("scenario", COLLISIONS)
def test_two_members_with_the_same_path_are_refused(
    archive_fixture: ArchiveFixture, scenario: str, container: Container
) -> None:
    stream = io.BytesIO()
    if container == "tar":
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for name in COLLISIONS[scenario]:
                tar.addfile(tarfile.TarInfo(name))
    else:
        with zipfile.ZipFile(stream, "w") as zipped:
            for name in COLLISIONS[scenario]:
                zipped.writestr(name, b"")

    assert archive_fixture.refused(stream.getvalue(), container).code == "unsafe-archive"


BOMBS: dict[str, tuple[Container, Callable[[], bytes]]] = {
    "ratio, tar.gz": ("tar.gz", lambda: tar_gz_of({"a": bytes(1_000_000)})),
    "ratio, zip": ("zip", lambda: zip_of({"a": bytes(1_000_000)})),
    "total, tar": ("tar", lambda: tar_of({"a": bytes(1_500_000), "b": bytes(600_000)})),
    "total, zip": ("zip", lambda: zip_with("a", bytes(2_100_000))),
    "count, tar": ("tar", lambda: tar_of({f"{number}": b"" for number in range(21)})),
    "count, zip": ("zip", lambda: zip_of({f"{number}": b"" for number in range(21)})),
    "padding behind the end": ("tar.gz", lambda: gzip.compress(tar_of({"a": b"x"}) + bytes(50_000_000))),
    "a header of many megabytes": (
        "tar.gz",
        lambda: gzip.compress(header(b"00300000000\0", b"x") + bytes(50_331_648) + header(NO_BYTES) + END),
    ),
}


@pytest.mark.parametrize("scenario", BOMBS)
def test_a_bomb_stops_at_the_limit(archive_fixture: ArchiveFixture, scenario: str) -> None:
    container, make = BOMBS[scenario]
    error = archive_fixture.refused(make(), container)

    assert error.code in ("unsafe-archive", "corrupt-archive")
    assert (
        sum(path.stat().st_size for path in archive_fixture.into.rglob("*") if path.is_file())
        <= SMALL.unpacked_bytes
    )


names = st.one_of(
    st.sampled_from(sorted(BAD_NAMES.values())),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=12),
    st.lists(st.sampled_from(["a", "B", "..", ".", "", "é", "x.nb"]), max_size=4).map("/".join),
)
members = st.lists(st.tuples(names, st.binary(max_size=200)), max_size=6)
anything = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def try_out(
    factory: pytest.TempPathFactory, packed: bytes, container: Container
) -> tuple[ArchiveFixture, bool]:
    archive_fixture = ArchiveFixture(factory.mktemp("archive_fixture"))
    try:
        archive_fixture.extract(packed, container)
    except IntegrityError:
        done = False
    else:
        done = True
    archive_fixture.check_surroundings()
    return archive_fixture, done


@anything
@given(members=members)
def test_any_tar_is_unpacked_correctly_or_refused(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, bytes]]
) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in members:
            archive.addfile(plain(name, len(data)), io.BytesIO(data))
    archive_fixture, done = try_out(tmp_path_factory, stream.getvalue(), "tar")
    if done:
        files = [path for path in archive_fixture.into.rglob("*") if path.is_file()]
        found = {path.relative_to(archive_fixture.into): path.read_bytes() for path in files}
        assert found == {Path(name): data for name, data in members}


kinds = st.sampled_from(
    [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
targets = st.sampled_from(["..", "../sentinel", "/etc/passwd", "a", "a/b", "."])


@anything
@given(members=st.lists(st.tuples(kinds, names, targets), min_size=1, max_size=6))
def test_only_files_and_folders_leave_a_tar_of_any_members(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[bytes, str, str]]
) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for kind, name, to in members:
            archive.addfile(special(name, kind, to))
    _, done = try_out(tmp_path_factory, stream.getvalue(), "tar")

    assert not done or {kind for kind, _, _ in members} <= {tarfile.REGTYPE, tarfile.DIRTYPE}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@anything
@given(
    members=members,
    modes=st.lists(st.sampled_from([0, 0o100644, 0o120777, 0o010644, 0o040755]), min_size=6, max_size=6),
)
def test_any_zip_is_unpacked_correctly_or_refused(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, bytes]], modes: list[int]
) -> None:
    stream = io.BytesIO()
    packed = {}
    with zipfile.ZipFile(stream, "w") as archive:
        for (name, data), mode in zip(members, modes, strict=False):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, data)
            packed[info.filename] = data
    archive_fixture, done = try_out(tmp_path_factory, stream.getvalue(), "zip")
    if done:
        files = [path for path in archive_fixture.into.rglob("*") if path.is_file()]
        found = {path.relative_to(archive_fixture.into): path.read_bytes() for path in files}
        assert found == {Path(name): data for name, data in packed.items() if not name.endswith("/")}


@anything
@given(
    at=st.integers(0, 30_000),
    value=st.binary(min_size=1, max_size=12),
    container=st.sampled_from(["tar", "tar.gz", "zip"]),
)
def test_a_damaged_archive_never_crashes_the_reader(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: bytes, container: Container
) -> None:
    packed = PACKERS[container](MODEL)
    at %= len(packed)
    try_out(tmp_path_factory, packed[:at] + value + packed[at + len(value) :], container)


@anything
@given(data=st.binary(max_size=2000), container=st.sampled_from(["tar", "tar.gz", "zip"]))
def test_random_bytes_are_not_an_archive(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, container: Container
) -> None:
    start = {"tar": b"", "tar.gz": b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "zip": b"PK\x03\x04"}[container]
    _, done = try_out(tmp_path_factory, start + data, container)

    assert not done
