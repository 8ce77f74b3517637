"""Checks for sparse layers: which convolutions opt converts, and whether the result is correct.

A sparse layer stores its nonzero weights, and the offsets in bytes between the input channels it reads. The
offsets follow from the height and width of the input that the program declares. With open extents they match
no image, and the file does not show it.

Which convolutions are converted: sparse_conv_detect_pass.cc in lite/core/optimizer/mir of the Paddle-Lite
repository.
"""

from __future__ import annotations

from collections.abc import Iterator

from converters.formats import Inspection, Program
from converters.formats.graph import Block, Operator
from converters.jobs.output_checks import OutputChecks
from converters.lite.options import sparse_unsupported
from registry.errors import ConversionError


def require_fixed_extents(program: Program) -> None:
    """Reject a network whose sparse layers would depend on an unknown image size.

    Raises:
        UsageError: ``lite-sparse-unsupported``.
    """
    for block in program.blocks:
        for name in _inputs(block):
            variable = block.variables.get(name)
            if variable is None or variable.dims is None or min(variable.dims[2:], default=-1) < 1:
                raise sparse_unsupported(
                    f"a sparse layer stores the size of its input, and the size of {name} is open; "
                    "export the network with a fixed height and width"
                )


def _inputs(block: Block) -> Iterator[str]:
    """Yield the inputs of all convolutions that can become sparse, pruned or not."""
    for operator in block.operators:
        if operator.type == "conv2d" and _is_pointwise(operator, block):
            yield from operator.inputs.get("Input", ())


def _is_pointwise(operator: Operator, block: Block) -> bool:
    weights = [block.variables.get(name) for name in operator.inputs.get("Filter", ())]
    return any(each is not None and (each.dims or ())[2:] == (1, 1) for each in weights)


def require_sparse(inspection: Inspection, checks: OutputChecks) -> None:
    """Refuse a file that has no sparse layer.

    Raises:
        ConversionError: ``lite-nothing-sparse``.
    """
    if any(name.startswith("sparse") for name in inspection.operators):
        return
    raise ConversionError(
        "lite-nothing-sparse",
        f"{checks.tool} wrote no sparse layer",
        expected="1x1 convolutions of stride 1 with at least 60 % zero weights each",
        found="none",
        done=f"the output was discarded; the log is {checks.log}",
        hint="prune the network first, or leave out --sparse",
    )
