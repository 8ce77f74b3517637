"""Inference models to Paddle-Lite."""

from typing import TYPE_CHECKING

from converters.lite.options import (
    LiteOptions,
    LiteTarget,
    WeightOnly,
    lite_key,
    lite_target,
    needs_legacy,
    refuse_contradictions,
)

if TYPE_CHECKING:
    from converters.lite.convert import to_lite

__all__ = [
    "LiteOptions",
    "LiteTarget",
    "WeightOnly",
    "lite_key",
    "lite_target",
    "needs_legacy",
    "refuse_contradictions",
    "to_lite",
]


def __getattr__(name: str) -> object:
    # Loaded on first use: who looks into the store for a file that is there needs no converter.
    if name != "to_lite":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from converters.lite.convert import to_lite

    return to_lite
