"""The lock that a project commits: ``zoo.lock`` in the working folder or one above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from converters.fs.atomic import writing_to
from converters.fs.locks import acquire_waiting
from registry.errors import NotFoundError, UsageError
from registry.lock import Change, Lock
from registry.schema import Entry, Model
from zoo._utils.disk import translate_os_errors, write_atomically
from zoo._utils.progress import Note

if TYPE_CHECKING:
    from zoo.artifacts.resolver import ArtifactResolver

NAME = "zoo.lock"


class LockReport(Model):
    """What ``zoo lock`` did, or would do.

    Attributes:
        path: The lock.
        artifacts: How many it holds.
        changes: What differs from before, in order of address.
    """

    path: Path
    artifacts: int
    changes: tuple[Change, ...]


def find_lock(start: Path | None = None) -> Path | None:
    """The nearest ``zoo.lock``, looking upwards as git does; None when there is none.

    Args:
        start: Where to begin; the working folder by default.
    """
    folder = (start or Path.cwd()).absolute()
    return next((place / NAME for place in (folder, *folder.parents) if (place / NAME).is_file()), None)


def read_pins(*, required: bool = False) -> Lock:
    """The project's lock; empty when the project has none.

    Args:
        required: Whether a missing lock is an error.

    Raises:
        NotFoundError: ``no-lock``: it is required and not there.
        UsageError: ``bad-lock``: it is not a lock.
    """
    path = find_lock()
    if path is None:
        if required:
            raise NotFoundError("no-lock", f"there is no {NAME} here or above", hint="zoo lock writes one")
        return Lock()
    return Lock.read(path)


def lock(
    entries: Sequence[Entry], resolver: ArtifactResolver, *, accept: bool = False, check: bool = False
) -> LockReport:
    """Brings the project's lock up to what this machine has seen.

    Args:
        entries: Entries whose artifacts are written; none means every artifact that was seen.
        resolver: The store, and the way to it.
        accept: Whether the entries' artifacts are fetched anew, and their digests taken as they are now.
        check: Only compare; nothing is written.

    Raises:
        UsageError: ``missing-argument``: there is nothing named to accept.
        IntegrityError: ``digest-changed``: the lock and the store disagree, and nobody accepted that.
    """
    path = find_lock() or Path.cwd() / NAME
    if accept:
        _fetch_anew(entries, resolver)
    if check:
        before = _read(path)
        after = _brought_up(before, entries, resolver.store.seen(), accept=True)
    else:
        root = resolver.store.root
        # Two commands that add something each: without the lock the later one would undo the earlier.
        with (
            translate_os_errors(root),
            acquire_waiting(root / "locks" / f"{NAME}.lock", f"writing {path}", resolver.reporter.note),
        ):
            before = _read(path)
            after = _brought_up(before, entries, resolver.store.seen(), accept=accept)
            if not path.exists():
                _advise(path, resolver.reporter.note)
            if before != after:
                with writing_to(path):
                    write_atomically(path, after.dump())
    return LockReport(path=path, artifacts=len(after.artifacts), changes=before.diff(after))


def _advise(path: Path, note: Note) -> None:
    """Says, when a lock is new, what lets two branches add to it without a conflict."""
    attributes = path.with_name(".gitattributes")
    told = attributes.is_file() and NAME in attributes.read_text(encoding="utf-8", errors="replace")
    if not told and any((folder / ".git").exists() for folder in path.parents):
        note(f"for merges without conflicts: echo '{NAME} merge=union' >> {attributes}")


def _read(path: Path) -> Lock:
    return Lock.read(path) if path.is_file() else Lock()


def _brought_up(before: Lock, entries: Sequence[Entry], seen: Lock, *, accept: bool) -> Lock:
    wanted = {
        url: locked
        for url, locked in seen.artifacts.items()
        if not entries or any(locked.artifact.startswith(f"{entry.id}/") for entry in entries)
    }
    after = before
    for url, locked in sorted(wanted.items()):
        after = after.with_replaced(url, locked) if accept else after.with_seen(url, locked)
    return after


def _fetch_anew(entries: Sequence[Entry], resolver: ArtifactResolver) -> None:
    if not entries:
        raise UsageError(
            "missing-argument",
            "--accept takes new bytes for old ones: name the entries it is meant for",
            hint="zoo lock --accept NAME",
        )
    # The project's own lock must not stand in the way of the change that is being accepted.
    unpinned = replace(resolver, pins=Lock())
    seen = resolver.store.seen()
    for entry in entries:
        for artifact in entry.artifacts:
            if seen.get(artifact.urls[0]) is not None:
                unpinned.published(entry, artifact, accept=True)
