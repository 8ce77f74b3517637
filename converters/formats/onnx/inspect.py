"""Inspection of a decoded ONNX model: its precision, its external data files, warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pydantic import JsonValue

from converters.formats.bounded_io import combined_digest, file_digest, is_regular_file, regular_file_size
from converters.formats.dataflow import detect_normalization
from converters.formats.dtypes import storage_precision
from converters.formats.graph import content_digest
from converters.formats.inspection import DetectedPrecision, Inspection
from converters.formats.onnx.model import Initializer, OnnxModel
from registry.errors import IntegrityError

# Operators with integer activations: a graph that has them computes in integers.
_INTEGER_OPERATORS = frozenset(
    {
        "QuantizeLinear",
        "DynamicQuantizeLinear",
        "QLinearConv",
        "QLinearMatMul",
        "ConvInteger",
        "MatMulInteger",
    }
)
# The standard requires float32 scales and regions here, in a graph of any precision.
_RESIZE_OPERATORS = frozenset({"Resize", "Upsample"})


def inspect_onnx(model: OnnxModel) -> Inspection:
    """Inspect a decoded ONNX model together with its external data files.

    Raises:
        IntegrityError: ``onnx-unsafe-external-data`` when the model names a file outside its folder.
    """
    external = _external_files(model)
    present = [path for path in external if is_regular_file(path)]
    digests = {model.path.name: model.sha256, **{path.name: file_digest(path) for path in present}}
    sha256 = combined_digest(digests) if present else model.sha256
    elements = _elements(model.initializers)
    return Inspection(
        path=model.path,
        format="onnx",
        size=model.size + sum(regular_file_size(path) for path in present),
        sha256=sha256,
        canonical_sha256=sha256,
        made_by=model.producer or None,
        precision=detect_precision(model),
        weights_precision=storage_precision(_elements(_weights(model))),
        inputs=model.inputs,
        outputs=model.outputs,
        operators=model.operators,
        parameters=len(model.initializers),
        elements=sum(elements.values()),
        weights_sha256=_weights_sha256(model),
        normalization=detect_normalization(model.dataflow),
        details=_details(model, elements),
        warnings=tuple(_warnings(model, external)),
    )


def detect_precision(model: OnnxModel) -> DetectedPrecision | None:
    """Detect the arithmetic precision: integer from the operators, fp16 or fp32 from the float tensors.

    Inputs and outputs do not count, because an fp16 model often keeps them in fp32 behind casts. They
    decide only for a graph without float constants.
    """
    if _INTEGER_OPERATORS & {node.type for node in model.nodes}:
        return "int8"
    found = storage_precision(_elements(_weights(model)))
    if found in ("fp32", "fp16", "mixed"):
        return found
    io_dtypes = Counter(tensor.dtype for tensor in (*model.inputs, *model.outputs) if tensor.dtype)
    return storage_precision({name: io_dtypes[name] for name in ("float32", "float16") if name in io_dtypes})


def _weights(model: OnnxModel) -> Iterable[Initializer]:
    elsewhere = {name for node in model.nodes if node.type not in _RESIZE_OPERATORS for name in node.inputs}
    scales = {name for node in model.nodes if node.type in _RESIZE_OPERATORS for name in node.inputs[1:]}
    return (tensor for tensor in model.initializers if tensor.name not in scales - elsewhere)


def _weights_sha256(model: OnnxModel) -> str | None:
    """Digest the weights inside the file; None where weights are in external files."""
    if model.external_files or not model.initializers:
        return None
    return content_digest((tensor.dtype, tensor.dims, tensor.data) for tensor in model.initializers)


def _elements(tensors: Iterable[Initializer]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for tensor in tensors:
        totals[tensor.dtype] += tensor.elements
    return dict(sorted(totals.items()))


def _external_files(model: OnnxModel) -> list[Path]:
    for location in model.external_files:
        relative = PurePosixPath(location.replace("\\", "/"))
        drive = ":" in location.split("/", 1)[0]
        if not location or relative.is_absolute() or drive or ".." in relative.parts or "\0" in location:
            raise IntegrityError(
                "onnx-unsafe-external-data",
                f"{model.path} refers to tensor data outside its folder",
                expected="a file in the folder of the model",
                found=ascii(location)[:120],
                done="the file was not opened",
                hint="save the model again with all tensors inside it or in one file in its folder",
            )
    return [model.path.parent / location for location in model.external_files]


def _details(model: OnnxModel, elements: dict[str, int]) -> dict[str, JsonValue]:
    return {
        "ir_version": model.ir_version,
        "opsets": {**model.opsets},
        "functions": model.functions,
        "parameter_elements": {**elements},
        "external_files": [*model.external_files],
    }


def _warnings(model: OnnxModel, external: list[Path]) -> Iterable[str]:
    missing = [path.name for path in external if not is_regular_file(path)]
    if missing:
        yield f"Tensor data is missing: {', '.join(missing)} is not in the folder of the model."
    elif external:
        yield "Part of the tensor data is in external files: ship them with the model."
    if not model.outputs:
        yield "The graph has no outputs."
    custom = sorted(set(model.opsets) - {"ai.onnx", "ai.onnx.ml"})
    if custom:
        yield f"The model uses non-standard operators ({', '.join(custom)}): not every runtime supports them."
