"""Enlarging maps: copies of the nearest cell, or a mixture of four."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from zoo._utils.arrays import Array, Doubles, Integers
from zoo.runner.arm_fp16.float16 import halves
from zoo.runner.arm_fp16.kernels import LANES, add, multiply, multiply_add
from zoo.runner.arm_fp16.rule import BoundOperator, Compute, UnsupportedKernelError


def build_nearest(use: BoundOperator) -> Compute:
    """``nearest_interp_v2`` by a whole factor, where the nearest cell leaves no choice.

    Raises:
        UnsupportedKernelError: Any other enlargement.
    """
    use.require(align_corners=False, interp_method="nearest", data_layout="NCHW", out_h=-1, out_w=-1)
    scale = use.operator.attributes.get("scale")
    factors = [int(f) for f in scale if f in (2, 4, 8)] if isinstance(scale, tuple) else []
    if len(factors) != 2:
        raise UnsupportedKernelError(f"scale {scale}")
    down, right = factors
    return lambda inputs: (inputs.repeat(down, axis=2).repeat(right, axis=3),)


def build_bilinear(use: BoundOperator) -> Compute:
    """``bilinear_interp_v2`` to a given size with aligned corners.

    Raises:
        UnsupportedKernelError: Any other enlargement.
    """
    use.require(align_corners=True, interp_method="bilinear", data_layout="NCHW", align_mode=0, scale=())
    height, width = use.integer("out_h"), use.integer("out_w")
    if height < 1 or width < 1:
        raise UnsupportedKernelError(f"size {height}x{width}")
    return lambda inputs: (mixture(inputs, height, width),)


class Axis(NamedTuple):
    """Along one axis, what each cell is mixed of.

    Attributes:
        low: Cell before.
        high: Cell after.
        share_low: Weight of the cell before, a half.
        share_high: Weight of the cell after, a half.
        inner: Cells before the first that lies on the last one of the input.
    """

    low: Integers
    high: Integers
    share_low: Doubles
    share_high: Doubles
    inner: int


def axis(size: int, given: int) -> Axis:
    """Which cells are mixed, positions in single precision as the kernel has them.

    Args:
        size: Cells wanted.
        given: Cells there are.
    """
    step = np.float32(given - 1) / np.float32(size - 1) if size > 1 and given > 1 else np.float32(1)
    places = np.arange(size, dtype=np.float32) * step
    low = places.astype(np.int64)
    share_high = halves(places - low.astype(np.float32))
    inner = math.ceil(np.float32(given - 1) / step)
    outside = np.arange(size) >= inner
    return Axis(
        low=np.where(outside, given - 1, low),
        high=np.where(outside, given - 1, np.minimum(low + 1, given - 1)),
        share_low=halves(1 - share_high),
        share_high=share_high,
        inner=inner,
    )


def mixture(inputs: Doubles, height: int, width: int) -> Array:
    """Four cells mixed, first along rows, then along columns.

    Rows take two roundings for the products and one for the sum, in pairs of cells; a cell without a partner
    is mixed in single precision and rounded once. Columns take a product and a fused step, in eights; cells
    after the last eight in single precision again.

    Args:
        inputs: ``(1, C, h, w)``.
        height: Rows wanted.
        width: Columns wanted.
    """
    across, down = axis(width, inputs.shape[3]), axis(height, inputs.shape[2])
    low, high = inputs[..., across.low], inputs[..., across.high]
    rows = add(multiply(low, across.share_low), multiply(high, across.share_high))
    # Cells before and after the first on the edge are two loops, each with pairs and possibly one cell left.
    alone = [
        end - 1 for end, count in ((across.inner, across.inner), (width, width - across.inner)) if count % 2
    ]
    rows[..., alone] = _in_single(
        low[..., alone], across.share_low[alone], high[..., alone], across.share_high[alone]
    )
    above, below = rows[:, :, down.low], rows[:, :, down.high]
    share_above, share_below = down.share_low[:, None], down.share_high[:, None]
    out = multiply_add(below, share_below, multiply(above, share_above))
    rest = width - width % LANES
    out[..., rest:] = _in_single(above[..., rest:], share_above, below[..., rest:], share_below)
    return np.asarray(out)


def _in_single(a: Doubles, share_a: Doubles, b: Doubles, share_b: Doubles) -> Doubles:
    # Products of halves are exact in single precision; their sum is rounded there, and then to half.
    return halves((a * share_a + b * share_b).astype(np.float32))
