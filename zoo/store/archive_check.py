"""Compare a published folder with the archive it was unpacked from, whose digest is the recorded one.

The digests of the files in a folder are recorded next to them. Whoever can change a file could change its
recorded digest, too; only the digest of the archive is recorded elsewhere: in the catalog, in ``zoo.lock`` or
in ``lock.json``.
"""

from __future__ import annotations

from pathlib import Path

from registry.errors import IntegrityError
from registry.lock import describe
from zoo._utils.cache_root import cache_work_directory
from zoo._utils.checksums import digest_of
from zoo.archive.limits import Limits
from zoo.store.layout import Layout
from zoo.store.manifest import Manifest, Origin, damaged


def check_against_archive(layout: Layout, folder: Path, manifest: Manifest, limits: Limits) -> None:
    """Unpack the archive of a published folder again, and compare the digests.

    Args:
        layout: The cache.
        folder: The published folder; its files have the digests in the manifest.
        manifest: Its manifest.
        limits: Bounds for the archive.

    Raises:
        IntegrityError: ``cache-damaged``.
    """
    origin = manifest.origin
    if origin is None:
        return
    if origin.container == "file":
        found = list(manifest.members.values())
        if found != [origin.packed]:
            raise damaged(folder, describe(origin.packed), ", ".join(map(describe, found)) or "no file")
        return
    if _unpacked_digests(layout, origin, limits) != manifest.members:
        raise damaged(folder, "the files in its archive", "other digests in its manifest")


def _unpacked_digests(layout: Layout, origin: Origin, limits: Limits) -> object:
    # Imported here: a fetch without --locked or --out does not unpack what it has.
    from zoo.archive.extract import extract

    archive = layout.blob(origin.packed.sha256)
    if not archive.is_file() or archive.is_symlink():
        raise damaged(archive, describe(origin.packed), "no file")
    if (found := digest_of(archive)) != origin.packed:
        raise damaged(archive, describe(origin.packed), describe(found))
    with cache_work_directory(layout.root) as work:
        try:
            members = extract(archive, work / "files", origin.container, limits)
        except IntegrityError as error:
            raise damaged(archive, "the archive that was unpacked", error.message) from error
        return {member.name: member.digest for member in members}
