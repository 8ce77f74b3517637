"""Reads the user's pip settings, and keeps only those that say how to reach the package index.

Everything else in a configuration file or a ``PIP_…`` variable could change what is installed, or where: a
target folder, constraints, a platform. An environment is installed from its lock alone.
"""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT = 60.0
_INDEX_OPTIONS = ("index-url", "extra-index-url", "find-links", "trusted-host")
_PATH_OPTIONS = ("cert", "client-cert", "cache-dir")
_NUMBER_OPTIONS = ("timeout", "retries")
_SWITCHES = frozenset({"1", "true", "yes", "on"})
_SECTIONS = ("global", "install", ":env:")
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")


@dataclass(frozen=True)
class PipSettings:
    """Settings for the connection to the package index.

    Attributes:
        requirement_lines: Options for the head of a requirements file. They may contain passwords, which a
            command line would show to other users.
        options: Options for the command line.
        environment: Variables for the process.
    """

    requirement_lines: tuple[str, ...]
    options: tuple[str, ...]
    environment: Mapping[str, str]


def read_pip_settings(python: Path) -> PipSettings:
    """Read the settings that pip uses in the user's environment.

    Args:
        python: Interpreter of a new environment with pip.
    """
    values = _read_values(python)
    lines = ["--no-index"] if values.get("no-index", "").lower() in _SWITCHES else []
    for option in _INDEX_OPTIONS:
        lines += [f"--{option} {shlex.quote(_absolute(each))}" for each in values.get(option, "").split()]
    options = ["--no-cache-dir"] if values.get("no-cache-dir", "").lower() in _SWITCHES else []
    for option in _PATH_OPTIONS:
        if values.get(option):
            options += [f"--{option}", _absolute(values[option])]
    for option in _NUMBER_OPTIONS:
        value = values.get(option) or values.get(f"default-{option}", "")
        if value.replace(".", "", 1).isdigit():
            options += [f"--{option}", value]
    environment = dict.fromkeys(_PROXY_VARIABLES, values["proxy"]) if values.get("proxy") else {}
    return PipSettings(tuple(lines), tuple(options), environment)


def clean_environment() -> dict[str, str]:
    """Return the environment variables without those that configure pip or Python."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "PYTHON")) and name != "__PYVENV_LAUNCHER__"
    }
    # The name of the null device makes pip skip every configuration file, that of the system included.
    return kept | {"PIP_CONFIG_FILE": os.devnull}


def _read_values(python: Path) -> dict[str, str]:
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    found[":env:"] = {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith("PIP_")
    }
    for line in _list_configuration(python):
        key, _, value = line.partition("=")
        section, _, option = key.partition(".")
        if section in found:
            try:
                found[section][option] = str(ast.literal_eval(value))
            except (ValueError, SyntaxError):
                continue
    return found["global"] | found["install"] | found[":env:"]


def _list_configuration(python: Path) -> list[str]:
    try:
        listing = subprocess.run(
            [str(python), "-I", "-m", "pip", "config", "list"],
            env={name: value for name, value in os.environ.items() if name != "PIP_LOG"},
            capture_output=True,
            check=True,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError):
        return []  # pip before 10 has no such command, and a broken configuration file stops later ones
    return listing.stdout.splitlines()


def _absolute(value: str) -> str:
    # pip runs in another folder, so a relative path would name another file.
    expanded = os.path.expanduser(value)
    return os.path.abspath(expanded) if os.path.exists(expanded) else value
