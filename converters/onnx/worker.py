"""Calls the command line of paddle2onnx and repairs its output. Runs in a child process."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Convert one inference model.

    Args:
        request: ``program`` and ``params``, two files in one folder with the same stem; ``out``, the file to
            write; ``opset``; ``ir_version``, None to keep it; ``inputs`` and ``outputs``, the names in the
            program.

    Returns:
        ``paddlepaddle``, ``paddle2onnx`` and ``onnx``: their versions.
    """
    import onnx
    import paddle
    import paddle2onnx

    out = Path(request["out"])
    call(
        model_dir=str(Path(request["program"]).parent),
        model_filename=Path(request["program"]).name,
        params_filename=Path(request["params"]).name,
        save_file=str(out),
        opset_version=str(request["opset"]),
        # By default it may raise the opset on its own.
        enable_auto_update_opset="False",
        # Its default, polygraphy, installs packages into the running environment.
        optimize_tool="None",
    )
    model = onnx.load(str(out))
    lift_scalars(model)
    pin_batch(model.graph)
    order_inputs(model.graph, request["inputs"])
    rename_outputs(model.graph, request["outputs"])
    if request["ir_version"] is not None:
        model.ir_version = request["ir_version"]
    onnx.checker.check_model(model, full_check=True)
    out.write_bytes(model.SerializeToString(deterministic=True))
    tools = {"paddlepaddle": paddle, "paddle2onnx": paddle2onnx, "onnx": onnx}
    return {name: str(module.__version__) for name, module in tools.items()}


def call(**options: str) -> None:
    """Run ``python -m paddle2onnx.command``, whose options are more stable than its functions.

    Raises:
        RuntimeError: It failed. On failure it exits the interpreter, sometimes with status 0.
    """
    sys.argv = ["paddle2onnx", *(part for name, value in options.items() for part in (f"--{name}", value))]
    try:
        runpy.run_module("paddle2onnx.command", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        raise RuntimeError(f"paddle2onnx failed with exit status {end.code}") from None
    if not Path(options["save_file"]).is_file():
        raise RuntimeError("paddle2onnx wrote no file")


def lift_scalars(model: Any) -> None:
    """Reshape scalars that are concatenated to a shape back to tensors of one element.

    Legacy programs store them with one element. The conversion to the newer program format removes their only
    dimension, and the Concat that paddle2onnx writes for a shape is then invalid ONNX.
    """
    import numpy
    import onnx

    scalars = scalar_values(model)
    lifted: dict[str, str] = {}
    nodes = []
    for node in model.graph.node:
        for position, name in enumerate(node.input):
            if node.op_type != "Concat" or name not in scalars:
                continue
            if name not in lifted:
                lifted[name] = f"{name}/lifted"
                shape = onnx.numpy_helper.from_array(numpy.array([1], dtype="int64"))
                nodes.append(onnx.helper.make_node("Constant", [], [f"{name}/one"], value=shape))
                nodes.append(onnx.helper.make_node("Reshape", [name, f"{name}/one"], [lifted[name]]))
            node.input[position] = lifted[name]
        nodes.append(node)
    if lifted:
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del model.graph.node[:]
        model.graph.node.extend(copies)


def pin_batch(graph: Any) -> None:
    """Fix the batch of a graph with box suppression to 1.

    paddle2onnx writes the suppression for a batch of 1 but leaves the batch of the inputs open. With another
    batch, a Concat inside the graph fails at run time with a misleading message.
    """
    if not any(node.op_type == "NonMaxSuppression" for node in graph.node):
        return
    for value in graph.input:
        extents = value.type.tensor_type.shape.dim
        if extents and not extents[0].HasField("dim_value"):
            extents[0].dim_value = 1


def scalar_values(model: Any) -> set[str]:
    """Return the values without a dimension, where shape inference finds one; it skips invalid operators."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model)
    known = [value for value in inferred.graph.value_info if value.type.tensor_type.HasField("shape")]
    return {value.name for value in known if not value.type.tensor_type.shape.dim}


def order_inputs(graph: Any, names: list[str]) -> None:
    """Put the inputs into the order of the program; paddle2onnx lists them in order of use.

    Raises:
        RuntimeError: The inputs differ from those of the program.
    """
    found = {value.name: value for value in graph.input}
    if sorted(found) != sorted(names):
        raise RuntimeError(f"the output has the inputs {sorted(found)}, the program has {sorted(names)}")
    ordered = [type(found[name]).FromString(found[name].SerializeToString()) for name in names]
    del graph.input[:]
    graph.input.extend(ordered)


def rename_outputs(graph: Any, names: list[str]) -> None:
    """Give the outputs the names they have in the program.

    paddle2onnx converts to the newer program format first, which renames them to ``fetch_name_0`` and so on.

    Raises:
        RuntimeError: The number of outputs differs from the number of names.
    """
    if len(graph.output) != len(names):
        raise RuntimeError(f"the output has {len(graph.output)} outputs, the program has {len(names)}")
    renamed = {output.name: name for output, name in zip(graph.output, names, strict=True)}
    # An inner value may have the name of an output of the program; it is renamed.
    inner = {name for node in graph.node for name in node.output}
    inner |= {value.name for value in graph.initializer}
    renamed.update({name: f"{name}/inner" for name in (inner & set(names)) - set(renamed)})
    for output in graph.output:
        output.name = renamed[output.name]
    rename_values(graph, renamed)


def rename_values(graph: Any, renamed: dict[str, str]) -> None:
    """Rename values in a graph and in the subgraphs of its nodes."""
    for value in [*graph.value_info, *graph.initializer]:
        value.name = renamed.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
        for attribute in node.attribute:
            for body in [attribute.g, *attribute.graphs]:
                rename_values(body, renamed)
