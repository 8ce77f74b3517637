"""The typed side of the zoo: what exists, and what is known about it.

Imports neither requests, numpy nor paddle. ``registry.load()`` gives the shipped catalogue.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registry.files import SHIPPED
    from registry.loading import Check, Problem, check, json_schema, load
    from registry.registry import Registry
    from registry.schema import Artifact, Entry, Pipeline

__all__ = [
    "SHIPPED",
    "Artifact",
    "Check",
    "Entry",
    "Pipeline",
    "Problem",
    "Registry",
    "check",
    "json_schema",
    "load",
]

_HOMES = {
    "SHIPPED": "registry.files",
    **dict.fromkeys(("Check", "Problem", "check", "json_schema", "load"), "registry.loading"),
    "Registry": "registry.registry",
    **dict.fromkeys(("Artifact", "Entry", "Pipeline"), "registry.schema"),
}


def __getattr__(name: str) -> object:
    # Loaded on first use: pydantic and YAML cost more than everything else `zoo list` does.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
