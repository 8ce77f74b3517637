"""``zoo bundle``: artifacts, converted ones with their provenance, in one file that crosses an air gap."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from converters.fs.atomic import check_writable, publish, writing_to
from converters.fs.workdir import work_directory
from registry.errors import IntegrityError
from registry.lock import describe
from registry.schema import Digest, Entry, Model
from zoo._utils.checksums import digest_of
from zoo.artifacts.plan import FetchPlan, plans
from zoo.artifacts.resolver import ArtifactResolver, CachedRoute
from zoo.artifacts.spec import ArtifactSpec
from zoo.download.mirrors import mirror_path
from zoo.transfer.bundle_manifest import BUILT, CONTENTS, FILES, BundledConversion, BundledFile, Contents


class Bundle(Model):
    """A bundle that was written.

    Attributes:
        path: The file.
        sha256: Its digest, to compare on the other side.
        size: Bytes.
        contents: What it holds.
    """

    path: Path
    sha256: str
    size: int
    contents: Contents


class Packing:
    """Gathers what goes into a bundle.

    Args:
        resolver: The store, and the way to what is not in it yet.
    """

    def __init__(self, resolver: ArtifactResolver) -> None:
        self._resolver = resolver
        self._published: dict[str, BundledFile] = {}
        self._built: list[BundledConversion] = []
        self._sources: dict[str, Path] = {}
        self._members: dict[str, Digest] = {}

    def add(self, entry: Entry, plan: FetchPlan, trail: CachedRoute) -> None:
        """Takes an artifact and everything an offline fetch of it needs.

        Args:
            entry: The entry.
            plan: The way to it.
            trail: Where that way leads through the store.
        """
        artifact = plan.start
        stored = self._resolver.published(entry, artifact, packed=True)
        path = f"{FILES}/{mirror_path(artifact.urls[0])}"
        self._take(path, self._resolver.store.packed(artifact, stored), stored.digest)
        self._published[artifact.urls[0]] = BundledFile(
            entry=entry.id, artifact=artifact.id, url=artifact.urls[0], path=path, digest=stored.digest
        )
        if not plan.steps:
            return
        for key in trail.keys:
            self._take_folder(key)
        self._built.append(
            BundledConversion(entry=entry.id, want=plan.want, start=artifact.urls[0], keys=trail.keys)
        )

    def _take_folder(self, key: str) -> None:
        folder = self._resolver.store.find_built(key)
        for file in sorted(folder.rglob("*")) if folder else []:
            if folder and file.is_file():
                self._take(f"{BUILT}/{key}/{file.relative_to(folder).as_posix()}", file, digest_of(file))

    def _take(self, path: str, source: Path, digest: Digest) -> None:
        self._sources[path] = source
        self._members[path] = digest

    def contents(self) -> Contents:
        """The description of all that was added."""
        return Contents(
            made_by=f"paddle-zoo {version('paddle-zoo')}",
            published=tuple(sorted(self._published.values(), key=lambda item: item.path)),
            built=tuple(sorted(self._built, key=lambda item: (item.entry, item.want.id, item.keys))),
            members=dict(sorted(self._members.items())),
        )

    @property
    def sources(self) -> Mapping[str, Path]:
        """Member to the file in the store it is copied from."""
        return self._sources


def bundle(
    orders: Sequence[tuple[Entry, ArtifactSpec]],
    out: Path,
    resolver: ArtifactResolver,
    *,
    build: bool | None,
    jobs: int = 4,
) -> Bundle:
    """Writes a bundle, fetching and converting first what is not in the store.

    Args:
        orders: What goes into it.
        out: The file.
        resolver: The way to artifacts.
        build: As for ``plans``.
        jobs: Artifacts fetched at the same time.

    Raises:
        ZooError: As for fetching; nothing is written then.
    """
    check_writable(out)
    resolver.all(orders, build=build, jobs=jobs)
    packing = Packing(resolver)
    for entry, want in orders:
        for plan in plans(entry, want, build=build):
            if (trail := resolver.trail(entry, plan)) is not None:
                packing.add(entry, plan, trail)
                break
    contents = packing.contents()
    with work_directory(resolver.settings.cache / "work") as folder:
        temp = folder / "bundle"
        with writing_to(out):
            _write(temp, contents, packing.sources)
        digest = digest_of(temp)
        publish(temp, out)
    return Bundle(path=out, sha256=digest.sha256, size=digest.size, contents=contents)


def _write(target: Path, contents: Contents, sources: Mapping[str, Path]) -> None:
    text = contents.dump()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(_member(CONTENTS, len(text)), io.BytesIO(text))
        for path, digest in contents.members.items():
            # A file that rotted in the store must not travel under its old digest.
            found = digest_of(sources[path])
            if found != digest:
                raise IntegrityError(
                    "store-damaged",
                    f"{sources[path]} changed after it was stored",
                    expected=describe(digest),
                    found=describe(found),
                    done="no bundle was written",
                    hint="zoo verify",
                )
            with sources[path].open("rb") as file:
                archive.addfile(_member(path, digest.size), file)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member
