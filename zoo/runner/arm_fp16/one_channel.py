"""Convolutions into one channel: the kernel swaps the roles of cells and weights."""

from __future__ import annotations

import numpy as np

from zoo._utils.arrays import Doubles
from zoo.runner.arm_fp16.kernels import LANES, add, multiply_add, one_channel_sum, one_channel_sums


def scale_one_channel(inputs: Doubles, weights: Doubles, bias: Doubles) -> Doubles:
    """Compute a 1x1 convolution of one channel: one fused step.

    Args:
        inputs: ``(1, H, W)``.
        weights: One weight.
        bias: One value.
    """
    return np.asarray(multiply_add(inputs, weights.item(), bias.item()))


def convolve_into_one_channel(inputs: Doubles, weights: Doubles, bias: float) -> Doubles:
    """Compute a convolution into one channel at stride 1 that keeps the size of the map.

    Taps are added by channel, row and column, in blocks of eight. Cells go through the kernel in eights; the
    last ones (fewer than eight) take another path.

    Args:
        inputs: ``(C, H, W)``.
        weights: ``(C, size, size)``; the size is odd.
        bias: Added last.

    Returns:
        ``(1, H, W)``.
    """
    (channels, size, _), (height, width) = weights.shape, inputs.shape[1:]
    margin = size // 2
    padded = np.pad(inputs, ((0, 0), (margin, margin), (margin, margin)))
    stride, plane = width + 2 * margin, (height + 2 * margin) * (width + 2 * margin)
    positions = (np.arange(height)[:, None] * stride + np.arange(width)).reshape(-1)
    span = positions[-1] + 1
    # Missing taps of the last block read zeros behind the last channel.
    missing = -weights.size % LANES
    values = np.concatenate([padded.reshape(-1), np.zeros(span)])
    window = (np.arange(size)[:, None] * stride + np.arange(size)).reshape(-1)
    offsets = (np.arange(channels)[:, None] * plane + window).reshape(-1)
    offsets = np.concatenate([offsets, np.full(missing, padded.size)])
    taps = np.concatenate([weights.reshape(-1), np.zeros(missing)])

    sums = np.zeros(span)
    one_channel_sums(values, offsets, taps, sums)
    out = np.asarray(add(sums[positions], bias))
    for cell in range(out.size - out.size % LANES, out.size):
        out[cell] = one_channel_sum(values[offsets + positions[cell]], taps, bias)
    return out.reshape(1, height, width)
