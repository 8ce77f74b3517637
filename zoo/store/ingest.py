"""The long way to an artifact: download, unpack, prove, publish; each step undone or finished, never half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

from converters.fs.locks import acquire_waiting
from registry.errors import IntegrityError, NetworkError
from registry.lock import Locked, describe
from registry.schema import Artifact, Digest
from zoo._utils.checksums import digest_of
from zoo._utils.disk import link_or_copy, publish, remove, sync
from zoo.archive.extract import extract
from zoo.archive.member_names import artifact_root
from zoo.archive.unpacker import Member
from zoo.download import urls
from zoo.download.body import DownloadOptions
from zoo.download.client import download
from zoo.download.mirrors import rewrite
from zoo.download.partial import PartialFile
from zoo.download.source_health import SourceHealth
from zoo.store.expected_digests import CATALOG, ExpectedDigest, changed
from zoo.store.fetch_request import FetchRequest
from zoo.store.layout import FILES, Layout, temp_beside
from zoo.store.manifest import Manifest, Origin, check_sizes, read_manifest
from zoo.store.quarantine import FOLDER, put_aside

Record = Callable[[str, Locked, bool], None]


@dataclass(frozen=True)
class Published:
    """What a fetch led to.

    Attributes:
        folder: The artifact's folder.
        downloaded: Whether a server was asked.
    """

    folder: Path
    downloaded: bool


@dataclass(frozen=True)
class _Packed:
    """The packed file, here and digested."""

    path: Path
    url: str
    digest: Digest
    etag: str | None = None
    last_modified: str | None = None


class ArtifactIngest:
    """Fetches one artifact. The caller holds the lock of its address.

    Args:
        layout: The store.
        request: What to fetch.
        expected: The digest it must have; None on first sight.
        record: Remembers a digest: address, line of the lock, and whether it may replace another.
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

    def run(self) -> Published:
        """Publishes the artifact's folder.

        Raises:
            NetworkError: As for :func:`zoo.download.client.download`, and ``offline``.
            IntegrityError: The file changed, is unsafe, or fails its proof.
        """
        packed = self._from_blob()
        downloaded = packed is None
        packed = packed or self._from_server()
        guard = self._layout.guard(f"artifact-{self._quarantine_name}")
        with acquire_waiting(guard, f"unpacking {self._request.name}", self._request.note):
            for temp in self._layout.abandoned(self._request.entry, self._request.artifact):
                remove(temp)
            return Published(self._publish(packed), downloaded)

    def _from_blob(self) -> _Packed | None:
        """The archive of an earlier fetch whose folder was lost or damaged."""
        expected = self._expected
        if expected is None or self._request.artifact.container == "file":
            return None
        blob = self._layout.blob(expected.digest.sha256)
        if not blob.exists() or digest_of(blob) != expected.digest:
            return None
        return _Packed(blob, urls.redact(self._request.canonical), expected.digest)

    def _from_server(self) -> _Packed:
        request = self._request
        if request.source.offline:
            raise _offline(request, self._expected)
        part = self._layout.part(request.canonical)
        terms = DownloadOptions(
            expected=self._expected.digest if self._expected else None,
            mirrors=request.source.mirrors,
            health=SourceHealth(self._layout.sources, self._layout.guard("sources.json"), request.source.mirrors),
            policy=request.source.policy,
            limits=request.source.limits,
            progress=request.progress,
            note=request.note,
        )
        try:
            got = download(_addresses(request.artifact.urls, request.source.mirrors), part, terms)
        except IntegrityError as error:
            raise self._refused_download(error, part) from None
        shown = request.source.shown_as or got.url
        return _Packed(got.path, shown, got.digest, etag=got.etag, last_modified=got.last_modified)

    def _refused_download(self, error: IntegrityError, part: Path) -> IntegrityError:
        if error.code not in ("digest-mismatch", "size-mismatch") or not part.exists():
            return error
        place = put_aside(self._layout, self._quarantine_name, error, {self._file_name: part})
        done = f"kept the other file in {place}, nothing was handed out"
        expected = self._expected
        if expected is None or expected.source == CATALOG:
            error.done = done
            return error
        return changed(self._request.entry, self._request.artifact, expected, str(error.found), done)

    def _publish(self, packed: _Packed) -> Path:
        request = self._request
        target = self._layout.tree(request.entry, request.artifact, packed.digest.sha256)
        temp = temp_beside(target)
        temp.mkdir(parents=True)
        try:
            members = self._checked(packed, temp / FILES)
            manifest = self._manifest(packed, members)
            manifest.write(temp)
            # The digest first: what is on disk without it would have to be fetched again.
            self._record(request.canonical, _locked(request.name, packed.digest), request.accept)
            self._keep_blob(packed)
            # Before the folder appears: nobody would come back for a part whose artifact is there.
            PartialFile(self._layout.part(request.canonical)).discard()
            if not self._there(target):
                publish(temp, target)
        finally:
            remove(temp)
        return target

    def _checked(self, packed: _Packed, files: Path) -> tuple[Member, ...]:
        """The unpacked members, once they are what they should be; otherwise nothing of it stays in reach."""
        suspect = PurePosixPath(self._file_name)
        try:
            members = self._unpack(packed, files)
            path = artifact_root(self._request.artifact, [member.name for member in members])
            suspect = FILES / path
            _check_members(self._request.artifact, members)
            self._request.prove(files / path)
        except IntegrityError as error:
            things = {self._file_name: packed.path, FILES: files}
            place = put_aside(self._layout, self._quarantine_name, error, things)
            PartialFile(self._layout.part(self._request.canonical)).discard()
            error.done = f"moved it to {place}, nothing was handed out"
            error.hint = error.hint or f"zoo inspect {place / suspect}"
            raise
        return members

    def _unpack(self, packed: _Packed, files: Path) -> tuple[Member, ...]:
        container = self._request.artifact.container
        if container != "file":
            return extract(packed.path, files, container, self._request.source.limits)
        files.mkdir()
        link_or_copy(packed.path, files / self._file_name)
        return (Member(self._file_name, packed.digest),)

    def _manifest(self, packed: _Packed, members: Sequence[Member]) -> Manifest:
        origin = Origin(
            artifact=self._request.name,
            canonical=self._request.canonical,
            url=packed.url,
            container=self._request.artifact.container,
            packed=packed.digest,
            etag=packed.etag,
            last_modified=packed.last_modified,
        )
        digests = {member.name: member.digest for member in members}
        return Manifest(origin=origin, members=digests, published=datetime.now(timezone.utc))

    def _keep_blob(self, packed: _Packed) -> None:
        """Archives are kept as they were served, for mirrors; a bare file is its own archive."""
        blob = self._layout.blob(packed.digest.sha256)
        if self._request.artifact.container == "file" or packed.path == blob:
            return
        blob.parent.mkdir(parents=True, exist_ok=True)
        packed.path.replace(blob)
        sync(blob.parent)

    def _there(self, target: Path) -> bool:
        """Whether the same folder was published before, by a store that forgot its digest."""
        try:
            manifest = read_manifest(target)
            if manifest is None:
                return False
            check_sizes(target, manifest)
        except IntegrityError as error:
            put_aside(self._layout, self._quarantine_name, error, {FOLDER: target})
            return False
        return True


def _addresses(canonical: Sequence[str], mirrors: Sequence[str]) -> list[str]:
    """Where to ask, in order; a mirror may make one address of two."""
    if not mirrors:
        return list(canonical)
    return list(dict.fromkeys(rewrite(url, mirror) for mirror in mirrors for url in canonical))


def _check_members(artifact: Artifact, members: Sequence[Member]) -> None:
    """Compares unpacked files with the digests the catalog knows, by base name.

    Raises:
        IntegrityError: ``member-missing`` or ``digest-mismatch``.
    """
    for name, digest in artifact.members.items():
        found = [member for member in members if PurePosixPath(member.name).name == PurePosixPath(name).name]
        if not found:
            names = ", ".join(member.name for member in members[:8])
            raise IntegrityError(
                "member-missing", f"the archive holds no {name}", expected=describe(digest), found=names
            )
        for member in found:
            if member.digest != digest:
                raise IntegrityError(
                    "digest-mismatch",
                    f"{member.name} inside the archive is not the file the catalog knows",
                    expected=describe(digest),
                    found=describe(member.digest),
                )


def _locked(name: str, digest: Digest) -> Locked:
    return Locked(artifact=name, sha256=digest.sha256, size=digest.size)


def _offline(request: FetchRequest, expected: ExpectedDigest | None) -> NetworkError:
    return NetworkError(
        "offline",
        f"{request.entry.id} {request.artifact.id} is not in the store, and nothing may be fetched",
        expected=str(expected) if expected else "an earlier fetch",
        done="no connection was opened",
        hint="run the command again without --offline",
    )
