"""Inspection of archives without unpacking them."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from converters.formats import Inspection, inspect
from registry.errors import IntegrityError

Write = Callable[..., Path]

FILES = {"picodet/model.pdmodel": b"p" * 700, "picodet/" + "long" * 40 + ".pdiparams": b"q" * 5}


def tar(files: Mapping[str, bytes], mode: str = "w", style: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=style) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def listed(inspection: Inspection) -> dict[str, int]:
    members = inspection.details["members"]
    assert isinstance(members, list)
    return {str(member["name"]): int(str(member["size"])) for member in members if isinstance(member, dict)}


@pytest.mark.parametrize(
    ("content", "container"),
    [
        pytest.param(tar(FILES), "tar", id="pax"),
        pytest.param(tar(FILES, style=tarfile.GNU_FORMAT), "tar", id="gnu"),
        pytest.param(tar(FILES, "w:gz"), "tar.gz", id="gz"),
        pytest.param(zipped(FILES), "zip", id="zip"),
    ],
)
def test_members_are_listed_with_their_sizes(write: Write, content: bytes, container: str) -> None:
    inspection = inspect(write(content))

    assert inspection.format == "archive"
    assert inspection.details["container"] == container
    assert listed(inspection) == {name: len(data) for name, data in FILES.items()}
    assert inspection.details["unpacked_size"] == 705
    assert inspection.warnings == ()


@pytest.mark.parametrize("name", ["../evil", "/etc/cron.d/evil", "a/../../evil", "C:/evil", "..\\evil"])
@pytest.mark.parametrize("pack", [tar, zipped])
def test_members_outside_the_folder_have_a_warning(
    write: Write, name: str, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    inspection = inspect(write(pack({name: b"x"})))

    assert any("outside the target folder" in warning for warning in inspection.warnings)


def test_links_have_a_warning(write: Write) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)

    assert any("links or devices" in warning for warning in inspect(write(buffer.getvalue())).warnings)


def test_member_names_of_any_bytes_are_valid_json(write: Write) -> None:
    content = tar({"n\udcffme": b""}, style=tarfile.GNU_FORMAT)

    inspection = inspect(write(content))

    assert inspection.model_dump_json()
    assert list(listed(inspection)) == ["n\\udcffme"]


@pytest.mark.parametrize("content", [tar(FILES, "w:gz"), zipped(FILES)], ids=["gz", "zip"])
def test_truncated_compressed_archive_is_rejected(write: Write, content: bytes) -> None:
    for end in range(200, len(content)):
        with pytest.raises(IntegrityError) as caught:
            inspect(write(content[:end]))
        # Too few bytes to decompress a tar header do not identify an archive.
        assert caught.value.code in {"archive-truncated", "archive-corrupt", "gzip-body"}


def test_tar_without_its_end_marker_is_rejected(write: Write) -> None:
    whole = tar({"a": b"x" * 512, "b": b"y" * 512})

    for end in (1024, 1536, 2048):
        with pytest.raises(IntegrityError) as caught:
            inspect(write(whole[:end]))
        assert caught.value.code == "archive-truncated"


def test_changed_compressed_bytes_are_rejected(write: Write) -> None:
    content = bytearray(tar({"a": bytes(range(256)) * 40}, "w:gz"))
    content[-12] ^= 1

    with pytest.raises(IntegrityError) as caught:
        inspect(write(bytes(content)))

    assert caught.value.code in {"archive-corrupt", "archive-truncated"}


def header(size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    entry = tarfile.TarInfo("m")
    entry.size, entry.type = size, kind
    return entry.tobuf(tarfile.GNU_FORMAT)


def negative() -> bytes:
    """A header whose member has -1024 bytes, on which some Python versions loop forever."""
    block = bytearray(tarfile.TarInfo("m").tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 10 + b"\xfc\x00"
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 8 * 32)
    return bytes(block)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(header(10**11) + b"x" * 512, "archive-truncated", id="member beyond the file"),
        pytest.param(gzip.compress(header(10**11)), "archive-too-large", id="member beyond the limit"),
        pytest.param(gzip.compress(header(10**9) + bytes(10**8), 9), "archive-too-large", id="bomb"),
        pytest.param(
            header(10**11, tarfile.XHDTYPE) + b"x" * 5120, "archive-too-large", id="header of 100 GB"
        ),
        pytest.param(header(0, tarfile.XHDTYPE) * 20_000, "archive-corrupt", id="chain of headers"),
        pytest.param(negative() * 4, "archive-corrupt", id="negative size"),
        pytest.param(tar({f"m{n}": b"" for n in range(10_001)}), "archive-too-large", id="too many members"),
    ],
)
def test_hostile_archives_are_rejected_quickly(write: Write, content: bytes, code: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        inspect(write(content))

    assert caught.value.code == code
