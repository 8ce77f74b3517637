"""Calls the command line of paddle2onnx and checks what it wrote. Runs in a child process."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Convert one inference model.

    Args:
        request: ``program`` and ``params``, two files side by side with the same stem; ``out``, the file to
            write; ``opset``; ``ir_version``, None to leave it; ``inputs`` and ``outputs``, the names of the
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
        # Else it raises the opset when it sees fit: never other than what was asked for.
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
    """``python -m paddle2onnx.command``: its functions change between releases, its options hardly do.

    Raises:
        RuntimeError: It gave up. It ends the interpreter when it fails, sometimes with a status of 0.
    """
    sys.argv = ["paddle2onnx", *(part for name, value in options.items() for part in (f"--{name}", value))]
    try:
        runpy.run_module("paddle2onnx.command", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        raise RuntimeError(f"paddle2onnx gave up with exit status {end.code}") from None
    if not Path(options["save_file"]).is_file():
        raise RuntimeError("paddle2onnx wrote no file")


def lift_scalars(model: Any) -> None:
    """Give a dimension back to single numbers that are put together to a shape.

    Legacy programs hold them as tensors of one element. On the way through the newer program format they
    lose their only dimension, and the Concat that paddle2onnx writes for a shape is then no valid ONNX.
    """
    import numpy
    import onnx

    scalars = scalar_values(model)
    lifted: dict[str, str] = {}
    nodes = []
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if node.op_type != "Concat" or name not in scalars:
                continue
            if name not in lifted:
                lifted[name] = f"{name}/lifted"
                shape = onnx.numpy_helper.from_array(numpy.array([1], dtype="int64"))
                nodes.append(onnx.helper.make_node("Constant", [], [f"{name}/one"], value=shape))
                nodes.append(onnx.helper.make_node("Reshape", [name, f"{name}/one"], [lifted[name]]))
            node.input[place] = lifted[name]
        nodes.append(node)
    if lifted:
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del model.graph.node[:]
        model.graph.node.extend(copies)


def pin_batch(graph: Any) -> None:
    """Say of a graph that suppresses boxes that it takes one image at a time.

    paddle2onnx writes the suppression for a batch of 1 and leaves the batch of the inputs open: with any
    other a Concat inside fails at run time, in words that say nothing of it.
    """
    if not any(node.op_type == "NonMaxSuppression" for node in graph.node):
        return
    for value in graph.input:
        extents = value.type.tensor_type.shape.dim
        if extents and not extents[0].HasField("dim_value"):
            extents[0].dim_value = 1


def scalar_values(model: Any) -> set[str]:
    """Values without a dimension, as far as shape inference gets; it goes on where an operator is wrong."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model)
    known = [value for value in inferred.graph.value_info if value.type.tensor_type.HasField("shape")]
    return {value.name for value in known if not value.type.tensor_type.shape.dim}


def order_inputs(graph: Any, names: list[str]) -> None:
    """Put the inputs into the order of the program; paddle2onnx lists them in the order of their use.

    Raises:
        RuntimeError: There are other inputs than those of the program.
    """
    found = {value.name: value for value in graph.input}
    if sorted(found) != sorted(names):
        raise RuntimeError(f"the inputs {sorted(found)} came out, the program has {sorted(names)}")
    ordered = [type(found[name]).FromString(found[name].SerializeToString()) for name in names]
    del graph.input[:]
    graph.input.extend(ordered)


def rename_outputs(graph: Any, names: list[str]) -> None:
    """Give the outputs the names they have in the program.

    paddle2onnx goes through the newer program format, which calls them ``fetch_name_0`` and so on.

    Raises:
        RuntimeError: There are more or fewer outputs than names.
    """
    if len(graph.output) != len(names):
        raise RuntimeError(f"{len(graph.output)} outputs came out, the program has {len(names)}")
    renamed = {output.name: name for output, name in zip(graph.output, names, strict=True)}
    # A name of the program may be in use for another value inside; that one has to give way.
    inner = {name for node in graph.node for name in node.output}
    inner |= {value.name for value in graph.initializer}
    renamed.update({name: f"{name}/inner" for name in (inner & set(names)) - set(renamed)})
    for output in graph.output:
        output.name = renamed[output.name]
    rename_values(graph, renamed)


def rename_values(graph: Any, renamed: dict[str, str]) -> None:
    """Rename values wherever a graph and the graphs inside its nodes mention them."""
    for value in [*graph.value_info, *graph.initializer]:
        value.name = renamed.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
        for attribute in node.attribute:
            for body in [attribute.g, *attribute.graphs]:
                rename_values(body, renamed)
