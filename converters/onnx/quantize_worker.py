"""Quantizes an ONNX model to eight bits. Runs in a child process.

Small networks with depthwise convolutions lose most of their accuracy when all of them is quantized. The
first layers and the depthwise ones have channels of very different ranges, which one scale for a whole
activation does not fit, and the last ones hand out the numbers that positions are read from. Those keep
single precision, and ranges come from a percentile of what was seen and not from its extremes, as the white
papers on quantization recommend (Krishnamoorthi 2018; Nagel et al. 2021).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_FIRST = 10  # convolutions at the start that keep single precision
_PERCENTILE = 99.99
_LEAST = 64  # weights with fewer elements than this gain nothing from being small


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Quantize one model.

    Args:
        request: ``model`` and ``out``, files; ``folder`` for work; ``tensors``, the network inputs to
            calibrate on, None to quantize weights alone.

    Returns:
        ``tools``: package to version. ``quantized`` and ``kept``: how many operators with weights are
        quantized and how many stay in single precision.
    """
    import onnx
    import onnxruntime

    model = onnx.load(request["model"])
    if request["tensors"]:
        result, kept = static(model, request)
    else:
        result, kept = weights_alone(model)
    result.ir_version = model.ir_version
    result.producer_name, result.producer_version = model.producer_name, model.producer_version
    onnx.checker.check_model(result, full_check=True)
    onnxruntime.InferenceSession(result.SerializeToString(), providers=["CPUExecutionProvider"])
    Path(request["out"]).write_bytes(result.SerializeToString(deterministic=True))
    versions = {"onnx": str(onnx.__version__), "onnxruntime": str(onnxruntime.__version__)}
    return {"tools": versions, "quantized": weighted(model) - kept, "kept": kept}


def weighted(model: Any) -> int:
    """Number of convolutions and matrix products."""
    return sum(node.op_type in ("Conv", "ConvTranspose", "MatMul", "Gemm") for node in model.graph.node)


def static(model: Any, request: dict[str, Any]) -> tuple[Any, int]:
    """Activations and weights in integers; the model, and how many operators keep single precision."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"node.{index}"  # the tool tells nodes apart by their names
    named, made = Path(request["folder"]) / "named.onnx", Path(request["folder"]) / "quantized.onnx"
    onnx.save(model, named)
    exempt = kept_single(model)
    convolutions = sum(node.op_type == "Conv" for node in model.graph.node)
    if len(exempt) == convolutions:
        raise RuntimeError("every convolution is among the first, the last or the depthwise ones")
    quantize_static(
        str(named),
        str(made),
        feeds(request["tensors"], [value.name for value in model.graph.input]),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        nodes_to_exclude=exempt,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.Percentile,
        extra_options={"CalibPercentile": _PERCENTILE},
    )
    return onnx.load(made), weighted(model) - convolutions + len(exempt)


def kept_single(model: Any) -> list[str]:
    """Names of the convolutions that keep single precision: first, depthwise and last ones."""
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    first = {node.name for node in convolutions[:_FIRST]}
    depthwise = {n.name for n in convolutions if any(a.name == "group" and a.i > 1 for a in n.attribute)}
    return sorted(first | depthwise | last(model))


def last(model: Any) -> set[str]:
    """Names of the convolutions with none between them and an output."""
    makers = {name: node for node in model.graph.node for name in node.output}
    found: set[str] = set()
    seen: set[str] = set()
    ahead = [value.name for value in model.graph.output]
    while ahead:
        name = ahead.pop()
        node = makers.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        if node.op_type == "Conv":
            found.add(node.name)
        else:
            ahead.extend(node.input)
    return found


def feeds(tensors: str, names: list[str]) -> Any:
    """What the tool takes network inputs from, one at a time."""
    import numpy
    from onnxruntime.quantization import CalibrationDataReader

    with numpy.load(tensors) as stored:
        unknown = [name for name in names if name not in stored.files]
        if unknown:
            raise RuntimeError(f"nothing to calibrate input {unknown[0]} with")
        arrays = {name: stored[name] for name in names}

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # the package has no types
        def __init__(self) -> None:
            self.rows = iter(range(len(arrays[names[0]])))

        def get_next(self) -> dict[str, Any] | None:
            row = next(self.rows, None)
            return None if row is None else {name: array[row : row + 1] for name, array in arrays.items()}

    return Reader()


def weights_alone(model: Any) -> tuple[Any, int]:
    """Weights in integers with a scale for each output channel; the model, and how many keep theirs."""
    import onnx

    result = onnx.ModelProto.FromString(model.SerializeToString())
    graph = result.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    axes = weight_axes(graph, constants)
    nodes = []
    for name in sorted(axes):
        integers, scales = symmetric(onnx.numpy_helper.to_array(constants[name]), axes[name])
        graph.initializer.remove(constants[name])
        for part, array in (("int8", integers), ("scale", scales)):
            graph.initializer.append(onnx.numpy_helper.from_array(array, f"{name}/{part}"))
        inputs = [f"{name}/int8", f"{name}/scale"]
        nodes.append(
            onnx.helper.make_node(
                "DequantizeLinear", inputs, [name], name=f"{name}/dequantize", axis=axes[name]
            )
        )
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in (*nodes, *graph.node)]
    del graph.node[:]
    graph.node.extend(copies)
    kept = sum(
        node.op_type in ("Conv", "ConvTranspose", "MatMul", "Gemm") and node.input[1] not in axes
        for node in model.graph.node
    )
    return result, kept


def weight_axes(graph: Any, constants: dict[str, Any]) -> dict[str, int]:
    """Weights worth storing as integers, to the axis of their output channels.

    A tensor that something else reads too, or that is read with another axis, stays as it is.
    """
    found: dict[str, set[int | None]] = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in constants:
                axis = axis_of(node, len(constants[name].dims)) if place == 1 else None
                found.setdefault(name, set()).add(axis)
    chosen = {}
    for name, axes in found.items():
        elements = 1
        for extent in constants[name].dims:
            elements *= extent
        (axis, *others) = axes
        single = constants[name].data_type == 1
        if axis is not None and not others and single and elements >= _LEAST:
            chosen[name] = axis
    return chosen


def axis_of(node: Any, rank: int) -> int | None:
    """Axis of the output channels in the weights of an operator; None for operators without such weights."""
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose":
        return 1
    if node.op_type == "MatMul" and rank >= 2:
        return rank - 1
    if node.op_type == "Gemm":
        return 0 if any(each.name == "transB" and each.i for each in node.attribute) else 1
    return None


def symmetric(weights: Any, axis: int) -> tuple[Any, Any]:
    """Weights as integers from -127 to 127, and what one step is worth in each channel."""
    import numpy

    others = tuple(place for place in range(weights.ndim) if place != axis)
    reach = numpy.abs(weights).max(axis=others)
    # A step below the smallest normal number would be flushed to zero by some processors.
    scales = numpy.maximum(reach / 127, numpy.finfo("float32").tiny).astype("float32")
    shape = [1] * weights.ndim
    shape[axis] = -1
    integers = numpy.clip(numpy.rint(weights / scales.reshape(shape)), -127, 127)
    return integers.astype("int8"), scales
