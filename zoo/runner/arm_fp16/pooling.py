"""Pooling: the mean of a map, and the maximum of 3x3 windows at stride 2."""

from __future__ import annotations

from functools import reduce

import numpy as np

from zoo._utils.arrays import Array, Doubles
from zoo.runner.arm_fp16.float16 import fp16_constant
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, UnsupportedKernelError
from zoo.runner.arm_fp16.kernels import maximum, mean_rows


def build(bound: BoundOperator) -> Compute:
    """Build ``pool2d``.

    Raises:
        UnsupportedKernelError: Any other pooling.
    """
    bound.require(adaptive=False, data_format=frozenset({"NCHW", "AnyLayout"}))
    kind = bound.operator.attributes.get("pooling_type")
    if bound.operator.attributes.get("global_pooling"):
        if kind != "avg":
            raise UnsupportedKernelError(f"global pooling of type {kind}")
        return pool_global_mean
    bound.require(
        pooling_type="max", ksize=(3, 3), strides=(2, 2), ceil_mode=False, padding_algorithm="EXPLICIT"
    )
    if set(bound.integers("paddings")) != {1}:
        raise UnsupportedKernelError(f"paddings {bound.integers('paddings')}")
    return pool_max


def pool_global_mean(inputs: Doubles) -> tuple[Array, ...]:
    """Compute the mean of each channel; see :func:`zoo.runner.arm_fp16.kernels.mean_rows`."""
    values = np.ascontiguousarray(inputs.reshape(inputs.shape[1], -1))
    out = np.empty(len(values))
    mean_rows(values, fp16_constant(np.float32(1) / np.float32(values.shape[1])), out)
    return (out.reshape(1, -1, 1, 1),)


def pool_max(inputs: Doubles) -> tuple[Array, ...]:
    """Compute the maximum of 3x3 windows at stride 2, padded by 1 with minus infinity."""
    height, width = ((extent - 1) // 2 + 1 for extent in inputs.shape[2:])
    padded = np.pad(inputs, ((0, 0), (0, 0), (1, 2), (1, 2)), constant_values=-np.inf)
    windows = [
        padded[:, :, row : row + 2 * height : 2, column : column + 2 * width : 2]
        for row in range(3)
        for column in range(3)
    ]
    return (reduce(maximum, windows),)
