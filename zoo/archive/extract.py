"""Unpacks untrusted archives: every member is checked, and only files and folders are created."""

from __future__ import annotations

from pathlib import Path

from converters.formats.kind import HEAD_BYTES, Kind, describe, sniff
from registry.errors import IntegrityError
from registry.schema import Container
from zoo.archive.limits import Limits
from zoo.archive.unpacker import Member, Unpacker

_KINDS: dict[Container, Kind] = {"tar": Kind.TAR, "tar.gz": Kind.TAR_GZ, "zip": Kind.ZIP}


def extract(archive: Path, into: Path, container: Container, limits: Limits) -> tuple[Member, ...]:
    """Unpack an archive into a folder that does not exist yet.

    Args:
        archive: The archive.
        into: The folder to create. After an error it is incomplete, so it must not be the final place.
        container: The archive type that the catalog states.
        limits: Bounds on number, size and ratio.

    Returns:
        The files, sorted by name, each digested while it was written and synced to disk.

    Raises:
        IntegrityError: ``unsafe-archive``: a member that must not be created, or a decompression bomb;
            ``corrupt-archive``: truncated, damaged, with trailing data, or of another type.
        OSError: The disk refused.
    """
    _check_kind(archive, container)
    into.mkdir(mode=0o777)
    unpacker = Unpacker(archive, into, limits)
    # Imported here: both load compression modules that a fetch from the cache does not need.
    if container == "zip":
        from zoo.archive.zip import unpack
    else:
        from zoo.archive.tar import unpack
    unpack(unpacker)
    return unpacker.finish()


def _check_kind(archive: Path, container: Container) -> None:
    with archive.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
    if container not in _KINDS:
        raise ValueError(f"not an archive: {container}")
    if found is not _KINDS[container]:
        raise IntegrityError(
            "corrupt-archive",
            f"{archive.name} is not an archive of the expected type",
            expected=describe(_KINDS[container]),
            found=describe(found),
        )
