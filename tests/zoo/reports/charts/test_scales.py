"""An axis contains every value and has round ticks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zoo.reports.charts.scales import scale_of

VALUES = st.lists(st.floats(0, 1e5, allow_nan=False), min_size=1, max_size=12)


@given(VALUES, st.booleans())
@example(values=[1e-09], from_zero=True)
def test_every_value_lies_on_the_axis_between_its_ends(values: list[float], from_zero: bool) -> None:
    scale = scale_of(values, 10, 110, from_zero=from_zero)

    assert all(10 - 1e-6 <= scale.at(value) <= 110 + 1e-6 for value in values)
    assert scale.ticks == tuple(sorted(set(scale.ticks)))
    assert (scale.at(scale.ticks[0]), scale.at(scale.ticks[-1])) == (10, 110)
    assert 2 <= len(scale.ticks) <= 9
    steps = [second - first for first, second in pairwise(scale.ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-3)


def test_an_axis_that_starts_at_zero_says_so() -> None:
    assert scale_of([4.4, 104.0], 0, 100, from_zero=True).ticks == (0, 20, 40, 60, 80, 100, 120)
    assert scale_of([48.5, 64.3], 0, 100, from_zero=False).ticks == (45, 50, 55, 60, 65)


def test_an_axis_may_run_upwards() -> None:
    scale = scale_of([0, 10], 100, 0, from_zero=True)

    assert scale.at(10) < scale.at(0)
