"""Reader of legacy Paddle programs (``.pdmodel``): the protobuf ProgramDesc of an inference model.

Field numbers are those of Paddle's ``framework.proto``. Paddle and Paddle-Lite's opt accept a truncated file
and continue with what they read; this reader rejects it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from converters.formats.bounded_io import read_bounded
from converters.formats.dtypes import PADDLE_CONTAINERS, PADDLE_DTYPES
from converters.formats.errors import FormatErrors
from converters.formats.graph import (
    MAX_ENTRIES,
    MAX_RANK,
    AttributeValue,
    Block,
    Operator,
    Variable,
    feeds,
    fetches,
)
from converters.formats.kind import HEAD_BYTES, Kind, require_kind
from converters.formats.paddle.attributes import read_attribute
from converters.formats.wire.protobuf import Field, Message, Wire

_LIMIT = 1 << 29  # bytes; the largest known program, with call stacks, has 3.3 MB
_LABEL = "a legacy Paddle program"
_NOT_STORED = frozenset({"feed_minibatch", "fetch_list", "raw"})


@dataclass(frozen=True, slots=True)
class Program:
    """A decoded legacy program.

    Attributes:
        path: The file.
        size: Its size in bytes.
        sha256: Digest of its bytes.
        version: Version of the Paddle that wrote it, for example 2001002 for 2.1.2; 0 for a development
            build.
        blocks: Blocks of operators; block 0 is the main program.
        parameters: The persistable tensors in storage order, which is by name.
        inputs: Inputs by column.
        outputs: Outputs by column.
        operator_versions: Version of the definition by operator type; None when the table is missing. Every
            release since 2.0 writes it at the end of an inference model.
    """

    path: Path
    size: int
    sha256: str
    version: int
    blocks: tuple[Block, ...]
    parameters: tuple[Variable, ...]
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    operator_versions: Mapping[str, int] | None

    @property
    def made_by(self) -> str:
        """The Paddle release that wrote the program."""
        if not self.version:
            return "paddle (development build)"
        return f"paddle {self.version // 1_000_000}.{self.version // 1000 % 1000}.{self.version % 1000}"


def read_program(path: Path) -> Program:
    """Decode a legacy program.

    Args:
        path: The ``.pdmodel`` file.

    Raises:
        NotFoundError: The file does not exist.
        IntegrityError: ``not-a-program`` for another format, ``program-truncated`` when the file ends early,
            ``program-corrupt`` for inconsistent content, ``program-too-large``; the message gives the byte.
    """
    errors = FormatErrors(path, "program", _LABEL)
    data = read_bounded(path, _LIMIT, errors)
    require_kind(data[:HEAD_BYTES], Kind.PROGRAM, "not-a-program", str(path))
    blocks: list[Block] = []
    version: int | None = None
    operator_versions: Mapping[str, int] | None = None
    message = Wire(data, errors).message()
    for field in message:
        if field.number == 1:
            blocks.append(_block(message.message(field)))
        elif field.number == 4:
            version = _version(message.message(field))
        elif field.number == 5:
            operator_versions = _operator_versions(message.message(field))
    if version is None:
        # Paddle writes the version after the blocks, so a file without one is truncated.
        raise errors.truncated(
            len(data), "the version of the program after its blocks", "the end of the file"
        )
    if not any(block.operators for block in blocks):
        raise errors.corrupt(None, "a program with at least one operator", "none")
    return Program(
        path=path,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        version=version,
        blocks=tuple(blocks),
        parameters=_parameters(blocks, errors),
        inputs=feeds(blocks),
        outputs=fetches(blocks),
        operator_versions=operator_versions,
    )


def _parameters(blocks: list[Block], errors: FormatErrors) -> tuple[Variable, ...]:
    stored: dict[str, Variable] = {}
    for block in blocks:
        for variable in block.variables.values():
            if variable.persistable and variable.kind not in _NOT_STORED:
                stored[variable.name] = variable
    for variable in stored.values():
        if variable.dtype is None or variable.dims is None:
            raise errors.corrupt(None, f"a tensor type for the parameter {variable.name!r}", variable.kind)
    # C++ sorts by bytes. The byte order of UTF-8 is the code point order, by which Python sorts.
    return tuple(stored[name] for name in sorted(stored))


def _version(message: Message) -> int:
    return next((message.integer(field) for field in message if field.number == 1), 0)


def _operator_versions(message: Message) -> Mapping[str, int]:
    versions: dict[str, int] = {}
    for field in message:
        pair = message.message(field)
        name, version = "", 0
        for part in pair:
            if part.number == 1:
                name = pair.text(part)
            elif part.number == 2:
                version = _version(pair.message(part))
        versions[name] = version
    return MappingProxyType(versions)


def _block(message: Message) -> Block:
    index = parent = 0
    variables: dict[str, Variable] = {}
    operators: list[Operator] = []
    for field in message:
        if field.number == 1:
            index = message.integer(field)
        elif field.number == 2:
            parent = message.integer(field)
        elif field.number == 3:
            variable = _variable(message.message(field))
            variables[variable.name] = variable
        elif field.number == 4:
            operators.append(_operator(message.message(field)))
        if max(len(operators), len(variables)) > MAX_ENTRIES:
            raise message.wire.errors.too_large(f"at most {MAX_ENTRIES} operators or variables", "more")
    return Block(index, parent, MappingProxyType(variables), tuple(operators))


def _variable(message: Message) -> Variable:
    name, persistable = "", False
    type_field: Field | None = None
    for field in message:
        if field.number == 1:
            name = message.text(field)
        elif field.number == 2:
            type_field = field
        elif field.number == 3:
            persistable = bool(message.integer(field))
    if not name or type_field is None:
        raise message.corrupt("a variable with a name and a type", "a variable without")
    code = -1
    tensor: TensorDesc | None = None
    kind = message.message(type_field)
    for field in kind:
        if field.number == 1:
            code = kind.integer(field)
        elif field.number == 3:
            dense = kind.message(field)
            tensor = next((read_tensor_desc(dense.message(part)) for part in dense if part.number == 1), None)
    dtype, dims = (tensor.dtype, tensor.dims) if tensor else (None, None)
    return Variable(name, PADDLE_CONTAINERS.get(code, f"type {code}"), dtype, dims, persistable)


@dataclass(frozen=True, slots=True)
class TensorDesc:
    """Element type in NumPy spelling (None when unknown) and extents (-1 for a dynamic one)."""

    dtype: str | None
    dims: tuple[int, ...]


def read_tensor_desc(message: Message) -> TensorDesc:
    """Decode a TensorDesc message, which programs and parameter files share."""
    code: int | None = None
    dims: list[int] = []
    for field in message:
        if field.number == 1:
            code = message.integer(field)
        elif field.number == 2:
            dims.extend(message.integers(field))
    if code is None or len(dims) > MAX_RANK or any(extent < -1 for extent in dims):
        raise message.corrupt("an element type and extents of at least -1", f"type {code}, {dims[:8]}")
    return TensorDesc(PADDLE_DTYPES.get(code), tuple(dims))


def _operator(message: Message) -> Operator:
    kind = ""
    inputs: dict[str, tuple[str, ...]] = {}
    outputs: dict[str, tuple[str, ...]] = {}
    attributes: dict[str, AttributeValue] = {}
    for field in message:
        if field.number in (1, 2):
            binding = _binding(message.message(field))
            (inputs if field.number == 1 else outputs)[binding.name] = binding.arguments
        elif field.number == 3:
            kind = message.text(field)
        elif field.number == 4:
            attribute = read_attribute(message.message(field))
            attributes[attribute.name] = attribute.value
    if not kind:
        raise message.corrupt("the type of an operator", "nothing")
    return Operator(kind, MappingProxyType(inputs), MappingProxyType(outputs), MappingProxyType(attributes))


class _Binding(NamedTuple):
    name: str
    arguments: tuple[str, ...]


def _binding(message: Message) -> _Binding:
    name = ""
    arguments: list[str] = []
    for field in message:
        if field.number == 1:
            name = message.text(field)
        elif field.number == 2:
            arguments.append(message.text(field))
    if not name:
        raise message.corrupt("the name of a binding", "nothing")
    return _Binding(name, tuple(arguments))
