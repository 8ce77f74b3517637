"""Build the resolver for a source: cache, toolchains and the project's lock file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from registry.errors import UsageError
from zoo.artifacts.source_options import SourceOptions
from zoo.settings import Settings

if TYPE_CHECKING:
    from converters.toolchain import Toolchains
    from zoo.artifacts.resolver import ArtifactResolver, Reporter
    from zoo.local_models.source import LocatedModel


def resolver_for(
    source: SourceOptions, *, reporter: Reporter | None = None, models: Sequence[LocatedModel] = ()
) -> ArtifactResolver:
    """Build the resolver: cache, toolchains and the project's lock.

    Args:
        source: Sources of artifacts.
        reporter: Callbacks for progress and log messages.
        models: The models that are resolved, if some are on disk; what their files do not settle is noted.

    Raises:
        UsageError: ``cache-not-recognized``: the cache's folder holds other files. ``option-not-applicable``:
            all models are on disk, and only what ``zoo.lock`` names is allowed.
        IntegrityError: ``owner-untrusted``: the cache, or the lock file, belongs to another user.
    """
    # Imported here: listing and showing need neither the cache nor the converters.
    from zoo._utils.cache_root import check_cache
    from zoo._utils.disk import translate_os_errors
    from zoo.artifacts.lockfile import read_pins
    from zoo.artifacts.resolver import ArtifactResolver, Reporter
    from zoo.store import Store

    local = {model.entry.id: model.local for model in models if model.local is not None}
    if source.locked and local and len(local) == len({model.entry.id for model in models}):
        raise UsageError(
            "option-not-applicable",
            "--locked applies to published artifacts, and the model is on disk",
            found=", ".join(each.name for each in local.values()),
            hint="leave out --locked: files on disk are read in place, by their digests",
        )
    settings = source.settings
    with translate_os_errors(settings.cache):
        check_cache(settings.cache)
    for each in local.values():
        for doubt in each.doubts:
            (reporter or Reporter()).note(f"{each.name}: {doubt.note}")
    return ArtifactResolver(
        settings=settings,
        store=Store(settings.cache),
        toolchains=toolchains_of(settings),
        pins=read_pins(required=source.locked),
        locked=source.locked,
        reporter=reporter or Reporter(),
        local=local,
    )


def toolchains_of(settings: Settings) -> Toolchains:
    """The managed environments of a cache.

    Args:
        settings: The settings.
    """
    # Imported here, as above.
    from converters.toolchain import Toolchains

    return Toolchains(settings.toolchains, python=settings.python, offline=settings.offline)
