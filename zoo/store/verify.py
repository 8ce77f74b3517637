"""Hash the files in the cache, on all cores, and compare them with manifests, catalog and lock."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from registry.errors import IntegrityError
from registry.lock import Lock, describe
from registry.schema import Digest, Entry
from registry.schema.base import Model
from zoo._utils.cache_names import DIGESTS, FILES, MANIFEST, is_blob
from zoo._utils.checksums import digest_of
from zoo.store.layout import Layout
from zoo.store.manifest import Manifest, read_manifest
from zoo.store.verify_report import Mismatch, StoreReport


class PublishedFolder(Model):
    """A published folder.

    Attributes:
        path: The folder.
        manifest: Its content.
    """

    path: Path
    manifest: Manifest


class _Expected(Model):
    path: Path
    digest: Digest


def verify(layout: Layout, lock: Lock, entries: Sequence[Entry] | None, jobs: int | None) -> StoreReport:
    """Hash every file in the cache and compare it with its record.

    Args:
        layout: The cache.
        lock: Digests that published artifacts must have.
        entries: Only the artifacts of these, compared with their digests, too; None takes everything.
        jobs: Files hashed at the same time; all cores by default.
    """
    damage: list[Mismatch] = []
    folders = list(_published_folders(layout, entries, damage))
    expected = {item.path: item for item in _blobs(layout)} if entries is None else {}
    expected |= {item.path: item for folder in folders for item in _expected_files(layout, folder)}
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        found = dict(zip(expected, pool.map(_digest, expected), strict=True))
    # What was pruned since the folders were listed is not missing: a folder is removed before its archive.
    existing = {path for folder in folders for path in _paths(layout, folder) if folder.path.exists()}
    missing = [path for path, digest in found.items() if digest is None and path in existing]
    differing = [
        Mismatch(path=path, expected=describe(expected[path].digest), found=describe(digest))
        for path, digest in found.items()
        if digest is not None and digest != expected[path].digest
    ]
    catalog = {a.urls[0]: a.digest for entry in entries or () for a in entry.artifacts if a.digest}
    damage += _contradictions(folders, catalog, "the catalog")
    recorded = {url: line.digest for url, line in lock.artifacts.items()}
    damage += _contradictions(folders, recorded, "the lock")
    return StoreReport(
        checked=len(expected),
        ok=sum(digest is not None for digest in found.values()) - len(differing),
        mismatches=tuple(sorted([*damage, *differing], key=lambda mismatch: mismatch.path)),
        missing=tuple(sorted(missing)),
        extra=tuple(path for folder in folders for path in _extra(folder)),
    )


def _published_folders(
    layout: Layout, entries: Sequence[Entry] | None, damage: list[Mismatch]
) -> Iterator[PublishedFolder]:
    ids = None if entries is None else {entry.id for entry in entries}
    folders = [path for path in _visible(layout.artifacts) if ids is None or path.name in ids]
    trees = [tree for folder in folders for tree in _visible(folder)]
    for tree in [*trees, *(_visible(layout.built) if ids is None else [])]:
        try:
            manifest = read_manifest(tree)
        except IntegrityError as error:
            damage.append(Mismatch(path=tree, expected=str(error.expected), found=str(error.found)))
            continue
        if manifest is None:  # removed since the folder was listed
            continue
        if manifest.origin is not None and not tree.name.endswith(f"-{manifest.origin.packed.sha256[:12]}"):
            found = describe(manifest.origin.packed)
            damage.append(Mismatch(path=tree, expected="the digest its name ends with", found=found))
        yield PublishedFolder(path=tree, manifest=manifest)


def _visible(folder: Path) -> list[Path]:
    """The published folders in a folder; a name that starts with a dot is not published yet."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _expected_files(layout: Layout, folder: PublishedFolder) -> Iterator[_Expected]:
    for name, digest in folder.manifest.members.items():
        yield _Expected(path=folder.path / FILES / name, digest=digest)
    origin = folder.manifest.origin
    if origin is not None and origin.container != "file":
        yield _Expected(path=layout.blob(origin.packed.sha256), digest=origin.packed)


def _paths(layout: Layout, folder: PublishedFolder) -> list[Path]:
    return [item.path for item in _expected_files(layout, folder)]


def _blobs(layout: Layout) -> Iterator[_Expected]:
    """Archives, each with the digest in its name and its present size."""
    for path in layout.blobs.glob("??/*"):
        with suppress(FileNotFoundError):  # pruned since the folder was listed
            if not is_blob(path):
                continue
            yield _Expected(path=path, digest=Digest(sha256=path.name, size=path.stat().st_size))


def _digest(path: Path) -> Digest | None:
    try:
        return None if path.is_symlink() else digest_of(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _contradictions(
    folders: Sequence[PublishedFolder], recorded: Mapping[str, Digest], source: str
) -> Iterator[Mismatch]:
    """Artifacts of which no copy has the recorded digest; older copies in addition to that one are fine."""
    copies: dict[str, list[tuple[Path, Digest]]] = {}
    for folder in folders:
        if folder.manifest.origin is not None:
            origin = folder.manifest.origin
            copies.setdefault(origin.canonical, []).append((folder.path, origin.packed))
    for url, found in copies.items():
        if url in recorded and recorded[url] not in [digest for _, digest in found]:
            for path, digest in found:
                expected = f"{describe(recorded[url])} ({source})"
                yield Mismatch(path=path, expected=expected, found=describe(digest))


def _extra(folder: PublishedFolder) -> list[Path]:
    files = folder.path / FILES
    recorded = {files / name for name in folder.manifest.members}
    recorded |= {folder.path / MANIFEST, folder.path / DIGESTS}
    # A link to a folder is extra, too: what it leads to is not part of the artifact.
    return sorted(
        path
        for path in folder.path.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path not in recorded
    )
