"""Adds the optional output XShape, which Paddle 3 omits, to operators.

XShape stores the shape before the operation, for training. Paddle-Lite up to 2.10 writes to it without
checking that it exists, in every runtime that loads the file, and opt up to 2.13rc0 does so for ``flatten``
on x86. An unused output changes no result.
"""

from __future__ import annotations

from converters.formats.graph import Block, Operator
from converters.lite.rewriting import Edit, Rule

_XSHAPE = "XShape"
_WITH_XSHAPE = frozenset(
    {"transpose2", "reshape2", "flatten2", "flatten_contiguous_range", "squeeze2", "unsqueeze2"}
)


def types_needing_xshape(version: str, family: str) -> frozenset[str]:
    """Return the operator types that crash without XShape in a version of Paddle-Lite.

    Args:
        version: Version of Paddle-Lite.
        family: Processor of the Lite file.
    """
    if version in ("2.9.1", "2.10"):
        return _WITH_XSHAPE
    if family == "x86" and version in ("2.11", "2.12", "2.13rc0"):
        return frozenset({"flatten_contiguous_range"})
    return frozenset()


def add_xshape(types: frozenset[str]) -> Rule:
    """Return the rule that adds a missing XShape to operators of these types."""

    def rule(operator: Operator, block: Block) -> Edit | None:
        if operator.type not in types or operator.outputs.get(_XSHAPE):
            return None
        return Edit(what=f"output {_XSHAPE} added to {operator.type}", outputs=(_XSHAPE,))

    return rule
