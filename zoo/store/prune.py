"""Remove items from a cache that are not needed, and never one that a process is about to use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from converters.fs.atomic import remove
from converters.fs.locks import try_acquire
from converters.fs.tempfile_beside import remove_leftover
from registry.lock import Lock
from registry.schema.base import Model
from zoo.download import urls
from zoo.store.inventory import CacheItem, scan_cache
from zoo.store.layout import Layout, temp_folder
from zoo.store.leases import marked_for_removal, used_at

KEEP_RECENT = timedelta(hours=1)
"""Items used within this time are in use: a path that a command printed may still have to be opened."""

ABANDONED = timedelta(days=7)
"""An unfinished download that was not continued for this long is a leftover."""


class PrunePolicy(Model):
    """Which items to remove. The default is dangling items alone.

    Attributes:
        dangling: Unreferenced artifacts and conversions, archives without an artifact, temporary files.
        older_than: Items that were not used for this long.
        max_size: Bytes to get down to; the least recently used items go first.
        include_locked: Whether items that the project's lock names may go, too.
        keep_recent: Items that were used within this time stay in any case.
    """

    dangling: bool = False
    older_than: timedelta | None = None
    max_size: int | None = None
    include_locked: bool = False
    keep_recent: timedelta = KEEP_RECENT


class Removal(Model):
    """An item that was selected.

    Attributes:
        kind: As for ``CacheItem``.
        name: As for ``CacheItem``.
        path: Its path.
        size: Bytes.
        reason: Why it was removed, or why it was kept.
    """

    kind: str
    name: str
    path: Path
    size: int
    reason: str


class PruneReport(Model):
    """The result of pruning, or of a dry run.

    Attributes:
        removed: Items that were removed.
        kept: Items that were selected and stayed, because they are locked or in use.
        freed: Bytes of the removed items.
        remaining: Bytes of all other items that can be pruned: not work folders, logs and toolchains.
    """

    removed: tuple[Removal, ...]
    kept: tuple[Removal, ...]
    freed: int
    remaining: int


class _Selected(NamedTuple):
    item: CacheItem
    reason: str


def select(items: Sequence[CacheItem], policy: PrunePolicy, now: datetime) -> list[_Selected]:
    """Select the items that a policy names, whether they are in use or not. Pure.

    Args:
        items: The inventory.
        policy: Which items to remove.
        now: The present time. An item used in the future, by a clock that jumped, counts as used just now.
    """
    selected: dict[Path, _Selected] = {}
    default = policy.older_than is None and policy.max_size is None
    prunable = [item for item in items if item.prunable]
    for item in prunable:
        # Leftovers are removed in any case: an earlier prune may have been killed.
        reason = _dangling(item, now) if policy.dangling or default or item.kind == "leftover" else None
        if reason is None and policy.older_than is not None and now - item.last_used > policy.older_than:
            reason = f"not used since {item.last_used:%Y-%m-%d %H:%M}"
        if reason is not None:
            selected[item.path] = _Selected(item, reason)
    if policy.max_size is not None:
        rest = [item for item in prunable if item.path not in selected]
        # Items that stay take space, too, but selecting them would only add lines about why they stay.
        removable = [item for item in rest if _reason_to_keep(item, policy, now) is None]
        excess = sum(item.size for item in rest) - policy.max_size
        for item in sorted(removable, key=lambda item: item.last_used):
            if excess <= 0:
                break
            excess -= item.size
            selected[item.path] = _Selected(item, "least recently used")
    return list(selected.values())


def prune(
    layout: Layout, seen: Lock, pins: Lock, policy: PrunePolicy, *, dry_run: bool = False
) -> PruneReport:
    """Remove the items that a policy selects. The caller holds the lock of pruning.

    Args:
        layout: The cache.
        seen: Digests this machine has seen.
        pins: The project's lock.
        policy: Which items to remove.
        dry_run: Only report what would be removed.
    """
    now = datetime.now(timezone.utc)
    items = scan_cache(layout, seen, pins)
    removed: list[Removal] = []
    kept: list[Removal] = []
    for item, reason in select(items, policy, now):
        keep = _reason_to_keep(item, policy, now)
        if keep is None and not dry_run:
            keep = _remove(layout, item, now - policy.keep_recent)
        (removed if keep is None else kept).append(_removal(item, keep or reason))
    freed = sum(item.size for item in removed)
    total = sum(item.size for item in items if item.prunable)
    return PruneReport(removed=tuple(removed), kept=tuple(kept), freed=freed, remaining=total - freed)


def _dangling(item: CacheItem, now: datetime) -> str | None:
    if item.kind == "archive":
        return "its artifact is gone"
    if item.kind == "leftover":
        return "left by a process that ended early"
    if item.kind == "partial" and now - item.last_used > ABANDONED:
        return f"unfinished since {item.last_used:%Y-%m-%d}"
    if item.outdated:
        return "made by an earlier revision of the conversion"
    if not item.current:
        return "superseded" if item.kind == "artifact" else "made from a superseded artifact"
    return None


def _reason_to_keep(item: CacheItem, policy: PrunePolicy, now: datetime) -> str | None:
    if item.locked and not policy.include_locked:
        return "locked by zoo.lock"
    if item.kind == "leftover":
        return None  # a process that still works there holds its lock
    return "used recently" if now - item.last_used < policy.keep_recent else None


def _remove(layout: Layout, item: CacheItem, cutoff: datetime) -> str | None:
    """Remove an item; the reason to keep it, if it stays."""
    with _locked(layout, item) as locked:
        if not locked:
            return "in use by another process"
        if item.kind == "archive":
            # Another process may have unpacked it since the cache was scanned.
            return None if _remove_archive(layout, item.path.name, locked=True) else "in use again"
        if item.kind not in ("artifact", "conversion"):
            return _remove_other(item)
        with marked_for_removal(item.path):
            try:
                if used_at(item.path) > cutoff.timestamp():
                    return "used just now"
                removed_path = temp_folder(item.path)
                remove(removed_path)
                item.path.rename(removed_path)
            except FileNotFoundError:
                return "removed already"
        # The folder is out of reach; its archive goes last, so that no folder exists without its archive.
        remove(removed_path)
        if item.archive is not None:
            _remove_archive(layout, item.archive)
    return None


def _remove_other(item: CacheItem) -> str | None:
    if item.kind == "leftover" and item.path.suffix == ".part":
        return None if remove_leftover(item.path) else "in use by another process"
    remove(item.path)
    if item.kind == "partial":
        remove(item.path.with_name(f"{item.path.name}.json"))
    return None


def _remove_archive(layout: Layout, sha256: str, *, locked: bool = False) -> bool:
    """Remove an archive unless a published folder was unpacked from it, or a process works with it."""
    with ExitStack() as stack:
        if not locked and not _acquire(layout.blob_guard(sha256), stack):
            return False
        if layout.trees_of(sha256):
            return False
        remove(layout.blob(sha256))
    return True


@contextmanager
def _locked(layout: Layout, item: CacheItem) -> Iterator[bool]:
    """Hold the locks of whoever would fetch or convert an item; False when one of them is taken."""
    with ExitStack() as stack:
        yield all(_acquire(guard, stack) for guard in _guards(layout, item))


def _acquire(guard: Path, stack: ExitStack) -> bool:
    guard.parent.mkdir(parents=True, exist_ok=True)
    lock = try_acquire(guard, timeout=0)
    if lock is not None:
        stack.callback(lock.release)
    return lock is not None


def _guards(layout: Layout, item: CacheItem) -> list[Path]:
    """The lock files. None of them is waited for, so their order does not matter."""
    if item.kind == "artifact" and item.canonical is not None:
        names = [urls.url_key(item.canonical), f"artifact-{item.name.replace('/', '-')}"]
    elif item.kind == "archive":
        return [layout.blob_guard(item.path.name)]
    elif item.kind == "conversion":
        names = [f"built-{item.path.name}"]
    elif item.kind == "partial":
        names = [item.path.name.removesuffix(".part")]
    elif item.kind == "leftover":
        names = _guards_of_leftover(layout, item.path)
    else:
        names = []
    return [layout.guard(name) for name in names]


def _guards_of_leftover(layout: Layout, path: Path) -> list[str]:
    name = path.name.removeprefix(".").rpartition(".")[0]
    if path.parent == layout.built:
        return [f"built-{name}"]
    if path.parent.parent == layout.artifacts:
        return [f"artifact-{path.parent.name}-{name.rpartition('-')[0]}"]
    return []  # a temporary file has its own lock


def _removal(item: CacheItem, reason: str) -> Removal:
    return Removal(kind=item.kind, name=item.name, path=item.path, size=item.size, reason=reason)
