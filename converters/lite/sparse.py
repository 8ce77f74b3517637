"""Sparse layers: what opt makes one of, and whether it will be right.

A sparse layer holds its weights that are not zero, and the steps in bytes from one channel of its input to
the next that is needed. The steps follow from the height and width of the input as the program declares it:
for open extents they fit no image, and the file does not tell.

What can become one: sparse_conv_detect_pass.cc in lite/core/optimizer/mir of the Paddle-Lite repository.
"""

from __future__ import annotations

from collections.abc import Iterator

from converters.formats import Inspection, Program
from converters.formats.graph import Block, Operator
from converters.jobs.output_checks import Proof
from converters.lite.options import sparse_impossible
from registry.errors import ConversionError


def refuse_open_extents(program: Program) -> None:
    """Refuse a network whose sparse layers would depend on a size of image that nobody knows yet.

    Raises:
        UsageError: ``lite-sparse-unsupported``.
    """
    for block in program.blocks:
        for name in _inputs(block):
            variable = block.variables.get(name)
            if variable is None or variable.dims is None or min(variable.dims[2:], default=-1) < 1:
                raise sparse_impossible(
                    f"a sparse layer holds the size of its input, and {name} may have any; "
                    "export the network with a fixed height and width"
                )


def _inputs(block: Block) -> Iterator[str]:
    """What is read by convolutions that may become sparse, pruned or not."""
    for operator in block.operators:
        if operator.type == "conv2d" and _by_pixel(operator, block):
            yield from operator.inputs.get("Input", ())


def _by_pixel(operator: Operator, block: Block) -> bool:
    weights = [block.variables.get(name) for name in operator.inputs.get("Filter", ())]
    return any(each is not None and (each.dims or ())[2:] == (1, 1) for each in weights)


def require_sparse(inspection: Inspection, proof: Proof) -> None:
    """Refuse a file that has no sparse layer.

    Raises:
        ConversionError: ``lite-nothing-sparse``.
    """
    if any(name.startswith("sparse") for name in inspection.operators):
        return
    raise ConversionError(
        "lite-nothing-sparse",
        f"{proof.tool} made no layer sparse",
        expected="1x1 convolutions of stride 1 with at least 60 % zeros among the weights of each",
        found="none",
        done=f"the file was not kept; the log is {proof.log}",
        hint="prune the network first, or leave out --sparse",
    )
