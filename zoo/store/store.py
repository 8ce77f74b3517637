"""The cache: one folder with every published file that was fetched, and every conversion of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from converters.fs.atomic import replace_bytes
from converters.fs.locks import acquire_waiting
from registry.errors import IntegrityError
from registry.lock import Lock, Locked, describe
from registry.schema import Artifact, Digest, Entry
from zoo._utils.cache_names import FILES
from zoo._utils.cache_root import check_cache, claim_cache
from zoo._utils.disk import FileVersion, translate_os_errors, version_of
from zoo._utils.progress import Note, discard_note
from zoo.archive.member_names import artifact_root
from zoo.download import urls
from zoo.store.built import discard_built, find_built, reserve_conversion
from zoo.store.digest_cache import check_members, current_sha256
from zoo.store.expected_digests import (
    CATALOG,
    FIRST_SEEN,
    expected_digests,
    refuse_disagreement,
    refuse_unlocked,
)
from zoo.store.fetch_request import FetchRequest
from zoo.store.layout import Layout
from zoo.store.leases import clear_removal_mark, mark_used
from zoo.store.manifest import Manifest, damaged, read_manifest
from zoo.store.quarantine import FOLDER, quarantine
from zoo.store.slots import ArtifactSlot, ConversionSlot, StoredArtifact
from zoo.store.verify_report import StoreReport

if TYPE_CHECKING:
    from zoo.store.inventory import CacheItem
    from zoo.store.prune import PrunePolicy, PruneReport
    from zoo.store.repair import Repair


class Store:
    """A cache. Any number of threads and processes may use one folder at once.

    What is published in it is never changed, only added or removed; a reader needs no lock. A process that
    is killed leaves at most an unfinished download, which the next fetch continues, and a hidden folder,
    which the next fetch of the same artifact removes.

    Args:
        root: The cache's folder; created when something is stored.
    """

    def __init__(self, root: Path) -> None:
        self._layout = Layout(root.absolute())
        self._read: tuple[FileVersion, Lock] | None = None

    @property
    def root(self) -> Path:
        """The cache's folder."""
        return self._layout.root

    def seen(self) -> Lock:
        """Digests as they were first seen on this machine.

        Raises:
            UsageError: ``bad-lock``: the file was changed by hand and is not a lock any more.
            MissingToolError: It cannot be read.
        """
        path = self._layout.lock
        with self._reading():
            try:
                version = version_of(path.stat())
                if self._read is not None and self._read[0] == version:
                    return self._read[1]
                lock = Lock.read(path)
            except FileNotFoundError:
                return Lock()
        # Each artifact needs this a few times, and checking a lock of hundreds of lines takes time.
        self._read = (version, lock)
        return lock

    def find(
        self, entry: Entry, artifact: Artifact, *, pins: Lock | None = None, reread: bool = False
    ) -> StoredArtifact | None:
        """Find an artifact in the cache, without network access, and set its last-use time.

        Args:
            entry: The entry.
            artifact: One of its artifacts.
            pins: The project's lock.
            reread: Hash every byte, also of files that have not changed since they were last hashed.

        Raises:
            IntegrityError: ``cache-damaged``: its files changed. ``digest-changed``: the catalog and the
                project's lock disagree.
        """
        with self._reading():
            return self._find(entry, artifact, pins or Lock(), reread=reread)

    @contextmanager
    def reserve_artifact(self, request: FetchRequest) -> Iterator[ArtifactSlot]:
        """Find an artifact in the cache, or fetch it for the caller to verify and publish.

        A cached artifact takes no connection, and no hashing unless its files changed. A damaged copy is
        moved to the quarantine with a note, and fetched again. The caller verifies ``path`` of a slot that
        has no ``stored`` artifact; an IntegrityError it raises moves the files to the quarantine.

        Raises:
            NetworkError: ``offline``, ``not-on-server`` and the others of ``zoo.download.client.download``.
            IntegrityError: ``digest-changed``, ``not-locked``, or an unsafe archive.
            MissingToolError: ``disk-full``, ``cache-not-writable``, ``cache-unusable``.
        """
        with self._reading():
            if request.locked:
                refuse_unlocked(request.entry, request.artifact, request.pins)
            stored = None if request.accept else self._find_for(request)
        if stored is not None and self._suffices(request, stored):
            yield ArtifactSlot(stored.path, stored)
            return
        guard = self._layout.guard(urls.url_key(request.canonical))
        with self._writing(), acquire_waiting(guard, f"fetching {request.name}", request.note):
            yield from self._fetch(request)

    def packed(self, artifact: Artifact, stored: StoredArtifact) -> Path:
        """The file of an artifact as it was served; see ``packed`` of :class:`FetchRequest`."""
        return stored.path if artifact.container == "file" else self._layout.blob(stored.digest.sha256)

    @contextmanager
    def locked(self, name: str, what: str, note: Note = discard_note) -> Iterator[None]:
        """Hold one of the cache's locks, for work whose result lies outside of the cache.

        Args:
            name: The lock, as a plain file name.
            what: Completes "waiting for another process that is …".
            note: Receives a message when there is a wait.
        """
        with self._writing(), acquire_waiting(self._layout.guard(name), what, note):
            yield

    def work_folder(self) -> Path:
        """The folder for temporary files, in a folder that is marked as a cache."""
        with self._writing():
            return self.root / "work"

    def sha256_of(self, file: Path) -> str:
        """SHA-256 of the bytes that a file has now; of a file in the cache, without reading it again."""
        with translate_os_errors(self.root):
            return current_sha256(file, self.root)

    def find_built(self, key: str, *, reread: bool = False) -> Path | None:
        """The folder with the files of a conversion; None when it is not in the cache.

        Args:
            key: The conversion's key.
            reread: As for :meth:`find`.

        Raises:
            IntegrityError: ``cache-damaged``.
        """
        with self._reading():
            return find_built(self._layout, key, reread=reread)

    @contextmanager
    def reserve_conversion(
        self, key: str, *, reread: bool = False, note: Note = discard_note
    ) -> Iterator[ConversionSlot]:
        """Find a conversion in the cache, or reserve a folder for the caller to fill and publish.

        Of several callers with the same key, one gets the folder and the others wait. Nothing is stored
        unless the caller publishes it.

        Args:
            key: Everything the result depends on, as one plain file name.
            reread: As for :meth:`find`.
            note: Receives messages about waits and damage.

        Raises:
            MissingToolError: As for :meth:`reserve_artifact`.
        """
        with self._writing(), reserve_conversion(self._layout, key, note, reread=reread) as slot:
            yield slot

    def discard_conversion(self, key: str, *, note: Note = discard_note) -> None:
        """Move a conversion to the quarantine.

        Args:
            key: The conversion's key.
            note: Receives a message about waits, and about the move.
        """
        with self._writing():
            discard_built(self._layout, key, note)

    def verify(self, entries: Sequence[Entry] | None = None, *, jobs: int | None = None) -> StoreReport:
        """Hash every file in the cache, on all cores.

        Args:
            entries: Only the artifacts of these, compared with the catalog's digests too; None takes all.
            jobs: Files hashed at the same time; all cores by default.
        """
        from zoo.store.verify import verify  # a thread pool is more than a fetch needs

        with self._reading():
            return verify(self._layout, self.seen(), entries, jobs)

    def discard_damaged(self, report: StoreReport, *, note: Note = discard_note) -> Repair:
        """Move what a verification found damaged to the quarantine.

        Args:
            report: The result of :meth:`verify`.
            note: Receives a message for each folder or archive.
        """
        from zoo.store.repair import discard_damaged

        with self._writing():
            return discard_damaged(self._layout, report, note)

    def items(self, pins: Lock | None = None) -> tuple[CacheItem, ...]:
        """List everything in the cache, with sizes, times, and the sources of each conversion.

        Args:
            pins: The project's lock.
        """
        from zoo.store.inventory import scan_cache  # reads every provenance: more than a fetch needs

        with self._reading():
            return scan_cache(self._layout, self.seen(), pins or Lock())

    def prune(
        self,
        policy: PrunePolicy,
        *,
        pins: Lock | None = None,
        dry_run: bool = False,
        note: Note = discard_note,
    ) -> PruneReport:
        """Remove the items that a policy selects, except those that were used recently.

        Args:
            policy: Which items to remove.
            pins: The project's lock.
            dry_run: Only report what would be removed.
            note: Receives a message when another process prunes.
        """
        from zoo.store.prune import prune

        with self.locked("prune", "pruning the cache", note):
            return prune(self._layout, self.seen(), pins or Lock(), policy, dry_run=dry_run)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with translate_os_errors(self.root):
            check_cache(self.root)
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with translate_os_errors(self.root):
            claim_cache(self.root)
            yield

    def _find_for(self, request: FetchRequest) -> StoredArtifact | None:
        try:
            reread = request.reread or request.locked
            return self._find(request.entry, request.artifact, request.pins, reread=reread)
        except IntegrityError as error:
            if error.code != "cache-damaged":
                raise
            return None  # checked again under the lock, and moved to the quarantine there

    def _find(self, entry: Entry, artifact: Artifact, pins: Lock, *, reread: bool) -> StoredArtifact | None:
        expected = expected_digests(artifact, pins, self.seen())
        # Not compared with what this machine saw first: when a team's lock names other bytes and they are in
        # the cache, a newer version that another project met on this machine is no reason to refuse.
        refuse_disagreement(entry, artifact, [item for item in expected if item.source != FIRST_SEEN])
        return self._published(entry, artifact, expected[0].digest, reread=reread) if expected else None

    def _fetch(self, request: FetchRequest) -> Iterator[ArtifactSlot]:
        # Not at the top: finding a cached artifact needs none of the network and archive modules.
        from zoo.store.ingest import ArtifactIngest

        entry, artifact = request.entry, request.artifact
        expected = expected_digests(artifact, request.pins, self.seen())
        if request.accept:
            expected = [item for item in expected if item.source == CATALOG]
        elif expected:
            stored = self._published_or_quarantined(request, expected[0].digest)
            if stored is not None and self._suffices(request, stored):
                yield ArtifactSlot(stored.path, stored)  # another process fetched it during the wait
                return
        refuse_disagreement(entry, artifact, expected)
        ingest = ArtifactIngest(self._layout, request, expected[0] if expected else None, self._record)
        with ingest.unpacked() as unverified:

            def publish() -> StoredArtifact:
                return self._stored(artifact, unverified.publish(), from_cache=not unverified.downloaded)

            yield ArtifactSlot(unverified.path, None, publish)

    def _published(
        self, entry: Entry, artifact: Artifact, digest: Digest, *, reread: bool
    ) -> StoredArtifact | None:
        folder = self._layout.tree(entry, artifact, digest.sha256)
        manifest = read_manifest(folder)
        if manifest is None:
            return None
        if manifest.origin is None or manifest.origin.packed != digest:
            raise damaged(folder, describe(digest), "the manifest of another file")
        if not mark_used(folder):
            return None
        check_members(folder, manifest, reread=reread)
        if reread or artifact.container == "file":  # of a bare file, only two digests are compared
            self._check_against_archive(folder, manifest)
        return self._stored(artifact, folder, from_cache=True)

    def _check_against_archive(self, folder: Path, manifest: Manifest) -> None:
        # Imported here: a plain fetch of a cached artifact does not need it.
        from zoo.archive.limits import Limits
        from zoo.store.archive_check import check_against_archive

        check_against_archive(self._layout, folder, manifest, Limits())

    def _published_or_quarantined(self, request: FetchRequest, digest: Digest) -> StoredArtifact | None:
        entry, artifact = request.entry, request.artifact
        folder = self._layout.tree(entry, artifact, digest.sha256)
        clear_removal_mark(folder)
        try:
            return self._published(entry, artifact, digest, reread=request.reread or request.locked)
        except IntegrityError as error:
            moved_to = quarantine(self._layout, request.name.replace("/", "-"), error, {FOLDER: folder})
            request.note(f"{error.message}: moved to {moved_to}, fetching it again")
            return None

    def _suffices(self, request: FetchRequest, stored: StoredArtifact) -> bool:
        return not request.packed or self.packed(request.artifact, stored).exists()

    def _stored(self, artifact: Artifact, folder: Path, *, from_cache: bool) -> StoredArtifact:
        manifest = read_manifest(folder)
        if manifest is None or manifest.origin is None:
            raise damaged(folder, "its manifest", "no file")
        path = folder / FILES / artifact_root(artifact, list(manifest.members))
        return StoredArtifact(path, manifest.origin.packed, from_cache, manifest.origin.url)

    def _record(self, url: str, locked: Locked, accept: bool) -> None:
        """Record a digest; the first one stays unless a change was accepted."""
        with acquire_waiting(self._layout.guard("lock.json"), "writing lock.json", discard_note):
            before = self.seen()
            after = before.with_replaced(url, locked) if accept else before.with_seen(url, locked)
            if after != before:
                replace_bytes(after.dump().encode(), self._layout.lock)
                self._read = (version_of(self._layout.lock.stat()), after)
