"""What REDUCE and BUILD may do: the exact combinations that arrays, and nothing else, are pickled with."""

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
)  # sub-array, names, fields, item size, alignment, flags: all unset
_PIECE = 1 << 16


class ArrayRules:
    """Decides calls and state changes.

    Args:
        size: Size of the file in bytes. Bytes decoded from text may not exceed it in sum, however often
            the pickle asks for the same text.
        errors: Words the errors.
    """

    def __init__(self, size: int, errors: CheckpointErrors) -> None:
        self._decodable = size
        self._errors = errors

    def call(self, function: Value, arguments: Value, offset: int) -> Value:
        """The value of ``function(*arguments)`` for the few calls an array consists of.

        Raises:
            IntegrityError: ``unsafe-pickle`` for every other call.
            ConversionError: ``weights-unsupported`` for an element type without a place here.
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
                value = PendingArray(self._stored(shape, dtype, order == "F", data, offset))
            case Global.ENCODE, (str() | LongText() as text, "latin1"):
                value = self._encoded(text, offset)
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
        """Gives a pending dtype or array its state, once.

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
                array.stored = self._stored(shape, dtype, bool(fortran), data, offset)
            case _:
                raise self._errors.unsafe(
                    f"BUILD on {describe(target)} with {describe(state)}", offset=offset
                )

    def _dtype(self, code: str, offset: int) -> PendingDtype:
        if code.startswith("O"):
            raise self._errors.unsafe(f"an array of Python objects (dtype {shorten(code)})", offset=offset)
        if code == "u2":
            # Paddle has no unsigned 16-bit type: these are the bits of bfloat16, and reading them as
            # integers would be silently wrong.
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

    def _encoded(self, text: str | LongText, offset: int) -> memoryview:
        raw = text.raw if isinstance(text, LongText) else memoryview(text.encode())
        self._decodable -= len(raw)
        if self._decodable < 0:
            raise self._errors.unsafe(
                "text decoded again and again, more than the file holds,", offset=offset
            )
        try:
            return memoryview(_to_latin1(raw))
        except UnicodeError:
            raise self._errors.unsafe("_codecs.encode of text that is not Latin-1", offset=offset) from None

    def _stored(
        self, shape: Value, dtype: PendingDtype, fortran: bool, data: memoryview, offset: int
    ) -> StoredArray:
        extents = as_shape(shape)
        if dtype.byte_order is None or extents is None:
            raise self._errors.unsafe("an array whose shape or dtype is unusable", offset=offset)
        stored = StoredArray(dtype.element, extents, dtype.byte_order, fortran, data)
        needed = stored.elements * dtype.element.size
        if needed != len(data):
            raise self._errors.malformed(
                f"the array at byte {offset} has other bytes than its shape says",
                expected=f"{needed} bytes for {dtype.element.name} {list(extents)}",
                found=f"{len(data)}",
            )
        return stored


def _to_latin1(raw: memoryview) -> bytes:
    """Latin-1 bytes of UTF-8 text, piece by piece so that hostile text cannot grow in memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoded = bytearray()
    for start in range(0, len(raw), _PIECE):
        encoded += decoder.decode(raw[start : start + _PIECE], final=start + _PIECE >= len(raw)).encode(
            "latin1"
        )
    return bytes(encoded)
