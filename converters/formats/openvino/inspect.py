"""Inspection of OpenVINO IR: a graph in XML (``.xml``) and the bytes of its constants (``.bin``).

OpenVINO writes no declarations into the document. A document with one is rejected before it is parsed,
because nested entities expand without bound.
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

_LIMIT = 1 << 26  # bytes of the graph; its constants are in another file
_MAX_TAGS = 2_000_000
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
_ARITHMETIC = frozenset({"Convolution", "GroupConvolution", "MatMul"})
_NOT_COUNTED = frozenset({"Parameter", "Result", "Const"})


def inspect_openvino(path: Path, weights: Path | None) -> Inspection:
    """Inspect an OpenVINO model.

    Args:
        path: The graph, ``.xml``.
        weights: The constants, ``.bin``; None where the file is missing.

    Raises:
        NotFoundError: ``openvino-weights-missing``.
        IntegrityError: ``not-an-openvino-model`` for another format, ``openvino-corrupt`` for inconsistent
            content, ``openvino-truncated`` when constants are missing, ``openvino-too-large``.
    """
    errors = FormatErrors(path, "openvino", "an OpenVINO model")
    data = read_bounded(path, _LIMIT, errors)
    require_kind(data[:HEAD_BYTES], Kind.OPENVINO, "not-an-openvino-model", str(path))
    if weights is None:
        raise NotFoundError(
            "openvino-weights-missing",
            f"the constants file of {path} is missing",
            expected=str(path.with_suffix(".bin")),
            hint="keep both files in one folder under the same name",
        )
    net = _parse_document(data, errors)
    layers = net.findall("layers/layer")
    size = regular_file_size(weights)
    try:
        elements = _elements(layers, size, errors)
        inputs = tuple(_input(layer) for layer in layers if layer.get("type") == "Parameter")
        outputs = tuple(_output(layer) for layer in layers if layer.get("type") == "Result")
    except ValueError as error:
        raise errors.corrupt(None, "layers as OpenVINO writes them", str(error)[:200]) from None
    made_by = net.find("rt_info/Runtime_version")
    sha256 = combined_digest(
        {path.name: hashlib.sha256(data).hexdigest(), weights.name: file_digest(weights)}
    )
    return Inspection(
        path=path,
        format="openvino",
        size=len(data) + size,
        sha256=sha256,
        canonical_sha256=sha256,
        made_by=None if made_by is None else f"OpenVINO {(made_by.get('value') or '').partition('-')[0]}",
        precision=_precision(layers),
        weights_precision=storage_precision(elements),
        inputs=inputs,
        outputs=outputs,
        operators=dict(sorted(Counter(_operator_types(layers)).items())),
        parameters=sum(layer.get("type") == "Const" for layer in layers),
        elements=sum(elements.values()),
        details={"ir_version": net.get("version"), "parameter_elements": {**elements}},
    )


def _parse_document(data: bytes, errors: FormatErrors) -> ElementTree.Element:
    if b"<!" in data:
        raise errors.corrupt(None, "a document without declarations and comments", "<!")
    if data.count(b"<") > _MAX_TAGS:
        raise errors.too_large(f"at most {_MAX_TAGS} XML tags", "more")
    try:
        # Without the argument, the document could choose any encoding that Python has.
        return ElementTree.fromstring(data, ElementTree.XMLParser(encoding="utf-8"))
    except ElementTree.ParseError as error:
        raise errors.corrupt(None, "an XML document", str(error)) from None


def _operator_types(layers: list[ElementTree.Element]) -> Iterator[str]:
    return (kind for layer in layers if (kind := layer.get("type", "")) not in _NOT_COUNTED)


def _elements(layers: list[ElementTree.Element], size: int, errors: FormatErrors) -> dict[str, int]:
    """Count the scalars of the constants by element type; each constant must lie inside the file."""
    totals: Counter[str] = Counter()
    for layer in layers:
        attributes = layer.find("data")
        if layer.get("type") != "Const" or attributes is None:
            continue
        offset, length = int(attributes.get("offset", "0")), int(attributes.get("size", "0"))
        if min(offset, length) < 0 or offset + length > size:
            weights = errors.path.with_suffix(".bin")
            raise IntegrityError(
                "openvino-truncated",
                f"{weights} is truncated: constants of {errors.path.name} lie past its end",
                expected=f"at least {offset + length} bytes",
                found=f"{size} bytes",
                hint="fetch or convert both files again",
            )
        dtype = _DTYPES.get(attributes.get("element_type", ""), "unknown")
        totals[dtype] += length // _SIZES.get(dtype, 1)
    return dict(sorted(totals.items()))


def _input(layer: ElementTree.Element) -> Tensor:
    attributes = layer.find("data")
    if attributes is None:
        raise ValueError(f"input {layer.get('name')} has no type")
    texts = [text.strip() for text in attributes.get("shape", "").split(",") if text.strip()]
    shape = tuple(int(text) if text.isdigit() else None for text in texts)
    dtype = _DTYPES.get(attributes.get("element_type", ""))
    return Tensor(name=layer.get("name", ""), shape=shape, dtype=dtype)


def _output(layer: ElementTree.Element) -> Tensor:
    port = layer.find("input/port")
    if port is None:
        raise ValueError(f"output {layer.get('name')} has no value")
    extents = [int(dim.text or "-1") for dim in port.findall("dim")]
    return Tensor(
        name=layer.get("output_names", layer.get("name", "")).partition(",")[0],
        shape=tuple(extent if extent >= 0 else None for extent in extents),
        dtype=_PORT_DTYPES.get(port.get("precision", "")),
    )


def _precision(layers: list[ElementTree.Element]) -> DetectedPrecision | None:
    """Detect the precision of the graph; the device that loads it can use another."""
    if any(layer.get("type") == "FakeQuantize" for layer in layers):
        return "int8"
    found = {
        port.get("precision")
        for layer in layers
        if layer.get("type") in _ARITHMETIC
        for port in layer.findall("output/port")
    }
    return "fp32" if found == {"FP32"} else "fp16" if found == {"FP16"} else None
