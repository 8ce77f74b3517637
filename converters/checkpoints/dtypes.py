"""Supported element types of checkpoints, with their spelling in each file format."""

from __future__ import annotations

from typing import NamedTuple


class ElementType(NamedTuple):
    """One element type.

    Attributes:
        name: NumPy name, for example ``float32``.
        pickle_code: Kind and size as NumPy writes them into pickles.
        safetensors_code: Spelling in a safetensors header.
        size: Bytes per element.
    """

    name: str
    pickle_code: str
    safetensors_code: str
    size: int


ELEMENT_TYPES = (
    ElementType("float64", "f8", "F64", 8),
    ElementType("float32", "f4", "F32", 4),
    ElementType("float16", "f2", "F16", 2),
    ElementType("int64", "i8", "I64", 8),
    ElementType("int32", "i4", "I32", 4),
    ElementType("int16", "i2", "I16", 2),
    ElementType("int8", "i1", "I8", 1),
    ElementType("uint64", "u8", "U64", 8),
    ElementType("uint32", "u4", "U32", 4),
    ElementType("uint16", "u2", "U16", 2),
    ElementType("uint8", "u1", "U8", 1),
    ElementType("bool", "b1", "BOOL", 1),
)
BY_NAME = {element.name: element for element in ELEMENT_TYPES}
BY_PICKLE_CODE = {element.pickle_code: element for element in ELEMENT_TYPES}
BY_SAFETENSORS_CODE = {element.safetensors_code: element for element in ELEMENT_TYPES}
