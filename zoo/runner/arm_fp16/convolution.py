"""Convolutions: which of the ARM kernels a shape goes to, and in which order it rounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo._utils.arrays import Array, Doubles
from zoo.runner.arm_fp16.activations import Activation, fused, identity, relu
from zoo.runner.arm_fp16.depthwise import large_window, small_window, small_window_by_two
from zoo.runner.arm_fp16.kernels import LANES, add, matrix_product, matrix_vector
from zoo.runner.arm_fp16.rule import BoundOperator, Compute, UnsupportedKernelError, unsupported

Convolution = Callable[[Doubles], Doubles]

# The kernel of matrix products takes columns in groups of 16 and 4, then one by one.
_GROUP = 4

# The kernel that takes in an image is chosen where input times output channels stay below so many times its
# cells.
_CELLS = 4


def build(use: BoundOperator) -> Compute:
    """``conv2d`` and ``depthwise_conv2d``: pointwise, the first layer of a network, or depthwise.

    Raises:
        UnsupportedKernelError: Any other convolution.
    """
    weights = use.weight("Filter")
    if weights is None or weights.ndim != 4:
        raise UnsupportedKernelError("no filter of four axes")
    use.require(dilations=(1, 1), data_format=frozenset({"NCHW", "AnyLayout"}), padding_algorithm="EXPLICIT")
    bias = use.weight("Bias")
    start = np.zeros(len(weights)) if bias is None else np.ascontiguousarray(bias.reshape(-1))
    activation = fused(use)
    convolve = _convolution(use, weights, start, activation)

    def compute(inputs: Doubles) -> tuple[Array, ...]:
        return (activation(convolve(inputs[0]))[None],)

    return compute


def _convolution(use: BoundOperator, weights: Doubles, bias: Doubles, activation: Activation) -> Convolution:
    groups, window = use.integer("groups"), weights.shape[2:]
    strides, paddings = set(use.integers("strides")), set(use.integers("paddings"))
    shape = f"{window[0]}x{window[1]} in {groups} groups, strides {strides}, paddings {paddings}"
    if len(strides) != 1 or len(paddings) != 1 or window[0] != window[1]:
        raise UnsupportedKernelError(shape)
    (stride,), (padding,), size = strides, paddings, window[0]
    if groups == 1 and (size, stride, padding) == (1, 1, 0):
        matrix = np.ascontiguousarray(weights[:, :, 0, 0])
        return lambda inputs: _pointwise(inputs, matrix, bias)
    if groups == 1 and (size, stride, padding) == (3, 2, 1) and weights.shape[1] == 3:
        if len(weights) % LANES:
            raise UnsupportedKernelError(f"{len(weights)} channels out of an image")
        return lambda inputs: _first_layer(inputs, weights, bias)
    if groups == len(weights) and weights.shape[1] == 1 and activation in (identity, relu):
        windows = np.ascontiguousarray(weights[:, 0])
        if (size, stride, padding) == (3, 1, 1):
            return lambda inputs: small_window(inputs, windows, bias)
        if (size, stride, padding) == (3, 2, 1):
            return lambda inputs: small_window_by_two(inputs, windows, bias)
        if (size, padding) == (5, 2) and stride in (1, 2):
            return lambda inputs: large_window(inputs, windows, bias, stride)
    raise UnsupportedKernelError(shape)


def _pointwise(inputs: Doubles, weights: Doubles, bias: Doubles) -> Doubles:
    """1x1: a matrix product that starts from the bias.

    On a map of one cell a product of matrix and vector takes its place. Columns that are left after groups
    of four sum even and odd channels apart, from zero, and add the bias last. Into one channel the cells take
    the place of the weights, in a loop whose last cells the compiler orders as it likes.
    """
    channels, height, width = inputs.shape
    columns = np.ascontiguousarray(inputs.reshape(channels, -1))
    out = np.empty((len(weights), height * width))
    if height * width == 1:
        matrix_vector(weights, columns[:, 0].copy(), bias, out[:, 0])
        return out[:, :, None]
    if len(weights) == 1:
        raise unsupported(f"a convolution of {height}x{width} cells into one channel")
    matrix_product(weights, columns, bias, out)
    left = height * width % _GROUP
    if left:
        out[:, -left:] = add(_alternating(weights, columns[:, -left:]), bias[:, None])
    return out.reshape(-1, height, width)


def _alternating(weights: Doubles, columns: Doubles) -> Doubles:
    sums = []
    for first in range(2):
        part = np.empty((len(weights), columns.shape[1]))
        every_other = np.ascontiguousarray(weights[:, first::2])
        matrix_product(every_other, np.ascontiguousarray(columns[first::2]), np.zeros(len(weights)), part)
        sums.append(part)
    return np.asarray(add(*sums))


def _first_layer(inputs: Doubles, weights: Doubles, bias: Doubles) -> Doubles:
    """3x3 at stride 2 over an image: taps by row, column and channel from zero; the bias is added last."""
    channels, *extents = inputs.shape
    if channels * len(weights) >= _CELLS * extents[0] * extents[1]:
        raise unsupported(f"the first layer over an image of {extents[0]}x{extents[1]}")
    height, width = ((extent - 1) // 2 + 1 for extent in extents)
    padded = np.pad(inputs, ((0, 0), (1, 2), (1, 2)))
    taps = [
        padded[:, row : row + 2 * height : 2, column : column + 2 * width : 2].reshape(3, -1)
        for row in range(3)
        for column in range(3)
    ]
    order = np.ascontiguousarray(weights.transpose(0, 2, 3, 1).reshape(len(weights), -1))
    out = np.empty((len(weights), height * width))
    matrix_product(order, np.concatenate(taps), np.zeros(len(weights)), out)
    return np.asarray(add(out, bias[:, None])).reshape(-1, height, width)
