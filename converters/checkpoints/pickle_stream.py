"""The bytes of a pickle as a stream of instructions, limited to those a state dict is made of.

Names and layouts of the opcodes are those of the standard library's ``pickletools``. An opcode outside
the table ends the reading before its argument is looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from converters.checkpoints.errors import CheckpointErrors

MAX_INSTRUCTIONS = 150_000
"""About 28 are needed per tensor, so this is near 5000 tensors; the largest network here has 1342."""

_MAX_GLOBAL_LINE = 256
_MAX_PROTOCOL = 5

_MAX_TEXT = 4096


@dataclass(frozen=True, slots=True)
class LongText:
    """Text that is no name: in protocol 2 the bytes of arrays travel as text.

    It stays as it is until it turns out to be an array, because decoded text can take four times its
    size in memory.

    Attributes:
        raw: The text as UTF-8, not yet checked.
    """

    raw: memoryview


Argument: TypeAlias = int | float | str | LongText | memoryview | tuple[str, str] | None


class Instruction(NamedTuple):
    """One step of the pickle's program.

    Attributes:
        offset: Byte where the opcode stands.
        name: Opcode name as in ``pickletools``.
        argument: What follows the opcode: a number, text, bytes, or (module, name); None without argument.
    """

    offset: int
    name: str
    argument: Argument


class _Cursor:
    """Reads opcode arguments, never past the end of the data."""

    __slots__ = ("data", "opcode", "opcode_offset", "position", "errors")

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
        [value] = struct.unpack(">d", self.take(8))  # big-endian, as pickletools says
        return float(value)

    def protocol(self) -> int:
        version = self.u8()
        if version > _MAX_PROTOCOL:
            raise self.errors.unsafe(f"pickle protocol {version}", offset=self.opcode_offset)
        return version

    def frame(self) -> int:
        # A frame only announces how much to read ahead; the content is in the stream either way.
        length = int.from_bytes(self.take(8), "little")
        if length > len(self.data) - self.position:
            raise self.errors.truncated(
                f"inside the frame that begins at byte {self.opcode_offset}",
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
        return self._decoded(self.bytes8())

    def text32(self) -> str | LongText:
        raw = self.bytes32()
        return LongText(raw) if len(raw) > _MAX_TEXT else self._decoded(raw)

    def global_lines(self) -> tuple[str, str]:
        return (self._line(), self._line())

    def _line(self) -> str:
        window = bytes(self.data[self.position : self.position + _MAX_GLOBAL_LINE])
        line, newline, _ = window.partition(b"\n")
        if not newline and len(window) == _MAX_GLOBAL_LINE:
            raise self.errors.unsafe("a global with an overlong name", offset=self.opcode_offset)
        self.take(len(line) + 1)
        return self._decoded(memoryview(line))

    def _decoded(self, raw: memoryview) -> str:
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


def instructions(data: bytes, errors: CheckpointErrors) -> Iterator[Instruction]:
    """Yields the instructions of a pickle up to and including STOP.

    Args:
        data: The whole file.
        errors: Words the errors.

    Raises:
        IntegrityError: ``unsafe-pickle`` for an opcode no state dict needs, ``weights-truncated`` when
            the data ends before STOP, ``weights-malformed`` for text that is not UTF-8 and for bytes
            after STOP, ``weights-too-large`` beyond `MAX_INSTRUCTIONS`.
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
            expected=f"the file to end at byte {cursor.position}",
            found=f"{surplus} more bytes",
        )


def _opcode_name(code: int) -> str:
    # pickletools is the standard library's table of opcodes; it is asked for a name, never to read.
    import pickletools

    names = {opcode.code: opcode.name for opcode in pickletools.opcodes}
    return names.get(chr(code), f"0x{code:02x}, which no pickle has")
