"""Reader of ONNX models, from the protobuf bytes and without the onnx package.

It covers graphs with their subgraphs, operators with their plain attributes, initializers, inputs and
outputs. Field numbers are those of ``onnx.proto``. Tensor data is measured and never copied.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from converters.formats.bounded_io import read_bounded
from converters.formats.dataflow import Dataflow
from converters.formats.dtypes import ITEM_SIZES, ONNX_DTYPES
from converters.formats.errors import FormatErrors
from converters.formats.graph import MAX_ENTRIES, MAX_RANK, AttributeValue, Operator, Scalar
from converters.formats.inspection import Tensor
from converters.formats.kind import HEAD_BYTES, Kind, require_kind
from converters.formats.wire.protobuf import LENGTH, Message, Wire

_LIMIT = (1 << 31) - 1  # the limit of protobuf
_MAX_DEPTH = 32  # graphs nested in control-flow operators

_EXTERNAL = 1
_SHOWN_TEXT = 200  # characters of a text attribute; some tools store whole documents in one


@dataclass(frozen=True, slots=True)
class Initializer:
    """A constant tensor of the model.

    Attributes:
        name: Name; empty for the constants of Constant operators.
        dtype: Element type in NumPy spelling.
        dims: Extents.
        external: File with the data, relative to the model; None when the data is in the model.
        data: The bytes of the data inside the model; empty for external data.
    """

    name: str
    dtype: str
    dims: tuple[int, ...]
    external: str | None
    data: memoryview = dataclasses.field(default=memoryview(b""), repr=False, compare=False)

    @property
    def elements(self) -> int:
        """Number of scalars."""
        return math.prod(self.dims)


@dataclass(frozen=True, slots=True)
class Node:
    """One operator.

    Attributes:
        type: Operator type, prefixed by the domain unless that is the standard one.
        inputs: Values it reads; an empty name stands for an omitted optional input.
        outputs: Values it computes.
        attributes: Attributes with numbers or text.
    """

    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A decoded ONNX model.

    Attributes:
        path: The file.
        size: Its size in bytes, without external data.
        sha256: Digest of its bytes.
        ir_version: Version of the format.
        opsets: Version by domain; the standard domain is ``ai.onnx``.
        producer: Name and version of the writer, empty when the file does not record them.
        inputs: Inputs, without initializers.
        outputs: Outputs.
        nodes: Operators of the graph and of all its subgraphs.
        functions: Number of functions that the model defines.
        initializers: Constant tensors of all graphs.
        shapes: Extents and type that the file records for values value_infos operators, by name.
    """

    path: Path
    size: int
    sha256: str
    ir_version: int
    opsets: Mapping[str, int]
    producer: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    functions: int
    initializers: tuple[Initializer, ...]
    shapes: Mapping[str, Tensor]

    @property
    def dataflow(self) -> Dataflow:
        """Operators and the values between them."""
        stored = {
            tensor.name: Tensor(name=tensor.name, shape=tensor.dims, dtype=tensor.dtype)
            for tensor in self.initializers
            if tensor.name
        }
        io_tensors = {tensor.name: tensor for tensor in (*self.inputs, *self.outputs)}
        return Dataflow(
            operators=tuple(
                Operator(
                    node.type,
                    {"": tuple(filter(None, node.inputs))},
                    {"": tuple(filter(None, node.outputs))},
                    node.attributes,
                )
                for node in self.nodes
            ),
            inputs=self.inputs,
            outputs=self.outputs,
            tensors={**self.shapes, **stored, **io_tensors},
            parameters=frozenset(stored),
        )

    @property
    def operators(self) -> dict[str, int]:
        """Count of operators by type, sorted by name."""
        return dict(sorted(Counter(node.type for node in self.nodes).items()))

    @property
    def external_files(self) -> tuple[str, ...]:
        """External files with tensor data, relative to the model, sorted."""
        return tuple(sorted({tensor.external for tensor in self.initializers if tensor.external is not None}))


def read_onnx(path: Path) -> OnnxModel:
    """Decode an ONNX model.

    Args:
        path: The ``.onnx`` file.

    Raises:
        NotFoundError: The file does not exist.
        IntegrityError: ``not-an-onnx-model`` for another format, ``onnx-truncated`` when the file ends early,
            ``onnx-corrupt`` for inconsistent content, ``onnx-too-large``; the message gives the byte.
    """
    errors = FormatErrors(path, "onnx", "an ONNX model")
    data = read_bounded(path, _LIMIT, errors)
    require_kind(data[:HEAD_BYTES], Kind.ONNX, "not-an-onnx-model", str(path))
    message = Wire(data, errors).message()
    ir_version, producer, functions = 0, ["", ""], 0
    opsets: dict[str, int] = {}
    graph: _GraphReader | None = None
    for field in message:
        match field.number:
            case 1:
                ir_version = message.integer(field)
            case 2 | 3:
                producer[field.number - 2] = message.text(field)
            case 7:
                graph = _GraphReader(errors)
                graph.read(message.message(field))
            case 8:
                opsets.update(_opset(message.message(field)))
            case 25:
                functions += 1
    if graph is None or not opsets:
        missing = "a graph" if graph is None else "the operator sets that follow the graph"
        raise errors.truncated(len(data), missing, "the end of the file")
    return OnnxModel(
        path=path,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        ir_version=ir_version,
        opsets=MappingProxyType(opsets),
        producer=" ".join(part for part in producer if part),
        inputs=graph.fed_inputs(),
        outputs=tuple(graph.outputs),
        nodes=tuple(graph.nodes),
        functions=functions,
        initializers=tuple(graph.initializers),
        shapes=MappingProxyType({tensor.name: tensor for tensor in graph.value_infos}),
    )


def _opset(message: Message) -> Mapping[str, int]:
    domain, version = "", 0
    for field in message:
        if field.number == 1:
            domain = message.text(field)
        elif field.number == 2:
            version = message.integer(field)
    return {domain or "ai.onnx": version}


class _GraphReader:
    """Collects the contents of a graph and of its subgraphs."""

    def __init__(self, errors: FormatErrors) -> None:
        self.errors = errors
        self.nodes: list[Node] = []
        self.initializers: list[Initializer] = []
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.value_infos: list[Tensor] = []

    def fed_inputs(self) -> tuple[Tensor, ...]:
        """List the inputs without initializers, which IR versions before 4 list as inputs too."""
        constants = {tensor.name for tensor in self.initializers}
        return tuple(tensor for tensor in self.inputs if tensor.name not in constants)

    def read(self, message: Message, depth: int = 0) -> None:
        """Decode a GraphProto; only the outermost one gives inputs and outputs."""
        if depth > _MAX_DEPTH:
            raise self.errors.too_large(f"graphs nested at most {_MAX_DEPTH} deep", "deeper nesting")
        for field in message:
            match field.number:
                case 1:
                    self._node(message.message(field), depth)
                case 5:
                    self._add_initializer(_tensor(message.message(field)))
                case 11 if depth == 0:
                    self.inputs.append(_value_info(message.message(field)))
                case 12 if depth == 0:
                    self.outputs.append(_value_info(message.message(field)))
                case 13 if depth == 0:
                    self.value_infos.append(_value_info(message.message(field)))
            counts = (len(self.nodes), len(self.initializers), len(self.inputs), len(self.value_infos))
            if max(counts) > MAX_ENTRIES:
                raise self.errors.too_large(f"at most {MAX_ENTRIES} operators or tensors", "more")

    def _add_initializer(self, tensor: Initializer | None) -> None:
        if tensor is not None:
            self.initializers.append(tensor)

    def _node(self, message: Message, depth: int) -> None:
        kind = domain = ""
        inputs: list[str] = []
        outputs: list[str] = []
        attributes: dict[str, AttributeValue] = {}
        for field in message:
            match field.number:
                case 1:
                    inputs.append(message.text(field))
                case 2:
                    outputs.append(message.text(field))
                case 4:
                    kind = message.text(field)
                case 5:
                    attributes.update(self._attribute(message.message(field), depth))
                case 7:
                    domain = message.text(field)
        if not kind:
            raise message.corrupt("the type of an operator", "nothing")
        is_standard = domain in {"", "ai.onnx"}
        name = kind if is_standard else f"{domain}.{kind}"
        self.nodes.append(Node(name, tuple(inputs), tuple(outputs), MappingProxyType(attributes)))

    def _attribute(self, message: Message, depth: int) -> Mapping[str, AttributeValue]:
        """Decode an attribute: return numbers or text by name, collect tensors and subgraphs."""
        name, values, is_list = "", list[Scalar](), False
        for field in message:
            match field.number:
                case 1:
                    name = message.text(field)
                case 2 | 7:
                    values.extend(message.floats(field))
                    is_list |= field.number == 7
                case 3 | 8:
                    values.extend(message.integers(field))
                    is_list |= field.number == 8
                case 4:
                    values.append(message.raw(field)[:_SHOWN_TEXT].decode(errors="backslashreplace"))
                case 5 | 10:
                    self._add_initializer(_tensor(message.message(field)))
                case 6 | 11:
                    self.read(message.message(field), depth + 1)
        return {name: tuple(values) if is_list else values[0]} if values else {}


def _value_info(message: Message) -> Tensor:
    name, dtype = "", None
    shape: tuple[int | None, ...] | None = None
    for field in message:
        if field.number == 1:
            name = message.text(field)
        elif field.number == 2:
            kind = message.message(field)
            for tensor_type in (kind.message(part) for part in kind if part.number == 1):
                for part in tensor_type:
                    if part.number == 1:
                        dtype = ONNX_DTYPES.get(tensor_type.integer(part))
                    elif part.number == 2:
                        shape = tuple(_extents(tensor_type.message(part)))
    if not name:
        raise message.corrupt("the name of an input or output", "nothing")
    return Tensor(name=name, shape=shape, dtype=dtype)


def _extents(message: Message) -> Iterator[int | None]:
    for field in message:
        if field.number == 1:
            extent = message.message(field)
            known = [extent.integer(part) for part in extent if part.number == 1]
            # An extent is a number, a name that is bound at run time, or absent.
            yield known[-1] if known and known[-1] >= 0 else None


# Fields of TensorProto with data: typed lists, strings and raw bytes.
_DATA_FIELDS = frozenset({4, 5, 6, 7, 9, 10, 11})
_RAW_DATA = 9


def _tensor(message: Message) -> Initializer | None:
    """Decode a TensorProto; None for an unknown element type."""
    name, code, location = "", 0, 0
    dims: list[int] = []
    data_sizes: Counter[int] = Counter()
    first, last = message.end, message.start
    external: dict[str, str] = {}
    for field in message:
        if field.number == 1:
            dims.extend(message.integers(field))
        elif field.number == 2:
            code = message.integer(field)
        elif field.number == 8:
            name = message.text(field)
        elif field.number in _DATA_FIELDS:
            data_sizes[field.number] += field.size if field.wire == LENGTH else 1
            first = min(first, field.value if field.wire == LENGTH else field.at)
            last = max(last, field.after)
        elif field.number == 13:
            external.update(_entry(message.message(field)))
        elif field.number == 14:
            location = message.integer(field)
    dtype = ONNX_DTYPES.get(code)
    if len(dims) > MAX_RANK or any(extent < 0 for extent in dims):
        raise message.corrupt(f"at most {MAX_RANK} extents, none negative", str(dims[:8]))
    if dtype is None:
        return None
    if location == _EXTERNAL:
        return Initializer(name, dtype, tuple(dims), external.get("location", ""))
    _check_size(message, dtype, math.prod(dims), data_sizes)
    data = memoryview(message.wire.data)[first : max(first, last)]
    return Initializer(name, dtype, tuple(dims), None, data)


def _check_size(message: Message, dtype: str, elements: int, data_sizes: Mapping[int, int]) -> None:
    """Check that raw data has exactly the size of its elements, and that elements have data."""
    if (
        _RAW_DATA in data_sizes
        and dtype in ITEM_SIZES
        and data_sizes[_RAW_DATA] != elements * ITEM_SIZES[dtype]
    ):
        raise message.corrupt(f"{elements} elements of {dtype}", f"{data_sizes[_RAW_DATA]} bytes of data")
    if elements and not data_sizes:
        raise message.corrupt(f"{elements} elements of {dtype}", "no data")


def _entry(message: Message) -> Mapping[str, str]:
    pair = {field.number: message.text(field) for field in message if field.number in (1, 2)}
    return {pair.get(1, ""): pair.get(2, "")}
