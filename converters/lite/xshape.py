"""Gives operators of a legacy program the optional output XShape, which Paddle 3 leaves out.

XShape holds the shape from before, for training. Paddle-Lite up to 2.10 writes to it without asking whether
it is there, in every runtime that loads the file, and opt up to 2.13rc0 does so for ``flatten`` on x86. An
output that nobody reads changes no number, so it is added to the copy that opt reads.

Field numbers are those of Paddle's ``framework.proto``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from converters.reading.faults import Faults
from converters.reading.protowire import Field, Message, Wire

_BLOCKS, _VARS, _OPS = 1, 3, 4  # ProgramDesc.blocks; BlockDesc.vars, .ops
_OUTPUTS, _TYPE = 2, 3  # OpDesc
_PARAMETER, _ARGUMENTS = 1, 2  # OpDesc.Var
_XSHAPE = "XShape"


_REMEMBERING = frozenset(
    {"transpose2", "reshape2", "flatten2", "flatten_contiguous_range", "squeeze2", "unsqueeze2"}
)


def needing_xshape(version: str, family: str) -> frozenset[str]:
    """Types of operators that crash without XShape in a version of Paddle-Lite.

    Args:
        version: The version.
        family: Processor the file is for.
    """
    if version in ("2.9.1", "2.10"):
        return _REMEMBERING
    if family == "x86" and version in ("2.11", "2.12", "2.13rc0"):
        return frozenset({"flatten_contiguous_range"})
    return frozenset()


def complete_program(path: Path, types: frozenset[str]) -> None:
    """Give the operators of a private copy of a program the outputs they lack."""
    faults = Faults(path, "program", "a legacy Paddle program")
    path.write_bytes(with_xshape(path.read_bytes(), types, faults))


@dataclass
class _Added:
    """Names of the variables that were added to a block."""

    names: list[str] = field(default_factory=list)


def with_xshape(program: bytes, types: frozenset[str], faults: Faults) -> bytes:
    """The program with an output XShape for each operator of some types that has none.

    Args:
        program: A legacy program.
        types: Types of operators.
        faults: Makes the errors for a program that is damaged.
    """
    message = Wire(program, faults).message()
    return b"".join(
        _encoded(_BLOCKS, _block(message.message(each), types, index))
        if each.number == _BLOCKS
        else _raw(message, each)
        for index, each in enumerate(message)
    )


def _block(block: Message, types: frozenset[str], index: int) -> bytes:
    added = _Added()
    parts = [
        _encoded(_OPS, _operator(block.message(each), types, f"{index}_{place}", added))
        if each.number == _OPS
        else _raw(block, each)
        for place, each in enumerate(block)
    ]
    return b"".join([*parts, *(_encoded(_VARS, _variable(name)) for name in added.names)])


def _operator(operator: Message, types: frozenset[str], place: str, added: _Added) -> bytes:
    fields = list(operator)
    kind = next((operator.text(each) for each in fields if each.number == _TYPE), "")
    slots = {each: _slot(operator.message(each)) for each in fields if each.number == _OUTPUTS}
    if kind not in types or any(name == _XSHAPE and filled for name, filled in slots.values()):
        return b"".join(_raw(operator, each) for each in fields)
    name = f"xshape_{place}.tmp_0"
    added.names.append(name)
    kept = [_raw(operator, each) for each in fields if slots.get(each, ("", False))[0] != _XSHAPE]
    output = _encoded(_PARAMETER, _XSHAPE.encode()) + _encoded(_ARGUMENTS, name.encode())
    return b"".join([*kept, _encoded(_OUTPUTS, output)])


def _slot(output: Message) -> tuple[str, bool]:
    fields = list(output)
    names = [output.text(each) for each in fields if each.number == _PARAMETER]
    return "".join(names), any(each.number == _ARGUMENTS for each in fields)


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
