"""Reader of the protobuf wire format, the layer below any schema, that checks every length.

The protobuf libraries accept a message that ends early at a field boundary and, in Paddle-Lite, even one that
ends inside a field. Here every length must fit into the enclosing message.

Layout: a message is a sequence of fields; a field is a varint ``number << 3 | type`` and then, by type, a
varint (0), eight bytes (1), a length and that many bytes (2), or four bytes (5). No supported format uses the
types 3 and 4 (groups).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from converters.formats.errors import FormatErrors
from registry.errors import IntegrityError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

_MAX_VARINT_BYTES = 10
_MAX_FIELDS = 2_000_000  # twenty times the largest known program, with call stacks


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: Field number in the schema.
        wire: Wire type.
        at: Start of the field.
        value: Number of a varint, little-endian bits of a fixed field, start of the bytes of a length field.
        size: Length in bytes of a length field, else 0.
        after: End of the field, exclusive.
    """

    number: int
    wire: int
    at: int
    value: int
    size: int
    after: int


class _Varint(NamedTuple):
    value: int
    end: int


class Wire:
    """The bytes of one or more messages.

    Args:
        data: All bytes of a file, or a part of it that is known to be complete.
        errors: Builds the errors.
        origin: Position of the part in the file; None for a whole file, which can be truncated.
    """

    __slots__ = ("_fields_left", "_origin", "data", "errors")

    def __init__(self, data: bytes, errors: FormatErrors, origin: int | None = None) -> None:
        self.data, self.errors = data, errors
        self._origin = origin
        self._fields_left = _MAX_FIELDS

    def message(self) -> Message:
        """Return the outermost message: all bytes."""
        return Message(self, 0, len(self.data))

    def count(self, number: int = 1) -> None:
        """Count fields and numbers, so that many tiny ones cannot take much time or memory."""
        self._fields_left -= number
        if self._fields_left < 0:
            raise self.errors.too_large(f"at most {_MAX_FIELDS} fields and numbers", "more")

    def corrupt(self, at: int, expected: str, found: str) -> IntegrityError:
        """Build the error for invalid bytes at ``at``."""
        return self.errors.corrupt(at + (self._origin or 0), expected, found)

    def overrun(self, at: int, end: int, limit: int) -> IntegrityError:
        """Build the error for content from ``at`` to ``end`` that extends past ``limit``."""
        if end > len(self.data) and self._origin is None:
            return self.errors.truncated(at, f"{end} bytes", f"a file of {len(self.data)} bytes")
        return self.corrupt(
            at, f"a field that ends within {limit - at} bytes", f"a field of {end - at} bytes"
        )


class Message:
    """A message in a range of bytes; iteration yields its fields in file order."""

    __slots__ = ("end", "start", "wire")

    def __init__(self, wire: Wire, start: int, end: int) -> None:
        self.wire, self.start, self.end = wire, start, end

    def __iter__(self) -> Iterator[Field]:
        at = self.start
        while at < self.end:
            field = self._field(at)
            yield field
            at = field.after

    def _field(self, at: int) -> Field:
        self.wire.count()
        key = self._varint(at)
        number, kind = key.value >> 3, key.value & 7
        if not number:
            raise self.wire.corrupt(at, "a field number of at least 1", "0")
        if kind == LENGTH:
            length = self._varint(key.end)
            field = Field(number, kind, at, length.end, length.value, length.end + length.value)
        elif kind == VARINT:
            content = self._varint(key.end)
            field = Field(number, kind, at, content.value, 0, content.end)
        elif kind in (FIXED32, FIXED64):
            after = key.end + (4 if kind == FIXED32 else 8)
            field = Field(
                number, kind, at, int.from_bytes(self.wire.data[key.end : after], "little"), 0, after
            )
        else:
            raise self.wire.corrupt(at, "a wire type of 0, 1, 2 or 5", str(kind))
        if field.after > self.end:
            raise self.wire.overrun(at, field.after, self.end)
        return field

    def _varint(self, at: int) -> _Varint:
        data, end = self.wire.data, self.end
        if at < end and data[at] < 0x80:
            # Most keys and lengths take one byte.
            return _Varint(data[at], at + 1)
        value = shift = 0
        for position in range(at, at + _MAX_VARINT_BYTES):
            if position >= end:
                raise self.wire.overrun(at, position + 1, end)
            byte = data[position]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return _Varint(value & 0xFFFF_FFFF_FFFF_FFFF, position + 1)
            shift += 7
        raise self.wire.corrupt(at, f"a number of at most {_MAX_VARINT_BYTES} bytes", "a longer number")

    def _require_wire_type(self, field: Field, kind: int, what: str) -> None:
        if field.wire != kind:
            raise self.wire.corrupt(
                field.at, f"{what} in field {field.number} (wire type {kind})", f"wire type {field.wire}"
            )

    def corrupt(self, expected: str, found: str) -> IntegrityError:
        """Build the error for invalid content of this message."""
        return self.wire.corrupt(self.start, expected, found)

    def message(self, field: Field) -> Message:
        """Return the message in a length field."""
        self._require_wire_type(field, LENGTH, "a message")
        return Message(self.wire, field.value, field.after)

    def integer(self, field: Field) -> int:
        """Read a signed integer of up to 64 bits (int32, int64, enum, bool)."""
        self._require_wire_type(field, VARINT, "a number")
        return _signed(field.value)

    def raw(self, field: Field) -> bytes:
        """Copy the bytes of a length field."""
        self._require_wire_type(field, LENGTH, "bytes")
        return self.wire.data[field.value : field.after]

    def text(self, field: Field) -> str:
        """Read a string, which must be UTF-8."""
        try:
            return self.raw(field).decode()
        except UnicodeDecodeError as error:
            raise self.wire.corrupt(field.value + error.start, "a UTF-8 string", "other bytes") from None

    def integers(self, field: Field) -> Iterator[int]:
        """Read the numbers of one occurrence of a repeated integer field, packed or single."""
        if field.wire != LENGTH:
            yield self.integer(field)
            return
        packed = Message(self.wire, field.value, field.after)
        at = packed.start
        while at < packed.end:
            self.wire.count()
            number = packed._varint(at)
            yield _signed(number.value)
            at = number.end

    def floats(self, field: Field) -> tuple[float, ...]:
        """Read the numbers of one occurrence of a float field, packed or single."""
        return self._read_floats(field, FIXED32, "f")

    def doubles(self, field: Field) -> tuple[float, ...]:
        """Read the numbers of one occurrence of a double field, packed or single."""
        return self._read_floats(field, FIXED64, "d")

    def _read_floats(self, field: Field, kind: int, code: str) -> tuple[float, ...]:
        width = struct.calcsize(code)
        if field.wire == LENGTH:
            raw = self.raw(field)
        else:
            self._require_wire_type(field, kind, "a real number")
            raw = field.value.to_bytes(width, "little")
        self.wire.count(len(raw) // width)
        if len(raw) % width:
            raise self.wire.corrupt(field.value, f"numbers of {width} bytes", f"{len(raw)} bytes")
        return struct.unpack(f"<{len(raw) // width}{code}", raw)


def _signed(value: int) -> int:
    """Interpret a 64-bit value as two's complement."""
    return value - (1 << 64) if value >> 63 else value
