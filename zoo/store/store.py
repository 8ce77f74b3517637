"""The store: one folder that holds every published file that was fetched, and everything made from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from converters.fs.locks import acquire_waiting
from registry.errors import IntegrityError
from registry.lock import Lock, Locked, describe
from registry.schema import Artifact, Digest, Entry
from zoo._utils.disk import FileVersion, translate_os_errors, version_of, write_atomically
from zoo._utils.progress import NoProgress, Note, Progress, discard_note
from zoo.archive.member_names import artifact_root
from zoo.download import urls
from zoo.store.built import Make, build, find_built
from zoo.store.expected_digests import (
    CATALOG,
    FIRST_SEEN,
    expected_digests,
    refuse_disagreement,
    refuse_unlocked,
)
from zoo.store.fetch_request import FetchRequest, Prove, SourceOptions
from zoo.store.layout import FILES, Layout
from zoo.store.leases import clear_removal_mark, mark_used
from zoo.store.manifest import check_sizes, damaged, read_manifest
from zoo.store.quarantine import FOLDER, put_aside
from zoo.store.verify_report import StoreReport

if TYPE_CHECKING:
    from zoo.store.inventory import CacheItem
    from zoo.store.prune import PrunePolicy, PruneReport


@dataclass(frozen=True)
class Stored:
    """An artifact that is in the store, proven.

    Attributes:
        path: The file, or the folder that directly holds the files of an inference model.
        digest: SHA-256 and size of the packed file as it was served.
        from_cache: Whether no server was asked.
        url: Where it came from, redact.
    """

    path: Path
    digest: Digest
    from_cache: bool
    url: str


class Store:
    """Fetches, keeps and checks. Any number of threads and processes may use one folder at once.

    What is published in it is never changed, only added; a reader needs no lock. A process that is killed
    leaves behind at most an unfinished download, which the next one continues, and a hidden folder, which the
    next one that fetches the same artifact removes.

    Args:
        root: The store's folder; made when something is stored.
    """

    def __init__(self, root: Path) -> None:
        self._layout = Layout(root.absolute())
        self._read: tuple[FileVersion, Lock] | None = None

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self._layout.root

    def seen(self) -> Lock:
        """Digests as they were first seen on this machine.

        Raises:
            UsageError: ``bad-lock``: the file was changed by hand and is no lock any more.
            MissingToolError: It may not be read.
        """
        path = self._layout.lock
        with translate_os_errors(self.root):
            try:
                version = version_of(path)
                if self._read is not None and self._read[0] == version:
                    return self._read[1]
                lock = Lock.read(path)
            except FileNotFoundError:
                return Lock()
        # Many artifacts ask this a few times each, and a lock of hundreds of lines takes its time to check.
        self._read = (version, lock)
        return lock

    def find(self, entry: Entry, artifact: Artifact, *, pins: Lock | None = None) -> Stored | None:
        """The artifact if it is in the store, without asking a server; that it was used is noted.

        Args:
            entry: The entry.
            artifact: One of its artifacts.
            pins: The project's lock.

        Raises:
            IntegrityError: ``store-damaged``: it is there, but not as it was stored. ``digest-changed``: the
                catalog and the project's lock disagree.
        """
        with translate_os_errors(self.root):
            return self._known_copy(entry, artifact, pins or Lock())

    def fetch(
        self,
        entry: Entry,
        artifact: Artifact,
        *,
        prove: Prove,
        source: SourceOptions | None = None,
        pins: Lock | None = None,
        locked: bool = False,
        accept: bool = False,
        packed: bool = False,
        progress: Progress | None = None,
        note: Note = discard_note,
    ) -> Stored:
        """Hands out an artifact, from the store or from a server.

        From the store it costs no connection and no hashing, only a look at the sizes. A copy that no longer
        has the sizes it was stored with is put aside and fetched again, with a note.

        Args:
            entry: The entry.
            artifact: One of its artifacts.
            prove: Looks into the unpacked file or folder before anything is published.
            source: Mirror, patience and limits.
            pins: The project's lock.
            locked: Whether the project's lock must hold the artifact.
            accept: Fetches anew and replaces the remembered digest. A digest in the catalog still binds.
            packed: The archive as it was served must be in the store, too; see :meth:`packed`.
            progress: A bar.
            note: Hears about retries, waits and damage.

        Raises:
            NetworkError: ``offline``, ``not-on-server`` and the others of ``zoo.download.client.download``.
            IntegrityError: ``digest-changed``, ``not-locked``, an unsafe archive, a failed proof.
            MissingToolError: ``disk-full``, ``store-not-writable``, ``store-unusable``.
        """
        request = FetchRequest(
            entry=entry,
            artifact=artifact,
            prove=prove,
            source=source or SourceOptions(),
            pins=pins or Lock(),
            accept=accept,
            packed=packed,
            progress=progress or NoProgress(),
            note=note,
        )
        with translate_os_errors(self.root):
            if locked:
                refuse_unlocked(entry, artifact, request.pins)
            stored = None if accept else self._warm(request)
            if stored is not None and self._suffices(request, stored):
                return stored
            guard = self._layout.guard(urls.url_key(request.canonical))
            with acquire_waiting(guard, f"fetching {request.name}", note):
                return self._cold(request)

    def packed(self, artifact: Artifact, stored: Stored) -> Path:
        """Where the file of an artifact lies as it was served; see ``packed`` of :meth:`fetch`."""
        return stored.path if artifact.container == "file" else self._layout.blob(stored.digest.sha256)

    @contextmanager
    def alone(self, name: str, what: str, note: Note = discard_note) -> Iterator[None]:
        """Holds one of the store's locks, for work whose result lies elsewhere.

        Args:
            name: The lock, as a plain file name.
            what: Completes "waiting for another process that is …".
            note: Hears when there is a wait.
        """
        with translate_os_errors(self.root), acquire_waiting(self._layout.guard(name), what, note):
            yield

    def find_built(self, key: str) -> Path | None:
        """The folder with the files of a conversion, None when it was not made yet.

        Raises:
            IntegrityError: ``store-damaged``.
        """
        with translate_os_errors(self.root):
            return find_built(self._layout, key)

    def put_built(self, key: str, make: Make, *, note: Note = discard_note) -> Path:
        """The folder with the files of a conversion, made now unless it was made before.

        Args:
            key: Everything the result depends on, as one plain file name.
            make: Fills an empty folder. It runs once, however many processes ask for the key at once; what
                it raises reaches the caller, and nothing is stored.
            note: Hears about waits and damage.

        Raises:
            MissingToolError: As for :meth:`fetch`.
        """
        with translate_os_errors(self.root):
            return build(self._layout, key, make, note)

    def verify(self, entries: Sequence[Entry] | None = None, *, jobs: int | None = None) -> StoreReport:
        """Re-hashes what the store holds, on all cores.

        Args:
            entries: Only the artifacts of these, compared with the catalog's digests too; None takes all.
            jobs: Files hashed at the same time; all cores by default.
        """
        from zoo.store.verify import verify  # a thread pool is more than a fetch needs

        with translate_os_errors(self.root):
            return verify(self._layout, self.seen(), entries, jobs)

    def stock(self, pins: Lock | None = None) -> tuple[CacheItem, ...]:
        """Everything in the store, with sizes, times and what was made from what.

        Args:
            pins: The project's lock.
        """
        from zoo.store.inventory import scan_cache  # reads every provenance: more than a fetch needs

        with translate_os_errors(self.root):
            return scan_cache(self._layout, self.seen(), pins or Lock())

    def prune(
        self,
        policy: PrunePolicy,
        *,
        pins: Lock | None = None,
        dry_run: bool = False,
        note: Note = discard_note,
    ) -> PruneReport:
        """Removes what a policy selects, and nothing that was handed out within its grace.

        Args:
            policy: What may go.
            pins: The project's lock.
            dry_run: Only say what would go.
            note: Hears when another process prunes.
        """
        from zoo.store.prune import prune

        with self.alone("prune", "pruning the store", note):
            return prune(self._layout, self.seen(), pins or Lock(), policy, dry_run=dry_run)

    def _warm(self, request: FetchRequest) -> Stored | None:
        try:
            return self._known_copy(request.entry, request.artifact, request.pins)
        except IntegrityError as error:
            if error.code != "store-damaged":
                raise
            return None  # looked at again, and put aside, by whoever holds the lock

    def _known_copy(self, entry: Entry, artifact: Artifact, pins: Lock) -> Stored | None:
        known = expected_digests(artifact, pins, self.seen())
        # What this machine saw is not asked here: when a team's lock names other bytes and they are in the
        # store, that another project met newer ones on the same machine is no reason to refuse.
        refuse_disagreement(entry, artifact, [item for item in known if item.source != FIRST_SEEN])
        return self._published(entry, artifact, known[0].digest) if known else None

    def _cold(self, request: FetchRequest) -> Stored:
        # Not at the top: a warm fetch needs none of the network and archive modules.
        from zoo.store.ingest import ArtifactIngest

        entry, artifact = request.entry, request.artifact
        known = expected_digests(artifact, request.pins, self.seen())
        if request.accept:
            known = [item for item in known if item.source == CATALOG]
        elif known:
            stored = self._published_or_put_aside(request, known[0].digest)
            if stored is not None and self._suffices(request, stored):
                return stored  # fetched by someone else while this one waited
        refuse_disagreement(entry, artifact, known)
        expected = known[0] if known else None
        published = ArtifactIngest(self._layout, request, expected, self._record).run()
        return self._stored(artifact, published.folder, from_cache=not published.downloaded)

    def _published(self, entry: Entry, artifact: Artifact, digest: Digest) -> Stored | None:
        folder = self._layout.tree(entry, artifact, digest.sha256)
        manifest = read_manifest(folder)
        if manifest is None:
            return None
        if manifest.origin is None or manifest.origin.packed != digest:
            raise damaged(folder, describe(digest), "a manifest of something else")
        if not mark_used(folder):
            return None
        check_sizes(folder, manifest)
        return self._stored(artifact, folder, from_cache=True)

    def _published_or_put_aside(self, request: FetchRequest, digest: Digest) -> Stored | None:
        folder = self._layout.tree(request.entry, request.artifact, digest.sha256)
        clear_removal_mark(folder)
        try:
            return self._published(request.entry, request.artifact, digest)
        except IntegrityError as error:
            place = put_aside(self._layout, request.name.replace("/", "-"), error, {FOLDER: folder})
            request.note(f"{error.message}: moved to {place}, fetching it again")
            return None

    def _suffices(self, request: FetchRequest, stored: Stored) -> bool:
        return not request.packed or self.packed(request.artifact, stored).exists()

    def _stored(self, artifact: Artifact, folder: Path, *, from_cache: bool) -> Stored:
        manifest = read_manifest(folder)
        if manifest is None or manifest.origin is None:
            raise damaged(folder, "its manifest", "no file")
        path = folder / FILES / artifact_root(artifact, list(manifest.members))
        return Stored(path, manifest.origin.packed, from_cache, manifest.origin.url)

    def _record(self, url: str, locked: Locked, accept: bool) -> None:
        """Remembers a digest; the first one stays unless a change was accepted."""
        with acquire_waiting(self._layout.guard("lock.json"), "writing lock.json", discard_note):
            before = self.seen()
            after = before.accepting(url, locked) if accept else before.with_seen(url, locked)
            if after != before:
                write_atomically(self._layout.lock, after.dump())
                self._read = (version_of(self._layout.lock), after)
