"""Where artifacts come from: one value for every command and function that gets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.settings import Settings, from_environment
from zoo.settings import settings as settings_with


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Sources of artifacts, and the rules for using them.

    Attributes:
        settings: Cache, mirrors, offline mode, catalogs and interpreter; the environment's by default.
        locked: Refuse what ``zoo.lock`` does not name.
        build: True converts here whatever is published, False never, None what is not published.
        lite_version: Version of Paddle-Lite's opt; None takes what is published, or the default to build.
    """

    settings: Settings = field(default_factory=from_environment)
    locked: bool = False
    build: bool | None = None
    lite_version: str | None = None

    @classmethod
    def create(
        cls,
        *,
        mirror: str | Sequence[str] | None = None,
        offline: bool = False,
        catalog: Sequence[Path | str] | None = None,
        locked: bool = False,
        build: bool | None = None,
        lite_version: str | None = None,
    ) -> SourceOptions:
        """Combine the environment's settings with the caller's options.

        Args:
            mirror: As for ``zoo.settings.settings``.
            offline: As for ``zoo.settings.settings``.
            catalog: As for ``zoo.settings.settings``.
            locked: As for the class.
            build: As for the class.
            lite_version: As for the class.

        Raises:
            UsageError: A value is not valid.
        """
        settings = settings_with(mirror=mirror, offline=offline, catalog=catalog)
        return cls(settings=settings, locked=locked, build=build, lite_version=lite_version)
