"""Sums, differences, products and quotients of two tensors: one rounding each."""

from __future__ import annotations

from collections.abc import Callable

from zoo._utils.arrays import Array, Doubles
from zoo.runner.arm_fp16.activations import Activation, identity, relu
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, UnsupportedKernelError, unverified_error
from zoo.runner.arm_fp16.kernels import add, divide, multiply


def build_sum(bound: BoundOperator) -> Compute:
    """Build ``elementwise_add``."""
    return _build(bound, add, identity)


def build_product(bound: BoundOperator) -> Compute:
    """Build ``elementwise_mul``."""
    return _build(bound, multiply, identity)


def build_difference(bound: BoundOperator) -> Compute:
    """Build ``elementwise_sub``."""
    return _build(bound, lambda left, right: add(left, -right), identity)


def build_quotient(bound: BoundOperator) -> Compute:
    """Build ``elementwise_div``."""
    return _build(bound, divide, identity)


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
        extents = zip(left.shape, right.shape, strict=False)
        if left.ndim != right.ndim or any(other not in (extent, 1) for extent, other in extents):
            raise unverified_error(f"an elementwise operator on {left.shape} and {right.shape}")
        return (activation(combine(left, right)),)

    return compute
