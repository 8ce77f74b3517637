"""Writer of small legacy programs and parameter files, from Paddle's framework.proto."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

FP32, INT64 = 5, 3
ITEM = {FP32: 4, INT64: 8, 4: 2, 21: 1, 99: 4}


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def chunk(field: int, content: bytes | str) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def tensor_desc(dims: Sequence[int], dtype: int = FP32) -> bytes:
    return number(1, dtype) + b"".join(number(2, extent) for extent in dims)


def variable(name: str, dims: Sequence[int], *, dtype: int = FP32, persistable: bool = False) -> bytes:
    kind = number(1, 7) + chunk(3, chunk(1, tensor_desc(dims, dtype)))
    return chunk(3, chunk(1, name) + chunk(2, kind) + number(3, persistable))


def holder(name: str, kind: int) -> bytes:
    return chunk(3, chunk(1, name) + chunk(2, number(1, kind)) + number(3, 1))


def attribute(name: str, kind: int, value: bytes) -> bytes:
    return chunk(4, chunk(1, name) + number(2, kind) + value)


def operator(
    kind: str,
    inputs: Mapping[str, Sequence[str]],
    outputs: Mapping[str, Sequence[str]],
    attributes: bytes = b"",
) -> bytes:
    bound = b"".join(_binding(1, *pair) for pair in inputs.items())
    written = b"".join(_binding(2, *pair) for pair in outputs.items())
    return chunk(4, bound + written + chunk(3, kind) + attributes)


def _binding(field: int, name: str, bound: Sequence[str]) -> bytes:
    return chunk(field, chunk(1, name) + b"".join(chunk(2, text) for text in bound))


def column(index: int) -> bytes:
    return attribute("col", 0, number(3, index))


def feed(name: str, index: int) -> bytes:
    return operator("feed", {"X": ["feed"]}, {"Out": [name]}, column(index))


def fetch(name: str, index: int) -> bytes:
    return operator("fetch", {"X": [name]}, {"Out": ["fetch"]}, column(index))


CONV = operator(
    "conv2d",
    {"Input": ["image"], "Filter": ["w"], "Bias": ["b"]},
    {"Output": ["heat"]},
    attribute("strides", 3, number(6, 2) + number(6, 1))
    + attribute("data_format", 2, chunk(5, "NCHW"))
    + attribute("alpha", 1, b"\x25" + struct.pack("<f", 0.5))
    + attribute("op_callstack", 5, chunk(8, b"\xff\xfe broken"))
    + attribute("none", 3, b"")
    + attribute("is_test", 6, number(10, 1)),
)
VARIABLES = (
    holder("feed", 9)
    + holder("fetch", 10)
    + variable("image", (-1, 3, 8, 8))
    + variable("size", (2,), dtype=INT64)
    + variable("heat", (-1, 4, 4, 8))
    + variable("index", (-1, 4), dtype=INT64)
    # Unsorted on purpose: parameter files are sorted by name.
    + variable("w", (4, 3, 1, 1), persistable=True)
    + variable("b", (4,), persistable=True)
)
# Feeds and fetches are in reverse order of their columns, which Paddle can write.
OPERATORS = feed("size", 1) + feed("image", 0) + CONV + fetch("index", 1) + fetch("heat", 0)


def block(content: bytes = VARIABLES + OPERATORS, index: int = 0) -> bytes:
    return chunk(1, number(1, index) + number(2, -1) + content)


VERSION = chunk(4, number(1, 2_001_002))
OPERATOR_VERSIONS = chunk(5, chunk(1, chunk(1, "conv2d") + chunk(2, number(1, 1))))


def program(*blocks: bytes, version: bytes = VERSION, operator_versions: bytes = OPERATOR_VERSIONS) -> bytes:
    return b"".join(blocks or (block(),)) + version + operator_versions


def tensor(dims: Sequence[int], *, dtype: int = FP32, levels: Sequence[bytes] = ()) -> bytes:
    lod = b"".join(struct.pack("<Q", len(level)) + level for level in levels)
    desc = tensor_desc(dims, dtype)
    start = struct.pack("<IQ", 0, len(levels)) + lod + struct.pack("<Ii", 0, len(desc)) + desc
    return start + bytes(math.prod(dims) * ITEM[dtype])


PARAMS = tensor((4,)) + tensor((4, 3, 1, 1))


def write_open_convolution(folder: Path) -> None:
    """Write an inference model of one 3x3 convolution over images ``x`` of any size and batch."""
    numbers = (("strides", [2, 2]), ("paddings", [1, 1]), ("dilations", [1, 1]))
    settings = b"".join(
        attribute(name, 3, b"".join(number(6, value) for value in values)) for name, values in numbers
    )
    settings += attribute("groups", 0, number(3, 1))
    settings += attribute("data_format", 2, chunk(5, "NCHW"))
    conv = operator("conv2d", {"Input": ["x"], "Filter": ["w"]}, {"Output": ["y"]}, settings)
    variables = holder("feed", 9) + holder("fetch", 10)
    variables += variable("x", (-1, 3, -1, -1)) + variable("y", (-1, 8, -1, -1))
    variables += variable("w", (8, 3, 3, 3), persistable=True)
    content = variables + feed("x", 0) + conv + fetch("y", 0)
    (folder / "model.pdmodel").write_bytes(program(block(content)))
    weights = struct.pack("<216f", *(math.sin(n) for n in range(216)))
    (folder / "model.pdiparams").write_bytes(tensor((8, 3, 3, 3))[: -len(weights)] + weights)
