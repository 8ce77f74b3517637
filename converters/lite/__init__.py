"""Inference models to Paddle-Lite."""

from typing import TYPE_CHECKING

from converters.choices import WeightOnly
from converters.lite.options import (
    LiteOptions,
    LiteTarget,
    legacy_program_required,
    lite_key,
    lite_target,
    require_precision,
    require_supported,
)

if TYPE_CHECKING:
    from converters.lite.convert import run_lite_job

__all__ = [
    "LiteOptions",
    "LiteTarget",
    "WeightOnly",
    "legacy_program_required",
    "lite_key",
    "lite_target",
    "require_precision",
    "require_supported",
    "run_lite_job",
]


def __getattr__(name: str) -> object:
    # Imported on first use: a command that finds its file in the cache needs no converter.
    if name != "run_lite_job":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from converters.lite.convert import run_lite_job

    return run_lite_job
