"""Map values to positions along an axis, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LEAST_SPAN = 1e-6  # in percent, milliseconds or megabytes; closer ticks would have equal labels

WIDTH, HEIGHT = 420, 300
"""Size of a canvas, as wide as a phone in portrait orientation."""


@dataclass(frozen=True)
class Tick:
    """A tick of an axis.

    Attributes:
        at: Position.
        label: Text next to it.
    """

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """A linear axis.

    Attributes:
        low: Value at ``start``.
        high: Value at ``end``.
        start: Position of ``low``, in canvas units.
        end: Position of ``high``.
        ticks: Round values between the two, ascending.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Position of a value, rounded to a hundredth of a canvas unit."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)


def scale_of(
    values: Sequence[float], start: float, end: float, *, from_zero: bool, most_ticks: int = 6
) -> Scale:
    """Choose a scale that contains all values, ends on ticks and has a positive length.

    Args:
        values: Values that must fit.
        start: Position of the low end.
        end: Position of the high end.
        from_zero: Whether it starts at zero.
        most_ticks: Approximate maximum number of ticks.
    """
    low, high = (0.0 if from_zero else min(values)), max(values)
    if high - low < _LEAST_SPAN:
        high, low = high + 1, (0.0 if from_zero else low - 1)
    step = _step((high - low) / most_ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(number * step, 9) for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], start, end, ticks)


def _step(least: float) -> float:
    """Find the smallest round number that is not less than ``least``."""
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(step * magnitude for step in _STEPS if step * magnitude >= least * (1 - 1e-9))
