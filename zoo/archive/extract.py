"""Unpacking archives that nobody vouches for: member by checked member, nothing but files and folders."""

from __future__ import annotations

from pathlib import Path

from converters.formats.kind import HEAD_BYTES, Kind, describe, sniff
from registry.errors import IntegrityError
from registry.schema import Container
from zoo.archive.limits import Limits
from zoo.archive.unpacker import Member, Unpacker

_KINDS: dict[Container, Kind] = {"tar": Kind.TAR, "tar.gz": Kind.TAR_GZ, "zip": Kind.ZIP}


def extract(archive: Path, into: Path, container: Container, limits: Limits) -> tuple[Member, ...]:
    """Unpacks an archive into a folder that does not exist yet.

    Args:
        archive: The archive.
        into: The folder to make. After an error it may be half filled: never the place of publication.
        container: How the catalog says it is packed.
        limits: Bounds on number, size and ratio.

    Returns:
        The files, sorted by name, each digested while it was written and synced to disk.

    Raises:
        IntegrityError: ``unsafe-archive``: a member that must not be created, or a bomb; ``corrupt-archive``:
            truncated, damaged, with something behind its end, or not what the catalog says.
        OSError: The disk refused.
    """
    _refuse_other(archive, container)
    into.mkdir(mode=0o777)
    unpacking = Unpacker(archive, into, limits)
    # Imported here: both pull in compression modules that a warm fetch does not need.
    if container == "zip":
        from zoo.archive.zip import unpack
    else:
        from zoo.archive.tar import unpack
    unpack(unpacking)
    return unpacking.finish()


def _refuse_other(archive: Path, container: Container) -> None:
    with archive.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
    if container not in _KINDS:
        raise ValueError(f"not an archive: {container}")
    if found is not _KINDS[container]:
        raise IntegrityError(
            "corrupt-archive",
            f"{archive.name} is not the archive it should be",
            expected=describe(_KINDS[container]),
            found=describe(found),
        )
