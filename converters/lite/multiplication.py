"""Rewrites matrix products to version 1 of their operator: up to 2.11, x86 has kernels for no other.

The versions differ in the names of their attributes, in a factor that only version 1 has, and in
broadcasting: version 1 does not broadcast either operand along batch axes. Products that need it stay
unchanged, and opt reports that it has no kernel for them.

The operators: https://github.com/PaddlePaddle/Paddle/blob/v2.1.2/paddle/fluid/operators/matmul_op.cc and
``matmul_v2_op.cc`` in the same folder.
"""

from __future__ import annotations

from converters.formats.graph import Block, Operator
from converters.lite.rewriting import Edit


def needs_v1_matmul(version: str, family: str) -> bool:
    """Tell whether a version of Paddle-Lite has kernels for version 1 of the operator only.

    Args:
        version: Version of Paddle-Lite.
        family: Processor of the Lite file.
    """
    return version in ("2.9.1", "2.10", "2.11") and family == "x86"


def to_v1_matmul(operator: Operator, block: Block) -> Edit | None:
    """Rewrite a product to version 1 where both versions compute the same."""
    if operator.type != "matmul_v2":
        return None
    left, right = (_rank(operator, block, slot) for slot in ("X", "Y"))
    transposed = {side: bool(operator.attributes.get(f"trans_{side.lower()}")) for side in ("X", "Y")}
    by_vector = left > 2 and right == 1 and not any(transposed.values())
    if not (by_vector or (left == right == 2) or (left > right == 2 and not transposed["X"])):
        return None
    return Edit(
        what="matmul_v2 rewritten as matmul",
        type="matmul",
        attributes={
            "transpose_X": transposed["X"],
            "transpose_Y": transposed["Y"],
            "alpha": 1.0,
            "trans_x": None,
            "trans_y": None,
        },
    )


def _rank(operator: Operator, block: Block, slot: str) -> int:
    variable = block.variables.get("".join(operator.inputs.get(slot, ())))
    return len(variable.dims) if variable is not None and variable.dims is not None else 0
