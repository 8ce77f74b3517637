"""Builds the resolver for the current settings: cache, toolchains and the project's lock file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.settings import Settings

if TYPE_CHECKING:
    from zoo.artifacts.resolver import ArtifactResolver, Reporter


def resolver_for(
    settings: Settings, *, locked: bool = False, reporter: Reporter | None = None
) -> ArtifactResolver:
    """The way to artifacts: the store, the toolchains and the project's lock."""
    # Imported here: listing and showing need neither the store nor the converters.
    from converters.toolchain import Toolchains
    from zoo.artifacts.lockfile import read_pins
    from zoo.artifacts.resolver import ArtifactResolver, Reporter
    from zoo.store import Store

    pins = read_pins(required=locked)
    return ArtifactResolver(
        settings=settings,
        store=Store(settings.cache),
        toolchains=Toolchains(settings.toolchains, python=settings.python, offline=settings.offline),
        pins=pins,
        locked=locked,
        reporter=reporter or Reporter(),
    )
