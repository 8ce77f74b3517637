"""Inspection of an ncnn model: a graph (``.param``) and its weights (``.bin``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from converters.formats.bounded_io import combined_digest, file_digest
from converters.formats.dataflow import detect_normalization
from converters.formats.dtypes import storage_precision
from converters.formats.errors import FormatErrors
from converters.formats.inspection import Inspection
from converters.formats.ncnn.graph import Layer, NcnnGraph, read_ncnn
from converters.formats.ncnn.weights import NcnnWeights, read_ncnn_weights
from registry.errors import NotFoundError

_ACTIVATION_PARAMETER = {"InnerProduct": 9, "Convolution": 9, "ConvolutionDepthWise": 9}
_NOT_IN_DEFAULT_BUILD = ("ArgMax", "SPP")
_ACTIVATIONS = ("", "ReLU", "LeakyReLU", "Clip", "Sigmoid", "Mish", "HardSwish")


def inspect_ncnn(path: Path, weights: Path | None) -> Inspection:
    """Inspect an ncnn model.

    The files do not record the arithmetic precision: options of the app and the processor decide it.

    Args:
        path: The graph, ``.param``.
        weights: The weights, ``.bin``; None where the file is missing.

    Raises:
        NotFoundError: ``ncnn-weights-missing``.
        IntegrityError: ``ncnn-corrupt``, ``ncnn-truncated``, ``ncnn-too-large`` or ``not-an-ncnn-model``.
    """
    graph = read_ncnn(path)
    if weights is None:
        raise NotFoundError(
            "ncnn-weights-missing",
            f"the weights file of {path} is missing",
            expected=str(path.with_suffix(".bin")),
            hint="keep both files in one folder under the same name",
        )
    try:
        stored, fused = read_ncnn_weights(weights, graph.layers), Counter(_fused(graph.layers))
    except ValueError as error:
        raise FormatErrors(path, "ncnn", "an ncnn model").corrupt(
            None, "integers", str(error)[:120]
        ) from None
    sha256 = combined_digest({path.name: graph.sha256, weights.name: file_digest(weights)})
    counts = Counter(layer.type for layer in graph.layers if layer.type not in ("Input", "MemoryData"))
    return Inspection(
        path=path,
        format="ncnn",
        size=graph.size + stored.size,
        sha256=sha256,
        canonical_sha256=sha256,
        weights_precision=storage_precision(dict(stored.weight_elements or stored.elements)),
        inputs=graph.inputs,
        outputs=graph.outputs,
        operators=dict(sorted(counts.items())),
        fused=dict(sorted(fused.items())),
        normalization=detect_normalization(graph.dataflow),
        parameters=stored.tensors if stored.unknown_layer is None else None,
        elements=sum(stored.elements.values()) if stored.unknown_layer is None else None,
        details={"parameter_elements": dict(sorted(stored.elements.items()))},
        warnings=tuple(_warnings(graph, stored)),
    )


def _unsupported_types(layers: tuple[Layer, ...]) -> list[str]:
    """List the layer types that ncnn lacks, or lacks in its default build: a converter left them behind."""
    types = {layer.type for layer in layers}
    return sorted(kind for kind in types if "." in kind or ":" in kind or kind in _NOT_IN_DEFAULT_BUILD)


def _fused(layers: tuple[Layer, ...]) -> Iterator[str]:
    for layer in layers:
        activation = layer.integer(_ACTIVATION_PARAMETER.get(layer.type, -1))
        if 0 < activation < len(_ACTIVATIONS):
            yield f"{layer.type} + {_ACTIVATIONS[activation]}"


def _warnings(graph: NcnnGraph, stored: NcnnWeights) -> Iterator[str]:
    if missing := _unsupported_types(graph.layers):
        yield f"ncnn does not support {', '.join(missing)}: it cannot load the model."
    elif stored.unknown_layer is not None:
        yield f"The weights layout of {stored.unknown_layer} is unknown: not all weights were inspected."
    yield (
        "ncnn computes in fp16 where the processor supports it, unless the app disables "
        "use_fp16_packed, use_fp16_storage and use_fp16_arithmetic."
    )
