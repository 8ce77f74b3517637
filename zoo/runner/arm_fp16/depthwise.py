"""Depthwise convolutions: the order in which the taps of a window are added, by position in the image.

An ARM kernel computes the start of an image row in a separate block, because its left column is in the
padding. There it adds the center column of the window first. It processes four rows at a time, and the number
of window rows treated so depends on the row.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zoo._utils.arrays import Doubles, Integers
from zoo.runner.arm_fp16.kernels import LANES, Region, add, window_sums

_ROWS_IN_FLIGHT = 4
_LEFT_TO_RIGHT, _CENTER_FIRST = (0, 1, 2), (1, 0, 2)


def left_block_width(width: int) -> int:
    """Number of columns of a row's first block; the last block overlaps and recomputes some of them."""
    return width if width <= LANES else min(LANES, width - LANES)


def small_window(inputs: Doubles, weights: Doubles, bias: Doubles) -> Doubles:
    """Compute 3x3 at stride 1 with a padding of 1, starting from the bias.

    Args:
        inputs: ``(C, H, W)``.
        weights: ``(C, 3, 3)``.
        bias: ``(C,)``.
    """
    channels, height, width = inputs.shape
    padded = np.pad(inputs, ((0, 0), (1, 1), (1, 1)))
    out = _broadcast(bias, (channels, height, width))
    left = left_block_width(width)
    for first in range(_ROWS_IN_FLIGHT):
        center_first_rows = 3 if width <= LANES else 3 - first
        order = _taps(_CENTER_FIRST if row < center_first_rows else _LEFT_TO_RIGHT for row in range(3))
        window_sums(padded, weights, order, Region(1, first, _ROWS_IN_FLIGHT, 0, left), out)
    window_sums(padded, weights, _taps([_LEFT_TO_RIGHT] * 3), Region(1, 0, 1, left, width), out)
    return out


def small_window_by_two(inputs: Doubles, weights: Doubles, bias: Doubles) -> Doubles:
    """Compute 3x3 at stride 2 with a padding of 1: a sum per window column, one of them from the bias.

    Args:
        inputs: ``(C, H, W)``.
        weights: ``(C, 3, 3)``.
        bias: ``(C,)``.
    """
    channels, height, width = inputs.shape
    shape = (channels, (height - 1) // 2 + 1, (width - 1) // 2 + 1)
    padded = np.pad(inputs, ((0, 0), (1, 2), (1, 2)))
    left = left_block_width(shape[2])
    total = np.empty(shape)
    for columns, first, end in ((_LEFT_TO_RIGHT, 0, left), ((2, 0, 1), left, shape[2])):
        sums = []
        for column, start in zip(columns, (bias, np.zeros_like(bias), np.zeros_like(bias)), strict=True):
            taps = np.array([(row, column) for row in range(3)])
            sums.append(_broadcast(start, shape))
            window_sums(padded, weights, taps, Region(2, 0, 1, first, end), sums[-1])
        total[:, :, first:end] = add(add(sums[0], sums[1]), sums[2])[:, :, first:end]
    return total


def large_window(inputs: Doubles, weights: Doubles, bias: Doubles, stride: int) -> Doubles:
    """Compute 5x5 with a padding of 2, starting from the bias, row by row.

    Args:
        inputs: ``(C, H, W)``.
        weights: ``(C, 5, 5)``.
        bias: ``(C,)``.
        stride: 1 or 2.
    """
    channels, height, width = inputs.shape
    padded = np.pad(inputs, ((0, 0), (2, 3), (2, 3)))
    out = _broadcast(bias, (channels, (height - 1) // stride + 1, (width - 1) // stride + 1))
    window_sums(padded, weights, _taps([range(5)] * 5), Region(stride, 0, 1, 0, out.shape[2]), out)
    return out


def _taps(columns: Iterable[Iterable[int]]) -> Integers:
    """List the taps of a window from top to bottom, each row with its columns in the given order."""
    return np.array([(row, column) for row, order in enumerate(columns) for column in order])


def _broadcast(start: Doubles, shape: tuple[int, int, int]) -> Doubles:
    return np.broadcast_to(start[:, None, None], shape).copy()
