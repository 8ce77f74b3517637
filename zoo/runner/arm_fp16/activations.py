"""Activations in half precision, with each step rounded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo._utils.arrays import Array, Doubles
from zoo.runner.arm_fp16.float16 import fp16_constant, round_to_fp16
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, UnsupportedKernelError, unverified_error
from zoo.runner.arm_fp16.kernels import LANES, add, maximum, multiply, multiply_add

Activation = Callable[[Doubles], Doubles]

# Constants of the exponential, from the kernel's source (Paddle-Lite, fp16/funcs_fp16.h), which took them
# from the Cephes library.
_CLAMP = fp16_constant(10.7421875)
_LOG2_E = fp16_constant(1.44269504088896341)
_LN_2 = fp16_constant(0.693359375)
_SERIES = tuple(
    fp16_constant(value)
    for value in (
        1.9875691500e-4,
        1.3981999507e-3,
        8.3334519073e-3,
        4.1665795894e-2,
        1.6666665459e-1,
        5.0000001201e-1,
    )
)
_LEAST_LANES = 4


def identity(values: Doubles) -> Doubles:
    """Return the values unchanged."""
    return values


def relu(values: Doubles) -> Doubles:
    """``max(x, 0)``."""
    return np.asarray(maximum(values, 0.0))


def hard_swish(offset: float, threshold: float, scale: float) -> Activation:
    """Build ``(x / scale) * min(max(x + offset, 0), threshold)`` with a rounded reciprocal of the scale."""
    shift, top = fp16_constant(offset), fp16_constant(threshold)
    share = fp16_constant(np.float32(1) / np.float32(scale))

    def apply(values: Doubles) -> Doubles:
        gate = np.minimum(maximum(add(values, shift), 0.0), top)
        return np.asarray(multiply(multiply(values, share), gate))

    return apply


def fused_activation(bound: BoundOperator) -> Activation:
    """Return the activation that is fused into a convolution.

    Raises:
        UnsupportedKernelError: The rounding of this activation is not verified.
    """
    attributes = bound.operator.attributes
    kind = attributes.get("act_type") if attributes.get("with_act") else None
    if kind is None:
        if attributes.get("fuse_relu"):
            raise UnsupportedKernelError("fuse_relu without act_type")
        return identity
    if kind == "relu":
        return relu
    if kind == "hard_swish":
        names = ("hard_swish_offset", "hard_swish_threshold", "hard_swish_scale")
        return hard_swish(*(bound.number(name) for name in names))
    raise UnsupportedKernelError(f"act_type {kind}")


def build_relu(bound: BoundOperator) -> Compute:
    """Build ``relu``."""
    return lambda values: (relu(values),)


def build_hard_swish(bound: BoundOperator) -> Compute:
    """Build ``hard_swish``; its scalar tail, in single precision, was never reached and is not emulated."""
    apply = hard_swish(bound.number("offset"), bound.number("threshold"), bound.number("scale"))

    def compute(values: Doubles) -> tuple[Array, ...]:
        if values.size % LANES:
            raise unverified_error(f"hard_swish of {values.size} values")
        return (apply(values),)

    return compute


def build_hard_sigmoid(bound: BoundOperator) -> Compute:
    """Build ``hard_sigmoid``: one fused FP16 step; the last values (fewer than eight) in single precision."""
    slope, offset = np.float32(bound.number("slope")), np.float32(bound.number("offset"))

    def compute(values: Doubles) -> tuple[Array, ...]:
        flat = values.reshape(-1)
        tail = flat.size - flat.size % LANES
        lines = multiply_add(flat, fp16_constant(slope), fp16_constant(offset))
        # A product of two float32 values is exact in float64, so this is a single rounding as well.
        lines[tail:] = round_to_fp16((flat[tail:] * float(slope) + float(offset)).astype(np.float32))
        return (np.minimum(maximum(lines, 0.0), 1.0).reshape(values.shape),)

    return compute


def build_sigmoid(bound: BoundOperator) -> Compute:
    """Build ``sigmoid``: a polynomial in FP16; the last values (fewer than four) in single precision."""

    def compute(values: Doubles) -> tuple[Array, ...]:
        flat = values.reshape(-1)
        tail = flat.size - flat.size % _LEAST_LANES
        out = np.empty_like(flat)
        out[:tail] = round_to_fp16(1.0 / add(exponential(-flat[:tail]), 1.0))
        rest = np.exp(-flat[tail:]).astype(np.float32)
        out[tail:] = round_to_fp16(np.float32(1) / (np.float32(1) + rest))
        return (out.reshape(values.shape),)

    return compute


def exponential(values: Doubles) -> Doubles:
    """Compute ``e ** x`` as the kernel does: an integer power of 2 times a polynomial.

    The source subtracts two parts of ``n * ln 2`` from the argument. The runtime is built with
    ``-ffast-math``, which adds the two parts first; in half precision their sum equals the first part, so
    results are about 0.15 % too high.

    Args:
        values: FP16 values; clipped to ±10.742.
    """
    x = np.clip(values, -_CLAMP, _CLAMP)
    power = np.floor(multiply_add(x, _LOG2_E, 0.5))
    x = multiply_add(-power, _LN_2, x)
    square = multiply(x, x)
    series = np.full_like(x, _SERIES[0])
    for coefficient in _SERIES[1:]:
        series = multiply_add(series, x, coefficient)
    series = add(multiply_add(series, square, x), 1.0)
    return np.asarray(multiply(series, np.exp2(power)))
