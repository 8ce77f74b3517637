"""Pooling: the mean of a map, and the largest of 3x3 cells at stride 2."""

from __future__ import annotations

from functools import reduce

import numpy as np

from zoo._utils.arrays import Array, Doubles
from zoo.runner.arm_fp16.float16 import half
from zoo.runner.arm_fp16.kernels import largest, means
from zoo.runner.arm_fp16.rule import BoundOperator, Compute, UnsupportedKernelError


def build(use: BoundOperator) -> Compute:
    """``pool2d``.

    Raises:
        UnsupportedKernelError: Any other pooling.
    """
    use.require(adaptive=False, data_format=frozenset({"NCHW", "AnyLayout"}))
    kind = use.operator.attributes.get("pooling_type")
    if use.operator.attributes.get("global_pooling"):
        if kind != "avg":
            raise UnsupportedKernelError(f"global pooling of type {kind}")
        return global_mean
    use.require(
        pooling_type="max", ksize=(3, 3), strides=(2, 2), ceil_mode=False, padding_algorithm="EXPLICIT"
    )
    if set(use.integers("paddings")) != {1}:
        raise UnsupportedKernelError(f"paddings {use.integers('paddings')}")
    return largest_of_windows


def global_mean(inputs: Doubles) -> tuple[Array, ...]:
    """The mean of each channel, as the loop in :func:`zoo.runner.arm_fp16.kernels.means` takes it."""
    values = np.ascontiguousarray(inputs.reshape(inputs.shape[1], -1))
    out = np.empty(len(values))
    means(values, half(np.float32(1) / np.float32(values.shape[1])), out)
    return (out.reshape(1, -1, 1, 1),)


def largest_of_windows(inputs: Doubles) -> tuple[Array, ...]:
    """The largest of 3x3 cells at stride 2; the border of 1 loses against everything."""
    height, width = ((extent - 1) // 2 + 1 for extent in inputs.shape[2:])
    padded = np.pad(inputs, ((0, 0), (0, 0), (1, 2), (1, 2)), constant_values=-np.inf)
    windows = [
        padded[:, :, row : row + 2 * height : 2, column : column + 2 * width : 2]
        for row in range(3)
        for column in range(3)
    ]
    return (reduce(largest, windows),)
