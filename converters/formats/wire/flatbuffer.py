"""Reader of FlatBuffers tables that checks every offset before it follows it.

The flatbuffers package trusts every offset in the file, so a damaged file makes it read unrelated bytes, loop
or raise struct.error. Here each access is checked against the buffer, and an allowance limits the total work:
a million references to one table would make a plain walk visit it a million times.

Layout, from the FlatBuffers internals document: a table starts with the signed distance back to its vtable;
the vtable holds its own size, the size of the table, and per field the distance from the table, 0 when
absent. Vectors and strings start with a u32 count. All numbers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from converters.formats.errors import FormatErrors

_U16 = struct.Struct("<H")
_I32 = struct.Struct("<i")
_U32 = struct.Struct("<I")
_I64 = struct.Struct("<q")
_F32 = struct.Struct("<f")

# Writers share vtables and sometimes equal strings, nothing else; real models stay below one visit per byte.
_VISITS_PER_BYTE = 2
_MIN_ALLOWANCE = 1 << 16

# A table or number of a few bytes becomes an object of a hundred. PP-TinyPose has 17,116 tables.
_MAX_TABLES = 200_000
_MAX_NUMBERS = 1_000_000


class Span(NamedTuple):
    """A range of bytes: offset and size."""

    offset: int
    size: int


class _VTable(NamedTuple):
    """A checked vtable: the size of its tables and the offset of each field in a table (0 = absent)."""

    table_size: int
    fields: tuple[int, ...]


class FlatBuffer:
    """One FlatBuffers buffer inside a larger file.

    Args:
        data: The whole file, so that errors give positions in the file.
        start: Start of the buffer.
        end: End of the buffer, exclusive; at most the length of ``data``.
        errors: Builds the errors.
    """

    __slots__ = ("_allowance", "_tables_left", "_vtables", "data", "end", "errors", "start")

    def __init__(self, data: bytes, start: int, end: int, errors: FormatErrors) -> None:
        self.data, self.start, self.end, self.errors = data, start, end, errors
        self._allowance = _VISITS_PER_BYTE * (end - start) + _MIN_ALLOWANCE
        self._tables_left = _MAX_TABLES
        self._vtables: dict[int, _VTable] = {}

    def root(self) -> Table:
        """Return the root table.

        Raises:
            IntegrityError: The buffer is too short, or an offset points outside of it.
        """
        return Table(self, self.follow(self.start))

    def follow(self, at: int) -> int:
        """Return the target of an unsigned offset, at least four bytes before the end of the buffer."""
        self.require_range(at, 4, "an offset")
        target = at + int(_U32.unpack_from(self.data, at)[0])
        if target == at or target + 4 > self.end:
            raise self.errors.corrupt(
                at, f"an offset that stays before byte {self.end}", f"one to byte {target}"
            )
        return target

    def require_range(self, at: int, size: int, what: str) -> None:
        """Check that ``size`` bytes at ``at`` lie in the buffer, and charge them to the allowance."""
        if at < self.start or at + size > self.end:
            raise self.errors.corrupt(
                at,
                f"{what} of {size} bytes within bytes {self.start} to {self.end}",
                f"bytes {at} to {at + size}",
            )
        self._allowance -= size
        if self._allowance < 0:
            raise self.errors.corrupt(
                at, "one reference to each part of the buffer", "repeated references to the same parts"
            )

    def vector(self, at: int, width: int, what: str) -> Span:
        """Return the offset of the first element and the number of elements of the vector at ``at``."""
        self.require_range(at, 4, "a vector length")
        count = int(_U32.unpack_from(self.data, at)[0])
        self.require_range(at + 4, count * width, what)
        return Span(at + 4, count)

    def string(self, at: int) -> str:
        """Return the string at ``at``, which must be UTF-8."""
        span = self.vector(at, 1, "a string")
        end = span.offset + span.size
        self.require_range(end, 1, "the NUL after a string")
        if self.data[end]:
            raise self.errors.corrupt(end, "a NUL after the string", "another byte")
        try:
            return self.data[span.offset : end].decode()
        except UnicodeDecodeError as error:
            raise self.errors.corrupt(span.offset + error.start, "a UTF-8 string", "other bytes") from None

    def vtable(self, table: int) -> _VTable:
        """Return the vtable of the table at ``table``, and count the table."""
        self._tables_left -= 1
        if self._tables_left < 0:
            raise self.errors.too_large(f"at most {_MAX_TABLES} tables", "more")
        self.require_range(table, 4, "a table")
        at = table - int(_I32.unpack_from(self.data, table)[0])
        known = self._vtables.get(at)
        if known is None:
            known = self._vtables[at] = self._read_vtable(at)
        if table + known.table_size > self.end:
            raise self.errors.corrupt(
                table, f"a table that ends by byte {self.end}", f"{known.table_size} bytes"
            )
        return known

    def _read_vtable(self, at: int) -> _VTable:
        self.require_range(at, 4, "a vtable")
        size, table_size = _U16.unpack_from(self.data, at)[0], _U16.unpack_from(self.data, at + 2)[0]
        if size < 4 or size % 2 or table_size < 4:
            raise self.errors.corrupt(at, "a vtable of at least 4 bytes", f"sizes {size} and {table_size}")
        self.require_range(at, size, "a vtable")
        fields = struct.unpack_from(f"<{size // 2 - 2}H", self.data, at + 4)
        return _VTable(int(table_size), fields)


class Table:
    """A table; a slot is the position of a field in the schema, from 0."""

    __slots__ = ("_buffer", "_fields", "_size", "position")

    def __init__(self, buffer: FlatBuffer, position: int) -> None:
        self._buffer = buffer
        self.position = position
        self._size, self._fields = buffer.vtable(position)

    def has(self, slot: int) -> bool:
        """Return whether the field is present."""
        return slot < len(self._fields) and self._fields[slot] != 0

    def _at(self, slot: int, width: int) -> int:
        """Return the position of the field, 0 when absent."""
        if not self.has(slot):
            return 0
        offset = self._fields[slot]
        if offset < 4 or offset + width > self._size:
            raise self._buffer.errors.corrupt(
                self.position, f"field {slot} inside the {self._size} bytes of its table", f"at byte {offset}"
            )
        return self.position + offset

    def _integer(self, slot: int, form: struct.Struct) -> int:
        at = self._at(slot, form.size)
        return int(form.unpack_from(self._buffer.data, at)[0]) if at else 0

    def bool(self, slot: int) -> bool:
        """Read a bool, false when absent."""
        return self.u8(slot) != 0

    def u8(self, slot: int) -> int:
        """Read an unsigned byte, such as the type of a union; 0 when absent."""
        at = self._at(slot, 1)
        return self._buffer.data[at] if at else 0

    def i32(self, slot: int) -> int:
        """Read an int or enumeration, 0 when absent."""
        return self._integer(slot, _I32)

    def i64(self, slot: int) -> int:
        """Read a long, 0 when absent."""
        return self._integer(slot, _I64)

    def f32(self, slot: int) -> float:
        """Read a float, 0 when absent."""
        at = self._at(slot, 4)
        return float(_F32.unpack_from(self._buffer.data, at)[0]) if at else 0.0

    def string(self, slot: int) -> str:
        """Read a string, empty when absent."""
        at = self._at(slot, 4)
        return self._buffer.string(self._buffer.follow(at)) if at else ""

    def required_string(self, slot: int, what: str) -> str:
        """Read a required string.

        Raises:
            IntegrityError: The string is absent or empty.
        """
        text = self.string(slot)
        if not text:
            raise self._buffer.errors.corrupt(self.position, what, "nothing")
        return text

    def table(self, slot: int) -> Table | None:
        """Read a nested table, None when absent."""
        at = self._at(slot, 4)
        return Table(self._buffer, self._buffer.follow(at)) if at else None

    def tables(self, slot: int) -> Iterator[Table]:
        """Read a vector of tables."""
        for at in self._references(slot, "a vector of tables"):
            yield Table(self._buffer, self._buffer.follow(at))

    def strings(self, slot: int) -> tuple[str, ...]:
        """Read a vector of strings."""
        buffer = self._buffer
        return tuple(buffer.string(buffer.follow(at)) for at in self._references(slot, "a vector of strings"))

    def numbers(self, slot: int, code: str) -> tuple[int, ...]:
        """Read a vector of numbers.

        Args:
            slot: Position of the field.
            code: Element type in the notation of ``struct``: ``i``, ``q``, ``f`` or ``?``.
        """
        at = self._at(slot, 4)
        if not at:
            return ()
        buffer = self._buffer
        span = buffer.vector(buffer.follow(at), struct.calcsize(f"<{code}"), "a vector of numbers")
        if span.size > _MAX_NUMBERS:
            raise buffer.errors.too_large(f"at most {_MAX_NUMBERS} numbers in a vector", str(span.size))
        return struct.unpack_from(f"<{span.size}{code}", buffer.data, span.offset)

    def byte_span(self, slot: int) -> Span:
        """Locate a vector of bytes without reading it; an empty span when absent."""
        at = self._at(slot, 4)
        if not at:
            return Span(self.position, 0)
        buffer = self._buffer
        return buffer.vector(buffer.follow(at), 1, "a vector of bytes")

    def _references(self, slot: int, what: str) -> range:
        at = self._at(slot, 4)
        if not at:
            return range(0)
        span = self._buffer.vector(self._buffer.follow(at), 4, what)
        return range(span.offset, span.offset + 4 * span.size, 4)
