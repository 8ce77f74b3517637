"""``zoo mirror``: copies published files so that any static server can serve them to ``--mirror``.

Each file has the path of its address, which ``--mirror`` requests. The digests are in three index files:
``zoo.lock`` to pin them, ``SHA256SUMS`` for ``sha256sum -c``, ``index.json`` for programs.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from registry.errors import NotFoundError, UsageError, ZooError
from registry.lock import Lock, Locked
from registry.schema import Artifact, Digest, Entry, Model
from zoo._utils.threads import worker_pool
from zoo.archive.member_names import MemberNames
from zoo.artifacts.resolver import ArtifactResolver
from zoo.artifacts.spec import FetchOptions
from zoo.download.mirrors import mirror_path
from zoo.store.expected_digests import expected_digests, refuse_disagreement
from zoo.transfer.targets import MirrorTarget

LOCK = "zoo.lock"
CHECKSUMS = "SHA256SUMS"
INDEX = "index.json"


@dataclass(frozen=True)
class MirrorFile:
    """One published file of a mirror.

    Attributes:
        entry: The entry it belongs to.
        artifact: The artifact.
        path: Path in the mirror.
    """

    entry: Entry
    artifact: Artifact
    path: str

    @property
    def url(self) -> str:
        """Its canonical address."""
        return self.artifact.urls[0]


class MirrorItem(Model):
    """The result for one file.

    Attributes:
        entry: ``name@release``.
        artifact: Name within the entry.
        path: Path in the mirror.
        url: Its address in the catalog.
        state: ``present``: the mirror had it. ``copied``: copied now. ``missing``: would be copied (dry run).
            ``failed``: it could not be fetched or written.
        sha256: Digest; None when the mirror does not have the file.
        size: Bytes; None when the mirror does not have the file.
        error: Code and message of a failure.
        exit_code: Exit code of a failure, 0 otherwise.
    """

    entry: str
    artifact: str
    path: str
    url: str
    state: Literal["present", "copied", "missing", "failed"]
    sha256: str | None = None
    size: int | None = None
    error: str | None = None
    exit_code: int = 0


class MirrorReport(Model):
    """The result of ``zoo mirror``.

    Attributes:
        mirror: The mirror, as ``--mirror`` takes it.
        items: The selected files, sorted by path.
    """

    mirror: str
    items: tuple[MirrorItem, ...]

    @property
    def exit_code(self) -> int:
        """0 when every file is present, else the exit code of the first failure."""
        return next((item.exit_code for item in self.items if item.exit_code), 0)


def select_files(entries: Sequence[Entry], request: FetchOptions) -> tuple[MirrorFile, ...]:
    """Select published files, sorted by their paths in a mirror.

    Args:
        entries: The entries.
        request: Artifacts of each entry; an empty request selects every current file.

    Raises:
        NotFoundError: ``nothing-to-mirror``.
        UsageError: ``mirror-collision``: two files of the catalog have the same path.
        IntegrityError: ``unsafe-address``.
    """
    names, found = MemberNames(), dict[str, MirrorFile]()
    for reserved in (LOCK, CHECKSUMS, INDEX):
        names.add_file(PurePosixPath(reserved))
    for entry in entries:
        for artifact in _select_artifacts(entry, request):
            file = MirrorFile(entry, artifact, str(mirror_path(artifact.urls[0])))
            if file.url not in found:
                _reserve_path(names, file)
                found[file.url] = file
    if not found:
        raise NotFoundError(
            "nothing-to-mirror", "no artifact of the requested kind was published", hint="zoo list"
        )
    return tuple(sorted(found.values(), key=lambda file: file.path))


def mirror(
    files: Sequence[MirrorFile],
    target: MirrorTarget,
    resolver: ArtifactResolver,
    *,
    jobs: int = 4,
    dry_run: bool = False,
) -> MirrorReport:
    """Update a mirror: copy missing and damaged files. The failure of a single file is in the report.

    Args:
        files: The files.
        target: The mirror.
        resolver: Fetches the files. A file in its store is not fetched again; a fetched file stays there.
        jobs: Files copied at the same time.
        dry_run: Only report which files are present.

    Raises:
        UsageError: ``bad-lock``: the mirror's own lock is damaged.
        IntegrityError: ``digest-changed``: the mirror's lock and the project's lock disagree.
    """
    run = _MirrorRun(target, resolver)
    name = f"mirror-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}"
    with resolver.store.locked(name, f"writing the mirror {target.name}", resolver.reporter.note):
        do = run.plan if dry_run else run.copy
        with worker_pool(min(jobs, len(files))) as pool:
            items = tuple(pool.map(do, files))
        if not dry_run:
            run.write_index()
    return MirrorReport(mirror=target.name, items=items)


def _select_artifacts(entry: Entry, request: FetchOptions) -> list[Artifact]:
    current = [artifact for artifact in entry.artifacts if artifact.status == "current"]
    request.reject_contradiction()
    if request.everything or not request.particular:
        return current
    specs = request.specs(entry)
    return [
        artifact
        for artifact in current
        if any(
            artifact.kind == want.kind
            and want.precision in (None, artifact.precision)
            and want.target in (None, artifact.target)
            for want in specs
        )
    ]


def _reserve_path(names: MemberNames, file: MirrorFile) -> None:
    try:
        names.add_file(PurePosixPath(file.path))
    except ValueError as error:
        raise UsageError(
            "mirror-collision",
            f"{file.entry.id} {file.artifact.id} cannot have the path {file.path} in a mirror: {error}",
            done="nothing was copied",
            hint="mirror them to different folders, or rename one in the catalog",
        ) from None


class _MirrorRun:
    """One update of one mirror."""

    def __init__(self, target: MirrorTarget, resolver: ArtifactResolver) -> None:
        self._target = target
        content = target.read(LOCK)
        path = Path(target.name) / LOCK
        self._lock = Lock.parse(content.decode("utf-8", "replace"), path) if content is not None else Lock()
        pins = resolver.pins
        for url, line in self._lock.artifacts.items():
            pins = pins.with_seen(url, line)
        # A file that the mirror serves already is pinned: it never changes silently.
        self._resolver = replace(resolver, pins=pins)
        self._guard = threading.Lock()

    def plan(self, file: MirrorFile) -> MirrorItem:
        """Report what :meth:`copy` would do."""
        present = self._present(file)
        return _mirror_item(file, "present", present) if present else _mirror_item(file, "missing")

    def copy(self, file: MirrorFile) -> MirrorItem:
        """Copy a file unless it is present."""
        try:
            if (present := self._present(file)) is not None:
                return _mirror_item(file, "present", present)
            stored = self._resolver.fetch_published(file.entry, file.artifact, packed=True)
            self._target.put(file.path, self._resolver.store.packed(file.artifact, stored), stored.digest)
        except UsageError:
            raise  # every other file would fail in the same way
        except ZooError as error:
            self._resolver.reporter.note(f"failed: {error.message} ({error.code})")
            failed = {"error": f"{error.code}: {error.message}", "exit_code": error.exit_code}
            return _mirror_item(file, "failed").model_copy(update=failed)
        self._record(file, stored.digest)
        return _mirror_item(file, "copied", stored.digest)

    def _present(self, file: MirrorFile) -> Digest | None:
        known = expected_digests(file.artifact, self._resolver.pins, Lock())
        refuse_disagreement(file.entry, file.artifact, known)
        line = self._lock.get(file.url)
        return line.digest if line and self._target.holds(file.path, line.digest) else None

    def _record(self, file: MirrorFile, digest: Digest) -> None:
        name = f"{file.entry.id}/{file.artifact.id}"
        line = Locked(artifact=name, sha256=digest.sha256, size=digest.size)
        with self._guard:  # after each file, so that the next run can use the result of an interrupted one
            self._lock = self._lock.with_seen(file.url, line)
            self._target.write(LOCK, self._lock.dump().encode())

    def write_index(self) -> None:
        """Write the index files that derive from the lock; an unchanged one is not written again."""
        if not self._lock.artifacts:
            return
        files = {str(mirror_path(url)): (url, line) for url, line in self._lock.artifacts.items()}
        sums = "".join(f"{line.sha256}  {path}\n" for path, (_, line) in sorted(files.items()))
        index = {
            "version": 1,
            "files": [
                {"path": path, "url": url, **line.model_dump()} for path, (url, line) in sorted(files.items())
            ],
        }
        text = json.dumps(index, indent=1, sort_keys=True) + "\n"
        for name, content in ((CHECKSUMS, sums), (INDEX, text)):
            if self._target.read(name) != content.encode():
                self._target.write(name, content.encode())


def _mirror_item(
    file: MirrorFile, state: Literal["present", "copied", "missing", "failed"], digest: Digest | None = None
) -> MirrorItem:
    return MirrorItem(
        entry=file.entry.id,
        artifact=file.artifact.id,
        path=file.path,
        url=file.url,
        state=state,
        sha256=digest.sha256 if digest else None,
        size=digest.size if digest else None,
    )
