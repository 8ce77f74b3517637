"""``zoo bundle import``: imports the artifacts of a bundle into the store, all of them or none.

A bundle is trusted no more than a server: its members are unpacked by the code that unpacks downloads, every
digest is verified, and published files are fetched like any download, with the bundle as the mirror.
Everything is first done in a temporary store, so that an error in the last artifact leaves nothing behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from converters.planning.execute import result_name
from converters.provenance.statement import SUFFIX, Provenance
from registry import Registry
from registry.errors import IntegrityError, NotFoundError, UsageError
from registry.lock import describe
from registry.schema import Artifact, Entry, Model
from zoo._utils.cache_root import cache_work_directory
from zoo._utils.checksums import digest_of
from zoo._utils.disk import translate_os_errors
from zoo.archive.extract import extract
from zoo.archive.unpacker import Member
from zoo.artifacts.plan import plans
from zoo.artifacts.resolver import ArtifactResolver
from zoo.artifacts.verify import verify
from zoo.signing.sign import verify_path
from zoo.store import Limits, RemoteSource, Store
from zoo.store.expected_digests import ExpectedDigest, changed, expected_digests
from zoo.transfer.bundle_manifest import (
    BUILT,
    FILES,
    MANIFEST,
    NEW_COPY_HINT,
    BundledConversion,
    BundledFile,
    BundleManifest,
    damaged_bundle,
    parse_manifest,
)
from zoo.transfer.rebuild import rebuild

MAX_MANIFEST_BYTES = 16 * 1024 * 1024


class ImportedArtifact(Model):
    """An artifact of an imported bundle.

    Attributes:
        entry: ``name@release``.
        artifact: Name within the entry, for example ``lite-arm-fp16``.
        path: The file, or the folder of an inference model.
        built: Whether it was converted where the bundle was created.
        new: Whether the store did not have it before.
        verified: Whether something outside the bundle confirms its bytes: a digest in the catalog, the
            project's lock or this store, the digest or signature of the bundle, or the same conversion here.
    """

    entry: str
    artifact: str
    path: Path
    built: bool
    new: bool
    verified: bool


@dataclass(frozen=True)
class _UnpackedBundle:
    """An unpacked bundle; the digest of every member was verified."""

    folder: Path
    manifest: BundleManifest


def import_bundle(
    bundle: Path,
    resolver: ArtifactResolver,
    entries: Registry,
    *,
    sha256: str | None = None,
    key: Path | None = None,
) -> tuple[ImportedArtifact, ...]:
    """Import the artifacts of a bundle into the store.

    Args:
        bundle: The file.
        resolver: The store.
        entries: The catalog.
        sha256: Digest the bundle must have; None accepts any.
        key: Public key of the signer; the signature is next to the bundle. Without digest and key, every
            conversion is run again here and must give the same bytes.

    Returns:
        The artifacts in the order of the bundle, including those that the store had before.

    Raises:
        NotFoundError: ``no-such-file``, or an entry of the bundle is not in the catalog.
        UsageError: ``bundle-too-new``.
        IntegrityError: ``bundle-damaged``, ``digest-mismatch``, ``digest-changed``, ``bundle-incompatible``,
            ``artifact-mismatch``, or as for archives; ``bundle-untrusted``: a conversion cannot be run again
            here; ``conversion-mismatch``: it gives other bytes; ``signature-missing``,
            ``signature-invalid``, ``signature-mismatch``, ``signature-expired``. Nothing is imported then.
    """
    _check_readable(bundle)
    _check_digest(bundle, sha256)
    if key is not None:
        verify_path(bundle, key)
    trusted = sha256 is not None or key is not None
    with cache_work_directory(resolver.settings.cache) as folder, translate_os_errors(resolver.store.root):
        unpacked = _open(bundle, folder / "bundle")
        unknown = _refuse_changes(unpacked.manifest, resolver, entries)
        if unknown and not trusted:
            resolver.reporter.note(
                f"{len(unknown)} published files of {bundle.name} have no recorded digest: "
                "they are not verified and are recorded as first seen; --sha256 or --key verifies the bundle"
            )
        trial = replace(resolver, store=Store(folder / "store"))
        rebuilt: dict[str, Path] | None = None if trusted else {}
        _Import(unpacked, bundle, trial, entries).run(rebuilt)
        imported = _Import(unpacked, bundle, resolver, entries).run(rebuilt)
        return imported if trusted else tuple(_without_confirmation(imported, unknown))


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
            f"the digest of {bundle} does not match the given one",
            expected=f"sha256 {sha256.lower()}",
            found=describe(found),
            done="nothing was imported",
            hint=NEW_COPY_HINT,
        )


def _open(bundle: Path, folder: Path) -> _UnpackedBundle:
    # A tar is not compressed: its own size is the limit.
    limits = Limits(members=100_000, unpacked_bytes=bundle.stat().st_size + Limits.ratio_floor, ratio=1)
    try:
        members = {member.name: member for member in extract(bundle, folder, "tar", limits)}
    except IntegrityError as error:
        error.done, error.hint = "nothing was imported", NEW_COPY_HINT
        raise
    listed = members.pop(MANIFEST, None)
    if listed is None or listed.digest.size > MAX_MANIFEST_BYTES:
        raise damaged_bundle(bundle, f"{MANIFEST} is missing or too large")
    manifest = parse_manifest((folder / MANIFEST).read_bytes(), bundle)
    _compare(bundle, manifest, members)
    return _UnpackedBundle(folder, manifest)


def _compare(bundle: Path, manifest: BundleManifest, members: dict[str, Member]) -> None:
    for name in sorted(manifest.members.keys() ^ members.keys()):
        raise damaged_bundle(
            bundle, f"{name} is {'listed only' if name in manifest.members else 'not listed'}"
        )
    for name, member in members.items():
        if member.digest != manifest.members[name]:
            raise IntegrityError(
                "digest-mismatch",
                f"the digest of {name} in {bundle} does not match its manifest",
                expected=describe(manifest.members[name]),
                found=describe(member.digest),
                done="nothing was imported",
                hint=NEW_COPY_HINT,
            )
    for item in manifest.published:
        if manifest.members.get(item.path) != item.digest or not item.path.startswith(f"{FILES}/"):
            raise damaged_bundle(
                bundle, f"{item.path} does not match the entry of {item.artifact} in the manifest"
            )


def _refuse_changes(
    manifest: BundleManifest, resolver: ArtifactResolver, entries: Registry
) -> frozenset[tuple[str, str]]:
    """Refuse files whose digest differs from that in the catalog, the project's lock or this store.

    Returns:
        Entry and artifact of the files for which there is no recorded digest.
    """
    unknown = set()
    for item in manifest.published:
        entry = entries.get(item.entry)
        artifact = _artifact(entry, item)
        recorded = expected_digests(artifact, resolver.pins, resolver.store.seen())
        if not recorded:
            unknown.add((entry.id, artifact.id))
        for known in recorded:
            if known.digest != item.digest:
                found = str(ExpectedDigest(item.digest, "the bundle"))
                raise changed(entry, artifact, known, found, done="nothing was imported")
    return frozenset(unknown)


def _without_confirmation(
    imported: Sequence[ImportedArtifact], unknown: frozenset[tuple[str, str]]
) -> Iterator[ImportedArtifact]:
    """Mark artifacts that nothing outside the bundle confirms, and what was converted from them."""
    entries = {entry for entry, _ in unknown}
    for item in imported:
        confirmed = item.entry not in entries if item.built else (item.entry, item.artifact) not in unknown
        yield item.model_copy(update={"verified": confirmed})


def _artifact(entry: Entry, item: BundledFile) -> Artifact:
    for artifact in entry.artifacts:
        if artifact.id == item.artifact and artifact.urls[0] == item.url:
            return artifact
    raise NotFoundError(
        "unknown-artifact",
        f"{entry.id} has no {item.artifact} at {item.url}",
        done="nothing was imported",
        hint="use the catalog that the bundle was created with: --catalog PATH",
    )


class _Import:
    """The import of one bundle into one store."""

    def __init__(
        self, unpacked: _UnpackedBundle, bundle: Path, resolver: ArtifactResolver, entries: Registry
    ) -> None:
        self._unpacked = unpacked
        self._bundle = bundle
        self._resolver = resolver
        self._entries = entries
        self._rebuilt: dict[str, Path] | None = None

    def run(self, rebuilt: dict[str, Path] | None = None) -> tuple[ImportedArtifact, ...]:
        """Import all artifacts.

        Args:
            rebuilt: Results of conversions that were run again, by key; conversions that are missing in it
                are added. None trusts the conversions in the bundle.
        """
        self._rebuilt = rebuilt
        manifest = self._unpacked.manifest
        published = [self._published(item) for item in manifest.published]
        return (*published, *[self._conversion(item) for item in manifest.built])

    def _published(self, item: BundledFile) -> ImportedArtifact:
        entry = self._entries.get(item.entry)
        artifact = _artifact(entry, item)
        mirror = (self._unpacked.folder / FILES).as_uri()
        source = RemoteSource(mirrors=(mirror,), display_as=f"bundle {self._bundle.name}")
        stored = self._resolver.fetch_published(entry, artifact, packed=True, source=source)
        return ImportedArtifact(
            entry=entry.id,
            artifact=artifact.id,
            path=stored.path,
            built=False,
            new=not stored.from_cache,
            verified=True,
        )

    def _conversion(self, item: BundledConversion) -> ImportedArtifact:
        entry = self._entries.get(item.entry)
        plan = next((p for p in plans(entry, item.spec, build=True) if p.start.urls[0] == item.start), None)
        stored = self._resolver.store.find(entry, plan.start, pins=self._resolver.pins) if plan else None
        if plan is None or stored is None or len(plan.steps) != len(item.keys):
            raise self._incompatible(item, "this version has no such conversion")
        path, new = stored.path, False
        for step, key in zip(plan.steps, item.keys, strict=True):
            if self._resolver.key(path, step, entry.name, entry) != key:
                raise self._incompatible(item, "this version would use other tools or options")
            if self._rebuilt is not None and key not in self._rebuilt:
                bundled = self._bundled(key)
                result = rebuild(self._resolver, path, step, entry, bundled=bundled, bundle=self._bundle)
                self._rebuilt[key], path = result.parent, result
                continue
            with self._resolver.store.reserve_conversion(key) as slot:
                if not slot.cached:
                    source = self._bundled(key) if self._rebuilt is None else self._rebuilt[key]
                    shutil.copytree(source, slot.folder, dirs_exist_ok=True)
                    slot.publish()
                    new = True
            path = slot.folder / result_name(step, entry.name)
        verify(entry, item.spec, path)
        return ImportedArtifact(
            entry=entry.id, artifact=item.spec.id, path=path, built=True, new=new, verified=True
        )

    def _bundled(self, key: str) -> Path:
        """The folder of a conversion in the bundle."""
        source = self._unpacked.folder / BUILT / key
        if not source.is_dir():
            raise damaged_bundle(self._bundle, f"{BUILT}/{key} is missing")
        _check_provenance(self._bundle, source)
        return source

    def _incompatible(self, item: BundledConversion, found: str) -> IntegrityError:
        return IntegrityError(
            "bundle-incompatible",
            f"{item.entry} {item.spec.id} in {self._bundle} differs from what this version would convert",
            expected="the conversion that this version would run on the same file",
            found=f"{found}; created by {self._unpacked.manifest.made_by}",
            done="nothing was imported",
            hint="create the bundle with this version of paddle-zoo",
        )


def _check_provenance(bundle: Path, folder: Path) -> None:
    """Check that the subjects of a provenance file are the files of its folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    digests = {digest_of(path).sha256 for path in files}
    for path in files:
        if path.name.endswith(SUFFIX):
            try:
                statement = Provenance.model_validate_json(path.read_bytes())
            except ValidationError:
                raise damaged_bundle(bundle, f"{path.name} is not a valid provenance file") from None
            if not all(subject.digest.sha256 in digests for subject in statement.subject):
                raise damaged_bundle(bundle, f"{path.name} describes other files")
