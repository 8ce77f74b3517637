"""What a tar or zip archive holds, without unpacking it."""

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
_MAX_READ = 1 << 22  # bytes at once; only directories and extended headers are read in one piece
_MAX_READS = 8 * _MAX_MEMBERS
_FREE_EXPANSION, _MAX_EXPANSION = 1 << 26, 100

# Everything the standard library lets through for damaged archives, the recursion of chained tar headers
# included.
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

# How those say that the end is missing; a zip archive without its directory at the end "is not a zip file".
_TORN = ("unexpected end", "truncated header", "not a zip file")


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive: name, unpacked size in bytes, and whether it is a plain file or folder."""

    name: str
    size: int
    plain: bool


def inspect_archive(path: Path, kind: Kind) -> Inspection:
    """Lists the members of an archive.

    Args:
        path: The archive.
        kind: ``Kind.TAR``, ``Kind.TAR_GZ`` or ``Kind.ZIP``.

    Raises:
        IntegrityError: ``archive-truncated``, ``archive-corrupt``, or ``archive-too-large`` when it has too
            many members or expands beyond reason.
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
        torn = isinstance(error, EOFError) or any(sign in str(error) for sign in _TORN)
        make = errors.truncated if torn else errors.corrupt
        raise make(None, f"a whole {kind.value} archive", str(error)[:120] or type(error).__name__) from None
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


class _Bounded:
    """A file that refuses to be read in huge pieces, endlessly, or beyond a limit.

    Sizes in an archive are the word of whoever made it; the standard library allocates what they say, and
    some of its versions go in circles over negative ones.
    """

    def __init__(self, file: BinaryIO, limit: int, beyond: Exception, errors: FormatErrors) -> None:
        self._file, self._limit, self._beyond, self._faults = file, limit, beyond, errors
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
            raise ValueError("a member of negative size")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise self._beyond


@contextmanager
def _members(path: Path, kind: Kind, errors: FormatErrors) -> Iterator[Iterator[Member]]:
    size = regular_file_size(path)
    short = EOFError("unexpected end of data")
    with open_regular_file(path) as file:
        if kind is Kind.ZIP:
            with zipfile.ZipFile(cast("BinaryIO", _Bounded(file, size, short, errors))) as archive:
                yield (_zip_member(entry) for entry in archive.infolist())
        elif kind is Kind.TAR_GZ:
            limit = _FREE_EXPANSION + _MAX_EXPANSION * size
            swollen = errors.too_large(f"at most {limit} bytes unpacked", "more")
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield _tar_members(_Bounded(cast("BinaryIO", unpacked), limit, swollen, errors))
        else:
            yield _tar_members(_Bounded(file, size, short, errors))


def _tar_members(file: _Bounded) -> Iterator[Member]:
    with tarfile.open(fileobj=cast("BinaryIO", file), mode="r:") as archive:
        for entry in archive:
            yield Member(escape_surrogates(entry.name), entry.size, entry.isfile() or entry.isdir())
        # An archive cut between two members reads well; the standard wants blocks of zeros at the end.
        file.seek(archive.offset)
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("the end marker is missing")
    while file.read(_MAX_READ):
        # Decompression checks its sum at the very end only.
        pass


def _zip_member(entry: zipfile.ZipInfo) -> Member:
    # The upper half of the attributes holds the Unix mode; 0o120000 marks a symbolic link.
    return Member(
        escape_surrogates(entry.filename), entry.file_size, (entry.external_attr >> 16) & 0o170000 != 0o120000
    )


def _details(members: list[Member], kind: Kind) -> dict[str, JsonValue]:
    return {
        "container": kind.value.replace("-", "."),  # the catalog's word: tar.gz
        "member_count": len(members),
        "unpacked_size": sum(member.size for member in members),
        "members": [{"name": member.name, "size": member.size} for member in members[:_SHOWN_MEMBERS]],
    }


def _warnings(members: list[Member]) -> Iterable[str]:
    outside = [member.name for member in members if _leaves(member.name)]
    if outside:
        yield f"Members would be unpacked outside the target folder, {outside[0]!r} among them."
    odd = [member.name for member in members if not member.plain]
    if odd:
        yield f"Members are links or devices, {odd[0]!r} among them: the store refuses such an archive."
    if not members:
        yield "The archive is empty."


def _leaves(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[0] if path.parts else False
