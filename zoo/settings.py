"""What the user's environment says: where the store lies, which mirrors to use, whether to stay offline."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
        catalogs: Catalog files, folders and addresses laid over the shipped one, lowest precedence first
            (``ZOO_CATALOG``, separated by spaces).
    """

    cache: Path
    mirrors: tuple[str, ...] = ()
    offline: bool = False
    python: Path | None = None
    catalogs: tuple[str, ...] = ()

    @property
    def toolchains(self) -> Path:
        """Where managed toolchains are built."""
        return self.cache / "toolchains"

    @property
    def catalog_cache(self) -> Path:
        """Where catalogs from servers, and the indexes of the user's catalogs, are kept."""
        return self.cache / "catalogs"

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
        mirrors=_several(env.get("ZOO_MIRROR", "")),
        offline=_flag(env, "ZOO_OFFLINE"),
        python=Path(env["ZOO_PYTHON"]) if env.get("ZOO_PYTHON") else None,
        catalogs=_several(env.get("ZOO_CATALOG", "")),
    )


def settings(
    *,
    mirror: str | Sequence[str] | None = None,
    offline: bool = False,
    catalog: Sequence[Path | str] | None = None,
) -> Settings:
    """The environment's settings, with what the caller says on top.

    Args:
        mirror: Base URL or folder that replaces scheme and host of every address; several are tried in order.
        offline: Never open a connection.
        catalog: Catalog files, folders and addresses (``https://…#sha256=…``) over the shipped one,
            lowest precedence first.

    Raises:
        UsageError: A value cannot be meant.
    """
    changes: dict[str, Any] = {"offline": True} if offline else {}
    if mirror:
        changes["mirrors"] = (mirror,) if isinstance(mirror, str) else tuple(mirror)
    changes |= {"catalogs": tuple(map(str, catalog))} if catalog else {}
    return replace(from_environment(), **changes)


def _cache(env: Mapping[str, str]) -> Path:
    if env.get("ZOO_CACHE"):
        try:
            return Path(env["ZOO_CACHE"]).expanduser().absolute()
        except RuntimeError:  # "~name" without such a user, or "~" of a user without a home
            raise UsageError(
                "bad-setting",
                f"ZOO_CACHE={env['ZOO_CACHE']!r} begins with a home folder that nobody has",
                expected="the path of a folder",
                hint="write the path out, or leave ZOO_CACHE unset",
            ) from None
    # Imported here: only a default cache needs to know the platform's conventions.
    from platformdirs import user_cache_path

    return user_cache_path("paddle-zoo", appauthor=False)


def _several(text: str) -> tuple[str, ...]:
    # No address holds a space, but the name of a file or folder may.
    return (text,) if text and Path(text).exists() else tuple(text.split())


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").strip().lower()
    if value in _TRUE | _FALSE:
        return value in _TRUE
    raise UsageError(
        "bad-setting", f"{name}={value!r} is neither yes nor no", expected="1 or 0", hint=f"export {name}=1"
    )
