"""The catalog of models as typed values.

Imports neither requests, numpy nor paddle. ``registry.load()`` returns the shipped catalog.
"""

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registry.catalog_io.files import SHIPPED
    from registry.catalog_io.load import Check, Problem, check, json_schema, load
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


def __getattr__(name: str) -> object:
    module: ModuleType
    # Loaded on first use: importing pydantic and YAML takes longer than the rest of `zoo list`.
    match name:
        case "SHIPPED":
            from registry.catalog_io import files as module
        case "Registry":
            from registry import registry as module
        case "Artifact" | "Entry" | "Pipeline":
            from registry import schema as module
        case _ if name in __all__:
            from registry.catalog_io import load as module
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
