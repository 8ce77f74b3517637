"""Archives: good ones come out as they went in, hostile ones touch nothing outside their folder."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import IntegrityError
from registry.schema import Container
from tests.zoo.store.samples import MODEL, digest, tar_gz_of, tar_of, zip_of
from zoo.store import Limits
from zoo.store.archive import Member, extract

SMALL = Limits(members=20, unpacked_bytes=2_000_000, ratio=50, ratio_floor=200_000)
PACKERS: dict[Container, Callable[[dict[str, bytes]], bytes]] = {
    "tar": tar_of,
    "tar.gz": tar_gz_of,
    "zip": zip_of,
}


class Bench:
    """A folder with something precious in it, and a place to unpack."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.precious = folder / "precious"
        self.precious.write_text("untouched")
        self.into = folder / "into"

    def extract(self, packed: bytes, container: Container, limits: Limits = SMALL) -> tuple[Member, ...]:
        archive = self.folder / "archive"
        archive.write_bytes(packed)
        return extract(archive, self.into, container, limits)

    def refused(self, packed: bytes, container: Container, limits: Limits = SMALL) -> IntegrityError:
        with pytest.raises(IntegrityError) as caught:
            self.extract(packed, container, limits)
        self.check_surroundings()
        return caught.value

    def check_surroundings(self) -> None:
        assert self.precious.read_text() == "untouched"
        assert {path.name for path in self.folder.iterdir()} <= {"precious", "archive", "into"}
        for path in self.into.rglob("*"):
            assert stat.S_ISREG(path.lstat().st_mode) or stat.S_ISDIR(path.lstat().st_mode)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("container", PACKERS)
def test_files_come_out_as_they_went_in(bench: Bench, container: Container) -> None:
    members = bench.extract(PACKERS[container](MODEL), container)

    assert members == tuple(Member(name, digest(MODEL[name])) for name in sorted(MODEL))
    assert {name: (bench.into / name).read_bytes() for name in MODEL} == MODEL


def test_modes_owners_and_times_of_the_archive_do_not_matter(bench: Bench) -> None:
    member = tarfile.TarInfo("run.sh")
    member.mode, member.uid, member.mtime, member.size = 0o6777, 12345, 0, 2
    bench.extract(tar_with(member, b"ls"), "tar")

    status = (bench.into / "run.sh").stat()
    assert stat.S_IMODE(status.st_mode) & ~0o644 == 0
    assert status.st_uid == os.getuid()
    assert status.st_mtime > 1_000_000_000


@pytest.mark.parametrize("names", [["./", "./a", "./b/", "./b/c"], ["a/", "a/", "a/b"], ["a//b"]])
def test_usual_spellings_are_understood(bench: Bench, names: list[str]) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            archive.addfile(member)
    members = bench.extract(stream.getvalue(), "tar")

    expected = {PurePosixPath(name) for name in names if not name.endswith("/")}
    assert {PurePosixPath(member.name) for member in members} == expected


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_tar_format_is_read(bench: Bench, format: int) -> None:
    name = "/".join(["folder-of-some-length"] * 6) + "/model.pdmodel"
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
        member = tarfile.TarInfo(name)
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))

    assert bench.extract(stream.getvalue(), "tar") == (Member(name, digest(b"abc")),)


@pytest.mark.parametrize("container", ["tar", "tar.gz", "zip"])
@pytest.mark.parametrize("packed", ["tar", "tar.gz", "zip"])
def test_the_bytes_decide_how_it_is_packed(bench: Bench, container: Container, packed: Container) -> None:
    data = PACKERS[packed](MODEL)
    if container == packed:
        assert bench.extract(data, container)
    else:
        assert bench.refused(data, container).code == "corrupt-archive"


# --- names ------------------------------------------------------------------------------------------------

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
@pytest.mark.parametrize("story", BAD_NAMES)
def test_a_bad_name_is_refused(bench: Bench, story: str, container: Container) -> None:
    error = bench.refused(PACKERS[container]({"good": b"1", BAD_NAMES[story]: b"2"}), container)

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


@pytest.mark.filterwarnings("ignore:Duplicate name")  # zipfile's own remark while the test builds the archive
@pytest.mark.parametrize("container", ["tar", "zip"])
@pytest.mark.parametrize("story", COLLISIONS)
def test_two_members_in_one_place_are_refused(bench: Bench, story: str, container: Container) -> None:
    stream = io.BytesIO()
    if container == "tar":
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for name in COLLISIONS[story]:
                tar.addfile(tarfile.TarInfo(name))
    else:
        with zipfile.ZipFile(stream, "w") as zipped:
            for name in COLLISIONS[story]:
                zipped.writestr(name, b"")

    assert bench.refused(stream.getvalue(), container).code == "unsafe-archive"


# --- tar --------------------------------------------------------------------------------------------------


def tar_with(member: tarfile.TarInfo, data: bytes = b"", *more: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for item, content in [(member, data), *more]:
            archive.addfile(item, io.BytesIO(content))
    return stream.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def plain(name: str, size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def through_a_link(kind: bytes, target: str) -> bytes:
    return tar_with(special("way", kind, target), b"", (plain("way/evil", 1), b"x"))


SPECIAL_MEMBERS = {
    "symlink out (CVE-2025-4517)": tar_with(special("a", tarfile.SYMTYPE, "../precious")),
    "symlink, absolute": tar_with(special("a", tarfile.SYMTYPE, "/etc/passwd")),
    "symlink inside": tar_with(special("a", tarfile.SYMTYPE, "b")),
    "hard link out (CVE-2025-4330)": tar_with(special("a", tarfile.LNKTYPE, "../precious")),
    "a file through a symlink to a folder (CVE-2007-4559)": through_a_link(tarfile.SYMTYPE, ".."),
    "a file through a chain of links (CVE-2025-4138)": tar_with(
        special("a", tarfile.SYMTYPE, "."),
        b"",
        (special("a/b", tarfile.SYMTYPE, ".."), b""),
        (plain("a/b/evil"), b""),
    ),
    "overwriting through a hard link": tar_with(
        special("a", tarfile.LNKTYPE, "../precious"), b"", (plain("a", 4), b"evil")
    ),
    "character device": tar_with(special("a", tarfile.CHRTYPE)),
    "block device": tar_with(special("a", tarfile.BLKTYPE)),
    "FIFO": tar_with(special("a", tarfile.FIFOTYPE)),
    "contiguous file": tar_with(special("a", tarfile.CONTTYPE)),
    "unknown type": tar_with(special("a", b"Z")),
}


@pytest.mark.parametrize("story", SPECIAL_MEMBERS)
def test_only_files_and_folders_leave_a_tar(bench: Bench, story: str) -> None:
    assert bench.refused(SPECIAL_MEMBERS[story], "tar").code == "unsafe-archive"


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


def test_sparse_files_are_refused(bench: Bench) -> None:
    assert bench.refused(sparse_tar(), "tar").code in ("unsafe-archive", "corrupt-archive")


def header(size: bytes, kind: bytes = b"0", name: bytes = b"a") -> bytes:
    """A tar header whose size field is these twelve bytes, its checksum right."""
    block = bytearray(tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT)[:512])
    block[0:100] = name.ljust(100, b"\0")
    block[124:136] = size
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


END = bytes(1024)
NO_BYTES = b"00000000000\0"
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


@pytest.mark.parametrize("story", BROKEN_TARS)
def test_a_broken_tar_is_refused(bench: Bench, story: str) -> None:
    assert bench.refused(BROKEN_TARS[story], "tar").code in ("corrupt-archive", "unsafe-archive")


def test_a_tar_of_folders_alone_holds_nothing(bench: Bench) -> None:
    assert bench.refused(tar_with(special("a", tarfile.DIRTYPE)), "tar").code == "corrupt-archive"


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


@pytest.mark.parametrize("story", BROKEN_GZIPS)
def test_a_broken_tar_gz_is_refused(bench: Bench, story: str) -> None:
    assert bench.refused(BROKEN_GZIPS[story], "tar.gz").code == "corrupt-archive"


# --- zip --------------------------------------------------------------------------------------------------


def zip_with(
    name: str = "a", data: bytes = b"x", *, mode: int = 0, method: int = zipfile.ZIP_STORED
) -> bytes:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr, info.compress_type = 3, mode << 16, method
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(info, data)
    return stream.getvalue()


def patched(data: bytes, at: int, value: bytes, *, from_directory: bool = False) -> bytes:
    """The same bytes with some replaced, counted from the start or from the first directory entry."""
    start = at + (data.index(b"PK\x01\x02") if from_directory else 0)
    return data[:start] + value + data[start + len(value) :]


def encrypted() -> bytes:
    flags = struct.pack("<H", 1)
    return patched(patched(zip_with(), 6, flags), 8, flags, from_directory=True)


def nul_name() -> bytes:
    return zip_with("good.nbXevil").replace(b"good.nbXevil", b"good.nb\0evil")


def two_names() -> bytes:
    """The directory calls the file otherwise than the header before its content."""
    return patched(zip_with("aaaa"), 30, b"bbbb")


def understated(size: int) -> bytes:
    """Both headers state this size; the content has another."""
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
    "symlink": zip_with("a", b"../precious", mode=stat.S_IFLNK | 0o777),
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


@pytest.mark.parametrize("story", UNSAFE_ZIPS)
def test_an_unsafe_zip_is_refused(bench: Bench, story: str) -> None:
    assert bench.refused(UNSAFE_ZIPS[story], "zip").code in ("unsafe-archive", "corrupt-archive")


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


@pytest.mark.parametrize("story", BROKEN_ZIPS)
def test_a_broken_zip_is_refused(bench: Bench, story: str) -> None:
    assert bench.refused(BROKEN_ZIPS[story], "zip").code == "corrupt-archive"


def test_a_comment_is_allowed(bench: Bench) -> None:
    assert bench.extract(ZIP[:-2] + b"\x05\x00hello", "zip")


# --- bombs ------------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize("story", BOMBS)
def test_a_bomb_stops_at_the_limit(bench: Bench, story: str) -> None:
    container, make = BOMBS[story]
    error = bench.refused(make(), container)

    assert error.code in ("unsafe-archive", "corrupt-archive")
    assert (
        sum(path.stat().st_size for path in bench.into.rglob("*") if path.is_file()) <= SMALL.unpacked_bytes
    )


# --- anything ---------------------------------------------------------------------------------------------

names = st.one_of(
    st.sampled_from(sorted(BAD_NAMES.values())),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=12),
    st.lists(st.sampled_from(["a", "B", "..", ".", "", "é", "x.nb"]), max_size=4).map("/".join),
)
members = st.lists(st.tuples(names, st.binary(max_size=200)), max_size=6)
anything = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def try_out(factory: pytest.TempPathFactory, packed: bytes, container: Container) -> tuple[Bench, bool]:
    bench = Bench(factory.mktemp("bench"))
    try:
        bench.extract(packed, container)
    except IntegrityError:
        done = False
    else:
        done = True
    bench.check_surroundings()
    return bench, done


@anything
@given(members=members)
def test_whatever_a_tar_says_it_comes_out_right_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, bytes]]
) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in members:
            archive.addfile(plain(name, len(data)), io.BytesIO(data))
    bench, done = try_out(tmp_path_factory, stream.getvalue(), "tar")
    if done:
        files = [path for path in bench.into.rglob("*") if path.is_file()]
        found = {path.relative_to(bench.into): path.read_bytes() for path in files}
        assert found == {Path(name): data for name, data in members}


@anything
@given(
    at=st.integers(0, len(TAR) - 1),
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
def test_random_bytes_are_no_archive(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, container: Container
) -> None:
    start = {"tar": b"", "tar.gz": b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "zip": b"PK\x03\x04"}[container]
    _, done = try_out(tmp_path_factory, start + data, container)

    assert not done
