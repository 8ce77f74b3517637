"""``zoo cache``: what the store holds, and what of it may go."""

from __future__ import annotations

from pathlib import Path

from registry.schema import Model
from zoo.artifacts.resolver import Reporter
from zoo.artifacts.workspace import resolver_for
from zoo.settings import Settings, from_environment
from zoo.store.inventory import CacheItem
from zoo.store.prune import PrunePolicy, PruneReport


class CacheInfo(Model):
    """What a store holds.

    Attributes:
        store: Its folder.
        size: Bytes in all.
        things: What lies in it, by kind and name.
    """

    store: Path
    size: int
    things: tuple[CacheItem, ...]


def stock(*, settings: Settings | None = None) -> CacheInfo:
    """Everything in the store, with sizes, times of use, and what was made from what.

    Args:
        settings: Settings; the environment's by default.
    """
    resolver = resolver_for(settings or from_environment())
    things = resolver.store.stock(resolver.pins)
    return CacheInfo(store=resolver.store.root, size=sum(thing.size for thing in things), things=things)


def prune(
    policy: PrunePolicy,
    *,
    dry_run: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> PruneReport:
    """Removes from the store what a policy selects; what was handed out within its grace stays.

    Args:
        policy: What may go.
        dry_run: Only say what would go.
        settings: Settings; the environment's by default.
        reporter: Who hears about waits; nobody by default.
    """
    resolver = resolver_for(settings or from_environment(), reporter=reporter)
    return resolver.store.prune(policy, pins=resolver.pins, dry_run=dry_run, note=resolver.reporter.note)
