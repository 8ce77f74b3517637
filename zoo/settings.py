"""Settings from environment variables: cache, mirrors, offline mode, interpreter, catalogs."""

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
        cache: Root of the cache (``ZOO_CACHE``).
        mirrors: Base URLs or folders to download from instead of the original hosts, tried in order
            (``ZOO_MIRROR``, separated by spaces).
        offline: Never open a connection (``ZOO_OFFLINE``).
        python: Interpreter to build toolchains from, tried before any other (``ZOO_PYTHON``).
        catalogs: Catalog files, folders and addresses that overlay the shipped catalog, lowest precedence
            first (``ZOO_CATALOG``, separated by spaces).
        keys: Folder of trusted public keys (``ZOO_TRUSTED_KEYS``); None for the platform's default.
    """

    cache: Path
    mirrors: tuple[str, ...] = ()
    offline: bool = False
    python: Path | None = None
    catalogs: tuple[str, ...] = ()
    keys: Path | None = None

    @property
    def toolchains(self) -> Path:
        """Folder of managed toolchains."""
        return self.cache / "toolchains"

    @property
    def catalog_cache(self) -> Path:
        """Folder of downloaded catalogs, and of the indexes of user catalogs."""
        return self.cache / "catalogs"

    @property
    def trusted_keys(self) -> Path:
        """Folder of the public keys of trusted identities, ``NAME.pem`` each."""
        if self.keys is not None:
            return self.keys
        # Imported here: only signatures need the conventions of the platform.
        from platformdirs import user_config_path

        return user_config_path("paddle-zoo", appauthor=False).absolute() / "keys"

    @property
    def logs(self) -> Path:
        """Folder of the log files of converters and pip."""
        return self.cache / "logs"


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        environment: Variables; those of the process by default.

    Raises:
        UsageError: ``bad-setting``: a variable has an invalid value.
    """
    env = os.environ if environment is None else environment
    return Settings(
        cache=_cache(env),
        mirrors=_split(env.get("ZOO_MIRROR", "")),
        offline=_flag(env, "ZOO_OFFLINE"),
        python=Path(env["ZOO_PYTHON"]) if env.get("ZOO_PYTHON") else None,
        catalogs=_split(env.get("ZOO_CATALOG", "")),
        keys=Path(env["ZOO_TRUSTED_KEYS"]).absolute() if env.get("ZOO_TRUSTED_KEYS") else None,
    )


def settings(
    *,
    mirror: str | Sequence[str] | None = None,
    offline: bool = False,
    catalog: Sequence[Path | str] | None = None,
) -> Settings:
    """The settings of the environment, overridden by the arguments.

    Args:
        mirror: Base URL or folder to download from instead of the original hosts; several are tried in order.
        offline: Never open a connection.
        catalog: Catalog files, folders and addresses (``https://…#sha256=…``) that overlay the shipped
            catalog, lowest precedence first.

    Raises:
        UsageError: ``bad-setting``: a variable has an invalid value.
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
                f"ZOO_CACHE={env['ZOO_CACHE']!r} refers to an unknown user's home directory",
                expected="the path of a folder",
                hint="write the full path, or unset ZOO_CACHE",
            ) from None
    # Imported here: only the default cache needs the conventions of the platform.
    from platformdirs import user_cache_path

    return user_cache_path("paddle-zoo", appauthor=False).absolute()


def _split(text: str) -> tuple[str, ...]:
    # An address contains no space, but the name of a file or folder may.
    # os.path.exists, unlike Path.exists, is False for a name that is too long or holds a NUL.
    return (text,) if os.path.exists(text) else tuple(text.split())


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").strip().lower()
    if value in _TRUE | _FALSE:
        return value in _TRUE
    raise UsageError(
        "bad-setting", f"{name}={value!r} is not a boolean", expected="1 or 0", hint=f"export {name}=1"
    )
