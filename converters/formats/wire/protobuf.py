"""Reads the protobuf wire format, the layer below any schema, and believes no length before it is checked.

The protobuf libraries accept a message that stops early at a field boundary and, in Paddle-Lite, even one
that stops in the middle; here every length must fit into what encloses it.

Layout: a message is a run of fields; a field is a varint ``number << 3 | type`` and then, by type, a varint
(0), eight bytes (1), a length and that many bytes (2), or four bytes (5). Types 3 and 4 (groups) are used by
no format read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from converters.formats.errors import FormatErrors
from registry.errors import IntegrityError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

_MAX_VARINT_BYTES = 10
_MAX_FIELDS = 2_000_000  # twenty times the largest program seen, call stacks included


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: Field number of the schema.
        wire: Wire type.
        at: Byte where the field starts.
        value: Number for a varint, raw little-endian bits for a fixed field, first byte for a length field.
        size: Length in bytes of a length field, else 0.
        after: One past the last byte of the field.
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
    """The bytes that messages are read from.

    Args:
        data: All bytes of a file, or a stretch of it that was checked to be complete.
        errors: Makes the errors.
        origin: Where the stretch starts in the file; None for a whole file, which alone can be truncated.
    """

    __slots__ = ("_fields_left", "_origin", "data", "errors")

    def __init__(self, data: bytes, errors: FormatErrors, origin: int | None = None) -> None:
        self.data, self.errors = data, errors
        self._origin = origin
        self._fields_left = _MAX_FIELDS

    def message(self) -> Message:
        """The outermost message: all the bytes."""
        return Message(self, 0, len(self.data))

    def count(self) -> None:
        """Counts one field: a file of nothing but tiny fields ends in an error and not in a long wait."""
        self._fields_left -= 1
        if self._fields_left < 0:
            raise self.errors.too_large(f"at most {_MAX_FIELDS} fields", "more")

    def corrupt(self, at: int, expected: str, found: str) -> IntegrityError:
        """The error for bytes at ``at`` that break the format."""
        return self.errors.corrupt(at + (self._origin or 0), expected, found)

    def overrun(self, at: int, end: int, limit: int) -> IntegrityError:
        """The error for something that starts at ``at`` and would end at ``end`` instead of ``limit``."""
        if end > len(self.data) and self._origin is None:
            return self.errors.truncated(at, f"{end} bytes", f"a file of {len(self.data)} bytes")
        return self.corrupt(at, f"a field that ends within {limit - at} bytes", f"one of {end - at} bytes")


class Message:
    """A message between two bytes; iterating yields its fields in file order."""

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
            raise self.wire.corrupt(at, "a field number from 1", "0")
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
            # Nearly all keys and lengths are one byte long.
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
        raise self.wire.corrupt(at, f"a number of at most {_MAX_VARINT_BYTES} bytes", "a longer one")

    def _demand(self, field: Field, kind: int, what: str) -> None:
        if field.wire != kind:
            raise self.wire.corrupt(
                field.at, f"{what} in field {field.number} (wire type {kind})", f"wire type {field.wire}"
            )

    def corrupt(self, expected: str, found: str) -> IntegrityError:
        """The error for a message whose content makes no sense."""
        return self.wire.corrupt(self.start, expected, found)

    def message(self, field: Field) -> Message:
        """The message in a length field."""
        self._demand(field, LENGTH, "a message")
        return Message(self.wire, field.value, field.after)

    def integer(self, field: Field) -> int:
        """A signed integer of up to 64 bits (int32, int64, enum, bool)."""
        self._demand(field, VARINT, "a number")
        return _signed(field.value)

    def raw(self, field: Field) -> bytes:
        """A copy of the bytes in a length field."""
        self._demand(field, LENGTH, "bytes")
        return self.wire.data[field.value : field.after]

    def text(self, field: Field) -> str:
        """A string that names something, so it must be UTF-8."""
        try:
            return self.raw(field).decode()
        except UnicodeDecodeError as error:
            raise self.wire.corrupt(field.value + error.start, "a UTF-8 string", "other bytes") from None

    def integers(self, field: Field) -> Iterator[int]:
        """The numbers of one occurrence of a repeated integer field, which may be packed or single."""
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
        """The numbers of one occurrence of a float field, which may be packed or single."""
        return self._reals(field, FIXED32, "f")

    def doubles(self, field: Field) -> tuple[float, ...]:
        """The numbers of one occurrence of a double field, which may be packed or single."""
        return self._reals(field, FIXED64, "d")

    def _reals(self, field: Field, kind: int, code: str) -> tuple[float, ...]:
        width = struct.calcsize(code)
        if field.wire == LENGTH:
            raw = self.raw(field)
        else:
            self._demand(field, kind, "a real number")
            raw = field.value.to_bytes(width, "little")
        if len(raw) % width:
            raise self.wire.corrupt(field.value, f"numbers of {width} bytes", f"{len(raw)} bytes")
        return struct.unpack(f"<{len(raw) // width}{code}", raw)


def _signed(value: int) -> int:
    """A 64-bit value as two's complement."""
    return value - (1 << 64) if value >> 63 else value
