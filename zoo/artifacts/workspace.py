"""Build the resolver for a source: cache, toolchains and the project's lock file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.artifacts.source_options import SourceOptions
from zoo.settings import Settings

if TYPE_CHECKING:
    from converters.toolchain import Toolchains
    from zoo.artifacts.resolver import ArtifactResolver, Reporter


def resolver_for(source: SourceOptions, *, reporter: Reporter | None = None) -> ArtifactResolver:
    """Build the resolver: cache, toolchains and the project's lock.

    Args:
        source: Sources of artifacts.
        reporter: Callbacks for progress and log messages.

    Raises:
        UsageError: ``cache-not-recognized``: the cache's folder holds other files.
        IntegrityError: ``owner-untrusted``: the cache, or the lock file, belongs to another user.
    """
    # Imported here: listing and showing need neither the cache nor the converters.
    from zoo._utils.cache_root import check_cache
    from zoo._utils.disk import translate_os_errors
    from zoo.artifacts.lockfile import read_pins
    from zoo.artifacts.resolver import ArtifactResolver, Reporter
    from zoo.store import Store

    settings = source.settings
    with translate_os_errors(settings.cache):
        check_cache(settings.cache)
    return ArtifactResolver(
        settings=settings,
        store=Store(settings.cache),
        toolchains=toolchains_of(settings),
        pins=read_pins(required=source.locked),
        locked=source.locked,
        reporter=reporter or Reporter(),
    )


def toolchains_of(settings: Settings) -> Toolchains:
    """The managed environments of a cache.

    Args:
        settings: The settings.
    """
    # Imported here, as above.
    from converters.toolchain import Toolchains

    return Toolchains(settings.toolchains, python=settings.python, offline=settings.offline)
