"""Reader of the header of a safetensors file, which checks all of it before any tensor is read.

Layout: little-endian u64 length of the header, the header as JSON, then the tensors back to back. The
safetensors library accepts repeated keys and reports errors in another form, and the light install, which can
summarize a file too, does not include it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

from converters.checkpoints.dtypes import BY_SAFETENSORS_CODE, ElementType
from converters.checkpoints.errors import CheckpointErrors, shorten
from converters.checkpoints.stored_array import as_shape, check_name

PREFIX = 8
MAX_HEADER = 4 << 20
"""Largest header in bytes, about 30,000 tensors. The library allows 100 MB, which take seconds to parse."""

METADATA = "__metadata__"


@dataclass(frozen=True, slots=True)
class HeaderEntry:
    """A tensor declared in the header.

    Attributes:
        element: Element type.
        shape: Extents, outermost first.
        begin: First byte, relative to the end of the header.
        end: End of the bytes, exclusive.
    """

    element: ElementType
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """A checked header.

    Attributes:
        tensors: Entries by name, in header order.
        metadata: Free text by key.
    """

    tensors: dict[str, HeaderEntry]
    metadata: dict[str, str]


def header_length(prefix: bytes, size: int, errors: CheckpointErrors) -> int:
    """Read the length of the JSON part from the first eight bytes and check it.

    Raises:
        IntegrityError: ``weights-truncated`` when the file is too short for it, ``weights-too-large``.
    """
    length = int.from_bytes(prefix, "little")
    if length > MAX_HEADER:
        raise errors.too_large(
            "the length of the safetensors header", limit=MAX_HEADER, found=f"{length} bytes"
        )
    if PREFIX + length > size:
        raise errors.truncated("inside the header", expected=f"{PREFIX + length} bytes", found=f"{size}")
    return length


def parse_header(raw: bytes, data_size: int, errors: CheckpointErrors) -> Header:
    """Parse the JSON part and check it against the number of bytes that follow it.

    Raises:
        IntegrityError: ``weights-malformed`` for anything but a complete, gapless, non-overlapping
            description, ``weights-truncated`` when tensors extend past the end of the file.
        ConversionError: ``weights-unsupported`` for an unsupported element type, or without tensors.
    """
    declared = _load_json(raw, errors)
    metadata = declared.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise errors.malformed("the safetensors metadata is not a dictionary of text")
    tensors = {name: _entry(name, declared[name], errors) for name in declared}
    if not tensors:
        raise errors.unsupported("it contains no tensors")
    _check_coverage(tensors, data_size, errors)
    return Header(tensors, metadata)


def _load_json(raw: bytes, errors: CheckpointErrors) -> dict[str, Any]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        unique = dict(items)
        if len(unique) != len(items):
            raise ValueError("a key occurs twice")
        return unique

    def constant(text: str) -> NoReturn:
        raise ValueError(f"{text} is not JSON")

    try:
        declared = json.loads(raw.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise errors.malformed("the safetensors header is not JSON", found=shorten(str(error))) from None
    if not isinstance(declared, dict):
        raise errors.malformed("the safetensors header is not a JSON object")
    return declared


def _entry(name: str, declared: object, errors: CheckpointErrors) -> HeaderEntry:
    check_name(name, errors)
    match declared:
        case {"dtype": str() as code, "shape": extents, "data_offsets": [begin, end], **rest} if (
            not rest and type(begin) is int and type(end) is int
        ):
            shape = as_shape(extents)
        case _:
            shape = None
    if shape is None:
        raise errors.malformed(f"the safetensors header has an invalid entry for {shorten(name)}")
    element = BY_SAFETENSORS_CODE.get(code)
    if element is None:
        raise errors.unsupported(
            f"{shorten(name)} has element type {shorten(code)}",
            hint="convert the tensors to float32 before saving",
        )
    return HeaderEntry(element, shape, begin, end)


def _check_coverage(tensors: dict[str, HeaderEntry], data_size: int, errors: CheckpointErrors) -> None:
    position = 0
    for name, entry in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        needed = math.prod(entry.shape) * entry.element.size
        if entry.begin != position or entry.end - entry.begin != needed:
            raise errors.malformed(
                f"the bytes of {shorten(name)} overlap others, leave a gap or do not match its shape",
                expected=f"{needed} bytes from byte {position} of the data",
                found=f"bytes {entry.begin} to {entry.end}",
            )
        position = entry.end
    if position > data_size:
        raise errors.truncated(
            "inside the tensors", expected=f"{position} bytes of data", found=f"{data_size}"
        )
    if position < data_size:
        raise errors.malformed(
            f"{data_size - position} bytes follow the last tensor",
            expected=f"{position} bytes of data",
            found=f"{data_size}",
        )
