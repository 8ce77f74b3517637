"""Simplifies an ONNX model and converts it to FP16. Runs in a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_OPEN_EXTENT = (
    64  # used for open extents other than the batch; a model that cannot run with it is not compared
)
_TOLERANCE = 1e-4  # relative; simplification changes the order of summation

FLOAT, HALF = 1, 10  # onnx.TensorProto.DataType


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Refine one model.

    Args:
        request: ``model`` and ``out``, files; ``precision``; ``fp16_io``, whether inputs and outputs are
            FP16 too; ``simplify``.

    Returns:
        ``tools``: package to version. ``difference``: the largest difference between the outputs before and
        after, on noise, as a share of the largest value of the output; None if the model does not run on
        noise.
    """
    import onnx
    import onnxconverter_common
    import onnxruntime
    import onnxslim

    before = onnx.load(request["model"])
    model = onnx.load(request["model"])
    if request["simplify"]:
        model = onnxslim.slim(model)
        model.ir_version = before.ir_version
    difference = compare(before, model)
    if request["simplify"] and difference is not None and difference > _TOLERANCE:
        raise RuntimeError(f"the simplified model differs from the original by {difference:.1e}")
    if request["precision"] == "fp16":
        model = to_fp16(model)
        if not request["fp16_io"]:
            cast_io_to_fp32(model)
        difference = compare(before, model)
    onnx.checker.check_model(model, full_check=True)
    Path(request["out"]).write_bytes(model.SerializeToString(deterministic=True))
    modules = {
        "onnx": onnx,
        "onnxslim": onnxslim,
        "onnxconverter-common": onnxconverter_common,
        "onnxruntime": onnxruntime,
    }
    versions = {name: str(module.__version__) for name, module in modules.items()}
    return {"tools": versions, "difference": difference}


def to_fp16(model: Any) -> Any:
    """Convert weights, operators, inputs and outputs of the model to FP16."""
    from onnxconverter_common import float16

    # The types of inner values stated in the file are FP32 and would contradict the result.
    del model.graph.value_info[:]
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"node.{index}"  # the converter identifies nodes by name
    return float16.convert_float_to_float16(model, keep_io_types=False)


def cast_io_to_fp32(model: Any) -> None:
    """Add casts after the inputs and before the outputs of an FP16 model, so that both are FP32."""
    graph = model.graph
    inner: dict[str, str] = {}
    front, back = [], []
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type != HALF:
            continue
        value.type.tensor_type.elem_type = FLOAT
        inner[value.name] = f"{value.name}/half"
    rename_values(graph, inner)
    inputs = {value.name for value in graph.input}
    for name, half in inner.items():
        if name in inputs:
            front.append(make_cast(name, half, HALF))
        else:
            back.append(make_cast(half, name, FLOAT))
    nodes = [*front, *graph.node, *back]
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def make_cast(source: str, target: str, kind: int) -> Any:
    """Create a node that changes the element type."""
    import onnx

    return onnx.helper.make_node("Cast", [source], [target], name=f"{target}/cast", to=kind)


def rename_values(graph: Any, names: dict[str, str]) -> None:
    """Rename values in the nodes of a graph and in their subgraphs."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for attribute in node.attribute:
            for body in [attribute.g, *attribute.graphs]:
                rename_values(body, names)


def compare(before: Any, after: Any) -> float | None:
    """Return the largest relative difference of the outputs of two models on noise."""
    import numpy

    try:
        expected = run_on_noise(before)
    except Exception:  # the model does not accept noise with the assumed open extents
        return None
    found = run_on_noise(after)
    shares = [0.0]
    for one, other in zip(expected, found, strict=True):
        if one.shape != other.shape:
            raise RuntimeError(f"an output of {one.shape} became one of {other.shape}")
        if one.dtype.kind == "f" and one.size:
            largest = float(numpy.abs(one).max()) or 1.0
            shares.append(float(numpy.abs(one.astype("float64") - other.astype("float64")).max()) / largest)
    return max(shares)


def run_on_noise(model: Any) -> Any:
    """Return the outputs of a model for noise that depends only on its input shapes."""
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    random = numpy.random.default_rng(0)
    feeds = {}
    for value in session.get_inputs():
        extents = [
            n if isinstance(n, int) else (_OPEN_EXTENT if axis else 1) for axis, n in enumerate(value.shape)
        ]
        kind = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(int64)": "int64"}
        noise = random.standard_normal(extents)
        whole = "int" in value.type
        feeds[value.name] = (numpy.ones(extents) if whole else noise).astype(kind.get(value.type, "float32"))
    return session.run(None, feeds)
