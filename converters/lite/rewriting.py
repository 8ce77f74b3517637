"""Edits operators in the private copy of a legacy program for opt; all other bytes stay unchanged.

Field numbers are those of Paddle's ``framework.proto``.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

from converters.formats import Program
from converters.formats.errors import FormatErrors
from converters.formats.graph import Block, Operator
from converters.formats.paddle.attributes import read_attribute
from converters.formats.wire.protobuf import Field, Message, Wire

_BLOCKS, _VARS, _OPS = 1, 3, 4  # ProgramDesc.blocks; BlockDesc.vars, .ops
_OUTPUTS, _TYPE, _ATTRIBUTES = 2, 3, 4  # OpDesc
_PARAMETER, _ARGUMENTS = 1, 2  # OpDesc.Var


@dataclass(frozen=True)
class Edit:
    """An edit of one operator.

    Attributes:
        what: Description of the edit, equal for all operators it applies to.
        type: The new type; None keeps the old one.
        attributes: New values of attributes; None removes the attribute.
        outputs: Outputs to add, each with a new variable that no operator reads.
    """

    what: str
    type: str | None = None
    attributes: Mapping[str, int | float | None] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()


Rule: TypeAlias = Callable[[Operator, Block], Edit | None]
"""Returns the edit for an operator of a block; None for no edit."""


class OperatorIndex(NamedTuple):
    """Position of an operator: index of the block in the program, index of the operator in the block."""

    block: int
    operator: int


Edits: TypeAlias = Mapping[OperatorIndex, Edit]


def plan_edits(program: Program, rules: Iterable[Rule]) -> Edits:
    """Apply the rules to every operator of a program; the first rule that returns an edit wins.

    Raises:
        ConversionError: A rule cannot make the edit that an operator needs.
    """
    rules = tuple(rules)
    edits: dict[OperatorIndex, Edit] = {}
    for number, block in enumerate(program.blocks):
        for position, operator in enumerate(block.operators):
            edit = next((found for rule in rules if (found := rule(operator, block))), None)
            if edit is not None:
                edits[OperatorIndex(number, position)] = edit
    return edits


def summarize_edits(edits: Edits) -> dict[str, int]:
    """Count the edited operators by the description of the edit, sorted."""
    counts = Counter(edit.what for edit in edits.values())
    return {what: counts[what] for what in sorted(counts)}


def apply_edits(path: Path, edits: Edits) -> None:
    """Edit the private copy of a program in place.

    Args:
        path: The copy.
        edits: Edits planned for this program.
    """
    if not edits:
        return
    message = Wire(path.read_bytes(), FormatErrors(path, "program", "a legacy Paddle program")).message()
    path.write_bytes(b"".join(_program(message, edits)))


def _program(message: Message, edits: Edits) -> Iterator[bytes]:
    number = 0
    for each in message:
        if each.number == _BLOCKS:
            own = {index.operator: edit for index, edit in edits.items() if index.block == number}
            yield _encode(_BLOCKS, b"".join(_block(message.message(each), own, number)))
            number += 1
        else:
            yield _raw(message, each)


def _block(block: Message, edits: Mapping[int, Edit], number: int) -> Iterator[bytes]:
    position = 0
    for each in block:
        if each.number == _OPS and position in edits:
            added = {slot: f"{slot.lower()}_{number}_{position}.tmp_0" for slot in edits[position].outputs}
            yield _encode(_OPS, b"".join(_operator(block.message(each), edits[position], added)))
            yield from (_encode(_VARS, _variable(name)) for name in added.values())
        else:
            yield _raw(block, each)
        position += each.number == _OPS


def _operator(operator: Message, edit: Edit, added: Mapping[str, str]) -> Iterator[bytes]:
    for each in operator:
        if each.number == _TYPE and edit.type is not None:
            yield _encode(_TYPE, edit.type.encode())
        elif not (
            (each.number == _OUTPUTS and _slot(operator.message(each)) in added)
            or (each.number == _ATTRIBUTES and read_attribute(operator.message(each)).name in edit.attributes)
        ):
            yield _raw(operator, each)
    for slot, name in added.items():
        yield _encode(_OUTPUTS, _encode(_PARAMETER, slot.encode()) + _encode(_ARGUMENTS, name.encode()))
    for name, value in edit.attributes.items():
        if value is not None:
            yield _encode(_ATTRIBUTES, _attribute(name, value))


def _slot(binding: Message) -> str:
    return "".join(binding.text(each) for each in binding if each.number == _PARAMETER)


def _attribute(name: str, value: int | float) -> bytes:
    """OpDesc.Attr: name, type (AttrType.FLOAT = 1, BOOLEAN = 6, INT = 0) and value (f = 4, b = 10, i = 3)."""
    if isinstance(value, bool):
        return _encode(1, name.encode()) + b"\x10\x06\x50" + bytes([value])
    if isinstance(value, float):
        return _encode(1, name.encode()) + b"\x10\x01\x25" + struct.pack("<f", value)
    # protobuf encodes a negative int32 with 64 bits.
    return _encode(1, name.encode()) + b"\x10\x00\x18" + bytes(_varint(value & 0xFFFF_FFFF_FFFF_FFFF))


def _variable(name: str) -> bytes:
    """VarDesc: name, and a dense tensor (VarType.LOD_TENSOR = 7) of float32 (FP32 = 5) without a shape."""
    tensor = b"\x08\x05\x10\x00"
    kind = b"\x08\x07" + _encode(3, _encode(1, tensor))
    return _encode(1, name.encode()) + _encode(2, kind)


def _raw(message: Message, each: Field) -> bytes:
    return message.wire.data[each.at : each.after]


def _encode(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, *_varint(len(content))]) + content


def _varint(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
