"""What an ncnn model is: its graph in plain text, and beside it its weights."""

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

_WITH_ACTIVATION = {"InnerProduct": 9, "Convolution": 9, "ConvolutionDepthWise": 9}
_LEFT_OUT = ("ArgMax", "SPP")
_ACTIVATIONS = ("", "ReLU", "LeakyReLU", "Clip", "Sigmoid", "Mish", "HardSwish")


def inspect_ncnn(path: Path, weights: Path | None) -> Inspection:
    """The inspection of an ncnn model.

    What it computes in is not in the files: the app decides, and by default the processor does.

    Args:
        path: The graph, ``.param``.
        weights: The weights beside it, ``.bin``; None where there are none.

    Raises:
        NotFoundError: ``ncnn-weights-missing``.
        IntegrityError: ``ncnn-corrupt``, ``ncnn-truncated``, ``ncnn-too-large`` or ``not-an-ncnn-model``.
    """
    graph = read_ncnn(path)
    if weights is None:
        raise NotFoundError(
            "ncnn-weights-missing",
            f"the weights of {path} are not beside it",
            expected=str(path.with_suffix(".bin")),
            hint="ship both files together",
        )
    try:
        stored, fused = read_ncnn_weights(weights, graph.layers), Counter(_fused(graph.layers))
    except ValueError as error:
        raise FormatErrors(path, "ncnn", "an ncnn model").corrupt(
            None, "whole numbers", str(error)[:120]
        ) from None
    both = combined_digest({path.name: graph.sha256, weights.name: file_digest(weights)})
    counts = Counter(layer.type for layer in graph.layers if layer.type not in ("Input", "MemoryData"))
    return Inspection(
        path=path,
        format="ncnn",
        size=graph.size + stored.size,
        sha256=both,
        canonical_sha256=both,
        weights_precision=storage_precision(dict(stored.chosen or stored.elements)),
        inputs=graph.inputs,
        outputs=graph.outputs,
        operators=dict(sorted(counts.items())),
        fused=dict(sorted(fused.items())),
        normalization=detect_normalization(graph.dataflow),
        parameters=stored.tensors if stored.unaccounted is None else None,
        elements=sum(stored.elements.values()) if stored.unaccounted is None else None,
        details={"parameter_elements": dict(sorted(stored.elements.items()))},
        warnings=tuple(_warnings(graph, stored)),
    )


def _missing(layers: tuple[Layer, ...]) -> list[str]:
    """Types that ncnn does not have, or not as it is built by default: a converter left them over."""
    types = {layer.type for layer in layers}
    return sorted(kind for kind in types if "." in kind or ":" in kind or kind in _LEFT_OUT)


def _fused(layers: tuple[Layer, ...]) -> Iterator[str]:
    for layer in layers:
        activation = layer.integer(_WITH_ACTIVATION.get(layer.type, -1))
        if 0 < activation < len(_ACTIVATIONS):
            yield f"{layer.type} + {_ACTIVATIONS[activation]}"


def _warnings(graph: NcnnGraph, stored: NcnnWeights) -> Iterator[str]:
    if missing := _missing(graph.layers):
        yield f"ncnn has no {', '.join(missing)}: it will not load the model."
    elif stored.unaccounted is not None:
        yield f"What {stored.unaccounted} stores is not known here: not all of the weights were looked at."
    yield (
        "ncnn computes in half precision where the processor can, unless the app switches off "
        "use_fp16_packed, use_fp16_storage and use_fp16_arithmetic."
    )
