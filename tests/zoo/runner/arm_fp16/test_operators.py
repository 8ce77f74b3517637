"""Operators other than convolutions: step by step against the definition of FP16, and refusals."""

from __future__ import annotations

from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.formats.graph import Operator
from registry.errors import ConversionError
from tests.helpers.float16_oracle import FINITE, SMALL, fused, nearest, plus, times
from zoo._utils.choices import LiteBuild
from zoo.runner.arm_fp16 import KERNELS
from zoo.runner.arm_fp16.activations import exponential, sigmoid_in_single
from zoo.runner.arm_fp16.distribution import estimate_reciprocal
from zoo.runner.arm_fp16.float16 import fp16_constant, round_to_fp16
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, UnsupportedKernelError

SIXTH = 0.16666670143604279  # what opt writes
HARD_SWISH = {"offset": 3.0, "scale": 6.0, "threshold": 6.0}
BILINEAR = {"align_corners": True, "interp_method": "bilinear", "align_mode": 0, "scale": ()}


def apply(kind: str, attributes: dict[str, object], *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
    operator = Operator(kind, {}, {}, MappingProxyType(attributes))
    return KERNELS[kind].build(BoundOperator(operator, {}))(*inputs)


def some(*shape: int, seed: int = 0) -> np.ndarray:
    return round_to_fp16(np.random.default_rng(seed).normal(size=shape))


@given(st.lists(SMALL, min_size=8, max_size=8))
def test_hard_swish_rounds_every_step(values: list[float]) -> None:
    (found,) = apply("hard_swish", HARD_SWISH, np.array(values))

    for x, y in zip(values, found, strict=True):
        assert y == times(times(x, fp16_constant(1 / 6)), min(max(plus(x, 3.0), 0.0), 6.0))


@given(st.lists(SMALL, min_size=11, max_size=11))
def test_hard_sigmoid_is_one_fp16_step_and_its_tail_one_fp32_step(values: list[float]) -> None:
    (found,) = apply("hard_sigmoid", {"slope": SIXTH, "offset": 0.5}, np.array(values))

    for x, y in zip(values[:8], found, strict=False):
        assert y == min(max(fused(x, fp16_constant(SIXTH), 0.5), 0.0), 1.0)
    for x, y in zip(values[8:], found[8:], strict=True):
        line = np.float16(np.float32(x * float(np.float32(SIXTH)) + 0.5))
        assert y == min(max(float(line), 0.0), 1.0)


def test_sigmoid_is_close_and_its_tail_closer() -> None:
    values = round_to_fp16(np.linspace(-8, 8, 35))

    (found,) = apply("sigmoid", {}, values)

    truth = 1 / (1 + np.exp(-values))
    np.testing.assert_allclose(found[:32], truth[:32], rtol=4e-3)
    np.testing.assert_array_equal(found[32:], round_to_fp16(truth[32:]))
    assert (found[:12] > truth[:12]).all()  # -ffast-math removes the correction


def test_the_exponential_is_clipped_where_fp16_would_overflow() -> None:
    np.testing.assert_array_equal(
        exponential(np.array([10.75, 60000.0]), "published"),
        exponential(np.array([10.7422, 11]), "published"),
    )
    assert exponential(np.array([0.0]), "published") == exponential(np.array([0.0]), "no-fast-math") == 1.0


EVERY_FP16_VALUE = np.concatenate([FINITE, -FINITE])


def test_fast_math_makes_small_sigmoids_larger_by_less_than_a_hundredth() -> None:
    published, without = (sigmoid_of(EVERY_FP16_VALUE, build) for build in ("published", "no-fast-math"))

    small = (without > 0) & (without < 0.1)
    change = published[small] / without[small] - 1
    assert 0.0082 < change.max() < 0.0084
    assert np.abs(published - without).max() == 2.0**-10


@pytest.mark.parametrize("build", ["published", "no-fast-math"])
def test_values_that_more_threads_leave_to_single_precision_change_little(build: LiteBuild) -> None:
    """The bound of what the number of threads changes; see ``build_sigmoid``."""
    with np.errstate(over="ignore"):
        in_single = sigmoid_in_single(EVERY_FP16_VALUE)

    assert np.abs(sigmoid_of(EVERY_FP16_VALUE, build) - in_single).max() == 2.0**-11


def sigmoid_of(values: np.ndarray, build: LiteBuild) -> np.ndarray:
    operator = Operator("sigmoid", {}, {}, MappingProxyType({}))
    (found,) = KERNELS["sigmoid"].build(BoundOperator(operator, {}, build))(values)
    return found


@given(st.lists(SMALL, min_size=8, max_size=8))
def test_without_fast_math_hard_sigmoid_rounds_product_and_sum(values: list[float]) -> None:
    operator = Operator("hard_sigmoid", {}, {}, MappingProxyType({"slope": SIXTH, "offset": 0.5}))

    (found,) = KERNELS["hard_sigmoid"].build(BoundOperator(operator, {}, "no-fast-math"))(np.array(values))

    for x, y in zip(values, found, strict=True):
        assert y == min(max(plus(times(x, fp16_constant(SIXTH)), 0.5), 0.0), 1.0)


def test_relu_keeps_positive_values_and_nan() -> None:
    (found,) = apply("relu", {}, np.array([-1.0, -0.0, 2.0, np.nan]))

    np.testing.assert_array_equal(found, [0.0, 0.0, 2.0, np.nan])
    assert not np.signbit(found[:2]).any()


@given(st.lists(SMALL, min_size=4, max_size=4), st.lists(SMALL, min_size=4, max_size=4))
def test_two_tensors_are_combined_by_value_or_by_channel(a: list[float], b: list[float]) -> None:
    left, right = np.array(a).reshape(1, 2, 1, 2), np.array(b).reshape(1, 2, 1, 2)

    (total,) = apply("elementwise_add", {"axis": -1}, left, right)
    (rectified,) = apply("fusion_elementwise_add_activation", {"axis": -1, "act_type": "relu"}, left, right)
    (scaled,) = apply("elementwise_mul", {"axis": -1}, left, right[..., :1])
    (less,) = apply("elementwise_sub", {"axis": -1}, left, right)
    (parts,) = apply("elementwise_div", {"axis": -1}, left, right + 9)

    assert total.reshape(-1).tolist() == [plus(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_array_equal(rectified, np.maximum(total, 0))
    assert less.reshape(-1).tolist() == [plus(x, -y) for x, y in zip(a, b, strict=True)]
    ratios = [nearest(Fraction(x) / Fraction(y)) for x, y in zip(a, (right + 9).reshape(-1), strict=True)]
    assert parts.reshape(-1).tolist() == ratios
    assert scaled.reshape(-1).tolist() == [times(x, b[n // 2 * 2]) for n, x in enumerate(a)]


def test_pooling_takes_means_of_maps_and_the_largest_of_windows() -> None:
    values = some(1, 2, 5, 7)
    largest = {"pooling_type": "max", "ksize": (3, 3), "strides": (2, 2), "paddings": (1, 1)}

    (mean,) = apply("pool2d", {"pooling_type": "avg", "global_pooling": True}, values)
    (found,) = apply("pool2d", largest, values)

    assert mean.shape == (1, 2, 1, 1)
    np.testing.assert_allclose(mean[0, :, 0, 0], values.mean(axis=(0, 2, 3)), atol=2e-3)
    padded = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-9)
    for (_, channel, row, column), value in np.ndenumerate(found):
        assert value == padded[0, channel, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3].max()
    assert found.shape == (1, 2, 3, 4)


def test_nearest_cells_are_repeated() -> None:
    attributes = {"align_corners": False, "interp_method": "nearest", "scale": (2.0, 4.0), "out_h": -1}

    (found,) = apply("nearest_interp_v2", attributes, some(1, 3, 2, 3))

    np.testing.assert_array_equal(found, np.kron(some(1, 3, 2, 3), np.ones((2, 4))))


@pytest.mark.parametrize(("height", "width"), [(8, 6), (16, 12), (32, 24)])
def test_interpolation_keeps_the_corners_and_is_linear(height: int, width: int) -> None:
    slope = round_to_fp16(np.add.outer(np.arange(4), np.arange(3) / 4))[None, None]

    (found,) = apply("bilinear_interp_v2", BILINEAR | {"out_h": height, "out_w": width}, slope)

    line = np.add.outer(np.linspace(0, 3, height), np.linspace(0, 0.5, width))
    np.testing.assert_allclose(found[0, 0], line, atol=3e-3)
    np.testing.assert_array_equal(found[0, 0, [0, -1]][:, [0, -1]], slope[0, 0, [0, -1]][:, [0, -1]])
    np.testing.assert_array_equal(found, round_to_fp16(found))


@pytest.mark.parametrize(("given", "wanted"), [((4, 3), (8, 6)), ((5, 4), (10, 13)), ((3, 5), (12, 24))])
def test_interpolation_rounds_in_fp16_by_pairs_and_eights_and_the_rest_in_fp32(
    given: tuple[int, int], wanted: tuple[int, int]
) -> None:
    cells = some(1, 1, *given)

    (found,) = apply("bilinear_interp_v2", BILINEAR | {"out_h": wanted[0], "out_w": wanted[1]}, cells)

    across, down = places(given[1], wanted[1]), places(given[0], wanted[0])
    for row, (above, below, share_below) in enumerate(down):
        for column, value in enumerate(found[0, 0, row]):
            left, right, share = across[column]
            edge = sum(left < given[1] - 1 for left, _, _ in across)
            count, at = (edge, column) if column < edge else (wanted[1] - edge, column - edge)
            ends = [
                mixed(cells[0, 0, line, left], cells[0, 0, line, right], share, single=at >= count // 2 * 2)
                for line in (above, below)
            ]
            if column < wanted[1] // 8 * 8:
                assert value == fused(ends[1], share_below, times(ends[0], fp16_constant(1 - share_below)))
            else:
                assert value == mixed(*ends, share_below, single=True)


def places(given: int, wanted: int) -> list[tuple[int, int, float]]:
    """For each output cell, the source cell before, the one after, and the weight of the latter."""
    step = np.float32(given - 1) / np.float32(wanted - 1)
    exact = [np.float32(place) * step for place in range(wanted)]
    return [(int(p), min(int(p) + 1, given - 1), fp16_constant(p - np.float32(int(p)))) for p in exact]


def mixed(one: float, other: float, share: float, *, single: bool) -> float:
    if single:
        return fp16_constant(np.float32(one * fp16_constant(1 - share) + other * share))
    return plus(times(one, fp16_constant(1 - share)), times(other, share))


def test_layout_operators_keep_values() -> None:
    single = np.arange(24, dtype=np.float32).reshape(1, 4, 2, 3)

    parts = apply("split", {"axis": 1, "num": 0, "sections": (1, 3)}, single)
    (joined,) = apply("concat", {"axis": 1}, *parts)
    (turned,) = apply("transpose2", {"axis": (0, 2, 3, 1)}, single)
    (shuffled,) = apply("shuffle_channel", {"group": 2}, single)
    (flat,) = apply("reshape2", {"shape": (0, -1)}, single)
    (asked,) = apply("reshape2", {"shape": (-1, 1)}, single, *(np.array([n], np.int32) for n in (2, -1)))

    np.testing.assert_array_equal(joined, single)
    assert [part.shape[1] for part in parts] == [1, 3]
    assert turned.shape == (1, 2, 3, 4)
    np.testing.assert_array_equal(shuffled, single[:, [0, 2, 1, 3]])
    assert (flat.shape, asked.shape) == ((1, 24), (2, 12))


def test_a_concat_widens_fp16_after_fp32_and_never_narrows() -> None:
    single, wide = np.ones((1, 1), np.float32), some(1, 1)

    (joined,) = apply("concat", {"axis": 1}, single, wide)

    assert joined.dtype == np.float32
    with pytest.raises(ConversionError, match="concat"):
        apply("concat", {"axis": 1}, wide, single)


def test_a_softmax_inverts_its_sum_with_an_estimate_of_eight_bits() -> None:
    logits = some(50, 8)

    (found,) = apply("softmax", {"axis": -1}, logits)

    truth = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, truth, rtol=5e-3)
    assert (np.abs(found.sum(axis=-1) - 1) < 3.1e-3).all()
    assert len(np.unique(found.sum(axis=-1))) > 5  # probabilities do not sum to one


@pytest.mark.parametrize(("value", "expected"), [(1.0, 511), (1.5, 341), (1.99609375, 256), (7.5, 68.25)])
def test_the_estimate_of_a_reciprocal_equals_the_instruction(value: float, expected: float) -> None:
    """Source: pseudocode RecipEstimate of the Arm Architecture Reference Manual."""
    assert estimate_reciprocal(np.array(value)) == expected / 512
    assert np.isnan(estimate_reciprocal(np.array(np.nan)))


def test_an_estimate_is_within_a_quarter_of_a_hundredth() -> None:
    values = FINITE[(FINITE >= 1) & (FINITE <= 8)]

    assert np.abs(estimate_reciprocal(values) * values - 1).max() < 0.003


def test_the_expected_value_of_a_distribution_adds_adjacent_pairs() -> None:
    values, bins = np.abs(some(1, 3, 4, 8)), np.arange(8.0)
    operator = Operator("matmul_v2", {"Y": ("bins",)}, {}, MappingProxyType({"trans_x": False}))

    (found,) = KERNELS["matmul_v2"].build(BoundOperator(operator, {"bins": bins}))(values)

    assert found.shape == (1, 3, 4)
    for index, value in np.ndenumerate(found):
        p = [times(x, w) for x, w in zip(values[index].tolist(), bins, strict=True)]
        low, high = plus(plus(p[0], p[1]), plus(p[2], p[3])), plus(plus(p[4], p[5]), plus(p[6], p[7]))
        assert value == plus(low, high)


def test_a_scale_by_one_and_a_square_root_round_once() -> None:
    identity = {"scale": 1.0, "bias": 9.999999717180685e-10, "bias_after_scale": True}

    (same,) = apply("scale", identity, np.array([0.5, -0.0]))
    (root,) = apply("sqrt", {}, np.array([2.0], np.float32))

    np.testing.assert_array_equal(same, [0.5, 0.0])
    assert not np.signbit(same).any()
    assert root.dtype == np.float32
    assert root[0] == np.float32(2**0.5)


def test_suppression_sorts_rows_by_class_and_then_by_score() -> None:
    rule = {"score_threshold": 0.1, "nms_threshold": 0.5, "nms_top_k": 10, "keep_top_k": 4}
    boxes = np.array([[[0, 0, 4, 4], [0, 0, 4, 3.9], [9, 9, 12, 12]]], np.float32)
    scores = np.array([[[0.3, 0.8, 0.4], [0.9, 0.2, 0.05]]], np.float32)

    rows, index, count = apply("multiclass_nms3", rule, boxes, scores)
    none, *_ = apply("multiclass_nms3", rule | {"score_threshold": 0.95}, boxes, scores)

    np.testing.assert_array_equal(rows[:, :2], np.array([[0, 0.8], [0, 0.4], [1, 0.9]], np.float32))
    np.testing.assert_array_equal(rows[:, 2:], boxes[0][[1, 2, 0]])
    assert (index.tolist(), count.tolist(), none.shape) == ([[1], [2], [0]], [3], (0, 6))


def test_integer_operators() -> None:
    (extents,) = apply("shape", {}, some(1, 3, 4, 2))
    (first,) = apply("slice", {"axes": (0,), "starts": (1,), "ends": (2,), "decrease_axis": (0,)}, extents)
    (constant,) = apply("fill_constant", {"dtype": 2, "value": 7.0, "shape": (1,)})
    (places,) = apply("arg_max", {"axis": -1, "dtype": 3}, np.array([[1, 3, 3]], np.float32))

    assert (extents.tolist(), first.tolist(), constant.tolist(), places.tolist()) == (
        [1, 3, 4, 2],
        [3],
        [7],
        [1],
    )


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("pool2d", {"pooling_type": "max", "global_pooling": True}),
        ("pool2d", {"pooling_type": "avg", "ksize": (3, 3), "strides": (2, 2), "paddings": (1, 1)}),
        ("pool2d", {"pooling_type": "max", "ksize": (2, 2), "strides": (2, 2), "paddings": (0, 0)}),
        (
            "pool2d",
            {
                "pooling_type": "max",
                "ksize": (3, 3),
                "strides": (2, 2),
                "paddings": (1, 1),
                "padding_algorithm": "SAME",
            },
        ),
        ("nearest_interp_v2", {"scale": (3.0, 3.0)}),
        ("nearest_interp_v2", {"scale": (2.0, 2.0), "align_corners": True}),
        ("bilinear_interp_v2", BILINEAR | {"out_h": -1, "out_w": 4}),
        ("bilinear_interp_v2", BILINEAR | {"out_h": 8, "out_w": 4, "align_corners": False}),
        ("fusion_elementwise_add_activation", {"act_type": "tanh"}),
        ("elementwise_add", {"axis": 1}),
        ("elementwise_mul", {"axis": -1, "fuse_scale": True, "alpha": 0.5}),
        ("split", {"axis": 1, "num": 0, "sections": (-1, 2)}),
        ("slice", {"axes": (0,), "starts": (0,), "ends": (2,)}),
        ("fill_constant", {"dtype": 5, "value": 1.0, "shape": (1,)}),
        ("hard_swish", {"offset": 3.0}),
        ("reshape2", {"shape": "4"}),
        ("scale", {"scale": 2.0, "bias": 0.0}),
        ("scale", {"scale": 1.0, "bias": 0.5}),
        ("softmax", {"axis": 1}),
        ("matmul_v2", {"trans_y": True}),
        ("matmul_v2", {}),
        ("multiclass_nms3", {"background_label": 0}),
    ],
)
def test_unverified_attributes_are_refused(kind: str, attributes: dict[str, object]) -> None:
    with pytest.raises(UnsupportedKernelError):
        apply(kind, attributes)


def test_unverified_shapes_are_refused() -> None:
    with pytest.raises(ConversionError, match="hard_swish"):
        apply("hard_swish", HARD_SWISH, some(1, 3))
    with pytest.raises(ConversionError, match="elementwise operator"):
        apply("elementwise_add", {}, some(1, 1, 3, 3), some(1, 2, 3, 3))
    with pytest.raises(ConversionError, match="softmax over 7"):
        apply("softmax", {"axis": -1}, some(1, 7))
    with pytest.raises(ConversionError, match="type"):
        apply("calib", {}, np.ones(3, np.float32))
