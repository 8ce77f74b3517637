"""Edits that a program needs before a version of Paddle-Lite converts it correctly."""

from __future__ import annotations

from converters.lite.interpolation import needs_v1_interpolation, to_v1_interpolation
from converters.lite.multiplication import needs_v1_matmul, to_v1_matmul
from converters.lite.rewriting import Rule
from converters.lite.xshape import add_xshape, types_needing_xshape


def rules(version: str, family: str) -> tuple[Rule, ...]:
    """Return the rules for a version of Paddle-Lite, in order of precedence.

    Args:
        version: Version of Paddle-Lite.
        family: Processor of the Lite file.
    """
    found: list[Rule] = []
    if types := types_needing_xshape(version, family):
        found.append(add_xshape(types))
    if needs_v1_interpolation(version, family):
        found.append(to_v1_interpolation(version))
    if needs_v1_matmul(version, family):
        found.append(to_v1_matmul)
    return tuple(found)
