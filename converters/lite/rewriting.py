"""Changes operators in the private copy of a legacy program that opt reads, and nothing else, byte for byte.

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
    """What changes about one operator.

    Attributes:
        what: The change in a few words, the same for all operators it is made to.
        type: Its new type; None keeps it.
        attributes: Attributes that get another value, or are left out where it is None.
        outputs: Outputs that get a new variable each, which nobody reads.
    """

    what: str
    type: str | None = None
    attributes: Mapping[str, int | float | None] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()


Rule: TypeAlias = Callable[[Operator, Block], Edit | None]
"""Says what changes about an operator of a block; None when nothing does."""


class Place(NamedTuple):
    """Where an operator is: number of the block in the program, number of the operator in the block."""

    block: int
    operator: int


Edits: TypeAlias = Mapping[Place, Edit]


def plan_edits(program: Program, rules: Iterable[Rule]) -> Edits:
    """Ask rules about every operator of a program; the first that has something to say about one counts.

    Raises:
        ConversionError: Whatever a rule raises for an operator that it cannot change as it would have to.
    """
    rules = tuple(rules)
    edits: dict[Place, Edit] = {}
    for number, block in enumerate(program.blocks):
        for place, operator in enumerate(block.operators):
            edit = next((found for rule in rules if (found := rule(operator, block))), None)
            if edit is not None:
                edits[Place(number, place)] = edit
    return edits


def summary(edits: Edits) -> dict[str, int]:
    """What was changed, to the number of operators that it was done to, sorted."""
    done = Counter(edit.what for edit in edits.values())
    return {what: done[what] for what in sorted(done)}


def rewrite(path: Path, edits: Edits) -> None:
    """Change the private copy of a program in place.

    Args:
        path: The copy.
        edits: What was planned for exactly this program.
    """
    if not edits:
        return
    message = Wire(path.read_bytes(), FormatErrors(path, "program", "a legacy Paddle program")).message()
    path.write_bytes(b"".join(_program(message, edits)))


def _program(message: Message, edits: Edits) -> Iterator[bytes]:
    number = 0
    for each in message:
        if each.number == _BLOCKS:
            here = {place.operator: edit for place, edit in edits.items() if place.block == number}
            yield _encoded(_BLOCKS, b"".join(_block(message.message(each), here, number)))
            number += 1
        else:
            yield _raw(message, each)


def _block(block: Message, edits: Mapping[int, Edit], number: int) -> Iterator[bytes]:
    place = 0
    for each in block:
        if each.number == _OPS and place in edits:
            added = {slot: f"{slot.lower()}_{number}_{place}.tmp_0" for slot in edits[place].outputs}
            yield _encoded(_OPS, b"".join(_operator(block.message(each), edits[place], added)))
            yield from (_encoded(_VARS, _variable(name)) for name in added.values())
        else:
            yield _raw(block, each)
        place += each.number == _OPS


def _operator(operator: Message, edit: Edit, added: Mapping[str, str]) -> Iterator[bytes]:
    for each in operator:
        if each.number == _TYPE and edit.type is not None:
            yield _encoded(_TYPE, edit.type.encode())
        elif not (
            (each.number == _OUTPUTS and _slot(operator.message(each)) in added)
            or (each.number == _ATTRIBUTES and read_attribute(operator.message(each)).name in edit.attributes)
        ):
            yield _raw(operator, each)
    for slot, name in added.items():
        yield _encoded(_OUTPUTS, _encoded(_PARAMETER, slot.encode()) + _encoded(_ARGUMENTS, name.encode()))
    for name, value in edit.attributes.items():
        if value is not None:
            yield _encoded(_ATTRIBUTES, _attribute(name, value))


def _slot(binding: Message) -> str:
    return "".join(binding.text(each) for each in binding if each.number == _PARAMETER)


def _attribute(name: str, value: int | float) -> bytes:
    """OpDesc.Attr: name, type (AttrType.FLOAT = 1, BOOLEAN = 6, INT = 0) and value (f = 4, b = 10, i = 3)."""
    if isinstance(value, bool):
        return _encoded(1, name.encode()) + b"\x10\x06\x50" + bytes([value])
    if isinstance(value, float):
        return _encoded(1, name.encode()) + b"\x10\x01\x25" + struct.pack("<f", value)
    # protobuf spells a negative int32 with 64 bits.
    return _encoded(1, name.encode()) + b"\x10\x00\x18" + bytes(_varint(value & 0xFFFF_FFFF_FFFF_FFFF))


def _variable(name: str) -> bytes:
    """VarDesc: name, and a dense tensor (VarType.LOD_TENSOR = 7) of float32 (FP32 = 5) of no fixed shape."""
    tensor = b"\x08\x05\x10\x00"
    kind = b"\x08\x07" + _encoded(3, _encoded(1, tensor))
    return _encoded(1, name.encode()) + _encoded(2, kind)


def _raw(message: Message, each: Field) -> bytes:
    return message.wire.data[each.at : each.after]


def _encoded(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, *_varint(len(content))]) + content


def _varint(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
