"""What the user's environment says: where the store lies, which mirrors to use, whether to stay offline."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from registry.errors import UsageError

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"", "0", "false", "no", "off"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings, read once at the start and passed on explicitly.

    Attributes:
        cache: Root of the store (``ZOO_CACHE``).
        mirrors: Base URLs or folders, each of which replaces scheme and host of every address; tried in
            order (``ZOO_MIRROR``, separated by spaces).
        offline: Never open a connection (``ZOO_OFFLINE``).
        python: Interpreter to build toolchains from, tried before any other (``ZOO_PYTHON``).
        catalogue: Catalogue file or folder loaded beside the shipped one (``ZOO_CATALOGUE``).
    """

    cache: Path
    mirrors: tuple[str, ...] = ()
    offline: bool = False
    python: Path | None = None
    catalogue: Path | None = None

    @property
    def toolchains(self) -> Path:
        """Where managed toolchains are built."""
        return self.cache / "toolchains"

    @property
    def logs(self) -> Path:
        """Where converters and pip leave what they said."""
        return self.cache / "logs"


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Reads the settings.

    Args:
        environment: Variables; the process's own by default.

    Raises:
        UsageError: A variable has a value that cannot be meant.
    """
    env = os.environ if environment is None else environment
    return Settings(
        cache=_cache(env),
        mirrors=_mirrors(env.get("ZOO_MIRROR", "")),
        offline=_flag(env, "ZOO_OFFLINE"),
        python=Path(env["ZOO_PYTHON"]) if env.get("ZOO_PYTHON") else None,
        catalogue=Path(env["ZOO_CATALOGUE"]) if env.get("ZOO_CATALOGUE") else None,
    )


def _cache(env: Mapping[str, str]) -> Path:
    if env.get("ZOO_CACHE"):
        return Path(env["ZOO_CACHE"]).expanduser().absolute()
    # Imported here: only a default cache needs to know the platform's conventions.
    from platformdirs import user_cache_path

    return user_cache_path("paddle-zoo", appauthor=False)


def _mirrors(text: str) -> tuple[str, ...]:
    # No address holds a space, but the name of a folder may.
    return (text,) if text and Path(text).is_dir() else tuple(text.split())


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").strip().lower()
    if value in _TRUE | _FALSE:
        return value in _TRUE
    raise UsageError("bad-setting", f"{name}={value!r} is neither yes nor no", expected="1 or 0")
