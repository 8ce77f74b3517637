"""The project's lock file: ``zoo.lock`` in the working folder or the nearest one above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from converters.fs.atomic import replace_bytes, writing_to
from converters.fs.ownership import require_trusted_owner
from registry.errors import NotFoundError, UsageError
from registry.lock import Change, Lock
from registry.schema import Entry, Model
from zoo._utils.progress import Note

if TYPE_CHECKING:
    from zoo.artifacts.resolver import ArtifactResolver

NAME = "zoo.lock"


class LockReport(Model):
    """The result of ``zoo lock``.

    Attributes:
        path: The lock file.
        artifacts: Number of artifacts in it.
        changes: Differences from the earlier content, in order of address.
    """

    path: Path
    artifacts: int
    changes: tuple[Change, ...]


def find_lock(start: Path | None = None) -> Path | None:
    """Find the nearest ``zoo.lock`` in a folder or above it, as git does; None when there is none.

    Args:
        start: Folder to start in; the working folder by default.

    Raises:
        IntegrityError: ``owner-untrusted``: the file, or its folder, belongs to another user.
    """
    start = (start or Path.cwd()).absolute()
    for folder in (start, *start.parents):
        if (folder / NAME).is_file():
            # The owner of the folder could replace the file at any time.
            require_trusted_owner(folder, "the folder of a lock file,")
            require_trusted_owner(folder / NAME, "the lock file")
            return folder / NAME
    return None


def read_pins(*, required: bool = False) -> Lock:
    """Read the project's lock; it is empty when the project has no lock file.

    Args:
        required: Whether a missing lock file is an error.

    Raises:
        NotFoundError: ``no-lock``: it is required and missing.
        UsageError: ``bad-lock``: it is not a valid lock file.
        IntegrityError: ``owner-untrusted``.
    """
    path = find_lock()
    if path is None:
        if required:
            raise NotFoundError("no-lock", f"no {NAME} in this folder or above it", hint="zoo lock")
        return Lock()
    return Lock.read(path)


def lock(
    entries: Sequence[Entry], resolver: ArtifactResolver, *, accept: bool = False, check: bool = False
) -> LockReport:
    """Update the project's lock file with the digests this machine has seen.

    Args:
        entries: Entries whose artifacts are written; none means every artifact that was seen.
        resolver: Gives access to the cache, and fetches again.
        accept: Fetch the entries' artifacts again, and record their present digests.
        check: Only compare; nothing is written.

    Raises:
        UsageError: ``missing-argument``: ``accept`` needs the names of entries.
        IntegrityError: ``digest-changed``: the lock file and the cache disagree, without ``accept``.
    """
    path = find_lock() or Path.cwd() / NAME
    if accept:
        _fetch_again(entries, resolver)
    if check:
        before = _read(path)
        after = _updated(before, entries, resolver.store.seen(), accept=True)
    else:
        # Without the lock, the later of two commands would undo the additions of the earlier one.
        with resolver.store.locked(NAME, f"writing {path}", resolver.reporter.note):
            before = _read(path)
            after = _updated(before, entries, resolver.store.seen(), accept=accept)
            if not path.exists():
                _suggest_merge_driver(path, resolver.reporter.note)
            if before != after:
                with writing_to(path):
                    replace_bytes(after.dump().encode(), path)
    return LockReport(path=path, artifacts=len(after.artifacts), changes=before.diff(after))


def _suggest_merge_driver(path: Path, note: Note) -> None:
    """For a new lock file, note the git setting that merges two branches' additions without a conflict."""
    attributes = path.with_name(".gitattributes")
    present = attributes.is_file() and NAME in attributes.read_text(encoding="utf-8", errors="replace")
    if not present and any((folder / ".git").exists() for folder in path.parents):
        note(f"for merges without conflicts: echo '{NAME} merge=union' >> {attributes}")


def _read(path: Path) -> Lock:
    return Lock.read(path) if path.is_file() else Lock()


def _updated(before: Lock, entries: Sequence[Entry], seen: Lock, *, accept: bool) -> Lock:
    selected = {
        url: locked
        for url, locked in seen.artifacts.items()
        if not entries or any(locked.artifact.startswith(f"{entry.id}/") for entry in entries)
    }
    after = before
    for url, locked in sorted(selected.items()):
        after = after.with_replaced(url, locked) if accept else after.with_seen(url, locked)
    return after


def _fetch_again(entries: Sequence[Entry], resolver: ArtifactResolver) -> None:
    if not entries:
        raise UsageError(
            "missing-argument",
            "--accept needs the names of the entries whose digests may change",
            hint="zoo lock --accept NAME",
        )
    # The project's lock must not refuse the change that is being accepted.
    unpinned = replace(resolver, pins=Lock())
    seen = resolver.store.seen()
    for entry in entries:
        for artifact in entry.artifacts:
            if seen.get(artifact.urls[0]) is not None:
                unpinned.fetch_published(entry, artifact, accept=True)
