"""Inspection of TensorFlow Lite models (``.tflite``): a FlatBuffers buffer with the identifier TFL3.

Field numbers are those of tensorflow/compiler/mlir/lite/schema/schema.fbs of TensorFlow 2.21.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.formats.bounded_io import read_bounded
from converters.formats.dtypes import ITEM_SIZES, TFLITE_DTYPES, storage_precision
from converters.formats.errors import FormatErrors
from converters.formats.graph import MAX_RANK, content_digest
from converters.formats.inspection import DetectedPrecision, Inspection, Tensor
from converters.formats.kind import HEAD_BYTES, Kind, require_kind
from converters.formats.tflite.operators import BUILTIN_OPERATORS, CUSTOM, FIRST_AFTER_BYTE
from converters.formats.wire.flatbuffer import FlatBuffer, Span, Table

_LIMIT = 1 << 31  # bytes; offsets of FlatBuffers reach no further
_ARITHMETIC = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL"})
_IMAGE = (1, 3)  # channels


@dataclass(frozen=True, slots=True)
class _Value:
    """A tensor of a graph: an input, a computed value or a stored value.

    Attributes:
        tensor: Name, extents and type.
        buffer: Number of the buffer with its content; buffer 0 is empty.
    """

    tensor: Tensor
    buffer: int


@dataclass(frozen=True, slots=True)
class _Graph:
    """A graph: its tensors, the indices of its inputs and outputs, its operators with their first output."""

    values: tuple[_Value, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[tuple[str, int | None], ...]


def inspect_tflite(path: Path) -> Inspection:
    """Inspect a TensorFlow Lite model.

    Raises:
        IntegrityError: ``not-a-tflite-model`` for another format, ``tflite-corrupt`` for inconsistent
            or truncated content, ``tflite-too-large``.
    """
    errors = FormatErrors(path, "tflite", "a TensorFlow Lite model")
    data = read_bounded(path, _LIMIT, errors)
    require_kind(data[:HEAD_BYTES], Kind.TFLITE, "not-a-tflite-model", str(path))
    model = FlatBuffer(data, 0, len(data), errors).root()
    if model.i32(0) != 3:
        raise errors.corrupt(model.position, "version 3 of the schema", str(model.i32(0)))
    buffers = tuple(_buffer(table, len(data), errors) for table in model.tables(4))
    graphs = _graphs(model, len(buffers), errors)
    stored = _stored_tensors(graphs, buffers, errors)
    elements = Counter[str]()
    for value, _ in stored:
        elements[value.dtype or ""] += math.prod(_extents(value))
    operators = Counter(name for graph in graphs for name, _ in graph.operators)
    custom = sorted(operators.keys() - set(BUILTIN_OPERATORS))
    main, sha256 = graphs[0], hashlib.sha256(data).hexdigest()
    inputs = tuple(main.values[index].tensor for index in main.inputs)
    return Inspection(
        path=path,
        format="tflite",
        size=len(data),
        sha256=sha256,
        canonical_sha256=sha256,
        made_by=model.string(3) or None,
        precision=_precision(main),
        weights_precision=storage_precision(elements),
        inputs=inputs,
        outputs=tuple(main.values[index].tensor for index in main.outputs),
        operators=dict(sorted(operators.items())),
        parameters=len(stored),
        elements=sum(elements.values()),
        weights_sha256=content_digest(
            (value.dtype or "", _extents(value), data[span.offset : span.offset + span.size])
            for value, span in stored
        ),
        details={
            "layout": _layout(inputs),
            "first_runtime": _first_runtime(model, buffers, data),
            "parameter_elements": {**dict(sorted(elements.items()))},
            "custom_operators": [*custom],
        },
        warnings=(f"The model uses custom operators ({', '.join(custom)}): register them in the runtime.",)
        if custom
        else (),
    )


def to_channels_first(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Convert four-dimensional inputs or outputs from NHWC to NCHW, the layout of all other formats."""
    return tuple(
        tensor.model_copy(
            update={"shape": (tensor.shape[0], tensor.shape[3], tensor.shape[1], tensor.shape[2])}
        )
        if tensor.shape is not None and len(tensor.shape) == 4
        else tensor
        for tensor in tensors
    )


def _operator_name(table: Table, errors: FormatErrors) -> str:
    # Newer files have both fields; older ones only the byte, which ends at 127.
    code = max(table.u8(0), table.i32(3)) if table.u8(0) <= FIRST_AFTER_BYTE else -1
    if code == CUSTOM:
        return table.string(1) or "CUSTOM"
    if not 0 <= code < len(BUILTIN_OPERATORS):
        raise errors.corrupt(table.position, f"a built-in operator below {len(BUILTIN_OPERATORS)}", str(code))
    return BUILTIN_OPERATORS[code]


def _buffer(table: Table, size: int, errors: FormatErrors) -> Span:
    """Locate the content of a buffer: in its table, or outside of it in files of more than two gigabytes."""
    external = Span(table.i64(1), table.i64(2))
    if external.offset <= 1:
        return table.byte_span(0)
    if external.size < 0 or external.offset + external.size > size:
        raise errors.corrupt(
            table.position, f"content within {size} bytes", f"{external.size} at {external.offset}"
        )
    return external


def _graphs(model: Table, buffers: int, errors: FormatErrors) -> tuple[_Graph, ...]:
    names = tuple(_operator_name(table, errors) for table in model.tables(1))
    graphs = tuple(_graph(table, names, buffers, errors) for table in model.tables(2))
    if not graphs:
        raise errors.corrupt(model.position, "a graph", "none")
    return graphs


def _graph(table: Table, names: Sequence[str], buffers: int, errors: FormatErrors) -> _Graph:
    values = tuple(_value(each, buffers, errors) for each in table.tables(0))

    def io_indices(slot: int) -> tuple[int, ...]:
        indices = table.numbers(slot, "i")
        if any(not 0 <= index < len(values) for index in indices):
            raise errors.corrupt(
                table.position, f"inputs and outputs among {len(values)} tensors", str(indices)[:80]
            )
        return indices

    return _Graph(values, io_indices(1), io_indices(2), tuple(_operators(table, names, len(values), errors)))


def _operators(
    graph: Table, names: Sequence[str], values: int, errors: FormatErrors
) -> Iterator[tuple[str, int | None]]:
    for table in graph.tables(3):
        code, written = table.i32(0), table.numbers(2, "i")
        if not 0 <= code < len(names) or any(not -1 <= index < values for index in written):
            raise errors.corrupt(
                table.position, "a declared operator code and tensors of the graph", "other numbers"
            )
        yield names[code], written[0] if written and written[0] >= 0 else None


def _value(table: Table, buffers: int, errors: FormatErrors) -> _Value:
    dtype, buffer = TFLITE_DTYPES.get(table.u8(1)), table.i32(2)
    if dtype is None or not 0 <= buffer < max(buffers, 1):
        raise errors.corrupt(table.position, "a known element type and a buffer of the file", "other numbers")
    extents, signature = table.numbers(0, "i"), table.numbers(7, "i")
    if len(extents) > MAX_RANK:
        raise errors.corrupt(table.position, f"at most {MAX_RANK} extents", str(len(extents)))
    shape = signature if len(signature) == len(extents) else extents
    return _Value(
        Tensor(name=table.string(3), shape=tuple(each if each >= 0 else None for each in shape), dtype=dtype),
        buffer,
    )


def _stored_tensors(
    graphs: Sequence[_Graph], buffers: Sequence[Span], errors: FormatErrors
) -> list[tuple[Tensor, Span]]:
    """List the stored tensors once each, and check the size of their contents against their extents."""
    found: dict[int, tuple[Tensor, Span]] = {}
    for value in (value for graph in graphs for value in graph.values):
        if not value.buffer or not buffers[value.buffer].size:
            continue
        span = buffers[value.buffer]
        found[value.buffer] = (value.tensor, span)
        width = ITEM_SIZES.get(value.tensor.dtype or "")
        if width is not None and span.size != width * math.prod(_extents(value.tensor)):
            raise errors.corrupt(
                span.offset, f"{value.tensor.shape} of {value.tensor.dtype}", f"{span.size} bytes"
            )
    return list(found.values())


def _extents(tensor: Tensor) -> tuple[int, ...]:
    return tuple(extent or 0 for extent in tensor.shape or ())


def _precision(graph: _Graph) -> DetectedPrecision | None:
    """Detect the precision from the outputs of the main operators; a delegate can use another precision."""
    found = {
        graph.values[index].tensor.dtype
        for name, index in graph.operators
        if name in _ARITHMETIC and index is not None
    }
    if found & {"int8", "uint8", "int16"}:
        return "int8"
    return "fp32" if found == {"float32"} else "fp16" if found == {"float16"} else None


def _layout(inputs: Sequence[Tensor]) -> str | None:
    """Detect the layout of an image input; None without an image or where the extents are ambiguous."""
    for tensor in inputs:
        if tensor.shape is not None and len(tensor.shape) == 4:
            first, last = tensor.shape[1] in _IMAGE, tensor.shape[3] in _IMAGE
            return None if first == last else "NCHW" if first else "NHWC"
    return None


def _first_runtime(model: Table, buffers: Sequence[Span], data: bytes) -> str | None:
    """Return the earliest TensorFlow Lite version with all operators, where the converter recorded it."""
    for entry in model.tables(6):
        index = entry.i32(1)
        if entry.string(0) == "min_runtime_version" and 0 <= index < len(buffers):
            span = buffers[index]
            text = data[span.offset : span.offset + span.size].rstrip(b"\0").decode("ascii", errors="replace")
            return text if text.isprintable() else None
    return None
