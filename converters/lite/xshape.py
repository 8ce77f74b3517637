"""Gives operators the optional output XShape, which Paddle 3 leaves out.

XShape holds the shape from before, for training. Paddle-Lite up to 2.10 writes to it without asking whether
it is there, in every runtime that loads the file, and opt up to 2.13rc0 does so for ``flatten`` on x86. An
output that nobody reads changes no number.
"""

from __future__ import annotations

from converters.formats.graph import Block, Operator
from converters.lite.rewriting import Edit, Rule

_XSHAPE = "XShape"
_REMEMBERING = frozenset(
    {"transpose2", "reshape2", "flatten2", "flatten_contiguous_range", "squeeze2", "unsqueeze2"}
)


def needing_xshape(version: str, family: str) -> frozenset[str]:
    """Types of operators that crash without XShape in a version of Paddle-Lite.

    Args:
        version: The version.
        family: Processor the file is for.
    """
    if version in ("2.9.1", "2.10"):
        return _REMEMBERING
    if family == "x86" and version in ("2.11", "2.12", "2.13rc0"):
        return frozenset({"flatten_contiguous_range"})
    return frozenset()


def with_xshape(types: frozenset[str]) -> Rule:
    """The rule that gives operators of some types the output where they have none."""

    def rule(operator: Operator, block: Block) -> Edit | None:
        if operator.type not in types or operator.outputs.get(_XSHAPE):
            return None
        return Edit(what=f"output {_XSHAPE} added to {operator.type}", outputs=(_XSHAPE,))

    return rule
