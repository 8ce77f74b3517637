"""Rounding to FP16, and the loops that depend on its order, against the definition."""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.float16_oracle import FINITE, HALVES, fused, nearest, plus, times
from zoo.runner.arm_fp16.float16 import fp16_constant, round_to_fp16
from zoo.runner.arm_fp16.kernels import (
    add,
    matrix_product,
    matrix_vector,
    maximum,
    mean_rows,
    multiply,
    multiply_add,
    round_once,
)

SUBNORMAL = 2.0**-24
EPSILON = 2.0**-10  # from 1 to the next FP16 value


def some(*shape: int, seed: int = 0) -> np.ndarray:
    return round_to_fp16(np.random.default_rng(seed).normal(size=shape))


@given(st.floats(width=64, allow_nan=False, allow_infinity=False))
def test_a_number_is_rounded_to_the_nearest_fp16_value(value: float) -> None:
    assert round_once(value) == nearest(Fraction(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (65519.999, 65504.0),
        (65520.0, np.inf),
        (-1e300, -np.inf),
        (np.inf, np.inf),
        (SUBNORMAL / 2, 0.0),  # a tie: zero is even
        (SUBNORMAL * 0.501, SUBNORMAL),
        (SUBNORMAL * 1.5, SUBNORMAL * 2),
        (1 + 2.0**-11, 1.0),
        (1 + 3 * 2.0**-11, 1 + 2.0**-9),
    ],
)
def test_ties_overflow_and_subnormals(value: float, expected: float) -> None:
    assert round_once(value) == expected


def test_nan_is_kept_and_zeros_keep_their_sign() -> None:
    with np.errstate(invalid="ignore"):
        assert np.isnan(round_once(np.nan))
        assert np.isnan(multiply_add(np.inf, 0.0, 1.0))
    assert np.signbit(multiply(-SUBNORMAL, SUBNORMAL))
    assert not np.signbit(multiply(SUBNORMAL, SUBNORMAL))


def test_every_fp16_value_is_unchanged() -> None:
    np.testing.assert_array_equal(add(FINITE, 0.0), FINITE)
    np.testing.assert_array_equal(round_to_fp16(-FINITE), -FINITE)


@given(HALVES, HALVES, HALVES)
def test_a_fused_step_rounds_once(a: float, b: float, c: float) -> None:
    assert multiply_add(a, b, c) == fused(a, b, c)


@pytest.mark.parametrize("power", range(-12, 16))
@pytest.mark.parametrize("factors", [(1.0, 1.0), (1 + EPSILON, 1 - EPSILON), (1 + EPSILON, 1 + EPSILON)])
def test_a_product_that_is_nearly_half_a_step_does_not_round_twice(
    power: int, factors: tuple[float, float]
) -> None:
    start, step = 2.0**power, 2.0 ** (power - 10)
    for a, c in itertools.product((factors[0] * step / 2, -factors[0] * step / 2), (start, start + step)):
        assert multiply_add(fp16_constant(a), factors[1], c) == fused(fp16_constant(a), factors[1], c)


@given(HALVES, HALVES)
def test_sums_and_products_round_once(a: float, b: float) -> None:
    assert add(a, b) == plus(a, b)
    assert multiply(a, b) == times(a, b)


def test_the_maximum_equals_the_instruction() -> None:
    assert maximum(-2.0, 1.5) == maximum(1.5, -2.0) == 1.5
    assert not np.signbit(maximum(-0.0, 0.0))
    assert not np.signbit(maximum(0.0, -0.0))
    assert np.signbit(maximum(-0.0, -0.0))
    assert np.isnan(maximum(np.nan, 1.0))
    assert np.isnan(maximum(1.0, np.nan))


def test_a_constant_in_single_precision_is_rounded_to_fp16() -> None:
    assert fp16_constant(0.16666670143604279) == float(np.float16(1 / 6))
    assert fp16_constant(np.float32(1) / np.float32(36)) == nearest(Fraction(float(np.float32(1 / 36))))


def test_a_matrix_product_adds_channel_by_channel_from_the_start() -> None:
    weights, inputs, start = some(3, 20), some(20, 5, seed=1), some(3, seed=2)
    out = np.empty((3, 5))

    matrix_product(weights, inputs, start, out)

    for row in range(3):
        for column in range(5):
            pairs = zip(weights[row], inputs[:, column], strict=True)
            assert out[row, column] == reduce(lambda s, p: fused(p[0], p[1], s), pairs, start[row])


@pytest.mark.parametrize("channels", [3, 8, 11, 44])
def test_a_matrix_by_a_vector_adds_in_eight_lanes(channels: int) -> None:
    weights, inputs, bias = some(2, channels), some(channels, seed=1), some(2, seed=2)
    out = np.empty(2)

    matrix_vector(weights, inputs, bias, out)

    for row in range(2):
        lanes = [0.0] * 8
        for k in range(channels):
            lanes[k % 8] = fused(weights[row, k], inputs[k], lanes[k % 8])
        while len(lanes) > 1:
            lanes = [plus(a, b) for a, b in zip(lanes[::2], lanes[1::2], strict=True)]
        assert out[row] == plus(lanes[0], bias[row])


@pytest.mark.parametrize("count", [3, 9, 36, 48, 76, 169])
def test_a_mean_adds_shares_in_eight_lanes(count: int) -> None:
    values, share = some(2, count), fp16_constant(np.float32(1) / np.float32(count))
    out = np.empty(2)

    mean_rows(values, share, out)

    for row, mean in zip(values.tolist(), out, strict=True):
        assert mean == mean_of(row, share)
        assert abs(mean - np.mean(row)) < 2e-3


def test_the_rest_of_a_mean_is_a_fused_step_with_the_reciprocal() -> None:
    """A division rounded before the addition gives the adjacent value; compiled ARM code gives this one."""
    values, out = np.array([[-7.51171875, *[0.0] * 7, 7.51171875]]), np.empty(1)

    mean_rows(values, fp16_constant(np.float32(1) / np.float32(9)), out)

    assert out[0] == 0.0001627206802368164


def mean_of(row: list[float], share: float) -> float:
    blocks, eights = len(row) // 32, len(row) // 8
    lanes = [0.0] * 8
    for block in range(blocks):
        a, b, c, d = (row[32 * block + 8 * part : 32 * block + 8 * part + 8] for part in range(4))
        for one, two in ((a, c), (b, d)):
            lanes = [plus(s, times(plus(x, y), share)) for s, x, y in zip(lanes, one, two, strict=True)]
    for eight in range(4 * blocks, eights):
        part = row[8 * eight : 8 * eight + 8]
        lanes = [plus(s, times(x, share)) for s, x in zip(lanes, part, strict=True)]
    folded = [plus(lanes[i], lanes[i + 4]) for i in range(4)]
    mean = plus(plus(folded[0], folded[1]), plus(folded[2], folded[3]))
    reciprocal = Fraction(float(np.float32(1) / np.float32(len(row))))
    for rest in row[8 * eights :]:
        mean = fp16_constant(np.float32(float(Fraction(rest) * reciprocal + Fraction(mean))))
    return mean
