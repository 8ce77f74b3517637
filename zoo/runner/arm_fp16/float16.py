"""What flows through a half-precision network: halves in float64, singles in float32, integers."""

from __future__ import annotations

import numpy as np

from zoo._utils.arrays import Array, Doubles

HALF = np.dtype(np.float64)
"""Element type of tensors of halves; see :mod:`zoo.runner.arm_fp16.kernels`."""

SINGLE = np.dtype(np.float32)


def halves(values: Array | float) -> Doubles:
    """Rounds to the nearest half, ties to even.

    Args:
        values: Numbers of any precision.

    Returns:
        Float64 of the same shape.
    """
    return np.asarray(values).astype(np.float16).astype(np.float64)


def half(value: float | np.float32) -> float:
    """Rounds a number that Paddle-Lite keeps in single precision."""
    return float(np.float16(np.float32(value)))
