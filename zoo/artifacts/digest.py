"""One digest for an artifact, whether it is a file or a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from converters.fs.atomic import canonical_json
from converters.provenance.statement import SUFFIX
from zoo.store import Store


def artifact_files(path: Path) -> list[Path]:
    """List the files of an artifact, without statements of provenance.

    Args:
        path: The file, or the folder.
    """
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.endswith(SUFFIX))


def artifact_digest(path: Path, store: Store) -> str:
    """SHA-256 of an artifact: of its file, or of the names and digests of a folder's files.

    Args:
        path: The file, or the folder.
        store: The cache, which remembers digests of its files.
    """
    if path.is_file():
        return store.sha256_of(path)
    files = {file.relative_to(path).as_posix(): store.sha256_of(file) for file in artifact_files(path)}
    return hashlib.sha256(canonical_json({**files})).hexdigest()
