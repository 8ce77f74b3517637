"""List the items in a cache: size, last use, and the sources of each conversion."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, get_args

from pydantic import ValidationError

from converters.fs.tempfile_beside import is_temp_name
from converters.provenance.statement import SUFFIX, Provenance
from registry.errors import IntegrityError
from registry.lock import Lock
from registry.schema.base import Model
from zoo._utils.cache_names import FILES, is_blob, is_leftover, is_partial, is_quarantined
from zoo.store.layout import Layout
from zoo.store.leases import used_at
from zoo.store.manifest import Manifest, read_manifest

CacheItemKind = Literal[
    "artifact",
    "conversion",
    "archive",
    "partial",
    "quarantine",
    "leftover",
    "work",
    "logs",
    "catalogs",
    "results",
    "toolchain",
]
PRUNABLE: frozenset[CacheItemKind] = frozenset(
    {"artifact", "conversion", "archive", "partial", "quarantine", "leftover"}
)
"""Kinds that ``zoo cache prune`` removes. Work folders are in use; toolchains take minutes to build;
``zoo results prune`` removes measurements."""


class CacheItem(Model):
    """One item in the cache.

    Attributes:
        kind: ``artifact``: a published file, with its archive. ``conversion``: converted here.
            ``archive``: one without its artifact. ``partial``: an unfinished download.
            ``quarantine``: refused files. ``leftover``: temporary files of a killed process. ``work``,
            ``logs``, ``catalogs``, ``results``, ``toolchain``: of the other parts of the program.
        name: Entry and artifact, or file name.
        path: Its path.
        size: Bytes, the archive's included.
        last_used: Time of the last use; of the last change, for items that are not fetched or converted.
        made_from: For conversions, the artifacts and conversions in the cache it was made from.
        used_by: Conversions in the cache that were made from it.
        current: Whether the newest recorded digest leads to it; always true for other kinds.
        outdated: Whether an earlier revision of the conversion made it, so that no request finds it.
        locked: Whether the project's lock names it.
        archive: SHA-256 of its archive.
        canonical: Its address in the catalog, for artifacts.
    """

    kind: CacheItemKind
    name: str
    path: Path
    size: int
    last_used: datetime
    made_from: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    current: bool = True
    outdated: bool = False
    locked: bool = False
    archive: str | None = None
    canonical: str | None = None

    @property
    def prunable(self) -> bool:
        """Whether ``zoo cache prune`` may remove it."""
        return self.kind in PRUNABLE


def scan_cache(layout: Layout, seen: Lock, pins: Lock) -> tuple[CacheItem, ...]:
    """List everything in a cache, by kind and name.

    Args:
        layout: The cache.
        seen: Digests this machine has seen.
        pins: The project's lock.
    """
    published = [found for folder in _visible(layout.artifacts) for found in _manifests(folder)]
    artifacts = [_artifact(layout, folder, manifest, seen, pins) for folder, manifest in published]
    conversions = _conversions(published, artifacts, list(_manifests(layout.built)))
    users: dict[str, list[str]] = {}
    for item in conversions:
        for source in item.made_from:
            users.setdefault(source, []).append(item.name)
    linked = [
        item.model_copy(update={"used_by": tuple(sorted(users.get(item.name, ())))})
        for item in [*artifacts, *conversions]
    ]
    owned = {item.archive for item in artifacts}
    return tuple(sorted([*linked, *_others(layout, owned)], key=lambda item: (_rank(item), item.name)))


def _conversions(
    published: Sequence[tuple[Path, Manifest]],
    artifacts: Sequence[CacheItem],
    built: Sequence[tuple[Path, Manifest]],
) -> list[CacheItem]:
    names = {item.path: item.name for item in artifacts}
    names |= {folder: _conversion_name(folder, manifest) for folder, manifest in built}
    stale = {item.path for item in artifacts if not item.current}
    statements = {folder: tuple(_statements(folder)) for folder, _ in built}
    outdated = {folder for folder, found in statements.items() if any(each.superseded for each in found)}
    stale |= outdated
    # A file that did not change between two releases counts for the current one.
    order = sorted([*published, *built], key=lambda found: found[0] not in stale)
    holders = {digest.sha256: path for path, manifest in order for digest in manifest.members.values()}
    sources = {folder: _sources(found, holders) - {folder} for folder, found in statements.items()}
    while more := {folder for folder, found in sources.items() if found & stale} - stale:
        stale |= more  # a conversion of a stale conversion is stale, too
    return [
        _conversion(folder, names, sources[folder], folder not in stale).model_copy(
            update={"outdated": folder in outdated}
        )
        for folder, _ in built
    ]


def _artifact(layout: Layout, folder: Path, manifest: Manifest, seen: Lock, pins: Lock) -> CacheItem:
    origin = manifest.origin
    if origin is None:
        return _item("artifact", folder.name, folder, current=False)
    recorded = [line.digest for line in (seen.get(origin.canonical), pins.get(origin.canonical)) if line]
    pinned = pins.get(origin.canonical)
    archive = layout.blob(origin.packed.sha256) if origin.container != "file" else None
    item = _item("artifact", origin.artifact, folder)
    return item.model_copy(
        update={
            "size": item.size + (_size(archive) if archive else 0),
            "current": not recorded or origin.packed in recorded,
            "locked": pinned is not None and pinned.digest == origin.packed,
            "archive": origin.packed.sha256 if archive else None,
            "canonical": origin.canonical,
        }
    )


def _conversion(folder: Path, names: Mapping[Path, str], sources: Set[Path], current: bool) -> CacheItem:
    made_from = tuple(sorted({names[source] for source in sources}))
    item = _item("conversion", names[folder], folder, current=current)
    return item.model_copy(update={"made_from": made_from})


def _sources(statements: Iterable[Provenance], holders: Mapping[str, Path]) -> Set[Path]:
    """The folders in the cache that hold the inputs of a conversion, according to its provenance."""
    return {
        holders[source.digest.sha256]
        for statement in statements
        for source in statement.predicate.build_definition.resolved_dependencies
        if source.digest is not None and source.digest.sha256 in holders
    }


def _statements(folder: Path) -> Iterator[Provenance]:
    for path in sorted((folder / FILES).rglob(f"*{SUFFIX}")):
        try:
            yield Provenance.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue


def _conversion_name(folder: Path, manifest: Manifest) -> str:
    files = [name for name in manifest.members if not name.endswith(SUFFIX)]
    stem = folder.name.partition("-")[2] or folder.name
    return f"{files[0] if len(files) == 1 else f'{stem} inference model'} ({folder.name[:8]})"


def _others(layout: Layout, owned: Set[str | None]) -> Iterator[CacheItem]:
    """Items that are not published folders. Names that this program does not give are left out."""
    for blob in layout.blobs.glob("??/*"):
        if is_blob(blob) and blob.name not in owned:
            yield from _listed("archive", blob.name[:12], blob)
    for part in layout.partial.glob("*.part"):
        if is_partial(part):
            yield from _listed("partial", part.name.removesuffix(".part"), part)
    for folder in _visible(layout.quarantine):
        if is_quarantined(folder):
            yield from _listed("quarantine", folder.name, folder)
    for path in _leftovers(layout):
        yield from _listed("leftover", path.name, path)
    folders: tuple[tuple[CacheItemKind, str], ...] = (
        ("work", "work"),
        ("logs", "logs"),
        ("catalogs", "catalogs"),
        ("results", "results"),
    )
    for kind, name in folders:
        if (layout.root / name).is_dir():
            yield from _listed(kind, name, layout.root / name)
    for folder in _visible(layout.root / "toolchains"):
        if (folder / "pyvenv.cfg").is_file():
            yield from _listed("toolchain", folder.name, folder)


def _leftovers(layout: Layout) -> Iterator[Path]:
    for parent in [*_visible(layout.artifacts), layout.built]:
        yield from (path for path in sorted(parent.glob(".*")) if is_leftover(path))
    for parent in (layout.root, layout.partial):
        yield from (path for path in sorted(parent.glob(".*.part")) if is_temp_name(path.name))


def _listed(kind: CacheItemKind, name: str, path: Path) -> Iterator[CacheItem]:
    try:
        yield _item(kind, name, path)
    except FileNotFoundError:  # gone since the folder was listed
        return


def _item(kind: CacheItemKind, name: str, path: Path, *, current: bool = True) -> CacheItem:
    last_used = datetime.fromtimestamp(used_at(path), timezone.utc)
    return CacheItem(kind=kind, name=name, path=path, size=_size(path), last_used=last_used, current=current)


def _manifests(parent: Path) -> Iterator[tuple[Path, Manifest]]:
    for folder in _visible(parent):
        try:
            manifest = read_manifest(folder)
        except IntegrityError:
            continue  # zoo verify reports it
        if manifest is not None:
            yield folder, manifest


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; a file removed meanwhile counts as zero."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        return sum(_size_here(folder, files) for folder, _, files in os.walk(path))
    except FileNotFoundError:
        return 0


def _size_here(folder: str, files: Iterable[str]) -> int:
    total = 0
    for name in files:
        try:
            total += os.lstat(os.path.join(folder, name)).st_size
        except FileNotFoundError:
            continue
    return total


def _rank(item: CacheItem) -> int:
    return get_args(CacheItemKind).index(item.kind)
