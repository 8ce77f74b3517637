"""``zoo mirror``: a copy of published files, laid out so that any static server serves them to ``--mirror``.

A file lies under the path of its address, which is what ``--mirror`` asks for. Beside the files lie their
digests: ``zoo.lock`` to pin them, ``SHA256SUMS`` for ``sha256sum -c``, ``index.json`` for programs.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from registry.errors import NotFoundError, UsageError, ZooError
from registry.lock import Lock, Locked
from registry.schema import Artifact, Digest, Entry, Model
from zoo._utils.threads import worker_pool
from zoo.archive.member_names import Names
from zoo.artifacts.resolver import ArtifactResolver
from zoo.artifacts.spec import FetchOptions
from zoo.download.mirrors import mirror_path
from zoo.store.expected_digests import expected_digests, refuse_disagreement
from zoo.transfer.targets import MirrorTarget

LOCK = "zoo.lock"
SUMS = "SHA256SUMS"
INDEX = "index.json"


@dataclass(frozen=True)
class Order:
    """One published file of a mirror.

    Attributes:
        entry: The entry it belongs to.
        artifact: The artifact.
        path: Where it lies in the mirror.
    """

    entry: Entry
    artifact: Artifact
    path: str

    @property
    def url(self) -> str:
        """The address it is known by."""
        return self.artifact.urls[0]


class MirrorItem(Model):
    """What became of one file.

    Attributes:
        entry: ``name@release``.
        artifact: Name within the entry.
        path: Path in the mirror.
        url: Its address in the catalog.
        state: ``present``: there before. ``copied``: put there now. ``missing``: not there, in a dry run.
            ``failed``: could not be had.
        sha256: Digest; None when it is not there.
        size: Bytes; None when it is not there.
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
    """What ``zoo mirror`` did, or would do.

    Attributes:
        mirror: The mirror, as ``--mirror`` takes it.
        items: Its files of this selection, by path.
    """

    mirror: str
    items: tuple[MirrorItem, ...]

    @property
    def exit_code(self) -> int:
        """0 when everything is there, else that of the first failure."""
        return next((item.exit_code for item in self.items if item.exit_code), 0)


def orders(entries: Sequence[Entry], request: FetchOptions) -> tuple[Order, ...]:
    """The published files of a selection, by their paths in a mirror.

    Args:
        entries: The entries.
        request: What of each; nothing in particular means every current file.

    Raises:
        NotFoundError: ``nothing-to-mirror``.
        UsageError: ``mirror-collision``: two files of the catalog need the same place.
        IntegrityError: ``unsafe-address``.
    """
    names, found = Names(), dict[str, Order]()
    for reserved in (LOCK, SUMS, INDEX):
        names.add_file(PurePosixPath(reserved))
    for entry in entries:
        for artifact in _chosen(entry, request):
            order = Order(entry, artifact, str(mirror_path(artifact.urls[0])))
            if order.url not in found:
                _claim(names, order)
                found[order.url] = order
    if not found:
        raise NotFoundError("nothing-to-mirror", "nothing of this kind was published", hint="zoo list")
    return tuple(sorted(found.values(), key=lambda order: order.path))


def mirror(
    wanted: Sequence[Order],
    place: MirrorTarget,
    resolver: ArtifactResolver,
    *,
    jobs: int = 4,
    dry_run: bool = False,
) -> MirrorReport:
    """Brings a mirror up to a selection. What is there and whole is left alone; what fails is reported.

    Args:
        wanted: The files.
        place: The mirror.
        resolver: The way to them. What is in its store is not fetched again; what is fetched stays there.
        jobs: Files at the same time.
        dry_run: Only look.

    Raises:
        UsageError: ``bad-lock``: the mirror's own lock is damaged.
        IntegrityError: ``digest-changed``: the mirror's lock and the project's lock disagree.
    """
    work = _Work(place, resolver)
    name = f"mirror-{hashlib.sha256(place.name.encode()).hexdigest()[:16]}"
    with resolver.store.alone(name, f"writing the mirror {place.name}", resolver.reporter.note):
        do = work.look if dry_run else work.bring
        with worker_pool(min(jobs, len(wanted))) as pool:
            items = tuple(pool.map(do, wanted))
        if not dry_run:
            work.write_index()
    return MirrorReport(mirror=place.name, items=items)


def _chosen(entry: Entry, request: FetchOptions) -> list[Artifact]:
    current = [artifact for artifact in entry.artifacts if artifact.status == "current"]
    request.require_one_meaning()
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


def _claim(names: Names, order: Order) -> None:
    try:
        names.add_file(PurePosixPath(order.path))
    except ValueError as error:
        raise UsageError(
            "mirror-collision",
            f"{order.entry.id} {order.artifact.id} cannot lie at {order.path} in a mirror: {error}",
            done="nothing was copied",
            hint="mirror the two into different folders, or rename one in the catalog",
        ) from None


class _Work:
    """One run over one mirror."""

    def __init__(self, place: MirrorTarget, resolver: ArtifactResolver) -> None:
        self._place = place
        content = place.read(LOCK)
        path = Path(place.name) / LOCK
        self._lock = Lock.parse(content.decode("utf-8", "replace"), path) if content is not None else Lock()
        pins = resolver.pins
        for url, line in self._lock.artifacts.items():
            pins = pins.with_seen(url, line)
        # What the mirror serves already binds like a team's lock: it never changes silently.
        self._resolver = replace(resolver, pins=pins)
        self._guard = threading.Lock()

    def look(self, order: Order) -> MirrorItem:
        """What would be done about a file."""
        there = self._there(order)
        return _item(order, "present", there) if there else _item(order, "missing")

    def bring(self, order: Order) -> MirrorItem:
        """Puts a file there unless it is."""
        try:
            if (there := self._there(order)) is not None:
                return _item(order, "present", there)
            stored = self._resolver.published(order.entry, order.artifact, packed=True)
            self._place.put(order.path, self._resolver.store.packed(order.artifact, stored), stored.digest)
        except UsageError:
            raise  # no other file would fare better
        except ZooError as error:
            self._resolver.reporter.note(f"failed: {error.message} ({error.code})")
            failed = {"error": f"{error.code}: {error.message}", "exit_code": error.exit_code}
            return _item(order, "failed").model_copy(update=failed)
        self._remember(order, stored.digest)
        return _item(order, "copied", stored.digest)

    def _there(self, order: Order) -> Digest | None:
        known = expected_digests(order.artifact, self._resolver.pins, Lock())
        refuse_disagreement(order.entry, order.artifact, known)
        line = self._lock.get(order.url)
        return line.digest if line and self._place.holds(order.path, line.digest) else None

    def _remember(self, order: Order, digest: Digest) -> None:
        name = f"{order.entry.id}/{order.artifact.id}"
        line = Locked(artifact=name, sha256=digest.sha256, size=digest.size)
        with self._guard:  # after each file, so that a run that is cut short counts for the next one
            self._lock = self._lock.with_seen(order.url, line)
            self._place.write(LOCK, self._lock.dump().encode())

    def write_index(self) -> None:
        """Writes what follows from the lock; a file that is as it should be is not touched."""
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
        for name, content in ((SUMS, sums), (INDEX, text)):
            if self._place.read(name) != content.encode():
                self._place.write(name, content.encode())


def _item(
    order: Order, state: Literal["present", "copied", "missing", "failed"], digest: Digest | None = None
) -> MirrorItem:
    return MirrorItem(
        entry=order.entry.id,
        artifact=order.artifact.id,
        path=order.path,
        url=order.url,
        state=state,
        sha256=digest.sha256 if digest else None,
        size=digest.size if digest else None,
    )
