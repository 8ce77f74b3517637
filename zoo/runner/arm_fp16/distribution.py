"""Box distributions of a detector: the softmax over the bins of a side, and its expected value."""

from __future__ import annotations

import numpy as np

from zoo._utils.arrays import Array, Doubles, Floats
from zoo.runner.arm_fp16.cephes import LN_2, LN_2_REST, LOG2_E, SERIES
from zoo.runner.arm_fp16.float16 import round_to_fp16
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, UnsupportedKernelError, unverified_error
from zoo.runner.arm_fp16.kernels import LANES, add, multiply

# The exponential of the Cephes library in single precision.
_CLAMP = np.float32(88.3762626647949)
_LOG2_E, _LN_2, _LN_2_REST = (np.float32(value) for value in (LOG2_E, LN_2, LN_2_REST))
_SERIES = tuple(np.float32(value) for value in SERIES)


def build_softmax(bound: BoundOperator) -> Compute:
    """Build ``softmax`` over a last axis of eight values.

    Raises:
        UnsupportedKernelError: Another axis.
    """
    if bound.integer("axis") != -1:
        raise UnsupportedKernelError(f"axis {bound.integer('axis')}")

    def compute(values: Doubles) -> tuple[Array, ...]:
        if values.shape[-1] != LANES:
            raise unverified_error(f"a softmax over {values.shape[-1]} values")
        return (softmax(values),)

    return compute


def softmax(values: Doubles) -> Doubles:
    """Compute the softmax over the last axis of eight values.

    The sum of the exponentials is inverted with the 8-bit estimate of the instruction FRECPE, so that the
    probabilities sum to 0.997 to 1.0026.

    Args:
        values: ``(…, 8)``.
    """
    peaks = values.max(axis=-1, keepdims=True)
    powers = round_to_fp16(exponential(np.asarray(add(values, -peaks)).astype(np.float32)))
    halves = np.asarray(add(powers[..., :4], powers[..., 4:])).astype(np.float32)
    total = round_to_fp16(((halves[..., 0] + halves[..., 1]) + halves[..., 2]) + halves[..., 3])
    return np.asarray(multiply(powers, estimate_reciprocal(total)[..., None]))


def exponential(values: Floats) -> Floats:
    """Compute ``e ** x`` in single precision: an integer power of 2 times a polynomial.

    The compiler may fuse products and sums here. Rounded to FP16 the results are the same either way.
    """
    x = np.clip(values, -_CLAMP, _CLAMP)
    power = np.floor(x * _LOG2_E + np.float32(0.5))
    x = (x - power * _LN_2) - power * _LN_2_REST
    series = np.full_like(x, _SERIES[0])
    for coefficient in _SERIES[1:]:
        series = series * x + coefficient
    series = (series * (x * x) + x) + np.float32(1)
    return np.asarray(series * np.exp2(power))


def estimate_reciprocal(values: Doubles) -> Doubles:
    """Estimate the reciprocal as the instruction FRECPE does: 8 bits, from the first 8 bits of the fraction.

    Source: Arm Architecture Reference Manual, function RecipEstimate.

    Args:
        values: Normal positive FP16 values below 16384, or NaN, whose reciprocal is NaN.
    """
    fractions, exponents = np.frexp(values)  # fractions from 0.5 to 1
    index = np.floor(np.nan_to_num(fractions) * 512)
    estimate = np.floor((np.floor(2**19 / (2 * index + 1)) + 1) / 2)
    return np.where(np.isnan(values), values, np.ldexp(estimate / 256, -exponents))


def build_expectation(bound: BoundOperator) -> Compute:
    """Build ``matmul_v2`` of distributions over eight bins with the values of the bins.

    Raises:
        UnsupportedKernelError: Any other product.
    """
    bound.require(trans_x=False, trans_y=False, alpha=1.0)
    bins = bound.weight("Y")
    if bins is None or bins.shape != (LANES,):
        raise UnsupportedKernelError(f"Y of shape {None if bins is None else bins.shape}")

    def compute(values: Doubles) -> tuple[Array, ...]:
        if values.shape[-1] != LANES:
            raise unverified_error(f"a product over {values.shape[-1]} values")
        sums = np.asarray(multiply(values, bins))
        while sums.shape[-1] > 1:
            sums = np.asarray(add(sums[..., ::2], sums[..., 1::2]))
        return (sums[..., 0],)

    return compute
