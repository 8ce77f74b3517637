"""Removing from a store what nobody needs, and never what somebody is about to use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from converters.fs.locks import try_acquire
from registry.lock import Lock
from registry.schema.base import Model
from zoo._utils.disk import remove
from zoo.download import urls
from zoo.store.inventory import CacheItem, scan_cache
from zoo.store.layout import Layout, temp_beside
from zoo.store.leases import marked_for_removal, used_at

GRACE = timedelta(hours=1)
"""What was handed out so recently is being used: a path that a command printed is still to be opened."""

FORGOTTEN = timedelta(days=7)
"""An unfinished download that nobody went on with for so long is a leftover."""


class PrunePolicy(Model):
    """What may go. With nothing said, only what is unused.

    Attributes:
        unused: What no digest leads to any more, archives without an artifact, leftovers.
        older_than: What was not used for so long.
        max_size: Bytes to get down to, the least recently used first.
        pinned: Whether what the project's lock names may go, too.
        grace: What was used within this time stays in any case.
    """

    unused: bool = False
    older_than: timedelta | None = None
    max_size: int | None = None
    pinned: bool = False
    grace: timedelta = GRACE


class Removal(Model):
    """Something that was removed, or was to be.

    Attributes:
        kind: As for ``CacheItem``.
        name: As for ``CacheItem``.
        path: Where it was.
        size: Bytes.
        reason: Why it was chosen; why it was kept all the same.
    """

    kind: str
    name: str
    path: Path
    size: int
    reason: str


class PruneReport(Model):
    """What a pruning did, or would do.

    Attributes:
        removed: What went.
        kept: What was chosen and stayed, because it is pinned or in use.
        freed: Bytes of what went.
        remaining: Bytes of everything else that pruning counts: all but work, logs and toolchains.
    """

    removed: tuple[Removal, ...]
    kept: tuple[Removal, ...]
    freed: int
    remaining: int


class _Choice(NamedTuple):
    thing: CacheItem
    reason: str


def choose(things: Sequence[CacheItem], policy: PrunePolicy, now: datetime) -> list[_Choice]:
    """What a policy selects, without a look at who uses it. Pure.

    Args:
        things: The inventory.
        policy: What may go.
        now: Time here. A thing used in the future, by a clock that jumped, counts as used just now.
    """
    chosen: dict[Path, _Choice] = {}
    default = policy.older_than is None and policy.max_size is None
    prunable = [thing for thing in things if thing.prunable]
    for thing in prunable:
        # Leftovers go in any case: an earlier pruning may have died in the middle of its work.
        reason = _useless(thing, now) if policy.unused or default or thing.kind == "leftover" else None
        if reason is None and policy.older_than is not None and now - thing.used > policy.older_than:
            reason = f"not used since {thing.used:%Y-%m-%d %H:%M}"
        if reason is not None:
            chosen[thing.path] = _Choice(thing, reason)
    if policy.max_size is not None:
        rest = [thing for thing in prunable if thing.path not in chosen]
        # What may not go takes room, too, but choosing it would only bring a line about why it stays.
        free = [thing for thing in rest if _kept(thing, policy, now) is None]
        excess = sum(thing.size for thing in rest) - policy.max_size
        for thing in sorted(free, key=lambda thing: thing.used):
            if excess <= 0:
                break
            excess -= thing.size
            chosen[thing.path] = _Choice(thing, "least recently used")
    return list(chosen.values())


def prune(
    layout: Layout, seen: Lock, pins: Lock, policy: PrunePolicy, *, dry_run: bool = False
) -> PruneReport:
    """Removes what a policy selects. The caller makes sure that nobody else prunes.

    Args:
        layout: The store.
        seen: Digests this machine has seen.
        pins: The project's lock.
        policy: What may go.
        dry_run: Only say what would go.
    """
    now = datetime.now(timezone.utc)
    things = scan_cache(layout, seen, pins)
    removed: list[Removal] = []
    kept: list[Removal] = []
    for thing, reason in choose(things, policy, now):
        stays = _kept(thing, policy, now)
        if stays is None and not dry_run:
            others = {other.archive for other in things if other.path != thing.path}
            stays = _remove(layout, thing, now - policy.grace, shared=thing.archive in others)
        (removed if stays is None else kept).append(_removal(thing, stays or reason))
    freed = sum(item.size for item in removed)
    total = sum(thing.size for thing in things if thing.prunable)
    return PruneReport(removed=tuple(removed), kept=tuple(kept), freed=freed, remaining=total - freed)


def _useless(thing: CacheItem, now: datetime) -> str | None:
    if thing.kind == "archive":
        return "its artifact is gone"
    if thing.kind == "leftover":
        return "left by a process that ended early"
    if thing.kind == "partial" and now - thing.used > FORGOTTEN:
        return f"unfinished since {thing.used:%Y-%m-%d}"
    if thing.outdated:
        return "converted in a way that was superseded"
    if not thing.current:
        return "superseded" if thing.kind == "artifact" else "made from what was superseded"
    return None


def _kept(thing: CacheItem, policy: PrunePolicy, now: datetime) -> str | None:
    if thing.pinned and not policy.pinned:
        return "pinned by zoo.lock"
    if thing.kind == "leftover":
        return None  # whoever worked there would hold its lock
    return "used a short while ago" if now - thing.used < policy.grace else None


def _remove(layout: Layout, thing: CacheItem, cutoff: datetime, *, shared: bool) -> str | None:
    """Removes a thing; why it stays, if it does."""
    with _alone(layout, thing) as alone:
        if not alone:
            return "in use by another process"
        if thing.kind not in ("artifact", "conversion"):
            remove(thing.path)
            if thing.kind == "partial":
                remove(thing.path.with_name(f"{thing.path.name}.json"))
            return None
        with marked_for_removal(thing.path):
            try:
                if used_at(thing.path) > cutoff.timestamp():
                    return "used just now"
                doomed = temp_beside(thing.path)
                remove(doomed)
                thing.path.rename(doomed)
            except FileNotFoundError:
                return "gone already"
        # The artifact is out of reach; its archive goes last, so that no artifact is ever seen without.
        remove(doomed)
        if thing.archive is not None and not shared:
            remove(layout.blob(thing.archive))
    return None


@contextmanager
def _alone(layout: Layout, thing: CacheItem) -> Iterator[bool]:
    """Holds the locks of whoever would make or fetch a thing; False when somebody has one of them."""
    with ExitStack() as stack:
        for name in _guards(thing):
            guard = layout.guard(name)
            guard.parent.mkdir(parents=True, exist_ok=True)
            lock = try_acquire(guard, timeout=0)
            if lock is None:
                yield False
                return
            stack.callback(lock.release)
        yield True


def _guards(thing: CacheItem) -> list[str]:
    """The locks, in the order in which a fetch takes them."""
    if thing.kind == "artifact" and thing.canonical is not None:
        return [urls.url_key(thing.canonical), f"artifact-{thing.name.replace('/', '-')}"]
    if thing.kind == "conversion":
        return [f"built-{thing.path.name}"]
    if thing.kind == "partial":
        return [thing.path.name.removesuffix(".part")]
    if thing.kind == "leftover":
        return _guards_of_leftover(thing.path)
    return []


def _guards_of_leftover(path: Path) -> list[str]:
    name = path.name.removeprefix(".").rpartition(".")[0]
    if path.parent.name == "built":
        return [f"built-{name}"]
    return [f"artifact-{path.parent.name}-{name.rpartition('-')[0]}"]


def _removal(thing: CacheItem, reason: str) -> Removal:
    return Removal(kind=thing.kind, name=thing.name, path=thing.path, size=thing.size, reason=reason)
