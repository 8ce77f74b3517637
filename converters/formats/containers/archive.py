"""List the members of a tar or zip archive without unpacking it."""

from __future__ import annotations

import gzip
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from pydantic import JsonValue

from converters.formats.bounded_io import escape_surrogates, file_digest, open_regular_file, regular_file_size
from converters.formats.errors import FormatErrors
from converters.formats.inspection import Inspection
from converters.formats.kind import Kind

_MAX_MEMBERS = 10_000
_SHOWN_MEMBERS = 1_000
_MAX_READ = 1 << 22  # bytes per read; only directories and extended headers are read at once
_MAX_READS = 8 * _MAX_MEMBERS
_FREE_EXPANSION, _MAX_EXPANSION = 1 << 26, 100

# All exceptions that the standard library raises for damaged archives; chained tar headers cause recursion.
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    OverflowError,
    NotImplementedError,
    RecursionError,
)

# Messages for a missing end; a zip archive without its directory at the end "is not a zip file".
_TRUNCATION_MESSAGES = ("unexpected end", "truncated header", "not a zip file")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive: name, unpacked size in bytes, and whether it is a regular file or folder."""

    name: str
    size: int
    regular: bool


def inspect_archive(path: Path, kind: Kind) -> Inspection:
    """Inspect an archive.

    Args:
        path: The archive.
        kind: ``Kind.TAR``, ``Kind.TAR_GZ`` or ``Kind.ZIP``.

    Raises:
        IntegrityError: ``archive-truncated``, ``archive-corrupt``, or ``archive-too-large`` when it has too
            many members or its expansion exceeds the limit.
    """
    errors = FormatErrors(path, "archive", "an archive")
    members: list[Member] = []
    try:
        with _members(path, kind, errors) as found:
            for member in found:
                members.append(member)
                if len(members) > _MAX_MEMBERS:
                    raise errors.too_large(f"at most {_MAX_MEMBERS} members", "more")
    except _DAMAGE as error:
        is_truncated = isinstance(error, EOFError) or any(sign in str(error) for sign in _TRUNCATION_MESSAGES)
        build_error = errors.truncated if is_truncated else errors.corrupt
        raise build_error(
            None, f"a complete {kind.value} archive", str(error)[:120] or type(error).__name__
        ) from None
    sha256 = file_digest(path)
    return Inspection(
        path=path,
        format="archive",
        size=regular_file_size(path),
        sha256=sha256,
        canonical_sha256=sha256,
        details=_details(members, kind),
        warnings=tuple(_warnings(members)),
    )


class _BoundedFile:
    """A file with limits on the size of a read, the number of reads and the position.

    The author of an archive controls the sizes in it. The standard library allocates as much as they
    declare, and some of its versions loop forever over negative ones.
    """

    def __init__(self, file: BinaryIO, limit: int, limit_error: Exception, errors: FormatErrors) -> None:
        self._file, self._limit, self._limit_error, self._faults = file, limit, limit_error, errors
        self._reads_left = _MAX_READS

    def read(self, size: int = -1) -> bytes:
        self._reads_left -= 1
        if size > _MAX_READ or self._reads_left < 0:
            raise self._faults.too_large(f"headers of at most {_MAX_READ} bytes each", "more")
        data = self._file.read(size if size >= 0 else _MAX_READ)
        self._check(self._file.tell())
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 0:
            self._check(offset)
        if whence == 0 and offset < 0:
            raise ValueError("a member has a negative size")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise self._limit_error


@contextmanager
def _members(path: Path, kind: Kind, errors: FormatErrors) -> Iterator[Iterator[Member]]:
    size = regular_file_size(path)
    truncated = EOFError("unexpected end of data")
    with open_regular_file(path) as file:
        if kind is Kind.ZIP:
            with zipfile.ZipFile(cast("BinaryIO", _BoundedFile(file, size, truncated, errors))) as archive:
                yield (_zip_member(entry) for entry in archive.infolist())
        elif kind is Kind.TAR_GZ:
            limit = _FREE_EXPANSION + _MAX_EXPANSION * size
            too_large = errors.too_large(f"at most {limit} bytes unpacked", "more")
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield _tar_members(_BoundedFile(cast("BinaryIO", unpacked), limit, too_large, errors))
        else:
            yield _tar_members(_BoundedFile(file, size, truncated, errors))


def _tar_members(file: _BoundedFile) -> Iterator[Member]:
    with tarfile.open(fileobj=cast("BinaryIO", file), mode="r:") as archive:
        for entry in archive:
            yield Member(escape_surrogates(entry.name), entry.size, entry.isfile() or entry.isdir())
        # tarfile accepts an archive cut between two members; the standard requires zero blocks at the end.
        file.seek(archive.offset)
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("the end marker is missing")
    while file.read(_MAX_READ):
        # gzip verifies its checksum only at the end of the data.
        pass


def _zip_member(entry: zipfile.ZipInfo) -> Member:
    # The upper 16 bits of the attributes are the Unix mode; 0o120000 marks a symbolic link.
    return Member(
        escape_surrogates(entry.filename), entry.file_size, (entry.external_attr >> 16) & 0o170000 != 0o120000
    )


def _details(members: list[Member], kind: Kind) -> dict[str, JsonValue]:
    return {
        "container": kind.value.replace("-", "."),  # the catalog spells it tar.gz
        "member_count": len(members),
        "unpacked_size": sum(member.size for member in members),
        "members": [{"name": member.name, "size": member.size} for member in members[:_SHOWN_MEMBERS]],
    }


def _warnings(members: list[Member]) -> Iterable[str]:
    outside = [member.name for member in members if _escapes_folder(member.name)]
    if outside:
        yield f"Some members would be unpacked outside the target folder, for example {outside[0]!r}."
    special = [member.name for member in members if not member.regular]
    if special:
        yield f"Some members are links or devices, for example {special[0]!r}: zoo fetch rejects the archive."
    if not members:
        yield "The archive is empty."


def _escapes_folder(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[0] if path.parts else False
