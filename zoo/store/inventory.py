"""What lies in a store: how large, how long unused, what was made from what."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, get_args

from pydantic import ValidationError

from converters.provenance.statement import SUFFIX, Provenance
from registry.errors import IntegrityError
from registry.lock import Lock
from registry.schema.base import Model
from zoo.store.layout import FILES, Layout
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
    "toolchain",
]
PRUNABLE: frozenset[CacheItemKind] = frozenset(
    {"artifact", "conversion", "archive", "partial", "quarantine", "leftover"}
)
"""What ``zoo cache prune`` may remove. Work belongs to its process; toolchains take minutes to build."""


class CacheItem(Model):
    """Something in the store.

    Attributes:
        kind: ``artifact``: a published file, with its archive. ``conversion``: made here.
            ``archive``: one whose artifact is gone. ``partial``: an unfinished download. ``quarantine``: what
            was refused. ``leftover``: what a killed process left. ``work``, ``logs``, ``catalogs``,
            ``toolchain``: as they are called.
        name: Entry and artifact, or file name.
        path: Where it is.
        size: Bytes, the archive's included.
        used: When it was last handed out, or changed where nobody hands it out.
        made_from: For conversions, the artifacts and conversions in the store it was made from.
        used_by: Conversions in the store that were made from it.
        current: Whether the newest digest that is known leads to it; always so for other things.
        outdated: Whether it was converted by another recipe than today's, so that it is not found any more.
        pinned: Whether the project's lock names it.
        archive: SHA-256 of the archive that belongs to it.
        canonical: Its address in the catalog, for artifacts.
    """

    kind: CacheItemKind
    name: str
    path: Path
    size: int
    used: datetime
    made_from: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    current: bool = True
    outdated: bool = False
    pinned: bool = False
    archive: str | None = None
    canonical: str | None = None

    @property
    def prunable(self) -> bool:
        """Whether ``zoo cache prune`` may remove it."""
        return self.kind in PRUNABLE


def scan_cache(layout: Layout, seen: Lock, pins: Lock) -> tuple[CacheItem, ...]:
    """Everything in a store, by kind and name.

    Args:
        layout: The store.
        seen: Digests this machine has seen.
        pins: The project's lock.
    """
    published = [found for folder in _visible(layout.artifacts) for found in _manifests(folder)]
    artifacts = [_artifact(layout, folder, manifest, seen, pins) for folder, manifest in published]
    built = list(_manifests(layout.built))
    names = {thing.path: thing.name for thing in artifacts}
    names |= {folder: _conversion_name(folder, manifest) for folder, manifest in built}
    stale = {thing.path for thing in artifacts if not thing.current}
    stated = {folder: tuple(_statements(folder)) for folder, _ in built}
    outdated = {folder for folder, found in stated.items() if any(each.superseded for each in found)}
    stale |= outdated
    # A file that did not change between two releases counts for the current one.
    order = sorted([*published, *built], key=lambda found: found[0] not in stale)
    holders = {digest.sha256: path for path, manifest in order for digest in manifest.members.values()}
    sources = {folder: _sources(found, holders) - {folder} for folder, found in stated.items()}
    while more := {folder for folder, found in sources.items() if found & stale} - stale:
        stale |= more  # what was made from what was made from something superseded
    conversions = [
        _conversion(folder, names, sources[folder], folder not in stale).model_copy(
            update={"outdated": folder in outdated}
        )
        for folder, _ in built
    ]
    users: dict[str, list[str]] = {}
    for thing in conversions:
        for source in thing.made_from:
            users.setdefault(source, []).append(thing.name)
    main = [
        thing.model_copy(update={"used_by": tuple(sorted(users.get(thing.name, ())))})
        for thing in [*artifacts, *conversions]
    ]
    kept = {thing.archive for thing in artifacts}
    return tuple(sorted([*main, *_others(layout, kept)], key=lambda thing: (_rank(thing), thing.name)))


def _artifact(layout: Layout, folder: Path, manifest: Manifest, seen: Lock, pins: Lock) -> CacheItem:
    origin = manifest.origin
    if origin is None:
        return _thing("artifact", folder.name, folder, current=False)
    known = [line.digest for line in (seen.get(origin.canonical), pins.get(origin.canonical)) if line]
    pinned = pins.get(origin.canonical)
    archive = layout.blob(origin.packed.sha256) if origin.container != "file" else None
    thing = _thing("artifact", origin.artifact, folder)
    return thing.model_copy(
        update={
            "size": thing.size + (_size(archive) if archive else 0),
            "current": not known or origin.packed in known,
            "pinned": pinned is not None and pinned.digest == origin.packed,
            "archive": origin.packed.sha256 if archive else None,
            "canonical": origin.canonical,
        }
    )


def _conversion(folder: Path, names: Mapping[Path, str], sources: Set[Path], current: bool) -> CacheItem:
    made_from = tuple(sorted({names[source] for source in sources}))
    thing = _thing("conversion", names[folder], folder, current=current)
    return thing.model_copy(update={"made_from": made_from})


def _sources(statements: Iterable[Provenance], holders: Mapping[str, Path]) -> Set[Path]:
    """What in the store a conversion was made from, by its own provenance."""
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


def _others(layout: Layout, kept: Iterable[str | None]) -> Iterator[CacheItem]:
    owned = set(kept)
    for blob in layout.blobs.glob("??/*"):
        if blob.name not in owned:
            yield from _listed("archive", blob.name[:12], blob)
    for part in (layout.root / "partial").glob("*.part"):
        yield from _listed("partial", part.name.removesuffix(".part"), part)
    for folder in _visible(layout.quarantine):
        yield from _listed("quarantine", folder.name, folder)
    for parent in [*_visible(layout.artifacts), layout.built]:
        for path in sorted(parent.glob(".*")):
            yield from _listed("leftover", path.name, path)
    folders: tuple[tuple[CacheItemKind, str], ...] = (
        ("work", "work"),
        ("logs", "logs"),
        ("catalogs", "catalogs"),
    )
    for kind, name in folders:
        if (layout.root / name).is_dir():
            yield from _listed(kind, name, layout.root / name)
    for folder in _visible(layout.root / "toolchains"):
        if (folder / "pyvenv.cfg").is_file():
            yield from _listed("toolchain", folder.name, folder)


def _listed(kind: CacheItemKind, name: str, path: Path) -> Iterator[CacheItem]:
    try:
        yield _thing(kind, name, path)
    except FileNotFoundError:  # gone since the folder was listed
        return


def _thing(kind: CacheItemKind, name: str, path: Path, *, current: bool = True) -> CacheItem:
    used = datetime.fromtimestamp(used_at(path), timezone.utc)
    return CacheItem(kind=kind, name=name, path=path, size=_size(path), used=used, current=current)


def _manifests(parent: Path) -> Iterator[tuple[Path, Manifest]]:
    for folder in _visible(parent):
        try:
            manifest = read_manifest(folder)
        except IntegrityError:
            continue  # zoo cache verify says what is wrong with it
        if manifest is not None:
            yield folder, manifest


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; what vanishes meanwhile counts as nothing."""
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


def _rank(thing: CacheItem) -> int:
    return get_args(CacheItemKind).index(thing.kind)
