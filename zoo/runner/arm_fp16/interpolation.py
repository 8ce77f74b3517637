"""Upsampling: copies of the nearest cell, or bilinear interpolation of four cells."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from zoo._utils.arrays import Array, Doubles, Integers
from zoo.runner.arm_fp16.float16 import round_to_fp16
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, UnsupportedKernelError
from zoo.runner.arm_fp16.kernels import LANES, add, multiply, multiply_add


def build_nearest(bound: BoundOperator) -> Compute:
    """Build ``nearest_interp_v2`` by an integer factor, for which the nearest cell is unambiguous.

    Raises:
        UnsupportedKernelError: Any other upsampling.
    """
    bound.require(align_corners=False, interp_method="nearest", data_layout="NCHW", out_h=-1, out_w=-1)
    scale = bound.operator.attributes.get("scale")
    factors = [int(f) for f in scale if f in (2, 4, 8)] if isinstance(scale, tuple) else []
    if len(factors) != 2:
        raise UnsupportedKernelError(f"scale {scale}")
    down, right = factors
    return lambda inputs: (inputs.repeat(down, axis=2).repeat(right, axis=3),)


def build_bilinear(bound: BoundOperator) -> Compute:
    """Build ``bilinear_interp_v2`` to a given size with aligned corners.

    Raises:
        UnsupportedKernelError: Any other upsampling.
    """
    bound.require(align_corners=True, interp_method="bilinear", data_layout="NCHW", align_mode=0, scale=())
    height, width = bound.integer("out_h"), bound.integer("out_w")
    if height < 1 or width < 1:
        raise UnsupportedKernelError(f"size {height}x{width}")
    return lambda inputs: (interpolate(inputs, height, width),)


class AxisWeights(NamedTuple):
    """Source cells and weights along one axis, per output cell.

    Attributes:
        low: Index of the source cell before.
        high: Index of the source cell after.
        weight_low: FP16 weight of the cell before.
        weight_high: FP16 weight of the cell after.
        inner: Number of output cells before the first one that lies on the last input cell.
    """

    low: Integers
    high: Integers
    weight_low: Doubles
    weight_high: Doubles
    inner: int


def axis_weights(size: int, source_size: int) -> AxisWeights:
    """Compute source cells and weights, with positions in single precision as in the kernel.

    Args:
        size: Number of output cells.
        source_size: Number of input cells.
    """
    last = source_size - 1
    step = np.float32(last) / np.float32(size - 1) if size > 1 and last > 0 else np.float32(1)
    positions = np.arange(size, dtype=np.float32) * step
    low = positions.astype(np.int64)
    weight_high = round_to_fp16(positions - low.astype(np.float32))
    inner = math.ceil(np.float32(last) / step)
    outside = np.arange(size) >= inner
    return AxisWeights(
        low=np.where(outside, last, low),
        high=np.where(outside, last, np.minimum(low + 1, last)),
        weight_low=round_to_fp16(1 - weight_high),
        weight_high=weight_high,
        inner=inner,
    )


def interpolate(inputs: Doubles, height: int, width: int) -> Array:
    """Interpolate four cells, first along rows, then along columns.

    Along rows each product and the sum are rounded, in pairs of cells; a cell without a partner is computed
    in single precision and rounded once. Along columns there is a product and a fused step, in groups of
    eight; cells after the last group are computed in single precision.

    Args:
        inputs: ``(1, C, h, w)``.
        height: Number of output rows.
        width: Number of output columns.
    """
    across, down = axis_weights(width, inputs.shape[3]), axis_weights(height, inputs.shape[2])
    low, high = inputs[..., across.low], inputs[..., across.high]
    rows = add(multiply(low, across.weight_low), multiply(high, across.weight_high))
    # Cells before and after the first on the edge are two loops of pairs, each possibly with one cell left.
    alone = [
        end - 1 for end, count in ((across.inner, across.inner), (width, width - across.inner)) if count % 2
    ]
    rows[..., alone] = _in_single(
        low[..., alone], across.weight_low[alone], high[..., alone], across.weight_high[alone]
    )
    above, below = rows[:, :, down.low], rows[:, :, down.high]
    weight_above, weight_below = down.weight_low[:, None], down.weight_high[:, None]
    out = multiply_add(below, weight_below, multiply(above, weight_above))
    rest = width - width % LANES
    out[..., rest:] = _in_single(above[..., rest:], weight_above, below[..., rest:], weight_below)
    return np.asarray(out)


def _in_single(a: Doubles, weight_a: Doubles, b: Doubles, weight_b: Doubles) -> Doubles:
    # Products of FP16 values are exact in single precision; the sum is rounded there, and then to FP16.
    return round_to_fp16((a * weight_a + b * weight_b).astype(np.float32))
