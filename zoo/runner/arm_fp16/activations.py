"""Activations in half precision, each step rounded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo._utils.arrays import Array, Doubles
from zoo.runner.arm_fp16.float16 import half, halves
from zoo.runner.arm_fp16.kernels import LANES, add, largest, multiply, multiply_add
from zoo.runner.arm_fp16.rule import BoundOperator, Compute, UnsupportedKernelError, unsupported

Activation = Callable[[Doubles], Doubles]

# Constants of the exponential, from the source of the kernel (Paddle-Lite, fp16/funcs_fp16.h), which has
# them from the Cephes library.
_CLAMP = half(10.7421875)
_LOG2_E = half(1.44269504088896341)
_LN_2 = half(0.693359375)
_SERIES = tuple(
    half(value)
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
    """The values as they are."""
    return values


def relu(values: Doubles) -> Doubles:
    """``max(x, 0)``."""
    return np.asarray(largest(values, 0.0))


def hard_swish(offset: float, threshold: float, scale: float) -> Activation:
    """``(x / scale) * min(max(x + offset, 0), threshold)``, with a rounded reciprocal of the scale."""
    shift, top = half(offset), half(threshold)
    share = half(np.float32(1) / np.float32(scale))

    def apply(values: Doubles) -> Doubles:
        gate = np.minimum(largest(add(values, shift), 0.0), top)
        return np.asarray(multiply(multiply(values, share), gate))

    return apply


def fused(use: BoundOperator) -> Activation:
    """The activation a convolution ends with.

    Raises:
        UnsupportedKernelError: It is none of those that were traced.
    """
    attributes = use.operator.attributes
    kind = attributes.get("act_type") if attributes.get("with_act") else None
    if kind is None:
        if attributes.get("fuse_relu"):
            raise UnsupportedKernelError("fuse_relu without act_type")
        return identity
    if kind == "relu":
        return relu
    if kind == "hard_swish":
        names = ("hard_swish_offset", "hard_swish_threshold", "hard_swish_scale")
        return hard_swish(*(use.number(name) for name in names))
    raise UnsupportedKernelError(f"act_type {kind}")


def build_relu(use: BoundOperator) -> Compute:
    """``relu``."""
    return lambda values: (relu(values),)


def build_hard_swish(use: BoundOperator) -> Compute:
    """``hard_swish``; no network has left values to its scalar tail, which computes in single precision."""
    apply = hard_swish(use.number("offset"), use.number("threshold"), use.number("scale"))

    def compute(values: Doubles) -> tuple[Array, ...]:
        if values.size % LANES:
            raise unsupported(f"a hard_swish of {values.size} values")
        return (apply(values),)

    return compute


def build_hard_sigmoid(use: BoundOperator) -> Compute:
    """``hard_sigmoid``: one fused step in half; the last values, fewer than eight, in single precision."""
    slope, offset = np.float32(use.number("slope")), np.float32(use.number("offset"))

    def compute(values: Doubles) -> tuple[Array, ...]:
        flat = values.reshape(-1)
        tail = flat.size - flat.size % LANES
        lines = multiply_add(flat, half(slope), half(offset))
        # A product of two singles is exact in float64, so this too is one fused step.
        lines[tail:] = halves((flat[tail:] * float(slope) + float(offset)).astype(np.float32))
        return (np.minimum(largest(lines, 0.0), 1.0).reshape(values.shape),)

    return compute


def build_sigmoid(use: BoundOperator) -> Compute:
    """``sigmoid``: a polynomial in half; the last values, fewer than four, in single precision."""

    def compute(values: Doubles) -> tuple[Array, ...]:
        flat = values.reshape(-1)
        tail = flat.size - flat.size % _LEAST_LANES
        out = np.empty_like(flat)
        out[:tail] = halves(1.0 / add(exponential(-flat[:tail]), 1.0))
        rest = np.exp(-flat[tail:]).astype(np.float32)
        out[tail:] = halves(np.float32(1) / (np.float32(1) + rest))
        return (out.reshape(values.shape),)

    return compute


def exponential(values: Doubles) -> Doubles:
    """``e ** x`` as the kernel computes it: 2 to a whole power times a polynomial.

    The source subtracts two parts of ``n * ln 2`` from the argument. The runtime is built with
    ``-ffast-math``, which adds the two parts first, and in half precision their sum is the first again;
    results are about 0.15 % high for it.

    Args:
        values: Halves; cut off at 10.742 in both directions.
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
