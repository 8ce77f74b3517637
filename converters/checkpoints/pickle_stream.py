"""Reader of pickle instructions, limited to the opcodes of a state dict.

Opcode names and layouts are those of ``pickletools`` in the standard library. Any other opcode is an error,
raised before its argument is read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from converters.checkpoints.errors import CheckpointErrors

MAX_INSTRUCTIONS = 150_000
"""A tensor needs about 28, so this allows about 5000 tensors; the largest supported architecture has 1342."""

_MAX_GLOBAL_LINE = 256
_MAX_PROTOCOL = 5

_MAX_TEXT = 4096


@dataclass(frozen=True, slots=True)
class LongText:
    """Text too long for a name: protocol 2 stores the bytes of arrays as text.

    It is decoded only as the content of an array, because decoded text can take four times its size in
    memory.

    Attributes:
        raw: The text as unchecked UTF-8.
    """

    raw: memoryview


Argument: TypeAlias = int | float | str | LongText | memoryview | tuple[str, str] | None


class Instruction(NamedTuple):
    """One instruction of the pickle program.

    Attributes:
        offset: Position of the opcode.
        name: Opcode name as in ``pickletools``.
        argument: Argument of the opcode: a number, text, bytes or (module, name); None without one.
    """

    offset: int
    name: str
    argument: Argument


class _Cursor:
    """Reads opcode arguments, never past the end of the data."""

    __slots__ = ("data", "errors", "opcode", "opcode_offset", "position")

    def __init__(self, data: memoryview, errors: CheckpointErrors) -> None:
        self.data = data
        self.errors = errors
        self.position = 0
        self.opcode = "the first opcode"
        self.opcode_offset = 0

    def take(self, count: int) -> memoryview:
        end = self.position + count
        if end > len(self.data):
            raise self.errors.truncated(
                f"inside {self.opcode} at byte {self.opcode_offset}",
                expected=f"{count} bytes from byte {self.position}",
                found=f"{len(self.data) - self.position}",
            )
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "little")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def i32(self) -> int:
        return int.from_bytes(self.take(4), "little", signed=True)

    def f64(self) -> float:
        [value] = struct.unpack(">d", self.take(8))  # big-endian by the pickle format
        return float(value)

    def protocol(self) -> int:
        version = self.u8()
        if version > _MAX_PROTOCOL:
            raise self.errors.unsafe(f"pickle protocol {version}", offset=self.opcode_offset)
        return version

    def frame(self) -> int:
        # A frame only declares how many bytes to read ahead; its content is part of the stream.
        length = int.from_bytes(self.take(8), "little")
        if length > len(self.data) - self.position:
            raise self.errors.truncated(
                f"inside the frame that starts at byte {self.opcode_offset}",
                expected=f"{length} bytes",
                found=f"{len(self.data) - self.position}",
            )
        return length

    def bytes8(self) -> memoryview:
        return self.take(self.u8())

    def bytes32(self) -> memoryview:
        return self.take(self.u32())

    def bytes64(self) -> memoryview:
        return self.take(int.from_bytes(self.take(8), "little"))

    def text8(self) -> str:
        return self._decode(self.bytes8())

    def text32(self) -> str | LongText:
        raw = self.bytes32()
        return LongText(raw) if len(raw) > _MAX_TEXT else self._decode(raw)

    def global_lines(self) -> tuple[str, str]:
        return (self._read_line(), self._read_line())

    def _read_line(self) -> str:
        window = bytes(self.data[self.position : self.position + _MAX_GLOBAL_LINE])
        line, newline, _ = window.partition(b"\n")
        if not newline and len(window) == _MAX_GLOBAL_LINE:
            raise self.errors.unsafe("a global with too long a name", offset=self.opcode_offset)
        self.take(len(line) + 1)
        return self._decode(memoryview(line))

    def _decode(self, raw: memoryview) -> str:
        try:
            return str(raw, "utf-8")
        except UnicodeDecodeError as error:
            raise self.errors.malformed(
                f"{self.opcode} at byte {self.opcode_offset} is not UTF-8", found=error.reason
            ) from None


_Reader: TypeAlias = Callable[[_Cursor], Argument]

_OPCODES: dict[int, tuple[str, _Reader | None]] = {
    ord("("): ("MARK", None),
    ord(")"): ("EMPTY_TUPLE", None),
    ord("."): ("STOP", None),
    ord("}"): ("EMPTY_DICT", None),
    ord("s"): ("SETITEM", None),
    ord("u"): ("SETITEMS", None),
    ord("t"): ("TUPLE", None),
    0x85: ("TUPLE1", None),
    0x86: ("TUPLE2", None),
    0x87: ("TUPLE3", None),
    ord("N"): ("NONE", None),
    0x88: ("NEWTRUE", None),
    0x89: ("NEWFALSE", None),
    ord("J"): ("BININT", _Cursor.i32),
    ord("K"): ("BININT1", _Cursor.u8),
    ord("M"): ("BININT2", _Cursor.u16),
    ord("G"): ("BINFLOAT", _Cursor.f64),
    ord("X"): ("BINUNICODE", _Cursor.text32),
    0x8C: ("SHORT_BINUNICODE", _Cursor.text8),
    ord("B"): ("BINBYTES", _Cursor.bytes32),
    ord("C"): ("SHORT_BINBYTES", _Cursor.bytes8),
    0x96: ("BYTEARRAY8", _Cursor.bytes64),
    ord("c"): ("GLOBAL", _Cursor.global_lines),
    0x93: ("STACK_GLOBAL", None),
    ord("R"): ("REDUCE", None),
    ord("b"): ("BUILD", None),
    0x94: ("MEMOIZE", None),
    ord("q"): ("BINPUT", _Cursor.u8),
    ord("r"): ("LONG_BINPUT", _Cursor.u32),
    ord("h"): ("BINGET", _Cursor.u8),
    ord("j"): ("LONG_BINGET", _Cursor.u32),
    0x80: ("PROTO", _Cursor.protocol),
    0x95: ("FRAME", _Cursor.frame),
}


def read_instructions(data: bytes, errors: CheckpointErrors) -> Iterator[Instruction]:
    """Yield the instructions of a pickle up to and including STOP.

    Args:
        data: The whole file.
        errors: Builds the errors.

    Raises:
        IntegrityError: ``unsafe-pickle`` for an opcode that no state dict needs, ``weights-truncated`` when
            the data ends before STOP, ``weights-malformed`` for text that is not UTF-8 and for bytes
            after STOP, ``weights-too-large`` for more than `MAX_INSTRUCTIONS`.
    """
    cursor = _Cursor(memoryview(data), errors)
    for _ in range(MAX_INSTRUCTIONS):
        offset = cursor.position
        cursor.opcode_offset = offset
        if offset == len(data):
            raise errors.truncated(
                f"at byte {offset}", expected="the opcode STOP", found="the end of the file"
            )
        known = _OPCODES.get(data[offset])
        if known is None:
            raise errors.unsafe(f"the opcode {_opcode_name(data[offset])}", offset=offset)
        cursor.position = offset + 1
        cursor.opcode, reader = known
        yield Instruction(offset, cursor.opcode, reader(cursor) if reader else None)
        if cursor.opcode == "STOP":
            _check_end(cursor)
            return
    raise errors.too_large(
        "the pickle has too many instructions",
        limit=MAX_INSTRUCTIONS,
        found=f"more, up to byte {cursor.position}",
    )


def _check_end(cursor: _Cursor) -> None:
    surplus = len(cursor.data) - cursor.position
    if surplus:
        raise cursor.errors.malformed(
            f"{surplus} bytes follow the end of the pickle",
            expected=f"the end of the file at byte {cursor.position}",
            found=f"{surplus} more bytes",
        )


def _opcode_name(code: int) -> str:
    # pickletools is the standard library's table of opcodes; it only gives the name here.
    import pickletools

    names = {opcode.code: opcode.name for opcode in pickletools.opcodes}
    return names.get(chr(code), f"0x{code:02x}, which is not in the pickle format")
