"""``zoo bundle create``: writes published and converted artifacts into one file for an offline machine."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from converters.fs.atomic import check_writable, publish, writing_to
from registry.errors import IntegrityError
from registry.lock import describe
from registry.schema import Digest, Entry, Model
from zoo._utils.cache_root import cache_work_directory
from zoo._utils.checksums import digest_of
from zoo.artifacts.plan import FetchPlan, plans
from zoo.artifacts.resolver import ArtifactResolver, CachedRoute
from zoo.artifacts.spec import ArtifactSpec
from zoo.download.mirrors import mirror_path
from zoo.transfer.bundle_manifest import (
    BUILT,
    FILES,
    MANIFEST,
    BundledConversion,
    BundledFile,
    BundleManifest,
)


class Bundle(Model):
    """A bundle that was written.

    Attributes:
        path: The file.
        sha256: Its digest, to verify the file on the other machine.
        size: Bytes.
        manifest: Its content.
    """

    path: Path
    sha256: str
    size: int
    manifest: BundleManifest


class BundleBuilder:
    """Collects the files of a bundle.

    Args:
        resolver: Gives access to the store.
    """

    def __init__(self, resolver: ArtifactResolver) -> None:
        self._resolver = resolver
        self._published: dict[str, BundledFile] = {}
        self._built: list[BundledConversion] = []
        self._sources: dict[str, Path] = {}
        self._members: dict[str, Digest] = {}

    def add(self, entry: Entry, plan: FetchPlan, route: CachedRoute) -> None:
        """Add an artifact and everything that an offline fetch of it needs.

        Args:
            entry: The entry.
            plan: The way to it.
            route: Where that way leads through the store.
        """
        artifact = plan.start
        stored = self._resolver.fetch_published(entry, artifact, packed=True)
        path = f"{FILES}/{mirror_path(artifact.urls[0])}"
        self._take(path, self._resolver.store.packed(artifact, stored), stored.digest)
        self._published[artifact.urls[0]] = BundledFile(
            entry=entry.id, artifact=artifact.id, url=artifact.urls[0], path=path, digest=stored.digest
        )
        if not plan.steps:
            return
        for key in route.keys:
            self._take_folder(key)
        self._built.append(
            BundledConversion(entry=entry.id, spec=plan.spec, start=artifact.urls[0], keys=route.keys)
        )

    def _take_folder(self, key: str) -> None:
        folder = self._resolver.store.find_built(key, reread=True)
        for file in sorted(folder.rglob("*")) if folder else []:
            if folder and file.is_file():
                self._take(f"{BUILT}/{key}/{file.relative_to(folder).as_posix()}", file, digest_of(file))

    def _take(self, path: str, source: Path, digest: Digest) -> None:
        self._sources[path] = source
        self._members[path] = digest

    def manifest(self) -> BundleManifest:
        """The manifest of all added files."""
        return BundleManifest(
            made_by=f"paddle-zoo {version('paddle-zoo')}",
            published=tuple(sorted(self._published.values(), key=lambda item: item.path)),
            built=tuple(sorted(self._built, key=lambda item: (item.entry, item.spec.id, item.keys))),
            members=dict(sorted(self._members.items())),
        )

    @property
    def sources(self) -> Mapping[str, Path]:
        """Member to the stored file that it is copied from."""
        return self._sources


def bundle(
    orders: Sequence[tuple[Entry, ArtifactSpec]],
    out: Path,
    resolver: ArtifactResolver,
    *,
    build: bool | None,
    jobs: int = 4,
) -> Bundle:
    """Write a bundle; artifacts that are not in the store are fetched or converted first.

    Args:
        orders: The artifacts.
        out: The file.
        resolver: Fetches and converts artifacts.
        build: As for ``plans``.
        jobs: Artifacts fetched at the same time.

    Raises:
        ZooError: As for fetching; nothing is written then.
    """
    check_writable(out)
    resolver.resolve(orders, build=build, jobs=jobs)
    builder = BundleBuilder(resolver)
    for entry, want in orders:
        for plan in plans(entry, want, build=build):
            if (route := resolver.cached_route(entry, plan)) is not None:
                builder.add(entry, plan, route)
                break
    manifest = builder.manifest()
    with cache_work_directory(resolver.settings.cache) as folder:
        temp = folder / "bundle"
        with writing_to(out):
            _write(temp, manifest, builder.sources)
        digest = digest_of(temp)
        publish(temp, out)
    return Bundle(path=out, sha256=digest.sha256, size=digest.size, manifest=manifest)


def _write(target: Path, manifest: BundleManifest, sources: Mapping[str, Path]) -> None:
    text = manifest.dump()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
        for path, digest in manifest.members.items():
            # A file that was damaged in the store must not be bundled under its old digest.
            found = digest_of(sources[path])
            if found != digest:
                raise IntegrityError(
                    "cache-damaged",
                    f"{sources[path]} changed after it was stored",
                    expected=describe(digest),
                    found=describe(found),
                    done="no bundle was written",
                    hint="zoo verify --repair",
                )
            with sources[path].open("rb") as file:
                archive.addfile(_member(path, digest.size), file)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member
