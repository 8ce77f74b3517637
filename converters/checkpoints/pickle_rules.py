"""Rules for REDUCE and BUILD: only the exact combinations in pickled arrays are allowed."""

from __future__ import annotations

import codecs

from converters.checkpoints.dtypes import BY_PICKLE_CODE
from converters.checkpoints.errors import CheckpointErrors, shorten
from converters.checkpoints.pickle_stream import LongText
from converters.checkpoints.pickle_values import Global, PendingArray, PendingDtype, Value, describe
from converters.checkpoints.stored_array import ByteOrder, StoredArray, as_shape

_DTYPE_TAIL = (
    None,
    None,
    None,
    -1,
    -1,
    0,
)  # sub-array, names, fields, item size, alignment and flags, all unset
_PIECE_SIZE = 1 << 16


class ArrayRules:
    """Evaluates calls and state changes.

    Args:
        size: Size of the file in bytes, which limits the total number of bytes decoded from text.
        errors: Builds the errors.
    """

    def __init__(self, size: int, errors: CheckpointErrors) -> None:
        self._decodable = size
        self._errors = errors

    def call(self, function: Value, arguments: Value, offset: int) -> Value:
        """Evaluate ``function(*arguments)`` for the calls in pickled arrays.

        Raises:
            IntegrityError: ``unsafe-pickle`` for every other call.
            ConversionError: ``weights-unsupported`` for an unsupported element type.
        """
        match function, arguments:
            case Global.RECONSTRUCT, (Global.NDARRAY, (0,), memoryview() as code) if bytes(code[:2]) == b"b":
                value: Value = PendingArray()
            case Global.DTYPE, (str() as code, 0 | 1, 0 | 1):
                value = self._dtype(code, offset)
            case Global.FROM_BUFFER, (
                memoryview() as data,
                PendingDtype() as dtype,
                shape,
                "C" | "F" as order,
            ):
                value = PendingArray(self._make_array(shape, dtype, order == "F", data, offset))
            case Global.ENCODE, (str() | LongText() as text, "latin1"):
                value = self._encode(text, offset)
            case Global.BYTES, tuple(()):
                value = memoryview(b"")
            case Global.TUPLE, ((str(), PendingArray()) as named,):
                value = named
            case Global.ORDERED_DICT, tuple(()):
                value = {}
            case _:
                called = f"REDUCE, calling {describe(function)} with {describe(arguments)},"
                raise self._errors.unsafe(called, offset=offset)
        return value

    def build(self, target: Value, state: Value, offset: int) -> None:
        """Set the state of a pending dtype or array, once.

        Raises:
            IntegrityError: ``unsafe-pickle`` for any other target or state, ``weights-malformed`` when
                shape and bytes disagree.
        """
        match target, state:
            case PendingDtype(byte_order=None) as dtype, (3, "<" | ">" | "|" as order, *tail) if (
                tuple(tail) == _DTYPE_TAIL
            ):
                dtype.byte_order = self._byte_order(dtype, order, offset)
            case PendingArray(stored=None) as array, (
                1,
                shape,
                PendingDtype() as dtype,
                0 | 1 as fortran,
                memoryview() as data,
            ):
                array.stored = self._make_array(shape, dtype, bool(fortran), data, offset)
            case _:
                raise self._errors.unsafe(
                    f"BUILD on {describe(target)} with {describe(state)}", offset=offset
                )

    def _dtype(self, code: str, offset: int) -> PendingDtype:
        if code.startswith("O"):
            raise self._errors.unsafe(f"an array of Python objects (dtype {shorten(code)})", offset=offset)
        if code == "u2":
            # Paddle has no unsigned 16-bit type. These are the bits of bfloat16, and reading them as
            # integers would give wrong values without an error.
            raise self._errors.unsupported(
                "bfloat16 tensors, which Paddle stores as uint16",
                hint="convert to float32 before saving: network.to(dtype='float32')",
            )
        if code not in BY_PICKLE_CODE:
            raise self._errors.unsupported(f"an array of dtype {shorten(code)}")
        return PendingDtype(BY_PICKLE_CODE[code])

    def _byte_order(self, dtype: PendingDtype, order: ByteOrder, offset: int) -> ByteOrder:
        if (order == "|") != (dtype.element.size == 1):
            raise self._errors.unsafe(f"{dtype.element.name} with byte order {order}", offset=offset)
        return order

    def _encode(self, text: str | LongText, offset: int) -> memoryview:
        raw = text.raw if isinstance(text, LongText) else memoryview(text.encode())
        self._decodable -= len(raw)
        if self._decodable < 0:
            raise self._errors.unsafe(
                "repeated decoding of text, more bytes than the file has,", offset=offset
            )
        try:
            return memoryview(_to_latin1(raw))
        except UnicodeError:
            raise self._errors.unsafe("_codecs.encode of text that is not Latin-1", offset=offset) from None

    def _make_array(
        self, shape: Value, dtype: PendingDtype, fortran: bool, data: memoryview, offset: int
    ) -> StoredArray:
        extents = as_shape(shape)
        if dtype.byte_order is None or extents is None:
            raise self._errors.unsafe("an array whose shape or dtype is unusable", offset=offset)
        stored = StoredArray(dtype.element, extents, dtype.byte_order, fortran, data)
        needed = stored.elements * dtype.element.size
        if needed != len(data):
            raise self._errors.malformed(
                f"the size of the array at byte {offset} does not match its shape",
                expected=f"{needed} bytes for {dtype.element.name} {list(extents)}",
                found=f"{len(data)} bytes",
            )
        return stored


def _to_latin1(raw: memoryview) -> bytes:
    """Convert UTF-8 to Latin-1 in pieces, so that hostile text cannot expand in memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoded = bytearray()
    for start in range(0, len(raw), _PIECE_SIZE):
        encoded += decoder.decode(
            raw[start : start + _PIECE_SIZE], final=start + _PIECE_SIZE >= len(raw)
        ).encode("latin1")
    return bytes(encoded)
