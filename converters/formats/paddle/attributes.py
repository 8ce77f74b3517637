"""Operator attributes of a legacy program: the message OpDesc.Attr of Paddle's ``framework.proto``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from converters.formats.graph import AttributeValue, Scalar
from converters.formats.wire.protobuf import Field, Message

# AttrType values of lists: they distinguish an empty list from an absent value.
_LIST_TYPES = frozenset({3, 4, 5, 7, 10, 11, 12, 14})


class Attribute(NamedTuple):
    """A named attribute; its value is None for a type without a plain value."""

    name: str
    value: AttributeValue


def read_attribute(message: Message) -> Attribute:
    """Decode one attribute.

    Raises:
        IntegrityError: ``program-corrupt`` when the name is missing or the wire format is invalid.
    """
    name, kind = "", -1
    values: list[Scalar] = []
    for field in message:
        if field.number == 1:
            name = message.text(field)
        elif field.number == 2:
            kind = message.integer(field)
        else:
            values.extend(_values(message, field))
    if not name:
        raise message.corrupt("the name of an attribute", "nothing")
    if kind in _LIST_TYPES:
        return Attribute(name, tuple(values))
    return Attribute(name, values[-1] if values else None)


def _values(message: Message, field: Field) -> Iterator[Scalar]:
    match field.number:
        case 3 | 12 | 13:
            yield message.integer(field)
        case 6 | 14 | 15:
            yield from message.integers(field)
        case 10 | 11:
            yield from (bool(number) for number in message.integers(field))
        case 4 | 7:
            yield from message.floats(field)
        case 16 | 19:
            yield from message.doubles(field)
        case 5 | 8 | 17 | 18:
            # Call stacks contain file names of the exporting machine, in any encoding.
            yield message.raw(field).decode(errors="backslashreplace")
