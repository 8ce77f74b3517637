"""Integers beside the network: extents that reshapes ask for, and the place of the largest value."""

from __future__ import annotations

import numpy as np

from zoo.runner.arm_fp16.rule import BoundOperator, Compute, UnsupportedKernelError

_PADDLE_TYPES = {2: np.int32, 3: np.int64}


def build_shape(use: BoundOperator) -> Compute:
    """``shape``: the extents of a tensor."""
    return lambda values: (np.array(values.shape, np.int32),)


def build_slice(use: BoundOperator) -> Compute:
    """``slice`` of one value out of a list.

    Raises:
        UnsupportedKernelError: Any other slice.
    """
    use.require(axes=(0,), decrease_axis=(0,))
    (start,), (end,) = use.integers("starts"), use.integers("ends")
    if end != start + 1:
        raise UnsupportedKernelError(f"starts {start} ends {end}")
    return lambda values: (values[start:end],)


def build_constant(use: BoundOperator) -> Compute:
    """``fill_constant`` of integers.

    Raises:
        UnsupportedKernelError: Any other constant.
    """
    kind = _PADDLE_TYPES.get(use.integer("dtype"))
    if kind is None or not use.number("value").is_integer():
        raise UnsupportedKernelError(f"dtype {use.integer('dtype')} value {use.number('value')}")
    constant = np.full(use.integers("shape"), int(use.number("value")), kind)
    return lambda: (constant,)


def build_arg_max(use: BoundOperator) -> Compute:
    """``arg_max`` along one axis; the first of equals."""
    use.require(flatten=False, keepdims=False, dtype=3)
    axis = use.integer("axis")
    return lambda values: (np.argmax(values, axis),)
