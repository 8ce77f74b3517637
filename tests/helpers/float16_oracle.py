"""FP16 arithmetic from its definition, with exact fractions: a slow and simple reference."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

FINITE = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)
"""All finite FP16 values from 0 up, in order; the index of a value is its bit pattern."""

HALVES = st.floats(width=16, allow_nan=False, allow_infinity=False)
SMALL = st.floats(-8, 8, width=16)
MIDDLE = Fraction(65520)  # midpoint between the largest FP16 value and the one that would follow


def nearest(exact: Fraction) -> float:
    """Round to the nearest FP16 value, ties to the even bit pattern."""
    size = abs(exact)
    sign = -1.0 if exact < 0 else 1.0
    if size >= MIDDLE:
        return sign * np.inf
    above = int(np.searchsorted(FINITE, float(size)))
    near = [number for number in range(above - 2, above + 2) if 0 <= number < len(FINITE)]
    return sign * float(FINITE[min(near, key=lambda n: (abs(Fraction(FINITE[n]) - size), n % 2))])


def fused(a: float, b: float, c: float) -> float:
    """``a * b + c``, rounded once."""
    return nearest(Fraction(a) * Fraction(b) + Fraction(c))


def plus(a: float, b: float) -> float:
    """``a + b``, rounded."""
    return nearest(Fraction(a) + Fraction(b))


def times(a: float, b: float) -> float:
    """``a * b``, rounded."""
    return nearest(Fraction(a) * Fraction(b))
