"""Simplifies an ONNX model and turns it into half precision. Runs in a child process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

_GUESS = 64  # for an open extent other than the batch; a model that cannot run with it is not compared
_SAME = 1e-4  # relative: what simplifying may change at most, by adding up in another order

FLOAT, HALF = 1, 10  # onnx.TensorProto.DataType


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Refine one model.

    Args:
        request: ``model`` and ``out``, files; ``precision``; ``fp16_io``, whether inputs and outputs are
            half too; ``simplify``.

    Returns:
        ``tools``: package to version. ``difference``: the largest difference between the outputs before and
        after, as a share of an output's largest value, on noise; None where the model does not run on it.
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
    if request["simplify"] and difference is not None and difference > _SAME:
        raise RuntimeError(f"the simplified model differs from the original by {difference:.1e}")
    if request["precision"] == "fp16":
        model = halved(model)
        if not request["fp16_io"]:
            single_ends(model)
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


def halved(model: Any) -> Any:
    """The model with its weights and operators in half precision, ends included."""
    from onnxconverter_common import float16

    # What the file says about values in between is of single precision, and would contradict the result.
    del model.graph.value_info[:]
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"node.{index}"  # the converter tells nodes apart by their names
    return float16.convert_float_to_float16(model, keep_io_types=False)


def single_ends(model: Any) -> None:
    """Put casts behind the inputs and before the outputs of a half model, so that its ends are single."""
    graph = model.graph
    inner: dict[str, str] = {}
    front, back = [], []
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type != HALF:
            continue
        value.type.tensor_type.elem_type = FLOAT
        inner[value.name] = f"{value.name}/half"
    rename(graph, inner)
    inputs = {value.name for value in graph.input}
    for name, half in inner.items():
        if name in inputs:
            front.append(cast(name, half, HALF))
        else:
            back.append(cast(half, name, FLOAT))
    nodes = [*front, *graph.node, *back]
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def cast(source: str, target: str, kind: int) -> Any:
    """A change of element type."""
    import onnx

    return onnx.helper.make_node("Cast", [source], [target], name=f"{target}/cast", to=kind)


def rename(graph: Any, names: dict[str, str]) -> None:
    """Rename values wherever nodes mention them, in the graphs inside nodes too."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for attribute in node.attribute:
            for body in [attribute.g, *attribute.graphs]:
                rename(body, names)


def compare(before: Any, after: Any) -> float | None:
    """Largest relative difference of the outputs of two models on noise."""
    import numpy

    try:
        expected = runner(before)()
    except Exception:  # open extents that noise of a guessed size does not fit
        return None
    found = runner(after)()
    shares = [0.0]
    for one, other in zip(expected, found, strict=True):
        if one.shape != other.shape:
            raise RuntimeError(f"an output of {one.shape} became one of {other.shape}")
        if one.dtype.kind == "f" and one.size:
            reach = float(numpy.abs(one).max()) or 1.0
            shares.append(float(numpy.abs(one.astype("float64") - other.astype("float64")).max()) / reach)
    return max(shares)


def runner(model: Any) -> Callable[[], Any]:
    """Something that runs a model on noise, the same for every model with the same inputs."""
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
            n if isinstance(n, int) else (_GUESS if place else 1) for place, n in enumerate(value.shape)
        ]
        kind = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(int64)": "int64"}
        noise = random.standard_normal(extents)
        whole = "int" in value.type
        feeds[value.name] = (numpy.ones(extents) if whole else noise).astype(kind.get(value.type, "float32"))
    return lambda: session.run(None, feeds)
