"""Integer operators: extents for reshapes, and the index of the largest value."""

from __future__ import annotations

import numpy as np

from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, UnsupportedKernelError

_PADDLE_TYPES = {2: np.int32, 3: np.int64}


def build_shape(bound: BoundOperator) -> Compute:
    """Build ``shape``: the extents of a tensor."""
    return lambda values: (np.array(values.shape, np.int32),)


def build_slice(bound: BoundOperator) -> Compute:
    """Build ``slice`` of one value out of a list.

    Raises:
        UnsupportedKernelError: Any other slice.
    """
    bound.require(axes=(0,), decrease_axis=(0,))
    (start,), (end,) = bound.integers("starts"), bound.integers("ends")
    if end != start + 1:
        raise UnsupportedKernelError(f"starts {start} ends {end}")
    return lambda values: (values[start:end],)


def build_constant(bound: BoundOperator) -> Compute:
    """Build ``fill_constant`` of integers.

    Raises:
        UnsupportedKernelError: Any other constant.
    """
    kind = _PADDLE_TYPES.get(bound.integer("dtype"))
    if kind is None or not bound.number("value").is_integer():
        raise UnsupportedKernelError(f"dtype {bound.integer('dtype')} value {bound.number('value')}")
    constant = np.full(bound.integers("shape"), int(bound.number("value")), kind)
    return lambda: (constant,)


def build_arg_max(bound: BoundOperator) -> Compute:
    """Build ``arg_max`` along one axis; of equal values the first."""
    bound.require(flatten=False, keepdims=False, dtype=3)
    axis = bound.integer("axis")
    return lambda values: (np.argmax(values, axis),)
