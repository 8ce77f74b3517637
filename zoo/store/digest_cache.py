"""The digest of a file without reading it, where the store remembers it."""

from __future__ import annotations

from pathlib import Path

from converters.fs.atomic import sha256_of
from zoo.store.layout import FILES
from zoo.store.manifest import read_manifest


def known_sha256(file: Path) -> str:
    """SHA-256 of a file: from the manifest of the published folder it lies in, else from its bytes.

    What a store publishes never changes, and ``zoo verify`` re-hashes it; a conversion need not.

    Args:
        file: A file in a store, or anywhere else.
    """
    for folder in file.parents:
        if folder.name == FILES:
            manifest = read_manifest(folder.parent) if folder.parent.is_dir() else None
            member = manifest.members.get(file.relative_to(folder).as_posix()) if manifest else None
            if member is not None:
                return member.sha256
    return sha256_of(file)
