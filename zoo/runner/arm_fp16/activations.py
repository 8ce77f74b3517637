"""Activations in half precision, with each step rounded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo._utils.arrays import Array, Doubles, Floats
from zoo._utils.choices import LiteBuild
from zoo.runner.arm_fp16.cephes import LN_2, LN_2_REST, LOG2_E, SERIES
from zoo.runner.arm_fp16.float16 import fp16_constant, round_to_fp16
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, UnsupportedKernelError, unverified_error
from zoo.runner.arm_fp16.kernels import LANES, add, maximum, multiply, multiply_add

Activation = Callable[[Doubles], Doubles]

# Constants of the exponential, rounded as in the kernel's source (Paddle-Lite, fp16/funcs_fp16.h).
_CLAMP = fp16_constant(10.7421875)
_LOG2_E, _LN_2, _LN_2_REST = (fp16_constant(value) for value in (LOG2_E, LN_2, LN_2_REST))
_SERIES = tuple(fp16_constant(value) for value in SERIES)
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


def hard_swish_in_single(offset: float, threshold: float, scale: float) -> Activation:
    """Build the same function of FP16 values in single precision, rounded to FP16 at the end."""
    shift, top = np.float32(offset), np.float32(threshold)
    share = np.float32(fp16_constant(np.float32(1) / np.float32(scale)))

    def apply(values: Doubles) -> Doubles:
        single = values.astype(np.float32)
        gate = np.minimum(np.maximum(single + shift, np.float32(0)), top)
        return round_to_fp16(gate * (single * share))

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
        return hard_swish(*_fused_hard_swish(bound))
    raise UnsupportedKernelError(f"act_type {kind}")


def fused_activation_in_single(bound: BoundOperator) -> Activation:
    """Return the activation that is fused into a convolution into one channel.

    Raises:
        UnsupportedKernelError: The rounding of this activation is not verified there.
    """
    activation = fused_activation(bound)
    if activation is identity:
        return identity
    if bound.operator.attributes.get("act_type") == "hard_swish":
        return hard_swish_in_single(*_fused_hard_swish(bound))
    raise UnsupportedKernelError("act_type relu in a convolution into one channel")


def _fused_hard_swish(bound: BoundOperator) -> tuple[float, float, float]:
    return (
        bound.number("hard_swish_offset"),
        bound.number("hard_swish_threshold"),
        bound.number("hard_swish_scale"),
    )


def build_scale(bound: BoundOperator) -> Compute:
    """Build ``scale`` by 1 with a bias that is zero in FP16: one fused FP16 step.

    Raises:
        UnsupportedKernelError: Any other scale or bias.
    """
    bound.require(bias_after_scale=True, scale=1.0, activation_type="")
    bias = fp16_constant(bound.number("bias"))
    if bias:
        raise UnsupportedKernelError(f"bias {bound.number('bias')}")
    # Adding zero turns a negative zero into a positive one.
    return lambda values: (multiply_add(values, 1.0, bias),)


def build_square_root(bound: BoundOperator) -> Compute:
    """Build ``sqrt``, in single precision and correctly rounded."""

    def compute(values: Floats) -> tuple[Array, ...]:
        return (np.sqrt(values),)

    return compute


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
    """Build ``hard_sigmoid``: one fused FP16 step; the last values (fewer than eight) in single precision.

    Without ``-ffast-math`` product and sum are rounded separately.
    """
    slope, offset = np.float32(bound.number("slope")), np.float32(bound.number("offset"))
    factor, summand = fp16_constant(slope), fp16_constant(offset)
    fused = bound.build == "published"

    def compute(values: Doubles) -> tuple[Array, ...]:
        flat = values.reshape(-1)
        tail = flat.size - flat.size % LANES
        lines = multiply_add(flat, factor, summand) if fused else add(multiply(flat, factor), summand)
        # A product of two float32 values is exact in float64, so this is a single rounding as well.
        lines[tail:] = round_to_fp16((flat[tail:] * float(slope) + float(offset)).astype(np.float32))
        return (np.minimum(maximum(lines, 0.0), 1.0).reshape(values.shape),)

    return compute


def build_sigmoid(bound: BoundOperator) -> Compute:
    """Build ``sigmoid``: a polynomial in FP16; the last values (fewer than four) in single precision.

    With more than one thread the runtime divides the values among the threads, each with its last values, and
    the remainder of the division follows in single precision as well: of ``n`` threads, at most ``4 n - 1``
    values differ from those computed here.
    """
    build = bound.build

    def compute(values: Doubles) -> tuple[Array, ...]:
        flat = values.reshape(-1)
        tail = flat.size - flat.size % _LEAST_LANES
        out = np.empty_like(flat)
        out[:tail] = round_to_fp16(1.0 / add(exponential(-flat[:tail], build), 1.0))
        out[tail:] = sigmoid_in_single(flat[tail:])
        return (out.reshape(values.shape),)

    return compute


def sigmoid_in_single(values: Doubles) -> Doubles:
    """Compute ``1 / (1 + e ** -x)`` in single precision, rounded to FP16 at the end."""
    exponentials = np.exp(-values).astype(np.float32)
    return round_to_fp16(np.float32(1) / (np.float32(1) + exponentials))


def exponential(values: Doubles, build: LiteBuild) -> Doubles:
    """Compute ``e ** x`` as the kernel does: an integer power of 2 times a polynomial.

    The source subtracts two parts of ``n * ln 2`` from the argument. ``-ffast-math`` adds the two parts
    first; in half precision their sum equals the first part. Sigmoids below 0.1 are then higher by 0.31 % on
    average and by 0.83 % at most than without that option.

    Args:
        values: FP16 values; clipped to ±10.742.
        build: The build of the runtime.
    """
    x = np.clip(values, -_CLAMP, _CLAMP)
    power = np.floor(multiply_add(x, _LOG2_E, 0.5))
    if build == "published":
        x = multiply_add(-power, _LN_2, x)
    else:
        x = add(add(x, -multiply(power, _LN_2)), -multiply(power, _LN_2_REST))
    square = multiply(x, x)
    series = np.full_like(x, _SERIES[0])
    for coefficient in _SERIES[1:]:
        series = multiply_add(series, x, coefficient)
    series = add(multiply_add(series, square, x), 1.0)
    return np.asarray(multiply(series, np.exp2(power)))
