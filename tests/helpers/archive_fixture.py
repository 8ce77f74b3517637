"""Fixtures of the archive tests: a folder to unpack into, and builders of unusual archives."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.errors import IntegrityError
from registry.schema import Container
from tests.helpers.sample_archives import tar_gz_of, tar_of, zip_of
from zoo.archive.extract import extract
from zoo.archive.unpacker import Member
from zoo.store import Limits

SMALL = Limits(members=20, unpacked_bytes=2_000_000, ratio=50, ratio_floor=200_000)
PACKERS: dict[Container, Callable[[dict[str, bytes]], bytes]] = {
    "tar": tar_of,
    "tar.gz": tar_gz_of,
    "zip": zip_of,
}


class ArchiveFixture:
    """A folder to unpack into, with a sentinel file outside it that must not change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sentinel = folder / "sentinel"
        self.sentinel.write_text("untouched")
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
        assert self.sentinel.read_text() == "untouched"
        assert {path.name for path in self.folder.iterdir()} <= {"sentinel", "archive", "into"}
        for path in self.into.rglob("*"):
            assert stat.S_ISREG(path.lstat().st_mode) or stat.S_ISDIR(path.lstat().st_mode)


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


def header(size: bytes, kind: bytes = b"0", name: bytes = b"a") -> bytes:
    """A tar header with these twelve bytes as its size field and a valid checksum."""
    block = bytearray(tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT)[:512])
    block[0:100] = name.ljust(100, b"\0")
    block[124:136] = size
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


END = bytes(1024)
NO_BYTES = b"00000000000\0"


def zip_with(
    name: str = "a", data: bytes = b"x", *, mode: int = 0, method: int = zipfile.ZIP_STORED
) -> bytes:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr, info.compress_type = 3, mode << 16, method
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(info, data)
    return stream.getvalue()
