"""``zoo import``: a bundle's artifacts into the store, all of them or none.

A bundle is believed no more than a server: its members are unpacked by the code that unpacks downloads, each
is compared with its digest, and published files take the way of every download, the bundle being the mirror.
Everything is first done in a store that is thrown away, so that a refusal of the last artifact leaves nothing
of the first behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from converters.fs.workdir import work_directory
from converters.planning.execute import result_name
from converters.provenance.statement import SUFFIX, Provenance
from registry import Registry
from registry.errors import IntegrityError, NotFoundError, UsageError
from registry.lock import describe
from registry.schema import Artifact, Entry, Model
from zoo._utils.checksums import digest_of
from zoo._utils.disk import translate_os_errors
from zoo.archive.extract import extract
from zoo.archive.unpacker import Member
from zoo.artifacts.plan import plans
from zoo.artifacts.resolver import ArtifactResolver
from zoo.artifacts.verify import verify
from zoo.store import Limits, SourceOptions, Store
from zoo.store.expected_digests import ExpectedDigest, changed, expected_digests
from zoo.transfer.bundle_manifest import (
    ANEW,
    BUILT,
    CONTENTS,
    FILES,
    BundledConversion,
    BundledFile,
    Contents,
    damaged,
    read_contents,
)

LARGEST_CONTENTS = 16 * 1024 * 1024


class ImportedArtifact(Model):
    """An artifact a bundle brought.

    Attributes:
        entry: ``name@release``.
        artifact: Name within the entry, for example ``lite-arm-fp16``.
        path: The file, or the folder of an inference model.
        built: Whether it was converted by whoever made the bundle.
        new: Whether the store did not have it.
    """

    entry: str
    artifact: str
    path: Path
    built: bool
    new: bool


@dataclass(frozen=True)
class _Opened:
    """A bundle, unpacked, every member of it compared with its digest."""

    folder: Path
    contents: Contents


def import_bundle(
    bundle: Path, resolver: ArtifactResolver, entries: Registry, *, sha256: str | None = None
) -> tuple[ImportedArtifact, ...]:
    """Takes the artifacts of a bundle into the store.

    Args:
        bundle: The file.
        resolver: The store.
        entries: The catalog.
        sha256: Digest the bundle must have; None takes any.

    Returns:
        The artifacts, in the order of the bundle; those that were there before, too.

    Raises:
        NotFoundError: ``no-such-file``, or an entry of the bundle is not in the catalog.
        UsageError: ``bundle-too-new``.
        IntegrityError: ``bundle-damaged``, ``digest-mismatch``, ``digest-changed``, ``bundle-incompatible``,
            ``artifact-mismatch``, or as for archives. Nothing is imported then.
    """
    _check_readable(bundle)
    _check_digest(bundle, sha256)
    with work_directory(resolver.settings.cache / "work") as folder, translate_os_errors(resolver.store.root):
        opened = _open(bundle, folder / "bundle")
        _refuse_changes(opened.contents, resolver, entries)
        rehearsal = replace(resolver, store=Store(folder / "store"))
        _Import(opened, bundle, rehearsal, entries).run()
        return _Import(opened, bundle, resolver, entries).run()


def _check_readable(bundle: Path) -> None:
    if not bundle.is_file():
        raise NotFoundError("no-such-file", f"{bundle} is not a file", hint="zoo bundle import FILE")
    try:
        bundle.open("rb").close()
    except OSError as error:
        raise UsageError(
            "bundle-unreadable", f"{bundle} cannot be read", found=error.strerror, hint=f"ls -l {bundle}"
        ) from None


def _check_digest(bundle: Path, sha256: str | None) -> None:
    if sha256 is None:
        return
    found = digest_of(bundle)
    if found.sha256 != sha256.lower():
        raise IntegrityError(
            "digest-mismatch",
            f"{bundle} is not the bundle that was meant",
            expected=f"sha256 {sha256.lower()}",
            found=describe(found),
            done="nothing was imported",
            hint="get the bundle anew",
        )


def _open(bundle: Path, folder: Path) -> _Opened:
    # A tar does not compress: it is its own bound, however large it is.
    limits = Limits(members=100_000, unpacked_bytes=bundle.stat().st_size + Limits.ratio_floor, ratio=1)
    try:
        members = {member.name: member for member in extract(bundle, folder, "tar", limits)}
    except IntegrityError as error:
        error.done, error.hint = "nothing was imported", ANEW
        raise
    listed = members.pop(CONTENTS, None)
    if listed is None or listed.digest.size > LARGEST_CONTENTS:
        raise damaged(bundle, f"no {CONTENTS}, or a huge one")
    contents = read_contents((folder / CONTENTS).read_bytes(), bundle)
    _compare(bundle, contents, members)
    return _Opened(folder, contents)


def _compare(bundle: Path, contents: Contents, members: dict[str, Member]) -> None:
    for name in sorted(contents.members.keys() ^ members.keys()):
        raise damaged(bundle, f"{name} is {'listed only' if name in contents.members else 'not listed'}")
    for name, member in members.items():
        if member.digest != contents.members[name]:
            raise IntegrityError(
                "digest-mismatch",
                f"{name} in {bundle} is not the file that was bundled",
                expected=describe(contents.members[name]),
                found=describe(member.digest),
                done="nothing was imported",
                hint="get the bundle anew",
            )
    for item in contents.published:
        if contents.members.get(item.path) != item.digest or not item.path.startswith(f"{FILES}/"):
            raise damaged(bundle, f"{item.path} is not listed as {item.artifact} is")


def _refuse_changes(contents: Contents, resolver: ArtifactResolver, entries: Registry) -> None:
    """Refuses files that the catalog, the project's lock or this machine knows with other bytes."""
    for item in contents.published:
        entry = entries.get(item.entry)
        artifact = _artifact(entry, item)
        for known in expected_digests(artifact, resolver.pins, resolver.store.seen()):
            if known.digest != item.digest:
                found = str(ExpectedDigest(item.digest, "the bundle"))
                raise changed(entry, artifact, known, found, done="nothing was imported")


def _artifact(entry: Entry, item: BundledFile) -> Artifact:
    for artifact in entry.artifacts:
        if artifact.id == item.artifact and artifact.urls[0] == item.url:
            return artifact
    raise NotFoundError(
        "unknown-artifact",
        f"{entry.id} has no {item.artifact} at {item.url}",
        done="nothing was imported",
        hint="use the catalog the bundle was made with: --catalog PATH",
    )


class _Import:
    """One way of a bundle into one store."""

    def __init__(self, opened: _Opened, bundle: Path, resolver: ArtifactResolver, entries: Registry) -> None:
        self._opened = opened
        self._bundle = bundle
        self._resolver = resolver
        self._entries = entries

    def run(self) -> tuple[ImportedArtifact, ...]:
        contents = self._opened.contents
        published = [self._published(item) for item in contents.published]
        return (*published, *[self._conversion(item) for item in contents.built])

    def _published(self, item: BundledFile) -> ImportedArtifact:
        entry = self._entries.get(item.entry)
        artifact = _artifact(entry, item)
        mirror = (self._opened.folder / FILES).as_uri()
        stored = self._resolver.store.fetch(
            entry,
            artifact,
            prove=lambda path: verify(entry, artifact, path),
            source=SourceOptions(mirrors=(mirror,), shown_as=f"bundle {self._bundle.name}"),
            pins=self._resolver.pins,
            locked=self._resolver.locked,
            packed=True,
            note=self._resolver.reporter.note,
        )
        return ImportedArtifact(
            entry=entry.id, artifact=artifact.id, path=stored.path, built=False, new=not stored.from_cache
        )

    def _conversion(self, item: BundledConversion) -> ImportedArtifact:
        entry = self._entries.get(item.entry)
        plan = next((p for p in plans(entry, item.want, build=True) if p.start.urls[0] == item.start), None)
        stored = self._resolver.store.find(entry, plan.start, pins=self._resolver.pins) if plan else None
        if plan is None or stored is None or len(plan.steps) != len(item.keys):
            raise self._misfit(item, "there is no such way to it")
        path, new = stored.path, False
        for step, key in zip(plan.steps, item.keys, strict=True):
            if self._resolver.key(path, step, entry.name, entry) != key:
                raise self._misfit(item, "this version would make it with other tools or options")
            new = self._resolver.store.find_built(key) is None or new
            path = self._resolver.store.put_built(key, self._copy(key)) / result_name(step, entry.name)
        verify(entry, item.want, path)
        return ImportedArtifact(entry=entry.id, artifact=item.want.id, path=path, built=True, new=new)

    def _copy(self, key: str) -> Callable[[Path], None]:
        source = self._opened.folder / BUILT / key
        if not source.is_dir():
            raise damaged(self._bundle, f"{BUILT}/{key} is missing")
        _check_provenance(self._bundle, source)
        return lambda folder: _copy_files(source, folder)

    def _misfit(self, item: BundledConversion, found: str) -> IntegrityError:
        return IntegrityError(
            "bundle-incompatible",
            f"{item.entry} {item.want.id} in {self._bundle} cannot be what this version calls by that name",
            expected="a conversion that this version would make from the same file",
            found=f"{found}; made by {self._opened.contents.made_by}",
            done="nothing was imported",
            hint="make the bundle with this version of paddle-zoo",
        )


def _copy_files(source: Path, folder: Path) -> None:
    shutil.copytree(source, folder, dirs_exist_ok=True)


def _check_provenance(bundle: Path, folder: Path) -> None:
    """What a provenance says was made is what lies beside it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    digests = {digest_of(path).sha256 for path in files}
    for path in files:
        if path.name.endswith(SUFFIX):
            try:
                statement = Provenance.model_validate_json(path.read_bytes())
            except ValidationError:
                raise damaged(bundle, f"{path.name} is no provenance") from None
            if not all(subject.digest.sha256 in digests for subject in statement.subject):
                raise damaged(bundle, f"{path.name} is about other files")
