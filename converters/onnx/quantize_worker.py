"""Quantizes an ONNX model to eight bits. Runs in a child process.

Small networks with depthwise convolutions lose most of their accuracy when every layer is quantized. The
channels of first and depthwise layers have very different ranges, which one scale per activation does not
fit, and the last layers compute the values that positions are read from. Those layers stay in FP32. Ranges
are percentiles of the measured values and not their extremes, as the white papers on quantization recommend
(Krishnamoorthi 2018; Nagel et al. 2021).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_FIRST = 10  # convolutions at the start that stay in FP32
_PERCENTILE = 99.99
_MIN_ELEMENTS = 64  # quantizing smaller weights saves nothing


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Quantize one model.

    Args:
        request: ``model`` and ``out``, files; ``folder``, the work folder; ``tensors``, the network inputs
            for calibration, None to quantize only weights.

    Returns:
        ``tools``: package to version. ``quantized`` and ``kept``: number of operators with weights that are
        quantized, and that stay in FP32.
    """
    import onnx
    import onnxruntime

    model = onnx.load(request["model"])
    if request["tensors"]:
        result, kept = quantize_activations(model, request)
    else:
        result, kept = quantize_weights(model)
    result.ir_version = model.ir_version
    result.producer_name, result.producer_version = model.producer_name, model.producer_version
    onnx.checker.check_model(result, full_check=True)
    onnxruntime.InferenceSession(result.SerializeToString(), providers=["CPUExecutionProvider"])
    Path(request["out"]).write_bytes(result.SerializeToString(deterministic=True))
    versions = {"onnx": str(onnx.__version__), "onnxruntime": str(onnxruntime.__version__)}
    return {"tools": versions, "quantized": count_weighted(model) - kept, "kept": kept}


def count_weighted(model: Any) -> int:
    """Count the convolutions and matrix products."""
    return sum(node.op_type in ("Conv", "ConvTranspose", "MatMul", "Gemm") for node in model.graph.node)


def quantize_activations(model: Any, request: dict[str, Any]) -> tuple[Any, int]:
    """Quantize activations and weights; return the model and the number of operators that stay in FP32."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"node.{index}"  # the tool identifies nodes by name
    named, made = Path(request["folder"]) / "named.onnx", Path(request["folder"]) / "quantized.onnx"
    onnx.save(model, named)
    exempt = find_exempt(model)
    convolutions = sum(node.op_type == "Conv" for node in model.graph.node)
    if len(exempt) == convolutions:
        raise RuntimeError("every convolution is one of the first, the last or the depthwise ones")
    quantize_static(
        str(named),
        str(made),
        read_calibration(request["tensors"], [value.name for value in model.graph.input]),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        nodes_to_exclude=exempt,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.Percentile,
        extra_options={"CalibPercentile": _PERCENTILE},
    )
    return onnx.load(made), count_weighted(model) - convolutions + len(exempt)


def find_exempt(model: Any) -> list[str]:
    """Return the names of the convolutions that stay in FP32: first, depthwise and last ones."""
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    first = {node.name for node in convolutions[:_FIRST]}
    depthwise = {n.name for n in convolutions if any(a.name == "group" and a.i > 1 for a in n.attribute)}
    return sorted(first | depthwise | find_last(model))


def find_last(model: Any) -> set[str]:
    """Return the names of the convolutions with no other convolution between them and an output."""
    producers = {name: node for node in model.graph.node for name in node.output}
    found: set[str] = set()
    visited: set[str] = set()
    pending = [value.name for value in model.graph.output]
    while pending:
        name = pending.pop()
        node = producers.get(name)
        if node is None or name in visited:
            continue
        visited.add(name)
        if node.op_type == "Conv":
            found.add(node.name)
        else:
            pending.extend(node.input)
    return found


def read_calibration(tensors: str, names: list[str]) -> Any:
    """Return a reader that gives the tool the network inputs, one at a time."""
    import numpy
    from onnxruntime.quantization import CalibrationDataReader

    with numpy.load(tensors) as stored:
        unknown = [name for name in names if name not in stored.files]
        if unknown:
            raise RuntimeError(f"the calibration data have no values for input {unknown[0]}")
        arrays = {name: stored[name] for name in names}

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # the package has no types
        def __init__(self) -> None:
            self.rows = iter(range(len(arrays[names[0]])))

        def get_next(self) -> dict[str, Any] | None:
            row = next(self.rows, None)
            return None if row is None else {name: array[row : row + 1] for name, array in arrays.items()}

    return Reader()


def quantize_weights(model: Any) -> tuple[Any, int]:
    """Quantize weights with a scale per output channel; return the model and the count of FP32 operators."""
    import onnx

    result = onnx.ModelProto.FromString(model.SerializeToString())
    graph = result.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    axes = weight_axes(graph, constants)
    nodes = []
    for name in sorted(axes):
        integers, scales = quantize_symmetric(onnx.numpy_helper.to_array(constants[name]), axes[name])
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
    """Map the weights to quantize to the axis of their output channels.

    A tensor that has other readers, or readers with different axes, is not quantized.
    """
    found: dict[str, set[int | None]] = {}
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in constants:
                axis = output_axis(node, len(constants[name].dims)) if position == 1 else None
                found.setdefault(name, set()).add(axis)
    chosen = {}
    for name, axes in found.items():
        elements = 1
        for extent in constants[name].dims:
            elements *= extent
        (axis, *others) = axes
        single = constants[name].data_type == 1
        if axis is not None and not others and single and elements >= _MIN_ELEMENTS:
            chosen[name] = axis
    return chosen


def output_axis(node: Any, rank: int) -> int | None:
    """Return the axis of output channels in the weights of an operator; None for other operators."""
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose":
        return 1
    if node.op_type == "MatMul" and rank >= 2:
        return rank - 1
    if node.op_type == "Gemm":
        return 0 if any(each.name == "transB" and each.i for each in node.attribute) else 1
    return None


def quantize_symmetric(weights: Any, axis: int) -> tuple[Any, Any]:
    """Return the weights as integers from -127 to 127, and the scale of each channel."""
    import numpy

    others = tuple(other for other in range(weights.ndim) if other != axis)
    largest = numpy.abs(weights).max(axis=others)
    # Some processors flush a scale below the smallest normal number to zero.
    scales = numpy.maximum(largest / 127, numpy.finfo("float32").tiny).astype("float32")
    shape = [1] * weights.ndim
    shape[axis] = -1
    integers = numpy.clip(numpy.rint(weights / scales.reshape(shape)), -127, 127)
    return integers.astype("int8"), scales
