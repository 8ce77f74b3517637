"""Convolutions: every output cell against taps added one by one in the order of the kernel."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from converters.formats.graph import Operator
from registry.errors import ConversionError
from tests.helpers.float16_oracle import fused, plus, times
from zoo.runner.arm_fp16 import convolution
from zoo.runner.arm_fp16.float16 import fp16_constant, round_to_fp16
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, UnsupportedKernelError

CENTER, PLAIN = (1, 0, 2), (0, 1, 2)


def some(*shape: int, seed: int = 0) -> np.ndarray:
    return round_to_fp16(np.random.default_rng(seed).normal(size=shape))


def convolve(inputs: np.ndarray, weights: np.ndarray, bias: np.ndarray | None, **more: object) -> np.ndarray:
    size = weights.shape[2]
    attributes = {"groups": 1, "strides": (1, 1), "paddings": (size // 2, size // 2)} | more
    bound = {"Input": ("x",), "Filter": ("w",)} | ({} if bias is None else {"Bias": ("b",)})
    operator = Operator("conv2d", bound, {"Output": ("y",)}, MappingProxyType(attributes))
    named = {"w": weights} if bias is None else {"w": weights, "b": bias}
    (out,) = convolution.build(BoundOperator(operator, named))(inputs[None])
    return out[0]


def taps(window: np.ndarray, weights: np.ndarray, start: float, order: list[tuple[int, int]]) -> float:
    for row, column in order:
        start = fused(weights[row, column], window[row, column], start)
    return start


@pytest.mark.parametrize("width", [3, 6, 8, 9, 10, 12, 13, 20])
def test_a_small_window_adds_the_center_first_at_the_left_edge(width: int) -> None:
    inputs, weights, bias = some(1, 6, width), some(1, 1, 3, 3, seed=1), some(1, seed=2)

    (found,) = convolve(inputs, weights, bias, groups=1 * len(inputs))

    padded = np.pad(inputs[0], 1)
    left = width if width <= 8 else min(8, width - 8)
    for row in range(6):
        for column in range(width):
            center_first_rows = 0 if column >= left else 3 if width <= 8 else 3 - row % 4
            order = [(r, c) for r in range(3) for c in (CENTER if r < center_first_rows else PLAIN)]
            window = padded[row : row + 3, column : column + 3]
            assert found[row, column] == taps(window, weights[0, 0], bias[0], order)


@pytest.mark.parametrize("width", [6, 12, 16, 17, 20, 24, 26, 31, 40])
def test_a_small_window_at_stride_two_adds_columns_separately(width: int) -> None:
    inputs, weights, bias = some(2, 6, width), some(2, 1, 3, 3, seed=1), some(2, seed=2)

    found = convolve(inputs, weights, bias, groups=2, strides=(2, 2))

    padded = np.pad(inputs, ((0, 0), (1, 1), (1, 1)))
    wide = (width + 1) // 2
    left = wide if wide <= 8 else min(8, wide - 8)
    assert found.shape == (2, 3, wide)
    for channel in range(2):
        for row in range(3):
            for column in range(wide):
                window = padded[channel, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
                first = 0 if column < left else 2
                rest = [c for c in range(3) if c != first]
                sums = [
                    taps(window, weights[channel, 0], start, [(r, c) for r in range(3)])
                    for c, start in ((first, bias[channel]), (rest[0], 0.0), (rest[1], 0.0))
                ]
                assert found[channel, row, column] == plus(plus(sums[0], sums[1]), sums[2])


@pytest.mark.parametrize("stride", [1, 2])
def test_a_large_window_goes_row_by_row(stride: int) -> None:
    inputs, weights, bias = some(1, 5, 6), some(1, 1, 5, 5, seed=1), some(1, seed=2)

    (found,) = convolve(inputs, weights, bias, strides=(stride, stride))

    padded = np.pad(inputs[0], 2)
    order = [(r, c) for r in range(5) for c in range(5)]
    for (row, column), value in np.ndenumerate(found):
        window = padded[stride * row : stride * row + 5, stride * column : stride * column + 5]
        assert value == taps(window, weights[0, 0], bias[0], order)


def test_the_first_layer_adds_by_row_column_and_channel_and_the_bias_last() -> None:
    inputs, weights, bias = some(3, 4, 6), some(8, 3, 3, 3, seed=1), some(8, seed=2)

    found = convolve(inputs, weights, bias, strides=(2, 2))

    padded = np.pad(inputs, ((0, 0), (1, 1), (1, 1)))
    assert found.shape == (8, 2, 3)
    for (out, row, column), value in np.ndenumerate(found):
        total = 0.0
        for r, c, channel in np.ndindex(3, 3, 3):
            tap = padded[channel, 2 * row + r, 2 * column + c]
            total = fused(weights[out, channel, r, c], tap, total)
        assert value == plus(total, bias[out])


@pytest.mark.parametrize("left", [1, 2, 3])
@pytest.mark.parametrize("bias", [None, some(4, seed=2)])
def test_cells_left_after_groups_of_four_add_even_and_odd_channels_separately(
    bias: np.ndarray | None, left: int
) -> None:
    inputs, weights = some(7, 1, 8 + left), some(4, 7, 1, 1, seed=1)

    found = convolve(inputs, weights, bias).reshape(4, -1)

    flat = inputs.reshape(7, -1)
    for out in range(4):
        start = 0.0 if bias is None else bias[out]
        for cell in range(8):
            total = start
            for channel in range(7):
                total = fused(weights[out, channel, 0, 0], flat[channel, cell], total)
            assert found[out, cell] == total
        for cell in range(8, 8 + left):
            parts = [0.0, 0.0]
            for channel in range(7):
                tap = flat[channel, cell]
                parts[channel % 2] = fused(weights[out, channel, 0, 0], tap, parts[channel % 2])
            assert found[out, cell] == plus(plus(*parts), start)


def test_activations_apply_to_the_rounded_sum() -> None:
    inputs, weights, bias = some(4, 2, 2), some(2, 4, 1, 1, seed=1), some(2, seed=2)
    plain = convolve(inputs, weights, bias)

    rectified = convolve(inputs, weights, bias, with_act=True, act_type="relu")

    assert (plain < 0).any()
    np.testing.assert_array_equal(rectified, np.maximum(plain, 0))


def test_a_matrix_vector_product_supports_every_activation() -> None:
    inputs, weights = some(4, 1, 1), some(2, 4, 1, 1, seed=1)
    swish = {"hard_swish_offset": 3.0, "hard_swish_threshold": 6.0, "hard_swish_scale": 6.0}

    plain = convolve(inputs, weights, None).reshape(-1)
    found = convolve(inputs, weights, None, with_act=True, act_type="hard_swish", **swish).reshape(-1)

    for x, y in zip(plain, found, strict=True):
        assert y == times(times(x, fp16_constant(1 / 6)), min(max(plus(x, 3.0), 0.0), 6.0))


@pytest.mark.parametrize(
    "attributes",
    [
        {"dilations": (2, 2)},
        {"strides": (2, 2)},
        {"paddings": (1, 1)},
        {"with_act": True, "act_type": "leaky_relu"},
        {"fuse_relu": True},
        {"groups": 2},
        {"data_format": "NHWC"},
        {"padding_algorithm": "SAME"},
    ],
)
def test_an_unverified_convolution_is_refused(attributes: dict[str, object]) -> None:
    with pytest.raises(UnsupportedKernelError):
        convolve(some(4, 3, 3), some(4, 4, 1, 1), None, **attributes)


@pytest.mark.parametrize(("channels", "size", "shape"), [(8, 1, (2, 5)), (11, 1, (1, 13)), (3, 5, (4, 3))])
def test_one_output_channel_adds_four_sums_per_eight_taps(
    channels: int, size: int, shape: tuple[int, int]
) -> None:
    inputs, weights, bias = some(channels, *shape), some(1, channels, size, size, seed=1), some(1, seed=2)

    (found,) = convolve(inputs, weights, bias)

    margin = size // 2
    padded = np.pad(inputs, ((0, 0), (margin, margin), (margin, margin)))
    filled = np.append(weights, np.zeros(-weights.size % 8))
    for cell, ((row, column), value) in enumerate(np.ndenumerate(found)):
        window = padded[:, row : row + size, column : column + size].reshape(-1)
        window = np.append(window, np.zeros(-window.size % 8))
        blocks = zip(window.reshape(-1, 8).tolist(), filled.reshape(-1, 8).tolist(), strict=True)
        in_eights = cell < found.size - found.size % 8
        assert value == (cell_in_eights if in_eights else last_cell)(list(blocks), bias[0])


Blocks = list[tuple[list[float], list[float]]]


def cell_in_eights(blocks: Blocks, bias: float) -> float:
    total = 0.0
    for x, w in blocks:
        sums = [fused(x[0], w[0], total), *(times(x[k], w[k]) for k in (1, 2, 3))]
        a, b, c, d = (fused(x[k + 4], w[k + 4], sums[k]) for k in range(4))
        total = plus(plus(a, b), plus(c, d))
    return plus(total, bias)


def last_cell(blocks: Blocks, bias: float) -> float:
    total = 0.0
    for number, (x, w) in enumerate(blocks, 1):
        part = 0.0
        for k in range(8):
            part = fp16_constant(np.float32(x[k] * w[k] + part))
        total = plus(total, plus(part, bias) if number == len(blocks) else part)
    return total


def test_hard_swish_after_a_convolution_into_one_channel_is_rounded_once() -> None:
    inputs, weights, bias = some(8, 3, 3), some(1, 8, 1, 1, seed=1), some(1, seed=2)
    swish = {"hard_swish_offset": 3.0, "hard_swish_threshold": 6.0, "hard_swish_scale": 6.0}

    plain = convolve(inputs, weights, bias).reshape(-1)
    found = convolve(inputs, weights, bias, with_act=True, act_type="hard_swish", **swish).reshape(-1)

    for x, y in zip(plain.astype(np.float32), found, strict=True):
        gate = np.minimum(np.maximum(x + np.float32(3), np.float32(0)), np.float32(6))
        assert y == fp16_constant(gate * (x * np.float32(fp16_constant(1 / 6))))


def test_one_channel_is_scaled_in_one_fused_step() -> None:
    inputs, weights, bias = some(1, 2, 5), some(1, 1, 1, 1, seed=1), some(1, seed=2)

    found = convolve(inputs, weights, bias)

    for x, y in zip(inputs.reshape(-1), found.reshape(-1), strict=True):
        assert y == fused(x, weights.item(), bias.item())


def test_unverified_convolutions_into_one_channel_are_refused() -> None:
    rectified = {"with_act": True, "act_type": "relu"}
    with pytest.raises(UnsupportedKernelError, match="into one channel"):
        convolve(some(4, 2, 2), some(1, 4, 1, 1), None, **rectified)
    with pytest.raises(UnsupportedKernelError, match="of one channel"):
        convolve(some(1, 2, 2), some(1, 1, 1, 1), None, **rectified)
    with pytest.raises(ConversionError, match="one cell"):
        convolve(some(4, 1, 1), some(1, 4, 5, 5), None)
    assert convolve(some(4, 1, 1), some(1, 4, 1, 1), None).shape == (1, 1, 1)


def test_an_image_too_small_for_the_first_layer_is_refused() -> None:
    """Its kernel is used if the product of the channels is below four times the number of cells."""
    assert convolve(some(3, 4, 4), some(16, 3, 3, 3), None, strides=(2, 2)).shape == (16, 2, 2)
    with pytest.raises(ConversionError, match="4x3") as caught:
        convolve(some(3, 4, 3), some(16, 3, 3, 3), None, strides=(2, 2))
    assert caught.value.code == "fp16-op-unverified"
