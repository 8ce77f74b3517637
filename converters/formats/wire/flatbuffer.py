"""Reads FlatBuffers tables and follows no offset before it is checked.

The flatbuffers package trusts every offset in the file, so a damaged file makes it read foreign bytes, loop
or raise struct.error. Here each access is checked against the buffer, and an allowance bounds the total work:
a buffer can name one table from a million places, which a plain walk would visit a million times.

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

# Writers share vtables and may share equal strings, nothing else; real networks take less than one visit.
_VISITS_PER_BYTE = 2
_FLOOR = 1 << 16


class Span(NamedTuple):
    """A stretch of bytes: where it starts and how long it is."""

    offset: int
    size: int


class _VTable(NamedTuple):
    """Checked vtable: the size of tables that use it, and where in the table each field lies (0 = absent)."""

    table_size: int
    fields: tuple[int, ...]


class FlatBuffer:
    """One FlatBuffers buffer inside a larger file.

    Args:
        data: The whole file, so that errors can name its bytes.
        start: First byte of the buffer.
        end: One past its last byte; must lie within ``data``.
        errors: Makes the errors.
    """

    __slots__ = ("_allowance", "_vtables", "data", "end", "errors", "start")

    def __init__(self, data: bytes, start: int, end: int, errors: FormatErrors) -> None:
        self.data, self.start, self.end, self.errors = data, start, end, errors
        self._allowance = _VISITS_PER_BYTE * (end - start) + _FLOOR
        self._vtables: dict[int, _VTable] = {}

    def root(self) -> Table:
        """The outermost table.

        Raises:
            IntegrityError: The buffer is too short, or points outside itself.
        """
        return Table(self, self.follow(self.start))

    def follow(self, at: int) -> int:
        """The place an unsigned offset points to, at least four bytes before the end of the buffer."""
        self.demand(at, 4, "an offset")
        target = at + int(_U32.unpack_from(self.data, at)[0])
        if target == at or target + 4 > self.end:
            raise self.errors.corrupt(
                at, f"an offset that stays before byte {self.end}", f"one to byte {target}"
            )
        return target

    def demand(self, at: int, size: int, what: str) -> None:
        """Checks that ``size`` bytes at ``at`` lie in the buffer and pays for reading them."""
        if at < self.start or at + size > self.end:
            raise self.errors.corrupt(
                at,
                f"{what} of {size} bytes within bytes {self.start} to {self.end}",
                f"bytes {at} to {at + size}",
            )
        self._allowance -= size
        if self._allowance < 0:
            raise self.errors.corrupt(
                at, "each part of the buffer to be used once", "the same parts referred to over and over"
            )

    def vector(self, at: int, width: int, what: str) -> Span:
        """First element and number of elements of the vector at ``at``."""
        self.demand(at, 4, "a vector length")
        count = int(_U32.unpack_from(self.data, at)[0])
        self.demand(at + 4, count * width, what)
        return Span(at + 4, count)

    def string(self, at: int) -> str:
        """The string at ``at``; names and types are UTF-8 by the format."""
        span = self.vector(at, 1, "a string")
        end = span.offset + span.size
        self.demand(end, 1, "the NUL behind a string")
        if self.data[end]:
            raise self.errors.corrupt(end, "a NUL behind the string", "another byte")
        try:
            return self.data[span.offset : end].decode()
        except UnicodeDecodeError as error:
            raise self.errors.corrupt(span.offset + error.start, "a UTF-8 string", "other bytes") from None

    def vtable(self, table: int) -> _VTable:
        """The vtable of the table at ``table``."""
        self.demand(table, 4, "a table")
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
        self.demand(at, 4, "a vtable")
        size, table_size = _U16.unpack_from(self.data, at)[0], _U16.unpack_from(self.data, at + 2)[0]
        if size < 4 or size % 2 or table_size < 4:
            raise self.errors.corrupt(at, "a vtable of at least 4 bytes", f"sizes {size} and {table_size}")
        self.demand(at, size, "a vtable")
        fields = struct.unpack_from(f"<{size // 2 - 2}H", self.data, at + 4)
        return _VTable(int(table_size), fields)


class Table:
    """A table; fields are addressed by their position in the schema, counted from 0."""

    __slots__ = ("_buffer", "_fields", "_size", "position")

    def __init__(self, buffer: FlatBuffer, position: int) -> None:
        self._buffer = buffer
        self.position = position
        self._size, self._fields = buffer.vtable(position)

    def has(self, slot: int) -> bool:
        """Whether the field is present."""
        return slot < len(self._fields) and self._fields[slot] != 0

    def _at(self, slot: int, width: int) -> int:
        """Where the field lies, 0 when it is absent."""
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
        """A bool, false when absent."""
        return self.u8(slot) != 0

    def u8(self, slot: int) -> int:
        """An unsigned byte, such as the type of a union; 0 when absent."""
        at = self._at(slot, 1)
        return self._buffer.data[at] if at else 0

    def i32(self, slot: int) -> int:
        """An int or enumeration, 0 when absent."""
        return self._integer(slot, _I32)

    def i64(self, slot: int) -> int:
        """A long, 0 when absent."""
        return self._integer(slot, _I64)

    def f32(self, slot: int) -> float:
        """A float, 0 when absent."""
        at = self._at(slot, 4)
        return float(_F32.unpack_from(self._buffer.data, at)[0]) if at else 0.0

    def string(self, slot: int) -> str:
        """A string, empty when absent."""
        at = self._at(slot, 4)
        return self._buffer.string(self._buffer.follow(at)) if at else ""

    def required_string(self, slot: int, what: str) -> str:
        """A string the schema requires.

        Raises:
            IntegrityError: It is absent or empty.
        """
        text = self.string(slot)
        if not text:
            raise self._buffer.errors.corrupt(self.position, what, "nothing")
        return text

    def table(self, slot: int) -> Table | None:
        """A table inside this one."""
        at = self._at(slot, 4)
        return Table(self._buffer, self._buffer.follow(at)) if at else None

    def tables(self, slot: int) -> Iterator[Table]:
        """A vector of tables."""
        for at in self._references(slot, "a vector of tables"):
            yield Table(self._buffer, self._buffer.follow(at))

    def strings(self, slot: int) -> tuple[str, ...]:
        """A vector of strings."""
        buffer = self._buffer
        return tuple(buffer.string(buffer.follow(at)) for at in self._references(slot, "a vector of strings"))

    def numbers(self, slot: int, code: str) -> tuple[int, ...]:
        """A vector of numbers.

        Args:
            slot: Position of the field.
            code: Element type in the notation of ``struct``: ``i``, ``q``, ``f`` or ``?``.
        """
        at = self._at(slot, 4)
        if not at:
            return ()
        buffer = self._buffer
        span = buffer.vector(buffer.follow(at), struct.calcsize(f"<{code}"), "a vector of numbers")
        return struct.unpack_from(f"<{span.size}{code}", buffer.data, span.offset)

    def byte_span(self, slot: int) -> Span:
        """Where a vector of bytes lies, without reading it; the empty span when absent."""
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
