"""Spells products of matrices in the first version of their operator: up to 2.11, x86 has no other.

The two differ in the names of their attributes, a factor that the first has besides, and in shapes: the
first repeats neither operand along further axes. What it would have to repeat is left to opt, which says that
it has no kernel for it.

The operators: https://github.com/PaddlePaddle/Paddle/blob/v2.1.2/paddle/fluid/operators/matmul_op.cc and
``matmul_v2_op.cc`` beside it.
"""

from __future__ import annotations

from converters.formats.graph import Block, Operator
from converters.lite.rewriting import Edit


def needs_first_product(version: str, family: str) -> bool:
    """Whether a version of Paddle-Lite has kernels of the first version only.

    Args:
        version: The version.
        family: Processor the file is for.
    """
    return version in ("2.9.1", "2.10", "2.11") and family == "x86"


def as_first_product(operator: Operator, block: Block) -> Edit | None:
    """The rule that turns a product of the second version into one of the first, where both are the same."""
    if operator.type != "matmul_v2":
        return None
    left, right = (_rank(operator, block, slot) for slot in ("X", "Y"))
    turned = {side: bool(operator.attributes.get(f"trans_{side.lower()}")) for side in ("X", "Y")}
    by_vector = left > 2 and right == 1 and not any(turned.values())
    if not (by_vector or (left == right == 2) or (left > right == 2 and not turned["X"])):
        return None
    return Edit(
        what="matmul_v2 spelled as matmul",
        type="matmul",
        attributes={
            "transpose_X": turned["X"],
            "transpose_Y": turned["Y"],
            "alpha": 1.0,
            "trans_x": None,
            "trans_y": None,
        },
    )


def _rank(operator: Operator, block: Block, slot: str) -> int:
    variable = block.variables.get("".join(operator.inputs.get(slot, ())))
    return len(variable.dims) if variable is not None and variable.dims is not None else 0
