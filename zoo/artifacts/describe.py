"""Describe an inspected artifact as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from converters.formats import Inspection
from converters.formats.compare import Comparison, format_tensor
from converters.formats.inspection import ProvenanceSummary, Runtime
from registry.printable import printable
from registry.tables import align_columns
from zoo._utils.units import format_size

_WORDS = {
    "lite": "Paddle-Lite model",
    "program": "Paddle inference model (legacy program)",
    "pir": "Paddle inference model (PIR)",
    "params": "Paddle parameters alone",
    "onnx": "ONNX model",
    "openvino": "OpenVINO model",
    "ncnn": "ncnn model",
    "tflite": "TensorFlow Lite (LiteRT) model",
    "weights": "training checkpoint (pickle)",
    "safetensors": "training checkpoint (safetensors)",
    "archive": "archive",
    "config": "configuration (YAML)",
}
_MOST_OPERATORS = 8
_MOST_INPUTS = 4
_NORMALIZES = {
    "host": "on the host: mean and deviation are not in the graph",
    "in_graph": "in the graph: its input is plain pixel values",
}


def format_inspection(found: Inspection) -> str:
    """Describe an artifact.

    Returns:
        Text of several lines with a trailing line break.
    """
    return "\n".join(map(printable, _lines(found))) + "\n"


def _lines(found: Inspection) -> Iterator[str]:
    yield str(found.path)
    yield f"  is          {_WORDS[found.format]}, {format_size(found.size)}"
    yield from _machine(found)
    for label, tensors in (("inputs", found.inputs), ("outputs", found.outputs)):
        for index, tensor in enumerate(tensors):
            yield f"  {label if index == 0 else '':<11} {format_tensor(tensor)}"
    if found.normalization:
        yield f"  normalizes  {_NORMALIZES[found.normalization]}"
    yield from _counted("operators", found.operators)
    yield from _counted("kernels", _kernel_places(found))
    yield from _counted("stays fp32", found.details.get("fp32_operators"))
    yield from _counted("fused", found.fused)
    if found.parameters is not None:
        scalars = f", {found.elements:,} scalars" if found.elements is not None else ""
        yield f"  parameters  {found.parameters}{scalars}"
    yield from _digests(found)
    for name, value in found.details.items():
        if isinstance(value, (str, int, float)):
            yield f"  {name.replace('_', ' '):<11} {value}"
    if found.provenance:
        yield from _provenance(found.provenance)
    for warning in found.warnings:
        yield f"  note        {warning}"
    for part in found.contents:
        yield from (f"    {line}" for line in _lines(part))


def _machine(found: Inspection) -> Iterator[str]:
    """The tool that made it, and the runtime it needs."""
    if found.made_by:
        yield f"  made by     {found.made_by}"
    if found.target:
        yield f"  target      {found.target}"
    if found.precision:
        stored = f" (weights stored as {found.weights_precision})" if found.weights_precision else ""
        yield f"  computes in {found.precision}{stored}"
    elif found.format == "ncnn" and found.weights_precision:
        yield f"  stores      weights as {found.weights_precision}"
    opsets = found.details.get("opsets")
    if isinstance(opsets, dict):
        yield f"  opset       {', '.join(f'{domain} {version}' for domain, version in opsets.items())}"
    if found.runtime:
        yield from _runtime(found.runtime)


def _digests(found: Inspection) -> Iterator[str]:
    yield f"  sha256      {found.sha256}"
    if found.canonical_sha256 != found.sha256:
        yield f"  canonical   {found.canonical_sha256}"
    if found.weights_sha256:
        yield f"  weights     {found.weights_sha256}"


def format_comparison(found: Comparison) -> str:
    """Describe the differences between two artifacts, one fact a line.

    Returns:
        Text of several lines with a trailing line break.
    """
    if found.same:
        how = "the same bytes" if found.same_bytes else "only bytes without meaning differ"
        return printable(f"{found.first} and {found.second} are the same: {how}") + "\n"
    rows = [(item.fact, item.first or "-", item.second or "-") for item in found.differences]
    head = ("fact", str(found.first), str(found.second))
    return align_columns(tuple(map(printable, head)), [tuple(map(printable, row)) for row in rows])


def _runtime(runtime: Runtime) -> Iterator[str]:
    bounds = [
        f"{runtime.min_version} or later" if runtime.min_version else "",
        f"{runtime.max_version} or earlier",
    ]
    loads = " and ".join(filter(None, bounds if runtime.max_version else bounds[:1]))
    yield f"  runtime     made for {runtime.made_for}{f'; only {loads} loads it' if loads else ''}"
    if runtime.abi:
        yield f"  abi         {' or '.join(runtime.abi)}"
    if runtime.build:
        yield f"  built with  {', '.join(runtime.build)}"
    if runtime.processor:
        yield f"  processor   {runtime.processor}"


def _provenance(provenance: ProvenanceSummary) -> Iterator[str]:
    made = ", ".join(
        f"{name} {value}" for name, value in provenance.options.items() if not isinstance(value, (dict, list))
    )
    standing = f"signed by {provenance.signed_by}" if provenance.signed_by else "claimed"
    yield f"  provenance  {standing}: conversion to {provenance.conversion} ({made})"
    # A calibration has dozens of images; the document of --json lists them all.
    names = sorted(provenance.inputs, key=lambda name: not name.endswith(".onnx"))
    more = f" and {len(names) - _MOST_INPUTS} more" if len(names) > _MOST_INPUTS else ""
    yield f"              of {', '.join(names[:_MOST_INPUTS])}{more}"
    yield f"              with {', '.join(f'{tool} {version}' for tool, version in provenance.tools.items())}"
    if provenance.changes:
        changes = (f"{what} ({count})" for what, count in provenance.changes.items())
        yield f"              after {', '.join(changes)}"


def _kernel_places(found: Inspection) -> dict[str, int]:
    """Count kernels by processor and precision."""
    kernels = found.details.get("kernels")
    places: Counter[str] = Counter()
    if isinstance(kernels, dict):
        for name, count in kernels.items():
            places["/".join(name.rpartition(" ")[2].split("/")[:2])] += count if isinstance(count, int) else 0
    return dict(places)


def _counted(label: str, counts: Mapping[str, int] | JsonValue) -> Iterator[str]:
    if isinstance(counts, Mapping) and counts:
        yield f"  {label:<11} {_operators({name: int(str(count)) for name, count in counts.items()})}"


def _operators(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{count} {name}" for name, count in ordered[:_MOST_OPERATORS])
    rest = len(ordered) - _MOST_OPERATORS
    return f"{sum(counts.values())}: {shown}" + (f", and {rest} more types" if rest > 0 else "")
