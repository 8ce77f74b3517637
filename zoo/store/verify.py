"""Re-hashing what the store holds, on all cores, against manifests, catalog and lock."""

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
from zoo._utils.checksums import digest_of
from zoo.store.layout import FILES, MANIFEST, Layout
from zoo.store.manifest import Manifest, read_manifest
from zoo.store.verify_report import Mismatch, StoreReport


class Holding(Model):
    """A published folder.

    Attributes:
        path: The folder.
        manifest: What it consists of.
    """

    path: Path
    manifest: Manifest


class _Expected(Model):
    path: Path
    digest: Digest


def verify(layout: Layout, lock: Lock, entries: Sequence[Entry] | None, jobs: int | None) -> StoreReport:
    """Hashes every file of the store and compares.

    Args:
        layout: The store.
        lock: Digests that published artifacts must have.
        entries: Looks only at the artifacts of these, and compares them with these; None looks at everything.
        jobs: Files hashed at the same time; all cores by default.
    """
    damage: list[Mismatch] = []
    holdings = list(_holdings(layout, entries, damage))
    wanted = {item.path: item for item in _blobs(layout)} if entries is None else {}
    wanted |= {item.path: item for holding in holdings for item in _expectations(layout, holding)}
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        found = dict(zip(wanted, pool.map(_digest, wanted), strict=True))
    # What was pruned since the folders were listed is not missing: an artifact goes whole, its archive last.
    there = {path for holding in holdings for path in _paths(layout, holding) if holding.path.exists()}
    missing = [path for path, digest in found.items() if digest is None and path in there]
    differing = [
        Mismatch(path=path, expected=describe(wanted[path].digest), found=describe(digest))
        for path, digest in found.items()
        if digest is not None and digest != wanted[path].digest
    ]
    catalog = {a.urls[0]: a.digest for entry in entries or () for a in entry.artifacts if a.digest}
    damage += _broken_promises(holdings, catalog, "the catalog")
    damage += _broken_promises(
        holdings, {url: line.digest for url, line in lock.artifacts.items()}, "the lock"
    )
    return StoreReport(
        checked=len(wanted),
        ok=sum(digest is not None for digest in found.values()) - len(differing),
        mismatches=tuple(sorted([*damage, *differing], key=lambda mismatch: mismatch.path)),
        missing=tuple(sorted(missing)),
        extra=tuple(path for holding in holdings for path in _extra(holding)),
    )


def _holdings(layout: Layout, entries: Sequence[Entry] | None, damage: list[Mismatch]) -> Iterator[Holding]:
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
        yield Holding(path=tree, manifest=manifest)


def _visible(folder: Path) -> list[Path]:
    """What is published in a folder; names with a dot are still growing."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _expectations(layout: Layout, holding: Holding) -> Iterator[_Expected]:
    for name, digest in holding.manifest.members.items():
        yield _Expected(path=holding.path / FILES / name, digest=digest)
    origin = holding.manifest.origin
    if origin is not None and origin.container != "file":
        yield _Expected(path=layout.blob(origin.packed.sha256), digest=origin.packed)


def _paths(layout: Layout, holding: Holding) -> list[Path]:
    return [item.path for item in _expectations(layout, holding)]


def _blobs(layout: Layout) -> Iterator[_Expected]:
    """Archives without a folder are held to the digest in their name; their size is whatever it is."""
    for path in layout.blobs.glob("??/" + "[0-9a-f]" * 64):
        with suppress(FileNotFoundError):  # pruned since the folder was listed
            yield _Expected(path=path, digest=Digest(sha256=path.name, size=path.stat().st_size))


def _digest(path: Path) -> Digest | None:
    try:
        return digest_of(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _broken_promises(
    holdings: Sequence[Holding], promised: Mapping[str, Digest], source: str
) -> Iterator[Mismatch]:
    """Artifacts of which no copy has the promised digest; older copies beside the right one may stay."""
    copies: dict[str, list[tuple[Path, Digest]]] = {}
    for holding in holdings:
        if holding.manifest.origin is not None:
            origin = holding.manifest.origin
            copies.setdefault(origin.canonical, []).append((holding.path, origin.packed))
    for url, found in copies.items():
        if url in promised and promised[url] not in [digest for _, digest in found]:
            for path, digest in found:
                expected = f"{describe(promised[url])} ({source})"
                yield Mismatch(path=path, expected=expected, found=describe(digest))


def _extra(holding: Holding) -> list[Path]:
    files = holding.path / FILES
    known = {holding.path / MANIFEST, *(files / name for name in holding.manifest.members)}
    return sorted(path for path in holding.path.rglob("*") if not path.is_dir() and path not in known)
