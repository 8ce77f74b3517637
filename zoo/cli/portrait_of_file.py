"""An inspected artifact as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from converters.reading import Inspection
from converters.reading.inspection import Tensor
from zoo.output import megabytes

_WORDS = {
    "lite": "Paddle-Lite model",
    "program": "Paddle inference model (legacy program)",
    "pir": "Paddle inference model (PIR)",
    "params": "Paddle parameters alone",
    "onnx": "ONNX model",
    "weights": "training checkpoint (pickle)",
    "safetensors": "training checkpoint (safetensors)",
    "archive": "archive",
    "config": "configuration (YAML)",
}
_MOST_OPERATORS = 8


def of_inspection(found: Inspection) -> str:
    """What an artifact is.

    Returns:
        Text of several lines with a trailing line break.
    """
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Inspection) -> Iterator[str]:
    yield str(found.path)
    yield f"  is          {_WORDS[found.format]}, {megabytes(found.size)}"
    if found.made_by:
        yield f"  made by     {found.made_by}"
    if found.target:
        yield f"  target      {found.target}"
    if found.precision:
        stored = f" (weights stored as {found.weights_precision})" if found.weights_precision else ""
        yield f"  computes in {found.precision}{stored}"
    for label, tensors in (("inputs", found.inputs), ("outputs", found.outputs)):
        for index, tensor in enumerate(tensors):
            yield f"  {label if index == 0 else '':<11} {_tensor(tensor)}"
    if found.operators:
        yield f"  operators   {_operators(found.operators)}"
    if found.parameters is not None:
        scalars = f", {found.elements:,} scalars" if found.elements is not None else ""
        yield f"  parameters  {found.parameters}{scalars}"
    yield f"  sha256      {found.sha256}"
    if found.canonical_sha256 != found.sha256:
        yield f"  canonical   {found.canonical_sha256}"
    for name, value in found.details.items():
        if isinstance(value, (str, int, float)):
            yield f"  {name.replace('_', ' '):<11} {value}"
    for warning in found.warnings:
        yield f"  note        {warning}"


def _tensor(tensor: Tensor) -> str:
    shape = "shape not recorded"
    if tensor.shape is not None:
        shape = f"[{', '.join('?' if extent is None else str(extent) for extent in tensor.shape)}]"
    return f"{tensor.name} {shape}{f' {tensor.dtype}' if tensor.dtype else ''}"


def _operators(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{count} {name}" for name, count in ordered[:_MOST_OPERATORS])
    rest = len(ordered) - _MOST_OPERATORS
    return f"{sum(counts.values())}: {shown}" + (f", and {rest} more types" if rest > 0 else "")
