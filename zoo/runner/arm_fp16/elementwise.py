"""Sums and products of two tensors."""

from __future__ import annotations

from collections.abc import Callable

from zoo._utils.arrays import Array, Doubles
from zoo.runner.arm_fp16.activations import Activation, identity, relu
from zoo.runner.arm_fp16.kernels import add, multiply
from zoo.runner.arm_fp16.rule import BoundOperator, Compute, UnsupportedKernelError, unsupported


def build_sum(use: BoundOperator) -> Compute:
    """``elementwise_add``."""
    return _build(use, add, identity)


def build_product(use: BoundOperator) -> Compute:
    """``elementwise_mul``."""
    return _build(use, multiply, identity)


def build_activated_sum(use: BoundOperator) -> Compute:
    """``fusion_elementwise_add_activation``.

    Raises:
        UnsupportedKernelError: The activation is not relu.
    """
    if use.operator.attributes.get("act_type") != "relu":
        raise UnsupportedKernelError(f"act_type {use.operator.attributes.get('act_type')}")
    return _build(use, add, relu)


def _build(use: BoundOperator, join: Callable[..., Doubles], activation: Activation) -> Compute:
    use.require(axis=-1, fuse_scale=False)

    def compute(left: Doubles, right: Doubles) -> tuple[Array, ...]:
        per_channel = (1, left.shape[1], 1, 1) if left.ndim == 4 else None
        if right.shape not in (left.shape, per_channel):
            raise unsupported(f"{left.shape} joined with {right.shape}")
        return (activation(join(left, right)),)

    return compute
