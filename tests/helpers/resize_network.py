"""Writes a network with a convolution with bias, whose output is resized to several sizes."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers.paddle_writer import (
    attribute,
    block,
    chunk,
    feed,
    fetch,
    holder,
    number,
    operator,
    program,
    tensor,
    variable,
)

SHAPE = (-1, 3, 10, 8)


@dataclass(frozen=True)
class Resize:
    """An interpolation operator of version 2.

    Attributes:
        mode: ``nearest`` or ``bilinear``.
        scale: Scales of the two axes, or nothing.
        size: Height and width of the output, -1 where the scale decides.
        aligned: ``align_corners``.
        align_mode: As it is called.
        layout: ``data_layout``.
        inputs: Further inputs, for example ``OutSize``.
    """

    mode: str = "nearest"
    scale: Sequence[float] = ()
    size: tuple[int, int] = (-1, -1)
    aligned: bool = False
    align_mode: int = 0
    layout: str = "NCHW"
    inputs: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def operator(self, out: str) -> bytes:
        """Its message."""
        floats = b"".join(b"\x3d" + struct.pack("<f", each) for each in self.scale)
        attributes = [
            attribute("scale", 4, floats),
            attribute("out_h", 0, number(3, self.size[0])),
            attribute("out_w", 0, number(3, self.size[1])),
            attribute("out_d", 0, number(3, -1)),
            attribute("align_corners", 6, number(10, self.aligned)),
            attribute("align_mode", 0, number(3, self.align_mode)),
            attribute("data_layout", 2, chunk(5, self.layout)),
            attribute("interp_method", 2, chunk(5, self.mode)),
        ]
        inputs = {"X": ["sum"], **self.inputs}
        return operator(f"{self.mode}_interp_v2", inputs, {"Out": [out]}, b"".join(attributes))


def write_resizing(folder: Path, resizes: Sequence[Resize], shape: Sequence[int] = SHAPE) -> Path:
    """Write an inference model of images ``x`` with one output for each operator; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lists = (("strides", [1, 1]), ("paddings", [0, 0]), ("dilations", [1, 1]))
    settings = b"".join(
        attribute(name, 3, b"".join(number(6, value) for value in values)) for name, values in lists
    )
    settings += attribute("groups", 0, number(3, 1)) + attribute("data_format", 2, chunk(5, "NCHW"))
    steps = feed("x", 0) + operator("conv2d", {"Input": ["x"], "Filter": ["w"]}, {"Output": ["y"]}, settings)
    steps += operator(
        "elementwise_add", {"X": ["y"], "Y": ["b"]}, {"Out": ["sum"]}, attribute("axis", 0, number(3, 1))
    )
    variables = holder("feed", 9) + holder("fetch", 10)
    variables += b"".join(variable(name, shape) for name in ("x", "y", "sum"))
    variables += variable("b", (3,), persistable=True) + variable("w", (3, 3, 1, 1), persistable=True)
    for index, resize in enumerate(resizes):
        steps += resize.operator(f"out{index}") + fetch(f"out{index}", index)
        variables += variable(f"out{index}", (-1, 3, -1, -1))
    (folder / "model.pdmodel").write_bytes(program(block(variables + steps)))
    weights = [math.sin(1 + each) for each in range(12)]
    content = _filled((3,), weights[:3]) + _filled((3, 3, 1, 1), weights[3:])
    (folder / "model.pdiparams").write_bytes(content)
    return folder


def _filled(dims: Sequence[int], values: Sequence[float]) -> bytes:
    raw = struct.pack(f"<{len(values)}f", *values)
    return tensor(dims)[: -len(raw)] + raw
