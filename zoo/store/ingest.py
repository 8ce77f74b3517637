"""Download and unpack an artifact, let the caller verify it, and publish it; a failure leaves no files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

from converters.fs.atomic import link_or_copy, publish_folder, remove, sync
from converters.fs.locks import acquire_waiting
from registry.errors import IntegrityError, NetworkError
from registry.lock import Locked, describe
from registry.schema import Artifact, Digest
from zoo._utils.cache_names import FILES
from zoo._utils.checksums import digest_of
from zoo.archive.extract import extract
from zoo.archive.member_names import artifact_root
from zoo.archive.unpacker import Member
from zoo.download import urls
from zoo.download.body import DownloadOptions
from zoo.download.client import download
from zoo.download.mirrors import rewrite
from zoo.download.partial import PartialFile
from zoo.download.redaction import redact
from zoo.download.source_health import SourceHealth
from zoo.store.digest_cache import check_members
from zoo.store.expected_digests import CATALOG, ExpectedDigest, changed
from zoo.store.fetch_request import FetchRequest
from zoo.store.layout import Layout, temp_folder
from zoo.store.manifest import Manifest, Origin, read_manifest
from zoo.store.quarantine import FOLDER, quarantine

Record = Callable[[str, Locked, bool], None]


@dataclass(frozen=True)
class Unverified:
    """An unpacked artifact that no other process can see yet.

    Attributes:
        path: The file, or the folder that directly holds the files of an inference model.
        downloaded: Whether a server was asked.
        publish: Publishes the artifact's folder and returns it.
    """

    path: Path
    downloaded: bool
    publish: Callable[[], Path]


@dataclass(frozen=True)
class _Packed:
    """The file as it was served, and its digest."""

    path: Path
    url: str
    digest: Digest
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class _Unpacked:
    """The unpacked members."""

    packed: _Packed
    members: tuple[Member, ...]
    temp: Path
    target: Path


class ArtifactIngest:
    """The fetch of one artifact. The caller holds the lock of its address.

    Args:
        layout: The cache.
        request: What to fetch.
        expected: The digest it must have; None when none is recorded.
        record: Records a digest: address, line of the lock, and whether it may replace another.
    """

    def __init__(
        self, layout: Layout, request: FetchRequest, expected: ExpectedDigest | None, record: Record
    ) -> None:
        self._layout = layout
        self._request = request
        self._expected = expected
        self._record = record
        self._quarantine_name = request.name.replace("/", "-")
        self._file_name = urls.file_name(request.canonical)

    @contextmanager
    def unpacked(self) -> Iterator[Unverified]:
        """Unpack the artifact, for the caller to verify and publish.

        An IntegrityError that the caller raises before publishing moves the files to the quarantine.

        Raises:
            NetworkError: As for :func:`zoo.download.client.download`, and ``offline``.
            IntegrityError: The file changed, or is unsafe.
        """
        guard = self._layout.guard(f"artifact-{self._quarantine_name}")
        with ExitStack() as locks:
            packed = self._from_blob(locks)
            downloaded = packed is None
            packed = packed or self._from_server(locks)
            locks.enter_context(acquire_waiting(guard, f"unpacking {self._request.name}", self._request.note))
            for temp in self._layout.abandoned(self._request.entry, self._request.artifact):
                remove(temp)
            target = self._layout.tree(self._request.entry, self._request.artifact, packed.digest.sha256)
            temp = temp_folder(target)
            temp.mkdir(parents=True)
            try:
                with self._unpacked(packed, temp, target) as (path, publish):
                    yield Unverified(path, downloaded, publish)
            finally:
                remove(temp)

    def _from_blob(self, locks: ExitStack) -> _Packed | None:
        """The archive of an earlier fetch whose folder was lost or damaged."""
        expected = self._expected
        if expected is None or self._request.artifact.container == "file":
            return None
        self._lock_blob(expected.digest, locks)
        blob = self._layout.blob(expected.digest.sha256)
        if not blob.is_file() or blob.is_symlink() or digest_of(blob) != expected.digest:
            return None
        return _Packed(blob, redact(self._request.canonical), expected.digest)

    def _lock_blob(self, digest: Digest, locks: ExitStack) -> None:
        # Held until the folder is published: a prune that sees no folder would remove the archive.
        guard = self._layout.blob_guard(digest.sha256)
        locks.enter_context(acquire_waiting(guard, f"unpacking {self._request.name}", self._request.note))

    def _from_server(self, locks: ExitStack) -> _Packed:
        request = self._request
        if request.source.offline:
            raise _offline(request, self._expected)
        part = self._layout.part(request.canonical)
        guard = self._layout.guard("sources.json")
        options = DownloadOptions(
            expected=self._expected.digest if self._expected else None,
            mirrors=request.source.mirrors,
            health=SourceHealth(self._layout.sources, guard, request.source.mirrors),
            policy=request.source.policy,
            limits=request.source.limits,
            progress=request.progress,
            note=request.note,
        )
        try:
            got = download(_addresses(request.artifact.urls, request.source.mirrors), part, options)
        except IntegrityError as error:
            raise self._refused_download(error, part) from None
        if self._expected is None and request.artifact.container != "file":
            self._lock_blob(got.digest, locks)
        source = request.source.display_as or got.url
        return _Packed(got.path, source, got.digest, etag=got.etag, last_modified=got.last_modified)

    def _refused_download(self, error: IntegrityError, part: Path) -> IntegrityError:
        if error.code not in ("digest-mismatch", "size-mismatch") or not part.exists():
            return error
        moved_to = quarantine(self._layout, self._quarantine_name, error, {self._file_name: part})
        done = f"moved the refused file to {moved_to}, nothing was published"
        expected = self._expected
        if expected is None or expected.source == CATALOG:
            error.done = done
            return error
        return changed(self._request.entry, self._request.artifact, expected, str(error.found), done)

    @contextmanager
    def _unpacked(
        self, packed: _Packed, temp: Path, target: Path
    ) -> Iterator[tuple[Path, Callable[[], Path]]]:
        """Unpack the members; an IntegrityError before publishing moves them to the quarantine."""
        refused = PurePosixPath(self._file_name)
        files, publishing = temp / FILES, False
        try:
            members = self._unpack(packed, files)
            path = artifact_root(self._request.artifact, [member.name for member in members])
            refused = FILES / path
            _check_members(self._request.artifact, members)

            def publish() -> Path:
                nonlocal publishing
                publishing = True
                return self._publish(_Unpacked(packed, members, temp, target))

            yield files / path, publish
        except IntegrityError as error:
            if publishing:
                raise
            named = {self._file_name: packed.path, FILES: files}
            moved_to = quarantine(self._layout, self._quarantine_name, error, named)
            PartialFile(self._layout.part(self._request.canonical)).discard()
            error.done = f"moved it to {moved_to}, nothing was published"
            error.hint = error.hint or f"zoo inspect {moved_to / refused}"
            raise

    def _unpack(self, packed: _Packed, files: Path) -> tuple[Member, ...]:
        container = self._request.artifact.container
        if container != "file":
            return extract(packed.path, files, container, self._request.source.limits)
        files.mkdir()
        link_or_copy(packed.path, files / self._file_name)
        return (Member(self._file_name, packed.digest),)

    def _publish(self, unpacked: _Unpacked) -> Path:
        request, packed, target = self._request, unpacked.packed, unpacked.target
        self._manifest(unpacked).write(unpacked.temp)
        # The digest first: a folder without a recorded digest would have to be fetched again.
        self._record(request.canonical, _locked(request.name, packed.digest), request.accept)
        self._keep_blob(packed)
        # Before the folder appears: later fetches would not remove a part whose artifact is published.
        PartialFile(self._layout.part(request.canonical)).discard()
        if not self._is_published(target):
            publish_folder(unpacked.temp, target)
        return target

    def _manifest(self, unpacked: _Unpacked) -> Manifest:
        packed = unpacked.packed
        origin = Origin(
            artifact=self._request.name,
            canonical=self._request.canonical,
            url=packed.url,
            container=self._request.artifact.container,
            packed=packed.digest,
            etag=packed.etag,
            last_modified=packed.last_modified,
        )
        digests = {member.name: member.digest for member in unpacked.members}
        return Manifest(origin=origin, members=digests, published=datetime.now(timezone.utc))

    def _keep_blob(self, packed: _Packed) -> None:
        """Keep an archive as it was served, for mirrors and bundles; a bare file is its own archive."""
        blob = self._layout.blob(packed.digest.sha256)
        if self._request.artifact.container == "file" or packed.path == blob:
            return
        blob.parent.mkdir(parents=True, exist_ok=True)
        packed.path.replace(blob)
        sync(blob.parent)

    def _is_published(self, target: Path) -> bool:
        """Whether the same folder was published before, by a cache that lost its record of digests."""
        try:
            manifest = read_manifest(target)
            if manifest is None:
                return False
            check_members(target, manifest, reread=True)
        except IntegrityError as error:
            quarantine(self._layout, self._quarantine_name, error, {FOLDER: target})
            return False
        return True


def _addresses(canonical: Sequence[str], mirrors: Sequence[str]) -> list[str]:
    """Addresses to try, in order; a mirror may map two addresses to one."""
    if not mirrors:
        return list(canonical)
    return list(dict.fromkeys(rewrite(url, mirror) for mirror in mirrors for url in canonical))


def _check_members(artifact: Artifact, members: Sequence[Member]) -> None:
    """Compare unpacked files with the digests in the catalog, by base name.

    Raises:
        IntegrityError: ``member-missing`` or ``digest-mismatch``.
    """
    for name, digest in artifact.members.items():
        found = [member for member in members if PurePosixPath(member.name).name == PurePosixPath(name).name]
        if not found:
            names = ", ".join(member.name for member in members[:8])
            raise IntegrityError(
                "member-missing", f"the archive has no file {name}", expected=describe(digest), found=names
            )
        for member in found:
            if member.digest != digest:
                raise IntegrityError(
                    "digest-mismatch",
                    f"{member.name} in the archive does not match its digest in the catalog",
                    expected=describe(digest),
                    found=describe(member.digest),
                )


def _locked(name: str, digest: Digest) -> Locked:
    return Locked(artifact=name, sha256=digest.sha256, size=digest.size)


def _offline(request: FetchRequest, expected: ExpectedDigest | None) -> NetworkError:
    return NetworkError(
        "offline",
        f"{request.entry.id} {request.artifact.id} is not in the cache, and offline mode is on",
        expected=str(expected) if expected else "an earlier fetch",
        done="no connection was opened",
        hint="run the command again without --offline",
    )
