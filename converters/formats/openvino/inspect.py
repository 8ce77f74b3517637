"""OpenVINO's intermediate representation: a graph in XML, and beside it the bytes of its constants.

The document carries no declarations of its own; one that does is refused before it is parsed, since entities
that stand for each other grow without bound.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from converters.formats.bounded_io import combined_digest, file_digest, read_bounded, regular_file_size
from converters.formats.dtypes import storage_precision
from converters.formats.errors import FormatErrors
from converters.formats.inspection import DetectedPrecision, Inspection, Tensor
from converters.formats.kind import HEAD_BYTES, Kind, require_kind
from registry.errors import IntegrityError, NotFoundError

_LIMIT = 1 << 28
_DTYPES = {
    "f32": "float32",
    "f16": "float16",
    "f64": "float64",
    "bf16": "bfloat16",
    "i8": "int8",
    "u8": "uint8",
    "i16": "int16",
    "u16": "uint16",
    "i32": "int32",
    "u32": "uint32",
    "i64": "int64",
    "u64": "uint64",
    "boolean": "bool",
}
_PORT_DTYPES = {"FP32": "float32", "FP16": "float16", "I32": "int32", "I64": "int64", "BOOL": "bool"}
_SIZES = {"float32": 4, "float16": 2, "int8": 1, "uint8": 1, "int16": 2, "int32": 4, "int64": 8}
_COMPUTING = frozenset({"Convolution", "GroupConvolution", "MatMul"})
_ENDS = frozenset({"Parameter", "Result", "Const"})


def inspect_openvino(path: Path, weights: Path | None) -> Inspection:
    """The inspection of an OpenVINO model.

    Args:
        path: The graph, ``.xml``.
        weights: The constants beside it, ``.bin``; None where there are none.

    Raises:
        NotFoundError: ``openvino-weights-missing``.
        IntegrityError: ``not-an-openvino-model`` for something else, ``openvino-corrupt`` when it contradicts
            itself, ``openvino-truncated`` when constants end early, ``openvino-too-large``.
    """
    errors = FormatErrors(path, "openvino", "an OpenVINO model")
    data = read_bounded(path, _LIMIT, errors)
    require_kind(data[:HEAD_BYTES], Kind.OPENVINO, "not-an-openvino-model", str(path))
    if weights is None:
        raise NotFoundError(
            "openvino-weights-missing",
            f"the constants of {path} are not beside it",
            expected=str(path.with_suffix(".bin")),
            hint="ship both files together",
        )
    net = _parsed(data, path)
    layers = net.findall("layers/layer")
    size = regular_file_size(weights)
    try:
        elements = _elements(layers, size, path)
        inputs = tuple(_input(layer) for layer in layers if layer.get("type") == "Parameter")
        outputs = tuple(_output(layer) for layer in layers if layer.get("type") == "Result")
    except ValueError as error:
        raise _corrupt(path, str(error)) from None
    made_by = net.find("rt_info/Runtime_version")
    both = combined_digest({path.name: hashlib.sha256(data).hexdigest(), weights.name: file_digest(weights)})
    return Inspection(
        path=path,
        format="openvino",
        size=len(data) + size,
        sha256=both,
        canonical_sha256=both,
        made_by=None if made_by is None else f"OpenVINO {(made_by.get('value') or '').partition('-')[0]}",
        precision=_precision(layers),
        weights_precision=storage_precision(elements),
        inputs=inputs,
        outputs=outputs,
        operators=dict(sorted(Counter(_kinds(layers)).items())),
        parameters=sum(layer.get("type") == "Const" for layer in layers),
        elements=sum(elements.values()),
        details={"ir_version": net.get("version"), "parameter_elements": {**elements}},
    )


def _parsed(data: bytes, path: Path) -> ElementTree.Element:
    if b"<!" in data:
        raise _corrupt(path, "a declaration or comment in the document")
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise _corrupt(path, str(error)) from None


def _corrupt(path: Path, found: str) -> IntegrityError:
    return IntegrityError(
        "openvino-corrupt",
        f"{path} is no sound OpenVINO model",
        expected="a document with layers, as OpenVINO writes it",
        found=found[:200],
        hint="convert it again: zoo convert SRC --to openvino",
    )


def _kinds(layers: list[ElementTree.Element]) -> Iterator[str]:
    return (kind for layer in layers if (kind := layer.get("type", "")) not in _ENDS)


def _elements(layers: list[ElementTree.Element], size: int, path: Path) -> dict[str, int]:
    """Element type of the constants to number of scalars; each constant has to lie inside the file."""
    totals: Counter[str] = Counter()
    for layer in layers:
        facts = layer.find("data")
        if layer.get("type") != "Const" or facts is None:
            continue
        offset, length = int(facts.get("offset", "0")), int(facts.get("size", "0"))
        if min(offset, length) < 0 or offset + length > size:
            raise IntegrityError(
                "openvino-truncated",
                f"{path.with_suffix('.bin')} ends before the constants of {path.name} do",
                expected=f"at least {offset + length} bytes",
                found=f"{size} bytes",
                hint="fetch or convert both files again",
            )
        dtype = _DTYPES.get(facts.get("element_type", ""), "unknown")
        totals[dtype] += length // _SIZES.get(dtype, 1)
    return dict(sorted(totals.items()))


def _input(layer: ElementTree.Element) -> Tensor:
    facts = layer.find("data")
    if facts is None:
        raise ValueError(f"input {layer.get('name')} without a type")
    texts = [text.strip() for text in facts.get("shape", "").split(",") if text.strip()]
    shape = tuple(int(text) if text.isdigit() else None for text in texts)
    dtype = _DTYPES.get(facts.get("element_type", ""))
    return Tensor(name=layer.get("name", ""), shape=shape, dtype=dtype)


def _output(layer: ElementTree.Element) -> Tensor:
    port = layer.find("input/port")
    if port is None:
        raise ValueError(f"output {layer.get('name')} without a value")
    extents = [int(dim.text or "-1") for dim in port.findall("dim")]
    return Tensor(
        name=layer.get("output_names", layer.get("name", "")).partition(",")[0],
        shape=tuple(extent if extent >= 0 else None for extent in extents),
        dtype=_PORT_DTYPES.get(port.get("precision", "")),
    )


def _precision(layers: list[ElementTree.Element]) -> DetectedPrecision | None:
    """What the graph computes in; the device that loads it may choose another."""
    if any(layer.get("type") == "FakeQuantize" for layer in layers):
        return "int8"
    found = {
        port.get("precision")
        for layer in layers
        if layer.get("type") in _COMPUTING
        for port in layer.findall("output/port")
    }
    return "fp32" if found == {"FP32"} else "fp16" if found == {"FP16"} else None
