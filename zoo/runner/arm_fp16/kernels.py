"""Arithmetic in IEEE 754 binary16, and the loops whose order of roundings determines the results.

FP16 tensors are stored as float64. Every element is an FP16 value, so loads and stores are exact, and only
:func:`round_once` rounds. A product of two FP16 values has 22 significant bits and is exact in float64.
Adding a third FP16 value can be inexact in float64, but never so close to a midpoint between two FP16 values
that rounding twice differs from rounding once: beyond 32, where a sum may need more than 53 bits, the product
is below 2^-15, and an FP16 value plus so little is far from any midpoint.

All loops are in this one file because Numba's cache checks only the file of the compiled function: a rounding
function in another file could change and leave stale loops in the cache.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zoo._utils.arrays import Doubles, Integers
from zoo.runner.arm_fp16.jit import compile_loop, compile_ufunc

_EXPONENT = np.int64(0x7FF0000000000000)
_SMALLEST_NORMAL = 2.0**-14
# Adding this multiple of a power of two leaves a float64 with 11 significant bits from that power down.
_SHIFT = 2.0**42
# Midpoint between the largest FP16 value, 65504, and the one that would follow.
_OVERFLOW = 65520.0

LANES = 8
"""FP16 values in a vector register of 128 bits."""


@compile_loop
def round_once(value: float) -> float:
    """Round to the nearest FP16 value, ties to even; infinite from 65520 on."""
    size = abs(value)
    power = np.int64(np.float64(size).view(np.int64) & _EXPONENT).view(np.float64)
    shift = max(power, _SMALLEST_NORMAL) * _SHIFT
    nearest = (size + shift) - shift
    # A comparison with NaN is false, and NaN plus infinity is NaN.
    return np.copysign(nearest if size < _OVERFLOW else size + np.inf, value)  # type: ignore[no-any-return]


@compile_ufunc("f8(f8,f8,f8)")
def multiply_add(a: float, b: float, c: float) -> float:
    """Compute ``a * b + c``, rounded once."""
    return round_once(a * b + c)


@compile_ufunc("f8(f8,f8)")
def multiply(a: float, b: float) -> float:
    """Compute ``a * b``, rounded."""
    return round_once(a * b)


@compile_ufunc("f8(f8,f8)")
def add(a: float, b: float) -> float:
    """Compute ``a + b``, rounded."""
    return round_once(a + b)


@compile_ufunc("f8(f8,f8)")
def divide(a: float, b: float) -> float:
    """Compute ``a / b``, rounded: in float64 a quotient is never so close to a midpoint as to round twice."""
    return round_once(a / b)


@compile_ufunc("f8(f8,f8)")
def maximum(a: float, b: float) -> float:
    """Compute the maximum as the instruction FMAX: NaN if either is NaN; of two zeros the positive one."""
    if a > b:
        return a
    if b > a:
        return b
    return a if a == b != 0 else a + b


@compile_loop
def matrix_product(weights: Doubles, inputs: Doubles, start: Doubles, out: Doubles) -> None:
    """Sum products over the input channels in order, with one rounding per step.

    Args:
        weights: ``(M, K)``.
        inputs: ``(K, P)``.
        start: ``(M,)`` initial values of the sums.
        out: ``(M, P)`` result, written in place.
    """
    for row in range(weights.shape[0]):
        sums = out[row]
        sums[:] = start[row]
        for k in range(weights.shape[1]):
            weight, values = weights[row, k], inputs[k]
            for p in range(sums.shape[0]):
                sums[p] = round_once(weight * values[p] + sums[p])


@compile_loop
def matrix_vector(weights: Doubles, inputs: Doubles, bias: Doubles, out: Doubles) -> None:
    """Sum in lanes, input channel ``k`` in lane ``k mod 8``; add lanes in pairs, and the bias last.

    Args:
        weights: ``(M, K)``.
        inputs: ``(K,)``.
        bias: ``(M,)``.
        out: ``(M,)`` result, written in place.
    """
    lanes = np.empty(LANES)
    for row in range(weights.shape[0]):
        lanes[:] = 0.0
        for k in range(weights.shape[1]):
            lanes[k % LANES] = round_once(weights[row, k] * inputs[k] + lanes[k % LANES])
        width = LANES
        while width > 1:
            width //= 2
            for lane in range(width):
                lanes[lane] = round_once(lanes[2 * lane] + lanes[2 * lane + 1])
        out[row] = round_once(lanes[0] + bias[row])


@compile_loop
def one_channel_sums(values: Doubles, offsets: Integers, weights: Doubles, sums: Doubles) -> None:
    """Sum products for a convolution into one channel: four partial sums per eight taps.

    Args:
        values: Inputs in one dimension.
        offsets: ``(K,)`` where the values of a tap start, one per cell; K is a multiple of eight.
        weights: ``(K,)``.
        sums: ``(P,)`` result, zero at the start, written in place.
    """
    for k in range(0, offsets.size, LANES):
        v0, v1 = values[offsets[k] :], values[offsets[k + 1] :]
        v2, v3 = values[offsets[k + 2] :], values[offsets[k + 3] :]
        v4, v5 = values[offsets[k + 4] :], values[offsets[k + 5] :]
        v6, v7 = values[offsets[k + 6] :], values[offsets[k + 7] :]
        for p in range(sums.size):
            a = round_once(v0[p] * weights[k] + sums[p])
            b, c = round_once(v1[p] * weights[k + 1]), round_once(v2[p] * weights[k + 2])
            d = round_once(v3[p] * weights[k + 3])
            a, b = round_once(v4[p] * weights[k + 4] + a), round_once(v5[p] * weights[k + 5] + b)
            c, d = round_once(v6[p] * weights[k + 6] + c), round_once(v7[p] * weights[k + 7] + d)
            sums[p] = round_once(round_once(a + b) + round_once(c + d))


@compile_loop
def one_channel_sum(taps: Doubles, weights: Doubles, bias: float) -> float:
    """Sum products for one of the last cells (fewer than eight) of a convolution into one channel.

    Per eight taps a sum starts from zero. Each of its steps is a fused one in single precision, rounded to
    FP16 after that. The last of these sums includes the bias.

    Args:
        taps: ``(K,)``; K is a multiple of eight.
        weights: ``(K,)``.
        bias: Added at the end.
    """
    total = 0.0
    for first in range(0, taps.size, LANES):
        part = 0.0
        for k in range(first, first + LANES):
            part = round_once(np.float64(np.float32(taps[k] * weights[k] + part)))
        if first + LANES == taps.size:
            part = round_once(part + bias)
        total = round_once(total + part)
    return total


class Region(NamedTuple):
    """Output cells that a loop computes.

    Attributes:
        stride: Stride of the window in both directions.
        first_row: First row.
        row_step: Distance between rows.
        first_column: First column.
        end_column: Column after the last.
    """

    stride: int
    first_row: int
    row_step: int
    first_column: int
    end_column: int


@compile_loop
def window_sums(padded: Doubles, weights: Doubles, taps: Integers, region: Region, out: Doubles) -> None:
    """Add taps of a depthwise window to sums, one after the other.

    Args:
        padded: ``(C, H, W)`` input with padding.
        weights: ``(C, rows, columns)`` of the window.
        taps: ``(T, 2)`` rows and columns of the window in the order they are added.
        region: The cells to compute.
        out: ``(C, h, w)`` initial values of the sums, updated in place.
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
                    sums[column] = round_once(weight * value + sums[column])


@compile_loop
def mean_rows(values: Doubles, share: float, out: Doubles) -> None:
    """Average rows as the global pooling kernel does; sums cannot overflow.

    Per 32 values, eight lanes add the first and third group of eight, and the second and fourth; each sum is
    multiplied by the rounded share and accumulated. Remaining groups of eight follow one by one. The lanes
    are folded in half, then in pairs. The last values (fewer than eight) are multiplied by the reciprocal of
    the count and added in one fused step of single precision: the runtime is built with ``-ffast-math``,
    which replaces the division by an invariant with that multiplication.

    Args:
        values: ``(C, N)``.
        share: ``1 / N`` as an FP16 value.
        out: ``(C,)`` result, written in place.
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
                pair = round_once(row[first] + row[first + 2 * LANES])
                lane = first % LANES
                lanes[lane] = round_once(lanes[lane] + round_once(pair * share))
            at += 4 * LANES
        while at + LANES <= count:
            for lane in range(LANES):
                lanes[lane] = round_once(lanes[lane] + round_once(row[at + lane] * share))
            at += LANES
        low = round_once(round_once(lanes[0] + lanes[4]) + round_once(lanes[1] + lanes[5]))
        high = round_once(round_once(lanes[2] + lanes[6]) + round_once(lanes[3] + lanes[7]))
        mean = round_once(low + high)
        for rest in range(at, count):
            mean = round_once(np.float64(np.float32(row[rest] * reciprocal + mean)))
        out[channel] = mean
