"""Inert values for the evaluation of checkpoint pickles."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from converters.checkpoints.dtypes import ElementType
from converters.checkpoints.pickle_stream import LongText
from converters.checkpoints.stored_array import ByteOrder, StoredArray


class Global(Enum):
    """The callables that array pickles name, as symbols that cannot be called."""

    RECONSTRUCT = "numpy.core.multiarray._reconstruct"
    FROM_BUFFER = "numpy.core.numeric._frombuffer"
    NDARRAY = "numpy.ndarray"
    DTYPE = "numpy.dtype"
    ENCODE = "_codecs.encode"
    BYTES = "bytes"
    TUPLE = "tuple"
    ORDERED_DICT = "collections.OrderedDict"


ALLOWED_GLOBALS = {
    ("numpy.core.multiarray", "_reconstruct"): Global.RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): Global.RECONSTRUCT,  # numpy 2 moved its core
    ("numpy.core.numeric", "_frombuffer"): Global.FROM_BUFFER,  # protocol 5
    ("numpy._core.numeric", "_frombuffer"): Global.FROM_BUFFER,
    ("numpy", "ndarray"): Global.NDARRAY,
    ("numpy", "dtype"): Global.DTYPE,
    ("_codecs", "encode"): Global.ENCODE,  # protocol 2 has no bytes and stores them as Latin-1 text
    ("__builtin__", "bytes"): Global.BYTES,  # b"" in protocol 2
    ("__builtin__", "tuple"): Global.TUPLE,  # paddle.save writes a Tensor as (name, array)
    ("builtins", "tuple"): Global.TUPLE,
    ("collections", "OrderedDict"): Global.ORDERED_DICT,
}
"""Exact pairs of module and name; a dotted name or a submodule is a different pair."""


@dataclass(eq=False, slots=True)
class PendingDtype:
    """A numpy.dtype, whose byte order BUILD sets.

    Attributes:
        element: Element type.
        byte_order: None until BUILD.
    """

    element: ElementType
    byte_order: ByteOrder | None = None


@dataclass(eq=False, slots=True)
class PendingArray:
    """A numpy.ndarray, whose shape, type and bytes BUILD sets.

    Attributes:
        stored: None until BUILD.
    """

    stored: StoredArray | None = None


Value: TypeAlias = (
    "bool | int | float | str | LongText | memoryview | Global | PendingDtype | PendingArray"
    " | tuple[Value, ...] | dict[str, Value] | None"
)

_TYPE_NAMES: dict[type, str] = {
    type(None): "None",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a text",
    LongText: "a long text",
    memoryview: "bytes",
    PendingDtype: "a dtype",
    PendingArray: "an array",
    tuple: "a tuple",
    dict: "a dictionary",
}


def describe(value: Value) -> str:
    """Name the type of a value for a message, without its content, which comes from the file."""
    return value.value if isinstance(value, Global) else _TYPE_NAMES[type(value)]
