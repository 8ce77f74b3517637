"""Python side of ``zoo cache``: list and prune the cache."""

from __future__ import annotations

from pathlib import Path

from registry.schema import Model
from zoo.artifacts.resolver import Reporter
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.workspace import resolver_for
from zoo.settings import Settings, from_environment
from zoo.store.inventory import CacheItem
from zoo.store.prune import PrunePolicy, PruneReport


class CacheInfo(Model):
    """The content of a cache.

    Attributes:
        path: Its folder.
        size: Total size in bytes.
        items: Its items, by kind and name.
    """

    path: Path
    size: int
    items: tuple[CacheItem, ...]


def cache_info(*, settings: Settings | None = None) -> CacheInfo:
    """List the cache with sizes, times of last use, and the sources of conversions.

    Args:
        settings: Settings; the environment's by default.
    """
    resolver = resolver_for(SourceOptions(settings=settings or from_environment()))
    items = resolver.store.items(resolver.pins)
    return CacheInfo(path=resolver.store.root, size=sum(item.size for item in items), items=items)


def prune(
    policy: PrunePolicy,
    *,
    dry_run: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> PruneReport:
    """Remove the items that a policy selects; recently used items are kept.

    Args:
        policy: Selection of items.
        dry_run: Only report what would be removed.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.
    """
    resolver = resolver_for(SourceOptions(settings=settings or from_environment()), reporter=reporter)
    return resolver.store.prune(policy, pins=resolver.pins, dry_run=dry_run, note=resolver.reporter.note)
