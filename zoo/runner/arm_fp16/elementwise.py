"""Sums and products of two tensors."""

from __future__ import annotations

from collections.abc import Callable

from zoo._utils.arrays import Array, Doubles
from zoo.runner.arm_fp16.activations import Activation, identity, relu
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, UnsupportedKernelError, unverified_error
from zoo.runner.arm_fp16.kernels import add, multiply


def build_sum(bound: BoundOperator) -> Compute:
    """Build ``elementwise_add``."""
    return _build(bound, add, identity)


def build_product(bound: BoundOperator) -> Compute:
    """Build ``elementwise_mul``."""
    return _build(bound, multiply, identity)


def build_activated_sum(bound: BoundOperator) -> Compute:
    """Build ``fusion_elementwise_add_activation``.

    Raises:
        UnsupportedKernelError: The activation is not relu.
    """
    if bound.operator.attributes.get("act_type") != "relu":
        raise UnsupportedKernelError(f"act_type {bound.operator.attributes.get('act_type')}")
    return _build(bound, add, relu)


def _build(bound: BoundOperator, combine: Callable[..., Doubles], activation: Activation) -> Compute:
    bound.require(axis=-1, fuse_scale=False)

    def compute(left: Doubles, right: Doubles) -> tuple[Array, ...]:
        per_channel = (1, left.shape[1], 1, 1) if left.ndim == 4 else None
        if right.shape not in (left.shape, per_channel):
            raise unverified_error(f"an elementwise operator on {left.shape} and {right.shape}")
        return (activation(combine(left, right)),)

    return compute
