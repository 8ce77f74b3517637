"""Convolutions: which ARM kernel handles a shape, and in which order it rounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo._utils.arrays import Array, Doubles
from zoo.runner.arm_fp16.activations import fused_activation, fused_activation_in_single, identity, relu
from zoo.runner.arm_fp16.depthwise import large_window, small_window, small_window_by_two
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, UnsupportedKernelError, unverified_error
from zoo.runner.arm_fp16.kernels import LANES, add, matrix_product, matrix_vector
from zoo.runner.arm_fp16.one_channel import convolve_into_one_channel, scale_one_channel

Convolution = Callable[[Doubles], Doubles]

# The matrix-product kernel processes columns in groups of 16 and 4, then one by one.
_GROUP = 4

# The first-layer kernel is selected if input times output channels is below this multiple of the number of
# input cells.
_CELLS = 4


def build(bound: BoundOperator) -> Compute:
    """Build ``conv2d`` and ``depthwise_conv2d``: pointwise, the first layer of a network, or depthwise.

    Raises:
        UnsupportedKernelError: Any other convolution.
    """
    weights = bound.weight("Filter")
    if weights is None or weights.ndim != 4:
        raise UnsupportedKernelError("a filter without four axes")
    bound.require(
        dilations=(1, 1), data_format=frozenset({"NCHW", "AnyLayout"}), padding_algorithm="EXPLICIT"
    )
    bias = bound.weight("Bias")
    start = np.zeros(len(weights)) if bias is None else np.ascontiguousarray(bias.reshape(-1))
    convolve = _convolution(bound, weights, start)

    def compute(inputs: Doubles) -> tuple[Array, ...]:
        return (convolve(inputs[0])[None],)

    return compute


def _convolution(bound: BoundOperator, weights: Doubles, bias: Doubles) -> Convolution:
    groups, window = bound.integer("groups"), weights.shape[2:]
    strides, paddings = set(bound.integers("strides")), set(bound.integers("paddings"))
    shape = f"{window[0]}x{window[1]} in {groups} groups, strides {strides}, paddings {paddings}"
    if len(strides) != 1 or len(paddings) != 1 or window[0] != window[1]:
        raise UnsupportedKernelError(shape)
    (stride,), (padding,), size = strides, paddings, window[0]
    activation = fused_activation(bound)
    one_channel = groups == 1 and len(weights) == 1 and stride == 1
    if one_channel and ((size, padding) == (1, 0) or ((size, padding) == (5, 2) and weights.shape[1] > 1)):
        return _into_one_channel(bound, weights[0], bias)
    if groups == 1 and (size, stride, padding) == (1, 1, 0):
        matrix = np.ascontiguousarray(weights[:, :, 0, 0])
        return lambda inputs: activation(_pointwise(inputs, matrix, bias))
    if groups == 1 and (size, stride, padding) == (3, 2, 1) and weights.shape[1] == 3:
        if len(weights) % LANES:
            raise UnsupportedKernelError(f"first layer with {len(weights)} output channels")
        return lambda inputs: activation(_first_layer(inputs, weights, bias))
    if groups == len(weights) and weights.shape[1] == 1 and activation in (identity, relu):
        windows = np.ascontiguousarray(weights[:, 0])
        if (size, stride, padding) == (3, 1, 1):
            return lambda inputs: activation(small_window(inputs, windows, bias))
        if (size, stride, padding) == (3, 2, 1):
            return lambda inputs: activation(small_window_by_two(inputs, windows, bias))
        if (size, padding) == (5, 2) and stride in (1, 2):
            return lambda inputs: activation(large_window(inputs, windows, bias, stride))
    raise UnsupportedKernelError(shape)


def _into_one_channel(bound: BoundOperator, weights: Doubles, bias: Doubles) -> Convolution:
    """Build a convolution with one output channel, whose kernel swaps the roles of cells and weights."""
    if weights.shape == (1, 1, 1):
        if fused_activation(bound) is not identity:
            raise UnsupportedKernelError("an activation in a convolution of one channel")
        return lambda inputs: scale_one_channel(inputs, weights, bias)
    matrix, taps = np.ascontiguousarray(weights.reshape(1, -1)), weights.shape[1:]
    activation, in_single = fused_activation(bound), fused_activation_in_single(bound)

    def convolve(inputs: Doubles) -> Doubles:
        if inputs.shape[1:] != (1, 1):
            return in_single(convolve_into_one_channel(inputs, weights, bias[0]))
        if taps != (1, 1):
            raise unverified_error("a convolution of one cell with a window into one channel")
        return activation(_pointwise(inputs, matrix, bias))

    return convolve


def _pointwise(inputs: Doubles, weights: Doubles, bias: Doubles) -> Doubles:
    """Compute a 1x1 convolution: a matrix product that starts from the bias.

    For a map of one cell the kernel uses a matrix-vector product. Columns left after groups of four sum even
    and odd channels separately, from zero, and add the bias last.
    """
    channels, height, width = inputs.shape
    columns = np.ascontiguousarray(inputs.reshape(channels, -1))
    out = np.empty((len(weights), height * width))
    if height * width == 1:
        matrix_vector(weights, columns[:, 0].copy(), bias, out[:, 0])
        return out[:, :, None]
    matrix_product(weights, columns, bias, out)
    rest = height * width % _GROUP
    if rest:
        out[:, -rest:] = add(_sum_even_and_odd(weights, columns[:, -rest:]), bias[:, None])
    return out.reshape(-1, height, width)


def _sum_even_and_odd(weights: Doubles, columns: Doubles) -> Doubles:
    sums = []
    for first in range(2):
        part = np.empty((len(weights), columns.shape[1]))
        every_other = np.ascontiguousarray(weights[:, first::2])
        matrix_product(every_other, np.ascontiguousarray(columns[first::2]), np.zeros(len(weights)), part)
        sums.append(part)
    return np.asarray(add(*sums))


def _first_layer(inputs: Doubles, weights: Doubles, bias: Doubles) -> Doubles:
    """Compute 3x3 at stride 2 over an image: taps by row, column and channel from zero; the bias last."""
    channels, *extents = inputs.shape
    if channels * len(weights) >= _CELLS * extents[0] * extents[1]:
        raise unverified_error(f"the first layer over an image of {extents[0]}x{extents[1]}")
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
