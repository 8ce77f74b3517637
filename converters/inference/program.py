"""Builds a graph, loads its weights, and writes the files of an inference model. Runs in a child process.

The weights are an ``.npz`` file of arrays that the parent process checked, so nothing untrusted is parsed
here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import paddle
from paddle import nn
from paddle.base.proto.framework_pb2 import AttrType, ProgramDesc

from converters.inference.graph import Graph, build_graph

if TYPE_CHECKING:
    from converters.inference.options import InferenceOptions
    from registry.schema.architecture import Architecture
    from registry.schema.io import Input

CALL_STACK = "op_callstack"
"""Attribute in which paddle records the Python call stack, with paths, that created an operator."""

RELU6_LIMIT = "threshold"
"""Attribute of the operator relu6."""


class Request(Protocol):
    """Request to write an inference model.

    Attributes:
        network: Architecture of the network.
        image: Input of the network.
        options: Inputs and outputs of the graph.
        weights: ``.npz`` file with the arrays of the state dict, in the order of their names in ``shapes``.
        out: Folder for ``model.pdmodel`` or ``model.json``, and ``model.pdiparams``.
    """

    network: Architecture
    image: Input
    options: InferenceOptions
    weights: str
    out: str


def write(request: Request, shapes: dict[str, list[int]]) -> dict[str, Any]:
    """Write an inference model.

    Args:
        request: Description of the model.
        shapes: Name and shape of each array in ``request.weights``.

    Returns:
        ``paddle``, the version that wrote the model. If nothing was written: ``shapes``, the shapes that the
        network needs, or ``contradictions``, pairs of names of one parameter with different values in the
        weights.
    """
    paddle.enable_static()
    program, startup = paddle.static.Program(), paddle.static.Program()
    executor = paddle.static.Executor(paddle.CPUPlace())
    with paddle.static.program_guard(program, startup), paddle.utils.unique_name.guard():
        graph = build_graph(request.network, request.image, request.options)
        executor.run(startup)
        needed = {name: list(parameter.shape) for name, parameter in graph.network.state_dict().items()}
        if needed != shapes:
            return {"shapes": needed}
        with np.load(request.weights, allow_pickle=False) as file:
            arrays = {name: file[f"arr_{position}"] for position, name in enumerate(shapes)}
        contradictions = [
            [one, other]
            for one, other in find_aliases(graph.network)
            if not np.array_equal(arrays[one], arrays[other], equal_nan=True)
        ]
        if contradictions:
            return {"contradictions": contradictions}
        graph.network.set_state_dict(arrays)
        save(graph, program, executor, Path(request.out, "model"), request.options)
    return {"paddle": paddle.__version__}


def find_aliases(network: nn.Layer) -> list[tuple[str, str]]:
    """Return the pairs of names of one parameter."""
    first: dict[int, str] = {}
    pairs = []
    for name, parameter in network.state_dict().items():
        known = first.setdefault(id(parameter), name)
        if known != name:
            pairs.append((known, name))
    return pairs


def save(graph: Graph, program: Any, executor: Any, path: Path, options: InferenceOptions) -> None:
    """Write the files, name the outputs, and remove all paths of this machine."""
    inputs, outputs = list(graph.inputs.values()), list(graph.outputs.values())
    if options.program == "legacy":
        outputs = [name_output(program, name, output) for name, output in graph.outputs.items()]
        paddle.static.save_inference_model(str(path), inputs, outputs, executor, program=program)
        finish_legacy_program(path.with_suffix(".pdmodel"))
    else:
        paddle.static.save_inference_model(str(path), inputs, outputs, executor, program=program)
        name_pir_outputs(path.with_suffix(".json"), list(graph.outputs))


def name_output(program: Any, name: str, output: Any) -> Any:
    """Rename an output of a legacy program."""
    block = program.global_block()
    block._rename_var(output.name, name)
    return block.var(name)


def finish_legacy_program(model: Path) -> None:
    """Remove the source locations that created the operators, and add the limit of ReLU6.

    paddle 3 no longer writes the limit, which is 6 by definition; Paddle-Lite rejects a program without it.
    """
    program = ProgramDesc.FromString(model.read_bytes())
    for block in program.blocks:
        for operator in block.ops:
            kept = [attribute for attribute in operator.attrs if attribute.name != CALL_STACK]
            del operator.attrs[:]
            operator.attrs.extend(kept)
            if operator.type == "relu6" and all(each.name != RELU6_LIMIT for each in kept):
                operator.attrs.add(name=RELU6_LIMIT, type=AttrType.FLOAT, f=6.0)
    model.write_bytes(program.SerializeToString(deterministic=True))


def name_pir_outputs(model: Path, names: list[str]) -> None:
    """Rename the outputs of a PIR program.

    Raises:
        ValueError: The program does not have the expected form.
    """
    text = model.read_text(encoding="utf-8")
    for column, name in enumerate(names):
        generated = f'"fetch_name_{column}"'
        if text.count(generated) != 1:
            raise ValueError(f"{generated} occurs {text.count(generated)} times in the program")
        text = text.replace(generated, json.dumps(name))
    model.write_text(text, encoding="utf-8")
