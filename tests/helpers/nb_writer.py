"""Writer of small Lite models, with Google's FlatBuffers builder and independent of the reader."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers

KERNEL = "__@kernel_type_attr@__"
HEADER = 26
FP32, INT8 = 5, 21


@dataclass(frozen=True)
class Op:
    """An operator; ``kernel`` is alias/target/precision/layout in Paddle-Lite's numbers."""

    type: str
    inputs: Mapping[str, Sequence[str]]
    outputs: Mapping[str, Sequence[str]]
    kernel: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Var:
    name: str
    dims: Sequence[int] = ()
    persistable: bool = False
    kind: int = 7


@dataclass(frozen=True)
class Weight:
    name: str
    dims: Sequence[int]
    data: bytes
    dtype: int = FP32


FEED_LIST, FETCH_LIST = Var("feed", kind=9, persistable=True), Var("fetch", kind=10, persistable=True)
WEIGHT = Weight("w", (2, 3), bytes(24))
VARIABLES = (
    FEED_LIST,
    FETCH_LIST,
    Var("image", (1, 3, 4, 4)),
    Var("heat", (1, 2, 4, 4)),
    Var("w", (2, 3), True),
)


def feed(name: str, column: int = 0) -> Op:
    return Op("feed", {"X": ["feed"]}, {"Out": [name]}, "def/1/4/2", {"col": column})


def fetch(name: str, column: int = 0) -> Op:
    return Op("fetch", {"X": [name]}, {"Out": ["fetch"]}, "def/1/4/2", {"col": column})


def conv(kernel: str, **attributes: Any) -> Op:
    return Op("conv2d", {"Input": ["image"], "Filter": ["w"]}, {"Output": ["heat"]}, kernel, attributes)


def network(kernel: str, **attributes: Any) -> list[Op]:
    """Return a feed, one convolution with the given kernel and attributes, and a fetch."""
    return [feed("image"), conv(kernel, **attributes), fetch("heat")]


FP32_OPS = network("def/4/1/1")
FP16_OPS = [
    feed("image"),
    Op("calib", {"Input": ["image"]}, {"Out": ["image_fp16"]}, "fp32_to_fp16/4/5/1"),
    Op(
        "conv2d",
        {"Input": ["image_fp16"], "Filter": ["w"]},
        {"Output": ["sum"]},
        "def/4/5/1",
        {
            "w_fp16": "fp16",
            "strides": (1, 2),
            "scale": 0.5,
            "with_act": True,
            "names": ("a", "b"),
            "act": "relu",
        },
    ),
    Op("elementwise_add", {"X": ["sum"], "Y": ["image_fp16"]}, {"Out": ["sum"]}, "def/4/5/1"),
    Op("calib", {"Input": ["sum"]}, {"Out": ["heat"]}, "fp16_to_fp32/4/5/1"),
    Op("split", {"X": ["heat"]}, {"Out": ["heat"]}, "def/1/1/1"),
    fetch("heat"),
]


def nb(
    ops: Sequence[Op] = tuple(FP32_OPS),
    weights: Sequence[Weight] = (WEIGHT,),
    *,
    variables: Sequence[Var] = VARIABLES,
    meta: int = 2,
    version: bytes = b"v2.13-rc\0",
    noise: bytes = b"\xaa\xbb\xcc",
    trailing: bytes = b"",
) -> bytes:
    """Write a complete file; ``noise`` is the uninitialized memory after the version."""
    topology = _program(ops, variables)
    field_ = (version + noise).ljust(16, b"\0")[:16]
    params = _records(weights) if meta == 2 else _combined(weights)
    return struct.pack("<H", meta) + field_ + struct.pack("<Q", len(topology)) + topology + params + trailing


def _records(weights: Sequence[Weight]) -> bytes:
    out = struct.pack("<HHHHI", 0, 0, 6, len(weights), max((len(w.data) for w in weights), default=0))
    for weight in weights:
        builder = flatbuffers.Builder(256)
        builder.Finish(_param(builder, weight))
        content = bytes(builder.Output())
        out += struct.pack("<II", len(content) + 4, 4) + content
    return out


def _combined(weights: Sequence[Weight]) -> bytes:
    builder = flatbuffers.Builder(256)
    params = _tables(builder, [_param(builder, weight) for weight in weights])
    builder.Finish(_table(builder, 1, {0: params}))
    return bytes(builder.Output())


def _param(b: flatbuffers.Builder, weight: Weight) -> int:
    name, data, dims = b.CreateString(weight.name), b.CreateByteVector(weight.data), _longs(b, weight.dims)
    tensor = _table(b, 5, {2: dims, 4: data}, lambda: b.PrependInt32Slot(3, weight.dtype, 0))
    return _table(b, 4, {1: name, 3: tensor}, lambda: b.PrependUint8Slot(2, 1, 0))


def _program(ops: Sequence[Op], variables: Sequence[Var]) -> bytes:
    b = flatbuffers.Builder(4096)
    op_vector = _tables(b, [_op(b, op) for op in ops])
    var_vector = _tables(b, [_var(b, var) for var in variables])
    block = _table(b, 5, {2: var_vector, 3: op_vector}, lambda: b.PrependInt32Slot(1, -1, 0))
    blocks = _tables(b, [block])
    b.Finish(_table(b, 3, {0: blocks}))
    return bytes(b.Output())


def _var(b: flatbuffers.Builder, var: Var) -> int:
    name, holder = b.CreateString(var.name), 0
    if var.kind == 7:
        dims = _longs(b, var.dims)
        tensor = _table(b, 2, {1: dims}, lambda: b.PrependInt32Slot(0, FP32, 0))
        holder = _table(b, 2, {0: tensor})
    kind = _table(b, 6, {2: holder}, lambda: b.PrependInt32Slot(0, var.kind, 0))
    return _table(b, 4, {0: name, 1: kind}, lambda: b.PrependBoolSlot(2, var.persistable, False))


def _op(b: flatbuffers.Builder, op: Op) -> int:
    attributes = dict(op.attributes)
    if op.kernel is not None:
        attributes[KERNEL] = f"{op.type}/{op.kernel}"
    inputs = _tables(b, [_binding(b, name, bound) for name, bound in op.inputs.items()])
    outputs = _tables(b, [_binding(b, name, bound) for name, bound in op.outputs.items()])
    attrs = _tables(b, [_attribute(b, name, value) for name, value in attributes.items()])
    return _table(b, 5, {0: b.CreateString(op.type), 1: inputs, 2: outputs, 3: attrs})


def _binding(b: flatbuffers.Builder, name: str, bound: Sequence[str]) -> int:
    strings = _tables(b, [b.CreateString(text) for text in bound])
    return _table(b, 2, {0: b.CreateString(name), 1: strings})


def _attribute(b: flatbuffers.Builder, name: str, value: Any) -> int:
    label = b.CreateString(name)
    match value:
        case bool():
            return _attr(b, label, 6, lambda: b.PrependBoolSlot(8, value, False))
        case int():
            return _attr(b, label, 0, lambda: b.PrependInt32Slot(2, value, 0))
        case float():
            return _attr(b, label, 1, lambda: b.PrependFloat32Slot(3, value, 0.0))
        case str():
            text = b.CreateString(value)
            return _attr(b, label, 2, lambda: b.PrependUOffsetTRelativeSlot(4, text, 0))
        case [str(), *_]:
            strings = _tables(b, [b.CreateString(text) for text in value])
            return _attr(b, label, 5, lambda: b.PrependUOffsetTRelativeSlot(7, strings, 0))
        case _:
            numbers = _vector(b, 4, value, b.PrependInt32)
            return _attr(b, label, 3, lambda: b.PrependUOffsetTRelativeSlot(5, numbers, 0))


def _attr(b: flatbuffers.Builder, label: int, kind: int, put: Callable[[], None]) -> int:
    def fill() -> None:
        b.PrependInt32Slot(1, kind, 0)
        put()

    return _table(b, 14, {0: label}, fill)


def _table(
    b: flatbuffers.Builder, fields: int, offsets: Mapping[int, int], put: Callable[[], None] = lambda: None
) -> int:
    b.StartObject(fields)
    for slot, offset in offsets.items():
        b.PrependUOffsetTRelativeSlot(slot, offset, 0)
    put()
    return int(b.EndObject())


def _tables(b: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    return _vector(b, 4, offsets, b.PrependUOffsetTRelative)


def _longs(b: flatbuffers.Builder, numbers: Sequence[int]) -> int:
    return _vector(b, 8, numbers, b.PrependInt64)


def _vector(b: flatbuffers.Builder, width: int, items: Sequence[int], put: Callable[[int], None]) -> int:
    b.StartVector(width, len(items), width)
    for item in reversed(items):
        put(item)
    return int(b.EndVector())
