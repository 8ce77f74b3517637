"""Types in ARM FP16 emulation: FP16 values stored as float64, FP32 as float32, and integers."""

from __future__ import annotations

import numpy as np

from zoo._utils.arrays import Array, Doubles

FP16 = np.dtype(np.float64)
"""Storage type of FP16 tensors; see :mod:`zoo.runner.arm_fp16.kernels`."""

FP32 = np.dtype(np.float32)


def round_to_fp16(values: Array | float) -> Doubles:
    """Round to the nearest FP16 value, ties to even.

    Args:
        values: Numbers of any precision.

    Returns:
        FP16 values stored as float64, of the same shape.
    """
    return np.asarray(values).astype(np.float16).astype(np.float64)


def fp16_constant(value: float | np.float32) -> float:
    """Round a constant that Paddle-Lite stores in single precision."""
    return float(np.float16(np.float32(value)))
