"""Writes the members of an archive into a folder, within limits and never outside the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from registry.errors import IntegrityError
from registry.schema import Digest
from zoo._utils.checksums import RunningDigest
from zoo.archive.limits import Limits
from zoo.archive.member_names import MemberNames, safe_path

CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Member:
    """One file that was unpacked.

    Attributes:
        name: Path below the tree, with forward slashes.
        digest: SHA-256 and size.
    """

    name: str
    digest: Digest


class Unpacker:
    """Shared by all archive formats: checks the limits, and creates all files.

    Args:
        archive: The archive.
        into: The new folder.
        limits: Bounds.
    """

    def __init__(self, archive: Path, into: Path, limits: Limits) -> None:
        self.archive = archive
        self.packed_size = archive.stat().st_size
        self.limits = limits
        self._into = into
        self._names = MemberNames()
        self._count = 0
        self._written = 0
        self._members: list[Member] = []

    @property
    def remaining(self) -> int:
        """Bytes that may still be unpacked."""
        ratio = max(self.packed_size * self.limits.ratio, self.limits.ratio_floor)
        return min(self.limits.unpacked_bytes, ratio) - self._written

    def folder(self, name: str) -> None:
        """Create a folder."""
        path = self._accept(name, folder=True)
        (self._into / path).mkdir(parents=True, exist_ok=True)

    def file(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        """Create a file.

        Args:
            name: Name in the archive.
            size: Size that the archive states.
            chunks: The content; not read before name and size are accepted.
        """
        path = self._accept(name, folder=False)
        if size > self.remaining:
            raise self.unsafe(name, f"unpacks to more than allowed: {size} bytes, {self.remaining} remaining")
        target = self._into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fingerprint = RunningDigest()
        flags = (
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        )
        with os.fdopen(os.open(target, flags, 0o644), "wb") as file:
            for chunk in chunks:
                if fingerprint.size + len(chunk) > size:
                    raise self.corrupt(f"{name!r} is longer than the {size} bytes the archive states")
                file.write(chunk)
                fingerprint.update(chunk)
            file.flush()
            os.fsync(file.fileno())
        if fingerprint.size != size:
            raise self.corrupt(f"{name!r} ends after {fingerprint.size} of {size} bytes")
        self._written += size
        self._members.append(Member(str(path), fingerprint.digest))

    def finish(self) -> tuple[Member, ...]:
        """The files, after the last member."""
        if not self._members:
            raise self.corrupt("it contains no file")
        return tuple(sorted(self._members, key=lambda member: member.name))

    def _accept(self, name: str, *, folder: bool) -> PurePosixPath:
        self._count += 1
        if self._count > self.limits.members:
            raise self.unsafe(name, f"more than {self.limits.members} members")
        try:
            path = safe_path(name)
            if folder:
                self._names.add_folder(path)
            elif not path.parts or name.endswith("/"):
                raise ValueError("a file with the name of a folder")
            else:
                self._names.add_file(path)
        except ValueError as error:
            raise self.unsafe(name, str(error)) from None
        return path

    def unsafe(self, name: str, why: str) -> IntegrityError:
        """The error for a member that must not be created."""
        return IntegrityError(
            "unsafe-archive",
            f"the archive {self.archive.name} contains a member that must not be unpacked",
            expected="plain files and folders with plain names, within the limits",
            found=f"{ascii(name)[:120]}: {why}",
        )

    def corrupt(self, why: str) -> IntegrityError:
        """The error for a damaged archive."""
        return IntegrityError(
            "corrupt-archive",
            f"the archive {self.archive.name} is damaged or incomplete",
            expected="one complete archive and nothing after it",
            found=why,
        )


def is_plain_mode(mode: int) -> bool:
    """Whether Unix mode bits denote a regular file or a folder, or no type at all."""
    return stat.S_IFMT(mode) in (0, stat.S_IFREG, stat.S_IFDIR)
