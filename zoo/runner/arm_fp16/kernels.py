"""Arithmetic in IEEE 754 binary16, and the loops whose order of roundings the results depend on.

A tensor of halves is held in float64: every value in it is a half, so what a loop reads and writes is exact
and only :func:`rounded` decides where it goes. A product of two halves has 22 significant bits and is exact
in float64. Adding a third half to it can be inexact there, but never so near to the middle between two halves
that rounding twice would differ from rounding once: beyond 32, where a sum may need more than the 53 bits,
the product is then below 2^-15, and a half plus so little is far from any middle.

All loops live in this one file because Numba's cache looks at the file of a function alone: a rounding in a
file of its own could change and leave stale loops behind.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zoo._utils.arrays import Doubles, Integers
from zoo.runner.arm_fp16.jit import compiled, elementwise

_EXPONENT = np.int64(0x7FF0000000000000)
_SMALLEST_NORMAL = 2.0**-14
# Adding this many times a power of two leaves a float64 11 significant bits below that power.
_SHIFT = 2.0**42
# Halfway between the largest half, 65504, and the one that would follow.
_OVERFLOW = 65520.0

LANES = 8
"""Halves in a vector register of 128 bits."""


@compiled
def rounded(value: float) -> float:
    """The nearest half, ties to even; infinite from 65520 on."""
    size = abs(value)
    power = np.int64(np.float64(size).view(np.int64) & _EXPONENT).view(np.float64)
    shift = max(power, _SMALLEST_NORMAL) * _SHIFT
    nearest = (size + shift) - shift
    # NaN compares false, and stays NaN when infinity is added.
    return np.copysign(nearest if size < _OVERFLOW else size + np.inf, value)  # type: ignore[no-any-return]


@elementwise("f8(f8,f8,f8)")
def multiply_add(a: float, b: float, c: float) -> float:
    """``a * b + c``, rounded once."""
    return rounded(a * b + c)


@elementwise("f8(f8,f8)")
def multiply(a: float, b: float) -> float:
    """``a * b``, rounded."""
    return rounded(a * b)


@elementwise("f8(f8,f8)")
def add(a: float, b: float) -> float:
    """``a + b``, rounded."""
    return rounded(a + b)


@elementwise("f8(f8,f8)")
def largest(a: float, b: float) -> float:
    """As the instruction FMAX: NaN if one is, and of two zeros the positive one."""
    if a > b:
        return a
    if b > a:
        return b
    return a if a == b != 0 else a + b


@compiled
def matrix_product(weights: Doubles, inputs: Doubles, start: Doubles, out: Doubles) -> None:
    """Sums of products over the input channels in order, one rounding each.

    Args:
        weights: ``(M, K)``.
        inputs: ``(K, P)``.
        start: ``(M,)`` what the sums start from.
        out: ``(M, P)`` written.
    """
    for row in range(weights.shape[0]):
        sums = out[row]
        sums[:] = start[row]
        for k in range(weights.shape[1]):
            weight, values = weights[row, k], inputs[k]
            for p in range(sums.shape[0]):
                sums[p] = rounded(weight * values[p] + sums[p])


@compiled
def matrix_vector(weights: Doubles, inputs: Doubles, bias: Doubles, out: Doubles) -> None:
    """Sums in lanes, input channel ``k`` in lane ``k mod 8``; lanes added in pairs, the bias last.

    Args:
        weights: ``(M, K)``.
        inputs: ``(K,)``.
        bias: ``(M,)``.
        out: ``(M,)`` written.
    """
    lanes = np.empty(LANES)
    for row in range(weights.shape[0]):
        lanes[:] = 0.0
        for k in range(weights.shape[1]):
            lanes[k % LANES] = rounded(weights[row, k] * inputs[k] + lanes[k % LANES])
        width = LANES
        while width > 1:
            width //= 2
            for lane in range(width):
                lanes[lane] = rounded(lanes[2 * lane] + lanes[2 * lane + 1])
        out[row] = rounded(lanes[0] + bias[row])


class Region(NamedTuple):
    """Which cells of the output a loop computes.

    Attributes:
        stride: Of the window in both directions.
        first_row: First row.
        row_step: From one row to the next.
        first_column: First column.
        end_column: Column after the last.
    """

    stride: int
    first_row: int
    row_step: int
    first_column: int
    end_column: int


@compiled
def window_sums(padded: Doubles, weights: Doubles, taps: Integers, region: Region, out: Doubles) -> None:
    """Adds taps of a depthwise window to sums, one after the other.

    Args:
        padded: ``(C, H, W)`` input with its border.
        weights: ``(C, rows, columns)`` of the window.
        taps: ``(T, 2)`` rows and columns of the window in the order they are added.
        region: The cells to compute.
        out: ``(C, h, w)`` what the sums start from; they are written there.
    """
    for channel in range(out.shape[0]):
        for row in range(region.first_row, out.shape[1], region.row_step):
            sums = out[channel, row]
            for tap in range(taps.shape[0]):
                down, right = taps[tap, 0], taps[tap, 1]
                weight = weights[channel, down, right]
                values = padded[channel, row * region.stride + down]
                for column in range(region.first_column, region.end_column):
                    value = values[column * region.stride + right]
                    sums[column] = rounded(weight * value + sums[column])


@compiled
def means(values: Doubles, share: float, out: Doubles) -> None:
    """Averages as the kernel of global pooling takes them, so that sums cannot overflow.

    Per 32 values, eight lanes add the first and third eight, and the second and fourth; each sum is
    multiplied by the rounded share and added. Eights that are left follow one by one. The lanes are folded
    in half, then in pairs. The last values, fewer than eight, are multiplied by the reciprocal of the count
    and added in one fused step of single precision: the runtime is built with ``-ffast-math``, which makes
    that of a division by a number that stays the same.

    Args:
        values: ``(C, N)``.
        share: ``1 / N`` as a half.
        out: ``(C,)`` written.
    """
    count = values.shape[1]
    reciprocal = np.float64(np.float32(1) / np.float32(count))
    lanes = np.empty(LANES)
    for channel in range(values.shape[0]):
        row = values[channel]
        lanes[:] = 0.0
        at = 0
        while at + 4 * LANES <= count:
            for first in range(at, at + 2 * LANES):
                pair = rounded(row[first] + row[first + 2 * LANES])
                lane = first % LANES
                lanes[lane] = rounded(lanes[lane] + rounded(pair * share))
            at += 4 * LANES
        while at + LANES <= count:
            for lane in range(LANES):
                lanes[lane] = rounded(lanes[lane] + rounded(row[at + lane] * share))
            at += LANES
        low = rounded(rounded(lanes[0] + lanes[4]) + rounded(lanes[1] + lanes[5]))
        high = rounded(rounded(lanes[2] + lanes[6]) + rounded(lanes[3] + lanes[7]))
        mean = rounded(low + high)
        for rest in range(at, count):
            mean = rounded(np.float64(np.float32(row[rest] * reciprocal + mean)))
        out[channel] = mean
