"""ONNX models: what they need and hold, from the protobuf bytes and without the onnx package.

Field numbers are those of ``onnx.proto``. Tensor data is measured and never copied.
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

_LIMIT = (1 << 31) - 1  # protobuf itself stops there
_MAX_DEPTH = 32  # graphs inside control-flow operators inside graphs

_EXTERNAL = 1
_SHOWN_TEXT = 200  # characters of a text attribute; some tools keep whole documents there


@dataclass(frozen=True, slots=True)
class Initializer:
    """A constant tensor of the model.

    Attributes:
        name: Name; empty for the constants of Constant operators.
        dtype: Element type in NumPy spelling.
        dims: Extents.
        external: File that holds the data, relative to the model; None when the data is in the model.
        data: The bytes that hold the data, where they are in the model.
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
        type: Its type, with the domain in front unless it is ONNX's own.
        inputs: Values it reads; empty names stand for optional inputs that are left out.
        outputs: Values it computes.
        attributes: Attributes that hold numbers or text.
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
        size: Its size in bytes, external data not counted.
        sha256: Digest of its bytes.
        ir_version: Version of the format.
        opsets: Domain to version; ONNX's own domain is ``ai.onnx``.
        producer: Name and version of the writer, empty when the file does not state it.
        inputs: Inputs that are to be fed.
        outputs: Outputs.
        nodes: Operators of the graph and of all graphs inside it.
        functions: Number of functions the model defines itself.
        initializers: Constant tensors of all graphs.
        shapes: What the file says about values between its operators.
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
        ends = {tensor.name: tensor for tensor in (*self.inputs, *self.outputs)}
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
            tensors={**self.shapes, **stored, **ends},
            parameters=frozenset(stored),
        )

    @property
    def operators(self) -> dict[str, int]:
        """Operator type to count, sorted by name."""
        return dict(sorted(Counter(node.type for node in self.nodes).items()))

    @property
    def external_files(self) -> tuple[str, ...]:
        """Files beside the model that hold tensor data, sorted."""
        return tuple(sorted({tensor.external for tensor in self.initializers if tensor.external is not None}))


def read_onnx(path: Path) -> OnnxModel:
    """Decodes an ONNX model.

    Args:
        path: The ``.onnx`` file.

    Raises:
        NotFoundError: Nothing is there.
        IntegrityError: ``not-an-onnx-model`` for something else, ``onnx-truncated`` when the file ends early,
            ``onnx-corrupt`` when it contradicts itself, ``onnx-too-large``; the message names the byte.
    """
    errors = FormatErrors(path, "onnx", "an ONNX model")
    data = read_bounded(path, _LIMIT, errors)
    require_kind(data[:HEAD_BYTES], Kind.ONNX, "not-an-onnx-model", str(path))
    message = Wire(data, errors).message()
    ir_version, producer, functions = 0, ["", ""], 0
    opsets: dict[str, int] = {}
    graph: _Graph | None = None
    for field in message:
        match field.number:
            case 1:
                ir_version = message.integer(field)
            case 2 | 3:
                producer[field.number - 2] = message.text(field)
            case 7:
                graph = _Graph(errors)
                graph.read(message.message(field))
            case 8:
                opsets.update(_opset(message.message(field)))
            case 25:
                functions += 1
    if graph is None or not opsets:
        missing = "a graph" if graph is None else "the operator sets after the graph"
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
        shapes=MappingProxyType({tensor.name: tensor for tensor in graph.between}),
    )


def _opset(message: Message) -> Mapping[str, int]:
    domain, version = "", 0
    for field in message:
        if field.number == 1:
            domain = message.text(field)
        elif field.number == 2:
            version = message.integer(field)
    return {domain or "ai.onnx": version}


class _Graph:
    """Collects what is asked of a graph and of the graphs inside its operators."""

    def __init__(self, errors: FormatErrors) -> None:
        self.errors = errors
        self.nodes: list[Node] = []
        self.initializers: list[Initializer] = []
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.between: list[Tensor] = []

    def fed_inputs(self) -> tuple[Tensor, ...]:
        """Before IR version 4 every initializer was listed as an input too."""
        constants = {tensor.name for tensor in self.initializers}
        return tuple(tensor for tensor in self.inputs if tensor.name not in constants)

    def read(self, message: Message, depth: int = 0) -> None:
        """Decodes a GraphProto; inputs and outputs are taken from the outermost one only."""
        if depth > _MAX_DEPTH:
            raise self.errors.too_large(f"graphs nested at most {_MAX_DEPTH} deep", "deeper nesting")
        for field in message:
            match field.number:
                case 1:
                    self._node(message.message(field), depth)
                case 5:
                    self._keep(_tensor(message.message(field)))
                case 11 if depth == 0:
                    self.inputs.append(_value_info(message.message(field)))
                case 12 if depth == 0:
                    self.outputs.append(_value_info(message.message(field)))
                case 13 if depth == 0:
                    self.between.append(_value_info(message.message(field)))
            counts = (len(self.nodes), len(self.initializers), len(self.inputs), len(self.between))
            if max(counts) > MAX_ENTRIES:
                raise self.errors.too_large(f"at most {MAX_ENTRIES} operators or tensors", "more")

    def _keep(self, tensor: Initializer | None) -> None:
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
        own = domain in {"", "ai.onnx"}
        name = kind if own else f"{domain}.{kind}"
        self.nodes.append(Node(name, tuple(inputs), tuple(outputs), MappingProxyType(attributes)))

    def _attribute(self, message: Message, depth: int) -> Mapping[str, AttributeValue]:
        """The attribute by its name, where it is numbers or text; tensors and graphs are taken in."""
        name, values, several = "", list[Scalar](), False
        for field in message:
            match field.number:
                case 1:
                    name = message.text(field)
                case 2 | 7:
                    values.extend(message.floats(field))
                    several |= field.number == 7
                case 3 | 8:
                    values.extend(message.integers(field))
                    several |= field.number == 8
                case 4:
                    values.append(message.raw(field)[:_SHOWN_TEXT].decode(errors="backslashreplace"))
                case 5 | 10:
                    self._keep(_tensor(message.message(field)))
                case 6 | 11:
                    self.read(message.message(field), depth + 1)
        return {name: tuple(values) if several else values[0]} if values else {}


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
            # An extent is a number, or a name that is bound at run time, or nothing.
            yield known[-1] if known and known[-1] >= 0 else None


# Fields of TensorProto that hold data: typed lists, strings and raw bytes.
_DATA_FIELDS = frozenset({4, 5, 6, 7, 9, 10, 11})
_RAW_DATA = 9


def _tensor(message: Message) -> Initializer | None:
    """A TensorProto; None for element types that no version of ONNX known here has."""
    name, code, location = "", 0, 0
    dims: list[int] = []
    held: Counter[int] = Counter()
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
            held[field.number] += field.size if field.wire == LENGTH else 1
            first = min(first, field.value if field.wire == LENGTH else field.at)
            last = max(last, field.after)
        elif field.number == 13:
            external.update(_entry(message.message(field)))
        elif field.number == 14:
            location = message.integer(field)
    dtype = ONNX_DTYPES.get(code)
    if len(dims) > MAX_RANK or any(extent < 0 for extent in dims):
        raise message.corrupt(f"up to {MAX_RANK} extents from 0", str(dims[:8]))
    if dtype is None:
        return None
    if location == _EXTERNAL:
        return Initializer(name, dtype, tuple(dims), external.get("location", ""))
    _check_size(message, dtype, math.prod(dims), held)
    data = memoryview(message.wire.data)[first : max(first, last)]
    return Initializer(name, dtype, tuple(dims), None, data)


def _check_size(message: Message, dtype: str, elements: int, held: Mapping[int, int]) -> None:
    """Raw data must have exactly the bytes of its elements, and elements must have some data at all."""
    if _RAW_DATA in held and dtype in ITEM_SIZES and held[_RAW_DATA] != elements * ITEM_SIZES[dtype]:
        raise message.corrupt(f"{elements} elements of {dtype}", f"{held[_RAW_DATA]} bytes of data")
    if elements and not held:
        raise message.corrupt(f"{elements} elements of {dtype}", "no data")


def _entry(message: Message) -> Mapping[str, str]:
    pair = {field.number: message.text(field) for field in message if field.number in (1, 2)}
    return {pair.get(1, ""): pair.get(2, "")}
